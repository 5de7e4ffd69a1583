import Base
import CSIMessages
import Domain
import ProtobufRuntime
import Volumes

/// CSI GroupController: snapshots of several volumes at one moment, or none of them.
public final class GroupControllerService: Sendable {
    private let volumes: Volumes
    private let settings: CSISettings

    public init(volumes: Volumes, settings: CSISettings) {
        self.volumes = volumes
        self.settings = settings
    }

    func getCapabilities(
        _ request: CSI.GroupControllerGetCapabilitiesRequest
    ) -> CSI.GroupControllerGetCapabilitiesResponse {
        CSI.GroupControllerGetCapabilitiesResponse(capabilities: [
            .init(type: .rpc(.init(type: .createDeleteGetVolumeGroupSnapshot)))
        ])
    }

    func create(
        _ request: CSI.CreateVolumeGroupSnapshotRequest
    ) async throws(Failure) -> CSI.CreateVolumeGroupSnapshotResponse {
        let name = try Fields.name(request.name, "name")
        guard !request.sourceVolumeIDs.isEmpty else { throw Fields.missing("source_volume_ids") }
        try SnapshotParameters.check(request.parameters)
        var sources: [VolumeID] = []
        for text in request.sourceVolumeIDs {
            let id = try Fields.volumeID(try Fields.text(text, "source_volume_ids"))
            if !sources.contains(id) { sources.append(id) }
        }
        let made = try await volumes.createGroupSnapshot(name, of: sources)
        return CSI.CreateVolumeGroupSnapshotResponse(groupSnapshot: try message(made))
    }

    /// A member that is named and is none is refused before anything is deleted. One that is not named goes as well: they live and die together.
    func delete(
        _ request: CSI.DeleteVolumeGroupSnapshotRequest
    ) async throws(Failure) -> CSI.DeleteVolumeGroupSnapshotResponse {
        let text = try Fields.text(request.groupSnapshotID, "group_snapshot_id")
        guard let id = CutID(text) else { return CSI.DeleteVolumeGroupSnapshotResponse() }
        let known = try await volumes.catalogue.snapshots(ofCut: id)
        if known.isEmpty { return CSI.DeleteVolumeGroupSnapshotResponse() }
        try checkMembers(request.snapshotIDs, known)
        try await volumes.deleteGroupSnapshot(id)
        return CSI.DeleteVolumeGroupSnapshotResponse()
    }

    func get(
        _ request: CSI.GetVolumeGroupSnapshotRequest
    ) async throws(Failure) -> CSI.GetVolumeGroupSnapshotResponse {
        let text = try Fields.text(request.groupSnapshotID, "group_snapshot_id")
        guard let id = CutID(text) else { throw Failure(.notFound, "there is no group snapshot '\(text)'") }
        let found = try await volumes.usableCut(id)
        try checkMembers(request.snapshotIDs, found)
        return CSI.GetVolumeGroupSnapshotResponse(groupSnapshot: try message(found))
    }

    /// Where members are named they must be all of them.
    private func checkMembers(_ named: [String], _ known: [Snapshot]) throws(Failure) {
        if named.isEmpty { return }
        let members = Set(known.map(\.id.description))
        guard Set(named) == members else {
            throw Failure(
                .invalid,
                "snapshot_ids are not the members of the group snapshot: those are \(members.sorted().joined(separator: ", "))"
            )
        }
    }

    private func message(_ snapshots: [Snapshot]) throws(Failure) -> CSI.VolumeGroupSnapshot {
        guard let first = snapshots.first, let cut = first.cut else {
            throw Failure(.internal, "a group snapshot without members")
        }
        return CSI.VolumeGroupSnapshot(
            groupSnapshotID: cut.id.description, snapshots: snapshots.map { CSI.Snapshot($0, on: settings.host) },
            creationTime: Timestamp(seconds: first.createdAt), readyToUse: true)
    }
}
