import Base
import SegmentStore
import SystemIO

/// How far the first record that is being applied has come.
struct ApplyCursor {
    /// Entries of the record that are done, and blocks of the next one that are.
    var entries = 0
    var blocks = 0
    /// Data blocks of the record that are done.
    var dataBlocks = 0
}

/// From durable records into the map. Leaves that are not in memory are loaded first; the ring keeps the data meanwhile, and readers see it
/// there.
extension VolumeLog {
    func applyDurable() {
        while !isApplyWaiting, failure == nil, let record = applying.first {
            switch apply(record) {
            case .ready:
                applying.removeFirst()
                applied = ApplyCursor()
                appliedThrough = record.sequence
                appliedRingSequence = max(appliedRingSequence, record.lastRingSequence)
                ring.release(through: record.entries.upperBound)
                noteForCheckpoint(record)
                if let moves = record.moves { cleaner.applied(moves) }
                recycle(record)
                let told = appliedControls
                appliedControls = []
                for done in told { done(.success(())) }
                wakeForDead()
            case .wait(let load):
                isApplyWaiting = true
                self.load(load) { [self] isLoaded in
                    isApplyWaiting = false
                    guard isLoaded else { return fail(Failure(.corrupt, "a part of the map cannot be read")) }
                    advance()
                    scheduleBatch()
                }
            case .full:
                isApplyWaiting = true
                map.cache.whenRoom { [self] in
                    isApplyWaiting = false
                    advance()
                    scheduleBatch()
                }
            }
        }
    }

    private func apply(_ record: RecordInFlight) -> Readiness {
        if let moves = record.moves { return applyMoves(moves, of: record) }
        while applied.entries < record.entries.count {
            let number = record.entries.lowerBound + applied.entries
            let entry = ring[number]
            switch entry.kind {
            case .void: break
            case .control: applyControl(number)
            case .discard:
                let readiness = applyDiscard(entry)
                guard case .ready = readiness else { return readiness }
            case .data:
                let readiness = applyData(entry, of: record)
                guard case .ready = readiness else { return readiness }
            }
            applied.entries += 1
            applied.blocks = 0
        }
        return .ready
    }

    private func applyData(_ entry: RingEntry, of record: RecordInFlight) -> Readiness {
        guard let segment = record.segment else { return .ready }
        while applied.blocks < entry.count {
            let (column, row) = applied.dataBlocks.quotientAndRemainder(dividingBy: record.shape.columnBlocks)
            let position = entry.position + UInt64(applied.blocks)
            let block = entry.block + UInt64(applied.blocks)
            // As far as one column and one page of the map go.
            let count = min(
                entry.count - applied.blocks, record.shape.columnBlocks - row,
                MapEntry.perLeaf - Int(block % UInt64(MapEntry.perLeaf)))
            let first = MapEntry(
                segment: segment.id, slice: (column + record.rotation) % segment.slices.count,
                offset: record.offsets[column] + 1 + UInt32(row), checksum: 0, birth: record.birthEpoch)
            var done = 0
            let readiness = map.set(block, count: count, done: &done) { number in
                var place = first
                place.place += UInt32(number)
                place.checksum = ring.checksum(position + UInt64(number))
                return place
            }
            for number in 0..<UInt64(done) { index.remove(block + number, at: position + number) }
            applied.blocks += done
            applied.dataBlocks += done
            guard case .ready = readiness else { return readiness }
        }
        return .ready
    }

    private func applyDiscard(_ entry: RingEntry) -> Readiness {
        let end = entry.block + UInt64(entry.count)
        while applied.blocks < entry.count {
            let first = entry.block + UInt64(applied.blocks)
            let next = min(end, (first | 255) + 1)
            let readiness = map.discard(first, count: next - first)
            guard case .ready = readiness else { return readiness }
            applied.blocks += Int(next - first)
        }
        if let first = discards.first, first.position == entry.position, first.first == entry.block {
            discards.removeFirst()
        }
        return .ready
    }

    private func applyControl(_ number: Int) {
        guard let request = controls.removeValue(forKey: number) else { return }
        map.apply(request.control)
        appliedControls.append(request.done)
    }
}

/// A node on its way from the drives. `@unchecked Sendable`: touched on the loop of its volume only.
final class NodeRead: @unchecked Sendable {
    unowned let log: VolumeLog
    let load: NodeLoad
    let buffer = AlignedBuffer(bytes: blockBytes)
    let homes: [NodeHome]
    var attempt = 0
    var waiters: [(Bool) -> Void] = []

    init(log: VolumeLog, load: NodeLoad) {
        self.log = log
        self.load = load
        homes = load.source.readable
    }
}

extension NodeRead: IOTarget {
    func ioCompleted(_ tag: UInt64, result: Int32) { log.nodeRead(self, result: result) }
}

/// Nodes that are not in the cache.
extension VolumeLog {
    /// `done` is called when the node was put into the cache, or cannot be had. It may be gone again: the caller asks the map once more.
    func load(_ load: NodeLoad, done: @escaping (_ isLoaded: Bool) -> Void) {
        if let read = nodeReads[load.key] {
            read.waiters.append(done)
            return
        }
        let read = NodeRead(log: self, load: load)
        read.waiters.append(done)
        nodeReads[load.key] = read
        issue(read)
    }

    private func issue(_ read: NodeRead) {
        guard read.attempt < read.homes.count else {
            logger.critical(
                "map node cannot be read from any of its copies",
                metadata: ["volume": "\(parameters.header.id)", "slot": "\(read.load.pointer.slot)"])
            return finish(read, isLoaded: false)
        }
        queue.read(
            read.homes[read.attempt].file.descriptor, into: read.buffer.base, bytes: blockBytes,
            offset: read.load.offset, target: read, tag: 0)
    }

    func nodeRead(_ read: NodeRead, result: Int32) {
        guard read.load.isWhole(read.buffer.base, count: Int(result)) else {
            read.attempt += 1
            return issue(read)
        }
        if read.attempt > 0 { repair(read) } else { insert(read) }
    }

    private func insert(_ read: NodeRead) {
        if map.cache.frame(read.load.key) == nil {
            guard let frame = map.cache.insert(read.load.key, level: read.load.level) else {
                map.cache.whenRoom { [self] in insert(read) }
                return
            }
            map.cache.page(frame).copyMemory(from: read.buffer.base, byteCount: blockBytes)
        }
        finish(read, isLoaded: true)
    }

    private func finish(_ read: NodeRead, isLoaded: Bool) {
        nodeReads[read.load.key] = nil
        for waiter in read.waiters { waiter(isLoaded) }
        finishClosing()
    }

    /// Writes a good copy over those that were not, before anybody can use the node: its slot may be free, and another's, soon after.
    private func repair(_ read: NodeRead) {
        let bad = read.homes[..<read.attempt]
        statistics.nodesRepaired += bad.count
        queue.blocking { () throws(Failure) in
            for home in bad {
                try? home.file.write(UnsafeRawBufferPointer(read.buffer.span), at: read.load.offset)
            }
        } then: { [self] _ in
            insert(read)
        }
    }
}
