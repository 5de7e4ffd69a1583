import Base
import CSIMessages
import Foundation
import Glibc
import SystemIO
import Testing
import VolumeEngine

extension SystemTests {
    @Suite struct LossTests {
        @Test func mountpathsLostWhileMounted() async throws {
            try await Host.with { host in
                var (daemon, csi) = try await host.serve()
                var raw = try await TestVolume.create("raw", .block, bytes: 128 << 20, on: host, csi)
                var tree = try await TestVolume.create("tree", .ext4, bytes: 512 << 20, on: host, csi)
                try await raw.bringUp(csi)
                try await tree.bringUp(csi)
                let files = [
                    CheckedFile(path: raw.target, blockCount: 8_192, seed: 1),
                    CheckedFile(path: tree.target + "/file", blockCount: 8_192, seed: 2),
                ]
                try await host.shell(
                    "cd \(tree.target) && cp -a /usr/include/linux . && find linux -type f | xargs sha256sum > sums && sync -f ."
                )

                var writers = Writers(files)
                try await Task.sleep(for: .milliseconds(500))
                for number in [1, 4] {
                    try await takeAway(number, host)
                    try await Task.sleep(for: .milliseconds(300))
                }
                try await expectState(.out, of: [1, 4], host)
                let flushes = files.map(\.flushCount)
                try await Task.sleep(for: .milliseconds(700))
                let refusals = await writers.stop()
                #expect(refusals.isEmpty)
                for (file, before) in zip(files, flushes) {
                    #expect(file.flushCount > before, "writing does not go on")
                }
                try await compare(tree, files, host)
                try await verifyWithFio(tree, host)
                #expect(
                    await csi.status(CSI.Method.createVolume, TestVolume.request("new", .block, bytes: 1 << 20)).code
                        == .ok)

                // A restart without them.
                daemon.terminate()
                #expect(await daemon.exitCode(within: 20) == 0)
                (daemon, csi) = try await host.serve()
                try await raw.bringUp(csi)
                try await tree.bringUp(csi)
                try await compare(tree, files, host)

                // Back, with what they had: not believed.
                daemon.terminate()
                #expect(await daemon.exitCode(within: 20) == 0)
                for number in [1, 4] { try await host.mountImage(number) }
                (daemon, csi) = try await host.serve()
                try await expectState(.stale, of: [1, 4], host)
                let status = try #require(try await host.json(["pool", "status"]) as? [String: Any])
                let states = try #require(status["mountpaths"] as? [[String: Any]]).compactMap {
                    $0["state"] as? String
                }
                #expect(states.count { $0 == "stale" } == 2 && states.count { $0 == "active" } == 4, "\(states)")
                try await raw.bringUp(csi)
                try await tree.bringUp(csi)
                try await compare(tree, files, host)

                // A third loss is more than there is parity for.
                writers = Writers(files)
                try await Task.sleep(for: .milliseconds(300))
                try await takeAway(0, host)
                let problems = await writers.end()
                #expect(problems.count == 2)
                #expect(problems[0]?.errorNumber == EIO, "\(problems)")
                #expect([EIO, EROFS].contains(problems[1]?.errorNumber ?? 0), "\(problems)")
                // Wrong bytes throw.
                let raws = files[0]
                let unreadable = try await offPool { try raws.check(toleratingErrors: true) }
                report(
                    "after a third loss: \(unreadable) of \(raws.blockCount) blocks answer EIO, the others are right")

                // With the third one back, nothing that was flushed is lost.
                await daemon.kill()
                try await host.mountImage(0)
                (daemon, csi) = try await host.serve()
                try await raw.bringUp(csi)
                try await tree.bringUp(csi)
                try await compare(tree, files, host)
                for volume in [raw, tree] {
                    try await volume.takeDown(csi)
                    try await volume.delete(csi)
                }
            }
        }

        /// The filesystem dies, then its mount vanishes.
        private func takeAway(_ number: Int, _ host: Host) async throws {
            try await host.shell(
                "xfs_io -x -c shutdown \(host.mountpaths[number]) && umount -l \(host.mountpaths[number])")
        }

        private func expectState(_ state: MountpathState, of numbers: [Int], _ host: Host) async throws {
            let paths = Set(numbers.map { host.mountpaths[$0] })
            var found: Set<String> = []
            for _ in 0..<100 {
                found = Set(try await host.engine().poolStatus().mountpaths.filter { $0.state == state }.map(\.path))
                if found == paths { return }
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(found == paths, "\(state)")
        }

        private func compare(_ tree: TestVolume, _ files: [CheckedFile], _ host: Host) async throws {
            // Not from the page cache. (drop_caches would wait for every filesystem of the machine.)
            try await host.shell(
                """
                cd \(tree.target)
                find . -type f -exec sh -c 'for f; do dd if="$f" iflag=nocache count=0 status=none; done' sh {} +
                sha256sum --quiet -c sums
                """)
            for file in files { _ = try await offPool { try file.check() } }
        }

        private func verifyWithFio(_ tree: TestVolume, _ host: Host) async throws {
            try await host.shell(
                """
                cd \(tree.target)
                fio --name=verify --directory=. --size=48M --rw=randwrite --bs=4k --direct=1 --ioengine=libaio --iodepth=16 \
                    --fsync=64 --verify=crc32c --verify_state_save=0 --do_verify=1 --verify_fatal=1 --group_reporting 2>&1
                rm verify*
                """)
        }
    }
}
