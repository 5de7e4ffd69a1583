import Base
import EmbeddedEngine
import SystemIO

/// Every sequence of up to three steps on a small volume with a crash at every I/O, and every choice of lost mountpaths.
///
/// Each case begins with the same pool, whose volume holds four flushed blocks. Crashes that fall into the start after the sequence's own crash are
/// tried too, at every I/O.
package struct ExhaustiveSimulation {
    package struct Outcome: Sendable {
        package var crashes = 0
        package var failures = 0
        package var sequences = 0
        package var patterns = 0
        package var problems: [String] = []

        package var summary: String { "\(sequences) sequences, \(patterns) patterns of lost mountpaths" }
    }

    /// Steps of a sequence. Those that need a snapshot come after one; they take the last. A clone is written to.
    enum Step: CaseIterable {
        case write
        case flush
        case discard
        case crash
        case snapshot
        case delete
        case rollBack
        case clone

        var needsSnapshot: Bool { [.delete, .rollBack, .clone].contains(self) }
    }

    private let canary: EngineCanary?
    /// Fewer sequences, modes and patterns.
    private let isShort: Bool

    package init(canary: EngineCanary? = nil, isShort: Bool) {
        self.canary = canary
        self.isShort = isShort
    }

    package func run() -> Outcome {
        var outcome = Outcome()
        let sequences = Self.sequences(lengthMax: isShort ? 2 : 3)
        let crashing = ExhaustiveCase(k: 2, p: 1, canary: canary)
        for steps in sequences {
            outcome.sequences += 1
            crashEverywhere(crashing, steps, &outcome)
        }
        for (k, p) in [(2, 1), (4, 2), (8, 2)] {
            let pool = ExhaustiveCase(k: k, p: p, canary: canary)
            for lost in Self.subsets(of: k + p, sizeMax: p) {
                outcome.patterns += 1
                for steps in isShort ? [[.write, .flush, .discard]] : sequences {
                    attempt(&outcome, "erasure(\(k),\(p)) \(steps), lost \(lost)") {
                        try pool.runLosing(lost, after: steps)
                    }
                }
            }
        }
        return outcome
    }

    private func crashEverywhere(_ pool: ExhaustiveCase, _ steps: [Step], _ outcome: inout Outcome) {
        let modes: [CrashMode] =
            isShort ? (steps.count > 1 ? [.powerLostMixed] : [.powerLostAllLost, .powerLostMixed]) : CrashMode.allCases
        for mode in modes {
            // Until a crash comes later than the last I/O.
            var point = 0
            var isInside = true
            while isInside {
                let name = "\(steps), \(mode.rawValue), at I/O \(point)"
                isInside = attempt(&outcome, name) { try pool.run(steps, crashAt: point, mode) } ?? false
                point += 1
            }
            if isShort && steps.count > 1 { continue }
            point = 0
            isInside = true
            while isInside {
                let name = "\(steps), \(mode.rawValue), then again at I/O \(point) of the start"
                isInside = attempt(&outcome, name) { try pool.run(steps, startCutAt: point, mode) } ?? false
                point += 1
            }
        }
    }

    @discardableResult
    private func attempt<T>(_ outcome: inout Outcome, _ name: String, _ body: () throws -> T) -> T? {
        outcome.crashes += 1
        do { return try body() } catch {
            outcome.failures += 1
            outcome.problems.append("\(name): \(error)")
            return nil
        }
    }

    static func sequences(lengthMax: Int) -> [[Step]] {
        var all: [[Step]] = [[]]
        var last: [[Step]] = [[]]
        for _ in 0..<lengthMax {
            last = last.flatMap { sequence in
                Step.allCases.filter { !$0.needsSnapshot || sequence.contains(.snapshot) }.map { sequence + [$0] }
            }
            all += last
        }
        return all
    }

    /// Every choice of up to `sizeMax` of `count`.
    static func subsets(of count: Int, sizeMax: Int) -> [[Int]] {
        var all: [[Int]] = [[]]
        var last: [[Int]] = [[]]
        for _ in 0..<sizeMax {
            last = last.flatMap { chosen in (((chosen.last ?? -1) + 1)..<count).map { chosen + [$0] } }
            all += last
        }
        return all
    }
}

