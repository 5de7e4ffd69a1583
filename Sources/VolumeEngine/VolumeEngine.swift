import Base

/// What a VolumeGroup means to an engine: how its volumes are coded and where their slices may lie.
public struct GroupSpecification: Sendable, Codable, Equatable {
    public var label: String
    /// Data columns (k). 1 for `single` and `replicated`.
    public var dataColumns: Int
    /// Parity columns (p). 0 for `single`, n-1 for `replicated(n)`.
    public var parityColumns: Int
    /// Media classes a slice may lie on, in configuration words: nvme, ssd, hdd. Empty means any.
    public var media: [String]
    /// Size of one slice file, a multiple of 1 MiB.
    public var sliceBytes: UInt64
    /// Bound on the logical bytes of the group's segments. Nil: bounded by the pool alone.
    public var capacityBytes: UInt64?
    /// What the control plane needs to know the group again, at most `annotationBytesMax`. The engine keeps it beside the group's data
    /// and does not look at it.
    public var annotation: String?

    public init(
        label: String, dataColumns: Int, parityColumns: Int, media: [String], sliceBytes: UInt64,
        capacityBytes: UInt64?, annotation: String? = nil
    ) {
        self.label = label
        self.dataColumns = dataColumns
        self.parityColumns = parityColumns
        self.media = media
        self.sliceBytes = sliceBytes
        self.capacityBytes = capacityBytes
        self.annotation = annotation
    }

    public var columns: Int { dataColumns + parityColumns }
}

/// Bound on the annotation of a volume, snapshot or group, in bytes of UTF-8.
public let annotationBytesMax = 32 << 10

/// What is known of whether a volume carries a filesystem. Unknown means formatted: nothing may be made on it.
public enum Formatted: Sendable, Codable, Equatable {
    case never
    /// A filesystem is being made and was never mounted: after an interruption it may be made again.
    case making(String)
    /// Made completely. Only from here on may it be mounted.
    case filesystem(String)
    /// Used as a raw device, or otherwise not known to be empty.
    case unknown

    /// The changes that `markFormatted` accepts; nothing leads back to where a filesystem could be made.
    public func canBecome(_ next: Formatted) -> Bool {
        switch (self, next) {
        case (.never, .making), (.never, .unknown), (.making, .making), (.making, .filesystem), (.making, .unknown):
            true
        default: self == next
        }
    }
}

/// What a new volume begins as.
public enum VolumeContent: Sendable, Equatable {
    /// Reads as zeros.
    case empty
    /// What the snapshot is; for ever after on its own.
    case snapshot(SnapshotID)
    /// What the volume is at that moment, every write that it answered included.
    case volume(VolumeID)
}

/// One snapshot of a cut.
public struct SnapshotRequest: Sendable, Equatable {
    public var id: SnapshotID
    public var volume: VolumeID
    /// As in `GroupSpecification`, written with the snapshot; empty for none.
    public var annotation: String

    public init(id: SnapshotID, volume: VolumeID, annotation: String = "") {
        self.id = id
        self.volume = volume
        self.annotation = annotation
    }
}

/// A snapshot as its engine knows it.
public struct EngineSnapshot: Sendable, Codable, Equatable {
    public var id: SnapshotID
    public var volume: VolumeID
    public var group: String
    /// Of the volume when it was taken.
    public var sizeBytes: UInt64
    /// Seconds since 1970.
    public var created: UInt64

    public init(id: SnapshotID, volume: VolumeID, group: String, sizeBytes: UInt64, created: UInt64) {
        self.id = id
        self.volume = volume
        self.group = group
        self.sizeBytes = sizeBytes
        self.created = created
    }
}

public enum VolumeHealth: String, Sendable, Codable {
    case ready
    /// Every block can be read, some only from parity.
    case degraded
    /// Some blocks are lost: reads of them answer EIO.
    case failed
}

/// A volume as its engine knows it.
public struct EngineVolume: Sendable, Codable, Equatable {
    public var id: VolumeID
    public var group: String
    public var sizeBytes: UInt64
    /// The highest attach epoch that is durable; lower ones are refused. 0: never granted.
    public var attachEpoch: UInt64
    public var formatted: Formatted
    public var health: VolumeHealth
    /// One sentence where health is not `ready`.
    public var healthReason: String
    /// Bytes that are referenced by the volume's map: live and shared. Nil while the volume is not open; `volumeSpace` tells more.
    public var liveBytes: UInt64?
    /// Bytes of the slice files that the volume's segments occupy, parity included.
    public var allocatedBytes: UInt64
    /// Whether the engine keeps an annotation of it, from which a lost catalogue can be rebuilt.
    public var isAnnotated: Bool
    public var limits: VolumeLimits

