import Base
import CSIMessages
import Foundation
import Synchronization
import SystemIO
import Testing
import VolumeEngine

/// A raw, an ext4 and an xfs volume under checked writers, fio and changes of names, while a fault strikes again and again.
///
/// After each: every mountpath is a member, every volume is ready, every flushed block is there, each block is one whole write (old or
/// new where it was not flushed), what is there of the raw volume's unflushed writes is a beginning of them, and from time to time the
/// filesystems are checked. Snapshots and clones of the raw and the ext4 volume come and go meanwhile: see `KeptCopies`.
final class VerifiedRun: Sendable {
    enum Fault: Sendable {
        /// kill -9 of `serve`.
        case kill
        /// Power goes on all drives, the state directory's too; then kill -9. The modes take turns. Every second time the worker was killed
        /// just before: the next one believes nothing that was not synced, whatever it read.
        case powerLoss([CutMode])
    }

    private struct Pod: Sendable {
        var volume: TestVolume
        let file: CheckedFile
        let fio: [FioFile]
    }

    private struct State {
        var random: SeededRandom
        var pods: [Pod] = []
        var roundCount = 0
        var earlyCount = 0
        var workerKillCount = 0
        var cuts: [String: Int] = [:]
        var hasStruck = false
    }

    private static let treeBytes: Int64 = 400 << 20
    private static let rawBytes: Int64 = 64 << 20
    /// 4 MiB; then 8 MiB of small writes with syncs, and 16 MiB of large ones without.
    private static let fileBlocks = 1_024
    private static let syncedBytes = 8 << 20
    private static let unsyncedBytes = 16 << 20
    /// Rounds between two checks of the filesystems after power loss: unmounting and mounting makes durable what recovery left open.
    private static let powerLossesPerCheck = 4
    private static let roundsPerLook = 2

    private let host: Host
    private let fault: Fault
    private let seed: UInt64
    private let state: Mutex<State>
    let copies: KeptCopies

    init(_ host: Host, _ fault: Fault, seed: UInt64) {
        self.host = host
        self.fault = fault
        self.seed = seed
        state = Mutex(State(random: SeededRandom(seed: seed)))
        copies = KeptCopies(host, seed: seed &+ 1)
    }

    /// So many of the mountpaths, by chance.
    func choose(_ count: Int) -> [Int] {
        state.withLock { Array(host.mountpaths.indices.shuffled(using: &$0.random).prefix(count)) }
    }

    var flushCount: Int { state.withLock { $0.pods.reduce(0) { $0 + $1.file.flushCount } } }
    var summary: String {
        let copies = copies.summary
        return state.withLock { state in
            let cuts = state.cuts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            return
                "\(state.roundCount) rounds (\(state.earlyCount) struck during start, \(state.workerKillCount) after a worker's death), "
                + "\(state.pods.reduce(0) { $0 + $1.file.flushCount }) flushes, \(copies)"
                + (cuts.isEmpty ? "" : "; of what was unsynced: \(cuts)")
        }
    }

    private func random(_ range: ClosedRange<Int>) -> Int {
        state.withLock { Int.random(in: range, using: &$0.random) }
    }

    // MARK: Rounds

    /// Makes the volumes and fills them, before the first fault.
    func prepare() async throws {
        let (daemon, csi) = try await host.serve()
        var pods: [Pod] = []
        for (index, content) in [Content.block, .ext4, .xfs].enumerated() {
            let bytes = content == .block ? Self.rawBytes : Self.treeBytes
            var volume = try await TestVolume.create("\(content)", content, bytes: bytes, on: host, csi)
            try await volume.bringUp(csi)
            let pod = pod(volume, seed: seed ^ UInt64(index))
            try await FioFile.fill(pod.fio, host)
            try await offPool { try pod.file.write(flushes: 20) }
            if content != .block { try await host.shell("sync -f \(volume.target)") }
            pods.append(pod)
        }
        let made = pods
        state.withLock { $0.pods = made }
        for pod in pods { try await pod.volume.takeDown(csi) }
        daemon.terminate()
        guard await daemon.exitCode(within: 20) == 0 else { throw Failure(.internal, "serve did not end well") }
    }

    /// Of which copies are made. A copy of an xfs cannot be mounted beside its origin: they have one UUID.
    private var origins: [KeptCopies.Origin] {
        state.withLock { $0.pods }.filter { $0.volume.content != .xfs }.map {
            .init(
                volume: $0.volume, file: $0.file,
                others: $0.volume.content == .block ? [] : ["synced", "unsynced"])
        }
    }

