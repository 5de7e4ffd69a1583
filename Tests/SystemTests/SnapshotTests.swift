import Base
import CSIMessages
import Foundation
import Synchronization
import Testing

extension SystemTests {
    /// Snapshots, clones and rollback with the real binary: by command, on mounted filesystems, through kill -9.
    @Suite struct SnapshotTests {
        private func snapshot(_ host: Host, _ arguments: String...) async throws -> (code: Int32?, output: String) {
            try await host.run(["snapshot"] + arguments + ["--config", host.configPath])
        }

        private func names(_ host: Host, _ what: String) async throws -> Set<String> {
            let listed = try #require(try await host.json([what, "ls"]) as? [[String: Any]])
            return Set(listed.compactMap { $0["name"] as? String })
        }

        /// A clone, which is used with its origin's context.
        private func clone(
            _ source: String, _ name: String, like origin: TestVolume, on host: Host, size: String? = nil
        ) async throws -> TestVolume {
            let arguments = ["volume", "clone", source, name] + (size.map { ["--size", $0] } ?? [])
            let made = try #require(try await host.json(arguments) as? [String: Any])
            return TestVolume(
                name: name, id: try #require(made["id"] as? String), content: origin.content,
                sizeBytes: try #require(made["sizeBytes"] as? Int64), context: origin.context,
                staging: "\(host.directory)/stage/\(name)", target: "\(host.directory)/pods/\(name)/mount")
        }

        /// Space is given back in the background.
        private func expectNothingLeft(_ host: Host) async throws {
            for _ in 0..<400 where !host.volumeDirectories().isEmpty { try await Task.sleep(for: .milliseconds(50)) }
            #expect(host.volumeDirectories().isEmpty)
            let groups = try #require(try await host.json(["group", "ls"]) as? [[String: Any]])
            #expect(groups.allSatisfy { $0["usedBytes"] as? Int == 0 }, "\(groups)")
            #expect(try await names(host, "snapshot").isEmpty)
            #expect(try await names(host, "volume").isEmpty)
        }

        @Test func filesOfAMountedVolume() async throws {
            try await Host.with(secondsMax: 180) { host in
                var (daemon, csi) = try await host.serve()
                var origin = try await TestVolume.create("origin", .ext4, bytes: 128 << 20, on: host, csi)
                try await origin.bringUp(csi)
                let path = origin.target
                try await host.shell(
                    """
                    cp -a /usr/include/linux \(path)/ && cd \(path)
                    find linux -type f | xargs sha256sum > sums && sync -f .
                    """)
                async let noise = host.shell(
                    "for i in $(seq 60); do dd if=/dev/urandom of=\(path)/noise bs=64k count=8 conv=fsync status=none; done"
                )
                try await Task.sleep(for: .milliseconds(200))
                let taken = try await snapshot(host, "create", "before", "origin")
                #expect(taken.code == 0, "\(taken.output)")
                _ = try await noise
                try await host.shell("cd \(path) && rm -rf linux/netfilter* && truncate -s 0 linux/*.h && sync -f .")

                var copy = try await clone("before", "copy", like: origin, on: host)
                try await copy.bringUp(csi)
                let check = "cd \(copy.target) && sha256sum --quiet -c sums"
                try await host.shell(check)
                try await host.shell("echo mine > \(copy.target)/mine && ! test -e \(path)/mine")

                // Neither the snapshot nor the origin is needed.
                let used = try await snapshot(host, "rollback", "origin", "before")
                #expect(used.code == 1 && used.output.contains("unpublish"), "\(used.output)")
                #expect(try await snapshot(host, "delete", "before").code == 0)
                #expect(try await snapshot(host, "show", "before").code == 3)
                try await origin.takeDown(csi)
                try await origin.delete(csi)
                try await host.shell("echo 3 > /proc/sys/vm/drop_caches || true; \(check)")
                try await copy.takeDown(csi)
                daemon.terminate()
                #expect(await daemon.exitCode(within: 20) == 0)
                (daemon, csi) = try await host.serve()
                try await copy.bringUp(csi)
                try await host.shell(check)
                try await rollBack(&copy, check, host, csi)

                let larger = try await clone("copy", "larger", like: copy, on: host, size: "192Mi")
                #expect(larger.sizeBytes == 192 << 20)
                for volume in [copy, larger] { try await volume.delete(csi) }
                #expect(try await snapshot(host, "delete", "here").code == 0)
                try await expectNothingLeft(host)
                #expect(try host.leftovers(volumes: [origin.id, copy.id, larger.id]) == [])
            }
        }

        private func rollBack(
            _ volume: inout TestVolume, _ check: String, _ host: Host, _ csi: CSIClient
        ) async throws {
            #expect(try await snapshot(host, "create", "here", volume.name).code == 0)
            try await host.shell("rm -rf \(volume.target)/linux && sync -f \(volume.target)")
            try await volume.takeDown(csi)
            let rolled = try await snapshot(host, "rollback", volume.name, "here")
            #expect(rolled.code == 0, "\(rolled.output)")
            try await volume.bringUp(csi)
            try await host.shell("\(check) && cat mine")
            try await volume.takeDown(csi)
        }

