import Base
import BlockDevice
import SegmentStore
import SystemIO

/// What the cleaner asks of its volume: when and which segment, and the I/O.
extension VolumeLog {
    /// So many segments must still be to be had, or cleaning begins.
    private static let roomMin = 1
    /// A segment with less garbage is not worth its copying.
    private static let garbageShareMin = 0.05
    /// Garbage may grow to as much as there is live, and so many segments, while space is not short.
    private static let idleSegments = 4

    /// Cleaning may go on, and must for what was admitted to find its place. A volume that closes has some of its dead segments verified:
    /// they would stay until it is opened again.
    var mayClean: Bool {
        guard failure == nil, !isReclaimStopped, !isClosed else { return false }
        return !isClosing || (spaceFailure != nil && !ring.isEmpty)
            || verifiedWhileClosing < Self.verifiedWhileClosingMax
    }

    private static let verifiedWhileClosingMax = 64

    var moveBlocksMax: Int {
        let sliceBlocks = Int(parameters.group.sliceBytes) / blockBytes
        return max(
            1, min(Self.recordBlocksMax, WriteRing.entryBlocksMax * parameters.group.dataColumns, sliceBlocks - 2))
    }

    /// Since the volume last got a segment, more were cleaned than were made for moves.
    private var isCleaningGaining: Bool {
        let (made, cleaned) = (targetsMade, statistics.segmentsCleaned - cleanedBefore)
        return made < Self.targetsAtLeast || cleaned >= made + made / 8
    }

    private static let targetsAtLeast = 8

    // MARK: Which

    private func isCleanable(_ segment: Segment, now: UInt64) -> Bool {
        segment.isClosed && !segment.isVerified && segment.setAsideUntil <= now
            && segment.lastSequence <= appliedThrough
            && segment.lastSequence > 0
    }

    /// A dead segment, or the one of which cleaning gives the most for its cost if space is short. The cost is reading what was written to it and
    /// writing what is live; what is old will stay as it is for longer, so that its garbage is worth more than that of what still changes.
    func nextVictim(canMove: Bool) -> Segment? {
        var best: (segment: Segment, score: Double)?
        var dead: Segment?
        var (live, capacity, garbage) = (0, 0, 0)
        let now = clock.now()
        for segment in segments.values {
            live += segment.liveBlocks
            capacity += segment.capacityBlocks
            guard isCleanable(segment, now: now) else { continue }
            if segment.liveBlocks == 0 {
                if segment.dataBlocks < dead?.dataBlocks ?? .max { dead = segment }
                continue
            }
            let usable = usableBlocks(forMoves: segment)
            let use = min(1, Double(segment.liveBlocks) / Double(usable))
            guard 1 - use >= Self.garbageShareMin else { continue }
            garbage += usable - segment.liveBlocks
            let age = Double(nextSequence - segment.lastSequence)
            let written = min(1, Double(segment.dataBlocks) / Double(usable))
            let score = (1 - use) * age / (max(written, use) + use)
            if score > best?.score ?? -1 { best = (segment, score) }
        }
        if let dead { return dead }
        guard canMove, !isClosing || spaceFailure != nil, let best else { return nil }
        let one = usableBlocks(forMoves: best.segment)
        let isSparse = capacity - live > live + Self.idleSegments * one
        // Less garbage than a segment has room for frees none.
        let isNeeded = isShortOfSpace || !cleanWaiters.isEmpty
        let isWanted = isSparse || (isNeeded && garbage > one) || pool.test.cleansEagerly
        return isWanted ? best.segment : nil
    }

    private var isShortOfSpace: Bool { room + freeing < Self.roomMin || (spaceFailure != nil && freeing == 0) }

    /// Who waits for space waits on: some is on its way.
    var isSpaceComing: Bool {
        givingBack > 0 || leavingCount > 0 || (isCheckpointing && !removed.isEmpty) || isAskingOthers
            || (!cleaner.isIdle && isCleaningGaining) || (freeing > 0 && clock.now() >= checkpointNotBefore)
    }

    /// Data blocks that a segment surely has room for, whatever way they are moved: one header describes so many scattered blocks, and takes
    /// a row. Less than that is no garbage that cleaning could get rid of.
    private func usableBlocks(forMoves segment: Segment) -> Int {
        let scattered = RecordHeader.tableBytes / (PackedMoves.scatteredBytes + RecordHeader.checksumBytes)
        let rows = max(1, min(scattered, moveBlocksMax) / segment.k)
        let (records, rest) = Int(segment.sliceBlocks - 1).quotientAndRemainder(dividingBy: rows + 1)
        return (records * rows + max(0, rest - 1)) * segment.k
    }

    // MARK: Its I/O

    /// `toEnd`: also behind what it is accounted to hold.
    func scan(
        _ segment: Segment, toEnd: Bool, then: @escaping @Sendable (Result<SegmentContents, Failure>) -> Void
    ) {
        let (pool, volume, id, isSequential) = (pool.id, parameters.header.id, segment.id, pool.test.isSequential)
        let expected =
            toEnd
            ? nil : SegmentScan.Expected(dataBlocks: segment.dataBlocks, throughSequence: segment.lastSequence)
        let (p, sliceBlocks) = (segment.p, segment.sliceBlocks)
        let paths = (0..<segment.slices.count).map { slicePath(segment, $0) }
        let mountpaths = segment.slices.map { $0.isAvailable ? $0.mountpath : nil }
        queue.blocking { () throws(Failure) in
            try SegmentContents(
                pool: pool, volume: volume, segment: id, parityColumns: p, sliceBlocks: sliceBlocks, paths: paths,
                mountpaths: mountpaths, expected: expected, isSequential: isSequential)
        } then: {
            then($0)
        }
    }

