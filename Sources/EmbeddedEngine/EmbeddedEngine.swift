import Base
import BlockDevice
import ErasureCoding
import Glibc
import Logging
import SegmentStore
import Synchronization
import SystemIO
import VolumeEngine

public struct EngineSettings: Sendable {
    /// Room for unflushed writes of one open volume.
    public var ringBytes: Int
    /// On a tmpfs: there the rings of attached volumes outlive the process. Nil: they do not.
    public var ringDirectory: String?
    /// Memory for nodes of maps, of all volumes together.
    public var mapCacheBytes: Int
    /// Event loops; each owns a share of the open volumes.
    public var loopCount: Int
    /// Starts although more mountpaths are missing than the groups survive.
    public var acceptMissing: Bool

    /// Filesystems that several mountpaths share, for status.
    public var sharedFilesystems: [String]

    public init(
        ringBytes: Int, ringDirectory: String? = nil, mapCacheBytes: Int = 64 << 20, loopCount: Int,
        acceptMissing: Bool, sharedFilesystems: [String] = []
    ) {
        self.ringDirectory = ringDirectory
        self.mapCacheBytes = mapCacheBytes
        self.sharedFilesystems = sharedFilesystems
        self.ringBytes = ringBytes
        self.loopCount = loopCount
        self.acceptMissing = acceptMissing
    }
}

/// The engine port over segments on this host's mountpaths.
///
/// Volumes are known by their headers alone until they are opened; opening reads the log to its end and seals it.
public final class EmbeddedEngine: VolumeEngine {
    let pool: Pool
    let headers: HeaderLog
    let allocator: SegmentAllocator
    let copies: CatalogueCopies
    private let settings: EngineSettings
    let logger: Logger
    private let clock: any MonotonicClock
    let locks = KeyedLock()
    let logs: OpenVolumes
    /// What front ends have.
    let opened = Mutex<[VolumeID: VolumeDevice]>([:])
    let openedSnapshots = Mutex<[SnapshotID: VolumeDevice]>([:])
    private let watch: PoolWatch
    private let resized = Mutex<(@Sendable (VolumeID) async throws(Failure) -> Void)?>(nil)

    // MARK: Starting and stopping

    /// Finds or makes the pool. `ledger` is the state directory. Nothing is changed where this throws, but for what an interrupted
    /// start left half made. `finishesInterrupted`: false where `finishInterrupted` is called later.
    public static func start(
        mountpaths: [ConfiguredMountpath], ledger: any Disk, settings: EngineSettings, finishesInterrupted: Bool = true,
        logger: Logger
    ) async throws(Failure) -> EmbeddedEngine {
        let engine = try await onBlockingThread { () throws(Failure) in
            try EmbeddedEngine(mountpaths: mountpaths, ledger: ledger, settings: settings, logger: logger)
        }
        if finishesInterrupted { await engine.finishInterrupted() }
        return engine
    }

    /// What an earlier process began to delete is deleted, and what it had half made. Once, after what must be served first and before
    /// anything is made: nobody can tell this start's unfinished volumes from an earlier one's.
    public func finishInterrupted() async {
        await finishGroupDeletions()
        await finishDeletions()
    }

    private init(
        mountpaths: [ConfiguredMountpath], ledger: any Disk, settings: EngineSettings, logger: Logger
    ) throws(Failure) {
        self.settings = settings
        self.logger = logger
        clock = SystemClock()
        var random = SystemRandomNumberGenerator()
        pool = try Pool.open(
            mountpaths, ledger: ledger, acceptMissing: settings.acceptMissing, logger: logger, random: &random)
        headers = try HeaderLog(reading: pool, logger: logger)
        try pool.admitMissing(
            lossesMax: headers.lossesMax, acceptMissing: settings.acceptMissing)
        try headers.takeOutUnreadable()
        try headers.rewrite()
        allocator = try SegmentAllocator(pool: pool, start: random.next(), logger: logger)
        copies = CatalogueCopies(pool: pool, logger: logger)
        var rings: RingDirectory?
        if let path = settings.ringDirectory { rings = try RingDirectory(path: path, logger: logger) }
        logs = try OpenVolumes(
            pool: pool, headers: headers, allocator: allocator,
            settings: .init(
                ringBytes: settings.ringBytes, rings: rings, mapCacheBytes: settings.mapCacheBytes,
                loopCount: settings.loopCount),
            clock: clock, logger: logger)
        watch = PoolWatch(pool: pool, logger: logger)
        try takeStock()
        try removeRings(in: rings)
        watch.start()
    }