        @Test func cutsAndWhatIsRefused() async throws {
            try await Host.with(.init(drives: .directories)) { host in
                let (_, csi) = try await host.serve()
                let a = try await TestVolume.create("a", .block, bytes: 16 << 20, on: host, csi)
                let b = try await TestVolume.create("b", .block, bytes: 16 << 20, on: host, csi)
                #expect(try await snapshot(host, "create", "night", "a", b.id).code == 0)
                #expect(try await snapshot(host, "create", "night", "b", "a").code == 0, "the same again")
                #expect(try await snapshot(host, "create", "night", "a").code == 1)
                #expect(try await snapshot(host, "create", "other", "nobody").code == 3)
                #expect(try await snapshot(host, "create", "other", "a", "a").code == 1)
                #expect(try await snapshot(host, "create", "other").code == 64)
                #expect(try await names(host, "snapshot") == ["night/a", "night/b"])
                let shown = try #require(try await host.json(["snapshot", "show", "night/a"]) as? [String: Any])
                #expect(shown["volumeID"] as? String == a.id && shown["cutName"] as? String == "night")
                #expect(shown["sizeBytes"] as? Int == 16 << 20 && shown["hasVolume"] as? Bool == true)
                #expect(try await snapshot(host, "delete", "night/a").code == 1, "of a cut")
                #expect(try await snapshot(host, "rollback", "a", "night/b").code == 1)
                let small = try await host.run(
                    ["volume", "clone", "night/a", "c", "--size", "8Mi", "--config", host.configPath])
                #expect(small.code == 1 && small.output.contains("ask for more"), "\(small.output)")
                let wrong = ["volume", "clone", "night/a", "c", "--size", "much", "--config", host.configPath]
                #expect(try await host.run(wrong).code == 64)
                _ = try await clone("night/a", "c", like: a, on: host)
                #expect(try await names(host, "volume") == ["a", "b", "c"])
                #expect(try await snapshot(host, "delete", "night").code == 0)
                #expect(try await snapshot(host, "delete", "night").code == 3)
                #expect(try await snapshot(host, "ls").output.hasPrefix("NAME"))
            }
        }

        /// What was answered before the kill holds after it.
        @Test func kills() async throws {
            try await Host.with(secondsMax: 240) { host in
                var generator = Seeded(state: makeSeed("snapshot kills"))
                var (daemon, csi) = try await host.serve()
                var origin = try await TestVolume.create("origin", .ext4, bytes: 64 << 20, on: host, csi)
                try await origin.bringUp(csi)
                try await host.shell(
                    """
                    cd \(origin.target) && cp -a /usr/include/linux/netfilter . && sync -f .
                    find netfilter -type f | xargs sha256sum > sums && sync -f .
                    """)
                try await origin.takeDown(csi)
                var answered = Answered()
                for round in 0..<(number(of: "KILLS") ?? 6) {
                    let delay = Double(UInt64.random(in: 300...2_000, using: &generator)) / 1_000
                    let running = daemon
                    let killer = Task {
                        try? await Task.sleep(for: .seconds(delay))
                        await running.kill()
                    }
                    for step in 0..<1_000 where !daemon.isKilled {
                        try await work("\(round)-\(step)", &answered, host)
                    }
                    await killer.value
                    (daemon, csi) = try await host.serve()
                    let (snapshots, volumes) = (try await names(host, "snapshot"), try await names(host, "volume"))
                    #expect(answered.snapshots.isSubset(of: snapshots) && answered.volumes.isSubset(of: volumes))
                    #expect(answered.deleted.isDisjoint(with: snapshots.union(volumes)))
                    // What was in flight may be there or not; from here on it is known.
                    (answered.snapshots, answered.volumes) = (snapshots, volumes.subtracting(["origin"]))
                }
                report("snapshot kills: \(answered.count) calls answered")
                #expect(answered.count > 8)
                var last = try await clone("origin", "last", like: origin, on: host)
                try await last.bringUp(csi)
                try await host.shell("cd \(last.target) && sha256sum --quiet -c sums")
                try await last.takeDown(csi)
                for name in answered.volumes.sorted().prefix(3) {
                    let listed = try #require(try await host.json(["volume", "show", name]) as? [String: Any])
                    var volume = last
                    volume.name = name
                    volume.id = try #require(listed["id"] as? String)
                    try await volume.bringUp(csi)
                    try await host.shell("cd \(volume.target) && sha256sum --quiet -c sums")
                    try await volume.takeDown(csi)
                }
                let listed = try #require(try await host.json(["volume", "ls"]) as? [[String: Any]])
                for id in listed.compactMap({ $0["id"] as? String }) {
                    _ = try await csi.call(
                        CSI.Method.deleteVolume, CSI.DeleteVolumeRequest(volumeID: id), CSI.DeleteVolumeResponse.self)
                }
                for name in try await names(host, "snapshot") {
                    #expect(try await snapshot(host, "delete", name).code == 0)
                }
                try await expectNothingLeft(host)
            }
        }

        private struct Answered {
            var snapshots: Set<String> = []
            var volumes: Set<String> = []
            var deleted: Set<String> = []
            var count = 0
        }

        /// A snapshot and a clone of it come; the snapshot goes, or an older clone's.
        private func work(_ name: String, _ answered: inout Answered, _ host: Host) async throws {
            guard try await snapshot(host, "create", "s\(name)", "origin").code == 0 else { return }
            answered.snapshots.insert("s\(name)")
            let cloned = try await host.run(
                ["volume", "clone", "s\(name)", "c\(name)", "--config", host.configPath])
            guard cloned.code == 0 else { return }
            answered.volumes.insert("c\(name)")
            answered.count += 2
            guard answered.snapshots.count > 2, let old = answered.snapshots.sorted().first else { return }
            answered.snapshots.remove(old)
            guard try await snapshot(host, "delete", old).code == 0 else { return }
            answered.deleted.insert(old)
            answered.count += 1
        }
    }
}

/// Xorshift.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
