import Base
import SegmentStore
import SystemIO

/// Records of moves on their way into the log and into the map.
extension VolumeLog {
    /// Puts a batch behind everything that is in records. False while it has to wait for a buffer.
    func append(_ batch: MoveBatch, to segment: Segment, shape: RecordShape, rotation: Int) -> Bool {
        guard let buffer = buffers.take(parityColumns: parameters.group.parityColumns) else { return false }
        let record = spareRecords.popLast() ?? RecordInFlight(log: self)
        record.buffer = buffer
        record.moves = batch
        record.control = nil
        record.entries = ring.formedEntry..<ring.formedEntry
        record.extentCount = batch.extents.count
        record.shape = shape
        record.rotation = rotation
        record.segment = segment
        record.sequence = nextSequence
        nextSequence += 1
        record.birthEpoch = birthEpoch
        // A flush behind it would have to sync all slices of its segment otherwise.
        record.isDurableWrite = true
        records.append(record)
        movesInFlight += 1
        write(record)
        return true
    }

    func applyMoves(_ batch: MoveBatch, of record: RecordInFlight) -> Readiness {
        guard let segment = record.segment else { return .ready }
        while applied.dataBlocks < batch.blocks.count {
            var stored = batch.blocks[applied.dataBlocks]
            let column = applied.dataBlocks / record.shape.columnBlocks
            stored.place =
                MapEntry(
                    segment: segment.id, slice: (column + record.rotation) % segment.slices.count,
                    offset: record.offsets[column] + 1 + UInt32(applied.dataBlocks % record.shape.columnBlocks),
                    checksum: 0, birth: 0
                ).origin
            let readiness = map.applyMove(stored)
            guard case .ready = readiness else { return readiness }
            applied.dataBlocks += 1
        }
        return .ready
    }
}