    /// Closes every open volume: what was answered is durable afterwards.
    public func shutDown() async {
        watch.stop()
        let devices = opened.withLock { devices in
            defer { devices = [:] }
            return devices
        }
        for (id, device) in devices { await closing(id) { () throws(Failure) in try await self.end(device, of: id) } }
        let snapshots = openedSnapshots.withLock { devices in
            defer { devices = [:] }
            return devices
        }
        for (id, device) in snapshots {
            guard let volume = headers.snapshot(id)?.volume else { continue }
            await closing(volume) { () throws(Failure) in try await self.end(device, of: volume) }
        }
        await logs.closeAll()
        logs.stop()
    }

    private func closing(_ id: VolumeID, _ body: () async throws(Failure) -> Void) async {
        do throws(Failure) { try await body() } catch {
            logger.error("volume not closed cleanly", metadata: ["volume": "\(id)", "reason": "\(error)"])
        }
    }

    /// Counts what is on the mountpaths and removes what is left of deleted volumes.
    private func takeStock() throws(Failure) {
        var seen: Set<String> = []
        try pool.onEveryMember("list volumes") { (mountpath) throws(Failure) in
            for name in try mountpath.disk.list(".") where name.hasPrefix("@") {
                do throws(Failure) {
                    for volume in try mountpath.disk.list(name) { seen.insert("\(name)/\(volume)") }
                } catch  where error.errorNumber == ENOTDIR { continue }  // not ours
            }
        }
        for path in seen.sorted() {
            let parts = path.split(separator: "/")
            guard parts.count == 2, let id = VolumeID(String(parts[1])), let header = headers.volume(id),
                let group = headers.group(header.group)?.specification, "@\(header.group)" == parts[0]
            else {
                logger.warning("directory of no known volume left alone", metadata: ["path": "\(path)"])
                continue
            }
            if header.isDeleted, !isNeeded(id) {
                do throws(Failure) { try allocator.removeVolume(id, group: group) } catch  where !error.isShortage {
                    logger.warning(
                        "not removed before the next start", metadata: ["path": "\(path)", "error": "\(error)"])
                }
            } else {
                try allocator.noteExisting(id, group: group)
            }
        }
    }

    /// What nobody will use: rings of volumes that are gone, also those set aside, and such as were never finished.
    private func removeRings(in rings: RingDirectory?) throws(Failure) {
        guard let rings else { return }
        for id in try rings.sweep(where: { headers.volume($0)?.isPurged == true }) where headers.volume(id) == nil {
            logger.warning("ring of no known volume left alone", metadata: ["volume": "\(id)"])
        }
    }

    static func onBlockingThread<T: Sendable>(
        _ body: @escaping @Sendable () throws(Failure) -> T
    ) async throws(Failure) -> T {
        try await BlockingThreads.ofProcess.run(body)
    }

    // MARK: Groups

    public func ensureGroup(_ group: GroupSpecification) async throws(Failure) {
        let lock = try await locks.acquire("group \(group.label)", for: "ensuring")
        defer { lock.release() }
        try validate(group)
        let header = headers.group(group.label)
        if header?.state == .deleting {
            throw Failure(.failedPrecondition, "group \(group.label) is being deleted; try again when it is gone")
        }
        if let header, header.state != .deleted {
            let existing = header.specification
            guard existing.dataColumns == group.dataColumns, existing.parityColumns == group.parityColumns,
                existing.sliceBytes == group.sliceBytes
            else {
                throw Failure(
                    .conflict,
                    "group \(group.label) exists as erasure(\(existing.dataColumns),\(existing.parityColumns)) with slices of \(ByteSize.text(existing.sliceBytes)): its coding cannot be changed; make a group of another label"
                )
            }
            if existing == group, header.state == .active { return }
        } else {
            let matching = pool.status().mountpaths.count { group.media.isEmpty || group.media.contains($0.media) }
            guard matching >= group.columns else {
                let media = group.media.isEmpty ? "any media" : "media \(group.media.joined(separator: " or "))"
                throw Failure(
                    .exhausted,
                    "group \(group.label) needs \(group.columns) mountpaths of \(media) for erasure(\(group.dataColumns),\(group.parityColumns)), the pool has \(matching): add mountpaths or choose another protection"
                )
            }
        }
        try await headers.put(GroupHeader(specification: group))
        pool.setLossesMax(group.parityColumns)
    }

