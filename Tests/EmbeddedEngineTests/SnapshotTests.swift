import Base
import BlockDevice
import BlockDeviceTestSupport
import EmbeddedEngine
import Foundation
import Testing
import VolumeEngine

@Suite(.serialized) struct SnapshotTests {
    private static let part = 256 << 10

    private func fill(_ device: BlockDeviceClient, _ seed: UInt64, at offset: UInt64) async throws {
        try await device.write(pattern(seed, bytes: Self.part), at: offset)
    }

    private func expect(_ device: BlockDeviceClient, _ seed: UInt64?, at offset: UInt64, _ what: String) async throws {
        let wanted = seed.map { pattern($0, bytes: Self.part) } ?? [UInt8](repeating: 0, count: Self.part)
        #expect(try await device.read(at: offset, length: Self.part) == wanted, "\(what)")
    }

    @Test func aSnapshotNeverChanges() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let (id, device) = try await pool.volume(64 << 20)
        try await fill(device, 1, at: 0)
        try await fill(device, 2, at: 1 << 20)
        let first = SnapshotID.random()
        let made = try await pool.engine.createSnapshot(first, of: id)
        #expect(made.sizeBytes == 64 << 20 && made.volume == id)
        #expect(try await pool.engine.createSnapshot(first, of: id) == made, "the same id again is the same snapshot")
        try await fill(device, 3, at: 0)
        try await device.discard(at: 1 << 20, length: Self.part)
        try await fill(device, 4, at: 2 << 20)
        let second = SnapshotID.random()
        _ = try await pool.engine.createSnapshot(second, of: id)
        try await fill(device, 5, at: 2 << 20)

