import Base

/// Where one block of a volume is: 16 bytes, stored as they are, 256 in a leaf.
///
///     offset  size  field
///          0     4  segment in which the block was first written. 0: reads as zeros. 2^32-1: lost, reads answer EIO
///          4     4  place: slice (4 bits), distance (10), block offset in the slice (18)
///          8     4  CRC-32C of the block
///         12     4  birth epoch; not 0 where segment is 0: discarded in that epoch (a tombstone, for changed blocks)
///
/// Distance: how many origins up the segment's volume is; 0 is the volume whose node this is.
struct MapEntry: Equatable, Sendable {
    var segment: UInt32
    var place: UInt32
    var checksum: UInt32
    var birth: UInt32

    static let unmapped = MapEntry(segment: 0, place: 0, checksum: 0, birth: 0)
    static let lostSegment = UInt32.max
    static let distanceMax = 1023
    static let perLeaf = blockBytes / 16
    /// Blocks of the largest slice.
    static let sliceBlocksMax: UInt32 = 1 << 18

    init(segment: UInt32, place: UInt32, checksum: UInt32, birth: UInt32) {
        self.segment = segment
        self.place = place
        self.checksum = checksum
        self.birth = birth
    }

    init(segment: UInt32, slice: Int, offset: UInt32, checksum: UInt32, birth: UInt32) {
        self.init(segment: segment, place: UInt32(slice) << 28 | offset, checksum: checksum, birth: birth)
    }

    static func lost(birth: UInt32) -> MapEntry {
        MapEntry(segment: lostSegment, place: 0, checksum: 0, birth: birth)
    }

    static func tombstone(birth: UInt32) -> MapEntry { MapEntry(segment: 0, place: 0, checksum: 0, birth: birth) }

    var slice: Int { Int(place >> 28) }
    var offset: UInt32 { place & (Self.sliceBlocksMax - 1) }
    var distance: Int { Int(place >> 18 & 0x3FF) }
    /// Reads of it need a segment.
    var isMapped: Bool { segment != 0 && segment != Self.lostSegment }
    var isLost: Bool { segment == Self.lostSegment }

    /// The same entry in a node of a volume that is `distance` clones further down.
    func further(_ distance: Int) -> MapEntry {
        guard segment != 0 else { return self }
        return MapEntry(segment: segment, place: place + UInt32(distance) << 18, checksum: checksum, birth: birth)
    }
}

/// Where a node is: 16 bytes, stored as they are, 256 in a branch.
///
///     offset  size  field
///          0     4  slot in `%mt/nodes`; 0: there is no node, all below is unmapped
///          4     4  CRC-32C of the node
///          8     4  birth epoch of the node: nothing below is younger
///         12     2  distance: how many origins up the node's volume is
///         14     2  reserved, 0
struct NodePointer: Equatable, Sendable {
    var slot: UInt32
    var checksum: UInt32
    var birth: UInt32
    var distance: UInt16
    var reserved: UInt16 = 0

    static let none = NodePointer(slot: 0, checksum: 0, birth: 0, distance: 0)
    static let fanOut = 256

    /// The same node, whatever checksum is known of it.
    func isSame(_ other: NodePointer) -> Bool { slot == other.slot && distance == other.distance }

    func further(_ distance: Int) -> NodePointer {
        guard slot != 0 else { return self }
        var copy = self
        copy.distance += UInt16(distance)
        return copy
    }
}

/// A tree of fixed shape over pages 0, 1, 2 …: a root at level `height`, leaves at level 0. It covers 256^height pages.
struct MapTree: Equatable, Sendable {
    var root = NodePointer.none
    var height = 0

    static let heightMax = 6

    func covers(_ page: UInt64) -> Bool { page >> (8 * UInt64(height)) == 0 }

    /// Which child of a node at `level` leads to the page.
    static func digit(_ page: UInt64, level: Int) -> Int { Int(page >> (8 * UInt64(level - 1)) & 255) }

    /// The first page behind the node at `level` that covers `page`.
    static func end(_ page: UInt64, level: Int) -> UInt64 { (page >> (8 * UInt64(level)) + 1) << (8 * UInt64(level)) }
}
