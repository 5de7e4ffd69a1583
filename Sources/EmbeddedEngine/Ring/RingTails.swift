import SegmentStore
import SystemIO

/// How far the volume's segments are written at most, so that the start after a process's death reads no further. It is in the first page of
/// a ring, since it must be lost with it: after a loss of power nothing is known, and segments are read to their ends.
///
///     tails   offset  size  field
///                1024  16 n  n = 64 places; segment s has place s mod n, of which the last one that was written to is there:
///                  0     4  tail: no slice of the segment has a record at this block or behind it
///                  4     4  segment
///                  8     8  start that made the segment, as its slices say, exclusive-or the complement of the eight bytes before; stored after them
///
/// A tail is stored before the write that makes it so begins. It counts for a slice that was made by the same start: an id may be used
/// again by another one, which may be of an engine that knows nothing of tails. A place that was being written names no start that there is. Of a segment that has no
/// place nothing is known.
struct RingTails {
    static let offset = 1024
    static let places = 64
    static let bytes = places * placeBytes
    private static let placeBytes = 16

    private var known: [UInt32: SegmentTail] = [:]

    /// What is in `memory` if it is the ring of that pool, volume and boot.
    init(_ memory: any RingMemory, _ identity: RingIdentity) {
        guard let header = try? RingHeader(memory), header.identity == identity else { return }
        for place in 0..<Self.places {
            let entry = memory.base + Self.offset + place * Self.placeBytes
            let value = entry.get(UInt64.self, at: 0)
            let segment = UInt32(value >> 32)
            guard Int(segment) % Self.places == place else { continue }
            known[segment] = SegmentTail(
                end: UInt32(truncatingIfNeeded: value), start: entry.get(UInt64.self, at: 8) ^ ~value)
        }
    }

    subscript(_ segment: UInt32) -> SegmentTail? { known[segment] }

    /// Records are written as far as the slices' tails say, from now on, to the segment that `start` has made.
    static func note(_ segment: Segment, of start: UInt64, in memory: any RingMemory) {
        let tail = segment.slices.reduce(0) { max($0, $1.tail) }
        let entry = memory.base + offset + Int(segment.id) % places * placeBytes
        let value = UInt64(segment.id) << 32 | UInt64(tail)
        storeLast(value, at: entry)
        storeLast(~value ^ start, at: entry + 8)
    }

    /// Those of segments that are sealed.
    static func clear(_ memory: any RingMemory) {
        (memory.base + offset).initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    }
}
