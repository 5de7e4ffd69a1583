import Base
import Domain

/// Everything a process of ours is told from outside: one YAML file, validated as a whole.
public struct Configuration: Sendable, Equatable {
    /// Holds the catalogue; must survive a reboot.
    public var stateDirectory: String
    /// Holds sockets and the ring; a tmpfs, preserved over restarts of the service.
    public var runDirectory: String
    public var logLevel: LogLevel
    public var nodeID: String
    /// The node where the drives are: what volumes and snapshots are accessible from.
    public var storageHost: String
    /// Other nodes that may have volumes.
    public var otherNodes: [String]
    public var sockets: Sockets
    public var engine: Engine
    public var pool: Pool
    public var groups: [VolumeGroup]
    /// When groups that are new are made.
    public var groupCreation: GroupCreation
    public var csi: CSI
    public var classes: [StorageClass]
    /// The class of a CreateVolume that names neither class nor group; nil: such a call is refused.
    public var defaultClass: String?

    public enum LogLevel: String, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error
    }

    public enum GroupCreation: String, Sendable, CaseIterable {
        case start, firstUse
    }

    /// How the CSI services behave.
    public struct CSI: Sendable, Equatable {
        public enum BlockMetadata: String, Sendable, CaseIterable {
            case variable, fixed
        }

        public enum Contract: String, Sendable, CaseIterable {
            case v12 = "1.12"
            case v13 = "1.13"
        }

        /// The newest version of CSI of which capabilities are advertised.
        public var contract: Contract
        /// How SnapshotMetadata tells ranges.
        public var blockMetadata: BlockMetadata
        /// Bytes of the largest ephemeral inline volume.
        public var ephemeralBytesMax: UInt64
        public var volumesPerNodeMax: Int

        public static let ephemeralBytesDefault: UInt64 = 10 << 30
        public static let volumesPerNodeDefault = 256

        public init(
            contract: Contract = .v13, blockMetadata: BlockMetadata = .variable,
            ephemeralBytesMax: UInt64 = ephemeralBytesDefault,
            volumesPerNodeMax: Int = volumesPerNodeDefault
        ) {
            self.contract = contract
            self.blockMetadata = blockMetadata
            self.ephemeralBytesMax = ephemeralBytesMax
            self.volumesPerNodeMax = volumesPerNodeMax
        }
    }

    /// Where the CSI services listen. Both paths are equal where one socket serves all.
    public struct Sockets: Sendable, Equatable {
        public var controller: String
        public var node: String

        public init(controller: String, node: String) {
            self.controller = controller
            self.node = node
        }
    }

    public struct Engine: Sendable, Equatable {
        /// The engine API between the processes.
        public var socket: String
        /// Bytes of the ring of unflushed writes; a multiple of 1 MiB.
        public var ringBytes: UInt64

        /// Bytes of map nodes in memory, of all volumes together; a multiple of 1 MiB.
        public var mapCacheBytes: UInt64

        public static let ringBytesDefault: UInt64 = 16 << 20
        public static let ringBytesRange: ClosedRange<UInt64> = 8 << 20...4 << 30
        public static let mapCacheBytesDefault: UInt64 = 64 << 20
        public static let mapCacheBytesRange: ClosedRange<UInt64> = 4 << 20...64 << 30

        public init(
            socket: String, ringBytes: UInt64 = ringBytesDefault, mapCacheBytes: UInt64 = mapCacheBytesDefault
        ) {
            self.socket = socket
            self.ringBytes = ringBytes
            self.mapCacheBytes = mapCacheBytes
        }
    }

    public struct Pool: Sendable, Equatable {
        public var mountpaths: [Mountpath]
        /// Lets mountpaths share a filesystem; a lost drive then takes several with it.
        public var allowSharedFilesystem: Bool
        /// Starts read-write although mountpaths are missing that could hold newer data. For a person who knows they are lost.
        public var acceptMissing: Bool

        public init(mountpaths: [Mountpath], allowSharedFilesystem: Bool = false, acceptMissing: Bool = false) {
            self.mountpaths = mountpaths
            self.allowSharedFilesystem = allowSharedFilesystem
            self.acceptMissing = acceptMissing
        }
    }

    public struct Mountpath: Sendable, Equatable {
        public var path: String
        public var media: Media

        public init(path: String, media: Media) {
            self.path = path
            self.media = media
        }
    }

    /// `/var/lib/ashlar/catalogue.sqlite` by default.
    public var cataloguePath: String { "\(stateDirectory)/catalogue.sqlite" }

    /// Where the control plane answers the command line: `/run/ashlar/control.sock` by default.
    public var controlSocket: String { "\(runDirectory)/control.sock" }

    public func group(_ label: String) -> VolumeGroup? { groups.first { $0.label == label } }
    public func storageClass(_ name: String) -> StorageClass? { classes.first { $0.name == name } }
}