/// One small pool, put back to its beginning for every case.
final class ExhaustiveCase {
    private static let blocks = 8
    private let host: SimulatedHost
    private var images: [SimulatedDisk.Image] = []
    private var volumes: [SimulatedVolume] = []
    private var modelAtBeginning = VolumeModel(blocks: blocks)
    private let volume: VolumeID

    init(k: Int, p: Int, canary: EngineCanary?) {
        var shape = SimulatedShape(k: k, p: p, mountpathCount: k + p)
        shape.volumeBlocks = Self.blocks
        host = SimulatedHost(seed: 1, shape: shape, test: TestHooks(canary: canary))
        volume = host.makeVolume()
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
        volumes = [SimulatedVolume(id: volume, model: modelAtBeginning)]
    }

    private func makeBeginning() throws {
        volumes = [SimulatedVolume(id: volume, model: modelAtBeginning)]
        let queue = try start()
        _ = volumes[0].work?.submit(.write(first: 0, count: 4, isForced: true), &volumes[0].model)
        try finish()
        host.crash(.powerLostAllKept, queue)
        host.crash(.powerLostAllKept, try restartAndCheck())
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
            try volume.work?.checkAll(&volume.model)
        }
        return queue
    }

    /// Carries out the steps; false where the machine stopped on the way.
    private func work(
        _ steps: [ExhaustiveSimulation.Step], _ queue: inout SimulatedQueue, _ mode: CrashMode
    ) throws -> Bool {
        for (number, step) in steps.enumerated() {
            if step == .crash {
                // What else was to stop it stops the life after.
                let left = host.machine.operationsUntilCrash
                host.crash(mode, queue)
                host.machine.operationsUntilCrash = left
                do { queue = try restartAndCheck() } catch {
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
        case .rollBack: if let last { try work.rollBack(last, &volume.model) }
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
            try clone.work?.checkAll(&clone.model)
        } catch {
            if host.machine.isRunning { throw error }
            return
        }
        _ = clone.work?.submit(.write(first: 3, count: 2, isForced: false), &clone.model)
    }

    /// False where the sequence ended before I/O `crashAt`.
    func run(_ steps: [ExhaustiveSimulation.Step], crashAt: Int, _ mode: CrashMode) throws -> Bool {
        try begin()
        var queue = try start()
        host.machine.operationsUntilCrash = crashAt
        let isWhole = try work(steps, &queue, mode)
        host.crash(mode, queue)
        try checkTwice(mode)
        return !isWhole
    }

    /// Crashes after the sequence, and again at I/O `startCutAt` of the start. False where the start had ended before.
    func run(_ steps: [ExhaustiveSimulation.Step], startCutAt: Int, _ mode: CrashMode) throws -> Bool {
        try begin()
        var queue = try start()
        guard try work(steps, &queue, mode) else { return false }
        host.crash(.processKilled, queue)
        host.machine.operationsUntilCrash = startCutAt
        do { _ = try start() } catch {
            if host.machine.isRunning { throw error }
        }
        let isCut = !host.machine.isRunning
        host.crash(mode, host.makeQueue())
        try checkTwice(mode)
        return isCut
    }

    /// What a start has shown must be so for ever.
    private func checkTwice(_ mode: CrashMode) throws {
        host.crash(mode, try restartAndCheck())
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
        host.crash(.powerLostAllLost, queue)
        _ = try restartAndCheck()
        for volume in volumes {
            _ = volume.work?.submit(.write(first: 0, count: 2, isForced: true), &volume.model)
            try finish()
            try volume.work?.checkAll(&volume.model)
        }
    }
}