    private func pod(_ volume: TestVolume, seed: UInt64) -> Pod {
        let isRaw = volume.content == .block
        func path(_ name: String) -> String { volume.target + (isRaw ? "" : "/\(name)") }
        return Pod(
            volume: volume,
            file: CheckedFile(path: path("file"), blockCount: Self.fileBlocks, seed: seed, isOrdered: isRaw),
            fio: [
                FioFile(path: path("synced"), offsetBytes: isRaw ? 8 << 20 : 0, bytes: Self.syncedBytes),
                FioFile(
                    path: path("unsynced"), offsetBytes: isRaw ? 16 << 20 : 0, bytes: Self.unsyncedBytes,
                    requestBytes: 64 << 10, writesPerSync: 0),
            ])
    }

    /// Start, check, work, fault; of the drives, `lost` do not come back.
    func round(losing lost: [Int] = []) async throws {
        let number = state.withLock { state in
            state.hasStruck = false
            state.roundCount += 1
            return state.roundCount
        }
        let daemon = try host.start()
        var early: Task<Void, any Error>?
        if random(1...5) == 1 {
            let delay = random(0...1_000)
            early = Task { [self] in
                try await Task.sleep(for: .milliseconds(delay))
                try await strike(daemon, number)
            }
            state.withLock { $0.earlyCount += 1 }
        }
        do { try await session(daemon, number, isEarly: early != nil) } catch {
            // What fails because its server or drives are gone is the point of it all; wrong bytes never are.
            if case .wrong? = error as? CheckedFile.Problem { throw error }
            guard state.withLock({ $0.hasStruck }) else { throw error }
        }
        try await early?.value
        await daemon.kill()
        try await afterFault(losing: lost)
    }

