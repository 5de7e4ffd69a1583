import Base
import GRPCServer
import ProtobufRuntime
import VolumeEngine

extension RemoteVolumeEngine {
    /// Without a time limit, since `body` may take its time: it ends with the caller's task, or with the engine.
    public func changedRanges(
        of snapshot: SnapshotID, since base: SnapshotID?, from offset: UInt64,
        _ body: @Sendable ([ByteRange]) async throws(Failure) -> Void
    ) async throws(Failure) {
        let request = EngineMessages.ListChangedRangesRequest(
            snapshotID: snapshot.description, baseSnapshotID: base?.description ?? "", offset: offset)
        let pages = client.channel.stream(
            EngineMessages.Method.listChangedRanges, request.encoded(), timeoutSeconds: .infinity)
        for try await bytes in pages {
            let ranges = try understood { () throws(Failure) in
                try EngineMessages.ListChangedRangesResponse(decoding: bytes).value
            }
            try await body(ranges)
        }
    }
}
