import Base
import Glibc
import SegmentStore
import SystemIO

/// What goes wrong below: a mountpath is taken out, a shortage passes, or the volume stops.
extension VolumeLog {
    /// Stops the volume: what waits answers EIO, nothing is written any more. What was acknowledged as flushed is safe.
    func fail(_ failure: Failure) {
        guard self.failure == nil else { return }
        self.failure = failure
        if !isCheckpointing { abandonMap() }
        cleaner.stop()
        answerCleaned()
        logger.critical("volume stopped", metadata: ["volume": "\(parameters.header.id)", "reason": "\(failure)"])
        refuseWaiting(EIO)
        let waiting = flushes
        flushes = []
        for flush in waiting { flush.answer.finish(EIO) }
        answerReclaimed()
        nextRing?.done(.failure(failure))
        nextRing = nil
        let unanswered = controls
        controls = [:]
        for control in unanswered.values { control.done(.failure(failure)) }
        if let waiter = roomWaiter {
            roomWaiter = nil
            waiter.roomAvailable()
        }
        finishClosing()
    }

    /// Frees the cache, unless clones read through the directory of what GC moved: then when they are closed. Other volumes of the loop that
    /// wait for the room are told later: some of them may be our callers.
    func abandonMap() {
        guard dependents == 0, pinnedEpochs.isEmpty || isClosed else { return }
        map.abandon()
        if map.cache.isAwaited { queue.timer(nanoseconds: 1000, target: self, tag: Self.tagRoom) }
    }

    /// A mountpath failed under our I/O: takes it out of the pool; until that is durable nothing is acknowledged.
    func suspect(_ mountpath: Mountpath, _ reason: String) {
        mountpath.suspect()
        admissionRoom = nil
        guard suspected.insert(mountpath.id).inserted else { return }
        membershipChanges += 1
        takeOut(mountpath, reason)
    }

    private func takeOut(_ mountpath: Mountpath, _ reason: String) {
        let pool = pool
        queue.blocking { () throws(Failure) in
            try pool.takeOut(mountpath, reason: reason)
        } then: { [self] result in
            if case .failure(let problem) = result {
                // A full drive, or too few descriptors, passes. Requests wait meanwhile, unless the volume is to end.
                if problem.isShortage, failure == nil, !isClosing {
                    return tryAgain { [self] in takeOut(mountpath, reason) }
                }
                membershipChanges -= 1
                fail(problem)
            } else {
                membershipChanges -= 1
            }
            advance()
            scheduleBatch()
        }
    }

    /// What failed for a lack of descriptors, memory or space, and is to be done all the same: in a moment.
    func tryAgain(_ step: @escaping () -> Void) {
        postponed.append(step)
        if postponed.count == 1 { queue.timer(nanoseconds: Self.againNanoseconds, target: self, tag: Self.tagAgain) }
    }

    func runPostponed() {
        let steps = postponed
        postponed = []
        for step in steps { step() }
    }

    private static let againNanoseconds: UInt64 = 20_000_000
}
