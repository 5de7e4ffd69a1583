/// Where a run of blocks in a record of moves was first written, which is what map entries name it by.
///
///     offset  size  field
///          0     4  segment
///          4     4  place of the first block: slice (4 bits), reserved (10), block offset in the slice (18); the others follow it there
///          8     4  birth epoch
public struct RecordOrigin: Sendable, Equatable {
    public static let bytes = 12

    public var segment: UInt32
    public var place: UInt32
    public var birth: UInt32

    public init(segment: UInt32, place: UInt32, birth: UInt32) {
        self.segment = segment
        self.place = place
        self.birth = birth
    }
}
