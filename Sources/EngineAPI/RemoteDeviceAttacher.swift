import Attach
import Base
import GRPCServer
import ProtobufRuntime

/// A data plane in another process on this node. Failures are as `RemoteVolumeEngine`'s.
public struct RemoteDeviceAttacher: DeviceAttacher {
    private let client: EngineClient

    /// - Parameter timeoutSeconds: for each call; a detach flushes first.
    public init(_ channel: GRPCChannel, timeoutSeconds: Double = 120) {
        client = EngineClient(channel: channel, timeoutSeconds: timeoutSeconds)
    }

    public func attach(_ id: VolumeID, epoch: UInt64, readOnly: Bool) async throws(Failure) -> AttachedDevice {
        let request = EngineMessages.AttachRequest(volumeID: id.description, epoch: epoch, readOnly: readOnly)
        let reply: EngineMessages.AttachResponse = try await client.call(EngineMessages.Method.attach, request)
        return try understood { () throws(Failure) in try required(reply.device, "device").value }
    }

    public func detach(_ id: VolumeID) async throws(Failure) {
        let request = EngineMessages.DetachRequest(volumeID: id.description)
        let _: EngineMessages.DetachResponse = try await client.call(EngineMessages.Method.detach, request)
    }

    public func attachment(_ id: VolumeID) async throws(Failure) -> AttachedDevice? {
        let request = EngineMessages.GetAttachmentRequest(volumeID: id.description)
        let reply: EngineMessages.GetAttachmentResponse = try await client.call(
            EngineMessages.Method.getAttachment, request)
        guard let device = reply.device else { return nil }
        return try understood { () throws(Failure) in try device.value }
    }

    public func refresh(_ id: VolumeID) async throws(Failure) -> AttachedDevice {
        let request = EngineMessages.RefreshRequest(volumeID: id.description)
        let reply: EngineMessages.RefreshResponse = try await client.call(EngineMessages.Method.refresh, request)
        return try understood { () throws(Failure) in try required(reply.device, "device").value }
    }
}

/// Calls with messages in place of bytes.
struct EngineClient: Sendable {
    let channel: GRPCChannel
    let timeoutSeconds: Double

    func call<Reply: Message>(_ method: String, _ request: some Message) async throws(Failure) -> Reply {
        let bytes = try await channel.call(method, request.encoded(), timeoutSeconds: timeoutSeconds)
        return try understood { () throws(Failure) in try Reply(decoding: bytes) }
    }

    func stream(_ method: String, _ request: some Message) -> GRPCStream {
        channel.stream(method, request.encoded(), timeoutSeconds: timeoutSeconds)
    }
}

/// What the engine answered must make sense; if not, that is not the caller's fault, as `invalid` would say.
func understood<T>(_ body: () throws(Failure) -> T) throws(Failure) -> T {
    do {
        return try body()
    } catch {
        throw Failure(
            .internal, "the engine's answer is not understood; are engine and caller of the same version?",
            cause: error)
    }
}
