import EmbeddedEngine

/// Counts which branch of the engine was taken while which faults were recent: those since the last comparison with the model.
final class BranchRecorder: @unchecked Sendable {
    // One thread runs a simulation.
    weak var faults: FaultInjector?
    weak var machine: SimulatedMachine?
    private(set) var table: [String: [String: Int]] = [:]
    private(set) var branches: [String: Int] = [:]

    func took(_ branch: EngineBranch) {
        // What code does after the end has no effect.
        guard machine?.isRunning == true else { return }
        branches[branch.rawValue, default: 0] += 1
        for kind in faults?.recent ?? [] { table[kind.rawValue, default: [:]][branch.rawValue, default: 0] += 1 }
    }
}

/// What a run did. Reports of several seeds add up.
package struct SimulationReport: Codable, Sendable {
    /// Each at another (seed, I/O), after 200 operations of its life or more.
    package var crashes = 0
    package var operations = 0
    package var records = 0
    package var checkpoints = 0
    package var blocksMoved = 0
    package var segmentsCleaned = 0
    package var closes = 0
    /// Comparisons of the whole volume with the model.
    package var checks = 0
    package var refused = 0
    package var startsRefused = 0
    /// Lives with more lost than may be.
    package var overwhelmed = 0
    package var snapshots = 0
    package var deletions = 0
    package var rollBacks = 0
    package var clones = 0
    /// Of two epochs, by their changed blocks.
    package var comparisons = 0
    package var epochsRefused = 0
    /// Snapshots and clones all deleted, and what they had found free.
    package var purges = 0
    package var faults: [String: Int] = [:]
    package var branches: [String: Int] = [:]
    /// By fault, by branch.
    package var table: [String: [String: Int]] = [:]

    package init() {}

    package mutating func add(_ other: SimulationReport) {
        crashes += other.crashes
        operations += other.operations
        records += other.records
        checkpoints += other.checkpoints
        blocksMoved += other.blocksMoved
        segmentsCleaned += other.segmentsCleaned
        closes += other.closes
        checks += other.checks
        refused += other.refused
        startsRefused += other.startsRefused
        overwhelmed += other.overwhelmed
        snapshots += other.snapshots
        deletions += other.deletions
        rollBacks += other.rollBacks
        clones += other.clones
        comparisons += other.comparisons
        epochsRefused += other.epochsRefused
        purges += other.purges
        faults.merge(other.faults) { $0 + $1 }
        branches.merge(other.branches) { $0 + $1 }
        table.merge(other.table) { $0.merging($1) { $0 + $1 } }
    }

    mutating func add(_ counts: EpochCounts) {
        snapshots += counts.snapshots
        deletions += counts.deletions
        rollBacks += counts.rollBacks
        clones += counts.clones
        comparisons += counts.comparisons
        epochsRefused += counts.refused
    }

    package var summary: String {
        "\(operations) operations, \(records) records, \(checkpoints) checkpoints, \(segmentsCleaned) segments cleaned, \(blocksMoved) blocks moved, \(closes) clean closes, \(checks) comparisons, \(refused) writes refused for space, \(startsRefused) starts refused under faults, \(overwhelmed) lives with too much lost; \(snapshots) snapshots, \(deletions) deleted, \(rollBacks) rollbacks, \(clones) clones, \(comparisons) comparisons by changed blocks, \(epochsRefused) of these refused for space, \(purges) times all freed"
    }

    /// Faults across, branches down; what has not met is a dot. Names of faults are numbered, so that it fits a terminal.
    package var tableText: String {
        let kinds = FaultKind.allCases
        let branches = EngineBranch.allCases
        let width = branches.map(\.rawValue.count).max() ?? 0
        var lines = kinds.enumerated().map { index, kind in
            "  \(Self.right("F\(index + 1)", 3))  \(kind.rawValue): \(faults[kind.rawValue] ?? 0)"
        }
        lines.append(
            Self.left("branch", width) + Self.right("all", 8)
                + kinds.indices.map { Self.right("F\($0 + 1)", 7) }.joined())
        var emptyCount = 0
        for branch in branches {
            let cells = kinds.map { table[$0.rawValue]?[branch.rawValue] ?? 0 }
            emptyCount += cells.count { $0 == 0 }
            lines.append(
                Self.left(branch.rawValue, width) + Self.right("\(self.branches[branch.rawValue] ?? 0)", 8)
                    + cells.map { Self.right($0 == 0 ? "." : "\($0)", 7) }.joined())
        }
        lines.append("\(emptyCount) of \(kinds.count * branches.count) cells are empty")
        return lines.joined(separator: "\n")
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
