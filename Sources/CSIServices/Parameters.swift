import Base
import Domain
import VolumeEngine
import Volumes

/// The parameters of a StorageClass: every key that is understood, in one place. An unknown one is refused and not ignored, so
/// that a typo cannot silently give another volume than was meant.
struct Parameters: Sendable, Equatable {
    enum Key: String, CaseIterable {
        case className = "class"
        case group
        case filesystem
        case kubernetesFilesystem = "csi.storage.k8s.io/fstype"
        /// Separated by commas.
        case mountOptions
        /// Separated by semicolons, one flag and its value each.
        case mkfsOptions
        /// These may change during the volume's life (`VolumeLimits.Parameter`).
        case iops, iopsBurst, bandwidth, bandwidthBurst

    }

    static func isMutable(_ name: String) -> Bool { VolumeLimits.Parameter(rawValue: name) != nil }

    /// What external-provisioner adds about the claim with `--extra-create-metadata`.
    static let ignored: Set<String> = [
        "csi.storage.k8s.io/pv/name", "csi.storage.k8s.io/pvc/name", "csi.storage.k8s.io/pvc/namespace",
    ]
    /// Known to come, and dangerous to leave out silently.
    private static let later: Set<String> = [
        "encryption", "encrypted", "compression", "snapshotPolicy",
        "backupConfig",
    ]

    private var values: [Key: String] = [:]

    /// `mutable` override `parameters`.
    init(_ parameters: [String: String], mutable: [String: String] = [:]) throws(Failure) {
        try Fields.map(parameters, "parameters")
        try Fields.map(mutable, "mutable_parameters")
        for name in mutable.keys.sorted()
        where !Self.ignored.contains(name) && Key(rawValue: name) != nil && !Self.isMutable(name) {
            throw Failure(.invalid, "parameter '\(name)' cannot be changed: it belongs into parameters")
        }
        for (name, value) in parameters.merging(mutable, uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key })
        where !Self.ignored.contains(name) {
            guard let key = Key(rawValue: name) else { throw Self.refusal(name) }
            guard !value.isEmpty else { throw Failure(.invalid, "parameter '\(name)' is empty; leave it out") }
            values[key] = value
        }
        if values[.className] != nil, values[.group] != nil {
            throw Failure(.invalid, "parameters 'class' and 'group' exclude each other; a class names its group")
        }
        if let one = values[.filesystem], let other = values[.kubernetesFilesystem], one != other {
            throw Failure(.invalid, "parameters 'filesystem' and 'csi.storage.k8s.io/fstype' differ")
        }
        _ = try VolumeLimits(madeWith: given)
    }

    private static func refusal(_ name: String) -> Failure {
        if later.contains(name) { return Failure(.invalid, "parameter '\(name)' is not offered yet; leave it out") }
        return Failure(
            .invalid, "parameter '\(name)' is unknown; known: \(Key.allCases.map(\.rawValue).joined(separator: ", "))")
    }

    /// As they are kept and compared: what was given and understood.
    var given: [String: String] {
        Dictionary(uniqueKeysWithValues: values.map { ($0.key.rawValue, $0.value) })
    }

    var group: String? { values[.group] }
    var className: String? { values[.className] }

    func filesystem() throws(Failure) -> FilesystemKind? {
        if let name = values[.filesystem] { return try FilesystemKind(named: name, by: "parameter 'filesystem'") }
        guard let name = values[.kubernetesFilesystem] else { return nil }
        return try FilesystemKind(named: name, by: "parameter 'csi.storage.k8s.io/fstype'")
    }

    var mountOptions: [String]? { values[.mountOptions].map { Self.parts($0, ",") } }
    var mkfsOptions: [String]? { values[.mkfsOptions].map { Self.parts($0, ";") } }

    private static func parts(_ text: String, _ separator: Character) -> [String] {
        text.split(separator: separator).map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }
}

/// What parameters and capabilities together ask for.
struct VolumePlan: Sendable {
    var group: String
    var className: String?
    /// Nil: raw block only.
    var filesystem: FilesystemKind?
    var mountOptions: [String]
    var mkfsOptions: [String]

    init(_ parameters: Parameters, _ capabilities: [AccessCapability], _ settings: CSISettings) throws(Failure) {
        let found = try Self.storageClass(parameters, settings)
        className = found?.name
        group = found?.group ?? parameters.group ?? ""
        guard capabilities.isEmpty || capabilities.contains(where: { !$0.isBlock }) else {
            (filesystem, mountOptions, mkfsOptions) = (nil, [], [])
            return
        }
        let kind = try Self.filesystem(parameters, capabilities, found)
        // A class's options are for its own filesystem.
        let isOfClass = found?.filesystem == kind
        let mount = (isOfClass ? found?.mountOptions : nil) ?? ["noatime"]
        filesystem = kind
        mountOptions = mount + (parameters.mountOptions ?? []).filter { !mount.contains($0) }
        mkfsOptions = parameters.mkfsOptions ?? (isOfClass ? found?.mkfsOptions : nil) ?? []
        try kind.check(mountOptions: mountOptions)
        try kind.check(mkfsOptions: mkfsOptions)
        for capability in capabilities { try kind.check(mountOptions: capability.flags) }
    }

    private static func storageClass(
        _ parameters: Parameters, _ settings: CSISettings
    ) throws(Failure) -> StorageClass? {
        if parameters.group != nil { return nil }
        let known = settings.classes.map(\.name).joined(separator: ", ")
        guard let name = parameters.className ?? settings.defaultClass else {
            throw Failure(
                .invalid, "parameter 'class' or 'group' is missing and there is no default; classes: \(known)")
        }
        guard let found = settings.classes.first(where: { $0.name == name }) else {
            throw Failure(.invalid, "there is no class '\(name)'; known: \(known)")
        }
        return found
    }

    /// The capability's word counts for most: it is what will be mounted.
    private static func filesystem(
        _ parameters: Parameters, _ capabilities: [AccessCapability], _ found: StorageClass?
    ) throws(Failure) -> FilesystemKind {
        let asked = Set(capabilities.compactMap(\.filesystem))
        guard asked.count <= 1 else {
            throw Failure(.invalid, "volume_capabilities ask for several filesystems; a volume has one")
        }
        let parameter = try parameters.filesystem()
        if let one = asked.first, let parameter, one != parameter {
            throw Failure(
                .invalid, "fs_type asks for \(one.rawValue) and the parameters for \(parameter.rawValue)")
        }
        return asked.first ?? parameter ?? found?.filesystem ?? .ext4
    }
}
