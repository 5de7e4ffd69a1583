import Base
import BlockDevice
import Glibc
import SegmentStore
import VolumeEngine

/// A write is answered when what it and all before it may need at worst has a place in the open and the reserve segment: running out of space is
/// known before an answer.
extension VolumeLog {
    /// Blocks of columns that what is pending takes at worst, headers included: as records are formed of it, or each entry alone in a record of
    /// one data column and p copies if that is less.
    private func worstBlocks(_ data: Int, entries: Int) -> Int {
        let p = parameters.group.parityColumns
        let alone = (data + entries) * (p + 1)
        // Changes of epochs and voids cut records, however many there are.
        let k = min(open?.k ?? .max, reserve?.k ?? .max)
        guard controls.isEmpty, cutThrough <= ring.formedEntry, Self.wholeBlocksMin <= fullBlocks, k < .max else {
            return alone
        }
        let tableBytes = entries * RecordHeader.extentBytes + data * RecordHeader.checksumBytes
        let records =
            Self.cutsMax + tableBytes / Self.tableBytesMin + data / (fullBlocks - WriteRing.entryBlocksMax + 1)
        return min(alone, (k + p) * (2 * records + data / k + 1))
    }

    /// Of what is pending when records are formed: what is left, the ring's end, and the segment's, where two may be cut.
    private static let cutsMax = 4
    /// A record that is cut because its header is full has more than this in it.
    private static let tableBytesMin =
        RecordHeader.tableBytes - RecordHeader.extentBytes - WriteRing.entryBlocksMax * RecordHeader.checksumBytes
    /// So that a full record is some entries at least.
    private static let wholeBlocksMin = 2 * WriteRing.entryBlocksMax
    /// Behind the last entry that cuts a record: voids, and what an earlier process admitted.
    private var cutThrough: Int { max(voidedThrough, ring.replayEnd) }

    private func usableBlocks(_ segment: Segment?) -> Int {
        guard let segment, segment.allAvailable, !segment.isOfReserve else { return 0 }
        // A record goes no further than the fullest slice lets it.
        let rows = segment.recordRoomBlocks / segment.k - (WriteRing.entryBlocksMax + 1)
        return max(0, segment.slices.count * rows)
    }

    /// False while it is known that there is no space: then a write is refused at once.
    var mayAdmitSoon: Bool {
        guard spaceFailure != nil, !isPreparing, ring.admittedEntry == ring.endEntry else { return true }
        let longest = worstBlocks(ring.pendingBlocks + WriteRing.requestBlocksMax, entries: ring.pendingEntries + 2)
        if usableBlocks(open) > longest || isSpaceComing { return true }
        return clock.now() - spaceFailureTime > Self.spaceRetryNanoseconds
    }

    static let spaceRetryNanoseconds: UInt64 = 500_000_000

    /// Answers writes that wait for space, in order, as far as there is room for the worst case.
    func admitWaiting() {
        while ring.admittedEntry < ring.endEntry, !isHeld || isClosing {
            let number = ring.admittedEntry
            let entry = ring[number]
            if entry.kind == .discard, !hasRoomForHeaders {
                prepareSegment()
                return
            }
            if entry.kind != .void, !isPromised(number) {
                let room = admissionRoom ?? usableBlocks(open) + usableBlocks(reserve)
                admissionRoom = room
                let needed = worstBlocks(
                    ring.pendingBlocks + (entry.kind == .data ? entry.count : 0), entries: ring.pendingEntries + 1)
                if needed > room {
                    if ring.formedEntry == ring.admittedEntry { giveUpRoom() }
                    prepareSegment()
                    return
                }
            }
            ring.admit(
                attachEpoch: parameters.epoch, birthEpoch: admittedBirthEpoch, connection: connection)
            note(entry)
            if entry.kind == .control, controls[number]?.control.operation != .delete { admittedBirthEpoch += 1 }
            if let reference = entry.request {
                let request = reference.takeUnretainedValue()
                if request.forceUnitAccess, entry.kind != .void {
                    flushes.append((number + 1, .request(request)))
                } else {
                    request.finish(0)
                }
                ring[number].request = nil
            }
        }
    }

    /// What waits finds no room in the two segments, though nothing else is in them any more: one of them goes, so that another can be made.
    private func giveUpRoom() {
        guard let reserve, !hasRecordsToWriteAgain else { return }
        if reserve.isOfReserve {
            // It promises writes nothing; who may use it has another one made.
            retire(&self.reserve)
        } else if open.map({ $0.lastSequence > 0 || $0.isOfReserve }) ?? true {
            // With the smallest slices a reserve alone has no room for the longest entry.
            _ = switchSegment()
        }
    }

    /// Discards and deletions of epochs may get their place from the reserves: what is full must be able to become empty. And what an earlier
    /// process admitted had its place in segments to which nothing is appended any more.
    func isPromised(_ number: Int) -> Bool {
        number < ring.replayEnd || ring[number].kind == .discard
            || controls[number].map { $0.control.operation != .snapshot } ?? false
    }

    func note(_ entry: RingEntry) {
        switch entry.kind {
        case .data:
            for offset in 0..<UInt64(entry.count) { index.set(entry.block + offset, entry.position + offset) }
        case .discard:
            discards.append((entry.block, entry.block + UInt64(entry.count), entry.position))
        case .void, .control: break
        }
    }

    /// No space is to be had: what waits for some is refused.
    func refuseWaiting(_ number: Int32) {
        // What makes room is refused only when half of the reserve is used up, too.
        let refusesDiscards = number != ENOSPC || refusedPurpose != .writes
        if number == ENOSPC { pool.test.took(.spaceRefused) }
        if refusesDiscards {
            let discards = waitingDiscards
            waitingDiscards = []
            for discard in discards { discard.request.finish(number) }
        }
        for waiting in ring.admittedEntry..<ring.endEntry
        where number != ENOSPC || !(isPromised(waiting) && (ring[waiting].kind == .control || !refusesDiscards)) {
            var entry = ring[waiting]
            if let control = controls.removeValue(forKey: waiting) {
                control.done(.failure(Failure(errno: number, "no snapshot can be recorded")))
            }
            entry.kind = .void
            voidedThrough = waiting + 1
            if let reference = entry.request { reference.takeUnretainedValue().finish(number) }
            entry.request = nil
            ring[waiting] = entry
        }
        admitWaiting()
        scheduleBatch()
    }
}
