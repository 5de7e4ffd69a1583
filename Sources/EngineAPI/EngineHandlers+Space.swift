import Base
import GRPCServer
import ProtobufRuntime
import VolumeEngine

extension GRPCHandlers {
    /// What volumes, groups and the pool take.
    mutating func serveSpace(of engine: any VolumeEngine) {
        typealias M = EngineMessages
        answer(M.Method.getVolumeSpace) { (request: M.GetVolumeSpaceRequest) throws(Failure) in
            let space = try await engine.volumeSpace(try volumeID(request.volumeID))
            return M.GetVolumeSpaceResponse(volume: M.VolumeSpace(space))
        }
        streaming(M.Method.listVolumeSpaces) { bytes, _, replies throws(Failure) in
            _ = try M.ListVolumeSpacesRequest(decoding: bytes)
            let volumes = try await engine.volumeSpaces()
            for start in stride(from: 0, to: volumes.count, by: listedVolumeCountMax) {
                let page = volumes[start..<min(start + listedVolumeCountMax, volumes.count)]
                try await replies.send(M.ListVolumeSpacesResponse(volumes: page.map { M.VolumeSpace($0) }).encoded())
            }
        }
        answer(M.Method.getPoolSpace) { (_: M.GetPoolSpaceRequest) throws(Failure) in
            M.GetPoolSpaceResponse(try await engine.poolSpace())
        }
    }
}
