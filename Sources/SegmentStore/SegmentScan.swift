import Base
import ErasureCoding
import SystemIO

/// A record that was found in a segment, and which of its columns' headers were.
public struct FoundRecord: Sendable {
    public var header: RecordHeader
    public var columnsSeen: [Int]
}

/// How far a segment is written, by somebody who may be out of date: it is about the segment that the engine start `start` made.
public struct SegmentTail: Sendable, Equatable {
    /// No slice has a record at this block or behind it.
    public var end: UInt32
    public var start: UInt64

    public init(end: UInt32, start: UInt64) {
        self.end = end
        self.start = start
    }
}

/// Reads every record header of a segment from whichever of its slices can be read. Blocking.
///
/// Each slice is a log of chunks; a header says where the chunk after it begins. Where a slice's header is torn or missing, a
/// header of the same record on another slice still tells the chunk's place and length, so the walk goes on behind it. Where
/// nothing is known the walk goes block by block to the slice's end: a page counts only if it names this very place.
public struct SegmentScan {
    private let identity: Identity
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
    private var ends: [UInt32]
    private var unreadable = 0

    /// Whose records count.
    private struct Identity {
        let pool: PoolID
        let volume: VolumeID
        let segment: UInt32
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

        func isHeader(_ page: UnsafeRawPointer, of start: UInt64) -> Bool {
            guard let header = SliceHeader(page: page) else { return false }
            return header.pool == pool && header.volume == volume && header.segment == segment && header.start == start
        }
    }

    /// What one slice has up to its first gap: read by itself, so that those of a segment can be read at the same time.
    public struct Beginning: Sendable {
        fileprivate var headers: [(header: RecordHeader, column: Int)] = []
        fileprivate var cursor: UInt32 = 1
        fileprivate let end: UInt32

        /// `tail`: counts where the slice says that it is about this segment.
        public init(
            pool: PoolID, volume: VolumeID, segment: UInt32, sliceBlocks: UInt32, columns: Int, slice: Int,
            file: any DiskFile, tail: SegmentTail?
        ) {
            let identity = Identity(pool: pool, volume: volume, segment: segment, columns: columns)
            var reader = SliceReader(file, end: min(max(tail?.end ?? sliceBlocks, 1), sliceBlocks))
            if let tail, !identity.isHeader(reader.page(0), of: tail.start) {
                reader = SliceReader(file, end: sliceBlocks)
            }
            end = reader.end
            while cursor < end, let found = identity.header(reader.page(cursor), slice: slice, at: cursor) {
                headers.append(found)
                cursor += UInt32(found.0.chunkBlocks(ofColumn: found.column))
            }
        }
    }

    /// `beginnings`: of each slice, as far as that was read before.
    public static func records(
        pool: PoolID, volume: VolumeID, segment: UInt32, sliceBlocks: UInt32, files: [(any DiskFile)?],
        beginnings: some Collection<Beginning?> = []
    ) throws(Failure) -> [FoundRecord] {
        try contents(
            pool: pool, volume: volume, segment: segment, sliceBlocks: sliceBlocks, files: files, beginnings: beginnings
        ).records
    }

    /// Blocks of data that records up to `throughSequence` have in a segment, as it is accounted.
    public struct Expected: Sendable {
        public var dataBlocks: Int
        public var throughSequence: UInt64

        public init(dataBlocks: Int, throughSequence: UInt64) {
            (self.dataBlocks, self.throughSequence) = (dataBlocks, throughSequence)
        }
    }

    public struct Contents {
        public var records: [FoundRecord]
        /// So many of the slices could not be read to the end. With more of them than the segment has parity columns there may be records that
        /// nothing was seen of.
        public var unreadable = 0
        /// All that was expected was found, and nothing was looked for behind it.
        public var isEarly = false
    }

