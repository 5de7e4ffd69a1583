import Base
import BlockDevice
import ErasureCoding
import Glibc
import SegmentStore
import SystemIO

/// From ring entries to durable records.
extension VolumeLog {
    /// Written and not durable yet: enough that the drives have work while those before are synced.
    static let recordsInFlightMax = 16
    /// Small records that a flush forces out at the same time; what comes meanwhile is packed into the next one.
    static let smallRecordsInFlightMax = 2
    static let smallBlocks = 16
    static let recordBlocksMax = 512
    /// Records of so many blocks that no flush waits for are encoded on another thread.
    static let encodedElsewhereBlocks = 128

    /// Blocks that make a full record, drained without waiting for a flush.
    var fullBlocks: Int {
        min(Self.recordBlocksMax, WriteRing.entryBlocksMax * parameters.group.dataColumns, ring.blocks / 4)
    }

    /// A full record or, at the end of the open segment, what still fits there: what is left free is room that only GC gives back.
    private var nextBlocksMax: Int {
        guard let open, open.hasRoomAtEnd else { return fullBlocks }
        return min(fullBlocks, open.recordRoomBlocks)
    }

    func formRecords() {
        while records.count - movesInFlight < Self.recordsInFlightMax, ring.formedEntry < ring.admittedEntry {
            if ring[ring.formedEntry].kind == .void {
                dropVoids()
                continue
            }
            let control = controls[ring.formedEntry]?.control
            let lastFlush = flushes.last?.through ?? 0
            let isForced = lastFlush > ring.formedEntry || mustForm
            guard isForced || ring.pendingBlocks >= fullBlocks else { return }
            if ring.pendingBlocks < Self.smallBlocks,
                records.count - movesInFlight >= Self.smallRecordsInFlightMax
            {
                return
            }
            guard let buffer = buffers.take(parityColumns: parameters.group.parityColumns) else { return retryLater() }
            let record = spareRecords.popLast() ?? RecordInFlight(log: self)
            record.buffer = buffer
            // With no space for a whole one, and none coming, one entry may still fit into what is left of the open segment.
            guard
                choose(entriesOf: record, blocksMax: nextBlocksMax)
                    || (spaceFailure != nil && !isPreparing && !isSpaceComing
                        && choose(entriesOf: record, blocksMax: 1))
            else {
                record.buffer = nil
                spareRecords.append(record)
                buffers.give(buffer)
                return
            }
            record.sequence = nextSequence
            nextSequence += 1
            record.control = control
            record.birthEpoch = birthEpoch
            if let control, control.operation != .delete { birthEpoch += 1 }
            record.isDurableWrite =
                control != nil || (lastFlush > ring.formedEntry && lastFlush <= record.entries.upperBound)
            ring.form(through: record.entries.upperBound)
            records.append(record)
            write(record)
        }
    }

    /// Voids have nothing to make durable. They are released with the record before them, or now where there is none.
    private func dropVoids() {
        var end = ring.formedEntry
        while end < ring.admittedEntry, ring[end].kind == .void { end += 1 }
        ring.form(through: end)
        if records.isEmpty, applying.isEmpty { ring.release(through: end) }
    }

    /// All buffers are with other volumes: once more when something of the loop has ended.
    func retryLater(nanoseconds: UInt64 = 1_000_000) {
        guard !isSpaceTimerSet else { return }
        isSpaceTimerSet = true
        queue.timer(nanoseconds: nanoseconds, target: self, tag: Self.tagRetrySpace)
    }

    /// Takes entries from the first that is in no record, as many as one header can describe and a segment has room for.
    /// False where there is no segment now; then one is being made.
    private func choose(entriesOf record: RecordInFlight, blocksMax: Int) -> Bool {
        var end = ring.formedEntry
        var blocks = 0
        var extents = 0
        var lastEnd: UInt64?
        var lastIsDiscard = false
        var lastCount = 0
        let position = ring[end].position
        while end < ring.admittedEntry {
            let entry = ring[end]
            if entry.kind == .void {
                end += 1
                continue
            }
            if entry.kind == .control {
                // A record by itself: nothing is packed across a snapshot's cut.
                if end == ring.formedEntry { end += 1 }
                break
            }
            let isDiscard = entry.kind == .discard
            // Data lies contiguous in the record; at the end of the ring's memory it does not.
            guard entry.position == position + UInt64(blocks),
                ring.isContiguous(position, blocks + (entry.kind == .data ? entry.count : 0))
            else { break }
            let merges =
                lastEnd == entry.block && lastIsDiscard == isDiscard && lastCount + entry.count <= RecordExtent.countMax
            let newBlocks = blocks + (isDiscard ? 0 : entry.count)
            let newExtents = extents + (merges ? 0 : 1)
            if newExtents * RecordHeader.extentBytes + newBlocks * RecordHeader.checksumBytes > RecordHeader.tableBytes
                || (blocks > 0 && newBlocks > blocksMax)
            {
                break
            }
            lastCount = merges ? lastCount + entry.count : entry.count
            (blocks, extents, lastEnd, lastIsDiscard) = (
                newBlocks, newExtents, entry.block + UInt64(entry.count), isDiscard
            )
            end += 1
        }
        record.entries = ring.formedEntry..<end
        record.extentCount = extents
        record.position = position
        return place(record, blocks: blocks)
    }

