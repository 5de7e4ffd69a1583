import Base
import ProtobufRuntime
import VolumeEngine

extension RemoteVolumeEngine {
    public func createSnapshots(_ wanted: [SnapshotRequest]) async throws(Failure) -> [EngineSnapshot] {
        let reply: EngineMessages.CreateSnapshotsResponse = try await client.call(
            EngineMessages.Method.createSnapshots, EngineMessages.CreateSnapshotsRequest(wanted))
        return try understood { () throws(Failure) in try Self.values(reply.snapshots) }
    }

    public func deleteSnapshot(_ id: SnapshotID) async throws(Failure) {
        let request = EngineMessages.DeleteSnapshotRequest(snapshotID: id.description)
        let _: EngineMessages.DeleteSnapshotResponse = try await client.call(
            EngineMessages.Method.deleteSnapshot, request)
    }

    public func snapshot(_ id: SnapshotID) async throws(Failure) -> EngineSnapshot {
        let request = EngineMessages.GetSnapshotRequest(snapshotID: id.description)
        let reply: EngineMessages.GetSnapshotResponse = try await client.call(
            EngineMessages.Method.getSnapshot, request)
        return try understood { () throws(Failure) in try required(reply.snapshot, "snapshot").value }
    }

    public func snapshots() async throws(Failure) -> [EngineSnapshot] {
        var found: [EngineSnapshot] = []
        let pages = client.stream(EngineMessages.Method.listSnapshots, EngineMessages.ListSnapshotsRequest())
        for try await bytes in pages {
            found += try understood { () throws(Failure) in
                try Self.values(try EngineMessages.ListSnapshotsResponse(decoding: bytes).snapshots)
            }
        }
        return found
    }

    public func rollBackVolume(_ id: VolumeID, to snapshot: SnapshotID) async throws(Failure) -> EngineVolume {
        let request = EngineMessages.RollBackVolumeRequest(
            volumeID: id.description, snapshotID: snapshot.description)
        let reply: EngineMessages.RollBackVolumeResponse = try await client.call(
            EngineMessages.Method.rollBackVolume, request)
        return try understood { () throws(Failure) in try required(reply.volume, "volume").value }
    }

    private static func values(_ messages: [EngineMessages.Snapshot]) throws(Failure) -> [EngineSnapshot] {
        var found: [EngineSnapshot] = []
        for message in messages { found.append(try message.value) }
        return found
    }
}
