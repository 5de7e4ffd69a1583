import Base
import SegmentStore
import SystemIO

/// Fills slices with zeros ahead of their tails while flushes wait for records.
///
/// A new slice is allocated and not written. The first write to each part of it makes the filesystem turn an unwritten extent into a
/// written one, and a flush then waits for a commit of its journal on every mountpath: longer than for the data. A stream does not feel
/// that. So once records are written for flushes, what they will come to is written before, in pieces: the open segment a little ahead, then
/// the reserve, at twice the pace at which the open one fills up. The price is a second write of what is written for the first time ever;
/// recycled slices are written already.
///
/// Invariants: a piece begins beyond every tail, and no record goes into it before its last write has ended (`Segment.fillingFrom`); the
/// segment counts a reader meanwhile, so that its files are not used for another. One piece at a time. A fill that fails says nothing about
/// the mountpath: the next record will.
final class SegmentFill: IOTarget {
    /// So many more records for flushes than others before anything is filled; another halves the count.
    static let flushesMin = 16
    static let pieceBlocks: UInt32 = 256
    /// A piece begins when the tails are nearer than this to what is not written.
    static let aheadBlocks: UInt32 = 512
    /// So far before the tails does the first piece begin: records go on while it is written.
    static let marginBlocks: UInt32 = 32

    private static let zeros = AlignedBuffer(bytes: Int(pieceBlocks) * blockBytes)

    private unowned let log: VolumeLog
    private var flushes = 0
    private var segment: Segment?
    private var end: UInt32 = 0
    private var writesPending = 0
    /// By slice: what its write must return; 0 where none is under way.
    private var bytes: [Int] = []

    init(log: VolumeLog) { self.log = log }

    /// A record is on its way.
    func note(_ record: RecordInFlight) {
        flushes = record.isDurableWrite ? min(flushes + 1, 2 * Self.flushesMin) : flushes / 2
        fillIfDue()
    }

    private func fillIfDue() {
        guard segment == nil, flushes >= Self.flushesMin, let open = log.open else { return }
        let tail = open.slices.reduce(0) { max($0, $1.tail) }
        let ahead = tail + Self.aheadBlocks
        if let piece = piece(of: open, from: tail + Self.marginBlocks, until: ahead) { return begin(open, piece) }
        if let reserve = log.reserve, let piece = piece(of: reserve, from: 1, until: tail + ahead) {
            begin(reserve, piece)
        }
    }

    /// What is to be written next, from `start` on at the earliest; nil where everything before `end` is.
    private func piece(of segment: Segment, from start: UInt32, until end: UInt32) -> Range<UInt32>? {
        let written = segment.slices.reduce(UInt32.max) { min($0, max($1.tail, $1.writtenBlocks)) }
        let first = max(written, start)
        guard written < end, first < segment.sliceBlocks, segment.allAvailable else { return nil }
        return first..<min(first + Self.pieceBlocks, segment.sliceBlocks)
    }

    private func begin(_ segment: Segment, _ piece: Range<UInt32>) {
        self.segment = segment
        segment.fillingFrom = piece.lowerBound
        segment.readerCount += 1
        end = piece.upperBound
        bytes = Array(repeating: 0, count: segment.slices.count)
        writesPending = 1  // this itself
        for (number, slice) in segment.slices.enumerated() where slice.writtenBlocks < piece.upperBound {
            guard let file = slice.file else { preconditionFailure("a slice that is appended to is not open") }
            bytes[number] = piece.count * blockBytes
            writesPending += 1
            log.queue.write(
                file.descriptor, UnsafeRawBufferPointer(start: Self.zeros.base, count: bytes[number]),
                UnsafeRawBufferPointer(start: nil, count: 0), offset: UInt64(piece.lowerBound) * UInt64(blockBytes),
                durable: false, target: self, tag: UInt64(number))
        }
        writeEnded()
    }

    func ioCompleted(_ tag: UInt64, result: Int32) {
        if Int(result) == bytes[Int(tag)] {
            segment?.slices[Int(tag)].writtenBlocks = end
            log.statistics.columnBlocksFilled += bytes[Int(tag)] / blockBytes
        } else {
            flushes = 0
        }
        writeEnded()
    }

    private func writeEnded() {
        writesPending -= 1
        guard writesPending == 0, let filled = segment else { return }
        segment = nil
        filled.fillingFrom = nil
        log.readerEnded(filled)
        log.advance()
        log.scheduleBatch()
    }
}
