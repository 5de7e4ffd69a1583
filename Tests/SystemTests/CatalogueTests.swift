import Base
import CSIMessages
import Foundation
import GRPCServer
import Glibc
import SystemIO
import Testing

extension SystemTests {
    /// The catalogue lost and rebuilt, groups retained and deleted: with the real binary.
    @Suite struct CatalogueTests {
        private func stop(_ daemon: Daemon) async {
            daemon.terminate()
            #expect(await daemon.exitCode(within: 20) == 0)
        }

        private func loseCatalogue(_ host: Host) async throws {
            try await host.shell("rm -f \(host.directory)/state/catalogue.*")
        }

        private func copies(_ host: Host) -> Set<String> {
            Set(
                host.mountpaths.filter { FileManager.default.fileExists(atPath: "\($0)/.ashlar/catalogue") })
        }

        private func rebuild(_ host: Host, _ flags: [String] = []) async throws -> [String: Any] {
            try #require(try await host.json(["pool", "rebuild-catalogue"] + flags) as? [String: Any])
        }

        private func lines(_ report: [String: Any], _ what: String) throws -> [String: String] {
            let lines = try #require(report[what] as? [[String: Any]])
            var found: [String: String] = [:]
            for line in lines { found[line["name"] as? String ?? "?"] = line["action"] as? String }
            return found
        }

        private func codeOf(_ volume: TestVolume, _ csi: CSIClient) async -> GRPCCode {
            let request = CSI.ControllerPublishVolumeRequest(
                volumeID: volume.id, nodeID: Host.nodeID, volumeCapability: volume.capability,
                volumeContext: volume.context)
            return await csi.status(CSI.Method.controllerPublishVolume, request).code
        }

        @Test func aLostCatalogueIsRebuilt() async throws {
            try await Host.with { host in
                var (daemon, csi) = try await host.serve()
                var tree = try await TestVolume.create("tree", .ext4, bytes: 64 << 20, on: host, csi)
                let gone = try await TestVolume.create("gone", .block, bytes: 64 << 20, on: host, csi)
                try await tree.bringUp(csi)
                try await host.shell("echo kept > \(tree.target)/file && sync -f \(tree.target)")
                try await gone.delete(csi)

                // Refused while it runs, with and without the state directory's locks.
                let refused = try await host.run(
                    ["pool", "rebuild-catalogue", "--replace", "--config", host.configPath])
                #expect(refused.code == 1 && refused.output.contains("stop it first"), "\(refused.output)")

                // A copy is there soon after a change, without being asked for.
                for _ in 0..<200 where copies(host).count < 6 { try await Task.sleep(for: .milliseconds(50)) }
                #expect(copies(host) == Set(host.mountpaths))
                // What comes after the last copy, and no orderly end.
                var late = try await TestVolume.create("late", .xfs, bytes: 400 << 20, on: host, csi)
                await daemon.kill()
                try await loseCatalogue(host)

                // A start over volumes without a catalogue says what to do, and makes nothing worse.
                let lost = try await host.run(["serve", "--config", host.configPath])
                #expect(lost.code == 1 && lost.output.contains("rebuild-catalogue"), "\(lost.output)")
                let conflict = try await host.run(["pool", "rebuild-catalogue", "--config", host.configPath])
                #expect(conflict.code == 1 && conflict.output.contains("--replace"), "\(conflict.output)")

                let before = try await host.shell("cd \(host.directory)/state && sha256sum catalogue.sqlite")
                let dry = try await rebuild(host, ["--dry-run"])
                #expect(try await host.shell("cd \(host.directory)/state && sha256sum catalogue.sqlite") == before)
                let report = try await rebuild(host, ["--replace"])
                #expect(try lines(report, "volumes") == lines(dry, "volumes"))
                #expect(
                    try lines(report, "volumes")["tree"] == "kept" && lines(report, "volumes")["late"] == "restored")
                #expect(try lines(report, "volumes")["gone"] == nil)
                #expect(try lines(report, "publications") == ["tree on \(Host.nodeID)": "kept"])
                #expect(report["copyVersion"] as? Int != nil)
                let replaced = try #require(report["replaced"] as? String)
                #expect(FileManager.default.fileExists(atPath: replaced))

                (daemon, csi) = try await host.serve()
                // The publication is still right: the same epoch, which the staged volume goes on with.
                let context = tree.publishContext
                try await tree.bringUp(csi)
                #expect(tree.publishContext == context)
                #expect(try await host.shell("cat \(tree.target)/file") == "kept")
                #expect(await codeOf(gone, csi) == .notFound)
                try await late.bringUp(csi)
                try await host.shell("echo late > \(late.target)/file")
                let again = try await TestVolume.create("late", .xfs, bytes: 400 << 20, on: host, csi)
                #expect(again.id == late.id, "the name is known again")
                try await late.takeDown(csi)
                await stop(daemon)

                // Nothing left but the mountpaths, and no copy on them either: the whole state directory is lost.
                try await host.shell("rm -rf \(host.directory)/state \(host.directory)/d*/.ashlar/catalogue")
                let bare = try await rebuild(host)
                #expect(bare["copyVersion"] == nil && bare["replaced"] == nil)
                #expect(try lines(bare, "volumes") == ["tree": "restored", "late": "restored"])
                (daemon, csi) = try await host.serve()
                try await tree.bringUp(csi)
                #expect(tree.publishContext != context, "a new epoch fences the old one")
                #expect(try await host.shell("cat \(tree.target)/file") == "kept")
                try await late.bringUp(csi)
                #expect(try await host.shell("cat \(late.target)/file") == "late")
                for volume in [tree, late] {
                    try await volume.takeDown(csi)
                    try await volume.delete(csi)
                }
                await stop(daemon)
                #expect(copies(host) == Set(host.mountpaths), "an orderly end copies")
                let nothing = try await rebuild(host, ["--dry-run"])
                #expect(try lines(nothing, "volumes").isEmpty)
                #expect(try host.leftovers(volumes: [tree.id, late.id, gone.id]) == [])
            }
        }

