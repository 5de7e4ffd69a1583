import Base
import ErasureCoding

/// Writes a record's header page field by field, without allocating: the flush path's way to `RecordHeader`'s format.
/// Order: `begin`, then any of offsets and parity checksums, all extents, all origins (or all moves), all block checksums, then `stamp` for
/// each column.
public struct RecordHeaderWriter {
    private let page: UnsafeMutableRawPointer
    private var cursor = RecordHeader.tableOffset
    private var packed = PackedMoves()

    public init(page: UnsafeMutableRawPointer) { self.page = page }

    public mutating func begin(
        pool: PoolID, volume: VolumeID, segment: UInt32, sequence: UInt64, durableThrough: UInt64, attachEpoch: UInt64,
        birthEpoch: UInt64, lastRingSequence: UInt64, k: Int, p: Int, shape: RecordShape, rotation: Int,
        extentCount: Int, kind: RecordHeader.Kind = .data
    ) {
        precondition(
            kind == .packedMoves
                || extentCount * RecordHeader.extentBytes(of: kind) + shape.dataBlocks * RecordHeader.checksumBytes
                    <= RecordHeader.tableBytes
        )
        page.initializeMemory(as: UInt8.self, repeating: 0, count: blockBytes)
        page.put(RecordHeader.magic, at: 0)
        page.put(RecordHeader.version, at: 8)
        page.put(UInt16(blockBytes), at: 10)
        page.put(kind.rawValue, at: 12)
        page.put(UInt8(k), at: 13)
        page.put(UInt8(p), at: 14)
        page.put(pool.high, at: 16)
        page.put(pool.low, at: 24)
        page.put(volume.high, at: 32)
        page.put(volume.low, at: 40)
        page.put(sequence, at: 48)
        page.put(durableThrough, at: 56)
        page.put(attachEpoch, at: 64)
        page.put(birthEpoch, at: 72)
        page.put(lastRingSequence, at: 80)
        page.put(segment, at: 88)
        page.put(UInt32(shape.dataBlocks), at: 92)
        page.put(UInt16(shape.columnBlocks), at: 96)
        page.put(UInt16(extentCount), at: 98)
        page.put(UInt8(shape.dataColumns), at: 100)
        page.put(UInt8(rotation), at: 101)
        for column in 0..<ErasureCode.columnsMax { putOffset(RecordHeader.notWritten, column: column) }
    }

    public func putOffset(_ offset: UInt32, column: Int) { page.put(offset, at: 128 + column * 4) }

    public func putParityChecksum(_ checksum: UInt32, index: Int) { page.put(checksum, at: 192 + index * 4) }

    /// In place of extents and checksums.
    public func putControl(_ control: RecordControl) { control.encode(table: page + RecordHeader.tableOffset) }

    public mutating func putExtent(_ extent: RecordExtent) {
        precondition(extent.block < 1 << 48 && extent.count >= 1 && extent.count <= RecordExtent.countMax)
        page.put(extent.block | UInt64(extent.count) << 48 | (extent.isDiscard ? 1 << 63 : 0), at: cursor)
        cursor += RecordHeader.extentBytes
    }

    /// One for each extent of a record of moves.
    public mutating func putOrigin(_ origin: RecordOrigin) {
        page.put(origin.segment, at: cursor)
        page.put(origin.place, at: cursor + 4)
        page.put(origin.birth, at: cursor + 8)
        cursor += RecordOrigin.bytes
    }

    /// An extent of packed moves with its origin.
    public mutating func putMove(_ extent: RecordExtent, _ origin: RecordOrigin) {
        precondition(cursor + packed.bytes(extent, origin) <= RecordHeader.checksumOffset)
        cursor += packed.put(extent, origin, at: page + cursor)
    }

    public mutating func putBlockChecksum(_ checksum: UInt32) {
        precondition(cursor + RecordHeader.checksumBytes <= RecordHeader.checksumOffset)
        page.put(checksum, at: cursor)
        cursor += RecordHeader.checksumBytes
    }

    /// Makes the page that of `column`: its number and the checksum over all.
    public func stamp(column: Int) {
        page.put(UInt8(column), at: 102)
        page.put(crc32c(page, bytes: RecordHeader.checksumOffset), at: RecordHeader.checksumOffset)
    }
}
