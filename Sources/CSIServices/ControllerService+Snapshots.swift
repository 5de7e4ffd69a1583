import Base
import CSIMessages
import Domain
import ProtobufRuntime
import Volumes

extension ControllerService {
    private static let snapshotsList = "snapshots"

    func createSnapshot(_ request: CSI.CreateSnapshotRequest) async throws(Failure) -> CSI.CreateSnapshotResponse {
        let name = try Fields.name(request.name, "name")
        let source = try Fields.text(request.sourceVolumeID, "source_volume_id")
        try SnapshotParameters.check(request.parameters)
        try checkTopology(request.accessibilityRequirements)
        let snapshot = try await volumes.createSnapshot(name, of: try Fields.volumeID(source))
        return CSI.CreateSnapshotResponse(snapshot: message(snapshot))
    }

    func deleteSnapshot(_ request: CSI.DeleteSnapshotRequest) async throws(Failure) -> CSI.DeleteSnapshotResponse {
        let text = try Fields.text(request.snapshotID, "snapshot_id")
        guard let id = SnapshotID(text) else { return CSI.DeleteSnapshotResponse() }
        // CSI 1.13, DeleteSnapshot, "Snapshot is part of a group".
        if let cut = try await volumes.catalogue.snapshot(id)?.cut {
            throw Failure(.invalid, "snapshot \(id) is of the group snapshot \(cut.id): delete that, with all of it")
        }
        try await volumes.deleteSnapshot(id)
        return CSI.DeleteSnapshotResponse()
    }

    func getSnapshot(_ request: CSI.GetSnapshotRequest) async throws(Failure) -> CSI.GetSnapshotResponse {
        let id = try Fields.snapshotID(request.snapshotID, "snapshot_id")
        return CSI.GetSnapshotResponse(snapshot: message(try await volumes.usableSnapshot(id)))
    }

    /// An id that is unknown makes an empty list.
    func listSnapshots(_ request: CSI.ListSnapshotsRequest) async throws(Failure) -> CSI.ListSnapshotsResponse {
        let limit = try PageToken.limit(request.maxEntries)
        let after = try PageToken.number(Self.snapshotsList, request.startingToken)
        let volume = VolumeID(request.sourceVolumeID)
        if !request.sourceVolumeID.isEmpty, volume == nil { return CSI.ListSnapshotsResponse() }
        if !request.snapshotID.isEmpty { return try await listOne(request.snapshotID, of: volume) }
        let page = try await volumes.listSnapshots(after: after, limit: limit, of: volume)
        return CSI.ListSnapshotsResponse(
            entries: page.entries.map { .init(snapshot: message($0)) },
            nextToken: page.next.map { PageToken.encode(Self.snapshotsList, $0) } ?? "")
    }

    private func listOne(_ text: String, of volume: VolumeID?) async throws(Failure) -> CSI.ListSnapshotsResponse {
        guard let id = SnapshotID(text) else { return CSI.ListSnapshotsResponse() }
        do throws(Failure) {
            let snapshot = try await volumes.usableSnapshot(id)
            guard volume == nil || volume == snapshot.volume else { return CSI.ListSnapshotsResponse() }
            return CSI.ListSnapshotsResponse(entries: [.init(snapshot: message(snapshot))])
        } catch {
            guard error.kind == .notFound else { throw error }
            return CSI.ListSnapshotsResponse()
        }
    }

    func message(_ snapshot: Snapshot) -> CSI.Snapshot { CSI.Snapshot(snapshot, on: settings.host) }
}

extension CSI.Snapshot {
    init(_ snapshot: Snapshot, on host: String) {
        self.init(
            sizeBytes: Int64(clamping: snapshot.sizeBytes), snapshotID: snapshot.id.description,
            sourceVolumeID: snapshot.volume.description, creationTime: Timestamp(seconds: snapshot.createdAt),
            readyToUse: true, groupSnapshotID: snapshot.cut?.id.description ?? "",
            accessibleTopology: [CSI.Topology(segments: [CSISettings.topologyKey: host])])
    }
}

/// Parameters of a VolumeSnapshotClass: there are none yet, and a typo must not pass for one.
enum SnapshotParameters {
    static func check(_ parameters: [String: String]) throws(Failure) {
        try Fields.map(parameters, "parameters")
        // What external-snapshotter adds about the objects with `--extra-create-metadata`.
        let unknown = parameters.keys.filter { !$0.hasPrefix("csi.storage.k8s.io/") }.sorted()
        guard let first = unknown.first else { return }
        throw Failure(.invalid, "parameter '\(first)' is unknown; snapshots take none")
    }
}
