import Base
import BlockDevice
import ErasureCoding
import Glibc
import Logging
import SegmentStore
import SystemIO
import VolumeEngine

/// What a volume's log is told when it is opened.
struct VolumeLogParameters {
    var header: VolumeHeader
    var group: GroupSpecification
    var epoch: UInt64
}

/// A change of which epochs are kept, on its way through the ring.
struct ControlRequest {
    var control: RecordControl
    /// On the loop, when it is durable and in the map, or failed.
    var done: (Result<Void, Failure>) -> Void
}

/// The data plane of one open volume: requests in, records out, the map between. One event loop owns it; every method is called there.
///
/// The way of a write: its payload lands in the ring, it is admitted when the worst case of all that waits has room in the open and the
/// reserve segment, and answered. Admitted entries are packed into records in order; a record is durable when all its columns are, and
/// counts when every record before it does. Then its blocks enter the map, its ring space is free and the flushes that waited for it
/// are answered. So the map has only what is durable, and what is not is in the ring, which readers see first.
///
/// `@unchecked Sendable`: confined to the loop; `blocking` closures carry it there and back.
final class VolumeLog: @unchecked Sendable {
    // Tags of our own I/O.
    static let tagRetrySpace: UInt64 = 1
    static let tagReclaim: UInt64 = 2
    static let tagRoom: UInt64 = 3
    static let tagFreeing: UInt64 = 4
    static let tagAgain: UInt64 = 5

    var parameters: VolumeLogParameters
    /// The front end's, while the volume is attached; uniques count within one.
    var connection: UInt64 = 0
    let queue: any IOQueue
    let pool: Pool
    let allocator: SegmentAllocator
    let buffers: RecordBuffers
    let clock: any MonotonicClock
    let logger: Logger

    private(set) var ring: WriteRing
    let index: NumberTable
    /// Discards in the ring that are not in the map yet: first block, end block, ring position. In order.
    var discards: [(first: UInt64, end: UInt64, position: UInt64)] = []
    let map: VolumeMap
    let store: MapStore
    /// Its origin, the origin's origin, and so on: open on the same loop as long as this is.
    let origins: [VolumeLog]
    /// Open clones of it, and of these.
    var dependents = 0
    let sealedBelow: UInt32
    /// Of the checkpoint with which it was opened.
    let openedGeneration: UInt64
    private let openedAt: UInt64
    /// Changes of epochs in the ring, by entry.
    var controls: [Int: ControlRequest] = [:]
    /// Unreferenced; freed once a checkpoint without them is durable.
    var removed: [Segment] = []
    /// Unreferenced and durable so, but still read from.
    var dying: [Segment] = []
    /// Segments on their way back, off the loop.
    var givingBack = 0

    // Segments to append to.
    var open: Segment?
    var reserve: Segment?
    var nextSegment: UInt32
    var isPreparing = false
    /// Writes ahead of the tails where flushes are small.
    private(set) lazy var fill = SegmentFill(log: self)
    /// What the open and the reserve segment can take. Nil when either may have changed, and at the end of each batch.
    var admissionRoom: Int?
    /// Behind the last entry that was refused.
    var voidedThrough = 0
    /// The last preparation's failure, until one succeeds.
    var spaceFailure: Failure?
    var spaceFailureTime: UInt64 = 0
    /// What the segment was to be for that could not be had.
    var refusedPurpose = SegmentAllocator.Purpose.writes
    var isSpaceTimerSet = false

    // Records under way, in sequence.
    var records: [RecordInFlight] = []
    var spareRecords: [RecordInFlight] = []
    var nextSequence: UInt64
    /// Of the entries that go into the next record.
    var birthEpoch: UInt32
    /// Of the next entry that is admitted.
    var admittedBirthEpoch: UInt32
    /// Durable, in sequence, and not all in the map yet; how far the first is.
    var applying: [RecordInFlight] = []
    var applied = ApplyCursor()
    var appliedThrough: UInt64
    /// Ring sequence of the last entry in these records.
    var appliedRingSequence: UInt64
    var isApplyWaiting = false
    /// To be told once the record that they are of counts as applied.
    var appliedControls: [(Result<Void, Failure>) -> Void] = []
    var codes: [Int: ErasureCode] = [:]
    var synchronizing: [RecordInFlight] = []
    var synchronizationTargets: [Slice] = []
    var synchronizationsPending = 0
    var unsyncedBlocks = 0

