import Base
import Logging
import SegmentStore
import SystemIO
import VolumeEngine

/// A volume as recovery hands it over: everything in it is durable, nothing of it is open for appending.
struct RecoveredVolume {
    var map: ExtentMap
    /// All closed.
    var segments: [UInt32: Segment]
    var root: MapRoot
    var store: MapStore
    var lostBlocks: Int
}

/// Reads a volume's log to its end and seals it. Blocking. The rules are those of the design's section 4, "Recovery"; the seal is the
/// root of a new map generation, durable on p+1 mountpaths before this returns.
struct VolumeRecovery {
    let pool: Pool
    let header: VolumeHeader
    let group: GroupSpecification
    let allocator: SegmentAllocator
    let logger: Logger

    private static let attemptsMax = 20

    /// Begins anew whenever a mountpath had to be taken out on the way.
    func run() throws(Failure) -> RecoveredVolume {
        for _ in 0..<Self.attemptsMax {
            if let recovered = try attempt() { return recovered }
            pool.test.took(.recoveryBegunAnew)
        }
        throw Failure(.unavailable, "volume \(header.id) cannot be opened: mountpaths keep failing")
    }

    private struct Log {
        var segments: [UInt32: Segment] = [:]
        var scanned: [Segment] = []
        var bySequence: [UInt64: [(segment: Segment, record: FoundRecord)]] = [:]
        var durableThrough: UInt64
        var nextSegment: UInt32
    }

    private func attempt() throws(Failure) -> RecoveredVolume? {
        let store = MapStore(pool: pool, group: group.label, volume: header.id, parityColumns: group.parityColumns)
        let loaded = try store.load()
        let directory = SlicePath.segmentDirectory(group: group.label, volume: header.id)
        var names: [UInt32: [(slice: Int, mountpath: Mountpath, name: String)]] = [:]
        for mountpath in pool.active {
            let listed: [String]
            do throws(Failure) { listed = try mountpath.listIfPresent(directory) } catch {
                try pool.takeOut(mountpath, reason: "cannot list slices: \(error)")
                return nil
            }
            for name in listed {
                guard let (segment, slice) = SlicePath.parse(name) else { continue }
                names[segment, default: []].append((slice, mountpath, name))
            }
        }
        if loaded == nil, let segment = names.keys.min() {
            throw Failure(
                .corrupt,
                "volume \(header.id) has data (segment \(segment)) but no map on any mountpath that is there: bring back the mountpaths that are missing"
            )
        }
        let root =
            loaded?.root
            ?? MapRoot(generation: 0, frame: 0, throughSequence: 0, sealedBelow: 1, nextSegment: 1, segments: [])
        let map = loaded?.map ?? ExtentMap()
        var log = try readLog(root, names)

        // What the checkpoint does not know of and what came before its seal was freed: the files are left over.
        for (id, slices) in names where log.segments[id] == nil {
            for slice in slices {
                pool.test.took(.strayFreed)
                allocator.freeStraySlice(slice.name, volume: header.id, group: group, on: slice.mountpath)
            }
        }
        var lostBlocks = 0
        var incomplete: [(segment: Segment, header: RecordHeader)] = []
        guard let last = try replay(&log, from: root, into: map, incomplete: &incomplete, lostBlocks: &lostBlocks),
            try synchronizeScanned(log),
            try rewrite(incomplete, in: &log, into: map)
        else { return nil }
        return try seal(store, root, log, map, through: last, lostBlocks: lostBlocks)
    }

    // MARK: Reading

