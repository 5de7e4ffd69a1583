/// Extents and origins of a record of moves, as its header has them: blocks lie one behind the other in the segment that they come from, and
/// most are of one epoch, so that differences take a few bytes where the fields take twenty.
///
///     offset  size  field, for each extent
///          0     1  flags: 1 one block, 2 same segment as the extent before, 4 same birth epoch; others reserved, 0
///          …   1…7  first block, less the one behind the extent before
///          …   1…3  blocks, unless flag 1
///          …   1…5  origin's segment, less that of the extent before, unless flag 2
///          …   1…5  origin's place, less the one behind the extent before
///          …   1…5  birth epoch, less that of the extent before, unless flag 4
///
/// Numbers are LEB128, differences zigzag. Before the first extent all are 0. Confined to its owner.
public struct PackedMoves: Sendable {
    /// What an extent of one block takes in a volume of some terabytes where origins are scattered; most take half.
    public static let scatteredBytes = 16
    private static let bytesMax = 32

    private var block: UInt64 = 0
    private var segment: UInt32 = 0
    private var place: UInt32 = 0
    private var birth: UInt32 = 0

    public init() {}

    /// Bytes that the extent would take next.
    public func bytes(_ extent: RecordExtent, _ origin: RecordOrigin) -> Int {
        var coder = self
        return withUnsafeTemporaryAllocation(byteCount: Self.bytesMax, alignment: 8) {
            $0.baseAddress.map { coder.put(extent, origin, at: $0) } ?? 0
        }
    }

    /// Writes the extent; returns the bytes that it took.
    public mutating func put(_ extent: RecordExtent, _ origin: RecordOrigin, at target: UnsafeMutableRawPointer) -> Int
    {
        var end = 1
        var flags: UInt8 = 0
        Self.put(Self.zigzag(Int64(bitPattern: extent.block &- block)), target, &end)
        if extent.count == 1 { flags |= 1 } else { Self.put(UInt64(extent.count), target, &end) }
        if origin.segment == segment {
            flags |= 2
        } else {
            Self.put(Self.zigzag(Int64(origin.segment) - Int64(segment)), target, &end)
        }
        Self.put(Self.zigzag(Int64(origin.place) - Int64(place)), target, &end)
        if origin.birth == birth {
            flags |= 4
        } else {
            Self.put(Self.zigzag(Int64(origin.birth) - Int64(birth)), target, &end)
        }
        target.put(flags, at: 0)
        follow(extent, origin)
        return end
    }

    /// Reads the next extent at `offset` and moves it on. Nil where what is before `end` is none.
    mutating func get(_ page: UnsafeRawPointer, at offset: inout Int, end: Int) -> (RecordExtent, RecordOrigin)? {
        guard offset < end else { return nil }
        let flags: UInt8 = page.get(at: offset)
        offset += 1
        guard flags & ~7 == 0, let blocks = Self.get(page, &offset, end),
            let count = flags & 1 != 0 ? 1 : Self.get(page, &offset, end),
            let segments = flags & 2 != 0 ? 0 : Self.get(page, &offset, end),
            let places = Self.get(page, &offset, end), let births = flags & 4 != 0 ? 0 : Self.get(page, &offset, end)
        else { return nil }
        let first = block &+ UInt64(bitPattern: Self.difference(blocks))
        guard first < 1 << 48, count >= 1, count <= RecordExtent.countMax,
            let origin = Self.sum(segment, segments), let at = Self.sum(place, places),
            let epoch = Self.sum(birth, births), UInt64(at) + count <= UInt64(UInt32.max)
        else { return nil }
        let extent = RecordExtent(block: first, count: Int(count), isDiscard: false)
        let found = RecordOrigin(segment: origin, place: at, birth: epoch)
        follow(extent, found)
        return (extent, found)
    }

    /// Goes behind the extent without writing it.
    public mutating func follow(_ extent: RecordExtent, _ origin: RecordOrigin) {
        block = extent.block + UInt64(extent.count)
        segment = origin.segment
        place = origin.place &+ UInt32(extent.count)
        birth = origin.birth
    }

    private static func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: value << 1 ^ value >> 63) }

    private static func difference(_ value: UInt64) -> Int64 { Int64(value >> 1) ^ -Int64(value & 1) }

    private static func sum(_ base: UInt32, _ zigzag: UInt64) -> UInt32? {
        UInt32(exactly: Int64(base).addingReportingOverflow(difference(zigzag)).partialValue)
    }

    private static func put(_ value: UInt64, _ target: UnsafeMutableRawPointer, _ end: inout Int) {
        var rest = value
        while rest >= 0x80 {
            target.put(UInt8(truncatingIfNeeded: rest) | 0x80, at: end)
            rest >>= 7
            end += 1
        }
        target.put(UInt8(rest), at: end)
        end += 1
    }

    private static func get(_ page: UnsafeRawPointer, _ offset: inout Int, _ end: Int) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 63, by: 7) {
            guard offset < end else { return nil }
            let byte: UInt8 = page.get(at: offset)
            offset += 1
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        return nil
    }
}