    // Who waits.
    /// To take the place of the ring.
    var nextRing: (ring: WriteRing, done: (Result<Void, Failure>) -> Void)?
    /// Front ends may still have places in it.
    private var formerRing: WriteRing?
    var flushes: [(through: Int, answer: FlushAnswer)] = []
    var roomWaiter: (any BlockRequestOwner)?
    /// Discards that found no room yet: the request, its next block, blocks left.
    var waitingDiscards: [(request: BlockRequest, block: UInt64, left: Int)] = []
    /// Where payloads land that will be refused.
    let refused = AlignedBuffer(bytes: WriteRing.requestBlocksMax * blockBytes)
    var isBatchScheduled = false
    var postponed: [() -> Void] = []

    // Cleaning.
    private(set) lazy var cleaner = Cleaner(log: self)
    /// Segments that can still be made, as far as is known.
    var room = Int.max / 2
    /// Segments that were verified and are not given back yet.
    var freeing = 0
    /// Has other volumes clean, and tells when they have; nil where there are none.
    var askOthers: (@Sendable (_ done: @escaping @Sendable () -> Void) -> Void)?
    var isAskingOthers = false
    var isFreeingScheduled = false
    /// Since a segment was last to be had: made for moves, and cleaned before.
    var targetsMade = 0
    var cleanedBefore = 0
    var verifiedWhileClosing = 0
    var askOthersNotBefore: UInt64 = 0
    /// Others wait for what this one can clean.
    var cleanWaiters: [() -> Void] = []
    /// Of `records`, those of moves.
    var movesInFlight = 0

    // Reading.
    var spareParts: [ReadPart] = []
    var recordIndexes: [UInt32: RecordIndex] = [:]
    var openingSlices: [ObjectIdentifier: [ReadPart]] = [:]
    /// Has other volumes close what they do not read now; nil where there are none.
    var closeOthers: (@Sendable () -> Void)?
    var closeOthersNotBefore: UInt64 = 0
    var readErrors: [MountpathID: [UInt64]] = [:]
    /// Nodes on their way into the cache.
    var nodeReads: [UInt64: NodeRead] = [:]
    var waitingReads = 0

    // Checkpoints.
    var isCheckpointing = false
    /// Segments that go back when it is durable.
    var leavingCount = 0
    var checkpointNotBefore: UInt64 = 0
    /// The last one, in nanoseconds.
    var checkpointTook: UInt64 = 0
    var recordsSinceCheckpoint = 0
    /// What a start now would have to read of the log, about.
    var recoveryCost = 0
    var needsWholeCheckpoint = false
    var checkpointedThrough: UInt64
    var checkpointWaiters: [(Bool) -> Void] = []

    // Epochs.
    /// Clones begin there.
    var pinnedEpochs: Set<UInt32> = []
    /// Devices of snapshots, by epoch.
    var readerEpochs: [UInt32: Int] = [:]
    /// Elements up to this epoch are in a durable checkpoint.
    var durableElements: UInt32
    /// Answers of writes are withheld.
    var isHeld = false
    var isReclaimScheduled = false
    var isReclaimStopped = false
    var reclaimWaiters: [() -> Void] = []
    /// Who keeps it open without need.
    var holders: [ObjectIdentifier: () -> Void] = [:]

    // Membership and the end.
    var membershipChanges = 0
    var suspected: Set<MountpathID> = []
    /// Not nil: nothing is written any more, requests answer EIO.
    var failure: Failure?
    var isClosing = false
    var hasLastCheckpoint = false
    var isClosed = false
    var onClosed: [(Result<Void, Failure>) -> Void] = []
    var statistics = VolumeStatistics()

    init(
        _ parameters: VolumeLogParameters, recovered: RecoveredVolume, ring: WriteRing, origins: [VolumeLog] = [],
        queue: any IOQueue,
        pool: Pool, allocator: SegmentAllocator, buffers: RecordBuffers, cache: NodeCache, clock: any MonotonicClock,
        logger: Logger
    ) {
        self.parameters = parameters
        self.queue = queue
        self.pool = pool
        self.allocator = allocator
        self.buffers = buffers
        self.clock = clock
        self.logger = logger
        self.ring = ring
        index = NumberTable(capacity: ring.blocks)
        map = recovered.map
        store = recovered.store
        self.origins = origins
        sealedBelow = recovered.sealedBelow
        openedGeneration = recovered.generation
        openedAt = clock.now()
        nextSegment = recovered.nextSegment
        nextSequence = recovered.throughSequence + 1
        birthEpoch = map.head.epoch
        admittedBirthEpoch = birthEpoch
        durableElements = map.elements.last?.epoch ?? 0
        appliedThrough = recovered.throughSequence
        appliedRingSequence = recovered.lastRingSequence
        checkpointedThrough = recovered.throughSequence
        for origin in origins { origin.dependents += 1 }
        let own = NodeSource(number: cache.takeNumber(), homes: store.nodeHomes)
        map.use(cache, sources: [own] + origins.map { $0.map.sources[0] })
        cache.register(own.number) { [weak self] in self?.cacheIsFull() }
    }

