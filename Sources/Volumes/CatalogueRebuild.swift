import Base
import Catalogue
import Domain
import VolumeEngine

/// What a catalogue must say, given what the mountpaths say and, where there is one, an older copy of it.
///
/// The headers are the truth for existence, size, epochs and deletion; the copy and the annotations for names. The copy may be
/// older than the headers, and that decides each case: what it calls unfinished may have been finished and answered since, so nothing that
/// the headers have is undone; what it calls published is so only while the header's epoch is still the publication's.
public struct CatalogueRebuild: Sendable, Equatable {
    public enum Action: String, Sendable, Encodable {
        /// As the copy has it.
        case kept
        /// The copy does not have it, or has it otherwise.
        case restored
        case removed
    }

    /// What became of one group, volume or publication.
    public struct Line: Sendable, Equatable, Encodable {
        public var name: String
        public var id: String?
        public var action: Action
        /// Empty where there is nothing to say.
        public var reason: String
    }

    public internal(set) var contents: CatalogueContents
    public private(set) var groups: [Line] = []
    public private(set) var volumes: [Line] = []
    public internal(set) var snapshots: [Line] = []
    public private(set) var publications: [Line] = []

    let inventory: PoolInventory
    let copy: CatalogueContents

    /// - Parameter unixTime: the creation time of what does not say its own.
    public init(inventory: PoolInventory, copy: CatalogueContents?, unixTime: Int64) {
        self.inventory = inventory
        self.copy = copy ?? CatalogueContents()
        let version = self.copy.pool.map { $0.id == inventory.id ? $0.version : 0 } ?? 0
        contents = CatalogueContents(pool: .init(id: inventory.id, version: max(version, inventory.version)))
        rebuildGroups(unixTime)
        rebuildVolumes(unixTime)
        rebuildSnapshots()
        rebuildPublications()
    }

    // MARK: Groups

    private mutating func rebuildGroups(_ unixTime: Int64) {
        var known = Dictionary(uniqueKeysWithValues: copy.groups.map { ($0.group.label, $0) })
        for header in inventory.groups {
            let label = header.specification.label
            let old = known.removeValue(forKey: label)
            guard let state = GroupState(header.state) else {
                if old != nil { groups.append(Line(name: label, id: nil, action: .removed, reason: "was deleted")) }
                continue
            }
            let record = GroupRecord(
                group: VolumeGroup(header.specification, like: old?.group), state: state,
                createdAt: old?.createdAt ?? unixTime)
            contents.groups.append(record)
            let reason = state == .active ? "" : "is \(state.rawValue.lowercased())"
            groups.append(Line(name: label, id: nil, action: record == old ? .kept : .restored, reason: reason))
        }
        for label in known.keys.sorted() {
            groups.append(Line(name: label, id: nil, action: .removed, reason: "the mountpaths have no such group"))
        }
    }

    // MARK: Volumes

    private mutating func rebuildVolumes(_ unixTime: Int64) {
        var known = Dictionary(uniqueKeysWithValues: copy.volumes.map { ($0.id, $0) })
        let labels = Set(contents.groups.map(\.group.label))
        var names: Set<String> = []
        for header in inventory.volumes {
            let old = known.removeValue(forKey: header.id)
            guard !header.isDeleted, labels.contains(header.group) else {
                if let old { note(old, .removed, "was deleted") }
                continue
            }
            var (volume, reason) = restored(header, old, unixTime)
            if !names.insert(volume.name).inserted {
                reason = "its name '\(volume.name)' belongs to another volume"
                volume.request.name += "-\(volume.id)"
                names.insert(volume.name)
            }
            contents.volumes.append(volume)
            note(volume, volume == old ? .kept : .restored, reason)
        }
        for old in known.values.sorted(by: { $0.id < $1.id }) {
            note(old, .removed, "the mountpaths have no such volume")
        }
        let deleting = Set(contents.volumes.filter { $0.phase == .deleting }.map(\.id))
        contents.intents = copy.intents.filter { deleting.contains($0.subject) && $0.kind == .delete }
    }

    private mutating func note(_ volume: Volume, _ action: Action, _ reason: String) {
        volumes.append(Line(name: volume.name, id: volume.id.description, action: action, reason: reason))
    }

