import Base
import CSIMessages
import GRPCServer
import ProtobufRuntime

/// Puts each served RPC in a server's table. What is not registered answers UNIMPLEMENTED, and is not advertised.
extension IdentityService {
    public func register(in handlers: inout GRPCHandlers) {
        handlers.register(CSI.Method.getPluginInfo) { request in self.getPluginInfo(request) }
        handlers.register(CSI.Method.getPluginCapabilities) { request in self.getPluginCapabilities(request) }
        handlers.register(CSI.Method.probe) { request in self.probe(request) }
    }
}

extension ControllerService {
    public func register(in handlers: inout GRPCHandlers) {
        handlers.register(CSI.Method.controllerGetCapabilities) { request in self.getCapabilities(request) }
        handlers.register(CSI.Method.createVolume) { request throws(Failure) in try await self.createVolume(request) }
        handlers.register(CSI.Method.deleteVolume) { request throws(Failure) in try await self.deleteVolume(request) }
        handlers.register(CSI.Method.controllerPublishVolume) { request throws(Failure) in
            try await self.publishVolume(request)
        }
        handlers.register(CSI.Method.controllerUnpublishVolume) { request throws(Failure) in
            try await self.unpublishVolume(request)
        }
        handlers.register(CSI.Method.validateVolumeCapabilities) { request throws(Failure) in
            try await self.validateCapabilities(request)
        }
        handlers.register(CSI.Method.getCapacity) { request throws(Failure) in try await self.getCapacity(request) }
        handlers.register(CSI.Method.controllerExpandVolume) { request throws(Failure) in
            try await self.expandVolume(request)
        }
    }
}

extension NodeService {
    public func register(in handlers: inout GRPCHandlers) {
        handlers.register(CSI.Method.nodeGetInfo) { request in self.getInfo(request) }
        handlers.register(CSI.Method.nodeGetCapabilities) { request in self.getCapabilities(request) }
        handlers.register(CSI.Method.nodeStageVolume) { request throws(Failure) in try await self.stageVolume(request) }
        handlers.register(CSI.Method.nodeUnstageVolume) { request throws(Failure) in
            try await self.unstageVolume(request)
        }
        handlers.register(CSI.Method.nodePublishVolume) { request throws(Failure) in
            try await self.publishVolume(request)
        }
        handlers.register(CSI.Method.nodeUnpublishVolume) { request throws(Failure) in
            try await self.unpublishVolume(request)
        }
        handlers.register(CSI.Method.nodeGetVolumeStats) { request throws(Failure) in
            try await self.getVolumeStats(request)
        }
        handlers.register(CSI.Method.nodeExpandVolume) { request throws(Failure) in
            try await self.expandVolume(request)
        }
    }
}

extension GRPCHandlers {
    fileprivate mutating func register<Request: Message, Response: Message>(
        _ method: String, _ body: @escaping @Sendable (Request) async throws(Failure) -> Response
    ) {
        unary(method) { (bytes, _) async throws(Failure) in
            try await body(try Request(decoding: bytes)).encoded()
        }
    }
}
