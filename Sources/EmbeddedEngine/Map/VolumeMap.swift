import Base
import SegmentStore
import SystemIO

/// Whether something could be done with what is in the cache.
enum Readiness {
    case ready
    /// After this node was loaded, once more.
    case wait(NodeLoad)
    /// After a checkpoint has ended, once more.
    case full
}

enum LeafAccess {
    case absent
    /// Good until the cache changes. Entries' distances count from the node, which is `distance` origins up.
    case leaf(UnsafePointer<MapEntry>, distance: Int)
    case wait(NodeLoad)
}

enum LeafChange {
    case leaf(UnsafeMutableRawPointer)
    case wait(NodeLoad)
    case full
}

enum EntryAccess {
    case entry(MapEntry)
    case wait(NodeLoad)
}

/// What a volume's metadata is in memory: the head's extent map, snapshots, the segment directory, live counts.
///
/// Nothing here does I/O: where a node is not in the cache the answer is `wait`, and the caller loads it and asks again. So the same
/// code runs on an event loop, at recovery and in a check. Confined to its volume's thread.
final class VolumeMap {
    private(set) var cache: NodeCache
    /// Its own nodes, then its origin's, then the origin's origin's.
    private(set) var sources: [NodeSource]
    var slots = SlotTable()
    /// Keys of nodes changed since the last freeze; some are gone again.
    var changedKeys: [UInt64] = []
    var frozenFrames: [Int] = []

    /// The head: `epoch` is the one being written.
    var head = MapElement.head
    var hasHead = true
    /// Snapshots and hidden branch points, by epoch.
    var elements: [MapElement] = []
    var areElementsChanged = false
    var reclaim: Reclaim?

    var segments: [UInt32: Segment] = [:]
    /// A segment that nothing is appended to any more came to have no live block.
    var sawDead = false
    /// Segments that were freed after their blocks had moved: how many of those are live.
    var collected: [UInt32: Int] = [:]
    var directory = MapTree()
    /// Segments of which a counter changed since the last freeze.
    var changedSegments: Set<UInt32> = []
    var removedSegments: Set<UInt32> = []
    /// Segments of which no checkpoint has the placement yet.
    var unplaced: Set<UInt32> = []

    /// Leaves changed lately, by page: they stay where they are until a freeze, a snapshot, or their end.
    private let recentLeaves: UnsafeMutablePointer<RecentLeaf>

    private struct RecentLeaf {
        static let count = 1024

        var page: UInt64 = 0
        /// Nil where there is none.
        var memory: UnsafeMutableRawPointer?
    }

    init(cache: NodeCache, sources: [NodeSource]) {
        self.cache = cache
        self.sources = sources
        recentLeaves = .allocate(capacity: RecentLeaf.count)
        recentLeaves.initialize(repeating: RecentLeaf(), count: RecentLeaf.count)
    }

    deinit { recentLeaves.deallocate() }

    func forgetRecentLeaves() { recentLeaves.update(repeating: RecentLeaf(), count: RecentLeaf.count) }

    private func recentLeaf(_ page: UInt64) -> UnsafeMutablePointer<RecentLeaf> {
        recentLeaves + Int(page % UInt64(RecentLeaf.count))
    }

    /// Goes on with another cache. Nothing may be dirty.
    func use(_ cache: NodeCache, sources: [NodeSource]) {
        precondition(changedKeys.isEmpty && frozenFrames.isEmpty)
        forgetRecentLeaves()
        self.cache = cache
        self.sources = sources
    }

    /// The volume is closed, or has failed: its nodes leave the cache, written or not.
    func abandon() {
        forgetRecentLeaves()
        changedKeys = []
        cache.dropAll(sources[0].number)
    }

    private func key(_ slot: UInt32) -> UInt64 { NodeCache.key(sources[0].number, slot) }

    // MARK: Finding

    enum Located {
        case absent
        /// The pointer as its parent has it, and how many origins up the parent is.
        case pointer(NodePointer, distance: Int)
        case wait(NodeLoad)
    }

    /// The pointer to the node at `level` that covers `page`.
    func locate(_ tree: MapTree, _ page: UInt64, level target: Int = 0) -> Located {
        guard tree.covers(page), target <= tree.height else {
            // Above the root there is nothing but the way to it.
            return .absent
        }
        var pointer = tree.root
        var level = tree.height
        var distance = 0
        while level > target {
            if pointer.slot == 0 { return .absent }
            distance += Int(pointer.distance)
            let load = NodeLoad(source: sources[distance], pointer: pointer, level: level)
            guard let frame = cache.frame(load.key) else { return .wait(load) }
            pointer = child(cache.page(frame), MapTree.digit(page, level: level))
            level -= 1
        }
        return pointer.slot == 0 ? .absent : .pointer(pointer, distance: distance)
    }

