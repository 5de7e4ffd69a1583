import Base
import BlockDevice
import Foundation
import Synchronization
import SegmentStore
import SystemIO
import VolumeEngine

/// Snapshots, clones and rollback. The log has a snapshot first, then its header makes it exist; deletion goes the other way. What a crash
/// leaves in a log without a header is nobody's, and goes when the call is repeated or the log is next looked after.
extension EmbeddedEngine {
    // MARK: Snapshots

    public func createSnapshots(_ wanted: [SnapshotRequest]) async throws(Failure) -> [EngineSnapshot] {
        // Of a volume that is still being made the place in the order of locks is not known.
        if let unknown = wanted.first(where: { headers.volume($0.volume) == nil }) {
            throw Failure(.notFound, "there is no volume \(unknown.volume)")
        }
        var held: [KeyedLock.Held] = []
        defer { for lock in held { lock.release() } }
        for id in lockOrder(Set(wanted.map(\.volume))) {
            held.append(try await locks.acquire(id.description, for: "taking a snapshot"))
        }
        guard Set(wanted.map(\.id)).count == wanted.count, Set(wanted.map(\.volume)).count == wanted.count else {
            throw Failure(.invalid, "a cut names each snapshot and each volume once")
        }
        let known = wanted.compactMap { headers.snapshot($0.id) }
        if let other = zip(wanted, known).first(where: { $0.volume != $1.volume || $1.isDeleted }) {
            throw Failure(.conflict, "snapshot \(other.0.id) is of another volume, or was deleted")
        }
        if known.count == wanted.count { return known.map(describe(snapshot:)) }
        guard known.isEmpty else {
            throw Failure(.conflict, "some of these snapshots exist and some do not: they are no cut of one moment")
        }
        var made: [SnapshotHeader] = []
        for request in wanted {
            try checkAnnotation(request.annotation)
            let volume = try existing(request.volume)
            var header = SnapshotHeader(
                id: request.id, volume: volume.id, epoch: 0, sizeBytes: volume.sizeBytes,
                created: UInt64(Date().timeIntervalSince1970), formatted: volume.formatted.ofCopy)
            header.annotation = request.annotation.isEmpty ? nil : request.annotation
            made.append(header)
        }
        let cut = try await take(made)
        try await headers.put(cut)
        return cut.map(describe(snapshot:))
    }

    /// Writes the snapshots into the volumes' logs, at one moment of all of them. Gives them their epochs.
    private func take(_ snapshots: [SnapshotHeader]) async throws(Failure) -> [SnapshotHeader] {
        var volumes: [OpenVolumes.Opened] = []
        var result: Result<[SnapshotHeader], Failure>
        do throws(Failure) {
            for snapshot in snapshots { volumes.append(try await logs.retain(snapshot.volume)) }
            result = .success(try await cut(snapshots, volumes))
        } catch { result = .failure(error) }
        for (snapshot, _) in zip(snapshots, volumes) { try? await logs.release(snapshot.volume) }
        return try result.get()
    }

    private static let holdMax = Duration.milliseconds(100)

    private func cut(
        _ snapshots: [SnapshotHeader], _ volumes: [OpenVolumes.Opened]
    ) async throws(Failure) -> [SnapshotHeader] {
        let began = ContinuousClock.now
        if volumes.count > 1 {
            for volume in volumes {
                try await volume.ask { (log, done: @escaping @Sendable (Result<Void, Failure>) -> Void) in
                    log.hold()
                    done(.success(()))
                }
            }
        }
        let isInTime = volumes.count == 1 || ContinuousClock.now - began < Self.holdMax
        let answers = Answers(count: volumes.count)
        if isInTime {
            for (index, (snapshot, volume)) in zip(snapshots, volumes).enumerated() {
                try? await volume.ask { (log, done: @escaping @Sendable (Result<Void, Failure>) -> Void) in
                    log.takeSnapshot(
                        snapshot.id, sizeBytes: snapshot.sizeBytes, created: snapshot.created
                    ) { answers.put($0, at: index) }
                    done(.success(()))
                }
            }
        }
        // Every volume has its place of the cut: what is admitted from here on is after it.
        for volume in volumes where volumes.count > 1 { volume.loop.post { volume.log.release() } }
        guard isInTime else {
            throw Failure(.unavailable, "the volumes could not be held together within \(Self.holdMax): try again")
        }
        var cut = snapshots
        var problem: Failure?
        for (index, result) in await answers.all().enumerated() {
            switch result {
            case .success(let epoch): cut[index].epoch = epoch
            case .failure(let failure): problem = failure
            }
        }
        guard let problem else { return cut }
        for (snapshot, volume) in zip(cut, volumes) where snapshot.epoch > 0 {
            try? await volume.ask { log, done in log.deleteSnapshot(snapshot.epoch, done: done) }
        }
        throw problem
    }

