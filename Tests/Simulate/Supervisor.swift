import EmbeddedEngine
import Foundation
import Glibc
import Simulator
import Synchronization

/// Runs seeds as processes, some at a time, and adds up what they say.
final class Supervisor: Sendable {
    private struct State {
        var nextSeed: UInt64
        var crashesLeft: Int
        var report = SimulationReport()
        var failures: [String] = []
        var crashesAtFirstFailure: Int?
    }
    private let state: Mutex<State>
    private let canary: EngineCanary?
    private let jobs: Int
    private let isQuiet: Bool

    init(seed: UInt64, crashes: Int, canary: EngineCanary?, jobs: Int, isQuiet: Bool) {
        self.canary = canary
        self.jobs = jobs
        self.isQuiet = isQuiet
        state = Mutex(State(nextSeed: seed, crashesLeft: crashes))
    }

    /// Returns how many seeds failed.
    func run() -> Int {
        let began = ContinuousClock.now
        DispatchQueue.concurrentPerform(iterations: jobs) { _ in
            while let (seed, lives) = take() { runSeed(seed, lives: lives) }
        }
        let (report, failures, first) = state.withLock { ($0.report, $0.failures, $0.crashesAtFirstFailure) }
        if !isQuiet { print(report.table.text) }
        let missing = report.table.missing
        if canary == nil, report.crashes >= FaultTable.crashesForAll, !missing.isEmpty {
            print("NEVER MET in \(report.crashes) crashes: \(missing.joined(separator: "; "))")
        }
        let elapsed = Double((ContinuousClock.now - began) / .milliseconds(1)) / 1000
        print(report.summary)
        print(
            String(format: "%.1f s, %.0f crashes an hour", elapsed, Double(report.crashes) / max(elapsed, 0.001) * 3600)
        )
        if let canary {
            print(
                first.map { "canary \(canary.rawValue) caught after \($0) crashes" }
                    ?? "canary \(canary.rawValue) was NOT caught")
        }
        print("\(report.crashes) crashes, \(failures.count) failed")
        return failures.count
    }

    private func take() -> (UInt64, Int)? {
        state.withLock { state in
            // A canary has done its work when it was seen once.
            guard state.crashesLeft > 0, canary == nil || state.failures.isEmpty else { return nil }
            let lives = min(Simulate.livesPerSeed, state.crashesLeft)
            state.crashesLeft -= lives
            defer { state.nextSeed += 1 }
            return (state.nextSeed, lives)
        }
    }

    private func runSeed(_ seed: UInt64, lives: Int) {
        let arguments =
            ["--worker", "--seed", "\(seed)", "--crashes", "\(lives)"]
            + (canary.map { ["--canary", $0.rawValue] } ?? [])
        let (result, ending) = runWorker(arguments, as: WorkerResult.self)
        note(seed, lives, result, ending)
    }

    private func note(_ seed: UInt64, _ lives: Int, _ result: WorkerResult?, _ ending: String) {
        let problem = result == nil ? "the process \(ending)" : result?.problem
        state.withLock { state in
            if let result { state.report.add(result.report) }
            guard let problem else { return }
            let option = canary.map { " CANARY=\($0.rawValue)" } ?? ""
            let text =
                "FAILED seed \(seed), \(problem)\n  repeat: make simulate CRASHES=\(result?.crashes ?? lives) SEED=\(seed)\(option)"
            state.failures.append(text)
            if state.crashesAtFirstFailure == nil { state.crashesAtFirstFailure = state.report.crashes }
            print(text)
        }
    }
}

/// Runs the parts of the exhaustive simulation as processes, some at a time.
final class ExhaustiveSupervisor: Sendable {
    private let state = Mutex((next: 0, done: 0, outcome: ExhaustiveSimulation.Outcome()))
    private let canary: EngineCanary?
    private let isShort: Bool
    private let parts: Int
    private let jobs: Int

    init(canary: EngineCanary?, isShort: Bool, parts: Int, jobs: Int) {
        self.canary = canary
        self.isShort = isShort
        self.parts = parts
        self.jobs = jobs
    }

    func run() -> ExhaustiveSimulation.Outcome {
        let began = ContinuousClock.now
        DispatchQueue.concurrentPerform(iterations: jobs) { _ in
            while let part = take() {
                let arguments =
                    ["--exhaustive", "--part", "\(part)"] + (isShort ? ["--short"] : [])
                    + (canary.map { ["--canary", $0.rawValue] } ?? [])
                let (outcome, ending) = runWorker(arguments, as: ExhaustiveSimulation.Outcome.self)
                state.withLock { state in
                    state.done += 1
                    if let outcome {
                        state.outcome.add(outcome)
                    } else {
                        state.outcome.failures += 1
                        state.outcome.problems.append("part \(part): the process \(ending)")
                    }
                    guard !isShort else { return }
                    print(
                        "\(state.done) of \(parts) parts, \(state.outcome.crashes) crashes, \(state.outcome.failures) failed, \(seconds(since: began)) s"
                    )
                    fflush(nil)
                }
            }
        }
        return state.withLock { $0.outcome }
    }

    private func take() -> Int? {
        state.withLock { state in
            guard state.next < parts else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }
}

/// Runs this program with `arguments`; its last line is the result, nil where the process ended otherwise.
private func runWorker<Result: Decodable>(_ arguments: [String], as _: Result.Type) -> (Result?, ending: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_DETERMINISTIC_HASHING": "1"]) { $1 }
    let output = Pipe()
    process.standardOutput = output
    do {
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let reason = process.terminationReason == .uncaughtSignal ? "signal" : "status"
        let result = data.split(separator: UInt8(ascii: "\n")).last.flatMap {
            try? JSONDecoder().decode(Result.self, from: $0)
        }
        return (result, "ended by \(reason) \(process.terminationStatus)")
    } catch { return (nil, "cannot be started: \(error)") }
}
