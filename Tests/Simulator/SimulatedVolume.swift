import Base
import EmbeddedEngine

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

    init(id: VolumeID, model: VolumeModel, origin: SimulatedVolume? = nil, epoch: UInt32 = 0) {
        self.id = id
        self.model = model
        self.origin = origin
        self.epoch = epoch
    }

    /// Clones above it.
    var depth: Int { origin.map { $0.depth + 1 } ?? 0 }
}
