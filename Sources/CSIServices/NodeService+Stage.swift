import Attach
import Base
import CSIMessages
import Domain
import Filesystems
import Glibc
import SystemIO
import VolumeEngine

extension NodeService {
    private struct StageRequest {
        var id: VolumeID
        var path: String
        var capability: AccessCapability
        var publish: PublishContext
        var context: VolumeContext

        var readOnly: Bool {
            publish.readOnly || capability.mode.isReadOnly
                || !capability.isBlock && (context.mountOptions + capability.flags).asksReadOnly
        }
        /// Other nodes may read it at the same time: nobody writes, not even to replay a journal.
        var isShared: Bool { capability.mode.allowsSeveralNodes }

        init(_ request: CSI.NodeStageVolumeRequest) throws(Failure) {
            let idText = try Fields.text(request.volumeID, "volume_id")
            path = try Fields.path(request.stagingTargetPath, "staging_target_path")
            capability = try Fields.capability(request.volumeCapability)
            context = try VolumeContext(decoding: request.volumeContext)
            id = try Fields.volumeID(idText)
            publish = try PublishContext(decoding: request.publishContext)
            if let one = capability.filesystem, let other = context.filesystem, one != other {
                throw Failure(.invalid, "the volume carries \(other.rawValue), not \(one.rawValue)")
            }
        }
    }

    func stageVolume(_ request: CSI.NodeStageVolumeRequest) async throws(Failure) -> CSI.NodeStageVolumeResponse {
        var wanted = try StageRequest(request)
        wanted.path = try await resolved(wanted.path)
        let held = try await lock(wanted.id, for: "NodeStageVolume")
        defer { held.release() }
        let volume = try await engine.volume(wanted.id)
        // Before anything is cleared: what a newer epoch has is not dead.
        guard wanted.publish.epoch >= volume.attachEpoch else {
            throw Failure(
                .fenced,
                "volume \(wanted.id) has attach epoch \(volume.attachEpoch), not \(wanted.publish.epoch): publish it to this node again"
            )
        }
        try await clearDeadDevices(wanted.id, epoch: wanted.publish.epoch)
        // One of an older epoch is about to be cut off.
        if let device = try await attacher.attachment(wanted.id), device.epoch == wanted.publish.epoch {
            try refuseOtherAccess(
                wanted.id, isBlock: wanted.capability.isBlock, device, try await view(), .conflict)
        }
        if wanted.capability.isBlock {
            try await stageDevice(wanted, volume)
        } else {
            try await stageFilesystem(wanted, volume)
        }
        return CSI.NodeStageVolumeResponse()
    }

    /// Whoever writes the raw device destroys the filesystem that is mounted from it: a device is used in one way at a time.
    func refuseOtherAccess(
        _ id: VolumeID, isBlock: Bool, _ device: AttachedDevice, _ view: KernelView, _ kind: FailureKind
    ) throws(Failure) {
        let other = view.places(of: id).first { $0.device == device.path && ($0.kind == .block) != isBlock }
        guard let other else { return }
        throw Failure(
            kind,
            "volume \(id) is used as a \(isBlock ? "filesystem" : "raw device") at \(other.path), and not as both at a time; take it away there first"
        )
    }

    /// A pod may write anything onto a raw device: from here on no filesystem is made on it.
    private func stageDevice(_ wanted: StageRequest, _ volume: EngineVolume) async throws(Failure) {
        if !wanted.readOnly, volume.formatted.canBecome(.unknown) {
            try await engine.markFormatted(wanted.id, .unknown)
        }
        _ = try await attacher.attach(wanted.id, epoch: wanted.publish.epoch, readOnly: wanted.readOnly)
    }

