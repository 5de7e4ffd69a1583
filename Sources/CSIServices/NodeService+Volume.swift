import Attach
import Base
import CSIMessages
import Domain
import Filesystems
import SystemIO

extension NodeService {
    /// The volume's place at a path that the orchestrator names. An ephemeral volume is known by the orchestrator's own id for it.
    func place(_ idText: String, at path: String, _ field: String) async throws(Failure) -> Place {
        let id: VolumeID
        if let known = VolumeID(idText) {
            id = known
        } else {
            guard let made = try await ephemeral.volume(idText) else {
                throw Failure(.notFound, "there is no volume '\(idText)'")
            }
            id = made
        }
        let path = try await resolved(path)
        guard let place = try await view().place(at: path), place.volume == id else {
            throw Failure(.notFound, "volume \(id) is not at \(field) \(path)")
        }
        return place
    }

    /// As `place`, on the device that is served now.
    private func livePlace(
        _ idText: String, at path: String, _ field: String
    ) async throws(Failure) -> (place: Place, device: AttachedDevice) {
        let place = try await place(idText, at: path, field)
        guard let device = try await attacher.attachment(place.volume), device.path == place.device else {
            throw Failure(
                .unavailable, "the device of volume \(place.volume) at \(path) is gone; stage and publish it again")
        }
        return (place, device)
    }

    func getVolumeStats(
        _ request: CSI.NodeGetVolumeStatsRequest
    ) async throws(Failure) -> CSI.NodeGetVolumeStatsResponse {
        let idText = try Fields.text(request.volumeID, "volume_id")
        let path = try Fields.knownPath(request.volumePath, "volume_path")
        let (place, device) = try await livePlace(idText, at: path, "volume_path")
        if place.kind == .block {
            let total = Int64(clamping: device.sizeBytes)
            return CSI.NodeGetVolumeStatsResponse(usage: [.init(total: total, unit: .bytes)])
        }
        let numbers = try await threads.run { () throws(Failure) in try FilesystemStatistics(path: place.path) }
        return CSI.NodeGetVolumeStatsResponse(usage: [
            .init(
                available: Int64(clamping: numbers.availableBytes), total: Int64(clamping: numbers.totalBytes),
                used: Int64(clamping: numbers.usedBytes), unit: .bytes),
            .init(
                available: Int64(clamping: numbers.availableInodes), total: Int64(clamping: numbers.totalInodes),
                used: Int64(clamping: numbers.usedInodes), unit: .inodes),
        ])
    }

    /// Online: gives the device the volume's size, and its filesystem the device's. Large enough already is fine.
    func expandVolume(
        _ request: CSI.NodeExpandVolumeRequest
    ) async throws(Failure) -> CSI.NodeExpandVolumeResponse {
        let idText = try Fields.text(request.volumeID, "volume_id")
        let path = try Fields.knownPath(request.volumePath, "volume_path")
        let range = try Fields.range(request.capacityRange)
        let capability = request.volumeCapability == nil ? nil : try Fields.capability(request.volumeCapability)
        let id = try Fields.volumeID(idText)
        let held = try await lock(id, for: "NodeExpandVolume")
        defer { held.release() }
        let place = try await livePlace(idText, at: path, "volume_path").place
        if let capability { try place.check(capability) }
        let device = try await attacher.refresh(id)
        guard device.sizeBytes >= range.requiredBytes else {
            throw Failure(
                .failedPrecondition,
                "volume \(id) has \(device.sizeBytes) bytes, \(range.requiredBytes) are required; expand it with the controller first"
            )
        }
        guard range.limitBytes == 0 || device.sizeBytes <= range.limitBytes else {
            throw Failure(
                .outOfRange, "volume \(id) has \(device.sizeBytes) bytes, more than limit_bytes \(range.limitBytes)")
        }
        if case .filesystem(let name) = place.kind {
            try await grow(id, try FilesystemKind(named: name, by: "mount"), device)
        }
        return CSI.NodeExpandVolumeResponse(capacityBytes: Int64(clamping: device.sizeBytes))
    }

    /// Through any writable mount of the device: the path that was named may be a read-only one.
    private func grow(_ id: VolumeID, _ kind: FilesystemKind, _ device: AttachedDevice) async throws(Failure) {
        let places = try await view().places(of: id)
        let writable = places.first { $0.device == device.path && $0.kind != .block && !$0.readOnly }
        try await threads.run { () throws(Failure) in
            guard try kind.type.isSmallerThanDevice(device.path) else { return }
            guard let writable else {
                throw Failure(
                    .failedPrecondition,
                    "volume \(id) is mounted read-only; its filesystem grows when it is staged writable")
            }
            try kind.growMounted(device.path, at: writable.path)
        }
    }
}

extension Place {
    /// `invalid` where the volume is not used so here.
    fileprivate func check(_ capability: AccessCapability) throws(Failure) {
        guard case .filesystem(let name) = kind else {
            guard capability.isBlock else { throw Failure(.invalid, "volume \(volume) is a raw device at \(path)") }
            return
        }
        let kind = try FilesystemKind(named: name, by: "mount")
        guard !capability.isBlock, (capability.filesystem ?? kind) == kind else {
            throw Failure(.invalid, "volume \(volume) is mounted as \(name) at \(path)")
        }
        try kind.check(mountOptions: capability.flags)
    }
}
