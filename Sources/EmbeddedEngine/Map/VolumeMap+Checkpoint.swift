import Base
import ErasureCoding
import SegmentStore
import SystemIO

/// Nodes on their way to the drives, in the order of their slots. `@unchecked Sendable`: the pages stay as they are until `thaw`.
struct NodeBatch: @unchecked Sendable {
    var nodes: [(slot: UInt32, page: UnsafeRawPointer)] = []
    /// One more than the highest slot in use.
    var endSlot: UInt32 = 1

    /// Places in `nodes` whose slots follow one another, at most `nodesMax` each.
    func runs(nodesMax: Int) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        var first = 0
        for index in nodes.indices.dropFirst() + [nodes.count] where index > 0 {
            let isNext = index < nodes.count && nodes[index].slot == nodes[index - 1].slot + 1
            if isNext, index - first < nodesMax { continue }
            runs.append(first..<index)
            first = index
        }
        return runs
    }
}

extension VolumeMap {
    // MARK: Out

    /// Everything that changed, as it is now, for a checkpoint that begins: what comes later does not touch it. `thaw` must follow.
    /// `isWhole`: all tables, for a new generation.
    func freeze(isWhole: Bool, throughSequence: UInt64) -> (frame: CheckpointFrame, nodes: NodeBatch) {
        forgetRecentLeaves()
        let nodes = stampNodes()
        for node in nodes.frames { cache.freeze(node) }
        frozenFrames = nodes.frames
        var frame = CheckpointFrame()
        frame.throughSequence = throughSequence
        frame.directory = directory
        frame.reclaim = reclaim
        frame.hasHead = hasHead
        frame.head = head
        frame.elements = isWhole || areElementsChanged ? elements : nil
        frame.removed = isWhole ? [] : removedSegments.sorted()
        let listed = isWhole ? Set(segments.keys).union(collected.keys) : changedSegments
        for id in listed.sorted() {
            guard segments[id] != nil || collected[id] != nil else { continue }
            frame.states.append(state(of: id, through: throughSequence))
        }
        frame.placements = (isWhole ? segments.keys.sorted() : unplaced.sorted()).compactMap { segments[$0]?.placement }
        // A closed segment of which records are still on their way is open to recovery until they are covered.
        changedSegments = Set(segments.values.filter { $0.isClosed && $0.lastSequence > throughSequence }.map(\.id))
        unplaced = []
        removedSegments = []
        areElementsChanged = false
        frame.slotPages = slots.pages(all: isWhole)
        slots.freeze()
        return (frame, NodeBatch(nodes: nodes.nodes, endSlot: slots.endSlot))
    }

    /// The checkpoint has ended. Where it failed the next one must be whole.
    func thaw(isDurable: Bool) {
        for frame in frozenFrames {
            if !isDurable { changedKeys.append(cache.key(frame)) }
            cache.thaw(frame, isWritten: isDurable)
        }
        frozenFrames = []
        slots.thaw(isDurable: isDurable)
    }

    /// For recovery, which writes nodes when its cache is full: what is dirty, to be written to slots that nothing durable refers to. They
    /// are clean once `wroteBack` was called.
    func nodesToWriteBack() -> (batch: NodeBatch, frames: [Int]) {
        forgetRecentLeaves()
        let nodes = stampNodes()
        return (NodeBatch(nodes: nodes.nodes, endSlot: slots.endSlot), nodes.frames)
    }

    func wroteBack(_ frames: [Int]) { for frame in frames { cache.clean(frame) } }

