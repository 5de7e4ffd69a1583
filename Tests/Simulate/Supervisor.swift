import EmbeddedEngine
import Foundation
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
        var result: WorkerResult?
        var ending = "cannot be started"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments =
            ["--worker", "--seed", "\(seed)", "--crashes", "\(lives)"]
            + (canary.map { ["--canary", $0.rawValue] } ?? [])
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_DETERMINISTIC_HASHING": "1"]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        do {
            try process.run()
            let data = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            ending =
                "ended by \(process.terminationReason == .uncaughtSignal ? "signal" : "status") \(process.terminationStatus)"
            result = data.split(separator: UInt8(ascii: "\n")).last.flatMap {
                try? JSONDecoder().decode(WorkerResult.self, from: $0)
            }
        } catch { ending = "cannot be started: \(error)" }
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
