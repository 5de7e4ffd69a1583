import Attach
import Base
import CLinux
import Glibc
import Synchronization
import SystemIO
import VolumeEngine

/// Devices of a fake engine's volumes: a loop device over a sparse file each, with the name that the real front end gives, so
/// that the node service can be tested with real filesystems and mounts. Needs root.
///
/// `die` is kill -9 of the data plane: the devices stay in the kernel, nobody serves them.
public final class LoopFileAttacher: DeviceAttacher {
    private let directory: String
    private let engine: FakeEngine
    private let threads: BlockingThreads
    private let attached = Mutex<[VolumeID: AttachedDevice]>([:])

    public init(directory: String, engine: FakeEngine, threads: BlockingThreads) {
        self.directory = directory
        self.engine = engine
        self.threads = threads
    }

    public func imagePath(_ id: VolumeID) -> String { "\(directory)/\(id).img" }
    public func die() { attached.withLock { $0 = [:] } }

    public func attach(_ id: VolumeID, epoch: UInt64, readOnly: Bool) async throws(Failure) -> AttachedDevice {
        let volume = try await engine.volume(id)
        guard volume.attachEpoch == epoch else {
            throw Failure(.fenced, "epoch \(epoch) is not the newest, \(volume.attachEpoch)")
        }
        if let known = attached.withLock({ $0[id] }) {
            if known.epoch == epoch { return known }
            attached.withLock { $0[id] = nil }
        }
        try await clearStale(id)
        let image = imagePath(id)
        let path = try await threads.run { () throws(Failure) in
            try Self.bind(image, id, sizeBytes: volume.sizeBytes, readOnly: readOnly)
        }
        let device = AttachedDevice(
            volume: id, path: path, sizeBytes: volume.sizeBytes, readOnly: readOnly, epoch: epoch)
        attached.withLock { $0[id] = device }
        engine.setAttached(id, true)
        return device
    }

    public func detach(_ id: VolumeID) async throws(Failure) {
        guard let device = attached.withLock({ $0[id] }) else { return engine.setAttached(id, false) }
        try await threads.run { () throws(Failure) in
            var file: FileDescriptor?
            for _ in 0..<40 where file == nil {
                let number = ashlar_open(device.path, O_RDONLY | O_EXCL | O_CLOEXEC, 0)
                if number >= 0 { file = FileDescriptor(owning: number) } else { usleep(25_000) }
            }
            guard let file else { throw Failure(.failedPrecondition, "\(device.path) is in use") }
            try systemCall("cannot clear \(device.path)") { ashlar_loop_clear(file.number) }
        }
        attached.withLock { $0[id] = nil }
        engine.setAttached(id, false)
    }

    public func attachment(_ id: VolumeID) async throws(Failure) -> AttachedDevice? { attached.withLock { $0[id] } }

    public func refresh(_ id: VolumeID) async throws(Failure) -> AttachedDevice {
        let volume = try await engine.volume(id)
        guard var device = attached.withLock({ $0[id] }) else { throw Failure(.notFound, "\(id) is not attached") }
        let (image, path) = (imagePath(id), device.path)
        try await threads.run { () throws(Failure) in
            try systemCall("cannot grow \(image)") { truncate(image, off_t(volume.sizeBytes)) }
            let loop = try FileDescriptor(opening: path, flags: O_RDONLY | O_CLOEXEC, "cannot open \(path)")
            try systemCall("cannot set the size of \(path)") { ashlar_loop_set_capacity(loop.number) }
        }
        device.sizeBytes = volume.sizeBytes
        attached.withLock { [device] in $0[id] = device }
        return device
    }

    /// What the composition gives the node service.
    public func clearStale(_ id: VolumeID) async throws(Failure) {
        try await threads.run { () throws(Failure) in
            for loop in try LoopDevice.serving(id) {
                let file = try FileDescriptor(
                    opening: loop.path, flags: O_RDONLY | O_CLOEXEC, "cannot open \(loop.path)")
                _ = ashlar_loop_clear(file.number)
            }
        }
        engine.setAttached(id, false)
    }

    private static func bind(
        _ image: String, _ id: VolumeID, sizeBytes: UInt64, readOnly: Bool
    ) throws(Failure) -> String {
        let file = try FileDescriptor(opening: image, flags: O_RDWR | O_CREAT | O_CLOEXEC, "cannot open \(image)")
        try file.truncate(to: sizeBytes)
        let control = try FileDescriptor(
            opening: "/dev/loop-control", flags: O_RDWR | O_CLOEXEC, "cannot open loop-control")
        for _ in 0..<64 {
            let number = try systemCall("no loop device") { ashlar_loop_get_free(control.number) }
            let path = "/dev/loop\(number)"
            let loop = try FileDescriptor(opening: path, flags: O_RDWR | O_CLOEXEC, "cannot open \(path)")
            if ashlar_loop_configure(loop.number, file.number, 4096, LoopDevice.name(for: id), readOnly) == 0 {
                return path
            }
            usleep(10_000)
        }
        throw Failure(.busy, "no loop device is free")
    }
}
