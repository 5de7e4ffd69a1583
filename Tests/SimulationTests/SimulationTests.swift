import Base
import Foundation
import Simulator
import Testing

@Suite struct SimulationTests {
    /// SEED and LIVES in the environment repeat or lengthen a run.
    @Test(arguments: [(4, 2, 8), (2, 1, 5), (1, 2, 5), (8, 2, 10), (4, 2, 6)])
    func nothingFlushedIsLostThroughPowerLossesAndFaults(k: Int, p: Int, mountpaths: Int) throws {
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
            let simulation = VolumeSimulation(seed: seed, settings: settings)
            try simulation.run(lives: lives)
            totals.merge(simulation.counts) { $0 + $1 }
        }
        print(
            "simulated erasure(\(k),\(p)): "
                + totals.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
        #expect(totals["checks"] == Int(seeds) * lives)
    }
}
