import Base
import Glibc
import SystemIO

/// What all simulated disks share: chance, and the moment at which the machine loses power.
public final class SimulatedMachine: @unchecked Sendable {
    // One thread runs a simulation.
    public var random: SeededRandom
    /// Counts down at every operation; at zero the power is gone and everything fails.
    public var operationsUntilPowerLoss: Int?
    public private(set) var hasPower = true
    public private(set) var operationCount = 0
    var files: [Int32: SimulatedFile] = [:]
    var nextDescriptor: Int32 = 1000

    public init(seed: UInt64) { random = SeededRandom(seed: seed) }

    func operate() throws(Failure) {
        operationCount += 1
        if hasPower, let left = operationsUntilPowerLoss {
            operationsUntilPowerLoss = left - 1
            if left <= 0 { hasPower = false }
        }
        guard hasPower else { throw Failure(.unavailable, "power is gone", errorNumber: EIO) }
    }

    public func losePower() { hasPower = false }

    public func restorePower() {
        hasPower = true
        operationsUntilPowerLoss = nil
        files = [:]
    }

    func chance(_ one: Int, in of: Int) -> Bool { Int(random.next() % UInt64(of)) < one }
}

/// A file's bytes in blocks: what reads see, and what would be left after power loss.
final class SimulatedFile: DiskFile, @unchecked Sendable {
    // One thread runs a simulation.
    struct Pending {
        var block: Int
        var bytes: [UInt8]
    }
    let disk: SimulatedDisk
    let descriptor: Int32
    var blocks: [Int: [UInt8]] = [:]
    var bytes = 0
    var durableBlocks: [Int: [UInt8]] = [:]
    var durableBytes = 0
    var pending: [Pending] = []

    init(disk: SimulatedDisk) {
        self.disk = disk
        descriptor = disk.machine.nextDescriptor
        disk.machine.nextDescriptor += 1
        disk.machine.files[descriptor] = self
    }

    func size() throws(Failure) -> UInt64 {
        try disk.operate()
        return UInt64(bytes)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) -> Int {
        try disk.operate()
        return readNow(into: buffer, at: offset)
    }

    func readNow(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) -> Int {
        let count = max(0, min(buffer.count, bytes - Int(offset)))
        var done = 0
        while done < count {
            let position = Int(offset) + done
            let (block, within) = (position / blockBytes, position % blockBytes)
            let part = min(count - done, blockBytes - within)
            if let content = blocks[block] {
                content.withUnsafeBytes { source in
                    UnsafeMutableRawBufferPointer(rebasing: buffer[done..<(done + part)])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[within..<(within + part)]))
                }
            } else {
                UnsafeMutableRawBufferPointer(rebasing: buffer[done..<(done + part)]).initializeMemory(
                    as: UInt8.self, repeating: 0)
            }
            done += part
        }
        return count
    }

    func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(Failure) {
        do throws(Failure) { try disk.operate() } catch {
            // The power went while it was written: any part of it may be there.
            if !disk.machine.hasPower, !disk.isDead { writeNow(buffer, at: offset) }
            throw error
        }
        writeNow(buffer, at: offset)
    }

    func writeNow(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) {
        var done = 0
        while done < buffer.count {
            let position = Int(offset) + done
            let (block, within) = (position / blockBytes, position % blockBytes)
            let part = min(buffer.count - done, blockBytes - within)
            var content = blocks[block] ?? [UInt8](repeating: 0, count: blockBytes)
            content.replaceSubrange(within..<(within + part), with: buffer[done..<(done + part)])
            blocks[block] = content
            pending.append(Pending(block: block, bytes: content))
            done += part
        }
        bytes = max(bytes, Int(offset) + buffer.count)
    }

    func truncate(to bytes: UInt64) throws(Failure) {
        try disk.operate()
        self.bytes = Int(bytes)
        blocks = blocks.filter { $0.key * blockBytes < Int(bytes) }
        pending = []
        durableBlocks = blocks
        durableBytes = self.bytes
    }

    func synchronize() throws(Failure) {
        try disk.operate()
        synchronizeNow()
    }

    func synchronizeNow() {
        for write in pending { durableBlocks[write.block] = write.bytes }
        pending = []
        durableBytes = bytes
    }

    /// Each unsynced block is there, is not, or is torn at a sector; what was there last of it may be any of its writes.
    func resolvePowerLoss(_ mode: PowerLossMode) {
        for write in pending {
            let keeps: Bool
            switch mode {
            case .keepAll: keeps = true
            case .loseAll: keeps = false
            case .mixed: keeps = disk.machine.chance(1, in: 2)
            }
            guard keeps else { continue }
            if mode == .mixed, disk.machine.chance(1, in: 8) {
                let sectors = Int(disk.machine.random.next() % 8)
                var torn = durableBlocks[write.block] ?? [UInt8](repeating: 0, count: blockBytes)
                torn.replaceSubrange(0..<(sectors * 512), with: write.bytes[0..<(sectors * 512)])
                durableBlocks[write.block] = torn
            } else {
                durableBlocks[write.block] = write.bytes
            }
            durableBytes = max(durableBytes, min(bytes, (write.block + 1) * blockBytes))
        }
        pending = []
        blocks = durableBlocks
        bytes = durableBytes
    }
}

