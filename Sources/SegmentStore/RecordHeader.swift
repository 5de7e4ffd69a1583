import Base
import ErasureCoding

/// A run of blocks that a record writes or discards.
public struct RecordExtent: Sendable, Equatable {
    /// 4 KiB units from the start of the volume; below 2^48.
    public var block: UInt64
    /// 1...32767
    public var count: Int
    /// A discard has no data: its blocks read as zeros from here on.
    public var isDiscard: Bool

    public static let countMax = 0x7FFF

    public init(block: UInt64, count: Int, isDiscard: Bool) {
        self.block = block
        self.count = count
        self.isDiscard = isDiscard
    }
}

/// The 4 KiB that begins every column of a record: the same in all of them but for `column` and its own checksum, so that
/// any one surviving column says what the record is and where its others are.
///
///     offset  size  field
///          0     8  magic "ASHLREC1"
///          8     2  version (1)
///         10     2  bytes of this header (4096)
///         12     1  kind: 1 data, 2 moves (GC), not written any more, 3 control (snapshots), 4 packed moves
///         13     1  k of the segment
///         14     1  p of the segment
///         15     1  reserved, 0
///         16    16  pool
///         32    16  volume
///         48     8  sequence: 1, 2, 3 … within the volume
///         56     8  durableThrough: every record up to this sequence was durable when this one was written
///         64     8  attach epoch of the writer
///         72     8  birth epoch of the blocks
///         80     8  last ring sequence contained
///         88     4  segment
///         92     4  data blocks
///         96     2  blocks of a full column
///         98     2  extents
///        100     1  data columns written (m)
///        101     1  rotation: column c lies on slice (c + rotation) mod (k + p)
///        102     1  column of this header
///        103    25  reserved, 0 (compression, encryption key)
///        128    64  16 × u32: where column c's header begins in its slice, in blocks; 2^32-1 where not written
///        192    64  16 × u32: CRC-32C of column k+i, its header not included
///        256     8  per extent: block (48 bits), count (15 bits), discard (1 bit)
///          …    12  per extent, in a record of moves only: where its blocks were first written (RecordOrigin)
///        256     …  extents and origins of packed moves instead (PackedMoves)
///          …     4  per data block: its CRC-32C
///        256    64  in a control record instead: operation 1, reserved 3, epoch 4, snapshot 16, size in bytes 8, created 8
///       4092     4  CRC-32C of all before
///
/// Version rule: a reader refuses versions it does not know; fields are added in reserved space only with a new version.
/// Invariant: extents without discards cover exactly `dataBlocks` blocks, in the order in which the blocks lie in the record.
public struct RecordHeader: Sendable, Equatable {
    public static let magic: UInt64 = 0x3143_4552_4C48_5341  // "ASHLREC1"
    public static let version: UInt16 = 1
    public static let notWritten = UInt32.max

    public enum Kind: UInt8, Sendable {
        case data = 1
        /// Copies of blocks that lie elsewhere: replaying it changes where they are, never what the volume has.
        case moves = 2
        case control = 3
        /// Moves in fewer bytes: what is written now.
        case packedMoves = 4
    }

    static let tableOffset = 256
    static let checksumOffset = blockBytes - 4
    public static let extentBytes = 8
    public static let checksumBytes = 4

    /// What an extent takes in the table of a record of this kind.
    public static func extentBytes(of kind: Kind) -> Int { extentBytes + (kind == .moves ? RecordOrigin.bytes : 0) }

    /// What extents and checksums may take together.
    public static let tableBytes = checksumOffset - tableOffset

    public var pool: PoolID
    public var volume: VolumeID
    public var segment: UInt32
    public var sequence: UInt64
    public var durableThrough: UInt64
    public var attachEpoch: UInt64
    public var birthEpoch: UInt64
    public var lastRingSequence: UInt64
    public var k: Int
    public var p: Int
    public var shape: RecordShape
    public var rotation: Int
    /// By column: 0..<k data, k..<k+p parity.
    public var offsets: [UInt32]
    /// Of the p parity columns.
    public var parityChecksums: [UInt32]
    public var extents: [RecordExtent]
    public var blockChecksums: [UInt32]
    /// What a control record says; nil in others.
    public var control: RecordControl?