    /// In nanoseconds since it was opened.
    var age: UInt64 { clock.now() - openedAt }
    var lostBlocks: Int { map.head.lostBlocks }
    var segments: [UInt32: Segment] { map.segments }
    var durableThrough: UInt64 { (records.first?.sequence ?? nextSequence) - 1 }

    // MARK: Requests

    func landing(waiter: any BlockRequestOwner) -> UnsafeMutableRawPointer? {
        // Requests are still taken, to be refused: none may be left with the kernel.
        if failure != nil || isClosing { return refused.base }
        if let place = ring.landing() { return place }
        roomWaiter = waiter
        scheduleBatch()
        return nil
    }

    func submit(_ request: BlockRequest, sizeBytes: UInt64, isReadOnly: Bool, snapshot: UInt32? = nil) {
        let isChange = request.operation != .read && request.operation != .flush
        if failure != nil || isClosing { return request.finish(EIO) }
        if isChange, isReadOnly { return request.finish(EROFS) }
        if request.isRepeated, isChange, wasAdmitted(request) {
            // Durable where that was asked for; else this is its answer.
            return request.forceUnitAccess ? flush(request) : request.finish(0)
        }
        guard request.length >= 0, request.offset % UInt64(blockBytes) == 0, request.length % blockBytes == 0,
            request.offset <= sizeBytes, UInt64(request.length) <= sizeBytes - request.offset
        else { return request.finish(request.offset >= sizeBytes && isChange ? ENOSPC : EINVAL) }
        switch request.operation {
        case .read: read(request, epoch: snapshot)
        case .write: write(request)
        case .discard, .writeZeroes: discard(request)
        case .flush: flush(request)
        }
    }

    private func write(_ request: BlockRequest) {
        let count = request.length / blockBytes
        guard count > 0, let buffer = request.buffer else { return request.finish(count > 0 ? EINVAL : 0) }
        precondition(count <= WriteRing.requestBlocksMax && buffer == ring.address(ring.tail))
        if !mayAdmitSoon { return request.finish(ENOSPC) }
        for block in 0..<count {
            ring.setChecksum(ring.tail + UInt64(block), crc32c(buffer + block * blockBytes, bytes: blockBytes))
        }
        var block = request.offset >> blockShift
        var left = count
        while left > 0 {
            let part = min(left, WriteRing.entryBlocksMax)
            ring.append(
                data: block, count: part, request: part == left ? Unmanaged.passUnretained(request) : nil)
            block += UInt64(part)
            left -= part
        }
        admitWaiting()
        scheduleBatch()
    }

    private func discard(_ request: BlockRequest) {
        guard request.length > 0 else { return request.finish(0) }
        waitingDiscards.append((request, request.offset >> blockShift, request.length / blockBytes))
        takeDiscards()
        scheduleBatch()
    }

    /// Moves discards into the ring as far as there is room; the others wait for what is there to become durable.
    func takeDiscards() {
        while let first = waitingDiscards.first, ring.hasEntries(8),
            discards.count + (ring.endEntry - ring.admittedEntry) < Self.discardsMax
        {
            let part = min(first.left, RecordExtent.countMax)
            let isLast = part == first.left
            ring.append(
                discard: first.block, count: part, request: isLast ? Unmanaged.passUnretained(first.request) : nil)
            if isLast {
                waitingDiscards.removeFirst()
            } else {
                waitingDiscards[0] = (first.request, first.block + UInt64(part), first.left - part)
            }
        }
        admitWaiting()
    }

    static let discardsMax = 256

    /// Makes everything durable that was answered; `done` with 0 or an errno.
    func drain(_ done: @escaping (Int32) -> Void) {
        if failure != nil { return done(EIO) }
        if ring.admittedEntry <= ring.durableEntry { return done(0) }
        flushes.append((ring.admittedEntry, .closure(done)))
        scheduleBatch()
    }

    private func flush(_ request: BlockRequest) {
        let through = ring.admittedEntry
        if through <= ring.durableEntry { return request.finish(0) }
        if pool.test.canary == .flushEarly { return request.finish(0) }  // canary
        flushes.append((through, .request(request)))
        scheduleBatch()
    }

