import Base
import GRPCServer
import ProtobufRuntime
import VolumeEngine

extension GRPCHandlers {
    /// What differs between snapshots, as fast as the caller takes it.
    mutating func serveChanges(of engine: any VolumeEngine) {
        typealias M = EngineMessages
        streaming(M.Method.listChangedRanges) { bytes, _, replies throws(Failure) in
            let request = try M.ListChangedRangesRequest(decoding: bytes)
            let snapshot = try snapshotID(request.snapshotID)
            let base = request.baseSnapshotID.isEmpty ? nil : try snapshotID(request.baseSnapshotID)
            try await engine.changedRanges(of: snapshot, since: base, from: request.offset) {
                (ranges) throws(Failure) in
                try await replies.send(M.ListChangedRangesResponse(ranges).encoded())
            }
        }
    }
}

extension EngineMessages.ListChangedRangesResponse {
    init(_ ranges: [ByteRange]) {
        self.init(ranges: ranges.map { Range(offset: $0.offset, length: $0.length) })
    }

    var value: [ByteRange] { ranges.map { ByteRange(offset: $0.offset, length: $0.length) } }
}
