import Base
import VolumeEngine

extension FakeEngine {
    public func createSnapshots(_ wanted: [SnapshotRequest]) async throws(Failure) -> [EngineSnapshot] {
        try await step("createSnapshots") { (state) throws(Failure) in
            let known = wanted.compactMap { state.snapshots[$0.id]?.snapshot }
            if known.count == wanted.count, zip(wanted, known).allSatisfy({ $0.volume == $1.volume }) { return known }
            guard known.isEmpty, state.deletedSnapshots.isDisjoint(with: wanted.map(\.id)) else {
                throw Failure(.conflict, "these snapshots are others, or were deleted")
            }
            var made: [(EngineSnapshot, Formatted)] = []
            for request in wanted {
                let volume = try Self.find(state, request.volume)
                let snapshot = EngineSnapshot(
                    id: request.id, volume: volume.id, group: volume.group, sizeBytes: volume.sizeBytes,
                    created: 1_700_000_123)
                made.append((snapshot, volume.formatted))
            }
            for (request, (snapshot, formatted)) in zip(wanted, made) {
                let annotation = request.annotation.isEmpty ? nil : request.annotation
                state.snapshots[request.id] = (snapshot, formatted, annotation)
            }
            return made.map(\.0)
        }
    }

    public func deleteSnapshot(_ id: SnapshotID) async throws(Failure) {
        try await step("deleteSnapshot") { (state) throws(Failure) in
            state.snapshots[id] = nil
            state.deletedSnapshots.insert(id)
        }
    }

    public func snapshot(_ id: SnapshotID) async throws(Failure) -> EngineSnapshot {
        try await step("snapshot") { (state) throws(Failure) in try Self.find(state, id).snapshot }
    }

    public func snapshots() async throws(Failure) -> [EngineSnapshot] {
        try await step("snapshots") { (state) throws(Failure) in
            state.snapshots.values.map(\.snapshot).filter { (state.states[$0.group] ?? .active) == .active }
        }
    }

    /// What `changedRanges` tells of the snapshot: since `base`, or all of it. In order, not touching each other. Not set: nothing.
    public func setChanges(_ ranges: [ByteRange], of snapshot: SnapshotID, since base: SnapshotID? = nil) {
        state.withLock { $0.changes[[snapshot] + (base.map { [$0] } ?? [])] = ranges }
    }

    /// `changedRanges` is the step before each batch, too.
    public func changedRanges(
        of snapshot: SnapshotID, since base: SnapshotID?, from offset: UInt64,
        _ body: @Sendable ([ByteRange]) async throws(Failure) -> Void
    ) async throws(Failure) {
        var left: [ByteRange] = try await step("changedRanges") { (state) throws(Failure) in
            let target = try Self.find(state, snapshot).snapshot
            if let base {
                let older = try Self.find(state, base).snapshot
                guard older.volume == target.volume, base != snapshot else {
                    throw Failure(.invalid, "snapshot \(base) is not an older one of the volume of \(snapshot)")
                }
            }
            return state.changes[[snapshot] + (base.map { [$0] } ?? [])] ?? []
        }
        left = left.filter { $0.end > offset }.map {
            ByteRange(offset: max($0.offset, offset), length: $0.end - max($0.offset, offset))
        }
        while !left.isEmpty {
            if Task.isCancelled { throw Failure(.cancelled, "cancelled in the engine") }
            let batch = Array(left.prefix(changedRangeCountMax))
            left.removeFirst(batch.count)
            try await step("changedRanges") { (state) throws(Failure) in _ = try Self.find(state, snapshot) }
            try await body(batch)
        }
    }

    public func rollBackVolume(_ id: VolumeID, to snapshot: SnapshotID) async throws(Failure) -> EngineVolume {
        try await step("rollBackVolume") { (state) throws(Failure) in
            var volume = try Self.find(state, id)
            let found = try Self.find(state, snapshot)
            guard found.snapshot.volume == id else {
                throw Failure(.invalid, "snapshot \(snapshot) is of volume \(found.snapshot.volume)")
            }
            guard !state.attached.contains(id) else { throw Failure(.failedPrecondition, "volume \(id) is attached") }
            volume.formatted = found.formatted
            state.volumes[id] = volume
            state.contents[id] = .snapshot(snapshot)
            return volume
        }
    }

    /// What the volume began as, or was rolled back to.
    public func content(of id: VolumeID) -> VolumeContent? { state.withLock { $0.contents[id] } }
    /// Those of groups in any state.
    public var allSnapshotIDs: Set<SnapshotID> { state.withLock { Set($0.snapshots.keys) } }

    private static func find(
        _ state: State, _ id: SnapshotID
    ) throws(Failure) -> (snapshot: EngineSnapshot, formatted: Formatted) {
        guard let found = state.snapshots[id], (state.states[found.snapshot.group] ?? .active) == .active else {
            throw Failure(.notFound, "the engine has no snapshot \(id)")
        }
        return (found.snapshot, found.formatted)
    }

    /// What a volume of that content is formatted with, once it is seen that it can be made.
    static func origin(
        _ state: State, _ content: VolumeContent, _ group: String, _ sizeBytes: UInt64
    ) throws(Failure) -> Formatted {
        let (source, bytes, formatted): (String, UInt64, Formatted)
        switch content {
        case .empty: return .never
        case .snapshot(let id):
            let found = try find(state, id)
            (source, bytes, formatted) = (found.snapshot.group, found.snapshot.sizeBytes, found.formatted)
        case .volume(let id):
            let volume = try find(state, id)
            (source, bytes, formatted) = (volume.group, volume.sizeBytes, volume.formatted)
        }
        guard source == group else { throw Failure(.unsupported, "a clone is made in its origin's group") }
        guard sizeBytes >= bytes else { throw Failure(.outOfRange, "a clone is not smaller than its origin") }
        return formatted
    }
}