    private func readLog(
        _ root: MapRoot, _ names: [UInt32: [(slice: Int, mountpath: Mountpath, name: String)]]
    ) throws(Failure) -> Log {
        var log = Log(durableThrough: root.throughSequence, nextSegment: root.nextSegment)
        for entry in root.segments {
            log.segments[entry.id] = segment(
                entry.id, k: entry.k, p: entry.p, sliceBlocks: entry.sliceBlocks, mountpaths: entry.mountpaths)
            // What the seal covers is never read for records again: behind it lies what recovery once left out.
            log.segments[entry.id]?.isClosed = entry.isClosed || entry.id < root.sealedBelow
            if entry.id < root.sealedBelow { pool.test.took(.sealIgnored) }
        }
        for (id, slices) in names where id >= root.sealedBelow && log.segments[id] == nil {
            log.nextSegment = max(log.nextSegment, id + 1)
            guard let header = try sliceHeader(slices) else { continue }  // half made: no record was ever in it
            log.segments[id] = segment(
                id, k: header.k, p: header.p, sliceBlocks: header.sliceBlocks, mountpaths: header.mountpaths)
        }
        for segment in log.segments.values where !segment.isClosed {
            try openFiles(of: segment)
            log.scanned.append(segment)
            let records = try SegmentScan.records(
                pool: pool.id, volume: header.id, segment: segment.id, sliceBlocks: segment.sliceBlocks,
                files: segment.slices.map(\.file))
            for record in records {
                log.durableThrough = max(log.durableThrough, record.header.durableThrough)
                if record.header.sequence > root.throughSequence {
                    log.bySequence[record.header.sequence, default: []].append((segment, record))
                }
            }
            segment.isClosed = true
        }
        return log
    }

    private func segment(_ id: UInt32, k: Int, p: Int, sliceBlocks: UInt32, mountpaths: [MountpathID]) -> Segment {
        Segment(
            id: id, k: k, p: p, sliceBlocks: sliceBlocks,
            slices: mountpaths.map {
                Slice(mountpath: pool.mountpath($0), mountpathID: $0, file: nil, tail: sliceBlocks)
            })
    }

    /// The placement on which most of the segment's slices agree: one of an earlier, abandoned try may have been left over.
    private func sliceHeader(_ slices: [(slice: Int, mountpath: Mountpath, name: String)]) throws(Failure)
        -> SliceHeader?
    {
        let directory = SlicePath.segmentDirectory(group: group.label, volume: header.id)
        let page = AlignedBuffer(bytes: blockBytes)
        var votes: [(header: SliceHeader, count: Int)] = []
        for slice in slices {
            guard let file = try? slice.mountpath.disk.openSlice("\(directory)/\(slice.name)"),
                let count = try? file.read(into: page.span, at: 0), count == blockBytes,
                let found = SliceHeader(page: page.base), found.pool == pool.id, found.volume == header.id,
                SlicePath.name(segment: found.segment, slice: found.slice) == slice.name
            else { continue }
            if let index = votes.firstIndex(where: { $0.header.mountpaths == found.mountpaths }) {
                votes[index].count += 1
            } else {
                votes.append((found, 1))
            }
        }
        return votes.max { $0.count < $1.count }?.header
    }

    private func openFiles(of segment: Segment) throws(Failure) {
        let directory = SlicePath.segmentDirectory(group: group.label, volume: header.id)
        for (index, slice) in segment.slices.enumerated() where slice.isAvailable {
            do throws(Failure) {
                slice.file = try slice.mountpath?.disk.openSlice(
                    "\(directory)/\(SlicePath.name(segment: segment.id, slice: index))")
            } catch  where error.kind != .exhausted {
                // Not to be had: what it held is computed from the others.
                pool.test.took(.sliceMissing)
                continue
            }
        }
    }

    // MARK: Replaying

