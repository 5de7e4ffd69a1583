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
        handlers.register(CSI.Method.listVolumes) { request throws(Failure) in try await self.listVolumes(request) }
        handlers.register(CSI.Method.controllerGetVolume) { request throws(Failure) in
            try await self.getVolume(request)
        }
        handlers.register(CSI.Method.controllerModifyVolume) { request throws(Failure) in
            try await self.modifyVolume(request)
        }
        handlers.register(CSI.Method.controllerListVolumeHealth) { request throws(Failure) in
            try await self.listVolumeHealth(request)
        }
        handlers.register(CSI.Method.controllerGetVolumeHealth) { request throws(Failure) in
            try await self.getVolumeHealth(request)
        }
        handlers.register(CSI.Method.createSnapshot) { request throws(Failure) in
            try await self.createSnapshot(request)
        }
        handlers.register(CSI.Method.deleteSnapshot) { request throws(Failure) in
            try await self.deleteSnapshot(request)
        }
        handlers.register(CSI.Method.listSnapshots) { request throws(Failure) in
            try await self.listSnapshots(request)
        }
        handlers.register(CSI.Method.getSnapshot) { request throws(Failure) in try await self.getSnapshot(request) }
        handlers.register(CSI.Method.getCapacity) { request throws(Failure) in try await self.getCapacity(request) }
        handlers.register(CSI.Method.controllerExpandVolume) { request throws(Failure) in
            try await self.expandVolume(request)
        }
    }
}

extension GroupControllerService {
    public func register(in handlers: inout GRPCHandlers) {
        handlers.register(CSI.Method.groupControllerGetCapabilities) { request in self.getCapabilities(request) }
        handlers.register(CSI.Method.createVolumeGroupSnapshot) { request throws(Failure) in
            try await self.create(request)
        }
        handlers.register(CSI.Method.deleteVolumeGroupSnapshot) { request throws(Failure) in
            try await self.delete(request)
        }
        handlers.register(CSI.Method.getVolumeGroupSnapshot) { request throws(Failure) in try await self.get(request) }
    }
}

extension SnapshotMetadataService {
    public func register(in handlers: inout GRPCHandlers) {
        handlers.streaming(CSI.Method.getMetadataAllocated) { bytes, _, stream throws(Failure) in
            try await self.getAllocated(try CSI.GetMetadataAllocatedRequest(decoding: bytes), stream)
        }
        handlers.streaming(CSI.Method.getMetadataDelta) { bytes, _, stream throws(Failure) in
            try await self.getDelta(try CSI.GetMetadataDeltaRequest(decoding: bytes), stream)
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
        handlers.register(CSI.Method.nodeGetVolumeHealth) { request throws(Failure) in
            try await self.getVolumeHealth(request)
        }
        handlers.register(CSI.Method.nodeGetStorageHealth) { request in await self.getStorageHealth(request) }
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
