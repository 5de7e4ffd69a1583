import Base
import Domain
import Foundation

// What the engine keeps beside the data, so that volumes and groups are known again when the catalogue is lost. JSON; a key that is
// missing has a default, one that is unknown is ignored.

extension Volume {
    private struct Annotation: Codable {
        var name: String
        var className: String?
        var requestedBytes: UInt64
        var filesystem: String?
        var capabilities: [AccessCapability]?
        var parameters: [String: String]?
        var mountOptions: [String]?
        var mkfsOptions: [String]?
        var createdAt: Int64?
        var source: String?
    }

    /// Everything of the request that the engine does not know itself. No secrets: a request has none.
    public var annotation: String {
        get throws(Failure) {
            let annotation = Annotation(
                name: name, className: request.className, requestedBytes: request.sizeBytes,
                filesystem: request.filesystem?.rawValue, capabilities: request.capabilities,
                parameters: request.parameters, mountOptions: request.mountOptions, mkfsOptions: request.mkfsOptions,
                createdAt: createdAt, source: request.source?.description)
            do { return try json(annotation) } catch {
                throw Failure(.internal, "cannot describe volume \(id): \(error)")
            }
        }
    }

    /// The volume as it was created; nil where the annotation says too little.
    public init?(id: VolumeID, group: String, annotation: String) {
        guard let found = try? JSONDecoder().decode(Annotation.self, from: Data(annotation.utf8)), !found.name.isEmpty
        else { return nil }
        let filesystem = found.filesystem.flatMap(FilesystemKind.init(rawValue:))
        // A filesystem of which this version knows nothing is no raw device.
        if found.filesystem != nil, filesystem == nil { return nil }
        let request = VolumeRequest(
            name: found.name, group: group, className: found.className, sizeBytes: found.requestedBytes,
            filesystem: filesystem, capabilities: found.capabilities ?? [], parameters: found.parameters ?? [:],
            mountOptions: found.mountOptions ?? [], mkfsOptions: found.mkfsOptions ?? [],
            source: found.source.flatMap(VolumeSource.init(_:)))
        self.init(
            id: id, request: request, sizeBytes: found.requestedBytes, phase: .ready, lastEpoch: 0,
            createdAt: found.createdAt ?? 0)
    }
}

extension Snapshot {
    private struct Annotation: Codable {
        var name: String
        var cut: CutID?
        var cutName: String?
        /// Of the volume, as it annotates itself.
        var volume: String?
    }

    /// What the engine does not know of a snapshot.
    public var annotation: String {
        get throws(Failure) {
            let volume = Volume(
                id: volume, request: request, sizeBytes: sizeBytes, phase: .ready, lastEpoch: 0, createdAt: 0)
            let annotation = Annotation(
                name: name, cut: cut?.id, cutName: cut?.name, volume: try volume.annotation)
            do { return try json(annotation) } catch {
                throw Failure(.internal, "cannot describe snapshot \(id): \(error)")
            }
        }
    }

    /// Name, cut, and what its volume was made from, as the annotation says.
    public static func read(
        annotation: String?, volume: VolumeID, group: String
    ) -> (name: String, cut: Cut?, request: VolumeRequest?)? {
        guard let annotation, let found = try? JSONDecoder().decode(Annotation.self, from: Data(annotation.utf8)),
            !found.name.isEmpty
        else { return nil }
        let cut = found.cut.flatMap { id in found.cutName.map { Cut(id: id, name: $0) } }
        let request = found.volume.flatMap { Volume(id: volume, group: group, annotation: $0)?.request }
        return (found.name, cut, request)
    }
}

extension VolumeGroup {
    private struct Annotation: Codable {
        var profile: String
        var protection: String
        var deletionPolicy: String
    }

    /// What the engine does not know of a group.
    public var annotation: String {
        let annotation = Annotation(
            profile: profile.rawValue, protection: protection.description, deletionPolicy: deletionPolicy.rawValue)
        return (try? json(annotation)) ?? ""
    }

    /// Profile, protection and policy as the annotation says; what it does not say is nil.
    public static func read(annotation: String?) -> (Profile?, Protection?, DeletionPolicy?) {
        guard let annotation,
            let found = try? JSONDecoder().decode(Annotation.self, from: Data(annotation.utf8))
        else { return (nil, nil, nil) }
        return (
            Profile(rawValue: found.profile), Protection(found.protection),
            DeletionPolicy(rawValue: found.deletionPolicy)
        )
    }
}
