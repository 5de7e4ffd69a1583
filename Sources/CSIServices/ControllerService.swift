import Base
import CSIMessages
import Domain
import VolumeEngine
import Volumes

/// CSI Controller: validates, then calls the use cases. Keeps nothing itself.
public final class ControllerService: Sendable {
    let volumes: Volumes
    let settings: CSISettings

    public init(volumes: Volumes, settings: CSISettings) {
        self.volumes = volumes
        self.settings = settings
    }

    func getCapabilities(_ request: CSI.ControllerGetCapabilitiesRequest) -> CSI.ControllerGetCapabilitiesResponse {
        var types: [CSI.ControllerServiceCapability.RPC.Kind] = [
            .createDeleteVolume, .publishUnpublishVolume, .publishReadonly, .singleNodeMultiWriter, .expandVolume,
            .cloneVolume, .createDeleteSnapshot, .listSnapshots, .getSnapshot, .listVolumes,
            .listVolumesPublishedNodes, .getVolume, .getCapacity, .modifyVolume,
        ]
        if settings.contract >= .v13 { types += [.getVolumeHealth, .listVolumeHealth] }
        return CSI.ControllerGetCapabilitiesResponse(
            capabilities: types.map { .init(type: .rpc(.init(type: $0))) })
    }

    func createVolume(_ request: CSI.CreateVolumeRequest) async throws(Failure) -> CSI.CreateVolumeResponse {
        let wanted = try volumeRequest(request)
        do throws(Failure) { try checkTopology(request.accessibilityRequirements) } catch {
            // Another place is no other than another size: the name is taken.
            guard let known = try await volumes.catalogue.volume(named: wanted.name), known.phase.isUsable else {
                throw error
            }
            throw Failure(.conflict, "volume '\(wanted.name)' exists, and \(error.description); use another name")
        }
        let volume = try await volumes.create(wanted)
        return CSI.CreateVolumeResponse(volume: message(volume))
    }

    /// Everything that can be wrong with the request itself is found here, before anything is touched.
    private func volumeRequest(_ request: CSI.CreateVolumeRequest) throws(Failure) -> VolumeRequest {
        let name = try Fields.name(request.name, "name")
        guard !name.hasPrefix(EphemeralVolume.namePrefix) else {
            throw Failure(.invalid, "name: '\(EphemeralVolume.namePrefix)' begins the names of ephemeral volumes only")
        }
        let capabilities = try Fields.capabilities(request.volumeCapabilities)
        let parameters = try Parameters(request.parameters, mutable: request.mutableParameters)
        let plan = try VolumePlan(parameters, capabilities, settings)
        let range = try Fields.range(request.capacityRange)
        let size = try range.plan(filesystem: plan.filesystem)
        var wanted = VolumeRequest(
            name: name, group: plan.group, className: plan.className, sizeBytes: size, filesystem: plan.filesystem,
            capabilities: capabilities, parameters: parameters.given, mountOptions: plan.mountOptions,
            mkfsOptions: plan.mkfsOptions)
        if let source = request.volumeContentSource {
            wanted.source = try Fields.source(source)
            wanted.range = range
        }
        return wanted
    }

    /// The volume will be usable on the storage host only; one of the requisite topologies must be there.
    func checkTopology(_ requirement: CSI.TopologyRequirement?) throws(Failure) {
        guard let requisite = requirement?.requisite, !requisite.isEmpty else { return }
        guard requisite.contains(where: isHere) else {
            throw Failure(
                .exhausted,
                "no requisite topology has \(CSISettings.topologyKey)=\(settings.host), where the volumes are")
        }
    }

    func isHere(_ topology: CSI.Topology) -> Bool { topology.segments[CSISettings.topologyKey] == settings.host }

    func message(_ volume: Volume) -> CSI.Volume {
        CSI.Volume(
            capacityBytes: Int64(clamping: volume.sizeBytes), volumeID: volume.id.description,
            volumeContext: VolumeContext(volume.request).encoded,
            contentSource: volume.request.source.map { CSI.VolumeContentSource($0) },
            accessibleTopology: [CSI.Topology(segments: [CSISettings.topologyKey: settings.host])])
    }

    func deleteVolume(_ request: CSI.DeleteVolumeRequest) async throws(Failure) -> CSI.DeleteVolumeResponse {
        if let id = try Fields.volumeIDIfKnown(request.volumeID) { try await volumes.delete(id) }
        return CSI.DeleteVolumeResponse()
    }

    func expandVolume(
        _ request: CSI.ControllerExpandVolumeRequest
    ) async throws(Failure) -> CSI.ControllerExpandVolumeResponse {
        let idText = try Fields.text(request.volumeID, "volume_id")
        guard request.capacityRange != nil else { throw Fields.missing("capacity_range") }
        let range = try Fields.range(request.capacityRange)
        let capability = request.volumeCapability == nil ? nil : try Fields.capability(request.volumeCapability)
        let id = try Fields.volumeID(idText)
        if let capability, let problem = try await volumes.usableVolume(id).problem(with: capability) {
            throw Failure(.invalid, "volume \(id) \(problem)")
        }
        let volume = try await volumes.expand(id, to: range)
        return CSI.ControllerExpandVolumeResponse(
            capacityBytes: Int64(clamping: volume.sizeBytes),
            nodeExpansionRequired: !(capability?.isBlock ?? (volume.request.filesystem == nil)))
    }

    func getCapacity(_ request: CSI.GetCapacityRequest) async throws(Failure) -> CSI.GetCapacityResponse {
        let capabilities =
            request.volumeCapabilities.isEmpty ? [] : try Fields.capabilities(request.volumeCapabilities)
        let plan = try VolumePlan(try Parameters(request.parameters), capabilities, settings)
        if let topology = request.accessibleTopology, !isHere(topology) {
            return CSI.GetCapacityResponse(availableCapacity: 0)
        }
        let capacity: GroupCapacity
        do throws(Failure) { capacity = try await volumes.capacity(ofGroup: plan.group) } catch {
            // A group that is not there is a wrong parameter here.
            throw error.kind == .notFound ? Failure(.invalid, "parameters", cause: error) : error
        }
        return CSI.GetCapacityResponse(
            availableCapacity: Int64(clamping: capacity.availableBytes),
            maximumVolumeSize: Int64(clamping: capacity.totalBytes),
            minimumVolumeSize: Int64(plan.filesystem?.smallestBytes ?? CapacityRange.smallestBlockBytes))
    }
}

extension CSI.VolumeContentSource {
    init(_ source: Domain.VolumeSource) {
        switch source {
        case .snapshot(let id): self.init(type: .snapshot(.init(snapshotID: id.description)))
        case .volume(let id): self.init(type: .volume(.init(volumeID: id.description)))
        }
    }
}
