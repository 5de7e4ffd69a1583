import Base
import ErasureCoding
import SystemIO

/// A record that was found in a segment, and which of its columns' headers were.
public struct FoundRecord: Sendable {
    public var header: RecordHeader
    public var columnsSeen: [Int]
}

/// Reads every record header of a segment from whichever of its slices can be read. Blocking.
///
/// Each slice is a log of chunks; a header says where the chunk after it begins. Where a slice's header is torn or missing, a
/// header of the same record on another slice still tells the chunk's place and length, so the walk goes on behind it. Where
/// nothing is known the walk goes block by block to `endBlock`, the slice's end or an earlier place behind which there is nothing: a page
/// counts only if it names this very place.
public struct SegmentScan {
    private let place: Place
    private let files: [(any DiskFile)?]
    /// A record that was written again into the same segment is there twice: each copy counts by itself.
    private struct Copy: Hashable {
        let sequence: UInt64
        let offsets: [UInt32]
    }
    private var found: [Copy: FoundRecord] = [:]
    /// By slice: chunks known from headers on other slices, offset to length.
    private var known: [[UInt32: UInt32]]
    private var cursors: [UInt32]
    private var unreadable = 0

    /// Whose records count.
    private struct Place {
        let pool: PoolID
        let volume: VolumeID
        let segment: UInt32
        let endBlock: UInt32
        let columns: Int

        /// The record whose header `page` is, and the column; nil where it does not belong here: another segment's old bytes, or a misdirected
        /// write.
        func header(_ page: UnsafeRawPointer, slice: Int, at cursor: UInt32) -> (RecordHeader, column: Int)? {
            guard let header = RecordHeader(page: page) else { return nil }
            let column = RecordHeader.column(ofPage: page)
            guard header.pool == pool, header.volume == volume, header.segment == segment,
                header.k + header.p == columns, header.columnsWritten.contains(column),
                header.slice(ofColumn: column) == slice, header.offsets[column] == cursor
            else { return nil }
            return (header, column)
        }
    }

    /// What one slice has up to its first gap: read by itself, so that those of a segment can be read at the same time.
    public struct Beginning: Sendable {
        fileprivate var headers: [(header: RecordHeader, column: Int)] = []
        fileprivate var cursor: UInt32 = 1

        public init(
            pool: PoolID, volume: VolumeID, segment: UInt32, endBlock: UInt32, columns: Int, slice: Int,
            file: any DiskFile
        ) {
            let place = Place(pool: pool, volume: volume, segment: segment, endBlock: endBlock, columns: columns)
            var reader = SliceReader(file, endBlock: endBlock)
            while cursor < endBlock, let found = place.header(reader.page(cursor), slice: slice, at: cursor) {
                headers.append(found)
                cursor += UInt32(found.0.chunkBlocks(ofColumn: found.column))
            }
        }
    }

    /// `beginnings`: of each slice, as far as that was read before.
    public static func records(
        pool: PoolID, volume: VolumeID, segment: UInt32, endBlock: UInt32, files: [(any DiskFile)?],
        beginnings: [Beginning?] = []
    ) throws(Failure) -> [FoundRecord] {
        try contents(
            pool: pool, volume: volume, segment: segment, endBlock: endBlock, files: files, beginnings: beginnings
        ).records
    }

    /// `unreadable`: how many of the slices could not be read to the end. With more of them than the segment has parity columns there may
    /// be records that nothing was seen of.
    public static func contents(
        pool: PoolID, volume: VolumeID, segment: UInt32, endBlock: UInt32, files: [(any DiskFile)?],
        beginnings: [Beginning?] = []
    ) throws(Failure) -> (records: [FoundRecord], unreadable: Int) {
        let place = Place(pool: pool, volume: volume, segment: segment, endBlock: endBlock, columns: files.count)
        var scan = SegmentScan(place, files)
        for (slice, beginning) in beginnings.enumerated() {
            guard let beginning else { continue }
            for (header, column) in beginning.headers { scan.note(header, column: column) }
            scan.cursors[slice] = beginning.cursor
        }
        for (slice, file) in files.enumerated() { scan.walk(slice, file) }
        let records = scan.found.values.sorted {
            ($0.header.sequence, $0.header.offsets.min() ?? 0) < ($1.header.sequence, $1.header.offsets.min() ?? 0)
        }
        return (records, scan.unreadable)
    }

