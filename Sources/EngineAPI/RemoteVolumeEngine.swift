import Base
import GRPCServer
import ProtobufRuntime
import VolumeEngine

/// An engine in another process. Failures keep their kind; `unavailable` where the engine cannot be reached,
/// `timedOut` where it does not answer in time (then the call may yet have its effect: repeat it).
public struct RemoteVolumeEngine: VolumeEngine {
    let client: EngineClient

    /// - Parameter timeoutSeconds: for each call.
    public init(_ channel: GRPCChannel, timeoutSeconds: Double = 120) {
        client = EngineClient(channel: channel, timeoutSeconds: timeoutSeconds)
    }

    public func ensureGroup(_ group: GroupSpecification) async throws(Failure) {
        let request = EngineMessages.EnsureGroupRequest(group: EngineMessages.Group(group))
        let _: EngineMessages.EnsureGroupResponse = try await client.call(EngineMessages.Method.ensureGroup, request)
    }

    public func createVolume(
        _ id: VolumeID, group: String, sizeBytes: UInt64, annotation: String, content: VolumeContent
    ) async throws(Failure) -> EngineVolume {
        let request = EngineMessages.CreateVolumeRequest(
            volumeID: id.description, group: group, sizeBytes: sizeBytes, annotation: annotation,
            content: EngineMessages.CreateVolumeRequest.choice(content))
        let reply: EngineMessages.CreateVolumeResponse = try await client.call(
            EngineMessages.Method.createVolume, request)
        return try understood { () throws(Failure) in try required(reply.volume, "volume").value }
    }

    public func retainGroup(_ label: String) async throws(Failure) {
        let request = EngineMessages.RetainGroupRequest(label: label)
        let _: EngineMessages.RetainGroupResponse = try await client.call(EngineMessages.Method.retainGroup, request)
    }

    public func deleteGroup(_ label: String) async throws(Failure) {
        let request = EngineMessages.DeleteGroupRequest(label: label)
        let _: EngineMessages.DeleteGroupResponse = try await client.call(EngineMessages.Method.deleteGroup, request)
    }

    public func annotateVolume(_ id: VolumeID, _ annotation: String) async throws(Failure) {
        let request = EngineMessages.AnnotateVolumeRequest(volumeID: id.description, annotation: annotation)
        let _: EngineMessages.AnnotateVolumeResponse = try await client.call(
            EngineMessages.Method.annotateVolume, request)
    }

    public func setLimits(_ id: VolumeID, _ limits: VolumeLimits) async throws(Failure) {
        let request = EngineMessages.SetLimitsRequest(
            volumeID: id.description, limits: EngineMessages.VolumeLimits(limits))
        let _: EngineMessages.SetLimitsResponse = try await client.call(EngineMessages.Method.setLimits, request)
    }

    public func deleteVolume(_ id: VolumeID) async throws(Failure) {
        let request = EngineMessages.DeleteVolumeRequest(volumeID: id.description)
        let _: EngineMessages.DeleteVolumeResponse = try await client.call(EngineMessages.Method.deleteVolume, request)
    }

    public func resizeVolume(_ id: VolumeID, to sizeBytes: UInt64) async throws(Failure) -> EngineVolume {
        let request = EngineMessages.ResizeVolumeRequest(volumeID: id.description, sizeBytes: sizeBytes)
        let reply: EngineMessages.ResizeVolumeResponse = try await client.call(
            EngineMessages.Method.resizeVolume, request)
        return try understood { () throws(Failure) in try required(reply.volume, "volume").value }
    }

    public func volume(_ id: VolumeID) async throws(Failure) -> EngineVolume {
        let request = EngineMessages.GetVolumeRequest(volumeID: id.description)
        let reply: EngineMessages.GetVolumeResponse = try await client.call(EngineMessages.Method.getVolume, request)
        return try understood { () throws(Failure) in try required(reply.volume, "volume").value }
    }

    public func volumes() async throws(Failure) -> [EngineVolume] {
        var found: [EngineVolume] = []
        for try await bytes in client.stream(EngineMessages.Method.listVolumes, EngineMessages.ListVolumesRequest()) {
            found += try understood { () throws(Failure) in
                var page: [EngineVolume] = []
                for volume in try EngineMessages.ListVolumesResponse(decoding: bytes).volumes {
                    page.append(try volume.value)
                }
                return page
            }
        }
        return found
    }

    public func raiseEpoch(_ id: VolumeID, to epoch: UInt64) async throws(Failure) {
        let request = EngineMessages.RaiseEpochRequest(volumeID: id.description, epoch: epoch)
        let _: EngineMessages.RaiseEpochResponse = try await client.call(EngineMessages.Method.raiseEpoch, request)
    }

    public func markFormatted(_ id: VolumeID, _ formatted: Formatted) async throws(Failure) {
        let request = EngineMessages.MarkFormattedRequest(
            volumeID: id.description, formatted: EngineMessages.Formatted(formatted))
        let _: EngineMessages.MarkFormattedResponse = try await client.call(
            EngineMessages.Method.markFormatted, request)
    }

    public func capacity(ofGroup label: String) async throws(Failure) -> GroupCapacity {
        let request = EngineMessages.GetCapacityRequest(group: label)
        let reply: EngineMessages.GetCapacityResponse = try await client.call(
            EngineMessages.Method.getCapacity, request)
        return GroupCapacity(
            totalBytes: reply.totalBytes, availableBytes: reply.availableBytes, usedBytes: reply.usedBytes)
    }

    public func poolStatus() async throws(Failure) -> PoolStatus {
        let reply: EngineMessages.GetPoolStatusResponse = try await client.call(
            EngineMessages.Method.getPoolStatus, EngineMessages.GetPoolStatusRequest())
        return try understood { () throws(Failure) in try reply.value }
    }

    /// Bytes of one piece; well below what a message may have.
    private static let pieceBytes = 4 << 20

    public func storeCatalogue(_ copy: [UInt8]) async throws(Failure) -> UInt64 {
        let upload = VolumeID.random().description
        var offset = 0
        while true {
            let end = min(offset + Self.pieceBytes, copy.count)
            let request = EngineMessages.StoreCatalogueRequest(
                uploadID: upload, offset: UInt64(offset), totalBytes: UInt64(copy.count),
                piece: Array(copy[offset..<end]))
            let reply: EngineMessages.StoreCatalogueResponse = try await client.call(
                EngineMessages.Method.storeCatalogue, request)
            offset = end
            if offset == copy.count { return reply.version }
        }
    }
}
