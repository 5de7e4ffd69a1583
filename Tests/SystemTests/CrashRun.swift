import Base
import CSIMessages
import Foundation
import Synchronization
import Testing

/// What an orchestrator and two pods know while `serve` is killed again and again.
///
/// After each start: what was answered is there, what was asked and not answered succeeds when repeated, the catalogue, the
/// engine and the mountpaths name the same volumes, and every flushed byte can be read.
final class CrashRun: Sendable {
    /// A name, as its last answer and the question that is open leave it.
    private enum Known: Sendable {
        case absent
        case creating
        case present(TestVolume)
        case expanding(TestVolume, to: Int64)
        case deleting(TestVolume)
    }

    private struct Pods: Sendable {
        var raw: TestVolume
        var tree: TestVolume
        var rawFile: CheckedFile
        var treeFile: CheckedFile
    }

    private struct State {
        var random: SeededRandom
        var names: [Known] = Array(repeating: .absent, count: nameCount)
        var pods: Pods?
        var scratchNumber = 0
        var callCount = 0
        var earlyKillCount = 0
    }

    private static let workerCount = 3
    private static let nameCount = 18
    private static let bytes: Int64 = 64 << 20
    /// 8 MiB each.
    private static let fileBlocks = 2_048

    private let host: Host
    private let seed: UInt64
    private let state: Mutex<State>

    init(_ host: Host, seed: UInt64) {
        self.host = host
        self.seed = seed
        state = Mutex(State(random: SeededRandom(seed: seed)))
    }

    var callCount: Int { state.withLock { $0.callCount } }
    var flushCount: Int { state.withLock { $0.pods.map { $0.rawFile.flushCount + $0.treeFile.flushCount } ?? 0 } }
    var summary: String {
        "\(callCount) calls, \(flushCount) flushes, \(state.withLock { $0.earlyKillCount }) kills before it was ready"
    }

    private func random(_ range: ClosedRange<Int>) -> Int {
        state.withLock { Int.random(in: range, using: &$0.random) }
    }

    // MARK: Rounds

    /// Start, check, work, kill.
    func round() async throws {
        let daemon = try host.start()
        let isEarly = random(1...5) == 1
        var killer: Task<Void, Never>?
        if isEarly {
            let delay = random(0...400)
            killer = Task {
                try? await Task.sleep(for: .milliseconds(delay))
                await daemon.kill()
            }
            state.withLock { $0.earlyKillCount += 1 }
        }
        do { try await session(daemon) } catch {
            // What fails because its server was killed is the point of it all; wrong bytes never are.
            if case .wrong? = error as? CheckedFile.Problem { throw error }
            guard daemon.isKilled else { throw error }
        }
        await killer?.value
        await daemon.kill()
    }

    private func session(_ daemon: Daemon) async throws {
        let csi = try await host.ready(daemon)
        try await expectSettled()
        let pods = try await bringUpPods(csi)
        try await check(pods)
        let delay = random(30...1_200)
        let writers = Writers([pods.rawFile, pods.treeFile])
        let killer = Task {
            try? await Task.sleep(for: .milliseconds(delay))
            await daemon.kill()
        }
        var failure: (any Error)?
        await withTaskGroup(of: (any Error)?.self) { group in
            for worker in 0..<Self.workerCount {
                group.addTask { await self.failing { while !daemon.isKilled { try await self.churn(worker, csi) } } }
            }
            group.addTask { await self.failing { while !daemon.isKilled { try await self.scratchLife(csi) } } }
            for await error in group where error != nil && !daemon.isKilled { failure = error }
        }
        await killer.value
        _ = await writers.stop()
        if let failure { throw failure }
    }

    private func failing(_ body: () async throws -> Void) async -> (any Error)? {
        do {
            try await body()
            return nil
        } catch { return error }
    }

    /// Everything goes, and nothing stays behind.
    func finish() async throws {
        let (daemon, csi) = try await host.serve()
        try await expectSettled()
        let pods = try await bringUpPods(csi)
        try await check(pods)
        for index in 0..<Self.nameCount { try await remove(index, csi) }
        try await scratchLife(csi)
        for volume in [pods.raw, pods.tree] {
            try await volume.takeDown(csi)
            try await volume.delete(csi)
        }
        let listed = try #require(try await host.json(["volume", "ls"]) as? [Any])
        #expect(listed.isEmpty)
        #expect(try await host.engine().volumes().isEmpty)
        #expect(host.volumeDirectories().isEmpty)
        #expect(try host.leftovers(volumes: [pods.raw.id, pods.tree.id]) == [])
        daemon.terminate()
        #expect(await daemon.exitCode(within: 20) == 0)
    }

    // MARK: Pods