    private init(_ place: Place, _ files: [(any DiskFile)?]) {
        self.place = place
        self.files = files
        known = Array(repeating: [:], count: files.count)
        cursors = Array(repeating: 1, count: files.count)
    }

    /// Goes to the end of one slice.
    private mutating func walk(_ slice: Int, _ file: (any DiskFile)?) {
        guard let file else {
            unreadable += 1
            return
        }
        var reader = SliceReader(file, endBlock: place.endBlock)
        while cursors[slice] < place.endBlock {
            let cursor = cursors[slice]
            if let (header, column) = place.header(reader.page(cursor), slice: slice, at: cursor) {
                note(header, column: column)
                cursors[slice] += UInt32(header.chunkBlocks(ofColumn: column))
            } else if let blocks = known[slice][cursor] {
                cursors[slice] += blocks
            } else {
                // A gap: a chunk whose headers are all lost may lie before ones that are not.
                cursors[slice] += 1
            }
        }
        if reader.isUnreadable { unreadable += 1 }
    }

    private mutating func note(_ header: RecordHeader, column: Int) {
        let copy = Copy(sequence: header.sequence, offsets: header.offsets)
        if found[copy] == nil {
            found[copy] = FoundRecord(header: header, columnsSeen: [])
            for other in header.columnsWritten {
                known[header.slice(ofColumn: other)][header.offsets[other]] = UInt32(
                    header.chunkBlocks(ofColumn: other))
            }
        }
        if found[copy]?.columnsSeen.contains(column) == false { found[copy]?.columnsSeen.append(column) }
    }
}

/// One slice from its beginning to its end, a window of it at a time.
private struct SliceReader {
    /// Blocks read at once: more each time, unless chunks are so long that only their headers are worth reading.
    private static let windowBlocksMin: UInt32 = 16
    private static let windowBlocksMax: UInt32 = 256
    private static let longChunkBlocks: UInt32 = 8

    private let file: any DiskFile
    private let endBlock: UInt32
    private let window: AlignedBuffer
    private var start: UInt32 = 0
    private var blocks: UInt32 = 0
    private var blocksMax = windowBlocksMin
    private var previous: UInt32 = 0
    /// Some of it could not be read.
    private(set) var isUnreadable = false

    init(_ file: any DiskFile, endBlock: UInt32) {
        self.file = file
        self.endBlock = endBlock
        window = AlignedBuffer(bytes: Int(min(Self.windowBlocksMax, max(endBlock, 1))) * blockBytes)
    }

    /// The block at `cursor`, before the end and not before the last one that was asked for; zeros where it cannot be read: the other slices
    /// tell what was there. Valid until the next call.
    mutating func page(_ cursor: UInt32) -> UnsafeRawPointer {
        // Behind a long chunk there is most likely another: its header alone is read.
        let step = cursor - previous
        previous = cursor
        if cursor < start || cursor >= start + blocks {
            start = cursor
            blocks = min(step > Self.longChunkBlocks ? 1 : blocksMax, endBlock - cursor)
            blocksMax = min(blocksMax * 2, Self.windowBlocksMax)
            let bytes = Int(blocks) * blockBytes
            var count = 0
            do throws(Failure) {
                count = try file.read(
                    into: UnsafeMutableRawBufferPointer(start: window.base, count: bytes),
                    at: UInt64(cursor) * UInt64(blockBytes))
            } catch {
                isUnreadable = true
            }
            (window.base + count).initializeMemory(as: UInt8.self, repeating: 0, count: bytes - count)
        }
        return UnsafeRawPointer(window.base + Int(cursor - start) * blockBytes)
    }
}
