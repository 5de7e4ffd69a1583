import Attach
import Base
import CSIMessages
import Filesystems
import VolumeEngine

/// What is wrong with a volume or with the storage, as this node sees it. A reason is one word of a fixed few.
extension NodeService {
    private typealias Problem = CSI.VolumeHealth.VolumeHealthEntry
    private typealias Backend = CSI.NodeGetStorageHealthResponse.StorageBackendHealth

    func getVolumeHealth(
        _ request: CSI.NodeGetVolumeHealthRequest
    ) async throws(Failure) -> CSI.NodeGetVolumeHealthResponse {
        let idText = try Fields.text(request.volumeID, "volume_id")
        let path = try Fields.knownPath(request.volumePublishPath, "volume_publish_path")
        let place = try await place(idText, at: path, "volume_publish_path")
        var problems: [Problem] = []
        let device = try await attacher.attachment(place.volume)
        if device?.path != place.device {
            problems.append(
                .init(
                    status: .inaccessible, reason: "DeviceGone",
                    message:
                        "the device \(place.device) at \(path) is not served any more; stage and publish the volume again"
                ))
        }
        if place.hasStopped {
            problems.append(
                .init(
                    status: .inaccessible, reason: "FilesystemReadOnly",
                    message:
                        "the filesystem at \(path) met errors and takes no more writes; unpublish the volume and check it"
                ))
        }
        let volume = try await engine.volume(place.volume)
        switch volume.health {
        case .ready: break
        case .degraded:
            problems.append(.init(status: .degraded, reason: "RedundancyReduced", message: volume.healthReason))
        case .failed: problems.append(.init(status: .dataLoss, reason: "BlocksLost", message: volume.healthReason))
        }
        return CSI.NodeGetVolumeHealthResponse(
            volumeHealth: CSI.VolumeHealth(volumeID: idText, healthStatuses: problems))
    }

    /// Nothing: healthy. Here every volume is on one pool, so nothing is told by kind of volume.
    func getStorageHealth(
        _ request: CSI.NodeGetStorageHealthRequest
    ) async -> CSI.NodeGetStorageHealthResponse {
        do throws(Failure) {
            let states = Dictionary(grouping: try await engine.poolStatus().mountpaths, by: \.state)
            return CSI.NodeGetStorageHealthResponse(
                backendHealth: [
                    backend(states[.out], "MountpathsOut", "were taken out after errors"),
                    backend(states[.missing], "MountpathsMissing", "are not there"),
                    backend(states[.stale], "MountpathsStale", "came back with old data, which is not used"),
                ].compactMap { $0 })
        } catch {
            return CSI.NodeGetStorageHealthResponse(backendHealth: [
                .init(status: .storageUnreachable, reason: "EngineUnreachable", message: "\(error)")
            ])
        }
    }

    private func backend(_ mountpaths: [MountpathStatus]?, _ reason: String, _ what: String) -> Backend? {
        guard let mountpaths else { return nil }
        let paths = mountpaths.map(\.path).sorted().joined(separator: ", ")
        return Backend(status: .storageDegraded, reason: reason, message: "mountpaths \(paths) \(what)")
    }
}