    public init(
        id: VolumeID, group: String, sizeBytes: UInt64, attachEpoch: UInt64, formatted: Formatted,
        health: VolumeHealth, healthReason: String, liveBytes: UInt64?, allocatedBytes: UInt64,
        isAnnotated: Bool = false, limits: VolumeLimits = .none
    ) {
        self.id = id
        self.group = group
        self.sizeBytes = sizeBytes
        self.attachEpoch = attachEpoch
        self.formatted = formatted
        self.health = health
        self.healthReason = healthReason
        self.liveBytes = liveBytes
        self.allocatedBytes = allocatedBytes
        self.isAnnotated = isAnnotated
        self.limits = limits
    }
}

public struct GroupCapacity: Sendable, Codable, Equatable {
    /// The largest volume the group can hold, in logical bytes.
    public var totalBytes: UInt64
    /// Logical bytes that can still be written.
    public var availableBytes: UInt64
    /// Logical bytes of the segments allocated.
    public var usedBytes: UInt64

    public init(totalBytes: UInt64, availableBytes: UInt64, usedBytes: UInt64) {
        self.totalBytes = totalBytes
        self.availableBytes = availableBytes
        self.usedBytes = usedBytes
    }
}

public enum MountpathState: String, Sendable, Codable {
    case active
    /// Taken out of the pool while running; its data is served from parity.
    case out
    /// A member by the newest pool version, but not found.
    case missing
    /// Came back with an older pool version: never believed.
    case stale
}

public struct MountpathStatus: Sendable, Codable, Equatable {
    public var id: MountpathID
    public var path: String
    public var media: String
    public var state: MountpathState
    /// Why, and what to do, where the state is not `active`.
    public var reason: String
    public var totalBytes: UInt64
    public var freeBytes: UInt64

    public init(
        id: MountpathID, path: String, media: String, state: MountpathState, reason: String, totalBytes: UInt64,
        freeBytes: UInt64
    ) {
        self.id = id
        self.path = path
        self.media = media
        self.state = state
        self.reason = reason
        self.totalBytes = totalBytes
        self.freeBytes = freeBytes
    }
}

public struct PoolStatus: Sendable, Codable, Equatable {
    public var id: PoolID
    /// Membership version: grows by one with each change.
    public var version: UInt64
    public var mountpaths: [MountpathStatus]
    /// Filesystems that more than one mountpath shares, as the configuration allowed.
    public var sharedFilesystems: [String]

    public init(id: PoolID, version: UInt64, mountpaths: [MountpathStatus], sharedFilesystems: [String]) {
        self.id = id
        self.version = version
        self.mountpaths = mountpaths
        self.sharedFilesystems = sharedFilesystems
    }
}

/// The engine port: what the control plane asks of a storage engine. Each call is idempotent, durable when it returns,
/// and throws `Failure`. Implemented by the embedded engine, by its remote stub and later by Ceph.
public protocol VolumeEngine: Sendable {
    /// Makes the group known, or confirms it; one that was retained has its volumes again. `conflict` if it exists with another coding
    /// or slice size; `exhausted` if it asks for more columns than there are mountpaths of its media; `failedPrecondition` while
    /// it is being deleted.
    func ensureGroup(_ group: GroupSpecification) async throws(Failure)

    /// Hides the group and its volumes until `ensureGroup`: they are not listed, not found, not opened; their data stays. Retained or
    /// unknown is fine. `failedPrecondition` while one of them is attached.
    func retainGroup(_ label: String) async throws(Failure)

    /// Deletes the group with all its volumes; none comes back. Deleted or unknown is fine. `failedPrecondition` while one of them is
    /// attached: then nothing has happened. After any other failure the deletion may have begun, and can only be carried on.
    func deleteGroup(_ label: String) async throws(Failure)

    /// `sizeBytes` is a positive multiple of 4 KiB. The same id again answers the same volume;
    /// with another group or size it is a `conflict`. A deleted id stays deleted: `notFound`.
    /// `annotation`: as in `GroupSpecification`, written with the volume; empty for none. `content`: of the same group; `outOfRange` where it
    /// is larger than `sizeBytes`, `notFound` where it is not there.
    func createVolume(
        _ id: VolumeID, group: String, sizeBytes: UInt64, annotation: String, content: VolumeContent
    ) async throws(Failure) -> EngineVolume

    /// Replaces the volume's annotation.
    func annotateVolume(_ id: VolumeID, _ annotation: String) async throws(Failure)

    /// An unknown or deleted id is fine. `failedPrecondition` while attached.
    func deleteVolume(_ id: VolumeID) async throws(Failure)

    /// Grows the volume; an equal or smaller size changes nothing. A device that is attached grows with it.
    func resizeVolume(_ id: VolumeID, to sizeBytes: UInt64) async throws(Failure) -> EngineVolume

