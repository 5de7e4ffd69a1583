import Base
import BlockDevice
import Logging
import SegmentStore
import SystemIO
import VolumeEngine

/// One volume's engine code over disks, a queue, a clock and chance from outside, without threads or sockets: the simulator's way in. A
/// clone is one more, over the pool, the cache and the queue of its origin.
package final class VolumeHarness {
    /// What the volumes of one host share.
    struct Host {
        let pool: Pool
        let allocator: SegmentAllocator
        let group: GroupSpecification
        let ringBytes: Int
        let rings: (any RingStore)?
        let cacheBytes: Int
        let buffers = RecordBuffers()
        let cache: NodeCache
        let queue: any IOQueue
        let clock: any MonotonicClock
        let logger: Logger
    }
    let log: VolumeLog
    let host: Host
    /// Its origin first, then the origin's origin.
    private let origins: [VolumeHarness]
    private let sizeBytes: UInt64
    package var pool: PoolID { host.pool.id }

    /// Starts as an engine does: finds or makes the pool on `mountpaths`, takes out what is missing, reads the volume's log to its end and
    /// seals it. `pinned`: epochs at which clones begin. The cache of nodes has `cacheBytes`, at recovery too.
    package convenience init(
        mountpaths: [ConfiguredMountpath], ledger: any Disk, group: GroupSpecification, volume: VolumeID,
        sizeBytes: UInt64, ringBytes: Int, rings: (any RingStore)? = nil, cacheBytes: Int = 1 << 20,
        pinned: Set<UInt32> = [], queue: any IOQueue,
        clock: any MonotonicClock, random: inout some RandomNumberGenerator, logger: Logger,
        test: TestHooks = TestHooks()
    ) throws(Failure) {
        let pool = try Pool.open(
            mountpaths, ledger: ledger, acceptMissing: false, logger: logger, random: &random, test: test)
        try pool.admitMissing(lossesMax: group.parityColumns, acceptMissing: false)
        let allocator = try SegmentAllocator(pool: pool, start: random.next(), logger: logger)
        let host = Host(
            pool: pool, allocator: allocator, group: group, ringBytes: ringBytes, rings: rings, cacheBytes: cacheBytes,
            cache: NodeCache(bytes: cacheBytes), queue: queue, clock: clock, logger: logger)
        try self.init(host, volume: volume, sizeBytes: sizeBytes, origins: [], pinned: pinned)
    }

    /// Opens a clone that `createClone` has made. Its origin is open as long as it is.
    package convenience init(
        volume: VolumeID, cloneOf origin: VolumeHarness, pinned: Set<UInt32> = []
    ) throws(Failure) {
        try self.init(
            origin.host, volume: volume, sizeBytes: origin.sizeBytes, origins: [origin] + origin.origins, pinned: pinned
        )
    }

    private init(_ host: Host, volume: VolumeID, sizeBytes: UInt64, origins: [VolumeHarness], pinned: Set<UInt32>)
        throws(Failure)
    {
        self.host = host
        self.origins = origins
        self.sizeBytes = sizeBytes
        func header(_ id: VolumeID) -> VolumeHeader {
            VolumeHeader(
                id: id, group: host.group.label, sizeBytes: sizeBytes, attachEpoch: 1, formatted: .never,
                isDeleted: false)
        }
        try host.allocator.noteExisting(volume, group: host.group)
        var recovery = VolumeRecovery(
            pool: host.pool, header: header(volume), group: host.group, allocator: host.allocator, logger: host.logger)
        recovery.origins = origins.map { header($0.volume) }
        recovery.cacheBytes = host.cacheBytes
        let left = try host.rings?.find(volume)
        if let left, let rings = host.rings {
            recovery.tails = RingTails(left, RingIdentity(pool: host.pool.id, volume: volume, boot: rings.boot))
        }
        let recovered = try recovery.run()
        log = VolumeLog(
            VolumeLogParameters(header: header(volume), group: host.group, epoch: 1), recovered: recovered,
            ring: try Self.ring(of: header(volume), left, recovered, host), origins: origins.map(\.log),
            queue: host.queue,
            pool: host.pool,
            allocator: host.allocator, buffers: host.buffers, cache: host.cache, clock: host.clock,
            logger: host.logger)
        log.pinnedEpochs = pinned
        log.connection = Self.connection
        log.replay()
        log.reclaimLater()
    }

    /// The kernel's, which outlives the engine.
    private static let connection: UInt64 = 1

    /// What the process before left, else one that the next process will find.
    private static func ring(
        of header: VolumeHeader, _ left: (any RingMemory)?, _ recovered: RecoveredVolume, _ host: Host
    ) throws(Failure) -> WriteRing {
        let found = try recovered.ring(
            of: header, left, in: host.rings, bytes: host.ringBytes, pool: host.pool, logger: host.logger)
        guard let rings = host.rings, !found.isKept else { return found }
        return try WriteRing.make(
            in: rings, RingIdentity(pool: host.pool.id, volume: header.id, boot: rings.boot),
            payloadBytes: host.ringBytes,
            first: WriteRing.firstSequence(
                generation: recovered.generation, isKept: true, after: recovered.lastRingSequence),
            logSequence: recovered.throughSequence)
    }

    package var volume: VolumeID { log.parameters.header.id }

    /// Paths of members that are out, missing or stale: nothing on them is believed.
    package var outPaths: Set<String> {
        Set(host.pool.status().mountpaths.filter { $0.state != .active }.map(\.path))
    }

    /// Paths of the members that a pool file names out; none where it cannot be understood.
    package static func outPaths(inPoolFile bytes: [UInt8]) -> Set<String> {
        guard let file = try? PoolFile(decoding: bytes, place: "a pool file") else { return [] }
        return Set(file.description.members.filter { $0.state == .out }.map(\.path))
    }

    /// The segments that the volume knows, those on their way back too.
    package var segments: Set<UInt32> { Set(log.segments.keys) }

    package func landing(waiter: any BlockRequestOwner) -> UnsafeMutableRawPointer? { log.landing(waiter: waiter) }

    /// `epoch`: of a snapshot, which can only be read; nil: the volume as it is.
    package func submit(_ request: BlockRequest, epoch: UInt32? = nil) {
        log.submit(request, sizeBytes: sizeBytes, isReadOnly: epoch != nil, snapshot: epoch)
    }

    /// The request was taken: a process that comes after this one finds it in the ring. It is one that has no answer yet.
    package func isAdmitted(_ request: BlockRequest) -> Bool {
        let ring = log.ring
        let isWaiting = (ring.admittedEntry..<ring.endEntry).contains {
            ring[$0].request?.takeUnretainedValue() === request
        }
        return !isWaiting && !log.waitingDiscards.contains { $0.request === request }
    }

    package func close(_ done: @escaping @Sendable (Result<Void, Failure>) -> Void) {
        let (rings, volume) = (host.rings, volume)
        log.close { result in
            if case .success = result { rings?.remove(volume) }
            done(result)
        }
    }

    /// What is closed does nothing any more.
    package var isAtRest: Bool { log.cleaner.isIdle && !log.isPreparing && !log.isCheckpointing && log.givingBack == 0 }

    package var failure: Failure? { log.failure }
    package var lostBlocks: Int { log.lostBlocks }
    package var statistics: VolumeStatistics { log.statistics }

    /// Where everything stands, for a message.
    package var stateDescription: String {
        "ring \(log.ring.firstEntry)/\(log.ring.formedEntry)/\(log.ring.admittedEntry)/\(log.ring.endEntry), records \(log.records.map { "\($0.sequence) \($0.state)" }), flushes \(log.flushes.count), synchronizing \(log.synchronizationsPending), preparing \(log.isPreparing), checkpointing \(log.isCheckpointing), membership \(log.membershipChanges), open \(log.open.map { "\($0.id) free \($0.freeBlocks) \($0.allAvailable)" } ?? "none"), reserve \(log.reserve.map { "\($0.id) free \($0.freeBlocks) \($0.allAvailable) of reserve \($0.isOfReserve)" } ?? "none"), open of reserve \(log.open?.isOfReserve ?? false), freeing \(log.freeing), room \(log.room), held \(log.isHeld), timer \(log.isSpaceTimerSet), giving back \(log.givingBack), segments \(log.segments.count) with \(liveBlocks) live blocks, cleaner idle \(log.cleaner.isIdle), space \(log.spaceFailure.map { "\($0)" } ?? "ok"), failure \(log.failure.map { "\($0)" } ?? "none")"
    }

    /// Who waits for space waits for segments that are on their way back: so many there are.
    package func freeingProblem() -> String? {
        let verified = (Array(log.segments.values) + log.removed + log.dying).count { $0.isVerified }
        if log.isCheckpointing || log.givingBack > 0 || log.freeing == verified { return nil }
        return "\(log.freeing) segments are said to be on their way back, \(verified) are verified"
    }

    /// The accounting, computed anew from the trees; nil where it agrees with what is kept.
    package func accountingProblem() -> String? {
        let live = log.segments.values.reduce(0) { $0 + $1.liveBlocks }
        let data = log.segments.values.reduce(0) { $0 + $1.dataBlocks }
        if live + log.pendingBlocks > data {
            return "\(live) blocks are live and \(log.pendingBlocks) on their way, \(data) were appended"
        }
        var check = MapCheck(log.map)
        do throws(Failure) { return try check.run().first } catch { return "\(error)" }
    }
}
