import Base

/// What a control record says: a change of which epochs of the volume are kept.
public struct RecordControl: Equatable, Sendable {
    public enum Operation: UInt8, Sendable {
        /// Ends the epoch being written and pins it under `snapshot`.
        case snapshot = 1
        /// `epoch` is pinned no more.
        case delete = 2
        /// The volume becomes what it was at the end of `epoch`.
        case rollBack = 3
        /// The volume is deleted; snapshots and clones keep what is theirs.
        case dropHead = 4
    }
    public var operation: Operation
    public var epoch: UInt32
    public var snapshot: SnapshotID
    public var sizeBytes: UInt64
    /// Seconds since 1970.
    public var created: UInt64

    public init(
        operation: Operation, epoch: UInt32 = 0, snapshot: SnapshotID = SnapshotID(high: 0, low: 0),
        sizeBytes: UInt64 = 0, created: UInt64 = 0
    ) {
        self.operation = operation
        self.epoch = epoch
        self.snapshot = snapshot
        self.sizeBytes = sizeBytes
        self.created = created
    }

    /// Nil where the operation is not known.
    init?(table: UnsafeRawPointer) {
        guard let operation = Operation(rawValue: table.get(at: 0)) else { return nil }
        self.init(
            operation: operation, epoch: table.get(at: 4),
            snapshot: SnapshotID(high: table.get(at: 8), low: table.get(at: 16)), sizeBytes: table.get(at: 24),
            created: table.get(at: 32))
    }

    func encode(table: UnsafeMutableRawPointer) {
        table.put(operation.rawValue, at: 0)
        table.put(epoch, at: 4)
        table.put(snapshot.high, at: 8)
        table.put(snapshot.low, at: 16)
        table.put(sizeBytes, at: 24)
        table.put(created, at: 32)
    }
}