    /// Puts checksums of changed nodes into their parents, from the leaves up, and into the roots.
    private func stampNodes() -> (nodes: [(slot: UInt32, page: UnsafeRawPointer)], frames: [Int]) {
        var frames: [Int] = []
        for key in Set(changedKeys) {
            if let frame = cache.frame(key), cache.isDirty(frame) { frames.append(frame) }
        }
        changedKeys = []
        frames.sort { (cache.level($0), cache.key($0)) < (cache.level($1), cache.key($1)) }
        var checksums: [UInt32: UInt32] = [:]
        checksums.reserveCapacity(frames.count)
        var nodes: [(slot: UInt32, page: UnsafeRawPointer)] = []
        for frame in frames {
            let page = cache.page(frame)
            if cache.level(frame) > 0 {
                let pointers = page.assumingMemoryBound(to: NodePointer.self)
                for index in 0..<NodePointer.fanOut where pointers[index].reserved != 0 {
                    stamp(&pointers[index], checksums)
                }
            }
            let slot = UInt32(truncatingIfNeeded: cache.key(frame))
            checksums[slot] = crc32c(page, bytes: blockBytes)
            nodes.append((slot, UnsafeRawPointer(page)))
        }
        stamp(&head.tree.root, checksums)
        stamp(&directory.root, checksums)
        for index in elements.indices { stamp(&elements[index].tree.root, checksums) }
        return (nodes.sorted { $0.slot < $1.slot }, frames)
    }

    private func stamp(_ pointer: inout NodePointer, _ checksums: [UInt32: UInt32]) {
        guard pointer.reserved != 0 else { return }
        pointer.reserved = 0
        if pointer.distance == 0, let checksum = checksums[pointer.slot] { pointer.checksum = checksum }
    }

    private func state(of id: UInt32, through: UInt64) -> SegmentState {
        let segment = segments[id]
        return SegmentState(
            id: id, liveBlocks: segment?.liveBlocks ?? 0, movedBlocks: collected[id] ?? 0, isStored: segment != nil,
            isCollected: collected[id] != nil,
            isClosed: segment.map { $0.isClosed && $0.lastSequence <= through } ?? true,
            lastSequence: segment?.lastSequence ?? 0, dataBlocks: segment?.dataBlocks ?? 0)
    }

    // MARK: In

    /// Puts a stored frame in place, the frames before it having been. `pool` finds the mountpaths of segments.
    func load(_ frame: CheckpointFrame, mountpath: (MountpathID) -> Mountpath?) {
        directory = frame.directory
        reclaim = frame.reclaim
        hasHead = frame.hasHead
        head = frame.head
        if let elements = frame.elements { self.elements = elements }
        for placement in frame.placements {
            segments[placement.id] = Segment(placement, mountpath: mountpath)
        }
        for state in frame.states {
            collected[state.id] = state.isCollected ? state.movedBlocks : nil
            if !state.isStored {
                segments[state.id] = nil
                continue
            }
            segments[state.id]?.liveBlocks = state.liveBlocks
            segments[state.id]?.dataBlocks = state.dataBlocks
            segments[state.id]?.lastSequence = state.lastSequence
            segments[state.id]?.isClosed = state.isClosed
        }
        for id in frame.removed {
            segments[id] = nil
            collected[id] = nil
        }
        for page in frame.slotPages { slots.load(page: page.number, page.words) }
    }

    func add(_ segment: Segment) {
        segments[segment.id] = segment
        unplaced.insert(segment.id)
        changedSegments.insert(segment.id)
    }

    /// The segment's slices are nobody's any more. Its id stays while blocks that were in it live elsewhere.
    func remove(_ id: UInt32) -> Segment? {
        guard let segment = segments.removeValue(forKey: id) else { return nil }
        unplaced.remove(id)
        if collected[id] == 0 { collected[id] = nil }
        if collected[id] != nil { changedSegments.insert(id) } else { removedSegments.insert(id) }
        return segment
    }
}

extension Segment {
    var placement: SegmentPlacement {
        SegmentPlacement(id: id, k: k, p: p, sliceBlocks: sliceBlocks, mountpaths: slices.map(\.mountpathID))
    }

    /// As a checkpoint knows it: nothing is open.
    convenience init(_ placement: SegmentPlacement, mountpath: (MountpathID) -> Mountpath?) {
        self.init(
            id: placement.id, k: placement.k, p: placement.p, sliceBlocks: placement.sliceBlocks,
            slices: placement.mountpaths.map {
                Slice(mountpath: mountpath($0), mountpathID: $0, file: nil, tail: placement.sliceBlocks)
            })
    }
}
