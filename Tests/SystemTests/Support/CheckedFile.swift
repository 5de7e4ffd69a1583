import Base
import CLinux
import Glibc
import Synchronization
import SystemIO

/// A file or raw device in which every 4 KiB block says what it is: a writer of random blocks that remembers what was
/// flushed, and a check that knows for every block which versions it may hold.
///
/// A block may hold any version from the last flushed one to the last one whose write began, whole and nothing else. Where writes keep
/// their order, those that are there are a beginning of those that were answered. What a check has found after a restart counts as
/// flushed from then on: recovery has made it durable.
final class CheckedFile: Sendable {
    private struct State {
        var flushed: [UInt32]
        var begun: [UInt32]
        /// Since the last flush, in order.
        var writes: [(first: Int, count: Int, version: UInt32)] = []
        var nextVersion: UInt32 = 1
        var random: SeededRandom
        var flushCount = 0
        var writeCount = 0
    }

    enum Problem: Error, CustomStringConvertible {
        /// The system call refused: nothing about the content is known.
        case errorNumber(Int32, String)
        /// Bytes that must not be there.
        case wrong(String)

        var description: String {
            switch self {
            case .errorNumber(let number, let call): "\(call): \(String(cString: strerror(number)))"
            case .wrong(let text): text
            }
        }

        var errorNumber: Int32? { if case .errorNumber(let number, _) = self { number } else { nil } }
    }

    private static let requestBlocksMax = 16
    private static let magic: UInt64 = 0x4B43_4F4C_4253_5953

    let path: String
    let blockCount: Int
    private let seed: UInt64
    /// Of a raw volume; a filesystem may reorder what was not flushed.
    private let isOrdered: Bool
    private let state: Mutex<State>

    init(path: String, blockCount: Int, seed: UInt64, isOrdered: Bool = false) {
        self.path = path
        self.isOrdered = isOrdered
        self.blockCount = blockCount
        self.seed = seed
        state = Mutex(
            State(
                flushed: Array(repeating: 0, count: blockCount), begun: Array(repeating: 0, count: blockCount),
                random: SeededRandom(seed: seed)))
    }

    var flushCount: Int { state.withLock { $0.flushCount } }
    var writeCount: Int { state.withLock { $0.writeCount } }

    private func open(_ path: String) throws(Problem) -> FileDescriptor {
        let number = Glibc.open(path, O_RDWR | O_CREAT | ashlar_o_direct() | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw .errorNumber(errno, "open \(path)") }
        return FileDescriptor(owning: number)
    }

    // MARK: Writing

    /// Writes and flushes until `stop`. Throws the first error of a system call.
    func write(until stop: @Sendable () -> Bool) throws(Problem) {
        let file = try open(path)
        while !stop() { try writeAndFlush(file) }
    }

    func write(flushes count: Int) throws(Problem) {
        let file = try open(path)
        for _ in 0..<count { try writeAndFlush(file) }
    }

    private func writeAndFlush(_ file: FileDescriptor) throws(Problem) {
        let writes = state.withLock { Int.random(in: 1...24, using: &$0.random) }
        for _ in 0..<writes { try writeSome(file) }
        let begun = state.withLock { $0.begun }
        guard fdatasync(file.number) == 0 else { throw .errorNumber(errno, "fdatasync \(path)") }
        state.withLock { state in
            state.flushed = begun
            state.writes = []
            state.flushCount += 1
        }
    }

    /// Without a flush, so that only an orderly end keeps it.
    func writeUnflushed(_ count: Int) throws(Problem) {
        let file = try open(path)
        for _ in 0..<count { try writeSome(file) }
    }

    /// From here on everything that was answered must be there.
    func expectEverything() { state.withLock { $0.flushed = $0.begun } }

    private func writeSome(_ file: FileDescriptor) throws(Problem) {
        let (first, count, versions) = state.withLock { state in
            let count = Int.random(in: 1...Self.requestBlocksMax, using: &state.random)
            let first = Int.random(in: 0...(blockCount - count), using: &state.random)
            let version = state.nextVersion
            state.nextVersion += 1
            state.writeCount += 1
            for block in first..<(first + count) { state.begun[block] = version }
            state.writes.append((first, count, version))
            return (first, count, version)
        }
        let buffer = AlignedBuffer(bytes: count * blockBytes)
        for index in 0..<count { fill(buffer.base + index * blockBytes, block: first + index, version: versions) }
        let written = pwrite(file.number, buffer.base, count * blockBytes, off_t(first * blockBytes))
        guard written == count * blockBytes else {
            throw .errorNumber(written < 0 ? errno : EIO, "pwrite \(path)")
        }
    }

    private func fill(_ base: UnsafeMutableRawPointer, block: Int, version: UInt32) {
        var words = SeededRandom(seed: seed ^ UInt64(block) << 32 ^ UInt64(version))
        let (start, step) = (words.next(), words.next() | 1)
        let target = base.bindMemory(to: UInt64.self, capacity: blockBytes / 8)
        target[0] = Self.magic
        target[1] = seed
        target[2] = UInt64(block)
        target[3] = UInt64(version)
        for index in 4..<(blockBytes / 8) { target[index] = start &+ step &* UInt64(index) }
    }

