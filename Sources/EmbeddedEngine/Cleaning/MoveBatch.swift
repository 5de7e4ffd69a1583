import Base
import SegmentStore
import SystemIO

/// Live blocks of a segment on their way into one record of moves.
final class MoveBatch {
    let payload: AlignedBuffer
    private let blocksMax: Int
    /// With `place` where they are read from.
    private(set) var blocks: [StoredBlock] = []
    private(set) var checksums: [UInt32] = []
    private(set) var extents: [RecordExtent] = []
    private(set) var origins: [RecordOrigin] = []

    init(blocksMax: Int) {
        self.blocksMax = blocksMax
        payload = AlignedBuffer(bytes: blocksMax * blockBytes)
    }

    func removeAll() {
        blocks.removeAll(keepingCapacity: true)
        checksums.removeAll(keepingCapacity: true)
        extents.removeAll(keepingCapacity: true)
        origins.removeAll(keepingCapacity: true)
    }

    var isEmpty: Bool { blocks.isEmpty }

    /// False where one header cannot describe it as well; then it is not taken.
    func append(_ stored: StoredBlock, checksum: UInt32) -> Bool {
        guard blocks.count < blocksMax else { return false }
        let merges = continues(stored)
        let table =
            (extents.count + (merges ? 0 : 1)) * RecordHeader.extentBytes(of: .moves)
            + (blocks.count + 1) * RecordHeader.checksumBytes
        guard table <= RecordHeader.tableBytes else { return false }
        blocks.append(stored)
        checksums.append(checksum)
        if merges {
            extents[extents.count - 1].count += 1
        } else {
            extents.append(RecordExtent(block: stored.block, count: 1, isDiscard: false))
            origins.append(
                RecordOrigin(segment: stored.origin.segment, place: stored.origin.place, birth: stored.birth))
        }
        return true
    }

    private func continues(_ stored: StoredBlock) -> Bool {
        guard let extent = extents.last, let origin = origins.last else { return false }
        return extent.block + UInt64(extent.count) == stored.block && origin.birth == stored.birth
            && origin.segment == stored.origin.segment && origin.place + UInt32(extent.count) == stored.origin.place
    }
}
