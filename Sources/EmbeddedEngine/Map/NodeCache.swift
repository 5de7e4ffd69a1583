import Base
import SystemIO

/// Nodes in memory, bounded: a fixed number of frames of 4 KiB, found by volume and slot, given up by second chance (the clock algorithm).
///
/// A dirty node is not on the drives; a frozen one is being written by a checkpoint and read by its thread, so both stay. The cache of an
/// event loop is shared by its volumes and confined to it; recovery has one of its own.
final class NodeCache {
    private struct Flags: OptionSet {
        let rawValue: UInt8
        static let used = Flags(rawValue: 1)
        static let dirty = Flags(rawValue: 2)
        static let frozen = Flags(rawValue: 4)
        static let recent = Flags(rawValue: 8)
        static let pinned = Flags(rawValue: 16)
        /// Freed while frozen: goes when the checkpoint has ended.
        static let doomed = Flags(rawValue: 32)
    }
    /// Frames that changes of one path need at once, with room to spare.
    static let framesMin = 64

    let capacity: Int
    private let memory: AlignedBuffer
    private let index: NumberTable
    private var keys: [UInt64]
    private var flags: [Flags]
    private var levels: [UInt8]
    private var hand = 0
    private(set) var dirtyCount = 0
    private var nextNumber: UInt32 = 0

    /// For `bytes` of nodes, at least `framesMin`.
    init(bytes: Int) {
        capacity = max(bytes / blockBytes, Self.framesMin)
        memory = AlignedBuffer(bytes: capacity * blockBytes, isHuge: true)
        index = NumberTable(capacity: capacity)
        keys = Array(repeating: 0, count: capacity)
        flags = Array(repeating: [], count: capacity)
        levels = Array(repeating: 0, count: capacity)
    }

    // MARK: Who uses it

    private var users: [UInt32: () -> Void] = [:]
    private var waiting: [() -> Void] = []

    /// `makeRoom` is called when somebody finds the cache full: it begins a checkpoint if the volume has dirty nodes.
    func register(_ number: UInt32, makeRoom: @escaping () -> Void) { users[number] = makeRoom }

    func unregister(_ number: UInt32) { users[number] = nil }

    /// Calls `body` when a checkpoint has ended.
    func whenRoom(_ body: @escaping () -> Void) {
        waiting.append(body)
        for number in users.keys.sorted() { users[number]?() }
    }

    var isAwaited: Bool { !waiting.isEmpty }

    func checkpointEnded() {
        let bodies = waiting
        waiting = []
        for body in bodies { body() }
    }

    // MARK: Frames

    /// A number for a volume whose nodes come in here. Never the same twice.
    func takeNumber() -> UInt32 {
        nextNumber += 1
        return nextNumber
    }

    static func key(_ number: UInt32, _ slot: UInt32) -> UInt64 { UInt64(number) << 32 | UInt64(slot) }

    /// So many dirty nodes that a checkpoint should begin.
    var isDirtyEnough: Bool { dirtyCount > capacity / 4 }

    /// Changes wait until a checkpoint has ended.
    var isFull: Bool { dirtyCount > capacity * 3 / 4 }

    func page(_ frame: Int) -> UnsafeMutableRawPointer { memory.base + frame * blockBytes }

    func frame(_ key: UInt64) -> Int? {
        guard let found = index.value(key) else { return nil }
        flags[Int(found)].insert(.recent)
        return Int(found)
    }

    /// A frame for a node that is not here, its bytes undefined. Nil while every frame must stay.
    func insert(_ key: UInt64, level: Int) -> Int? {
        for _ in 0..<(2 * capacity) {
            let frame = hand
            hand = hand + 1 == capacity ? 0 : hand + 1
            if flags[frame].isDisjoint(with: [.dirty, .frozen, .pinned]) {
                if flags[frame].contains(.recent) {
                    flags[frame].remove(.recent)
                    continue
                }
                if flags[frame].contains(.used) { index.remove(keys[frame], at: UInt64(frame)) }
                keys[frame] = key
                levels[frame] = UInt8(level)
                flags[frame] = [.used, .recent]
                index.set(key, UInt64(frame))
                return frame
            }
        }
        return nil
    }

    func level(_ frame: Int) -> Int { Int(levels[frame]) }
    func key(_ frame: Int) -> UInt64 { keys[frame] }
    func isDirty(_ frame: Int) -> Bool { flags[frame].contains(.dirty) }
    func isFrozen(_ frame: Int) -> Bool { flags[frame].contains(.frozen) }

    func pin(_ frame: Int) { flags[frame].insert(.pinned) }
    func unpin(_ frame: Int) { flags[frame].remove(.pinned) }

    /// True where it was clean before.
    @discardableResult
    func markDirty(_ frame: Int) -> Bool {
        guard !flags[frame].contains(.dirty) else { return false }
        flags[frame].insert(.dirty)
        dirtyCount += 1
        return true
    }

    func freeze(_ frame: Int) { flags[frame].insert(.frozen) }

    /// The checkpoint has ended; `isWritten`: it is on the drives.
    func thaw(_ frame: Int, isWritten: Bool) {
        flags[frame].remove(.frozen)
        if flags[frame].contains(.doomed) { return forget(frame) }
        if isWritten { clean(frame) }
    }

    func clean(_ frame: Int) {
        guard flags[frame].contains(.dirty) else { return }
        flags[frame].remove(.dirty)
        dirtyCount -= 1
    }

    /// The node is gone.
    func drop(_ key: UInt64) {
        guard let found = index.value(key) else { return }
        let frame = Int(found)
        if flags[frame].contains(.frozen) {
            flags[frame].insert(.doomed)
            index.remove(key, at: found)
        } else {
            index.remove(key, at: found)
            forget(frame)
        }
    }

    private func forget(_ frame: Int) {
        clean(frame)
        if index.value(keys[frame]) == UInt64(frame) { index.remove(keys[frame], at: UInt64(frame)) }
        flags[frame] = []
    }

    /// Gives up all clean nodes of a volume that is closed; none of its nodes may be dirty.
    func dropAll(_ number: UInt32) {
        for frame in 0..<capacity
        where flags[frame].contains(.used) && !flags[frame].contains(.doomed) && UInt32(keys[frame] >> 32) == number {
            index.remove(keys[frame], at: UInt64(frame))
            forget(frame)
        }
    }
}
