import Base
import BlockDevice
import SystemIO

/// A write or a discard that was answered and is not durable yet.
struct RingEntry {
    enum Kind: UInt8 {
        case data
        case discard
        /// Refused for want of space after it had its place: nothing.
        case void
        /// A change of epochs; the log knows which.
        case control
    }
    var kind: Kind
    /// First block in the volume.
    var block: UInt64
    var count: Int
    /// Where its data is, in blocks since the ring began; for a discard, where the next write's data would be.
    var position: UInt64
    /// Answered when the entry is admitted, or durable where the request forces unit access. Only on a request's last entry.
    var request: Unmanaged<BlockRequest>?
}

/// Unflushed writes, in the order in which they were answered, bounded. The shape is that of the tmpfs ring which it becomes: payloads lie
/// contiguous in one circular memory, entries beside it are a queue of fixed size.
///
/// Invariants: firstEntry ≤ durableEntry ≤ formedEntry ≤ admittedEntry ≤ endEntry, and all count from the ring's beginning. Up to durableEntry
/// entries are durable and wait for the map, [durableEntry, formedEntry) are in records under way, up to admittedEntry they may be drained, up to endEntry they wait for space. A payload is never split by the end
/// of the memory. Confined to the volume's loop.
final class WriteRing {
    /// The largest entry; longer requests become several.
    static let entryBlocksMax = 128
    static let requestBlocksMax = 256

    let memory: AlignedBuffer
    let blocks: Int
    private let entryCapacity: Int
    private let entries: UnsafeMutablePointer<RingEntry>
    private let checksums: UnsafeMutablePointer<UInt32>
    private(set) var firstEntry = 0
    private(set) var durableEntry = 0
    private(set) var formedEntry = 0
    private(set) var admittedEntry = 0
    private(set) var endEntry = 0
    private(set) var head: UInt64 = 0
    private(set) var tail: UInt64 = 0
    /// Data blocks that are admitted and in no record yet.
    private(set) var pendingBlocks = 0

    init(bytes: Int) {
        blocks = max(bytes / blockBytes, 4 * Self.requestBlocksMax)
        memory = AlignedBuffer(bytes: blocks * blockBytes, isHuge: true, isPresent: true)
        entryCapacity = blocks
        entries = .allocate(capacity: entryCapacity)
        checksums = .allocate(capacity: blocks)
        checksums.initialize(repeating: 0, count: blocks)
    }

    deinit {
        entries.deallocate()
        checksums.deallocate()
    }

    var usedBlocks: Int { Int(tail - head) }
    var pendingEntries: Int { admittedEntry - formedEntry }
    var isEmpty: Bool { firstEntry == endEntry }

    func address(_ position: UInt64) -> UnsafeMutableRawPointer {
        memory.base + Int(position % UInt64(blocks)) * blockBytes
    }

    func isContiguous(_ position: UInt64, _ count: Int) -> Bool { Int(position % UInt64(blocks)) + count <= blocks }

    func checksum(_ position: UInt64) -> UInt32 { checksums[Int(position % UInt64(blocks))] }

    func setChecksum(_ position: UInt64, _ value: UInt32) { checksums[Int(position % UInt64(blocks))] = value }

    subscript(_ index: Int) -> RingEntry {
        get { entries[index % entryCapacity] }
        set { entries[index % entryCapacity] = newValue }
    }

    /// Where the next payload goes, with room for the longest request. Nil while there is none.
    func landing() -> UnsafeMutableRawPointer? {
        guard hasEntries(4) else { return nil }
        let physical = Int(tail % UInt64(blocks))
        let skipped = physical + Self.requestBlocksMax > blocks ? blocks - physical : 0
        guard usedBlocks + skipped + Self.requestBlocksMax <= blocks else { return nil }
        if skipped > 0 {
            tail += UInt64(skipped)
            if isEmpty { head = tail }
        }
        return address(tail)
    }

    func hasEntries(_ count: Int) -> Bool { endEntry - firstEntry + count <= entryCapacity }

    /// Takes the payload that was put at `landing`.
    func append(data block: UInt64, count: Int, request: Unmanaged<BlockRequest>?) {
        push(RingEntry(kind: .data, block: block, count: count, position: tail, request: request))
        tail += UInt64(count)
    }

    func append(discard block: UInt64, count: Int, request: Unmanaged<BlockRequest>?) {
        push(RingEntry(kind: .discard, block: block, count: count, position: tail, request: request))
    }

    func appendControl() { push(RingEntry(kind: .control, block: 0, count: 0, position: tail, request: nil)) }

    private func push(_ entry: RingEntry) {
        precondition(hasEntries(1))
        (entries + endEntry % entryCapacity).initialize(to: entry)
        endEntry += 1
    }

    /// The first waiting entry may be drained from here on.
    func admit() {
        let entry = self[admittedEntry]
        if entry.kind == .data { pendingBlocks += entry.count }
        admittedEntry += 1
    }

    /// Entries up to `end` are in records now.
    func form(through end: Int) {
        while formedEntry < end {
            let entry = self[formedEntry]
            if entry.kind == .data { pendingBlocks -= entry.count }
            formedEntry += 1
        }
    }

    func markDurable(through end: Int) { durableEntry = end }

    /// Entries up to `end` are durable and in the map; their room is free.
    func release(through end: Int) {
        firstEntry = end
        durableEntry = max(durableEntry, end)
        head = isEmpty ? tail : self[firstEntry].position
    }
}
