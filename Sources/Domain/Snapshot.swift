import Base

/// What a new volume begins as. Written `snapshot:<id>` or `volume:<id>`.
public enum VolumeSource: Sendable, Equatable, LosslessStringConvertible {
    case snapshot(SnapshotID)
    /// What the volume is at that moment.
    case volume(VolumeID)

    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return nil }
        switch parts[0] {
        case "snapshot":
            guard let id = SnapshotID(parts[1]) else { return nil }
            self = .snapshot(id)
        case "volume":
            guard let id = VolumeID(parts[1]) else { return nil }
            self = .volume(id)
        default: return nil
        }
    }

    public var description: String {
        switch self {
        case .snapshot(let id): "snapshot:\(id)"
        case .volume(let id): "volume:\(id)"
        }
    }
}

/// A snapshot's place in its life. `Pending` and `Deleting` are intents: nobody was answered the former, which may be undone, and the
/// latter is carried on.
public enum SnapshotPhase: String, Sendable, Codable, CaseIterable {
    case pending = "Pending"
    case ready = "Ready"
    case deleting = "Deleting"
}

/// A volume as it was at one moment. It outlives the volume.
public struct Snapshot: Sendable, Equatable {
    /// Snapshots of several volumes at one moment; they are made and deleted together.
    public struct Cut: Sendable, Equatable {
        public var id: CutID
        public var name: String

        public init(id: CutID, name: String) {
            self.id = id
            self.name = name
        }
    }

    public var id: SnapshotID
    public var name: String
    /// May be deleted.
    public var volume: VolumeID
    /// What the volume was made from: a copy is used the same way.
    public var request: VolumeRequest
    public var cut: Cut?
    /// Of the volume at that moment.
    public var sizeBytes: UInt64
    public var phase: SnapshotPhase
    /// Seconds since 1970: when it was asked for, and once it is ready when it was taken.
    public var createdAt: Int64

    public init(
        id: SnapshotID, name: String, volume: VolumeID, request: VolumeRequest, cut: Cut? = nil, sizeBytes: UInt64,
        phase: SnapshotPhase, createdAt: Int64
    ) {
        self.id = id
        self.name = name
        self.volume = volume
        self.request = request
        self.cut = cut
        self.sizeBytes = sizeBytes
        self.phase = phase
        self.createdAt = createdAt
    }

    public var group: String { request.group }
    /// Of the volume, when it was made.
    public var volumeName: String { request.name }
}
