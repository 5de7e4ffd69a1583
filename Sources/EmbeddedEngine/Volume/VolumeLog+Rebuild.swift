import Base
import ErasureCoding
import Glibc
import SegmentStore
import SystemIO

/// Reading off the common path: slices that are not open, mountpaths that fail, blocks that must be rebuilt.
extension VolumeLog {
    /// Opens a slice of an older segment when it is first read, off the loop.
    func openSlice(_ slice: Slice, of segment: Segment, for part: ReadPart) {
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
                boundOpenSlices()
                for part in waiting { issue(part) }
            case .failure(let problem) where problem.isShortage:
                closeIdleSlices()
                tryAgain { [self] in for part in waiting { issue(part) } }
            case .failure(let problem):
                logger.error(
                    "slice cannot be opened", metadata: ["path": "\(mountpath.path)/\(path)", "reason": "\(problem)"])
                for part in waiting { rebuild(part) }
            }
        }
    }

    /// Descriptors are the process's. Where all volumes together have too many slices open, those that nobody reads now are closed, to be opened
    /// again when needed: here, and where that is not enough in other volumes.
    func boundOpenSlices() {
        // A simulation opens and closes as much as can be.
        let most = pool.test.isSequential ? 0 : Self.openSlicesMax
        guard Slice.openCount > most else { return }
        closeIdleSlices()
        guard Slice.openCount > most, clock.now() >= closeOthersNotBefore else { return }
        closeOthersNotBefore = clock.now() + Self.closeOthersNanoseconds
        closeOthers?()
    }

    /// The rest is for devices, calls, maps and headers.
    private static let openSlicesMax = ((try? DescriptorLimit.current()) ?? 1024) / 2
    private static let closeOthersNanoseconds: UInt64 = 100_000_000
    /// Closing takes time, and the loop has other things to do.
    private static let closedAtOnce = 1024

    func closeIdleSlices() {
        var closed = 0
        for segment in segments.values
        where segment.isClosed && segment.readerCount == 0 && segment.lastSequence <= durableThrough {
            for slice in segment.slices where slice.file != nil {
                slice.file = nil
                closed += 1
            }
            if closed >= Self.closedAtOnce { break }
        }
    }

    func slicePath(_ segment: Segment, _ slice: Int) -> String {
        let directory = SlicePath.segmentDirectory(group: parameters.group.label, volume: parameters.header.id)
        return "\(directory)/\(SlicePath.name(segment: segment.id, slice: slice))"
    }

    static let readErrorsMax = 10
    static let readErrorWindowNanoseconds: UInt64 = 10_000_000_000
    private static let recordIndexesMax = 64

    func noteReadError(_ mountpath: Mountpath, errno: Int32) {
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
    func rebuild(_ part: ReadPart) {
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
            case .failure(let problem) where problem.isShortage:
                closeIdleSlices()
                tryAgain { [self] in issue(part) }
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
        for (path, mountpath) in zip(paths, mountpaths) {
            do throws(Failure) { files.append(try mountpath?.disk.openSlice(path)) } catch  where !error.isShortage {
                files.append(nil)
            }
        }
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
