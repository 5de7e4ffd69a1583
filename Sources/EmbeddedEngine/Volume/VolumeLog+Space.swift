import Base
import SegmentStore
import VolumeEngine

// From the counters that checkpoints keep: the head's blocks, live and appended blocks by segment, taken slots. `MapCheck` and `fsck`
// find the same by reading the trees and the segments.

extension VolumeMap {
    /// `leaving`: segments that are no longer named and not freed yet. `roomBlocks`: not yet appended to, over all slices.
    /// `pendingBlocks`: appended, and not in the map yet.
    func space(leaving: [Segment] = [], roomBlocks: Int = 0, pendingBlocks: Int = 0) -> SpaceUsage {
        let named = Array(segments.values)
        let owned = hasHead ? head.ownedBlocks : 0
        let live = named.reduce(0) { $0 + $1.liveBlocks }
        let data = (named + leaving).reduce(0) { $0 + $1.dataBlocks }
        return SpaceUsage(
            BlockCounts(
                owned: owned, inherited: hasHead ? head.inheritedBlocks : 0, live: live, data: data - pendingBlocks,
                reserved: roomBlocks + pendingBlocks,
                allocated: (named + leaving).reduce(0) { $0 + $1.presentBlocks }, nodes: slots.takenCount,
                lost: hasHead ? head.lostBlocks : 0))
    }

    /// The tables as the volume's last checkpoint has them; nil where there is none. Blocking, reads only.
    static func stored(_ header: VolumeHeader, _ group: GroupSpecification, in pool: Pool) throws(Failure)
        -> VolumeMap?
    {
        let store = MapStore(pool: pool, group: group.label, volume: header.id, parityColumns: group.parityColumns)
        let cache = NodeCache(bytes: 0)
        let map = VolumeMap(cache: cache, sources: [NodeSource(number: cache.takeNumber(), homes: [])])
        let frames = try store.load()
        for frame in frames { map.load(frame, mountpath: pool.mountpath) }
        return frames.isEmpty ? nil : map
    }
}

extension VolumeStatistics {
    var activity: VolumeActivity {
        func bytes(_ blocks: Int) -> UInt64 { UInt64(blocks * blockBytes) }
        return VolumeActivity(
            writtenBytes: bytes(blocksWritten), movedBytes: bytes(blocksMoved), storedBytes: bytes(columnBlocksWritten),
            cleanedSegments: UInt64(segmentsCleaned))
    }
}

extension VolumeLog {
    var space: SpaceUsage {
        let growing = [open, reserve] + cleaner.targets
        return map.space(
            leaving: removed + dying, roomBlocks: growing.reduce(0) { $0 + ($1?.freeBlocks ?? 0) },
            pendingBlocks: pendingBlocks)
    }

    /// Appended to segments and not in the map yet.
    var pendingBlocks: Int {
        let formed = (records + applying).reduce(0) { $0 + $1.shape.dataBlocks }
        return formed - (applying.isEmpty ? 0 : applied.dataBlocks)
    }
}

/// A volume's blocks of 4 KiB, as they are counted.
struct BlockCounts {
    /// The head's, in segments of its own and in its origins'.
    var owned: Int
    var inherited: Int
    /// In the volume's segments, each once.
    var live: Int
    /// Appended to its segments, parity and headers apart.
    var data: Int
    var reserved: Int
    var allocated: Int
    var nodes: Int
    var lost: Int
}

extension SpaceUsage {
    /// Of a clone that has nothing of its own yet.
    init(sharedBy element: MapElement) {
        self.init(
            sharedBytes: UInt64(element.ownedBlocks + element.inheritedBlocks) * UInt64(blockBytes),
            lostBytes: UInt64(element.lostBlocks) * UInt64(blockBytes))
    }

    init(_ counts: BlockCounts) {
        func bytes(_ blocks: Int) -> UInt64 { UInt64(max(0, blocks)) * UInt64(blockBytes) }
        let overhead = counts.allocated - counts.data - counts.reserved
        self.init(
            liveBytes: bytes(counts.owned), sharedBytes: bytes(counts.inherited),
            snapshotOnlyBytes: bytes(counts.live - counts.owned), garbageBytes: bytes(counts.data - counts.live),
            reservedBytes: bytes(counts.reserved), overheadBytes: bytes(overhead),
            allocatedBytes: bytes(counts.allocated), metadataBytes: bytes(counts.nodes), lostBytes: bytes(counts.lost))
    }
}

extension Segment {
    /// Of slices on mountpaths that are there.
    var presentBlocks: Int { slices.count { $0.isAvailable } * Int(sliceBlocks) }
}
