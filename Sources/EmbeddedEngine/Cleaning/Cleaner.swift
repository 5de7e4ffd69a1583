import Base
import BlockDevice
import SegmentStore
import SystemIO

/// Garbage collection of one volume: looks at each block of a segment, copies what is live into records of moves, and says that the
/// segment may go when nothing was found to refer to it. Dead segments take the same way, so that none is freed on the word of a counter.
///
/// One segment at a time: scan its headers (off the loop), look its blocks up in the map, read the live ones, append them, wait until
/// that is in the map. The order is that of the log: copies durable, directory durable with the next checkpoint, readers gone, slices
/// freed. `@unchecked Sendable`: confined to its volume's loop.
final class Cleaner: @unchecked Sendable {
    private enum State {
        case idle
        case scanning
        case looking
        case reading
        case makingTarget
        /// For a buffer, or for time.
        case pausing
        /// For records of moves to be in the map.
        case applying
    }
    private static let looksAtOnce = 1024
    private static let recordsMax = 4
    /// Between two batches while nobody waits for space.
    private static let pauseNanoseconds: UInt64 = 2_000_000
    private static let retryNanoseconds: UInt64 = 500_000
    private static let setAsideNanoseconds: UInt64 = 600_000_000_000
    private static let cleanedAtOnce = 32
    private static let stuckNanoseconds: UInt64 = 1_000_000_000
    private static let stuckNanosecondsMax: UInt64 = 60_000_000_000

    /// So long all moves go to one segment: an engine that dies every second leaves each that it began partly written.
    private static func youthNanoseconds(_ test: TestHooks) -> UInt64 { test.isSequential ? 0 : 5_000_000_000 }

    private unowned let log: VolumeLog
    private lazy var request = BlockRequest(owner: self)
    private var state = State.idle
    private var victim: Segment?
    private var contents: [StoredBlock] = []
    /// The victim was not read to its end.
    private var isEarly = false
    private var next = 0
    /// What GC had moved before goes with its like: it is the coldest.
    private var generation = 0
    private var batch: MoveBatch?
    private var spare: [MoveBatch] = []
    private var recordsUnderWay = 0
    /// Some of what was to be moved was not.
    private var isIncomplete = false
    private var afterPause: () -> Void = {}
    /// Segments since the last look at what it is worth: made for moves, and cleaned.
    private var made = 0
    private var cleaned = 0
    /// Where live blocks go: those that were written once, and those that GC moved before.
    private(set) var targets: [Segment?] = [nil, nil]
    /// No target could be made, or more were made than became free: until then nothing is moved.
    private var stuckUntil: UInt64 = 0
    private var idleNanoseconds = stuckNanoseconds

    init(log: VolumeLog) { self.log = log }

    /// While it is not, who waits for space goes on waiting.
    var isIdle: Bool { state == .idle }
    private var canMove: Bool { log.clock.now() >= stuckUntil }

    /// Something may have become worth cleaning.
    func wake() {
        if state == .idle { choose() }
    }

    /// The volume has failed: what is under way in the log never ends.
    func stop() {
        if state == .applying { rest() }
    }

    func retireTargets() { for index in targets.indices { log.retire(&targets[index]) } }

    private func choose() {
        guard log.mayClean, let chosen = log.nextVictim(canMove: canMove) else { return rest() }
        victim = chosen
        scan(chosen, toEnd: false)
    }

    private func scan(_ chosen: Segment, toEnd: Bool) {
        state = .scanning
        log.scan(chosen, toEnd: toEnd) { [self] result in
            guard goesOn else { return }
            switch result {
            case .failure(let failure): setAside("its headers cannot be read: \(failure)")
            case .success(let found):
                contents = found.blocks
                isEarly = found.isEarly
                if isEarly, log.pool.test.missesInEarlyScans { contents.removeLast(contents.count / 2) }
                generation = found.isOfMoves && log.age >= Self.youthNanoseconds(log.pool.test) ? 1 : 0
                next = 0
                look()
            }
        }
    }

    /// False, and all is left as it is, when the volume closes or has failed.
    private var goesOn: Bool {
        let isDead = victim?.liveBlocks == 0
        if log.mayClean, !log.isClosing || isDead || log.spaceFailure != nil { return true }
        rest()
        return false
    }

    /// `stuck`: not to be tried again at once.
    private func rest(stuck: Bool = false) {
        if stuck { becomeStuck() }
        let wasBusy = state != .idle
        state = .idle
        victim = nil
        contents = []
        batch = nil
        spare = []
        if wasBusy { log.cleanerRests() }
    }

    private func setAside(_ reason: String, forGood: Bool = false) {
        victim?.setAsideUntil = forGood ? .max : log.clock.now() + Self.setAsideNanoseconds
        log.pool.test.took(.segmentSetAside)
        log.logger.warning(
            "segment is not cleaned",
            metadata: [
                "volume": "\(log.parameters.header.id)", "segment": "\(victim?.id ?? 0)", "reason": "\(reason)",
            ])
        batch = nil
        // Records of it that are under way are none of this one's concern any more.
        choose()
    }

