import Base
import ErasureCoding
import Logging
import SegmentStore
import SystemIO

/// What an earlier process left in a ring and the log does not have, checked. The rules are those of `RingLayout`.
struct RingContents {
    /// What the volume's log and headers say.
    struct Expectation {
        var identity: RingIdentity
        /// Every record up to here was recovered.
        var throughSequence: UInt64
        /// Of the last entry in them.
        var lastRingSequence: UInt64
        /// Births of the head's blocks.
        var birthEpoch: UInt32
        var attachEpoch: UInt64
        var canary: EngineCanary?
    }
    enum Verdict {
        case usable(RingContents)
        /// The log went on without it, or it is none of ours.
        case stale(String)
    }

    var layout: RingLayout
    /// Of the first of `entries`, or the next one where there is none.
    var firstSequence: UInt64
    var entries: [RingEntry] = []
    /// Where the next payload goes.
    var endPosition: UInt64 = 0
    /// The last entry that is no void.
    var lastFilled: UInt64 = 0
    /// Of requests that were admitted, as far as slots still say so, by connection.
    var uniques: [UInt64: Set<UInt64>] = [:]

    /// `corrupt` where answered writes are lost.
    static func read(_ memory: any RingMemory, _ expected: Expectation) throws(Failure) -> Verdict {
        let header = try RingHeader(memory)
        guard header.identity == expected.identity else {
            return .stale("it is of another pool, volume or start of the machine")
        }
        var reading = RingReading(memory: memory, header: header, admitted: header.firstSequence - 1)
        try reading.findEnd()
        try reading.checkSlots()
        guard header.logSequence <= expected.throughSequence else {
            throw Failure(
                .corrupt, "the log ends with record \(expected.throughSequence), it had record \(header.logSequence)")
        }
        guard expected.lastRingSequence <= reading.admitted else {
            return .stale("the log has entry \(expected.lastRingSequence), the ring ends with \(reading.admitted)")
        }
        return .usable(try reading.contents(expected))
    }
}

/// Reads the memory of one ring.
private struct RingReading {
    let memory: any RingMemory
    let header: RingHeader
    /// The last entry.
    var admitted: UInt64

    private var layout: RingLayout { header.layout }

    private func slot(_ sequence: UInt64) -> RingSlot? {
        let number = Int(sequence % UInt64(layout.slots))
        guard let slot = RingSlot(memory.base + layout.slotOffset + number * RingLayout.slotBytes),
            slot.sequence == sequence
        else { return nil }
        return slot
    }

    mutating func findEnd() throws(Failure) {
        let value = memory.base.get(UInt64.self, at: RingLayout.admittedOffset)
        let complement = memory.base.get(UInt64.self, at: RingLayout.complementOffset)
        // Killed between the two stores, the complement is that of the entry before.
        guard value == ~complement || value == ~complement &+ 1, ~complement >= header.firstSequence - 1,
            ~complement < 1 << 62
        else { throw Failure(.corrupt, "its count of entries does not check") }
        admitted = ~complement
        while slot(admitted + 1) != nil { admitted += 1 }
        // It was whole before it was counted.
        guard admitted >= value else { throw Failure(.corrupt, "the slot of entry \(value) does not check") }
    }

    /// The oldest entry whose slot nobody has begun to write over.
    private var oldest: UInt64 {
        let kept = UInt64(layout.slots - 1)
        return admitted >= header.firstSequence + kept ? admitted - kept + 1 : header.firstSequence
    }

    func checkSlots() throws(Failure) {
        var sequence = oldest
        while sequence <= admitted {
            if slot(sequence) == nil { throw Failure(.corrupt, "the slot of entry \(sequence) does not check") }
            sequence += 1
        }
    }

    func contents(_ expected: RingContents.Expectation) throws(Failure) -> RingContents {
        var first = max(expected.lastRingSequence + 1, header.firstSequence)
        if expected.canary == .replayDurable { first = firstWhole(before: first) }  // canary
        // Voids may have been written over without anything to make durable.
        let before = max(expected.lastRingSequence, header.firstSequence - 1)
        if let slot = slot(oldest), slot.sequence - slot.distance <= before {
            first = max(first, oldest)
        }
        guard first >= oldest || first > admitted else {
            throw Failure(
                .corrupt,
                "the log has no entry behind \(expected.lastRingSequence), and the ring's begin with \(oldest)")
        }
        var contents = RingContents(layout: layout, firstSequence: first)
        contents.endPosition = slot(admitted).map(Self.end) ?? 0
        contents.lastFilled = before
        var used = 0
        while first + UInt64(contents.entries.count) <= admitted {
            guard let slot = slot(first + UInt64(contents.entries.count)) else { break }
            if expected.canary != .replayDurable { try check(slot, after: contents.entries.last, expected) }  // canary
            used = Int(Self.end(slot) - (contents.entries.first?.position ?? slot.position))
            guard used <= layout.blocks else { throw Failure(.corrupt, "its payload is longer than its memory") }
            // Who asked for a change of epochs was not answered.
            if slot.kind == .data || slot.kind == .discard { contents.lastFilled = slot.sequence }
            contents.entries.append(
                RingEntry(
                    kind: slot.kind == .control ? .void : slot.kind, block: slot.block, count: slot.count,
                    position: slot.position, request: nil))
        }
        var sequence = oldest
        while sequence <= admitted {
            if let slot = slot(sequence), slot.unique != 0 {
                contents.uniques[slot.connection, default: []].insert(slot.unique)
            }
            sequence += 1
        }
        return contents
    }

