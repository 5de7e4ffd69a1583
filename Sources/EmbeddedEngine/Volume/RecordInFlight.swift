import Base
import ErasureCoding
import SegmentStore
import SystemIO

/// Header pages and parity of records under way, shared by the volumes of a loop and bounded.
final class RecordBuffers {
    static let headerPages = 16
    private static let buffersMax = 24
    private var spare: [Int: [AlignedBuffer]] = [:]
    private var made = 0

    init() {}

    /// Parity is computed for two data columns or more, so a column has at most half of the largest record.
    static func bytes(parityColumns: Int) -> Int {
        (headerPages + parityColumns * VolumeLog.recordBlocksMax / 2) * blockBytes
    }

    /// Nil while all are in use.
    func take(parityColumns: Int) -> AlignedBuffer? {
        let bytes = Self.bytes(parityColumns: parityColumns)
        if let buffer = spare[bytes]?.popLast() { return buffer }
        guard made < Self.buffersMax else {
            // Another code's buffer that is idle makes place.
            guard let other = spare.first(where: { !$0.value.isEmpty })?.key else { return nil }
            spare[other]?.removeLast()
            return AlignedBuffer(bytes: bytes)
        }
        made += 1
        return AlignedBuffer(bytes: bytes)
    }

    func give(_ buffer: AlignedBuffer) { spare[buffer.bytes, default: []].append(buffer) }
}

/// A record between forming and being durable. `@unchecked Sendable`: touched on the loop of its volume only.
final class RecordInFlight: @unchecked Sendable {
    enum State {
        case writing
        /// On its slices, in whatever caches they have.
        case written
        /// To be written whole again, elsewhere.
        case failed
        case durable
    }
    unowned let log: VolumeLog
    var state = State.writing
    var sequence: UInt64 = 0
    var entries = 0..<0
    var birthEpoch: UInt32 = 0
    /// What it says if it is a control record; such a one has no data.
    var control: RecordControl?
    /// What it copies if it is a record of moves; its data is in `payload` then and not in the ring.
    var moves: MoveBatch?
    var extentCount = 0
    var position: UInt64 = 0
    var shape = RecordShape(dataBlocks: 0, k: 1, p: 0)
    var rotation = 0
    var segment: Segment?
    /// By column.
    var offsets: [UInt32] = Array(repeating: RecordHeader.notWritten, count: 16)
    /// CRC-32C of parity columns.
    var parityChecksums: [UInt32] = Array(repeating: 0, count: ErasureCode.columnsMax)
    var buffer: AlignedBuffer?
    var writesPending = 0
    /// Its columns complete only when durable.
    var isDurableWrite = false

    init(log: VolumeLog) { self.log = log }

    var kind: RecordHeader.Kind { control != nil ? .control : moves != nil ? .packedMoves : .data }

    /// Calls `body` with each column that is written.
    func forEachColumn(k: Int, p: Int, _ body: (Int) -> Void) {
        for column in 0..<shape.dataColumns { body(column) }
        for column in k..<(k + p) { body(column) }
    }

    func slice(ofColumn column: Int, in segment: Segment) -> Slice {
        segment.slices[(column + rotation) % segment.slices.count]
    }

    func blocks(ofColumn column: Int, k: Int) -> Int {
        column < k ? shape.blocks(ofDataColumn: column) : shape.columnBlocks
    }
}

extension RecordInFlight: IOTarget {
    func ioCompleted(_ tag: UInt64, result: Int32) { log.columnWritten(self, column: Int(tag), result: result) }
}

/// What the encoding of a record reads and writes, for whichever thread does it. `@unchecked Sendable`: the memory is nobody else's meanwhile.
struct RecordEncoding: @unchecked Sendable {
    let code: ErasureCode
    let shape: RecordShape
    let data: UnsafeMutableRawPointer
    let parity: UnsafeMutableRawPointer

    /// Fills the parity columns and `checksums`, one of each.
    func run(checksums: inout [UInt32]) {
        let columnBytes = shape.columnBlocks * blockBytes
        guard shape.dataColumns > 1 else {
            // Parity of one column is that column.
            let checksum = crc32c(data, bytes: columnBytes)
            for index in 0..<shape.parityColumns { checksums[index] = checksum }
            return
        }
        code.encodeParity(shape: shape, data: data, parity: parity)
        for index in 0..<shape.parityColumns {
            checksums[index] = crc32c(parity + index * columnBytes, bytes: columnBytes)
        }
    }
}
