import EmbeddedEngine

/// Which branches of the engine each kind of fault has met.
///
/// A fault meets the branches that are taken from its coming to the next comparison of the volume with the model; one that comes with a
/// crash also those of the life that goes on with what it left.
package struct FaultTable: Codable, Sendable {
    /// By fault, by branch.
    private(set) var cells: [String: [String: Int]] = [:]
    /// Of these, in lives in which more was lost than may be.
    private(set) var wildCells: [String: [String: Int]] = [:]
    private(set) var faults: [String: Int] = [:]
    private(set) var branches: [String: Int] = [:]

    mutating func note(_ branch: EngineBranch, kinds: Set<FaultKind>, isWild: Bool) {
        branches[branch.rawValue, default: 0] += 1
        for kind in kinds {
            cells[kind.rawValue, default: [:]][branch.rawValue, default: 0] += 1
            if isWild { wildCells[kind.rawValue, default: [:]][branch.rawValue, default: 0] += 1 }
        }
    }

    mutating func setFaults(_ counts: [FaultKind: Int]) {
        for (kind, number) in counts { faults[kind.rawValue] = number }
    }

    mutating func add(_ other: FaultTable) {
        cells.merge(other.cells) { $0.merging($1) { $0 + $1 } }
        wildCells.merge(other.wildCells) { $0.merging($1) { $0 + $1 } }
        faults.merge(other.faults) { $0 + $1 }
        branches.merge(other.branches) { $0 + $1 }
    }

    private func count(_ kind: FaultKind, _ branch: EngineBranch) -> Int {
        cells[kind.rawValue]?[branch.rawValue] ?? 0
    }

    // MARK: What is expected

    /// Cells that cannot be, and why. What ordinary lives do not bring together those do in which more is lost than may be.
    private static let impossible: [FaultKind: [EngineBranch: String]] = Dictionary(
        uniqueKeysWithValues: [
            FaultKind.powerLostAllKept, .powerLostAllLost, .powerLostMixed, .ringOfOtherBoot,
        ].map { kind in
            (kind, Dictionary(uniqueKeysWithValues: ringBranches.map { ($0, ringReason) }))
        })
    private static let ringBranches: [EngineBranch] = [.ringReplayed, .ringRefused, .resentKnown]
    private static let ringReason = "a ring is gone with the machine's power, and starts put nothing into the next one"

    /// Why a fault cannot meet a branch; nil where it can.
    static func reasonAgainst(_ kind: FaultKind, _ branch: EngineBranch) -> String? {
        impossible[kind]?[branch]
    }

    /// Crashes after which no expected cell may be empty.
    package static let crashesForAll = 10_000

    /// Expected and empty, by name.
    package var missing: [String] {
        EngineBranch.allCases.flatMap { branch in
            FaultKind.allCases.filter { count($0, branch) == 0 && Self.reasonAgainst($0, branch) == nil }
                .map { "\($0.rawValue) × \(branch.rawValue)" }
        }
    }

    // MARK: Text

    /// Faults across, branches down; `.` where they have not met, `-` where they cannot. Names of faults are numbered, so that it fits a
    /// terminal.
    package var text: String {
        let kinds = FaultKind.allCases
        let branches = EngineBranch.allCases
        let width = branches.map(\.rawValue.count).max() ?? 0
        var lines = kinds.enumerated().map { index, kind in
            "  \(Self.right("F\(index + 1)", 3))  \(kind.rawValue): \(faults[kind.rawValue] ?? 0)"
        }
        lines.append(
            Self.left("branch", width) + Self.right("all", 8)
                + kinds.indices.map { Self.right("F\($0 + 1)", 7) }.joined())
        for branch in branches {
            lines.append(
                Self.left(branch.rawValue, width) + Self.right("\(self.branches[branch.rawValue] ?? 0)", 8)
                    + kinds.map { Self.right(mark($0, branch), 7) }.joined())
        }
        let pairs = kinds.flatMap { kind in branches.map { (kind, $0) } }
        let reasons = Set(pairs.compactMap { Self.reasonAgainst($0.0, $0.1) }).sorted()
        lines += reasons.map { "  -  \($0)" }
        let wild = pairs.count { kind, branch in
            let all = count(kind, branch)
            return all > 0 && all == wildCells[kind.rawValue]?[branch.rawValue] ?? 0
        }
        lines.append(
            "of \(pairs.count) cells \(missing.count) are empty, \(pairs.count { Self.reasonAgainst($0.0, $0.1) != nil }) cannot be, \(wild) were met only with more lost than may be"
        )
        return lines.joined(separator: "\n")
    }

    private func mark(_ kind: FaultKind, _ branch: EngineBranch) -> String {
        let number = count(kind, branch)
        if number > 0 { return "\(number)" }
        return Self.reasonAgainst(kind, branch) == nil ? "." : "-"
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    private static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
