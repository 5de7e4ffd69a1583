import Base
import CSIMessages
import Foundation
import GRPCServer
import Synchronization
import Testing

extension SystemTests {
    @Suite struct ProcessTests {
        /// Everything answered is durable after an orderly end, flushed or not.
        @Test func terminationDrains() async throws {
            try await Host.with { host in
                let (daemon, csi) = try await host.serve()
                var raw = try await TestVolume.create("raw", .block, bytes: 64 << 20, on: host, csi)
                var tree = try await TestVolume.create("tree", .ext4, bytes: 64 << 20, on: host, csi)
                try await raw.bringUp(csi)
                try await tree.bringUp(csi)
                let file = CheckedFile(path: raw.target, blockCount: 4_096, seed: 8)
                try await offPool { try file.writeUnflushed(50) }
                try await host.shell("echo kept > \(tree.target)/file && sync -f \(tree.target)")
                file.expectEverything()

                // While a second one is refused, and touches nothing.
                let refused = try await host.run(["serve", "--config", host.configPath])
                #expect(refused.code == 1)
                #expect(
                    refused.output.contains("another ashlar engine") && refused.output.contains("stop it first"),
                    "\(refused.output)")
                #expect(try await csi.probe())

                let begin = ContinuousClock.now
                daemon.terminate()
                #expect(await daemon.exitCode(within: 20) == 0)
                report("SIGTERM with two mounted volumes: \((ContinuousClock.now - begin).seconds) s")
                let refusal = await csi.status(CSI.Method.probe, CSI.ProbeRequest())
                #expect(refusal.code == .unavailable)

                let (_, again) = try await host.serve()
                try await raw.bringUp(again)
                try await tree.bringUp(again)
                _ = try await offPool { try file.check() }
                #expect(try await host.shell("cat \(tree.target)/file") == "kept")
                for volume in [raw, tree] {
                    try await volume.takeDown(again)
                    try await volume.delete(again)
                }
                #expect(try host.leftovers(volumes: [raw.id, tree.id]) == [])
            }
        }

        @Test func interruptEndsAnIdleProcess() async throws {
            try await Host.with(.init(drives: .directories)) { host in
                let (daemon, _) = try await host.serve()
                kill(daemon.pid, SIGINT)
                #expect(await daemon.exitCode(within: 10) == 0)
                #expect(!FileManager.default.fileExists(atPath: "\(host.directory)/run/csi.sock"))
            }
        }

