import Base
import Logging
import SegmentStore
import SystemIO
import VolumeEngine

/// The map by itself, over disks from outside, for tests: changes, epochs, walks, checkpoints and crashes without a data path. What was
/// done since the last checkpoint is done again after a crash, as a log would.
package final class MapHarness {
    private enum Action {
        case set(UInt64, UInt32)
        case discard(UInt64, UInt64)
        case control(RecordControl)
        case move(UInt64)
    }
    package static let segmentBlocks: UInt32 = 64

    private let pool: Pool
    private let volume: VolumeID
    private let cacheBytes: Int
    private var store: MapStore
    private var map: VolumeMap
    private var actions: [Action] = []
    /// Blocks written in this life and before: gives each a place of its own.
    private var placed: UInt32 = 0
    private var placedAtCheckpoint: UInt32 = 0
    package private(set) var writeBacks = 0

    package init(
        mountpaths: [ConfiguredMountpath], ledger: any Disk, volume: VolumeID, cacheBytes: Int,
        random: inout some RandomNumberGenerator
    ) throws(Failure) {
        var logger = Logger(label: "map", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .critical
        // Simulated drives are one thread's.
        var test = TestHooks()
        test.isSequential = true
        pool = try Pool.open(
            mountpaths, ledger: ledger, acceptMissing: false, logger: logger, random: &random, test: test)
        try pool.admitMissing(lossesMax: 2, acceptMissing: false)
        self.volume = volume
        self.cacheBytes = cacheBytes
        (store, map) = Self.empty(pool, volume, cacheBytes)
        try checkpoint(isWhole: true)
    }

    private static func empty(_ pool: Pool, _ volume: VolumeID, _ cacheBytes: Int) -> (MapStore, VolumeMap) {
        let store = MapStore(pool: pool, group: "g", volume: volume, parityColumns: 2)
        let cache = NodeCache(bytes: cacheBytes)
        return (store, VolumeMap(cache: cache, sources: [NodeSource(number: cache.takeNumber(), homes: [])]))
    }

    // MARK: Changes

    /// `value` is what `read` answers; unlike all others.
    package func set(_ block: UInt64, _ value: UInt32) throws(Failure) { try perform(.set(block, value)) }
    package func discard(_ first: UInt64, _ count: UInt64) throws(Failure) { try perform(.discard(first, count)) }

    package func snapshot() throws(Failure) -> UInt32 {
        let epoch = map.head.epoch
        try perform(
            .control(
                RecordControl(
                    operation: .snapshot, epoch: epoch, snapshot: SnapshotID(high: 1, low: UInt64(epoch)))))
        return epoch
    }

    package func delete(_ epoch: UInt32) throws(Failure) {
        try perform(.control(RecordControl(operation: .delete, epoch: epoch)))
    }

    package func rollBack(_ epoch: UInt32) throws(Failure) {
        try perform(.control(RecordControl(operation: .rollBack, epoch: epoch)))
    }

    package func dropHead() throws(Failure) { try perform(.control(RecordControl(operation: .dropHead))) }

    /// As GC would: the block's data is somewhere else from now on. Nothing where the head has none of its own there.
    package func move(_ block: UInt64) throws(Failure) { try perform(.move(block)) }

    private func perform(_ action: Action) throws(Failure) {
        actions.append(action)
        try apply(action)
    }

    private func apply(_ action: Action) throws(Failure) {
        switch action {
        case .set(let block, let value):
            let (segment, offset) = nextPlace()
            let entry = MapEntry(segment: segment, slice: 0, offset: offset, checksum: value, birth: map.head.epoch)
            try settle { self.map.set(block, entry) }
        case .discard(var first, let count):
            let end = first + count
            while first < end {
                let next = min(end, (first | 255) + 1)
                try settle { self.map.discard(first, count: next - first) }
                first = next
            }
        case .control(let control): map.apply(control)
        case .move(let block):
            let entry = try entry(block, map.head.tree)
            guard entry.isMapped, entry.distance == 0 else { return }
            let (segment, offset) = nextPlace()
            try settle { self.map.move(entry, to: DirectoryEntry(segment: segment, place: offset)) }
        }
    }

    private func nextPlace() -> (UInt32, UInt32) {
        let (segment, offset) = (1 + placed / Self.segmentBlocks, 1 + placed % Self.segmentBlocks)
        placed += 1
        if map.segments[segment] == nil, offset == 1 {
            let made = Segment(
                SegmentPlacement(
                    id: segment, k: 1, p: 0, sliceBlocks: Self.segmentBlocks + 1,
                    mountpaths: [MountpathID(high: 1, low: 1)]), mountpath: { _ in nil })
            made.isClosed = true
            map.add(made)
        }
        return (segment, offset)
    }

    /// One step of the walk over deleted epochs; false where there is nothing to do.
    package func reclaim() throws(Failure) -> Bool {
        while true {
            switch map.reclaimStep(pinned: []) {
            case .nothing: return false
            case .progressed: return true
            case .wait(let load): try map.loadNow(load)
            case .full: try writeBack()
            }
        }
    }

    // MARK: Reading

    /// Epochs that are pinned and not deleted.
    package var snapshots: [UInt32] { map.elements.filter { !$0.isDeleted }.map(\.epoch) }

    /// The value that was set, nil where the block is unmapped. `epoch`: of a snapshot, or the head.
    package func read(_ block: UInt64, epoch: UInt32? = nil) throws(Failure) -> UInt32? {
        let entry = try entry(block, tree(epoch))
        return entry.isMapped ? entry.checksum : nil
    }

    private func tree(_ epoch: UInt32?) -> MapTree {
        guard let epoch else { return map.head.tree }
        return map.element(epoch)?.tree ?? MapTree()
    }

    private func entry(_ block: UInt64, _ tree: MapTree) throws(Failure) -> MapEntry {
        while true {
            switch map.entry(block, in: tree) {
            case .entry(let entry): return entry
            case .wait(let load): try map.loadNow(load)
            }
        }
    }

    package var liveBlocks: Int { map.segments.values.reduce(0) { $0 + $1.liveBlocks } }
    package var nodeCount: Int { map.slots.takenCount }

    package func problems() throws(Failure) -> [String] {
        var check = MapCheck(map)
        return try check.run()
    }

    // MARK: Checkpoints and crashes

    package func checkpoint(isWhole: Bool) throws(Failure) {
        for segment in map.segments.values
        where segment.liveBlocks == 0 && segment.id < 1 + placed / Self.segmentBlocks {
            _ = map.remove(segment.id)
        }
        let (frame, nodes) = map.freeze(isWhole: isWhole, throughSequence: 0)
        do throws(Failure) { try store.commit(frame, nodes, isWhole: isWhole) } catch {
            map.thaw(isDurable: false)
            throw error
        }
        map.thaw(isDurable: true)
        map.sources[0].homes = store.nodeHomes
        actions = []
        placedAtCheckpoint = placed
    }

    /// Begins anew from the last checkpoint and does again what came after.
    package func crash() throws(Failure) {
        (store, map) = Self.empty(pool, volume, cacheBytes)
        for frame in try store.load() { map.load(frame, mountpath: pool.mountpath) }
        map.sources[0].homes = store.nodeHomes
        placed = placedAtCheckpoint
        for action in actions { try apply(action) }
        try checkpoint(isWhole: true)
    }

    private func settle(_ body: () -> Readiness) throws(Failure) {
        while true {
            switch body() {
            case .ready: return
            case .wait(let load): try map.loadNow(load)
            case .full: try writeBack()
            }
        }
    }

    private func writeBack() throws(Failure) {
        writeBacks += 1
        let (batch, frames) = map.nodesToWriteBack()
        try store.writeBack(batch)
        map.sources[0].homes = store.nodeHomes
        map.wroteBack(frames)
    }
}