    /// Replaces the volume's limits. A device that is attached has them when this returns; what waits under the old ones goes on under
    /// these. `invalid` as `VolumeLimits.validate` says.
    func setLimits(_ id: VolumeID, _ limits: VolumeLimits) async throws(Failure)

    func volume(_ id: VolumeID) async throws(Failure) -> EngineVolume
    func volumes() async throws(Failure) -> [EngineVolume]

    /// Fences every lower epoch: closes admission for it, flushes what it was answered, makes `epoch` durable.
    /// The same epoch again is fine, a lower one than the volume's is `fenced`.
    func raiseEpoch(_ id: VolumeID, to epoch: UInt64) async throws(Failure)

    /// Records `making` before the first byte of a filesystem is written, `filesystem` once it is made and before it is
    /// mounted, `unknown` before a pod gets the raw device. `failedPrecondition` where `Formatted.canBecome` says no.
    func markFormatted(_ id: VolumeID, _ formatted: Formatted) async throws(Failure)

    /// Takes a snapshot of each volume, all at one moment: a write that was answered before another began is in its snapshot if the
    /// other is in its. The same ids again answer the same snapshots. All of them are there afterwards, or none. A deleted id stays deleted:
    /// `conflict`, as where an id is of another volume.
    func createSnapshots(_ wanted: [SnapshotRequest]) async throws(Failure) -> [EngineSnapshot]

    /// An unknown or deleted id is fine, as are clones: they keep what is theirs. `failedPrecondition` while it is open.
    func deleteSnapshot(_ id: SnapshotID) async throws(Failure)

    func snapshot(_ id: SnapshotID) async throws(Failure) -> EngineSnapshot
    func snapshots() async throws(Failure) -> [EngineSnapshot]

    /// Where the snapshot has something else than `base` had, discarded ranges included; without a base, where something was ever written
    /// to it and not discarded. All that differs is told; what is told may be the same. Ranges lie in the snapshot's size, ascend, neither
    /// overlap nor touch, and begin at `offset` or behind it: the part of one that lies before is cut off. `body` gets
    /// up to `changedRangeCountMax` at a time, never none, and is waited for. The same snapshots always give the same ranges while both are there.
    /// `notFound` where a snapshot is not there, or not any more; `invalid` where the base is of another volume or is not older.
    func changedRanges(
        of snapshot: SnapshotID, since base: SnapshotID?, from offset: UInt64,
        _ body: @Sendable ([ByteRange]) async throws(Failure) -> Void
    ) async throws(Failure)

    /// The volume becomes what the snapshot is; its size stays. Snapshots taken since stay too. `failedPrecondition` while attached.
    func rollBackVolume(_ id: VolumeID, to snapshot: SnapshotID) async throws(Failure) -> EngineVolume

    func capacity(ofGroup label: String) async throws(Failure) -> GroupCapacity
    func poolStatus() async throws(Failure) -> PoolStatus

    /// What one volume takes; of all that is stored, deleted volumes included of which something is still needed, sorted by id; and what
    /// groups and the pool take. Nothing is opened for it.
    func volumeSpace(_ id: VolumeID) async throws(Failure) -> VolumeSpace
    func volumeSpaces() async throws(Failure) -> [VolumeSpace]
    func poolSpace() async throws(Failure) -> PoolSpace

    /// Keeps a copy of the control plane's catalogue where the volumes are, as safe as they are, in place of the one before; at most
    /// `catalogueBytesMax`. Returns its version, which is higher than every earlier one's.
    func storeCatalogue(_ copy: [UInt8]) async throws(Failure) -> UInt64
}

/// Bound on the copy of a catalogue: some 200,000 volumes.
public let catalogueBytesMax = 256 << 20

extension VolumeEngine {
    /// Empty, without an annotation.
    public func createVolume(_ id: VolumeID, group: String, sizeBytes: UInt64) async throws(Failure) -> EngineVolume {
        try await createVolume(id, group: group, sizeBytes: sizeBytes, annotation: "", content: .empty)
    }

    /// Empty.
    public func createVolume(
        _ id: VolumeID, group: String, sizeBytes: UInt64, annotation: String
    ) async throws(Failure) -> EngineVolume {
        try await createVolume(id, group: group, sizeBytes: sizeBytes, annotation: annotation, content: .empty)
    }

    public func createSnapshot(_ id: SnapshotID, of volume: VolumeID) async throws(Failure) -> EngineSnapshot {
        let made = try await createSnapshots([SnapshotRequest(id: id, volume: volume)])
        guard let first = made.first else { throw Failure(.internal, "the engine answered no snapshot") }
        return first
    }
}
