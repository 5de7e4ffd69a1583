import Base
import SegmentStore
import SystemIO

/// Decides what goes wrong, from the machine's chance, within what `DamageLedger` allows.
final class FaultInjector: FaultSource {
    private let machine: SimulatedMachine
    private let disks: [SimulatedDisk]
    var ledger: DamageLedger
    /// Of this life.
    private var plan: Set<FaultKind> = []
    /// Since the volume was last compared with the model.
    private(set) var recent: Set<FaultKind> = []
    /// What came with the crash before that comparison: the life after it goes on with what it left.
    private(set) var inherited: Set<FaultKind> = []
    private(set) var counts: [FaultKind: Int] = [:]
    /// Faults come more densely: a start is short.
    var isStarting = false
    /// The crash is near: what is not finished then is what recovery finds.
    var isEnding = false
    private var fullUntil = 0
    private var isVeryFlaky = false
    /// Writes and syncs fail where columns are written, and nowhere else.
    private var isForColumns = false
    private var images: [Int: SimulatedDisk.Image] = [:]
    /// Of lives that end so.
    private var race: MembershipRace?
    /// More is lost than may be: nothing has to be spared.
    private(set) var isWild = false
    /// Of a start or later in a life: whether a fault was put in that may stop a start.
    private(set) var mayRefuseStart = false

    init(machine: SimulatedMachine, disks: [SimulatedDisk], p: Int) {
        self.machine = machine
        self.disks = disks
        ledger = DamageLedger(p: p, disks: disks)
    }

    func note(_ kind: FaultKind) {
        counts[kind, default: 0] += 1
        recent.insert(kind)
    }

    /// From now on more goes wrong than anything can survive.
    func overwhelm() {
        ledger.exceed(by: 2)
        isWild = true
    }

    // MARK: Lives

    /// Chooses what may go wrong until the next crash. `isQuiet`: nothing.
    func beginLife(isQuiet: Bool) {
        plan = isQuiet ? [] : Set(FaultKind.chosen.filter { _ in machine.chance(1, in: isWild ? 2 : 5) })
        race = nil
        // A mountpath goes while who must hear of it is slow, and comes back after the crash.
        if !isQuiet, !isWild, machine.chance(1, in: 6) { plan = [.mountpathLost, .stall] }
        // A full drive and a failing one together may stop a volume, since the pool file finds no room.
        if !isWild, plan.contains(.full), machine.chance(1, in: 2) {
            plan.subtract([.writeError, .syncError, .readError, .mountpathLost])
        }
        mayRefuseStart = false
        isForColumns = isWild || machine.chance(1, in: 2)
        ledger.makeFlaky(nil)
        if plan.contains(.readError) {
            let disk = machine.pick(disks.count)
            if ledger.mayLose(disk), !disks[disk].isDead { ledger.makeFlaky(disk) }
            isVeryFlaky = machine.chance(1, in: 2)
        }
        clearFull()
        if plan.contains(.full), machine.chance(1, in: 4) { makeFull() }
        ledger.startBegins()
    }

    /// What a start found; from now on a branch that is taken has met only what comes.
    func lifeStarted(out: Set<Int>) {
        ledger.startEnded(out: out)
    }

    func forget() {
        inherited = recent.filter(\.comesWithCrash)
        recent = []
    }

    /// This life ends with a race between an answer and the membership.
    func beginRace() {
        plan = []
        race = MembershipRace()
    }

    /// At each operation of the client.
    func betweenOperations() {
        if plan.contains(.full) {
            if fullUntil > 0, machine.operationCount >= fullUntil { clearFull() }
            if fullUntil == 0, machine.chance(1, in: rate(80)) { makeFull() }
        }
        if plan.contains(.mountpathLost), machine.chance(1, in: isEnding ? 10 : 150) { loseOne() }
        if plan.contains(.rot), machine.chance(1, in: rate(100)) { rotSome() }
        if machine.chance(1, in: 300) {
            let disk = machine.pick(disks.count)
            if !disks[disk].isDead, !ledger.lost.contains(disk) { images[disk] = disks[disk].image() }
        }
    }

