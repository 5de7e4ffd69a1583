import Base
import ErasureCoding
import SystemIO

/// Reads a record's columns from its slices and computes what is missing. Blocking; run it off the event loop.
///
/// Nothing is believed without a checksum: data blocks are checked against the record's table, and what was computed from parity
/// (whose rows have no checksum of their own) against the checksum of the block that was wanted. Where one choice of columns
/// fails, the others are tried.
public struct RecordReader {
    private let header: RecordHeader
    private let code: ErasureCode
    /// By slice; nil where the slice cannot be read.
    private let files: [(any DiskFile)?]
    private let scratch: AlignedBuffer

    /// `files`: of the header's segment, by slice, those that can be read.
    public init(header: RecordHeader, files: [(any DiskFile)?]) throws(Failure) {
        precondition(files.count == header.k + header.p)
        self.header = header
        self.files = files
        code = try ErasureCode(dataColumns: header.k, parityColumns: header.p)
        scratch = AlignedBuffer(
            bytes: (header.columnsWritten.count + 1) * max(1, header.shape.columnBlocks) * blockBytes)
    }

    private var columnBytes: Int { header.shape.columnBlocks * blockBytes }

    /// Puts blocks `row..<row+count` of data column `column` at `buffer`, without reading that column's own slice.
    /// `corrupt` where no choice of the others gives them.
    public func rebuild(
        column: Int, row: Int, count: Int, into buffer: UnsafeMutableRawPointer, readOwn: Bool = false
    ) throws(Failure) {
        precondition(row + count <= header.shape.blocks(ofDataColumn: column))
        if count > 1, rebuildRows(column: column, row: row, count: count, into: buffer, readOwn: readOwn) { return }
        for index in 0..<count
        where !rebuildRows(
            column: column, row: row + index, count: 1, into: buffer + index * blockBytes, readOwn: readOwn)
        {
            throw Failure(
                .corrupt,
                "block \(row + index) of column \(column), record \(header.sequence), segment \(header.segment) cannot be rebuilt"
            )
        }
    }

    /// The whole data of the record, in block order, from its own columns where they are good and rebuilt where not.
    public func readAll(into buffer: UnsafeMutableRawPointer) throws(Failure) {
        for column in 0..<header.shape.dataColumns where header.shape.dataBlocks > 0 {
            let count = header.shape.blocks(ofDataColumn: column)
            try rebuild(column: column, row: 0, count: count, into: buffer + column * columnBytes, readOwn: true)
        }
    }

    /// Columns whose data on the slice is what the header says. `columns`: those to look at.
    public func goodColumns(among columns: [Int]) -> [Int] {
        columns.filter { column in
            if column < header.k {
                let count = header.shape.blocks(ofDataColumn: column)
                return read(column: column, row: 0, count: count, into: scratch.base)
                    && blocksMatch(column: column, row: 0, count: count, at: scratch.base)
            }
            return read(column: column, row: 0, count: header.shape.columnBlocks, into: scratch.base)
                && crc32c(scratch.base, bytes: columnBytes) == header.parityChecksums[column - header.k]
        }
    }

    private func rebuildRows(
        column: Int, row: Int, count: Int, into buffer: UnsafeMutableRawPointer, readOwn: Bool
    ) -> Bool {
        if readOwn, read(column: column, row: row, count: count, into: buffer),
            blocksMatch(column: column, row: row, count: count, at: buffer)
        {
            return true
        }
        // What can be had of the others: data columns that match their checksums (or are zeros there), and parity as it is.
        var sources: [(column: Int, base: UnsafeMutableRawPointer)] = []
        for (index, other) in header.columnsWritten.enumerated() where other != column {
            let base = scratch.base + index * columnBytes
            if fetch(other, row: row, count: count, into: base) { sources.append((other, base)) }
        }
        let needed = header.shape.dataColumns
        guard sources.count >= needed else { return false }
        for choice in combinations(of: sources.count, choosing: needed) {
            let chosen = choice.map { sources[$0] }
            guard let decoder = code.decoder(dataCount: needed, from: chosen.map(\.column), wanted: [column]) else {
                continue
            }
            decoder.decode(sources: chosen.map(\.base), wanted: [buffer], bytes: count * blockBytes)
            if blocksMatch(column: column, row: row, count: count, at: buffer) { return true }
        }
        return false
    }

    private func fetch(_ column: Int, row: Int, count: Int, into base: UnsafeMutableRawPointer) -> Bool {
        guard column < header.k else { return read(column: column, row: row, count: count, into: base) }
        let stored = max(0, min(count, header.shape.blocks(ofDataColumn: column) - row))
        (base + stored * blockBytes).initializeMemory(
            as: UInt8.self, repeating: 0, count: (count - stored) * blockBytes)
        return stored == 0
            || (read(column: column, row: row, count: stored, into: base)
                && blocksMatch(column: column, row: row, count: stored, at: base))
    }

    private func read(column: Int, row: Int, count: Int, into base: UnsafeMutableRawPointer) -> Bool {
        guard let file = files[header.slice(ofColumn: column)] else { return false }
        let offset = (UInt64(header.offsets[column]) + 1 + UInt64(row)) * UInt64(blockBytes)
        let bytes = count * blockBytes
        do throws(Failure) {
            return try file.read(into: UnsafeMutableRawBufferPointer(start: base, count: bytes), at: offset) == bytes
        } catch {
            return false
        }
    }

    private func blocksMatch(column: Int, row: Int, count: Int, at base: UnsafeMutableRawPointer) -> Bool {
        let first = column * header.shape.columnBlocks + row
        return (0..<count).allSatisfy {
            crc32c(base + $0 * blockBytes, bytes: blockBytes) == header.blockChecksums[first + $0]
        }
    }
}

/// Every choice of `size` out of `count` indices, in lexicographic order.
func combinations(of count: Int, choosing size: Int) -> some Sequence<[Int]> {
    sequence(state: Array(0..<size) as [Int]?) { state -> [Int]? in
        guard var next = state else { return nil }
        let current = next
        var position = size - 1
        while position >= 0, next[position] == count - size + position { position -= 1 }
        if position < 0 {
            state = nil
        } else {
            next[position] += 1
            for index in (position + 1)..<max(size, position + 1) { next[index] = next[index - 1] + 1 }
            state = next
        }
        return current
    }
}
