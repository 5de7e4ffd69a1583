import Attach
import AttachFUSE
import Base
import BlockDevice
import BlockDeviceTestSupport
import Filesystems
import Glibc
import Logging
import SystemIO
import Testing

/// Everything that goes through the kernel, one after the other: tests count descriptors and loop devices.
@Suite(.serialized) enum KernelTests {}

/// A front end over memory with its own run directory, and what tests do with devices. Needs root, /dev/fuse and loop devices.
final class Bench: Sendable {
    let directory: String
    let loop: EventLoop
    let threads = BlockingThreads(name: "test", threadCountMax: 32)
    let frontEnd: FuseLoopFrontEnd

    init() throws {
        directory = "/run/ashlar-fuse-test-\(VolumeID.random())"
        try systemCall("mkdir") { [directory] in mkdir(directory, 0o700) }
        loop = try EventLoop(name: "test-device")
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        frontEnd = FuseLoopFrontEnd(runDirectory: directory, threads: threads, logger: logger)
    }

    deinit {
        loop.stop()
        for entry in (try? MountTable.current().entries.filter { $0.mountPoint.hasPrefix(directory) }) ?? [] {
            _ = try? Mounts.unmount(entry.mountPoint, lazy: true)
        }
        _ = try? ExternalTool(name: "rm", package: "coreutils").run(
            ["-rf", "--one-file-system", directory], secondsMax: 60)
    }

    func device(_ sizeBytes: UInt64, isReadOnly: Bool = false) -> MemoryDevice {
        MemoryDevice(loop: loop, sizeBytes: sizeBytes, isReadOnly: isReadOnly)
    }

    /// Serves `device` while `body` runs, and stops it whatever happens.
    func serving(
        _ device: any BlockDevice, volume: VolumeID = .random(), readOnly: Bool = false,
        _ body: (any ServedDevice) async throws -> Void
    ) async throws {
        let served = try await frontEnd.serve(device, volume: volume, readOnly: readOnly)
        do { try await body(served) } catch {
            try? await served.stop(force: true)
            throw error
        }
        try await served.stop(force: false)
    }

    /// Anything that may wait for I/O on a served device.
    @discardableResult
    func blocking<T: Sendable>(_ body: @escaping @Sendable () throws(Failure) -> T) async throws -> T {
        try await threads.run(body)
    }

    @discardableResult
    func shell(_ script: String, secondsMax: Int = 120) async throws -> String {
        try await blocking { () throws(Failure) in
            try ExternalTool(name: "bash", package: "bash").run(
                ["-euo", "pipefail", "-c", script], secondsMax: secondsMax
            ).output
        }
    }

    func mountPoint(_ name: String) throws -> String {
        try systemCall("mkdir") { [directory] in mkdir("\(directory)/\(name)", 0o700) }
        return "\(directory)/\(name)"
    }
}