    public func deleteSnapshot(_ id: SnapshotID) async throws(Failure) {
        // What is hidden with its group is not known, as with volumes.
        guard let known = headers.snapshot(id), known.isDeleted || isVisible(known) else { return }
        let lock = try await locks.acquire(known.volume.description, for: "deleting snapshot \(id)")
        defer { lock.release() }
        if openedSnapshots.withLock({ $0[id] }) != nil {
            throw Failure(.failedPrecondition, "snapshot \(id) is in use: detach it first")
        }
        var header = known
        if !header.isDeleted {
            header.isDeleted = true
            try await headers.put([header])
        }
        try await dropFromLog(header)
    }

    /// The log lets go of a snapshot whose header is a tombstone.
    private func dropFromLog(_ header: SnapshotHeader) async throws(Failure) {
        guard let volume = headers.volume(header.volume), !volume.isPurged else { return }
        if volume.isDeleted, !isNeeded(volume.id) { return try await purgeOrHide(volume) }
        try await logs.with(volume.id) { (opened) throws(Failure) in
            try await opened.ask { log, done in log.deleteSnapshot(header.epoch, done: done) }
        }
        maintain(volume.id)
    }

    public func snapshot(_ id: SnapshotID) async throws(Failure) -> EngineSnapshot {
        describe(snapshot: try existingSnapshot(id))
    }

    public func snapshots() async throws(Failure) -> [EngineSnapshot] {
        headers.snapshots.filter { !$0.isDeleted && !$0.isInternal && isVisible($0) }.map(describe(snapshot:))
            .sorted { $0.id < $1.id }
    }

    func existingSnapshot(_ id: SnapshotID) throws(Failure) -> SnapshotHeader {
        guard let header = headers.snapshot(id), !header.isDeleted, isVisible(header) else {
            throw Failure(.notFound, "there is no snapshot \(id)")
        }
        return header
    }

    /// Snapshots of retained groups are hidden with them.
    private func isVisible(_ header: SnapshotHeader) -> Bool {
        headers.volume(header.volume).map { activeGroup($0.group) != nil } ?? false
    }

    private func describe(snapshot header: SnapshotHeader) -> EngineSnapshot {
        EngineSnapshot(
            id: header.id, volume: header.volume, group: headers.volume(header.volume)?.group ?? "",
            sizeBytes: header.sizeBytes, created: header.created)
    }

    /// The snapshot as a device that refuses writes.
    public func openSnapshot(_ id: SnapshotID) async throws(Failure) -> any BlockDevice {
        let volumeID = try existingSnapshot(id).volume
        let lock = try await locks.acquire(volumeID.description, for: "opening snapshot \(id)")
        defer { lock.release() }
        let header = try existingSnapshot(id)  // it may have gone while the lock was waited for
        if let device = openedSnapshots.withLock({ $0[id] }) { return device }
        let volume = try await logs.retain(header.volume)
        let device = VolumeDevice(
            log: volume.log, loop: volume.loop, sizeBytes: header.sizeBytes, isReadOnly: true, epoch: 0,
            snapshot: header.epoch)
        volume.loop.post { volume.log.retainEpoch(header.epoch) }
        openedSnapshots.withLock { $0[id] = device }
        return device
    }

