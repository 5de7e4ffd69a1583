import SegmentStore

/// What goes wrong; the rows of the table.
package enum FaultKind: String, CaseIterable, Codable, Sendable {
    case processKilled = "process killed"
    case powerLostAllKept = "power lost, unsynced kept"
    case powerLostAllLost = "power lost, unsynced lost"
    case powerLostMixed = "power lost, unsynced torn"
    case startCut = "crash during a start"
    case lostWrite = "lost write"
    case misdirectedWrite = "misdirected write"
    case rot = "rot"
    case readError = "EIO on reads"
    case writeError = "EIO on a write"
    case syncError = "EIO on a sync"
    case full = "drive full (ENOSPC)"
    case stall = "stall"
    case mountpathLost = "mountpath lost"
    case mountpathBack = "mountpath back as it was"
    case mountpathBackOld = "mountpath back, older"
    case ringTorn = "killed while an entry was put into the ring"
    case ringDamaged = "ring's memory damaged"
    case ringOfOtherBoot = "ring of another boot"

    init(_ mode: CrashMode) {
        self =
            switch mode {
            case .processKilled: .processKilled
            case .powerLostAllKept: .powerLostAllKept
            case .powerLostAllLost: .powerLostAllLost
            case .powerLostMixed: .powerLostMixed
            }
    }

    /// What a crash leaves, rather than what happens at work.
    var comesWithCrash: Bool {
        switch self {
        case .processKilled, .powerLostAllKept, .powerLostAllLost, .powerLostMixed, .startCut, .mountpathBack,
            .mountpathBackOld, .ringTorn, .ringDamaged, .ringOfOtherBoot:
            true
        case .lostWrite, .misdirectedWrite, .rot, .readError, .writeError, .syncError, .full, .stall, .mountpathLost:
            false
        }
    }

    /// Chosen for a life; the others come by themselves.
    static let chosen: [FaultKind] = [
        .lostWrite, .misdirectedWrite, .rot, .readError, .writeError, .syncError, .full, .stall, .mountpathLost,
    ]
}

/// A thing that survives the damage of p of its columns.
enum StoredObject: Hashable {
    case segment(UInt32)
    /// Frames of checkpoints: every start writes them anew.
    case map
    case nodes

    /// Nil for files in which no damage is put: pool files, which say so themselves, and slices that are free.
    init?(path: String) {
        if path.contains("/%mt/") {
            self = path.hasSuffix("/nodes") ? .nodes : .map
        } else if path.contains("/%sg/"), let name = path.split(separator: "/").last,
            let (segment, _) = SlicePath.parse(String(name))
        {
            self = .segment(segment)
        } else {
            return nil
        }
    }
}