    /// The device is attached writable even for a read-only mount, so that a journal can be replayed; but for one that nodes share.
    private func stageFilesystem(_ wanted: StageRequest, _ volume: EngineVolume) async throws(Failure) {
        if wanted.isShared { try await endWritableMoment(wanted) }
        let device = try await attacher.attach(wanted.id, epoch: wanted.publish.epoch, readOnly: wanted.isShared)
        let kind = try filesystem(wanted, volume)
        let view = try await view()
        if let place = view.place(at: wanted.path) {
            guard place.volume == wanted.id else {
                throw Failure(
                    .failedPrecondition, "volume \(place.volume) is mounted at \(wanted.path); unstage it first")
            }
            if place.device == device.path, !place.isSettling {
                guard place.kind == .filesystem(kind.rawValue), place.readOnly == wanted.readOnly else {
                    throw Failure(
                        .conflict, "volume \(wanted.id) is staged at \(wanted.path) otherwise; unstage it first")
                }
                return try await growIfSmaller(kind, device, at: wanted.path, readOnly: wanted.readOnly)
            }
            try await unmount(wanted.path, lazy: place.device != device.path)
        } else if view.isMountPoint(wanted.path) {
            throw Failure(
                .failedPrecondition, "something that is no volume is mounted at \(wanted.path); unmount it first")
        }
        try await mount(wanted, kind, volume, device)
    }

    private func filesystem(_ wanted: StageRequest, _ volume: EngineVolume) throws(Failure) -> FilesystemKind {
        if let kind = wanted.capability.filesystem ?? wanted.context.filesystem { return kind }
        switch volume.formatted {
        case .filesystem(let name), .making(let name): return try FilesystemKind(named: name, by: "the volume")
        case .never, .unknown: return .ext4
        }
    }

    private func mount(
        _ wanted: StageRequest, _ kind: FilesystemKind, _ volume: EngineVolume, _ device: AttachedDevice
    ) async throws(Failure) {
        try kind.check(mountOptions: wanted.capability.flags)
        if wanted.isShared { return try await mountShared(wanted, kind, volume, device) }
        let isNew = try await makeFilesystemIfNew(
            kind, volume, device, mkfsOptions: wanted.context.mkfsOptions)
        // Mounted elsewhere still: it is in use, and no tool may touch the device.
        let isInUse = try await view().places(of: wanted.id).contains { $0.device == device.path }
        let (path, readOnly, mountOptions, devicePath) = (
            wanted.path, wanted.readOnly, options(wanted, kind), device.path
        )
        let mayGrow = readOnly && !isNew && !isInUse
        if mayGrow,
            try await threads.run({ () throws(Failure) in try kind.type.isSmallerThanDevice(devicePath) })
        {
            try await settle(kind, device, at: path, options(wanted, kind))
        }
        try await threads.run { () throws(Failure) in
            try TargetPath.makeDirectory(path)
            if !isNew && !isInUse {
                try kind.type.repairBeforeMount(devicePath)
                if !readOnly { try kind.growBeforeMount(devicePath) }
            }
            try Mounts.mount(device: devicePath, at: path, type: kind.type, options: mountOptions, readOnly: readOnly)
        }
        try await growIfSmaller(kind, device, at: path, readOnly: readOnly)
    }

    private func options(_ wanted: StageRequest, _ kind: FilesystemKind) -> [String] {
        var options = kind.type.defaultMountOptions
        for option in wanted.context.mountOptions + wanted.capability.flags
        where !options.contains(option) && ![String].accessOptions.contains(option) {
            options.append(option)
        }
        return options
    }

    /// Read-only, on a device that is read-only. One that was cut off in the middle of writing (a clone of a snapshot of a volume in use is) has
    /// a journal to replay first: the device is writable for that moment, while it is mounted nowhere.
    private func mountShared(
        _ wanted: StageRequest, _ kind: FilesystemKind, _ volume: EngineVolume, _ device: AttachedDevice
    ) async throws(Failure) {
        guard volume.formatted == .filesystem(kind.rawValue) || volume.formatted == .unknown else {
            throw Failure(
                .failedPrecondition,
                "volume \(volume.id) carries no \(kind.rawValue) yet; use it once in a mode that writes, or restore a snapshot into it"
            )
        }
        let (path, options) = (wanted.path, options(wanted, kind))
        func mountIt(_ device: AttachedDevice) async throws(Failure) {
            try await threads.run { () throws(Failure) in
                try TargetPath.makeDirectory(path)
                try Mounts.mount(device: device.path, at: path, type: kind.type, options: options, readOnly: true)
            }
        }
        let devicePath = device.path
        let isSmaller = try await threads.run { () throws(Failure) in try kind.type.isSmallerThanDevice(devicePath) }
        do throws(Failure) {
            if !isSmaller { return try await mountIt(device) }
        } catch {
            guard error.errorNumber == EROFS else { throw error }
        }
        guard try await view().places(of: wanted.id).isEmpty else {
            throw Failure(
                .unavailable, "volume \(wanted.id) was not unmounted cleanly, or is to grow, and is in use; try again")
        }
        logger.notice("written for a moment before a shared mount", metadata: ["volume": "\(wanted.id)"])
        try await attacher.detach(wanted.id)
        let writable = try await attacher.attach(wanted.id, epoch: wanted.publish.epoch, readOnly: false)
        try await settle(kind, writable, at: path, options)
        try await attacher.detach(wanted.id)
        try await mountIt(try await attacher.attach(wanted.id, epoch: wanted.publish.epoch, readOnly: true))
    }

