import Base
import BlockDevice
import BlockDeviceTestSupport
import EmbeddedEngine
import Foundation
import SystemIO
import Testing
import VolumeEngine

/// Pools that earlier versions wrote, to be read for ever. Each is `Golden/pool-N.tar.gz`: the mountpaths and the state directory of an
/// engine that was killed, and a manifest of what is in them. N is the version of the formats in docs/format.md; an image is made once
/// (ASHLAR_GOLDEN_OUT=FILE, when a format gets a new version) and never changed.
///
/// In it is one of each: records of data, discards, moves and snapshots, replayed and behind a checkpoint; map nodes of every level, a
/// segment directory, a clone, a deleted snapshot, headers, pool files. Since version 2 also the volume's ring, with entries that are in no record.
@Suite(.serialized) struct GoldenPoolTests {
    private struct Manifest: Codable {
        var volume: String
        var snapshot: String
        var clone: String
        /// What was last written to each block; 0: nothing, or discarded.
        var head: [UInt32]
        var pinned: [UInt32]
    }
    private static let blockBytes = 4096
    private static let blocks = 4096

    private static func content(_ block: Int, _ version: UInt32) -> [UInt8] {
        guard version > 0 else { return [UInt8](repeating: 0, count: blockBytes) }
        var bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: version &* 7), count: blockBytes)
        withUnsafeBytes(of: (UInt64(block), version)) { bytes.replaceSubrange(0..<12, with: $0.prefix(12)) }
        return bytes
    }

    private func tar(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/tar")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    /// The image's files, as if they were of this boot of the machine: a ring of another one does not count.
    private func unpack(_ image: String) async throws -> TestPool {
        let pool = try await TestPool(mountpaths: 2, k: 1, p: 1, capacityBytes: 40 << 20, hasRings: true, start: false)
        try tar("-xzf", image, "-C", pool.directory)
        let boot = try #require(BootID(String(try readPseudoFile("/proc/sys/kernel/random/boot_id").prefix(36))))
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(pool.directory)/rings")) ?? []
        for id in names.compactMap({ VolumeID($0) }) {
            let ring = try #require(try RingFile(pool, id))
            ring.put(boot.high, at: 48)
            ring.put(boot.low, at: 56)
            ring.sealHeader()
        }
        return pool
    }

    private func verify(_ device: BlockDeviceClient, _ versions: [UInt32], _ what: String) async throws {
        var wrong = 0
        for first in stride(from: 0, to: versions.count, by: 256) {
            let found = try await device.read(at: UInt64(first * Self.blockBytes), length: 256 * Self.blockBytes)
            for index in 0..<256 {
                let part = found[(index * Self.blockBytes)..<((index + 1) * Self.blockBytes)]
                if !part.elementsEqual(Self.content(first + index, versions[first + index])) { wrong += 1 }
            }
        }
        #expect(wrong == 0, "\(what): blocks that are not as they were written")
    }

    private static var images: [String] {
        let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return names.filter { $0.hasSuffix(".tar.gz") }.sorted().map { directory.appendingPathComponent($0).path }
    }

    @Test func thereIsAnImageOfEachVersion() {
        #expect(Self.images.map { URL(fileURLWithPath: $0).lastPathComponent } == ["pool-1.tar.gz", "pool-2.tar.gz"])
    }

    @Test(arguments: images)
    func whatWasWrittenIsRead(_ image: String) async throws {
        let pool = try await unpack(image)
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(pool.directory)/manifest.json"))
        let manifest = try JSONDecoder().decode(Manifest.self, from: data)
        let report = try await pool.check()
        #expect(report.isClean, "\(report.problems + report.volumes.flatMap(\.problems))")
        // Twice: the first start replays the log and writes what it read anew.
        for round in ["killed", "started once"] {
            try await pool.start()
            let device = try await pool.open(try #require(VolumeID(manifest.volume)))
            try await verify(device, manifest.head, "\(round), head")
            let snapshot = try await pool.engine.openSnapshot(try #require(SnapshotID(manifest.snapshot)))
            try await verify(BlockDeviceClient(snapshot), manifest.pinned, "\(round), snapshot")
            let clone = try await pool.open(try #require(VolumeID(manifest.clone)))
            try await verify(clone, manifest.pinned, "\(round), clone")
            await pool.stop()
        }
        #expect(try await pool.check().isClean)
    }

    /// Any p of the mountpaths may be gone.
    @Test(arguments: images, [0, 1])
    func aMountpathOfItMayBeGone(_ image: String, _ gone: Int) async throws {
        let pool = try await unpack(image)
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(pool.directory)/manifest.json"))
        let manifest = try JSONDecoder().decode(Manifest.self, from: data)
        try pool.hide(gone)
        try FileManager.default.createDirectory(atPath: pool.paths[gone], withIntermediateDirectories: true)
        try await pool.start()
        let device = try await pool.open(try #require(VolumeID(manifest.volume)))
        try await verify(device, manifest.head, "without mountpath \(gone)")
        await pool.stop()
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["ASHLAR_GOLDEN_OUT"] != nil))
    func writesAnImage() async throws {
        let out = try #require(ProcessInfo.processInfo.environment["ASHLAR_GOLDEN_OUT"])
        let pool = try await TestPool(mountpaths: 2, k: 1, p: 1, capacityBytes: 40 << 20, hasRings: true)
        let (id, device) = try await pool.volume(UInt64(Self.blocks * Self.blockBytes))
        var versions = [UInt32](repeating: 0, count: Self.blocks)
        var random = SeededRandom(seed: 1)
        func write(_ count: Int, below end: Int, flushes: Bool = true) async throws {
            for number in 0..<count {
                let block = Int.random(in: 0..<end, using: &random)
                versions[block] += 1
                try await device.write(Self.content(block, versions[block]), at: UInt64(block * Self.blockBytes))
                if number % 64 == 63 { try await device.flush() }
            }
            if flushes { try await device.flush() }
        }
        func discard(_ range: Range<Int>) async throws {
            try await device.discard(
                at: UInt64(range.lowerBound * Self.blockBytes), length: range.count * Self.blockBytes)
            for block in range { versions[block] = 0 }
        }
        func snapshot() async throws -> SnapshotID {
            let snapshot = SnapshotID.random()
            _ = try await pool.engine.createSnapshot(snapshot, of: id)
            return snapshot
        }
        try await write(1500, below: 2048)
        let deleted = try await snapshot()
        try await write(500, below: 2048)
        try await discard(100..<300)
        let kept = try await snapshot()
        let pinned = versions
        try await pool.engine.deleteSnapshot(deleted)
        let clone = VolumeID.random()
        _ = try await pool.engine.createVolume(
            clone, group: "g", sizeBytes: UInt64(Self.blocks * Self.blockBytes), annotation: "",
            content: .snapshot(kept))
        try await pool.engine.raiseEpoch(clone, to: 1)
        try await write(16_000, below: 2048)
        try await discard(1000..<1100)
        try await write(300, below: Self.blocks)
        #expect(try #require(await pool.engine.statistics(of: id)).blocksMoved > 0)
        try await Task.sleep(for: .seconds(1))
        // These are in the ring alone.
        try await write(30, below: Self.blocks, flushes: false)
        try await discard(2000..<2010)
        try await write(10, below: Self.blocks, flushes: false)
        let manifest = Manifest(
            volume: "\(id)", snapshot: "\(kept)", clone: "\(clone)", head: versions, pinned: pinned)
        try JSONEncoder().encode(manifest).write(to: URL(fileURLWithPath: "\(pool.directory)/manifest.json"))
        // As it is at this moment: a crash.
        try tar(
            "-czSf", out, "-C", pool.directory, "--exclude=.ashlar/free/*", "d0", "d1", "state", "rings",
            "manifest.json")
        await pool.stop()
    }
}