public enum PowerLossMode: CaseIterable, Sendable {
    case keepAll, loseAll, mixed
}

/// A mountpath in memory. Changes of names are ordered, as on a journalling filesystem: power loss keeps a beginning of those that no
/// sync of a directory has made durable. Bytes of files are durable by the file's own sync only.
public final class SimulatedDisk: Disk, @unchecked Sendable {
    // One thread runs a simulation.
    enum NameChange {
        case add(String, SimulatedFile)
        case rename(String, String)
        case remove(String)
        case makeDirectory(String)
        case removeDirectory(String)
    }
    let machine: SimulatedMachine
    /// Everything fails from now on: the drive is broken, or taken away.
    public var isDead = false
    private var names: [String: SimulatedFile] = [:]
    private var directories: Set<String> = ["."]
    private var durableNames: [String: SimulatedFile] = [:]
    private var durableDirectories: Set<String> = ["."]
    private var changes: [NameChange] = []
    private let totalBytes: UInt64

    public init(machine: SimulatedMachine, totalBytes: UInt64) {
        self.machine = machine
        self.totalBytes = totalBytes
    }

    func operate() throws(Failure) {
        try machine.operate()
        if isDead { throw Failure(.unavailable, "drive is dead", errorNumber: EIO) }
    }

    public func resolvePowerLoss(_ mode: PowerLossMode) {
        let kept =
            mode == .keepAll
            ? changes.count : mode == .loseAll ? 0 : Int(machine.random.next() % UInt64(changes.count + 1))
        for change in changes.prefix(kept) { Self.apply(change, &durableNames, &durableDirectories) }
        changes = []
        names = durableNames
        directories = durableDirectories
        // A fixed order, so that chance repeats.
        for name in names.keys.sorted() { names[name]?.resolvePowerLoss(mode) }
        for file in names.values { machine.files[file.descriptor] = file }
    }

    /// Damages one stored byte of a slice; false where there is none.
    public func rot() -> Bool {
        let slices = names.keys.filter { $0.contains("/%sg/") }.sorted()
        guard !slices.isEmpty, let file = names[slices[Int(machine.random.next() % UInt64(slices.count))]] else {
            return false
        }
        let stored = file.blocks.keys.filter { $0 > 0 }.sorted()
        guard !stored.isEmpty else { return false }
        let block = stored[Int(machine.random.next() % UInt64(stored.count))]
        let byte = Int(machine.random.next() % UInt64(blockBytes))
        file.blocks[block]?[byte] ^= 0x40
        file.durableBlocks[block] = file.blocks[block]
        return true
    }

    private static func apply(
        _ change: NameChange, _ names: inout [String: SimulatedFile], _ directories: inout Set<String>
    ) {
        switch change {
        case .add(let name, let file): names[name] = file
        case .rename(let from, let to): names[to] = names.removeValue(forKey: from)
        case .remove(let name): names[name] = nil
        case .makeDirectory(let name): directories.insert(name)
        case .removeDirectory(let name): directories.remove(name)
        }
    }

