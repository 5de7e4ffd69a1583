// Generated from protos/csi.proto by protos/generate. Do not edit.
// swift-format-ignore-file
import Base
import ProtobufRuntime

extension CSI {
    /// gRPC paths of every method.
    public enum Method {
        public static let getPluginInfo = "/csi.v1.Identity/GetPluginInfo"
        public static let getPluginCapabilities = "/csi.v1.Identity/GetPluginCapabilities"
        public static let probe = "/csi.v1.Identity/Probe"
        public static let createVolume = "/csi.v1.Controller/CreateVolume"
        public static let deleteVolume = "/csi.v1.Controller/DeleteVolume"
        public static let controllerPublishVolume = "/csi.v1.Controller/ControllerPublishVolume"
        public static let controllerUnpublishVolume = "/csi.v1.Controller/ControllerUnpublishVolume"
        public static let validateVolumeCapabilities = "/csi.v1.Controller/ValidateVolumeCapabilities"
        public static let listVolumes = "/csi.v1.Controller/ListVolumes"
        public static let controllerListVolumeHealth = "/csi.v1.Controller/ControllerListVolumeHealth"
        public static let controllerGetVolumeHealth = "/csi.v1.Controller/ControllerGetVolumeHealth"
        public static let getCapacity = "/csi.v1.Controller/GetCapacity"
        public static let controllerGetCapabilities = "/csi.v1.Controller/ControllerGetCapabilities"
        public static let createSnapshot = "/csi.v1.Controller/CreateSnapshot"
        public static let deleteSnapshot = "/csi.v1.Controller/DeleteSnapshot"
        public static let listSnapshots = "/csi.v1.Controller/ListSnapshots"
        public static let getSnapshot = "/csi.v1.Controller/GetSnapshot"
        public static let controllerExpandVolume = "/csi.v1.Controller/ControllerExpandVolume"
        public static let controllerGetVolume = "/csi.v1.Controller/ControllerGetVolume"
        public static let controllerModifyVolume = "/csi.v1.Controller/ControllerModifyVolume"
        public static let groupControllerGetCapabilities = "/csi.v1.GroupController/GroupControllerGetCapabilities"
        public static let createVolumeGroupSnapshot = "/csi.v1.GroupController/CreateVolumeGroupSnapshot"
        public static let deleteVolumeGroupSnapshot = "/csi.v1.GroupController/DeleteVolumeGroupSnapshot"
        public static let getVolumeGroupSnapshot = "/csi.v1.GroupController/GetVolumeGroupSnapshot"
        public static let getMetadataAllocated = "/csi.v1.SnapshotMetadata/GetMetadataAllocated"
        public static let getMetadataDelta = "/csi.v1.SnapshotMetadata/GetMetadataDelta"
        public static let nodeStageVolume = "/csi.v1.Node/NodeStageVolume"
        public static let nodeUnstageVolume = "/csi.v1.Node/NodeUnstageVolume"
        public static let nodePublishVolume = "/csi.v1.Node/NodePublishVolume"
        public static let nodeUnpublishVolume = "/csi.v1.Node/NodeUnpublishVolume"
        public static let nodeGetVolumeStats = "/csi.v1.Node/NodeGetVolumeStats"
        public static let nodeGetVolumeHealth = "/csi.v1.Node/NodeGetVolumeHealth"
        public static let nodeGetStorageHealth = "/csi.v1.Node/NodeGetStorageHealth"
        public static let nodeExpandVolume = "/csi.v1.Node/NodeExpandVolume"
        public static let nodeGetCapabilities = "/csi.v1.Node/NodeGetCapabilities"
        public static let nodeGetInfo = "/csi.v1.Node/NodeGetInfo"
    }

    public enum VolumeHealthErrorType: MessageEnum {
        case unknownVolumeHealthType
        case degraded
        case inaccessible
        case dataLoss
        /// A number that this version of the contract does not name.
        case unrecognized(Int32)

        public static var allCases: [Self] {
            [
                .unknownVolumeHealthType,
                .degraded,
                .inaccessible,
                .dataLoss,
            ]
        }

        public init(rawValue: Int32) {
            switch rawValue {
            case 0: self = .unknownVolumeHealthType
            case 1: self = .degraded
            case 2: self = .inaccessible
            case 3: self = .dataLoss
            default: self = .unrecognized(rawValue)
            }
        }

        public var rawValue: Int32 {
            switch self {
            case .unknownVolumeHealthType: 0
            case .degraded: 1
            case .inaccessible: 2
            case .dataLoss: 3
            case .unrecognized(let number): number
            }
        }

        public var name: String {
            switch self {
            case .unknownVolumeHealthType: "UNKNOWN_VOLUME_HEALTH_TYPE"
            case .degraded: "DEGRADED"
            case .inaccessible: "INACCESSIBLE"
            case .dataLoss: "DATA_LOSS"
            case .unrecognized(let number): "\(number)"
            }
        }
    }

    public enum StorageHealthErrorType: MessageEnum {
        case unknownStorageHealthErrorType
        case storageDegraded
        case storageUnreachable
        /// A number that this version of the contract does not name.
        case unrecognized(Int32)

        public static var allCases: [Self] {
            [
                .unknownStorageHealthErrorType,
                .storageDegraded,
                .storageUnreachable,
            ]
        }

        public init(rawValue: Int32) {
            switch rawValue {
            case 0: self = .unknownStorageHealthErrorType
            case 1: self = .storageDegraded
            case 2: self = .storageUnreachable
            default: self = .unrecognized(rawValue)
            }
        }

        public var rawValue: Int32 {
            switch self {
            case .unknownStorageHealthErrorType: 0
            case .storageDegraded: 1
            case .storageUnreachable: 2
            case .unrecognized(let number): number
            }
        }

        public var name: String {
            switch self {
            case .unknownStorageHealthErrorType: "UNKNOWN_STORAGE_HEALTH_ERROR_TYPE"
            case .storageDegraded: "STORAGE_DEGRADED"
            case .storageUnreachable: "STORAGE_UNREACHABLE"
            case .unrecognized(let number): "\(number)"
            }
        }
    }

    public enum BlockMetadataType: MessageEnum {
        case unknown
        case fixedLength
        case variableLength
        /// A number that this version of the contract does not name.
        case unrecognized(Int32)

        public static var allCases: [Self] {
            [
                .unknown,
                .fixedLength,
                .variableLength,
            ]
        }

        public init(rawValue: Int32) {
            switch rawValue {
            case 0: self = .unknown
            case 1: self = .fixedLength
            case 2: self = .variableLength
            default: self = .unrecognized(rawValue)
            }
        }

        public var rawValue: Int32 {
            switch self {
            case .unknown: 0
            case .fixedLength: 1
            case .variableLength: 2
            case .unrecognized(let number): number
            }
        }

        public var name: String {
            switch self {
            case .unknown: "UNKNOWN"
            case .fixedLength: "FIXED_LENGTH"
            case .variableLength: "VARIABLE_LENGTH"
            case .unrecognized(let number): "\(number)"
            }
        }
    }

    public struct GetPluginInfoRequest: Message {
        public init() {}

        public static var messageName: String { "csi.v1.GetPluginInfoRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct GetPluginInfoResponse: Message {
        public var name: String
        public var vendorVersion: String
        public var manifest: [String: String]

        public init(
            name: String = "",
            vendorVersion: String = "",
            manifest: [String: String] = [:]
        ) {
            self.name = name
            self.vendorVersion = vendorVersion
            self.manifest = manifest
        }

        public static var messageName: String { "csi.v1.GetPluginInfoResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("name", .string(name)))
            found.append(MessageField("vendorVersion", .string(vendorVersion)))
            found.append(MessageField("manifest", .map(manifest)))
            return found
        }
    }

    public struct GetPluginCapabilitiesRequest: Message {
        public init() {}

        public static var messageName: String { "csi.v1.GetPluginCapabilitiesRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct GetPluginCapabilitiesResponse: Message {
        public var capabilities: [CSI.PluginCapability]

        public init(
            capabilities: [CSI.PluginCapability] = []
        ) {
            self.capabilities = capabilities
        }

        public static var messageName: String { "csi.v1.GetPluginCapabilitiesResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("capabilities", .list(capabilities.map { .message($0.fields) })))
            return found
        }
    }

    public struct PluginCapability: Message {
        public var type: TypeChoice?

        public init(
            type: TypeChoice? = nil
        ) {
            self.type = type
        }

        public static var messageName: String { "csi.v1.PluginCapability" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            if case .service(let value) = type {
                found.append(MessageField("service", .message(value.fields)))
            }
            if case .volumeExpansion(let value) = type {
                found.append(MessageField("volumeExpansion", .message(value.fields)))
            }
            return found
        }

        public enum TypeChoice: Sendable, Hashable {
            case service(CSI.PluginCapability.Service)
            case volumeExpansion(CSI.PluginCapability.VolumeExpansion)
        }

        public struct Service: Message {
            public var type: CSI.PluginCapability.Service.Kind

            public init(
                type: CSI.PluginCapability.Service.Kind = .unknown
            ) {
                self.type = type
            }

            public static var messageName: String { "csi.v1.PluginCapability.Service" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("type", .name(type.name)))
                return found
            }

            public enum Kind: MessageEnum {
                case unknown
                case controllerService
                case volumeAccessibilityConstraints
                case groupControllerService
                case snapshotMetadataService
                case snapshotAccessibilityConstraints
                /// A number that this version of the contract does not name.
                case unrecognized(Int32)

