import Base
import SystemIO

/// Decides what goes wrong, from the machine's chance, within what `DamageLedger` allows.
final class FaultInjector: FaultSource {
    private let machine: SimulatedMachine
    private let disks: [SimulatedDisk]
    var ledger: DamageLedger
    /// Of this life.
    private var plan: Set<FaultKind> = []
    /// Of a start that is cut off nothing is counted on.
    private(set) var recent: Set<FaultKind> = []
    private(set) var counts: [FaultKind: Int] = [:]
    /// Faults come more densely: a start is short.
    var isStarting = false
    /// The crash is near: what is not finished then is what recovery finds.
    var isEnding = false
    private var fullUntil = 0
    private var images: [Int: SimulatedDisk.Image] = [:]
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
    func overwhelm() { ledger.exceed(by: 2) }

    // MARK: Lives

    /// Chooses what may go wrong until the next crash. `isQuiet`: nothing.
    func beginLife(isQuiet: Bool) {
        plan = isQuiet ? [] : Set(FaultKind.chosen.filter { _ in machine.chance(1, in: 5) })
        // A mountpath goes while who must hear of it is slow, and comes back after the crash.
        if !isQuiet, machine.chance(1, in: 6) { plan = [.mountpathLost, .stall] }
        // A full drive and a failing one together may stop a volume, since the pool file finds no room.
        if plan.contains(.full), machine.chance(1, in: 2) {
            plan.subtract([.writeError, .syncError, .readError, .mountpathLost])
        }
        mayRefuseStart = false
        ledger.makeFlaky(nil)
        if plan.contains(.readError) {
            let disk = machine.pick(disks.count)
            if ledger.mayLose(disk), !disks[disk].isDead { ledger.makeFlaky(disk) }
        }
        clearFull()
        if plan.contains(.full), machine.chance(1, in: 4) { makeFull() }
        ledger.startBegins()
    }

    /// What a start found; from now on a branch that is taken has met only what comes.
    func lifeStarted(out: Set<Int>) {
        ledger.startEnded(out: out)
    }

    func forget() { recent = [] }

    /// At each operation of the client.
    func betweenOperations() {
        if plan.contains(.full) {
            if fullUntil > 0, machine.operationCount >= fullUntil { clearFull() }
            if fullUntil == 0, machine.chance(1, in: 80) { makeFull() }
        }
        if plan.contains(.mountpathLost), machine.chance(1, in: isEnding ? 10 : 150) { loseOne() }
        if plan.contains(.rot), machine.chance(1, in: 100) { rotSome() }
        if machine.chance(1, in: 300) {
            let disk = machine.pick(disks.count)
            if !disks[disk].isDead, !ledger.lost.contains(disk) { images[disk] = disks[disk].image() }
        }
    }

    private func makeFull() {
        let isForAll = plan.isDisjoint(with: [.writeError, .syncError, .readError, .mountpathLost])
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

    private func loseOne() { lose(machine.pick(disks.count)) }

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

    /// After a crash: mountpaths that were lost come back, as they were or older; one that was there is replaced by an older state of itself.
    func afterCrash(namedOut: Set<Int>) {
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

    // MARK: FaultSource

    func fails(_ operation: DiskOperation, on disk: SimulatedDisk) -> Bool {
        if isStarting, plan.contains(.mountpathLost), machine.chance(1, in: 400) { loseOne() }
        switch operation {
        case .read:
            guard ledger.flaky == disk.index, machine.chance(1, in: 12) else { return false }
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
        guard machine.chance(1, in: isStarting || isEnding ? 40 : 150),
            ledger.lost.contains(disk.index) || ledger.mayLose(disk.index)
        else {
            return false
        }
        ledger.lose(disk.index)
        mayRefuseStart = true
        note(kind)
        return true
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
        guard plan.contains(.stall), machine.chance(1, in: isJob ? 3 : 40) else { return 0 }
        note(.stall)
        return 30_000_000_000
    }
}
