import ArgumentParser
import Base
import EmbeddedEngine
import Foundation
import Glibc
import Simulator

/// The simulator as a program: `make simulate`.
///
/// A seed is a process of its own, so that one that dies or hangs is told with its seed. They run with deterministic hashing.
@main struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "The engine over simulated drives, with faults and crashes, against a model."
    )

    @Option(help: "How many crashes, each after 200 operations or more of its life.")
    var crashes: Int?
    @Option(help: "The first seed.")
    var seed: UInt64 = 1
    @Option(help: "A seeded bug: the run must fail. Without --crashes it goes on until it does, or to a bound.")
    var canary: String = ""
    @Flag(help: "Every short sequence of operations with a crash at every I/O, and every choice of lost mountpaths.")
    var exhaustive = false
    @Flag(help: "With --exhaustive: a part of it that takes seconds.")
    var short = false
    @Flag(help: "Without the table of faults and branches.")
    var quiet = false
    @Option(help: "How many processes at a time.")
    var jobs = ProcessInfo.processInfo.activeProcessorCount
    @Flag(help: .hidden)
    var worker = false
    @Option(help: .hidden)
    var part: Int?

    /// Lives of a seed; then another pool, since what is taken out of one does not come back.
    static let livesPerSeed = 6
    static let crashesDefault = 1000
    static let canaryCrashesMax = 30_000

    func run() throws {
        let bug = try parseCanary()
        if worker { return try Worker(seed: seed, lives: crashes ?? Self.livesPerSeed, canary: bug).run() }
        if exhaustive { return try runExhaustive(bug) }
        let supervisor = Supervisor(
            seed: seed, crashes: crashes ?? (bug == nil ? Self.crashesDefault : Self.canaryCrashesMax), canary: bug,
            jobs: max(1, jobs), isQuiet: quiet)
        if supervisor.run() > 0 { throw ExitCode.failure }
    }

    private func parseCanary() throws -> EngineCanary? {
        if canary.isEmpty { return nil }
        guard let bug = EngineCanary(rawValue: canary) else {
            throw ValidationError(
                "there is no canary \(canary): \(EngineCanary.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return bug
    }

    private func runExhaustive(_ bug: EngineCanary?) throws {
        let simulation = ExhaustiveSimulation(canary: bug, isShort: short)
        if let part {
            let outcome = simulation.run(part: part, of: Self.parts)
            return print(String(decoding: try JSONEncoder().encode(outcome), as: UTF8.self))
        }
        let began = ContinuousClock.now
        let outcome = ExhaustiveSupervisor(canary: bug, isShort: short, parts: Self.parts, jobs: max(1, jobs)).run()
        print("\(outcome.summary), \(seconds(since: began)) s")
        for problem in outcome.problems.prefix(10) { print("FAILED \(problem)") }
        print("\(outcome.crashes) crashes, \(outcome.failures) failed")
        if outcome.failures > 0 { throw ExitCode.failure }
    }

    /// Into which the exhaustive run is divided, each a process of its own.
    private static let parts = 24
}

func seconds(since began: ContinuousClock.Instant) -> String {
    String(format: "%.1f", Double((ContinuousClock.now - began) / .milliseconds(1)) / 1000)
}

/// What a worker prints as its last line.
struct WorkerResult: Codable {
    var report: SimulationReport
    var problem: String?
    /// So many crashes of this seed repeat the problem.
    var crashes: Int
}

/// One seed, in this process.
struct Worker {
    static let hangSeconds: UInt32 = 600
    var seed: UInt64
    var lives: Int
    var canary: EngineCanary?

    func run() throws {
        alarm(Self.hangSeconds)
        let simulation = VolumeSimulation(seed: seed, canary: canary)
        var result = WorkerResult(report: SimulationReport(), problem: nil, crashes: lives)
        do { try simulation.run(lives: lives) } catch let problem as VolumeSimulation.Problem {
            result.problem = problem.description
            result.crashes = problem.crashes
        }
        result.report = simulation.report
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        print(String(decoding: try encoder.encode(result), as: UTF8.self))
    }
}
