import Base
import CSIMessages
import Foundation
import Testing

extension SystemTests {
    /// Space accounting from outside: what is written, snapshotted, overwritten, cloned, discarded and deleted, and what the commands say.
    @Suite struct SpaceTests {
        private static let part = 1 << 20

        private func write(_ path: String, _ parts: Range<Int>, _ host: Host) async throws {
            try await host.shell(
                """
                dd if=/dev/urandom of=\(path) bs=\(Self.part) seek=\(parts.lowerBound) count=\(parts.count) \
                    oflag=direct conv=notrunc,fsync status=none
                """)
        }

        private func ashlar(_ host: Host, _ arguments: String...) async throws {
            let (code, output) = try await host.run(arguments + ["--config", host.configPath])
            try #require(code == 0, "\(arguments): \(output)")
        }

        private func bytes(_ value: Any?, _ name: String) throws -> Int {
            try #require((value as? [String: Any])?[name] as? Int, "\(name) in \(value ?? "nothing")")
        }

        /// The sum that documentation promises.
        private func expectSum(_ usage: Any?, _ what: String) throws {
            let sum = try ["live", "snapshotOnly", "garbage", "reserved", "overhead"].reduce(0) {
                $0 + (try bytes(usage, "\($1)Bytes"))
            }
            #expect(try sum == bytes(usage, "allocatedBytes"), "\(what): \(usage ?? "")")
        }

        /// In parts of 1 MiB: live, shared, snapshot-only, garbage. What was deleted is freed in the background.
        private func expect(_ host: Host, _ volume: String, _ wanted: [Int], _ what: String) async throws {
            var figures: [Int] = []
            for _ in 0..<100 {
                let shown = try #require(try await host.json(["volume", "show", volume]) as? [String: Any])
                try expectSum(shown["space"], what)
                figures = try ["live", "shared", "snapshotOnly", "garbage"].map {
                    try bytes(shown["space"], "\($0)Bytes")
                }
                if figures == wanted.map({ $0 * Self.part }) { return }
                try await Task.sleep(for: .milliseconds(50))
            }
            Issue.record("\(what): live, shared, snapshot-only, garbage are \(figures), not \(wanted) parts")
        }

        /// Groups are the sums of volumes, the pool of groups; every command agrees.
        private func expectSums(_ host: Host) async throws {
            let volumes = try #require(try await host.json(["volume", "ls"]) as? [[String: Any]])
            let groups = try #require(try await host.json(["group", "ls"]) as? [[String: Any]])
            let pool = try #require(try await host.json(["pool", "status"]) as? [String: Any])
            let group = try #require(groups.first)
            let hidden = try bytes(group, "hiddenAllocatedBytes")
            let allocated = try volumes.reduce(0) { $0 + (try bytes($1["space"], "allocatedBytes")) }
            #expect(try bytes(group["space"], "allocatedBytes") == allocated + hidden)
            try expectSum(group["space"], "group")
            #expect(try bytes(pool["usage"], "allocatedBytes") == allocated + hidden)
            let sum = try ["recycled", "reserve", "available", "other"].reduce(allocated + hidden) {
                $0 + (try bytes(pool["space"], "\($1)Bytes"))
            }
            #expect(try bytes(pool["space"], "totalBytes") == sum)
            // Segments of erasure(4,2): data columns are two thirds of what is allocated.
            #expect(try bytes(group, "usedBytes") * 3 == (allocated + hidden) * 2)
            #expect(
                try bytes(group, "totalBytes") == bytes(group, "usedBytes") + bytes(group, "availableBytes"))
        }

        @Test func figuresMoveExactly() async throws {
            try await Host.with(secondsMax: 180) { host in
                let (daemon, csi) = try await host.serve()
                var origin = try await TestVolume.create("origin", .block, bytes: 64 << 20, on: host, csi)
                try await origin.bringUp(csi)
                // Looking at a new device wrote nothing.
                try await expect(host, "origin", [0, 0, 0, 0], "empty")
                try await write(origin.target, 0..<10, host)
                try await expect(host, "origin", [10, 0, 0, 0], "written")
                try await write(origin.target, 0..<2, host)
                try await expect(host, "origin", [10, 0, 0, 2], "overwritten")
                try await ashlar(host, "snapshot", "create", "first", "origin")
                try await write(origin.target, 0..<3, host)
                try await expect(host, "origin", [10, 0, 3, 2], "overwritten behind a snapshot")
                try await host.shell("blkdiscard -o \(8 * Self.part) -l \(2 * Self.part) \(origin.target)")
                try await host.shell("sync \(origin.target)")
                try await expect(host, "origin", [8, 0, 5, 2], "discarded behind a snapshot")
                try await expectSums(host)

                try await ashlar(host, "volume", "clone", "first", "copy")
                try await expect(host, "copy", [0, 10, 0, 0], "a clone takes nothing")
                let listed = try #require(try await host.json(["volume", "show", "copy"]) as? [String: Any])
                var copy = TestVolume(
                    name: "copy", id: try #require(listed["id"] as? String), content: .block,
                    sizeBytes: origin.sizeBytes, context: origin.context, staging: "\(host.directory)/stage/copy",
                    target: "\(host.directory)/pods/copy/mount")
                try await copy.bringUp(csi)
                try await write(copy.target, 0..<4, host)
                try await expect(host, "copy", [4, 6, 0, 0], "a clone's own")
                try await ashlar(host, "snapshot", "delete", "first")
                try await expect(host, "origin", [8, 0, 5, 2], "needed by the clone")
                try await expectSums(host)

                // The origin goes, and is hidden as long as the clone needs it.
                try await origin.takeDown(csi)
                try await origin.delete(csi)
                var group: [String: Any] = [:]
                for _ in 0..<100 where try group.isEmpty || bytes(group["space"], "snapshotOnlyBytes") > 10 * Self.part
                {
                    let groups = try #require(try await host.json(["group", "ls"]) as? [[String: Any]])
                    group = try #require(groups.first)
                }
                #expect(try bytes(group, "hiddenVolumeCount") == 1)
                #expect(try bytes(group["space"], "liveBytes") == 4 * Self.part)
                try await expectSums(host)
                try await copy.takeDown(csi)
                daemon.terminate()
                #expect(await daemon.exitCode(within: 20) == 0)
                try await expectFsckAgrees(host)
                let (_, again) = try await host.serve()
                try await copy.delete(again)
                for _ in 0..<200 where !host.volumeDirectories().isEmpty {
                    try await Task.sleep(for: .milliseconds(50))
                }
                let pool = try #require(try await host.json(["pool", "status"]) as? [String: Any])
                #expect(try bytes(pool["usage"], "allocatedBytes") == 0)
                let text = try await host.run(["pool", "status", "--config", host.configPath])
                #expect(text.code == 0 && text.output.contains("recycled"), "\(text.output)")
            }
        }

        private func expectFsckAgrees(_ host: Host) async throws {
            let report = try #require(try await host.json(["fsck", "--data"]) as? [String: Any])
            let volumes = try #require(report["volumes"] as? [[String: Any]])
            #expect(volumes.count == 2)
            for volume in volumes { try expectSum(volume["space"], "fsck") }
            let live = try volumes.map { try bytes($0["space"], "liveBytes") }.sorted()
            #expect(live == [0, 4 * Self.part])
            let kept = try volumes.map { try bytes($0["space"], "snapshotOnlyBytes") }.sorted()
            #expect(kept == [0, 10 * Self.part], "all that the snapshot had, for the clone")
        }
    }
}
