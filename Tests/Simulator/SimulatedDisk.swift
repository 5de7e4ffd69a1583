import Base
import Glibc
import SegmentStore
import SystemIO

/// A mountpath in memory. Changes of names are ordered, as on a journalling filesystem: power loss keeps a beginning of those that no
/// sync of a directory has made durable. Bytes of files are durable by the file's own sync only.
package final class SimulatedDisk: Disk, @unchecked Sendable {
    // One thread runs a simulation.
    enum NameChange {
        case add(String, SimulatedFile)
        case rename(String, String)
        case remove(String)
        case makeDirectory(String)
        case removeDirectory(String)
    }
    /// What a disk held at some moment.
    struct Image {
        fileprivate var files: [(path: String, bytes: Int, blocks: [Int: [UInt8]])]
        fileprivate var directories: Set<String>
        /// When it was taken, in I/O of the machine.
        var operationCount: Int
    }
    let machine: SimulatedMachine
    /// Its place among the mountpaths; below 0 for the state directory, which is trusted.
    let index: Int
    /// Everything fails from now on: the drive is broken, or taken away.
    var isDead = false
    /// Slices find no room.
    var isFull = false
    /// Files do not grow either.
    var isFullForAll = false
    private(set) var names: [String: SimulatedFile] = [:]
    private var directories: Set<String> = ["."]
    private var durableNames: [String: SimulatedFile] = [:]
    private var durableDirectories: Set<String> = ["."]
    private var changes: [NameChange] = []
    private let totalBytes: UInt64

    package init(machine: SimulatedMachine, index: Int, totalBytes: UInt64) {
        self.machine = machine
        self.index = index
        self.totalBytes = totalBytes
    }

    func operate(_ operation: DiskOperation) throws(Failure) {
        try machine.operate()
        // Some say so in other words.
        if isDead { throw Failure(errno: index.isMultiple(of: 2) ? EIO : ENODEV, "drive is dead") }
        if index >= 0, machine.faults?.fails(operation, on: self) == true {
            throw Failure(.unavailable, "I/O error", errorNumber: EIO)
        }
    }

    /// What needs a descriptor of the process.
    private func operateOpening() throws(Failure) {
        try operate(.metadata)
        if index >= 0, machine.faults?.isShortOfDescriptors() == true {
            throw Failure(errno: EMFILE, "too few descriptors")
        }
    }

    // MARK: Crashes and faults

    func resolve(_ mode: CrashMode) {
        if mode != .processKilled {
            let kept =
                switch mode {
                case .processKilled, .powerLostAllKept: changes.count
                case .powerLostAllLost: 0
                case .powerLostMixed: machine.pick(changes.count + 1)
                }
            for change in changes.prefix(kept) { Self.apply(change, &durableNames, &durableDirectories) }
            changes = []
            names = durableNames
            directories = durableDirectories
            // A fixed order, so that chance repeats.
            for name in names.keys.sorted() { names[name]?.resolvePowerLoss(mode) }
        }
        for (name, file) in names {
            file.path = name
            machine.files[file.descriptor] = file
        }
    }

    func image() -> Image {
        Image(
            files: names.keys.sorted().compactMap { name in names[name].map { (name, $0.bytes, $0.blocks) } },
            directories: directories, operationCount: machine.operationCount)
    }

    /// The disk is as it was then; what is open of it is no more.
    func restore(_ image: Image) {
        names = [:]
        for file in image.files {
            let restored = SimulatedFile(disk: self, path: file.path)
            restored.bytes = file.bytes
            restored.durableBytes = file.bytes
            restored.blocks = file.blocks
            restored.durableBlocks = file.blocks
            names[file.path] = restored
        }
        directories = image.directories
        durableNames = names
        durableDirectories = directories
        changes = []
    }

    /// A file's bytes as they are; empty where there is none.
    func content(_ path: String) -> [UInt8] {
        guard let file = names[path] else { return [] }
        var bytes = [UInt8](repeating: 0, count: file.bytes)
        _ = bytes.withUnsafeMutableBytes { file.readNow(into: $0, at: 0) }
        return bytes
    }

    /// Whether a slice of the segment is here.
    func holds(_ segment: UInt32) -> Bool {
        names.keys.contains { StoredObject(path: $0) == .segment(segment) }
    }

    /// Of what is no slice.
    var otherBytes: UInt64 {
        names.reduce(0) {
            $1.key.contains("/%sg/") || $1.key.hasPrefix(".ashlar/free/") ? $0 : $0 + UInt64($1.value.bytes)
        }
    }

    /// What takes its room, for a message.
    var usage: String {
        let slices = names.keys.count { $0.contains("/%sg/") }
        let recycled = names.keys.count { $0.hasPrefix(".ashlar/free/") }
        let bytes = names.values.reduce(0) { $0 + $1.bytes }
        return "\(isDead ? "dead, " : "")\(slices) slices, \(recycled) to use again, \(bytes) of \(totalBytes) bytes"
    }

    /// Headers of records in slices, and where they lie.
    func recordHeaders() -> [(path: String, block: Int, header: RecordHeader)] {
        names.keys.filter { $0.contains("/%sg/") }.sorted().flatMap { path in
            (names[path]?.blocks ?? [:]).sorted { $0.key < $1.key }.compactMap { block, bytes in
                bytes.withUnsafeBytes { $0.baseAddress.flatMap { RecordHeader(page: $0) } }.map { (path, block, $0) }
            }
        }
    }

    // MARK: Everything, for cases that begin alike

    /// A disk with what is not durable on it.
    struct State {
        fileprivate var names: [String: SimulatedFile]
        fileprivate var directories: Set<String>
        fileprivate var durableNames: [String: SimulatedFile]
        fileprivate var durableDirectories: Set<String>
        fileprivate var changes: [NameChange]

        /// Files of its own, which nobody else writes to.
        func copy() -> State {
            var copies: [ObjectIdentifier: SimulatedFile] = [:]
            func copy(_ file: SimulatedFile) -> SimulatedFile {
                if let made = copies[ObjectIdentifier(file)] { return made }
                let made = file.copy()
                copies[ObjectIdentifier(file)] = made
                return made
            }
            return State(
                names: names.mapValues(copy), directories: directories, durableNames: durableNames.mapValues(copy),
                durableDirectories: durableDirectories,
                changes: changes.map { change in
                    if case .add(let name, let file) = change { .add(name, copy(file)) } else { change }
                })
        }
    }

    var state: State {
        get {
            State(
                names: names, directories: directories, durableNames: durableNames,
                durableDirectories: durableDirectories, changes: changes
            ).copy()
        }
        set {
            let state = newValue.copy()
            names = state.names
            directories = state.directories
            durableNames = state.durableNames
            durableDirectories = state.durableDirectories
            changes = state.changes
        }
    }

    /// The file that had this descriptor, in a state that was put back.
    func file(_ descriptor: Int32) -> SimulatedFile? { names.values.first { $0.descriptor == descriptor } }

    /// What is seen on the disk.
    func hash(into hasher: inout Hasher) {
        hasher.combine(directories)
        for (path, file) in names.sorted(by: { $0.key < $1.key }) {
            hasher.combine(path)
            file.hash(into: &hasher)
        }
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
        if case .rename(_, let name) = change { names[name]?.path = name }
        changes.append(change)
    }

    private func makeNamesDurable() {
        for change in changes { Self.apply(change, &durableNames, &durableDirectories) }
        changes = []
    }

    private func needRoom() throws(Failure) {
        if isFullForAll { throw Failure(.exhausted, "full", errorNumber: ENOSPC) }
    }

    // MARK: Disk

    package func createDirectories(_ path: String) throws(Failure) {
        try operate(.metadata)
        var made = ""
        for part in path.split(separator: "/") {
            made += made.isEmpty ? String(part) : "/\(part)"
            if !directories.contains(made) {
                try needRoom()
                change(.makeDirectory(made))
            }
        }
        makeNamesDurable()
    }

    package func list(_ path: String) throws(Failure) -> [String] {
        try operateOpening()
        guard directories.contains(path) else { throw Failure(.notFound, "no directory \(path)") }
        let prefix = path == "." ? "" : path + "/"
        return (Array(names.keys) + Array(directories))
            .filter {
                $0 != "." && $0.hasPrefix(prefix) && !$0.dropFirst(prefix.count).contains("/")
                    && $0.count > prefix.count
            }
            .map { String($0.dropFirst(prefix.count)) }.sorted()
    }

    package func exists(_ path: String) throws(Failure) -> Bool {
        try operate(.metadata)
        return names[path] != nil || directories.contains(path)
    }

    package func readFile(_ path: String, bytesMax: Int) throws(Failure) -> [UInt8] {
        try operate(.read)
        guard let file = names[path] else { throw Failure(.notFound, "no file \(path)") }
        var bytes = [UInt8](repeating: 0, count: file.bytes)
        _ = bytes.withUnsafeMutableBytes { file.readNow(into: $0, at: 0) }
        return bytes
    }

    package func replaceFile(_ path: String, with bytes: [UInt8]) throws(Failure) {
        try operate(.metadata)
        try needRoom()
        let file = SimulatedFile(disk: self, path: path + ".tmp")
        change(.add(path + ".tmp", file))
        try operate(.write)
        bytes.withUnsafeBytes { file.put($0, at: 0) }
        try operate(.synchronize)
        file.synchronizeNow()
        try operate(.metadata)
        change(.rename(path + ".tmp", path))
        try operate(.synchronize)
        makeNamesDurable()
    }

    package func openSlice(_ path: String) throws(Failure) -> any DiskFile {
        try operateOpening()
        guard let file = names[path] else { throw Failure(.notFound, "no file \(path)") }
        machine.files[file.descriptor] = file
        return file
    }

    package func createSlice(_ path: String, bytes: UInt64) throws(Failure) -> any DiskFile {
        try operate(.metadata)
        guard names[path] == nil else { throw Failure(.conflict, "\(path) exists") }
        guard !isFull, !isFullForAll, try space().freeBytes >= bytes else {
            throw Failure(.exhausted, "full", errorNumber: ENOSPC)
        }
        let file = SimulatedFile(disk: self, path: path)
        file.bytes = Int(bytes)
        file.durableBytes = Int(bytes)
        change(.add(path, file))
        return file
    }

    package func openLog(_ path: String) throws(Failure) -> any DiskFile {
        try operateOpening()
        if let file = names[path] {
            machine.files[file.descriptor] = file
            return file
        }
        try needRoom()
        let file = SimulatedFile(disk: self, path: path)
        change(.add(path, file))
        return file
    }

    package func rename(_ from: String, to: String) throws(Failure) {
        try operate(.metadata)
        guard names[from] != nil else { throw Failure(.notFound, "no file \(from)") }
        change(.rename(from, to))
    }

    package func remove(_ path: String) throws(Failure) {
        try operate(.metadata)
        if names[path] != nil { change(.remove(path)) }
    }

    package func removeDirectory(_ path: String) throws(Failure) {
        try operate(.metadata)
        if directories.contains(path) { change(.removeDirectory(path)) }
    }

    package func synchronizeDirectory(_ path: String) throws(Failure) {
        try operate(.synchronize)
        makeNamesDurable()
    }

    package func space() throws(Failure) -> DiskSpace {
        let used = names.values.reduce(0) { $0 + UInt64($1.bytes) }
        return DiskSpace(totalBytes: totalBytes, freeBytes: totalBytes > used ? totalBytes - used : 0)
    }

    package func verifyPresence() throws(Failure) { try operate(.metadata) }
}
