import Base
import CSIMessages
import GRPCServer
import Glibc
import ProtobufRuntime

/// CSI over a socket, as an orchestrator speaks it.
struct CSIClient: Sendable {
    static let timeoutSeconds = 60.0
    let channel: GRPCChannel

    init(socketPath: String) throws(Failure) { channel = try GRPCChannel(socketPath: socketPath) }

    func call<Request: Message, Response: Message>(
        _ method: String, _ request: Request, _: Response.Type = Response.self
    ) async throws(Failure) -> Response {
        try Response(decoding: try await channel.call(method, request.encoded(), timeoutSeconds: Self.timeoutSeconds))
    }

    /// How the call ends.
    func status(_ method: String, _ request: some Message) async -> GRPCStatus {
        await channel.exchange(method, request.encoded(), timeoutSeconds: Self.timeoutSeconds).status
    }

    func probe() async throws(Failure) -> Bool {
        let bytes = try await channel.call(CSI.Method.probe, CSI.ProbeRequest().encoded(), timeoutSeconds: 2)
        return try CSI.ProbeResponse(decoding: bytes).ready == true
    }
}

enum Content: Sendable, Hashable, CaseIterable {
    case ext4, xfs, block

    var className: String { self == .xfs ? "bulk" : "fast" }

    var capability: CSI.VolumeCapability { capability(.singleNodeWriter) }

    func capability(_ mode: CSI.VolumeCapability.AccessMode.Mode) -> CSI.VolumeCapability {
        .init(
            accessType: self == .block ? .block(.init()) : .mount(.init(fsType: self == .ext4 ? "ext4" : "xfs")),
            accessMode: .init(mode: mode))
    }
}

/// One volume as the orchestrator remembers it, and its calls. Each may be repeated.
struct TestVolume: Sendable {
    var name: String
    var id: String
    var content: Content
    var sizeBytes: Int64
    var context: [String: String]
    /// Where it is staged, and where it is published first.
    var staging: String
    var target: String
    var mode: CSI.VolumeCapability.AccessMode.Mode = .singleNodeWriter
    var publishContext: [String: String] = [:]

    var capability: CSI.VolumeCapability { content.capability(mode) }

    static func request(
        _ name: String, _ content: Content, bytes: Int64, mode: CSI.VolumeCapability.AccessMode.Mode = .singleNodeWriter
    ) -> CSI.CreateVolumeRequest {
        CSI.CreateVolumeRequest(
            name: name, capacityRange: .init(requiredBytes: bytes), volumeCapabilities: [content.capability(mode)],
            parameters: ["class": content.className])
    }

    static func create(
        _ name: String, _ content: Content, bytes: Int64, on host: Host, _ csi: CSIClient,
        mode: CSI.VolumeCapability.AccessMode.Mode = .singleNodeWriter
    ) async throws -> TestVolume {
        let response: CSI.CreateVolumeResponse = try await csi.call(
            CSI.Method.createVolume, request(name, content, bytes: bytes, mode: mode))
        guard let volume = response.volume else { throw Failure(.internal, "CreateVolume answered no volume") }
        return TestVolume(
            name: name, id: volume.volumeID, content: content, sizeBytes: volume.capacityBytes,
            context: volume.volumeContext,
            staging: "\(host.directory)/stage/\(name)", target: "\(host.directory)/pods/\(name)/mount", mode: mode)
    }

    /// ControllerPublish, NodeStage, NodePublish.
    mutating func bringUp(_ csi: CSIClient, node: CSIClient? = nil) async throws(Failure) {
        try await publish(csi)
        try await stage(node ?? csi)
        try await nodePublish(node ?? csi)
    }

    /// NodeUnpublish, NodeUnstage, ControllerUnpublish.
    func takeDown(_ csi: CSIClient, node: CSIClient? = nil) async throws(Failure) {
        try await nodeUnpublish(node ?? csi)
        try await unstage(node ?? csi)
        try await unpublish(csi)
    }

