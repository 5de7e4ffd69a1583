import Base
import CSIMessages
import Domain
import VolumeEngine
import Volumes

extension ControllerService {
    func publishVolume(
        _ request: CSI.ControllerPublishVolumeRequest
    ) async throws(Failure) -> CSI.ControllerPublishVolumeResponse {
        let idText = try Fields.text(request.volumeID, "volume_id")
        let node = try Fields.text(request.nodeID, "node_id")
        let capability = try Fields.capability(request.volumeCapability)
        let id = try Fields.volumeID(idText)
        if let problem = try await volumes.usableVolume(id).problem(with: capability) {
            throw Failure(.invalid, "volume \(id) \(problem)")
        }
        let publication = try await volumes.publish(
            id, to: node, mode: capability.mode, readOnly: request.readonly || capability.mode.isReadOnly)
        return CSI.ControllerPublishVolumeResponse(publishContext: PublishContext(publication).encoded)
    }

    func unpublishVolume(
        _ request: CSI.ControllerUnpublishVolumeRequest
    ) async throws(Failure) -> CSI.ControllerUnpublishVolumeResponse {
        let id = try Fields.volumeIDIfKnown(request.volumeID)
        let node = request.nodeID.isEmpty ? nil : try Fields.text(request.nodeID, "node_id")
        if let id { try await volumes.unpublish(id, from: node) }
        return CSI.ControllerUnpublishVolumeResponse()
    }

    func validateCapabilities(
        _ request: CSI.ValidateVolumeCapabilitiesRequest
    ) async throws(Failure) -> CSI.ValidateVolumeCapabilitiesResponse {
        let idText = try Fields.text(request.volumeID, "volume_id")
        guard !request.volumeCapabilities.isEmpty else { throw Fields.missing("volume_capabilities") }
        let volume = try await volumes.usableVolume(try Fields.volumeID(idText))
        let limits = try await volumes.engine.volume(volume.id).limits
        if let problem = problem(with: request, of: volume, limits) {
            return CSI.ValidateVolumeCapabilitiesResponse(message: problem)
        }
        return CSI.ValidateVolumeCapabilitiesResponse(
            confirmed: .init(
                volumeContext: request.volumeContext, volumeCapabilities: request.volumeCapabilities,
                parameters: request.parameters, mutableParameters: request.mutableParameters))
    }

    /// What is not offered is no error here: it is what the caller wants to know.
    private func problem(
        with request: CSI.ValidateVolumeCapabilitiesRequest, of volume: Volume, _ limits: VolumeLimits
    ) -> String? {
        do throws(Failure) {
            for capability in try Fields.capabilities(request.volumeCapabilities) {
                if let problem = volume.problem(with: capability) { return "the volume \(problem)" }
            }
            try Fields.map(request.parameters, "parameters")
            try Fields.map(request.mutableParameters, "mutable_parameters")
            if !request.parameters.isEmpty {
                let given = try Parameters(request.parameters.filter { !Parameters.isMutable($0.key) }).given
                if given != volume.request.parameters.filter({ !Parameters.isMutable($0.key) }) {
                    return "the volume was made with other parameters"
                }
            }
            // What may change is held against what is in force.
            let asked = request.parameters.filter { Parameters.isMutable($0.key) }
                .merging(request.mutableParameters.filter { !Parameters.ignored.contains($0.key) }) { $1 }
            if try limits.changed(by: asked) != limits { return "the volume has other mutable parameters by now" }
            if !request.volumeContext.isEmpty,
                try VolumeContext(decoding: request.volumeContext) != VolumeContext(volume.request)
            {
                return "the volume has another volume_context"
            }
            return nil
        } catch {
            return error.description
        }
    }
}

extension Volume {
    /// Why the volume cannot be used so; nil where it can. The mode need not be one it was made with: sidecars of different
    /// versions translate the same claim differently.
    func problem(with capability: AccessCapability) -> String? {
        if capability.isBlock {
            let isMeantTo = request.filesystem == nil || request.capabilities.contains(where: \.isBlock)
            return isMeantTo
                ? nil : "was made to be mounted as \(request.filesystem?.rawValue ?? "?"), not as a raw device"
        }
        guard let filesystem = request.filesystem else { return "was made as a raw device, it cannot be mounted" }
        if let other = capability.filesystem, other != filesystem {
            return "carries \(filesystem.rawValue), not \(other.rawValue)"
        }
        for flag in capability.flags {
            if let problem = filesystem.problem(withMountOption: flag) { return "refuses it: \(problem)" }
        }
        return nil
    }
}
