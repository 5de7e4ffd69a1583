import Base
import SegmentStore

/// Snapshots, clones and what differs between epochs, for the simulator. `done` is called on the queue.
extension VolumeHarness {
    package struct Snapshot: Equatable, Sendable {
        package var id: SnapshotID
        package var epoch: UInt32
    }

    /// Those that are not deleted, oldest first.
    package var snapshots: [Snapshot] {
        log.map.elements.filter { !$0.isDeleted }.map { Snapshot(id: $0.snapshot, epoch: $0.epoch) }
    }

    package var hasHead: Bool { log.map.hasHead }

    /// Durable and pinned when `done` has its epoch.
    package func takeSnapshot(_ id: SnapshotID, done: @escaping (Result<UInt32, Failure>) -> Void) {
        log.takeSnapshot(id, sizeBytes: log.parameters.header.sizeBytes, created: 0, done: done)
    }

    package func deleteSnapshot(_ epoch: UInt32, done: @escaping (Result<Void, Failure>) -> Void) {
        log.deleteSnapshot(epoch, done: done)
    }

    /// Only while no request is under way.
    package func rollBack(to epoch: UInt32, done: @escaping (Result<Void, Failure>) -> Void) {
        log.rollBack(to: epoch, done: done)
    }

    /// The volume is no more, its snapshots stay.
    package func dropHead(done: @escaping (Result<Void, Failure>) -> Void) { log.dropHead(done: done) }

    /// Keeps the walk away from an epoch that is being read, as an open device does.
    package func retain(_ epoch: UInt32) { log.retainEpoch(epoch) }

    package func release(_ epoch: UInt32) { log.releaseEpoch(epoch) }

    // MARK: Changed blocks

    private static let runsAtOnce = 16

    /// The blocks that may differ between the snapshot `epoch` and the state at the end of `base`, or those that are mapped where there is
    /// no base. Nil: all may.
    package func changedBlocks(
        in epoch: UInt32, since base: UInt32?, done: @escaping (Result<[Range<UInt64>]?, Failure>) -> Void
    ) {
        gather([], from: 0, epoch, base, done)
    }

    /// One look after the other. A look may be answered at once, and a sparse volume takes many: they must not pile up on the stack.
    private func gather(
        _ found: [Range<UInt64>], from start: UInt64, _ epoch: UInt32, _ base: UInt32?,
        _ done: @escaping (Result<[Range<UInt64>]?, Failure>) -> Void
    ) {
        var (found, start) = (found, start)
        var (isLooking, isAnswered) = (false, false)
        func look() {
            if isLooking {
                isAnswered = true
                return
            }
            isLooking = true
            repeat {
                isAnswered = false
                log.changedRuns(in: epoch, since: base, from: start, limit: Self.runsAtOnce) { result in
                    switch result {
                    case .failure(let failure): done(.failure(failure))
                    case .success(nil): done(.success(nil))
                    case .success(let step?):
                        found += step.runs.map { $0.first..<($0.first + $0.count) }
                        guard let next = step.next else { return done(.success(found)) }
                        start = next
                        look()
                    }
                }
            } while isAnswered
            isLooking = false
        }
        look()
    }

    // MARK: Clones

    /// Makes a clone of a snapshot, to be opened afterwards. From now on the epoch is pinned.
    package func createClone(
        _ clone: VolumeID, of epoch: UInt32, done: @escaping (Result<Void, Failure>) -> Void
    ) {
        log.pinnedEpochs.insert(epoch)
        let (pool, group, queue, answer) = (host.pool, host.group, host.queue, Answer(done: done))
        log.durableElement(epoch) { result in
            switch result {
            case .failure(let failure): answer.done(.failure(failure))
            case .success(let element):
                queue.blocking { () throws(Failure) in
                    try VolumeClone.create(clone, group: group, from: element, in: pool)
                } then: {
                    answer.done($0)
                }
            }
        }
    }

    /// No clone begins at the epoch any more.
    package func unpin(_ epoch: UInt32) {
        log.pinnedEpochs.remove(epoch)
        log.reclaimLater()
    }

    // MARK: Space

    /// Nothing is left to walk, and that is durable.
    package func whenReclaimed(_ done: @escaping () -> Void) { log.whenReclaimed(done) }

    /// Blocks in this volume's segments that something refers to.
    package var liveBlocks: Int { log.segments.values.reduce(0) { $0 + $1.liveBlocks } }

    /// Those that the volume as it is refers to.
    package var headBlocks: Int { log.map.hasHead ? log.map.head.ownedBlocks : 0 }
}

/// `@unchecked Sendable`: called on the queue only.
private struct Answer: @unchecked Sendable {
    let done: (Result<Void, Failure>) -> Void
}
