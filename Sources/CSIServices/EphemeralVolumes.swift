import Base
import CSIMessages
import Domain
import Volumes

/// What a pod may say of its ephemeral volume; anything else is refused.
enum EphemeralAttributes {
    static let key = "csi.storage.k8s.io/ephemeral"
    private static let size = "size"
    private static let allowed: Set<String> = [Parameters.Key.className.rawValue, Parameters.Key.filesystem.rawValue]

    /// Of a volume_context.
    static func isMeant(_ context: [String: String]) -> Bool { context[key] == "true" }

    /// The size, nil where none is said, and the parameters of a class.
    static func parse(
        _ attributes: [String: String]
    ) throws(Failure) -> (sizeBytes: UInt64?, parameters: [String: String]) {
        try Fields.map(attributes, "volume_context")
        var parameters: [String: String] = [:]
        var sizeBytes: UInt64?
        // What kubelet adds about the pod.
        for (name, value) in attributes.sorted(by: { $0.key < $1.key }) where !name.hasPrefix("csi.storage.k8s.io/") {
            if name == size {
                guard let bytes = ByteSize.parse(value), bytes > 0 else {
                    throw Failure(.invalid, "attribute 'size': '\(value)' is no size, such as 1Gi")
                }
                sizeBytes = bytes
            } else if allowed.contains(name) {
                parameters[name] = value
            } else {
                throw Failure(
                    .invalid,
                    "attribute '\(name)' is not for ephemeral volumes; known: \((allowed.sorted() + [size]).joined(separator: ", "))"
                )
            }
        }
        return (sizeBytes, parameters)
    }
}

extension ControllerService: EphemeralVolumes {
    public func make(
        _ handle: String, _ attributes: [String: String], on node: String
    ) async throws(Failure) -> EphemeralVolume {
        let capability = AccessCapability(access: .mount(filesystem: nil, flags: []), mode: .singleNodeWriter)
        let wanted = try request(handle, attributes, capability)
        // One that is there is what it is, whatever the configuration says by now.
        let known = try await volumes.catalogue.volume(named: wanted.name)
        let volume: Volume
        if let known, known.phase.isUsable { volume = known } else { volume = try await volumes.create(wanted) }
        do throws(Failure) {
            let publication = try await volumes.publish(volume.id, to: node, mode: capability.mode, readOnly: false)
            return EphemeralVolume(
                id: volume.id, volumeContext: VolumeContext(volume.request).encoded,
                publishContext: PublishContext(publication).encoded)
        } catch  where !error.isPassing {
            // Nobody was told of it, so nobody would take it away.
            do throws(Failure) {
                if try await volumes.catalogue.publications(of: volume.id).isEmpty {
                    try await volumes.delete(volume.id)
                }
            } catch let left {
                throw Failure(
                    error.kind, "\(error.description); the volume that was made for it is left: \(left.description)")
            }
            throw error
        }
    }

    private func request(
        _ handle: String, _ attributes: [String: String], _ capability: AccessCapability
    ) throws(Failure) -> VolumeRequest {
        let (asked, given) = try EphemeralAttributes.parse(attributes)
        let parameters = try Parameters(given)
        let plan = try VolumePlan(parameters, [capability], settings)
        let largest = settings.ephemeralBytesMax
        let sizeBytes = asked ?? min(CapacityRange.defaultBytes, largest)
        guard sizeBytes <= largest else {
            throw Failure(
                .outOfRange,
                "an ephemeral volume of \(sizeBytes) bytes is more than the \(largest) that are allowed (csi.ephemeralSizeMax)"
            )
        }
        let size = try CapacityRange(requiredBytes: sizeBytes, limitBytes: largest).plan(filesystem: plan.filesystem)
        return VolumeRequest(
            name: EphemeralVolume.namePrefix + (try Fields.name(handle, "volume_id")), group: plan.group,
            className: plan.className, sizeBytes: size, filesystem: plan.filesystem, capabilities: [capability],
            parameters: parameters.given, mountOptions: plan.mountOptions, mkfsOptions: plan.mkfsOptions)
    }

    public func volume(_ handle: String) async throws(Failure) -> VolumeID? {
        try await volumes.catalogue.volume(named: EphemeralVolume.namePrefix + handle)?.id
    }

    public func remove(_ handle: String) async throws(Failure) {
        guard let id = try await volume(handle) else { return }
        try await volumes.unpublish(id, from: nil)
        try await volumes.delete(id)
    }
}
