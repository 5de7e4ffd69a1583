// Generated from protos/ashlar_control.proto by protos/generate. Do not edit.
// swift-format-ignore-file
import Base
import ProtobufRuntime

extension ControlMessages {
    /// gRPC paths of every method.
    package enum Method {
        package static let createGroup = "/ashlar.control.v1.Groups/CreateGroup"
        package static let deleteGroup = "/ashlar.control.v1.Groups/DeleteGroup"
        package static let createSnapshots = "/ashlar.control.v1.Snapshots/CreateSnapshots"
        package static let deleteSnapshot = "/ashlar.control.v1.Snapshots/DeleteSnapshot"
        package static let rollBackVolume = "/ashlar.control.v1.Snapshots/RollBackVolume"
        package static let cloneVolume = "/ashlar.control.v1.Snapshots/CloneVolume"
        package static let makeEphemeralVolume = "/ashlar.control.v1.EphemeralVolumes/MakeEphemeralVolume"
        package static let getEphemeralVolume = "/ashlar.control.v1.EphemeralVolumes/GetEphemeralVolume"
        package static let removeEphemeralVolume = "/ashlar.control.v1.EphemeralVolumes/RemoveEphemeralVolume"
    }

    package struct CreateGroupRequest: Message {
        package var label: String
        package var profile: String
        package var protection: String
        package var media: [String]
        package var anyMedia: Bool
        package var capacityBytes: UInt64?
        package var deletionPolicy: String
        package var sliceBytes: UInt64?

        package init(
            label: String = "",
            profile: String = "",
            protection: String = "",
            media: [String] = [],
            anyMedia: Bool = false,
            capacityBytes: UInt64? = nil,
            deletionPolicy: String = "",
            sliceBytes: UInt64? = nil
        ) {
            self.label = label
            self.profile = profile
            self.protection = protection
            self.media = media
            self.anyMedia = anyMedia
            self.capacityBytes = capacityBytes
            self.deletionPolicy = deletionPolicy
            self.sliceBytes = sliceBytes
        }

        package static var messageName: String { "ashlar.control.v1.CreateGroupRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("label", .string(label)))
            found.append(MessageField("profile", .string(profile)))
            found.append(MessageField("protection", .string(protection)))
            found.append(MessageField("media", .list(media.map { .string($0) })))
            found.append(MessageField("anyMedia", .bool(anyMedia)))
            found.append(MessageField("capacityBytes", capacityBytes.map { .unsigned($0) } ?? .absent))
            found.append(MessageField("deletionPolicy", .string(deletionPolicy)))
            found.append(MessageField("sliceBytes", sliceBytes.map { .unsigned($0) } ?? .absent))
            return found
        }
    }

    package struct CreateGroupResponse: Message {
        package var outcome: ControlMessages.CreateGroupResponse.Outcome
        package var volumeCount: UInt64

        package init(
            outcome: ControlMessages.CreateGroupResponse.Outcome = .outcomeUnspecified,
            volumeCount: UInt64 = 0
        ) {
            self.outcome = outcome
            self.volumeCount = volumeCount
        }

        package static var messageName: String { "ashlar.control.v1.CreateGroupResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("outcome", .name(outcome.name)))
            found.append(MessageField("volumeCount", .unsigned(volumeCount)))
            return found
        }

        package enum Outcome: MessageEnum {
            case outcomeUnspecified
            case created
            case reconnected
            case existed
            /// A number that this version of the contract does not name.
            case unrecognized(Int32)

            package static var allCases: [Self] {
                [
                    .outcomeUnspecified,
                    .created,
                    .reconnected,
                    .existed,
                ]
            }

            package init(rawValue: Int32) {
                switch rawValue {
                case 0: self = .outcomeUnspecified
                case 1: self = .created
                case 2: self = .reconnected
                case 3: self = .existed
                default: self = .unrecognized(rawValue)
                }
            }

            package var rawValue: Int32 {
                switch self {
                case .outcomeUnspecified: 0
                case .created: 1
                case .reconnected: 2
                case .existed: 3
                case .unrecognized(let number): number
                }
            }

            package var name: String {
                switch self {
                case .outcomeUnspecified: "OUTCOME_UNSPECIFIED"
                case .created: "CREATED"
                case .reconnected: "RECONNECTED"
                case .existed: "EXISTED"
                case .unrecognized(let number): "\(number)"
                }
            }
        }
    }

    package struct DeleteGroupRequest: Message {
        package var label: String
        package var force: Bool

        package init(
            label: String = "",
            force: Bool = false
        ) {
            self.label = label
            self.force = force
        }

        package static var messageName: String { "ashlar.control.v1.DeleteGroupRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("label", .string(label)))
            found.append(MessageField("force", .bool(force)))
            return found
        }
    }

    package struct DeleteGroupResponse: Message {
        package var retained: Bool
        package var volumeCount: UInt64

        package init(
            retained: Bool = false,
            volumeCount: UInt64 = 0
        ) {
            self.retained = retained
            self.volumeCount = volumeCount
        }

        package static var messageName: String { "ashlar.control.v1.DeleteGroupResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("retained", .bool(retained)))
            found.append(MessageField("volumeCount", .unsigned(volumeCount)))
            return found
        }
    }

