import Attach
import Base
import Synchronization
import VolumeEngine

/// The naive engine: keeps the ports' promises in memory.
final class MemoryEngine: VolumeEngine, DeviceAttacher {
    private struct State {
        var groups: [String: GroupSpecification] = [:]
        var volumes: [VolumeID: EngineVolume] = [:]
        var deleted: Set<VolumeID> = []
        var devices: [VolumeID: AttachedDevice] = [:]
        var annotations: [VolumeID: String] = [:]
        var retained: Set<String> = []
        var copy: [UInt8] = []
        var copyCount: UInt64 = 0
        var snapshots: [SnapshotID: EngineSnapshot] = [:]
        var deletedSnapshots: Set<SnapshotID> = []
        /// What each volume began as, or was rolled back to.
        var contents: [VolumeID: VolumeContent] = [:]
        var batchesTold = 0
    }

    static let mountpathCount = 6
    static let poolBytes: UInt64 = 1 << 40
    let poolID = PoolID(high: 1, low: 2)
    private let state = Mutex(State())

    private func locked<T: Sendable>(_ body: (inout State) throws(Failure) -> T) throws(Failure) -> T {
        let result = state.withLock { state -> Result<T, Failure> in
            do throws(Failure) { return .success(try body(&state)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    func ensureGroup(_ group: GroupSpecification) async throws(Failure) {
        try locked { state throws(Failure) in
            guard group.columns <= Self.mountpathCount else {
                throw Failure(.exhausted, "\(group.columns) columns need as many mountpaths, there are 6")
            }
            if let known = state.groups[group.label], known != group {
                throw Failure(.conflict, "group \(group.label) exists with another coding")
            }
            state.groups[group.label] = group
            state.retained.remove(group.label)
        }
    }

    func retainGroup(_ label: String) async throws(Failure) { state.withLock { _ = $0.retained.insert(label) } }

    func deleteGroup(_ label: String) async throws(Failure) {
        state.withLock { state in
            for id in state.volumes.values.filter({ $0.group == label }).map(\.id) {
                state.volumes[id] = nil
                state.deleted.insert(id)
            }
            state.groups[label] = nil
        }
    }

    func annotateVolume(_ id: VolumeID, _ annotation: String) async throws(Failure) {
        _ = try change(id) { volume throws(Failure) in volume.isAnnotated = true }
        state.withLock { $0.annotations[id] = annotation }
    }

    func setLimits(_ id: VolumeID, _ limits: VolumeLimits) async throws(Failure) {
        try limits.validate()
        _ = try change(id) { volume throws(Failure) in volume.limits = limits }
    }

    /// Every other 4 KiB of the snapshot, or every fourth since a base.
    func changedRanges(
        of snapshot: SnapshotID, since base: SnapshotID?, from offset: UInt64,
        _ body: @Sendable ([ByteRange]) async throws(Failure) -> Void
    ) async throws(Failure) {
        let target = try await self.snapshot(snapshot)
        if let base, try await self.snapshot(base).volume != target.volume || base == snapshot {
            throw Failure(.invalid, "no older snapshot of the volume")
        }
        let step: UInt64 = base == nil ? 8192 : 16384
        var next: UInt64 = 0
        while next < target.sizeBytes {
            if Task.isCancelled { throw Failure(.cancelled, "cancelled") }
            var batch: [ByteRange] = []
            while batch.count < changedRangeCountMax, next < target.sizeBytes {
                let first = max(next, offset)
                if first < next + 4096 { batch.append(ByteRange(offset: first, length: next + 4096 - first)) }
                next += step
            }
            guard !batch.isEmpty else { continue }
            state.withLock { $0.batchesTold += 1 }
            try await body(batch)
        }
    }

    /// How many batches somebody was given.
    var batchesTold: Int { state.withLock { $0.batchesTold } }

    func storeCatalogue(_ copy: [UInt8]) async throws(Failure) -> UInt64 {
        state.withLock { state in
            state.copy = copy
            state.copyCount += 1
            return state.copyCount
        }
    }

    func createSnapshots(_ wanted: [SnapshotRequest]) async throws(Failure) -> [EngineSnapshot] {
        try locked { state throws(Failure) in
            let known = wanted.compactMap { state.snapshots[$0.id] }
            if known.count == wanted.count, zip(wanted, known).allSatisfy({ $0.volume == $1.volume }) { return known }
            guard known.isEmpty, state.deletedSnapshots.isDisjoint(with: wanted.map(\.id)) else {
                throw Failure(.conflict, "these snapshots are others")
            }
            var made: [EngineSnapshot] = []
            for request in wanted {
                guard let volume = state.volumes[request.volume] else { throw Failure(.notFound, "no volume") }
                made.append(
                    EngineSnapshot(
                        id: request.id, volume: volume.id, group: volume.group, sizeBytes: volume.sizeBytes,
                        created: 1_700_000_000))
            }
            for (request, snapshot) in zip(wanted, made) {
                state.snapshots[snapshot.id] = snapshot
                state.annotations[VolumeID(high: request.id.high, low: request.id.low)] = request.annotation
            }
            return made
        }
    }

    func deleteSnapshot(_ id: SnapshotID) async throws(Failure) {
        state.withLock { state in
            state.snapshots[id] = nil
            state.deletedSnapshots.insert(id)
        }
    }

    func snapshot(_ id: SnapshotID) async throws(Failure) -> EngineSnapshot {
        try locked { state throws(Failure) in
            guard let found = state.snapshots[id] else { throw Failure(.notFound, "no snapshot \(id)") }
            return found
        }
    }

    func snapshots() async throws(Failure) -> [EngineSnapshot] {
        state.withLock { $0.snapshots.values.sorted { $0.id < $1.id } }
    }

    func rollBackVolume(_ id: VolumeID, to snapshot: SnapshotID) async throws(Failure) -> EngineVolume {
        try locked { state throws(Failure) in
            guard let found = state.snapshots[snapshot], let volume = state.volumes[id] else {
                throw Failure(.notFound, "no snapshot \(snapshot), or no volume \(id)")
            }
            guard found.volume == id else { throw Failure(.invalid, "the snapshot is of \(found.volume)") }
            guard state.devices[id] == nil else { throw Failure(.failedPrecondition, "volume \(id) is attached") }
            state.contents[id] = .snapshot(snapshot)
            return volume
        }
    }

    func content(of id: VolumeID) -> VolumeContent? { state.withLock { $0.contents[id] } }
    func annotation(of id: SnapshotID) -> String? { annotation(of: VolumeID(high: id.high, low: id.low)) }
    func annotation(of id: VolumeID) -> String? { state.withLock { $0.annotations[id] } }
    func isRetained(_ label: String) -> Bool { state.withLock { $0.retained.contains(label) } }
    func group(_ label: String) -> GroupSpecification? { state.withLock { $0.groups[label] } }
    var copy: [UInt8] { state.withLock { $0.copy } }

    func createVolume(
        _ id: VolumeID, group: String, sizeBytes: UInt64, annotation: String, content: VolumeContent
    ) async throws(Failure) -> EngineVolume {
        try locked { state throws(Failure) in
            guard !state.deleted.contains(id) else { throw Failure(.notFound, "volume \(id) was deleted") }
            if let known = state.volumes[id] {
                guard known.group == group, known.sizeBytes == sizeBytes, state.contents[id] == content else {
                    throw Failure(.conflict, "volume \(id) exists otherwise")
                }
                return known
            }
            guard sizeBytes > 0, sizeBytes % UInt64(blockBytes) == 0 else {
                throw Failure(.invalid, "\(sizeBytes) bytes are no multiple of 4 KiB")
            }
            guard state.groups[group] != nil else { throw Failure(.notFound, "no group \(group)") }
            let source: UInt64? =
                switch content {
                case .empty: 0
                case .snapshot(let id): state.snapshots[id]?.sizeBytes
                case .volume(let id): state.volumes[id]?.sizeBytes
                }
            guard let source else { throw Failure(.notFound, "no \(content)") }
            guard sizeBytes >= source else { throw Failure(.outOfRange, "smaller than its origin") }
            let volume = EngineVolume(
                id: id, group: group, sizeBytes: sizeBytes, attachEpoch: 0, formatted: .never, health: .ready,
                healthReason: "", liveBytes: nil, allocatedBytes: 0, isAnnotated: !annotation.isEmpty)
            state.volumes[id] = volume
            state.annotations[id] = annotation
            state.contents[id] = content
            return volume
        }
    }

    func deleteVolume(_ id: VolumeID) async throws(Failure) {
        try locked { state throws(Failure) in
            guard state.devices[id] == nil else { throw Failure(.failedPrecondition, "volume \(id) is attached") }
            if state.volumes.removeValue(forKey: id) != nil { state.deleted.insert(id) }
        }
    }

    func resizeVolume(_ id: VolumeID, to sizeBytes: UInt64) async throws(Failure) -> EngineVolume {
        try change(id) { volume throws(Failure) in volume.sizeBytes = max(volume.sizeBytes, sizeBytes) }
    }

    func volume(_ id: VolumeID) async throws(Failure) -> EngineVolume { try change(id) { _ throws(Failure) in } }

    func volumes() async throws(Failure) -> [EngineVolume] {
        try locked { state throws(Failure) in state.volumes.values.sorted { $0.id < $1.id } }
    }

    func raiseEpoch(_ id: VolumeID, to epoch: UInt64) async throws(Failure) {
        _ = try change(id) { volume throws(Failure) in
            guard epoch >= volume.attachEpoch else { throw Failure(.fenced, "epoch \(volume.attachEpoch) exists") }
            volume.attachEpoch = epoch
        }
    }

    func markFormatted(_ id: VolumeID, _ formatted: Formatted) async throws(Failure) {
        _ = try change(id) { volume throws(Failure) in volume.formatted = formatted }
    }

    func capacity(ofGroup label: String) async throws(Failure) -> GroupCapacity {
        try locked { state throws(Failure) in
            guard state.groups[label] != nil else { throw Failure(.notFound, "no group \(label)") }
            let used = state.volumes.values.filter { $0.group == label }.reduce(0) { $0 + $1.sizeBytes }
            return GroupCapacity(
                totalBytes: Self.poolBytes, availableBytes: Self.poolBytes - used, usedBytes: used)
        }
    }

    func poolStatus() async throws(Failure) -> PoolStatus {
        let states: [MountpathState] = [.active, .active, .out, .missing, .stale, .active]
        return PoolStatus(
            id: poolID, version: .max,
            mountpaths: states.enumerated().map { index, state in
                MountpathStatus(
                    id: MountpathID(high: 9, low: UInt64(index)), path: "/mnt/\(index)", media: "nvme", state: state,
                    reason: state == .active ? "" : "because", totalBytes: 100, freeBytes: 50)
            }, sharedFilesystems: ["/dev/sda1"])
    }

    func volumeSpace(_ id: VolumeID) async throws(Failure) -> VolumeSpace {
        Self.space(of: try await volume(id))
    }

    func volumeSpaces() async throws(Failure) -> [VolumeSpace] { try await volumes().map(Self.space) }

    func poolSpace() async throws(Failure) -> PoolSpace {
        let usage = try await volumeSpaces().reduce(SpaceUsage()) { $0 + $1.usage }
        return PoolSpace(
            groups: [
                GroupSpace(
                    label: "g ü", volumeCount: 1, hiddenVolumeCount: 2, hiddenAllocatedBytes: 3, usage: usage)
            ], totalBytes: .max, recycledBytes: 4, reserveBytes: 5, availableBytes: 6, otherBytes: 7)
    }

    /// Every figure another one.
    private static func space(of volume: EngineVolume) -> VolumeSpace {
        let first = volume.id.low % 1_000
        return VolumeSpace(
            id: volume.id, group: volume.group, isHidden: volume.attachEpoch > 0, isOpen: volume.liveBytes != nil,
            usage: SpaceUsage(
                liveBytes: first, sharedBytes: first + 1, snapshotOnlyBytes: first + 2, garbageBytes: first + 3,
                reservedBytes: first + 4, overheadBytes: first + 5, allocatedBytes: 5 * first + 14,
                metadataBytes: first + 6, lostBytes: first + 7))
    }

    /// For tests of every value of a volume.
    func put(_ volume: EngineVolume) { state.withLock { $0.volumes[volume.id] = volume } }

    private func change(
        _ id: VolumeID, _ body: (inout EngineVolume) throws(Failure) -> Void
    ) throws(Failure) -> EngineVolume {
        try locked { state throws(Failure) in
            guard var volume = state.volumes[id] else { throw Failure(.notFound, "no volume \(id)") }
            try body(&volume)
            state.volumes[id] = volume
            return volume
        }
    }

    func attach(_ id: VolumeID, epoch: UInt64, readOnly: Bool) async throws(Failure) -> AttachedDevice {
        try locked { state throws(Failure) in
            guard let volume = state.volumes[id] else { throw Failure(.notFound, "no volume \(id)") }
            guard epoch == volume.attachEpoch else { throw Failure(.fenced, "epoch \(volume.attachEpoch) exists") }
            let device = AttachedDevice(
                volume: id, path: "/dev/loop7", sizeBytes: volume.sizeBytes, readOnly: readOnly, epoch: epoch)
            state.devices[id] = device
            return device
        }
    }

    func detach(_ id: VolumeID) async throws(Failure) { state.withLock { _ = $0.devices.removeValue(forKey: id) } }

    func attachment(_ id: VolumeID) async throws(Failure) -> AttachedDevice? { state.withLock { $0.devices[id] } }

    func refresh(_ id: VolumeID) async throws(Failure) -> AttachedDevice {
        try locked { state throws(Failure) in
            guard let volume = state.volumes[id], var device = state.devices[id] else {
                throw Failure(.failedPrecondition, "volume \(id) is not attached")
            }
            device.sizeBytes = volume.sizeBytes
            state.devices[id] = device
            return device
        }
    }
}

/// Fails every call alike.
struct FailingEngine: VolumeEngine, DeviceAttacher {
    let failure: Failure

    func ensureGroup(_: GroupSpecification) async throws(Failure) { throw failure }
    func retainGroup(_: String) async throws(Failure) { throw failure }
    func deleteGroup(_: String) async throws(Failure) { throw failure }
    func annotateVolume(_: VolumeID, _: String) async throws(Failure) { throw failure }
    func storeCatalogue(_: [UInt8]) async throws(Failure) -> UInt64 { throw failure }
    func setLimits(_: VolumeID, _: VolumeLimits) async throws(Failure) { throw failure }
    func changedRanges(
        of _: SnapshotID, since _: SnapshotID?, from _: UInt64,
        _: @Sendable ([ByteRange]) async throws(Failure) -> Void
    ) async throws(Failure) {
        throw failure
    }
    func createVolume(
        _: VolumeID, group _: String, sizeBytes _: UInt64, annotation _: String, content _: VolumeContent
    ) async throws(Failure) -> EngineVolume {
        throw failure
    }
    func deleteVolume(_: VolumeID) async throws(Failure) { throw failure }
    func resizeVolume(_: VolumeID, to _: UInt64) async throws(Failure) -> EngineVolume { throw failure }
    func volume(_: VolumeID) async throws(Failure) -> EngineVolume { throw failure }
    func volumes() async throws(Failure) -> [EngineVolume] { throw failure }
    func raiseEpoch(_: VolumeID, to _: UInt64) async throws(Failure) { throw failure }
    func markFormatted(_: VolumeID, _: Formatted) async throws(Failure) { throw failure }
    func createSnapshots(_: [SnapshotRequest]) async throws(Failure) -> [EngineSnapshot] { throw failure }
    func deleteSnapshot(_: SnapshotID) async throws(Failure) { throw failure }
    func snapshot(_: SnapshotID) async throws(Failure) -> EngineSnapshot { throw failure }
    func snapshots() async throws(Failure) -> [EngineSnapshot] { throw failure }
    func rollBackVolume(_: VolumeID, to _: SnapshotID) async throws(Failure) -> EngineVolume { throw failure }
    func capacity(ofGroup _: String) async throws(Failure) -> GroupCapacity { throw failure }
    func poolStatus() async throws(Failure) -> PoolStatus { throw failure }
    func volumeSpace(_: VolumeID) async throws(Failure) -> VolumeSpace { throw failure }
    func volumeSpaces() async throws(Failure) -> [VolumeSpace] { throw failure }
    func poolSpace() async throws(Failure) -> PoolSpace { throw failure }
    func attach(_: VolumeID, epoch _: UInt64, readOnly _: Bool) async throws(Failure) -> AttachedDevice {
        throw failure
    }
    func detach(_: VolumeID) async throws(Failure) { throw failure }
    func attachment(_: VolumeID) async throws(Failure) -> AttachedDevice? { throw failure }
    func refresh(_: VolumeID) async throws(Failure) -> AttachedDevice { throw failure }
}