    // MARK: Looking

    private func look() {
        state = .looking
        for _ in 0..<Self.looksAtOnce {
            guard next < contents.count else { return batch?.isEmpty == false ? read() : finish() }
            switch log.map.liveness(contents[next]) {
            case .dead: next += 1
            case .live(let entry):
                let batch = self.batch ?? takeBatch()
                guard batch.append(contents[next], checksum: entry.checksum) else { return read() }
                next += 1
            case .wait(let load):
                return log.load(load) { [self] isLoaded in
                    guard goesOn else { return }
                    if isLoaded { look() } else { setAside("a part of the map cannot be read") }
                }
            }
        }
        pause(0, then: look)
    }

    /// For what still fits into its target, or for a whole record in the next one.
    private func takeBatch() -> MoveBatch {
        let taken = spare.popLast() ?? MoveBatch(blocksMax: log.moveBlocksMax)
        let target = targets[generation]
        taken.room = target?.hasRoomAtEnd == true ? target?.recordRoomBlocks ?? .max : .max
        batch = taken
        return taken
    }

    private func pause(_ nanoseconds: UInt64, then: @escaping () -> Void) {
        state = .pausing
        afterPause = then
        log.queue.timer(nanoseconds: max(1000, nanoseconds), target: self, tag: 0)
    }

    // MARK: Moving

    private func read() {
        guard let batch else { return }
        state = .reading
        request.result = 0
        request.pendingPartCount = 1
        log.read(batch, for: request)
    }

    private func write() {
        guard let batch else { return }
        if append(batch, to: generation) { return }
        log.retire(&targets[generation])
        state = .makingTarget
        log.makeTarget { [self] made in
            targets[generation] = made
            guard goesOn, let batch = self.batch else { return }
            if made != nil { self.made += 1 }
            // Where there is no other, what is colder goes with what is not.
            if append(batch, to: generation) || append(batch, to: 1 - generation) { return }
            rest(stuck: true)
        }
    }

    /// False where the target has no room for it.
    private func append(_ batch: MoveBatch, to generation: Int) -> Bool {
        guard let target = targets[generation], target.allAvailable else { return false }
        let shape = RecordShape(dataBlocks: batch.blocks.count, k: target.k, p: target.p)
        guard let rotation = target.rotation(for: shape) else { return false }
        guard log.append(batch, to: target, shape: shape, rotation: rotation) else {
            pause(Self.retryNanoseconds, then: write)
            return true
        }
        self.batch = nil
        recordsUnderWay += 1
        goOn()
        return true
    }

    private func goOn() {
        if recordsUnderWay >= Self.recordsMax {
            state = .applying
        } else if log.spaceFailure != nil {
            look()
        } else {
            pause(Self.pauseNanoseconds, then: look)
        }
    }

    /// A record of moves is in the map.
    func applied(_ batch: MoveBatch) {
        log.statistics.blocksMoved += batch.blocks.count
        ended(batch)
    }

    /// A record of moves could not be written.
    func dropped(_ batch: MoveBatch) {
        isIncomplete = true
        ended(batch)
    }

    private func ended(_ batch: MoveBatch) {
        recordsUnderWay -= 1
        if state != .idle {
            batch.removeAll()
            spare.append(batch)
        }
        if state == .applying, goesOn { look() }
    }

    /// Copying round and round without gain must end in a refusal.
    private func judge() {
        cleaned += 1
        guard cleaned >= Self.cleanedAtOnce else { return }
        if made + made / 8 >= cleaned { becomeStuck() } else { idleNanoseconds = Self.stuckNanoseconds }
        (made, cleaned) = (0, 0)
    }

    private func becomeStuck() {
        stuckUntil = log.clock.now() + idleNanoseconds
        idleNanoseconds = min(idleNanoseconds * 2, Self.stuckNanosecondsMax)
    }

    private func finish() {
        guard recordsUnderWay == 0 else {
            state = .applying
            return
        }
        guard let victim else { return }
        // A checkpoint has taken it meanwhile.
        guard log.segments[victim.id] === victim else { return choose() }
        if isIncomplete {
            isIncomplete = false
            next = 0
            return pause(Self.pauseNanoseconds, then: look)
        }
        guard victim.liveBlocks == 0 else {
            // It has more than it is accounted to.
            if isEarly {
                log.pool.test.took(.segmentScannedAgain)
                return scan(victim, toEnd: true)
            }
            return setAside(
                "\(victim.liveBlocks) of its blocks are accounted as live and were not found", forGood: true)
        }
        victim.isVerified = true
        judge()
        log.pool.test.took(.segmentVerified)
        log.verified(victim)
        choose()
    }
}

extension Cleaner: BlockRequestOwner {
    func completed(_ request: BlockRequest, result: Int32) {
        guard goesOn else { return }
        if result == 0 { write() } else { setAside("a live block of it cannot be read") }
    }

    func roomAvailable() {}
}

extension Cleaner: IOTarget {
    func ioCompleted(_ tag: UInt64, result: Int32) {
        guard goesOn else { return }
        afterPause()
    }
}
