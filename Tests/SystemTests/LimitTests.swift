import Base
import CSIMessages
import Foundation
import Synchronization
import Testing
import VolumeEngine

extension SystemTests {
    /// IOPS and bandwidth limits under fio, through the real device. `LIMIT_SECONDS` is how long each is measured.
    @Suite struct LimitTests {
        private static let bytes = 256 << 20
        private static let seconds = number(of: "LIMIT_SECONDS") ?? 3

        private func withVolumes(
            _ count: Int, _ body: (Host, CSIClient, Daemon, [TestVolume]) async throws -> Void
        ) async throws {
            try await Host.with(secondsMax: 120 + 20 * Self.seconds) { host in
                let (daemon, csi) = try await host.serve()
                var volumes: [TestVolume] = []
                for number in 0..<count {
                    var volume = try await TestVolume.create(
                        "v\(number)", .block, bytes: Int64(Self.bytes), on: host, csi)
                    try await volume.bringUp(csi)
                    try await host.shell(
                        "dd if=/dev/urandom of=\(volume.target) bs=1M oflag=direct status=none || true")
                    volumes.append(volume)
                }
                try await body(host, csi, daemon, volumes)
            }
        }

        private func limit(_ host: Host, _ volume: TestVolume, _ limits: VolumeLimits) async throws {
            try await host.engine().setLimits(try #require(VolumeID(volume.id)), limits)
        }

        /// What fio got through.
        private func measure(_ host: Host, _ volume: TestVolume, _ load: Load, seconds: Int = Self.seconds) async throws
            -> Rates
        {
            try await Rates(fio: host.shell(load.command(volume, seconds: seconds), secondsMax: seconds + 60))
        }

        /// Within 5 % over 10 s; in shorter runs the burst weighs more.
        private func expect(_ found: Double, _ rate: Double, burst: Double, _ what: String) {
            let high = (rate + burst / Double(Self.seconds)) * 1.05
            report("\(what): \(Int(found)) a second with a limit of \(Int(rate)), \(Self.seconds) s")
            #expect(found > rate * 0.95 && found < high, "\(what): \(found) with a limit of \(rate)")
        }

        @Test func limitsHold() async throws {
            try await withVolumes(1) { host, _, _, volumes in
                let volume = volumes[0]
                let small = [Load("randread", depth: 32), Load("randwrite", depth: 32), Load("randread", depth: 1)]
                for rate in [300.0, 3000] {
                    try await limit(host, volume, VolumeLimits(iops: UInt64(rate)))
                    // At depth 1 a busy machine may be slower than the higher limit.
                    for load in small where load.depth > 1 || rate < 1000 {
                        let found = try await measure(host, volume, load)
                        expect(found.iops, rate, burst: rate / 10, "\(load)")
                    }
                }
                let rate = 32.0 * 1_048_576
                try await limit(host, volume, VolumeLimits(bandwidth: UInt64(rate)))
                for load in [Load("write", bytes: 1 << 20, depth: 4), Load("randread", bytes: 64 << 10, depth: 16)] {
                    let found = try await measure(host, volume, load)
                    expect(found.bandwidth, rate, burst: rate / 10, "\(load)")
                }
                let both = VolumeLimits(iops: 1000, bandwidth: 100 << 20)
                try await limit(host, volume, both)
                expect(try await measure(host, volume, Load("randrw", depth: 8)).iops, 1000, burst: 100, "both ways")
            }
        }

        /// Also for requests that wait: a limit of 1 with a full queue, lifted.
        @Test func changesAreFeltWithinASecond() async throws {
            try await withVolumes(1) { host, _, daemon, volumes in
                let volume = volumes[0]
                let log = "\(host.directory)/iops"
                try await limit(host, volume, VolumeLimits(iops: 200))
                let load = Task {
                    try await host.shell(
                        Load("randread", depth: 16).command(volume, seconds: 6)
                            + " --write_iops_log=\(log) --log_avg_msec=100")
                }
                try await Task.sleep(for: .seconds(2))
                let began = ContinuousClock.now
                try await limit(host, volume, VolumeLimits(iops: 1000))
                #expect(ContinuousClock.now - began < .milliseconds(500), "the change waits for nothing")
                try await Task.sleep(for: .seconds(1))
                // A worker that comes after this one has the same limits.
                kill(daemon.worker, SIGKILL)
                _ = try await load.value
                let samples = try String(contentsOfFile: "\(log)_iops.1.log", encoding: .utf8).split(separator: "\n")
                    .map {
                        $0.split(separator: ",").prefix(2).map { Double($0.trimmingCharacters(in: .whitespaces)) ?? 0 }
                    }
                // Of fio's clock, which began a little after ours.
                let new = samples.first { $0[1] > 700 }?[0] ?? .infinity
                report("200 a second, changed to 1000 before 2000 ms, felt at \(Int(new)) ms")
                #expect(new > 1000 && new < 3000)
                // Each worker begins with a burst.
                #expect(samples.filter { $0[0] > new + 300 }.count { $0[1] > 1300 } <= 3)

                try await limit(host, volume, VolumeLimits(iops: 1))
                let waiting = Task {
                    let began = ContinuousClock.now
                    try await host.shell(Load("randread", depth: 16).command(volume, requests: 200))
                    return ContinuousClock.now - began
                }
                try await Task.sleep(for: .seconds(1))
                try await limit(host, volume, .none)
                #expect(try await waiting.value < .seconds(3))
            }
        }

        /// A volume that is far above its limit: its neighbour, its detachment and an upgrade do not wait for it.
        @Test func nobodyElseWaits() async throws {
            try await withVolumes(2) { host, csi, daemon, volumes in
                let alone = try await measure(host, volumes[1], Load("randwrite", depth: 8), seconds: 2)
                try await limit(host, volumes[0], VolumeLimits(iops: 1, bandwidth: VolumeLimits.bandwidthMin))
                let crowd = Task {
                    try? await host.shell(Load("randwrite", depth: 64).command(volumes[0], seconds: 8), secondsMax: 70)
                }
                try await Task.sleep(for: .seconds(1))
                let beside = try await measure(host, volumes[1], Load("randwrite", depth: 8), seconds: 2)
                report("beside a volume that waits: \(Int(beside.iops)) a second, alone \(Int(alone.iops))")
                #expect(beside.iops > alone.iops / 3)
                let began = ContinuousClock.now
                let (code, output) = try await host.run(["engine", "upgrade", "--config", host.configPath])
                #expect(code == 0, "\(output)")
                report("upgrade beside it: \((ContinuousClock.now - began).seconds) s")
                #expect(ContinuousClock.now - began < .seconds(10))
                let again = try await host.ready(daemon)
                try await limit(host, volumes[0], .none)
                _ = await crowd.value
                // In debt, and idle.
                try await limit(host, volumes[0], VolumeLimits(bandwidth: VolumeLimits.bandwidthMin))
                try await host.shell(
                    "dd if=/dev/zero of=\(volumes[0].target) bs=1M count=2 oflag=direct status=none", secondsMax: 60)
                let end = ContinuousClock.now
                try await volumes[0].takeDown(again)
                report("taken down in debt: \((ContinuousClock.now - end).seconds) s")
                #expect(ContinuousClock.now - end < .seconds(5))
                try await volumes[1].takeDown(csi)
            }
        }
    }
}
