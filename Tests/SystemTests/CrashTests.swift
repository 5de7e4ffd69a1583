import Base
import Filesystems
import Foundation
import Glibc
import SystemIO
import Testing

extension SystemTests {
    @Suite struct CrashTests {
        /// `KILLS` asks for another number.
        private static let killCount = ProcessInfo.processInfo.environment["KILLS"].flatMap { Int($0) } ?? 50

        /// kill -9 at random moments of creates, deletes, expansions, whole lives of volumes and writes with flushes.
        @Test func kills() async throws {
            let seed = makeSeed("kills")
            let begin = ContinuousClock.now
            try await Host.with(secondsMax: 30 + Self.killCount * 6) { host in
                let run = CrashRun(host, seed: seed)
                for round in 0..<Self.killCount {
                    do { try await run.round() } catch {
                        Issue.record("round \(round) of SEED=\(seed): \(error)")
                        report(String(host.log.suffix(6_000)))
                        return
                    }
                }
                try await run.finish()
                report("\(Self.killCount) kills in \((ContinuousClock.now - begin).seconds) s: \(run.summary)")
                #expect(run.flushCount > Self.killCount, "the writers hardly ran")
                #expect(run.callCount > Self.killCount * 10, "the calls hardly ran")
            }
        }

        /// The journal's replay leaves nothing that a check of the filesystem finds.
        @Test(arguments: [Content.ext4, .xfs])
        func filesystemIsCleanAfterKills(content: Content) async throws {
            try await Host.with { host in
                var (daemon, csi) = try await host.serve()
                var volume = try await TestVolume.create("tree", content, bytes: 400 << 20, on: host, csi)
                for round in 0..<3 {
                    try await volume.bringUp(csi)
                    let work = Task { [volume] in
                        try? await host.shell(
                            """
                            cd \(volume.target)
                            for n in 1 2 3 4 5 6 7 8 9; do
                                rm -rf linux$((n % 3)); cp -r /usr/include/linux linux$((n % 3)); sync -f .
                                mv linux$((n % 3)) moved$n-\(round); truncate -s 5000 moved$n-\(round)/*.h
                            done
                            """)
                    }
                    try await Task.sleep(for: .milliseconds(400 + 350 * round))
                    await daemon.kill()
                    _ = await work.value
                    (daemon, csi) = try await host.serve()
                    try await volume.bringUp(csi)
                    try await volume.nodeUnpublish(csi)
                    try await check(volume, host)
                    try await volume.unstage(csi)
                }
                try await volume.unpublish(csi)
                try await volume.delete(csi)
            }
        }

        /// Unmounts behind the driver's back, with the device still there.
        private func check(_ volume: TestVolume, _ host: Host) async throws {
            let id = try #require(VolumeID(volume.id))
            let device = try #require(try LoopDevice.serving(id).first).path
            try await host.shell("umount \(volume.staging)")
            let tool = volume.content == .ext4 ? "e2fsck -fn" : "xfs_repair -n"
            let output = try await host.shell("\(tool) \(device) 2>&1 || echo FAILED")
            #expect(!output.contains("FAILED"), "\(output)")
        }
    }
}
