import Base
import SegmentStore
import SystemIO

/// Live blocks of a segment on their way into one record of moves.
final class MoveBatch {
    let payload: AlignedBuffer
    private let blocksMax: Int
    /// So many fit into what is left of the segment that they go to.
    var room = Int.max
    /// With `place` where they are read from.
    private(set) var blocks: [StoredBlock] = []
    private(set) var checksums: [UInt32] = []
    private(set) var extents: [RecordExtent] = []
    private(set) var origins: [RecordOrigin] = []
    /// Before the last extent: the state of the header's table, and its bytes.
    private var packed = PackedMoves()
    private var packedBytes = 0

    init(blocksMax: Int) {
        self.blocksMax = blocksMax
        payload = AlignedBuffer(bytes: blocksMax * blockBytes)
    }

    func removeAll() {
        blocks.removeAll(keepingCapacity: true)
        checksums.removeAll(keepingCapacity: true)
        extents.removeAll(keepingCapacity: true)
        origins.removeAll(keepingCapacity: true)
        (packed, packedBytes) = (PackedMoves(), 0)
    }

    var isEmpty: Bool { blocks.isEmpty }

    /// False where one header cannot describe it as well; then it is not taken.
    func append(_ stored: StoredBlock, checksum: UInt32) -> Bool {
        guard blocks.count < min(blocksMax, room) else { return false }
        let merges = continues(stored)
        var extent = RecordExtent(block: stored.block, count: 1, isDiscard: false)
        var origin = RecordOrigin(segment: stored.origin.segment, place: stored.origin.place, birth: stored.birth)
        var (coder, bytes) = (packed, packedBytes)
        if let last = extents.last, let lastOrigin = origins.last {
            if merges {
                (extent.block, extent.count, origin) = (last.block, last.count + 1, lastOrigin)
            } else {
                bytes += coder.bytes(last, lastOrigin)
                coder.follow(last, lastOrigin)
            }
        }
        let table = bytes + coder.bytes(extent, origin) + (blocks.count + 1) * RecordHeader.checksumBytes
        guard table <= RecordHeader.tableBytes else { return false }
        (packed, packedBytes) = (coder, bytes)
        if merges {
            extents[extents.count - 1] = extent
        } else {
            extents.append(extent)
            origins.append(origin)
        }
        blocks.append(stored)
        checksums.append(checksum)
        return true
    }

    private func continues(_ stored: StoredBlock) -> Bool {
        guard let extent = extents.last, let origin = origins.last else { return false }
        return extent.block + UInt64(extent.count) == stored.block && origin.birth == stored.birth
            && origin.segment == stored.origin.segment && origin.place + UInt32(extent.count) == stored.origin.place
    }
}
