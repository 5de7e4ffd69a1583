import Base
import CSIMessages
import Foundation
import Testing

extension SystemTests {
    /// Two volumes on drives that are slower than both would like. `FAIRNESS_SECONDS` is how long each pair is measured.
    @Suite struct FairnessTests {
        private static let bytes = 128 << 20
        private static let seconds = number(of: "FAIRNESS_SECONDS") ?? 3
        /// A second, of each drive: the kernel throttles what the engine sends to its mountpaths.
        private static let driveReads = 800
        private static let driveWrites = 800

        private static let controlGroups = "/sys/fs/cgroup/blkio"
        private static let canThrottle = access("\(controlGroups)/blkio.throttle.read_iops_device", F_OK) == 0

        private func withVolumes(_ body: (Host, [TestVolume]) async throws -> Void) async throws {
            try await Host.with(secondsMax: 120 + 40 * Self.seconds) { host in
                let (daemon, csi) = try await host.serve()
                var volumes: [TestVolume] = []
                for number in 0..<2 {
                    var volume = try await TestVolume.create(
                        "v\(number)", .block, bytes: Int64(Self.bytes), on: host, csi)
                    try await volume.bringUp(csi)
                    try await host.shell(
                        "dd if=/dev/urandom of=\(volume.target) bs=1M count=\(Self.bytes >> 20) oflag=direct conv=fsync status=none"
                    )
                    volumes.append(volume)
                }
                let group = "\(Self.controlGroups)/ashlar-test-\(daemon.pid)"
                try await throttle(host, daemon, group)
                let result: Result<Void, any Error>
                do {
                    try await body(host, volumes)
                    result = .success(())
                } catch { result = .failure(error) }
                // Its processes go back, and it is gone.
                try await host.shell(
                    "for p in $(cat \(group)/cgroup.procs); do echo $p > \(Self.controlGroups)/cgroup.procs; done; rmdir \(group)"
                )
                try result.get()
            }
        }

        private func throttle(_ host: Host, _ daemon: Daemon, _ group: String) async throws {
            try await host.shell("mkdir \(group)")
            for number in 0..<host.settings.mountpathCount {
                try await host.shell(
                    """
                    device=$(mountpoint -d \(host.mountpaths[number]))
                    echo "$device \(Self.driveReads)" > \(group)/blkio.throttle.read_iops_device
                    echo "$device \(Self.driveWrites)" > \(group)/blkio.throttle.write_iops_device
                    """)
            }
            for process in [daemon.pid, daemon.worker] {
                try await host.shell("echo \(process) > \(group)/cgroup.procs")
            }
        }

        private func run(_ host: Host, _ volume: TestVolume, _ load: Load) async throws -> Rates {
            try await Rates(fio: host.shell(load.command(volume, seconds: Self.seconds), secondsMax: Self.seconds + 60))
        }

        private func together(
            _ host: Host, _ volumes: [TestVolume], _ loads: [Load]
        ) async throws -> [Rates] {
            async let first = run(host, volumes[0], loads[0])
            async let second = run(host, volumes[1], loads[1])
            return try await [first, second]
        }

        @Test(.enabled(if: canThrottle)) func equalLoadsGetEqualShares() async throws {
            try await withVolumes { host, volumes in
                for load in [
                    Load("randread", depth: 32), Load("randwrite", depth: 32),
                    Load("randwrite", depth: 32, writesPerFlush: 16), Load("write", bytes: 1 << 20, depth: 4),
                    Load("read", bytes: 1 << 20, depth: 4),
                ] {
                    let rates = try await together(host, volumes, [load, load])
                    let share = rates[0].bandwidth / (rates[0].bandwidth + rates[1].bandwidth)
                    report(
                        "\(load): \(rates.map { Int($0.iops) }) a second, the first has \(Int(share * 100)) %")
                    #expect(share > 0.4 && share < 0.6, "\(load)")
                }
            }
        }

        @Test(.enabled(if: canThrottle)) func aDeepQueueDoesNotStarveAShallowOne() async throws {
            try await withVolumes { host, volumes in
                for (shallow, deep) in [
                    (Load("randread", depth: 1), Load("randread", depth: 32)),
                    (Load("randwrite", depth: 1, writesPerFlush: 1), Load("randwrite", depth: 32)),
                    (Load("randwrite", depth: 1, writesPerFlush: 1), Load("randwrite", depth: 32, writesPerFlush: 32)),
                    (Load("randwrite", depth: 1, writesPerFlush: 1), Load("write", bytes: 1 << 20, depth: 4)),
                    (Load("randread", depth: 1), Load("read", bytes: 1 << 20, depth: 4)),
                    (Load("randread", depth: 1), Load("randwrite", depth: 32)),
                ] {
                    let alone = try await run(host, volumes[0], shallow)
                    let beside = try await together(host, volumes, [shallow, deep])
                    func milliseconds(_ rates: Rates) -> String { String(format: "%.2f ms", rates.median) }
                    report(
                        "\(shallow): \(Int(alone.iops)) a second alone, median \(milliseconds(alone)); \(Int(beside[0].iops)), \(milliseconds(beside[0])) beside \(deep) with \(Int(beside[1].iops))"
                    )
                    // How much it keeps depends on what else the machine does; docs/qos.md has figures of a quiet one.
                    #expect(beside[0].iops > alone.iops / 40, "\(shallow) beside \(deep)")
                }
            }
        }
    }
}
