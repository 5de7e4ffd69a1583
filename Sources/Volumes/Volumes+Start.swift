import Base
import Catalogue
import Domain
import VolumeEngine

extension Volumes {
    /// Everything before the first call may be served: the pool is the catalogue's, groups exist, what was interrupted is settled.
    /// `failedPrecondition` where the mountpaths are older than what the catalogue knows of the pool, unless `acceptOlderPool`, and
    /// where they have volumes and the catalogue is new: then it was lost. `onFirstUse`: groups that are new are made when a volume or capacity
    /// is asked of them.
    public func start(
        groups: [VolumeGroup], onFirstUse: Bool = false, acceptOlderPool: Bool = false
    ) async throws(Failure) {
        let pool = try await engine.poolStatus()
        let known = try await catalogue.pool()
        if let known, known.id == pool.id, known.version > pool.version, !acceptOlderPool {
            throw Failure(
                .failedPrecondition,
                "the mountpaths have version \(pool.version) of the pool and the catalogue knows version \(known.version): mountpaths "
                    + "with newer data are missing. Bring them back, or set pool.acceptMissing if they are lost for good"
            )
        }
        if known == nil { try await refuseLostCatalogue() }
        try await recordPool()
        configuredGroups.withLock { $0 = Set(groups.map(\.label)) }
        await settleGroups()
        try await ensureGroups(onFirstUse ? try await made(groups) : groups)
        await settleUnfinished(olderThanSeconds: 0)
        await annotateVolumes()
    }

    /// An empty catalogue over volumes would answer that none of them exists, and its copies would replace the good ones.
    private func refuseLostCatalogue() async throws(Failure) {
        let (count, snapshotCount) = (try await engine.volumes().count, try await engine.snapshots().count)
        guard count + snapshotCount > 0 else { return }
        throw Failure(
            .failedPrecondition,
            "the mountpaths have \(count) volumes and \(snapshotCount) snapshots, of which the catalogue \(catalogue.path) knows nothing: it was lost, or this is another "
                + "pool's state directory. `ashlar pool rebuild-catalogue --replace` makes it anew from the mountpaths")
    }

    func recordPool() async throws(Failure) {
        let pool = try await engine.poolStatus()
        if let known = try await catalogue.pool(), known.id == pool.id, known.version >= pool.version { return }
        try await catalogue.recordPool(pool.id, version: pool.version)
    }

    /// Those that the catalogue has; the others wait for their first use.
    private func made(_ groups: [VolumeGroup]) async throws(Failure) -> [VolumeGroup] {
        let known = Set(try await catalogue.groupRecords().map(\.group.label))
        unmadeGroups.withLock { unmade in
            for group in groups where !known.contains(group.label) { unmade[group.label] = group }
        }
        return groups.filter { known.contains($0.label) }
    }

    /// Makes the groups that are new, has those that were retained again, updates those that changed in what may change, and confirms with
    /// the engine those that only the catalogue knows. The engine comes first, so that a group it refuses leaves no trace.
    public func ensureGroups(_ groups: [VolumeGroup], confirmingOthers: Bool = true) async throws(Failure) {
        var known: [String: GroupRecord] = [:]
        for record in try await catalogue.groupRecords() { known[record.group.label] = record }
        for group in groups {
            do {
                if let record = known[group.label] { try refuseUnusable(record, as: group) }
            } catch {
                throw Failure(nil, "group '\(group.label)' cannot be made ready", cause: error)
            }
        }
        // New ones first: one that the engine refuses leaves those that are there as they were.
        let ordered = groups.filter { known[$0.label] == nil } + groups.filter { known[$0.label] != nil }
        for group in ordered {
            let record = known.removeValue(forKey: group.label)
            do { try await engine.ensureGroup(group.specification) } catch {
                throw Failure(nil, "group '\(group.label)' cannot be made ready", cause: error)
            }
            if record?.group != group || record?.state != .active {
                try await catalogue.putGroup(group, at: environment.unixTime())
            }
            if record?.state == .retained { logger.notice("group reconnected", metadata: ["group": "\(group.label)"]) }
        }
        guard confirmingOthers else { return }
        for record in known.values.sorted(by: { $0.group.label < $1.group.label }) { try await confirm(record) }
    }

