import Base
import Catalogue
import Domain
import VolumeEngine

extension Volumes {
    /// Bytes that a volume's size is a multiple of.
    private static let sizeUnitBytes: UInt64 = 4 << 10

    /// Makes a volume that begins as `source` is, and is used as its origin: filesystem, class, options. Size: the source's, or larger.
    /// Failures as of `create`.
    public func clone(_ source: VolumeSource, as name: String, sizeBytes: UInt64? = nil) async throws(Failure) -> Volume
    {
        let (origin, bytes) = try await origin(of: source)
        var request = origin
        request.name = name
        request.source = source
        let wanted = sizeBytes ?? bytes
        guard !name.isEmpty, !name.hasPrefix(EphemeralVolume.namePrefix),
            wanted <= UInt64(Int64.max) - Self.sizeUnitBytes
        else {
            throw Failure(.invalid, "a volume of \(wanted) bytes named '\(name)' is not possible")
        }
        request.sizeBytes = (wanted + Self.sizeUnitBytes - 1) / Self.sizeUnitBytes * Self.sizeUnitBytes
        return try await create(request)
    }

    /// What the source's volume was made from, and how large the source is.
    private func origin(of source: VolumeSource) async throws(Failure) -> (request: VolumeRequest, sizeBytes: UInt64) {
        switch source {
        case .snapshot(let id):
            let snapshot = try await usableSnapshot(id)
            return (snapshot.request, snapshot.sizeBytes)
        case .volume(let id):
            let volume = try await usableVolume(id)
            return (volume.request, volume.sizeBytes)
        }
    }

    /// Before anything is begun: the source is there, in the group, carries what is asked for, and is not too large. The size of what has a
    /// range is its source's, or more.
    func sized(_ request: VolumeRequest) async throws(Failure) -> VolumeRequest {
        guard let source = request.source else { return request }
        let (origin, bytes) = try await origin(of: source)
        guard origin.group == request.group else {
            throw Failure(
                .invalid,
                "a copy of a volume in group '\(origin.group)' is made in that group, not in '\(request.group)': "
                    + "for another group, copy the data")
        }
        guard origin.filesystem == request.filesystem else {
            throw Failure(
                .invalid,
                "what is to be copied is \(origin.filesystem.content), and \(request.filesystem.content) is asked for")
        }
        var sized = request
        sized.range = nil
        if let range = request.range { sized.sizeBytes = try range.planCopy(of: bytes, planned: request.sizeBytes) }
        guard sized.sizeBytes >= bytes else {
            throw Failure(
                .outOfRange, "\(sized.sizeBytes) bytes asked for, but what is to be copied has \(bytes): ask for more"
            )
        }
        return sized
    }

    // MARK: Rollback

    /// The volume becomes what its snapshot is. `failedPrecondition` while it is published, `invalid` where the snapshot is another volume's.
    public func rollBack(_ id: VolumeID, to snapshot: SnapshotID) async throws(Failure) -> Volume {
        let held = try await lockVolume(id, for: "roll back")
        defer { held.release() }
        _ = try await usableVolume(id)
        let target = try await usableSnapshot(snapshot)
        guard target.volume == id else {
            throw Failure(
                .invalid,
                "snapshot '\(target.name)' is of volume \(target.volume), not of \(id): `ashlar volume clone` makes a volume of it"
            )
        }
        try await catalogue.beginRollBack(id, to: snapshot, at: environment.unixTime())
        try await finishRollBack(id, to: snapshot)
        return try await usableVolume(id)
    }

    /// Under the volume's lock, before what must not come between: a rollback that was begun is carried on.
    func settleRollBack(_ id: VolumeID) async throws(Failure) {
        guard let intent = try await catalogue.intent(of: id), case .rollBack(let snapshot) = intent.kind else {
            return
        }
        do {
            try await finishRollBack(id, to: snapshot)
        } catch  where error.kind == .notFound {
            // The snapshot was deleted since; nobody was told that the volume is as it was.
        }
    }

    private func finishRollBack(_ id: VolumeID, to snapshot: SnapshotID) async throws(Failure) {
        do {
            _ = try await engine.rollBackVolume(id, to: snapshot)
        } catch  where !error.isPassing {
            try await catalogue.finishRollBack(id)
            throw error
        }
        try await catalogue.finishRollBack(id)
    }
}

extension FilesystemKind? {
    fileprivate var content: String { self.map { "a filesystem of kind \($0.rawValue)" } ?? "a raw device" }
}