    private func change(_ change: NameChange) {
        Self.apply(change, &names, &directories)
        changes.append(change)
    }

    public func createDirectories(_ path: String) throws(Failure) {
        try operate()
        var made = ""
        for part in path.split(separator: "/") {
            made += made.isEmpty ? String(part) : "/\(part)"
            if !directories.contains(made) { change(.makeDirectory(made)) }
        }
        makeNamesDurable()
    }

    public func list(_ path: String) throws(Failure) -> [String] {
        try operate()
        guard directories.contains(path) else { throw Failure(.notFound, "no directory \(path)") }
        let prefix = path == "." ? "" : path + "/"
        return (Array(names.keys) + Array(directories))
            .filter {
                $0 != "." && $0.hasPrefix(prefix) && !$0.dropFirst(prefix.count).contains("/")
                    && $0.count > prefix.count
            }
            .map { String($0.dropFirst(prefix.count)) }.sorted()
    }

    public func exists(_ path: String) throws(Failure) -> Bool {
        try operate()
        return names[path] != nil || directories.contains(path)
    }

    public func readFile(_ path: String, bytesMax: Int) throws(Failure) -> [UInt8] {
        try operate()
        guard let file = names[path] else { throw Failure(.notFound, "no file \(path)") }
        var bytes = [UInt8](repeating: 0, count: file.bytes)
        _ = bytes.withUnsafeMutableBytes { file.readNow(into: $0, at: 0) }
        return bytes
    }

    public func replaceFile(_ path: String, with bytes: [UInt8]) throws(Failure) {
        let file = SimulatedFile(disk: self)
        try operate()
        change(.add(path + ".tmp", file))
        try operate()
        bytes.withUnsafeBytes { file.writeNow($0, at: 0) }
        try operate()
        file.synchronizeNow()
        try operate()
        change(.rename(path + ".tmp", path))
        try operate()
        makeNamesDurable()
    }

    public func openSlice(_ path: String) throws(Failure) -> any DiskFile {
        try operate()
        guard let file = names[path] else { throw Failure(.notFound, "no file \(path)") }
        machine.files[file.descriptor] = file
        return file
    }

    public func createSlice(_ path: String, bytes: UInt64) throws(Failure) -> any DiskFile {
        try operate()
        guard names[path] == nil else { throw Failure(.conflict, "\(path) exists") }
        guard try space().freeBytes >= bytes else { throw Failure(.exhausted, "full", errorNumber: ENOSPC) }
        let file = SimulatedFile(disk: self)
        file.bytes = Int(bytes)
        file.durableBytes = Int(bytes)
        change(.add(path, file))
        return file
    }

    public func openLog(_ path: String) throws(Failure) -> any DiskFile {
        try operate()
        if let file = names[path] { return file }
        let file = SimulatedFile(disk: self)
        change(.add(path, file))
        return file
    }

    public func rename(_ from: String, to: String) throws(Failure) {
        try operate()
        guard names[from] != nil else { throw Failure(.notFound, "no file \(from)") }
        change(.rename(from, to))
    }

    public func remove(_ path: String) throws(Failure) {
        try operate()
        if names[path] != nil { change(.remove(path)) }
    }

    public func removeDirectory(_ path: String) throws(Failure) {
        try operate()
        if directories.contains(path) { change(.removeDirectory(path)) }
    }

    public func synchronizeDirectory(_ path: String) throws(Failure) {
        try operate()
        makeNamesDurable()
    }

    private func makeNamesDurable() {
        for change in changes { Self.apply(change, &durableNames, &durableDirectories) }
        changes = []
    }

    public func space() throws(Failure) -> DiskSpace {
        let used = names.values.reduce(0) { $0 + UInt64($1.bytes) }
        return DiskSpace(totalBytes: totalBytes, freeBytes: totalBytes > used ? totalBytes - used : 0)
    }

    public func verifyPresence() throws(Failure) { try operate() }
}
