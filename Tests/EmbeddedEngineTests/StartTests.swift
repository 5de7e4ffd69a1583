import Base
import BlockDevice
import BlockDeviceTestSupport
import EmbeddedEngine
import Foundation
import Glibc
import SystemIO
import Testing
import VolumeEngine

/// What a start believes, and what it does before others are told.
@Suite(.serialized) struct StartTests {
    private func poolFile(_ pool: FaultyPool, _ member: String) -> URL {
        URL(fileURLWithPath: "\(pool.directory)/\(member)/.ashlar/pool.json")
    }

    /// Waits until the watch has noticed.
    private func expectOut(_ pool: FaultyPool, _ disks: [Int]) async throws {
        for _ in 0..<80 {
            let active = try await pool.areActive()
            if disks.allSatisfy({ !active[$0] }) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("\(disks) are still active")
    }

    /// A snapshot whose header was written and not synced when the engine was killed is answered by the next engine: it must be durable then.
    @Test func headersThatWereReadAreSynced() async throws {
        let pool = try await FaultyPool(mountpaths: 3, k: 1, p: 1)
        _ = try await pool.volume(16 << 20)
        await pool.engine.shutDown()
        // As every start leaves them: the next has nothing to change.
        try await pool.start()
        try pool.copy()
        await pool.engine.shutDown()
        try pool.restore()
        let seen = Mutexed<[[String]]>(pool.disks.map { _ in [] })
        for (index, disk) in pool.disks.enumerated() {
            disk.fault.withLock {
                $0 = { call, path in
                    if call == .synchronize || call == .synchronizeDirectory || call == .replaceFile {
                        seen.value.withLock { $0[index].append("\(call) \(path)") }
                    }
                    return nil
                }
            }
        }
        try await pool.start()
        for calls in seen.value.withLock({ $0 }) {
            #expect(!calls.contains("replaceFile .ashlar/headers"))
            #expect(calls.contains("synchronize .ashlar/headers"), "\(calls)")
            #expect(calls.contains("synchronizeDirectory .ashlar"), "\(calls)")
        }
        await pool.engine.shutDown()
    }

    /// A frame that was written on all homes and synced on some when the engine was killed: what is overwritten next was part of the one before.
    @Test func checkpointsThatWereReadAreSynced() async throws {
        let pool = try await FaultyPool(mountpaths: 3, k: 1, p: 1)
        let (id, client) = try await pool.volume(16 << 20)
        try await client.write(pattern(1, bytes: 65536), at: 0)
        try await pool.engine.closeVolume(id)
        let copies = pool.files().filter { $0.contains("/%mt/checkpoint.") }
        #expect(copies.count == 2)
        let seen = Mutexed<[String]>([])
        for (index, disk) in pool.disks.enumerated() {
            disk.fault.withLock {
                $0 = { call, path in
                    if call == .synchronize || call == .synchronizeDirectory {
                        seen.value.withLock { $0.append("\(call) d\(index)/\(path)") }
                    }
                    return nil
                }
            }
        }
        _ = try await pool.open(id)
        let calls = seen.value.withLock { $0 }
        for copy in copies {
            let file = calls.firstIndex(of: "synchronize \(copy)")
            let nodes = (copy as NSString).deletingLastPathComponent
            let directory = calls.firstIndex(of: "synchronizeDirectory \(nodes)")
            #expect(file != nil && directory != nil, "\(copy): \(calls)")
        }
        await pool.engine.shutDown()
    }

    /// The engine was killed when one member had the version that names another out: that one version counts, and soon on all of them.
    @Test func aMembershipThatOneMemberHasIsPublishedBeforeAnythingIsServed() async throws {
        let pool = try await FaultyPool(mountpaths: 3, k: 1, p: 2)
        let (id, client) = try await pool.volume(16 << 20)
        let old = try Data(contentsOf: poolFile(pool, "d2"))
        let oldLedger = try Data(contentsOf: poolFile(pool, "state"))
        pool.disks[0].isGone.store(true, ordering: .relaxed)
        try await expectOut(pool, [0])
        let bytes = pattern(1, bytes: 65536)
        try await client.write(bytes, at: 0)
        await pool.engine.shutDown()
        pool.disks[0].isGone.store(false, ordering: .relaxed)
        try old.write(to: poolFile(pool, "d2"))
        try oldLedger.write(to: poolFile(pool, "state"))
        try await pool.start()
        #expect(try await pool.areActive() == [false, true, true])
        for member in ["d2", "state"] {
            let out = VolumeHarness.outPaths(inPoolFile: [UInt8](try Data(contentsOf: poolFile(pool, member))))
            #expect(out == ["\(pool.directory)/d0"], "\(member)")
        }
        await pool.engine.shutDown()
        // Without the one that had it, and with a ledger that was lost.
        try FileManager.default.removeItem(at: poolFile(pool, "state"))
        pool.setFault(on: 1..<2) { call, path in path.hasSuffix("pool.json") ? EIO : nil }
        try await pool.start()
        #expect(try await pool.areActive() == [false, false, true])
        #expect(try await pool.open(id).read(at: 0, length: 65536) == bytes)
        await pool.engine.shutDown()
    }

    /// A version that only one member got before all went down names others out; meanwhile the others went on without it.
    @Test func aMemberThatIsOutIsNotBelievedOfTheOthers() async throws {
        let pool = try await FaultyPool(mountpaths: 4, k: 1, p: 2)
        let (id, _) = try await pool.volume(16 << 20)
        try await pool.engine.closeVolume(id)
        await pool.engine.shutDown()
        try pool.copy()
        try await pool.start()
        for disk in [0, 2] {
            pool.disks[disk].isGone.store(true, ordering: .relaxed)
            try await expectOut(pool, [disk])
        }
        await pool.engine.shutDown()
        let other = try Data(contentsOf: poolFile(pool, "d1"))
        try pool.restore()
        try await pool.start()
        pool.disks[1].isGone.store(true, ordering: .relaxed)
        try await expectOut(pool, [1])
        let bytes = pattern(1, bytes: 65536)
        let client = try await pool.open(id)
        try await client.write(bytes, at: 0)
        await pool.engine.shutDown()
        try other.write(to: poolFile(pool, "d1"))
        pool.disks[1].isGone.store(false, ordering: .relaxed)
        try await pool.start()
        #expect(try await pool.areActive() == [true, false, true, true])
        #expect(try await pool.open(id).read(at: 0, length: 65536) == bytes)
        await pool.engine.shutDown()
    }

    /// A header that one full drive refused is on no other either, then or after a start.
    @Test func aDeletionThatWasRefusedDoesNotComeTrue() async throws {
        let pool = try await FaultyPool(mountpaths: 3, k: 1, p: 1)
        let (id, client) = try await pool.volume(16 << 20)
        let bytes = pattern(1, bytes: 65536)
        try await client.write(bytes, at: 0)
        try await pool.engine.closeVolume(id)
        pool.setFault(on: 1..<2) { call, path in call == .write && path == ".ashlar/headers" ? ENOSPC : nil }
        let refused = await #expect(throws: Failure.self) { try await pool.engine.deleteVolume(id) }
        #expect(refused?.kind == .exhausted)
        pool.setFault(nil)
        #expect(try await pool.areActive().allSatisfy { $0 })
        await pool.engine.shutDown()
        try await pool.start()
        #expect(try await pool.engine.volumes().map(\.id) == [id])
        #expect(try await pool.open(id).read(at: 0, length: 65536) == bytes)
        await pool.engine.shutDown()
    }

    /// Losing as many drives as there are parity columns must not be seen, at a start either.
    @Test(arguments: [
        (DiskCall.readFile, ".ashlar/headers"), (.exists, ".ashlar/headers"), (.list, "@g"), (.list, "."),
        (.list, ".ashlar/free"), (.list, "%sg"),
    ])
    func oneBadFileDoesNotKeepTheEngineFromStarting(_ bad: DiskCall, _ part: String) async throws {
        let pool = try await FaultyPool(mountpaths: 3, k: 1, p: 1)
        let (id, client) = try await pool.volume(16 << 20)
        let bytes = pattern(1, bytes: 65536)
        try await client.write(bytes, at: 0)
        // Placement goes by lot: with so many each mountpath has slices.
        for _ in 0..<8 { try await pool.volume(16 << 20).1.write(bytes, at: 0) }
        await pool.engine.shutDown()
        pool.setFault(on: 1..<2) { call, path in call == bad && path.hasSuffix(part) ? EIO : nil }
        try await pool.start()
        #expect(try await pool.areActive() == [true, false, true])
        #expect(try await pool.open(id).read(at: 0, length: 65536) == bytes)
        await pool.engine.shutDown()
        // As many as can be borne, and no more.
        pool.setFault { call, path in call == bad && path.hasSuffix(part) ? EIO : nil }
        await #expect(throws: Failure.self) { try await pool.start() }
    }
}
