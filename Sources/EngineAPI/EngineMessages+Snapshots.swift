import Base
import VolumeEngine

extension EngineMessages.Snapshot {
    init(_ snapshot: EngineSnapshot) {
        self.init(
            id: snapshot.id.description, volumeID: snapshot.volume.description, group: snapshot.group,
            sizeBytes: snapshot.sizeBytes, created: snapshot.created)
    }

    var value: EngineSnapshot {
        get throws(Failure) {
            EngineSnapshot(
                id: try snapshotID(id), volume: try EngineAPI.volumeID(volumeID), group: group, sizeBytes: sizeBytes,
                created: created)
        }
    }
}

extension EngineMessages.CreateSnapshotsRequest {
    init(_ wanted: [SnapshotRequest]) {
        self.init(
            snapshots: wanted.map {
                Snapshot(id: $0.id.description, volumeID: $0.volume.description, annotation: $0.annotation)
            })
    }

    var wanted: [SnapshotRequest] {
        get throws(Failure) {
            var found: [SnapshotRequest] = []
            for snapshot in snapshots {
                found.append(
                    SnapshotRequest(
                        id: try snapshotID(snapshot.id), volume: try volumeID(snapshot.volumeID),
                        annotation: snapshot.annotation))
            }
            return found
        }
    }
}

extension EngineMessages.CreateVolumeRequest {
    /// Nil: empty.
    static func choice(_ content: VolumeContent) -> ContentChoice? {
        switch content {
        case .empty: nil
        case .snapshot(let id): .snapshotID(id.description)
        case .volume(let id): .sourceVolumeID(id.description)
        }
    }

    var begins: VolumeContent {
        get throws(Failure) {
            switch content {
            case nil: .empty
            case .snapshotID(let id): .snapshot(try snapshotID(id))
            case .sourceVolumeID(let id): .volume(try EngineAPI.volumeID(id))
            }
        }
    }
}
