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
    /// Blocks read at once where there are records, and at most where there are none.
    private static let windowBlocksMin: UInt32 = 16
    private static let windowBlocksMax: UInt32 = 256

    private let pool: PoolID
    private let volume: VolumeID
    private let segment: UInt32
    private let files: [(any DiskFile)?]
    private let endBlock: UInt32
    /// A record that was written again into the same segment is there twice: each copy counts by itself.
    private struct Copy: Hashable {
        let sequence: UInt64
        let offsets: [UInt32]
    }
    private var found: [Copy: FoundRecord] = [:]
    /// By slice: chunks known from headers on other slices, offset to length.
    private var known: [[UInt32: UInt32]]
    private var cursors: [UInt32]
    private var unreadable: Set<Int> = []
    private let window = AlignedBuffer(bytes: Int(windowBlocksMax) * blockBytes)

    public static func records(
        pool: PoolID, volume: VolumeID, segment: UInt32, endBlock: UInt32, files: [(any DiskFile)?]
    ) throws(Failure) -> [FoundRecord] {
        try contents(pool: pool, volume: volume, segment: segment, endBlock: endBlock, files: files).records
    }

    /// `unreadable`: how many of the slices could not be read to the end. With more of them than the segment has parity columns there may
    /// be records that nothing was seen of.
    public static func contents(
        pool: PoolID, volume: VolumeID, segment: UInt32, endBlock: UInt32, files: [(any DiskFile)?]
    ) throws(Failure) -> (records: [FoundRecord], unreadable: Int) {
        var scan = SegmentScan(pool: pool, volume: volume, segment: segment, endBlock: endBlock, files: files)
        try scan.run()
        let records = scan.found.values.sorted {
            ($0.header.sequence, $0.header.offsets.min() ?? 0) < ($1.header.sequence, $1.header.offsets.min() ?? 0)
        }
        return (records, scan.unreadable.union(files.indices.filter { files[$0] == nil }).count)
    }

    private init(pool: PoolID, volume: VolumeID, segment: UInt32, endBlock: UInt32, files: [(any DiskFile)?]) {
        self.pool = pool
        self.volume = volume
        self.segment = segment
        self.files = files
        self.endBlock = endBlock
        known = Array(repeating: [:], count: files.count)
        cursors = Array(repeating: 1, count: files.count)
    }

    private mutating func run() throws(Failure) {
        var progressed = true
        while progressed {
            progressed = false
            for slice in files.indices {
                if let file = files[slice], walk(slice, file) { progressed = true }
            }
        }
    }

    /// Goes as far on one slice as can be; true if that was any further.
    private mutating func walk(_ slice: Int, _ file: any DiskFile) -> Bool {
        let start = cursors[slice]
        var windowStart: UInt32 = 0
        var windowBlocks: UInt32 = 0
        // Grows as long as nothing is found: most of a segment that was open is empty.
        var windowMax = Self.windowBlocksMin
        var previous: UInt32 = 0
        while cursors[slice] < endBlock {
            let cursor = cursors[slice]
            // Behind a long chunk there is most likely another: its header alone is read.
            let step = cursor - previous
            previous = cursor
            if cursor < windowStart || cursor >= windowStart + windowBlocks {
                windowStart = cursor
                windowBlocks = min(step > Self.windowBlocksMin ? 1 : windowMax, endBlock - cursor)
                windowMax = min(windowMax * 2, Self.windowBlocksMax)
                let bytes = Int(windowBlocks) * blockBytes
                let target = UnsafeMutableRawBufferPointer(start: window.base, count: bytes)
                var count = 0
                do throws(Failure) {
                    count = try file.read(into: target, at: UInt64(cursor) * UInt64(blockBytes))
                } catch {
                    unreadable.insert(slice)
                    count = 0  // unreadable: the other slices tell what was here
                }
                (window.base + count).initializeMemory(as: UInt8.self, repeating: 0, count: bytes - count)
            }
            let page = UnsafeRawPointer(window.base + Int(cursor - windowStart) * blockBytes)
            if let header = RecordHeader(page: page), accept(header, page: page, slice: slice, at: cursor) {
                cursors[slice] += UInt32(header.chunkBlocks(ofColumn: RecordHeader.column(ofPage: page)))
                windowMax = Self.windowBlocksMin
            } else if let blocks = known[slice][cursor] {
                cursors[slice] += blocks
            } else {
                // A gap: a chunk whose headers are all lost may lie before ones that are not.
                cursors[slice] += 1
            }
        }
        return cursors[slice] > start
    }

    /// False where the header does not belong here: another segment's old bytes, or a misdirected write.
    private mutating func accept(_ header: RecordHeader, page: UnsafeRawPointer, slice: Int, at cursor: UInt32) -> Bool
    {
        let column = RecordHeader.column(ofPage: page)
        guard header.pool == pool, header.volume == volume, header.segment == segment,
            header.k + header.p == files.count, header.columnsWritten.contains(column),
            header.slice(ofColumn: column) == slice, header.offsets[column] == cursor
        else { return false }
        let copy = Copy(sequence: header.sequence, offsets: header.offsets)
        if found[copy] == nil {
            found[copy] = FoundRecord(header: header, columnsSeen: [])
            for other in header.columnsWritten {
                known[header.slice(ofColumn: other)][header.offsets[other]] = UInt32(
                    header.chunkBlocks(ofColumn: other))
            }
        }
        if found[copy]?.columnsSeen.contains(column) == false { found[copy]?.columnsSeen.append(column) }
        return true
    }
}
