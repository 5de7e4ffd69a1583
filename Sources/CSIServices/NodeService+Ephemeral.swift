import Base
import CSIMessages
import Domain

/// Ephemeral inline volumes: publishing makes the volume and mounts it at the target itself, unpublishing deletes it. Nothing is staged elsewhere.
extension NodeService {
    func publishEphemeral(
        _ request: CSI.NodePublishVolumeRequest
    ) async throws(Failure) -> CSI.NodePublishVolumeResponse {
        let handle = try Fields.text(request.volumeID, "volume_id")
        let target = try await resolved(try Fields.path(request.targetPath, "target_path"))
        let capability = try Fields.capability(request.volumeCapability)
        guard request.stagingTargetPath.isEmpty else {
            throw Failure(.invalid, "an ephemeral volume has no staging_target_path")
        }
        guard !capability.isBlock, !request.readonly, !capability.isReadOnly else {
            throw Failure(.invalid, "an ephemeral volume is a filesystem that is written: it begins empty")
        }
        guard VolumeID(handle) == nil else {
            throw Failure(.invalid, "volume_id '\(handle)' cannot be told from a persistent volume's")
        }
        let held = try await lockHandle(handle, for: "NodePublishVolume at \(target)")
        defer { held.release() }
        var attributes = request.volumeContext
        if let kind = capability.filesystem {
            let key = Parameters.Key.filesystem.rawValue
            guard attributes[key] == nil || attributes[key] == kind.rawValue else {
                throw Failure(.invalid, "fs_type asks for \(kind.rawValue) and the attributes for another filesystem")
            }
            attributes[key] = kind.rawValue
        }
        // Before a volume is made: what is in its way would keep it from being taken away, too.
        let view = try await view()
        if let place = view.place(at: target) {
            guard try await ephemeral.volume(handle) == place.volume else {
                throw Failure(.failedPrecondition, "volume \(place.volume) is mounted at \(target); unpublish it first")
            }
        } else if view.isMountPoint(target) {
            throw Failure(
                .failedPrecondition, "something that is no volume is mounted at \(target); unmount it first")
        } else {
            try await threads.run { () throws(Failure) in try TargetPath.requireEmptyDirectory(target) }
        }
        let made = try await ephemeral.make(handle, attributes, on: settings.nodeID)
        let before = view.places(of: made.id)
        if let other = before.first(where: { $0.path != target }) {
            throw Failure(.failedPrecondition, "ephemeral volume '\(handle)' is published at \(other.path)")
        }
        do throws(Failure) {
            _ = try await stageVolume(
                CSI.NodeStageVolumeRequest(
                    volumeID: made.id.description, publishContext: made.publishContext, stagingTargetPath: target,
                    volumeCapability: request.volumeCapability, volumeContext: made.volumeContext))
        } catch {
            // Nobody may ask again after what is final, or take away what was never there. One that is mounted is in use.
            if !error.isPassing, before.isEmpty {
                do throws(Failure) { try await takeAway(handle, made.id, from: target) } catch {
                    logger.warning(
                        "an ephemeral volume that cannot be published is left for NodeUnpublishVolume",
                        metadata: ["volume": "\(made.id)", "error": "\(error)"])
                }
            }
            throw error
        }
        return CSI.NodePublishVolumeResponse()
    }

    /// `handle` is no id of ours: an ephemeral volume's, or unknown, which is fine.
    func unpublishEphemeral(_ handle: String, at target: String) async throws(Failure) {
        let held = try await lockHandle(handle, for: "NodeUnpublishVolume at \(target)")
        defer { held.release() }
        guard let id = try await ephemeral.volume(handle) else { return }
        try await takeAway(handle, id, from: target)
    }

    private func takeAway(_ handle: String, _ id: VolumeID, from target: String) async throws(Failure) {
        _ = try await unstageVolume(
            CSI.NodeUnstageVolumeRequest(volumeID: id.description, stagingTargetPath: target))
        // Before the directory: files of the host in it must not keep the volume.
        try await ephemeral.remove(handle)
        try await threads.run { () throws(Failure) in try TargetPath.remove(target) }
    }
}
