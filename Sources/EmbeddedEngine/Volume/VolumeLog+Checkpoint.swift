import Base
import SegmentStore
import SystemIO

/// Puts what changed in the map on the mountpaths, so that recovery reads only what came after, and gives dead segments back.
extension VolumeLog {
    private static let recordsMax = 8192
    private static let segmentsMax = 32
    private static let retryNanoseconds: UInt64 = 1_000_000_000
    private static let slackBytes: UInt64 = 4 << 20

    func checkpointIfDue() {
        guard !isCheckpointing, !isClosing, clock.now() >= checkpointNotBefore else { return }
        // The store is the checkpoint's while one is under way; here none is.
        if recordsSinceCheckpoint >= pool.test.checkpointRecords ?? Self.recordsMax
            || segmentsSinceCheckpoint >= Self.segmentsMax
            || ((needsWholeCheckpoint || !store.isFullyReplicated) && membershipChanges == 0)
        {
            checkpoint { _ in }
        }
    }

    /// `done` is called when the checkpoint is on the mountpaths or has failed: the one that is under way, or one that begins now.
    func checkpoint(_ done: @escaping (_ isDone: Bool) -> Void) {
        checkpointWaiters.append(done)
        if isCheckpointing { return }
        isCheckpointing = true
        recordsSinceCheckpoint = 0
        segmentsSinceCheckpoint = 0
        let through = durableThrough
        let dead = segments.values.filter { $0.isClosed && $0.liveBlocks == 0 && $0.lastSequence <= through }
        let deadIDs = Set(dead.map(\.id))
        let liveBytes = UInt64(map.leafCount * blockBytes)
        let isWhole = needsWholeCheckpoint || !store.isFullyReplicated || store.bytes > 2 * liveBytes + Self.slackBytes
        needsWholeCheckpoint = false
        if isWhole { pool.test.took(.mapWhole) }
        var next = root
        next.throughSequence = through
        next.nextSegment = nextSegment
        next.segments = segments.values.filter { !deadIDs.contains($0.id) }.map { segment in
            var entry = segment.checkpointEntry
            entry.isClosed = segment.isClosed && segment.lastSequence <= through
            return entry
        }.sorted { $0.id < $1.id }
        next.generation = isWhole ? root.generation + 1 : root.generation
        next.frame = isWhole ? 0 : root.frame + 1
        let dirty = map.takeDirtyLeaves()
        let leaves =
            isWhole
            ? map.allLeaves() : dirty.compactMap { number in map.leaf(number).map { (number, UnsafeRawPointer($0)) } }
        let payload = CheckpointPayload(
            root: next, frame: MapFile.encode(pool: pool.id, volume: parameters.header.id, root: next, leaves: leaves))
        root = next
        let store = store
        queue.blocking { () throws(Failure) in
            if isWhole {
                try store.writeGeneration(payload.root, frame: payload.frame)
            } else {
                try store.append(payload.frame)
            }
        } then: { [self] result in
            finishCheckpoint(result, dead: deadIDs)
        }
    }

    private func finishCheckpoint(_ result: Result<Void, Failure>, dead: Set<UInt32>) {
        isCheckpointing = false
        statistics.checkpoints += 1
        switch result {
        case .success:
            if !store.isFullyReplicated { needsWholeCheckpoint = true }
            for id in dead {
                guard let segment = segments.removeValue(forKey: id) else { continue }
                recordIndexes[id] = nil
                giveBack(segment)
            }
        case .failure(let problem):
            pool.test.took(.checkpointFailed)
            // What the frame had is not on the mountpaths: the next one has everything.
            needsWholeCheckpoint = true
            checkpointNotBefore = clock.now() + Self.retryNanoseconds
            logger.error("checkpoint failed", metadata: ["volume": "\(parameters.header.id)", "reason": "\(problem)"])
            if problem.kind != .exhausted { fail(problem) }
        }
        let waiting = checkpointWaiters
        checkpointWaiters = []
        var isDone = false
        if case .success = result { isDone = true }
        for done in waiting { done(isDone) }
        finishClosing()
    }
}

/// A frame on its way to a blocking thread, which alone reads it.
private struct CheckpointPayload: @unchecked Sendable {
    let root: MapRoot
    let frame: AlignedBuffer
}
