import Base
import EmbeddedEngine

/// Everything at one moment: if it stops here, this is what there is.
struct CrashPoint {
    struct Volume {
        var id: VolumeID
        var model: VolumeModel
        /// Its origin's place among the volumes.
        var origin: Int?
        var epoch: UInt32
        var pinned: Set<UInt32>
        var end: VolumeEnd
    }
    var disks: [SimulatedDisk.State]
    var writes: [SimulatedQueue.WriteOnItsWay]
    var rings: SimulatedRings.Image
    var volumes: [Volume]
}

/// One small pool, put back to its beginning for every case.
final class ExhaustiveCase {
    private static let blocks = 8
    private let host: SimulatedHost
    private var images: [SimulatedDisk.Image] = []
    private var volumes: [SimulatedVolume] = []
    private var modelAtBeginning = VolumeModel(blocks: blocks)
    private let volume: VolumeID
    /// Of the life that is recorded.
    private var current: SimulatedQueue?
    /// Digests of what was checked.
    private var seen: Set<Int> = []

    init(k: Int, p: Int, canary: EngineCanary?) {
        var shape = SimulatedShape(k: k, p: p, mountpathCount: k + p)
        shape.sliceBytes = 1 << 20
        shape.volumeBlocks = Self.blocks
        host = SimulatedHost(seed: 1, shape: shape, test: TestHooks(canary: canary, cleansEagerly: true))
        volume = host.makeVolume()
        host.machine.atStop = { [unowned self] in host.rings.freeze() }
    }

    private var allDisks: [SimulatedDisk] { host.disks + [host.ledger] }

    private func begin() throws {
        if images.isEmpty { try makeBeginning() }
        host.machine.random = SeededRandom(seed: 1)
        host.machine.restart()
        for (disk, image) in zip(allDisks, images) {
            disk.isDead = false
            disk.restore(image)
            disk.resolve(.processKilled)
        }
        host.rings.image = SimulatedRings.Image()
        volumes = [SimulatedVolume(id: volume, model: modelAtBeginning)]
    }

    private func makeBeginning() throws {
        volumes = [SimulatedVolume(id: volume, model: modelAtBeginning)]
        let queue = try start()
        _ = volumes[0].work?.submit(.write(first: 0, count: 4, isForced: true), &volumes[0].model)
        try finish()
        crash(.powerLostAllKept, queue)
        crash(.powerLostAllKept, try restartAndCheck())
        images = allDisks.map { $0.image() }
        modelAtBeginning = volumes[0].model
    }

    private func start() throws -> SimulatedQueue {
        let queue = host.makeQueue()
        try host.open(volumes, queue)
        return queue
    }

    /// Until everything is answered and nothing is under way.
    private func finish() throws {
        for volume in volumes { try volume.work?.settle() }
        guard host.machine.isRunning else { return }
        for volume in volumes { try volume.work?.collect(&volume.model) }
    }

    private func restartAndCheck() throws -> SimulatedQueue {
        let queue = try start()
        for volume in volumes {
            if let text = volume.work?.harness.accountingProblem(), host.machine.isRunning {
                throw VolumeWork.Problem(description: text)
            }
            try check(volume)
        }
        return queue
    }

    private func crash(_ mode: CrashMode, _ queue: SimulatedQueue) {
        host.crash(mode, queue)
        for volume in volumes { volume.end.add(mode) }
    }

    /// Of a copy: while it reads, crash points take the model.
    private func check(_ volume: SimulatedVolume) throws {
        var model = volume.model
        try volume.work?.checkAll(&model, after: volume.end)
        volume.model = model
        volume.end = .none
    }

    /// Carries out the steps; false where the machine stopped on the way.
    private func work(
        _ steps: [ExhaustiveSimulation.Step], _ queue: inout SimulatedQueue, _ mode: CrashMode
    ) throws -> Bool {
        for (number, step) in steps.enumerated() {
            if step == .crash {
                // What else was to stop it stops the life after.
                let left = host.machine.operationsUntilCrash
                crash(mode, queue)
                host.machine.operationsUntilCrash = left
                do {
                    queue = try restartAndCheck()
                    current = queue
                } catch {
                    if host.machine.isRunning { throw error }
                    return false
                }
            } else {
                try take(step, number, queue)
            }
            guard host.machine.isRunning else { return false }
            try finish()
            guard host.machine.isRunning else { return false }
        }
        return true
    }

    private func take(_ step: ExhaustiveSimulation.Step, _ number: Int, _ queue: SimulatedQueue) throws {
        let volume = volumes[0]
        guard let work = volume.work else { return }
        let last = work.epochs.keys.max()
        switch step {
        case .write: _ = work.submit(.write(first: number, count: 3, isForced: false), &volume.model)
        case .discard: _ = work.submit(.discard(first: number + 1, count: 2), &volume.model)
        case .flush: _ = work.submit(.flush, &volume.model)
        case .snapshot: work.takeSnapshot(number + 1, &volume.model)
        case .delete: if let last { work.deleteSnapshot(last, &volume.model) }
        case .rollBack: if let last { work.beginRollBack(last, &volume.model) }
        case .clone: if let last { try clone(last, number, volume, work, queue) }
        case .crash: break
        }
    }

