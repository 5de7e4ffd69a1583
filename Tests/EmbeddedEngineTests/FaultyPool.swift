import Base
import BlockDevice
import BlockDeviceTestSupport
import EmbeddedEngine
import Foundation
import Logging
import Synchronization
import SystemIO
import Testing
import VolumeEngine

/// A pool over faulty disks, one group.
final class FaultyPool {
    let directory: String
    private(set) var disks: [FaultyDisk] = []
    var engine: EmbeddedEngine!
    private let group: GroupSpecification
    private let mapCacheBytes: Int

    init(mountpaths: Int, k: Int, p: Int, mapCacheBytes: Int = 64 << 20) async throws {
        directory = NSTemporaryDirectory() + "ashlar-test-\(UUID().uuidString)"
        group = GroupSpecification(
            label: "g", dataColumns: k, parityColumns: p, media: [], sliceBytes: 4 << 20, capacityBytes: nil)
        self.mapCacheBytes = mapCacheBytes
        for name in (0..<mountpaths).map({ "d\($0)" }) + ["state"] {
            try FileManager.default.createDirectory(atPath: "\(directory)/\(name)", withIntermediateDirectories: true)
        }
        let directory = directory
        disks = try (0..<mountpaths).map { try FaultyDisk(path: "\(directory)/d\($0)") }
        try await start()
    }

    deinit {
        for path in [directory, copied] { try? FileManager.default.removeItem(atPath: path) }
    }

    func start() async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let directory = directory
        engine = try await EmbeddedEngine.start(
            mountpaths: disks.enumerated().map {
                ConfiguredMountpath(path: "\(directory)/d\($0)", media: "nvme", disk: $1)
            },
            ledger: try DirectoryDisk(path: "\(directory)/state"),
            settings: EngineSettings(
                ringBytes: 8 << 20, mapCacheBytes: mapCacheBytes, loopCount: 1, acceptMissing: false), logger: logger)
        try await engine.ensureGroup(group)
    }

    // MARK: Copies

    private var copied: String { directory + ".copy" }

    /// Keeps what is on the disks now: of a running engine what a kill would leave.
    func copy() throws {
        try? FileManager.default.removeItem(atPath: copied)
        try FileManager.default.copyItem(atPath: directory, toPath: copied)
    }

    /// Puts back what `copy` kept, on fresh disks. While stopped.
    func restore() throws {
        try FileManager.default.removeItem(atPath: directory)
        try FileManager.default.copyItem(atPath: copied, toPath: directory)
        disks = try disks.indices.map { try FaultyDisk(path: "\(directory)/d\($0)") }
    }

    // MARK: Looking

    func setFault(on indices: Range<Int>? = nil, _ fault: (@Sendable (DiskCall, String) -> Int32?)?) {
        for disk in disks[indices ?? disks.indices] { disk.fault.withLock { $0 = fault } }
    }

    /// Of each disk: whether it is an active member.
    func areActive() async throws -> [Bool] {
        let states = try await engine.poolStatus().mountpaths
        return disks.indices.map { index in
            states.contains { $0.path == "\(directory)/d\(index)" && $0.state == .active }
        }
    }

    /// Every file, relative to the pool's directory.
    func files() -> [String] {
        (FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []).sorted()
    }

    func slices() -> [String] { files().filter { $0.contains("/%sg/") }.map { "\(directory)/\($0)" } }

    /// Disks with a copy of the volume's nodes.
    func homes(of id: VolumeID) -> [Int] {
        disks.indices.filter { FileManager.default.fileExists(atPath: nodes(of: id, on: $0)) }
    }

    func nodes(of id: VolumeID, on disk: Int) -> String { "\(directory)/d\(disk)/@g/\(id)/%mt/nodes" }

    func volume(_ bytes: UInt64) async throws -> (VolumeID, BlockDeviceClient) {
        let id = VolumeID.random()
        _ = try await engine.createVolume(id, group: "g", sizeBytes: bytes)
        try await engine.raiseEpoch(id, to: 1)
        return (id, try await open(id))
    }

    func open(_ id: VolumeID) async throws -> BlockDeviceClient {
        BlockDeviceClient(try await engine.openVolume(id, epoch: 1, readOnly: false))
    }
}

/// What `body` came to, nil where it did not end in time (it is left behind then).
func outcome(
    seconds: Double, _ body: @escaping @Sendable () async throws(Failure) -> Void
) async throws -> Result<Void, Failure>? {
    let result = Mutexed<Result<Void, Failure>?>(nil)
    Task {
        do throws(Failure) {
            try await body()
            result.value.withLock { $0 = .success(()) }
        } catch { result.value.withLock { $0 = .failure(error) } }
    }
    for _ in 0..<Int(seconds * 20) {
        if let ended = result.value.withLock({ $0 }) { return ended }
        try await Task.sleep(for: .milliseconds(50))
    }
    return nil
}

final class Mutexed<T: Sendable>: Sendable {
    let value: Mutex<T>
    init(_ value: T) { self.value = Mutex(value) }
}

extension Result where Success == Void {
    var isSuccess: Bool { if case .success = self { true } else { false } }
}