        for isRestarted in [false, true] {
            let what = isRestarted ? "after a restart" : "at once"
            let one = BlockDeviceClient(try await pool.engine.openSnapshot(first))
            try await expect(one, 1, at: 0, what)
            try await expect(one, 2, at: 1 << 20, what)
            try await expect(one, nil, at: 2 << 20, what)
            await #expect(throws: Failure.self) { try await one.write(pattern(9, bytes: 4096), at: 0) }
            let two = BlockDeviceClient(try await pool.engine.openSnapshot(second))
            try await expect(two, 3, at: 0, what)
            try await expect(two, nil, at: 1 << 20, what)
            try await expect(two, 4, at: 2 << 20, what)
            if !isRestarted {
                try await device.flush()
                try await pool.restart()
            }
        }
        #expect(try await pool.engine.snapshots().count == 2)
        let again = try await pool.open(id)
        try await expect(again, 5, at: 2 << 20, "the volume")
        await pool.stop()
    }

    @Test func clonesOutliveTheirOrigins() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let (id, device) = try await pool.volume(64 << 20)
        for number in 0..<8 { try await fill(device, UInt64(number), at: UInt64(number) << 20) }
        let snapshot = SnapshotID.random()
        _ = try await pool.engine.createSnapshot(snapshot, of: id)
        try await fill(device, 100, at: 0)

        let clone = VolumeID.random()
        _ = try await pool.engine.createVolume(
            clone, group: "g", sizeBytes: 128 << 20, annotation: "", content: .snapshot(snapshot))
        try await pool.engine.raiseEpoch(clone, to: 1)
        let cloned = try await pool.open(clone)
        try await expect(cloned, 0, at: 0, "what the snapshot had")
        try await fill(cloned, 200, at: 1 << 20)
        try await expect(device, 1, at: 1 << 20, "the origin does not see its clone's writes")

        // A clone of the clone as it is now, and of the volume as it is now.
        let second = VolumeID.random()
        _ = try await pool.engine.createVolume(
            second, group: "g", sizeBytes: 128 << 20, annotation: "", content: .volume(clone))
        try await fill(cloned, 201, at: 1 << 20)
        await #expect(throws: Failure.self) {
            _ = try await pool.engine.createVolume(
                .random(), group: "g", sizeBytes: 4096, annotation: "", content: .snapshot(snapshot))
        }

        // Everything above it goes.
        try await pool.engine.deleteSnapshot(snapshot)
        try await pool.engine.closeVolume(id)
        try await pool.engine.deleteVolume(id)
        await #expect(throws: Failure.self) { _ = try await pool.engine.volume(id) }
        try await expect(cloned, 0, at: 0, "its origin is deleted")
        try await expect(cloned, 201, at: 1 << 20, "its own")
        try await cloned.flush()
        try await pool.restart()
        let reopened = try await pool.open(clone)
        for number in 2..<8 { try await expect(reopened, UInt64(number), at: UInt64(number) << 20, "after a restart") }
        try await pool.engine.closeVolume(clone)
        try await pool.engine.deleteVolume(clone)
        try await pool.engine.raiseEpoch(second, to: 1)
        let last = try await pool.open(second)
        try await expect(last, 200, at: 1 << 20, "a clone of a deleted clone of a deleted volume")
        try await expect(last, 7, at: 7 << 20, "a clone of a deleted clone of a deleted volume")
        try await pool.engine.closeVolume(second)
        try await pool.engine.deleteVolume(second)
        // Origins go by and by.
        for _ in 0..<200 where !pool.slices().isEmpty { try await Task.sleep(for: .milliseconds(50)) }
        #expect(pool.slices().isEmpty, "with the last clone everything is free: \(pool.slices().prefix(3))")
        await pool.stop()
    }

    /// Until a clone is opened it is a header only: what it begins as outlives snapshot, origin and a crash all the same.
    @Test func clonesThatWereNeverOpened() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let (id, device) = try await pool.volume(64 << 20)
        try await fill(device, 1, at: 0)
        let snapshot = SnapshotID.random()
        _ = try await pool.engine.createSnapshot(snapshot, of: id)
        let clones = [VolumeID.random(), .random()]
        for clone in clones {
            _ = try await pool.engine.createVolume(
                clone, group: "g", sizeBytes: 64 << 20, annotation: "", content: .snapshot(snapshot))
        }
        let shared = UInt64(Self.part)
        #expect(try await pool.engine.volumeSpace(clones[0]).usage == SpaceUsage(sharedBytes: shared))
        try await pool.engine.deleteSnapshot(snapshot)
        try await fill(device, 2, at: 0)
        try await device.flush()
        try await pool.engine.closeVolume(id)
        try await pool.engine.deleteVolume(id)
        try await pool.restart()
        #expect(try await pool.engine.volumeSpace(clones[0]).usage == SpaceUsage(sharedBytes: shared), "by the origin")
        await pool.stop()
        let report = try await pool.check()
        #expect(report.isClean, "\(report)")
        #expect(report.volumes.first { $0.id == clones[0] }?.space == SpaceUsage(sharedBytes: shared))
        try await pool.start()
        // One is never opened, of the other a snapshot is taken first.
        let second = SnapshotID.random()
        _ = try await pool.engine.createSnapshot(second, of: clones[0])
        try await expect(
            BlockDeviceClient(try await pool.engine.openSnapshot(second)), 1, at: 0, "a snapshot of an unopened clone")
        try await pool.engine.deleteVolume(clones[1])
        try await pool.engine.raiseEpoch(clones[0], to: 1)
        let cloned = try await pool.open(clones[0])
        try await expect(cloned, 1, at: 0, "opened")
        try await fill(cloned, 3, at: 0)
        try await cloned.flush()
        try await pool.restart()
        try await expect(try await pool.open(clones[0]), 3, at: 0, "opened again")
        await pool.stop()
        #expect(try await pool.check().isClean)
    }

    /// With a snapshot, a clone, and an origin that is only there for them.
    @Test func aGroupGoesWithItsSnapshotsAndHiddenOrigins() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let (id, device) = try await pool.volume(64 << 20)
        for number in 0..<8 { try await fill(device, UInt64(number), at: UInt64(number) << 20) }
        let snapshots = [SnapshotID.random(), .random()]
        for snapshot in snapshots {
            _ = try await pool.engine.createSnapshots([.init(id: snapshot, volume: id, annotation: "\(snapshot)")])
            try await fill(device, 9, at: 0)
        }
        let clone = VolumeID.random()
        _ = try await pool.engine.createVolume(
            clone, group: "g", sizeBytes: 64 << 20, annotation: "", content: .snapshot(snapshots[0]))
        try await pool.engine.closeVolume(id)
        try await pool.engine.deleteVolume(id)
        try await pool.engine.deleteSnapshot(snapshots[0])
        _ = try await pool.engine.openSnapshot(snapshots[1])
        await #expect(throws: Failure.self) { try await pool.engine.deleteGroup("g") }
        try await pool.engine.closeSnapshot(snapshots[1])
        await pool.stop()
        let found = try await pool.inventory().snapshots
        #expect(found.map(\.id) == snapshots.sorted() && found.allSatisfy { $0.volume == id && $0.group == "g" })
        #expect(found.first { $0.id == snapshots[0] }?.isDeleted == true)
        #expect(found.first { $0.id == snapshots[1] }?.annotation == "\(snapshots[1])")

        try await pool.start()
        try await pool.engine.retainGroup("g")
        #expect(try await pool.engine.snapshots().isEmpty)
        try await pool.engine.ensureGroup(pool.group)
        #expect(try await pool.engine.snapshots().map(\.id) == [snapshots[1]])
        try await pool.engine.deleteGroup("g")
        #expect(pool.slices().isEmpty)
        for path in pool.paths { #expect(!FileManager.default.fileExists(atPath: "\(path)/@g")) }
        try await pool.restart()
        #expect(try await pool.engine.snapshots().isEmpty)
        #expect(try await pool.engine.volumes().isEmpty)
        for snapshot in snapshots {
            await #expect(throws: Failure.self) {
                _ = try await pool.engine.createVolume(
                    .random(), group: "g", sizeBytes: 64 << 20, annotation: "", content: .snapshot(snapshot))
            }
        }
        await pool.stop()
        #expect(try await pool.inventory().snapshots.allSatisfy(\.isDeleted))
    }

    /// What holds a clone goes on to its origin; a cut of both must not hold the origin first.
    @Test func cutsAndDeletionsOfALineageEnd() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let engine = pool.engine!
        let origins = (0..<8).map { VolumeID(high: 1, low: UInt64($0)) }
        for (number, origin) in origins.enumerated() {
            let clone = VolumeID(high: 2, low: UInt64(number))
            _ = try await engine.createVolume(origin, group: "g", sizeBytes: 1 << 20)
            _ = try await engine.createVolume(
                clone, group: "g", sizeBytes: 1 << 20, annotation: "", content: .volume(origin))
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try? await engine.createSnapshots(
                        [origin, clone].map { SnapshotRequest(id: .random(), volume: $0) })
                }
                group.addTask { try? await engine.deleteVolume(clone) }
            }
        }
        await pool.stop()
    }

    @Test func rollingBackKeepsSnapshotsTakenSince() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let (id, device) = try await pool.volume(64 << 20)
        try await fill(device, 1, at: 0)
        let (old, newer) = (SnapshotID.random(), SnapshotID.random())
        _ = try await pool.engine.createSnapshot(old, of: id)
        try await fill(device, 2, at: 0)
        _ = try await pool.engine.createSnapshot(newer, of: id)
        try await fill(device, 3, at: 0)
        await #expect(throws: Failure.self) { _ = try await pool.engine.rollBackVolume(id, to: old) }
        try await pool.engine.closeVolume(id)
        _ = try await pool.engine.rollBackVolume(id, to: old)
        let back = try await pool.open(id)
        try await expect(back, 1, at: 0, "rolled back")
        try await pool.engine.closeVolume(id)
        _ = try await pool.engine.rollBackVolume(id, to: newer)
        try await pool.restart()
        try await expect(try await pool.open(id), 2, at: 0, "and forward again")
        await pool.stop()
    }

    @Test func deletedSnapshotsGiveTheirSpaceBack() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let (id, device) = try await pool.volume(256 << 20)
        var snapshots: [SnapshotID] = []
        for round in 0..<6 {
            for number in 0..<80 {
                try await fill(device, UInt64(round * 100 + number), at: UInt64(number * Self.part))
            }
            snapshots.append(.random())
            _ = try await pool.engine.createSnapshot(snapshots[round], of: id)
        }
        let full = try await pool.engine.volume(id).allocatedBytes
        for index in [2, 0, 4, 5, 1, 3] { try await pool.engine.deleteSnapshot(snapshots[index]) }
        var left = full
        for _ in 0..<200 where left > full / 2 {
            try await Task.sleep(for: .milliseconds(50))
            left = try await pool.engine.volume(id).allocatedBytes
        }
        #expect(left <= full / 2, "\(full) bytes with six snapshots, \(left) without")
        for number in 0..<80 {
            try await expect(device, UInt64(500 + number), at: UInt64(number * Self.part), "the volume")
        }
        await pool.stop()
    }

    /// A writer stamps numbers into three volumes in turn, each after the one before was answered: every cut must be a beginning.
    @Test func aCutIsOneMomentOfAllVolumes() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        var volumes: [(id: VolumeID, device: BlockDeviceClient)] = []
        for _ in 0..<3 { volumes.append(try await pool.volume(16 << 20)) }
        let targets = volumes
        let writer = Task {
            var number: UInt64 = 0
            while !Task.isCancelled {
                number += 1
                var page = [UInt8](repeating: 0, count: 4096)
                withUnsafeBytes(of: number) { page.replaceSubrange(0..<8, with: $0) }
                try await targets[Int(number % 3)].device.write(page, at: 0)
            }
        }
        var cuts: [[SnapshotID]] = []
        // On a busy machine a cut may take too long, which is said and leaves nothing.
        for _ in 0..<60 where cuts.count < 20 {
            let ids = volumes.map { _ in SnapshotID.random() }
            do throws(Failure) {
                _ = try await pool.engine.createSnapshots(
                    zip(ids, volumes).map { SnapshotRequest(id: $0, volume: $1.id) })
                cuts.append(ids)
            } catch { #expect(error.kind == .unavailable || error.kind == .timedOut, "\(error)") }
        }
        #expect(cuts.count == 20)
        writer.cancel()
        _ = await writer.result
        for cut in cuts {
            var stamps: [UInt64] = []
            for id in cut {
                let page = try await BlockDeviceClient(try await pool.engine.openSnapshot(id)).read(at: 0, length: 4096)
                stamps.append(page.withUnsafeBytes { $0.load(as: UInt64.self) })
            }
            // Of three numbers in turn the last ones are neighbours, but that one may be included which was not answered yet.
            let newest = stamps.max() ?? 0
            for (index, stamp) in stamps.enumerated() {
                let expected = (0..<3).map { newest &- UInt64($0) }.first { $0 % 3 == UInt64(index) } ?? 0
                #expect(newest < 3 || stamp == expected, "volume \(index) has \(stamp), the cut's newest is \(newest)")
            }
        }
        await pool.stop()
    }
}