    private func makeFull() {
        let isForAll = isWild || plan.isDisjoint(with: [.writeError, .syncError, .readError, .mountpathLost])
        for disk in disks where machine.chance(1, in: 2) {
            disk.isFull = true
            disk.isFullForAll = isForAll && machine.chance(1, in: 2)
        }
        fullUntil = machine.operationCount + 50 + machine.pick(1000)
        mayRefuseStart = true
        note(.full)
    }

    func endFullness() {
        plan.remove(.full)
        clearFull()
    }

    private func clearFull() {
        fullUntil = 0
        for disk in disks {
            disk.isFull = false
            disk.isFullForAll = false
        }
    }

    func loseOne() { lose(machine.pick(disks.count)) }

    func loseAllThatMayBe(but kept: Set<Int> = []) {
        let first = machine.pick(disks.count)
        for step in disks.indices where !kept.contains((first + step) % disks.count) {
            lose((first + step) % disks.count)
        }
    }

    private func lose(_ disk: Int) {
        guard !disks[disk].isDead, ledger.mayLose(disk) else { return }
        disks[disk].isDead = true
        ledger.lose(disk)
        mayRefuseStart = true
        note(.mountpathLost)
    }

    func rotSome() {
        let disk = machine.pick(disks.count)
        let paths = disks[disk].names.keys.sorted()
        guard !paths.isEmpty, !disks[disk].isDead else { return }
        let path = paths[machine.pick(paths.count)]
        guard let object = StoredObject(path: path), ledger.mayDamage(object, on: disk),
            disks[disk].names[path]?.rot() == true
        else { return }
        ledger.note(object, on: disk)
        note(.rot)
    }

    private func endRace(_ race: MembershipRace, namedOut: Set<Int>) {
        guard let (failed, _) = race.failed, !disks[failed].isDead, !namedOut.contains(failed) else { return }
        // It has all that was acknowledged.
        ledger.regain(failed)
        for disk in race.others { lose(disk) }
        loseAllThatMayBe(but: [failed])
    }

    /// After a crash: mountpaths that were lost come back, as they were or older; one that was there is replaced by an older state of itself.
    func afterCrash(namedOut: Set<Int>) {
        inherited = []
        if let race {
            self.race = nil
            return endRace(race, namedOut: namedOut)
        }
        for disk in disks where disk.isDead && machine.chance(2, in: 3) {
            disk.isDead = false
            note(.mountpathBack)
        }
        let returned = ledger.lost.filter { !disks[$0].isDead && !namedOut.contains($0) }
        for disk in returned { ledger.regain(disk) }
        // They have all that was acknowledged, so others may go instead.
        if !returned.isEmpty, machine.chance(1, in: 2) { loseAllThatMayBe(but: returned) }
        if plan.contains(.mountpathLost), machine.chance(1, in: 3) { loseOne() }
        guard machine.chance(1, in: 6), let index = pickImage(),
            let image = images[index], !disks[index].isDead, ledger.lost.contains(index) || ledger.mayLose(index)
        else { return }
        ledger.noteAll(on: index)
        disks[index].restore(image)
        images[index] = nil
        note(.mountpathBackOld)
    }

    private func pickImage() -> Int? {
        let known = images.keys.sorted()
        return known.isEmpty ? nil : known[machine.pick(known.count)]
    }

    /// Damages the headers of a record in all its columns but one: there is a trace of it, and nothing to be read.
    func rotHeaders() {
        let found = disks.indices.filter { !disks[$0].isDead }.flatMap { disk in
            disks[disk].recordHeaders().map { (disk: disk, place: $0) }
        }
        // The last ones that another follows: no start has read them yet.
        let last = found.reduce(into: [VolumeID: UInt64]()) { last, column in
            let header = column.place.header
            last[header.volume] = max(last[header.volume, default: 0], header.sequence)
        }
        let wide = found.filter { column in
            let header = column.place.header
            let end = last[header.volume, default: 0]
            return header.shape.dataColumns > 1 && header.sequence < end && header.sequence + 10 > end
        }
        guard !wide.isEmpty else { return }
        let record = wide[machine.pick(wide.count)].place.header
        let columns = found.filter {
            $0.place.header.volume == record.volume && $0.place.header.sequence == record.sequence
        }
        let kept = machine.pick(columns.count)
        for (number, column) in columns.enumerated() where number != kept {
            disks[column.disk].names[column.place.path]?.rot(block: column.place.block)
            note(.rot)
        }
    }

