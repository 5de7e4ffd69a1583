import Base
import Catalogue
import Domain
import VolumeEngine

extension Volumes {
    /// Makes the volume, or answers the one that this request made before. `conflict` where the name belongs to a volume made
    /// from another request, `busy` where the same name is being worked on, `outOfRange` and `exhausted` as the group says.
    public func create(_ request: VolumeRequest) async throws(Failure) -> Volume {
        let name = try await lockName(request.name, for: "create")
        defer { name.release() }
        if let existing = try await catalogue.volume(named: request.name),
            let volume = try await settle(existing.id, for: request)
        {
            return volume
        }
        return try await make(request)
    }

    /// The volume that has the name: answered if it is what is asked for, cleared away (nil) if it is only a remainder.
    private func settle(_ id: VolumeID, for request: VolumeRequest) async throws(Failure) -> Volume? {
        let held = try await lockVolume(id, for: "create")
        defer { held.release() }
        guard let volume = try await catalogue.volume(id) else { return nil }
        switch volume.phase {
        case .ready, .degraded, .failed:
            if let difference = request.difference(from: volume.request) {
                throw Failure(
                    .conflict,
                    "volume '\(request.name)' exists and this request asks for \(difference); use another name")
            }
            return volume
        case .pending:
            if request.difference(from: volume.request) == nil, let made = try await carryOn(volume) { return made }
            try await undoCreate(id)
            return nil
        case .deleting:
            try await finishDelete(id)
            return nil
        }
    }

    /// Nil where an undo got as far as deleting it from the engine: its id is spent.
    private func carryOn(_ volume: Volume) async throws(Failure) -> Volume? {
        do {
            return try await carryOutOrUndo(volume)
        } catch  where error.kind == .notFound {
            return nil
        }
    }

    private func make(_ request: VolumeRequest) async throws(Failure) -> Volume {
        do throws(Failure) { try await requireGroup(request.group) } catch {
            throw error.kind == .notFound ? Failure(.invalid, error.description) : error
        }
        let request = try await sized(request)
        try await checkSize(request.sizeBytes, group: request.group)
        let volume = Volume(
            id: environment.makeID(), request: request, sizeBytes: request.sizeBytes, phase: .pending, lastEpoch: 0,
            createdAt: environment.unixTime())
        let held = try await lockVolume(volume.id, for: "create")
        defer { held.release() }
        try await catalogue.beginCreate(volume)
        return try await carryOutOrUndo(volume)
    }

    /// What may pass is left to the repeat; what is final leaves nothing.
    private func carryOutOrUndo(_ volume: Volume) async throws(Failure) -> Volume {
        do {
            return try await carryOut(volume)
        } catch  where !error.isPassing {
            await tryToUndoCreate(volume.id)
            throw error
        }
    }

    /// The engine's part and the completion; every step may be repeated.
    private func carryOut(_ volume: Volume) async throws(Failure) -> Volume {
        let limits = try VolumeLimits(madeWith: volume.request.parameters)
        _ = try await engine.createVolume(
            volume.id, group: volume.group, sizeBytes: volume.request.sizeBytes, annotation: try volume.annotation,
            content: VolumeContent(volume.request.source))
        if !limits.isNone { try await engine.setLimits(volume.id, limits) }
        try await catalogue.finishCreate(volume.id)
        var ready = volume
        ready.phase = .ready
        return ready
    }

    /// Under the volume's lock. Nobody was answered its id.
    func undoCreate(_ id: VolumeID) async throws(Failure) {
        try await engine.deleteVolume(id)
        try await catalogue.finishDelete(id)
    }

    /// What cannot be undone now keeps its intent: the next create of the name, or the next start, sees to it.
    private func tryToUndoCreate(_ id: VolumeID) async {
        do {
            try await undoCreate(id)
        } catch {
            logger.warning(
                "an unfinished create is left for later", metadata: ["volume": "\(id)", "error": "\(error)"])
        }
    }
}

extension VolumeContent {
    init(_ source: VolumeSource?) {
        switch source {
        case nil: self = .empty
        case .snapshot(let id): self = .snapshot(id)
        case .volume(let id): self = .volume(id)
        }
    }
}
