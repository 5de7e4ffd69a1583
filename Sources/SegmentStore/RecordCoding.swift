import Base
import ErasureCoding

extension ErasureCode {
    /// Computes a record's parity columns from its data, which lies contiguous at `data` in the record's block order.
    /// `parity` has room for p columns of `shape.columnBlocks` blocks, one after the other.
    ///
    /// A record with one data column is not encoded: its parity columns are that column.
    public func encodeParity(shape: RecordShape, data: UnsafeMutableRawPointer, parity: UnsafeMutableRawPointer) {
        precondition(shape.dataColumns > 1)
        let columnBytes = shape.columnBlocks * blockBytes
        let fullBytes = shape.fullRows * blockBytes
        withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<UInt8>?.self, capacity: shape.dataColumns) { sources in
            withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<UInt8>?.self, capacity: max(1, parityColumns)) {
                targets in
                guard let sourceBase = sources.baseAddress, let targetBase = targets.baseAddress else { return }
                func point(at row: Int) {
                    for column in 0..<shape.dataColumns {
                        sourceBase[column] = (data + column * columnBytes + row).assumingMemoryBound(to: UInt8.self)
                    }
                    for column in 0..<parityColumns {
                        targetBase[column] = (parity + column * columnBytes + row).assumingMemoryBound(to: UInt8.self)
                    }
                }
                point(at: 0)
                encode(data: sourceBase, count: shape.dataColumns, parity: targetBase, bytes: fullBytes)
                if fullBytes < columnBytes {  // below the end of the last column, which is zeros there
                    point(at: fullBytes)
                    encode(
                        data: sourceBase, count: shape.dataColumns - 1, parity: targetBase,
                        bytes: columnBytes - fullBytes)
                }
            }
        }
    }
}