    private func validate(_ group: GroupSpecification) throws(Failure) {
        let allowed = Set("abcdefghijklmnopqrstuvwxyz0123456789-")
        guard !group.label.isEmpty, group.label.count <= 63, group.label.allSatisfy({ allowed.contains($0) }) else {
            throw Failure(.invalid, "'\(group.label)' is no group label: 1 to 63 of a-z, 0-9 and -")
        }
        _ = try ErasureCode(dataColumns: group.dataColumns, parityColumns: group.parityColumns)
        try checkAnnotation(group.annotation ?? "")
        guard group.sliceBytes >= 4 << 20, group.sliceBytes <= 1 << 30, group.sliceBytes % (1 << 20) == 0 else {
            throw Failure(
                .invalid,
                "group \(group.label): slices of \(group.sliceBytes) bytes are not possible: a multiple of 1 MiB from 4 MiB to 1 GiB"
            )
        }
    }

    public func capacity(ofGroup label: String) async throws(Failure) -> GroupCapacity {
        guard let header = headers.group(label), header.state != .deleted else {
            throw Failure(.notFound, "there is no group \(label)")
        }
        let group = header.specification
        let allocator = allocator
        return try await Self.onBlockingThread { () throws(Failure) in allocator.capacity(of: group) }
    }

    // MARK: Volumes

    public func createVolume(
        _ id: VolumeID, group: String, sizeBytes: UInt64, annotation: String, content: VolumeContent
    ) async throws(Failure) -> EngineVolume {
        let lock = try await locks.acquire(id.description, for: "creating")
        defer { lock.release() }
        guard sizeBytes > 0, sizeBytes % UInt64(blockBytes) == 0 else {
            throw Failure(
                .invalid, "a volume of \(sizeBytes) bytes is not possible: a positive multiple of \(blockBytes)")
        }
        try checkAnnotation(annotation)
        guard let specification = activeGroup(group) else {
            throw Failure(.notFound, "there is no group \(group)")
        }
        if let existing = headers.volume(id),
            !existing.isUnfinished || existing.isDeleted || !isContent(content, of: existing)
        {
            if existing.isDeleted { throw Failure(.notFound, "volume \(id) was deleted; its id is not used again") }
            guard existing.group == group, existing.sizeBytes == sizeBytes, isContent(content, of: existing) else {
                throw Failure(
                    .conflict,
                    "volume \(id) exists in group \(existing.group) with \(existing.sizeBytes) bytes, or with another content"
                )
            }
            return describe(existing)
        }
        try await checkFits(sizeBytes, specification)
        var header = VolumeHeader(
            id: id, group: group, sizeBytes: sizeBytes, attachEpoch: 0, formatted: .never, isDeleted: false,
            annotation: annotation.isEmpty ? nil : annotation)
        switch content {
        case .empty: try await headers.put(header)
        case .snapshot(let snapshot): try await makeClone(&header, of: try existingSnapshot(snapshot))
        case .volume(let volume): try await makeClone(&header, ofVolume: volume)
        }
        // A group that was removed meanwhile has enumerated its volumes, perhaps before this one was there.
        guard activeGroup(group) != nil else {
            header.isDeleted = true
            try await headers.put(header)
            throw Failure(.notFound, "there is no group \(group)")
        }
        return describe(header)
    }

    private func checkFits(_ sizeBytes: UInt64, _ group: GroupSpecification) async throws(Failure) {
        let total = try await capacity(ofGroup: group.label).totalBytes
        guard sizeBytes <= total else {
            throw Failure(
                .outOfRange,
                "a volume of \(ByteSize.text(sizeBytes)) is larger than group \(group.label) can ever hold (\(ByteSize.text(total)))"
            )
        }
    }

    public func deleteVolume(_ id: VolumeID) async throws(Failure) {
        let lock = try await locks.acquire(id.description, for: "deleting")
        defer { lock.release() }
        try await dropInternalSnapshot(of: id)
        guard var header = headers.volume(id), header.isDeleted || activeGroup(header.group) != nil else { return }
        if opened.withLock({ $0[id] }) != nil {
            throw Failure(.failedPrecondition, "volume \(id) is attached: unstage and unpublish it first")
        }
        // Nobody ever had a device of it: there is no data that a tombstone must outlive.
        let isBlank =
            !header.hasMap && header.origin == nil && !isNeeded(id) && allocator.allocatedBytes(of: id) == 0
        if !header.isDeleted {
            header.isDeleted = true
            if !isBlank { try await headers.put(header) }
        }
        try await purgeOrHide(header)
    }

