import Base
import BlockDevice
import Logging

/// Devices that outlive the process that served them.
///
/// An adopted device is served as soon as its volume can be opened with the epoch that it had; until then its users wait. It is given up only
/// where it must be: the volume has a newer epoch, is gone, or the loop device is.
extension LocalDeviceAttacher {
    private static let pauseMillisecondsMax = 10_000

    /// Takes over the devices of a process that is gone: all at once. Returns when each was tried; those that cannot be served yet are
    /// tried again in the background, less and less often. Once, before any other call.
    public func adopt(_ devices: [KeptDevice]) async {
        waiting.withLock { waiting in for kept in devices { waiting[kept.handle.volume] = kept } }
        await withTaskGroup(of: Void.self) { group in
            for kept in devices {
                group.addTask { [self] in
                    guard await !tryResuming(kept.handle.volume, pauseMilliseconds: 100) else { return }
                    Task { await keepTrying(kept.handle.volume) }
                }
            }
        }
    }

    /// Adopted devices that are not served yet.
    public var waitingCount: Int { waiting.withLock { $0.count } }

    /// For a successor: takes no more requests, makes everything answered durable and closes the volumes. The devices stay.
    public func release() async {
        // One that is just being resumed answers requests already: it ends with the others.
        for id in takeWaiting().keys {
            do throws(Failure) { try await locks.acquire(id.description, for: "releasing").release() } catch {
                logger.warning("release does not wait", metadata: ["volume": "\(id)", "reason": "\(error)"])
            }
        }
        let all = attachments.withLock { attachments in
            defer { attachments = [:] }
            return attachments
        }
        await withTaskGroup(of: Void.self) { group in
            for (id, attachment) in all {
                group.addTask { [self] in
                    await attachment.served.suspend()
                    do throws(Failure) { try await opener.closeVolume(id) } catch {
                        logger.error("volume not closed cleanly", metadata: ["volume": "\(id)", "reason": "\(error)"])
                    }
                }
            }
        }
    }

    /// Under the volume's lock: an adopted device that waits is served now, or gives way to `epoch`.
    func settle(_ id: VolumeID, epoch: UInt64) async throws(Failure) {
        guard let kept = waiting.withLock({ $0[id] }) else { return }
        try refuseOlder(id, epoch, than: kept.handle.epoch)
        if kept.handle.epoch == epoch { return try await resume(id) }
        waiting.withLock { $0[id] = nil }
        await discard(id, kept)
    }

    /// Under the volume's lock.
    func resume(_ id: VolumeID) async throws(Failure) {
        guard let kept = waiting.withLock({ $0[id] }) else { return }
        let handle = kept.handle
        do throws(Failure) {
            let device = try await opener.openVolume(
                id, epoch: handle.epoch, readOnly: handle.readOnly, connection: handle.connection)
            guard waiting.withLock({ $0[id] }) != nil else {
                try? await opener.closeVolume(id)
                throw Failure(.unavailable, "the devices go to another process")
            }
            let served: any ServedDevice
            do throws(Failure) { served = try await frontEnd.resume(device, from: kept) } catch {
                try? await opener.closeVolume(id)
                throw error
            }
            attachments.withLock {
                $0[id] = Attachment(
                    device: device, served: served, epoch: handle.epoch, readOnly: handle.readOnly)
            }
            waiting.withLock { $0[id] = nil }
        } catch {
            // A missing file (ENOENT) is no missing volume.
            guard error.kind == .fenced || error.kind == .notFound && error.errorNumber == nil else { throw error }
            logger.warning("device given up", metadata: ["volume": "\(id)", "reason": "\(error)"])
            waiting.withLock { $0[id] = nil }
            await discard(id, kept)
        }
    }

    func discard(_ id: VolumeID, _ kept: KeptDevice) async {
        keeper.forget(id)
        do throws(Failure) { try await frontEnd.discard(kept) } catch {
            logger.warning("device not removed", metadata: ["volume": "\(id)", "reason": "\(error)"])
        }
    }

    func takeWaiting() -> [VolumeID: KeptDevice] {
        waiting.withLock { waiting in
            defer { waiting = [:] }
            return waiting
        }
    }

    /// False where it must be tried again.
    private func tryResuming(_ id: VolumeID, pauseMilliseconds: Int) async -> Bool {
        do throws(Failure) {
            let lock = try await locks.acquire(id.description, for: "resuming")
            defer { lock.release() }
            try await resume(id)
            return true
        } catch {
            logger.error(
                "attached volume cannot be opened, its users wait",
                metadata: [
                    "volume": "\(id)", "reason": "\(error)", "again in": "\(pauseMilliseconds) ms",
                ])
            return false
        }
    }

    private func keepTrying(_ id: VolumeID) async {
        var pause = 100
        while waiting.withLock({ $0[id] }) != nil {
            do { try await Task.sleep(for: .milliseconds(pause)) } catch { return }
            pause = min(pause * 2, Self.pauseMillisecondsMax)
            if await tryResuming(id, pauseMilliseconds: pause) { return }
        }
    }
}