    public func closeSnapshot(_ id: SnapshotID) async throws(Failure) {
        guard let header = headers.snapshot(id) else { return }
        let lock = try await locks.acquire(header.volume.description, for: "closing snapshot \(id)")
        defer { lock.release() }
        guard let device = openedSnapshots.withLock({ $0.removeValue(forKey: id) }) else { return }
        try await logs.with(header.volume) { (opened) throws(Failure) in
            opened.loop.post { opened.log.releaseEpoch(header.epoch) }
        }
        try await end(device, of: header.volume)
    }

    // MARK: Clones

    func isContent(_ content: VolumeContent, of header: VolumeHeader) -> Bool {
        switch content {
        case .empty: header.origin == nil
        case .snapshot(let id):
            headers.snapshot(id).map { VolumeOrigin(volume: $0.volume, epoch: $0.epoch) == header.origin } ?? false
        case .volume(let id): header.origin?.volume == id
        }
    }

    /// A clone of what the volume is now: of a snapshot that is taken for it, and is nobody else's.
    func makeClone(
        _ header: inout VolumeHeader, ofVolume volume: VolumeID
    ) async throws(Failure) {
        let id = SnapshotID(high: header.id.high, low: header.id.low)
        var snapshot: SnapshotHeader
        if let known = headers.snapshot(id), !known.isDeleted {
            snapshot = known
        } else {
            let lock = try await locks.acquire(volume.description, for: "taking a snapshot for clone \(header.id)")
            defer { lock.release() }
            let source = try existing(volume)
            var made = SnapshotHeader(
                id: id, volume: volume, epoch: 0, sizeBytes: source.sizeBytes,
                created: UInt64(Date().timeIntervalSince1970), formatted: source.formatted.ofCopy)
            made.isInternal = true
            snapshot = try await take([made])[0]
            try await headers.put([snapshot])
        }
        try await makeClone(&header, of: snapshot)
        snapshot.isDeleted = true
        try await headers.put([snapshot])
        try await dropFromLog(snapshot)
    }

    /// What a clone of a volume that was cut off has left at its origin.
    func dropInternalSnapshot(of id: VolumeID) async throws(Failure) {
        guard let left = headers.snapshot(SnapshotID(high: id.high, low: id.low)), left.isInternal, !left.isDeleted
        else { return }
        try await deleteSnapshot(left.id)
    }

    /// A clone is its header, until it is first opened: then its map is made. The header keeps the epoch at the origin.
    func makeClone(
        _ header: inout VolumeHeader, of snapshot: SnapshotHeader
    ) async throws(Failure) {
        let lock = try await locks.acquire(snapshot.volume.description, for: "making clone \(header.id)")
        defer { lock.release() }
        guard headers.snapshot(snapshot.id).map({ !$0.isDeleted }) == true else {
            throw Failure(.notFound, "there is no snapshot \(snapshot.id)")
        }
        guard let origin = headers.volume(snapshot.volume), origin.group == header.group else {
            throw Failure(
                .unsupported,
                "a clone is made in its origin's group; for another group, copy the data or restore a backup")
        }
        guard header.sizeBytes >= snapshot.sizeBytes else {
            throw Failure(
                .outOfRange,
                "a clone of \(ByteSize.text(header.sizeBytes)) is smaller than its origin, \(ByteSize.text(snapshot.sizeBytes))"
            )
        }
        header.origin = VolumeOrigin(volume: origin.id, epoch: snapshot.epoch)
        header.formatted = snapshot.formatted
        guard try headers.origins(of: header).count < MapEntry.distanceMax else {
            throw Failure(
                .exhausted, "the origin is a clone of a clone \(MapEntry.distanceMax) times over: copy the data instead"
            )
        }
        try await headers.put(header)
        await logs.pin(snapshot.epoch, of: origin.id)
    }

