import Base

/// The walk that frees a deleted element.
///
/// It goes over the element's pages in order. A node that is older than the parent is the parent's; one that the child has at the same place
/// is the child's; what is below either is not looked at. All else is the element's alone: its leaves' entries are freed unless the child
/// has the same, then the node itself. Cursor, counts and slots are in one checkpoint, so a crash takes up exactly there.
extension VolumeMap {
    enum ReclaimStep {
        case nothing
        case progressed
        case wait(NodeLoad)
        case full
    }

    /// The next element that may be walked: deleted, without clones, with at most one child.
    func reclaimable(pinned: Set<UInt32>) -> MapElement? {
        elements.first { $0.isDeleted && !pinned.contains($0.epoch) && children(of: $0.epoch).count <= 1 }
    }

    /// Does one leaf as far as the cache has what it needs, or skips what is not to be looked at. `pinned`: epochs that clones or readers
    /// need.
    func reclaimStep(pinned: Set<UInt32>) -> ReclaimStep {
        if reclaim == nil {
            guard let next = reclaimable(pinned: pinned) else { return .nothing }
            reclaim = Reclaim(epoch: next.epoch, cursor: 0)
        }
        guard let current = reclaim, let element = element(current.epoch) else { return .nothing }
        guard element.tree.root.slot != 0, element.tree.covers(current.cursor >> 8) else {
            finishReclaim(element)
            return .progressed
        }
        return walk(element, child: children(of: element.epoch).first, from: current.cursor >> 8)
    }

    private typealias Path = [(pointer: NodePointer, level: Int)]

    private func walk(_ element: MapElement, child: MapElement?, from page: UInt64) -> ReclaimStep {
        var path: Path = []
        var pointer = element.tree.root
        var level = element.tree.height
        while true {
            var isOthers = pointer.slot == 0 || pointer.distance > 0 || pointer.birth <= element.parent
            if let child, !isOthers {
                switch locate(child.tree, page, level: level) {
                case .wait(let load): return .wait(load)
                case .pointer(let other, let distance): isOthers = distance == 0 && other.isSame(pointer)
                case .absent: break
                }
            }
            if isOthers {
                advance(toPage: MapTree.end(page, level: level), freeing: path)
                return .progressed
            }
            let load = NodeLoad(source: sources[0], pointer: pointer, level: level)
            guard let frame = cache.frame(load.key) else { return .wait(load) }
            path.append((pointer, level))
            if level == 0 { return free(leaf: pointer, of: element, child: child, path: path) }
            pointer = self.child(cache.page(frame), MapTree.digit(page, level: level))
            level -= 1
        }
    }

    /// Frees the entries from the cursor to the end of its leaf, one after the other.
    private func free(leaf pointer: NodePointer, of element: MapElement, child: MapElement?, path: Path) -> ReclaimStep
    {
        while let cursor = reclaim?.cursor {
            let (page, index) = (cursor >> 8, Int(cursor & 255))
            var other: MapEntry?
            if let child {
                switch leaf(child.tree, page) {
                case .wait(let load): return .wait(load)
                case .absent: break
                case .leaf(let entries, let distance): other = distance == 0 ? entries[index] : nil
                }
            }
            let load = NodeLoad(source: sources[0], pointer: pointer, level: 0)
            guard let frame = cache.frame(load.key) else { return .wait(load) }
            let entry = cache.page(frame).assumingMemoryBound(to: MapEntry.self)[index]
            if entry.isMapped, entry.distance == 0, entry.birth > element.parent, other != entry {
                switch release(entry) {
                case .ready: break
                case .wait(let load): return .wait(load)
                case .full: return .full
                }
            }
            if index == 255 {
                advance(toPage: page + 1, freeing: path)
                return .progressed
            }
            reclaim?.cursor = cursor + 1
        }
        return .progressed
    }

    /// Everything below `page` is done: nodes on the way to what came before it are free where their pages have ended.
    private func advance(toPage page: UInt64, freeing path: Path) {
        reclaim?.cursor = page << 8
        for node in path where MapTree.end(page - 1, level: node.level) <= page { free(node.pointer.slot) }
    }

    /// The element goes; its epochs are its child's from now on.
    private func finishReclaim(_ element: MapElement) {
        for index in elements.indices where elements[index].parent == element.epoch {
            elements[index].take(over: element)
        }
        if hasHead, head.parent == element.epoch {
            head.take(over: element)
        }
        elements.removeAll { $0.epoch == element.epoch }
        areElementsChanged = true
        reclaim = nil
    }
}

extension MapElement {
    /// The element before it is gone: its epochs are this one's.
    fileprivate mutating func take(over element: MapElement) {
        parent = element.parent
        from = element.from
        if line == element.epoch + 1 { line = element.line }
    }
}
