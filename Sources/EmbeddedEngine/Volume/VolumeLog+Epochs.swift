import Base
import BlockDevice
import Glibc
import SegmentStore
import SystemIO

/// Snapshots of an open volume, and the walk that frees deleted ones.
extension VolumeLog {
    // MARK: Changes

    /// Pins what the volume is now, every write that was answered included, under `snapshot`. `done` has its epoch, when it is durable. One
    /// of that id that is there already is of a call that was cut off before anybody heard of it: it goes.
    func takeSnapshot(
        _ snapshot: SnapshotID, sizeBytes: UInt64, created: UInt64, done: @escaping (Result<UInt32, Failure>) -> Void
    ) {
        for stray in map.elements where stray.snapshot == snapshot && !stray.isDeleted {
            deleteSnapshot(stray.epoch) { _ in }
        }
        guard map.hasHead else { return done(.failure(Failure(.notFound, "the volume was deleted"))) }
        let epoch = birthEpoch
        let control = RecordControl(
            operation: .snapshot, epoch: epoch, snapshot: snapshot, sizeBytes: sizeBytes, created: created)
        change(control) { [self] result in
            let made = map.elements.last { $0.snapshot == snapshot && !$0.isDeleted }?.epoch
            done(result.map { made ?? epoch })
        }
    }

    /// Unpins an epoch. What only it had is freed later, by and by. Unknown or deleted is fine.
    func deleteSnapshot(_ epoch: UInt32, done: @escaping (Result<Void, Failure>) -> Void) {
        guard map.element(epoch).map({ !$0.isDeleted }) == true else { return done(.success(())) }
        change(RecordControl(operation: .delete, epoch: epoch)) { [self] result in
            done(result)
            reclaimLater()
        }
    }

    /// The volume becomes what it was at the end of `epoch`. Only while nobody writes.
    func rollBack(to epoch: UInt32, done: @escaping (Result<Void, Failure>) -> Void) {
        guard map.element(epoch) != nil, map.hasHead else {
            return done(.failure(Failure(.notFound, "there is no such snapshot")))
        }
        change(RecordControl(operation: .rollBack, epoch: epoch)) { [self] result in
            done(result)
            reclaimLater()
        }
    }

    /// The volume is no more; its snapshots stay.
    func dropHead(done: @escaping (Result<Void, Failure>) -> Void) {
        guard map.hasHead else { return done(.success(())) }
        change(RecordControl(operation: .dropHead)) { [self] result in
            done(result)
            reclaimLater()
        }
    }

    // MARK: Cuts

    /// Withholds answers of writes until `release`: between the two, other volumes can be held too, and all be given their cut.
    func hold() { isHeld = true }

    func release() {
        isHeld = false
        admitWaiting()
        scheduleBatch()
    }

    // MARK: Freeing what was deleted

    /// Somebody reads what the epoch has.
    func retainEpoch(_ epoch: UInt32) { readerEpochs[epoch, default: 0] += 1 }

    func releaseEpoch(_ epoch: UInt32) {
        let left = (readerEpochs[epoch] ?? 1) - 1
        readerEpochs[epoch] = left == 0 ? nil : left
        if left == 0 { reclaimLater() }
    }

    /// Epochs that may not be walked: clones or open devices need them.
    var neededEpochs: Set<UInt32> { pinnedEpochs.union(readerEpochs.keys) }

    var hasReclaimable: Bool { map.reclaim != nil || map.reclaimable(pinned: neededEpochs) != nil }

    private static let reclaimStepsAtOnce = 8
    private static let reclaimPauseNanoseconds: UInt64 = 1_000_000

    /// Goes on with the walk over deleted epochs, a little at a time.
    func reclaimLater() {
        guard !isReclaimStopped, !isClosing, failure == nil, hasReclaimable else {
            cleaner.wake()
            return answerReclaimed()
        }
        if isReclaimScheduled { return }
        isReclaimScheduled = true
        queue.timer(nanoseconds: Self.reclaimPauseNanoseconds, target: self, tag: Self.tagReclaim)
    }

    func reclaimSome() {
        isReclaimScheduled = false
        guard !isReclaimStopped, !isClosing, failure == nil else { return answerReclaimed() }
        for _ in 0..<Self.reclaimStepsAtOnce {
            switch map.reclaimStep(pinned: neededEpochs) {
            case .progressed: continue
            case .nothing: return reclaimLater()
            case .wait(let load):
                isReclaimScheduled = true
                self.load(load) { [self] isLoaded in
                    isReclaimScheduled = false
                    guard isLoaded else { return fail(Failure(.corrupt, "a part of the map cannot be read")) }
                    reclaimLater()
                }
                return
            case .full:
                isReclaimScheduled = true
                map.cache.whenRoom { [self] in
                    isReclaimScheduled = false
                    reclaimLater()
                }
                return
            }
        }
        reclaimLater()
    }

    /// For good: somebody needs the log closed.
    func stopReclaim() {
        isReclaimStopped = true
        answerReclaimed()
        answerCleaned()
        let holders = holders
        self.holders = [:]
        for letGo in holders.values { letGo() }
    }

    /// Somebody has retained the log for later. `letGo` is called once when it is needed closed, unless the holder is forgotten before.
    func hold(_ holder: ObjectIdentifier, letGo: @escaping () -> Void) {
        if isReclaimStopped { return letGo() }
        holders[holder] = letGo
    }

    func forget(_ holder: ObjectIdentifier) { holders[holder] = nil }

    /// The element of an epoch once it is in a durable checkpoint, so that a clone may refer to its nodes. `isPinned`: a clone that is
    /// there has kept it, though its snapshot may be gone.
    func durableElement(
        _ epoch: UInt32, isPinned: Bool = false, done: @escaping (Result<MapElement, Failure>) -> Void
    ) {
        guard let element = map.element(epoch), isPinned || !element.isDeleted else {
            return done(.failure(failure ?? Failure(.notFound, "there is no such snapshot")))
        }
        if epoch <= durableElements { return done(.success(element)) }
        checkpoint { [self] isDone in
            guard isDone || failure != nil || durableElements >= epoch else {
                return done(.failure(Failure(.exhausted, "the map cannot be written: free space on the mountpaths")))
            }
            if let failure { return done(.failure(failure)) }
            durableElement(epoch, isPinned: isPinned, done: done)
        }
    }

    /// `done` is called when there is nothing left to walk and to clean now, and that is durable, or when the volume closes.
    func whenReclaimed(_ done: @escaping () -> Void) {
        reclaimWaiters.append(done)
        reclaimLater()
    }

    func answerReclaimed() {
        guard !reclaimWaiters.isEmpty else { return }
        let isOver = isClosing || isReclaimStopped || failure != nil
        guard isOver || cleaner.isIdle else { return }
        let waiting = reclaimWaiters
        reclaimWaiters = []
        if isOver {
            for done in waiting { done() }
        } else {
            checkpoint { _ in for done in waiting { done() } }
        }
    }
}
