import Base
import ProtobufRuntime
import VolumeEngine

extension RemoteVolumeEngine {
    public func volumeSpace(_ id: VolumeID) async throws(Failure) -> VolumeSpace {
        let request = EngineMessages.GetVolumeSpaceRequest(volumeID: id.description)
        let reply: EngineMessages.GetVolumeSpaceResponse = try await client.call(
            EngineMessages.Method.getVolumeSpace, request)
        return try understood { () throws(Failure) in try required(reply.volume, "volume").value }
    }

    public func volumeSpaces() async throws(Failure) -> [VolumeSpace] {
        var found: [VolumeSpace] = []
        let pages = client.stream(EngineMessages.Method.listVolumeSpaces, EngineMessages.ListVolumeSpacesRequest())
        for try await bytes in pages {
            found += try understood { () throws(Failure) in
                var page: [VolumeSpace] = []
                for volume in try EngineMessages.ListVolumeSpacesResponse(decoding: bytes).volumes {
                    page.append(try volume.value)
                }
                return page
            }
        }
        return found
    }

    public func poolSpace() async throws(Failure) -> PoolSpace {
        let reply: EngineMessages.GetPoolSpaceResponse = try await client.call(
            EngineMessages.Method.getPoolSpace, EngineMessages.GetPoolSpaceRequest())
        return try understood { () throws(Failure) in try reply.value }
    }
}