    public func resizeVolume(_ id: VolumeID, to sizeBytes: UInt64) async throws(Failure) -> EngineVolume {
        let lock = try await locks.acquire(id.description, for: "resizing")
        defer { lock.release() }
        var header = try existing(id)
        if sizeBytes > header.sizeBytes {
            guard sizeBytes % UInt64(blockBytes) == 0 else {
                throw Failure(.invalid, "\(sizeBytes) bytes are not a multiple of \(blockBytes)")
            }
            if let group = headers.group(header.group)?.specification { try await checkFits(sizeBytes, group) }
            header.sizeBytes = sizeBytes
            try await headers.put(header)
        }
        if let device = opened.withLock({ $0[id] }) {
            device.grow(to: header.sizeBytes)
            try await resized.withLock { $0 }?(id)
        }
        return describe(header)
    }

    /// Called after an open volume grew, so that its device grows too.
    public func onResize(_ body: @escaping @Sendable (VolumeID) async throws(Failure) -> Void) {
        resized.withLock { $0 = body }
    }

    public func volume(_ id: VolumeID) async throws(Failure) -> EngineVolume { await judged(try existing(id)) }

    /// With what an open volume knows of its own health.
    private func judged(_ header: VolumeHeader) async -> EngineVolume {
        var volume = describe(header)
        if let refusal = logs.refusal(of: header.id) {
            volume.health = .failed
            volume.healthReason = "\(refusal)"
        }
        guard let device = opened.withLock({ $0[header.id] }) else {
            let lost = logs.lostBytesWhenClosed(header.id)
            if lost > 0 { volume.markLost(blocks: Int(lost) / blockBytes) }
            return volume
        }
        let (liveBytes, lostBlocks, unavailable, _) = await device.inspect()
        volume.liveBytes = liveBytes
        if lostBlocks > 0 {
            volume.markLost(blocks: lostBlocks)
        } else if unavailable {
            volume.health = .degraded
            volume.healthReason = "some slices are on mountpaths that are out; they are read from parity"
        } else {
            volume.health = .ready
            volume.healthReason = ""
        }
        return volume
    }

    /// What the open volume's data plane has counted; nil where it is not open.
    package func statistics(of id: VolumeID) async -> VolumeStatistics? {
        guard let device = opened.withLock({ $0[id] }) else { return nil }
        return await device.inspect().statistics
    }

    public func volumes() async throws(Failure) -> [EngineVolume] {
        var found: [EngineVolume] = []
        for header in headers.volumes
        where !header.isDeleted && !header.isUnfinished && activeGroup(header.group) != nil {
            found.append(await judged(header))
        }
        return found.sorted { $0.id < $1.id }
    }

    public func markFormatted(_ id: VolumeID, _ formatted: Formatted) async throws(Failure) {
        let lock = try await locks.acquire(id.description, for: "marking \(formatted)")
        defer { lock.release() }
        var header = try existing(id)
        if header.formatted == formatted { return }
        guard header.formatted.canBecome(formatted) else {
            throw Failure(.failedPrecondition, "volume \(id) is \(header.formatted), which cannot become \(formatted)")
        }
        header.formatted = formatted
        try await headers.put(header)
    }

    public func annotateVolume(_ id: VolumeID, _ annotation: String) async throws(Failure) {
        let lock = try await locks.acquire(id.description, for: "annotating")
        defer { lock.release() }
        try checkAnnotation(annotation)
        var header = try existing(id)
        if header.annotation == annotation { return }
        header.annotation = annotation
        try await headers.put(header)
    }

    public func setLimits(_ id: VolumeID, _ limits: VolumeLimits) async throws(Failure) {
        let lock = try await locks.acquire(id.description, for: "setting limits")
        defer { lock.release() }
        try limits.validate()
        var header = try existing(id)
        if header.limits ?? .none == limits { return }
        header.limits = limits == .none ? nil : limits
        try await headers.put(header)
        await opened.withLock({ $0[id] })?.setLimits(limits)
    }

    func checkAnnotation(_ annotation: String) throws(Failure) {
        guard annotation.utf8.count <= annotationBytesMax else {
            throw Failure(
                .invalid, "an annotation of \(annotation.utf8.count) bytes is too long: at most \(annotationBytesMax)")
        }
    }

    func existing(_ id: VolumeID) throws(Failure) -> VolumeHeader {
        guard let header = headers.volume(id), !header.isDeleted, !header.isUnfinished, activeGroup(header.group) != nil
        else {
            throw Failure(.notFound, "there is no volume \(id)")
        }
        return header
    }

    func describe(_ header: VolumeHeader) -> EngineVolume {
        let allocated = allocator.allocatedBytes(of: header.id)
        let isPartlyOut = allocated > 0 && pool.status().mountpaths.contains { $0.state != .active }
        return EngineVolume(
            id: header.id, group: header.group, sizeBytes: header.sizeBytes, attachEpoch: header.attachEpoch,
            formatted: header.formatted, health: isPartlyOut ? .degraded : .ready,
            healthReason: isPartlyOut ? "mountpaths are out; what was on them is read from parity" : "", liveBytes: nil,
            allocatedBytes: allocated, isAnnotated: header.annotation != nil, limits: header.limits ?? .none)
    }

