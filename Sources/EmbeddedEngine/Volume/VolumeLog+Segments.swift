import Base
import Glibc
import SegmentStore
import SystemIO

/// The open segment, the one in reserve, and those that nothing refers to any more.
///
/// A volume that is written has a reserve beside its open segment, so that what was admitted always finds a place and running out of space
/// is known before a write is answered.
extension VolumeLog {
    /// Makes the reserve the open segment. False where there is none; then one is on its way, or space is short.
    func switchSegment() -> Bool {
        if let current = reserve, !current.allAvailable { retire(&reserve) }
        guard let next = reserve else {
            prepareSegment()
            return false
        }
        retire(&open)
        open = next
        reserve = nil
        prepareSegment()
        return true
    }

    /// Nothing is appended any more; one that never was goes back at once.
    func retire(_ segment: inout Segment?) {
        guard let retired = segment else { return }
        segment = nil
        admissionRoom = nil
        retired.isClosed = true
        recoveryCost += Self.segmentCost
        map.changedSegments.insert(retired.id)
        guard retired.lastSequence == 0 else { return }
        // One that a checkpoint names goes with the next: until then a start would count it.
        let isNamed = !map.unplaced.contains(retired.id)
        guard let unused = map.remove(retired.id) else { return }
        if isNamed { removed.append(unused) } else { giveBack(unused) }
    }

    /// Begins to make the reserve, unless that is under way or was just found impossible.
    func prepareSegment() {
        // A mountpath of theirs may have gone while nothing was written.
        if let current = reserve, !current.allAvailable { retire(&reserve) }
        if let current = open, !current.allAvailable { retire(&open) }
        guard reserve == nil, !isPreparing, failure == nil else { return }
        if isClosing, ring.isEmpty, !hasRecordsToWriteAgain { return }
        let purpose = nextPurpose
        if spaceFailure != nil, purpose == refusedPurpose, clock.now() - spaceFailureTime < Self.spaceRetryNanoseconds {
            if !isSpaceComing, ring.admittedEntry < ring.endEntry { refuseWaiting(ENOSPC) }
            return retryWhenSpace()
        }
        isPreparing = true
        makeSegment(for: purpose) { [self] result in
            isPreparing = false
            switch result {
            case .success(let segment): take(segment)
            case .failure(let problem):
                refusedPurpose = purpose
                switch problem.kind {
                case .exhausted: spaceFailed(problem)
                case .busy:
                    tryAgain { [self] in
                        advance()
                        scheduleBatch()
                    }
                default: fail(problem)
                }
            }
            finishClosing()
        }
    }

    /// One for writes where that can be had, whatever the purpose.
    func makeSegment(
        for purpose: SegmentAllocator.Purpose, then: @escaping @Sendable (Result<Segment, Failure>) -> Void
    ) {
        noteWorkingRoom()
        let id = nextSegment
        nextSegment += 1
        let (allocator, header, group) = (allocator, parameters.header, parameters.group)
        let isDrawn = pool.test.drawsOnReserves && id % 3 == 0
        queue.blocking { () throws(Failure) in
            do throws(Failure) {
                let made = try allocator.makeSegment(id, volume: header.id, group: group)
                made.isOfReserve = isDrawn
                return (segment: made, room: allocator.room(of: group))
            } catch {
                guard error.kind == .exhausted, purpose != .writes else { throw error }
                let made = try allocator.makeSegment(id, volume: header.id, group: group, for: purpose)
                made.isOfReserve = true
                return (segment: made, room: 0)
            }
        } then: { [self] result in
            if case .success(let made) = result {
                room = made.room
                ring.noteTail(of: made.segment, allocator.start)
            }
            boundOpenSlices()
            then(result.map(\.segment))
        }
    }

    /// What was answered was promised a place; a deletion must find one. A discard may use half of the reserve, and is refused before it
    /// is answered otherwise.
    private var nextPurpose: SegmentAllocator.Purpose {
        let isAnswered = ring.formedEntry < ring.admittedEntry
        if hasRecordsToWriteAgain { return .promised }
        if isAnswered, open == nil || !hasRoom(for: ring[ring.formedEntry]) { return .promised }
        let isDiscardNext = ring.admittedEntry < ring.endEntry && ring[ring.admittedEntry].kind == .discard
        return isDiscardNext && !hasRoomForHeaders ? .moves : .writes
    }

