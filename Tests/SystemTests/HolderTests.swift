import Base
import CSIMessages
import Filesystems
import Foundation
import Glibc
import SystemIO
import Testing

extension SystemTests {
    /// Holder and worker: either may die, the worker may be replaced, and what is wrong with the configuration is told once.
    @Suite struct HolderTests {
        /// A file that a writer flushes and checks, on a mounted volume, through `body`.
        private func withVolume(
            _ body: (Host, Daemon, CSIClient, TestVolume) async throws -> Void
        ) async throws {
            try await Host.with { host in
                let (daemon, csi) = try await host.serve()
                var volume = try await TestVolume.create("tree", .ext4, bytes: 64 << 20, on: host, csi)
                try await volume.bringUp(csi)
                try await host.shell("echo before > \(volume.target)/before && sync -f \(volume.target)")
                try await body(host, daemon, csi, volume)
            }
        }

        private func status(_ host: Host) async throws -> [String: Any] {
            try #require(try await host.json(["engine", "status"]) as? [String: Any])
        }

        /// Until a worker other than `old` serves.
        @discardableResult
        private func waitForWorker(_ host: Host, otherThan old: Int) async throws -> [String: Any] {
            for _ in 0..<500 {
                if let found = try? await status(host), found["state"] as? String == "serving",
                    let worker = found["workerProcess"] as? Int, worker != old
                {
                    return found
                }
                try await Task.sleep(for: .milliseconds(20))
            }
            throw Failure(.timedOut, "no other worker: \(host.log.suffix(2_000))")
        }

        private func check(_ host: Host, _ volume: TestVolume, _ word: String) async throws {
            try await host.shell(
                "echo \(word) > \(volume.target)/\(word) && sync -f \(volume.target) && grep -q before \(volume.target)/before && echo 3 > /proc/sys/vm/drop_caches",
                secondsMax: 30)
            #expect(try await host.shell("cat \(volume.target)/\(word)", secondsMax: 30) == word)
        }

        @Test func workersAreReplacedWhenTheyDie() async throws {
            try await withVolume { host, daemon, _, volume in
                var worker = try #require(try await status(host)["workerProcess"] as? Int)
                for round in 0..<3 {
                    kill(pid_t(worker), SIGKILL)
                    try await check(host, volume, "round\(round)")
                    let now = try await waitForWorker(host, otherThan: worker)
                    #expect(now["devices"] as? Int == 1 && now["restarts"] as? Int == round + 1)
                    worker = try #require(now["workerProcess"] as? Int)
                }
                // Controller and node are there again, and know what there is.
                let again = try await host.ready(daemon)
                var same = volume
                try await same.bringUp(again)
                try await same.takeDown(again)
                try await same.delete(again)
                let end = try await status(host)
                #expect(end["devices"] as? Int == 0)
                daemon.terminate()
                #expect(await daemon.exitCode(within: 20) == 0)
                #expect(try host.leftovers(volumes: [volume.id]) == [])
            }
        }

        /// A worker for which pods wait has the processor first, until they are served.
        @Test(.enabled(if: Host.mayRaisePriority)) func aStartHasTheProcessorFirst() async throws {
            try await withVolume { host, daemon, csi, volume in
                let old = daemon.worker
                let before = try priorities(of: old)
                #expect(!before.isEmpty && !before.contains(-10))
                let sight = Task { () -> Set<Int> in
                    try await offPool {
                        for _ in 0..<2_000 {
                            let worker = daemon.worker
                            let found = (try? self.priorities(of: worker)) ?? []
                            if worker != old, worker != daemon.pid, found.contains(-10) { return found }
                        }
                        return []
                    }
                }
                kill(old, SIGKILL)
                try await check(host, volume, "after")
                try await waitForWorker(host, otherThan: Int(old))
                #expect(try await sight.value.contains(-10), "no worker was seen with it")
                let after = try priorities(of: daemon.worker)
                #expect(!after.isEmpty && !after.contains(-10))
                try await volume.takeDown(try await host.ready(daemon))
            }
        }

