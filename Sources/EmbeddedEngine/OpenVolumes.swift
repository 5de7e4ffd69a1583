import Base
import Dispatch
import Logging
import SegmentStore
import Synchronization
import SystemIO
import VolumeEngine

/// The volumes whose logs are open, and how many need them: devices, clones, operations. A log is opened for the first and closed after
/// the last of them.
///
/// Volumes of one lineage share a loop, since a clone reads what is its origin's through the origin's log. Locks are taken from clone to
/// origin, never the other way.
final class OpenVolumes: Sendable {
    struct Settings: Sendable {
        var ringBytes: Int
        /// Rings of attached volumes outlive the process there; nil: they do not.
        var rings: (any RingStore)?
        var mapCacheBytes: Int
        var loopCount: Int
    }
    /// `@unchecked Sendable`: `log` is touched on `loop` only.
    final class Opened: @unchecked Sendable {
        let log: VolumeLog
        let loop: EventLoop
        fileprivate let origin: VolumeID?

        fileprivate init(log: VolumeLog, loop: EventLoop, origin: VolumeID?) {
            self.log = log
            self.loop = loop
            self.origin = origin
        }

        /// Runs `body` on the loop; it answers through its argument, once.
        func ask<T: Sendable>(
            _ body: @escaping @Sendable (VolumeLog, @escaping @Sendable (Result<T, Failure>) -> Void) -> Void
        ) async throws(Failure) -> T {
            let (log, loop) = (log, loop)
            let result: Result<T, Failure> = await withCheckedContinuation { continuation in
                loop.post { body(log) { continuation.resume(returning: $0) } }
            }
            return try result.get()
        }
    }
    private struct Entry {
        var opened: Opened
        var users: Int
    }

    private let pool: Pool
    let headers: HeaderLog
    let relief = Relief()
    private let allocator: SegmentAllocator
    private let settings: Settings
    private let clock: any MonotonicClock
    private let logger: Logger
    private let loops: [(loop: EventLoop, shared: LoopBuffers)]
    private let entries = Mutex<[VolumeID: Entry]>([:])
    private let isClosing = Mutex(false)
    /// What closed volumes take, as far as somebody asked or they were open; one entry each at most.
    private let closedSpace = Mutex<[VolumeID: SpaceUsage]>([:])
    /// Volumes that cannot be opened for their rings, and why.
    private let refusedRings = Mutex<[VolumeID: Failure]>([:])
    /// Those of them whose writers are fenced, and whose rings are still to be set aside.
    private let fencedRings = Mutex<Set<VolumeID>>([])
    /// Who waits for a volume's turn to be opened or closed, in order.
    private let turns = Mutex<[VolumeID: [CheckedContinuation<Void, Never>]]>([:])

    init(
        pool: Pool, headers: HeaderLog, allocator: SegmentAllocator, settings: Settings, clock: any MonotonicClock,
        logger: Logger
    ) throws(Failure) {
        self.pool = pool
        self.headers = headers
        self.allocator = allocator
        self.settings = settings
        self.clock = clock
        self.logger = logger
        var loops: [(EventLoop, LoopBuffers)] = []
        for number in 0..<settings.loopCount {
            loops.append(
                (
                    try EventLoop(name: "ashlar-io-\(number)"),
                    LoopBuffers(cacheBytes: settings.mapCacheBytes / settings.loopCount)
                ))
        }
        self.loops = loops
    }

    /// After everything was released.
    func stop() { for entry in loops { entry.loop.stop() } }

    func isOpen(_ id: VolumeID) -> Bool { entries.withLock { $0[id] != nil } }

    /// Opens the log, and its origins', unless they are; `release` must follow.
    func retain(_ id: VolumeID) async throws(Failure) -> Opened {
        await takeTurn(id)
        defer { endTurn(id) }
        if isClosing.withLock({ $0 }) { throw Failure(.unavailable, "the engine is stopping") }
        let known = entries.withLock { entries in
            entries[id]?.users += 1
            return entries[id]?.opened
        }
        if let known { return known }
        closedSpace.withLock { $0[id] = nil }
        let opened = try await open(id)
        entries.withLock { $0[id] = Entry(opened: opened, users: 1) }
        return opened
    }

    /// The last one closes the log: what was answered is durable afterwards.
    func release(_ id: VolumeID) async throws(Failure) {
        await takeTurn(id)
        defer { endTurn(id) }
        let last: Opened? = entries.withLock { entries in
            guard var entry = entries[id] else { return nil }
            entry.users -= 1
            entries[id] = entry.users == 0 ? nil : entry
            return entry.users == 0 ? entry.opened : nil
        }
        guard let last else { return }
        var problem: Failure?
        do throws(Failure) {
            try await last.ask { log, done in log.close(done) }
            // Nothing is in its ring any more.
            try await forgetRing(of: id)
            let usage: SpaceUsage = try await last.ask { log, done in done(.success(log.space)) }
            closedSpace.withLock { $0[id] = usage }
        } catch { problem = error }
        if let origin = last.origin { try await release(origin) }
        if let problem { throw problem }
    }

