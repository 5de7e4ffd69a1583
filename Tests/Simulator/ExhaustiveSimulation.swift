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

    /// Steps of a sequence. Snapshots, clones, rollbacks and deletions join these.
    enum Step: CaseIterable {
        case write
        case flush
        case discard
        case crash
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
        let modes: [CrashMode] = isShort ? [.powerLostAllLost, .powerLostMixed] : CrashMode.allCases
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
            last = last.flatMap { sequence in Step.allCases.map { sequence + [$0] } }
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
    private var model = VolumeModel(blocks: blocks)
    private var modelAtBeginning = VolumeModel(blocks: blocks)

    init(k: Int, p: Int, canary: EngineCanary?) {
        var shape = SimulatedShape(k: k, p: p, mountpathCount: k + p)
        shape.volumeBlocks = Self.blocks
        host = SimulatedHost(seed: 1, shape: shape, test: TestHooks(canary: canary))
    }

    private var allDisks: [SimulatedDisk] { host.disks + [host.ledger] }

    private func begin() throws {
        if images.isEmpty {
            let (work, queue) = try start()
            _ = work.submit(.write(first: 0, count: 4, isForced: true), &model)
            try work.settle()
            try work.collect(&model)
            host.crash(.powerLostAllKept, queue)
            let (again, last) = try start()
            try again.checkAll(&model)
            host.crash(.powerLostAllKept, last)
            images = allDisks.map { $0.image() }
            modelAtBeginning = model
        }
        host.machine.random = SeededRandom(seed: 1)
        host.machine.restart()
        for (disk, image) in zip(allDisks, images) {
            disk.isDead = false
            disk.restore(image)
            disk.resolve(.processKilled)
        }
        model = modelAtBeginning
    }

    private func start() throws -> (work: VolumeWork, queue: SimulatedQueue) {
        let queue = host.makeQueue()
        let harness = try host.open(queue)
        return (VolumeWork(host: host, queue: queue, harness: harness), queue)
    }

    private func restartAndCheck() throws -> (work: VolumeWork, queue: SimulatedQueue) {
        let (work, queue) = try start()
        try work.checkAll(&model)
        return (work, queue)
    }

    /// Carries out the steps; false where the machine stopped on the way.
    private func work(
        _ steps: [ExhaustiveSimulation.Step], _ now: inout (work: VolumeWork, queue: SimulatedQueue), _ mode: CrashMode
    ) throws -> Bool {
        for (number, step) in steps.enumerated() {
            switch step {
            case .write: _ = now.work.submit(.write(first: number, count: 3, isForced: false), &model)
            case .discard: _ = now.work.submit(.discard(first: number + 1, count: 2), &model)
            case .flush: _ = now.work.submit(.flush, &model)
            case .crash:
                // What else was to stop it stops the life after.
                let left = host.machine.operationsUntilCrash
                host.crash(mode, now.queue)
                host.machine.operationsUntilCrash = left
                do { now = try restartAndCheck() } catch {
                    if host.machine.isRunning { throw error }
                    return false
                }
            }
            try now.work.settle()
            guard host.machine.isRunning else { return false }
            try now.work.collect(&model)
        }
        return true
    }

    /// False where the sequence ended before I/O `crashAt`.
    func run(_ steps: [ExhaustiveSimulation.Step], crashAt: Int, _ mode: CrashMode) throws -> Bool {
        try begin()
        var now = try start()
        host.machine.operationsUntilCrash = crashAt
        let isWhole = try work(steps, &now, mode)
        host.crash(mode, now.queue)
        try checkTwice(mode)
        return !isWhole
    }

    /// Crashes after the sequence, and again at I/O `startCutAt` of the start. False where the start had ended before.
    func run(_ steps: [ExhaustiveSimulation.Step], startCutAt: Int, _ mode: CrashMode) throws -> Bool {
        try begin()
        var now = try start()
        guard try work(steps, &now, mode) else { return false }
        host.crash(.processKilled, now.queue)
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
        let (_, queue) = try restartAndCheck()
        host.crash(mode, queue)
        _ = try restartAndCheck()
    }

    /// Reads everything without `lost`, in the same life and in the next one, which begins without them.
    func runLosing(_ lost: [Int], after steps: [ExhaustiveSimulation.Step]) throws {
        try begin()
        var now = try start()
        _ = try work(steps, &now, .powerLostMixed)
        for disk in lost { host.disks[disk].isDead = true }
        _ = now.work.submit(.read(first: 0, count: Self.blocks), &model)
        try now.work.settle()
        try now.work.collect(&model)
        host.crash(.powerLostAllLost, now.queue)
        let (work, _) = try restartAndCheck()
        _ = work.submit(.write(first: 0, count: 2, isForced: true), &model)
        try work.settle()
        try work.collect(&model)
        try work.checkAll(&model)
    }
}