    /// A segment for moves. Space for it comes from the reserves where there is no other: what it makes free is more.
    func makeTarget(_ done: @escaping @Sendable (Segment?) -> Void) {
        makeSegment(for: .moves) { [self] result in
            switch result {
            case .success(let segment):
                targetsMade += 1
                map.add(segment)
                done(segment)
            case .failure(let problem):
                logger.warning(
                    "no segment for cleaning",
                    metadata: ["volume": "\(parameters.header.id)", "reason": "\(problem)"])
                done(nil)
            }
        }
    }

    // MARK: What comes of it

    /// A segment may go: with the next checkpoint, which begins now if somebody waits for space.
    func verified(_ segment: Segment) {
        statistics.segmentsCleaned += 1
        if isClosing { verifiedWhileClosing += 1 }
        freeing += 1
        noteWorkingRoom()
        // One that is under way would not have it.
        if !isCheckpointing, spaceFailure != nil || freeing % Self.freeingMax == 0 { return checkpoint { _ in } }
        scheduleFreeing()
    }

    private static let freeingMax = 8

    func cleanerRests() {
        if freeing > 0, !isClosing, failure == nil { freeSoon() }
        if spaceFailure != nil {
            spaceFailure = nil
            scheduleBatch()
        }
        answerCleaned()
        reclaimLater()
        finishClosing()
    }

    /// What was verified goes with a checkpoint soon, unless one comes before: so soon that it costs little, and that an engine which dies every
    /// second frees more than its starts leave behind.
    private func freeSoon() {
        let isAwaited = spaceFailure != nil || !cleanWaiters.isEmpty || !reclaimWaiters.isEmpty
        if isAwaited, !isCheckpointing { return checkpoint { _ in } }
        scheduleFreeing()
    }

    private func scheduleFreeing() {
        guard !isFreeingScheduled, !isClosing, failure == nil else { return }
        isFreeingScheduled = true
        // Who lives on has time; who is killed again soon has not.
        let lived = age / Self.freeingShareOfLife
        let pause = min(
            max(Self.freeingPauses * checkpointTook, Self.freeingNanosecondsMin),
            max(lived, checkpointTook, Self.firstFreeingNanoseconds), Self.freeingNanosecondsMax)
        queue.timer(nanoseconds: pause, target: self, tag: Self.tagFreeing)
    }

    /// So many times as long as the last checkpoint took.
    private static let freeingPauses: UInt64 = 4
    private static let freeingNanosecondsMin: UInt64 = 100_000_000
    private static let firstFreeingNanoseconds: UInt64 = 50_000_000
    private static let freeingShareOfLife: UInt64 = 8
    private static let freeingNanosecondsMax: UInt64 = 1_000_000_000

    func freeingDue() {
        isFreeingScheduled = false
        // What was verified since it began is not in it.
        if isCheckpointing || (freeing > 0 && clock.now() < checkpointNotBefore) { return scheduleFreeing() }
        if hasDeadSegments, !isClosing, failure == nil { checkpoint { _ in } }
    }

    /// A closed segment has nothing live any more: it is looked at now.
    func wakeForDead() {
        guard map.sawDead else { return }
        map.sawDead = false
        cleaner.wake()
    }

    // MARK: With others

    private static let askOthersNanoseconds: UInt64 = 10_000_000_000

    /// The others clean: who waits for space waits for them.
    func askOthersToClean() {
        guard let askOthers, !isAskingOthers, clock.now() >= askOthersNotBefore else { return }
        isAskingOthers = true
        askOthers { [self] in
            queue.blocking { () throws(Failure) in
            } then: { [self] _ in
                isAskingOthers = false
                askOthersNotBefore = clock.now() + Self.askOthersNanoseconds
                spaceFailure = nil
                scheduleBatch()
                finishClosing()
            }
        }
    }

    /// Cleans as if space were short here; `done` when there is nothing more that would help, and what was cleaned is free.
    func clean(_ done: @escaping () -> Void) {
        guard mayClean else { return done() }
        cleanWaiters.append(done)
        cleaner.wake()
        answerCleaned()
    }

    func answerCleaned() {
        guard !cleanWaiters.isEmpty, cleaner.isIdle || !mayClean else { return }
        if mayClean, !isClosing, freeing > 0, clock.now() >= checkpointNotBefore {
            // Its end gives the segments back, and that comes here again.
            if hasDeadSegments { checkpoint { _ in } }
            return
        }
        let waiting = cleanWaiters
        cleanWaiters = []
        for done in waiting { done() }
    }

    /// A segment that was cleaned is given back.
    func freed(_ segment: Segment) {
        guard segment.isVerified else { return }
        freeing -= 1
        noteWorkingRoom()
        room += 1
        answerCleaned()
    }
}