    /// At shutdown: ends walks that keep logs open, and waits until all are closed.
    func closeAll() async {
        isClosing.withLock { $0 = true }
        for _ in 0..<Self.closingTriesMax {
            let left = entries.withLock { $0.values.map(\.opened) }
            // Who is being opened or closed has its turn.
            if left.isEmpty, turns.withLock({ $0.isEmpty }) { return }
            for opened in left {
                opened.loop.post { opened.log.stopReclaim() }
            }
            try? await Task.sleep(nanoseconds: 5_000_000)
        }
        logger.error("some volumes are still in use at shutdown")
    }

    private static let closingTriesMax = 2000

    /// Runs `body` while the log is closed and stays so. Walks that keep it open are ended; `busy` where somebody else needs it.
    func whileClosed(_ id: VolumeID, _ body: () async throws(Failure) -> Void) async throws(Failure) {
        for _ in 0..<Self.closingTriesMax {
            await takeTurn(id)
            guard let opened = entries.withLock({ $0[id]?.opened }) else {
                defer { endTurn(id) }
                closedSpace.withLock { $0[id] = nil }
                return try await body()
            }
            endTurn(id)
            opened.loop.post { opened.log.stopReclaim() }
            try? await Task.sleep(nanoseconds: 5_000_000)
        }
        throw Failure(.busy, "volume \(id) is in use: try again")
    }

    /// Runs `body` with the log open.
    func with<T: Sendable>(
        _ id: VolumeID, _ body: (Opened) async throws(Failure) -> T
    ) async throws(Failure) -> T {
        let opened = try await retain(id)
        let result: Result<T, Failure>
        do throws(Failure) { result = .success(try await body(opened)) } catch { result = .failure(error) }
        do throws(Failure) { try await release(id) } catch { notClosed(id, error) }
        return try result.get()
    }

    func notClosed(_ id: VolumeID, _ problem: Failure) {
        logger.error("volume not closed cleanly", metadata: ["volume": "\(id)", "reason": "\(problem)"])
    }

    /// What the volume takes: now where its log is open, else as its last checkpoint has it. Nobody opens or closes it meanwhile.
    func space(_ id: VolumeID) async throws(Failure) -> (usage: SpaceUsage, activity: VolumeActivity?) {
        await takeTurn(id)
        defer { endTurn(id) }
        if let opened = entries.withLock({ $0[id]?.opened }) {
            return try await opened.ask { log, done in done(.success((log.space, log.statistics.activity))) }
        }
        if let known = closedSpace.withLock({ $0[id] }) { return (known, nil) }
        guard let header = headers.volume(id), !header.isPurged, let group = headers.group(header.group)?.specification
        else { throw Failure(.notFound, "there is no volume \(id)") }
        let pool = pool
        let stored = try await EmbeddedEngine.onBlockingThread { () throws(Failure) in
            try VolumeMap.stored(header, group, in: pool)?.space()
        }
        if stored == nil, let origin = header.origin, let element = try await self.element(origin) {
            return (SpaceUsage(sharedBy: element), nil)
        }
        closedSpace.withLock { $0[id] = stored ?? SpaceUsage() }
        return (stored ?? SpaceUsage(), nil)
    }

    /// Of a closed volume, since it was last open or its space was asked for: 0 where that is not known.
    func lostBytesWhenClosed(_ id: VolumeID) -> UInt64 { closedSpace.withLock { $0[id]?.lostBytes ?? 0 } }

    /// What a clone that nobody has opened yet begins as; nil where no checkpoint of a closed origin has it.
    private func element(_ origin: VolumeOrigin) async throws(Failure) -> MapElement? {
        await takeTurn(origin.volume)
        defer { endTurn(origin.volume) }
        if let opened = entries.withLock({ $0[origin.volume]?.opened }) {
            return try await opened.ask { log, done in done(.success(log.map.element(origin.epoch))) }
        }
        guard let header = headers.volume(origin.volume), let group = headers.group(header.group)?.specification
        else { return nil }
        let pool = pool
        return try await EmbeddedEngine.onBlockingThread { () throws(Failure) in
            try VolumeMap.stored(header, group, in: pool)?.element(origin.epoch)
        }
    }