        private static let own = """
            [{ label: fast, profile: performance, protection: "erasure(4,2)", sliceSize: 4Mi }]
            """

        private func group(_ host: Host, _ arguments: [String]) async throws -> (code: Int32?, output: String) {
            try await host.run(["group"] + arguments + ["--config", host.configPath])
        }

        private func create(_ name: String, _ content: Content, in group: String, _ csi: CSIClient, on host: Host)
            async throws -> TestVolume
        {
            var request = TestVolume.request(name, content, bytes: 192 << 20)
            request.parameters = ["group": group, "filesystem": "ext4"]
            let response: CSI.CreateVolumeResponse = try await csi.call(CSI.Method.createVolume, request)
            let volume = try #require(response.volume)
            return TestVolume(
                name: name, id: volume.volumeID, content: content, sizeBytes: volume.capacityBytes,
                context: volume.volumeContext, staging: "\(host.directory)/stage/\(name)",
                target: "\(host.directory)/pods/\(name)/mount")
        }

        @Test func groupsAreRetainedAndDeleted() async throws {
            try await Host.with { host in
                var (daemon, csi) = try await host.serve()
                let make = ["create", "own", "--protection", "erasure(4,2)", "--slice-size", "4Mi"]
                #expect(try await group(host, make + ["--output", "json"]).output.contains("created"))
                #expect(try await group(host, make).output.contains("as asked for"))
                let configured = try await group(host, ["delete", "fast"])
                #expect(configured.code == 1 && configured.output.contains("`groups`"), "\(configured.output)")
                #expect(try await group(host, ["delete", "none"]).code == 3)
                #expect(try await group(host, ["create", "x", "--protection", "raid0"]).code == 64)

                var volume = try await create("a", .ext4, in: "own", csi, on: host)
                try await volume.bringUp(csi)
                try await host.shell(
                    "head -c 100M /dev/urandom > \(volume.target)/file && sync -f \(volume.target) && cd \(volume.target) && sha256sum file > sums && sync -f ."
                )
                let used = try await group(host, ["delete", "own", "--force"])
                #expect(used.code == 1 && used.output.contains("unpublish"), "\(used.output)")
                try await volume.takeDown(csi)
                let unforced = try await group(host, ["delete", "own"])
                #expect(unforced.code == 1 && unforced.output.contains("--force"), "\(unforced.output)")
                #expect(try await group(host, ["delete", "own", "--force"]).output.contains("is kept"))

                // Hidden, also after a restart; to delete it as one that is not known deletes nothing.
                for _ in 0..<2 {
                    #expect(await codeOf(volume, csi) == .notFound)
                    try await volume.delete(csi)
                    #expect(try await host.json(["volume", "ls"]) as? [[String: String]] == [])
                    #expect(try await group(host, ["ls"]).output.contains("Retained"))
                    await stop(daemon)
                    (daemon, csi) = try await host.serve()
                }
                #expect(try await group(host, ["create", "own"]).output.contains("there again, with 1 volumes"))
                try await volume.bringUp(csi)
                try await host.shell("cd \(volume.target) && sha256sum --quiet -c sums")
                try await volume.takeDown(csi)

                // Now to destroy it.
                let usedBefore = try await usedBytes(host)
                #expect(try await group(host, ["create", "own", "--deletion-policy", "delete"]).code == 0)
                let deleted = try await group(host, ["delete", "own", "--force"])
                #expect(deleted.code == 0 && deleted.output.contains("are deleted"), "\(deleted.output)")
                #expect(host.volumeDirectories().isEmpty)
                for path in host.mountpaths { #expect(!FileManager.default.fileExists(atPath: "\(path)/@own")) }
                await stop(daemon)
                (daemon, csi) = try await host.serve()
                let usedAfter = try await usedBytes(host)
                report(
                    "deleted group: \(usedBefore >> 20) MiB used on the mountpaths before, \(usedAfter >> 20) MiB after"
                )
                #expect(usedBefore > usedAfter + (120 << 20), "100 MiB with erasure(4,2) are 150 MiB on the mountpaths")
                #expect(await codeOf(volume, csi) == .notFound)
                await stop(daemon)

                // Nothing deleted comes back, not even from headers alone, and the label is free.
                try await host.shell("rm -rf \(host.directory)/state \(host.directory)/d*/.ashlar/catalogue")
                let rebuilt = try await rebuild(host)
                #expect(try lines(rebuilt, "volumes").isEmpty)
                #expect(try lines(rebuilt, "groups") == ["fast": "restored"])
                (daemon, csi) = try await host.serve()
                #expect(try await group(host, ["create", "own", "--protection", "single"]).output.contains("is made"))
                await stop(daemon)
            }
        }

        private func usedBytes(_ host: Host) async throws -> Int {
            let text = try await host.shell(
                "df --output=used -B1 \(host.mountpaths.joined(separator: " ")) | awk 'NR > 1 { sum += $1 } END { printf \"%d\", sum }'"
            )
            return try #require(Int(text.filter { $0.isNumber }))
        }

        /// Engine and controller apart: the copy travels over the engine's socket.
        @Test func copiesTravelBetweenProcesses() async throws {
            let settings = Host.Settings(
                drives: .directories,
                sockets: "{ controllerSocket: %@/run/controller.sock, nodeSocket: %@/run/node.sock }")
            try await Host.with(settings) { host in
                let engine = try host.start("engine")
                for _ in 0..<500 where (try? await host.engine().poolStatus()) == nil {
                    try await Task.sleep(for: .milliseconds(20))
                }
                let controller = try host.start("controller")
                let csi = try await host.ready(controller, socket: "controller.sock")
                _ = try await TestVolume.create("a", .block, bytes: 1 << 20, on: host, csi)
                let second = try await host.run(["controller", "--config", host.configPath])
                #expect(second.code == 1 && second.output.contains("another ashlar controller"), "\(second.output)")
                // The engine stopped is not enough.
                await stop(controller)
                #expect(copies(host).count == 6)
                await stop(engine)
                let idle = try host.start("controller")
                _ = await idle.exitCode(within: 5)
                try await loseCatalogue(host)
                let report = try await rebuild(host)
                #expect(try lines(report, "volumes") == ["a": "kept"])
            }
        }
    }
}