    func leaf(_ tree: MapTree, _ page: UInt64) -> LeafAccess {
        switch locate(tree, page) {
        case .absent: return .absent
        case .wait(let load): return .wait(load)
        case .pointer(let pointer, let above):
            let distance = above + Int(pointer.distance)
            let load = NodeLoad(source: sources[distance], pointer: pointer, level: 0)
            guard let frame = cache.frame(load.key) else { return .wait(load) }
            return .leaf(UnsafePointer(cache.page(frame).assumingMemoryBound(to: MapEntry.self)), distance: distance)
        }
    }

    /// The entry of a block, its distance counted from this volume.
    func entry(_ block: UInt64, in tree: MapTree) -> EntryAccess {
        switch leaf(tree, block >> 8) {
        case .absent: .entry(.unmapped)
        case .wait(let load): .wait(load)
        case .leaf(let entries, let distance): .entry(entries[Int(block & 255)].further(distance))
        }
    }

    func child(_ page: UnsafeRawPointer, _ digit: Int) -> NodePointer {
        page.load(fromByteOffset: digit * MemoryLayout<NodePointer>.stride, as: NodePointer.self)
    }

    // MARK: Changing

    /// The page of `tree` for changing, with everything above it; made where it is missing. `owns` says whether a node that is
    /// replaced, by the end of its pages and its birth, is nobody else's.
    func writable(
        _ tree: inout MapTree, _ page: UInt64, birth: UInt32, owns: (_ end: UInt64, _ birth: UInt32) -> Bool
    ) -> LeafChange {
        if cache.isFull { return .full }
        while !tree.covers(page) {
            if tree.root.slot != 0 {
                guard let (pointer, frame) = make(level: tree.height + 1, birth: birth) else { return .full }
                var below = tree.root
                below.reserved = 1
                cache.page(frame).storeBytes(of: below, as: NodePointer.self)
                tree.root = pointer
            }
            tree.height += 1
        }
        var level = tree.height
        var parent: UnsafeMutableRawPointer?
        while true {
            let place = parent.map { $0 + MapTree.digit(page, level: level + 1) * MemoryLayout<NodePointer>.stride }
            let old = place?.load(as: NodePointer.self) ?? tree.root
            let frame: Int
            var pointer = old
            if old.slot == 0 {
                guard let made = make(level: level, birth: birth) else { return .full }
                (pointer, frame) = made
            } else {
                let load = NodeLoad(source: sources[Int(old.distance)], pointer: old, level: level)
                guard let found = cache.frame(load.key) else { return .wait(load) }
                if old.distance == 0, old.birth == birth, slots.isFresh(old.slot) {
                    frame = found
                    if cache.markDirty(found) { changedKeys.append(load.key) }
                } else {
                    cache.pin(found)
                    let made = make(level: level, birth: birth)
                    cache.unpin(found)
                    guard let made else { return .full }
                    (pointer, frame) = made
                    copy(cache.page(found), to: cache.page(frame), level: level, distance: Int(old.distance))
                    if old.distance == 0, owns(MapTree.end(page, level: level), old.birth) { free(old.slot) }
                }
            }
            pointer.reserved = 1
            if let place { place.storeBytes(of: pointer, as: NodePointer.self) } else { tree.root = pointer }
            if level == 0 { return .leaf(cache.page(frame)) }
            parent = cache.page(frame)
            level -= 1
        }
    }

    /// A new node of zeros, dirty. Nil where the cache has no frame for it.
    private func make(level: Int, birth: UInt32) -> (NodePointer, Int)? {
        let slot = slots.take()
        guard let frame = cache.insert(key(slot), level: level) else {
            slots.free(slot)
            return nil
        }
        cache.page(frame).initializeMemory(as: UInt8.self, repeating: 0, count: blockBytes)
        cache.markDirty(frame)
        changedKeys.append(key(slot))
        return (NodePointer(slot: slot, checksum: 0, birth: birth, distance: 0), frame)
    }

    private func copy(_ from: UnsafeRawPointer, to: UnsafeMutableRawPointer, level: Int, distance: Int) {
        to.copyMemory(from: from, byteCount: blockBytes)
        guard distance > 0 else { return }
        if level == 0 {
            let entries = to.assumingMemoryBound(to: MapEntry.self)
            for index in 0..<NodePointer.fanOut { entries[index] = entries[index].further(distance) }
        } else {
            let pointers = to.assumingMemoryBound(to: NodePointer.self)
            for index in 0..<NodePointer.fanOut { pointers[index] = pointers[index].further(distance) }
        }
    }

    func free(_ slot: UInt32) {
        slots.free(slot)
        cache.drop(key(slot))
    }

