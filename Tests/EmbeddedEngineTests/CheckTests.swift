import Base
import BlockDeviceTestSupport
import EmbeddedEngine
import Foundation
import Testing
import VolumeEngine

/// `ashlar fsck` on pools that are well and on pools that are not.
@Suite(.serialized) struct CheckTests {
    /// A volume with snapshots of which one is deleted, and a clone.
    private func used() async throws -> (TestPool, VolumeID) {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let (id, device) = try await pool.volume(64 << 20)
        var snapshots: [SnapshotID] = []
        for round in 0..<3 {
            for number in 0..<6 {
                try await device.write(pattern(UInt64(round * 10 + number), bytes: 300 << 10), at: UInt64(number) << 20)
            }
            snapshots.append(.random())
            _ = try await pool.engine.createSnapshot(snapshots[round], of: id)
        }
        try await pool.engine.deleteSnapshot(snapshots[1])
        let clone = VolumeID.random()
        _ = try await pool.engine.createVolume(
            clone, group: "g", sizeBytes: 64 << 20, annotation: "", content: .snapshot(snapshots[0]))
        try await pool.engine.raiseEpoch(clone, to: 1)
        let cloned = try await pool.open(clone)
        try await cloned.write(pattern(77, bytes: 1 << 20), at: 5 << 20)
        try await cloned.flush()
        await pool.stop()
        return (pool, id)
    }

    @Test func aPoolInUseIsClean() async throws {
        let (pool, id) = try await used()
        let report = try await pool.check()
        #expect(report.isClean, "\(report)")
        #expect(report.volumes.count == 2)
        let volume = try #require(report.volumes.first { $0.id == id })
        #expect(volume.snapshots == 2 && volume.recordsRead > 0 && volume.liveBlocks > 0)
        // Looking has changed nothing.
        try await pool.start()
        await pool.stop()
        #expect(try await pool.check().isClean)
    }

    private func spoil(_ pool: TestPool, _ isWanted: @escaping (String) -> Bool, at offset: UInt64) throws {
        let names = FileManager.default.enumerator(atPath: pool.directory)?.compactMap { $0 as? String } ?? []
        let path = try #require(names.sorted().first(where: isWanted))
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: "\(pool.directory)/\(path)"))
        try file.seek(toOffset: offset)
        try file.write(contentsOf: Data(repeating: 0x5A, count: 512))
        try file.close()
    }

    @Test func rottenDataIsFoundWhenDataIsRead() async throws {
        let (pool, id) = try await used()
        try spoil(pool, { $0.contains("/\(id)/%sg/") }, at: 3 * 4096)
        #expect(try await pool.check(readsData: false).isClean)
        let report = try await pool.check(readsData: true)
        #expect(!report.isClean)
    }

    @Test func aRottenCopyOfTheMapIsFound() async throws {
        let (pool, id) = try await used()
        // Every slot of one copy but the first, which is none.
        for slot in 1..<12 { try spoil(pool, { $0.contains("/\(id)/%mt/nodes") }, at: UInt64(slot * 4096)) }
        let report = try await pool.check(readsData: false)
        #expect(!report.isClean && "\(report)".contains("copies of map nodes are bad"), "\(report)")
        // It is read from the others.
        try await pool.start()
        let device = try await pool.open(id)
        #expect(try await device.read(at: 1 << 20, length: 300 << 10) == pattern(21, bytes: 300 << 10))
        await pool.stop()
    }

    @Test func aMissingSliceIsFound() async throws {
        let (pool, _) = try await used()
        let slice = try #require(pool.slices().first)
        try FileManager.default.removeItem(atPath: "\(pool.directory)/\(slice)")
        let report = try await pool.check(readsData: false)
        #expect(!report.isClean && "\(report)".contains("slices are missing"), "\(report)")
    }
}