    private static func end(_ slot: RingSlot) -> UInt64 {
        slot.position + (slot.kind == .data ? UInt64(slot.count) : 0)
    }

    private func check(
        _ slot: RingSlot, after last: RingEntry?, _ expected: RingContents.Expectation
    ) throws(Failure) {
        let least = last.map { $0.position + ($0.kind == .data ? UInt64($0.count) : 0) } ?? slot.position
        guard slot.position >= least, slot.attachEpoch <= expected.attachEpoch,
            slot.birthEpoch >= expected.birthEpoch
        else { throw Failure(.corrupt, "entry \(slot.sequence) is of another time than its neighbours and the log") }
        guard slot.kind == .data else { return }
        guard slot.count > 0, slot.count <= WriteRing.entryBlocksMax,
            Int(slot.position % UInt64(layout.blocks)) + slot.count <= layout.blocks, isWhole(slot)
        else { throw Failure(.corrupt, "the data of entry \(slot.sequence) does not match its checksums") }
    }

    private func isWhole(_ slot: RingSlot) -> Bool {
        let place = Int(slot.position % UInt64(layout.blocks))
        let checksums = memory.base + layout.checksumOffset + place * RingLayout.checksumBytes
        guard crc32c(checksums, bytes: slot.count * RingLayout.checksumBytes) == slot.payloadChecksum else {
            return false
        }
        let payload = memory.base + layout.payloadOffset + place * blockBytes
        return (0..<slot.count).allSatisfy { block in
            crc32c(payload + block * blockBytes, bytes: blockBytes)
                == UnsafeRawPointer(checksums).get(UInt32.self, at: block * RingLayout.checksumBytes)
        }
    }

    /// For the canary: the first of the entries before `end` whose data was not written over.
    private func firstWhole(before end: UInt64) -> UInt64 {
        var first = end
        var used = 0
        while first > oldest, let slot = slot(first - 1), slot.kind != .data || isWhole(slot) {
            used += slot.kind == .data ? slot.count : 0
            guard used < layout.blocks / 2 else { break }
            first -= 1
        }
        return first
    }
}

extension WriteRing {
    /// The first sequence of a ring that begins anew. No two have one in common, so that one that was left behind is never taken for the one
    /// that the log goes on with. `generation`: of the volume's checkpoint after its recovery, higher each time; a start has two rings at most,
    /// one in ordinary memory and one that is kept. `last`: the highest sequence that the log may have, where a ring had so many entries that it came
    /// that far.
    static func firstSequence(generation: UInt64, isKept: Bool, after last: UInt64) -> UInt64 {
        max(min(generation, generationMax) * 2 + (isKept ? 1 : 0), (last >> 32) + 1) << 32
    }

    /// Far more than a volume can ever have been opened.
    private static let generationMax: UInt64 = 1 << 28

    /// What an earlier process left of the volume's writes in `memory`, which is of `store`; nil where it is of no use, and set aside. `corrupt`
    /// where answered writes are lost: nothing is changed then. Blocking.
    static func read(
        _ memory: any RingMemory, in store: any RingStore, _ expected: RingContents.Expectation, test: TestHooks,
        logger: Logger
    ) throws(Failure) -> WriteRing? {
        let volume = expected.identity.volume
        do throws(Failure) {
            switch try RingContents.read(memory, expected) {
            case .usable(let contents): return WriteRing(memory: memory, replaying: contents)
            case .stale(let reason):
                test.took(.ringSetAside)
                let name = try store.setAside(volume)
                logger.warning(
                    "ring of unflushed writes set aside",
                    metadata: ["volume": "\(volume)", "path": "\(name)", "reason": "\(reason)"])
                return nil
            }
        } catch {
            test.took(.ringRefused)
            throw unusable(volume, error)
        }
    }

    static func unusable(_ volume: VolumeID, _ cause: Failure) -> Failure {
        Failure(
            nil,
            "the ring of volume \(volume) cannot be used, and writes that were answered and not flushed are in it: stop what uses the volume and publish it anew",
            cause: cause)
    }

    /// An empty one that outlives the process. Blocking; `exhausted` where there is no room for it.
    static func make(
        in store: any RingStore, _ identity: RingIdentity, payloadBytes: Int, first: UInt64, logSequence: UInt64
    ) throws(Failure) -> WriteRing {
        let header = RingHeader(
            identity: identity, layout: RingLayout(payloadBytes: payloadBytes), firstSequence: first,
            logSequence: logSequence)
        let memory = try store.make(identity.volume, bytes: header.layout.bytes) { header.encode(into: $0) }
        return WriteRing(memory: memory, layout: header.layout, first: first, isKept: true)
    }
}

extension RecoveredVolume {
    /// The ring with which the volume goes on: `left` by an earlier process in `store`, or an empty one of `bytes` in ordinary memory. Blocking.
    func ring(
        of header: VolumeHeader, _ left: (any RingMemory)?, in store: (any RingStore)?, bytes: Int, pool: Pool,
        logger: Logger
    ) throws(Failure) -> WriteRing {
        if let left, let store {
            let expected = RingContents.Expectation(
                identity: RingIdentity(pool: pool.id, volume: header.id, boot: store.boot),
                throughSequence: throughSequence, lastRingSequence: lastRingSequence, birthEpoch: map.head.epoch,
                attachEpoch: header.attachEpoch, canary: pool.test.canary)
            if let found = try WriteRing.read(left, in: store, expected, test: pool.test, logger: logger) {
                return found
            }
        }
        return WriteRing(
            bytes: bytes, first: WriteRing.firstSequence(generation: generation, isKept: false, after: lastRingSequence)
        )
    }
}
