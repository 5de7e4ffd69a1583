import Base
import ErasureCoding
import SegmentStore
import SystemIO

extension Segment {
    /// Writes a record that was read or rebuilt into this segment, blocking and not yet synced. Nil where it does not fit.
    /// Returns the header with the record's new places. Used at recovery; the flush path has its own, asynchronous way.
    func rewrite(_ old: RecordHeader, data: AlignedBuffer) throws(Failure) -> RecordHeader? {
        let shape = RecordShape(dataBlocks: old.shape.dataBlocks, k: k, p: p)
        guard let rotation = rotation(for: shape) else { return nil }
        var header = old
        header.segment = id
        header.k = k
        header.p = p
        header.shape = shape
        header.rotation = rotation
        header.offsets = Array(repeating: RecordHeader.notWritten, count: k + p)
        let columnBytes = shape.columnBlocks * blockBytes
        let parity = AlignedBuffer(bytes: max(1, p) * max(blockBytes, columnBytes))
        if shape.dataColumns > 1 {
            try ErasureCode(dataColumns: k, parityColumns: p).encodeParity(
                shape: shape, data: data.base, parity: parity.base)
        } else {
            for index in 0..<p {
                (parity.base + index * columnBytes).copyMemory(from: data.base, byteCount: columnBytes)
            }
        }
        header.parityChecksums = (0..<p).map { crc32c(parity.base + $0 * columnBytes, bytes: columnBytes) }
        for column in header.columnsWritten {
            header.offsets[column] = append(
                column: column, rotation: rotation, blocks: header.chunkBlocks(ofColumn: column))
        }
        lastSequence = max(lastSequence, header.sequence)
        for column in header.columnsWritten {
            guard let file = slices[header.slice(ofColumn: column)].file else {
                throw Failure(.internal, "slice of a new segment is not open")
            }
            let chunk = AlignedBuffer(bytes: header.chunkBlocks(ofColumn: column) * blockBytes)
            header.encode(column: column, into: chunk.base)
            let source = column < k ? data.base + column * columnBytes : parity.base + (column - k) * columnBytes
            (chunk.base + blockBytes).copyMemory(from: source, byteCount: chunk.bytes - blockBytes)
            try file.write(UnsafeRawBufferPointer(chunk.span), at: UInt64(header.offsets[column]) * UInt64(blockBytes))
        }
        return header
    }
}

extension RecordHeader {
    enum Change {
        case written(block: UInt64, entry: MapEntry)
        case discarded(first: UInt64, count: UInt64)
    }

    /// Every block that the record writes and every run that it discards, in order.
    var changes: [Change] {
        var changes: [Change] = []
        var index = 0
        for extent in extents {
            if extent.isDiscard {
                changes.append(.discarded(first: extent.block, count: UInt64(extent.count)))
                continue
            }
            for offset in 0..<extent.count {
                let column = index / shape.columnBlocks
                let entry = MapEntry(
                    segment: segment, slice: slice(ofColumn: column),
                    offset: offsets[column] + 1 + UInt32(index % shape.columnBlocks), checksum: blockChecksums[index],
                    birth: UInt32(truncatingIfNeeded: birthEpoch))
                changes.append(.written(block: extent.block + UInt64(offset), entry: entry))
                index += 1
            }
        }
        return changes
    }
}