    mutating func publish(_ csi: CSIClient) async throws(Failure) {
        publishContext = try await csi.call(
            CSI.Method.controllerPublishVolume,
            CSI.ControllerPublishVolumeRequest(
                volumeID: id, nodeID: Host.nodeID, volumeCapability: capability, volumeContext: context),
            CSI.ControllerPublishVolumeResponse.self
        ).publishContext
    }

    func unpublish(_ csi: CSIClient) async throws(Failure) {
        _ = try await csi.call(
            CSI.Method.controllerUnpublishVolume,
            CSI.ControllerUnpublishVolumeRequest(volumeID: id, nodeID: Host.nodeID),
            CSI.ControllerUnpublishVolumeResponse.self)
    }

    func stage(_ csi: CSIClient) async throws(Failure) {
        let parent = staging.prefix(upTo: staging.lastIndex(of: "/") ?? staging.endIndex)
        mkdir(String(parent), 0o700)
        _ = try await csi.call(CSI.Method.nodeStageVolume, stageRequest, CSI.NodeStageVolumeResponse.self)
    }

    var stageRequest: CSI.NodeStageVolumeRequest {
        CSI.NodeStageVolumeRequest(
            volumeID: id, publishContext: publishContext, stagingTargetPath: staging, volumeCapability: capability,
            volumeContext: context)
    }

    func unstage(_ csi: CSIClient) async throws(Failure) {
        _ = try await csi.call(
            CSI.Method.nodeUnstageVolume, CSI.NodeUnstageVolumeRequest(volumeID: id, stagingTargetPath: staging),
            CSI.NodeUnstageVolumeResponse.self)
    }

    func publishRequest(at path: String? = nil, readOnly: Bool = false) -> CSI.NodePublishVolumeRequest {
        CSI.NodePublishVolumeRequest(
            volumeID: id, publishContext: publishContext, stagingTargetPath: staging, targetPath: path ?? target,
            volumeCapability: capability, readonly: readOnly, volumeContext: context)
    }

    func nodePublish(_ csi: CSIClient, at path: String? = nil, readOnly: Bool = false) async throws(Failure) {
        _ = try await csi.call(
            CSI.Method.nodePublishVolume, publishRequest(at: path, readOnly: readOnly),
            CSI.NodePublishVolumeResponse.self)
    }

    func nodeUnpublish(_ csi: CSIClient, at path: String? = nil) async throws(Failure) {
        _ = try await csi.call(
            CSI.Method.nodeUnpublishVolume, CSI.NodeUnpublishVolumeRequest(volumeID: id, targetPath: path ?? target),
            CSI.NodeUnpublishVolumeResponse.self)
    }

    /// The size afterwards, and whether the node has to expand as well.
    func expand(_ csi: CSIClient, to bytes: Int64) async throws(Failure) -> CSI.ControllerExpandVolumeResponse {
        try await csi.call(
            CSI.Method.controllerExpandVolume,
            CSI.ControllerExpandVolumeRequest(
                volumeID: id, capacityRange: .init(requiredBytes: bytes), volumeCapability: capability))
    }

    func nodeExpand(_ csi: CSIClient, to bytes: Int64) async throws(Failure) -> CSI.NodeExpandVolumeResponse {
        try await csi.call(
            CSI.Method.nodeExpandVolume,
            CSI.NodeExpandVolumeRequest(
                volumeID: id, volumePath: target, capacityRange: .init(requiredBytes: bytes),
                stagingTargetPath: staging,
                volumeCapability: capability))
    }

    func stats(_ csi: CSIClient, at path: String? = nil) async throws(Failure) -> CSI.NodeGetVolumeStatsResponse {
        try await csi.call(
            CSI.Method.nodeGetVolumeStats, CSI.NodeGetVolumeStatsRequest(volumeID: id, volumePath: path ?? target))
    }

    func delete(_ csi: CSIClient) async throws(Failure) {
        _ = try await csi.call(
            CSI.Method.deleteVolume, CSI.DeleteVolumeRequest(volumeID: id), CSI.DeleteVolumeResponse.self)
    }
}
