import Base
import SegmentStore
import SystemIO

/// Recomputes from the trees what is kept beside them: live counts, slots, the counters of elements. Blocking; for checks and tests.
struct MapCheck {
    private let map: VolumeMap
    private(set) var problems: [String] = []
    private var seen: Set<UInt32> = [0]
    /// Copies of nodes that are not what their parents say; looked at where `checksCopies`.
    private(set) var badCopies = 0
    private let checksCopies: Bool
    /// Live blocks of this volume's own, by segment as map entries name it: slice and offset as one number.
    private var live: [UInt32: Set<UInt32>] = [:]
    /// What the head has by its tree.
    private var head = (owned: 0, inherited: 0, lost: 0)

    init(_ map: VolumeMap, checksCopies: Bool = false) {
        self.map = map
        self.checksCopies = checksCopies
    }

    private mutating func checkCopies(_ pointer: NodePointer, _ frame: Int, level: Int) {
        guard checksCopies, !map.cache.isDirty(frame) else { return }
        let load = NodeLoad(source: map.sources[0], pointer: pointer, level: level)
        let page = AlignedBuffer(bytes: blockBytes)
        for home in map.sources[0].homes {
            let count = (try? home.file.read(into: page.span, at: load.offset)) ?? 0
            if !load.isWhole(page.base, count: count) { badCopies += 1 }
        }
    }

    /// Every way in which what is kept differs from what the trees say; none: empty.
    mutating func run() throws(Failure) -> [String] {
        for element in map.elements where element.epoch != map.reclaim?.epoch { try check(element) }
        // Of an element that is being walked what lies below the cursor is free, or its child's.
        if let reclaim = map.reclaim, let element = map.element(reclaim.epoch) {
            try visit(element.tree, from: reclaim.cursor, owned: element.parent) { _, _ in }
        }
        if map.hasHead { try check(map.head) }
        try checkDirectory()
        checkSegments()
        for slot in 0..<map.slots.endSlot where map.slots.isTaken(slot) != seen.contains(slot) {
            problems.append(
                "node slot \(slot) is \(map.slots.isTaken(slot) ? "taken, but in no tree" : "in a tree, but free")")
        }
        return problems
    }

    private mutating func check(_ element: MapElement) throws(Failure) {
        var (owned, inherited, lost) = (0, 0, 0)
        try count(element.tree) { entry in
            if entry.isLost { lost += 1 } else if entry.distance > 0 { inherited += 1 } else { owned += 1 }
        }
        if element.epoch == map.head.epoch { head = (owned, inherited, lost) }
        if (owned, inherited, lost) != (element.ownedBlocks, element.inheritedBlocks, element.lostBlocks) {
            problems.append(
                "epoch \(element.epoch) has \(owned) own, \(inherited) inherited and \(lost) lost blocks; \(element.ownedBlocks), \(element.inheritedBlocks) and \(element.lostBlocks) are accounted"
            )
        }
        try visit(element.tree, from: 0, owned: 0) { _, _ in }
    }

    /// Every mapped or lost entry of a tree, shared ones too.
    private func count(_ tree: MapTree, _ body: (MapEntry) -> Void) throws(Failure) {
        var page: UInt64 = 0
        while tree.root.slot != 0, tree.covers(page) {
            var level = 0
            switch try locate(tree, page, &level) {
            case nil: page = MapTree.end(page, level: level)
            case let (pointer, distance)?:
                let frame = try load(pointer, above: distance, level: 0)
                let entries = map.cache.page(frame).assumingMemoryBound(to: MapEntry.self)
                let further = distance + Int(pointer.distance)
                for index in 0..<NodePointer.fanOut where entries[index].segment != 0 {
                    body(entries[index].further(further))
                }
                page += 1
            }
        }
    }

    /// The pointer to a leaf; nil, and the level of the hole, where there is none.
    private func locate(_ tree: MapTree, _ page: UInt64, _ level: inout Int) throws(Failure) -> (NodePointer, Int)? {
        var pointer = tree.root
        var distance = 0
        level = tree.height
        while true {
            if pointer.slot == 0 { return nil }
            if level == 0 { return (pointer, distance) }
            let frame = try load(pointer, above: distance, level: level)
            distance += Int(pointer.distance)
            pointer = map.child(map.cache.page(frame), MapTree.digit(page, level: level))
            level -= 1
        }
    }

    private func load(_ pointer: NodePointer, above: Int, level: Int) throws(Failure) -> Int {
        let load = NodeLoad(source: map.sources[above + Int(pointer.distance)], pointer: pointer, level: level)
        if let frame = map.cache.frame(load.key) { return frame }
        try map.loadNow(load)
        guard let frame = map.cache.frame(load.key) else { throw Failure(.internal, "the node cache has no room") }
        return frame
    }

