import Base
import Synchronization
import VolumeEngine

/// An engine in memory, with the port's rules: idempotent calls, deleted ids stay deleted, epochs only rise. Faults and delays
/// come from outside, before (`call`) and after (`call+`) each step has been carried out.
public final class FakeEngine: VolumeEngine {
    public typealias Fault = @Sendable (String) throws(Failure) -> Void

    struct State {
        var groups: [String: GroupSpecification] = [:]
        var volumes: [VolumeID: EngineVolume] = [:]
        var deleted: Set<VolumeID> = []
        var annotations: [VolumeID: String] = [:]
        /// Of groups that are not active.
        var states: [String: PoolInventory.GroupState] = [:]
        var copies: [[UInt8]] = []
        var attached: Set<VolumeID> = []
        var fault: Fault?
        var delay: Duration?
        var callCount = 0
        var snapshots: [SnapshotID: (snapshot: EngineSnapshot, formatted: Formatted, annotation: String?)] = [:]
        var deletedSnapshots: Set<SnapshotID> = []
        /// What each volume began as, or was rolled back to.
        var contents: [VolumeID: VolumeContent] = [:]
        var changes: [[SnapshotID]: [ByteRange]] = [:]
    }

    let state = Mutex(State())
    private let poolID = PoolID(high: 1, low: 2)
    private let mountpathCount: Int
    private let totalBytes: UInt64

    public init(mountpathCount: Int = 10, totalBytes: UInt64 = 1 << 44) {
        self.mountpathCount = mountpathCount
        self.totalBytes = totalBytes
    }

    public func setFault(_ fault: Fault?) { state.withLock { $0.fault = fault } }
    public func setDelay(_ delay: Duration?) { state.withLock { $0.delay = delay } }
    public func setAttached(_ id: VolumeID, _ isAttached: Bool) {
        state.withLock { state in
            if isAttached { state.attached.insert(id) } else { state.attached.remove(id) }
        }
    }
    public func setHealth(_ id: VolumeID, _ health: VolumeHealth) {
        state.withLock { $0.volumes[id]?.health = health }
    }
    public func setFormatted(_ id: VolumeID, _ formatted: Formatted) {
        state.withLock { $0.volumes[id]?.formatted = formatted }
    }
    /// The copies of the catalogue that were stored, the oldest first.
    public var copies: [[UInt8]] { state.withLock { $0.copies } }

    /// What the mountpaths would say: headers of groups and volumes, tombstones, the newest copy of the catalogue.
    public func inventory() -> PoolInventory {
        state.withLock { state in
            let live = state.volumes.values.map {
                PoolInventory.Volume(
                    id: $0.id, group: $0.group, sizeBytes: $0.sizeBytes, attachEpoch: $0.attachEpoch,
                    formatted: $0.formatted, annotation: state.annotations[$0.id], isDeleted: false,
                    limits: $0.limits)
            }
            let tombstones = state.deleted.map {
                PoolInventory.Volume(
                    id: $0, group: "standard", sizeBytes: 1 << 30, attachEpoch: 0, formatted: .never, annotation: nil,
                    isDeleted: true)
            }
            let snapshots = state.snapshots.values.map {
                PoolInventory.Snapshot(
                    id: $0.snapshot.id, volume: $0.snapshot.volume, group: $0.snapshot.group,
                    sizeBytes: $0.snapshot.sizeBytes, created: $0.snapshot.created, formatted: $0.formatted,
                    annotation: $0.annotation, isDeleted: false)
            }
            let deletedSnapshots = state.deletedSnapshots.map {
                PoolInventory.Snapshot(
                    id: $0, volume: VolumeID(high: 9, low: 9), group: "standard", sizeBytes: 1 << 30, created: 0,
                    formatted: .never, annotation: nil, isDeleted: true)
            }
            return PoolInventory(
                id: poolID, version: 1,
                groups: state.groups.values.map {
                    .init(specification: $0, state: state.states[$0.label] ?? .active)
                }.sorted { $0.specification.label < $1.specification.label },
                volumes: (live + tombstones).sorted { $0.id < $1.id },
                snapshots: (snapshots + deletedSnapshots).sorted { $0.id < $1.id },
                copies: state.copies.enumerated().reversed().map {
                    .init(version: UInt64($0.offset + 1), place: "memory", bytes: $0.element)
                }, problems: [])
        }
    }

    /// Of groups in any state.
    public var allIDs: Set<VolumeID> { state.withLock { Set($0.volumes.keys) } }
    public func groupState(_ label: String) -> PoolInventory.GroupState? {
        state.withLock { $0.states[label] ?? ($0.groups[label] == nil ? nil : .active) }
    }