    // MARK: Rollback

    public func rollBackVolume(_ id: VolumeID, to snapshot: SnapshotID) async throws(Failure) -> EngineVolume {
        let lock = try await locks.acquire(id.description, for: "rolling back")
        defer { lock.release() }
        var header = try existing(id)
        let target = try existingSnapshot(snapshot)
        guard target.volume == id else {
            throw Failure(.invalid, "snapshot \(snapshot) is of volume \(target.volume), not of \(id)")
        }
        if opened.withLock({ $0[id] }) != nil {
            throw Failure(.failedPrecondition, "volume \(id) is attached: unstage and unpublish it first")
        }
        if header.formatted != target.formatted {
            // Cut off between log and header, `never` beside the snapshot's filesystem would let a node make a new one over it.
            header.formatted = .unknown
            try await headers.put(header)
        }
        try await logs.with(id) { (opened) throws(Failure) in
            try await opened.ask { log, done in log.rollBack(to: target.epoch, done: done) }
        }
        header.formatted = target.formatted
        try await headers.put(header)
        maintain(id)
        return describe(header)
    }

    // MARK: What deletion leaves

    /// Clones before their origins, so that two who lock several volumes never wait for each other.
    func lockOrder(_ ids: some Sequence<VolumeID>) -> [VolumeID] {
        ids.map { id in (id: id, depth: headers.volume(id).flatMap { try? headers.origins(of: $0).count } ?? 0) }
            .sorted { ($1.depth, $0.id) < ($0.depth, $1.id) }.map(\.id)
    }

    /// Snapshots or clones need what is stored of the volume.
    func isNeeded(_ id: VolumeID) -> Bool {
        !headers.snapshots(of: id).isEmpty || !headers.clonedEpochs(of: id).isEmpty
    }

    /// Frees a deleted volume: all of it, or what no snapshot and no clone needs.
    func purgeOrHide(_ header: VolumeHeader) async throws(Failure) {
        if header.isPurged {
            if let origin = header.origin { unpinned(origin) }
            return
        }
        if isNeeded(header.id) {
            // Of a deleted volume nobody misses what only its ring has: damage there must not keep its clones from their data.
            if let refusal = try await logs.settleRing(of: header.id) {
                try await logs.setRingAside(of: header.id, refusal)
            }
            try await logs.with(header.id) { (opened) throws(Failure) in
                try await opened.ask { log, done in log.dropHead(done: done) }
            }
            return maintain(header.id)
        }
        guard let group = headers.group(header.group)?.specification else { return }
        let (allocator, id) = (allocator, header.id)
        try await logs.whileClosed(id) { () throws(Failure) in
            try await Self.onBlockingThread { () throws(Failure) in try allocator.removeVolume(id, group: group) }
            try await logs.forgetRing(of: id)
            var purged = header
            purged.isPurged = true
            try await headers.put(purged)
        }
        if let origin = header.origin { unpinned(origin) }
    }