    package struct CreateSnapshotsRequest: Message {
        package var name: String
        package var volumeIDs: [String]

        package init(
            name: String = "",
            volumeIDs: [String] = []
        ) {
            self.name = name
            self.volumeIDs = volumeIDs
        }

        package static var messageName: String { "ashlar.control.v1.CreateSnapshotsRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("name", .string(name)))
            found.append(MessageField("volumeIds", .list(volumeIDs.map { .string($0) })))
            return found
        }
    }

    package struct CreateSnapshotsResponse: Message {
        package var snapshotIDs: [String]

        package init(
            snapshotIDs: [String] = []
        ) {
            self.snapshotIDs = snapshotIDs
        }

        package static var messageName: String { "ashlar.control.v1.CreateSnapshotsResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("snapshotIds", .list(snapshotIDs.map { .string($0) })))
            return found
        }
    }

    package struct DeleteSnapshotRequest: Message {
        package var subject: SubjectChoice?

        package init(
            subject: SubjectChoice? = nil
        ) {
            self.subject = subject
        }

        package static var messageName: String { "ashlar.control.v1.DeleteSnapshotRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            if case .snapshotID(let value) = subject {
                found.append(MessageField("snapshotId", .string(value)))
            }
            if case .cutID(let value) = subject {
                found.append(MessageField("cutId", .string(value)))
            }
            return found
        }

        package enum SubjectChoice: Sendable, Hashable {
            case snapshotID(String)
            case cutID(String)
        }
    }

    package struct DeleteSnapshotResponse: Message {
        package init() {}

        package static var messageName: String { "ashlar.control.v1.DeleteSnapshotResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
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

        package static var messageName: String { "ashlar.control.v1.RollBackVolumeRequest" }

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
        package init() {}

        package static var messageName: String { "ashlar.control.v1.RollBackVolumeResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }

    package struct CloneVolumeRequest: Message {
        package var source: SourceChoice?
        package var name: String
        package var sizeBytes: UInt64?

        package init(
            source: SourceChoice? = nil,
            name: String = "",
            sizeBytes: UInt64? = nil
        ) {
            self.source = source
            self.name = name
            self.sizeBytes = sizeBytes
        }

        package static var messageName: String { "ashlar.control.v1.CloneVolumeRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            if case .snapshotID(let value) = source {
                found.append(MessageField("snapshotId", .string(value)))
            }
            if case .volumeID(let value) = source {
                found.append(MessageField("volumeId", .string(value)))
            }
            found.append(MessageField("name", .string(name)))
            found.append(MessageField("sizeBytes", sizeBytes.map { .unsigned($0) } ?? .absent))
            return found
        }

        package enum SourceChoice: Sendable, Hashable {
            case snapshotID(String)
            case volumeID(String)
        }
    }

    package struct CloneVolumeResponse: Message {
        package var volumeID: String

        package init(
            volumeID: String = ""
        ) {
            self.volumeID = volumeID
        }

        package static var messageName: String { "ashlar.control.v1.CloneVolumeResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            return found
        }
    }

    package struct MakeEphemeralVolumeRequest: Message {
        package var handle: String
        package var attributes: [String: String]
        package var nodeID: String

        package init(
            handle: String = "",
            attributes: [String: String] = [:],
            nodeID: String = ""
        ) {
            self.handle = handle
            self.attributes = attributes
            self.nodeID = nodeID
        }

        package static var messageName: String { "ashlar.control.v1.MakeEphemeralVolumeRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("handle", .string(handle)))
            found.append(MessageField("attributes", .map(attributes)))
            found.append(MessageField("nodeId", .string(nodeID)))
            return found
        }
    }

    package struct MakeEphemeralVolumeResponse: Message {
        package var volumeID: String
        package var volumeContext: [String: String]
        package var publishContext: [String: String]

        package init(
            volumeID: String = "",
            volumeContext: [String: String] = [:],
            publishContext: [String: String] = [:]
        ) {
            self.volumeID = volumeID
            self.volumeContext = volumeContext
            self.publishContext = publishContext
        }

        package static var messageName: String { "ashlar.control.v1.MakeEphemeralVolumeResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            found.append(MessageField("volumeContext", .map(volumeContext)))
            found.append(MessageField("publishContext", .map(publishContext)))
            return found
        }
    }

    package struct GetEphemeralVolumeRequest: Message {
        package var handle: String

        package init(
            handle: String = ""
        ) {
            self.handle = handle
        }

        package static var messageName: String { "ashlar.control.v1.GetEphemeralVolumeRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("handle", .string(handle)))
            return found
        }
    }

    package struct GetEphemeralVolumeResponse: Message {
        package var volumeID: String

        package init(
            volumeID: String = ""
        ) {
            self.volumeID = volumeID
        }

        package static var messageName: String { "ashlar.control.v1.GetEphemeralVolumeResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("volumeId", .string(volumeID)))
            return found
        }
    }

    package struct RemoveEphemeralVolumeRequest: Message {
        package var handle: String

        package init(
            handle: String = ""
        ) {
            self.handle = handle
        }

        package static var messageName: String { "ashlar.control.v1.RemoveEphemeralVolumeRequest" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] {
            var found: [MessageField] = []
            found.append(MessageField("handle", .string(handle)))
            return found
        }
    }

    package struct RemoveEphemeralVolumeResponse: Message {
        package init() {}

        package static var messageName: String { "ashlar.control.v1.RemoveEphemeralVolumeResponse" }

        package init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
        package func encoded() -> [UInt8] { encode(self) }

        package var fields: [MessageField] { [] }
    }
}