    public var callCount: Int { state.withLock { $0.callCount } }
    /// Those that can be seen.
    public var ids: Set<VolumeID> {
        state.withLock { state in Set(state.volumes.values.filter { Self.isVisible(state, $0) }.map(\.id)) }
    }

    private static func isVisible(_ state: State, _ volume: EngineVolume) -> Bool {
        (state.states[volume.group] ?? .active) == .active
    }

    func step<T: Sendable>(
        _ name: String, _ body: @Sendable (inout State) throws(Failure) -> T
    ) async throws(Failure) -> T {
        let (fault, delay) = state.withLock { state in
            state.callCount += 1
            return (state.fault, state.delay)
        }
        try fault?(name)
        if let delay {
            do { try await Task.sleep(for: delay) } catch { throw Failure(.cancelled, "cancelled in the engine") }
        }
        let result: Result<T, Failure> = state.withLock { state in
            do throws(Failure) { return .success(try body(&state)) } catch { return .failure(error) }
        }
        let value = try result.get()
        try fault?(name + "+")
        return value
    }

    static func find(_ state: State, _ id: VolumeID) throws(Failure) -> EngineVolume {
        guard let volume = state.volumes[id], isVisible(state, volume) else {
            throw Failure(.notFound, "the engine has no volume \(id)")
        }
        return volume
    }

    public func ensureGroup(_ group: GroupSpecification) async throws(Failure) {
        let mountpathCount = mountpathCount
        try await step("ensureGroup") { (state) throws(Failure) in
            if let known = state.groups[group.label] {
                guard known.dataColumns == group.dataColumns, known.parityColumns == group.parityColumns,
                    known.sliceBytes == group.sliceBytes
                else { throw Failure(.conflict, "group \(group.label) is coded otherwise") }
            } else if group.columns > mountpathCount {
                throw Failure(
                    .exhausted, "group \(group.label) needs \(group.columns) mountpaths and there are \(mountpathCount)"
                )
            }
            state.groups[group.label] = group
            state.states[group.label] = nil
        }
    }

    public func retainGroup(_ label: String) async throws(Failure) {
        try await step("retainGroup") { (state) throws(Failure) in
            guard state.groups[label] != nil, state.states[label] == nil else { return }
            try Self.refuseAttached(state, label)
            state.states[label] = .retained
        }
    }

    /// In two steps, as a real one: the intent, then the rest.
    public func deleteGroup(_ label: String) async throws(Failure) {
        try await step("deleteGroup") { (state) throws(Failure) in
            guard state.groups[label] != nil, state.states[label] != .deleting else { return }
            try Self.refuseAttached(state, label)
            state.states[label] = .deleting
        }
        try await step("deleteGroup.finish") { (state) throws(Failure) in
            for id in state.volumes.values.filter({ $0.group == label }).map(\.id) {
                state.volumes[id] = nil
                state.deleted.insert(id)
            }
            for found in state.snapshots.values where found.snapshot.group == label {
                state.snapshots[found.snapshot.id] = nil
                state.deletedSnapshots.insert(found.snapshot.id)
            }
            state.groups[label] = nil
            state.states[label] = nil
        }
    }

    private static func refuseAttached(_ state: State, _ label: String) throws(Failure) {
        guard !state.volumes.values.contains(where: { $0.group == label && state.attached.contains($0.id) }) else {
            throw Failure(.failedPrecondition, "volumes of group \(label) are attached")
        }
    }

    public func annotateVolume(_ id: VolumeID, _ annotation: String) async throws(Failure) {
        try await step("annotateVolume") { (state) throws(Failure) in
            _ = try Self.find(state, id)
            state.annotations[id] = annotation
            state.volumes[id]?.isAnnotated = true
        }
    }

    public func setLimits(_ id: VolumeID, _ limits: VolumeLimits) async throws(Failure) {
        try await step("setLimits") { (state) throws(Failure) in
            try limits.validate()
            _ = try Self.find(state, id)
            state.volumes[id]?.limits = limits
        }
    }

    public func storeCatalogue(_ copy: [UInt8]) async throws(Failure) -> UInt64 {
        try await step("storeCatalogue") { (state) throws(Failure) in
            state.copies.append(copy)
            return UInt64(state.copies.count)
        }
    }

