import Base
import EmbeddedEngine
import Foundation
import Simulator
import SystemIO
import Testing

/// The map by itself against a naive model: random changes, snapshots, deletions, rollbacks, moves and crashes, over more leaves than the
/// cache holds. SEED and ROUNDS in the environment repeat or lengthen a run.
@Suite struct MapTests {
    private struct Model {
        var head: [UInt64: UInt32] = [:]
        var snapshots: [UInt32: [UInt64: UInt32]] = [:]
    }

    @Test(arguments: [0, 1, 2, 3, 4, 5])
    func theMapIsWhatANaiveModelSays(_ number: Int) async throws {
        let environment = ProcessInfo.processInfo.environment
        let seed = (environment["SEED"].flatMap { UInt64($0) } ?? 1) + UInt64(number)
        let rounds = environment["ROUNDS"].flatMap { Int($0) } ?? 800
        try await onThread { try Self.run(seed: seed, rounds: rounds) }
    }

    private static func run(seed: UInt64, rounds: Int) throws {
        let machine = SimulatedMachine(seed: seed)
        let disks = (0..<4).map { SimulatedDisk(machine: machine, index: $0, totalBytes: 1 << 30) }
        var random = SeededRandom(seed: seed)
        func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
        let map = try MapHarness(
            mountpaths: disks.enumerated().map {
                ConfiguredMountpath(path: "/d\($0)", media: "nvme", disk: $1)
            },
            ledger: SimulatedDisk(machine: machine, index: -1, totalBytes: 1 << 30), volume: .random(&random),
            cacheBytes: 64 * 4096, random: &random)
        var model = Model()
        var value: UInt32 = 0
        // Places all over a volume of 4 TiB, some in the same leaf.
        let places = (0..<600).map { _ in
            UInt64(below(3) == 0 ? below(100_000) : below(1 << 30)) / 4 * 4
        }
        for round in 0..<rounds {
            switch below(100) {
            case ..<70:
                let first = places[below(places.count)]
                for block in first..<(first + UInt64(1 + below(4))) {
                    value += 1
                    try map.set(block, value)
                    model.head[block] = value
                }
            case ..<76:
                let first = places[below(places.count)]
                let count = UInt64(1 + below(below(4) == 0 ? 3000 : 4))
                try map.discard(first, count)
                for block in first..<(first + count) { model.head[block] = nil }
            case ..<79:
                if model.snapshots.count < 12 { model.snapshots[try map.snapshot()] = model.head }
            case ..<82:
                if let epoch = model.snapshots.keys.sorted().dropFirst(below(max(1, model.snapshots.count))).first {
                    try map.delete(epoch)
                    model.snapshots[epoch] = nil
                }
            case ..<83:
                if let epoch = model.snapshots.keys.sorted().dropFirst(below(max(1, model.snapshots.count))).first {
                    try map.rollBack(epoch)
                    model.head = model.snapshots[epoch] ?? [:]
                }
            case ..<88: for _ in 0..<below(40) { _ = try map.reclaim() }
            case ..<93: for _ in 0..<below(10) { try map.move(places[below(places.count)]) }
            case ..<96: try map.checkpoint(isWhole: below(4) == 0)
            case ..<97: try map.crash()
            default:
                let block = places[below(places.count)]
                #expect(try map.read(block) == model.head[block], "seed \(seed), round \(round), block \(block)")
            }
            if round % 700 == 699 { try compare(map, model, "seed \(seed), round \(round)") }
        }
        try map.crash()
        try compare(map, model, "seed \(seed), the end")
        for epoch in model.snapshots.keys { try map.delete(epoch) }
        model.snapshots = [:]
        while try map.reclaim() {}
        try compare(map, model, "seed \(seed), without snapshots")
        #expect(map.liveBlocks == model.head.count, "seed \(seed): what only snapshots had is not free")
        try map.dropHead()
        while try map.reclaim() {}
        #expect(map.liveBlocks == 0 && map.nodeCount <= 1, "seed \(seed): \(map.nodeCount) nodes are left of nothing")
        #expect(map.writeBacks > 0, "the cache was never too small: the test has not tested it")
    }

    private static func compare(_ map: MapHarness, _ model: Model, _ place: String) throws {
        let problems = try map.problems()
        #expect(problems.isEmpty, "\(place): \(problems.prefix(3))")
        #expect(Set(map.snapshots) == Set(model.snapshots.keys), "\(place)")
        for (block, value) in model.head {
            #expect(try map.read(block) == value, "\(place), block \(block)")
        }
        for (epoch, content) in model.snapshots {
            // Some of them: a cache as small as this one reads every node again and again.
            for block in Set(content.keys).union(model.head.keys).sorted().enumerated().filter({
                ($0.offset + Int(epoch)) % 16 == 0
            })
            .map(\.element) {
                #expect(try map.read(block, epoch: epoch) == content[block], "\(place), epoch \(epoch), block \(block)")
            }
        }
    }
}

/// Long computations would keep the cooperative pool's few threads from tests that wait on the clock.
func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { (done: CheckedContinuation<T, any Error>) in
        SystemIO.Thread(name: "computation") { done.resume(with: Result { try body() }) }.start()
    }
}
