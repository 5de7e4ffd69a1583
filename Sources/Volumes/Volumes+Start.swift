import Base
import Catalogue
import Domain
import VolumeEngine

extension Volumes {
    /// Everything before the first call may be served: the pool is the catalogue's, groups exist, what was interrupted is settled.
    /// `failedPrecondition` where the mountpaths are older than what the catalogue knows of the pool, unless `acceptOlderPool`.
    public func start(groups: [VolumeGroup], acceptOlderPool: Bool = false) async throws(Failure) {
        let pool = try await engine.poolStatus()
        if let known = try await catalogue.pool(), known.id == pool.id, known.version > pool.version, !acceptOlderPool {
            throw Failure(
                .failedPrecondition,
                "the mountpaths have version \(pool.version) of the pool and the catalogue knows version \(known.version): mountpaths "
                    + "with newer data are missing. Bring them back, or set pool.acceptMissing if they are lost for good"
            )
        }
        try await recordPool()
        try await ensureGroups(groups)
        await settleUnfinished(olderThanSeconds: 0)
    }

    func recordPool() async throws(Failure) {
        let pool = try await engine.poolStatus()
        if let known = try await catalogue.pool(), known.id == pool.id, known.version >= pool.version { return }
        try await catalogue.recordPool(pool.id, version: pool.version)
    }

    /// Makes the groups that are new, updates those that changed in what may change, and confirms with the engine those that
    /// only the catalogue knows. The engine comes first, so that a group it refuses leaves no trace.
    public func ensureGroups(_ groups: [VolumeGroup]) async throws(Failure) {
        var known: [String: VolumeGroup] = [:]
        for group in try await catalogue.groups() { known[group.label] = group }
        for group in groups {
            let before = known.removeValue(forKey: group.label)
            if let before { try refuseFixedChanges(from: before, to: group) }
            do {
                try await engine.ensureGroup(group.specification)
            } catch {
                throw Failure(nil, "group '\(group.label)' cannot be made ready", cause: error)
            }
            if before != group { try await catalogue.putGroup(group, at: environment.unixTime()) }
        }
        for group in known.values.sorted(by: { $0.label < $1.label }) {
            logger.notice("group is not in the configuration; its volumes stay", metadata: ["group": "\(group.label)"])
            do { try await engine.ensureGroup(group.specification) } catch {
                throw Failure(nil, "group '\(group.label)' cannot be made ready", cause: error)
            }
        }
    }

    private func refuseFixedChanges(from before: VolumeGroup, to group: VolumeGroup) throws(Failure) {
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
        default: break
        }
    }
}

extension VolumeGroup {
    /// What the engine needs of the group.
    public var specification: GroupSpecification {
        GroupSpecification(
            label: label, dataColumns: protection.dataColumns, parityColumns: protection.parityColumns,
            media: media.map(\.rawValue), sliceBytes: sliceBytes, capacityBytes: capacityBytes)
    }
}