    private func restored(
        _ header: PoolInventory.Volume, _ old: Volume?, _ unixTime: Int64
    ) -> (volume: Volume, reason: String) {
        var reason = ""
        var volume: Volume
        if let old {
            volume = old
            if old.phase == .pending {
                // It may have been answered since the copy was made; an empty volume too many does no harm.
                volume.phase = .ready
                reason = "its creation was not finished in the copy"
            } else if old.phase == .deleting {
                reason = "its deletion is carried on at the next start"
            } else if old.sizeBytes != header.sizeBytes {
                reason = "has grown since the copy"
            }
        } else if let annotation = header.annotation,
            let found = Volume(id: header.id, group: header.group, annotation: annotation)
        {
            (volume, reason) = (found, "is not in the copy")
        } else {
            volume = Volume(unnamed: header, createdAt: unixTime)
            reason = "its name is not known: only its data is"
        }
        volume.request.group = header.group
        volume.sizeBytes = header.sizeBytes
        volume.lastEpoch = max(volume.lastEpoch, header.attachEpoch)
        return (volume, reason)
    }

    // MARK: Publications

    private mutating func rebuildPublications() {
        let epochs = Dictionary(uniqueKeysWithValues: inventory.volumes.map { ($0.id, $0.attachEpoch) })
        let names = Dictionary(uniqueKeysWithValues: contents.volumes.map { ($0.id, $0.name) })
        for old in copy.publications {
            guard let name = names[old.volume], let epoch = epochs[old.volume] else {
                publications.append(
                    Line(name: old.node, id: old.volume.description, action: .removed, reason: "its volume is gone"))
                continue
            }
            var publication = old
            let reason: String?
            switch old.state {
            case .granted, .granting:
                // The engine has the epoch of a grant that was under way: it may have been answered since.
                publication.state = .granted
                reason = old.epoch == epoch ? nil : "epoch \(epoch) was granted since, or this one never was"
            case .revoking:
                reason = old.epoch > epoch ? nil : "it was revoked"
            }
            if reason == nil { contents.publications.append(publication) }
            let action: Action = reason != nil ? .removed : publication == old ? .kept : .restored
            publications.append(
                Line(name: "\(name) on \(old.node)", id: old.volume.description, action: action, reason: reason ?? ""))
        }
    }
}

extension GroupState {
    /// Nil where the group is gone.
    fileprivate init?(_ state: PoolInventory.GroupState) {
        switch state {
        case .active: self = .active
        case .retained: self = .retained
        case .deleting: self = .deleting
        case .deleted: return nil
        }
    }
}

extension VolumeGroup {
    /// Coding, capacity and media are the header's; profile, policy and how the protection is called the annotation's, else `old`'s.
    fileprivate init(_ header: GroupSpecification, like old: VolumeGroup?) {
        let (profile, protection, policy) = VolumeGroup.read(annotation: header.annotation)
        let coding: Protection =
            header.dataColumns > 1
            ? .erasure(data: header.dataColumns, parity: header.parityColumns)
            : header.parityColumns > 0 ? .replicated(header.parityColumns + 1) : .single
        let called = [protection, old?.protection].compactMap { $0 }.first {
            $0.dataColumns == header.dataColumns && $0.parityColumns == header.parityColumns
        }
        self.init(
            label: header.label, profile: profile ?? old?.profile ?? .standard, protection: called ?? coding,
            media: header.media.compactMap(Media.init(rawValue:)), capacityBytes: header.capacityBytes,
            deletionPolicy: policy ?? old?.deletionPolicy ?? .retain, sliceBytes: header.sliceBytes)
    }
}

extension Volume {
    /// From an engine that knows only the data: may be used as what it carries.
    fileprivate init(unnamed header: PoolInventory.Volume, createdAt: Int64) {
        let filesystem: FilesystemKind? =
            switch header.formatted {
            case .filesystem(let name), .making(let name): FilesystemKind(rawValue: name)
            case .never, .unknown: nil
            }
        let access: AccessCapability.Access =
            filesystem == nil ? .block : .mount(filesystem: filesystem, flags: [])
        self.init(
            id: header.id,
            request: VolumeRequest(
                name: "recovered-\(header.id)", group: header.group, sizeBytes: header.sizeBytes,
                filesystem: filesystem, capabilities: [.init(access: access, mode: .singleNodeWriter)]),
            sizeBytes: header.sizeBytes, phase: .ready, lastEpoch: header.attachEpoch, createdAt: createdAt)
    }
}