                public static var allCases: [Self] {
                    [
                        .unknown,
                        .controllerService,
                        .volumeAccessibilityConstraints,
                        .groupControllerService,
                        .snapshotMetadataService,
                        .snapshotAccessibilityConstraints,
                    ]
                }

                public init(rawValue: Int32) {
                    switch rawValue {
                    case 0: self = .unknown
                    case 1: self = .controllerService
                    case 2: self = .volumeAccessibilityConstraints
                    case 3: self = .groupControllerService
                    case 4: self = .snapshotMetadataService
                    case 5: self = .snapshotAccessibilityConstraints
                    default: self = .unrecognized(rawValue)
                    }
                }

                public var rawValue: Int32 {
                    switch self {
                    case .unknown: 0
                    case .controllerService: 1
                    case .volumeAccessibilityConstraints: 2
                    case .groupControllerService: 3
                    case .snapshotMetadataService: 4
                    case .snapshotAccessibilityConstraints: 5
                    case .unrecognized(let number): number
                    }
                }

                public var name: String {
                    switch self {
                    case .unknown: "UNKNOWN"
                    case .controllerService: "CONTROLLER_SERVICE"
                    case .volumeAccessibilityConstraints: "VOLUME_ACCESSIBILITY_CONSTRAINTS"
                    case .groupControllerService: "GROUP_CONTROLLER_SERVICE"
                    case .snapshotMetadataService: "SNAPSHOT_METADATA_SERVICE"
                    case .snapshotAccessibilityConstraints: "SNAPSHOT_ACCESSIBILITY_CONSTRAINTS"
                    case .unrecognized(let number): "\(number)"
                    }
                }
            }
        }

        public struct VolumeExpansion: Message {
            public var type: CSI.PluginCapability.VolumeExpansion.Kind

            public init(
                type: CSI.PluginCapability.VolumeExpansion.Kind = .unknown
            ) {
                self.type = type
            }

            public static var messageName: String { "csi.v1.PluginCapability.VolumeExpansion" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("type", .name(type.name)))
                return found
            }

            public enum Kind: MessageEnum {
                case unknown
                case online
                case offline
                /// A number that this version of the contract does not name.
                case unrecognized(Int32)

                public static var allCases: [Self] {
                    [
                        .unknown,
                        .online,
                        .offline,
                    ]
                }

                public init(rawValue: Int32) {
                    switch rawValue {
                    case 0: self = .unknown
                    case 1: self = .online
                    case 2: self = .offline
                    default: self = .unrecognized(rawValue)
                    }
                }

                public var rawValue: Int32 {
                    switch self {
                    case .unknown: 0
                    case .online: 1
                    case .offline: 2
                    case .unrecognized(let number): number
                    }
                }

                public var name: String {
                    switch self {
                    case .unknown: "UNKNOWN"
                    case .online: "ONLINE"
                    case .offline: "OFFLINE"
                    case .unrecognized(let number): "\(number)"
                    }
                }
            }
        }
    }

    public struct ProbeRequest: Message {
        public init() {}

        public static var messageName: String { "csi.v1.ProbeRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct ProbeResponse: Message {
        public var ready: Bool?

        public init(
            ready: Bool? = nil
        ) {
            self.ready = ready
        }

        public static var messageName: String { "csi.v1.ProbeResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("ready", ready.map { .bool($0) } ?? .absent))
            return found
        }
    }

    public struct CreateVolumeRequest: Message {
        public var name: String
        public var capacityRange: CSI.CapacityRange?
        public var volumeCapabilities: [CSI.VolumeCapability]
        public var parameters: [String: String]
        public var secrets: [String: String]
        public var volumeContentSource: CSI.VolumeContentSource?
        public var accessibilityRequirements: CSI.TopologyRequirement?
        public var mutableParameters: [String: String]

        public init(
            name: String = "",
            capacityRange: CSI.CapacityRange? = nil,
            volumeCapabilities: [CSI.VolumeCapability] = [],
            parameters: [String: String] = [:],
            secrets: [String: String] = [:],
            volumeContentSource: CSI.VolumeContentSource? = nil,
            accessibilityRequirements: CSI.TopologyRequirement? = nil,
            mutableParameters: [String: String] = [:]
        ) {
            self.name = name
            self.capacityRange = capacityRange
            self.volumeCapabilities = volumeCapabilities
            self.parameters = parameters
            self.secrets = secrets
            self.volumeContentSource = volumeContentSource
            self.accessibilityRequirements = accessibilityRequirements
            self.mutableParameters = mutableParameters
        }

        public static var messageName: String { "csi.v1.CreateVolumeRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("name", .string(name)))
            found.append(MessageField("capacityRange", capacityRange.map { .message($0.fields) } ?? .absent))
            found.append(MessageField("volumeCapabilities", .list(volumeCapabilities.map { .message($0.fields) })))
            found.append(MessageField("parameters", .map(parameters)))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            found.append(MessageField("volumeContentSource", volumeContentSource.map { .message($0.fields) } ?? .absent))
            found.append(MessageField("accessibilityRequirements", accessibilityRequirements.map { .message($0.fields) } ?? .absent))
            found.append(MessageField("mutableParameters", .map(mutableParameters)))
            return found
        }
    }

    public struct VolumeContentSource: Message {
        public var type: TypeChoice?

        public init(
            type: TypeChoice? = nil
        ) {
            self.type = type
        }

        public static var messageName: String { "csi.v1.VolumeContentSource" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            if case .snapshot(let value) = type {
                found.append(MessageField("snapshot", .message(value.fields)))
            }
            if case .volume(let value) = type {
                found.append(MessageField("volume", .message(value.fields)))
            }
            return found
        }

        public enum TypeChoice: Sendable, Hashable {
            case snapshot(CSI.VolumeContentSource.SnapshotSource)
            case volume(CSI.VolumeContentSource.VolumeSource)
        }

        public struct SnapshotSource: Message {
            public var snapshotID: String

            public init(
                snapshotID: String = ""
            ) {
                self.snapshotID = snapshotID
            }

            public static var messageName: String { "csi.v1.VolumeContentSource.SnapshotSource" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("snapshotId", .string(snapshotID)))
                return found
            }
        }

        public struct VolumeSource: Message {
            public var volumeID: String

            public init(
                volumeID: String = ""
            ) {
                self.volumeID = volumeID
            }