    public func poolStatus() async throws(Failure) -> PoolStatus {
        let (pool, shared) = (pool, settings.sharedFilesystems)
        return try await Self.onBlockingThread { () throws(Failure) in
            var status = pool.status()
            status.sharedFilesystems = shared
            return status
        }
    }

    // MARK: The data plane

    public func raiseEpoch(_ id: VolumeID, to epoch: UInt64) async throws(Failure) {
        let lock = try await locks.acquire(id.description, for: "raising the epoch")
        defer { lock.release() }
        var header = try existing(id)
        if header.attachEpoch == epoch { return try await logs.setFencedRingAside(of: id) }
        guard epoch > header.attachEpoch else {
            throw Failure(.fenced, "volume \(id) has attach epoch \(header.attachEpoch), \(epoch) is older")
        }
        // Admission closes, what was answered becomes durable; then the new epoch counts.
        if let device = opened.withLock({ $0.removeValue(forKey: id) }) {
            do throws(Failure) { try await end(device, of: id) } catch {
                logger.error(
                    "volume stopped before it was fenced", metadata: ["volume": "\(id)", "reason": "\(error)"])
            }
        }
        // What a process before this one was answered, too. Where that fails it stays where it is, and whoever opens the volume next has it.
        var refusal: Failure?
        do throws(Failure) { refusal = try await logs.settleRing(of: id) } catch {
            logger.error(
                "ring not drained before its volume was fenced", metadata: ["volume": "\(id)", "reason": "\(error)"])
        }
        header.attachEpoch = epoch
        try await headers.put(header)
        if let refusal { try await logs.setRingAside(of: id, refusal) }
    }

    /// Reads the volume's log to its end, seals it and takes requests. The same epoch again answers the device that is there.
    public func openVolume(
        _ id: VolumeID, epoch: UInt64, readOnly: Bool, connection: UInt64 = 0
    ) async throws(Failure) -> any BlockDevice {
        let lock = try await locks.acquire(id.description, for: "opening")
        defer { lock.release() }
        var header = try existing(id)
        guard epoch == header.attachEpoch, epoch > 0 else {
            throw Failure(
                .fenced,
                "volume \(id) has attach epoch \(header.attachEpoch), not \(epoch): publish it to this node again")
        }
        if let device = opened.withLock({ $0[id] }) {
            if device.isReadOnly == readOnly {
                await device.setConnection(connection)
                return device
            }
            try await closeOpened(id)
        }
        let volume = try await logs.retain(id)
        do throws(Failure) {
            try await dropStrays(of: id, volume)
            if !header.hasMap {
                header.hasMap = true
                try await headers.put(header)
            }
            if !readOnly { try await logs.keepRing(of: id, volume) }
        } catch {
            try await logs.release(id)
            throw error
        }
        let device = VolumeDevice(
            log: volume.log, loop: volume.loop, sizeBytes: header.sizeBytes, isReadOnly: readOnly, epoch: epoch,
            limits: header.limits ?? .none)
        do throws(Failure) {
            try await volume.ask { (log, done: @escaping @Sendable (Result<Void, Failure>) -> Void) in
                log.parameters.epoch = epoch
                log.connection = connection
                done(log.failure.map { .failure($0) } ?? .success(()))
            }
        } catch {
            try await logs.release(id)
            throw error
        }
        opened.withLock { $0[id] = device }
        return device
    }

    public func closeVolume(_ id: VolumeID) async throws(Failure) {
        let lock = try await locks.acquire(id.description, for: "closing")
        defer { lock.release() }
        try await closeOpened(id)
    }

    private func closeOpened(_ id: VolumeID) async throws(Failure) {
        guard let device = opened.withLock({ $0.removeValue(forKey: id) }) else { return }
        try await end(device, of: id)
    }

    /// Closes a device, and the log if nobody else needs it.
    func end(_ device: VolumeDevice, of id: VolumeID) async throws(Failure) {
        var problem: Failure?
        do throws(Failure) { try await device.close() } catch { problem = error }
        do throws(Failure) { try await logs.release(id) } catch { problem = problem ?? error }
        if let problem { throw problem }
    }
}

extension EngineVolume {
    fileprivate mutating func markLost(blocks: Int) {
        health = .failed
        healthReason = "\(blocks) blocks of 4 KiB are lost; reads of them answer EIO"
    }
}
