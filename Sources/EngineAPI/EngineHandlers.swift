import Attach
import Base
import GRPCServer
import ProtobufRuntime
import VolumeEngine

extension GRPCHandlers {
    /// Serves the volume engine port: ashlar.engine.v1.Volumes.
    public mutating func serve(_ engine: any VolumeEngine) {
        typealias M = EngineMessages
        answer(M.Method.ensureGroup) { (request: M.EnsureGroupRequest) throws(Failure) in
            try await engine.ensureGroup(try required(request.group, "group").specification)
            return M.EnsureGroupResponse()
        }
        answer(M.Method.createVolume) { (request: M.CreateVolumeRequest) throws(Failure) in
            let id = try volumeID(request.volumeID)
            let volume = try await engine.createVolume(
                id, group: request.group, sizeBytes: request.sizeBytes, annotation: request.annotation,
                content: try request.begins)
            return M.CreateVolumeResponse(volume: M.Volume(volume))
        }
        answer(M.Method.deleteVolume) { (request: M.DeleteVolumeRequest) throws(Failure) in
            try await engine.deleteVolume(try volumeID(request.volumeID))
            return M.DeleteVolumeResponse()
        }
        answer(M.Method.resizeVolume) { (request: M.ResizeVolumeRequest) throws(Failure) in
            let volume = try await engine.resizeVolume(try volumeID(request.volumeID), to: request.sizeBytes)
            return M.ResizeVolumeResponse(volume: M.Volume(volume))
        }
        answer(M.Method.getVolume) { (request: M.GetVolumeRequest) throws(Failure) in
            M.GetVolumeResponse(volume: M.Volume(try await engine.volume(try volumeID(request.volumeID))))
        }
        serveList(of: engine)
        serveKeeping(of: engine)
        serveSnapshots(of: engine)
        serveSpace(of: engine)
        serveChanges(of: engine)
        answer(M.Method.raiseEpoch) { (request: M.RaiseEpochRequest) throws(Failure) in
            try await engine.raiseEpoch(try volumeID(request.volumeID), to: request.epoch)
            return M.RaiseEpochResponse()
        }
        answer(M.Method.markFormatted) { (request: M.MarkFormattedRequest) throws(Failure) in
            let formatted = try required(request.formatted, "formatted").value
            try await engine.markFormatted(try volumeID(request.volumeID), formatted)
            return M.MarkFormattedResponse()
        }
        answer(M.Method.getCapacity) { (request: M.GetCapacityRequest) throws(Failure) in
            let capacity = try await engine.capacity(ofGroup: request.group)
            return M.GetCapacityResponse(
                totalBytes: capacity.totalBytes, availableBytes: capacity.availableBytes, usedBytes: capacity.usedBytes)
        }
        answer(M.Method.getPoolStatus) { (_: M.GetPoolStatusRequest) throws(Failure) in
            M.GetPoolStatusResponse(try await engine.poolStatus())
        }
    }

    private mutating func serveKeeping(of engine: any VolumeEngine) {
        typealias M = EngineMessages
        answer(M.Method.annotateVolume) { (request: M.AnnotateVolumeRequest) throws(Failure) in
            try await engine.annotateVolume(try volumeID(request.volumeID), request.annotation)
            return M.AnnotateVolumeResponse()
        }
        answer(M.Method.setLimits) { (request: M.SetLimitsRequest) throws(Failure) in
            try await engine.setLimits(try volumeID(request.volumeID), request.limits?.value ?? .none)
            return M.SetLimitsResponse()
        }
        answer(M.Method.retainGroup) { (request: M.RetainGroupRequest) throws(Failure) in
            try await engine.retainGroup(request.label)
            return M.RetainGroupResponse()
        }
        answer(M.Method.deleteGroup) { (request: M.DeleteGroupRequest) throws(Failure) in
            try await engine.deleteGroup(request.label)
            return M.DeleteGroupResponse()
        }
        let pieces = CataloguePieces()
        answer(M.Method.storeCatalogue) { (request: M.StoreCatalogueRequest) throws(Failure) in
            guard let copy = try pieces.add(request) else { return M.StoreCatalogueResponse() }
            return M.StoreCatalogueResponse(version: try await engine.storeCatalogue(copy))
        }
    }