    /// Finds the record's segment and rotation. False where there is none now.
    private func place(_ record: RecordInFlight, blocks: Int) -> Bool {
        while true {
            guard let segment = open, segment.allAvailable else {
                guard switchSegment() else { return false }
                continue
            }
            let shape = RecordShape(dataBlocks: blocks, k: segment.k, p: segment.p)
            if let rotation = segment.rotation(for: shape) {
                record.shape = shape
                record.rotation = rotation
                record.segment = segment
                return true
            }
            // The end of the filling forms records again.
            if segment.willFit(shape) { return false }
            guard switchSegment() else { return false }
        }
    }

    // MARK: Writing

    func write(_ record: RecordInFlight) {
        guard let segment = record.segment, let buffer = record.buffer else { return }
        let shape = record.shape
        if pool.test.canary == .lateTail { ring.noteTail(of: segment, allocator.start) }  // canary
        record.forEachColumn(k: segment.k, p: segment.p) { column in
            record.offsets[column] = segment.append(
                column: column, rotation: record.rotation, blocks: 1 + record.blocks(ofColumn: column, k: segment.k))
        }
        if pool.test.canary != .lateTail { ring.noteTail(of: segment, allocator.start) }  // canary
        // A record that is written again has a lower sequence than those already here.
        segment.lastSequence = max(segment.lastSequence, record.sequence)
        record.state = .writing
        record.writesPending = shape.dataColumns + segment.p
        admissionRoom = nil
        if record.moves == nil {
            fill.note(record)
            statistics.recordsWritten += 1
            statistics.blocksWritten += shape.dataBlocks
        }
        let encoding = RecordEncoding(
            code: code(segment), shape: shape, data: data(of: record),
            parity: buffer.base + RecordBuffers.headerPages * blockBytes)
        let isAwaited = record.isDurableWrite && record.moves == nil
        if shape.dataBlocks >= Self.encodedElsewhereBlocks, shape.dataColumns > 1, !isAwaited {
            return encodeElsewhere(record, encoding)
        }
        encoding.run(checksums: &record.parityChecksums)
        send(record)
    }

    /// The loop takes requests meanwhile. What is encoded lies in the ring and in the record's buffer, which both stay.
    private func encodeElsewhere(_ record: RecordInFlight, _ encoding: RecordEncoding) {
        queue.blocking { () throws(Failure) in
            var checksums = [UInt32](repeating: 0, count: ErasureCode.columnsMax)
            encoding.run(checksums: &checksums)
            return checksums
        } then: { [self] result in
            if case .success(let checksums) = result { record.parityChecksums = checksums }
            if failure == nil { return send(record) }
            record.writesPending = 0
            record.state = .failed
            giveBuffer(of: record)
            finishClosing()
        }
    }

    private func data(of record: RecordInFlight) -> UnsafeMutableRawPointer {
        record.moves?.payload.base ?? ring.address(record.position)
    }

    private func send(_ record: RecordInFlight) {
        guard let segment = record.segment, let buffer = record.buffer else { return }
        let shape = record.shape
        let data = data(of: record)
        let columnBytes = shape.columnBlocks * blockBytes
        let parity = buffer.base + RecordBuffers.headerPages * blockBytes
        writeHeader(record, segment)
        var page = buffer.base
        record.forEachColumn(k: segment.k, p: segment.p) { column in
            let slice = record.slice(ofColumn: column, in: segment)
            let bytes = record.blocks(ofColumn: column, k: segment.k) * blockBytes
            let body =
                column < segment.k
                ? data + column * columnBytes
                : shape.dataColumns > 1 ? parity + (column - segment.k) * columnBytes : data
            statistics.columnBlocksWritten += 1 + bytes / blockBytes
            guard let file = slice.file else { preconditionFailure("a slice of the open segment is not open") }
            queue.write(
                file.descriptor, UnsafeRawBufferPointer(start: page, count: blockBytes),
                UnsafeRawBufferPointer(start: body, count: bytes),
                offset: UInt64(record.offsets[column]) * UInt64(blockBytes), durable: record.isDurableWrite,
                target: record,
                tag: UInt64(column))
            page += blockBytes
        }
    }

