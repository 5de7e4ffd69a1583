// Generated from protos/ashlar_engine.proto by protos/generate. Do not edit.
// swift-format-ignore-file
import Base
import ProtobufRuntime

extension EngineMessages {
    /// gRPC paths of every method.
    package enum Method {
        package static let ensureGroup = "/ashlar.engine.v1.Volumes/EnsureGroup"
        package static let createVolume = "/ashlar.engine.v1.Volumes/CreateVolume"
        package static let deleteVolume = "/ashlar.engine.v1.Volumes/DeleteVolume"
        package static let resizeVolume = "/ashlar.engine.v1.Volumes/ResizeVolume"
        package static let getVolume = "/ashlar.engine.v1.Volumes/GetVolume"
        package static let listVolumes = "/ashlar.engine.v1.Volumes/ListVolumes"
        package static let raiseEpoch = "/ashlar.engine.v1.Volumes/RaiseEpoch"
        package static let markFormatted = "/ashlar.engine.v1.Volumes/MarkFormatted"
        package static let getCapacity = "/ashlar.engine.v1.Volumes/GetCapacity"
        package static let getPoolStatus = "/ashlar.engine.v1.Volumes/GetPoolStatus"
        package static let annotateVolume = "/ashlar.engine.v1.Volumes/AnnotateVolume"
        package static let retainGroup = "/ashlar.engine.v1.Volumes/RetainGroup"
        package static let deleteGroup = "/ashlar.engine.v1.Volumes/DeleteGroup"
        package static let storeCatalogue = "/ashlar.engine.v1.Volumes/StoreCatalogue"
        package static let createSnapshots = "/ashlar.engine.v1.Volumes/CreateSnapshots"
        package static let deleteSnapshot = "/ashlar.engine.v1.Volumes/DeleteSnapshot"
        package static let getSnapshot = "/ashlar.engine.v1.Volumes/GetSnapshot"
        package static let listSnapshots = "/ashlar.engine.v1.Volumes/ListSnapshots"
        package static let rollBackVolume = "/ashlar.engine.v1.Volumes/RollBackVolume"
        package static let getVolumeSpace = "/ashlar.engine.v1.Volumes/GetVolumeSpace"
        package static let listVolumeSpaces = "/ashlar.engine.v1.Volumes/ListVolumeSpaces"
        package static let getPoolSpace = "/ashlar.engine.v1.Volumes/GetPoolSpace"
        package static let setLimits = "/ashlar.engine.v1.Volumes/SetLimits"
        package static let listChangedRanges = "/ashlar.engine.v1.Volumes/ListChangedRanges"
        package static let attach = "/ashlar.engine.v1.Devices/Attach"
        package static let detach = "/ashlar.engine.v1.Devices/Detach"
        package static let getAttachment = "/ashlar.engine.v1.Devices/GetAttachment"
        package static let refresh = "/ashlar.engine.v1.Devices/Refresh"
    }

