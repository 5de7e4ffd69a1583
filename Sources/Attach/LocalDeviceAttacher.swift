import Base
import BlockDevice
import Glibc
import Synchronization

/// What an attacher needs of the engine beside it.
public protocol VolumeOpener: Sendable {
    /// The volume's data plane. `fenced` where `epoch` is not the volume's newest. `connection` names the front end's connection, whose
    /// requests' `unique` counts; it is the same when a new process takes the connection over.
    func openVolume(
        _ id: VolumeID, epoch: UInt64, readOnly: Bool, connection: UInt64
    ) async throws(Failure) -> any BlockDevice
    /// Makes durable what was answered and ends the data plane. Not open is fine.
    func closeVolume(_ id: VolumeID) async throws(Failure)
}

/// Devices served by this process: the engine's volumes through one front end.
public final class LocalDeviceAttacher: DeviceAttacher {
    private struct Attachment: Sendable {
        var device: any BlockDevice
        var served: any ServedDevice
        var epoch: UInt64
        var readOnly: Bool
    }

    private let opener: any VolumeOpener
    private let frontEnd: any FrontEnd
    private let locks = KeyedLock()
    private let attachments = Mutex<[VolumeID: Attachment]>([:])

    public init(opener: any VolumeOpener, frontEnd: any FrontEnd) {
        self.opener = opener
        self.frontEnd = frontEnd
    }

    public func attach(_ id: VolumeID, epoch: UInt64, readOnly: Bool) async throws(Failure) -> AttachedDevice {
        let lock = try await locks.acquire(id.description, for: "attaching")
        defer { lock.release() }
        if let existing = attachments.withLock({ $0[id] }) {
            if existing.epoch == epoch, existing.readOnly == readOnly { return describe(id, existing) }
            if existing.epoch > epoch {
                throw Failure(
                    .fenced,
                    "volume \(id) is attached with epoch \(existing.epoch), \(epoch) is older: publish it again")
            }
            // An older epoch's device is cut off, whoever uses it; another mode of the same epoch only when nobody does.
            try await end(id, existing, force: existing.epoch < epoch)
        }
        let device = try await opener.openVolume(
            id, epoch: epoch, readOnly: readOnly, connection: .random(in: 1 ... .max))
        do throws(Failure) {
            let served = try await frontEnd.serve(device, volume: id, readOnly: readOnly)
            let attachment = Attachment(device: device, served: served, epoch: epoch, readOnly: readOnly)
            attachments.withLock { $0[id] = attachment }
            return describe(id, attachment)
        } catch {
            try? await opener.closeVolume(id)
            throw error
        }
    }

    public func detach(_ id: VolumeID) async throws(Failure) {
        let lock = try await locks.acquire(id.description, for: "detaching")
        defer { lock.release() }
        guard let existing = attachments.withLock({ $0[id] }) else { return }
        try await end(id, existing, force: false)
    }

    public func attachment(_ id: VolumeID) async throws(Failure) -> AttachedDevice? {
        attachments.withLock { $0[id] }.map { describe(id, $0) }
    }

    public func refresh(_ id: VolumeID) async throws(Failure) -> AttachedDevice {
        guard let existing = attachments.withLock({ $0[id] }) else {
            throw Failure(.notFound, "volume \(id) is not attached here: stage it first")
        }
        try await existing.served.resize()
        return describe(id, existing)
    }

    /// Before the process ends: everything answered is made durable, then the devices go, mounted or not.
    public func shutDown() async {
        for (id, attachment) in attachments.withLock({ $0 }) {
            try? await opener.closeVolume(id)
            try? await attachment.served.stop(force: true)
        }
        attachments.withLock { $0 = [:] }
    }

    private func end(_ id: VolumeID, _ attachment: Attachment, force: Bool) async throws(Failure) {
        do throws(Failure) {
            try await attachment.served.stop(force: force)
        } catch  where error.errorNumber == EIO && !force {
            // Nobody uses the device, but its data plane refuses the last flush: it was fenced, or has failed. There is nothing left
            // to wait for, and the device must not stay for ever.
            try await attachment.served.stop(force: true)
        }
        attachments.withLock { $0[id] = nil }
        try await opener.closeVolume(id)
    }

    private func describe(_ id: VolumeID, _ attachment: Attachment) -> AttachedDevice {
        AttachedDevice(
            volume: id, path: attachment.served.path, sizeBytes: attachment.device.sizeBytes,
            readOnly: attachment.readOnly,
            epoch: attachment.epoch)
    }
}