    /// Applies records in sequence; returns the last that counts. Those that are there only in part go to `incomplete`.
    private func replay(
        _ log: inout Log, from root: MapRoot, into map: ExtentMap,
        incomplete: inout [(segment: Segment, header: RecordHeader)], lostBlocks: inout Int
    ) throws(Failure) -> UInt64? {
        var last = root.throughSequence
        while true {
            let sequence = last + 1
            let mustExist = sequence <= log.durableThrough
            guard let candidates = log.bySequence[sequence] else {
                if mustExist {
                    throw Failure(
                        .corrupt,
                        "volume \(header.id): record \(sequence) was durable and no trace of it is left on the mountpaths that are there; bring back those that are missing"
                    )
                }
                pool.test.took(.tailEnded)
                return last
            }
            var best: (segment: Segment, header: RecordHeader, good: Int)?
            if candidates.count > 1 { pool.test.took(.severalCopies) }
            for (segment, record) in candidates {
                // Of several copies the one whose data is there counts, not the one whose headers are.
                let good =
                    mustExist && candidates.count == 1
                    ? record.columnsSeen.count
                    : try RecordReader(header: record.header, files: segment.slices.map(\.file))
                        .goodColumns(among: record.columnsSeen).count
                if let current = best, (current.good, current.segment.id) >= (good, segment.id) { continue }
                best = (segment, record.header, good)
            }
            guard let best else { return last }
            let written = best.header.columnsWritten.count
            best.segment.lastSequence = sequence
            if best.good >= best.header.shape.dataColumns {
                if !mustExist, best.good < written { incomplete.append((best.segment, best.header)) }
                pool.test.took(best.good < written ? .recordRebuilt : .recordComplete)
                apply(best.header, to: map)
            } else {
                let missing = best.segment.slices.count { !$0.isAvailable }
                // Never acknowledged as flushed, and not to be had: the log ends before it.
                if !mustExist, missing <= best.segment.p {
                    pool.test.took(.tailCut)
                    return last
                }
                pool.test.took(.recordLost)
                logger.critical(
                    "record lost",
                    metadata: ["volume": "\(header.id)", "sequence": "\(sequence)", "missingMountpaths": "\(missing)"])
                lostBlocks += applyLost(best.header, to: map)
            }
            last = sequence
        }
    }

    private func apply(_ record: RecordHeader, to map: ExtentMap) {
        record.forEachBlock(written: { map.set($0, $1) }, discarded: { map.clear($0, count: $1) { _ in } })
    }

    private func applyLost(_ record: RecordHeader, to map: ExtentMap) -> Int {
        var count = 0
        record.forEachBlock(
            written: { block, _ in
                map.set(block, .lost)
                count += 1
            }, discarded: { map.clear($0, count: $1) { _ in } })
        return count
    }

    /// What was read of the tail may be in the drives' caches only. False where a mountpath was taken out.
    private func synchronizeScanned(_ log: Log) throws(Failure) -> Bool {
        if pool.test.canary == .believeUnsynced { return true }  // canary
        for segment in log.scanned {
            for slice in segment.slices {
                guard let mountpath = slice.mountpath, mountpath.isActive, let file = slice.file else { continue }
                do throws(Failure) { try file.synchronize() } catch {
                    try pool.takeOut(mountpath, reason: "cannot sync a slice: \(error)")
                    return false
                }
            }
        }
        return true
    }

    /// Writes the incomplete tail records whole, into new segments. False where a mountpath was taken out.
    private func rewrite(
        _ incomplete: [(segment: Segment, header: RecordHeader)], in log: inout Log, into map: ExtentMap
    ) throws(Failure) -> Bool {
        var target: Segment?
        for (segment, record) in incomplete {
            pool.test.took(.recordRewritten)
            let data = AlignedBuffer(bytes: max(1, record.shape.dataBlocks) * blockBytes)
            try RecordReader(header: record, files: segment.slices.map(\.file)).readAll(into: data.base)
            var moved: RecordHeader?
            do throws(Failure) {
                moved = try target?.rewrite(record, data: data)
                if moved == nil {
                    for slice in target?.slices ?? [] { try slice.file?.synchronize() }
                    let fresh = try allocator.makeSegment(
                        log.nextSegment, volume: header.id, group: group, isRecovery: true)
                    log.nextSegment += 1
                    fresh.isClosed = true
                    log.segments[fresh.id] = fresh
                    log.scanned.append(fresh)
                    target = fresh
                    moved = try fresh.rewrite(record, data: data)
                }
            } catch {
                return try takeOutFailed(of: target, because: error)
            }
            guard let moved else { throw Failure(.internal, "a record does not fit into an empty segment") }
            // A block that the record writes twice counts once, its last; one that a later record wrote stays where that put it.
            var places: [UInt64: (old: MapEntry, new: MapEntry)] = [:]
            record.forEachBlock(written: { places[$0] = ($1, $1) }, discarded: { _, _ in })
            moved.forEachBlock(written: { places[$0]?.new = $1 }, discarded: { _, _ in })
            for (block, place) in places where map.entry(block) == place.old { map.set(block, place.new) }
        }
        guard let target else { return true }
        for slice in target.slices {
            do throws(Failure) { try slice.file?.synchronize() } catch {
                return try takeOutFailed(of: target, because: error)
            }
        }
        return true
    }

