import Base
import BlockDevice
import BlockDeviceTestSupport
import EmbeddedEngine
import Foundation
import Glibc
import SystemIO
import Testing
import VolumeEngine

/// Calls that fail for a moment, for want of descriptors or because a drive goes: nothing is lost by it, and no healthy drive is taken out.
@Suite(.serialized) struct ShortageTests {
    private static let parts = 12
    private static let partBytes = 64 << 10

    /// Scattered, so that the map has many leaves.
    private func fill(_ client: BlockDeviceClient, seed: UInt64) async throws {
        for part in 0..<Self.parts {
            try await client.write(
                pattern(seed + UInt64(part), bytes: Self.partBytes), at: UInt64(part) * (2 << 20))
        }
        try await client.flush()
    }

    private func expect(_ client: BlockDeviceClient, seed: UInt64) async throws {
        for part in 0..<Self.parts {
            let read = try? await client.read(at: UInt64(part) * (2 << 20), length: Self.partBytes)
            #expect(read == pattern(seed + UInt64(part), bytes: Self.partBytes), "part \(part)")
        }
    }

    /// EMFILE is the process's: of all copies at once. EIO is of the one copy that a volume without parity has.
    @Test(arguments: [(3, 1, EMFILE), (3, 2, ENFILE), (1, 0, EIO), (2, 0, EMFILE)])
    func nodesThatCannotBeOpenedForAMomentAreKept(mountpaths: Int, p: Int, number: Int32) async throws {
        let pool = try await FaultyPool(mountpaths: mountpaths, k: 1, p: p)
        let (id, client) = try await pool.volume(64 << 20)
        try await fill(client, seed: 1)
        try await pool.engine.closeVolume(id)
        pool.setFault { call, path in call == .openSlice && path.hasSuffix("/nodes") ? number : nil }
        await #expect(throws: Failure.self) { _ = try await pool.open(id) }
        pool.setFault(nil)
        #expect(try await pool.areActive().allSatisfy { $0 })
        try await expect(try await pool.open(id), seed: 1)
        await pool.engine.shutDown()
    }

