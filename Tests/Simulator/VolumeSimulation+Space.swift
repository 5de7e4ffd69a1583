import Base
import EmbeddedEngine

/// A pool that fills up and is relieved.
extension VolumeSimulation {
    private static let fillWritesMax = 2000
    private static let fillWritesPerSnapshot = 60
    private static let relieveAttemptsMax = 100

    /// Without faults: writes until there is no space, then deletes the snapshots. Deleting must not fail for want of space, and after it
    /// writes must go on.
    func fillAndRelieve() throws {
        faults.beginLife(isQuiet: true)
        let queue = try startAndCheck()
        let volume = volumes[0]
        if let work = volume.work, work.harness.hasHead {
            do {
                try fill(volume, work, queue)
                try deleteSnapshots()
                try writeMustSucceed(volume, work)
            } catch { throw problem(volume, "\(error)") }
            try checkAccounting()
        }
        crash(queue)
    }

    private func fill(_ volume: SimulatedVolume, _ work: VolumeWork, _ queue: SimulatedQueue) throws {
        let refused = work.refusedCount
        for number in 0..<Self.fillWritesMax where work.refusedCount == refused {
            let count = 1 + machine.pick(64)
            let first = machine.pick(volume.model.blocks - count + 1)
            _ = work.submit(.write(first: first, count: count, isForced: machine.chance(1, in: 8)), &volume.model)
            if number % Self.fillWritesPerSnapshot == 1, host.shape.hasEpochs, work.epochs.count < Self.snapshotsMax {
                nextSnapshot += 1
                work.takeSnapshot(nextSnapshot, &volume.model)
            }
            for _ in 0..<machine.pick(12) { _ = queue.step() }
            try collect()
        }
        try work.finish(&volume.model)
        if work.refusedCount > refused { report.filled += 1 }
    }

    private func deleteSnapshots() throws {
        for volume in volumes {
            guard let work = volume.work else { continue }
            let refused = work.report.refused
            for number in work.epochs.keys.sorted() { work.deleteSnapshot(number, &volume.model) }
            try work.finish(&volume.model)
            guard work.report.refused == refused else {
                throw VolumeWork.Problem(description: "a snapshot of a full pool cannot be deleted")
            }
        }
    }

    private func writeMustSucceed(_ volume: SimulatedVolume, _ work: VolumeWork) throws {
        let live = volumes.reduce(0) { $0 + ($1.work?.harness.liveBlocks ?? 0) }
        let open = volumes.compactMap(\.work)
        let capacity = host.capacityBlocks(
            without: faults.ledger.lost, volumes: open.count { !$0.harness.segments.isEmpty })
        // Records that are not full have more headers and parity.
        guard live * 2 < capacity else { return }
        for _ in 0..<Self.relieveAttemptsMax {
            let refused = work.refusedCount
            _ = work.submit(.write(first: 0, count: 1, isForced: true), &volume.model)
            try work.finish(&volume.model)
            if work.refusedCount == refused {
                report.relieved += 1
                return
            }
            host.clock.nanoseconds += 1_000_000_000
            try work.settle()
        }
        throw VolumeWork.Problem(
            description:
                "no write succeeds with \(live) of \(capacity) blocks live: \(volumes.compactMap { $0.work?.harness.stateDescription }); drives \(host.disks.map(\.usage))"
        )
    }
}
