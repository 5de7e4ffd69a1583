import Base
import SystemIO

/// Where what lies in a ring's memory, for tests that look at it or damage it.
package struct RingView {
    package struct Entry {
        package var sequence: UInt64
        package var unique: UInt64
        package var isData: Bool
        /// In bytes of the memory.
        package var slot: Range<Int>
        package var checksums: Range<Int>
        package var payload: Range<Int>
    }
    private let memory: any RingMemory
    private let header: RingHeader

    /// Nil where the memory has no whole header.
    package init?(_ memory: any RingMemory) {
        guard let header = try? RingHeader(memory) else { return nil }
        self.memory = memory
        self.header = header
    }

    package static let headerBytes = 144
    package static let tails = RingTails.offset..<(RingTails.offset + RingTails.bytes)
    package static let admittedOffset = RingLayout.admittedOffset
    package static let complementOffset = RingLayout.complementOffset

    package var firstSequence: UInt64 { header.firstSequence }
    package var admitted: UInt64 { memory.base.get(at: RingLayout.admittedOffset) }

    /// Of the slot that an entry of this sequence has or had.
    package func slot(_ sequence: UInt64) -> Range<Int> {
        let begin = header.layout.slotOffset + Int(sequence % UInt64(header.layout.slots)) * RingLayout.slotBytes
        return begin..<(begin + RingLayout.slotBytes)
    }

    /// Nil where the slot has none of that sequence.
    package func entry(_ sequence: UInt64) -> Entry? {
        let place = slot(sequence)
        guard let slot = RingSlot(memory.base + place.lowerBound), slot.sequence == sequence else { return nil }
        let first = Int(slot.position % UInt64(header.layout.blocks))
        let count = slot.kind == .data ? slot.count : 0
        let checksums = header.layout.checksumOffset + first * RingLayout.checksumBytes
        let payload = header.layout.payloadOffset + first * blockBytes
        return Entry(
            sequence: sequence, unique: slot.unique, isData: slot.kind == .data, slot: place,
            checksums: checksums..<(checksums + count * RingLayout.checksumBytes),
            payload: payload..<(payload + count * blockBytes))
    }
}
