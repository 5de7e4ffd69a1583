import Base
import Glibc
import SystemIO

/// A file's bytes in blocks: what reads see, and what would be left after power loss.
final class SimulatedFile: DiskFile, @unchecked Sendable {
    // One thread runs a simulation.
    struct Pending {
        var block: Int
        var bytes: [UInt8]
    }
    unowned let disk: SimulatedDisk
    let descriptor: Int32
    /// Its present name.
    var path: String
    var blocks: [Int: [UInt8]] = [:]
    var bytes = 0
    var durableBlocks: [Int: [UInt8]] = [:]
    var durableBytes = 0
    var pending: [Pending] = []
    private static let zeros = [UInt8](repeating: 0, count: blockBytes)

    convenience init(disk: SimulatedDisk, path: String) {
        self.init(disk: disk, path: path, descriptor: disk.machine.nextDescriptor)
        disk.machine.nextDescriptor += 1
        disk.machine.files[descriptor] = self
    }

    private init(disk: SimulatedDisk, path: String, descriptor: Int32) {
        self.disk = disk
        self.path = path
        self.descriptor = descriptor
    }

    /// The same bytes, durable or not, under the same descriptor.
    func copy() -> SimulatedFile {
        let copy = SimulatedFile(disk: disk, path: path, descriptor: descriptor)
        (copy.blocks, copy.bytes, copy.pending) = (blocks, bytes, pending)
        (copy.durableBlocks, copy.durableBytes) = (durableBlocks, durableBytes)
        return copy
    }

    /// What reads see.
    func hash(into hasher: inout Hasher) {
        hasher.combine(bytes)
        for (block, content) in blocks.sorted(by: { $0.key < $1.key }) {
            hasher.combine(block)
            content.withUnsafeBytes { hasher.combine(bytes: $0) }
        }
    }

    func size() throws(Failure) -> UInt64 {
        try disk.operate(.metadata)
        return UInt64(bytes)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) -> Int {
        try disk.operate(.read)
        return readNow(into: buffer, at: offset)
    }

    func readNow(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) -> Int {
        let count = max(0, min(buffer.count, bytes - Int(offset)))
        var done = 0
        while done < count {
            let position = Int(offset) + done
            let (block, within) = (position / blockBytes, position % blockBytes)
            let part = min(count - done, blockBytes - within)
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<(done + part)])
            if let content = blocks[block] {
                content.withUnsafeBytes { source in
                    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[within..<(within + part)]))
                }
            } else {
                target.initializeMemory(as: UInt8.self, repeating: 0)
            }
            done += part
        }
        return count
    }

    func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(Failure) {
        do throws(Failure) { try disk.operate(.write) } catch {
            // Stopped while it was written: any part of it may be there.
            if !disk.machine.isRunning, !disk.isDead { put(buffer, at: offset) }
            throw error
        }
        if Int(offset) + buffer.count > bytes, disk.isFullForAll {
            throw Failure(.exhausted, "full", errorNumber: ENOSPC)
        }
        writeNow(buffer, at: offset)
    }

    /// As the drive carries it out, which may be wrong.
    func writeNow(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) {
        switch disk.machine.faults?.fate(ofWriteTo: self, at: offset, bytes: buffer.count) ?? .written {
        case .written: put(buffer, at: offset)
        case .lost: bytes = max(bytes, Int(offset) + buffer.count)
        case .misdirected(let file, let other):
            bytes = max(bytes, Int(offset) + buffer.count)
            file.put(buffer, at: other)
        }
    }

    func put(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) {
        var done = 0
        while done < buffer.count {
            let position = Int(offset) + done
            let (block, within) = (position / blockBytes, position % blockBytes)
            let part = min(buffer.count - done, blockBytes - within)
            let source = UnsafeRawBufferPointer(rebasing: buffer[done..<(done + part)])
            var content = part == blockBytes ? Array(source) : blocks[block] ?? Self.zeros
            if part < blockBytes {
                content.withUnsafeMutableBytes {
                    UnsafeMutableRawBufferPointer(rebasing: $0[within..<(within + part)]).copyMemory(from: source)
                }
            }
            pending.append(Pending(block: block, bytes: content))
            blocks[block] = content
            done += part
        }
        bytes = max(bytes, Int(offset) + buffer.count)
    }

    /// Immediately durable: used on files that have no name yet.
    func truncate(to bytes: UInt64) throws(Failure) {
        try disk.operate(.metadata)
        self.bytes = Int(bytes)
        blocks = blocks.filter { $0.key * blockBytes < Int(bytes) }
        pending = []
        durableBlocks = blocks
        durableBytes = self.bytes
    }

    func synchronize() throws(Failure) {
        try disk.operate(.synchronize)
        synchronizeNow()
    }

    func synchronizeNow() {
        for write in pending { durableBlocks[write.block] = write.bytes }
        pending = []
        durableBytes = bytes
    }

    /// Each unsynced block is there, is not, or is torn at a sector; what was there last of it may be any of its writes.
    func resolvePowerLoss(_ mode: CrashMode) {
        for write in pending {
            let isKept =
                switch mode {
                case .processKilled, .powerLostAllKept: true
                case .powerLostAllLost: false
                case .powerLostMixed: disk.machine.chance(1, in: 2)
                }
            guard isKept else { continue }
            if mode == .powerLostMixed, disk.machine.chance(1, in: 8) {
                let torn = disk.machine.pick(8) * 512
                durableBlocks[write.block, default: Self.zeros].replaceSubrange(0..<torn, with: write.bytes[0..<torn])
            } else {
                durableBlocks[write.block] = write.bytes
            }
            durableBytes = max(durableBytes, min(bytes, (write.block + 1) * blockBytes))
        }
        pending = []
        blocks = durableBlocks
        bytes = durableBytes
    }

    /// Damages one stored byte; false where nothing is stored.
    func rot() -> Bool {
        let stored = blocks.keys.sorted()
        guard !stored.isEmpty else { return false }
        rot(block: stored[disk.machine.pick(stored.count)])
        return true
    }

    func rot(block: Int) {
        blocks[block]?[disk.machine.pick(blockBytes)] ^= 0x40
        durableBlocks[block] = blocks[block]
        pending.removeAll { $0.block == block }
    }
}
