import Base
import EmbeddedEngine

/// Every sequence of up to three steps on a small volume with a crash at every I/O, and every choice of lost mountpaths.
///
/// Each case begins with the same pool, whose volume holds four flushed blocks. Crashes that fall into the start after the sequence's own crash are
/// tried too, at every I/O. A sequence is carried out once: what is on the drives before each I/O is kept, and each of these moments is
/// then crashed. What a crash leaves is started and checked if no other crash has left the same.
package struct ExhaustiveSimulation {
    package struct Outcome: Codable, Sendable {
        package var crashes = 0
        package var failures = 0
        package var sequences = 0
        package var patterns = 0
        /// Crashes that left the same are checked once.
        package var states = 0
        package var problems: [String] = []

        package init() {}

        package mutating func add(_ other: Outcome) {
            crashes += other.crashes
            failures += other.failures
            sequences += other.sequences
            patterns += other.patterns
            states += other.states
            problems += other.problems
        }

        package var summary: String {
            "\(sequences) sequences, \(states) different states left by their crashes, \(patterns) patterns of lost mountpaths"
        }
    }

    /// Steps of a sequence. Those that need a snapshot come after one; they take the last. A clone is written to.
    enum Step: CaseIterable {
        case write
        case flush
        case discard
        case crash
        case snapshot
        case delete
        case rollBack
        case clone

        var needsSnapshot: Bool { [.delete, .rollBack, .clone].contains(self) }
    }

    private let canary: EngineCanary?
    /// Fewer sequences, modes and patterns.
    private let isShort: Bool

    package init(canary: EngineCanary? = nil, isShort: Bool) {
        self.canary = canary
        self.isShort = isShort
    }

    /// Every `parts`th of what there is to do, from `part` on.
    package func run(part: Int = 0, of parts: Int = 1) -> Outcome {
        var outcome = Outcome()
        let sequences = Self.sequences(lengthMax: isShort ? 2 : 3)
        let crashing = ExhaustiveCase(k: 2, p: 1, canary: canary)
        for (number, steps) in sequences.enumerated() where number % parts == part {
            outcome.sequences += 1
            crashEverywhere(crashing, steps, &outcome)
        }
        outcome.states = crashing.statesSeen
        for (k, p) in [(2, 1), (4, 2), (8, 2)] {
            let pool = ExhaustiveCase(k: k, p: p, canary: canary)
            for (number, lost) in Self.subsets(of: k + p, sizeMax: p).enumerated() where number % parts == part {
                outcome.patterns += 1
                for steps in isShort ? [[.write, .flush, .discard]] : sequences {
                    attempt(&outcome, "erasure(\(k),\(p)) \(steps), lost \(lost)") {
                        try pool.runLosing(lost, after: steps)
                    }
                }
            }
        }
        return outcome
    }

    /// A sequence with a crash in it is carried out for each way to crash; else what is recorded once is crashed in every way.
    private func crashEverywhere(_ pool: ExhaustiveCase, _ steps: [Step], _ outcome: inout Outcome) {
        let all: [CrashMode] =
            isShort ? (steps.count > 1 ? [.powerLostMixed] : [.powerLostAllLost, .powerLostMixed]) : CrashMode.allCases
        for modes in steps.contains(.crash) ? all.map({ [$0] }) : [all] {
            let recorded = attempt(&outcome, "\(steps), \(modes.map(\.rawValue))") {
                try pool.record(steps, modes[0])
            }
            guard let recorded else { continue }
            for mode in modes {
                for (number, point) in recorded.points.enumerated() {
                    attempt(&outcome, "\(steps), \(mode.rawValue), at I/O \(number)") {
                        try pool.check(point, number, mode)
                    }
                }
                if isShort && steps.count > 1 { continue }
                for (number, point) in recorded.startPoints.enumerated() {
                    attempt(&outcome, "\(steps), \(mode.rawValue), then again at I/O \(number) of the start") {
                        try pool.check(point, number, mode)
                    }
                }
            }
        }
    }

    @discardableResult
    private func attempt<T>(_ outcome: inout Outcome, _ name: String, _ body: () throws -> T) -> T? {
        outcome.crashes += 1
        do { return try body() } catch {
            outcome.failures += 1
            if outcome.problems.count < Self.problemsMax { outcome.problems.append("\(name): \(error)") }
            return nil
        }
    }

    private static let problemsMax = 10

    static func sequences(lengthMax: Int) -> [[Step]] {
        var all: [[Step]] = [[]]
        var last: [[Step]] = [[]]
        for _ in 0..<lengthMax {
            last = last.flatMap { sequence in
                Step.allCases.filter { !$0.needsSnapshot || sequence.contains(.snapshot) }.map { sequence + [$0] }
            }
            all += last
        }
        return all
    }

    /// Every choice of up to `sizeMax` of `count`.
    static func subsets(of count: Int, sizeMax: Int) -> [[Int]] {
        var all: [[Int]] = [[]]
        var last: [[Int]] = [[]]
        for _ in 0..<sizeMax {
            last = last.flatMap { chosen in (((chosen.last ?? -1) + 1)..<count).map { chosen + [$0] } }
            all += last
        }
        return all
    }
}