    // MARK: Checking

    /// Reads everything, through `other` where the content is visible there too. `wrong` for a block that holds what it must not; blocks that answer an error are skipped where
    /// `toleratingErrors`, and their number is returned.
    @discardableResult
    func check(at other: String? = nil, toleratingErrors: Bool = false) throws(Problem) -> Int {
        let (observed, unreadable) = try observe(other ?? path, toleratingErrors: toleratingErrors)
        try compare(observed)
        return unreadable
    }

    /// What a copy of a moment may hold: of each block a version from `low` to `high`.
    struct Bounds: Sendable {
        var low: [UInt32]
        var high: [UInt32]
    }

    /// Of a copy taken now, while nobody writes or at the beginning of the call; `widen` when the call has ended.
    func bounds() -> Bounds { state.withLock { Bounds(low: $0.flushed, high: $0.begun) } }

    func widen(_ bounds: inout Bounds) { bounds.high = state.withLock { $0.begun } }

    /// Reads a copy; from then on it may hold nothing but what was found.
    func checkCopy(at copy: String, _ bounds: inout Bounds) throws(Problem) {
        let found = try observe(copy, toleratingErrors: false).observed.map { $0 ?? 0 }
        for (block, version) in found.enumerated()
        where version < bounds.low[block] || version > bounds.high[block] {
            throw .wrong(
                "copy \(copy): block \(block) holds version \(version), not \(bounds.low[block]) to \(bounds.high[block])"
            )
        }
        bounds = Bounds(low: found, high: found)
    }

    /// By block: its version, nil where it cannot be read.
    private func observe(
        _ path: String, toleratingErrors: Bool
    ) throws(Problem) -> (observed: [UInt32?], unreadable: Int) {
        let file = try open(path)
        let chunkBlocks = 64
        let buffer = AlignedBuffer(bytes: chunkBlocks * blockBytes)
        let expected = AlignedBuffer(bytes: blockBytes)
        var observed: [UInt32?] = []
        var unreadable = 0
        while observed.count < blockCount {
            let first = observed.count
            let count = min(chunkBlocks, blockCount - first)
            memset(buffer.base, 0, count * blockBytes)
            // Past the end of a file that is still short reads as nothing: blocks never written.
            let result = pread(file.number, buffer.base, count * blockBytes, off_t(first * blockBytes))
            if result < 0 {
                guard toleratingErrors, errno == EIO else { throw .errorNumber(errno, "pread \(path)") }
                unreadable += count
                observed += Array(repeating: nil, count: count)
                continue
            }
            for index in 0..<count {
                observed.append(try version(of: buffer.base + index * blockBytes, block: first + index, expected))
            }
        }
        return (observed, unreadable)
    }

    private func version(
        of base: UnsafeMutableRawPointer, block: Int, _ expected: AlignedBuffer
    ) throws(Problem) -> UInt32 {
        let words = base.assumingMemoryBound(to: UInt64.self)
        let version = UInt32(truncatingIfNeeded: words[3])
        if version == 0 {
            memset(expected.base, 0, blockBytes)
        } else {
            fill(expected.base, block: block, version: version)
        }
        guard memcmp(base, expected.base, blockBytes) == 0 else {
            throw .wrong(
                "\(path): block \(block) holds bytes that were never written there: magic \(String(words[0], radix: 16)), seed \(words[1]), block \(words[2]), version \(words[3])"
            )
        }
        return version
    }

    /// Nil: could not be read.
    private func compare(_ observed: [UInt32?]) throws(Problem) {
        let wrong: String? = state.withLock { state in
            for (block, version) in observed.enumerated() {
                guard let version else { continue }
                guard state.flushed[block] <= version, version <= state.begun[block] else {
                    return
                        "\(path): block \(block) holds version \(version); flushed was \(state.flushed[block]), begun \(state.begun[block])"
                }
                state.flushed[block] = version
                state.begun[block] = version
            }
            let missing = isOrdered ? missingWrite(state.writes, observed) : nil
            state.writes = []
            return missing
        }
        if let wrong { throw .wrong(wrong) }
    }

    /// What contradicts that the writes which are there are a beginning. The last of them may be there in part.
    private func missingWrite(
        _ writes: [(first: Int, count: Int, version: UInt32)], _ observed: [UInt32?]
    ) -> String? {
        let last = observed.reduce(0) { max($0, $1 ?? 0) }
        for write in writes where write.version < last {
            for block in write.first..<(write.first + write.count) {
                guard let version = observed[block], version < write.version else { continue }
                return
                    "\(path): version \(last) is there, but block \(block) holds \(version): version \(write.version), written before it, is lost"
            }
        }
        return nil
    }
}
