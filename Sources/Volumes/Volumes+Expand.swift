import Base
import Catalogue
import Domain
import VolumeEngine

extension Volumes {
    /// Grows the volume to what `range` asks for and returns it; large enough already is fine. `outOfRange` where the limit
    /// or the group forbids it.
    public func expand(_ id: VolumeID, to range: CapacityRange) async throws(Failure) -> Volume {
        let held = try await lockVolume(id, for: "expand")
        defer { held.release() }
        let volume = try await usableVolume(id)
        let size = try range.planExpansion(from: volume.sizeBytes)
        if size == volume.sizeBytes { return volume }
        try await checkSize(size, group: volume.group)
        try await settleRollBack(id)
        try await catalogue.beginExpand(id, to: size, at: environment.unixTime())
        do {
            _ = try await engine.resizeVolume(id, to: size)
        } catch  where !error.isPassing {
            try await settleExpand(id)
            throw error
        }
        try await settleExpand(id)
        return try await usableVolume(id)
    }

    /// Under the volume's lock: the size is what the engine says, whether it grew or not.
    func settleExpand(_ id: VolumeID) async throws(Failure) {
        let size = try await engine.volume(id).sizeBytes
        try await catalogue.finishExpand(id, sizeBytes: size)
    }
}
