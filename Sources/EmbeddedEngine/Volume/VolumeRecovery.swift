import Base
import Logging
import SegmentStore
import SystemIO
import VolumeEngine

/// A volume as recovery hands it over: everything in it is durable, nothing of it is open for appending.
struct RecoveredVolume {
    var map: VolumeMap
    var store: MapStore
    /// Every record up to here is in the map.
    var throughSequence: UInt64
    /// Ring sequence of the last entry in these records.
    var lastRingSequence: UInt64
    /// Of the checkpoint that has all this.
    var generation: UInt64
    /// The seal.
    var sealedBelow: UInt32
    var nextSegment: UInt32
}

/// Reads a volume's log to its end and seals it. Blocking. The rules are those of the design's section 4, "Recovery"; the seal is the
/// first checkpoint of a new generation, durable on p+1 mountpaths before this returns.
struct VolumeRecovery {
    let pool: Pool
    let header: VolumeHeader
    let group: GroupSpecification
    /// Its origin, the origin's origin, and so on.
    var origins: [VolumeHeader] = []
    /// Nil to look only.
    let allocator: SegmentAllocator?
    let logger: Logger
    /// What an earlier process left says how far segments need to be read; nil: to their ends.
    var tails: RingTails?
    /// For nodes, while it runs.
    var cacheBytes = 16 << 20

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
        var scanned: [Segment] = []
        var bySequence: [UInt64: [(segment: Segment, record: FoundRecord)]] = [:]
        /// What was read of each scanned segment.
        var found: [(segment: Segment, records: [FoundRecord])] = []
        var throughSequence: UInt64
        var lastRingSequence: UInt64
        var durableThrough: UInt64
        var sealedBelow: UInt32
        var nextSegment: UInt32
        /// Half made as far as one can see, but not every slice was read: left alone until the next start.
        var unread: Set<UInt32> = []
    }
    /// A record that counts, in order.
    private struct Chosen {
        var segment: Segment
        var header: RecordHeader
        var isWhole = true
        /// Durable once, and not to be had any more.
        var isLost = false
    }
    /// Slice files found, by segment.
    private typealias Names = [UInt32: [(slice: Int, mountpath: Mountpath, name: String)]]

    private func attempt() throws(Failure) -> RecoveredVolume? {
        var times = StepTimes()
        let store = MapStore(pool: pool, group: group.label, volume: header.id, parityColumns: group.parityColumns)
        let frames = try store.load()
        times.note("map")
        guard let names = try listSlices() else { return nil }
        if frames.isEmpty, let segment = names.keys.min() {
            throw Failure(
                .corrupt,
                "volume \(header.id) has data (segment \(segment)) but no map on any mountpath that is there: bring back the mountpaths that are missing"
            )
        }
        if frames.isEmpty, header.origin != nil || header.hasMap {
            throw Failure(
                .corrupt,
                "volume \(header.id) has no map on any mountpath that is there: bring back the mountpaths that are missing"
            )
        }
        let map = try makeMap(store)
        for frame in frames { map.load(frame, mountpath: pool.mountpath) }
        if let last = frames.last, !store.isNewestEverywhere(wanted: min(group.parityColumns + 1, pool.active.count)) {
            try settleOn(last, map, store)
        }
        var log = try readLog(frames.last ?? CheckpointFrame(), map, names)
        // What the checkpoint does not know of and what came before its seal was freed: the files are left over.
        for (id, slices) in names where map.segments[id] == nil && !log.unread.contains(id) {
            for slice in slices {
                pool.test.took(.strayFreed)
                allocator?.freeStraySlice(slice.name, volume: header.id, group: group, on: slice.mountpath)
            }
        }
        times.note("log")
        var chosen = try choose(log)
        times.note("checks")
        guard try synchronizeScanned(log), try rewrite(&chosen, in: &log, map) else { return nil }
        times.note("syncs")
        try replay(chosen, into: map, store)
        log.lastRingSequence = chosen.reduce(log.lastRingSequence) { max($0, $1.header.lastRingSequence) }
        times.note("replay")
        let recovered = try seal(store, log, map, through: log.throughSequence + UInt64(chosen.count))
        times.note("seal")
        if !chosen.isEmpty || !log.scanned.isEmpty {
            logger.info(
                "log recovered",
                metadata: [
                    "volume": "\(header.id)", "segments": "\(log.scanned.count)", "records": "\(chosen.count)",
                    "took": "\(times)",
                ])
        }
        return recovered
    }

    /// What a start would make of the volume, nothing being written: the map with the log applied in memory, and what is odd about the
    /// metadata's copies. Leaves the log's records for `MapCheck` and others to look at.
    func examine() throws(Failure) -> (map: VolumeMap, incomplete: Int, lost: Int, problems: [String]) {
        let store = MapStore(pool: pool, group: group.label, volume: header.id, parityColumns: group.parityColumns)
        let frames = try store.load(isReadOnly: true)
        guard let names = try listSlices() else { throw Failure(.unavailable, "slices cannot be listed") }
        let map = try makeMap(store)
        for source in map.sources { source.isReadOnly = true }
        for frame in frames { map.load(frame, mountpath: pool.mountpath) }
        if frames.isEmpty {
            let problems = names.isEmpty ? [] : ["there are segments and no checkpoint of the map"]
            return (map, 0, 0, problems)
        }
        let log = try readLog(frames.last ?? CheckpointFrame(), map, names)
        let chosen = try choose(log)
        try replay(chosen, into: map, store)
        return (
            map, chosen.count { !$0.isWhole }, chosen.count { $0.isLost },
            store.copyProblems(wanted: min(group.parityColumns + 1, pool.active.count))
        )
    }

    /// The newest checkpoint is not on all its homes: a crash came between them. What it freed may only be used again, and segments that
    /// it does not name may only be taken back, when no loss can bring back the one before.
    private func settleOn(_ last: CheckpointFrame, _ map: VolumeMap, _ store: MapStore) throws(Failure) {
        let (frozen, nodes) = map.freeze(isWhole: true, throughSequence: last.throughSequence)
        var frame = frozen
        frame.sealedBelow = last.sealedBelow
        frame.nextSegment = last.nextSegment
        frame.lastRingSequence = last.lastRingSequence
        try store.commit(frame, nodes, isWhole: true)
        map.thaw(isDurable: true)
        map.sources[0].homes = store.nodeHomes
    }

    private func makeMap(_ store: MapStore) throws(Failure) -> VolumeMap {
        let cache = NodeCache(bytes: cacheBytes)
        var sources = [NodeSource(number: cache.takeNumber(), homes: store.nodeHomes)]
        for origin in origins {
            sources.append(
                NodeSource(
                    number: cache.takeNumber(),
                    homes: try MapStore.findNodes(of: origin.id, group: origin.group, in: pool)))
        }
        return VolumeMap(cache: cache, sources: sources)
    }

    private func listSlices() throws(Failure) -> Names? {
        let directory = SlicePath.segmentDirectory(group: group.label, volume: header.id)
        var names: Names = [:]
        for mountpath in pool.active {
            let listed: [String]
            do throws(Failure) { listed = try mountpath.listIfPresent(directory) } catch  where !error.isShortage {
                try pool.takeOut(mountpath, reason: "cannot list slices: \(error)")
                return nil
            }
            for name in listed {
                guard let (segment, slice) = SlicePath.parse(name) else { continue }
                names[segment, default: []].append((slice, mountpath, name))
            }
        }
        return names
    }

    // MARK: Reading

    /// Segments of which what was read is in memory at the same time, several times over.
    private static let scannedAtOnce = 4

    private func scan(_ segments: [Segment]) -> [Result<[FoundRecord], Failure>] {
        stride(from: 0, to: segments.count, by: Self.scannedAtOnce).flatMap { first in
            scanAtOnce(Array(segments[first..<min(first + Self.scannedAtOnce, segments.count)]))
        }
    }

    private func scanAtOnce(_ segments: [Segment]) -> [Result<[FoundRecord], Failure>] {
        let (pool, volume, tails, isSequential) = (pool.id, header.id, tails, self.pool.test.isSequential)
        let slices = segments.indices.flatMap { segment in
            segments[segment].slices.indices.map { (segment: segment, slice: $0) }
        }
        // Each slice for itself as far as that goes, which is to the end as a rule.
        let beginnings = inParallel(slices.count, isSequential: isSequential) {
            (index) throws(Failure) -> SegmentScan.Beginning? in
            let (number, slice) = slices[index]
            let segment = segments[number]
            guard let file = segment.slices[slice].file else { return nil }
            return SegmentScan.Beginning(
                pool: pool, volume: volume, segment: segment.id, sliceBlocks: segment.sliceBlocks,
                columns: segment.slices.count, slice: slice, file: file, tail: tails?[segment.id])
        }
        return inParallel(segments.count, isSequential: isSequential) { (index) throws(Failure) in
            let segment = segments[index]
            let own = zip(slices, beginnings).filter { $0.0.segment == index }
            return try SegmentScan.records(
                pool: pool, volume: volume, segment: segment.id, sliceBlocks: segment.sliceBlocks,
                files: segment.slices.map(\.file), beginnings: own.map { try? $0.1.get() })
        }
    }

    private func readLog(_ last: CheckpointFrame, _ map: VolumeMap, _ names: Names) throws(Failure) -> Log {
        var log = Log(
            throughSequence: last.throughSequence, lastRingSequence: last.lastRingSequence,
            durableThrough: last.throughSequence,
            sealedBelow: last.sealedBelow, nextSegment: last.nextSegment)
        // What the seal covers is never read for records again: behind it lies what recovery once left out.
        for segment in map.segments.values where segment.id < log.sealedBelow {
            segment.isClosed = true
            pool.test.took(.sealIgnored)
        }
        for (id, slices) in names where id >= log.sealedBelow && map.segments[id] == nil {
            log.nextSegment = max(log.nextSegment, id + 1)
            let (found, unread) = try sliceHeader(slices)
            guard let header = found else {
                // Half made, no record was ever in it; unless those of its slices that would say otherwise were not to be had.
                if unread > 0 { log.unread.insert(id) }
                guard unread == 0 || unread + pool.outCount <= group.parityColumns else {
                    throw Failure(
                        .unavailable,
                        "segment \(id) of volume \(self.header.id) cannot be read now: see to the drives, then open it again"
                    )
                }
                continue
            }
            let placement = SegmentPlacement(
                id: id, k: header.k, p: header.p, sliceBlocks: header.sliceBlocks, mountpaths: header.mountpaths)
            map.add(Segment(placement, mountpath: pool.mountpath))
        }
        for segment in map.segments.values.sorted(by: { $0.id < $1.id }) where !segment.isClosed {
            try openFiles(of: segment)
            log.scanned.append(segment)
        }
        for (segment, result) in zip(log.scanned, scan(log.scanned)) {
            let records = try result.get()
            log.found.append((segment, records))
            for record in records {
                log.durableThrough = max(log.durableThrough, record.header.durableThrough)
                if record.header.sequence > log.throughSequence {
                    log.bySequence[record.header.sequence, default: []].append((segment, record))
                }
            }
            segment.isClosed = true
        }
        return log
    }

    /// The placement on which most of the segment's slices agree: one of an earlier, abandoned try may have been left over. And how many
    /// of the slices cannot be read.
    private func sliceHeader(_ slices: [(slice: Int, mountpath: Mountpath, name: String)]) throws(Failure)
        -> (header: SliceHeader?, unread: Int)
    {
        let directory = SlicePath.segmentDirectory(group: group.label, volume: header.id)
        let page = AlignedBuffer(bytes: blockBytes)
        var votes: [(header: SliceHeader, count: Int)] = []
        var unread = 0
        for slice in slices {
            let count: Int
            do throws(Failure) {
                count = try slice.mountpath.disk.openSlice("\(directory)/\(slice.name)").read(into: page.span, at: 0)
            } catch  where !error.isShortage {
                unread += 1
                continue
            }
            guard count == blockBytes, let found = SliceHeader(page: page.base), found.pool == pool.id,
                found.volume == header.id,
                SlicePath.name(segment: found.segment, slice: found.slice) == slice.name
            else { continue }
            if let index = votes.firstIndex(where: { $0.header.mountpaths == found.mountpaths }) {
                votes[index].count += 1
            } else {
                votes.append((found, 1))
            }
        }
        return (votes.max { $0.count < $1.count }?.header, unread)
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

    /// The records that count, in sequence, from the checkpoint's on.
    private func choose(_ log: Log) throws(Failure) -> [Chosen] {
        // What counts as appended is known when the log's end is.
        defer { for (segment, records) in log.found { segment.dataBlocks = segment.dataBlocks(in: records) } }
        var chosen: [Chosen] = []
        while true {
            let sequence = log.throughSequence + UInt64(chosen.count) + 1
            let mustExist = sequence <= log.durableThrough
            guard let candidates = log.bySequence[sequence] else {
                if mustExist {
                    throw Failure(
                        .corrupt,
                        "volume \(header.id): record \(sequence) was durable and no trace of it is left on the mountpaths that are there; bring back those that are missing"
                    )
                }
                pool.test.took(.tailEnded)
                return chosen
            }
            if candidates.count > 1 { pool.test.took(.severalCopies) }
            var best: (segment: Segment, header: RecordHeader, good: Int)?
            for (segment, record) in candidates {
                // Of several copies the one whose data is there counts, not the one whose headers are.
                let good =
                    mustExist && candidates.count == 1
                    ? record.columnsSeen.count
                    : try RecordReader(header: record.header, files: segment.slices.map(\.file))
                        .goodColumns(among: record.columnsSeen).count
                // A copy that could lose more counts before one of which more is there: a record of moves that failed was replaced by an empty one.
                let spare = good - record.header.shape.dataColumns
                if let current = best {
                    let currentSpare = current.good - current.header.shape.dataColumns
                    if (currentSpare, current.good, current.segment.id) >= (spare, good, segment.id) { continue }
                }
                best = (segment, record.header, good)
            }
            guard let best else { return chosen }
            best.segment.lastSequence = max(best.segment.lastSequence, sequence)
            var record = Chosen(segment: best.segment, header: best.header)
            if best.good >= best.header.shape.dataColumns {
                let isWhole = best.good == best.header.columnsWritten.count
                record.isWhole = (mustExist && candidates.count == 1) || isWhole
                pool.test.took(isWhole ? .recordComplete : .recordRebuilt)
            } else {
                let missing = best.segment.slices.count { !$0.isAvailable || $0.file == nil }
                // Never acknowledged as flushed, and not to be had: the log ends before it.
                if !mustExist, missing <= best.segment.p {
                    pool.test.took(.tailCut)
                    return chosen
                }
                pool.test.took(.recordLost)
                logger.critical(
                    "record lost",
                    metadata: ["volume": "\(header.id)", "sequence": "\(sequence)", "missingMountpaths": "\(missing)"])
                record.isLost = true
            }
            chosen.append(record)
        }
    }

    /// Pages of the map that are read at once, so that their records find them.
    private static let pagesAtOnce = 256

    private func replay(_ chosen: [Chosen], into map: VolumeMap, _ store: MapStore) throws(Failure) {
        var next = 0
        while next < chosen.count {
            let first = next
            var pages: Set<UInt64> = []
            while next < chosen.count, pages.count < min(Self.pagesAtOnce, map.cache.capacity / 4) {
                for change in chosen[next].header.changes {
                    if case .written(let block, _) = change { pages.insert(block >> 8) }
                }
                next += 1
            }
            fetch(pages.sorted(), of: map)
            for record in chosen[first..<next] { try apply(record, to: map, store) }
        }
    }

    /// Puts the head's leaves into the cache, level by level and many at a time. What cannot be read or finds no room is left to who needs it.
    private func fetch(_ pages: [UInt64], of map: VolumeMap) {
        for _ in 0...map.head.tree.height {
            var loads: [UInt64: NodeLoad] = [:]
            for page in pages {
                if case .wait(let load) = map.leaf(map.head.tree, page) { loads[load.key] = load }
            }
            let wanted = loads.values.sorted { $0.offset < $1.offset }
            if wanted.isEmpty { return }
            let memory = AlignedBuffer(bytes: wanted.count * blockBytes)
            let results = inParallel(wanted.count, isSequential: pool.test.isSequential) { (index) throws(Failure) in
                try wanted[index].read(into: memory.base + index * blockBytes)
            }
            for (index, result) in results.enumerated() {
                guard case .success = result,
                    let frame = map.cache.insert(wanted[index].key, level: wanted[index].level)
                else { return }
                map.cache.page(frame).copyMemory(from: memory.base + index * blockBytes, byteCount: blockBytes)
            }
        }
    }

    private func apply(_ record: Chosen, to map: VolumeMap, _ store: MapStore) throws(Failure) {
        if let control = record.header.control { return map.apply(control) }
        if record.header.isOfMoves, pool.test.canary != .moveAsWrite {  // canary
            return try applyMoves(record, to: map, store)
        }
        for change in record.header.changes {
            switch change {
            case .written(let block, let entry):
                try settle(map, store) {
                    map.set(block, record.isLost ? .lost(birth: entry.birth) : entry)
                }
            case .discarded(var first, let count):
                let end = first + count
                while first < end {
                    let next = min(end, (first | 255) + 1)
                    try settle(map, store) { map.discard(first, count: next - first) }
                    first = next
                }
            }
        }
    }

    /// Copies that are lost are none: what they were made of is still where it was, since no checkpoint has it elsewhere.
    private func applyMoves(_ record: Chosen, to map: VolumeMap, _ store: MapStore) throws(Failure) {
        if record.isLost { return }
        pool.test.took(.moveReplayed)
        for stored in record.header.storedBlocks { try settle(map, store) { map.applyMove(stored) } }
    }

    /// Loads what is missing and makes room until `body` is done.
    private func settle(_ map: VolumeMap, _ store: MapStore, _ body: () -> Readiness) throws(Failure) {
        while true {
            switch body() {
            case .ready: return
            case .wait(let load): try map.loadNow(load)
            case .full where allocator == nil:
                throw Failure(
                    .exhausted,
                    "the log since the last checkpoint does not fit into memory: start and stop ashlar first")
            case .full:
                let (batch, frames) = map.nodesToWriteBack()
                try store.writeBack(batch)
                map.sources[0].homes = store.nodeHomes
                map.wroteBack(frames)
            }
        }
    }

    /// What was read of the tail may be in the drives' caches only. False where a mountpath was taken out.
    private func synchronizeScanned(_ log: Log) throws(Failure) -> Bool {
        if pool.test.canary == .believeUnsynced { return true }  // canary
        let slices = log.scanned.flatMap(\.slices).filter { $0.file != nil && $0.mountpath?.isActive == true }
        let files = slices.compactMap(\.file)
        let results = inParallel(files.count, isSequential: pool.test.isSequential) { (index) throws(Failure) in
            try files[index].synchronize()
        }
        var areSynchronized = true
        for (slice, result) in zip(slices, results) {
            guard case .failure(let error) = result, let mountpath = slice.mountpath else { continue }
            areSynchronized = false
            if mountpath.isActive { try pool.takeOut(mountpath, reason: "cannot sync a slice: \(error)") }
        }
        return areSynchronized
    }

    /// Writes the incomplete tail records whole, into new segments. False where a mountpath was taken out.
    private func rewrite(_ chosen: inout [Chosen], in log: inout Log, _ map: VolumeMap) throws(Failure) -> Bool {
        var target: Segment?
        for index in chosen.indices where !chosen[index].isWhole {
            pool.test.took(.recordRewritten)
            let record = chosen[index].header
            let data = AlignedBuffer(bytes: max(1, record.shape.dataBlocks) * blockBytes)
            try RecordReader(header: record, files: chosen[index].segment.slices.map(\.file)).readAll(into: data.base)
            var moved: RecordHeader?
            do throws(Failure) {
                moved = try target?.rewrite(record, data: data)
                if moved == nil {
                    for slice in target?.slices ?? [] { try slice.file?.synchronize() }
                    guard let allocator else { throw Failure(.internal, "recovery without an allocator") }
                    let fresh = try allocator.makeSegment(
                        log.nextSegment, volume: header.id, group: group, for: .promised)
                    log.nextSegment += 1
                    fresh.isClosed = true
                    map.add(fresh)
                    log.scanned.append(fresh)
                    target = fresh
                    moved = try fresh.rewrite(record, data: data)
                }
            } catch {
                return try takeOutFailed(of: target, because: error)
            }
            guard let moved, let target else {
                throw Failure(.internal, "a record does not fit into an empty segment")
            }
            chosen[index] = Chosen(segment: target, header: moved)
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
        _ store: MapStore, _ log: Log, _ map: VolumeMap, through: UInt64
    ) throws(Failure) -> RecoveredVolume {
        // Those that no record is in. Others are looked at by the cleaner before they go.
        let dead = map.segments.values.filter { $0.liveBlocks == 0 && $0.lastSequence == 0 }
        for segment in dead { _ = map.remove(segment.id) }
        let (frozen, nodes) = map.freeze(isWhole: true, throughSequence: through)
        var frame = frozen
        frame.sealedBelow = log.nextSegment
        if pool.test.canary == .unsealedTail { frame.unseal(to: log.sealedBelow) }  // canary
        frame.nextSegment = log.nextSegment
        frame.lastRingSequence = log.lastRingSequence
        try store.commit(frame, nodes, isWhole: true)
        map.thaw(isDurable: true)
        map.sources[0].homes = store.nodeHomes
        for segment in dead { allocator?.free(segment, volume: header.id, group: group) }
        allocator?.recount(header.id, group: group, map.segments.values)
        return RecoveredVolume(
            map: map, store: store, throughSequence: through, lastRingSequence: log.lastRingSequence,
            generation: store.generation, sealedBelow: log.nextSegment,
            nextSegment: log.nextSegment)
    }
}

extension CheckpointFrame {
    /// For the canary: nothing of the tail is sealed.
    fileprivate mutating func unseal(to old: UInt32) {
        sealedBelow = old
        for index in states.indices { states[index].isClosed = false }
    }
}

extension VolumeMap {
    /// Blocking: puts a node into the cache, for recovery and checks.
    func loadNow(_ load: NodeLoad) throws(Failure) {
        guard let frame = cache.insert(load.key, level: load.level) else {
            throw Failure(.internal, "the node cache has no room")
        }
        do throws(Failure) { try load.read(into: cache.page(frame)) } catch {
            cache.drop(load.key)
            throw error
        }
    }
}

extension Segment {
    /// Blocks of data that were appended, by the records that a scan has found. What lies past the log's end does not count.
    func dataBlocks(in records: [FoundRecord]) -> Int {
        records.reduce(0) { $0 + ($1.header.sequence <= lastSequence ? $1.header.shape.dataBlocks : 0) }
    }
}
