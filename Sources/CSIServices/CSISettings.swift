import Base
import Domain

/// What the CSI services are told by the configuration.
public struct CSISettings: Sendable {
    /// `csi.ashlar.storage`: never changes, it is in every PersistentVolume.
    public static let driverName = "csi.ashlar.storage"
    /// Volumes can be used where this topology key has the storage host's name.
    public static let topologyKey = "topology.csi.ashlar.storage/host"

    /// Semantic version of the binary, without build metadata.
    public var version: String
    public var nodeID: String
    /// The storage host: where the mountpaths are.
    public var host: String
    public var classes: [StorageClass]
    public var defaultClass: String?
    /// What NodeGetInfo tells and ControllerPublishVolume enforces; at least 1.
    public var volumesPerNodeMax: Int
    /// The largest ephemeral inline volume.
    public var ephemeralBytesMax: UInt64
    /// The newest contract of which capabilities are advertised.
    public var contract: Contract

    public enum Contract: String, Sendable, CaseIterable, Comparable {
        /// For callers that take a capability which they do not know for an error. What came later is served all the same.
        case v12 = "1.12"
        case v13 = "1.13"

        public static func < (one: Contract, other: Contract) -> Bool { one == .v12 && other == .v13 }
    }

    public static let volumesPerNodeDefault = 256
    public static let ephemeralBytesDefault: UInt64 = 10 << 30

    public init(
        version: String, nodeID: String, host: String, classes: [StorageClass], defaultClass: String?,
        volumesPerNodeMax: Int = volumesPerNodeDefault, ephemeralBytesMax: UInt64 = ephemeralBytesDefault,
        contract: Contract = .v13
    ) {
        self.version = version
        self.nodeID = nodeID
        self.host = host
        self.classes = classes
        self.defaultClass = defaultClass
        self.volumesPerNodeMax = volumesPerNodeMax
        self.ephemeralBytesMax = ephemeralBytesMax
        self.contract = contract
    }
}
