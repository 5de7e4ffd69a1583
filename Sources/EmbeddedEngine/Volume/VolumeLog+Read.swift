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
        var run: ReadPart?
        let first = request.offset >> blockShift
        for number in start..<(request.length / blockBytes) {
            let block = first + UInt64(number)
            let target = buffer + number * blockBytes
            if epoch == nil, copyFromRing(block, to: target) {
                run = issue(run)
                continue
            }
            switch find(block, in: tree) {
            case .zeros:
                run = issue(run)
                target.initializeMemory(as: UInt8.self, repeating: 0, count: blockBytes)
            case .lost:
                run = issue(run)
                request.result = EIO
            case .wait(let load, let owner):
                _ = issue(run)
                return walkLater(request, from: number, epoch: epoch, load, owner)
            case .at(let place, let checksum, let owner):
                if let part = run, part.log === owner, part.segment?.id == place.segment, part.slice == place.slice,
                    part.offset + UInt32(part.count) == place.offset
                {
                    part.checksums[part.count] = checksum
                    part.count += 1
                } else {
                    _ = issue(run)
                    run = owner.part(request, place, checksum, target)
                }
            }
        }
        _ = issue(run)
        partEnded(request)
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

    private enum Found {
        case zeros
        case lost
        case wait(NodeLoad, owner: VolumeLog)
        case at(DirectoryEntry, checksum: UInt32, owner: VolumeLog)
    }

    /// Where a block is: its entry, and by the directory of the volume that wrote it.
    private func find(_ block: UInt64, in tree: MapTree) -> Found {
        switch map.entry(block, in: tree) {
        case .wait(let load): return .wait(load, owner: self)
        case .entry(let entry):
            if entry.isLost { return .lost }
            if !entry.isMapped { return .zeros }
            let owner = entry.distance == 0 ? self : origins[entry.distance - 1]
            switch owner.map.place(entry) {
            case .wait(let load): return .wait(load, owner: owner)
            case .at(let place): return .at(place, checksum: entry.checksum, owner: owner)
            }
        }
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

    fileprivate func part(
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
                _ = issue(run)
                run = part(request, stored.place, batch.checksums[index], batch.payload.base + index * blockBytes)
            }
        }
        _ = issue(run)
        partEnded(request)
    }

    /// Sends a run on its way; nil, so that the caller has none any more.
    private func issue(_ part: ReadPart?) -> ReadPart? {
        guard let part else { return nil }
        part.log.send(part)
        return nil
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
        let isWhole =
            result == part.count * blockBytes
            && (0..<part.count).allSatisfy {
                crc32c(buffer + $0 * blockBytes, bytes: blockBytes) == part.checksums[$0]
            }
        if isWhole { return finish(part) }
        let slice = segment.slices[part.slice]
        if result < 0, let mountpath = slice.mountpath { noteReadError(mountpath, errno: -result) }
        rebuild(part)
    }

    private func finish(_ part: ReadPart, error: Int32 = 0) {
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

    // MARK: Off the common path

    /// Opens a slice of an older segment when it is first read, off the loop.
    private func openSlice(_ slice: Slice, of segment: Segment, for part: ReadPart) {
        let key = ObjectIdentifier(slice)
        if openingSlices[key] != nil {
            openingSlices[key]?.append(part)
            return
        }
        openingSlices[key] = [part]
        guard let mountpath = slice.mountpath else { return }
        let path = slicePath(segment, part.slice)
        queue.blocking { () throws(Failure) in
            try mountpath.disk.openSlice(path)
        } then: { [self] result in
            let waiting = openingSlices.removeValue(forKey: key) ?? []
            switch result {
            case .success(let file):
                slice.file = file
                openedSlices += 1
                if openedSlices > Self.openedSlicesMax { closeIdleSlices() }
                for part in waiting { _ = issue(part) }
            case .failure(let problem):
                logger.error(
                    "slice cannot be opened", metadata: ["path": "\(mountpath.path)/\(path)", "reason": "\(problem)"])
                for part in waiting { rebuild(part) }
            }
        }
    }

    /// Descriptors are bounded: slices that nobody reads now are closed, to be opened again when needed.
    private func closeIdleSlices() {
        openedSlices = 0
        for segment in segments.values
        where segment.isClosed && segment.readerCount == 0 && segment.lastSequence <= durableThrough {
            for slice in segment.slices { slice.file = nil }
        }
    }

    private static let openedSlicesMax = 4096

    func slicePath(_ segment: Segment, _ slice: Int) -> String {
        let directory = SlicePath.segmentDirectory(group: parameters.group.label, volume: parameters.header.id)
        return "\(directory)/\(SlicePath.name(segment: segment.id, slice: slice))"
    }

    static let readErrorsMax = 10
    static let readErrorWindowNanoseconds: UInt64 = 10_000_000_000
    private static let recordIndexesMax = 64

    private func noteReadError(_ mountpath: Mountpath, errno: Int32) {
        let now = clock.now()
        readErrors[mountpath.id, default: []].removeAll { now - $0 > Self.readErrorWindowNanoseconds }
        readErrors[mountpath.id, default: []].append(now)
        if readErrors[mountpath.id]?.count ?? 0 >= Self.readErrorsMax {
            pool.test.took(.tooManyReadErrors)
            suspect(
                mountpath, "\(Self.readErrorsMax) read errors in 10 s, the last: \(String(cString: strerror(errno)))")
        }
    }

    /// Computes the run from the other columns of its record, on a thread that may block, and writes it back where the slice's mountpath is
    /// healthy: the bytes there were wrong.
    private func rebuild(_ part: ReadPart) {
        guard let segment = part.segment, let buffer = part.buffer else { return }
        let known = recordIndexes[segment.id]
        let paths = (0..<segment.slices.count).map { slicePath(segment, $0) }
        // A slice whose mountpath is out is not asked.
        let sources = segment.slices.map { $0.isAvailable ? $0 : nil }
        let job = RebuildJob(
            pool: pool.id, volume: parameters.header.id, segment: segment.id, sliceBlocks: segment.sliceBlocks,
            paths: paths,
            mountpaths: sources.map { $0?.mountpath }, slice: part.slice, offset: part.offset, count: part.count,
            checksums: Array(UnsafeBufferPointer(start: part.checksums, count: part.count)), buffer: buffer,
            index: known)
        statistics.blocksRebuilt += part.count
        pool.test.took(.readRebuilt)
        // An index of a segment that still grows would soon be old.
        let isComplete = segment.isClosed && segment.lastSequence <= durableThrough
        queue.blocking { () throws(Failure) in
            try job.run()
        } then: { [self] result in
            switch result {
            case .success(let index):
                if recordIndexes.count >= Self.recordIndexesMax { recordIndexes.removeAll() }
                if isComplete { recordIndexes[segment.id] = index }
                finish(part)
            case .failure(let problem):
                logger.critical(
                    "block lost", metadata: ["volume": "\(parameters.header.id)", "reason": "\(problem)"])
                finish(part, error: EIO)
            }
        }
    }
}