    /// Takes the page out of the tree if nothing is in it, and the branches above that are empty then. Only after `writable` gave it.
    func prune(_ tree: inout MapTree, _ page: UInt64) {
        recentLeaf(page).pointee = RecentLeaf()
        var path: [(pointer: NodePointer, memory: UnsafeMutableRawPointer)] = []
        var pointer = tree.root
        for level in stride(from: tree.height, through: 0, by: -1) {
            guard pointer.slot != 0, pointer.distance == 0, let frame = cache.frame(key(pointer.slot)),
                cache.isDirty(frame)
            else { return }
            path.append((pointer, cache.page(frame)))
            if level > 0 { pointer = child(cache.page(frame), MapTree.digit(page, level: level)) }
        }
        for level in 0...tree.height {
            let node = path[tree.height - level]
            guard isZero(node.memory) else { return }
            free(node.pointer.slot)
            if level == tree.height {
                tree = MapTree()
            } else {
                let above = path[tree.height - level - 1].memory
                above.storeBytes(
                    of: NodePointer.none,
                    toByteOffset: MapTree.digit(page, level: level + 1) * MemoryLayout<NodePointer>.stride,
                    as: NodePointer.self)
            }
        }
    }

    private func isZero(_ page: UnsafeRawPointer) -> Bool {
        let words = page.assumingMemoryBound(to: UInt64.self)
        for index in 0..<(blockBytes / 8) where words[index] != 0 { return false }
        return true
    }

    // MARK: The head

    private func writableHead(_ page: UInt64) -> LeafChange {
        let recent = recentLeaf(page)
        if let memory = recent.pointee.memory, recent.pointee.page == page { return .leaf(memory) }
        var tree = head.tree
        let change = writable(&tree, page, birth: head.epoch) { isHeadAlone(end: $0 << 8, birth: $1) }
        head.tree = tree
        if case .leaf(let memory) = change { recent.pointee = RecentLeaf(page: page, memory: memory) }
        return change
    }

    /// Puts a block's new place into the head and frees what was there.
    func set(_ block: UInt64, _ entry: MapEntry) -> Readiness {
        var done = 0
        return set(block, count: 1, done: &done) { _ in entry }
    }

    /// The same for `count` blocks of one page from `first` on. `entry` gives the new places by their number; `done` is how many were set.
    func set(_ first: UInt64, count: Int, done: inout Int, entry: (Int) -> MapEntry) -> Readiness {
        let places: UnsafeMutablePointer<MapEntry>
        switch writableHead(first >> 8) {
        case .wait(let load): return .wait(load)
        case .full: return .full
        case .leaf(let memory): places = memory.assumingMemoryBound(to: MapEntry.self) + Int(first & 255)
        }
        var (gained, freed) = (LiveCount(), LiveCount())
        defer {
            gained.enter(self)
            freed.enter(self)
        }
        done = 0
        while done < count {
            let readiness = replace(places[done], first + UInt64(done), freed: &freed)
            guard case .ready = readiness else { return readiness }
            let new = entry(done)
            places[done] = new
            if new.isLost { head.lostBlocks += 1 }
            if new.isMapped {
                head.ownedBlocks += 1
                gained.add(1, new.segment, self)
            }
            done += 1
        }
        return .ready
    }

    /// Unmaps what the head has of blocks that lie in one page. With snapshots around a tombstone stays, so that the change can be told.
    func discard(_ first: UInt64, count: UInt64) -> Readiness {
        let page = first >> 8
        switch leaf(head.tree, page) {
        case .absent: return .ready
        case .wait(let load): return .wait(load)
        case .leaf(let entries, _):
            let range = Int(first & 255)..<Int(first & 255) + Int(count)
            guard range.contains(where: { entries[$0].segment != 0 }) else { return .ready }
        }
        let memory: UnsafeMutableRawPointer
        switch writableHead(page) {
        case .wait(let load): return .wait(load)
        case .full: return .full
        case .leaf(let found): memory = found
        }
        let entries = memory.assumingMemoryBound(to: MapEntry.self)
        // Once there was a snapshot, somebody may ask what has changed since.
        let isBase = head.epoch == 1 && sources.count == 1
        var freed = LiveCount()
        defer { freed.enter(self) }
        for index in Int(first & 255)..<Int(first & 255) + Int(count) where entries[index].segment != 0 {
            let readiness = replace(entries[index], page << 8 | UInt64(index), freed: &freed)
            guard case .ready = readiness else { return readiness }
            entries[index] = isBase ? .unmapped : .tombstone(birth: head.epoch)
        }
        if isBase {
            var tree = head.tree
            prune(&tree, page)
            head.tree = tree
        }
        return .ready
    }

    /// Accounts for an entry that leaves the head.
    private func replace(_ old: MapEntry, _ block: UInt64, freed: inout LiveCount) -> Readiness {
        if old.isLost { head.lostBlocks -= 1 }
        guard old.isMapped else { return .ready }
        if old.distance > 0 {
            head.inheritedBlocks -= 1
            return .ready
        }
        if isHeadAlone(end: block + 1, birth: old.birth) {
            if collected[old.segment] == nil {
                freed.add(-1, old.segment, self)
            } else {
                let readiness = release(old)
                guard case .ready = readiness else { return readiness }
            }
        }
        head.ownedBlocks -= 1
        return .ready
    }
}
