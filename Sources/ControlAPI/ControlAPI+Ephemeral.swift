import Base
import GRPCServer
import ProtobufRuntime
import Volumes

extension GRPCHandlers {
    /// ashlar.control.v1.EphemeralVolumes.
    public mutating func serveEphemeral(of volumes: any EphemeralVolumes) {
        typealias M = ControlMessages
        unary(M.Method.makeEphemeralVolume) { bytes, _ throws(Failure) in
            let request = try M.MakeEphemeralVolumeRequest(decoding: bytes)
            let made = try await volumes.make(request.handle, request.attributes, on: request.nodeID)
            return M.MakeEphemeralVolumeResponse(
                volumeID: made.id.description, volumeContext: made.volumeContext, publishContext: made.publishContext
            ).encoded()
        }
        unary(M.Method.getEphemeralVolume) { bytes, _ throws(Failure) in
            let id = try await volumes.volume(try M.GetEphemeralVolumeRequest(decoding: bytes).handle)
            return M.GetEphemeralVolumeResponse(volumeID: id?.description ?? "").encoded()
        }
        unary(M.Method.removeEphemeralVolume) { bytes, _ throws(Failure) in
            try await volumes.remove(try M.RemoveEphemeralVolumeRequest(decoding: bytes).handle)
            return M.RemoveEphemeralVolumeResponse().encoded()
        }
    }
}

/// Ephemeral volumes of a controller in another process. `unavailable` while it does not run.
public struct RemoteEphemeralVolumes: EphemeralVolumes {
    private static let timeoutSeconds = 60.0
    private let channel: GRPCChannel

    public init(_ channel: GRPCChannel) { self.channel = channel }

    public func make(
        _ handle: String, _ attributes: [String: String], on node: String
    ) async throws(Failure) -> EphemeralVolume {
        let bytes = try await call(
            ControlMessages.Method.makeEphemeralVolume,
            ControlMessages.MakeEphemeralVolumeRequest(handle: handle, attributes: attributes, nodeID: node))
        let reply = try ControlMessages.MakeEphemeralVolumeResponse(decoding: bytes)
        return EphemeralVolume(
            id: try identifier(reply.volumeID), volumeContext: reply.volumeContext, publishContext: reply.publishContext
        )
    }

    public func volume(_ handle: String) async throws(Failure) -> VolumeID? {
        let bytes = try await call(
            ControlMessages.Method.getEphemeralVolume, ControlMessages.GetEphemeralVolumeRequest(handle: handle))
        let text = try ControlMessages.GetEphemeralVolumeResponse(decoding: bytes).volumeID
        return text.isEmpty ? nil : try identifier(text)
    }

    public func remove(_ handle: String) async throws(Failure) {
        _ = try await call(
            ControlMessages.Method.removeEphemeralVolume, ControlMessages.RemoveEphemeralVolumeRequest(handle: handle))
    }

    private func call(_ method: String, _ request: some Message) async throws(Failure) -> [UInt8] {
        try await channel.call(method, request.encoded(), timeoutSeconds: Self.timeoutSeconds)
    }
}