    private func confirm(_ record: GroupRecord) async throws(Failure) {
        let label = record.group.label
        do {
            switch record.state {
            case .active:
                logger.notice("group is not in the configuration; its volumes stay", metadata: ["group": "\(label)"])
                try await engine.ensureGroup(record.group.specification)
            // A group that was to be reconnected, of which nobody was told.
            case .retained: try await engine.retainGroup(label)
            // Could not be settled, which was logged.
            case .retaining, .deleting: break
            }
        } catch {
            throw Failure(nil, "group '\(label)' cannot be made ready", cause: error)
        }
    }

    private func refuseUnusable(_ record: GroupRecord, as group: VolumeGroup) throws(Failure) {
        switch record.state {
        case .active, .retained: try refuseFixedChanges(from: record.group, to: group)
        case .retaining, .deleting:
            throw Failure(.failedPrecondition, "it is being removed and that is not finished; start again later")
        }
    }

    /// Volumes that were made by a version without annotations get theirs. A failure leaves it to the next start.
    private func annotateVolumes() async {
        do {
            for known in try await engine.volumes() where !known.isAnnotated {
                guard let volume = try await catalogue.volume(known.id), volume.phase.isUsable else { continue }
                try await engine.annotateVolume(volume.id, try volume.annotation)
            }
        } catch {
            logger.warning("volumes are not annotated", metadata: ["error": "\(error)"])
        }
    }

    func refuseFixedChanges(from before: VolumeGroup, to group: VolumeGroup) throws(Failure) {
        let fixed =
            before.protection != group.protection
            ? "protection \(before.protection)"
            : before.sliceBytes != group.sliceBytes ? "sliceSize \(before.sliceBytes)" : nil
        guard let fixed else { return }
        throw Failure(
            .conflict,
            "group '\(group.label)' was made with \(fixed), which cannot change; "
                + "put it back in the configuration, or use another label")
    }

    /// Undoes creates and grants that nobody was told of, carries on deletes and revocations, and settles expansions. Each under its
    /// volume's lock and on its own: one that fails is logged and waits for the next time.
    public func settleUnfinished(olderThanSeconds age: Int64) async {
        do {
            let newest = environment.unixTime() - age
            for intent in try await catalogue.intents() where intent.createdAt <= newest {
                await settling(intent.subject, "\(intent.kind)") { () async throws(Failure) in
                    try await settle(intent)
                }
            }
            try await settleSnapshots(begunBefore: newest)
            // A publication has no age of its own; only the start, when nothing is in flight, may judge it.
            guard age == 0 else { return }
            for publication in try await catalogue.publications() where publication.state != .granted {
                await settling(publication.volume, "\(publication.state)") { () async throws(Failure) in
                    try await revoke(publication)
                }
            }
        } catch {
            logger.error("unfinished work cannot be read", metadata: ["error": "\(error)"])
        }
    }

    private func settling(
        _ id: VolumeID, _ what: String, _ body: () async throws(Failure) -> Void
    ) async {
        do {
            let held = try await lockVolume(id, for: "settle")
            defer { held.release() }
            try await body()
            logger.notice("settled what was interrupted", metadata: ["volume": "\(id)", "work": "\(what)"])
        } catch {
            logger.warning(
                "interrupted work cannot be settled yet",
                metadata: ["volume": "\(id)", "work": "\(what)", "error": "\(error)"])
        }
    }

    /// Under the volume's lock. The intent may have been finished since it was listed.
    private func settle(_ intent: Intent) async throws(Failure) {
        guard let volume = try await catalogue.volume(intent.subject) else { return }
        switch (intent.kind, volume.phase) {
        case (.create, .pending): try await undoCreate(volume.id)
        case (.delete, .deleting): try await finishDelete(volume.id)
        case (.expand, .ready), (.expand, .degraded), (.expand, .failed): try await settleExpand(volume.id)
        case (.rollBack, .ready), (.rollBack, .degraded), (.rollBack, .failed): try await settleRollBack(volume.id)
        default: break
        }
    }
}

extension VolumeGroup {
    /// What the engine needs of the group.
    public var specification: GroupSpecification {
        GroupSpecification(
            label: label, dataColumns: protection.dataColumns, parityColumns: protection.parityColumns,
            media: media.map(\.rawValue), sliceBytes: sliceBytes, capacityBytes: capacityBytes,
            annotation: annotation)
    }
}