        /// Of all threads.
        private func priorities(of process: pid_t) throws -> Set<Int> {
            let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")
            return Set(
                threads.compactMap { thread in
                    let bytes = FileManager.default.contents(atPath: "/proc/\(process)/task/\(thread)/stat") ?? Data()
                    // Behind the name, which is in parentheses, the 17th.
                    let words = String(decoding: bytes, as: UTF8.self).split(separator: ")").last?.split(separator: " ")
                    return words.flatMap { $0.count > 16 ? Int($0[16]) : nil }
                })
        }

        @Test func aNewHolderFindsTheWorker() async throws {
            try await withVolume { host, daemon, _, volume in
                let worker = daemon.worker
                #expect(worker != daemon.pid)
                kill(daemon.pid, SIGKILL)
                #expect(await daemon.exitCode(within: 10) == 128 + SIGKILL)
                try await check(host, volume, "alone")
                let next = try host.start()
                let found = try await waitForWorker(host, otherThan: 0)
                #expect(found["workerProcess"] as? Int == Int(worker) && found["devices"] as? Int == 1)
                // It is as good a holder as the first.
                kill(worker, SIGKILL)
                try await check(host, volume, "again")
                try await waitForWorker(host, otherThan: Int(worker))
                // A second one beside it is refused.
                let refused = try await host.run(["serve", "--config", host.configPath])
                #expect(refused.code == 1 && refused.output.contains("another ashlar engine"), "\(refused.output)")
                let csi = try await host.ready(next)
                try await volume.takeDown(csi)
                next.terminate()
                #expect(await next.exitCode(within: 20) == 0)
                // Of the first one's group, since it is that one's child.
                #expect(daemon.members().isEmpty)
            }
        }

        /// Alone, a worker that is told to end does so in order.
        @Test func aWorkerWithoutHolderEndsInOrder() async throws {
            try await withVolume { host, daemon, csi, volume in
                try await volume.takeDown(csi)
                let worker = daemon.worker
                kill(daemon.pid, SIGKILL)
                _ = await daemon.exitCode(within: 10)
                kill(worker, SIGTERM)
                for _ in 0..<500 where !daemon.members().isEmpty { try await Task.sleep(for: .milliseconds(20)) }
                #expect(daemon.members().isEmpty && host.log.contains("stopped"))
            }
        }

        /// The node of the very process that serves a device mounts and unmounts it while that process is killed: a thread that waits for I/O
        /// of its own process must not keep the next one from serving it.
        @Test func callsGoOnThroughKills() async throws {
            try await withVolume { host, daemon, csi, volume in
                let kills = Task {
                    var count = 0
                    for _ in 0..<12 {
                        try? await Task.sleep(for: .milliseconds(Int.random(in: 150...600)))
                        let worker = daemon.worker
                        if worker != daemon.pid, kill(worker, SIGKILL) == 0 { count += 1 }
                    }
                    return count
                }
                var (cycles, isOver) = (0, false)
                while !isOver {
                    isOver = host.log.components(separatedBy: "ended by signal 9").count > 10
                    try await repeating { try await volume.takeDown(csi) }
                    let up = try await repeating {
                        var again = volume
                        try await again.bringUp(csi)
                        return again
                    }
                    #expect(up.id == volume.id)
                    try await check(host, volume, "cycle")
                    cycles += 1
                }
                report("\(await kills.value) kills of the worker during \(cycles) cycles of calls")
                try await repeating { try await volume.takeDown(csi) }
                daemon.terminate()
                #expect(await daemon.exitCode(within: 20) == 0)
                #expect(try host.leftovers(volumes: [volume.id]) == [])
            }
        }

