import Base

/// A volume's place in its life. Only these transitions exist; the catalogue stores nothing else.
public enum VolumePhase: String, Sendable, Codable, CaseIterable {
    /// The name is taken and an intent is written; the engine may or may not have it yet.
    case pending = "Pending"
    case ready = "Ready"
    /// Every block can be read, some only from parity.
    case degraded = "Degraded"
    /// Being removed; nothing leads back.
    case deleting = "Deleting"
    /// Some blocks are lost.
    case failed = "Failed"

    public func canBecome(_ next: VolumePhase) -> Bool {
        switch (self, next) {
        case (.pending, .ready), (.pending, .deleting): true
        case (.ready, .degraded), (.ready, .failed), (.ready, .deleting): true
        case (.degraded, .ready), (.degraded, .failed), (.degraded, .deleting): true
        case (.failed, .ready), (.failed, .degraded), (.failed, .deleting): true
        default: false
        }
    }

    /// Whether the volume may be published, expanded and validated.
    public var isUsable: Bool {
        switch self {
        case .ready, .degraded, .failed: true
        case .pending, .deleting: false
        }
    }
}

/// What the caller asked for, kept so that a repeat can be told from a conflict.
public struct VolumeRequest: Sendable, Equatable {
    public var name: String
    public var group: String
    /// The class named in the request, if any.
    public var className: String?
    /// Planned from the capacity range: a multiple of 4 KiB.
    public var sizeBytes: UInt64
    /// Of a copy whose size its source decides: what it may be. A repeat is compared by it, since the source may have grown; not kept.
    public var range: CapacityRange?
    /// Nil: a raw block volume.
    public var filesystem: FilesystemKind?
    /// Sorted, without repeats.
    public var capabilities: [AccessCapability]
    /// As given, minus what the provisioner adds about the claim.
    public var parameters: [String: String]
    /// What the class says about mounting; handed to the node unchanged for the volume's whole life.
    public var mountOptions: [String]
    public var mkfsOptions: [String]
    /// What it begins as; nil: empty.
    public var source: VolumeSource?

    public init(
        name: String, group: String, className: String? = nil, sizeBytes: UInt64, filesystem: FilesystemKind?,
        capabilities: [AccessCapability], parameters: [String: String] = [:], mountOptions: [String] = [],
        mkfsOptions: [String] = [], source: VolumeSource? = nil
    ) {
        self.name = name
        self.group = group
        self.className = className
        self.sizeBytes = sizeBytes
        self.filesystem = filesystem
        self.capabilities = Set(capabilities).sorted { $0.description < $1.description }
        self.parameters = parameters
        self.mountOptions = mountOptions
        self.mkfsOptions = mkfsOptions
        self.source = source
        range = nil
    }

    /// Names what differs from a volume that has the same name, or nil where this asks for the same volume.
    /// Class defaults are not compared: a class edited since then does not make a repeat a conflict. The group and the filesystem are
    /// the class's where the caller names neither; what it names is in the parameters and capabilities.
    public func difference(from made: VolumeRequest) -> String? {
        let isSize = range.map { $0.allows(made.sizeBytes) } ?? (sizeBytes == made.sizeBytes)
        if !isSize { return "capacity \(sizeBytes) bytes instead of \(made.sizeBytes)" }
        let isOfClass =
            className != nil && className == made.className && parameters == made.parameters
            && capabilities == made.capabilities && (filesystem == nil) == (made.filesystem == nil)
        if group != made.group, !isOfClass { return "group \(group) instead of \(made.group)" }
        if className != made.className {
            return "class \(className ?? "(none)") instead of \(made.className ?? "(none)")"
        }
        if filesystem != made.filesystem, !isOfClass {
            return "\(filesystem?.rawValue ?? "raw block") instead of \(made.filesystem?.rawValue ?? "raw block")"
        }
        if capabilities != made.capabilities { return "other volume capabilities" }
        if parameters != made.parameters { return "other parameters" }
        if source != made.source {
            return "\(source.map { "a copy of \($0)" } ?? "an empty volume") instead of "
                + (made.source.map { "a copy of \($0)" } ?? "an empty one")
        }
        return nil
    }
}

/// A volume as the catalogue knows it.
public struct Volume: Sendable, Equatable {
    public var id: VolumeID
    /// What it was made from; `request.sizeBytes` stays what it was at creation.
    public var request: VolumeRequest
    /// Grows with expansion.
    public var sizeBytes: UInt64
    public var phase: VolumePhase
    /// The highest attach epoch ever chosen for it.
    public var lastEpoch: UInt64
    /// Seconds since 1970.
    public var createdAt: Int64

    public init(
        id: VolumeID, request: VolumeRequest, sizeBytes: UInt64, phase: VolumePhase, lastEpoch: UInt64, createdAt: Int64
    ) {
        self.id = id
        self.request = request
        self.sizeBytes = sizeBytes
        self.phase = phase
        self.lastEpoch = lastEpoch
        self.createdAt = createdAt
    }

    public var name: String { request.name }
    public var group: String { request.group }
}

/// A node's permission to write (or read) a volume. Its state is its own intent: `granting` and `revoking` are carried on.
public struct Publication: Sendable, Equatable {
    public enum State: String, Sendable, Codable {
        /// The epoch is chosen; the engine may not know it yet.
        case granting
        case granted
        /// Being fenced: `epoch` is already the fence.
        case revoking
    }

    public var volume: VolumeID
    public var node: String
    public var epoch: UInt64
    public var readOnly: Bool
    public var mode: AccessMode
    public var state: State

    public init(volume: VolumeID, node: String, epoch: UInt64, readOnly: Bool, mode: AccessMode, state: State) {
        self.volume = volume
        self.node = node
        self.epoch = epoch
        self.readOnly = readOnly
        self.mode = mode
        self.state = state
    }
}