    /// Own nodes that were not seen yet, and their entries.
    private mutating func visit(
        _ tree: MapTree, from block: UInt64, owned: UInt32, _ body: (UInt64, MapEntry) -> Void
    ) throws(Failure) {
        try visit(tree.root, level: tree.height, page: 0, from: block, owned: owned)
    }

    private mutating func visit(_ pointer: NodePointer, level: Int, page: UInt64, from block: UInt64, owned: UInt32)
        throws(Failure)
    {
        guard pointer.slot != 0, pointer.distance == 0, MapTree.end(page, level: level) << 8 > block,
            pointer.birth > owned, seen.insert(pointer.slot).inserted
        else { return }
        let frame = try load(pointer, above: 0, level: level)
        checkCopies(pointer, frame, level: level)
        let bytes = map.cache.page(frame)
        if level == 0 {
            for index in 0..<NodePointer.fanOut where page << 8 | UInt64(index) >= block {
                let entry = bytes.assumingMemoryBound(to: MapEntry.self)[index]
                if entry.isMapped, entry.distance == 0, entry.birth > owned {
                    live[entry.segment, default: []].insert(entry.place)
                }
            }
            return
        }
        let children = (0..<NodePointer.fanOut).map { map.child(bytes, $0) }
        for (digit, child) in children.enumerated() {
            try visit(
                child, level: level - 1, page: page + UInt64(digit) << (8 * UInt64(level - 1)), from: block,
                owned: owned)
        }
    }

    private var physical: [UInt32: Int] = [:]

    private mutating func checkDirectory() throws(Failure) {
        try visitDirectory(map.directory.root, level: map.directory.height, page: 0)
        for (segment, moved) in map.collected where moved != 0 && live[segment] == nil {
            problems.append("segment \(segment) has no live block, \(moved) are accounted as moved")
        }
        for (segment, places) in live {
            var moved = 0
            for place in places {
                let entry = MapEntry(segment: segment, place: place, checksum: 0, birth: 1)
                while true {
                    switch map.place(entry) {
                    case .wait(let load):
                        try map.loadNow(load)
                        continue
                    case .at(let now):
                        physical[now.segment, default: 0] += 1
                        if now != entry.origin { moved += 1 }
                    }
                    break
                }
            }
            if moved != map.collected[segment] ?? 0 {
                problems.append(
                    "segment \(segment): \(moved) blocks have moved, \(map.collected[segment] ?? 0) are accounted")
            }
        }
    }

    private mutating func visitDirectory(_ pointer: NodePointer, level: Int, page: UInt64) throws(Failure) {
        guard pointer.slot != 0 else { return }
        seen.insert(pointer.slot)
        let frame = try load(pointer, above: 0, level: level)
        checkCopies(pointer, frame, level: level)
        guard level > 0 else { return checkDirectory(page: page, map.cache.page(frame)) }
        let children = (0..<NodePointer.fanOut).map { map.child(map.cache.page(frame), $0) }
        for (digit, child) in children.enumerated() {
            try visitDirectory(child, level: level - 1, page: page + UInt64(digit) << (8 * UInt64(level - 1)))
        }
    }

    /// Only what is live has a place in the directory: nothing would take anything else out of it.
    private mutating func checkDirectory(page: UInt64, _ memory: UnsafeRawPointer) {
        var dead = 0
        for index in 0..<DirectoryEntry.perPage {
            let entry = memory.load(fromByteOffset: index * 8, as: DirectoryEntry.self)
            guard entry != .none else { continue }
            let origin = VolumeMap.origin(page: page, index: index)
            if live[origin.segment]?.contains(origin.place) != true { dead += 1 }
        }
        if dead > 0 { problems.append("\(dead) dead blocks are in page \(page) of the segment directory") }
    }

    private mutating func checkSegments() {
        for (id, count) in physical where map.segments[id] == nil {
            problems.append("\(count) blocks lie in segment \(id), which does not exist")
        }
        for (id, segment) in map.segments where segment.liveBlocks != physical[id] ?? 0 {
            problems.append(
                "segment \(id) has \(physical[id] ?? 0) live blocks, \(segment.liveBlocks) are accounted")
        }
    }

    /// After `run`: what the trees say of the volume's space, where `data` blocks were appended to its segments and their slices have
    /// `allocated` blocks.
    func counts(data: Int, allocated: Int) -> BlockCounts {
        BlockCounts(
            owned: head.owned, inherited: head.inherited, live: physical.values.reduce(0, +), data: data, reserved: 0,
            allocated: allocated, nodes: seen.count - 1, lost: head.lost)
    }
}
