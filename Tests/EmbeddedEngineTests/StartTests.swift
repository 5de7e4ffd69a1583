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
}
