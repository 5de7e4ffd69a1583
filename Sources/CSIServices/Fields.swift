import Base
import CSIMessages
import Domain
import Glibc

/// Bounds of CSI 1.13, "Size Limits": what a field may hold. Each refusal names its field.
enum Fields {
    static let stringBytesMax = 128
    static let mapBytesMax = 4096
    /// The spec asks for 128 at least; the system's own bound is what a path can have.
    static let pathBytesMax = Int(PATH_MAX) - 1

    static func text(_ value: String, _ field: String) throws(Failure) -> String {
        guard !value.isEmpty else { throw missing(field) }
        guard value.utf8.count <= stringBytesMax else {
            throw Failure(.invalid, "\(field) has \(value.utf8.count) bytes, at most \(stringBytesMax) are allowed")
        }
        return value
    }

    /// A name that people read and that is logged: no control characters.
    static func name(_ value: String, _ field: String) throws(Failure) -> String {
        let name = try text(value, field)
        guard !name.unicodeScalars.contains(where: { $0.value < 32 || (127..<160).contains($0.value) }) else {
            throw Failure(.invalid, "\(field) has control characters")
        }
        return name
    }

    /// `notFound` for what can be no id of ours.
    static func volumeID(_ value: String) throws(Failure) -> VolumeID {
        let text = try text(value, "volume_id")
        guard let id = VolumeID(text) else { throw Failure(.notFound, "there is no volume '\(text)'") }
        return id
    }

    /// Nil for what can be no id of ours: for the calls to which an unknown volume is as good as a removed one.
    static func volumeIDIfKnown(_ value: String) throws(Failure) -> VolumeID? {
        VolumeID(try text(value, "volume_id"))
    }

    static func snapshotID(_ value: String, _ field: String) throws(Failure) -> SnapshotID {
        let text = try text(value, field)
        guard let id = SnapshotID(text) else { throw Failure(.notFound, "there is no snapshot '\(text)'") }
        return id
    }

    static func source(_ value: CSI.VolumeContentSource) throws(Failure) -> VolumeSource {
        switch value.type {
        case .snapshot(let source):
            return .snapshot(try snapshotID(source.snapshotID, "volume_content_source.snapshot.snapshot_id"))
        case .volume(let source): return .volume(try volumeID(source.volumeID))
        case nil: throw Failure(.invalid, "volume_content_source names neither a snapshot nor a volume")
        }
    }

    static func path(_ value: String, _ field: String) throws(Failure) -> String {
        guard !value.isEmpty else { throw missing(field) }
        guard value.hasPrefix("/"), value.utf8.count <= pathBytesMax, !value.split(separator: "/").contains(".."),
            value.contains(where: { $0 != "/" })
        else {
            throw Failure(
                .invalid, "\(field) must be an absolute path without '..' of at most \(pathBytesMax) bytes")
        }
        var path = value
        while path.hasSuffix("/") { path.removeLast() }
        return path
    }

    /// A path that is only looked up: where nothing of ours can be, nothing is found.
    static func knownPath(_ value: String, _ field: String) throws(Failure) -> String {
        guard !value.isEmpty else { throw missing(field) }
        do throws(Failure) { return try path(value, field) } catch {
            throw Failure(.notFound, "no volume is at \(field)", cause: error)
        }
    }

    static func map(_ value: [String: String], _ field: String) throws(Failure) {
        let bytes = value.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard bytes <= mapBytesMax else {
            throw Failure(.invalid, "\(field) has \(bytes) bytes, at most \(mapBytesMax) are allowed")
        }
    }

    static func range(_ value: CSI.CapacityRange?) throws(Failure) -> CapacityRange {
        guard let value else { return .unspecified }
        return try CapacityRange(wireRequired: value.requiredBytes, limit: value.limitBytes)
    }

    static func capability(_ value: CSI.VolumeCapability?) throws(Failure) -> AccessCapability {
        guard let value else { throw missing("volume_capability") }
        return try AccessCapability(value)
    }

    static func capabilities(_ values: [CSI.VolumeCapability]) throws(Failure) -> [AccessCapability] {
        guard !values.isEmpty else { throw missing("volume_capabilities") }
        var capabilities: [AccessCapability] = []
        for value in values { capabilities.append(try AccessCapability(value)) }
        return capabilities
    }

    static func missing(_ field: String) -> Failure { Failure(.invalid, "\(field) is missing") }
}

extension AccessCapability {
    /// `invalid` for what no volume of this driver can do.
    init(_ value: CSI.VolumeCapability) throws(Failure) {
        guard let type = value.accessType else {
            throw Failure(.invalid, "volume_capability has no access type; set block or mount")
        }
        guard let wire = value.accessMode?.mode, wire != .unknown else {
            throw Failure(.invalid, "volume_capability has no access mode")
        }
        guard let mode = AccessMode(rawValue: wire.name) else {
            throw Failure(
                .invalid,
                "access mode \(wire.name) is not offered, a volume is used on one node at a time; offered: "
                    + AccessMode.allCases.map(\.rawValue).joined(separator: ", "))
        }
        switch type {
        case .block: self.init(access: .block, mode: mode)
        case .mount(let mount): self.init(access: try Self.access(mount), mode: mode)
        }
    }

    private static func access(_ mount: CSI.VolumeCapability.MountVolume) throws(Failure) -> Access {
        guard mount.volumeMountGroup.isEmpty else {
            throw Failure(.invalid, "volume_mount_group is not offered; the orchestrator sets the group of the files")
        }
        let filesystem = mount.fsType.isEmpty ? nil : try FilesystemKind(named: mount.fsType, by: "fs_type")
        return .mount(filesystem: filesystem, flags: mount.mountFlags)
    }

    var isReadOnly: Bool { mode.isReadOnly || flags.asksReadOnly }

    var flags: [String] {
        switch access {
        case .block: []
        case .mount(_, let flags): flags
        }
    }

    var filesystem: FilesystemKind? {
        switch access {
        case .block: nil
        case .mount(let filesystem, _): filesystem
        }
    }
}

extension [String] {
    /// Mount options that say how a mount is to be used: the last one counts, and mount(2) is told apart from the others.
    static let accessOptions: Set<String> = ["ro", "rw"]

    var asksReadOnly: Bool { last { Self.accessOptions.contains($0) } == "ro" }
}

extension FilesystemKind {
    init(named name: String, by field: String) throws(Failure) {
        guard let kind = FilesystemKind(rawValue: name) else {
            throw Failure(
                .invalid,
                "\(field): filesystem '\(name)' is not offered; offered: "
                    + FilesystemKind.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self = kind
    }

    func check(mountOptions: [String]) throws(Failure) {
        for option in mountOptions {
            if let problem = problem(withMountOption: option) { throw Failure(.invalid, problem) }
        }
    }

    func check(mkfsOptions: [String]) throws(Failure) {
        for option in mkfsOptions {
            if let problem = problem(withMkfsOption: option) { throw Failure(.invalid, problem) }
        }
    }
}