/// What a rebuild needs, carried to a blocking thread. `buffer` belongs to the request, which waits for this.
private struct RebuildJob: @unchecked Sendable {
    let pool: PoolID
    let volume: VolumeID
    let segment: UInt32
    let sliceBlocks: UInt32
    let paths: [String]
    /// Nil where the slice is not to be read.
    let mountpaths: [Mountpath?]
    let slice: Int
    let offset: UInt32
    let count: Int
    let checksums: [UInt32]
    let buffer: UnsafeMutableRawPointer
    let index: RecordIndex?

    /// Returns the segment's index, for the next time.
    func run() throws(Failure) -> RecordIndex {
        var files: [(any DiskFile)?] = []
        for (path, mountpath) in zip(paths, mountpaths) { files.append(try? mountpath?.disk.openSlice(path)) }
        let index: RecordIndex
        if let known = self.index {
            index = known
        } else {
            index = try RecordIndex(
                pool: pool, volume: volume, segment: segment, sliceBlocks: sliceBlocks, files: files)
        }
        var done = 0
        while done < count {
            guard let (header, column, row) = index.find(slice: slice, offset: offset + UInt32(done)), column < header.k
            else {
                throw Failure(
                    .corrupt, "segment \(segment): no header names block \(offset + UInt32(done)) of slice \(slice)")
            }
            // A run may go on into the next record's chunk only across a header, so it ends with the column at the latest.
            let rows = min(count - done, header.shape.blocks(ofDataColumn: column) - row)
            let target = buffer + done * blockBytes
            try RecordReader(header: header, files: files).rebuild(column: column, row: row, count: rows, into: target)
            for block in 0..<rows
            where crc32c(target + block * blockBytes, bytes: blockBytes) != checksums[done + block] {
                throw Failure(
                    .corrupt,
                    "segment \(segment), record \(header.sequence): what was rebuilt is not what the map expects")
            }
            if let file = files[slice] {
                // The same bytes as were there once: no order with other writes is needed.
                let aligned = AlignedBuffer(bytes: rows * blockBytes)
                aligned.base.copyMemory(from: target, byteCount: rows * blockBytes)
                try? file.write(
                    UnsafeRawBufferPointer(aligned.span), at: UInt64(offset + UInt32(done)) * UInt64(blockBytes))
            }
            done += rows
        }
        return index
    }
}
