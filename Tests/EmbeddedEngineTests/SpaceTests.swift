import Base
import BlockDeviceTestSupport
import EmbeddedEngine
import Foundation
import Testing
import VolumeEngine

/// Every figure as it must be, after each step, and the same once more by the trees.
@Suite(.serialized) struct SpaceTests {
    private static let part: UInt64 = 256 << 10

    private func write(_ device: BlockDeviceClient, _ parts: Range<Int>, _ seed: UInt64) async throws {
        for number in parts {
            try await device.write(
                pattern(seed &* 1_000 &+ UInt64(number), bytes: Int(Self.part)), at: UInt64(number) * Self.part)
        }
        try await device.flush()
    }

    private func usage(_ pool: TestPool, _ id: VolumeID) async throws -> SpaceUsage {
        let found = try #require(try await pool.engine.volumeSpaces().first { $0.id == id }).usage
        #expect(
            found.allocatedBytes == found.liveBytes + found.snapshotOnlyBytes + found.garbageBytes
                + found.reservedBytes + found.overheadBytes)
        return found
    }

    /// In parts: live, shared, snapshot-only, garbage.
    private func expect(
        _ pool: TestPool, _ id: VolumeID, _ live: Int, _ shared: Int, _ snapshotOnly: Int, _ garbage: Int,
        _ what: String
    ) async throws {
        let wanted = [live, shared, snapshotOnly, garbage].map { UInt64($0) * Self.part }
        var figures: [UInt64] = []
        // What was deleted is freed in the background.
        for _ in 0..<100 {
            let found = try await usage(pool, id)
            figures = [found.liveBytes, found.sharedBytes, found.snapshotOnlyBytes, found.garbageBytes]
            if figures == wanted { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("\(what): live, shared, snapshot-only, garbage are \(figures), not \(wanted)")
    }

    @Test func figuresMoveAsTheyShould() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let (id, device) = try await pool.volume(64 << 20)
        try await expect(pool, id, 0, 0, 0, 0, "nothing is written")
        try await write(device, 0..<10, 1)
        try await expect(pool, id, 10, 0, 0, 0, "written")
        try await write(device, 0..<2, 2)
        try await expect(pool, id, 10, 0, 0, 2, "overwritten without a snapshot")
        let (first, second) = (SnapshotID.random(), SnapshotID.random())
        _ = try await pool.engine.createSnapshot(first, of: id)
        try await expect(pool, id, 10, 0, 0, 2, "a snapshot by itself takes nothing")
        try await write(device, 0..<3, 3)
        try await expect(pool, id, 10, 0, 3, 2, "overwritten behind a snapshot")
        try await write(device, 0..<1, 4)
        try await expect(pool, id, 10, 0, 3, 3, "overwritten twice behind a snapshot")
        try await device.discard(at: 9 * Self.part, length: Int(Self.part))
        try await device.flush()
        try await expect(pool, id, 9, 0, 4, 3, "discarded behind a snapshot")
        _ = try await pool.engine.createSnapshot(second, of: id)

        let clone = VolumeID.random()
        _ = try await pool.engine.createVolume(
            clone, group: "g", sizeBytes: 64 << 20, annotation: "", content: .snapshot(first))
        try await expect(pool, clone, 0, 10, 0, 0, "a clone by itself takes nothing")
        try await pool.engine.raiseEpoch(clone, to: 1)
        let cloned = try await pool.open(clone)
        try await write(cloned, 5..<9, 5)
        try await cloned.discard(at: 0, length: Int(Self.part))
        try await cloned.flush()
        try await expect(pool, clone, 4, 5, 0, 0, "a clone's own writes and discards")
        try await expect(pool, id, 9, 0, 4, 3, "the origin does not feel them")

        try await pool.engine.deleteSnapshot(second)
        try await expect(pool, id, 9, 0, 4, 3, "what the second snapshot had the volume has")
        try await pool.engine.deleteSnapshot(first)
        try await expect(pool, id, 9, 0, 4, 3, "the clone still needs what the first had")
        try await sumsAndChecks(pool, [id, clone])

        try await pool.start()
        try await pool.engine.deleteVolume(clone)
        try await expect(pool, id, 9, 0, 0, 7, "nobody needs it any more")
        #expect(try await pool.engine.volumeSpaces().map(\.id) == [id])
        await pool.stop()
        #expect(try await pool.check().isClean)
    }

    /// What the volume takes once nobody has it open: what deleted snapshots had is looked after in the background, at a start too.
    private func closedSpace(_ pool: TestPool, _ id: VolumeID) async throws -> VolumeSpace {
        for _ in 0..<500 {
            let space = try await pool.engine.volumeSpace(id)
            if !space.isOpen { return space }
            try await Task.sleep(for: .milliseconds(10))
        }
        return try await pool.engine.volumeSpace(id)
    }

    /// Groups and the pool are the sums; closed and opened again the figures are the same, and so say the trees and the records.
    private func sumsAndChecks(_ pool: TestPool, _ ids: [VolumeID]) async throws {
        var before: [VolumeID: SpaceUsage] = [:]
        for id in ids { try await pool.engine.closeVolume(id) }
        for id in ids {
            let space = try await closedSpace(pool, id)
            #expect(space.usage.reservedBytes == 0 && !space.isOpen)
            before[id] = space.usage
        }
        let whole = try await pool.engine.poolSpace()
        let group = try #require(whole.groups.first)
        #expect(group.usage == before.values.reduce(SpaceUsage()) { $0 + $1 } && group.volumeCount == UInt64(ids.count))
        #expect(
            whole.totalBytes == whole.usage.allocatedBytes + whole.recycledBytes + whole.reserveBytes
                + whole.availableBytes + whole.otherBytes)
        try await pool.restart()
        for id in ids {
            let space = try await closedSpace(pool, id)
            #expect(space.usage == before[id] && !space.isOpen, "by the checkpoint")
            #expect(try await pool.engine.volume(id).allocatedBytes == space.usage.allocatedBytes, "by the files")
        }
        await pool.stop()
        for readsData in [false, true] {
            let report = try await pool.check(readsData: readsData)
            #expect(report.isClean, "\(report)")
            for volume in report.volumes { #expect(volume.space == before[volume.id]) }
            #expect(report.groups.map(\.space) == [group.usage])
        }
    }

    /// A deleted origin is hidden, and counted as long as a clone needs it.
    @Test func hiddenOriginsAreCounted() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let (id, device) = try await pool.volume(64 << 20)
        try await write(device, 0..<8, 1)
        let clone = VolumeID.random()
        _ = try await pool.engine.createVolume(
            clone, group: "g", sizeBytes: 64 << 20, annotation: "", content: .volume(id))
        try await write(device, 0..<4, 2)
        try await pool.engine.closeVolume(id)
        try await pool.engine.deleteVolume(id)
        try await expect(pool, id, 0, 0, 8, 4, "only the clone needs it")
        #expect(try #require(try await pool.engine.volumeSpaces().first { $0.id == id }).isHidden)
        await #expect(throws: Failure.self) { _ = try await pool.engine.volumeSpace(id) }
        // The walk over what was deleted has it open.
        for _ in 0..<200 where try await pool.engine.volumeSpaces().contains(where: \.isOpen) {
            try await Task.sleep(for: .milliseconds(20))
        }
        let group = try #require(try await pool.engine.poolSpace().groups.first)
        #expect(group.volumeCount == 1 && group.hiddenVolumeCount == 1 && group.hiddenAllocatedBytes > 0)
        #expect(group.usage.sharedBytes == 8 * Self.part && group.usage.liveBytes == 0)
        try await pool.engine.retainGroup("g")
        #expect(try await pool.engine.poolSpace().groups.first == group, "retained data counts")
        try await pool.engine.ensureGroup(pool.group)
        try await pool.engine.deleteVolume(clone)
        for _ in 0..<200 where try await !pool.engine.volumeSpaces().isEmpty {
            try await Task.sleep(for: .milliseconds(20))
        }
        let left = try await pool.engine.poolSpace()
        #expect(left.usage == SpaceUsage() && left.recycledBytes > 0)
        await pool.stop()
    }

    /// Not opened after a crash: as the checkpoint has it; opened: all that was flushed.
    @Test func afterACrashTheLogIsCounted() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let (id, device) = try await pool.volume(64 << 20)
        try await write(device, 0..<4, 1)
        // As kill -9 leaves it: the state on the drives while the engine runs.
        let copy = pool.directory + "-copy"
        try FileManager.default.copyItem(atPath: pool.directory, toPath: copy)
        defer { try? FileManager.default.removeItem(atPath: copy) }
        let other = try await TestPool(copyOf: pool, at: copy)
        let known = try await other.engine.volumeSpace(id)
        #expect(!known.isOpen && known.usage.liveBytes == 0, "no checkpoint since")
        _ = try await other.open(id)
        try await expect(other, id, 4, 0, 0, 0, "by the log")
        #expect(try await other.engine.volumeSpace(id).isOpen)
        try await other.engine.closeVolume(id)
        let closed = try await other.engine.volumeSpace(id)
        #expect(closed.usage.liveBytes == 4 * Self.part && !closed.isOpen)
        #expect(closed.usage.allocatedBytes == (try await other.engine.volume(id).allocatedBytes))
        await other.stop()
        #expect(try await other.check().isClean)
        await pool.stop()
    }
}
