import Base
import Synchronization
import VolumeEngine

/// Puts the copy of a catalogue together from its pieces. One at a time: a new upload makes an unfinished one be forgotten.
final class CataloguePieces: Sendable {
    private struct State {
        var upload = ""
        var bytes: [UInt8] = []
    }

    private let state = Mutex(State())

    /// The whole copy once its last piece is there. `invalid` where a piece is too much, or is not the next one.
    func add(_ request: EngineMessages.StoreCatalogueRequest) throws(Failure) -> [UInt8]? {
        guard !request.uploadID.isEmpty, request.totalBytes <= UInt64(catalogueBytesMax) else {
            throw Failure(
                .invalid,
                "a catalogue of \(request.totalBytes) bytes is not kept: an id, and at most \(catalogueBytesMax)")
        }
        let result: Result<[UInt8]?, Failure> = state.withLock { state in
            if request.offset == 0 { state = State(upload: request.uploadID) }
            guard state.upload == request.uploadID, request.offset == UInt64(state.bytes.count),
                request.offset + UInt64(request.piece.count) <= request.totalBytes
            else {
                return .failure(
                    Failure(.invalid, "a piece of a catalogue is not the next one of its upload: begin again"))
            }
            state.bytes += request.piece
            guard state.bytes.count == Int(request.totalBytes) else { return .success(nil) }
            defer { state = State() }
            return .success(state.bytes)
        }
        return try result.get()
    }
}
