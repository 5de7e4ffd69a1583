import Base
import SegmentStore
import SystemIO

/// The records of one segment by place, for reads that need a record's other columns. Made when first needed, from the headers on the
/// slices that can be read.
final class RecordIndex: Sendable {
    /// By slice: chunks in order of their place.
    private let chunks: [[(offset: UInt32, blocks: UInt32, record: Int, column: Int)]]
    private let headers: [RecordHeader]

    /// Blocking.
    init(pool: PoolID, volume: VolumeID, segment: UInt32, sliceBlocks: UInt32, files: [(any DiskFile)?]) throws(Failure)
    {
        headers = try SegmentScan.records(
            pool: pool, volume: volume, segment: segment, sliceBlocks: sliceBlocks, files: files
        ).map(\.header)
        var chunks: [[(offset: UInt32, blocks: UInt32, record: Int, column: Int)]] = Array(
            repeating: [], count: files.count)
        for (number, header) in headers.enumerated() {
            for column in header.columnsWritten {
                chunks[header.slice(ofColumn: column)].append(
                    (header.offsets[column], UInt32(header.chunkBlocks(ofColumn: column)), number, column))
            }
        }
        self.chunks = chunks.map { $0.sorted { $0.offset < $1.offset } }
    }

    /// The record of which block `offset` of `slice` is a data block, its column and its row; nil where none is known.
    func find(slice: Int, offset: UInt32) -> (header: RecordHeader, column: Int, row: Int)? {
        let list = chunks[slice]
        var low = 0
        var high = list.count
        while low < high {
            let middle = (low + high) / 2
            if list[middle].offset <= offset { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let chunk = list[low - 1]
        guard offset > chunk.offset, offset < chunk.offset + chunk.blocks else { return nil }
        return (headers[chunk.record], chunk.column, Int(offset - chunk.offset) - 1)
    }
}