    private func code(_ segment: Segment) -> ErasureCode {
        let key = segment.k * 16 + segment.p
        if let code = codes[key] { return code }
        do {
            let code = try ErasureCode(dataColumns: segment.k, parityColumns: segment.p)
            codes[key] = code
            return code
        } catch { preconditionFailure("segment \(segment.id): \(error)") }
    }

    /// One page a column, in the order of `forEachColumn`.
    private func writeHeader(_ record: RecordInFlight, _ segment: Segment) {
        guard let base = record.buffer?.base else { return }
        var writer = RecordHeaderWriter(page: base)
        writer.begin(
            pool: pool.id, volume: parameters.header.id, segment: segment.id, sequence: record.sequence,
            durableThrough: durableThrough, attachEpoch: parameters.epoch, birthEpoch: UInt64(record.birthEpoch),
            lastRingSequence: record.lastRingSequence, k: segment.k, p: segment.p, shape: record.shape,
            rotation: record.rotation,
            extentCount: record.extentCount, kind: record.kind)
        if let control = record.control { writer.putControl(control) }
        record.forEachColumn(k: segment.k, p: segment.p) { writer.putOffset(record.offsets[$0], column: $0) }
        for index in 0..<segment.p { writer.putParityChecksum(record.parityChecksums[index], index: index) }
        if let moves = record.moves {
            for (extent, origin) in zip(moves.extents, moves.origins) { writer.putMove(extent, origin) }
            for checksum in moves.checksums { writer.putBlockChecksum(checksum) }
        } else {
            putExtents(record, &writer)
            for block in 0..<record.shape.dataBlocks {
                writer.putBlockChecksum(ring.checksum(record.position + UInt64(block)))
            }
        }
        var page = base
        record.forEachColumn(k: segment.k, p: segment.p) { column in
            if page != base { page.copyMemory(from: base, byteCount: blockBytes) }
            RecordHeaderWriter(page: page).stamp(column: column)
            if pool.test.canary == .oneHeader, page != base { page.put(UInt64(0), at: 0) }  // canary
            page += blockBytes
        }
    }

    private func putExtents(_ record: RecordInFlight, _ writer: inout RecordHeaderWriter) {
        var current: RecordExtent?
        for number in record.entries {
            let entry = ring[number]
            if entry.kind == .void || entry.kind == .control { continue }
            let isDiscard = entry.kind == .discard
            if let extent = current {
                if extent.block + UInt64(extent.count) == entry.block, extent.isDiscard == isDiscard,
                    extent.count + entry.count <= RecordExtent.countMax
                {
                    current?.count += entry.count
                    continue
                }
                writer.putExtent(extent)
            }
            current = RecordExtent(block: entry.block, count: entry.count, isDiscard: isDiscard)
        }
        if let current { writer.putExtent(current) }
    }

    // MARK: Completion

    func columnWritten(_ record: RecordInFlight, column: Int, result: Int32) {
        guard let segment = record.segment else { return }
        let slice = record.slice(ofColumn: column, in: segment)
        let expected = (1 + record.blocks(ofColumn: column, k: segment.k)) * blockBytes
        record.writesPending -= 1
        if result != expected {
            record.state = .failed
            pool.test.took(.writeFailed)
            if pool.test.canary == .ackBeforeMembership { record.state = .writing }  // canary
            // Short of memory or descriptors is no fault of the drive.
            if let mountpath = slice.mountpath, !Failure.isShortage(errno: -result) {
                suspect(
                    mountpath,
                    result < 0 ? "write failed: \(String(cString: strerror(-result)))" : "write was cut short")
            }
        } else if !record.isDurableWrite {
            slice.isUnsynced = true
        }
        guard record.writesPending == 0 else { return }
        // Headers and parity are on their way no more; what is still needed is in the ring.
        giveBuffer(of: record)
        if record.state == .writing {
            record.state = record.isDurableWrite ? .durable : .written
            if !record.isDurableWrite { unsyncedBlocks += record.shape.dataBlocks + 1 }
        }
        advance()
        scheduleBatch()
    }

    private func giveBuffer(of record: RecordInFlight) {
        if let buffer = record.buffer { buffers.give(buffer) }
        record.buffer = nil
    }

    /// Hands records that are durable on to the map, in order. While a change of membership is not durable, nothing is.
    func advance() {
        let isWaiting = membershipChanges > 0 && pool.test.canary != .ackBeforeMembership  // canary
        guard !isWaiting, failure == nil else { return finishClosing() }
        if pool.test.canary == .drainOutOfOrder { bringDurableFirst() }  // canary
        let freesEarly = pool.test.canary == .freeWhenWritten  // canary
        while let record = records.first,
            record.state == .durable || (freesEarly && record.state == .written && synchronizing.isEmpty)
        {
            records.removeFirst()
            if record.moves != nil { movesInFlight -= 1 }
            ring.markDurable(through: record.entries.upperBound)
            applying.append(record)
        }
        applyDurable()
        // Voids that were formed behind the last record are released with it.
        if records.isEmpty, applying.isEmpty, ring.firstEntry < ring.formedEntry {
            ring.release(through: ring.formedEntry)
        }
        for record in records where record.state == .failed && record.writesPending == 0 {
            guard writeAgain(record) else { break }
        }
        completeDurable()
        checkpointIfDue()
    }

