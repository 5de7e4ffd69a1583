import Base
import Domain

/// What the controller tells the node about a volume: never changes during its life.
struct VolumeContext: Sendable, Equatable {
    private static let filesystemKey = "ashlar/filesystem"
    private static let mountOptionsKey = "ashlar/mount-options"
    private static let mkfsOptionsKey = "ashlar/mkfs-options"

    var filesystem: FilesystemKind?
    var mountOptions: [String]
    var mkfsOptions: [String]

    init(_ request: VolumeRequest) {
        filesystem = request.filesystem
        mountOptions = request.mountOptions
        mkfsOptions = request.mkfsOptions
    }

    /// Keys of the orchestrator beside ours are fine; our own must hold what is offered.
    init(decoding map: [String: String]) throws(Failure) {
        try Fields.map(map, "volume_context")
        filesystem = try map[Self.filesystemKey].map { name throws(Failure) in
            try FilesystemKind(named: name, by: Self.filesystemKey)
        }
        mountOptions = map[Self.mountOptionsKey]?.split(separator: ",").map(String.init) ?? []
        mkfsOptions = map[Self.mkfsOptionsKey]?.split(separator: ";").map(String.init) ?? []
        guard let filesystem else { return }
        try filesystem.check(mountOptions: mountOptions)
        try filesystem.check(mkfsOptions: mkfsOptions)
    }

    var encoded: [String: String] {
        guard let filesystem else { return [:] }
        var map = [Self.filesystemKey: filesystem.rawValue]
        if !mountOptions.isEmpty { map[Self.mountOptionsKey] = mountOptions.joined(separator: ",") }
        if !mkfsOptions.isEmpty { map[Self.mkfsOptionsKey] = mkfsOptions.joined(separator: ";") }
        return map
    }
}

/// What a publication tells the node: the permission to attach.
struct PublishContext: Sendable, Equatable {
    private static let epochKey = "ashlar/attach-epoch"
    private static let readOnlyKey = "ashlar/read-only"

    var epoch: UInt64
    var readOnly: Bool

    init(_ publication: Publication) {
        epoch = publication.epoch
        readOnly = publication.readOnly
    }

    init(decoding map: [String: String]) throws(Failure) {
        try Fields.map(map, "publish_context")
        guard let text = map[Self.epochKey], let epoch = UInt64(text), epoch > 0 else {
            throw Failure(
                .invalid,
                "publish_context has no valid '\(Self.epochKey)'; it is what ControllerPublishVolume answered")
        }
        self.epoch = epoch
        readOnly = map[Self.readOnlyKey] == "true"
    }

    var encoded: [String: String] {
        var map = [Self.epochKey: "\(epoch)"]
        if readOnly { map[Self.readOnlyKey] = "true" }
        return map
    }
}