    private func rate(_ one: Int) -> Int { isWild ? max(2, one / 8) : one }

    // MARK: FaultSource

    func fails(_ operation: DiskOperation, on disk: SimulatedDisk) -> Bool {
        if isStarting, plan.contains(.mountpathLost), machine.chance(1, in: 400) { loseOne() }
        switch operation {
        case .read:
            guard ledger.flaky == disk.index, machine.chance(isVeryFlaky ? 9 : 1, in: 12) else { return false }
            ledger.lose(disk.index)
            note(.readError)
            mayRefuseStart = true
            return true
        case .write: return plan.contains(.writeError) && failOnce(.writeError, disk)
        case .synchronize: return plan.contains(.syncError) && failOnce(.syncError, disk)
        case .metadata: return plan.contains(.writeError) && machine.chance(1, in: 10) && failOnce(.writeError, disk)
        }
    }

    private func failOnce(_ kind: FaultKind, _ disk: SimulatedDisk) -> Bool {
        let one = isStarting || isEnding ? 40 : 150
        return !isForColumns && fail(kind, disk, one: kind == .syncError ? one / 5 : one)
    }

    private func fail(_ kind: FaultKind, _ disk: SimulatedDisk, one: Int) -> Bool {
        guard machine.chance(1, in: one),
            ledger.lost.contains(disk.index) || ledger.mayLose(disk.index)
        else {
            return false
        }
        ledger.lose(disk.index)
        mayRefuseStart = true
        note(kind)
        return true
    }

    func fails(column: [UInt8], on disk: SimulatedDisk) -> Bool {
        if plan.contains(.writeError), fail(.writeError, disk, one: isForColumns ? 15 : 40) { return true }
        guard isEnding, race != nil else { return false }
        let fails =
            race?.columnBegins(column, on: disk.index) {
                machine.chance(1, in: MembershipRace.columnsPerFailure) && ledger.mayLose(disk.index)
            } ?? false
        guard fails else { return false }
        ledger.lose(disk.index)
        mayRefuseStart = true
        note(.writeError)
        machine.operationsUntilCrash = 1 + machine.pick(MembershipRace.operationsMax)
        return true
    }

    func fails(columnSyncOn disk: SimulatedDisk) -> Bool {
        plan.contains(.syncError) && fail(.syncError, disk, one: 2)
    }

    /// Descriptors run out as room does; at starts, which must lose nothing by it.
    func isShortOfDescriptors() -> Bool {
        guard isStarting, plan.contains(.full), machine.chance(1, in: 100) else { return false }
        mayRefuseStart = true
        note(.full)
        return true
    }

    func fate(ofWriteTo file: SimulatedFile, at offset: UInt64, bytes: Int) -> WriteFate {
        guard !plan.isDisjoint(with: [.lostWrite, .misdirectedWrite]), file.disk.index >= 0, machine.chance(1, in: 60),
            let object = StoredObject(path: file.path), ledger.mayDamage(object, on: file.disk.index)
        else { return .written }
        if plan.contains(.lostWrite), !plan.contains(.misdirectedWrite) || machine.chance(1, in: 2) {
            ledger.note(object, on: file.disk.index)
            note(.lostWrite)
            return .lost
        }
        // Somewhere else on the same drive.
        let slices = file.disk.names.keys.filter { $0.contains("/%sg/") }.sorted()
        guard plan.contains(.misdirectedWrite), !slices.isEmpty,
            let victim = file.disk.names[slices[machine.pick(slices.count)]],
            let other = StoredObject(path: victim.path), ledger.mayDamage(other, on: file.disk.index),
            victim.bytes > bytes
        else { return .written }
        ledger.note(object, on: file.disk.index)
        ledger.note(other, on: file.disk.index)
        note(.misdirectedWrite)
        return .misdirected(victim, UInt64(machine.pick((victim.bytes - bytes) / blockBytes) * blockBytes))
    }

    func delay(ofJob isJob: Bool) -> UInt64 {
        if isJob, race?.isUnderWay == true {
            note(.stall)
            return 30_000_000_000
        }
        guard plan.contains(.stall), machine.chance(1, in: isJob ? 3 : 40) else { return 0 }
        note(.stall)
        return 30_000_000_000
    }
}
