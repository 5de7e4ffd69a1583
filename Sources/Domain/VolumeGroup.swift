import Base

/// The tuning that a StorageClass maps to (design section 1).
public enum Profile: String, Sendable, Codable, CaseIterable {
    case performance, standard, archive

    /// Slice size of a group that does not set its own: large slices suit large sequential data.
    public var defaultSliceBytes: UInt64 {
        switch self {
        case .performance, .standard: 16 << 20
        case .archive: 32 << 20
        }
    }
}

public enum Media: String, Sendable, Codable, CaseIterable {
    case nvme, ssd, hdd
}

/// What becomes of a group's data when the group is removed.
public enum DeletionPolicy: String, Sendable, Codable, CaseIterable {
    /// The data stays; a group made again with the same label has it.
    case retain
    case delete
}

/// A group's place in its life. `retaining` and `deleting` are intents: once written, they are carried on.
public enum GroupState: String, Sendable, Codable, CaseIterable {
    case active = "Active"
    case retaining = "Retaining"
    /// Removed, its data kept: its volumes cannot be seen until a group with its label is made again.
    case retained = "Retained"
    case deleting = "Deleting"
}

/// A named share of the pool: one coding, one set of media, one bound on capacity.
public struct VolumeGroup: Sendable, Equatable {
    public var label: String
    public var profile: Profile
    public var protection: Protection
    /// Media its slices may lie on; empty means any.
    public var media: [Media]
    /// Bound on logical bytes; nil: bounded by the pool alone.
    public var capacityBytes: UInt64?
    public var deletionPolicy: DeletionPolicy
    /// Size of one slice file; a multiple of 1 MiB.
    public var sliceBytes: UInt64

    public static let labelBytesMax = 63
    public static let sliceBytesUnit: UInt64 = 1 << 20
    public static let sliceBytesMax: UInt64 = 1 << 30

    public init(
        label: String, profile: Profile, protection: Protection, media: [Media] = [], capacityBytes: UInt64? = nil,
        deletionPolicy: DeletionPolicy = .retain, sliceBytes: UInt64? = nil
    ) {
        self.label = label
        self.profile = profile
        self.protection = protection
        self.media = media
        self.capacityBytes = capacityBytes
        self.deletionPolicy = deletionPolicy
        self.sliceBytes = sliceBytes ?? profile.defaultSliceBytes
    }

    /// Nil where the label can stand in a path and in a Kubernetes object: lower-case letters, digits and inner `-`.
    public static func problem(withLabel label: String) -> String? {
        let allowed = label.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == UInt8(ascii: "-")
        }
        guard allowed, !label.isEmpty, label.utf8.count <= labelBytesMax, !label.hasPrefix("-"), !label.hasSuffix("-")
        else {
            return "must have 1 to \(labelBytesMax) lower-case letters, digits or inner '-'"
        }
        return nil
    }
}
