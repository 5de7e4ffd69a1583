import Base
import BlockDevice
import ErasureCoding
import Glibc
import SegmentStore
import SystemIO

/// A run of a read request that is contiguous on one slice. `@unchecked Sendable`: touched on the loop of its volume only.
final class ReadPart: @unchecked Sendable {
    static let blocksMax = WriteRing.requestBlocksMax
    unowned let log: VolumeLog
    var request: BlockRequest?
    var buffer: UnsafeMutableRawPointer?
    var segment: Segment?
    var slice = 0
    var offset: UInt32 = 0
    var count = 0
    /// What each block must be, by the map at the time of the request.
    let checksums: UnsafeMutablePointer<UInt32>

    init(log: VolumeLog) {
        self.log = log
        checksums = .allocate(capacity: Self.blocksMax)
        checksums.initialize(repeating: 0, count: Self.blocksMax)
    }

    deinit { checksums.deallocate() }
}

/// How far a read request has been looked up.
private struct ReadWalk {
    let request: BlockRequest
    let buffer: UnsafeMutableRawPointer
    /// The request's first block.
    let first: UInt64
    /// The next block to look up, and where the leaf or the request ends, counted from the first.
    var next: Int
    var end: Int
    let asksRing: Bool
    /// What the next block may follow on; not sent yet.
    var run: ReadPart?

    var target: UnsafeMutableRawPointer { buffer + next * blockBytes }
    var entryIndex: Int { Int((first + UInt64(next)) % UInt64(MapEntry.perLeaf)) }
}

extension ReadPart: IOTarget {
    func ioCompleted(_ tag: UInt64, result: Int32) { log.partRead(self, result: result) }
}

/// Reading: the ring first, then the map; every block is checked; what is missing or wrong is rebuilt from the record's other columns.
extension VolumeLog {
    /// `epoch`: of the snapshot to read; nil: the volume as it is, with what is in the ring.
    func read(_ request: BlockRequest, epoch: UInt32?) {
        guard request.length > 0, request.buffer != nil else {
            return request.finish(request.length == 0 ? 0 : EINVAL)
        }
        request.result = 0
        request.pendingPartCount = 1  // this walk itself, so that nothing completes the request before its end
        walk(request, from: 0, epoch: epoch)
    }

    private func walk(_ request: BlockRequest, from start: Int, epoch: UInt32?) {
        guard let buffer = request.buffer, let tree = tree(epoch) else {
            request.result = EIO
            return partEnded(request)
        }
        var walk = ReadWalk(
            request: request, buffer: buffer, first: request.offset >> blockShift, next: start, end: start,
            asksRing: epoch == nil && (index.count > 0 || !discards.isEmpty))
        let count = request.length / blockBytes
        while walk.next < count {
            let block = walk.first + UInt64(walk.next)
            walk.end = min(count, walk.next + MapEntry.perLeaf - Int(block % UInt64(MapEntry.perLeaf)))
            if let (load, owner) = walkLeaf(&walk, block / UInt64(MapEntry.perLeaf), in: tree) {
                issue(walk.run)
                return walkLater(request, from: walk.next, epoch: epoch, load, owner)
            }
        }
        issue(walk.run)
        partEnded(request)
    }

    /// Goes on to `walk.end`, the end of one leaf or of the request. Stops at a block for which a node must be loaded first.
    private func walkLeaf(
        _ walk: inout ReadWalk, _ page: UInt64, in tree: MapTree
    ) -> (load: NodeLoad, owner: VolumeLog)? {
        let entries: UnsafePointer<MapEntry>?
        let distance: Int
        switch map.leaf(tree, page) {
        case .wait(let load):
            // What is in the ring needs no map.
            while walk.next < walk.end, takeFromRing(&walk) {}
            return walk.next < walk.end ? (load, self) : nil
        case .absent: (entries, distance) = (nil, 0)
        case .leaf(let found, let above): (entries, distance) = (found, above)
        }
        while walk.next < walk.end {
            if takeFromRing(&walk) { continue }
            let entry = entries?[walk.entryIndex] ?? .unmapped
            guard entry.isMapped else {
                endRun(&walk)
                if entry.isLost {
                    walk.request.result = EIO
                } else {
                    walk.target.initializeMemory(as: UInt8.self, repeating: 0, count: blockBytes)
                }
                walk.next += 1
                continue
            }
            let owner = distance + entry.distance == 0 ? self : origins[distance + entry.distance - 1]
            switch owner.map.place(entry) {
            case .wait(let load): return (load, owner)
            case .at(let place):
                owner.take(place, entry.checksum, &walk)
                // Most blocks lie behind the one before, and were not moved.
                if let entries, owner.map.collected[entry.segment] == nil {
                    takeFollowing(entry, entries, &walk)
                }
            }
        }
        return nil
    }

    /// Blocks that lie one after the other, from the one behind `entry` on.
    private func takeFollowing(_ entry: MapEntry, _ entries: UnsafePointer<MapEntry>, _ walk: inout ReadWalk) {
        guard let run = walk.run, !walk.asksRing else { return }
        var (index, place) = (walk.entryIndex, entry.place)
        while walk.next < walk.end {
            place += 1
            guard entries[index].segment == entry.segment, entries[index].place == place else { return }
            run.checksums[run.count] = entries[index].checksum
            run.count += 1
            index += 1
            walk.next += 1
        }
    }