    /// Replays the journal and gives the filesystem its device's size, mounted for that moment. The mount is marked, so that one which was
    /// cut off is told from a volume that is staged writable.
    private func settle(
        _ kind: FilesystemKind, _ device: AttachedDevice, at path: String, _ options: [String]
    ) async throws(Failure) {
        try await threads.run { () throws(Failure) in
            try TargetPath.makeDirectory(path)
            try kind.type.repairBeforeMount(device.path)
            try kind.growBeforeMount(device.path)
            try Mounts.mount(
                device: device.path, at: path, type: kind.type, options: options + [Place.settlingOption],
                readOnly: false)
            if try kind.type.isSmallerThanDevice(device.path) { try kind.growMounted(device.path, at: path) }
        }
        try await unmount(path, lazy: false)
    }

    /// One that was cut off: the device is writable still, and may be mounted where it is to be staged.
    private func endWritableMoment(_ wanted: StageRequest) async throws(Failure) {
        guard let device = try await attacher.attachment(wanted.id), !device.readOnly else { return }
        let places = try await view().places(of: wanted.id)
        guard places.allSatisfy({ $0.path == wanted.path }) else { return }
        if !places.isEmpty { try await unmount(wanted.path, lazy: false) }
        try await attacher.detach(wanted.id)
    }

    /// After an expansion while it was not staged, or a restore into a larger volume (field.md, row 12).
    private func growIfSmaller(
        _ kind: FilesystemKind, _ device: AttachedDevice, at path: String, readOnly: Bool
    ) async throws(Failure) {
        if readOnly { return }
        let fresh = try await attacher.refresh(device.volume)
        try await threads.run { () throws(Failure) in
            if try kind.type.isSmallerThanDevice(fresh.path) {
                try kind.growMounted(fresh.path, at: path)
            }
        }
    }

    func unstageVolume(
        _ request: CSI.NodeUnstageVolumeRequest
    ) async throws(Failure) -> CSI.NodeUnstageVolumeResponse {
        let known = try Fields.volumeIDIfKnown(request.volumeID)
        let path = try await resolved(try Fields.path(request.stagingTargetPath, "staging_target_path"))
        guard let id = known else { return CSI.NodeUnstageVolumeResponse() }
        let held = try await lock(id, for: "NodeUnstageVolume")
        defer { held.release() }
        let live = try await attacher.attachment(id)
        let view = try await view()
        let published = view.places(of: id).filter { $0.path != path && $0.device == live?.path }
        guard published.isEmpty else {
            throw Failure(
                .failedPrecondition,
                "volume \(id) is still published at \(published.map(\.path).joined(separator: ", ")); unpublish it first"
            )
        }
        if let place = view.place(at: path) {
            guard place.volume == id else {
                throw Failure(.failedPrecondition, "volume \(place.volume) is mounted at \(path), not \(id)")
            }
            try await unmount(path, lazy: place.device != live?.path)
        } else if view.places(of: id).contains(where: { $0.path == path }) {
            throw Failure(
                .failedPrecondition,
                "something that is no volume is mounted over volume \(id) at \(path); unmount it first")
        }
        try await attacher.detach(id)
        try await threads.run { () throws(Failure) in try VolumeNode.remove(id) }
        try await clearDeadDevices(id)
        return CSI.NodeUnstageVolumeResponse()
    }
}
