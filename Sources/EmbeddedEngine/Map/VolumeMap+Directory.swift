import Base
import SegmentStore

/// Where a block is now: 8 bytes, 512 in a page of the segment directory. Segment 0: it has not moved.
///
///     offset  size  field
///          0     4  segment
///          4     4  slice (upper 4 bits), block offset in the slice
struct DirectoryEntry: Equatable {
    var segment: UInt32
    var place: UInt32

    static let none = DirectoryEntry(segment: 0, place: 0)
    static let perPage = blockBytes / 8

    var slice: Int { Int(place >> 28) }
    var offset: UInt32 { place & (MapEntry.sliceBlocksMax - 1) }
}

extension MapEntry {
    /// Where the block was first written.
    var origin: DirectoryEntry { DirectoryEntry(segment: segment, place: place & ~(0x3FF << 18)) }
}

/// The segment directory and the live counts: what map entries mean after GC has moved blocks.
extension VolumeMap {
    enum Place {
        case at(DirectoryEntry)
        case wait(NodeLoad)
    }

    /// Page and index of a place in the directory: the segment, then its slices one after the other.
    private func position(_ segment: UInt32, _ place: UInt32) -> (page: UInt64, index: Int) {
        let block = UInt64(place >> 28) << 18 | UInt64(place & (MapEntry.sliceBlocksMax - 1))
        return (UInt64(segment) << 13 | block >> 9, Int(block & 511))
    }

    /// What is at a page and index of the directory.
    static func origin(page: UInt64, index: Int) -> DirectoryEntry {
        let block = (page & 0x1FFF) << 9 | UInt64(index)
        let place = UInt32(block >> 18) << 28 | UInt32(block & UInt64(MapEntry.sliceBlocksMax - 1))
        return DirectoryEntry(segment: UInt32(page >> 13), place: place)
    }

    /// Where an entry of this volume's own (distance 0) is now.
    func place(_ entry: MapEntry) -> Place {
        let own = entry.origin
        guard collected[entry.segment] != nil else { return .at(own) }
        let (page, index) = position(entry.segment, entry.place)
        switch leaf(directory, page) {
        case .absent: return .at(own)
        case .wait(let load): return .wait(load)
        case .leaf(let entries, _):
            let moved = UnsafeRawPointer(entries).load(fromByteOffset: index * 8, as: DirectoryEntry.self)
            return .at(moved.segment == 0 ? own : moved)
        }
    }

    /// A block that nothing refers to any more.
    func release(_ entry: MapEntry) -> Readiness {
        guard collected[entry.segment] != nil else {
            count(entry.segment, -1)
            return .ready
        }
        switch place(entry) {
        case .wait(let load): return .wait(load)
        case .at(let now):
            if now != entry.origin {
                let readiness = put(.none, for: entry)
                guard case .ready = readiness else { return readiness }
                countMoved(entry.segment, -1)
            }
            count(now.segment, -1)
            return .ready
        }
    }

    /// A block has moved: from here on it is read at `now`.
    func move(_ entry: MapEntry, to now: DirectoryEntry) -> Readiness {
        if collected[entry.segment] == nil { collected[entry.segment] = 0 }
        switch place(entry) {
        case .wait(let load): return .wait(load)
        case .at(let old):
            let readiness = put(now, for: entry)
            guard case .ready = readiness else { return readiness }
            if old == entry.origin { countMoved(entry.segment, 1) }
            count(old.segment, -1)
            count(now.segment, 1)
            return .ready
        }
    }

    private func put(_ value: DirectoryEntry, for entry: MapEntry) -> Readiness {
        let (page, index) = position(entry.segment, entry.place)
        var tree = directory
        defer { directory = tree }
        switch writable(&tree, page, birth: 1, owns: { _, _ in true }) {
        case .wait(let load): return .wait(load)
        case .full: return .full
        case .leaf(let memory):
            memory.storeBytes(of: value, toByteOffset: index * 8, as: DirectoryEntry.self)
            if value == .none { prune(&tree, page) }
            return .ready
        }
    }

    /// Live blocks that lie in a segment now.
    func count(_ segment: UInt32, _ difference: Int) {
        changedSegments.insert(segment)
        guard let found = segments[segment] else { return }
        found.liveBlocks += difference
        if found.liveBlocks == 0, found.isClosed { sawDead = true }
    }

    private func countMoved(_ segment: UInt32, _ difference: Int) {
        let count = collected[segment, default: 0] + difference
        changedSegments.insert(segment)
        if count == 0, segments[segment] == nil {
            collected[segment] = nil
            removedSegments.insert(segment)
        } else {
            collected[segment] = count
        }
    }
}

/// What neighbouring blocks change in one segment's live count, entered together.
struct LiveCount {
    private var segment: UInt32 = 0
    private var difference = 0

    mutating func add(_ difference: Int, _ segment: UInt32, _ map: VolumeMap) {
        if segment != self.segment {
            enter(map)
            self.segment = segment
        }
        self.difference += difference
    }

    mutating func enter(_ map: VolumeMap) {
        if difference != 0 { map.count(segment, difference) }
        difference = 0
    }
}
