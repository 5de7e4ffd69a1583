import SegmentStore
import SystemIO

/// How far the volume's segments are written at most, so that the start after a process's death reads no further. It is in the first page of
/// a ring, since it must be lost with it: after a loss of power nothing is known, and segments are read to their ends.
///
///     tails   offset  size  field
///                1024  16 n  n = 64 places; segment s has place s mod n, of which the last one that was written to is there:
///                  0     4  tail: no slice of the segment has a record at this block or behind it
///                  4     4  segment
///                  8     8  the complement of the eight bytes before, stored after them
///
/// A tail is stored before the write that makes it so begins. A place that does not check says nothing. So does one that is missing, and the id
/// of a segment is never used again: what a process left that did not know of tails, or knew and died, is right or about segments that
/// are sealed and read no more.
struct RingTails {
    static let offset = 1024
    static let places = 64
    static let bytes = places * placeBytes
    private static let placeBytes = 16

    private var known: [UInt32: UInt32] = [:]

    /// What is in `memory` if it is the ring of that pool, volume and boot.
    init(_ memory: any RingMemory, _ identity: RingIdentity) {
        guard let header = try? RingHeader(memory), header.identity == identity else { return }
        for place in 0..<Self.places {
            let entry = memory.base + Self.offset + place * Self.placeBytes
            let value = entry.get(UInt64.self, at: 0)
            let segment = UInt32(value >> 32)
            guard entry.get(UInt64.self, at: 8) == ~value, Int(segment) % Self.places == place else { continue }
            known[segment] = UInt32(truncatingIfNeeded: value)
        }
    }

    /// Where the segment's records end at the latest, in blocks.
    func end(of segment: Segment) -> UInt32 {
        min(known[segment.id] ?? segment.sliceBlocks, segment.sliceBlocks)
    }

    /// Records are written to the segment as far as its slices' tails say, from now on.
    static func note(_ segment: Segment, in memory: any RingMemory) {
        let tail = segment.slices.reduce(0) { max($0, $1.tail) }
        let entry = memory.base + offset + Int(segment.id) % places * placeBytes
        let value = UInt64(segment.id) << 32 | UInt64(tail)
        storeLast(value, at: entry)
        storeLast(~value, at: entry + 8)
    }

    /// Those of segments that are sealed.
    static func clear(_ memory: any RingMemory) {
        (memory.base + offset).initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    }
}