    private func clone(
        _ snapshot: Int, _ number: Int, _ volume: SimulatedVolume, _ work: VolumeWork, _ queue: SimulatedQueue
    ) throws {
        guard let epoch = work.epochs[snapshot], let content = volume.model.contents[snapshot] else { return }
        let clone = SimulatedVolume(
            id: VolumeID(high: 1, low: UInt64(number)),
            model: VolumeModel(content: content, numbersBefore: (number + 1) * 1000), origin: volume, epoch: epoch)
        var isMade = false
        work.makeClone(clone.id, of: epoch) { isMade = $0 == nil }
        try finish()
        guard isMade else {
            guard host.machine.isRunning else { return }
            throw VolumeWork.Problem(description: "a clone cannot be made")
        }
        volume.pinned.insert(epoch)
        volumes.append(clone)
        do {
            try host.openClone(clone, queue)
            try check(clone)
        } catch {
            if host.machine.isRunning { throw error }
            return
        }
        _ = clone.work?.submit(.write(first: 3, count: 2, isForced: false), &clone.model)
    }

    // MARK: Crash points

    /// What is there before each I/O of the steps and after the last, and of the start that follows.
    func record(_ steps: [ExhaustiveSimulation.Step], _ mode: CrashMode) throws -> (
        points: [CrashPoint], startPoints: [CrashPoint]
    ) {
        try begin()
        var queue = try start()
        var points: [CrashPoint] = []
        current = queue
        host.machine.beforeOperation = { [self] in points.append(point) }
        defer { host.machine.beforeOperation = nil }
        _ = try work(steps, &queue, mode)
        points.append(point)
        host.machine.beforeOperation = nil
        crash(.processKilled, queue)
        current = nil
        var startPoints: [CrashPoint] = []
        host.machine.beforeOperation = { [self] in startPoints.append(point) }
        _ = try start()
        startPoints.append(point)
        return (points, startPoints)
    }

    private var point: CrashPoint {
        CrashPoint(
            disks: allDisks.map(\.state), writes: current?.writesOnTheirWay ?? [], rings: host.rings.image,
            volumes: volumes.map { volume in
                CrashPoint.Volume(
                    id: volume.id, model: volume.model,
                    origin: volumes.firstIndex { $0 === volume.origin }, epoch: volume.epoch, pinned: volume.pinned,
                    end: volume.end)
            })
    }

    /// Everything stops there, twice: what a start has shown must be so for ever. `number` chooses what becomes of what was not durable.
    func check(_ point: CrashPoint, _ number: Int, _ mode: CrashMode) throws {
        host.machine.random = SeededRandom(seed: UInt64(number) + 1)
        host.machine.restart()
        for (disk, state) in zip(allDisks, point.disks) {
            disk.isDead = false
            disk.state = state
        }
        for write in point.writes where host.machine.chance(1, in: 2) {
            let file = allDisks.lazy.compactMap { $0.file(write.descriptor) }.first
            write.bytes.withUnsafeBytes { file?.put($0, at: write.offset) }
        }
        for disk in allDisks { disk.resolve(mode) }
        host.rings.image = mode == .processKilled ? point.rings : SimulatedRings.Image()
        volumes = []
        for volume in point.volumes {
            let restored = SimulatedVolume(
                id: volume.id, model: volume.model, origin: volume.origin.map { volumes[$0] }, epoch: volume.epoch)
            restored.pinned = volume.pinned
            restored.end = volume.end
            restored.end.add(mode)
            volumes.append(restored)
        }
        guard seen.insert(digest(point, mode)).inserted else { return }
        try checkTwice(mode)
    }

    var statesSeen: Int { seen.count }

    private func digest(_ point: CrashPoint, _ mode: CrashMode) -> Int {
        var hasher = Hasher()
        hasher.combine(mode)
        for disk in allDisks { disk.hash(into: &hasher) }
        host.rings.image.hash(into: &hasher)
        for volume in point.volumes {
            hasher.combine(volume.id)
            hasher.combine(volume.model)
            hasher.combine(volume.pinned)
            hasher.combine(volume.end)
        }
        return hasher.finalize()
    }

    private func checkTwice(_ mode: CrashMode) throws {
        crash(mode, try restartAndCheck())
        _ = try restartAndCheck()
    }

    /// Reads everything without `lost`, in the same life and in the next one, which begins without them.
    func runLosing(_ lost: [Int], after steps: [ExhaustiveSimulation.Step]) throws {
        try begin()
        var queue = try start()
        _ = try work(steps, &queue, .powerLostMixed)
        for disk in lost { host.disks[disk].isDead = true }
        for volume in volumes { _ = volume.work?.submit(.read(first: 0, count: Self.blocks), &volume.model) }
        try finish()
        crash(.powerLostAllLost, queue)
        _ = try restartAndCheck()
        for volume in volumes {
            _ = volume.work?.submit(.write(first: 0, count: 2, isForced: true), &volume.model)
            try finish()
            try check(volume)
        }
    }
}
