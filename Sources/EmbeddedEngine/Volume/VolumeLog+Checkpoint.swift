import Base
import SegmentStore
import SystemIO

/// Puts what changed in the map on the mountpaths, so that recovery reads only what came after, and gives dead segments back.
extension VolumeLog {
    /// In blocks that are read: as much as a start reads and replays in 0.2 s or so, while pods wait.
    private static let recoveryCostMax = 32 << 10
    /// A record's header and its share of everything else, in blocks.
    private static let recordCost = 16
    /// Its files are opened and synced.
    static let segmentCost = 256
    /// Longer records cost no more: their headers alone are read.
    private static let longRecordBlocks = 64
    private static let retryNanoseconds: UInt64 = 1_000_000_000
    /// Frames of changes may take this much, and twice what a whole frame took, before a new generation begins.
    private static let slackBytes: UInt64 = 4 << 20

    func checkpointIfDue() {
        // Closing has a last one of its own, unless what is in the ring waits for room in the cache.
        guard !isCheckpointing, !isClosing || isApplyWaiting, clock.now() >= checkpointNotBefore else { return }
        // The store is the checkpoint's while one is under way; here none is.
        if recordsSinceCheckpoint >= pool.test.checkpointRecords ?? .max
            || recoveryCost >= Self.recoveryCostMax
            || (map.cache.isDirtyEnough && map.changedKeys.count * 8 > map.cache.capacity)
            || ((needsWholeCheckpoint || !store.isFullyReplicated) && membershipChanges == 0)
        {
            checkpoint { _ in }
        }
    }

    func noteForCheckpoint(_ record: RecordInFlight) {
        recordsSinceCheckpoint += 1
        recoveryCost += min(record.shape.dataBlocks, Self.longRecordBlocks) + Self.recordCost
    }

    /// Somebody waits for room in the cache.
    func cacheIsFull() {
        guard !isCheckpointing, !map.changedKeys.isEmpty else { return }
        if clock.now() >= checkpointNotBefore {
            checkpoint { _ in }
        } else {
            retryLater(nanoseconds: Self.retryNanoseconds)
        }
    }

    /// `done` is called when the checkpoint is on the mountpaths or has failed: the one that is under way, or one that begins now.
    func checkpoint(_ done: @escaping (_ isDone: Bool) -> Void) {
        checkpointWaiters.append(done)
        if isCheckpointing { return }
        isCheckpointing = true
        recordsSinceCheckpoint = 0
        recoveryCost = 0
        let through = appliedThrough
        for segment in segments.values where isFree(segment, through: through) {
            if let dead = map.remove(segment.id) { removed.append(dead) }
        }
        let isWhole = needsWholeCheckpoint || !store.isFullyReplicated || store.bytes > wholeBytes * 2 + Self.slackBytes
        needsWholeCheckpoint = false
        if isWhole { pool.test.took(.mapWhole) }
        let (frozen, nodes) = map.freeze(isWhole: isWhole, throughSequence: through)
        var frame = frozen
        frame.sealedBelow = sealedBelow
        frame.nextSegment = nextSegment
        frame.lastRingSequence = appliedRingSequence
        let (store, sent, began) = (store, frame, clock.now())
        let (leaving, lastElement) = (removed, map.elements.last?.epoch ?? 0)
        removed = []
        leavingCount = leaving.count
        queue.blocking { () throws(Failure) in
            try store.commit(sent, nodes, isWhole: isWhole)
        } then: { [self] result in
            checkpointTook = clock.now() - began
            finishCheckpoint(result, through: through, lastElement: lastElement, leaving: leaving)
        }
    }

    /// About what a frame with all tables takes.
    private var wholeBytes: UInt64 {
        UInt64(segments.count * 304 + map.elements.count * 104 + map.slots.pageCount * blockBytes)
    }

    private func finishCheckpoint(
        _ result: Result<Void, Failure>, through: UInt64, lastElement: UInt32, leaving: [Segment]
    ) {
        isCheckpointing = false
        leavingCount = 0
        statistics.checkpoints += 1
        var isDone = false
        switch result {
        case .success:
            isDone = true
            map.thaw(isDurable: true)
            map.sources[0].homes = store.nodeHomes
            checkpointedThrough = through
            durableElements = max(durableElements, lastElement)
            if !store.isFullyReplicated { needsWholeCheckpoint = true }
            for segment in leaving {
                recordIndexes[segment.id] = nil
                giveBack(segment)
            }
        case .failure(let problem):
            pool.test.took(.checkpointFailed)
            // What the frame had is not on the mountpaths: the next one has everything.
            map.thaw(isDurable: false)
            removed += leaving
            needsWholeCheckpoint = true
            checkpointNotBefore = clock.now() + Self.retryNanoseconds
            logger.error("checkpoint failed", metadata: ["volume": "\(parameters.header.id)", "reason": "\(problem)"])
            if problem.kind != .exhausted { fail(problem) }
        }
        if failure != nil { abandonMap() }
        let waiting = checkpointWaiters
        checkpointWaiters = []
        for done in waiting { done(isDone) }
        map.cache.checkpointEnded()
        cleaner.wake()
        // What was verified meanwhile goes with another one; after a failure nobody waits for that.
        answerCleaned()
        finishClosing()
    }
}
