import Base
import CSIMessages
import Domain
import Volumes

extension ControllerService {
    private static let volumesList = "volumes"
    private static let healthList = "health"

    func listVolumes(_ request: CSI.ListVolumesRequest) async throws(Failure) -> CSI.ListVolumesResponse {
        let limit = try PageToken.limit(request.maxEntries)
        let after = try PageToken.number(Self.volumesList, request.startingToken)
        let page = try await volumes.list(after: after, limit: limit)
        return CSI.ListVolumesResponse(
            entries: page.entries.map { entry in
                .init(volume: message(entry.volume), status: .init(publishedNodeIDs: entry.nodes))
            },
            nextToken: page.next.map { PageToken.encode(Self.volumesList, $0) } ?? "")
    }

    func getVolume(
        _ request: CSI.ControllerGetVolumeRequest
    ) async throws(Failure) -> CSI.ControllerGetVolumeResponse {
        let found = try await volumes.published(try Fields.volumeID(request.volumeID))
        return CSI.ControllerGetVolumeResponse(
            volume: message(found.volume), status: .init(publishedNodeIDs: found.nodes))
    }

    func modifyVolume(
        _ request: CSI.ControllerModifyVolumeRequest
    ) async throws(Failure) -> CSI.ControllerModifyVolumeResponse {
        let idText = try Fields.text(request.volumeID, "volume_id")
        guard !request.mutableParameters.isEmpty else { throw Fields.missing("mutable_parameters") }
        try Fields.map(request.mutableParameters, "mutable_parameters")
        // The resizer adds about the claim what the provisioner does.
        let asked = request.mutableParameters.filter { !Parameters.ignored.contains($0.key) }
        try await volumes.modify(try Fields.volumeID(idText), asked)
        return CSI.ControllerModifyVolumeResponse()
    }

    // MARK: Health

    func listVolumeHealth(
        _ request: CSI.ControllerListVolumeHealthRequest
    ) async throws(Failure) -> CSI.ControllerListVolumeHealthResponse {
        let limit = try PageToken.limit(request.maxEntries)
        let after = try PageToken.decode(Self.healthList, request.startingToken) { VolumeID($0) }
        let (problems, isMore) = try await volumes.problems(after: after, limit: limit)
        return CSI.ControllerListVolumeHealthResponse(
            entries: problems.map { CSI.VolumeHealth($0.volume, [.init($0)]) },
            nextToken: isMore ? problems.last.map { PageToken.encode(Self.healthList, $0.volume) } ?? "" : "")
    }

    func getVolumeHealth(
        _ request: CSI.ControllerGetVolumeHealthRequest
    ) async throws(Failure) -> CSI.ControllerGetVolumeHealthResponse {
        let id = try Fields.volumeID(request.volumeID)
        let problem = try await volumes.problem(of: id)
        return CSI.ControllerGetVolumeHealthResponse(volumeHealth: .init(id, problem.map { [.init($0)] } ?? []))
    }
}

extension CSI.VolumeHealth {
    /// No statuses: healthy.
    init(_ id: VolumeID, _ statuses: [VolumeHealthEntry]) {
        self.init(volumeID: id.description, healthStatuses: statuses)
    }
}

extension CSI.VolumeHealth.VolumeHealthEntry {
    init(_ problem: VolumeProblem) {
        switch problem.health {
        case .failed: self.init(status: .dataLoss, reason: "BlocksLost", message: problem.reason)
        case .degraded, .ready: self.init(status: .degraded, reason: "RedundancyReduced", message: problem.reason)
        }
    }
}
