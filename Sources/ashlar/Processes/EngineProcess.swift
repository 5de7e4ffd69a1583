import Attach
import AttachFUSE
import Base
import Configuration
import EmbeddedEngine
import EngineAPI
import GRPCServer
import Glibc
import Logging
import SystemIO
import VolumeEngine
import Volumes

/// The data plane of this process: the embedded engine, its devices, and the engine API on a unix socket.
final class EngineProcess: Sendable {
    let engine: EmbeddedEngine
    let attacher: LocalDeviceAttacher
    let threads: BlockingThreads
    private let server: GRPCServer
    private let lock: FileLock

    private static let loopCountMax = 4
    /// What makes a directory a member of a pool, or the ledger of one.
    private static let poolFile = ".ashlar/pool.json"
    private static let drainSeconds = 5.0
    /// Before another worker takes over: its calls are repeated, and I/O goes on meanwhile.
    private static let releaseDrainSeconds = 2.0
    /// How long the I/O of a predecessor that was killed may take to end.
    private static let lockSecondsMax = 15.0
    /// The devices would be lost with the process that gives up.
    private static let lockSecondsMaxWithDevices = 3600.0

    private init(
        engine: EmbeddedEngine, attacher: LocalDeviceAttacher, threads: BlockingThreads, server: GRPCServer,
        lock: FileLock
    ) {
        self.engine = engine
        self.attacher = attacher
        self.threads = threads
        self.server = server
        self.lock = lock
    }

    /// `adopting`: devices of the worker before this one, served before this returns, or as soon as their volumes can be opened.
    static func start(
        _ configuration: Configuration, keeper: any DeviceKeeper, adopting devices: [KeptDevice], logger: Logger
    ) async throws(Failure) -> EngineProcess {
        var times = StartTimes()
        try DescriptorLimit.raise()
        try makeDirectories(configuration)
        let lock = try await FileLock.wait(
            path: configuration.engineLockPath, "another ashlar engine",
            secondsMax: devices.isEmpty ? lockSecondsMax : lockSecondsMaxWithDevices, logger: logger)
        times.note("lock")
        EventLoop.hold(lock.file)
        let disks = try openMountpaths(configuration)
        let engine = try await EmbeddedEngine.start(
            mountpaths: disks.mountpaths, ledger: try DirectoryDisk(path: configuration.stateDirectory),
            settings: EngineSettings(
                ringBytes: Int(configuration.engine.ringBytes), ringDirectory: configuration.ringDirectory,
                mapCacheBytes: Int(configuration.engine.mapCacheBytes),
                loopCount: min(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), loopCountMax),
                acceptMissing: configuration.pool.acceptMissing, sharedFilesystems: disks.shared),
            finishesInterrupted: false, logger: logger)
        times.note("pool")
        let threads = BlockingThreads(name: "ashlar-attach")
        let frontEnd = FuseLoopFrontEnd(runDirectory: configuration.runDirectory, threads: threads, logger: logger)
        frontEnd.removeMountPoints()
        let attacher = LocalDeviceAttacher(opener: engine, frontEnd: frontEnd, keeper: keeper, logger: logger)
        await attacher.adopt(devices)
        times.note("devices")
        logger.info("the data plane serves", metadata: ["devices": "\(devices.count)", "took": "\(times)"])
        // Before anybody may begin something: what is half made is taken for an earlier start's.
        await engine.finishInterrupted()
        engine.onResize { (id) throws(Failure) in
            if try await attacher.attachment(id) != nil { _ = try await attacher.refresh(id) }
        }
        var handlers = GRPCHandlers()
        handlers.serve(engine as any VolumeEngine)
        handlers.serve(attacher as any DeviceAttacher)
        let server = GRPCServer(socketPath: configuration.engine.socket, handlers: handlers, logger: logger)
        do throws(Failure) { try server.start() } catch {
            // Their connections stay as they are, for the next worker.
            await attacher.release()
            await engine.shutDown()
            throw error
        }
        return EngineProcess(engine: engine, attacher: attacher, threads: threads, server: server, lock: lock)
    }

    /// Takes no more calls, makes everything answered durable, removes the devices.
    func shutDown() async {
        await server.shutdown(drainSeconds: Self.drainSeconds)
        await attacher.shutDown()
        await engine.shutDown()
    }

    /// Takes no more calls, and leaves devices and volumes to another worker, everything answered being durable.
    func release() async {
        await server.shutdown(drainSeconds: Self.releaseDrainSeconds)
        await attacher.release()
        await engine.shutDown()
    }

    /// The configured mountpaths as they are found.
    static func disks(_ configuration: Configuration) -> [ConfiguredMountpath] {
        configuration.pool.mountpaths.map { mountpath in
            do throws(Failure) {
                let disk = try DirectoryDisk(path: mountpath.path)
                return ConfiguredMountpath(path: mountpath.path, media: mountpath.media.rawValue, disk: disk)
            } catch {
                return ConfiguredMountpath(
                    path: mountpath.path, media: mountpath.media.rawValue, disk: nil, problem: "\(error)")
            }
        }
    }

    private static func openMountpaths(
        _ configuration: Configuration
    ) throws(Failure) -> (mountpaths: [ConfiguredMountpath], shared: [String]) {
        var mountpaths = disks(configuration)
        var places: [(path: String, device: UInt64, isMember: Bool)] = []
        for (index, mountpath) in mountpaths.enumerated() {
            guard let disk = mountpath.disk as? DirectoryDisk else { continue }
            do throws(Failure) {
                places.append((mountpath.path, disk.filesystemDevice, try disk.exists(poolFile)))
            } catch {
                mountpaths[index] = ConfiguredMountpath(
                    path: mountpath.path, media: mountpath.media, disk: nil, problem: "\(error)")
            }
        }
        // Once there is a pool, a mountpath without its file is a drive that is not mounted: what its bare directory shares says nothing.
        let hasLedger = try DirectoryDisk(path: configuration.stateDirectory).exists(poolFile)
        let isNew = !hasLedger && !places.contains { $0.isMember }
        let counted = Dictionary(grouping: places.filter { isNew || $0.isMember }) { $0.device }.values
        let shared = counted.filter { $0.count > 1 }.map { $0.map { $0.path }.sorted().joined(separator: ", ") }
            .sorted()
        if let first = shared.first, !configuration.pool.allowSharedFilesystem {
            throw Failure(
                .failedPrecondition,
                "mountpaths \(first) are on one filesystem, so one lost drive takes them all: mount a drive at each, or set pool.allowSharedFilesystem: true to try things out"
            )
        }
        if isNew { try refuseImpossibleGroups(configuration) }
        return (mountpaths, shared)
    }

    /// Before a pool is made: so that a mistake leaves nothing behind. On an existing pool the engine itself refuses a new group, and a
    /// group that exists may have fewer mountpaths left than it asked for.
    private static func refuseImpossibleGroups(_ configuration: Configuration) throws(Failure) {
        for group in configuration.groups {
            let columns = group.specification.columns
            let count = configuration.pool.mountpaths.count { group.media.isEmpty || group.media.contains($0.media) }
            guard count >= columns else {
                throw Failure(
                    .exhausted,
                    "group \(group.label) needs \(columns) mountpaths of its media for \(group.protection), the configuration has \(count): add mountpaths, choose another protection, or leave the group out"
                )
            }
        }
    }
}

