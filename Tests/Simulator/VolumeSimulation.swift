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

    /// One seed in so many begins with a membership race, and another in so many has nothing but crashes, until more goes wrong than may.
    private static let seedsPerRace: UInt64 = 8
    private static let seedsPerWildEnd: UInt64 = 10

    let host: SimulatedHost
    let machine: SimulatedMachine
    let faults: FaultInjector
    private let recorder: BranchRecorder
    /// Origins before their clones.
    var volumes: [SimulatedVolume]
    var nextSnapshot = 1
    /// Clones that were made and are not open yet.
    private var newClones: [SimulatedVolume] = []
    private var everOut: Set<String> = []
    fileprivate var damagedRings: Set<VolumeID> = []
    package internal(set) var report = SimulationReport()

    package init(seed: UInt64, canary: EngineCanary? = nil, shape: SimulatedShape? = nil) {
        let recorder = BranchRecorder()
        self.recorder = recorder
        let shape = shape ?? .of(seed: seed)
        var test = TestHooks(
            observer: { recorder.took($0) }, canary: canary, checkpointRecords: Self.checkpointRecords,
            cleansEagerly: seed % 3 != 0)
        test.missesInEarlyScans = seed % 7 == 4
        test.drawsOnReserves = seed % 10 == 7
        host = SimulatedHost(seed: seed, shape: shape, test: test)
        machine = host.machine
        faults = FaultInjector(machine: machine, disks: host.disks, p: shape.p)
        machine.faults = faults
        recorder.faults = faults
        recorder.machine = machine
        volumes = [SimulatedVolume(id: host.makeVolume(), model: VolumeModel(blocks: shape.volumeBlocks))]
        machine.atStop = { [unowned self] in processEnds() }
    }

    private func processEnds() {
        host.rings.freeze()
        for volume in volumes { volume.processEnds(host.rings, machine) }
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
        report.table = recorder.table
        report.table.setFaults(faults.counts)
    }

    // MARK: A life

    private func live(isFirst: Bool) throws {
        // A pool is made of drives that are all there.
        faults.beginLife(isQuiet: isFirst || isWildAtEnd || machine.chance(1, in: 6))
        // While nothing is lost yet, and the rest of the seed goes on with what is left.
        if isFirst, host.seed % Self.seedsPerRace == 0 { faults.beginRace() }
        let queue = try startAndCheck(resends: true)
        faults.forget()
        let operations = try operate(queue)
        try checkAccounting()
        if machine.isRunning { try end(queue) }
        // What was answered, or refused, right before everything stopped.
        for volume in volumes { try volume.work?.collect(&volume.model) }
        count(operations)
        crash(queue)
        faults.isEnding = false
    }

    private func count(_ operations: Int) {
        report.crashes += 1
        report.operations += operations
        for work in volumes.compactMap(\.work) {
            report.refused += work.refusedCount
            report.records += work.harness.statistics.recordsWritten
            report.blocksMoved += work.harness.statistics.blocksMoved
            report.segmentsCleaned += work.harness.statistics.segmentsCleaned
            report.checkpoints += work.harness.statistics.checkpoints
            report.add(work.report)
        }
    }

    /// `resends`: what clients send again is kept for them to do so.
    func startAndCheck(resends: Bool = false) throws -> SimulatedQueue {
        let queue = try start()
        let returned = try checkStarted()
        if !returned.isEmpty, machine.chance(2, in: 3) {
            // They are believed, so they have all that was acknowledged: as many others may go.
            crash(queue)
            faults.beginLife(isQuiet: true)
            faults.loseAllThatMayBe(but: returned)
            return try startAndCheck(resends: resends)
        }
        for volume in volumes {
            try check(volume)
            if !resends { volume.resends = [] }
        }
        damagedRings = []
        report.checks += 1
        return queue
    }

    private func check(_ volume: SimulatedVolume) throws {
        do { try volume.work?.checkAll(&volume.model, after: volume.end) } catch {
            throw problem(volume, "\(error) (\(volume.end))")
        }
        volume.end = .none
    }

    func problem(_ volume: SimulatedVolume, _ text: String) -> VolumeWork.Problem {
        VolumeWork.Problem(description: volume.depth == 0 ? text : "clone of depth \(volume.depth): \(text)")
    }

    private var isWildAtEnd: Bool { host.seed % Self.seedsPerWildEnd == 3 }

    func checkAccounting() throws {
        for volume in volumes {
            guard let text = volume.work?.harness.accountingProblem(), machine.isRunning else { continue }
            throw problem(volume, text)
        }
    }

    /// After the last crash everything must be there, and again when as many mountpaths are lost as may be.
    private func endWithLosses() throws {
        faults.beginLife(isQuiet: false)
        crash(try startAndCheck())
        if isWildAtEnd { return try overwhelm() }
        if host.shape.isTight { try fillAndRelieve() }
        faults.beginLife(isQuiet: true)
        faults.loseAllThatMayBe()
        crash(try startAndCheck())
        if host.shape.hasEpochs, machine.chance(1, in: 2) { try purge() }
        if machine.chance(1, in: 3) { try overwhelm() }
    }

    private static let overwhelmedLives = 5
    private static let overwhelmedBytes = 200
    private static let overwhelmedRecords = 3
    private static let overwhelmedOperations = 60

    /// More is lost than may be. Starts and requests may fail then; what is read must be what was once written there.
    private func overwhelm() throws {
        faults.overwhelm()
        for _ in 0..<Self.overwhelmedLives {
            faults.beginLife(isQuiet: false)
            let queue = host.makeQueue()
            faults.isStarting = true
            if machine.chance(1, in: 4) { machine.operationsUntilCrash = machine.pick(600) }
            let isOpen = (try? host.open(volumes, queue)) != nil
            faults.isStarting = false
            machine.operationsUntilCrash = nil
            if !machine.isRunning {
                faults.note(.startCut)
            } else if isOpen {
                // Nobody has a device of one that was deleted.
                let present = volumes.filter { $0.work?.harness.hasHead == true }
                for volume in present { try volume.work?.checkWhole(volume.model.blocks) }
                faults.forget()
                for _ in 0..<(present.isEmpty ? 0 : Self.overwhelmedOperations) {
                    let volume = present[machine.pick(present.count)]
                    _ = volume.work?.submit(.random(machine, blocks: volume.model.blocks), &volume.model)
                    for _ in 0..<machine.pick(6) { _ = queue.step() }
                    faults.betweenOperations()
                    volume.work?.forgetFinished()
                }
                report.overwhelmed += 1
            }
            crash(queue)
            for _ in 0..<Self.overwhelmedBytes { faults.rotSome() }
            for _ in 0..<Self.overwhelmedRecords { faults.rotHeaders() }
        }
    }

    /// Starts the engine. Now and then everything stops while it starts; a start that met a fault may refuse.
    private func start() throws -> SimulatedQueue {
        faults.isStarting = true
        defer { faults.isStarting = false }
        while true {
            let queue = host.makeQueue()
            let isCut = machine.chance(1, in: 3)
            if isCut { machine.operationsUntilCrash = machine.pick(600) }
            do throws(Failure) {
                try host.open(volumes, queue)
                if !isCut, machine.isRunning {
                    machine.operationsUntilCrash = nil
                    return queue
                }
                // It came up before: what it sealed must hold as well.
            } catch {
                if machine.isRunning {
                    if try refusesDamagedRing(error) { continue }
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

    /// The volume is not opened before its user is fenced, and goes on without what was answered and not flushed.
    private func refusesDamagedRing(_ failure: Failure) throws -> Bool {
        guard !damagedRings.isEmpty, failure.message.hasPrefix("the ring of volume") else { return false }
        for volume in volumes where damagedRings.contains(volume.id) {
            _ = try host.rings.setAside(volume.id)
            volume.end.hasLostRing = true
            volume.resends = []
        }
        damagedRings = []
        machine.operationsUntilCrash = nil
        return true
    }

    /// What must be true whenever a start has ended. Returns mountpaths that were lost and are members all the same.
    private func checkStarted() throws -> Set<Int> {
        let out = volumes[0].work?.harness.outPaths ?? []
        let back = everOut.subtracting(out)
        guard back.isEmpty else {
            throw VolumeWork.Problem(description: "\(back.sorted()) were out and are believed again")
        }
        everOut = out
        let lost = faults.ledger.lost
        faults.lifeStarted(
            out: Set(host.disks.indices.filter { out.contains(SimulatedHost.path($0)) }))
        try checkAccounting()
        for volume in volumes {
            let stray = host.segments(of: volume.id, without: out).subtracting(volume.work?.harness.segments ?? [])
            guard stray.isEmpty || faults.recent.contains(where: \.mayLeaveFiles) else {
                throw problem(volume, "slices of segments \(stray.sorted()) are left over after a start")
            }
        }
        return lost.subtracting(faults.ledger.lost)
    }

    // MARK: Operations

    /// At least `operationsMin` operations, then more until the crash, or until the life shall end otherwise.
    private func operate(_ queue: SimulatedQueue) throws -> Int {
        let isClosed = machine.chance(1, in: 6)
        let target = Self.operationsMin + machine.pick(150)
        var done = 0
        while machine.isRunning, done < Self.operationsMax {
            if done == target {
                if isClosed { break }
                machine.operationsUntilCrash = machine.pick(150)
                faults.isEnding = true
            }
            let volume = volumes[machine.pick(volumes.count)]
            if let work = volume.work {
                do {
                    if !volume.resends.isEmpty, machine.chance(2, in: 3) {
                        let place = machine.pick(volume.resends.count)
                        if work.submit(volume.resends[place], &volume.model) {
                            volume.resends.remove(at: place)
                            report.resends += 1
                        }
                    } else if host.shape.hasEpochs, machine.chance(1, in: 12) {
                        try changeEpochs(volume, work)
                    } else if work.submit(.random(machine, blocks: volume.model.blocks), &volume.model) {
                        done += 1
                    }
                } catch { throw problem(volume, "\(error)") }
            }
            for _ in 0..<machine.pick(6) where machine.isRunning { _ = queue.step() }
            guard machine.isRunning else { break }
            faults.betweenOperations()
            try collect()
            if let text = volume.work?.harness.freeingProblem() { throw problem(volume, text) }
            try openClones(queue)
        }
        newClones = []
        return done
    }

    func collect() throws {
        for volume in volumes {
            do { try volume.work?.collect(&volume.model) } catch { throw problem(volume, "\(error)") }
        }
    }

    static let snapshotsMax = 4
    private static let volumesMax = 4
    private static let deletedMax = 6

    private func changeEpochs(_ volume: SimulatedVolume, _ work: VolumeWork) throws {
        let known = work.epochs.keys.filter { volume.model.contents[$0] != nil }.sorted()
        let kind = machine.pick(100)
        if kind < 30 || known.isEmpty {
            guard work.epochs.count < Self.snapshotsMax else { return }
            nextSnapshot += 1
            return work.takeSnapshot(nextSnapshot, &volume.model)
        }
        let number = known[machine.pick(known.count)]
        switch kind {
        case ..<50:
            guard !volume.cloning.contains(number), let epoch = work.epochs[number] else { return }
            volume.deleted = volume.deleted.suffix(Self.deletedMax - 1) + [(number, epoch)]
            work.deleteSnapshot(number, &volume.model)
        case ..<60:
            guard volume.cloning.isEmpty else { return }
            // It waits for all that is under way, while no drive gets room.
            faults.endFullness()
            try work.rollBack(number, &volume.model)
        case ..<70: makeClone(of: volume, work, number)
        case ..<85:
            let first = machine.pick(volume.model.blocks - 8)
            work.readSnapshot(number, first: first, count: 1 + machine.pick(8), volume.model)
        default:
            let bases =
                known.compactMap { other in work.epochs[other].map { (number: other, epoch: $0) } } + volume.deleted
            let place = machine.pick(bases.count + 1)
            work.compareEpochs(number, base: place < bases.count ? bases[place] : nil, volume.model)
        }
    }

    private func makeClone(of volume: SimulatedVolume, _ work: VolumeWork, _ number: Int) {
        guard volumes.count + newClones.count < Self.volumesMax, volume.cloning.isEmpty,
            let epoch = work.epochs[number],
            let content = volume.model.contents[number]
        else { return }
        let clone = SimulatedVolume(
            id: host.makeVolume(),
            model: VolumeModel(content: content, numbersBefore: nextSnapshot * Self.cloneNumbers), origin: volume,
            epoch: epoch)
        nextSnapshot += 1
        volume.cloning.insert(number)
        work.makeClone(clone.id, of: epoch) { [self] failure in
            volume.cloning.remove(number)
            if failure == nil {
                newClones.append(clone)
            } else if !volume.pinned.contains(epoch) {
                work.harness.unpin(epoch)
            }
        }
    }

    /// The changes of a clone are numbered from a multiple of this on.
    private static let cloneNumbers = 1_000_000

    private func openClones(_ queue: SimulatedQueue) throws {
        let made = newClones
        newClones = []
        for clone in made {
            volumes.append(clone)
            clone.origin?.pinned.insert(clone.epoch)
            do {
                try host.openClone(clone, queue)
                try check(clone)
            } catch {
                guard machine.isRunning else { return }
                if clone.work == nil, faults.mayRefuseStart { continue }
                throw problem(clone, "just made, it cannot be opened: \(error)")
            }
        }
    }

    // MARK: The end

    /// Closes the volumes; half of the times everything stops meanwhile.
    private func end(_ queue: SimulatedQueue) throws {
        if machine.chance(1, in: 2) { machine.operationsUntilCrash = machine.pick(100) }
        faults.endFullness()
        for volume in volumes.reversed() {
            guard let work = volume.work else { continue }
            do { guard try work.close(&volume.model) else { return } } catch { throw problem(volume, "\(error)") }
            report.closes += 1
        }
    }

    /// Deletes snapshots and clones: what only they had is free then. Before, now and then, the first volume, under its snapshots and
    /// clones.
    private func purge() throws {
        faults.beginLife(isQuiet: true)
        var queue = try startAndCheck()
        if machine.chance(1, in: 3) {
            try volumes[0].work?.dropHead(&volumes[0].model)
            crash(queue)
            queue = try startAndCheck()
        }
        for volume in volumes.reversed() {
            guard let work = volume.work else { continue }
            do { try purge(volume, work) } catch { throw problem(volume, "\(error)") }
        }
        volumes = [volumes[0]]
        crash(queue)
        faults.beginLife(isQuiet: true)
        crash(try startAndCheck())
        report.purges += 1
    }

    private func purge(_ volume: SimulatedVolume, _ work: VolumeWork) throws {
        for number in work.epochs.keys.sorted() { work.deleteSnapshot(number, &volume.model) }
        if volume.origin != nil { try work.dropHead(&volume.model) }
        try work.finish(&volume.model)
        try work.reclaim()
        // Without space for the record nothing was deleted.
        if work.report.refused == 0 {
            let (live, head) = (work.harness.liveBlocks, work.harness.headBlocks)
            guard live == head else {
                throw VolumeWork.Problem(
                    description: "\(live) blocks are live without snapshots and clones, the volume has \(head)")
            }
        }
        if let text = work.harness.accountingProblem() { throw VolumeWork.Problem(description: text) }
        guard let origin = volume.origin else { return }
        _ = try work.close(&volume.model)
        origin.pinned.remove(volume.epoch)
        volumes.removeAll { $0 === volume }
        if !volumes.contains(where: { $0.origin === origin && $0.epoch == volume.epoch }) {
            origin.work?.harness.unpin(volume.epoch)
        } else {
            origin.pinned.insert(volume.epoch)
        }
    }

    func crash(_ queue: SimulatedQueue) {
        let power: [CrashMode] = [.powerLostAllKept, .powerLostAllLost, .powerLostMixed]
        let mode = machine.chance(1, in: 3) ? .processKilled : power[machine.pick(power.count)]
        host.crash(mode, queue)
        newClones = []
        for volume in volumes { volume.cloning = [] }
        faults.note(FaultKind(mode))
        if mode == .processKilled { processDied() } else { powerWasLost() }
        faults.afterCrash(namedOut: host.namedOut())
    }
}

extension VolumeSimulation {
    fileprivate func processDied() {
        report.processDeaths += 1
        for volume in volumes { volume.end.add(.processKilled) }
        let rings = host.rings
        for volume in volumes {
            if machine.chance(1, in: 6), rings.tear(volume.id, machine) { faults.note(.ringTorn) }
            if machine.chance(1, in: 24), rings.damage(volume.id, machine) {
                damagedRings.insert(volume.id)
                faults.note(.ringDamaged)
            }
        }
    }

    fileprivate func powerWasLost() {
        for volume in volumes {
            volume.end.add(.powerLostMixed)
            volume.resends = []
            if host.rings.has(volume.id) { faults.note(.ringOfOtherBoot) }
        }
        damagedRings = damagedRings.filter { host.rings.has($0) }
    }
}

extension FaultKind {
    /// Removing a file may have failed, and is only warned of.
    fileprivate var mayLeaveFiles: Bool { self == .writeError || self == .syncError || self == .readError }
}
