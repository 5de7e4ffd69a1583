import Base
import Catalogue
import Domain
import VolumeEngine

extension Volumes {
    /// Takes a snapshot of the volume, or answers the one that this call took before. `conflict` where the name belongs to another,
    /// `busy` where the same name is being worked on, `notFound` for an unknown volume.
    public func createSnapshot(_ name: String, of volume: VolumeID) async throws(Failure) -> Snapshot {
        let made = try await takeSnapshots(name, of: [volume], isCut: false)
        guard let first = made.first else { throw Failure(.internal, "no snapshot was made") }
        return first
    }

    /// Takes a snapshot of each volume at one moment: a cut, which has the name; its snapshots are called `<name>/<volume's name>`.
    /// As `createSnapshot`; all of them are there afterwards, or none.
    public func createGroupSnapshot(_ name: String, of volumes: [VolumeID]) async throws(Failure) -> [Snapshot] {
        guard !volumes.isEmpty, Set(volumes).count == volumes.count else {
            throw Failure(.invalid, "a cut is of one or more volumes, each named once")
        }
        return try await takeSnapshots(name, of: volumes, isCut: true)
    }

    /// Removes the snapshot; clones keep what is theirs. An unknown id is fine; `failedPrecondition` for one of a cut.
    public func deleteSnapshot(_ id: SnapshotID) async throws(Failure) {
        guard let snapshot = try await catalogue.snapshot(id) else { return }
        if let cut = snapshot.cut {
            throw Failure(
                .failedPrecondition, "snapshot \(id) is of the cut '\(cut.name)': delete that, with all of it")
        }
        try await remove([snapshot])
    }

    /// Removes all snapshots of the cut. An unknown id is fine.
    public func deleteGroupSnapshot(_ id: CutID) async throws(Failure) {
        try await remove(try await catalogue.snapshots(ofCut: id))
    }

    /// One that was answered to somebody and is not being deleted; else `notFound`.
    public func usableSnapshot(_ id: SnapshotID) async throws(Failure) -> Snapshot {
        guard let snapshot = try await catalogue.snapshot(id), snapshot.phase == .ready else {
            throw Failure(.notFound, "there is no snapshot \(id)")
        }
        return snapshot
    }

    // MARK: Taking

    private func takeSnapshots(
        _ name: String, of volumes: [VolumeID], isCut: Bool
    ) async throws(Failure) -> [Snapshot] {
        guard !name.isEmpty else { throw Failure(.invalid, "a snapshot needs a name") }
        let held = try await locks.acquire("snapshot name '\(name)'", for: "create")
        defer { held.release() }
        let existing = try await known(name, isCut)
        if !existing.isEmpty, let made = try await settle(existing, name, volumes) { return made }
        return try await make(name, volumes, isCut)
    }

    private func known(_ name: String, _ isCut: Bool) async throws(Failure) -> [Snapshot] {
        if isCut { return try await catalogue.snapshots(ofCutNamed: name) }
        return try await catalogue.snapshot(named: name).map { [$0] } ?? []
    }

    /// Those that have the name: answered if they are what is asked for, cleared away (nil) if they are only a remainder.
    private func settle(
        _ listed: [Snapshot], _ name: String, _ volumes: [VolumeID]
    ) async throws(Failure) -> [Snapshot]? {
        let held = try await lock(listed, for: "create")
        defer { held.release() }
        let existing = try await current(listed)
        guard let first = existing.first else { return nil }
        let isSame = Set(existing.map(\.volume)) == Set(volumes)
        switch first.phase {
        case .ready:
            guard isSame else {
                throw Failure(.conflict, "snapshot '\(name)' exists and is of other volumes; use another name")
            }
            return existing
        case .pending:
            if isSame, let made = try await carryOn(existing) { return made }
            try await discard(existing)
            return nil
        case .deleting:
            try await discard(existing)
            return nil
        }
    }

    /// Nil where an undo got as far as deleting one from the engine: its id is spent.
    private func carryOn(_ snapshots: [Snapshot]) async throws(Failure) -> [Snapshot]? {
        do {
            return try await carryOutOrUndo(snapshots)
        } catch  where error.kind == .conflict {
            return nil
        }
    }

