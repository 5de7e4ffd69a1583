import Base

/// What a person selects: a group and how volumes in it are formatted and mounted.
public struct StorageClass: Sendable, Equatable {
    public var name: String
    /// Label of the group its volumes are made in.
    public var group: String
    public var filesystem: FilesystemKind
    /// From `FilesystemKind.problem(withMountOption:)`'s list.
    public var mountOptions: [String]
    /// One option and its value an element: `-m 1`.
    public var mkfsOptions: [String]

    public init(
        name: String, group: String, filesystem: FilesystemKind, mountOptions: [String] = ["noatime"],
        mkfsOptions: [String] = []
    ) {
        self.name = name
        self.group = group
        self.filesystem = filesystem
        self.mountOptions = mountOptions
        self.mkfsOptions = mkfsOptions
    }
}

/// The groups and classes of a configuration that names none (design section 1).
public enum Defaults {
    public static let groups = [
        VolumeGroup(
            label: "nvme-high-perf", profile: .performance, protection: .erasure(data: 4, parity: 2), media: [.nvme]),
        VolumeGroup(
            label: "standard", profile: .standard, protection: .erasure(data: 4, parity: 2), media: [.ssd, .nvme]),
        VolumeGroup(label: "bulk", profile: .archive, protection: .erasure(data: 8, parity: 2), media: []),
    ]

    public static let classes = [
        StorageClass(name: "nvme-high-perf", group: "nvme-high-perf", filesystem: .ext4),
        StorageClass(name: "standard", group: "standard", filesystem: .ext4),
        StorageClass(name: "bulk", group: "bulk", filesystem: .xfs),
    ]

    public static let className = "standard"
}
