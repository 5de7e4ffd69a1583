import Base
import BlockDevice
import BlockDeviceTestSupport
import EmbeddedEngine
import Foundation
import Logging
import SystemIO
import Testing
import VolumeEngine

/// A pool of directories under a temporary one, with an engine that can be stopped, killed (as far as a test in one process can) and
/// started again.
final class TestPool {
    let directory: String
    private(set) var paths: [String]
    var engine: EmbeddedEngine!
    let group: GroupSpecification
    /// Rings outlive the engine, in files.
    let hasRings: Bool

    init(
        mountpaths: Int, k: Int, p: Int, sliceBytes: UInt64 = 4 << 20, capacityBytes: UInt64? = nil,
        hasRings: Bool = false, start: Bool = true
    ) async throws {
        self.hasRings = hasRings
        directory = NSTemporaryDirectory() + "ashlar-test-\(UUID().uuidString)"
        group = GroupSpecification(
            label: "g", dataColumns: k, parityColumns: p, media: [], sliceBytes: sliceBytes,
            capacityBytes: capacityBytes)
        let directory = directory
        paths = (0..<mountpaths).map { "\(directory)/d\($0)" }
        for path in paths + ["\(directory)/state"] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        if start { try await self.start() }
    }

    /// Of another's files, which were copied to `directory`.
    init(copyOf other: TestPool, at directory: String) async throws {
        self.directory = directory
        group = other.group
        hasRings = other.hasRings
        paths = other.paths.indices.map { "\(directory)/d\($0)" }
        try await start()
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func start(acceptMissing: Bool = false) async throws {
        let mountpaths = paths.map { path -> ConfiguredMountpath in
            do {
                return ConfiguredMountpath(path: path, media: "nvme", disk: try DirectoryDisk(path: path))
            } catch { return ConfiguredMountpath(path: path, media: "nvme", disk: nil, problem: "\(error)") }
        }
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        engine = try await EmbeddedEngine.start(
            mountpaths: mountpaths, ledger: try DirectoryDisk(path: "\(directory)/state"),
            settings: EngineSettings(
                ringBytes: 8 << 20, ringDirectory: hasRings ? "\(directory)/rings" : nil, loopCount: 2,
                acceptMissing: acceptMissing), logger: logger)
        try await engine.ensureGroup(group)
    }

    /// What `ashlar fsck` would say; while stopped.
    func check(readsData: Bool = true) async throws -> CheckReport {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try await EmbeddedEngine.check(
            mountpaths: try paths.map {
                ConfiguredMountpath(path: $0, media: "nvme", disk: try DirectoryDisk(path: $0))
            },
            ledger: try DirectoryDisk(path: "\(directory)/state"), acceptMissing: false, readsData: readsData,
            logger: logger)
    }

    /// What the mountpaths say; while stopped.
    func inventory() async throws -> PoolInventory {
        try await EmbeddedEngine.inventory(
            mountpaths: try paths.map {
                ConfiguredMountpath(path: $0, media: "nvme", disk: try DirectoryDisk(path: $0))
            },
            ledger: try DirectoryDisk(path: "\(directory)/state"), acceptMissing: false,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func stop() async { await engine.shutDown() }

    func restart(acceptMissing: Bool = false) async throws {
        await stop()
        try await start(acceptMissing: acceptMissing)
    }

    func hide(_ index: Int) throws {
        try FileManager.default.moveItem(atPath: paths[index], toPath: paths[index] + ".away")
    }
    func show(_ index: Int) throws {
        try FileManager.default.moveItem(atPath: paths[index] + ".away", toPath: paths[index])
    }

    /// A new volume, attached with epoch 1.
    func volume(_ bytes: UInt64) async throws -> (VolumeID, BlockDeviceClient) {
        let id = VolumeID.random()
        _ = try await engine.createVolume(id, group: "g", sizeBytes: bytes)
        try await engine.raiseEpoch(id, to: 1)
        return (id, try await open(id))
    }

    func open(_ id: VolumeID, epoch: UInt64 = 1) async throws -> BlockDeviceClient {
        BlockDeviceClient(try await engine.openVolume(id, epoch: epoch, readOnly: false))
    }

    /// What the engine's death leaves at this moment, with another engine started on it. While nothing is on its way to the drives.
    func killed() async throws -> TestPool {
        let copy = directory + "-" + UUID().uuidString.prefix(8)
        try FileManager.default.copyItem(atPath: directory, toPath: copy)
        await stop()
        return try await TestPool(copyOf: self, at: copy)
    }

    /// Stopped, with what the engine's death leaves at this moment in place of what a stop leaves.
    func die() async throws {
        let copy = directory + ".copy"
        try FileManager.default.copyItem(atPath: directory, toPath: copy)
        await stop()
        try FileManager.default.removeItem(atPath: directory)
        try FileManager.default.moveItem(atPath: copy, toPath: directory)
    }

    /// Paths of every slice file, relative to the pool's directory.
    func slices() -> [String] {
        let names = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.contains("/%sg/") && !$0.contains(".away/") }.sorted()
    }
}

/// Bytes that tell which write they are of.
func pattern(_ seed: UInt64, bytes: Int) -> [UInt8] {
    var random = SeededRandom(seed: seed)
    var result = [UInt8]()
    result.reserveCapacity(bytes)
    while result.count < bytes { withUnsafeBytes(of: random.next()) { result.append(contentsOf: $0) } }
    return result
}