    private func open(_ id: VolumeID) async throws(Failure) -> Opened {
        guard let header = headers.volume(id), !header.isPurged, let holder = headers.group(header.group),
            holder.state == .active || holder.state == .retained
        else {
            throw Failure(.notFound, "there is no volume \(id)")
        }
        let group = holder.specification
        var origin: Opened?
        if let parent = header.origin { origin = try await retain(parent.volume) }
        do throws(Failure) {
            if let origin, let epoch = header.origin?.epoch {
                try await makeMap(of: header, group, at: epoch, of: origin)
            }
            let lineage = try headers.origins(of: header)
            var recovery = VolumeRecovery(
                pool: pool, header: header, group: group, allocator: allocator, logger: logger)
            recovery.origins = lineage
            let left = try await ringMemory(of: id)
            if let left, let boot = settings.rings?.boot {
                recovery.tails = RingTails(left, RingIdentity(pool: pool.id, volume: id, boot: boot))
            }
            let job = recovery
            let recovered = try await EmbeddedEngine.onBlockingThread { () throws(Failure) in Handover(try job.run()) }
            let root = lineage.last?.id ?? id
            let (loop, shared) = loops[Int(root.low % UInt64(loops.count))]
            let parameters = VolumeLogParameters(header: header, group: group, epoch: header.attachEpoch)
            let ring = try await ring(of: header, left, recovered)
            let pinned = headers.clonedEpochs(of: id)
            let (pool, allocator, clock, logger, parent) = (pool, allocator, clock, logger, origin)
            let log = try await loop.run { () throws(Failure) in
                let log = VolumeLog(
                    parameters, recovered: recovered.value, ring: ring.value,
                    origins: parent.map { [$0.log] + $0.log.origins } ?? [], queue: loop, pool: pool,
                    allocator: allocator, buffers: shared.buffers, cache: shared.cache, clock: clock, logger: logger)
                log.pinnedEpochs = pinned
                log.askOthers = { [weak self] done in
                    guard let self else { return done() }
                    relieve(id, done: done)
                }
                log.closeOthers = { [weak self] in self?.closeIdleSlices(but: id) }
                log.replay()
                log.reclaimLater()
                return Handover(log)
            }.value
            return Opened(log: log, loop: loop, origin: header.origin?.volume)
        } catch {
            if let parent = header.origin { try? await release(parent.volume) }
            throw error
        }
    }

    /// Descriptors are short, and the one that asks has closed what it could.
    private func closeIdleSlices(but asking: VolumeID) {
        let others = entries.withLock { $0.filter { $0.key != asking }.map(\.value.opened) }
        for opened in others {
            opened.loop.post { opened.log.closeIdleSlices() }
        }
    }

    // MARK: Rings

    /// Where an earlier process's unflushed writes are.
    private func ringMemory(of id: VolumeID) async throws(Failure) -> (any RingMemory)? {
        guard let rings = settings.rings else { return nil }
        return try await refusing(id) { () throws(Failure) in
            do throws(Failure) { return try rings.find(id) } catch  where error.kind == .corrupt {
                throw WriteRing.unusable(id, error)
            }
        }
    }

    /// What an earlier process left of the volume's unflushed writes, or an empty ring in ordinary memory: nobody has attached it yet.
    private func ring(
        of header: VolumeHeader, _ left: (any RingMemory)?, _ recovered: Handover<RecoveredVolume>
    ) async throws(Failure) -> Handover<WriteRing> {
        let (settings, pool, logger) = (settings, pool, logger)
        return try await refusing(header.id) { () throws(Failure) in
            Handover(
                try recovered.value.ring(
                    of: header, left, in: settings.rings, bytes: settings.ringBytes, pool: pool, logger: logger))
        }
    }

    /// Runs `body`, which reads the volume's ring, off the loop. Where that is damaged the volume has a refusal.
    private func refusing<T: Sendable>(
        _ id: VolumeID, _ body: @escaping @Sendable () throws(Failure) -> T
    ) async throws(Failure) -> T {
        refusedRings.withLock { $0[id] = nil }
        do throws(Failure) { return try await EmbeddedEngine.onBlockingThread(body) } catch {
            if error.kind == .corrupt { refusedRings.withLock { $0[id] = error } }
            throw error
        }
    }

    /// Why the volume cannot be opened, where that is its ring.
    func refusal(of id: VolumeID) -> Failure? { refusedRings.withLock { $0[id] } }

