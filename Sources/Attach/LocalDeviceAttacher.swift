import Base
import BlockDevice
import Glibc
import Logging
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
///
/// Each is told to `keeper`, and goes on in another process if this one dies: see `adopt`.
public final class LocalDeviceAttacher: DeviceAttacher {
    struct Attachment: Sendable {
        var device: any BlockDevice
        var served: any ServedDevice
        var epoch: UInt64
        var readOnly: Bool
    }

    let opener: any VolumeOpener
    let frontEnd: any FrontEnd
    let keeper: any DeviceKeeper
    let logger: Logger
    let locks = KeyedLock()
    let attachments = Mutex<[VolumeID: Attachment]>([:])
    /// Adopted, and not served yet: pods wait.
    let waiting = Mutex<[VolumeID: KeptDevice]>([:])

    public init(
        opener: any VolumeOpener, frontEnd: any FrontEnd, keeper: any DeviceKeeper = NoKeeper(),
        logger: Logger = Logger(label: "attach")
    ) {
        self.opener = opener
        self.frontEnd = frontEnd
        self.keeper = keeper
        self.logger = logger
    }

    public func attach(_ id: VolumeID, epoch: UInt64, readOnly: Bool) async throws(Failure) -> AttachedDevice {
        let lock = try await locks.acquire(id.description, for: "attaching")
        defer { lock.release() }
        try await settle(id, epoch: epoch)
        if let existing = attachments.withLock({ $0[id] }) {
            if existing.epoch == epoch, existing.readOnly == readOnly { return describe(id, existing) }
            try refuseOlder(id, epoch, than: existing.epoch)
            // An older epoch's device is cut off, whoever uses it; another mode of the same epoch only when nobody does.
            try await end(id, existing, force: existing.epoch < epoch)
        }
        let connection = UInt64.random(in: 1 ... .max)
        let device = try await opener.openVolume(id, epoch: epoch, readOnly: readOnly, connection: connection)
        do throws(Failure) {
            let served = try await frontEnd.serve(device, volume: id, readOnly: readOnly)
            let attachment = Attachment(device: device, served: served, epoch: epoch, readOnly: readOnly)
            attachments.withLock { $0[id] = attachment }
            let handle = DeviceHandle(
                volume: id, epoch: epoch, readOnly: readOnly, connection: connection, path: served.path,
                sizeBytes: device.sizeBytes, requestBytesMax: type(of: device).requestBytesMax)
            // Before the answer: what the caller then builds on the device survives this process.
            if !served.descriptors.isEmpty { keeper.keep(handle, served.descriptors) }
            return describe(id, attachment)
        } catch {
            try? await opener.closeVolume(id)
            throw error
        }
    }

    public func detach(_ id: VolumeID) async throws(Failure) {
        let lock = try await locks.acquire(id.description, for: "detaching")
        defer { lock.release() }
        if waiting.withLock({ $0[id] }) != nil { try await resume(id) }
        guard let existing = attachments.withLock({ $0[id] }) else { return }
        try await end(id, existing, force: false)
    }

    public func attachment(_ id: VolumeID) async throws(Failure) -> AttachedDevice? {
        if let found = attachments.withLock({ $0[id] }) { return describe(id, found) }
        guard let handle = waiting.withLock({ $0[id]?.handle }) else { return nil }
        return AttachedDevice(
            volume: id, path: handle.path, sizeBytes: handle.sizeBytes, readOnly: handle.readOnly, epoch: handle.epoch)
    }

    public func refresh(_ id: VolumeID) async throws(Failure) -> AttachedDevice {
        guard let existing = attachments.withLock({ $0[id] }) else {
            if waiting.withLock({ $0[id] }) != nil {
                throw Failure(.unavailable, "volume \(id) is attached, but cannot be opened yet; see the engine's log")
            }
            throw Failure(.notFound, "volume \(id) is not attached here: stage it first")
        }
        try await existing.served.resize()
        return describe(id, existing)
    }

    /// Before the process ends: everything answered is made durable, then the devices go, mounted or not.
    public func shutDown() async {
        for (id, kept) in takeWaiting() { await discard(id, kept) }
        for (id, attachment) in attachments.withLock({ $0 }) {
            try? await opener.closeVolume(id)
            try? await attachment.served.stop(force: true, forget: { keeper.forget(id) })
        }
        attachments.withLock { $0 = [:] }
    }

    func refuseOlder(_ id: VolumeID, _ epoch: UInt64, than newest: UInt64) throws(Failure) {
        guard newest > epoch else { return }
        throw Failure(
            .fenced, "volume \(id) is attached with epoch \(newest), \(epoch) is older: publish it again")
    }

    private func end(_ id: VolumeID, _ attachment: Attachment, force: Bool) async throws(Failure) {
        let forget: @Sendable () -> Void = { [keeper] in keeper.forget(id) }
        do throws(Failure) {
            try await attachment.served.stop(force: force, forget: forget)
        } catch  where error.errorNumber == EIO && !force {
            // Nobody uses the device, but its data plane refuses the last flush: it was fenced, or has failed. There is nothing left
            // to wait for, and the device must not stay for ever.
            try await attachment.served.stop(force: true, forget: forget)
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
