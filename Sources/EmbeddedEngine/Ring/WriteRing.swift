import Base
import BlockDevice
import ErasureCoding
import SegmentStore
import SystemIO

/// A write or a discard that was answered and is not durable yet.
struct RingEntry {
    enum Kind: UInt8 {
        case data = 1
        case discard = 2
        /// Refused for want of space after it had its place: nothing.
        case void = 3
        /// A change of epochs; the log knows which.
        case control = 4
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

/// Unflushed writes, in the order in which they were answered, bounded: payloads lie contiguous in one circular memory, entries beside it
/// are a queue of fixed size. The memory may be one that outlives the process; its layout is `RingLayout`'s either way.
///
/// An entry's number is its sequence. Invariants: firstEntry ≤ durableEntry ≤ formedEntry ≤ admittedEntry ≤ endEntry. Up to durableEntry
/// entries are durable and wait for the map, [durableEntry, formedEntry) are in records under way, up to admittedEntry they may be drained and are in
/// the memory's slots, up to endEntry they wait for space. A payload is never split by the end of the memory. Confined to the volume's loop.
final class WriteRing {
    /// The largest entry; longer requests become several.
    static let entryBlocksMax = 128
    static let requestBlocksMax = 256

    let layout: RingLayout
    /// It is found again by a process that comes after this one.
    let isKept: Bool
    private let memory: any RingMemory
    private let payload: UnsafeMutableRawPointer
    private let slots: UnsafeMutableRawPointer
    private let checksums: UnsafeMutablePointer<UInt32>
    private let entryCapacity: Int
    private let entries: UnsafeMutablePointer<RingEntry>
    private(set) var firstEntry: Int
    private(set) var durableEntry: Int
    private(set) var formedEntry: Int
    private(set) var admittedEntry: Int
    private(set) var endEntry: Int
    private(set) var head: UInt64 = 0
    private(set) var tail: UInt64 = 0
    /// Data blocks that are admitted and in no record yet.
    private(set) var pendingBlocks = 0
    /// Entries below were admitted by a process before this one.
    let replayEnd: Int
    /// Uniques of requests that earlier processes admitted, by connection.
    let admittedBefore: [UInt64: Set<UInt64>]
    /// The last admitted entry that is no void.
    private var lastFilled: UInt64

    /// An empty one, whose first entry has the sequence `first`.
    init(memory: any RingMemory, layout: RingLayout, first: UInt64, isKept: Bool) {
        self.memory = memory
        self.layout = layout
        self.isKept = isKept
        payload = memory.base + layout.payloadOffset
        slots = memory.base + layout.slotOffset
        checksums = (memory.base + layout.checksumOffset).assumingMemoryBound(to: UInt32.self)
        entryCapacity = layout.slots
        entries = .allocate(capacity: entryCapacity)
        let number = Int(first)
        (firstEntry, durableEntry, formedEntry, admittedEntry, endEntry) = (number, number, number, number, number)
        replayEnd = number
        admittedBefore = [:]
        lastFilled = first - 1
    }

    /// One in ordinary memory.
    convenience init(bytes: Int, first: UInt64) {
        let layout = RingLayout(payloadBytes: bytes)
        self.init(
            memory: AlignedBuffer(bytes: layout.bytes, isHuge: true), layout: layout, first: first, isKept: false)
    }

    /// What an earlier process left, where it lies: all of it admitted. The volume's log is sealed.
    init(memory: any RingMemory, replaying contents: RingContents) {
        self.memory = memory
        RingTails.clear(memory)
        layout = contents.layout
        isKept = true
        payload = memory.base + layout.payloadOffset
        slots = memory.base + layout.slotOffset
        checksums = (memory.base + layout.checksumOffset).assumingMemoryBound(to: UInt32.self)
        entryCapacity = layout.slots
        entries = .allocate(capacity: entryCapacity)
        let first = Int(contents.firstSequence)
        let end = first + contents.entries.count
        (firstEntry, durableEntry, formedEntry, admittedEntry, endEntry) = (first, first, first, end, end)
        replayEnd = end
        admittedBefore = contents.uniques
        lastFilled = contents.lastFilled
        tail = contents.endPosition
        head = contents.entries.first?.position ?? tail
        for (index, entry) in contents.entries.enumerated() {
            (entries + (first + index) % entryCapacity).initialize(to: entry)
            if entry.kind == .data { pendingBlocks += entry.count }
        }
        // Killed meanwhile, the process before may not have counted its last entry: only what is counted is missed when it does not check.
        storeAdmitted(UInt64(end - 1))
    }

    deinit { entries.deallocate() }

    var blocks: Int { layout.blocks }
    var usedBlocks: Int { Int(tail - head) }
    var pendingEntries: Int { admittedEntry - formedEntry }
    var isEmpty: Bool { firstEntry == endEntry }

    func address(_ position: UInt64) -> UnsafeMutableRawPointer {
        payload + Int(position % UInt64(blocks)) * blockBytes
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

    /// The first waiting entry may be drained from here on: a process that comes after this one finds it. Its request may be answered then.
    func admit(attachEpoch: UInt64, birthEpoch: UInt32, connection: UInt64) {
        let number = admittedEntry
        let entry = self[number]
        let sequence = UInt64(number)
        var unique: UInt64 = 0
        if entry.kind != .void, let request = entry.request {
            unique = request._withUnsafeGuaranteedRef { $0.unique }
        }
        let isData = entry.kind == .data
        RingSlot(
            sequence: sequence, kind: entry.kind, block: entry.block, count: entry.count, position: entry.position,
            unique: unique, connection: connection, attachEpoch: attachEpoch, birthEpoch: birthEpoch,
            distance: sequence - lastFilled,
            payloadChecksum: isData
                ? crc32c(
                    checksums + Int(entry.position % UInt64(blocks)), bytes: entry.count * RingLayout.checksumBytes)
                : 0
        ).encode(into: slots + number % entryCapacity * RingLayout.slotBytes)
        storeAdmitted(sequence)
        if isData { pendingBlocks += entry.count }
        if entry.kind != .void { lastFilled = sequence }
        admittedEntry += 1
    }

    private func storeAdmitted(_ sequence: UInt64) {
        storeLast(sequence, at: memory.base + RingLayout.admittedOffset)
        storeLast(~sequence, at: memory.base + RingLayout.complementOffset)
    }

    /// Before a write to the segment, which `start` has made: how far there are records in it, for a process that comes after this one.
    func noteTail(of segment: Segment, _ start: UInt64) { RingTails.note(segment, of: start, in: memory) }

    /// Entries up to `end` are in records now.
    func form(through end: Int) {
        while formedEntry < end {
            let entry = self[formedEntry]
            if entry.kind == .data { pendingBlocks -= entry.count }
            formedEntry += 1
        }
    }

    /// `end` may be of the ring before this one (`VolumeLog.use`), for records of moves.
    func markDurable(through end: Int) { durableEntry = max(durableEntry, end) }

    /// Entries up to `end` are durable and in the map; their room is free.
    func release(through end: Int) {
        guard end > firstEntry else { return }
        firstEntry = end
        durableEntry = max(durableEntry, end)
        head = isEmpty ? tail : self[firstEntry].position
    }
}
