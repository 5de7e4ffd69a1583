import Base
import Catalogue
import Domain
import VolumeEngine

extension Volumes {
    /// Removes the volume and gives its space back. An unknown id is fine; `failedPrecondition` while it is published.
    public func delete(_ id: VolumeID) async throws(Failure) {
        let held = try await lockVolume(id, for: "delete")
        defer { held.release() }
        guard let volume = try await catalogue.volume(id) else { return }
        if volume.phase != .deleting { try await catalogue.beginDelete(id, at: environment.unixTime()) }
        try await finishDelete(id)
    }

    /// Under the volume's lock, its phase being `deleting`.
    func finishDelete(_ id: VolumeID) async throws(Failure) {
        try await engine.deleteVolume(id)
        try await catalogue.finishDelete(id)
    }
}