    /// One block at `place` in a segment of this volume, behind those of the run where it follows.
    private func take(_ place: DirectoryEntry, _ checksum: UInt32, _ walk: inout ReadWalk) {
        if let run = walk.run, run.log === self, run.segment?.id == place.segment, run.slice == place.slice,
            run.offset + UInt32(run.count) == place.offset
        {
            run.checksums[run.count] = checksum
            run.count += 1
        } else {
            endRun(&walk)
            walk.run = part(walk.request, place, checksum, walk.target)
        }
        walk.next += 1
    }

    private func takeFromRing(_ walk: inout ReadWalk) -> Bool {
        guard walk.asksRing, copyFromRing(walk.first + UInt64(walk.next), to: walk.target) else { return false }
        endRun(&walk)
        walk.next += 1
        return true
    }

    private func endRun(_ walk: inout ReadWalk) {
        issue(walk.run)
        walk.run = nil
    }

    /// Goes on with a walk when a node that it needs is there.
    private func walkLater(
        _ request: BlockRequest, from number: Int, epoch: UInt32?, _ load: NodeLoad, _ owner: VolumeLog
    ) {
        waitingReads += 1
        owner.load(load) { [self] isLoaded in
            waitingReads -= 1
            if isLoaded {
                walk(request, from: number, epoch: epoch)
            } else {
                request.result = EIO
                partEnded(request)
            }
            finishClosing()
        }
    }

    private func tree(_ epoch: UInt32?) -> MapTree? {
        guard let epoch else { return map.head.tree }
        return map.element(epoch)?.tree
    }

    /// False where the newest data of the block is not in the ring.
    private func copyFromRing(_ block: UInt64, to target: UnsafeMutableRawPointer) -> Bool {
        let position = index.value(block)
        if !discards.isEmpty, let discard = discards.last(where: { $0.first <= block && block < $0.end }),
            discard.position > position ?? 0 || position == nil
        {
            target.initializeMemory(as: UInt8.self, repeating: 0, count: blockBytes)
            return true
        }
        guard let position else { return false }
        target.copyMemory(from: ring.address(position), byteCount: blockBytes)
        return true
    }

    private func part(
        _ request: BlockRequest, _ place: DirectoryEntry, _ checksum: UInt32, _ target: UnsafeMutableRawPointer
    ) -> ReadPart? {
        guard let segment = segments[place.segment] else {
            logger.critical("map names an unknown segment", metadata: ["segment": "\(place.segment)"])
            request.result = EIO
            return nil
        }
        let part = spareParts.popLast() ?? ReadPart(log: self)
        part.request = request
        part.buffer = target
        part.segment = segment
        part.slice = place.slice
        part.offset = place.offset
        part.count = 1
        part.checksums[0] = checksum
        segment.readerCount += 1
        request.pendingPartCount += 1
        return part
    }

    /// Reads the blocks of a batch from where they lie into its payload.
    func read(_ batch: MoveBatch, for request: BlockRequest) {
        var run: ReadPart?
        for (index, stored) in batch.blocks.enumerated() {
            if let part = run, part.slice == stored.place.slice, part.count < ReadPart.blocksMax,
                part.offset + UInt32(part.count) == stored.place.offset
            {
                part.checksums[part.count] = batch.checksums[index]
                part.count += 1
            } else {
                issue(run)
                run = part(request, stored.place, batch.checksums[index], batch.payload.base + index * blockBytes)
            }
        }
        issue(run)
        partEnded(request)
    }

    /// Sends a run on its way.
    func issue(_ part: ReadPart?) {
        if let part { part.log.send(part) }
    }

    private func send(_ part: ReadPart) {
        guard let segment = part.segment, let buffer = part.buffer else { return }
        let slice = segment.slices[part.slice]
        if !slice.isAvailable {
            rebuild(part)
        } else if let file = slice.file {
            queue.read(
                file.descriptor, into: buffer, bytes: part.count * blockBytes,
                offset: UInt64(part.offset) * UInt64(blockBytes), target: part, tag: 0)
        } else {
            openSlice(slice, of: segment, for: part)
        }
    }

    func partRead(_ part: ReadPart, result: Int32) {
        guard let segment = part.segment, let buffer = part.buffer else { return }
        if result == part.count * blockBytes, areWhole(buffer, part.checksums, count: part.count) {
            return finish(part)
        }
        let slice = segment.slices[part.slice]
        if result < 0, !Failure.isShortage(errno: -result), let mountpath = slice.mountpath {
            noteReadError(mountpath, errno: -result)
        }
        rebuild(part)
    }

    private func areWhole(
        _ buffer: UnsafeMutableRawPointer, _ checksums: UnsafeMutablePointer<UInt32>, count: Int
    ) -> Bool {
        for block in 0..<count where crc32c(buffer + block * blockBytes, bytes: blockBytes) != checksums[block] {
            return false
        }
        return true
    }

    func finish(_ part: ReadPart, error: Int32 = 0) {
        guard let request = part.request, let segment = part.segment else { return }
        part.request = nil
        part.segment = nil
        part.buffer = nil
        spareParts.append(part)
        readerEnded(segment)
        if error != 0 { request.result = error }
        partEnded(request)
    }

    private func partEnded(_ request: BlockRequest) {
        request.pendingPartCount -= 1
        if request.pendingPartCount == 0 { request.finish(request.result) }
    }
}