        /// Not "connection refused", which tells of a dead process: its engine is stopped, so that its start takes as long as this test wants.
        @Test func aProcessThatIsStartingSaysSo() async throws {
            let settings = Host.Settings(
                sockets: "{ controllerSocket: %@/run/controller.sock, nodeSocket: %@/run/node.sock }")
            try await Host.with(settings) { host in
                let engine = try host.start("engine")
                try await waitForEngine(host)
                let status = try #require(try await host.json(["engine", "status"]) as? [String: Any])
                let worker = pid_t(try #require(status["workerProcess"] as? Int))
                kill(worker, SIGSTOP)
                defer { kill(worker, SIGCONT) }
                let controller = try host.start("controller")
                let path = "\(host.directory)/run/controller.sock"
                for _ in 0..<400 where !FileManager.default.fileExists(atPath: path) {
                    try await Task.sleep(for: .milliseconds(25))
                }
                let client = try CSIClient(socketPath: path)
                #expect(try await client.probe() == false)
                #expect(await client.status(CSI.Method.getPluginInfo, CSI.GetPluginInfoRequest()).code == .ok)
                #expect(await client.status(CSI.Method.createVolume, CSI.CreateVolumeRequest()).code == .unavailable)
                kill(worker, SIGCONT)
                _ = try await host.ready(controller, socket: "controller.sock")
                for daemon in [controller, engine] {
                    daemon.terminate()
                    #expect(await daemon.exitCode(within: 20) == 0)
                }
            }
        }

        /// Engine, controller and node apart: the latter two may die at any moment without an I/O error.
        @Test func separateProcesses() async throws {
            let settings = Host.Settings(
                sockets: "{ controllerSocket: %@/run/controller.sock, nodeSocket: %@/run/node.sock }")
            try await Host.with(settings) { host in
                // Without its engine a controller says what is missing, and that it may be tried again.
                let early = try await host.run(["controller", "--config", host.configPath])
                #expect(early.code == 75, "\(early.output)")
                #expect(early.output.contains("engine.sock"), "\(early.output)")

                let engine = try host.start("engine")
                try await waitForEngine(host)
                var controllerDaemon = try host.start("controller")
                var nodeDaemon = try host.start("node")
                var controller = try await host.ready(controllerDaemon, socket: "controller.sock")
                var node = try await host.ready(nodeDaemon, socket: "node.sock")
                #expect(await node.status(CSI.Method.createVolume, CSI.CreateVolumeRequest()).code == .unimplemented)
                #expect(
                    await controller.status(CSI.Method.nodeGetInfo, CSI.NodeGetInfoRequest()).code == .unimplemented)

                var raw = try await TestVolume.create("raw", .block, bytes: 64 << 20, on: host, controller)
                var tree = try await TestVolume.create("tree", .xfs, bytes: 400 << 20, on: host, controller)
                try await raw.bringUp(controller, node: node)
                try await tree.bringUp(controller, node: node)
                let files = [
                    CheckedFile(path: raw.target, blockCount: 4_096, seed: 8),
                    CheckedFile(path: tree.target + "/file", blockCount: 4_096, seed: 9),
                ]
                let writers = Writers(files)
                for _ in 0..<3 {
                    await controllerDaemon.kill()
                    await nodeDaemon.kill()
                    try await Task.sleep(for: .milliseconds(200))
                    controllerDaemon = try host.start("controller")
                    nodeDaemon = try host.start("node")
                    controller = try await host.ready(controllerDaemon, socket: "controller.sock")
                    node = try await host.ready(nodeDaemon, socket: "node.sock")
                    let (oldRaw, oldTree) = (raw.publishContext, tree.publishContext)
                    try await raw.bringUp(controller, node: node)
                    try await tree.bringUp(controller, node: node)
                    #expect(raw.publishContext == oldRaw && tree.publishContext == oldTree)
                }
                #expect(try await tree.expand(controller, to: 800 << 20).nodeExpansionRequired)
                #expect(try await tree.nodeExpand(node, to: 800 << 20).capacityBytes == 800 << 20)
                let problems = await writers.stop()
                #expect(problems.isEmpty)
                for file in files {
                    #expect(file.flushCount > 0)
                    _ = try await offPool { try file.check() }
                }
                for volume in [raw, tree] {
                    try await volume.takeDown(controller, node: node)
                    try await volume.delete(controller)
                }
                #expect(try host.leftovers(volumes: [raw.id, tree.id]) == [])
                for daemon in [nodeDaemon, controllerDaemon, engine] {
                    daemon.terminate()
                    #expect(await daemon.exitCode(within: 20) == 0)
                }
            }
        }

        private func waitForEngine(_ host: Host) async throws {
            for _ in 0..<500 {
                if (try? await host.engine().poolStatus()) != nil { return }
                try await Task.sleep(for: .milliseconds(20))
            }
            throw Failure(.timedOut, "the engine does not answer: \(host.log)")
        }
    }
}

/// Writers of checked files on threads of their own, until they are stopped or fail.
final class Writers: Sendable {
    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        func raise() { value.store(true, ordering: .releasing) }
        var isRaised: Bool { value.load(ordering: .acquiring) }
    }

    private let flag: Flag
    private let tasks: [Task<CheckedFile.Problem?, Never>]

    init(_ files: [CheckedFile]) {
        let flag = Flag()
        self.flag = flag
        tasks = files.map { file in
            Task {
                do {
                    try await offPool { try file.write(until: { flag.isRaised }) }
                    return nil
                } catch { return error as? CheckedFile.Problem ?? .wrong("\(error)") }
            }
        }
    }

    /// What went wrong.
    func stop() async -> [String] {
        flag.raise()
        return await end().compactMap { $0.map { "\($0)" } }
    }

    /// Waits until each has failed, or was stopped: then nil.
    func end() async -> [CheckedFile.Problem?] {
        var problems: [CheckedFile.Problem?] = []
        for task in tasks { problems.append(await task.value) }
        return problems
    }
}