    private func make(_ name: String, _ volumes: [VolumeID], _ isCut: Bool) async throws(Failure) -> [Snapshot] {
        let cutID = environment.makeID()
        let cut = isCut ? Snapshot.Cut(id: CutID(high: cutID.high, low: cutID.low), name: name) : nil
        var snapshots: [Snapshot] = []
        for id in volumes {
            let volume = try await usableVolume(id)
            let fresh = environment.makeID()
            snapshots.append(
                Snapshot(
                    id: SnapshotID(high: fresh.high, low: fresh.low), name: isCut ? "\(name)/\(volume.name)" : name,
                    volume: id, request: volume.request, cut: cut, sizeBytes: volume.sizeBytes, phase: .pending,
                    createdAt: environment.unixTime()))
        }
        let held = try await lock(snapshots, for: "create")
        defer { held.release() }
        try await catalogue.beginSnapshots(snapshots)
        return try await carryOutOrUndo(snapshots)
    }

    /// What may pass is left to the repeat; what is final leaves nothing.
    private func carryOutOrUndo(_ snapshots: [Snapshot]) async throws(Failure) -> [Snapshot] {
        do {
            return try await carryOut(snapshots)
        } catch  where !error.isPassing {
            do { try await discard(snapshots) } catch let failure {
                logger.warning(
                    "an unfinished snapshot is left for later",
                    metadata: ["snapshot": "\(snapshots.map(\.name))", "error": "\(failure)"])
            }
            throw error
        }
    }

    private func carryOut(_ snapshots: [Snapshot]) async throws(Failure) -> [Snapshot] {
        var wanted: [SnapshotRequest] = []
        for snapshot in snapshots {
            wanted.append(
                SnapshotRequest(id: snapshot.id, volume: snapshot.volume, annotation: try snapshot.annotation))
        }
        var taken: [SnapshotID: EngineSnapshot] = [:]
        for snapshot in try await engine.createSnapshots(wanted) { taken[snapshot.id] = snapshot }
        let ready = snapshots.map { snapshot in
            var ready = snapshot
            ready.phase = .ready
            ready.sizeBytes = taken[snapshot.id]?.sizeBytes ?? snapshot.sizeBytes
            ready.createdAt = taken[snapshot.id].map { Int64($0.created) } ?? snapshot.createdAt
            return ready
        }
        try await catalogue.finishSnapshots(ready)
        return ready
    }

    // MARK: Removing

    private func remove(_ listed: [Snapshot]) async throws(Failure) {
        if listed.isEmpty { return }
        let held = try await lock(listed, for: "delete")
        defer { held.release() }
        let existing = try await current(listed)
        try await catalogue.beginDeleteSnapshots(existing.map(\.id))
        try await discard(existing)
    }

    /// Under their lock: nobody was answered them, or they are being deleted.
    private func discard(_ snapshots: [Snapshot]) async throws(Failure) {
        for snapshot in snapshots { try await engine.deleteSnapshot(snapshot.id) }
        try await catalogue.finishDeleteSnapshots(snapshots.map(\.id))
    }

    /// One lock for all of a cut.
    private func lock(_ snapshots: [Snapshot], for operation: String) async throws(Failure) -> KeyedLock.Held {
        let key = snapshots.first.map { $0.cut.map { "cut \($0.id)" } ?? "snapshot \($0.id)" } ?? "no snapshot"
        return try await locks.acquire(key, for: operation)
    }

    /// As they are now, under their lock.
    private func current(_ listed: [Snapshot]) async throws(Failure) -> [Snapshot] {
        guard let first = listed.first else { return [] }
        if let cut = first.cut { return try await catalogue.snapshots(ofCut: cut.id) }
        return try await catalogue.snapshot(first.id).map { [$0] } ?? []
    }

    /// Undoes what nobody was told of, and carries deletions on. One that fails is logged and waits for the next time.
    func settleSnapshots(begunBefore newest: Int64) async throws(Failure) {
        let unfinished = try await catalogue.snapshots().filter {
            $0.phase == .deleting || $0.phase == .pending && $0.createdAt <= newest
        }
        let sets = Dictionary(grouping: unfinished) { $0.cut.map { "\($0.id)" } ?? "\($0.id)" }
        for (key, listed) in sets.sorted(by: { $0.key < $1.key }) {
            do {
                let held = try await lock(listed, for: "settle")
                defer { held.release() }
                try await discard(try await current(listed).filter { $0.phase != .ready })
                logger.notice("settled what was interrupted", metadata: ["snapshot": "\(key)"])
            } catch {
                logger.warning(
                    "an interrupted snapshot cannot be settled yet",
                    metadata: ["snapshot": "\(key)", "error": "\(error)"])
            }
        }
    }
}