    /// What a home lacks is copied from a full copy, not from what some other drive has under that name.
    @Test func newHomesAreNotMadeOfStaleNodes() async throws {
        let pool = try await FaultyPool(mountpaths: 4, k: 1, p: 1)
        var (id, client) = try await pool.volume(64 << 20)
        for _ in 0..<64 where pool.homes(of: id).contains(0) { (id, client) = try await pool.volume(64 << 20) }
        let homes = pool.homes(of: id)
        #expect(homes.count == 2 && !homes.contains(0))
        try await fill(client, seed: 1)
        await pool.engine.shutDown()
        let kept = pool.nodes(of: id, on: homes[1])
        let bytes = try Data(contentsOf: URL(fileURLWithPath: kept))
        let stale = pool.nodes(of: id, on: 0)
        try FileManager.default.createDirectory(
            atPath: (stale as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(count: bytes.count).write(to: URL(fileURLWithPath: stale))
        // One home goes, and another is made.
        pool.setFault(on: homes[0]..<homes[0] + 1) { call, path in
            path.hasSuffix("%mt") || path.contains("/%mt/") ? EIO : nil
        }
        try await pool.start()
        try await expect(try await pool.open(id), seed: 1)
        await pool.engine.shutDown()
        let others = pool.homes(of: id).filter { $0 != homes[0] && $0 != homes[1] }
        #expect(others.count == 1)
        // The old one is damaged: of two full copies one is left.
        try Data(count: bytes.count).write(to: URL(fileURLWithPath: kept))
        pool.setFault(nil)
        try await pool.start()
        try await expect(try await pool.open(id), seed: 1)
        await pool.engine.shutDown()
    }

    @Test func tooFewDescriptorsTakeNoDriveOut() async throws {
        let pool = try await FaultyPool(mountpaths: 4, k: 1, p: 2)
        let (id, client) = try await pool.volume(64 << 20)
        try await fill(client, seed: 1)
        try await pool.engine.closeVolume(id)
        // Slices cannot be listed.
        pool.setFault { call, path in call == .list && path.hasSuffix("%sg") ? EMFILE : nil }
        await #expect(throws: Failure.self) { _ = try await pool.open(id) }
        #expect(try await pool.areActive().allSatisfy { $0 })
        // What an older map left cannot be listed: the second look at the directory.
        let looks = Mutexed(0)
        pool.setFault { call, path in
            guard call == .list, path.hasSuffix("%mt") else { return nil }
            return looks.value.withLock {
                $0 += 1
                return $0 > 4 ? EMFILE : nil
            }
        }
        let again = try await pool.open(id)
        #expect(looks.value.withLock { $0 } > 4)
        #expect(try await pool.areActive().allSatisfy { $0 })
        pool.setFault(nil)
        try await expect(again, seed: 1)
        await pool.engine.shutDown()
    }

    /// A drive that is pulled answers ENODEV; one that was unmounted by force lacks its directories.
    @Test(arguments: [(ENODEV, false), (ENXIO, false), (ENOENT, true)])
    func aDriveThatGoesDuringACheckpointIsTakenOut(number: Int32, isGone: Bool) async throws {
        let pool = try await FaultyPool(mountpaths: 3, k: 1, p: 1)
        let (id, client) = try await pool.volume(64 << 20)
        try await fill(client, seed: 1)
        let home = pool.homes(of: id)[0]
        pool.disks[home].isGone.store(isGone, ordering: .relaxed)
        pool.setFault(on: home..<home + 1) { call, path in
            path.contains("%mt") && [.write, .synchronize, .openLog].contains(call) ? number : nil
        }
        try await pool.engine.closeVolume(id)
        #expect(try await pool.areActive()[home] == false)
        try await expect(try await pool.open(id), seed: 1)
        await pool.engine.shutDown()
    }

    /// Killed with flushed records in a segment that no checkpoint knows; at the next start its slices cannot be read for a moment.
    @Test(arguments: [(2, EMFILE, 3), (1, EIO, 2), (0, EIO, 1)])
    func aSegmentThatCannotBeReadForAMomentIsKept(p: Int, number: Int32, mountpaths: Int) async throws {
        let pool = try await FaultyPool(mountpaths: mountpaths, k: 1, p: p)
        let (id, client) = try await pool.volume(64 << 20)
        let bytes = pattern(1, bytes: 1 << 20)
        try await client.write(bytes, at: 0)
        try await client.flush()
        try pool.copy()
        await pool.engine.shutDown()
        try pool.restore()
        try await pool.start()
        pool.setFault { call, path in call == .openSlice && path.contains("/%sg/") ? number : nil }
        await #expect(throws: Failure.self) { _ = try await pool.open(id) }
        pool.setFault(nil)
        let again = try await pool.open(id)
        #expect(try await again.read(at: 0, length: bytes.count) == bytes)
        await pool.engine.shutDown()
    }

    /// Neither lost nor an error: the read waits until there is a descriptor, or until another block can be read.
    @Test(arguments: [false, true])
    func aSliceThatCannotBeOpenedForAMomentIsWaitedFor(isRebuilt: Bool) async throws {
        let pool = try await FaultyPool(mountpaths: 3, k: 1, p: 2)
        let (id, client) = try await pool.volume(64 << 20)
        try await fill(client, seed: 1)
        try await pool.engine.closeVolume(id)
        let again = try await pool.open(id)
        let healthy = try await pool.engine.volume(id).healthReason
        let calls = Mutexed(0)
        pool.setFault { call, path in
            guard call == .openSlice, path.contains("/%sg/") else { return nil }
            return calls.value.withLock {
                $0 += 1
                // The first one is the read's own; then a rebuild opens them all.
                if isRebuilt, $0 == 1 { return EIO }
                return $0 < 20 ? EMFILE : nil
            }
        }
        try await expect(again, seed: 1)
        #expect(calls.value.withLock { $0 } >= 20)
        #expect(try await pool.engine.volume(id).healthReason == healthy)
        #expect(try await pool.areActive().allSatisfy { $0 })
        await pool.engine.shutDown()
    }

    /// Who took a mountpath out cannot be written down, since another one is full: nothing is answered, and nothing ends.
    @Test func aMountpathThatCannotBeTakenOutForAMomentIsWaitedFor() async throws {
        let pool = try await FaultyPool(mountpaths: 3, k: 1, p: 2)
        let (_, client) = try await pool.volume(64 << 20)
        try await fill(client, seed: 1)
        let refusals = Mutexed(0)
        pool.setFault(on: 0..<3) { call, path in
            guard call == .replaceFile, path.hasSuffix("pool.json") else { return nil }
            refusals.value.withLock { $0 += 1 }
            return ENOSPC
        }
        pool.disks[0].isBroken.store(true, ordering: .relaxed)
        let writing = Task { try await fill(client, seed: 40) }
        for _ in 0..<400 where refusals.value.withLock({ $0 }) < 3 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(refusals.value.withLock { $0 } >= 3)
        #expect(try await pool.areActive().allSatisfy { $0 })
        pool.setFault(nil)
        try await writing.value
        #expect(try await pool.areActive() == [false, true, true])
        try await expect(client, seed: 40)
        await pool.engine.shutDown()
    }
}
