import Base

/// What the mountpaths of a pool that nobody serves say of it: what a lost catalogue is rebuilt from.
public struct PoolInventory: Sendable, Equatable {
    public enum GroupState: String, Sendable, Codable {
        case active
        /// Removed, its data kept; hidden until a group of the same label is made.
        case retained
        /// Being deleted: carried on at the engine's next start.
        case deleting
        /// Gone with all its volumes.
        case deleted
    }

    public struct Group: Sendable, Equatable {
        public var specification: GroupSpecification
        public var state: GroupState

        public init(specification: GroupSpecification, state: GroupState) {
            self.specification = specification
            self.state = state
        }
    }

    public struct Volume: Sendable, Equatable {
        public var id: VolumeID
        public var group: String
        public var sizeBytes: UInt64
        /// The highest attach epoch that is durable.
        public var attachEpoch: UInt64
        public var formatted: Formatted
        public var annotation: String?
        /// A tombstone.
        public var isDeleted: Bool
        public var limits: VolumeLimits

        public init(
            id: VolumeID, group: String, sizeBytes: UInt64, attachEpoch: UInt64, formatted: Formatted,
            annotation: String?, isDeleted: Bool, limits: VolumeLimits = .none
        ) {
            self.limits = limits
            self.id = id
            self.group = group
            self.sizeBytes = sizeBytes
            self.attachEpoch = attachEpoch
            self.formatted = formatted
            self.annotation = annotation
            self.isDeleted = isDeleted
        }
    }

    public struct Snapshot: Sendable, Equatable {
        public var id: SnapshotID
        public var volume: VolumeID
        /// Of the volume, which may be deleted.
        public var group: String
        public var sizeBytes: UInt64
        /// Seconds since 1970.
        public var created: UInt64
        public var formatted: Formatted
        public var annotation: String?
        /// A tombstone.
        public var isDeleted: Bool

        public init(
            id: SnapshotID, volume: VolumeID, group: String, sizeBytes: UInt64, created: UInt64, formatted: Formatted,
            annotation: String?, isDeleted: Bool
        ) {
            self.id = id
            self.volume = volume
            self.group = group
            self.sizeBytes = sizeBytes
            self.created = created
            self.formatted = formatted
            self.annotation = annotation
            self.isDeleted = isDeleted
        }
    }

    /// A copy of the catalogue whose checksum is right.
    public struct CatalogueCopy: Sendable, Equatable {
        public var version: UInt64
        /// Where it was found, for people.
        public var place: String
        public var bytes: [UInt8]

        public init(version: UInt64, place: String, bytes: [UInt8]) {
            self.version = version
            self.place = place
            self.bytes = bytes
        }
    }

    public var id: PoolID
    public var version: UInt64
    /// Sorted by label.
    public var groups: [Group]
    /// Sorted by id.
    public var volumes: [Volume]
    /// Sorted by id.
    public var snapshots: [Snapshot]
    /// One of each version, the newest first.
    public var copies: [CatalogueCopy]
    /// What could not be believed, one sentence each.
    public var problems: [String]

    public init(
        id: PoolID, version: UInt64, groups: [Group], volumes: [Volume], snapshots: [Snapshot] = [],
        copies: [CatalogueCopy], problems: [String]
    ) {
        self.id = id
        self.version = version
        self.groups = groups
        self.volumes = volumes
        self.snapshots = snapshots
        self.copies = copies
        self.problems = problems
    }
}
