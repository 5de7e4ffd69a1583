import Base
import Catalogue
import Domain
import VolumeEngine

extension CatalogueRebuild {
    /// As volumes: the headers say which exist; the copy and the annotations what they are called.
    mutating func rebuildSnapshots() {
        var known = Dictionary(uniqueKeysWithValues: copy.snapshots.map { ($0.id, $0) })
        let labels = Set(contents.groups.map(\.group.label))
        let requests = Dictionary(uniqueKeysWithValues: contents.volumes.map { ($0.id, $0.request) })
        var names: Set<String> = []
        for header in inventory.snapshots {
            let old = known.removeValue(forKey: header.id)
            guard !header.isDeleted, labels.contains(header.group) else {
                if let old { note(old, .removed, "was deleted") }
                continue
            }
            var (snapshot, reason) = restored(header, old, requests[header.volume])
            if !names.insert(snapshot.name).inserted {
                reason = "its name '\(snapshot.name)' belongs to another snapshot"
                snapshot.name += "-\(snapshot.id)"
                names.insert(snapshot.name)
            }
            contents.snapshots.append(snapshot)
            note(snapshot, snapshot == old ? .kept : .restored, reason)
        }
        contents.snapshots.sort { $0.name < $1.name }
        for old in known.values.sorted(by: { $0.id < $1.id }) {
            note(old, .removed, "the mountpaths have no such snapshot")
        }
    }

    private mutating func note(_ snapshot: Snapshot, _ action: Action, _ reason: String) {
        snapshots.append(Line(name: snapshot.name, id: snapshot.id.description, action: action, reason: reason))
    }

    private func restored(
        _ header: PoolInventory.Snapshot, _ old: Snapshot?, _ volume: VolumeRequest?
    ) -> (snapshot: Snapshot, reason: String) {
        let annotated = Snapshot.read(annotation: header.annotation, volume: header.volume, group: header.group)
        var snapshot: Snapshot
        var reason = ""
        if let old {
            snapshot = old
            if old.phase == .pending {
                // It may have been answered since the copy was made.
                snapshot.phase = .ready
                reason = "its creation was not finished in the copy"
            } else if old.phase == .deleting {
                reason = "its deletion is carried on at the next start"
            }
        } else {
            let request = annotated?.request ?? volume ?? VolumeRequest(unnamed: header)
            snapshot = Snapshot(
                id: header.id, name: annotated?.name ?? "recovered-\(header.id)", volume: header.volume,
                request: request, cut: annotated?.cut, sizeBytes: header.sizeBytes, phase: .ready, createdAt: 0)
            reason = annotated == nil ? "its name is not known: only its data is" : "is not in the copy"
        }
        snapshot.request.group = header.group
        snapshot.sizeBytes = header.sizeBytes
        snapshot.createdAt = Int64(header.created)
        return (snapshot, reason)
    }
}

extension VolumeRequest {
    /// What is known of a volume of which only data is.
    fileprivate init(unnamed header: PoolInventory.Snapshot) {
        let filesystem: FilesystemKind? =
            switch header.formatted {
            case .filesystem(let name), .making(let name): FilesystemKind(rawValue: name)
            case .never, .unknown: nil
            }
        let access: AccessCapability.Access = filesystem == nil ? .block : .mount(filesystem: filesystem, flags: [])
        self.init(
            name: "recovered-\(header.volume)", group: header.group, sizeBytes: header.sizeBytes,
            filesystem: filesystem, capabilities: [.init(access: access, mode: .singleNodeWriter)])
    }
}