    private mutating func serveSnapshots(of engine: any VolumeEngine) {
        typealias M = EngineMessages
        answer(M.Method.createSnapshots) { (request: M.CreateSnapshotsRequest) throws(Failure) in
            let made = try await engine.createSnapshots(try request.wanted)
            return M.CreateSnapshotsResponse(snapshots: made.map { M.Snapshot($0) })
        }
        answer(M.Method.deleteSnapshot) { (request: M.DeleteSnapshotRequest) throws(Failure) in
            try await engine.deleteSnapshot(try snapshotID(request.snapshotID))
            return M.DeleteSnapshotResponse()
        }
        answer(M.Method.getSnapshot) { (request: M.GetSnapshotRequest) throws(Failure) in
            M.GetSnapshotResponse(snapshot: M.Snapshot(try await engine.snapshot(try snapshotID(request.snapshotID))))
        }
        answer(M.Method.rollBackVolume) { (request: M.RollBackVolumeRequest) throws(Failure) in
            let volume = try await engine.rollBackVolume(
                try volumeID(request.volumeID), to: try snapshotID(request.snapshotID))
            return M.RollBackVolumeResponse(volume: M.Volume(volume))
        }
        streaming(M.Method.listSnapshots) { bytes, _, replies throws(Failure) in
            _ = try M.ListSnapshotsRequest(decoding: bytes)
            let snapshots = try await engine.snapshots()
            for start in stride(from: 0, to: snapshots.count, by: listedVolumeCountMax) {
                let page = snapshots[start..<min(start + listedVolumeCountMax, snapshots.count)]
                try await replies.send(M.ListSnapshotsResponse(snapshots: page.map { M.Snapshot($0) }).encoded())
            }
        }
    }

    private mutating func serveList(of engine: any VolumeEngine) {
        streaming(EngineMessages.Method.listVolumes) { bytes, _, replies throws(Failure) in
            _ = try EngineMessages.ListVolumesRequest(decoding: bytes)
            let volumes = try await engine.volumes()
            for start in stride(from: 0, to: volumes.count, by: listedVolumeCountMax) {
                let page = volumes[start..<min(start + listedVolumeCountMax, volumes.count)]
                let message = EngineMessages.ListVolumesResponse(volumes: page.map { EngineMessages.Volume($0) })
                try await replies.send(message.encoded())
            }
        }
    }

    /// Serves the device attacher port: ashlar.engine.v1.Devices.
    public mutating func serve(_ attacher: any DeviceAttacher) {
        typealias M = EngineMessages
        answer(M.Method.attach) { (request: M.AttachRequest) throws(Failure) in
            let id = try volumeID(request.volumeID)
            let device = try await attacher.attach(id, epoch: request.epoch, readOnly: request.readOnly)
            return M.AttachResponse(device: M.Device(device))
        }
        answer(M.Method.detach) { (request: M.DetachRequest) throws(Failure) in
            try await attacher.detach(try volumeID(request.volumeID))
            return M.DetachResponse()
        }
        answer(M.Method.getAttachment) { (request: M.GetAttachmentRequest) throws(Failure) in
            let device = try await attacher.attachment(try volumeID(request.volumeID))
            return M.GetAttachmentResponse(device: device.map { M.Device($0) })
        }
        answer(M.Method.refresh) { (request: M.RefreshRequest) throws(Failure) in
            M.RefreshResponse(device: M.Device(try await attacher.refresh(try volumeID(request.volumeID))))
        }
    }

    mutating func answer<Request: Message, Reply: Message>(
        _ method: String, _ body: @escaping @Sendable (Request) async throws(Failure) -> Reply
    ) {
        unary(method) { bytes, _ throws(Failure) in try await body(try Request(decoding: bytes)).encoded() }
    }
}
