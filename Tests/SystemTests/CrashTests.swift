import Base
import Filesystems
import Foundation
import Glibc
import SystemIO
import Testing

extension SystemTests {
    @Suite struct CrashTests {
        /// `KILLS` asks for another number.
        private static let killCount = number(of: "KILLS") ?? 50

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

        /// Fio, checked writers and changes of names on raw, ext4 and xfs, kill -9, restart, mount, verify, and a check of both filesystems:
        /// the journal's replay leaves nothing to find. `KILLS` asks for another number.
        @Test func filesystemsAreCleanAfterKills() async throws {
            let count = number(of: "KILLS") ?? 4
            let seed = makeSeed("filesystems after kills")
            try await Host.with(secondsMax: 60 + count * 12) { host in
                let run = VerifiedRun(host, .kill, seed: seed)
                try await run.strikeRepeatedly(
                    count, host, "KILLS=\(count) SEED=\(seed)", filter: "filesystemsAreCleanAfterKills")
                #expect(run.flushCount > count, "the writers hardly ran")
            }
        }
    }
}