    /// A column of theirs failed, and they go whole to another segment.
    var hasRecordsToWriteAgain: Bool { records.contains { $0.state == .failed && $0.writesPending == 0 } }

    /// A record without data has a place.
    var hasRoomForHeaders: Bool { hasRoom(dataBlocks: 0) }

    private func hasRoom(for entry: RingEntry) -> Bool {
        hasRoom(dataBlocks: entry.kind == .data ? entry.count : 0)
    }

    private func hasRoom(dataBlocks: Int) -> Bool {
        [open, reserve].contains { segment in
            guard let segment, segment.allAvailable else { return false }
            let shape = RecordShape(dataBlocks: dataBlocks, k: segment.k, p: segment.p)
            return segment.rotation(for: shape) != nil || segment.willFit(shape)
        }
    }

    /// The group's capacity bounds what holds data: not the reserve, what moves go to, and what is on its way back. The drives have room for it,
    /// or it is not made.
    func noteWorkingRoom() {
        let empty = (cleaner.targets + [reserve]).reduce(0) { $0 + ($1?.logicalBytes ?? 0) }
        let verified = freeing * parameters.group.dataColumns * Int(parameters.group.sliceBytes)
        allocator.setWorkingRoom(empty + verified, of: parameters.header.id)
    }

    private func take(_ segment: Segment) {
        if !segment.isOfReserve {
            (spaceFailure, askOthersNotBefore) = (nil, 0)
            (targetsMade, cleanedBefore) = (0, statistics.segmentsCleaned)
        }
        map.add(segment)
        if open == nil { open = segment } else { reserve = segment }
        admissionRoom = nil
        // The first segment of a volume needs its reserve as well.
        if reserve == nil, !isClosing, !segment.isOfReserve { prepareSegment() }
        cleaner.wake()
        advance()
        scheduleBatch()
    }

    private func spaceFailed(_ problem: Failure) {
        let isNew = spaceFailure == nil
        spaceFailure = problem
        spaceFailureTime = clock.now()
        if isNew {
            logger.warning("no space", metadata: ["volume": "\(parameters.header.id)", "reason": "\(problem)"])
        }
        room = 0
        cleaner.wake()
        // Segments that nothing refers to come back with a checkpoint.
        if hasDeadSegments {
            checkpoint { [self] isDone in
                if isDone { spaceFailure = nil } else { refuseWaiting(ENOSPC) }
                retryWhenSpace()
                scheduleBatch()
            }
            return
        }
        if !isSpaceComing { askOthersToClean() }
        if isSpaceComing {
            retryWhenSpace()  // what is on its way back is room, and its end asks again; so does the cleaner's
        } else {
            refuseWaiting(ENOSPC)
            retryWhenSpace()
        }
    }

    /// What was admitted must be written, and what waits must be answered: asks again until there is space.
    private func retryWhenSpace() {
        guard !isSpaceTimerSet, ring.formedEntry < ring.endEntry || !records.isEmpty else { return }
        isSpaceTimerSet = true
        queue.timer(nanoseconds: Self.spaceRetryNanoseconds, target: self, tag: Self.tagRetrySpace)
    }

    var hasDeadSegments: Bool {
        clock.now() >= checkpointNotBefore
            && (!removed.isEmpty || segments.values.contains { isFree($0, through: appliedThrough) })
    }

    /// Nothing refers to it, by the map's counts and by each of its blocks.
    func isFree(_ segment: Segment, through sequence: UInt64) -> Bool {
        segment.isClosed && (segment.isVerified || segment.dataBlocks == 0) && segment.liveBlocks == 0
            && segment.lastSequence <= sequence
    }

    /// Off the loop, where the files are removed.
    func giveBack(_ segment: Segment) {
        guard segment.readerCount == 0 else {
            dying.append(segment)
            return
        }
        let (allocator, header, group) = (allocator, parameters.header, parameters.group)
        givingBack += 1
        queue.blocking { () throws(Failure) in
            allocator.free(segment, volume: header.id, group: group)
        } then: { [self] _ in
            givingBack -= 1
            freed(segment)
            if spaceFailure != nil {
                spaceFailure = nil
                scheduleBatch()
            }
            finishClosing()
        }
    }

    func readerEnded(_ segment: Segment) {
        segment.readerCount -= 1
        if segment.readerCount == 0, let index = dying.firstIndex(where: { $0 === segment }) {
            dying.remove(at: index)
            giveBack(segment)
        }
        if isClosing, segment.readerCount == 0 { finishClosing() }
    }
}
