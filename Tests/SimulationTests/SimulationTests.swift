import Base
import Foundation
import Simulator
import SystemIO
import Testing

@Suite(.serialized) struct SimulationTests {
    /// SEED and LIVES in the environment repeat or lengthen a run.
    @Test(arguments: [(4, 2, 8), (2, 1, 5), (1, 2, 5), (8, 2, 10), (4, 2, 6)])
    func nothingFlushedIsLostThroughPowerLossesAndFaults(k: Int, p: Int, mountpaths: Int) async throws {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["SEED"].flatMap { UInt64($0) } ?? 1
        let seeds = environment["SEEDS"].flatMap { UInt64($0) } ?? 3
        let lives = environment["LIVES"].flatMap { Int($0) } ?? 12
        var totals: [String: Int] = [:]
        for seed in first..<(first + seeds) {
            var settings = VolumeSimulation.Settings()
            settings.k = k
            settings.p = p
            settings.mountpathCount = mountpaths
            // On a thread of its own: other suites wait on the clock, and the cooperative pool has two threads.
            let used = settings
            let counts = try await withCheckedThrowingContinuation {
                (done: CheckedContinuation<[String: Int], any Error>) in
                Thread(name: "simulation") {
                    let simulation = VolumeSimulation(seed: seed, settings: used)
                    done.resume(
                        with: Result { () throws -> [String: Int] in
                            try simulation.run(lives: lives)
                            return simulation.counts
                        })
                }.start()
            }
            totals.merge(counts) { $0 + $1 }
        }
        print(
            "simulated erasure(\(k),\(p)): "
                + totals.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
        #expect(totals["checks"] == Int(seeds) * lives)
    }
}
