import Base
import CSIMessages
import Foundation
import Testing

/// The real binary, started as a person or Kubernetes starts it, driven through its sockets. One test at a time: each has
/// processes, mounts and loop devices of its own, and the machine's other half does the work.
/// `CUTS` and `KILLS` lengthen a test, and the limit with it.
@Suite(.serialized, .timeLimit(.minutes(6 + ((number(of: "CUTS") ?? 0) + (number(of: "KILLS") ?? 0)) / 5)))
struct SystemTests {}

/// Numbers of a run, for the log.
func report(_ text: String) { print("system-tests: \(text)") }

/// The seed of a random test: `SEED`, else a new one. It is printed, so that a failing run can be repeated.
func makeSeed(_ test: String) -> UInt64 {
    let seed = ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...999_999)
    report("\(test): SEED=\(seed)")
    return seed
}

/// Runs `count` pieces of work, `width` at a time, and returns how long each took, sorted.
func inParallel(
    _ count: Int, width: Int, _ body: @escaping @Sendable (Int) async throws -> Void
) async throws -> [Duration] {
    try await withThrowingTaskGroup(of: Duration.self) { group in
        var durations: [Duration] = []
        for index in 0..<count {
            if index >= width, let done = try await group.next() { durations.append(done) }
            group.addTask {
                let begin = ContinuousClock.now
                try await body(index)
                return ContinuousClock.now - begin
            }
        }
        for try await done in group { durations.append(done) }
        return durations.sorted()
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