    /// What is written from now on outlives the process. The volume is open.
    func keepRing(of id: VolumeID, _ opened: Opened) async throws(Failure) {
        guard let rings = settings.rings else { return }
        let (isKept, generation, last, durableThrough): (Bool, UInt64, UInt64, UInt64) = try await opened.ask {
            log, done in
            done(.success((log.ring.isKept, log.openedGeneration, UInt64(log.ring.endEntry), log.durableThrough)))
        }
        if isKept { return }
        let (identity, bytes) = (RingIdentity(pool: pool.id, volume: id, boot: rings.boot), settings.ringBytes)
        let made = try await EmbeddedEngine.onBlockingThread { () throws(Failure) in
            Handover(
                try WriteRing.make(
                    in: rings, identity, payloadBytes: bytes,
                    first: WriteRing.firstSequence(generation: generation, isKept: true, after: last),
                    logSequence: durableThrough))
        }
        try await opened.ask { log, done in log.use(made.value, done: done) }
    }

    /// The volume is closed, and all that it had is durable or deleted.
    func forgetRing(of id: VolumeID) async throws(Failure) {
        guard let rings = settings.rings else { return }
        try await EmbeddedEngine.onBlockingThread { () throws(Failure) in rings.remove(id) }
    }

    /// Makes durable what an earlier process left in the volume's ring. Why it cannot be used, or nil: `setRingAside` follows when whoever wrote
    /// to it is fenced, and not before. Who writes then sees the volume as after a loss of power.
    func settleRing(of id: VolumeID) async throws(Failure) -> Failure? {
        guard let rings = settings.rings, !isOpen(id) else { return nil }
        let isThere = try await EmbeddedEngine.onBlockingThread { () throws(Failure) in rings.has(id) }
        guard isThere else { return nil }
        refusedRings.withLock { $0[id] = nil }
        do throws(Failure) { _ = try await retain(id) } catch {
            guard refusal(of: id) != nil else { throw error }
            return error
        }
        try await release(id)
        return nil
    }

    /// Where it fails, who repeats the call that fenced repeats it: see `setFencedRingAside`.
    func setRingAside(of id: VolumeID, _ reason: Failure) async throws(Failure) {
        guard let rings = settings.rings else { return }
        fencedRings.withLock { _ = $0.insert(id) }
        let name = try await EmbeddedEngine.onBlockingThread { () throws(Failure) in try rings.setAside(id) }
        logger.error(
            "ring of unflushed writes set aside: writes that were answered and not flushed are lost",
            metadata: ["volume": "\(id)", "path": "\(name)", "reason": "\(reason)"])
        fencedRings.withLock { _ = $0.remove(id) }
        refusedRings.withLock { $0[id] = nil }
    }

    /// What an earlier call could not do.
    func setFencedRingAside(of id: VolumeID) async throws(Failure) {
        guard fencedRings.withLock({ $0.contains(id) }), let reason = refusal(of: id) else { return }
        try await setRingAside(of: id, reason)
    }

    /// The map of a clone that is opened for the first time.
    private func makeMap(
        of header: VolumeHeader, _ group: GroupSpecification, at epoch: UInt32, of origin: Opened
    ) async throws(Failure) {
        let pool = pool
        let isUnmade = try await EmbeddedEngine.onBlockingThread { () throws(Failure) in
            try VolumeClone.isUnmade(header, in: pool)
        }
        guard isUnmade else { return }
        let element: MapElement = try await origin.ask { log, done in
            log.durableElement(epoch, isPinned: true, done: done)
        }
        try await EmbeddedEngine.onBlockingThread { () throws(Failure) in
            try VolumeClone.create(header.id, group: group, from: element, in: pool)
        }
    }

    /// A clone begins at the epoch: its log, where it is open, keeps it. One that is opened later reads the headers.
    func pin(_ epoch: UInt32, of id: VolumeID) async {
        await takeTurn(id)
        defer { endTurn(id) }
        guard let opened = entries.withLock({ $0[id]?.opened }) else { return }
        opened.loop.post { opened.log.pinnedEpochs.insert(epoch) }
    }

    private func takeTurn(_ id: VolumeID) async {
        await withCheckedContinuation { continuation in
            let isFree = turns.withLock { turns in
                guard turns[id] != nil else {
                    turns[id] = []
                    return true
                }
                turns[id]?.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    private func endTurn(_ id: VolumeID) {
        let next = turns.withLock { turns -> CheckedContinuation<Void, Never>? in
            guard turns[id]?.isEmpty == false else {
                turns[id] = nil
                return nil
            }
            return turns[id]?.removeFirst()
        }
        next?.resume()
    }
}

/// Carries a value between threads that use it one after the other.
struct Handover<T>: @unchecked Sendable {
    let value: T
    init(_ value: T) { self.value = value }
}

/// What the volumes of a loop share. `@unchecked Sendable`: touched on the loop only.
final class LoopBuffers: @unchecked Sendable {
    let buffers = RecordBuffers()
    let cache: NodeCache

    init(cacheBytes: Int) { cache = NodeCache(bytes: cacheBytes) }
}