        /// As an orchestrator does.
        private func repeating<T: Sendable>(_ call: () async throws -> T) async throws -> T {
            let deadline = ContinuousClock.now + .seconds(30)
            while true {
                do { return try await call() } catch {
                    guard ContinuousClock.now < deadline else { throw error }
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
        }

        @Test func upgradesAndWaysBack() async throws {
            try await withVolume { host, daemon, _, volume in
                var worker = Int(daemon.worker)
                let (code, output) = try await host.run(["engine", "upgrade", "--config", host.configPath])
                #expect(code == 0, "\(output)")
                worker = try #require(try await waitForWorker(host, otherThan: worker)["workerProcess"] as? Int)
                try await check(host, volume, "upgraded")

                // One that ends, one that says nothing, one that is no program: the one that serves goes on.
                for (name, text) in [
                    ("ends", "#!/bin/sh\nexit 7\n"), ("hangs", "#!/bin/sh\nexec sleep 60\n"), ("broken", "x"),
                ] {
                    let path = "\(host.directory)/\(name)"
                    try text.write(toFile: path, atomically: true, encoding: .utf8)
                    try await host.shell("chmod 755 \(path)")
                    let refused = try await host.run(
                        ["engine", "upgrade", "--config", host.configPath, "--binary", path, "--timeout", "1"])
                    #expect(refused.code == 1, "\(name): \(refused.output)")
                    let now = try await status(host)
                    #expect(now["workerProcess"] as? Int == worker && now["lastFailure"] != nil)
                    try await check(host, volume, name)
                }
                let missing = try await host.run(
                    ["engine", "upgrade", "--config", host.configPath, "--binary", "/nonexistent"])
                #expect(missing.code == 1, "\(missing.output)")

                kill(daemon.pid, SIGHUP)
                let last = try await waitForWorker(host, otherThan: worker)
                #expect(last["upgrades"] as? Int == 2 && last["restarts"] as? Int == 0)
                try await check(host, volume, "hangup")
            }
        }

        /// The new worker takes the devices and dies: the program that was good is started again.
        @Test func anUpgradeThatFailsLateGoesBack() async throws {
            try await withVolume { host, daemon, _, volume in
                let path = "\(host.directory)/newer"
                // The same program, where the engine's own directories cannot be used: it says hello, is given the devices, and fails.
                try "#!/bin/sh\nulimit -n 16\nexec \(Daemon.binary) \"$@\"\n".write(
                    toFile: path, atomically: true, encoding: .utf8)
                try await host.shell("chmod 755 \(path)")
                let worker = Int(daemon.worker)
                let refused = try await host.run(
                    ["engine", "upgrade", "--config", host.configPath, "--binary", path, "--timeout", "5"])
                #expect(refused.code == 1, "\(refused.output)")
                let now = try await waitForWorker(host, otherThan: worker)
                #expect(now["upgrades"] as? Int == 0 && now["devices"] as? Int == 1)
                try await check(host, volume, "back")
            }
        }

        /// As when there was one process: the first start's mistakes end it, with their code.
        @Test func aFirstStartThatFailsEndsTheHolder() async throws {
            try await Host.with(.init(drives: .directories)) { host in
                try host.writeConfiguration(settings: .init(drives: .images(bytes: 0)))
                let (code, output) = try await host.run(["serve", "--config", host.configPath])
                #expect(code == 1 && output.contains("on one filesystem"), "\(output)")
                let unknown = try await host.run(["serve", "--config", "/nonexistent"])
                #expect(unknown.code == 78, "\(unknown.output)")
                let alone = try await host.run(["worker", "serve", "--config", host.configPath])
                #expect(alone.code == 1 && alone.output.contains("started by its holder"), "\(alone.output)")
            }
        }

        @Test func aShortChaos() async throws {
            let output = try await script("Chaos/chaos", ["--seconds", "20"], secondsMax: 300)
            #expect(output.contains(" 0 failures"), "\(output)")
            report(
                "chaos: \(output.split(separator: "\n").filter { $0.contains("pause") || $0.contains("kills") }.joined(separator: "; "))"
            )
        }
    }
}