/// How long each part of a start took, in milliseconds: pods wait for it.
private struct StartTimes: CustomStringConvertible {
    private var last = ContinuousClock.now
    private(set) var description = ""

    mutating func note(_ part: String) {
        let (seconds, attoseconds) = (ContinuousClock.now - last).components
        description +=
            "\(description.isEmpty ? "" : ", ")\(part) \(seconds * 1000 + attoseconds / 1_000_000_000_000_000) ms"
        last = .now
    }
}

extension EmbeddedEngine: VolumeOpener {}

extension Configuration {
    var ringDirectory: String { "\(runDirectory)/rings" }
}

/// The state and run directories, for whichever process comes first; those above them must be there.
func makeDirectories(_ configuration: Configuration) throws(Failure) {
    for path in [configuration.stateDirectory, configuration.runDirectory]
    where mkdir(path, 0o700) != 0 && errno != EEXIST {
        throw Failure(
            errno: errno, "cannot make directory \(path); make the one above it, or name another in the configuration")
    }
}

/// An exclusive lock on a file, held until the process ends.
final class FileLock: Sendable {
    let file: FileDescriptor
    private static let pause = Duration.milliseconds(2)

    /// `conflict` where another process holds it.
    init(path: String, _ holder: String) throws(Failure) {
        file = try FileDescriptor(opening: path, flags: O_RDWR | O_CREAT | O_CLOEXEC, "cannot open \(path)")
        guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else {
            throw Failure(.conflict, "\(holder) uses \(path): stop it first, or give this one directories of its own")
        }
    }

    /// Gives another process some time to end.
    static func wait(
        path: String, _ holder: String, secondsMax: Double, logger: Logger? = nil
    ) async throws(Failure) -> FileLock {
        let deadline = ContinuousClock.now + .seconds(secondsMax)
        var isTold = false
        while true {
            do throws(Failure) { return try FileLock(path: path, holder) } catch {
                guard error.kind == .conflict, ContinuousClock.now < deadline else { throw error }
            }
            if !isTold { logger?.info("waiting for the last I/O of another process", metadata: ["lock": "\(path)"]) }
            isTold = true
            do { try await Task.sleep(for: pause) } catch { throw Failure(wrapping: error) }
        }
    }
}