    package struct Group: Message {
        package var label: String
        package var dataColumns: Int64
        package var parityColumns: Int64
        package var media: [String]
        package var sliceBytes: UInt64
        package var capacityBytes: UInt64?
        package var annotation: String

        package init(
            label: String = "",
            dataColumns: Int64 = 0,
            parityColumns: Int64 = 0,
            media: [String] = [],
            sliceBytes: UInt64 = 0,
            capacityBytes: UInt64? = nil,
            annotation: String = ""
        ) {
            self.label = label
            self.dataColumns = dataColumns
            self.parityColumns = parityColumns
            self.media = media
            self.sliceBytes = sliceBytes
            self.capacityBytes = capacityBytes
            self.annotation = annotation
        }

        package static var messageName: String { "ashlar.engine.v1.Group" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("label", .string(label)))
            found.append(MessageField("dataColumns", .integer(Int64(dataColumns))))
            found.append(MessageField("parityColumns", .integer(Int64(parityColumns))))
            found.append(MessageField("media", .list(media.map { .string($0) })))
            found.append(MessageField("sliceBytes", .unsigned(sliceBytes)))
            found.append(MessageField("capacityBytes", capacityBytes.map { .unsigned($0) } ?? .absent))
            found.append(MessageField("annotation", .string(annotation)))
            return found
        }
    }

    package struct Formatted: Message {
        package var state: StateChoice?

        package init(
            state: StateChoice? = nil
        ) {
            self.state = state
        }

        package static var messageName: String { "ashlar.engine.v1.Formatted" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            if case .never(let value) = state {
                found.append(MessageField("never", .bool(value)))
            }
            if case .filesystem(let value) = state {
                found.append(MessageField("filesystem", .string(value)))
            }
            if case .making(let value) = state {
                found.append(MessageField("making", .string(value)))
            }
            return found
        }

        package enum StateChoice: Sendable, Hashable {
            case never(Bool)
            case filesystem(String)
            case making(String)
        }
    }

    package struct Volume: Message {
        package var id: String
        package var group: String
        package var sizeBytes: UInt64
        package var attachEpoch: UInt64
        package var formatted: EngineMessages.Formatted?
        package var health: EngineMessages.Volume.Health
        package var healthReason: String
        package var liveBytes: UInt64?
        package var allocatedBytes: UInt64
        package var isAnnotated: Bool
        package var limits: EngineMessages.VolumeLimits?

        package init(
            id: String = "",
            group: String = "",
            sizeBytes: UInt64 = 0,
            attachEpoch: UInt64 = 0,
            formatted: EngineMessages.Formatted? = nil,
            health: EngineMessages.Volume.Health = .healthUnspecified,
            healthReason: String = "",
            liveBytes: UInt64? = nil,
            allocatedBytes: UInt64 = 0,
            isAnnotated: Bool = false,
            limits: EngineMessages.VolumeLimits? = nil
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

        package static var messageName: String { "ashlar.engine.v1.Volume" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("id", .string(id)))
            found.append(MessageField("group", .string(group)))
            found.append(MessageField("sizeBytes", .unsigned(sizeBytes)))
            found.append(MessageField("attachEpoch", .unsigned(attachEpoch)))
            found.append(MessageField("formatted", formatted.map { .message($0.fields) } ?? .absent))
            found.append(MessageField("health", .name(health.name)))
            found.append(MessageField("healthReason", .string(healthReason)))
            found.append(MessageField("liveBytes", liveBytes.map { .unsigned($0) } ?? .absent))
            found.append(MessageField("allocatedBytes", .unsigned(allocatedBytes)))
            found.append(MessageField("isAnnotated", .bool(isAnnotated)))
            found.append(MessageField("limits", limits.map { .message($0.fields) } ?? .absent))
            return found
        }

        package enum Health: MessageEnum {
            case healthUnspecified
            case ready
            case degraded
            case failed
            /// A number that this version of the contract does not name.
            case unrecognized(Int32)

            package static var allCases: [Self] {
                [
                    .healthUnspecified,
                    .ready,
                    .degraded,
                    .failed,
                ]
            }

            package init(rawValue: Int32) {
                switch rawValue {
                case 0: self = .healthUnspecified
                case 1: self = .ready
                case 2: self = .degraded
                case 3: self = .failed
                default: self = .unrecognized(rawValue)
                }
            }

            package var rawValue: Int32 {
                switch self {
                case .healthUnspecified: 0
                case .ready: 1
                case .degraded: 2
                case .failed: 3
                case .unrecognized(let number): number
                }
            }

            package var name: String {
                switch self {
                case .healthUnspecified: "HEALTH_UNSPECIFIED"
                case .ready: "READY"
                case .degraded: "DEGRADED"
                case .failed: "FAILED"
                case .unrecognized(let number): "\(number)"
                }
            }
        }
    }

    package struct VolumeLimits: Message {
        package var iops: UInt64?
        package var bandwidth: UInt64?
        package var iopsBurst: UInt64?
        package var bandwidthBurst: UInt64?

        package init(
            iops: UInt64? = nil,
            bandwidth: UInt64? = nil,
            iopsBurst: UInt64? = nil,
            bandwidthBurst: UInt64? = nil
        ) {
            self.iops = iops
            self.bandwidth = bandwidth
            self.iopsBurst = iopsBurst
            self.bandwidthBurst = bandwidthBurst
        }

        package static var messageName: String { "ashlar.engine.v1.VolumeLimits" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("iops", iops.map { .unsigned($0) } ?? .absent))
            found.append(MessageField("bandwidth", bandwidth.map { .unsigned($0) } ?? .absent))
            found.append(MessageField("iopsBurst", iopsBurst.map { .unsigned($0) } ?? .absent))
            found.append(MessageField("bandwidthBurst", bandwidthBurst.map { .unsigned($0) } ?? .absent))
            return found
        }
    }

    package struct Snapshot: Message {
        package var id: String
        package var volumeID: String
        package var group: String
        package var sizeBytes: UInt64
        package var created: UInt64

        package init(
            id: String = "",
            volumeID: String = "",
            group: String = "",
            sizeBytes: UInt64 = 0,
            created: UInt64 = 0
        ) {
            self.id = id
            self.volumeID = volumeID
            self.group = group
            self.sizeBytes = sizeBytes
            self.created = created
        }

        package static var messageName: String { "ashlar.engine.v1.Snapshot" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("id", .string(id)))
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("group", .string(group)))
            found.append(MessageField("sizeBytes", .unsigned(sizeBytes)))
            found.append(MessageField("created", .unsigned(created)))
            return found
        }
    }

    package struct Mountpath: Message {
        package var id: String
        package var path: String
        package var media: String
        package var state: EngineMessages.Mountpath.State
        package var reason: String
        package var totalBytes: UInt64
        package var freeBytes: UInt64

        package init(
            id: String = "",
            path: String = "",
            media: String = "",
            state: EngineMessages.Mountpath.State = .stateUnspecified,
            reason: String = "",
            totalBytes: UInt64 = 0,
            freeBytes: UInt64 = 0
        ) {
            self.id = id
            self.path = path
            self.media = media
            self.state = state
            self.reason = reason
            self.totalBytes = totalBytes
            self.freeBytes = freeBytes
        }

        package static var messageName: String { "ashlar.engine.v1.Mountpath" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("id", .string(id)))
            found.append(MessageField("path", .string(path)))
            found.append(MessageField("media", .string(media)))
            found.append(MessageField("state", .name(state.name)))
            found.append(MessageField("reason", .string(reason)))
            found.append(MessageField("totalBytes", .unsigned(totalBytes)))
            found.append(MessageField("freeBytes", .unsigned(freeBytes)))
            return found
        }

        package enum State: MessageEnum {
            case stateUnspecified
            case active
            case out
            case missing
            case stale
            /// A number that this version of the contract does not name.
            case unrecognized(Int32)

            package static var allCases: [Self] {
                [
                    .stateUnspecified,
                    .active,
                    .out,
                    .missing,
                    .stale,
                ]
            }

            package init(rawValue: Int32) {
                switch rawValue {
                case 0: self = .stateUnspecified
                case 1: self = .active
                case 2: self = .out
                case 3: self = .missing
                case 4: self = .stale
                default: self = .unrecognized(rawValue)
                }
            }

            package var rawValue: Int32 {
                switch self {
                case .stateUnspecified: 0
                case .active: 1
                case .out: 2
                case .missing: 3
                case .stale: 4
                case .unrecognized(let number): number
                }
            }

            package var name: String {
                switch self {
                case .stateUnspecified: "STATE_UNSPECIFIED"
                case .active: "ACTIVE"
                case .out: "OUT"
                case .missing: "MISSING"
                case .stale: "STALE"
                case .unrecognized(let number): "\(number)"
                }
            }
        }
    }

    package struct Device: Message {
        package var volumeID: String
        package var path: String
        package var sizeBytes: UInt64
        package var readOnly: Bool
        package var epoch: UInt64

        package init(
            volumeID: String = "",
            path: String = "",
            sizeBytes: UInt64 = 0,
            readOnly: Bool = false,
            epoch: UInt64 = 0
        ) {
            self.volumeID = volumeID
            self.path = path
            self.sizeBytes = sizeBytes
            self.readOnly = readOnly
            self.epoch = epoch
        }

        package static var messageName: String { "ashlar.engine.v1.Device" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("path", .string(path)))
            found.append(MessageField("sizeBytes", .unsigned(sizeBytes)))
            found.append(MessageField("readOnly", .bool(readOnly)))
            found.append(MessageField("epoch", .unsigned(epoch)))
            return found
        }
    }

    package struct EnsureGroupRequest: Message {
        package var group: EngineMessages.Group?

        package init(
            group: EngineMessages.Group? = nil
        ) {
            self.group = group
        }

        package static var messageName: String { "ashlar.engine.v1.EnsureGroupRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("group", group.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    package struct EnsureGroupResponse: Message {
        package init() {}

        package static var messageName: String { "ashlar.engine.v1.EnsureGroupResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct CreateVolumeRequest: Message {
        package var volumeID: String
        package var group: String
        package var sizeBytes: UInt64
        package var annotation: String
        package var content: ContentChoice?

        package init(
            volumeID: String = "",
            group: String = "",
            sizeBytes: UInt64 = 0,
            annotation: String = "",
            content: ContentChoice? = nil
        ) {
            self.volumeID = volumeID
            self.group = group
            self.sizeBytes = sizeBytes
            self.annotation = annotation
            self.content = content
        }

        package static var messageName: String { "ashlar.engine.v1.CreateVolumeRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("group", .string(group)))
            found.append(MessageField("sizeBytes", .unsigned(sizeBytes)))
            found.append(MessageField("annotation", .string(annotation)))
            if case .snapshotID(let value) = content {
                found.append(MessageField("snapshotId", .string(value)))
            }
            if case .sourceVolumeID(let value) = content {
                found.append(MessageField("sourceVolumeId", .string(value)))
            }
            return found
        }

        package enum ContentChoice: Sendable, Hashable {
            case snapshotID(String)
            case sourceVolumeID(String)
        }
    }

    package struct CreateVolumeResponse: Message {
        package var volume: EngineMessages.Volume?

        package init(
            volume: EngineMessages.Volume? = nil
        ) {
            self.volume = volume
        }

        package static var messageName: String { "ashlar.engine.v1.CreateVolumeResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volume", volume.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    package struct DeleteVolumeRequest: Message {
        package var volumeID: String

        package init(
            volumeID: String = ""
        ) {
            self.volumeID = volumeID
        }

        package static var messageName: String { "ashlar.engine.v1.DeleteVolumeRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            return found
        }
    }

    package struct DeleteVolumeResponse: Message {
        package init() {}

        package static var messageName: String { "ashlar.engine.v1.DeleteVolumeResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct ResizeVolumeRequest: Message {
        package var volumeID: String
        package var sizeBytes: UInt64

        package init(
            volumeID: String = "",
            sizeBytes: UInt64 = 0
        ) {
            self.volumeID = volumeID
            self.sizeBytes = sizeBytes
        }

        package static var messageName: String { "ashlar.engine.v1.ResizeVolumeRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("sizeBytes", .unsigned(sizeBytes)))
            return found
        }
    }

    package struct ResizeVolumeResponse: Message {
        package var volume: EngineMessages.Volume?

        package init(
            volume: EngineMessages.Volume? = nil
        ) {
            self.volume = volume
        }

        package static var messageName: String { "ashlar.engine.v1.ResizeVolumeResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volume", volume.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    package struct GetVolumeRequest: Message {
        package var volumeID: String

        package init(
            volumeID: String = ""
        ) {
            self.volumeID = volumeID
        }

        package static var messageName: String { "ashlar.engine.v1.GetVolumeRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            return found
        }
    }

    package struct GetVolumeResponse: Message {
        package var volume: EngineMessages.Volume?

        package init(
            volume: EngineMessages.Volume? = nil
        ) {
            self.volume = volume
        }

        package static var messageName: String { "ashlar.engine.v1.GetVolumeResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volume", volume.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    package struct ListVolumesRequest: Message {
        package init() {}

        package static var messageName: String { "ashlar.engine.v1.ListVolumesRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct ListVolumesResponse: Message {
        package var volumes: [EngineMessages.Volume]

        package init(
            volumes: [EngineMessages.Volume] = []
        ) {
            self.volumes = volumes
        }

        package static var messageName: String { "ashlar.engine.v1.ListVolumesResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumes", .list(volumes.map { .message($0.fields) })))
            return found
        }
    }

    package struct RaiseEpochRequest: Message {
        package var volumeID: String
        package var epoch: UInt64

        package init(
            volumeID: String = "",
            epoch: UInt64 = 0
        ) {
            self.volumeID = volumeID
            self.epoch = epoch
        }

        package static var messageName: String { "ashlar.engine.v1.RaiseEpochRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("epoch", .unsigned(epoch)))
            return found
        }
    }

    package struct RaiseEpochResponse: Message {
        package init() {}

        package static var messageName: String { "ashlar.engine.v1.RaiseEpochResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct MarkFormattedRequest: Message {
        package var volumeID: String
        package var formatted: EngineMessages.Formatted?

        package init(
            volumeID: String = "",
            formatted: EngineMessages.Formatted? = nil
        ) {
            self.volumeID = volumeID
            self.formatted = formatted
        }

        package static var messageName: String { "ashlar.engine.v1.MarkFormattedRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("formatted", formatted.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    package struct MarkFormattedResponse: Message {
        package init() {}

        package static var messageName: String { "ashlar.engine.v1.MarkFormattedResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct GetCapacityRequest: Message {
        package var group: String

        package init(
            group: String = ""
        ) {
            self.group = group
        }

        package static var messageName: String { "ashlar.engine.v1.GetCapacityRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("group", .string(group)))
            return found
        }
    }

    package struct GetCapacityResponse: Message {
        package var totalBytes: UInt64
        package var availableBytes: UInt64
        package var usedBytes: UInt64

        package init(
            totalBytes: UInt64 = 0,
            availableBytes: UInt64 = 0,
            usedBytes: UInt64 = 0
        ) {
            self.totalBytes = totalBytes
            self.availableBytes = availableBytes
            self.usedBytes = usedBytes
        }

        package static var messageName: String { "ashlar.engine.v1.GetCapacityResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("totalBytes", .unsigned(totalBytes)))
            found.append(MessageField("availableBytes", .unsigned(availableBytes)))
            found.append(MessageField("usedBytes", .unsigned(usedBytes)))
            return found
        }
    }

    package struct GetPoolStatusRequest: Message {
        package init() {}

        package static var messageName: String { "ashlar.engine.v1.GetPoolStatusRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct GetPoolStatusResponse: Message {
        package var id: String
        package var version: UInt64
        package var mountpaths: [EngineMessages.Mountpath]
        package var sharedFilesystems: [String]

        package init(
            id: String = "",
            version: UInt64 = 0,
            mountpaths: [EngineMessages.Mountpath] = [],
            sharedFilesystems: [String] = []
        ) {
            self.id = id
            self.version = version
            self.mountpaths = mountpaths
            self.sharedFilesystems = sharedFilesystems
        }

        package static var messageName: String { "ashlar.engine.v1.GetPoolStatusResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("id", .string(id)))
            found.append(MessageField("version", .unsigned(version)))
            found.append(MessageField("mountpaths", .list(mountpaths.map { .message($0.fields) })))
            found.append(MessageField("sharedFilesystems", .list(sharedFilesystems.map { .string($0) })))
            return found
        }
    }

    package struct AnnotateVolumeRequest: Message {
        package var volumeID: String
        package var annotation: String

        package init(
            volumeID: String = "",
            annotation: String = ""
        ) {
            self.volumeID = volumeID
            self.annotation = annotation
        }

        package static var messageName: String { "ashlar.engine.v1.AnnotateVolumeRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("annotation", .string(annotation)))
            return found
        }
    }

    package struct AnnotateVolumeResponse: Message {
        package init() {}

        package static var messageName: String { "ashlar.engine.v1.AnnotateVolumeResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct RetainGroupRequest: Message {
        package var label: String

        package init(
            label: String = ""
        ) {
            self.label = label
        }

        package static var messageName: String { "ashlar.engine.v1.RetainGroupRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("label", .string(label)))
            return found
        }
    }

    package struct RetainGroupResponse: Message {
        package init() {}

        package static var messageName: String { "ashlar.engine.v1.RetainGroupResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct DeleteGroupRequest: Message {
        package var label: String

        package init(
            label: String = ""
        ) {
            self.label = label
        }

        package static var messageName: String { "ashlar.engine.v1.DeleteGroupRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("label", .string(label)))
            return found
        }
    }

    package struct DeleteGroupResponse: Message {
        package init() {}

        package static var messageName: String { "ashlar.engine.v1.DeleteGroupResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct StoreCatalogueRequest: Message {
        package var uploadID: String
        package var offset: UInt64
        package var totalBytes: UInt64
        package var piece: [UInt8]

        package init(
            uploadID: String = "",
            offset: UInt64 = 0,
            totalBytes: UInt64 = 0,
            piece: [UInt8] = []
        ) {
            self.uploadID = uploadID
            self.offset = offset
            self.totalBytes = totalBytes
            self.piece = piece
        }

        package static var messageName: String { "ashlar.engine.v1.StoreCatalogueRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("uploadId", .string(uploadID)))
            found.append(MessageField("offset", .unsigned(offset)))
            found.append(MessageField("totalBytes", .unsigned(totalBytes)))
            found.append(MessageField("piece", .secret(count: piece.count)))
            return found
        }
    }

    package struct StoreCatalogueResponse: Message {
        package var version: UInt64

        package init(
            version: UInt64 = 0
        ) {
            self.version = version
        }

        package static var messageName: String { "ashlar.engine.v1.StoreCatalogueResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("version", .unsigned(version)))
            return found
        }
    }

    package struct CreateSnapshotsRequest: Message {
        package var snapshots: [EngineMessages.CreateSnapshotsRequest.Snapshot]

        package init(
            snapshots: [EngineMessages.CreateSnapshotsRequest.Snapshot] = []
        ) {
            self.snapshots = snapshots
        }

        package static var messageName: String { "ashlar.engine.v1.CreateSnapshotsRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("snapshots", .list(snapshots.map { .message($0.fields) })))
            return found
        }

        package struct Snapshot: Message {
            package var id: String
            package var volumeID: String
            package var annotation: String

            package init(
                id: String = "",
                volumeID: String = "",
                annotation: String = ""
            ) {
                self.id = id
                self.volumeID = volumeID
                self.annotation = annotation
            }

            package static var messageName: String { "ashlar.engine.v1.CreateSnapshotsRequest.Snapshot" }

            package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            package func encoded() -> [UInt8] { encode(self) }

            package var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("id", .string(id)))
                found.append(MessageField("volumeId", .string(volumeID)))
                found.append(MessageField("annotation", .string(annotation)))
                return found
            }
        }
    }

    package struct CreateSnapshotsResponse: Message {
        package var snapshots: [EngineMessages.Snapshot]

        package init(
            snapshots: [EngineMessages.Snapshot] = []
        ) {
            self.snapshots = snapshots
        }

        package static var messageName: String { "ashlar.engine.v1.CreateSnapshotsResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("snapshots", .list(snapshots.map { .message($0.fields) })))
            return found
        }
    }

    package struct DeleteSnapshotRequest: Message {
        package var snapshotID: String

        package init(
            snapshotID: String = ""
        ) {
            self.snapshotID = snapshotID
        }

        package static var messageName: String { "ashlar.engine.v1.DeleteSnapshotRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("snapshotId", .string(snapshotID)))
            return found
        }
    }

    package struct DeleteSnapshotResponse: Message {
        package init() {}

        package static var messageName: String { "ashlar.engine.v1.DeleteSnapshotResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct GetSnapshotRequest: Message {
        package var snapshotID: String

        package init(
            snapshotID: String = ""
        ) {
            self.snapshotID = snapshotID
        }

        package static var messageName: String { "ashlar.engine.v1.GetSnapshotRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("snapshotId", .string(snapshotID)))
            return found
        }
    }

    package struct GetSnapshotResponse: Message {
        package var snapshot: EngineMessages.Snapshot?

        package init(
            snapshot: EngineMessages.Snapshot? = nil
        ) {
            self.snapshot = snapshot
        }

        package static var messageName: String { "ashlar.engine.v1.GetSnapshotResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("snapshot", snapshot.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    package struct ListSnapshotsRequest: Message {
        package init() {}

        package static var messageName: String { "ashlar.engine.v1.ListSnapshotsRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct ListSnapshotsResponse: Message {
        package var snapshots: [EngineMessages.Snapshot]

        package init(
            snapshots: [EngineMessages.Snapshot] = []
        ) {
            self.snapshots = snapshots
        }

        package static var messageName: String { "ashlar.engine.v1.ListSnapshotsResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("snapshots", .list(snapshots.map { .message($0.fields) })))
            return found
        }
    }

    package struct SetLimitsRequest: Message {
        package var volumeID: String
        package var limits: EngineMessages.VolumeLimits?

        package init(
            volumeID: String = "",
            limits: EngineMessages.VolumeLimits? = nil
        ) {
            self.volumeID = volumeID
            self.limits = limits
        }

        package static var messageName: String { "ashlar.engine.v1.SetLimitsRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("limits", limits.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    package struct SetLimitsResponse: Message {
        package init() {}

        package static var messageName: String { "ashlar.engine.v1.SetLimitsResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct ListChangedRangesRequest: Message {
        package var snapshotID: String
        package var baseSnapshotID: String
        package var offset: UInt64

        package init(
            snapshotID: String = "",
            baseSnapshotID: String = "",
            offset: UInt64 = 0
        ) {
            self.snapshotID = snapshotID
            self.baseSnapshotID = baseSnapshotID
            self.offset = offset
        }

        package static var messageName: String { "ashlar.engine.v1.ListChangedRangesRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("snapshotId", .string(snapshotID)))
            found.append(MessageField("baseSnapshotId", .string(baseSnapshotID)))
            found.append(MessageField("offset", .unsigned(offset)))
            return found
        }
    }

    package struct ListChangedRangesResponse: Message {
        package var ranges: [EngineMessages.ListChangedRangesResponse.Range]

        package init(
            ranges: [EngineMessages.ListChangedRangesResponse.Range] = []
        ) {
            self.ranges = ranges
        }

        package static var messageName: String { "ashlar.engine.v1.ListChangedRangesResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("ranges", .list(ranges.map { .message($0.fields) })))
            return found
        }

        package struct Range: Message {
            package var offset: UInt64
            package var length: UInt64

            package init(
                offset: UInt64 = 0,
                length: UInt64 = 0
            ) {
                self.offset = offset
                self.length = length
            }

            package static var messageName: String { "ashlar.engine.v1.ListChangedRangesResponse.Range" }

            package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
            package func encoded() -> [UInt8] { encode(self) }

            package var fields: [MessageField] {
                var found: [MessageField] = []
                found.append(MessageField("offset", .unsigned(offset)))
                found.append(MessageField("length", .unsigned(length)))
                return found
            }
        }
    }

    package struct RollBackVolumeRequest: Message {
        package var volumeID: String
        package var snapshotID: String

        package init(
            volumeID: String = "",
            snapshotID: String = ""
        ) {
            self.volumeID = volumeID
            self.snapshotID = snapshotID
        }

        package static var messageName: String { "ashlar.engine.v1.RollBackVolumeRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("snapshotId", .string(snapshotID)))
            return found
        }
    }

    package struct RollBackVolumeResponse: Message {
        package var volume: EngineMessages.Volume?

        package init(
            volume: EngineMessages.Volume? = nil
        ) {
            self.volume = volume
        }

        package static var messageName: String { "ashlar.engine.v1.RollBackVolumeResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volume", volume.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    package struct SpaceUsage: Message {
        package var liveBytes: UInt64
        package var sharedBytes: UInt64
        package var snapshotOnlyBytes: UInt64
        package var garbageBytes: UInt64
        package var reservedBytes: UInt64
        package var overheadBytes: UInt64
        package var allocatedBytes: UInt64
        package var metadataBytes: UInt64
        package var lostBytes: UInt64

        package init(
            liveBytes: UInt64 = 0,
            sharedBytes: UInt64 = 0,
            snapshotOnlyBytes: UInt64 = 0,
            garbageBytes: UInt64 = 0,
            reservedBytes: UInt64 = 0,
            overheadBytes: UInt64 = 0,
            allocatedBytes: UInt64 = 0,
            metadataBytes: UInt64 = 0,
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

        package static var messageName: String { "ashlar.engine.v1.SpaceUsage" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("liveBytes", .unsigned(liveBytes)))
            found.append(MessageField("sharedBytes", .unsigned(sharedBytes)))
            found.append(MessageField("snapshotOnlyBytes", .unsigned(snapshotOnlyBytes)))
            found.append(MessageField("garbageBytes", .unsigned(garbageBytes)))
            found.append(MessageField("reservedBytes", .unsigned(reservedBytes)))
            found.append(MessageField("overheadBytes", .unsigned(overheadBytes)))
            found.append(MessageField("allocatedBytes", .unsigned(allocatedBytes)))
            found.append(MessageField("metadataBytes", .unsigned(metadataBytes)))
            found.append(MessageField("lostBytes", .unsigned(lostBytes)))
            return found
        }
    }

    package struct VolumeSpace: Message {
        package var volumeID: String
        package var group: String
        package var hidden: Bool
        package var open: Bool
        package var usage: EngineMessages.SpaceUsage?
        package var activity: EngineMessages.VolumeActivity?

        package init(
            volumeID: String = "",
            group: String = "",
            hidden: Bool = false,
            open: Bool = false,
            usage: EngineMessages.SpaceUsage? = nil,
            activity: EngineMessages.VolumeActivity? = nil
        ) {
            self.volumeID = volumeID
            self.group = group
            self.hidden = hidden
            self.open = open
            self.usage = usage
            self.activity = activity
        }

        package static var messageName: String { "ashlar.engine.v1.VolumeSpace" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("group", .string(group)))
            found.append(MessageField("hidden", .bool(hidden)))
            found.append(MessageField("open", .bool(open)))
            found.append(MessageField("usage", usage.map { .message($0.fields) } ?? .absent))
            found.append(MessageField("activity", activity.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    package struct VolumeActivity: Message {
        package var writtenBytes: UInt64
        package var movedBytes: UInt64
        package var storedBytes: UInt64
        package var cleanedSegments: UInt64

        package init(
            writtenBytes: UInt64 = 0,
            movedBytes: UInt64 = 0,
            storedBytes: UInt64 = 0,
            cleanedSegments: UInt64 = 0
        ) {
            self.writtenBytes = writtenBytes
            self.movedBytes = movedBytes
            self.storedBytes = storedBytes
            self.cleanedSegments = cleanedSegments
        }

        package static var messageName: String { "ashlar.engine.v1.VolumeActivity" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("writtenBytes", .unsigned(writtenBytes)))
            found.append(MessageField("movedBytes", .unsigned(movedBytes)))
            found.append(MessageField("storedBytes", .unsigned(storedBytes)))
            found.append(MessageField("cleanedSegments", .unsigned(cleanedSegments)))
            return found
        }
    }

    package struct GroupSpace: Message {
        package var label: String
        package var volumeCount: UInt64
        package var hiddenVolumeCount: UInt64
        package var hiddenAllocatedBytes: UInt64
        package var usage: EngineMessages.SpaceUsage?

        package init(
            label: String = "",
            volumeCount: UInt64 = 0,
            hiddenVolumeCount: UInt64 = 0,
            hiddenAllocatedBytes: UInt64 = 0,
            usage: EngineMessages.SpaceUsage? = nil
        ) {
            self.label = label
            self.volumeCount = volumeCount
            self.hiddenVolumeCount = hiddenVolumeCount
            self.hiddenAllocatedBytes = hiddenAllocatedBytes
            self.usage = usage
        }

        package static var messageName: String { "ashlar.engine.v1.GroupSpace" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("label", .string(label)))
            found.append(MessageField("volumeCount", .unsigned(volumeCount)))
            found.append(MessageField("hiddenVolumeCount", .unsigned(hiddenVolumeCount)))
            found.append(MessageField("hiddenAllocatedBytes", .unsigned(hiddenAllocatedBytes)))
            found.append(MessageField("usage", usage.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    package struct GetVolumeSpaceRequest: Message {
        package var volumeID: String

        package init(
            volumeID: String = ""
        ) {
            self.volumeID = volumeID
        }

        package static var messageName: String { "ashlar.engine.v1.GetVolumeSpaceRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            return found
        }
    }

    package struct GetVolumeSpaceResponse: Message {
        package var volume: EngineMessages.VolumeSpace?

        package init(
            volume: EngineMessages.VolumeSpace? = nil
        ) {
            self.volume = volume
        }

        package static var messageName: String { "ashlar.engine.v1.GetVolumeSpaceResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volume", volume.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    package struct ListVolumeSpacesRequest: Message {
        package init() {}

        package static var messageName: String { "ashlar.engine.v1.ListVolumeSpacesRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct ListVolumeSpacesResponse: Message {
        package var volumes: [EngineMessages.VolumeSpace]

        package init(
            volumes: [EngineMessages.VolumeSpace] = []
        ) {
            self.volumes = volumes
        }

        package static var messageName: String { "ashlar.engine.v1.ListVolumeSpacesResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumes", .list(volumes.map { .message($0.fields) })))
            return found
        }
    }

    package struct GetPoolSpaceRequest: Message {
        package init() {}

        package static var messageName: String { "ashlar.engine.v1.GetPoolSpaceRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct GetPoolSpaceResponse: Message {
        package var groups: [EngineMessages.GroupSpace]
        package var totalBytes: UInt64
        package var recycledBytes: UInt64
        package var reserveBytes: UInt64
        package var availableBytes: UInt64
        package var otherBytes: UInt64

        package init(
            groups: [EngineMessages.GroupSpace] = [],
            totalBytes: UInt64 = 0,
            recycledBytes: UInt64 = 0,
            reserveBytes: UInt64 = 0,
            availableBytes: UInt64 = 0,
            otherBytes: UInt64 = 0
        ) {
            self.groups = groups
            self.totalBytes = totalBytes
            self.recycledBytes = recycledBytes
            self.reserveBytes = reserveBytes
            self.availableBytes = availableBytes
            self.otherBytes = otherBytes
        }

        package static var messageName: String { "ashlar.engine.v1.GetPoolSpaceResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("groups", .list(groups.map { .message($0.fields) })))
            found.append(MessageField("totalBytes", .unsigned(totalBytes)))
            found.append(MessageField("recycledBytes", .unsigned(recycledBytes)))
            found.append(MessageField("reserveBytes", .unsigned(reserveBytes)))
            found.append(MessageField("availableBytes", .unsigned(availableBytes)))
            found.append(MessageField("otherBytes", .unsigned(otherBytes)))
            return found
        }
    }

    package struct AttachRequest: Message {
        package var volumeID: String
        package var epoch: UInt64
        package var readOnly: Bool

        package init(
            volumeID: String = "",
            epoch: UInt64 = 0,
            readOnly: Bool = false
        ) {
            self.volumeID = volumeID
            self.epoch = epoch
            self.readOnly = readOnly
        }

        package static var messageName: String { "ashlar.engine.v1.AttachRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("epoch", .unsigned(epoch)))
            found.append(MessageField("readOnly", .bool(readOnly)))
            return found
        }
    }

    package struct AttachResponse: Message {
        package var device: EngineMessages.Device?

        package init(
            device: EngineMessages.Device? = nil
        ) {
            self.device = device
        }

        package static var messageName: String { "ashlar.engine.v1.AttachResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("device", device.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    package struct DetachRequest: Message {
        package var volumeID: String

        package init(
            volumeID: String = ""
        ) {
            self.volumeID = volumeID
        }

        package static var messageName: String { "ashlar.engine.v1.DetachRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            return found
        }
    }

    package struct DetachResponse: Message {
        package init() {}

        package static var messageName: String { "ashlar.engine.v1.DetachResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct GetAttachmentRequest: Message {
        package var volumeID: String

        package init(
            volumeID: String = ""
        ) {
            self.volumeID = volumeID
        }

        package static var messageName: String { "ashlar.engine.v1.GetAttachmentRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            return found
        }
    }

    package struct GetAttachmentResponse: Message {
        package var device: EngineMessages.Device?

        package init(
            device: EngineMessages.Device? = nil
        ) {
            self.device = device
        }

        package static var messageName: String { "ashlar.engine.v1.GetAttachmentResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("device", device.map { .message($0.fields) } ?? .absent))
            return found
        }
    }

    package struct RefreshRequest: Message {
        package var volumeID: String

        package init(
            volumeID: String = ""
        ) {
            self.volumeID = volumeID
        }

        package static var messageName: String { "ashlar.engine.v1.RefreshRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            return found
        }
    }

    package struct RefreshResponse: Message {
        package var device: EngineMessages.Device?

        package init(
            device: EngineMessages.Device? = nil
        ) {
            self.device = device
        }

        package static var messageName: String { "ashlar.engine.v1.RefreshResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("device", device.map { .message($0.fields) } ?? .absent))
            return found
        }
    }
}
