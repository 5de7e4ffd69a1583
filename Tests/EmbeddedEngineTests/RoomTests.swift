import Base
import BlockDevice
import BlockDeviceTestSupport
import EmbeddedEngine
import Foundation
import Glibc
import SystemIO
import Testing
import VolumeEngine

/// Room that one gives up and another waits for: in the cache of a loop, on drives, in a group.
@Suite(.serialized) struct RoomTests {
    /// One volume has filled the cache that it shares and cannot be written; when it fails, who waits for room is told.
    @Test func aVolumeThatFailsLetsTheOthersOfItsLoopGoOn() async throws {
        let pool = try await FaultyPool(mountpaths: 2, k: 1, p: 1, mapCacheBytes: 256 << 10)
        let (first, one) = try await pool.volume(1 << 30)
        let (second, two) = try await pool.volume(64 << 20)
        pool.setFault { call, path in call == .write && path.contains("\(first)/%mt") ? ENOSPC : nil }
        // A leaf of the map each: more than the cache has room for.
        for number in 0..<100 { try await one.write(pattern(1, bytes: 4096), at: UInt64(number) << 20) }
        try await one.flush()
        let bytes = pattern(2, bytes: 4096)
        try await two.write(bytes, at: 0)
        _ = try await outcome(seconds: 2) { () throws(Failure) in try await two.flush() }
        // The next segment cannot be made, for no fault of a drive.
        pool.setFault { call, path in
            if call == .space { return EIO }
            return call == .write && path.contains("\(first)/%mt") ? ENOSPC : nil
        }
        let failed = try await outcome(seconds: 10) { () throws(Failure) in
            for number in 200..<240 { try await one.write(pattern(3, bytes: 1 << 20), at: UInt64(number) << 20) }
        }
        #expect(failed.map { !$0.isSuccess } == true, "\(String(describing: failed))")
        let engine = pool.engine!
        let closed = try await outcome(seconds: 10) { () throws(Failure) in try await engine.closeVolume(second) }
        #expect(closed?.isSuccess == true, "\(String(describing: closed))")
        guard closed != nil else { return }
        pool.setFault(nil)
        #expect(try await pool.open(second).read(at: 0, length: 4096) == bytes)
        await pool.engine.shutDown()
    }

    /// Segments on their way back are not taken for left over by who opens the volume next.
    @Test func segmentsOnTheirWayBackAreCountedOnce() async throws {
        let pool = try await FaultyPool(mountpaths: 1, k: 1, p: 0)
        let (id, client) = try await pool.volume(64 << 20)
        let part = pattern(1, bytes: 1 << 20)
        for number in 0..<24 { try await client.write(part, at: UInt64(number) << 20) }
        try await client.flush()
        try await client.discard(at: 0, length: 16 << 20)
        try await client.flush()
        pool.setFault { call, path in
            if call == .rename, path.contains("/%sg/") { usleep(200_000) }
            return nil
        }
        try await pool.engine.closeVolume(id)
        pool.setFault(nil)
        let again = try await pool.open(id)
        #expect(try await again.read(at: 20 << 20, length: part.count) == part)
        try await pool.engine.closeVolume(id)
        let used = try await pool.engine.capacity(ofGroup: "g").usedBytes
        #expect(used == UInt64(pool.slices().count) * (4 << 20))
        #expect(used > 0 && used < 24 << 20)
        await pool.engine.shutDown()
    }

    /// Slices that are kept for one group are room for another, and do not let it into what maps and headers need.
    @Test func recycledSlicesOfAnotherSizeAreUsedBeforeTheReserve() async throws {
        let pool = try await FaultyPool(mountpaths: 1, k: 1, p: 0)
        let total: UInt64 = 256 << 20
        pool.disks[0].totalBytes.store(total, ordering: .relaxed)
        try await pool.engine.ensureGroup(
            GroupSpecification(
                label: "large", dataColumns: 1, parityColumns: 0, media: [], sliceBytes: 16 << 20, capacityBytes: nil))
        let large = VolumeID.random()
        _ = try await pool.engine.createVolume(large, group: "large", sizeBytes: 128 << 20)
        try await pool.engine.raiseEpoch(large, to: 1)
        let device = try await pool.open(large)
        let part = pattern(1, bytes: 1 << 20)
        for number in 0..<96 { try await device.write(part, at: UInt64(number) << 20) }
        try await pool.engine.closeVolume(large)
        try await pool.engine.deleteVolume(large)

        let (id, client) = try await pool.volume(200 << 20)
        // So short that segments are filled to their ends: else there were something to clean, and moves may have half of the reserve.
        let short = Array(part[0..<(128 << 10)])
        var written = 0
        do throws(Failure) {
            while written < 1600 {
                try await client.write(short, at: UInt64(written) << 17)
                written += 1
            }
        } catch { #expect(error.errorNumber == ENOSPC, "\(error)") }
        #expect(written > 1200, "\(written) writes of 128 KiB")
        let free = try pool.disks[0].space().freeBytes
        #expect(free >= (32 << 20) + total / 32, "\(free) bytes are left for maps and headers")
        try await pool.engine.closeVolume(id)
        await pool.engine.shutDown()
    }
}
