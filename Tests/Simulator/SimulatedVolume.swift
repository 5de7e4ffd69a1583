import Base
import EmbeddedEngine

/// How lives have ended.
struct VolumeEnd: Hashable {
    /// A process died, and its ring was found by the next.
    var hasProcessDied = false
    /// What was not flushed may be gone.
    var hasLostRing = false

    static let none = VolumeEnd()

    var keepsAnswered: Bool { hasProcessDied && !hasLostRing }

    mutating func add(_ mode: CrashMode) {
        if mode == .processKilled { hasProcessDied = true } else { hasLostRing = true }
    }
}

/// A change of which the client has not heard the answer.
struct Resend {
    var entry: Finished
    /// The engine had taken it: sent again it is answered and not executed.
    var isAdmitted: Bool
}

/// A volume or a clone, from its making to the end of the seed.
final class SimulatedVolume {
    let id: VolumeID
    let origin: SimulatedVolume?
    /// Of the origin, where it begins.
    let epoch: UInt32
    var model: VolumeModel
    /// While it is open.
    var work: VolumeWork?
    /// Where its clones begin.
    var pinned: Set<UInt32> = []
    /// Of which clones are being made: not to be deleted.
    var cloning: Set<Int> = []
    /// Deleted snapshots, of which backups may still be the base.
    var deleted: [(number: Int, epoch: UInt32)] = []

    /// What went on since it was last compared with the model.
    var end = VolumeEnd.none
    /// What its client sends again to the next process.
    var resends: [Resend] = []

    init(id: VolumeID, model: VolumeModel, origin: SimulatedVolume? = nil, epoch: UInt32 = 0) {
        self.id = id
        self.model = model
        self.origin = origin
        self.epoch = epoch
    }

    /// Clones above it.
    var depth: Int { origin.map { $0.depth + 1 } ?? 0 }
}

extension SimulatedVolume {
    /// The process dies now: what its client has not heard of it sends to the next one, if that finds the ring.
    func processEnds(_ rings: SimulatedRings, _ machine: SimulatedMachine) {
        guard let work else { return }
        guard rings.has(id) else {
            resends = []
            return
        }
        resends += work.client.unheard(machine)
    }
}
