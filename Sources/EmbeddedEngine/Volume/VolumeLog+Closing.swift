import Base

/// The way to the end, in steps: whatever ends calls `finishClosing`, which goes on as far as can be.
extension VolumeLog {
    /// Drains, flushes, writes a last checkpoint and gives unused segments back. New requests answer EIO from now on.
    func close(_ done: @escaping @Sendable (Result<Void, Failure>) -> Void) {
        if isClosed { return done(failure.map { .failure($0) } ?? .success(())) }
        onClosed.append(done)
        isClosing = true
        answerReclaimed()
        answerCleaned()
        if failure != nil { return finishClosing() }
        scheduleBatch()
    }

    /// Called whenever something ended: goes on with closing as far as can be.
    func finishClosing() {
        guard isClosing, !isClosed, givingBack == 0, !isReading, !isCheckpointing, !isPreparing, membershipChanges == 0,
            nodeReads.isEmpty, waitingReads == 0, cleaner.isIdle
        else { return }
        if let failure {
            guard records.allSatisfy({ $0.writesPending == 0 }), synchronizationsPending == 0 else { return }
            return answerClosed(.failure(failure))
        }
        guard ring.isEmpty, waitingDiscards.isEmpty, records.isEmpty, applying.isEmpty, synchronizationsPending == 0
        else { return }
        if hasLastCheckpoint { return answerClosed(.success(())) }
        cleaner.wake()
        guard cleaner.isIdle else { return }
        if open != nil || reserve != nil || cleaner.targets.contains(where: { $0 != nil }) {
            retire(&open)
            retire(&reserve)
            cleaner.retireTargets()
            noteWorkingRoom()
            // Unused ones go back first.
            if givingBack > 0 { return }
        }
        checkpoint { [self] _ in
            // What it lets go of is given back before anybody opens the volume again.
            hasLastCheckpoint = true
            finishClosing()
        }
    }

    /// Reads on their way have the segments' files; nothing of these may be used anew before they end.
    private var isReading: Bool { !dying.isEmpty || segments.values.contains { $0.readerCount > 0 } }

    private func answerClosed(_ result: Result<Void, Failure>) {
        isClosed = true
        for origin in origins { origin.dependents -= 1 }
        map.cache.unregister(map.sources[0].number)
        abandonMap()
        let waiting = onClosed
        onClosed = []
        for done in waiting { done(result) }
    }
}
