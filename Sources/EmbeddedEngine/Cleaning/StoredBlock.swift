import Base
import SegmentStore
import SystemIO

/// A block as a record header tells of it: whose it was, and where it lies.
struct StoredBlock: Equatable, Sendable {
    var block: UInt64
    var birth: UInt32
    /// Where it was first written: what map entries name.
    var origin: DirectoryEntry
    /// Where this copy lies.
    var place: DirectoryEntry
}

extension RecordHeader {
    /// Every block that a record of data or of moves holds, in order.
    var storedBlocks: [StoredBlock] {
        guard control == nil else { return [] }
        var blocks: [StoredBlock] = []
        blocks.reserveCapacity(shape.dataBlocks)
        var number = 0
        for extent in extents where !extent.isDiscard {
            for offset in 0..<UInt32(extent.count) {
                let column = blocks.count / shape.columnBlocks
                let row = UInt32(blocks.count % shape.columnBlocks)
                let place = DirectoryEntry(
                    segment: segment, place: UInt32(slice(ofColumn: column)) << 28 | (offsets[column] + 1 + row))
                var stored = StoredBlock(
                    block: extent.block + UInt64(offset), birth: UInt32(truncatingIfNeeded: birthEpoch), origin: place,
                    place: place)
                if isOfMoves {
                    let origin = origins[number]
                    stored.birth = origin.birth
                    stored.origin = DirectoryEntry(segment: origin.segment, place: origin.place + offset)
                }
                blocks.append(stored)
            }
            number += 1
        }
        return blocks
    }
}

/// What lies in a segment, by the headers on those of its slices that can be read.
struct SegmentContents: Sendable {
    var blocks: [StoredBlock] = []
    /// GC wrote it: what is still live is older than what was written beside it.
    var isOfMoves = false

    /// As many as are accounted were found, and it was not read to its end.
    var isEarly = false

    /// Blocking. `unavailable` where so many slices cannot be read that a record may not have been seen.
    init(
        pool: PoolID, volume: VolumeID, segment: UInt32, parityColumns: Int, sliceBlocks: UInt32, paths: [String],
        mountpaths: [Mountpath?], expected: SegmentScan.Expected?, isSequential: Bool
    ) throws(Failure) {
        let files = zip(paths, mountpaths).map { path, mountpath in try? mountpath?.disk.openSlice(path) }
        let beginnings = inParallel(files.count, isSequential: isSequential) { slice in
            files[slice].map {
                SegmentScan.Beginning(
                    pool: pool, volume: volume, segment: segment, sliceBlocks: sliceBlocks, columns: files.count,
                    slice: slice, file: $0, tail: nil)
            }
        }
        let found = try SegmentScan.contents(
            pool: pool, volume: volume, segment: segment, sliceBlocks: sliceBlocks, files: files,
            beginnings: beginnings.map { try? $0.get() }, expected: expected)
        guard found.unreadable <= parityColumns else {
            throw Failure(.unavailable, "\(found.unreadable) of its slices cannot be read")
        }
        isEarly = found.isEarly
        for record in found.records {
            blocks += record.header.storedBlocks
            if record.header.isOfMoves { isOfMoves = true }
        }
    }
}

extension VolumeMap {
    enum Liveness {
        case dead
        case live(MapEntry)
        case wait(NodeLoad)
    }

    /// Whether this copy of a block is the one that something reads.
    func liveness(_ stored: StoredBlock) -> Liveness {
        switch holder(stored) {
        case .wait(let load): return .wait(load)
        case .dead: return .dead
        case .live(let entry):
            switch place(entry) {
            case .wait(let load): return .wait(load)
            case .at(let now): return now == stored.place ? .live(entry) : .dead
            }
        }
    }

    /// The entry by which an element has the block, wherever that lies now.
    private func holder(_ stored: StoredBlock) -> Liveness {
        let found = firstOwner(of: stored.block, birth: stored.birth) { owner -> Liveness? in
            switch entry(stored.block, in: owner.tree) {
            case .wait(let load): return .wait(load)
            case .entry(let entry):
                let isSame =
                    entry.isMapped && entry.distance == 0 && entry.origin == stored.origin
                    && entry.birth == stored.birth
                return isSame ? .live(entry) : nil
            }
        }
        return found ?? .dead
    }

    /// What a record of moves says of one block: it is read at `stored.place` from here on, if anything still has it. Again is fine.
    func applyMove(_ stored: StoredBlock) -> Readiness {
        switch holder(stored) {
        case .wait(let load): return .wait(load)
        case .dead: return .ready
        case .live(let entry):
            switch place(entry) {
            case .wait(let load): return .wait(load)
            case .at(let now): return now == stored.place ? .ready : move(entry, to: stored.place)
            }
        }
    }
}
