import Attach
import Base
import BlockDevice
import CLinux
import Glibc
import SystemIO

/// Going on with a device whose process is dead. The kernel kept the connection, since somebody else had its descriptor too, and with it
/// every request: those that nobody took, and those that were taken and not answered, which it sends again when it is asked to
/// (FUSE_NOTIFY_RESEND). What INIT negotiated holds for the connection's whole life and is not asked again.
extension FuseLoopFrontEnd {
    public func resume(_ device: any BlockDevice, from kept: KeptDevice) async throws(Failure) -> any ServedDevice {
        let handle = kept.handle
        guard beginServing(handle.volume) else {
            throw Failure(.conflict, "volume \(handle.volume) is served already")
        }
        do throws(Failure) {
            let served = try await goOn(device, kept)
            // Only now that its I/O is served: asking a loop device anything may wait for it.
            let name = LoopDevice.name(for: handle.volume)
            let bytes: UInt64?
            do throws(Failure) {
                bytes = try await threads.run { () throws(Failure) in
                    try LoopBinding.boundBytes(handle.path, name: name)
                }
            } catch {
                // What it took is sent again to whoever tries next.
                try? await served.abandon()
                throw error
            }
            guard let bytes else {
                try? await served.stop(force: true)
                throw Failure(.notFound, "\(handle.path) is not the volume's loop device any more")
            }
            // The volume has grown, and whoever was to tell the device died before; or the device could not be told while it waited.
            if bytes < device.sizeBytes {
                do throws(Failure) { try await served.resize() } catch {
                    logger.warning(
                        "device not resized", metadata: ["volume": "\(handle.volume)", "reason": "\(error)"])
                }
            }
            logger.info(
                "serving again", metadata: ["volume": "\(handle.volume)", "device": "\(handle.path)"])
            return served
        } catch {
            forget(handle.volume)
            throw Failure(nil, "cannot go on serving volume \(handle.volume) as \(handle.path)", cause: error)
        }
    }

    public func discard(_ kept: KeptDevice) async throws(Failure) {
        kept.close()
        try await Self.clearStaleDevices(of: kept.handle.volume, on: threads)
    }

    private func goOn(_ device: any BlockDevice, _ kept: KeptDevice) async throws(Failure) -> FuseLoopDevice {
        let handle = kept.handle
        let bytesMax = type(of: device).requestBytesMax
        guard handle.requestBytesMax <= bytesMax, kept.descriptors.count == 2 else {
            throw Failure(
                .unsupported,
                "the device was made for requests of \(handle.requestBytesMax) bytes and with other descriptors; this version takes \(bytesMax) bytes at most"
            )
        }
        // Duplicates: after a failure the kept ones are there for another attempt.
        let number = try kept.descriptors[0].duplicate()
        let root = FileDescriptor(owning: try kept.descriptors[1].duplicate())
        let waiter = ashlar_fuse_waiter(number)
        guard waiter >= 0 else {
            close(number)
            throw Failure(errno: -waiter, "cannot wait for /dev/fuse")
        }
        let connection = FuseConnection(
            owning: number, waiter: waiter, device: device, isReadOnly: handle.readOnly || device.isReadOnly,
            buffers: sharedBuffers(of: device.loop), isResumed: true)
        let ended = Gate()
        try await device.loop.run { () throws(Failure) in connection.begin(onClose: { ended.open() }) }
        let volume = handle.volume
        return FuseLoopDevice(
            path: handle.path, name: LoopDevice.name(for: volume), device: device, connection: connection,
            descriptor: number, ended: ended, mountRoot: root, threads: threads, onStop: { [self] in forget(volume) })
    }
}