    private func bringUpPods(_ csi: CSIClient) async throws -> Pods {
        var pods: Pods
        if let known = state.withLock({ $0.pods }) {
            pods = known
        } else {
            let raw = try await TestVolume.create("raw", .block, bytes: Self.bytes, on: host, csi)
            let tree = try await TestVolume.create("tree", .ext4, bytes: Self.bytes, on: host, csi)
            pods = Pods(
                raw: raw, tree: tree, rawFile: CheckedFile(path: raw.target, blockCount: Self.fileBlocks, seed: seed),
                treeFile: CheckedFile(path: tree.target + "/file", blockCount: Self.fileBlocks, seed: seed ^ 1))
            let made = pods
            state.withLock { $0.pods = made }
        }
        let before = (pods.raw.publishContext, pods.tree.publishContext)
        try await pods.raw.bringUp(csi)
        try await pods.tree.bringUp(csi)
        #expect(before.0.isEmpty || before.0 == pods.raw.publishContext)
        #expect(before.1.isEmpty || before.1 == pods.tree.publishContext)
        let up = pods
        state.withLock { $0.pods = up }
        return up
    }

    private func check(_ pods: Pods) async throws {
        try await offPool {
            try pods.rawFile.check()
            try pods.treeFile.check()
        }
    }

    // MARK: Calls

    /// One call on a name of this worker's: the open question again, else a new one.
    private func churn(_ worker: Int, _ csi: CSIClient) async throws {
        let share = Self.nameCount / Self.workerCount
        let index = worker * share + random(0...share - 1)
        switch state.withLock({ $0.names[index] }) {
        case .absent, .creating: try await create(index, csi)
        case .present(let volume):
            if random(0...1) == 0 {
                try await delete(index, volume, csi)
            } else {
                try await expand(index, volume, to: volume.sizeBytes + Int64(random(1...8)) << 20, csi)
            }
        case .expanding(let volume, let bytes): try await expand(index, volume, to: bytes, csi)
        case .deleting(let volume): try await delete(index, volume, csi)
        }
        state.withLock { $0.callCount += 1 }
    }

    private func know(_ index: Int, _ known: Known) { state.withLock { $0.names[index] = known } }

    private func create(_ index: Int, _ csi: CSIClient) async throws {
        know(index, .creating)
        know(index, .present(try await TestVolume.create("c-\(index)", .block, bytes: 16 << 20, on: host, csi)))
    }

    private func expand(_ index: Int, _ volume: TestVolume, to bytes: Int64, _ csi: CSIClient) async throws {
        know(index, .expanding(volume, to: bytes))
        var larger = volume
        larger.sizeBytes = try await volume.expand(csi, to: bytes).capacityBytes
        #expect(larger.sizeBytes == bytes)
        know(index, .present(larger))
    }

    private func delete(_ index: Int, _ volume: TestVolume, _ csi: CSIClient) async throws {
        know(index, .deleting(volume))
        try await volume.delete(csi)
        know(index, .absent)
    }

    private func remove(_ index: Int, _ csi: CSIClient) async throws {
        switch state.withLock({ $0.names[index] }) {
        case .absent: break
        case .creating:
            try await create(index, csi)
            try await remove(index, csi)
        case .present(let volume), .expanding(let volume, _), .deleting(let volume):
            try await delete(index, volume, csi)
        }
    }

    /// A volume that is made, written and deleted; after a kill the same one from the start.
    private func scratchLife(_ csi: CSIClient) async throws {
        let number = state.withLock { $0.scratchNumber }
        var volume = try await TestVolume.create("scratch-\(number)", .block, bytes: 16 << 20, on: host, csi)
        try await volume.bringUp(csi)
        let file = CheckedFile(path: volume.target, blockCount: 1_024, seed: UInt64(number))
        try await offPool { try file.write(flushes: 2) }
        try await volume.takeDown(csi)
        try await volume.delete(csi)
        state.withLock { state in
            state.scratchNumber += 1
            state.callCount += 8
        }
    }

    // MARK: Checks

    /// Catalogue, engine, mountpaths and what was answered agree.
    private func expectSettled() async throws {
        let listed = try #require(try await host.json(["volume", "ls"]) as? [[String: Any]])
        var sizes: [String: Int64] = [:]
        for entry in listed {
            let name = try #require(entry["name"] as? String)
            sizes[name] = try #require(entry["sizeBytes"] as? Int64)
            #expect(entry["phase"] as? String == "Ready", "\(entry)")
        }
        let ids = Set(listed.compactMap { $0["id"] as? String })
        let known = try await host.engine().volumes()
        #expect(Set(known.map(\.id.description)) == ids)
        for volume in known {
            let entry = listed.first { $0["id"] as? String == volume.id.description }
            #expect(entry?["sizeBytes"] as? UInt64 == volume.sizeBytes)
        }
        let stray = host.volumeDirectories().subtracting(ids)
        #expect(stray.isEmpty, "directories of volumes that are gone: \(stray)")
        for (index, known) in state.withLock({ $0.names }).enumerated() {
            let size = sizes["c-\(index)"]
            switch known {
            case .absent: #expect(size == nil, "c-\(index) came back")
            case .creating: break
            case .present(let volume): #expect(size == volume.sizeBytes, "c-\(index)")
            case .expanding(let volume, let bytes): #expect(size == volume.sizeBytes || size == bytes, "c-\(index)")
            case .deleting(let volume): #expect(size == nil || size == volume.sizeBytes, "c-\(index)")
            }
        }
    }
}