    /// By extent, in a record of moves; empty in others.
    public var origins: [RecordOrigin] = []
    /// False for moves that were read from a header without packing: so they are written again.
    var isPacked = true

    public var isOfMoves: Bool { !origins.isEmpty }

    var kind: Kind { control != nil ? .control : origins.isEmpty ? .data : isPacked ? .packedMoves : .moves }

    public init(
        pool: PoolID, volume: VolumeID, segment: UInt32, sequence: UInt64, durableThrough: UInt64, attachEpoch: UInt64,
        birthEpoch: UInt64, lastRingSequence: UInt64, k: Int, p: Int, shape: RecordShape, rotation: Int,
        offsets: [UInt32], parityChecksums: [UInt32], extents: [RecordExtent], blockChecksums: [UInt32],
        control: RecordControl? = nil
    ) {
        self.pool = pool
        self.volume = volume
        self.segment = segment
        self.sequence = sequence
        self.durableThrough = durableThrough
        self.attachEpoch = attachEpoch
        self.birthEpoch = birthEpoch
        self.lastRingSequence = lastRingSequence
        self.k = k
        self.p = p
        self.shape = shape
        self.rotation = rotation
        self.offsets = offsets
        self.parityChecksums = parityChecksums
        self.extents = extents
        self.blockChecksums = blockChecksums
        self.control = control
    }

    /// The slice on which column `column` lies.
    public func slice(ofColumn column: Int) -> Int { (column + rotation) % (k + p) }

    /// The columns that were written: m of data, p of parity.
    public var columnsWritten: [Int] { Array(0..<shape.dataColumns) + Array(k..<(k + p)) }

    /// Blocks that column `column` takes in its slice, header included.
    public func chunkBlocks(ofColumn column: Int) -> Int {
        1 + (column < k ? shape.blocks(ofDataColumn: column) : shape.columnBlocks)
    }

    /// Writes the 4096 bytes for `column` at `page`.
    public func encode(column: Int, into page: UnsafeMutableRawPointer) {
        precondition(blockChecksums.count == shape.dataBlocks)
        var writer = RecordHeaderWriter(page: page)
        writer.begin(
            pool: pool, volume: volume, segment: segment, sequence: sequence, durableThrough: durableThrough,
            attachEpoch: attachEpoch, birthEpoch: birthEpoch, lastRingSequence: lastRingSequence, k: k, p: p,
            shape: shape, rotation: rotation, extentCount: extents.count, kind: kind)
        if let control { writer.putControl(control) }
        for (column, offset) in offsets.enumerated() { writer.putOffset(offset, column: column) }
        for (index, checksum) in parityChecksums.enumerated() { writer.putParityChecksum(checksum, index: index) }
        if kind == .packedMoves {
            for (extent, origin) in zip(extents, origins) { writer.putMove(extent, origin) }
        } else {
            for extent in extents { writer.putExtent(extent) }
            for origin in origins { writer.putOrigin(origin) }
        }
        for checksum in blockChecksums { writer.putBlockChecksum(checksum) }
        writer.stamp(column: column)
    }