    /// A clone is gone: its origin may go too, or free the epoch.
    private func unpinned(_ origin: VolumeOrigin) {
        Task.detached { [self] in
            for _ in 0..<Self.unpinTriesMax {
                do throws(Failure) { return try await unpin(origin) } catch {
                    logger.info(
                        "a clone's origin is in use", metadata: ["volume": "\(origin.volume)", "reason": "\(error)"])
                }
                try? await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// What is left undone is done at the next start.
    private static let unpinTriesMax = 50

    private func unpin(_ origin: VolumeOrigin) async throws(Failure) {
        let lock = try await locks.acquire(
            origin.volume.description, for: "unpinning epoch \(origin.epoch) \(UInt64.random(in: 0...UInt64.max))")
        defer { lock.release() }
        guard let header = headers.volume(origin.volume), !header.isPurged else { return }
        if header.isDeleted, !isNeeded(header.id) { return try await purgeOrHide(header) }
        maintain(header.id)
    }

    /// Frees, in the background, what deleted snapshots of the volume had.
    func maintain(_ id: VolumeID) {
        let headers = headers
        if let header = headers.volume(id), headers.group(header.group)?.state == .deleting { return }
        Task.detached { [self] in
            do throws(Failure) {
                try await logs.with(id) { (opened) throws(Failure) in
                    try await opened.ask { (log, done: @escaping @Sendable (Result<Void, Failure>) -> Void) in
                        // As it is now: a clone's header is there before its origin may not be walked any more.
                        log.pinnedEpochs = headers.clonedEpochs(of: id)
                        log.whenReclaimed { done(.success(())) }
                    }
                }
            } catch {
                logger.warning(
                    "space of deleted snapshots is not freed yet", metadata: ["volume": "\(id)", "reason": "\(error)"])
            }
        }
    }

    /// What a crash or a shutdown cut off.
    func finishDeletions() async {
        for header in headers.volumes where header.isUnfinished && !header.isDeleted {
            var tombstone = header
            tombstone.isDeleted = true
            try? await headers.put(tombstone)
        }
        // Before the volumes: some are needed by nothing else.
        for header in headers.snapshots where header.isInternal && !header.isDeleted {
            var tombstone = header
            tombstone.isDeleted = true
            try? await headers.put([tombstone])
        }
        for header in headers.volumes where header.isDeleted && !header.isPurged {
            do throws(Failure) { try await purgeOrHide(header) } catch {
                logger.warning(
                    "a deleted volume is not freed yet", metadata: ["volume": "\(header.id)", "reason": "\(error)"])
            }
        }
        for volume in Set(headers.snapshots.filter(\.isDeleted).map(\.volume)).sorted() {
            guard let header = headers.volume(volume), !header.isPurged else { continue }
            reconcile(volume)
        }
    }

    /// Deletes from the log what has no header, and frees it.
    private func reconcile(_ id: VolumeID) {
        Task.detached { [self] in
            guard let lock = try? await locks.acquire(id.description, for: "looking after snapshots") else { return }
            defer { lock.release() }
            try? await logs.with(id) { (opened) throws(Failure) in try await dropStrays(of: id, opened) }
            maintain(id)
        }
    }

    /// With the volume's lock held: its log lets go of snapshots that have no header.
    func dropStrays(of id: VolumeID, _ opened: OpenVolumes.Opened) async throws(Failure) {
        let known = Set(headers.snapshots(of: id).map(\.epoch))
        let strays: [UInt32] = try await opened.ask { log, done in
            done(.success(log.map.elements.filter { !$0.isDeleted && !known.contains($0.epoch) }.map(\.epoch)))
        }
        for epoch in strays { try await opened.ask { log, done in log.deleteSnapshot(epoch, done: done) } }
    }
}

extension Formatted {
    /// Of a copy: a filesystem that was being made may be anything there.
    fileprivate var ofCopy: Formatted {
        if case .making = self { return .unknown }
        return self
    }
}

/// Gathers one answer from each of several loops.
private final class Answers: Sendable {
    private struct State {
        var results: [Result<UInt32, Failure>?]
        var waiter: CheckedContinuation<[Result<UInt32, Failure>], Never>?
    }
    private let state: Mutex<State>

    init(count: Int) { state = Mutex(State(results: Array(repeating: nil, count: count))) }

    func put(_ result: Result<UInt32, Failure>, at index: Int) {
        let done = state.withLock {
            state -> (CheckedContinuation<[Result<UInt32, Failure>], Never>, [Result<UInt32, Failure>])? in
            state.results[index] = result
            let all = state.results.compactMap { $0 }
            guard all.count == state.results.count, let waiter = state.waiter else { return nil }
            state.waiter = nil
            return (waiter, all)
        }
        done?.0.resume(returning: done?.1 ?? [])
    }

    func all() async -> [Result<UInt32, Failure>] {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> [Result<UInt32, Failure>]? in
                let all = state.results.compactMap { $0 }
                if all.count == state.results.count { return all }
                state.waiter = continuation
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }
}