    /// For the canary: the order of the ring is not kept.
    private func bringDurableFirst() {
        guard let index = records.firstIndex(where: { $0.state == .durable }) else { return }
        records.insert(records.remove(at: index), at: 0)
    }

    func recycle(_ record: RecordInFlight) {
        record.segment = nil
        record.moves = nil
        spareRecords.append(record)
    }

    /// Room in the open segment is promised to writes: of a record of moves only its number is written again. What it would have moved
    /// stays where it is, or has moved, if a start finds enough of the columns that were written: the cleaner looks again.
    private func dropMoves(of record: RecordInFlight) {
        guard let batch = record.moves else { return }
        record.moves = nil
        record.extentCount = 0
        record.shape = RecordShape(dataBlocks: 0, k: 1, p: record.shape.parityColumns)
        movesInFlight -= 1
        cleaner.dropped(batch)
    }

    /// A record of which a column failed goes whole, with its sequence, to a segment of healthy mountpaths.
    private func writeAgain(_ record: RecordInFlight) -> Bool {
        dropMoves(of: record)
        guard synchronizing.allSatisfy({ $0 !== record }), place(record, blocks: record.shape.dataBlocks) else {
            return false
        }
        guard let buffer = buffers.take(parityColumns: parameters.group.parityColumns) else {
            retryLater()
            return false
        }
        pool.test.took(.writtenAgain)
        record.buffer = buffer
        record.isDurableWrite = true
        write(record)
        return true
    }

    // MARK: Synchronization

    /// Makes records durable that were written without waiting: when a flush waits, or when so much has gathered.
    func startSynchronization() {
        guard synchronizationsPending == 0, failure == nil else { return }
        // Moves that are durable wait for what is before them, and with them the cleaner.
        let isBlocking = movesInFlight > 0 && records.contains { $0.moves != nil && $0.state == .durable }
        guard isFlushWaiting || isPressed || isBlocking || unsyncedBlocks > ring.blocks / 4 else { return }
        synchronizing.removeAll(keepingCapacity: true)
        for record in records where record.state == .written { synchronizing.append(record) }
        guard !synchronizing.isEmpty else { return }
        unsyncedBlocks = 0
        synchronizationTargets.removeAll(keepingCapacity: true)
        for record in synchronizing {
            guard let segment = record.segment else { continue }
            for slice in segment.slices where slice.isUnsynced {
                slice.isUnsynced = false
                synchronizationTargets.append(slice)
            }
        }
        if synchronizationTargets.isEmpty { return synchronized() }
        synchronizationsPending = synchronizationTargets.count
        for (number, slice) in synchronizationTargets.enumerated() {
            guard let file = slice.file else { preconditionFailure("an unsynced slice is not open") }
            queue.synchronize(file.descriptor, target: self, tag: Self.tagSynchronizedFirst + UInt64(number))
        }
    }

    static let tagSynchronizedFirst: UInt64 = 16

    fileprivate func sliceSynchronized(_ number: Int, result: Int32) {
        let slice = synchronizationTargets[number]
        if result < 0, let mountpath = slice.mountpath {
            pool.test.took(.syncFailed)
            // Never tried again: what this sync was to cover counts as lost there.
            for record in records
            where !record.isDurableWrite && record.segment?.slices.contains(where: { $0 === slice }) == true {
                record.state = .failed
            }
            suspect(mountpath, "sync failed: \(String(cString: strerror(-result)))")
        }
        synchronizationsPending -= 1
        if synchronizationsPending == 0 { synchronized() }
    }

    private func synchronized() {
        for record in synchronizing where record.state == .written { record.state = .durable }
        synchronizing.removeAll(keepingCapacity: true)
        synchronizationTargets.removeAll(keepingCapacity: true)
        advance()
        scheduleBatch()
    }
}

extension VolumeLog: IOTarget {
    func ioCompleted(_ tag: UInt64, result: Int32) {
        if tag >= Self.tagSynchronizedFirst {
            sliceSynchronized(Int(tag - Self.tagSynchronizedFirst), result: result)
        } else if tag == Self.tagReclaim {
            reclaimSome()
        } else if tag == Self.tagFreeing {
            freeingDue()
        } else if tag == Self.tagAgain {
            runPostponed()
        } else if tag == Self.tagRoom {
            map.cache.checkpointEnded()
        } else {
            isSpaceTimerSet = false
            if map.cache.isAwaited { cacheIsFull() }
            advance()
            scheduleBatch()
        }
    }
}