            public static var messageName: String { "csi.v1.VolumeContentSource.VolumeSource" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("volumeId", .string(volumeID)))
                return found
            }
        }
    }

    public struct CreateVolumeResponse: Message {
        public var volume: CSI.Volume?

        public init(
            volume: CSI.Volume? = nil
        ) {
            self.volume = volume
        }

        public static var messageName: String { "csi.v1.CreateVolumeResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volume", volume.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    public struct VolumeCapability: Message {
        public var accessType: AccessTypeChoice?
        public var accessMode: CSI.VolumeCapability.AccessMode?

        public init(
            accessType: AccessTypeChoice? = nil,
            accessMode: CSI.VolumeCapability.AccessMode? = nil
        ) {
            self.accessType = accessType
            self.accessMode = accessMode
        }

        public static var messageName: String { "csi.v1.VolumeCapability" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            if case .block(let value) = accessType {
                found.append(MessageField("block", .message(value.fields)))
            }
            if case .mount(let value) = accessType {
                found.append(MessageField("mount", .message(value.fields)))
            }
            found.append(MessageField("accessMode", accessMode.map { .message($0.fields) } ?? .absent))
            return found
        }

        public enum AccessTypeChoice: Sendable, Hashable {
            case block(CSI.VolumeCapability.BlockVolume)
            case mount(CSI.VolumeCapability.MountVolume)
        }

        public struct BlockVolume: Message {
            public init() {}

            public static var messageName: String { "csi.v1.VolumeCapability.BlockVolume" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] { [] }
        }

        public struct MountVolume: Message {
            public var fsType: String
            public var mountFlags: [String]
            public var volumeMountGroup: String

            public init(
                fsType: String = "",
                mountFlags: [String] = [],
                volumeMountGroup: String = ""
            ) {
                self.fsType = fsType
                self.mountFlags = mountFlags
                self.volumeMountGroup = volumeMountGroup
            }

            public static var messageName: String { "csi.v1.VolumeCapability.MountVolume" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("fsType", .string(fsType)))
                found.append(MessageField("mountFlags", .list(mountFlags.map { .string($0) })))
                found.append(MessageField("volumeMountGroup", .string(volumeMountGroup)))
                return found
            }
        }

        public struct AccessMode: Message {
            public var mode: CSI.VolumeCapability.AccessMode.Mode

            public init(
                mode: CSI.VolumeCapability.AccessMode.Mode = .unknown
            ) {
                self.mode = mode
            }

            public static var messageName: String { "csi.v1.VolumeCapability.AccessMode" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("mode", .name(mode.name)))
                return found
            }

            public enum Mode: MessageEnum {
                case unknown
                case singleNodeWriter
                case singleNodeReaderOnly
                case multiNodeReaderOnly
                case multiNodeSingleWriter
                case multiNodeMultiWriter
                case singleNodeSingleWriter
                case singleNodeMultiWriter
                /// A number that this version of the contract does not name.
                case unrecognized(Int32)

                public static var allCases: [Self] {
                    [
                        .unknown,
                        .singleNodeWriter,
                        .singleNodeReaderOnly,
                        .multiNodeReaderOnly,
                        .multiNodeSingleWriter,
                        .multiNodeMultiWriter,
                        .singleNodeSingleWriter,
                        .singleNodeMultiWriter,
                    ]
                }

                public init(rawValue: Int32) {
                    switch rawValue {
                    case 0: self = .unknown
                    case 1: self = .singleNodeWriter
                    case 2: self = .singleNodeReaderOnly
                    case 3: self = .multiNodeReaderOnly
                    case 4: self = .multiNodeSingleWriter
                    case 5: self = .multiNodeMultiWriter
                    case 6: self = .singleNodeSingleWriter
                    case 7: self = .singleNodeMultiWriter
                    default: self = .unrecognized(rawValue)
                    }
                }

                public var rawValue: Int32 {
                    switch self {
                    case .unknown: 0
                    case .singleNodeWriter: 1
                    case .singleNodeReaderOnly: 2
                    case .multiNodeReaderOnly: 3
                    case .multiNodeSingleWriter: 4
                    case .multiNodeMultiWriter: 5
                    case .singleNodeSingleWriter: 6
                    case .singleNodeMultiWriter: 7
                    case .unrecognized(let number): number
                    }
                }

                public var name: String {
                    switch self {
                    case .unknown: "UNKNOWN"
                    case .singleNodeWriter: "SINGLE_NODE_WRITER"
                    case .singleNodeReaderOnly: "SINGLE_NODE_READER_ONLY"
                    case .multiNodeReaderOnly: "MULTI_NODE_READER_ONLY"
                    case .multiNodeSingleWriter: "MULTI_NODE_SINGLE_WRITER"
                    case .multiNodeMultiWriter: "MULTI_NODE_MULTI_WRITER"
                    case .singleNodeSingleWriter: "SINGLE_NODE_SINGLE_WRITER"
                    case .singleNodeMultiWriter: "SINGLE_NODE_MULTI_WRITER"
                    case .unrecognized(let number): "\(number)"
                    }
                }
            }
        }
    }

    public struct CapacityRange: Message {
        public var requiredBytes: Int64
        public var limitBytes: Int64

        public init(
            requiredBytes: Int64 = 0,
            limitBytes: Int64 = 0
        ) {
            self.requiredBytes = requiredBytes
            self.limitBytes = limitBytes
        }

        public static var messageName: String { "csi.v1.CapacityRange" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("requiredBytes", .integer(Int64(requiredBytes))))
            found.append(MessageField("limitBytes", .integer(Int64(limitBytes))))
            return found
        }
    }

    public struct Volume: Message {
        public var capacityBytes: Int64
        public var volumeID: String
        public var volumeContext: [String: String]
        public var contentSource: CSI.VolumeContentSource?
        public var accessibleTopology: [CSI.Topology]

        public init(
            capacityBytes: Int64 = 0,
            volumeID: String = "",
            volumeContext: [String: String] = [:],
            contentSource: CSI.VolumeContentSource? = nil,
            accessibleTopology: [CSI.Topology] = []
        ) {
            self.capacityBytes = capacityBytes
            self.volumeID = volumeID
            self.volumeContext = volumeContext
            self.contentSource = contentSource
            self.accessibleTopology = accessibleTopology
        }

        public static var messageName: String { "csi.v1.Volume" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("capacityBytes", .integer(Int64(capacityBytes))))
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("volumeContext", .map(volumeContext)))
            found.append(MessageField("contentSource", contentSource.map { .message($0.fields) } ?? .absent))
            found.append(MessageField("accessibleTopology", .list(accessibleTopology.map { .message($0.fields) })))
            return found
        }
    }

    public struct TopologyRequirement: Message {
        public var requisite: [CSI.Topology]
        public var preferred: [CSI.Topology]

        public init(
            requisite: [CSI.Topology] = [],
            preferred: [CSI.Topology] = []
        ) {
            self.requisite = requisite
            self.preferred = preferred
        }

        public static var messageName: String { "csi.v1.TopologyRequirement" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("requisite", .list(requisite.map { .message($0.fields) })))
            found.append(MessageField("preferred", .list(preferred.map { .message($0.fields) })))
            return found
        }
    }

    public struct Topology: Message {
        public var segments: [String: String]

        public init(
            segments: [String: String] = [:]
        ) {
            self.segments = segments
        }

        public static var messageName: String { "csi.v1.Topology" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("segments", .map(segments)))
            return found
        }
    }

    public struct DeleteVolumeRequest: Message {
        public var volumeID: String
        public var secrets: [String: String]

        public init(
            volumeID: String = "",
            secrets: [String: String] = [:]
        ) {
            self.volumeID = volumeID
            self.secrets = secrets
        }

        public static var messageName: String { "csi.v1.DeleteVolumeRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            return found
        }
    }

    public struct DeleteVolumeResponse: Message {
        public init() {}

        public static var messageName: String { "csi.v1.DeleteVolumeResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct ControllerPublishVolumeRequest: Message {
        public var volumeID: String
        public var nodeID: String
        public var volumeCapability: CSI.VolumeCapability?
        public var readonly: Bool
        public var secrets: [String: String]
        public var volumeContext: [String: String]

        public init(
            volumeID: String = "",
            nodeID: String = "",
            volumeCapability: CSI.VolumeCapability? = nil,
            readonly: Bool = false,
            secrets: [String: String] = [:],
            volumeContext: [String: String] = [:]
        ) {
            self.volumeID = volumeID
            self.nodeID = nodeID
            self.volumeCapability = volumeCapability
            self.readonly = readonly
            self.secrets = secrets
            self.volumeContext = volumeContext
        }

        public static var messageName: String { "csi.v1.ControllerPublishVolumeRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("nodeId", .string(nodeID)))
            found.append(MessageField("volumeCapability", volumeCapability.map { .message($0.fields) } ?? .absent))
            found.append(MessageField("readonly", .bool(readonly)))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            found.append(MessageField("volumeContext", .map(volumeContext)))
            return found
        }
    }

    public struct ControllerPublishVolumeResponse: Message {
        public var publishContext: [String: String]

        public init(
            publishContext: [String: String] = [:]
        ) {
            self.publishContext = publishContext
        }

        public static var messageName: String { "csi.v1.ControllerPublishVolumeResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("publishContext", .map(publishContext)))
            return found
        }
    }

    public struct ControllerUnpublishVolumeRequest: Message {
        public var volumeID: String
        public var nodeID: String
        public var secrets: [String: String]

        public init(
            volumeID: String = "",
            nodeID: String = "",
            secrets: [String: String] = [:]
        ) {
            self.volumeID = volumeID
            self.nodeID = nodeID
            self.secrets = secrets
        }

        public static var messageName: String { "csi.v1.ControllerUnpublishVolumeRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("nodeId", .string(nodeID)))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            return found
        }
    }

    public struct ControllerUnpublishVolumeResponse: Message {
        public init() {}

        public static var messageName: String { "csi.v1.ControllerUnpublishVolumeResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct ValidateVolumeCapabilitiesRequest: Message {
        public var volumeID: String
        public var volumeContext: [String: String]
        public var volumeCapabilities: [CSI.VolumeCapability]
        public var parameters: [String: String]
        public var secrets: [String: String]
        public var mutableParameters: [String: String]

        public init(
            volumeID: String = "",
            volumeContext: [String: String] = [:],
            volumeCapabilities: [CSI.VolumeCapability] = [],
            parameters: [String: String] = [:],
            secrets: [String: String] = [:],
            mutableParameters: [String: String] = [:]
        ) {
            self.volumeID = volumeID
            self.volumeContext = volumeContext
            self.volumeCapabilities = volumeCapabilities
            self.parameters = parameters
            self.secrets = secrets
            self.mutableParameters = mutableParameters
        }

        public static var messageName: String { "csi.v1.ValidateVolumeCapabilitiesRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("volumeContext", .map(volumeContext)))
            found.append(MessageField("volumeCapabilities", .list(volumeCapabilities.map { .message($0.fields) })))
            found.append(MessageField("parameters", .map(parameters)))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            found.append(MessageField("mutableParameters", .map(mutableParameters)))
            return found
        }
    }

    public struct ValidateVolumeCapabilitiesResponse: Message {
        public var confirmed: CSI.ValidateVolumeCapabilitiesResponse.Confirmed?
        public var message: String

        public init(
            confirmed: CSI.ValidateVolumeCapabilitiesResponse.Confirmed? = nil,
            message: String = ""
        ) {
            self.confirmed = confirmed
            self.message = message
        }

        public static var messageName: String { "csi.v1.ValidateVolumeCapabilitiesResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("confirmed", confirmed.map { .message($0.fields) } ?? .absent))
            found.append(MessageField("message", .string(message)))
            return found
        }

        public struct Confirmed: Message {
            public var volumeContext: [String: String]
            public var volumeCapabilities: [CSI.VolumeCapability]
            public var parameters: [String: String]
            public var mutableParameters: [String: String]

            public init(
                volumeContext: [String: String] = [:],
                volumeCapabilities: [CSI.VolumeCapability] = [],
                parameters: [String: String] = [:],
                mutableParameters: [String: String] = [:]
            ) {
                self.volumeContext = volumeContext
                self.volumeCapabilities = volumeCapabilities
                self.parameters = parameters
                self.mutableParameters = mutableParameters
            }

            public static var messageName: String { "csi.v1.ValidateVolumeCapabilitiesResponse.Confirmed" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("volumeContext", .map(volumeContext)))
                found.append(MessageField("volumeCapabilities", .list(volumeCapabilities.map { .message($0.fields) })))
                found.append(MessageField("parameters", .map(parameters)))
                found.append(MessageField("mutableParameters", .map(mutableParameters)))
                return found
            }
        }
    }

    public struct ListVolumesRequest: Message {
        public var maxEntries: Int32
        public var startingToken: String

        public init(
            maxEntries: Int32 = 0,
            startingToken: String = ""
        ) {
            self.maxEntries = maxEntries
            self.startingToken = startingToken
        }

        public static var messageName: String { "csi.v1.ListVolumesRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("maxEntries", .integer(Int64(maxEntries))))
            found.append(MessageField("startingToken", .string(startingToken)))
            return found
        }
    }

    public struct ListVolumesResponse: Message {
        public var entries: [CSI.ListVolumesResponse.Entry]
        public var nextToken: String

        public init(
            entries: [CSI.ListVolumesResponse.Entry] = [],
            nextToken: String = ""
        ) {
            self.entries = entries
            self.nextToken = nextToken
        }

        public static var messageName: String { "csi.v1.ListVolumesResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("entries", .list(entries.map { .message($0.fields) })))
            found.append(MessageField("nextToken", .string(nextToken)))
            return found
        }

        public struct VolumeStatus: Message {
            public var publishedNodeIDs: [String]

            public init(
                publishedNodeIDs: [String] = []
            ) {
                self.publishedNodeIDs = publishedNodeIDs
            }

            public static var messageName: String { "csi.v1.ListVolumesResponse.VolumeStatus" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("publishedNodeIds", .list(publishedNodeIDs.map { .string($0) })))
                return found
            }
        }

        public struct Entry: Message {
            public var volume: CSI.Volume?
            public var status: CSI.ListVolumesResponse.VolumeStatus?

            public init(
                volume: CSI.Volume? = nil,
                status: CSI.ListVolumesResponse.VolumeStatus? = nil
            ) {
                self.volume = volume
                self.status = status
            }

            public static var messageName: String { "csi.v1.ListVolumesResponse.Entry" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("volume", volume.map { .message($0.fields) } ?? .absent))
                found.append(MessageField("status", status.map { .message($0.fields) } ?? .absent))
                return found
            }
        }
    }

    public struct ControllerListVolumeHealthRequest: Message {
        public var maxEntries: Int32
        public var startingToken: String
        public var secrets: [String: String]

        public init(
            maxEntries: Int32 = 0,
            startingToken: String = "",
            secrets: [String: String] = [:]
        ) {
            self.maxEntries = maxEntries
            self.startingToken = startingToken
            self.secrets = secrets
        }

        public static var messageName: String { "csi.v1.ControllerListVolumeHealthRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("maxEntries", .integer(Int64(maxEntries))))
            found.append(MessageField("startingToken", .string(startingToken)))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            return found
        }
    }

    public struct ControllerListVolumeHealthResponse: Message {
        public var entries: [CSI.VolumeHealth]
        public var nextToken: String

        public init(
            entries: [CSI.VolumeHealth] = [],
            nextToken: String = ""
        ) {
            self.entries = entries
            self.nextToken = nextToken
        }

        public static var messageName: String { "csi.v1.ControllerListVolumeHealthResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("entries", .list(entries.map { .message($0.fields) })))
            found.append(MessageField("nextToken", .string(nextToken)))
            return found
        }
    }

    public struct VolumeHealth: Message {
        public var volumeID: String
        public var healthStatuses: [CSI.VolumeHealth.VolumeHealthEntry]

        public init(
            volumeID: String = "",
            healthStatuses: [CSI.VolumeHealth.VolumeHealthEntry] = []
        ) {
            self.volumeID = volumeID
            self.healthStatuses = healthStatuses
        }

        public static var messageName: String { "csi.v1.VolumeHealth" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("healthStatuses", .list(healthStatuses.map { .message($0.fields) })))
            return found
        }

        public struct VolumeHealthEntry: Message {
            public var status: CSI.VolumeHealthErrorType
            public var reason: String
            public var message: String

            public init(
                status: CSI.VolumeHealthErrorType = .unknownVolumeHealthType,
                reason: String = "",
                message: String = ""
            ) {
                self.status = status
                self.reason = reason
                self.message = message
            }

            public static var messageName: String { "csi.v1.VolumeHealth.VolumeHealthEntry" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("status", .name(status.name)))
                found.append(MessageField("reason", .string(reason)))
                found.append(MessageField("message", .string(message)))
                return found
            }
        }
    }

    public struct ControllerGetVolumeHealthRequest: Message {
        public var volumeID: String
        public var secrets: [String: String]

        public init(
            volumeID: String = "",
            secrets: [String: String] = [:]
        ) {
            self.volumeID = volumeID
            self.secrets = secrets
        }

        public static var messageName: String { "csi.v1.ControllerGetVolumeHealthRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            return found
        }
    }

    public struct ControllerGetVolumeHealthResponse: Message {
        public var volumeHealth: CSI.VolumeHealth?

        public init(
            volumeHealth: CSI.VolumeHealth? = nil
        ) {
            self.volumeHealth = volumeHealth
        }

        public static var messageName: String { "csi.v1.ControllerGetVolumeHealthResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeHealth", volumeHealth.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    public struct ControllerGetVolumeRequest: Message {
        public var volumeID: String

        public init(
            volumeID: String = ""
        ) {
            self.volumeID = volumeID
        }

        public static var messageName: String { "csi.v1.ControllerGetVolumeRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            return found
        }
    }

    public struct ControllerGetVolumeResponse: Message {
        public var volume: CSI.Volume?
        public var status: CSI.ControllerGetVolumeResponse.VolumeStatus?

        public init(
            volume: CSI.Volume? = nil,
            status: CSI.ControllerGetVolumeResponse.VolumeStatus? = nil
        ) {
            self.volume = volume
            self.status = status
        }

        public static var messageName: String { "csi.v1.ControllerGetVolumeResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volume", volume.map { .message($0.fields) } ?? .absent))
            found.append(MessageField("status", status.map { .message($0.fields) } ?? .absent))
            return found
        }

        public struct VolumeStatus: Message {
            public var publishedNodeIDs: [String]

            public init(
                publishedNodeIDs: [String] = []
            ) {
                self.publishedNodeIDs = publishedNodeIDs
            }

            public static var messageName: String { "csi.v1.ControllerGetVolumeResponse.VolumeStatus" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("publishedNodeIds", .list(publishedNodeIDs.map { .string($0) })))
                return found
            }
        }
    }

    public struct ControllerModifyVolumeRequest: Message {
        public var volumeID: String
        public var secrets: [String: String]
        public var mutableParameters: [String: String]

        public init(
            volumeID: String = "",
            secrets: [String: String] = [:],
            mutableParameters: [String: String] = [:]
        ) {
            self.volumeID = volumeID
            self.secrets = secrets
            self.mutableParameters = mutableParameters
        }

        public static var messageName: String { "csi.v1.ControllerModifyVolumeRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            found.append(MessageField("mutableParameters", .map(mutableParameters)))
            return found
        }
    }

    public struct ControllerModifyVolumeResponse: Message {
        public init() {}

        public static var messageName: String { "csi.v1.ControllerModifyVolumeResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct GetCapacityRequest: Message {
        public var volumeCapabilities: [CSI.VolumeCapability]
        public var parameters: [String: String]
        public var accessibleTopology: CSI.Topology?

        public init(
            volumeCapabilities: [CSI.VolumeCapability] = [],
            parameters: [String: String] = [:],
            accessibleTopology: CSI.Topology? = nil
        ) {
            self.volumeCapabilities = volumeCapabilities
            self.parameters = parameters
            self.accessibleTopology = accessibleTopology
        }

        public static var messageName: String { "csi.v1.GetCapacityRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeCapabilities", .list(volumeCapabilities.map { .message($0.fields) })))
            found.append(MessageField("parameters", .map(parameters)))
            found.append(MessageField("accessibleTopology", accessibleTopology.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    public struct GetCapacityResponse: Message {
        public var availableCapacity: Int64
        public var maximumVolumeSize: Int64?
        public var minimumVolumeSize: Int64?

        public init(
            availableCapacity: Int64 = 0,
            maximumVolumeSize: Int64? = nil,
            minimumVolumeSize: Int64? = nil
        ) {
            self.availableCapacity = availableCapacity
            self.maximumVolumeSize = maximumVolumeSize
            self.minimumVolumeSize = minimumVolumeSize
        }

        public static var messageName: String { "csi.v1.GetCapacityResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("availableCapacity", .integer(Int64(availableCapacity))))
            found.append(MessageField("maximumVolumeSize", maximumVolumeSize.map { .integer($0) } ?? .absent))
            found.append(MessageField("minimumVolumeSize", minimumVolumeSize.map { .integer($0) } ?? .absent))
            return found
        }
    }

    public struct ControllerGetCapabilitiesRequest: Message {
        public init() {}

        public static var messageName: String { "csi.v1.ControllerGetCapabilitiesRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct ControllerGetCapabilitiesResponse: Message {
        public var capabilities: [CSI.ControllerServiceCapability]

        public init(
            capabilities: [CSI.ControllerServiceCapability] = []
        ) {
            self.capabilities = capabilities
        }

        public static var messageName: String { "csi.v1.ControllerGetCapabilitiesResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("capabilities", .list(capabilities.map { .message($0.fields) })))
            return found
        }
    }

    public struct ControllerServiceCapability: Message {
        public var type: TypeChoice?

        public init(
            type: TypeChoice? = nil
        ) {
            self.type = type
        }

        public static var messageName: String { "csi.v1.ControllerServiceCapability" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            if case .rpc(let value) = type {
                found.append(MessageField("rpc", .message(value.fields)))
            }
            return found
        }

        public enum TypeChoice: Sendable, Hashable {
            case rpc(CSI.ControllerServiceCapability.RPC)
        }

        public struct RPC: Message {
            public var type: CSI.ControllerServiceCapability.RPC.Kind

            public init(
                type: CSI.ControllerServiceCapability.RPC.Kind = .unknown
            ) {
                self.type = type
            }

            public static var messageName: String { "csi.v1.ControllerServiceCapability.RPC" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("type", .name(type.name)))
                return found
            }

            public enum Kind: MessageEnum {
                case unknown
                case createDeleteVolume
                case publishUnpublishVolume
                case listVolumes
                case getCapacity
                case createDeleteSnapshot
                case listSnapshots
                case cloneVolume
                case publishReadonly
                case expandVolume
                case listVolumesPublishedNodes
                case getVolume
                case singleNodeMultiWriter
                case modifyVolume
                case getSnapshot
                case getVolumeHealth
                case listVolumeHealth
                /// A number that this version of the contract does not name.
                case unrecognized(Int32)

                public static var allCases: [Self] {
                    [
                        .unknown,
                        .createDeleteVolume,
                        .publishUnpublishVolume,
                        .listVolumes,
                        .getCapacity,
                        .createDeleteSnapshot,
                        .listSnapshots,
                        .cloneVolume,
                        .publishReadonly,
                        .expandVolume,
                        .listVolumesPublishedNodes,
                        .getVolume,
                        .singleNodeMultiWriter,
                        .modifyVolume,
                        .getSnapshot,
                        .getVolumeHealth,
                        .listVolumeHealth,
                    ]
                }

                public init(rawValue: Int32) {
                    switch rawValue {
                    case 0: self = .unknown
                    case 1: self = .createDeleteVolume
                    case 2: self = .publishUnpublishVolume
                    case 3: self = .listVolumes
                    case 4: self = .getCapacity
                    case 5: self = .createDeleteSnapshot
                    case 6: self = .listSnapshots
                    case 7: self = .cloneVolume
                    case 8: self = .publishReadonly
                    case 9: self = .expandVolume
                    case 10: self = .listVolumesPublishedNodes
                    case 12: self = .getVolume
                    case 13: self = .singleNodeMultiWriter
                    case 14: self = .modifyVolume
                    case 15: self = .getSnapshot
                    case 16: self = .getVolumeHealth
                    case 17: self = .listVolumeHealth
                    default: self = .unrecognized(rawValue)
                    }
                }

                public var rawValue: Int32 {
                    switch self {
                    case .unknown: 0
                    case .createDeleteVolume: 1
                    case .publishUnpublishVolume: 2
                    case .listVolumes: 3
                    case .getCapacity: 4
                    case .createDeleteSnapshot: 5
                    case .listSnapshots: 6
                    case .cloneVolume: 7
                    case .publishReadonly: 8
                    case .expandVolume: 9
                    case .listVolumesPublishedNodes: 10
                    case .getVolume: 12
                    case .singleNodeMultiWriter: 13
                    case .modifyVolume: 14
                    case .getSnapshot: 15
                    case .getVolumeHealth: 16
                    case .listVolumeHealth: 17
                    case .unrecognized(let number): number
                    }
                }

                public var name: String {
                    switch self {
                    case .unknown: "UNKNOWN"
                    case .createDeleteVolume: "CREATE_DELETE_VOLUME"
                    case .publishUnpublishVolume: "PUBLISH_UNPUBLISH_VOLUME"
                    case .listVolumes: "LIST_VOLUMES"
                    case .getCapacity: "GET_CAPACITY"
                    case .createDeleteSnapshot: "CREATE_DELETE_SNAPSHOT"
                    case .listSnapshots: "LIST_SNAPSHOTS"
                    case .cloneVolume: "CLONE_VOLUME"
                    case .publishReadonly: "PUBLISH_READONLY"
                    case .expandVolume: "EXPAND_VOLUME"
                    case .listVolumesPublishedNodes: "LIST_VOLUMES_PUBLISHED_NODES"
                    case .getVolume: "GET_VOLUME"
                    case .singleNodeMultiWriter: "SINGLE_NODE_MULTI_WRITER"
                    case .modifyVolume: "MODIFY_VOLUME"
                    case .getSnapshot: "GET_SNAPSHOT"
                    case .getVolumeHealth: "GET_VOLUME_HEALTH"
                    case .listVolumeHealth: "LIST_VOLUME_HEALTH"
                    case .unrecognized(let number): "\(number)"
                    }
                }
            }
        }
    }

    public struct CreateSnapshotRequest: Message {
        public var sourceVolumeID: String
        public var name: String
        public var secrets: [String: String]
        public var parameters: [String: String]
        public var accessibilityRequirements: CSI.TopologyRequirement?

        public init(
            sourceVolumeID: String = "",
            name: String = "",
            secrets: [String: String] = [:],
            parameters: [String: String] = [:],
            accessibilityRequirements: CSI.TopologyRequirement? = nil
        ) {
            self.sourceVolumeID = sourceVolumeID
            self.name = name
            self.secrets = secrets
            self.parameters = parameters
            self.accessibilityRequirements = accessibilityRequirements
        }

        public static var messageName: String { "csi.v1.CreateSnapshotRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("sourceVolumeId", .string(sourceVolumeID)))
            found.append(MessageField("name", .string(name)))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            found.append(MessageField("parameters", .map(parameters)))
            found.append(MessageField("accessibilityRequirements", accessibilityRequirements.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    public struct CreateSnapshotResponse: Message {
        public var snapshot: CSI.Snapshot?

        public init(
            snapshot: CSI.Snapshot? = nil
        ) {
            self.snapshot = snapshot
        }

        public static var messageName: String { "csi.v1.CreateSnapshotResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("snapshot", snapshot.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    public struct Snapshot: Message {
        public var sizeBytes: Int64
        public var snapshotID: String
        public var sourceVolumeID: String
        public var creationTime: Timestamp?
        public var readyToUse: Bool
        public var groupSnapshotID: String
        public var accessibleTopology: [CSI.Topology]

        public init(
            sizeBytes: Int64 = 0,
            snapshotID: String = "",
            sourceVolumeID: String = "",
            creationTime: Timestamp? = nil,
            readyToUse: Bool = false,
            groupSnapshotID: String = "",
            accessibleTopology: [CSI.Topology] = []
        ) {
            self.sizeBytes = sizeBytes
            self.snapshotID = snapshotID
            self.sourceVolumeID = sourceVolumeID
            self.creationTime = creationTime
            self.readyToUse = readyToUse
            self.groupSnapshotID = groupSnapshotID
            self.accessibleTopology = accessibleTopology
        }

        public static var messageName: String { "csi.v1.Snapshot" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("sizeBytes", .integer(Int64(sizeBytes))))
            found.append(MessageField("snapshotId", .string(snapshotID)))
            found.append(MessageField("sourceVolumeId", .string(sourceVolumeID)))
            found.append(MessageField("creationTime", creationTime.map { .string($0.description) } ?? .absent))
            found.append(MessageField("readyToUse", .bool(readyToUse)))
            found.append(MessageField("groupSnapshotId", .string(groupSnapshotID)))
            found.append(MessageField("accessibleTopology", .list(accessibleTopology.map { .message($0.fields) })))
            return found
        }
    }

    public struct DeleteSnapshotRequest: Message {
        public var snapshotID: String
        public var secrets: [String: String]

        public init(
            snapshotID: String = "",
            secrets: [String: String] = [:]
        ) {
            self.snapshotID = snapshotID
            self.secrets = secrets
        }

        public static var messageName: String { "csi.v1.DeleteSnapshotRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("snapshotId", .string(snapshotID)))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            return found
        }
    }

    public struct DeleteSnapshotResponse: Message {
        public init() {}

        public static var messageName: String { "csi.v1.DeleteSnapshotResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct ListSnapshotsRequest: Message {
        public var maxEntries: Int32
        public var startingToken: String
        public var sourceVolumeID: String
        public var snapshotID: String
        public var secrets: [String: String]

        public init(
            maxEntries: Int32 = 0,
            startingToken: String = "",
            sourceVolumeID: String = "",
            snapshotID: String = "",
            secrets: [String: String] = [:]
        ) {
            self.maxEntries = maxEntries
            self.startingToken = startingToken
            self.sourceVolumeID = sourceVolumeID
            self.snapshotID = snapshotID
            self.secrets = secrets
        }

        public static var messageName: String { "csi.v1.ListSnapshotsRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("maxEntries", .integer(Int64(maxEntries))))
            found.append(MessageField("startingToken", .string(startingToken)))
            found.append(MessageField("sourceVolumeId", .string(sourceVolumeID)))
            found.append(MessageField("snapshotId", .string(snapshotID)))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            return found
        }
    }

    public struct ListSnapshotsResponse: Message {
        public var entries: [CSI.ListSnapshotsResponse.Entry]
        public var nextToken: String

        public init(
            entries: [CSI.ListSnapshotsResponse.Entry] = [],
            nextToken: String = ""
        ) {
            self.entries = entries
            self.nextToken = nextToken
        }

        public static var messageName: String { "csi.v1.ListSnapshotsResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("entries", .list(entries.map { .message($0.fields) })))
            found.append(MessageField("nextToken", .string(nextToken)))
            return found
        }

        public struct Entry: Message {
            public var snapshot: CSI.Snapshot?

            public init(
                snapshot: CSI.Snapshot? = nil
            ) {
                self.snapshot = snapshot
            }

            public static var messageName: String { "csi.v1.ListSnapshotsResponse.Entry" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("snapshot", snapshot.map { .message($0.fields) } ?? .absent))
                return found
            }
        }
    }

    public struct GetSnapshotRequest: Message {
        public var snapshotID: String
        public var secrets: [String: String]

        public init(
            snapshotID: String = "",
            secrets: [String: String] = [:]
        ) {
            self.snapshotID = snapshotID
            self.secrets = secrets
        }

        public static var messageName: String { "csi.v1.GetSnapshotRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("snapshotId", .string(snapshotID)))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            return found
        }
    }

    public struct GetSnapshotResponse: Message {
        public var snapshot: CSI.Snapshot?

        public init(
            snapshot: CSI.Snapshot? = nil
        ) {
            self.snapshot = snapshot
        }

        public static var messageName: String { "csi.v1.GetSnapshotResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("snapshot", snapshot.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    public struct ControllerExpandVolumeRequest: Message {
        public var volumeID: String
        public var capacityRange: CSI.CapacityRange?
        public var secrets: [String: String]
        public var volumeCapability: CSI.VolumeCapability?

        public init(
            volumeID: String = "",
            capacityRange: CSI.CapacityRange? = nil,
            secrets: [String: String] = [:],
            volumeCapability: CSI.VolumeCapability? = nil
        ) {
            self.volumeID = volumeID
            self.capacityRange = capacityRange
            self.secrets = secrets
            self.volumeCapability = volumeCapability
        }

        public static var messageName: String { "csi.v1.ControllerExpandVolumeRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("capacityRange", capacityRange.map { .message($0.fields) } ?? .absent))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            found.append(MessageField("volumeCapability", volumeCapability.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    public struct ControllerExpandVolumeResponse: Message {
        public var capacityBytes: Int64
        public var nodeExpansionRequired: Bool

        public init(
            capacityBytes: Int64 = 0,
            nodeExpansionRequired: Bool = false
        ) {
            self.capacityBytes = capacityBytes
            self.nodeExpansionRequired = nodeExpansionRequired
        }

        public static var messageName: String { "csi.v1.ControllerExpandVolumeResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("capacityBytes", .integer(Int64(capacityBytes))))
            found.append(MessageField("nodeExpansionRequired", .bool(nodeExpansionRequired)))
            return found
        }
    }

    public struct NodeStageVolumeRequest: Message {
        public var volumeID: String
        public var publishContext: [String: String]
        public var stagingTargetPath: String
        public var volumeCapability: CSI.VolumeCapability?
        public var secrets: [String: String]
        public var volumeContext: [String: String]

        public init(
            volumeID: String = "",
            publishContext: [String: String] = [:],
            stagingTargetPath: String = "",
            volumeCapability: CSI.VolumeCapability? = nil,
            secrets: [String: String] = [:],
            volumeContext: [String: String] = [:]
        ) {
            self.volumeID = volumeID
            self.publishContext = publishContext
            self.stagingTargetPath = stagingTargetPath
            self.volumeCapability = volumeCapability
            self.secrets = secrets
            self.volumeContext = volumeContext
        }

        public static var messageName: String { "csi.v1.NodeStageVolumeRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("publishContext", .map(publishContext)))
            found.append(MessageField("stagingTargetPath", .string(stagingTargetPath)))
            found.append(MessageField("volumeCapability", volumeCapability.map { .message($0.fields) } ?? .absent))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            found.append(MessageField("volumeContext", .map(volumeContext)))
            return found
        }
    }

    public struct NodeStageVolumeResponse: Message {
        public init() {}

        public static var messageName: String { "csi.v1.NodeStageVolumeResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct NodeUnstageVolumeRequest: Message {
        public var volumeID: String
        public var stagingTargetPath: String

        public init(
            volumeID: String = "",
            stagingTargetPath: String = ""
        ) {
            self.volumeID = volumeID
            self.stagingTargetPath = stagingTargetPath
        }

        public static var messageName: String { "csi.v1.NodeUnstageVolumeRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("stagingTargetPath", .string(stagingTargetPath)))
            return found
        }
    }

    public struct NodeUnstageVolumeResponse: Message {
        public init() {}

        public static var messageName: String { "csi.v1.NodeUnstageVolumeResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct NodePublishVolumeRequest: Message {
        public var volumeID: String
        public var publishContext: [String: String]
        public var stagingTargetPath: String
        public var targetPath: String
        public var volumeCapability: CSI.VolumeCapability?
        public var readonly: Bool
        public var secrets: [String: String]
        public var volumeContext: [String: String]

        public init(
            volumeID: String = "",
            publishContext: [String: String] = [:],
            stagingTargetPath: String = "",
            targetPath: String = "",
            volumeCapability: CSI.VolumeCapability? = nil,
            readonly: Bool = false,
            secrets: [String: String] = [:],
            volumeContext: [String: String] = [:]
        ) {
            self.volumeID = volumeID
            self.publishContext = publishContext
            self.stagingTargetPath = stagingTargetPath
            self.targetPath = targetPath
            self.volumeCapability = volumeCapability
            self.readonly = readonly
            self.secrets = secrets
            self.volumeContext = volumeContext
        }

        public static var messageName: String { "csi.v1.NodePublishVolumeRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("publishContext", .map(publishContext)))
            found.append(MessageField("stagingTargetPath", .string(stagingTargetPath)))
            found.append(MessageField("targetPath", .string(targetPath)))
            found.append(MessageField("volumeCapability", volumeCapability.map { .message($0.fields) } ?? .absent))
            found.append(MessageField("readonly", .bool(readonly)))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            found.append(MessageField("volumeContext", .map(volumeContext)))
            return found
        }
    }

    public struct NodePublishVolumeResponse: Message {
        public init() {}

        public static var messageName: String { "csi.v1.NodePublishVolumeResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct NodeUnpublishVolumeRequest: Message {
        public var volumeID: String
        public var targetPath: String

        public init(
            volumeID: String = "",
            targetPath: String = ""
        ) {
            self.volumeID = volumeID
            self.targetPath = targetPath
        }

        public static var messageName: String { "csi.v1.NodeUnpublishVolumeRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("targetPath", .string(targetPath)))
            return found
        }
    }

    public struct NodeUnpublishVolumeResponse: Message {
        public init() {}

        public static var messageName: String { "csi.v1.NodeUnpublishVolumeResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct NodeGetVolumeStatsRequest: Message {
        public var volumeID: String
        public var volumePath: String
        public var stagingTargetPath: String

        public init(
            volumeID: String = "",
            volumePath: String = "",
            stagingTargetPath: String = ""
        ) {
            self.volumeID = volumeID
            self.volumePath = volumePath
            self.stagingTargetPath = stagingTargetPath
        }

        public static var messageName: String { "csi.v1.NodeGetVolumeStatsRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("volumePath", .string(volumePath)))
            found.append(MessageField("stagingTargetPath", .string(stagingTargetPath)))
            return found
        }
    }

    public struct NodeGetVolumeStatsResponse: Message {
        public var usage: [CSI.VolumeUsage]

        public init(
            usage: [CSI.VolumeUsage] = []
        ) {
            self.usage = usage
        }

        public static var messageName: String { "csi.v1.NodeGetVolumeStatsResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("usage", .list(usage.map { .message($0.fields) })))
            return found
        }
    }

    public struct VolumeUsage: Message {
        public var available: Int64
        public var total: Int64
        public var used: Int64
        public var unit: CSI.VolumeUsage.Unit

        public init(
            available: Int64 = 0,
            total: Int64 = 0,
            used: Int64 = 0,
            unit: CSI.VolumeUsage.Unit = .unknown
        ) {
            self.available = available
            self.total = total
            self.used = used
            self.unit = unit
        }

        public static var messageName: String { "csi.v1.VolumeUsage" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("available", .integer(Int64(available))))
            found.append(MessageField("total", .integer(Int64(total))))
            found.append(MessageField("used", .integer(Int64(used))))
            found.append(MessageField("unit", .name(unit.name)))
            return found
        }

        public enum Unit: MessageEnum {
            case unknown
            case bytes
            case inodes
            /// A number that this version of the contract does not name.
            case unrecognized(Int32)

            public static var allCases: [Self] {
                [
                    .unknown,
                    .bytes,
                    .inodes,
                ]
            }

            public init(rawValue: Int32) {
                switch rawValue {
                case 0: self = .unknown
                case 1: self = .bytes
                case 2: self = .inodes
                default: self = .unrecognized(rawValue)
                }
            }

            public var rawValue: Int32 {
                switch self {
                case .unknown: 0
                case .bytes: 1
                case .inodes: 2
                case .unrecognized(let number): number
                }
            }

            public var name: String {
                switch self {
                case .unknown: "UNKNOWN"
                case .bytes: "BYTES"
                case .inodes: "INODES"
                case .unrecognized(let number): "\(number)"
                }
            }
        }
    }

    public struct NodeGetVolumeHealthRequest: Message {
        public var volumeID: String
        public var volumePublishPath: String
        public var stagingTargetPath: String

        public init(
            volumeID: String = "",
            volumePublishPath: String = "",
            stagingTargetPath: String = ""
        ) {
            self.volumeID = volumeID
            self.volumePublishPath = volumePublishPath
            self.stagingTargetPath = stagingTargetPath
        }

        public static var messageName: String { "csi.v1.NodeGetVolumeHealthRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("volumePublishPath", .string(volumePublishPath)))
            found.append(MessageField("stagingTargetPath", .string(stagingTargetPath)))
            return found
        }
    }

    public struct NodeGetVolumeHealthResponse: Message {
        public var volumeHealth: CSI.VolumeHealth?

        public init(
            volumeHealth: CSI.VolumeHealth? = nil
        ) {
            self.volumeHealth = volumeHealth
        }

        public static var messageName: String { "csi.v1.NodeGetVolumeHealthResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeHealth", volumeHealth.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    public struct NodeGetStorageHealthRequest: Message {
        public var secrets: [String: String]

        public init(
            secrets: [String: String] = [:]
        ) {
            self.secrets = secrets
        }

        public static var messageName: String { "csi.v1.NodeGetStorageHealthRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            return found
        }
    }

    public struct NodeGetStorageHealthResponse: Message {
        public var backendHealth: [CSI.NodeGetStorageHealthResponse.StorageBackendHealth]

        public init(
            backendHealth: [CSI.NodeGetStorageHealthResponse.StorageBackendHealth] = []
        ) {
            self.backendHealth = backendHealth
        }

        public static var messageName: String { "csi.v1.NodeGetStorageHealthResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("backendHealth", .list(backendHealth.map { .message($0.fields) })))
            return found
        }

        public struct StorageBackendHealth: Message {
            public var status: CSI.StorageHealthErrorType
            public var reason: String
            public var message: String
            public var volumeCapability: CSI.VolumeCapability?

            public init(
                status: CSI.StorageHealthErrorType = .unknownStorageHealthErrorType,
                reason: String = "",
                message: String = "",
                volumeCapability: CSI.VolumeCapability? = nil
            ) {
                self.status = status
                self.reason = reason
                self.message = message
                self.volumeCapability = volumeCapability
            }

            public static var messageName: String { "csi.v1.NodeGetStorageHealthResponse.StorageBackendHealth" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("status", .name(status.name)))
                found.append(MessageField("reason", .string(reason)))
                found.append(MessageField("message", .string(message)))
                found.append(MessageField("volumeCapability", volumeCapability.map { .message($0.fields) } ?? .absent))
                return found
            }
        }
    }

    public struct NodeGetCapabilitiesRequest: Message {
        public init() {}

        public static var messageName: String { "csi.v1.NodeGetCapabilitiesRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct NodeGetCapabilitiesResponse: Message {
        public var capabilities: [CSI.NodeServiceCapability]

        public init(
            capabilities: [CSI.NodeServiceCapability] = []
        ) {
            self.capabilities = capabilities
        }

        public static var messageName: String { "csi.v1.NodeGetCapabilitiesResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("capabilities", .list(capabilities.map { .message($0.fields) })))
            return found
        }
    }

    public struct NodeServiceCapability: Message {
        public var type: TypeChoice?

        public init(
            type: TypeChoice? = nil
        ) {
            self.type = type
        }

        public static var messageName: String { "csi.v1.NodeServiceCapability" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            if case .rpc(let value) = type {
                found.append(MessageField("rpc", .message(value.fields)))
            }
            return found
        }

        public enum TypeChoice: Sendable, Hashable {
            case rpc(CSI.NodeServiceCapability.RPC)
        }

        public struct RPC: Message {
            public var type: CSI.NodeServiceCapability.RPC.Kind

            public init(
                type: CSI.NodeServiceCapability.RPC.Kind = .unknown
            ) {
                self.type = type
            }

            public static var messageName: String { "csi.v1.NodeServiceCapability.RPC" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("type", .name(type.name)))
                return found
            }

            public enum Kind: MessageEnum {
                case unknown
                case stageUnstageVolume
                case getVolumeStats
                case expandVolume
                case singleNodeMultiWriter
                case volumeMountGroup
                case getVolumeHealth
                case getStorageHealth
                /// A number that this version of the contract does not name.
                case unrecognized(Int32)

                public static var allCases: [Self] {
                    [
                        .unknown,
                        .stageUnstageVolume,
                        .getVolumeStats,
                        .expandVolume,
                        .singleNodeMultiWriter,
                        .volumeMountGroup,
                        .getVolumeHealth,
                        .getStorageHealth,
                    ]
                }

                public init(rawValue: Int32) {
                    switch rawValue {
                    case 0: self = .unknown
                    case 1: self = .stageUnstageVolume
                    case 2: self = .getVolumeStats
                    case 3: self = .expandVolume
                    case 5: self = .singleNodeMultiWriter
                    case 6: self = .volumeMountGroup
                    case 7: self = .getVolumeHealth
                    case 8: self = .getStorageHealth
                    default: self = .unrecognized(rawValue)
                    }
                }

                public var rawValue: Int32 {
                    switch self {
                    case .unknown: 0
                    case .stageUnstageVolume: 1
                    case .getVolumeStats: 2
                    case .expandVolume: 3
                    case .singleNodeMultiWriter: 5
                    case .volumeMountGroup: 6
                    case .getVolumeHealth: 7
                    case .getStorageHealth: 8
                    case .unrecognized(let number): number
                    }
                }

                public var name: String {
                    switch self {
                    case .unknown: "UNKNOWN"
                    case .stageUnstageVolume: "STAGE_UNSTAGE_VOLUME"
                    case .getVolumeStats: "GET_VOLUME_STATS"
                    case .expandVolume: "EXPAND_VOLUME"
                    case .singleNodeMultiWriter: "SINGLE_NODE_MULTI_WRITER"
                    case .volumeMountGroup: "VOLUME_MOUNT_GROUP"
                    case .getVolumeHealth: "GET_VOLUME_HEALTH"
                    case .getStorageHealth: "GET_STORAGE_HEALTH"
                    case .unrecognized(let number): "\(number)"
                    }
                }
            }
        }
    }

    public struct NodeGetInfoRequest: Message {
        public init() {}

        public static var messageName: String { "csi.v1.NodeGetInfoRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct NodeGetInfoResponse: Message {
        public var nodeID: String
        public var maxVolumesPerNode: Int64
        public var accessibleTopology: CSI.Topology?

        public init(
            nodeID: String = "",
            maxVolumesPerNode: Int64 = 0,
            accessibleTopology: CSI.Topology? = nil
        ) {
            self.nodeID = nodeID
            self.maxVolumesPerNode = maxVolumesPerNode
            self.accessibleTopology = accessibleTopology
        }

        public static var messageName: String { "csi.v1.NodeGetInfoResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("nodeId", .string(nodeID)))
            found.append(MessageField("maxVolumesPerNode", .integer(Int64(maxVolumesPerNode))))
            found.append(MessageField("accessibleTopology", accessibleTopology.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    public struct NodeExpandVolumeRequest: Message {
        public var volumeID: String
        public var volumePath: String
        public var capacityRange: CSI.CapacityRange?
        public var stagingTargetPath: String
        public var volumeCapability: CSI.VolumeCapability?
        public var secrets: [String: String]

        public init(
            volumeID: String = "",
            volumePath: String = "",
            capacityRange: CSI.CapacityRange? = nil,
            stagingTargetPath: String = "",
            volumeCapability: CSI.VolumeCapability? = nil,
            secrets: [String: String] = [:]
        ) {
            self.volumeID = volumeID
            self.volumePath = volumePath
            self.capacityRange = capacityRange
            self.stagingTargetPath = stagingTargetPath
            self.volumeCapability = volumeCapability
            self.secrets = secrets
        }

        public static var messageName: String { "csi.v1.NodeExpandVolumeRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("volumePath", .string(volumePath)))
            found.append(MessageField("capacityRange", capacityRange.map { .message($0.fields) } ?? .absent))
            found.append(MessageField("stagingTargetPath", .string(stagingTargetPath)))
            found.append(MessageField("volumeCapability", volumeCapability.map { .message($0.fields) } ?? .absent))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            return found
        }
    }

    public struct NodeExpandVolumeResponse: Message {
        public var capacityBytes: Int64

        public init(
            capacityBytes: Int64 = 0
        ) {
            self.capacityBytes = capacityBytes
        }

        public static var messageName: String { "csi.v1.NodeExpandVolumeResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("capacityBytes", .integer(Int64(capacityBytes))))
            return found
        }
    }

    public struct GroupControllerGetCapabilitiesRequest: Message {
        public init() {}

        public static var messageName: String { "csi.v1.GroupControllerGetCapabilitiesRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct GroupControllerGetCapabilitiesResponse: Message {
        public var capabilities: [CSI.GroupControllerServiceCapability]

        public init(
            capabilities: [CSI.GroupControllerServiceCapability] = []
        ) {
            self.capabilities = capabilities
        }

        public static var messageName: String { "csi.v1.GroupControllerGetCapabilitiesResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("capabilities", .list(capabilities.map { .message($0.fields) })))
            return found
        }
    }

    public struct GroupControllerServiceCapability: Message {
        public var type: TypeChoice?

        public init(
            type: TypeChoice? = nil
        ) {
            self.type = type
        }

        public static var messageName: String { "csi.v1.GroupControllerServiceCapability" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            if case .rpc(let value) = type {
                found.append(MessageField("rpc", .message(value.fields)))
            }
            return found
        }

        public enum TypeChoice: Sendable, Hashable {
            case rpc(CSI.GroupControllerServiceCapability.RPC)
        }

        public struct RPC: Message {
            public var type: CSI.GroupControllerServiceCapability.RPC.Kind

            public init(
                type: CSI.GroupControllerServiceCapability.RPC.Kind = .unknown
            ) {
                self.type = type
            }

            public static var messageName: String { "csi.v1.GroupControllerServiceCapability.RPC" }

            public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            public func encoded() -> [UInt8] { encode(self) }

            public var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("type", .name(type.name)))
                return found
            }

            public enum Kind: MessageEnum {
                case unknown
                case createDeleteGetVolumeGroupSnapshot
                /// A number that this version of the contract does not name.
                case unrecognized(Int32)

                public static var allCases: [Self] {
                    [
                        .unknown,
                        .createDeleteGetVolumeGroupSnapshot,
                    ]
                }

                public init(rawValue: Int32) {
                    switch rawValue {
                    case 0: self = .unknown
                    case 1: self = .createDeleteGetVolumeGroupSnapshot
                    default: self = .unrecognized(rawValue)
                    }
                }

                public var rawValue: Int32 {
                    switch self {
                    case .unknown: 0
                    case .createDeleteGetVolumeGroupSnapshot: 1
                    case .unrecognized(let number): number
                    }
                }

                public var name: String {
                    switch self {
                    case .unknown: "UNKNOWN"
                    case .createDeleteGetVolumeGroupSnapshot: "CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT"
                    case .unrecognized(let number): "\(number)"
                    }
                }
            }
        }
    }

    public struct CreateVolumeGroupSnapshotRequest: Message {
        public var name: String
        public var sourceVolumeIDs: [String]
        public var secrets: [String: String]
        public var parameters: [String: String]

        public init(
            name: String = "",
            sourceVolumeIDs: [String] = [],
            secrets: [String: String] = [:],
            parameters: [String: String] = [:]
        ) {
            self.name = name
            self.sourceVolumeIDs = sourceVolumeIDs
            self.secrets = secrets
            self.parameters = parameters
        }

        public static var messageName: String { "csi.v1.CreateVolumeGroupSnapshotRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("name", .string(name)))
            found.append(MessageField("sourceVolumeIds", .list(sourceVolumeIDs.map { .string($0) })))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            found.append(MessageField("parameters", .map(parameters)))
            return found
        }
    }

    public struct CreateVolumeGroupSnapshotResponse: Message {
        public var groupSnapshot: CSI.VolumeGroupSnapshot?

        public init(
            groupSnapshot: CSI.VolumeGroupSnapshot? = nil
        ) {
            self.groupSnapshot = groupSnapshot
        }

        public static var messageName: String { "csi.v1.CreateVolumeGroupSnapshotResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("groupSnapshot", groupSnapshot.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    public struct VolumeGroupSnapshot: Message {
        public var groupSnapshotID: String
        public var snapshots: [CSI.Snapshot]
        public var creationTime: Timestamp?
        public var readyToUse: Bool

        public init(
            groupSnapshotID: String = "",
            snapshots: [CSI.Snapshot] = [],
            creationTime: Timestamp? = nil,
            readyToUse: Bool = false
        ) {
            self.groupSnapshotID = groupSnapshotID
            self.snapshots = snapshots
            self.creationTime = creationTime
            self.readyToUse = readyToUse
        }

        public static var messageName: String { "csi.v1.VolumeGroupSnapshot" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("groupSnapshotId", .string(groupSnapshotID)))
            found.append(MessageField("snapshots", .list(snapshots.map { .message($0.fields) })))
            found.append(MessageField("creationTime", creationTime.map { .string($0.description) } ?? .absent))
            found.append(MessageField("readyToUse", .bool(readyToUse)))
            return found
        }
    }

    public struct DeleteVolumeGroupSnapshotRequest: Message {
        public var groupSnapshotID: String
        public var snapshotIDs: [String]
        public var secrets: [String: String]

        public init(
            groupSnapshotID: String = "",
            snapshotIDs: [String] = [],
            secrets: [String: String] = [:]
        ) {
            self.groupSnapshotID = groupSnapshotID
            self.snapshotIDs = snapshotIDs
            self.secrets = secrets
        }

        public static var messageName: String { "csi.v1.DeleteVolumeGroupSnapshotRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("groupSnapshotId", .string(groupSnapshotID)))
            found.append(MessageField("snapshotIds", .list(snapshotIDs.map { .string($0) })))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            return found
        }
    }

    public struct DeleteVolumeGroupSnapshotResponse: Message {
        public init() {}

        public static var messageName: String { "csi.v1.DeleteVolumeGroupSnapshotResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] { [] }
    }

    public struct GetVolumeGroupSnapshotRequest: Message {
        public var groupSnapshotID: String
        public var snapshotIDs: [String]
        public var secrets: [String: String]

        public init(
            groupSnapshotID: String = "",
            snapshotIDs: [String] = [],
            secrets: [String: String] = [:]
        ) {
            self.groupSnapshotID = groupSnapshotID
            self.snapshotIDs = snapshotIDs
            self.secrets = secrets
        }

        public static var messageName: String { "csi.v1.GetVolumeGroupSnapshotRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("groupSnapshotId", .string(groupSnapshotID)))
            found.append(MessageField("snapshotIds", .list(snapshotIDs.map { .string($0) })))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            return found
        }
    }

    public struct GetVolumeGroupSnapshotResponse: Message {
        public var groupSnapshot: CSI.VolumeGroupSnapshot?

        public init(
            groupSnapshot: CSI.VolumeGroupSnapshot? = nil
        ) {
            self.groupSnapshot = groupSnapshot
        }

        public static var messageName: String { "csi.v1.GetVolumeGroupSnapshotResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("groupSnapshot", groupSnapshot.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    public struct BlockMetadata: Message {
        public var byteOffset: Int64
        public var sizeBytes: Int64

        public init(
            byteOffset: Int64 = 0,
            sizeBytes: Int64 = 0
        ) {
            self.byteOffset = byteOffset
            self.sizeBytes = sizeBytes
        }

        public static var messageName: String { "csi.v1.BlockMetadata" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("byteOffset", .integer(Int64(byteOffset))))
            found.append(MessageField("sizeBytes", .integer(Int64(sizeBytes))))
            return found
        }
    }

    public struct GetMetadataAllocatedRequest: Message {
        public var snapshotID: String
        public var startingOffset: Int64
        public var maxResults: Int32
        public var secrets: [String: String]

        public init(
            snapshotID: String = "",
            startingOffset: Int64 = 0,
            maxResults: Int32 = 0,
            secrets: [String: String] = [:]
        ) {
            self.snapshotID = snapshotID
            self.startingOffset = startingOffset
            self.maxResults = maxResults
            self.secrets = secrets
        }

        public static var messageName: String { "csi.v1.GetMetadataAllocatedRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("snapshotId", .string(snapshotID)))
            found.append(MessageField("startingOffset", .integer(Int64(startingOffset))))
            found.append(MessageField("maxResults", .integer(Int64(maxResults))))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            return found
        }
    }

    public struct GetMetadataAllocatedResponse: Message {
        public var blockMetadataType: CSI.BlockMetadataType
        public var volumeCapacityBytes: Int64
        public var blockMetadata: [CSI.BlockMetadata]

        public init(
            blockMetadataType: CSI.BlockMetadataType = .unknown,
            volumeCapacityBytes: Int64 = 0,
            blockMetadata: [CSI.BlockMetadata] = []
        ) {
            self.blockMetadataType = blockMetadataType
            self.volumeCapacityBytes = volumeCapacityBytes
            self.blockMetadata = blockMetadata
        }

        public static var messageName: String { "csi.v1.GetMetadataAllocatedResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("blockMetadataType", .name(blockMetadataType.name)))
            found.append(MessageField("volumeCapacityBytes", .integer(Int64(volumeCapacityBytes))))
            found.append(MessageField("blockMetadata", .list(blockMetadata.map { .message($0.fields) })))
            return found
        }
    }

    public struct GetMetadataDeltaRequest: Message {
        public var baseSnapshotID: String
        public var targetSnapshotID: String
        public var startingOffset: Int64
        public var maxResults: Int32
        public var secrets: [String: String]

        public init(
            baseSnapshotID: String = "",
            targetSnapshotID: String = "",
            startingOffset: Int64 = 0,
            maxResults: Int32 = 0,
            secrets: [String: String] = [:]
        ) {
            self.baseSnapshotID = baseSnapshotID
            self.targetSnapshotID = targetSnapshotID
            self.startingOffset = startingOffset
            self.maxResults = maxResults
            self.secrets = secrets
        }

        public static var messageName: String { "csi.v1.GetMetadataDeltaRequest" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("baseSnapshotId", .string(baseSnapshotID)))
            found.append(MessageField("targetSnapshotId", .string(targetSnapshotID)))
            found.append(MessageField("startingOffset", .integer(Int64(startingOffset))))
            found.append(MessageField("maxResults", .integer(Int64(maxResults))))
            found.append(MessageField("secrets", .secret(count: secrets.count)))
            return found
        }
    }

    public struct GetMetadataDeltaResponse: Message {
        public var blockMetadataType: CSI.BlockMetadataType
        public var volumeCapacityBytes: Int64
        public var blockMetadata: [CSI.BlockMetadata]

        public init(
            blockMetadataType: CSI.BlockMetadataType = .unknown,
            volumeCapacityBytes: Int64 = 0,
            blockMetadata: [CSI.BlockMetadata] = []
        ) {
            self.blockMetadataType = blockMetadataType
            self.volumeCapacityBytes = volumeCapacityBytes
            self.blockMetadata = blockMetadata
        }

        public static var messageName: String { "csi.v1.GetMetadataDeltaResponse" }

        public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        public func encoded() -> [UInt8] { encode(self) }

        public var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("blockMetadataType", .name(blockMetadataType.name)))
            found.append(MessageField("volumeCapacityBytes", .integer(Int64(volumeCapacityBytes))))
            found.append(MessageField("blockMetadata", .list(blockMetadata.map { .message($0.fields) })))
            return found
        }
    }
}
