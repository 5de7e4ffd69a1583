import Attach
import Base
import CSIMessages
import Domain
import Filesystems
import Glibc
import SystemIO

/// For a sync of a device that a tool has written.
let openReadWrite = O_RDWR | O_CLOEXEC

extension NodeService {
    private struct PublishRequest {
        var id: VolumeID
        var staging: String
        var target: String
        var capability: AccessCapability
        var readOnly: Bool
        /// Nil where the orchestrator gives no context; then the staged device's own epoch stands.
        var epoch: UInt64?

        init(_ request: CSI.NodePublishVolumeRequest) throws(Failure) {
            let idText = try Fields.text(request.volumeID, "volume_id")
            target = try Fields.path(request.targetPath, "target_path")
            capability = try Fields.capability(request.volumeCapability)
            id = try Fields.volumeID(idText)
            guard !request.stagingTargetPath.isEmpty else {
                throw Failure(
                    .failedPrecondition,
                    "staging_target_path is missing; the volume must be staged before it is published")
            }
            staging = try Fields.path(request.stagingTargetPath, "staging_target_path")
            let publish = request.publishContext.isEmpty ? nil : try PublishContext(decoding: request.publishContext)
            readOnly = request.readonly || capability.isReadOnly || publish?.readOnly == true
            epoch = publish?.epoch
        }
    }

    func publishVolume(_ request: CSI.NodePublishVolumeRequest) async throws(Failure) -> CSI.NodePublishVolumeResponse {
        if EphemeralAttributes.isMeant(request.volumeContext) { return try await publishEphemeral(request) }
        var wanted = try PublishRequest(request)
        wanted.staging = try await resolved(wanted.staging)
        wanted.target = try await resolved(wanted.target)
        let held = try await lock(wanted.id, for: "NodePublishVolume at \(wanted.target)")
        defer { held.release() }
        let device = try await stagedDevice(wanted.id)
        if let epoch = wanted.epoch, epoch != device.epoch {
            throw Failure(
                .failedPrecondition,
                "volume \(wanted.id) is staged with epoch \(device.epoch), not \(epoch); unstage and stage it again")
        }
        let view = try await view()
        let source = try source(wanted, device, view)
        if try await isPublished(wanted, device, view, readOnly: source.readOnly) {
            return CSI.NodePublishVolumeResponse()
        }
        try refuseOtherAccess(wanted.id, isBlock: wanted.capability.isBlock, device, view, .failedPrecondition)
        try refuseSecondWriter(wanted, device, view)
        try await bind(source.path, wanted, readOnly: source.readOnly)
        return CSI.NodePublishVolumeResponse()
    }

    /// What is to be bound: the staged filesystem, verified to be this volume's on the device that is served now; or the device.
    private func source(
        _ wanted: PublishRequest, _ device: AttachedDevice, _ view: KernelView
    ) throws(Failure) -> (path: String, readOnly: Bool) {
        if wanted.capability.isBlock {
            // A read-only mount of a device node does not keep anyone from writing the device.
            guard !wanted.readOnly || device.readOnly else {
                throw Failure(
                    .failedPrecondition,
                    "volume \(wanted.id) is attached writable; a raw device is read-only for the whole node: ask for it in ControllerPublishVolume"
                )
            }
            return (device.path, device.readOnly)
        }
        guard let staged = view.place(at: wanted.staging), staged.volume == wanted.id, staged.device == device.path,
            case .filesystem(let name) = staged.kind, !staged.isSettling
        else {
            throw Failure(
                .failedPrecondition, "volume \(wanted.id) is not mounted at \(wanted.staging); stage it again")
        }
        let kind = try FilesystemKind(named: name, by: "mount")
        if let other = wanted.capability.filesystem, other != kind {
            throw Failure(
                .failedPrecondition, "volume \(wanted.id) is staged as \(name), and fs_type asks for \(other.rawValue)")
        }
        try kind.check(mountOptions: wanted.capability.flags)
        return (wanted.staging, wanted.readOnly || staged.readOnly)
    }

    /// True where the target is as it should be. What a dead device left there is taken away.
    private func isPublished(
        _ wanted: PublishRequest, _ device: AttachedDevice, _ view: KernelView, readOnly: Bool
    ) async throws(Failure) -> Bool {
        guard let place = view.place(at: wanted.target) else {
            guard !view.isMountPoint(wanted.target) else {
                throw Failure(.conflict, "something that is no volume is mounted at \(wanted.target)")
            }
            return false
        }
        guard place.volume == wanted.id else {
            throw Failure(.conflict, "volume \(place.volume) is published at \(wanted.target)")
        }
        guard place.device == device.path else {
            try await unmount(wanted.target, lazy: true)
            return false
        }
        guard (place.kind == .block) == wanted.capability.isBlock, place.readOnly == readOnly else {
            throw Failure(
                .conflict,
                "volume \(wanted.id) is published at \(wanted.target) \(place.readOnly ? "read-only" : "read-write") as a "
                    + "\(place.kind == .block ? "raw device" : "filesystem"); unpublish it first")
        }
        return true
    }

    private func refuseSecondWriter(
        _ wanted: PublishRequest, _ device: AttachedDevice, _ view: KernelView
    ) throws(Failure) {
        guard !wanted.capability.mode.allowsSeveralTargets else { return }
        let other = view.places(of: wanted.id).first {
            $0.device == device.path && $0.path != wanted.staging && $0.path != wanted.target
        }
        guard let other else { return }
        throw Failure(
            .failedPrecondition,
            "volume \(wanted.id) is published at \(other.path) and \(wanted.capability.mode.rawValue) allows one target"
        )
    }

    private func bind(_ source: String, _ wanted: PublishRequest, readOnly: Bool) async throws(Failure) {
        let (id, target, isBlock) = (wanted.id, wanted.target, wanted.capability.isBlock)
        try await threads.run { () throws(Failure) in
            let from = isBlock ? try VolumeNode.make(id, for: source) : source
            if isBlock { try TargetPath.makeFile(target) } else { try TargetPath.makeEmptyDirectory(target) }
            do throws(Failure) {
                try Mounts.bind(from, at: target, readOnly: readOnly)
            } catch {
                try TargetPath.remove(target)
                throw error
            }
        }
    }

    func unpublishVolume(
        _ request: CSI.NodeUnpublishVolumeRequest
    ) async throws(Failure) -> CSI.NodeUnpublishVolumeResponse {
        let known = try Fields.volumeIDIfKnown(request.volumeID)
        let target = try await resolved(try Fields.path(request.targetPath, "target_path"))
        guard let id = known else {
            try await unpublishEphemeral(request.volumeID, at: target)
            return CSI.NodeUnpublishVolumeResponse()
        }
        let held = try await lock(id, for: "NodeUnpublishVolume at \(target)")
        defer { held.release() }
        let view = try await view()
        if let place = view.place(at: target) {
            guard place.volume == id else {
                throw Failure(.failedPrecondition, "volume \(place.volume) is mounted at \(target), not \(id)")
            }
            let live = try await attacher.attachment(id)
            try await unmount(target, lazy: place.device != live?.path || place.kind == .block)
        } else if view.isMountPoint(target) {
            throw Failure(.failedPrecondition, "something that is no volume is mounted at \(target); unmount it first")
        }
        try await threads.run { () throws(Failure) in try TargetPath.remove(target) }
        return CSI.NodeUnpublishVolumeResponse()
    }
}