    /// The write that failed does not say on which mountpath: each is asked.
    private func takeOutFailed(of segment: Segment?, because failure: Failure) throws(Failure) -> Bool {
        guard failure.kind != .exhausted, let segment else { throw failure }
        var takenOut = false
        for slice in segment.slices {
            guard let mountpath = slice.mountpath, let file = slice.file else { continue }
            do throws(Failure) { try file.synchronize() } catch {
                try pool.takeOut(mountpath, reason: "cannot write at recovery: \(error)")
                takenOut = true
            }
        }
        guard takenOut else { throw failure }
        return false
    }

    // MARK: Sealing

    private func seal(
        _ store: MapStore, _ root: MapRoot, _ log: Log, _ map: ExtentMap, through: UInt64, lostBlocks: Int
    ) throws(Failure) -> RecoveredVolume {
        for segment in log.segments.values { segment.liveBlocks = 0 }
        var lost = 0
        map.forEachLeaf { _, leaf in
            for index in 0..<ExtentMap.leafEntries where leaf[index].segment != 0 {
                if leaf[index].segment == MapEntry.lostSegment {
                    lost += 1
                } else {
                    log.segments[leaf[index].segment]?.liveBlocks += 1
                }
            }
        }
        let live = log.segments.filter { $0.value.liveBlocks > 0 }
        var sealed = MapRoot(
            generation: root.generation + 1, frame: 0, throughSequence: through, sealedBelow: log.nextSegment,
            nextSegment: log.nextSegment, segments: live.values.map(\.checkpointEntry).sorted { $0.id < $1.id })
        if pool.test.canary == .unsealedTail { sealed.unseal(to: root) }  // canary
        try store.writeGeneration(
            sealed, frame: MapFile.encode(pool: pool.id, volume: header.id, root: sealed, leaves: map.allLeaves()))
        _ = map.takeDirtyLeaves()
        for (id, segment) in log.segments where live[id] == nil {
            allocator.free(segment, volume: header.id, group: group)
        }
        return RecoveredVolume(map: map, segments: live, root: sealed, store: store, lostBlocks: lost)
    }
}

extension MapRoot {
    /// For the canary: nothing of the tail is sealed.
    fileprivate mutating func unseal(to old: MapRoot) {
        sealedBelow = old.sealedBelow
        for index in segments.indices { segments[index].isClosed = false }
    }
}

extension Segment {
    var checkpointEntry: SegmentEntry {
        SegmentEntry(
            id: id, k: k, p: p, isClosed: isClosed, sliceBlocks: sliceBlocks, mountpaths: slices.map(\.mountpathID))
    }
}

extension ExtentMap {
    /// Numbers and contents of every leaf; borrowed until the map changes.
    func allLeaves() -> [(Int, UnsafeRawPointer)] {
        var leaves: [(Int, UnsafeRawPointer)] = []
        forEachLeaf { leaves.append(($0, UnsafeRawPointer($1))) }
        return leaves
    }
}