    public func createVolume(
        _ id: VolumeID, group: String, sizeBytes: UInt64, annotation: String, content: VolumeContent
    ) async throws(Failure) -> EngineVolume {
        try await step("createVolume") { (state) throws(Failure) in
            guard !state.deleted.contains(id) else { throw Failure(.notFound, "volume \(id) was deleted") }
            guard state.groups[group] != nil, state.states[group] == nil else {
                throw Failure(.notFound, "no group \(group)")
            }
            if let made = state.volumes[id] {
                guard made.group == group, made.sizeBytes == sizeBytes, state.contents[id] == content else {
                    throw Failure(.conflict, "volume \(id) is another")
                }
                return made
            }
            let formatted = try Self.origin(state, content, group, sizeBytes)
            state.contents[id] = content
            let volume = EngineVolume(
                id: id, group: group, sizeBytes: sizeBytes, attachEpoch: 0, formatted: formatted, health: .ready,
                healthReason: "", liveBytes: 0, allocatedBytes: 0, isAnnotated: !annotation.isEmpty)
            state.volumes[id] = volume
            state.annotations[id] = annotation.isEmpty ? nil : annotation
            return volume
        }
    }

    public func deleteVolume(_ id: VolumeID) async throws(Failure) {
        try await step("deleteVolume") { (state) throws(Failure) in
            guard !state.attached.contains(id) else { throw Failure(.failedPrecondition, "volume \(id) is attached") }
            guard state.volumes[id].map({ Self.isVisible(state, $0) }) ?? true else { return }
            state.volumes[id] = nil
            state.deleted.insert(id)
        }
    }

    public func resizeVolume(_ id: VolumeID, to sizeBytes: UInt64) async throws(Failure) -> EngineVolume {
        try await step("resizeVolume") { (state) throws(Failure) in
            var volume = try Self.find(state, id)
            volume.sizeBytes = max(volume.sizeBytes, sizeBytes)
            state.volumes[id] = volume
            return volume
        }
    }

    public func volume(_ id: VolumeID) async throws(Failure) -> EngineVolume {
        try await step("volume") { (state) throws(Failure) in try Self.find(state, id) }
    }

    public func volumes() async throws(Failure) -> [EngineVolume] {
        try await step("volumes") { (state) throws(Failure) in
            state.volumes.values.filter { Self.isVisible(state, $0) }
        }
    }

    public func raiseEpoch(_ id: VolumeID, to epoch: UInt64) async throws(Failure) {
        try await step("raiseEpoch") { (state) throws(Failure) in
            let volume = try Self.find(state, id)
            guard epoch >= volume.attachEpoch else {
                throw Failure(.fenced, "epoch \(epoch) is below \(volume.attachEpoch)")
            }
            state.volumes[id]?.attachEpoch = epoch
        }
    }

    public func markFormatted(_ id: VolumeID, _ formatted: Formatted) async throws(Failure) {
        try await step("markFormatted") { (state) throws(Failure) in
            let volume = try Self.find(state, id)
            guard volume.formatted.canBecome(formatted) else {
                throw Failure(.failedPrecondition, "\(volume.formatted) cannot become \(formatted)")
            }
            state.volumes[id]?.formatted = formatted
        }
    }

    public func capacity(ofGroup label: String) async throws(Failure) -> GroupCapacity {
        let totalBytes = totalBytes
        return try await step("capacity") { (state) throws(Failure) in
            guard let group = state.groups[label] else { throw Failure(.notFound, "no group \(label)") }
            let total = min(group.capacityBytes ?? totalBytes, totalBytes)
            return GroupCapacity(totalBytes: total, availableBytes: total, usedBytes: 0)
        }
    }

    public func poolStatus() async throws(Failure) -> PoolStatus {
        let poolID = poolID
        return try await step("poolStatus") { (_) throws(Failure) in
            PoolStatus(id: poolID, version: 1, mountpaths: [], sharedFilesystems: [])
        }
    }

    public func volumeSpace(_ id: VolumeID) async throws(Failure) -> VolumeSpace {
        try await step("volumeSpace") { (state) throws(Failure) in Self.space(of: try Self.find(state, id)) }
    }

    public func volumeSpaces() async throws(Failure) -> [VolumeSpace] {
        try await step("volumeSpaces") { (state) throws(Failure) in
            state.volumes.values.filter { Self.isVisible(state, $0) }.map(Self.space)
        }
    }

    public func poolSpace() async throws(Failure) -> PoolSpace {
        let totalBytes = totalBytes
        return try await step("poolSpace") { (_) throws(Failure) in
            PoolSpace(
                groups: [], totalBytes: totalBytes, recycledBytes: 0, reserveBytes: 0, availableBytes: totalBytes,
                otherBytes: 0)
        }
    }

    /// Nothing is ever written.
    private static func space(of volume: EngineVolume) -> VolumeSpace {
        VolumeSpace(id: volume.id, group: volume.group, isHidden: false, isOpen: false, usage: SpaceUsage())
    }
}
