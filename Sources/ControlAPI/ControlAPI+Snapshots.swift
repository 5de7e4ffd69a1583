import Base
import Domain
import GRPCServer
import ProtobufRuntime
import Volumes

extension GRPCHandlers {
    /// ashlar.control.v1.Snapshots.
    mutating func serveSnapshots(of volumes: Volumes) {
        typealias M = ControlMessages
        unary(M.Method.createSnapshots) { bytes, _ throws(Failure) in
            let request = try M.CreateSnapshotsRequest(decoding: bytes)
            var ids: [VolumeID] = []
            for text in request.volumeIDs { ids.append(try identifier(text)) }
            let made =
                ids.count == 1
                ? [try await volumes.createSnapshot(request.name, of: ids[0])]
                : try await volumes.createGroupSnapshot(request.name, of: ids)
            return M.CreateSnapshotsResponse(snapshotIDs: made.map(\.id.description)).encoded()
        }
        unary(M.Method.deleteSnapshot) { bytes, _ throws(Failure) in
            switch try M.DeleteSnapshotRequest(decoding: bytes).subject {
            case .snapshotID(let id): try await volumes.deleteSnapshot(try identifier(id))
            case .cutID(let id): try await volumes.deleteGroupSnapshot(try identifier(id))
            case nil: throw Failure(.invalid, "no snapshot is named")
            }
            return M.DeleteSnapshotResponse().encoded()
        }
        unary(M.Method.rollBackVolume) { bytes, _ throws(Failure) in
            let request = try M.RollBackVolumeRequest(decoding: bytes)
            _ = try await volumes.rollBack(try identifier(request.volumeID), to: try identifier(request.snapshotID))
            return M.RollBackVolumeResponse().encoded()
        }
        unary(M.Method.cloneVolume) { bytes, _ throws(Failure) in
            let request = try M.CloneVolumeRequest(decoding: bytes)
            let source: VolumeSource
            switch request.source {
            case .snapshotID(let id): source = .snapshot(try identifier(id))
            case .volumeID(let id): source = .volume(try identifier(id))
            case nil: throw Failure(.invalid, "no source is named")
            }
            let volume = try await volumes.clone(source, as: request.name, sizeBytes: request.sizeBytes)
            return M.CloneVolumeResponse(volumeID: volume.id.description).encoded()
        }
    }
}

extension ControlClient {
    /// Of several volumes: one cut, which has the name.
    public func createSnapshots(_ name: String, of volumes: [VolumeID]) async throws(Failure) -> [SnapshotID] {
        let request = ControlMessages.CreateSnapshotsRequest(name: name, volumeIDs: volumes.map(\.description))
        let bytes = try await call(ControlMessages.Method.createSnapshots, request)
        var found: [SnapshotID] = []
        for text in try ControlMessages.CreateSnapshotsResponse(decoding: bytes).snapshotIDs {
            found.append(try identifier(text))
        }
        return found
    }

    public func deleteSnapshot(_ id: SnapshotID) async throws(Failure) {
        _ = try await call(
            ControlMessages.Method.deleteSnapshot,
            ControlMessages.DeleteSnapshotRequest(subject: .snapshotID(id.description)))
    }

    public func deleteCut(_ id: CutID) async throws(Failure) {
        _ = try await call(
            ControlMessages.Method.deleteSnapshot,
            ControlMessages.DeleteSnapshotRequest(subject: .cutID(id.description)))
    }

    public func rollBack(_ volume: VolumeID, to snapshot: SnapshotID) async throws(Failure) {
        _ = try await call(
            ControlMessages.Method.rollBackVolume,
            ControlMessages.RollBackVolumeRequest(volumeID: volume.description, snapshotID: snapshot.description))
    }

    /// `sizeBytes` nil: the source's.
    public func clone(_ source: VolumeSource, as name: String, sizeBytes: UInt64?) async throws(Failure) -> VolumeID {
        let choice: ControlMessages.CloneVolumeRequest.SourceChoice =
            switch source {
            case .snapshot(let id): .snapshotID(id.description)
            case .volume(let id): .volumeID(id.description)
            }
        let bytes = try await call(
            ControlMessages.Method.cloneVolume,
            ControlMessages.CloneVolumeRequest(source: choice, name: name, sizeBytes: sizeBytes))
        return try identifier(try ControlMessages.CloneVolumeResponse(decoding: bytes).volumeID)
    }

    private func call(_ method: String, _ request: some Message) async throws(Failure) -> [UInt8] {
        try await channel.call(method, request.encoded(), timeoutSeconds: timeoutSeconds)
    }
}

func identifier<ID: UniqueID>(_ text: String) throws(Failure) -> ID {
    guard let id = ID(text) else { throw Failure(.invalid, "'\(text)' is not an id") }
    return id
}
