import Attach
import Base
import BlockDevice
import CLinux
import Glibc
import Logging
import Synchronization
import SystemIO

/// The `fuse-loop` front end: a FUSE connection mounted over one regular file, and a loop device with direct I/O on it.
/// Works on any kernel that has FUSE and loop devices; needs CAP_SYS_ADMIN.
///
/// A served device leaves no mount to be seen. Its loop device is called `ashlar/<volume id>`.
public final class FuseLoopFrontEnd: FrontEnd {
    private struct LoopBuffers {
        let loop: EventLoop
        let buffers: ReplyBuffers
    }

    private let runDirectory: String
    let threads: BlockingThreads
    let logger: Logger
    private let served = Mutex<Set<VolumeID>>([])
    private let buffers = Mutex<[LoopBuffers]>([])

    /// `runDirectory` exists and is on a filesystem that none of the devices served here carries; a tmpfs is best.
    public init(runDirectory: String, threads: BlockingThreads, logger: Logger) {
        self.runDirectory = runDirectory
        self.threads = threads
        self.logger = logger
    }

    private static let mountPointSuffix = ".device"

    /// What a process left that died while it made a device. Before any device is served: one that is has nothing there any more. Blocks.
    public func removeMountPoints() {
        let names = (try? DirectoryDisk(path: runDirectory).list(".")) ?? []
        for name in names where name.hasSuffix(Self.mountPointSuffix) {
            LoopBinding.removeMountPoint("\(runDirectory)/\(name)")
            logger.notice("removed what was left of a device", metadata: ["path": "\(runDirectory)/\(name)"])
        }
    }

    /// Serves `device` as a loop device. A device that a dead process left for the same volume is freed first.
    /// `conflict` while this front end serves the volume already.
    public func serve(
        _ device: any BlockDevice, volume: VolumeID, readOnly: Bool
    ) async throws(Failure) -> any ServedDevice {
        guard beginServing(volume) else {
            throw Failure(.conflict, "volume \(volume) is served already")
        }
        do throws(Failure) {
            try await Self.clearStaleDevices(of: volume, on: threads)
            return try await start(device, volume: volume, isReadOnly: readOnly || device.isReadOnly)
        } catch {
            forget(volume)
            throw Failure(nil, "cannot serve volume \(volume) as a device", cause: error)
        }
    }

    /// Frees every loop device that a process which is gone left for `volume`; one that is still mounted or open goes with its last user.
    /// Must not be called while the volume is served.
    public static func clearStaleDevices(of volume: VolumeID, on threads: BlockingThreads) async throws(Failure) {
        try await threads.run { () throws(Failure) in
            for device in try LoopDevice.serving(volume) { try LoopBinding.abandon(device.path, name: device.name) }
        }
    }

    /// False where it is served already.
    func beginServing(_ volume: VolumeID) -> Bool { served.withLock { $0.insert(volume).inserted } }

    func forget(_ volume: VolumeID) { _ = served.withLock { $0.remove(volume) } }

    private func start(
        _ device: any BlockDevice, volume: VolumeID, isReadOnly: Bool
    ) async throws(Failure) -> FuseLoopDevice {
        let mountPoint = "\(runDirectory)/\(volume)\(Self.mountPointSuffix)"
        let requestBytesMax = UInt32(type(of: device).requestBytesMax)
        // Not on `threads`: the descriptors must be in the process's own table.
        let mount = try await blocking(device.loop) { () throws(Failure) in
            try FuseMount(at: mountPoint, isReadOnly: isReadOnly, requestBytesMax: requestBytesMax)
        }
        let descriptor = mount.takeConnection()
        let connection = FuseConnection(
            owning: descriptor, waiter: mount.takeWaiter(), device: device, isReadOnly: isReadOnly,
            buffers: sharedBuffers(of: device.loop))
        let ended = Gate()
        try await device.loop.run { () throws(Failure) in connection.begin(onClose: { ended.open() }) }
        let name = LoopDevice.name(for: volume)
        do throws(Failure) {
            let path = try await threads.run { () throws(Failure) in
                try LoopBinding.bind(mountPoint, name: name, isReadOnly: isReadOnly)
            }
            let canBeResumed = try await device.loop.run { () throws(Failure) in connection.canBeResumed }
            logger.info("serving", metadata: ["volume": "\(volume)", "device": "\(path)"])
            return FuseLoopDevice(
                path: path, name: name, device: device, connection: connection,
                descriptor: canBeResumed ? descriptor : nil, ended: ended, mountRoot: mount.root,
                threads: threads, onStop: { [self] in forget(volume) })
        } catch {
            try await device.loop.run { () throws(Failure) in connection.abort() }
            await ended.wait()
            try await threads.run { () throws(Failure) in LoopBinding.removeMountPoint(mountPoint) }
            throw error
        }
    }

    func sharedBuffers(of loop: EventLoop) -> ReplyBuffers {
        buffers.withLock { known in
            if let found = known.first(where: { $0.loop === loop }) { return found.buffers }
            let made = ReplyBuffers()
            known.append(LoopBuffers(loop: loop, buffers: made))
            return made
        }
    }

    private func blocking<T: Sendable>(
        _ loop: EventLoop, _ job: @escaping @Sendable () throws(Failure) -> T
    ) async throws(Failure) -> T {
        let result: Result<T, Failure> = await withCheckedContinuation { continuation in
            loop.blocking(job, then: { continuation.resume(returning: $0) })
        }
        return try result.get()
    }
}

/// A FUSE connection just mounted: its descriptors.
private final class FuseMount: Sendable {
    /// Names the file without having it open: what the size is asked through later.
    let root: FileDescriptor
    private let connection: FileDescriptor
    private let waiter: FileDescriptor

    /// Mounts over a new file at `path`; what a dead process left there goes first.
    init(at path: String, isReadOnly: Bool, requestBytesMax: UInt32) throws(Failure) {
        LoopBinding.removeMountPoint(path)
        _ = try FileDescriptor(
            opening: path, flags: O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode: 0o600, "cannot make \(path)")
        let number = ashlar_fuse_open()
        guard number >= 0 else {
            throw Failure(errno: -number, "cannot open /dev/fuse; the kernel module 'fuse' must be loaded")
        }
        connection = FileDescriptor(owning: number)
        let result = ashlar_fuse_mount(number, path, isReadOnly, requestBytesMax)
        guard result == 0 else { throw Failure(errno: -result, "cannot mount FUSE at \(path)") }
        do throws(Failure) {
            root = try FileDescriptor(opening: path, flags: ashlar_o_path() | O_CLOEXEC, "cannot open \(path)")
            // Only now: before it is mounted the connection cannot be waited for (fuse_dev_poll).
            let waiterNumber = ashlar_fuse_waiter(number)
            guard waiterNumber >= 0 else { throw Failure(errno: -waiterNumber, "cannot wait for /dev/fuse") }
            waiter = FileDescriptor(owning: waiterNumber)
        } catch {
            _ = ashlar_unmount(path, true)
            throw error
        }
    }

    func takeWaiter() -> Int32 {
        waiter.disown()
        return waiter.number
    }

    func takeConnection() -> Int32 {
        connection.disown()
        return connection.number
    }
}
