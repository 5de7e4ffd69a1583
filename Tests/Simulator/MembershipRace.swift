import Base
import SegmentStore

/// A drive fails to write one column, those who must write down that it missed something are slow, and everything stops soon: then all the
/// other drives that the record needs are lost, as many as may be, and this one is there. What was answered in between must be there too.
///
/// Chance alone brings these together too seldom to see an acknowledgement that came before membership.
struct MembershipRace {
    /// A record of one volume.
    struct Record: Hashable {
        var volume: VolumeID
        var sequence: UInt64
    }
    /// The drive that failed, and the record that misses a column there.
    private(set) var failed: (disk: Int, record: Record)?
    /// Drives that have columns of the latest records.
    private var holders: [Record: Set<Int>] = [:]
    private var latest: [Record] = []
    private static let recordsMax = 32

    /// One column in so many fails, until one has.
    static let columnsPerFailure = 6
    /// Everything stops within so many I/O of the failure.
    static let operationsMax = 80

    var isUnderWay: Bool { failed != nil }

    /// A column's write begins; `fails` is asked once for each until it says yes.
    mutating func columnBegins(_ column: [UInt8], on disk: Int, fails: () -> Bool) -> Bool {
        guard let header = column.withUnsafeBytes({ $0.baseAddress.flatMap { RecordHeader(page: $0) } }) else {
            return false
        }
        let record = Record(volume: header.volume, sequence: header.sequence)
        if failed == nil, fails() {
            failed = (disk, record)
            return true
        }
        if holders[record] == nil {
            latest.append(record)
            if latest.count > Self.recordsMax, failed?.record != latest[0] { holders[latest.removeFirst()] = nil }
        }
        holders[record, default: []].insert(disk)
        return false
    }

    /// The other drives that the record needs.
    var others: [Int] { failed.map { holders[$0.record, default: []].subtracting([$0.disk]).sorted() } ?? [] }
}