    /// `expected`: enough where the beginnings have just that.
    public static func contents(
        pool: PoolID, volume: VolumeID, segment: UInt32, sliceBlocks: UInt32, files: [(any DiskFile)?],
        beginnings: some Collection<Beginning?> = [], expected: Expected? = nil
    ) throws(Failure) -> Contents {
        var scan = SegmentScan(
            Identity(pool: pool, volume: volume, segment: segment, columns: files.count), files, sliceBlocks)
        for (slice, beginning) in beginnings.enumerated() {
            guard let beginning else { continue }
            for (header, column) in beginning.headers { scan.note(header, column: column) }
            scan.cursors[slice] = beginning.cursor
            scan.ends[slice] = beginning.end
        }
        if let expected, scan.dataBlocks(through: expected.throughSequence) == expected.dataBlocks {
            return Contents(records: scan.records, isEarly: true)
        }
        for (slice, file) in files.enumerated() { scan.walk(slice, file) }
        return Contents(records: scan.records, unreadable: scan.unreadable)
    }

    private var records: [FoundRecord] {
        found.values.sorted {
            ($0.header.sequence, $0.header.offsets.min() ?? 0) < ($1.header.sequence, $1.header.offsets.min() ?? 0)
        }
    }

    private func dataBlocks(through sequence: UInt64) -> Int {
        found.values.reduce(0) { $0 + ($1.header.sequence <= sequence ? $1.header.shape.dataBlocks : 0) }
    }

    private init(_ identity: Identity, _ files: [(any DiskFile)?], _ sliceBlocks: UInt32) {
        self.identity = identity
        self.files = files
        known = Array(repeating: [:], count: files.count)
        cursors = Array(repeating: 1, count: files.count)
        ends = Array(repeating: sliceBlocks, count: files.count)
    }

    /// Goes to the end of one slice.
    private mutating func walk(_ slice: Int, _ file: (any DiskFile)?) {
        guard let file else {
            unreadable += 1
            return
        }
        var reader = SliceReader(file, end: ends[slice])
        while cursors[slice] < ends[slice] {
            let cursor = cursors[slice]
            if let (header, column) = identity.header(reader.page(cursor), slice: slice, at: cursor) {
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
    /// On a drive that fails throughout, not each block is tried.
    private static let failedBlocksMax = 64

    let end: UInt32
    private let file: any DiskFile
    private let window: AlignedBuffer
    private var start: UInt32 = 0
    private var blocks: UInt32 = 0
    private var blocksMax = windowBlocksMin
    private var previous: UInt32 = 0
    private var failedBlocks = 0

    init(_ file: any DiskFile, end: UInt32) {
        self.file = file
        self.end = end
        window = AlignedBuffer(bytes: Int(min(Self.windowBlocksMax, max(end, 1))) * blockBytes)
    }

    /// Some of it could not be read.
    var isUnreadable: Bool { failedBlocks > 0 }

    /// The block at `cursor`, before the end and not before the last one that was asked for; zeros where it cannot be read: the other slices
    /// tell what was there. Valid until the next call.
    mutating func page(_ cursor: UInt32) -> UnsafeRawPointer {
        // Behind a long chunk there is most likely another: its header alone is read.
        let step = cursor - previous
        previous = cursor
        if cursor < start || cursor >= start + blocks {
            start = cursor
            blocks = min(step > Self.longChunkBlocks ? 1 : blocksMax, end - cursor)
            blocksMax = min(blocksMax * 2, Self.windowBlocksMax)
            if !read(0, blocks) { readSingly() }
        }
        return UnsafeRawPointer(window.base + Int(cursor - start) * blockBytes)
    }

    /// Blocks of the window; what lies behind the file's end is zeros.
    private func read(_ first: UInt32, _ count: UInt32) -> Bool {
        let target = UnsafeMutableRawBufferPointer(
            start: window.base + Int(first) * blockBytes, count: Int(count) * blockBytes)
        do throws(Failure) {
            let bytes = try file.read(into: target, at: UInt64(start + first) * UInt64(blockBytes))
            target[bytes...].initializeMemory(as: UInt8.self, repeating: 0)
            return true
        } catch {
            target.initializeMemory(as: UInt8.self, repeating: 0)
            return false
        }
    }

    /// One bad sector hides no other block.
    private mutating func readSingly() {
        blocksMax = Self.windowBlocksMin
        for block in 0..<blocks {
            if failedBlocks >= Self.failedBlocksMax || blocks == 1 || !read(block, 1) { failedBlocks += 1 }
        }
    }
}