    /// Nil where the page is not a whole header of this version: torn, old, foreign or never written.
    public init?(page: UnsafeRawPointer) {
        guard page.get(UInt64.self, at: 0) == Self.magic, page.get(UInt16.self, at: 8) == Self.version,
            page.get(UInt16.self, at: 10) == blockBytes, let kind = Kind(rawValue: page.get(at: 12)),
            page.get(UInt32.self, at: Self.checksumOffset) == crc32c(page, bytes: Self.checksumOffset)
        else { return nil }
        k = Int(page.get(UInt8.self, at: 13))
        p = Int(page.get(UInt8.self, at: 14))
        pool = PoolID(high: page.get(at: 16), low: page.get(at: 24))
        volume = VolumeID(high: page.get(at: 32), low: page.get(at: 40))
        sequence = page.get(at: 48)
        durableThrough = page.get(at: 56)
        attachEpoch = page.get(at: 64)
        birthEpoch = page.get(at: 72)
        lastRingSequence = page.get(at: 80)
        segment = page.get(at: 88)
        shape = RecordShape(
            dataBlocks: Int(page.get(UInt32.self, at: 92)), dataColumns: Int(page.get(UInt8.self, at: 100)),
            parityColumns: p, columnBlocks: Int(page.get(UInt16.self, at: 96)))
        rotation = Int(page.get(UInt8.self, at: 101))
        let extentCount = Int(page.get(UInt16.self, at: 98))
        guard k >= 1, k + p <= ErasureCode.columnsMax, rotation < k + p, shape.isConsistent, shape.dataColumns <= k
        else { return nil }
        offsets = (0..<(k + p)).map { page.get(at: 128 + $0 * 4) }
        parityChecksums = (0..<p).map { page.get(at: 192 + $0 * 4) }
        let tableEnd = Self.checksumOffset - shape.dataBlocks * Self.checksumBytes
        guard let table = RecordTable(page: page, kind: kind, extentCount: extentCount, end: tableEnd),
            table.dataBlocks == shape.dataBlocks
        else { return nil }
        extents = table.extents
        origins = table.origins
        isPacked = kind != .moves
        if kind == .control {
            guard let found = RecordControl(table: page + Self.tableOffset) else { return nil }
            control = found
        }
        blockChecksums = (0..<shape.dataBlocks).map { page.get(at: table.end + $0 * Self.checksumBytes) }
        guard columnsWritten.allSatisfy({ offsets[$0] != Self.notWritten }) else { return nil }
    }

    /// The column whose header page this is. Only for pages from which a header was read.
    public static func column(ofPage page: UnsafeRawPointer) -> Int { Int(page.get(UInt8.self, at: 102)) }
}

/// What lies between a header's fixed fields and its block checksums.
private struct RecordTable {
    private(set) var extents: [RecordExtent] = []
    private(set) var origins: [RecordOrigin] = []
    private(set) var dataBlocks = 0
    /// Where the checksums begin.
    private(set) var end = RecordHeader.tableOffset

    /// Nil where it does not end by `end`, or is none.
    init?(page: UnsafeRawPointer, kind: RecordHeader.Kind, extentCount: Int, end: Int) {
        if kind == .packedMoves {
            guard readPacked(page, extentCount, limit: end) else { return nil }
        } else {
            guard self.end + extentCount * RecordHeader.extentBytes(of: kind) <= end else { return nil }
            readExtents(page, extentCount)
            if kind == .moves { readOrigins(page, extentCount) }
        }
        let isOfMoves = kind == .moves || kind == .packedMoves
        if isOfMoves, extents.isEmpty || extents.contains(where: \.isDiscard) { return nil }
        dataBlocks = extents.reduce(0) { $0 + ($1.isDiscard ? 0 : $1.count) }
    }

    private mutating func readExtents(_ page: UnsafeRawPointer, _ count: Int) {
        for _ in 0..<count {
            let word: UInt64 = page.get(at: end)
            extents.append(
                RecordExtent(
                    block: word & 0xFFFF_FFFF_FFFF, count: Int(word >> 48 & 0x7FFF), isDiscard: word >> 63 == 1))
            end += RecordHeader.extentBytes
        }
    }

    private mutating func readOrigins(_ page: UnsafeRawPointer, _ count: Int) {
        for _ in 0..<count {
            origins.append(
                RecordOrigin(segment: page.get(at: end), place: page.get(at: end + 4), birth: page.get(at: end + 8)))
            end += RecordOrigin.bytes
        }
    }

    private mutating func readPacked(_ page: UnsafeRawPointer, _ count: Int, limit: Int) -> Bool {
        var packed = PackedMoves()
        for _ in 0..<count {
            guard let (extent, origin) = packed.get(page, at: &end, end: limit) else { return false }
            extents.append(extent)
            origins.append(origin)
        }
        return true
    }
}
