import Base

/// What a volume takes of the pool, or several together. Everything is in bytes.
///
/// `allocatedBytes` is the sum of `liveBytes`, `snapshotOnlyBytes`, `garbageBytes`, `reservedBytes` and `overheadBytes`. Live and
/// snapshot-only bytes together are the live blocks of the volume's segments, each counted once however many snapshots and clones have it.
public struct SpaceUsage: Sendable, Codable, Equatable {
    /// What the volume as it is refers to in segments of its own. Snapshots may have it too: deleting them frees nothing of it.
    public var liveBytes: UInt64
    /// What the volume as it is refers to in segments of its origins. It is counted there, as live or snapshot-only.
    public var sharedBytes: UInt64
    /// In the volume's own segments and only there for snapshots, clones, open readers, or until the walk over deleted snapshots has passed.
    public var snapshotOnlyBytes: UInt64
    /// Data that was written and that nothing refers to any more; garbage collection gets it back.
    public var garbageBytes: UInt64
    /// Room in segments to which is written, parity's included, and data on its way into the map.
    public var reservedBytes: UInt64
    /// Parity, headers, and what was left at the end of segments that are full.
    public var overheadBytes: UInt64
    /// Of slice files on mountpaths that are there.
    public var allocatedBytes: UInt64
    /// Nodes of the map in use, one copy of the p+1; not in `allocatedBytes`.
    public var metadataBytes: UInt64
    /// Reads of so much answer EIO. It takes no room.
    public var lostBytes: UInt64

    public init(
        liveBytes: UInt64 = 0, sharedBytes: UInt64 = 0, snapshotOnlyBytes: UInt64 = 0, garbageBytes: UInt64 = 0,
        reservedBytes: UInt64 = 0, overheadBytes: UInt64 = 0, allocatedBytes: UInt64 = 0, metadataBytes: UInt64 = 0,
        lostBytes: UInt64 = 0
    ) {
        self.liveBytes = liveBytes
        self.sharedBytes = sharedBytes
        self.snapshotOnlyBytes = snapshotOnlyBytes
        self.garbageBytes = garbageBytes
        self.reservedBytes = reservedBytes
        self.overheadBytes = overheadBytes
        self.allocatedBytes = allocatedBytes
        self.metadataBytes = metadataBytes
        self.lostBytes = lostBytes
    }

    public static func + (left: SpaceUsage, right: SpaceUsage) -> SpaceUsage {
        SpaceUsage(
            liveBytes: left.liveBytes + right.liveBytes, sharedBytes: left.sharedBytes + right.sharedBytes,
            snapshotOnlyBytes: left.snapshotOnlyBytes + right.snapshotOnlyBytes,
            garbageBytes: left.garbageBytes + right.garbageBytes,
            reservedBytes: left.reservedBytes + right.reservedBytes,
            overheadBytes: left.overheadBytes + right.overheadBytes,
            allocatedBytes: left.allocatedBytes + right.allocatedBytes,
            metadataBytes: left.metadataBytes + right.metadataBytes, lostBytes: left.lostBytes + right.lostBytes)
    }
}

/// What an open volume has written since it was opened, in bytes.
public struct VolumeActivity: Sendable, Codable, Equatable {
    /// Data of writes.
    public var writtenBytes: UInt64
    /// Data that garbage collection copied. (written + moved) / written is its amplification.
    public var movedBytes: UInt64
    /// Both, with parity and headers, as slices got them.
    public var storedBytes: UInt64
    /// Segments that garbage collection has gone through.
    public var cleanedSegments: UInt64

    public init(writtenBytes: UInt64, movedBytes: UInt64, storedBytes: UInt64, cleanedSegments: UInt64) {
        self.writtenBytes = writtenBytes
        self.movedBytes = movedBytes
        self.storedBytes = storedBytes
        self.cleanedSegments = cleanedSegments
    }
}

public struct VolumeSpace: Sendable, Codable, Equatable {
    public var id: VolumeID
    public var group: String
    /// Deleted, and kept for the snapshots and clones that need what is stored of it.
    public var isHidden: Bool
    /// False: as its last checkpoint has it. What was written after that, before a crash, is counted when the volume is next opened.
    public var isOpen: Bool
    public var usage: SpaceUsage
    /// Nil where it is not open.
    public var activity: VolumeActivity?

    public init(
        id: VolumeID, group: String, isHidden: Bool, isOpen: Bool, usage: SpaceUsage, activity: VolumeActivity? = nil
    ) {
        self.activity = activity
        self.id = id
        self.group = group
        self.isHidden = isHidden
        self.isOpen = isOpen
        self.usage = usage
    }
}

public struct GroupSpace: Sendable, Codable, Equatable {
    public var label: String
    /// Hidden ones not included.
    public var volumeCount: UInt64
    public var hiddenVolumeCount: UInt64
    /// The part of `usage.allocatedBytes` that hidden volumes take.
    public var hiddenAllocatedBytes: UInt64
    /// The sum over all its volumes, the hidden ones included.
    public var usage: SpaceUsage

    public init(
        label: String, volumeCount: UInt64, hiddenVolumeCount: UInt64, hiddenAllocatedBytes: UInt64, usage: SpaceUsage
    ) {
        self.label = label
        self.volumeCount = volumeCount
        self.hiddenVolumeCount = hiddenVolumeCount
        self.hiddenAllocatedBytes = hiddenAllocatedBytes
        self.usage = usage
    }
}

/// What the mountpaths that are there hold, in bytes. `totalBytes` is the sum of the groups' allocated bytes, `recycledBytes`,
/// `reserveBytes`, `availableBytes` and `otherBytes`.
public struct PoolSpace: Sendable, Codable, Equatable {
    /// Every group that takes room, retained ones included; by label.
    public var groups: [GroupSpace]
    public var totalBytes: UInt64
    /// Slice files without content, kept for the next segments.
    public var recycledBytes: UInt64
    /// The part of what is free that segments leave for maps, headers and recovery.
    public var reserveBytes: UInt64
    /// Free for segments.
    public var availableBytes: UInt64
    /// Maps in all their copies, headers, copies of the catalogue, what the filesystems need for themselves, and files of others.
    public var otherBytes: UInt64

    public init(
        groups: [GroupSpace], totalBytes: UInt64, recycledBytes: UInt64, reserveBytes: UInt64, availableBytes: UInt64,
        otherBytes: UInt64
    ) {
        self.groups = groups
        self.totalBytes = totalBytes
        self.recycledBytes = recycledBytes
        self.reserveBytes = reserveBytes
        self.availableBytes = availableBytes
        self.otherBytes = otherBytes
    }

    /// The sum over the groups.
    public var usage: SpaceUsage { groups.reduce(SpaceUsage()) { $0 + $1.usage } }
}
