import Base
import EmbeddedEngine
import SystemIO

/// Random work on one volume with faults and crashes, checked against a naive model. One seed repeats it (with
/// SWIFT_DETERMINISTIC_HASHING=1 in the environment, which `make simulate` sets).
///
/// A life: the engine starts, perhaps after starts that were cut off; the volume is compared with the model; at least 200 operations later
/// everything stops at some I/O. After the last life there is one more start and comparison.
package final class VolumeSimulation {
    /// What was found wrong; `crashes` lives repeat it.
    package struct Problem: Error, CustomStringConvertible {
        package var crashes: Int
        package var description: String
    }

    /// Before a crash counts.
    private static let operationsMin = 200
    private static let operationsMax = 20_000
    /// A checkpoint for so many records, so that every life has some.
    private static let checkpointRecords = 40

    private let host: SimulatedHost
    private let machine: SimulatedMachine
    private let faults: FaultInjector
    private let recorder: BranchRecorder
    private var model: VolumeModel
    private var everOut: Set<String> = []
    package private(set) var report = SimulationReport()

    package init(seed: UInt64, canary: EngineCanary? = nil, shape: SimulatedShape? = nil) {
        let recorder = BranchRecorder()
        self.recorder = recorder
        let shape = shape ?? .of(seed: seed)
        host = SimulatedHost(
            seed: seed, shape: shape,
            test: TestHooks(
                observer: { recorder.took($0) }, canary: canary, checkpointRecords: Self.checkpointRecords))
        machine = host.machine
        faults = FaultInjector(machine: machine, disks: host.disks, p: shape.p)
        machine.faults = faults
        recorder.faults = faults
        recorder.machine = machine
        model = VolumeModel(blocks: shape.volumeBlocks)
    }

    package func run(lives: Int) throws {
        defer { finishReport() }
        for life in 0...lives {
            do { try life < lives ? live(isFirst: life == 0) : endWithLosses() } catch {
                throw Problem(crashes: max(1, min(life + 1, lives)), description: "life \(life): \(error)")
            }
        }
    }

    private func finishReport() {
        for (kind, number) in faults.counts { report.faults[kind.rawValue] = number }
        report.table = recorder.table
        report.branches = recorder.branches
    }

    // MARK: A life

    private func live(isFirst: Bool) throws {
        // A pool is made of drives that are all there.
        faults.beginLife(isQuiet: isFirst || machine.chance(1, in: 6))
        let (work, harness, queue) = try startAndCheck()
        faults.forget()
        let operations = try operate(work, queue)
        if machine.isRunning {
            if let text = harness.accountingProblem() { throw VolumeWork.Problem(description: text) }
            try end(work, queue)
        }
        crash(queue)
        report.crashes += 1
        faults.isEnding = false
        report.operations += operations
        report.refused += work.refusedCount
        report.records += harness.statistics.recordsWritten
        report.checkpoints += harness.statistics.checkpoints
    }

    private func startAndCheck() throws -> (VolumeWork, VolumeHarness, SimulatedQueue) {
        let (harness, queue) = try start()
        let returned = try checkStarted(harness)
        if !returned.isEmpty, machine.chance(2, in: 3) {
            // They are believed, so they have all that was acknowledged: as many others may go.
            crash(queue)
            faults.beginLife(isQuiet: true)
            faults.loseAllThatMayBe(but: returned)
            return try startAndCheck()
        }
        let work = VolumeWork(host: host, queue: queue, harness: harness)
        try work.checkAll(&model)
        report.checks += 1
        return (work, harness, queue)
    }

    /// After the last crash everything must be there, and again when as many mountpaths are lost as may be.
    private func endWithLosses() throws {
        faults.beginLife(isQuiet: false)
        let (_, _, queue) = try startAndCheck()
        crash(queue)
        faults.beginLife(isQuiet: true)
        faults.loseAllThatMayBe()
        let (_, _, last) = try startAndCheck()
        crash(last)
        if machine.chance(1, in: 3) { try overwhelm() }
    }

    private static let overwhelmedLives = 3
    private static let overwhelmedBytes = 200
    private static let overwhelmedOperations = 60

    /// More is lost than may be. Starts and requests may fail then; what is read must be what was once written there.
    private func overwhelm() throws {
        faults.overwhelm()
        for _ in 0..<Self.overwhelmedLives {
            faults.beginLife(isQuiet: false)
            let queue = host.makeQueue()
            if let harness = try? host.open(queue) {
                let work = VolumeWork(host: host, queue: queue, harness: harness)
                try work.checkWhole(model.blocks)
                for _ in 0..<Self.overwhelmedOperations {
                    _ = work.submit(.random(machine, blocks: model.blocks), &model)
                    for _ in 0..<machine.pick(6) { _ = queue.step() }
                    faults.betweenOperations()
                    work.forgetFinished()
                }
                report.overwhelmed += 1
            }
            crash(queue)
            for _ in 0..<Self.overwhelmedBytes { faults.rotSome() }
        }
    }

    /// Starts the engine. Now and then everything stops while it starts; a start that met a fault may refuse.
    private func start() throws -> (VolumeHarness, SimulatedQueue) {
        faults.isStarting = true
        defer { faults.isStarting = false }
        while true {
            let queue = host.makeQueue()
            let isCut = machine.chance(1, in: 3)
            if isCut { machine.operationsUntilCrash = machine.pick(600) }
            do throws(Failure) {
                let harness = try host.open(queue)
                if !isCut { return (harness, queue) }
                // It came up before: what it sealed must hold as well.
            } catch {
                if machine.isRunning {
                    guard faults.mayRefuseStart else {
                        throw VolumeWork.Problem(description: "cannot start: \(error)")
                    }
                    report.startsRefused += 1
                    machine.operationsUntilCrash = nil
                    faults.beginLife(isQuiet: true)
                    continue
                }
            }
            faults.note(.startCut)
            crash(queue)
        }
    }

    /// What must be true whenever a start has ended. Returns mountpaths that were lost and are members all the same.
    private func checkStarted(_ harness: VolumeHarness) throws -> Set<Int> {
        let out = harness.outPaths
        let back = everOut.subtracting(out)
        guard back.isEmpty else {
            throw VolumeWork.Problem(description: "\(back.sorted()) were out and are believed again")
        }
        everOut = out
        let lost = faults.ledger.lost
        faults.lifeStarted(
            out: Set(host.disks.indices.filter { out.contains(SimulatedHost.path($0)) }))
        if let text = harness.accountingProblem() { throw VolumeWork.Problem(description: text) }
        let stray = host.segments(without: out).subtracting(harness.segments)
        guard stray.isEmpty || faults.recent.contains(where: \.mayLeaveFiles) else {
            throw VolumeWork.Problem(description: "slices of segments \(stray.sorted()) are left over after a start")
        }
        return lost.subtracting(faults.ledger.lost)
    }

    /// At least `operationsMin` operations, then more until the crash, or until the life shall end otherwise.
    private func operate(_ work: VolumeWork, _ queue: SimulatedQueue) throws -> Int {
        let isClosed = machine.chance(1, in: 6)
        let target = Self.operationsMin + machine.pick(150)
        var done = 0
        while machine.isRunning, done < Self.operationsMax {
            if done == target {
                if isClosed { break }
                machine.operationsUntilCrash = machine.pick(150)
                faults.isEnding = true
            }
            if work.submit(.random(machine, blocks: model.blocks), &model) { done += 1 }
            for _ in 0..<machine.pick(6) where machine.isRunning { _ = queue.step() }
            guard machine.isRunning else { break }
            faults.betweenOperations()
            try work.collect(&model)
        }
        return done
    }

    /// Closes the volume; half of the times everything stops meanwhile.
    private func end(_ work: VolumeWork, _ queue: SimulatedQueue) throws {
        if machine.chance(1, in: 2) { machine.operationsUntilCrash = machine.pick(100) }
        faults.endFullness()
        if try work.close(&model) { report.closes += 1 }
    }

    private func crash(_ queue: SimulatedQueue) {
        let mode = CrashMode.allCases[machine.pick(CrashMode.allCases.count)]
        host.crash(mode, queue)
        faults.note(FaultKind(mode))
        faults.afterCrash(namedOut: host.namedOut())
    }
}

extension FaultKind {
    /// Removing a file may have failed, and is only warned of.
    fileprivate var mayLeaveFiles: Bool { self == .writeError || self == .syncError || self == .readError }
}
