/// Who is damaged: never more than p columns of anything at once.
///
/// A mountpath is *lost* from the moment at which it may have missed a write. One that works after a crash and that no pool file names
/// out has, by the promise, missed nothing that was acknowledged: it is lost no more. A column is *damaged* until its object is gone.
struct DamageLedger {
    /// How many columns of anything may be gone.
    private(set) var p: Int
    let disks: [SimulatedDisk]
    private(set) var lost: Set<Int> = []
    /// Its reads may fail now, and it may be taken out for it.
    private(set) var flaky: Int?
    private var damage: [StoredObject: Set<Int>] = [:]
    /// Of map generations that the start under way will replace.
    private var oldMapDamage: Set<Int> = []

    init(p: Int, disks: [SimulatedDisk]) {
        self.p = p
        self.disks = disks
    }

    private var gone: Set<Int> { flaky.map { lost.union([$0]) } ?? lost }

    private func columns(of object: StoredObject, without gone: Set<Int>) -> Set<Int> {
        switch object {
        case .map: return (damage[.map] ?? []).union(oldMapDamage).union(gone)
        case .nodes: return (damage[.nodes] ?? []).union(gone)
        case .segment(let id):
            return (damage[object] ?? []).union(gone.filter { disks[$0].holds(id) })
        }
    }

    /// Whether everything survives it if this mountpath is gone as well.
    func mayLose(_ disk: Int) -> Bool {
        let gone = gone.union([disk])
        return gone.count <= p && columns(of: .map, without: gone).count <= p
            && columns(of: .nodes, without: gone).count <= p
            && damage.keys.allSatisfy { columns(of: $0, without: gone).count <= p }
    }

    func mayDamage(_ object: StoredObject, on disk: Int) -> Bool {
        !gone.contains(disk) && columns(of: object, without: gone).union([disk]).count <= p
    }

    mutating func exceed(by count: Int) { p += count }
    mutating func lose(_ disk: Int) { lost.insert(disk) }
    mutating func regain(_ disk: Int) { lost.remove(disk) }
    mutating func makeFlaky(_ disk: Int?) { flaky = disk }
    mutating func note(_ object: StoredObject, on disk: Int) { damage[object, default: []].insert(disk) }

    /// Everything that is anywhere counts as damaged on `disk`.
    mutating func noteAll(on disk: Int) {
        for object in Set(disks.flatMap { $0.names.keys.compactMap { StoredObject(path: $0) } }) {
            note(object, on: disk)
        }
        note(.map, on: disk)
        note(.nodes, on: disk)
    }

    mutating func startBegins() {
        oldMapDamage.formUnion(damage.removeValue(forKey: .map) ?? [])
    }

    /// `out`: those that the engine does not believe. The start has written the map anew.
    mutating func startEnded(out: Set<Int>) {
        oldMapDamage = []
        lost = Set(lost.filter { disks[$0].isDead }).union(out)
        let present = Set(disks.flatMap { $0.names.keys.compactMap { StoredObject(path: $0) } })
        damage = damage.filter { $0.key == .map || present.contains($0.key) }
    }
}