    /// Puts a change of epochs into the log, behind everything that was admitted.
    func change(_ control: RecordControl, done: @escaping (Result<Void, Failure>) -> Void) {
        if let failure { return done(.failure(failure)) }
        guard !isClosing, ring.hasEntries(4) else {
            return done(.failure(Failure(.unavailable, "the volume is closing or overloaded: try again")))
        }
        controls[ring.endEntry] = ControlRequest(control: control, done: done)
        ring.appendControl()
        admitWaiting()
        scheduleBatch()
    }

    // MARK: The batch

    func scheduleBatch() {
        if isBatchScheduled { return }
        isBatchScheduled = true
        queue.atEndOfBatch(self)
    }

    /// Something must become durable or free soon, whatever its size.
    var isPressed: Bool { isUrgent || isRingFilling }

    private var isUrgent: Bool {
        // Who waits for a segment that is on its way is not helped by smaller records.
        isClosing || ring.durableEntry < ring.replayEnd || !controls.isEmpty
            || (ring.admittedEntry < ring.endEntry && (reserve != nil || !isPreparing && !isSpaceComing))
            || discards.count > Self.discardsMax / 2 || !waitingDiscards.isEmpty
    }

    private var isRingFilling: Bool { roomWaiter != nil || ring.usedBlocks > ring.blocks / 2 }

    /// Records are formed of what there is. Where the ring is full of what is on its way to the drives or into the map, small ones would make room no
    /// sooner.
    var mustForm: Bool {
        isUrgent
            || (isRingFilling && (ring.firstEntry == ring.formedEntry || ring.pendingBlocks >= fullBlocks / 2))
    }

    var isFlushWaiting: Bool { !flushes.isEmpty }

    /// Frees what is durable and answers who waited for it.
    func completeDurable() {
        while let first = flushes.first, first.through <= ring.durableEntry {
            flushes.removeFirst()
            first.answer.finish(0)
        }
        if let waiter = roomWaiter, ring.landing() != nil {
            roomWaiter = nil
            waiter.roomAvailable()
        }
    }

    // MARK: The ring of an earlier process, or of a later one

    /// Begins with what the ring has from an earlier process: readers see it, and it is drained.
    func replay() {
        guard !ring.isEmpty else { return }
        pool.test.took(.ringReplayed)
        for number in ring.firstEntry..<ring.endEntry { note(ring[number]) }
        scheduleBatch()
    }

    /// An earlier process has taken the request, though its client did not hear of it.
    private func wasAdmitted(_ request: BlockRequest) -> Bool {
        guard request.unique != 0, pool.test.canary != .resentTwice,  // canary
            ring.admittedBefore[connection]?.contains(request.unique) == true
        else { return false }
        pool.test.took(.resentKnown)
        return true
    }

    /// Puts what is admitted from now on into `next`, which has the same size and higher sequences; `done` when what is in the present one
    /// is durable.
    func use(_ next: WriteRing, done: @escaping (Result<Void, Failure>) -> Void) {
        if let failure { return done(.failure(failure)) }
        guard nextRing == nil, formerRing == nil, next.firstEntry > ring.endEntry else {
            return done(.failure(Failure(.internal, "the volume has a ring already")))
        }
        nextRing = (next, done)
        switchRing()
        scheduleBatch()
    }

    private func switchRing() {
        guard let (next, done) = nextRing, ring.isEmpty else { return }
        formerRing = ring
        ring = next
        for segment in [open, reserve] + cleaner.targets {
            if let segment { ring.noteTail(of: segment, allocator.start) }
        }
        nextRing = nil
        done(.success(()))
    }
}

/// Counted for status and tests.
package struct VolumeStatistics: Sendable {
    package var recordsWritten = 0
    package var blocksWritten = 0
    package var columnBlocksWritten = 0
    /// With zeros, ahead of the tails.
    package var columnBlocksFilled = 0
    /// Copied by garbage collection.
    package var blocksMoved = 0
    package var segmentsCleaned = 0
    package var blocksRebuilt = 0
    package var nodesRepaired = 0
    package var checkpoints = 0
}

/// Who waits for a flush.
enum FlushAnswer {
    case request(BlockRequest)
    case closure((Int32) -> Void)

    func finish(_ result: Int32) {
        switch self {
        case .request(let request): request.finish(result)
        case .closure(let body): body(result)
        }
    }
}

extension BlockRequest {
    func finish(_ result: Int32) {
        // Its owner may send it again at once.
        let count = count
        self.count = nil
        owner.completed(self, result: result)
        count?.ended()
    }
}

extension VolumeLog: BatchTarget {
    func batchEnded() {
        isBatchScheduled = false
        admissionRoom = nil
        if failure != nil { return }
        takeDiscards()
        formRecords()
        startSynchronization()
        completeDurable()
        switchRing()
        finishClosing()
    }
}
