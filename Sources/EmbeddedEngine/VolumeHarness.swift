import Base
import BlockDevice
import Logging
import SegmentStore
import SystemIO
import VolumeEngine

/// One volume's engine code over disks, a queue, a clock and chance from outside, without threads or sockets: the simulator's way in.
package final class VolumeHarness {
    private let log: VolumeLog
    private let sizeBytes: UInt64
    private let membership: Pool
    package let pool: PoolID

    /// Starts as an engine does: finds or makes the pool on `mountpaths`, takes out what is missing, reads the volume's log to its end and
    /// seals it.
    package init(
        mountpaths: [ConfiguredMountpath], ledger: any Disk, group: GroupSpecification, volume: VolumeID,
        sizeBytes: UInt64,
        ringBytes: Int, cacheBytes: Int = 1 << 20, queue: any IOQueue, clock: any MonotonicClock, random: inout some RandomNumberGenerator,
        logger: Logger, test: TestHooks = TestHooks()
    ) throws(Failure) {
        let pool = try Pool.open(mountpaths, ledger: ledger, acceptMissing: false, logger: logger, random: &random, test: test)
        try pool.admitMissing(lossesMax: group.parityColumns, acceptMissing: false)
        let allocator = try SegmentAllocator(pool: pool, start: random.next(), logger: logger)
        let header = VolumeHeader(
            id: volume, group: group.label, sizeBytes: sizeBytes, attachEpoch: 1, formatted: .never, isDeleted: false)
        try allocator.noteExisting(volume, group: group)
        let recovered = try VolumeRecovery(
            pool: pool, header: header, group: group, allocator: allocator, logger: logger
        ).run()
        log = VolumeLog(
            VolumeLogParameters(header: header, group: group, epoch: 1, ringBytes: ringBytes), recovered: recovered,
            queue: queue, pool: pool, allocator: allocator, buffers: RecordBuffers(),
            cache: NodeCache(bytes: cacheBytes), clock: clock, logger: logger)
        self.sizeBytes = sizeBytes
        self.pool = pool.id
        membership = pool
    }

    /// Paths of members that are out, missing or stale: nothing on them is believed.
    package var outPaths: Set<String> {
        Set(membership.status().mountpaths.filter { $0.state != .active }.map(\.path))
    }

    /// Paths of the members that a pool file names out; none where it cannot be understood.
    package static func outPaths(inPoolFile bytes: [UInt8]) -> Set<String> {
        guard let file = try? PoolFile(decoding: bytes, place: "a pool file") else { return [] }
        return Set(file.description.members.filter { $0.state == .out }.map(\.path))
    }

    /// The segments that the volume knows, those on their way back too.
    package var segments: Set<UInt32> { Set(log.segments.keys) }

    package func landing(waiter: any BlockRequestOwner) -> UnsafeMutableRawPointer? { log.landing(waiter: waiter) }

    package func submit(_ request: BlockRequest) { log.submit(request, sizeBytes: sizeBytes, isReadOnly: false) }

    package func close(_ done: @escaping @Sendable (Result<Void, Failure>) -> Void) { log.close(done) }

    package var failure: Failure? { log.failure }
    package var lostBlocks: Int { log.lostBlocks }
    package var statistics: VolumeStatistics { log.statistics }

    /// Where everything stands, for a message.
    package var stateDescription: String {
        "ring \(log.ring.firstEntry)/\(log.ring.formedEntry)/\(log.ring.admittedEntry)/\(log.ring.endEntry), records \(log.records.map { "\($0.sequence) \($0.state)" }), flushes \(log.flushes.count), synchronizing \(log.synchronizationsPending), preparing \(log.isPreparing), checkpointing \(log.isCheckpointing), membership \(log.membershipChanges), open \(log.open.map { "\($0.id) free \($0.freeBlocks) \($0.allAvailable)" } ?? "none"), reserve \(log.reserve.map { "\($0.id)" } ?? "none"), space \(log.spaceFailure.map { "\($0)" } ?? "ok"), failure \(log.failure.map { "\($0)" } ?? "none")"
    }

    /// The accounting, computed anew from the trees; nil where it agrees with what is kept.
    package func accountingProblem() -> String? {
        var check = MapCheck(log.map)
        do throws(Failure) { return try check.run().first } catch { return "\(error)" }
    }
}