    private func session(_ daemon: Daemon, _ number: Int, isEarly: Bool) async throws {
        let csi = try await host.ready(daemon)
        try await expectMembers()
        try await bringUp(csi)
        try await check()
        let origins = self.origins
        try await copies.settle(origins, csi)
        if number % Self.roundsPerLook == 0 { try await copies.lookAtOne(origins, csi) }
        // Nobody writes: this one holds exactly what was found.
        if random(1...2) == 1 { try await copies.takeSnapshot(of: random(0...origins.count - 1), origins) }
        if mustCheckFilesystems(number) {
            try await checkFilesystems(csi)
            try await bringUp(csi)
        }
        if isEarly { return }
        let delay = random(20...900)
        let pods = state.withLock { $0.pods }
        let writers = Writers(pods.map(\.file))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [host, seed] in
                await FioFile.write(pods.flatMap(\.fio), host, seed: seed &+ UInt64(number), seconds: 20)
            }
            for pod in pods {
                if pod.volume.content != .block { group.addTask { await self.shuffle(pod.volume, number) } }
            }
            group.addTask { [copies] in await copies.work(origins, csi) }
            group.addTask {
                try await Task.sleep(for: .milliseconds(delay))
                try await self.strike(daemon, number)
            }
            try await group.waitForAll()
        }
        for problem in await writers.end() { if case .wrong? = problem, let problem { throw problem } }
    }

    /// Names come, move and go until I/O fails.
    private func shuffle(_ volume: TestVolume, _ number: Int) async {
        _ = try? await host.shell(
            """
            cd \(volume.target)
            for n in 1 2 3 4 5 6 7 8 9; do
                rm -rf linux$((n % 3)) moved$n; cp -r /usr/include/scsi linux$((n % 3)); sync -f .
                mv linux$((n % 3)) moved$n; truncate -s 5000 moved$n/*.h; mkdir linux$((n % 3)); echo \(number) > round
            done
            """, secondsMax: 30)
    }

    // MARK: Faults

    private func strike(_ daemon: Daemon, _ number: Int) async throws {
        // The process lives on for a moment with drives that are dead, or they die behind it.
        let (gap, isProcessFirst) = (random(0...40), random(1...4) == 1)
        state.withLock { $0.hasStruck = true }
        guard case .powerLoss(let modes) = fault else { return await daemon.kill() }
        // Or it is replaced, and the next one has just begun to serve.
        if random(1...2) == 1 { try await killWorker(daemon) }
        if isProcessFirst { await daemon.kill() }
        let seed = state.withLock { $0.random.next() }
        let outcome = try await host.volatileDrives.cut(modes[number % modes.count], seed: seed)
        count(outcome)
        if !isProcessFirst { try await Task.sleep(for: .milliseconds(gap)) }
        await daemon.kill()
        // What is in memory only goes with the power.
        try? FileManager.default.removeItem(atPath: "\(host.directory)/run/rings")
    }

    private func killWorker(_ daemon: Daemon) async throws {
        let worker = daemon.worker
        guard worker != daemon.pid, kill(worker, SIGKILL) == 0 else { return }
        state.withLock { $0.workerKillCount += 1 }
        try await Task.sleep(for: .milliseconds(random(0...1) == 0 ? random(0...30) : random(100...800)))
    }

    /// `kept 3 lost 5 …`
    private func count(_ outcome: String) {
        let words = outcome.split(separator: " ")
        state.withLock { state in
            for index in stride(from: 0, to: words.count - 1, by: 2) {
                state.cuts[String(words[index]), default: 0] += Int(words[index + 1]) ?? 0
            }
        }
    }

    private func afterFault(losing lost: [Int]) async throws {
        guard case .powerLoss = fault else { return }
        try await host.volatileDrives.restore(losing: lost)
        // The run directory is a tmpfs: nothing of it outlives the machine.
        try await host.shell("find \(host.directory)/run -xdev -type f -delete 2>/dev/null || true")
    }

    // MARK: Checks

    private func expectMembers(without lost: [Int] = []) async throws {
        let mountpaths = try await host.engine().poolStatus().mountpaths
        let states = mountpaths.map { "\($0.path): \($0.state) \($0.reason)" }
        let remaining = Set(host.mountpaths.indices.filter { !lost.contains($0) }.map { host.mountpaths[$0] })
        guard Set(mountpaths.filter { $0.state == .active }.map(\.path)) == remaining else {
            throw Failure(.internal, "a mountpath that did not fail is no member: \(states)")
        }
        let listed = try #require(try await host.json(["volume", "ls"]) as? [[String: Any]])
        let phase = lost.isEmpty ? "Ready" : "Degraded"
        let names = state.withLock { $0.pods.map(\.volume.name) }
        let pods = listed.filter { names.contains($0["name"] as? String ?? "") }
        guard pods.count == names.count, pods.allSatisfy({ $0["phase"] as? String == phase }) else {
            throw Failure(.internal, "volumes are not as they were: \(listed)")
        }
    }

    private func bringUp(_ csi: CSIClient) async throws {
        var pods = state.withLock { $0.pods }
        for index in pods.indices { try await pods[index].volume.bringUp(csi) }
        let up = pods
        state.withLock { $0.pods = up }
    }

    private func check() async throws {
        let pods = state.withLock { $0.pods }
        for pod in pods { _ = try await offPool { try pod.file.check() } }
        try await FioFile.verify(pods.flatMap(\.fio), host)
    }

    private func mustCheckFilesystems(_ number: Int) -> Bool {
        if case .powerLoss = fault { return number % Self.powerLossesPerCheck == 0 }
        return true
    }

    private func checkFilesystems(_ csi: CSIClient) async throws {
        for pod in state.withLock({ $0.pods }) where pod.volume.content != .block {
            try await pod.volume.nodeUnpublish(csi)
            try await pod.volume.checkFilesystem(host)
            try await pod.volume.unstage(csi)
        }
    }

    /// One more start and check, and an orderly end. `lost`: drives that are gone.
    func finish(without lost: [Int] = []) async throws {
        let (daemon, csi) = try await host.serve()
        try await expectMembers(without: lost)
        try await bringUp(csi)
        try await check()
        try await checkFilesystems(csi)
        try await copies.finish(origins, csi)
        for var pod in state.withLock({ $0.pods }) {
            try await pod.volume.bringUp(csi)
            try await pod.volume.takeDown(csi)
            try await pod.volume.delete(csi)
        }
        // Space is given back in the background.
        for _ in 0..<400 where lost.isEmpty && !host.volumeDirectories().isEmpty {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(!lost.isEmpty || host.volumeDirectories().isEmpty)
        daemon.terminate()
        #expect(await daemon.exitCode(within: 20) == 0)
    }
}

extension TestVolume {
    /// Unmounts behind the driver's back, with the device still there, and lets the filesystem's own tool look at it.
    func checkFilesystem(_ host: Host) async throws {
        guard let volume = VolumeID(id), let device = try LoopDevice.serving(volume).first?.path else {
            throw Failure(.notFound, "no device of volume \(name)")
        }
        try await host.shell("umount \(staging)")
        let tool = content == .ext4 ? "e2fsck -fn" : "xfs_repair -n"
        do { try await host.shell("\(tool) \(device) 2>&1") } catch {
            throw CheckedFile.Problem.wrong("\(tool) of \(name): \(error)")
        }
    }
}
