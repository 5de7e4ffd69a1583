import Base

/// How the blocks of a record lie in columns.
///
/// Block i of the record is row `i % columnBlocks` of data column `i / columnBlocks`. Every data column but the last has `columnBlocks`
/// blocks; the last may be shorter, its missing rows are zeros to the code. Parity columns have `columnBlocks` blocks.
public struct RecordShape: Sendable, Equatable {
    public let dataBlocks: Int
    /// m: data columns that are written.
    public let dataColumns: Int
    public let parityColumns: Int
    /// Blocks of a full column, the 4 KiB header not counted.
    public let columnBlocks: Int

    /// The shape that writes the fewest blocks, headers included, over at most `k` data columns; fewer columns where it is the same.
    /// A record without data (discards only) writes headers to one data column and the parity columns.
    public init(dataBlocks: Int, k: Int, p: Int) {
        precondition(dataBlocks >= 0 && k >= 1 && p >= 0)
        var best = (cost: Int.max, columns: 1)
        for columns in 1...max(1, min(k, dataBlocks)) {
            let rows = (dataBlocks + columns - 1) / columns
            // Columns that would stay empty are not a shape.
            guard dataBlocks == 0 || (columns - 1) * rows < dataBlocks else { continue }
            let cost = (columns + p) * (1 + rows)
            if cost < best.cost { best = (cost, columns) }
        }
        self.init(
            dataBlocks: dataBlocks, dataColumns: best.columns, parityColumns: p,
            columnBlocks: (dataBlocks + best.columns - 1) / best.columns)
    }

    /// As read from a header.
    init(dataBlocks: Int, dataColumns: Int, parityColumns: Int, columnBlocks: Int) {
        self.dataBlocks = dataBlocks
        self.dataColumns = dataColumns
        self.parityColumns = parityColumns
        self.columnBlocks = columnBlocks
    }

    var isConsistent: Bool {
        guard dataColumns >= 1 else { return false }
        if dataBlocks == 0 { return columnBlocks == 0 && dataColumns == 1 }
        return columnBlocks * dataColumns >= dataBlocks && columnBlocks * (dataColumns - 1) < dataBlocks
    }

    public var columnsWritten: Int { dataColumns + parityColumns }

    /// Blocks of data in data column `column`.
    public func blocks(ofDataColumn column: Int) -> Int {
        min(columnBlocks, dataBlocks - column * columnBlocks)
    }

    /// Rows in which every data column has a block; in the rows after it the last column is zeros.
    public var fullRows: Int { blocks(ofDataColumn: dataColumns - 1) }
}
