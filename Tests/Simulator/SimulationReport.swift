import EmbeddedEngine

/// Tells the table which branches the engine takes. What is rare the simulation likes to see interrupted: soon after such a branch
/// everything may stop.
final class BranchRecorder: @unchecked Sendable {
    // One thread runs a simulation.
    weak var faults: FaultInjector?
    weak var machine: SimulatedMachine?
    private(set) var table = FaultTable()
    private static let operationsMax = 60

    func took(_ branch: EngineBranch) {
        // What code does after the end has no effect.
        guard let machine, machine.isRunning, let faults else { return }
        table.note(branch, kinds: faults.recent.union(faults.inherited), isWild: faults.isWild)
        // A failure seldom comes alone.
        if branch.isFailure, machine.chance(1, in: 4) { faults.loseOne() }
        guard branch.isRare, faults.isStarting || faults.isEnding, machine.chance(1, in: 4) else { return }
        machine.operationsUntilCrash = min(machine.operationsUntilCrash ?? .max, machine.pick(Self.operationsMax))
    }
}

extension EngineBranch {
    /// A mountpath will be taken out for it.
    fileprivate var isFailure: Bool {
        [.writeFailed, .syncFailed, .tooManyReadErrors, .missingAtStart].contains(self)
    }

    fileprivate var isRare: Bool {
        switch self {
        case .recordRewritten, .recordLost, .recoveryBegunAnew, .takenOut, .poolFileFailed, .writeFailed,
            .writtenAgain, .syncFailed, .checkpointFailed:
            true
        default: false
        }
    }
}

/// What a run did. Reports of several seeds add up.
package struct SimulationReport: Codable, Sendable {
    /// Each at another (seed, I/O), after 200 operations of its life or more.
    package var crashes = 0
    /// Of all ends of a process, starts that were cut off too, those that left its rings.
    package var processDeaths = 0
    /// Requests that were sent again to the next process.
    package var resends = 0
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
    /// Pools that were written until they were full, and those where writes went on after deletions.
    package var filled = 0
    package var relieved = 0
    package var snapshots = 0
    package var deletions = 0
    package var rollBacks = 0
    package var clones = 0
    /// Of two epochs, by their changed blocks.
    package var comparisons = 0
    package var epochsRefused = 0
    /// Snapshots and clones all deleted, and what they had found free.
    package var purges = 0
    package var table = FaultTable()

    package init() {}

    package mutating func add(_ other: SimulationReport) {
        crashes += other.crashes
        processDeaths += other.processDeaths
        resends += other.resends
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
        filled += other.filled
        relieved += other.relieved
        snapshots += other.snapshots
        deletions += other.deletions
        rollBacks += other.rollBacks
        clones += other.clones
        comparisons += other.comparisons
        epochsRefused += other.epochsRefused
        purges += other.purges
        table.add(other.table)
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
        "\(operations) operations, \(processDeaths) deaths of the process alone, \(resends) requests sent again, \(records) records, \(checkpoints) checkpoints, \(segmentsCleaned) segments cleaned, \(blocksMoved) blocks moved, \(closes) clean closes, \(checks) comparisons, \(refused) writes refused for space, \(startsRefused) starts refused under faults, \(overwhelmed) lives with too much lost, \(filled) pools filled, \(relieved) written again after deletions; \(snapshots) snapshots, \(deletions) deleted, \(rollBacks) rollbacks, \(clones) clones, \(comparisons) comparisons by changed blocks, \(epochsRefused) of these refused for space, \(purges) times all freed"
    }
}
