import Base
import Domain
import GRPCServer
import ProtobufRuntime
import Volumes

/// The messages of protos/ashlar_control.proto.
package enum ControlMessages {}

extension GRPCHandlers {
    /// Serves what the command line asks of the control plane: ashlar.control.v1.Groups and Snapshots.
    public mutating func serveControl(of volumes: Volumes) {
        typealias M = ControlMessages
        serveSnapshots(of: volumes)
        unary(M.Method.createGroup) { bytes, _ throws(Failure) in
            let order = try M.CreateGroupRequest(decoding: bytes).order
            let (outcome, volumeCount) = try await volumes.createGroup(order)
            return M.CreateGroupResponse(outcome: .init(outcome), volumeCount: UInt64(volumeCount)).encoded()
        }
        unary(M.Method.deleteGroup) { bytes, _ throws(Failure) in
            let request = try M.DeleteGroupRequest(decoding: bytes)
            let removal = try await volumes.deleteGroup(request.label, force: request.force)
            return M.DeleteGroupResponse(retained: removal.isRetained, volumeCount: UInt64(removal.volumeCount))
                .encoded()
        }
    }
}

/// The control plane of a running `serve` or `controller`. `unavailable` where there is none.
public struct ControlClient: Sendable {
    let channel: GRPCChannel
    let timeoutSeconds: Double

    /// - Parameter timeoutSeconds: for each call; deleting a group frees all of its data.
    public init(_ channel: GRPCChannel, timeoutSeconds: Double = 600) {
        self.channel = channel
        self.timeoutSeconds = timeoutSeconds
    }

    public func createGroup(
        _ order: GroupOrder
    ) async throws(Failure) -> (outcome: Volumes.GroupCreation, volumeCount: UInt64) {
        let request = ControlMessages.CreateGroupRequest(order)
        let bytes = try await channel.call(
            ControlMessages.Method.createGroup, request.encoded(), timeoutSeconds: timeoutSeconds)
        let reply = try ControlMessages.CreateGroupResponse(decoding: bytes)
        return (try reply.outcome.value, reply.volumeCount)
    }

    /// Whether the data is retained, and how many volumes the group had.
    public func deleteGroup(
        _ label: String, force: Bool
    ) async throws(Failure) -> (isRetained: Bool, volumeCount: UInt64) {
        let request = ControlMessages.DeleteGroupRequest(label: label, force: force)
        let bytes = try await channel.call(
            ControlMessages.Method.deleteGroup, request.encoded(), timeoutSeconds: timeoutSeconds)
        let reply = try ControlMessages.DeleteGroupResponse(decoding: bytes)
        return (reply.retained, reply.volumeCount)
    }
}

extension ControlMessages.CreateGroupRequest {
    init(_ order: GroupOrder) {
        self.init(
            label: order.label, profile: order.profile?.rawValue ?? "", protection: order.protection?.description ?? "",
            media: order.media?.map(\.rawValue) ?? [], anyMedia: order.media?.isEmpty ?? false,
            capacityBytes: order.capacityBytes, deletionPolicy: order.deletionPolicy?.rawValue ?? "",
            sliceBytes: order.sliceBytes)
    }

    var order: GroupOrder {
        get throws(Failure) {
            var found: [Media] = []
            for name in media { if let one = try word(name, Media.init(rawValue:), "medium") { found.append(one) } }
            return GroupOrder(
                label: label, profile: try word(profile, Profile.init(rawValue:), "profile"),
                protection: try word(protection, { Protection($0) }, "protection"),
                media: anyMedia || !found.isEmpty ? found : nil, capacityBytes: capacityBytes,
                deletionPolicy: try word(deletionPolicy, DeletionPolicy.init(rawValue:), "deletion policy"),
                sliceBytes: sliceBytes)
        }
    }

    /// Nil where nothing is said.
    private func word<T>(_ text: String, _ parse: (String) -> T?, _ what: String) throws(Failure) -> T? {
        if text.isEmpty { return nil }
        guard let value = parse(text) else { throw Failure(.invalid, "'\(text)' is no \(what)") }
        return value
    }
}

extension ControlMessages.CreateGroupResponse.Outcome {
    init(_ outcome: Volumes.GroupCreation) {
        switch outcome {
        case .created: self = .created
        case .reconnected: self = .reconnected
        case .existed: self = .existed
        }
    }

    var value: Volumes.GroupCreation {
        get throws(Failure) {
            switch self {
            case .created: .created
            case .reconnected: .reconnected
            case .existed: .existed
            case .outcomeUnspecified, .unrecognized: throw Failure(.internal, "unknown outcome \(name)")
            }
        }
    }
}
