import Base
import SegmentStore

/// A pinned epoch of a volume, or its head. Elements form a tree by `parent`; each is the one that answers for blocks born from `from` to
/// `epoch`, wherever those still are below it.
struct MapElement: Equatable, Sendable {
    /// Zeros for the head, and for branch points that no snapshot names.
    var snapshot: SnapshotID
    var epoch: UInt32
    var from: UInt32
    /// The first epoch from which the volume came here without a rollback, as far as is still known: what was born before one of these may
    /// be told from what came later by its birth.
    var line: UInt32
    /// Epoch of the element before it; 0: none in this volume.
    var parent: UInt32
    var tree = MapTree()
    var sizeBytes: UInt64 = 0
    /// Seconds since 1970.
    var created: UInt64 = 0
    /// Mapped blocks whose segments are this volume's.
    var ownedBlocks = 0
    /// Mapped blocks whose segments are an origin's.
    var inheritedBlocks = 0
    /// Blocks that read as EIO.
    var lostBlocks = 0
    /// No snapshot any more; here while children or clones need it, or until it was walked.
    var isDeleted = false

    static let head = MapElement(snapshot: SnapshotID(high: 0, low: 0), epoch: 1, from: 1, line: 1, parent: 0)
}

/// How far the walk that frees a deleted element has come.
struct Reclaim: Equatable, Sendable {
    var epoch: UInt32
    /// Blocks below are done: what the element alone had there is free, and what it shared with its child is the child's.
    var cursor: UInt64
}

extension VolumeMap {
    // MARK: Whose a node or block is

    func element(_ epoch: UInt32) -> MapElement? { index(epoch).map { elements[$0] } }

    func index(_ epoch: UInt32) -> Int? {
        let index = firstIndex(from: epoch)
        return index < elements.count && elements[index].epoch == epoch ? index : nil
    }

    /// Of the first element whose epoch is not lower. Elements are in the order of their epochs: new ones have the highest.
    private func firstIndex(from epoch: UInt32) -> Int {
        var (low, high) = (0, elements.count)
        while low < high {
            let middle = (low + high) / 2
            if elements[middle].epoch < epoch { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Epochs of the elements, the head's among them, that come right after the element of `epoch`.
    func children(of epoch: UInt32) -> [MapElement] {
        elements.filter { $0.parent == epoch } + (hasHead && head.parent == epoch ? [head] : [])
    }

    /// True where a node or entry of the head that covers blocks up to `end`, born in `birth`, belongs to no element before it.
    func isHeadAlone(end: UInt64, birth: UInt32) -> Bool {
        guard head.parent != 0 else { return true }
        // What the walk over the parent has passed is the head's own, as far as the parent's parent has not got it.
        if let reclaim, reclaim.epoch == head.parent, end <= reclaim.cursor {
            return birth > element(head.parent)?.parent ?? 0
        }
        return birth > head.parent
    }

    /// Asks the elements of which one has `block` as it was born in `birth`, if anybody has, until `body` answers. After rollbacks there may be several whose epochs
    /// include it: what was between them is gone, and its epochs were taken over. The walk over a deleted element hands what is left to
    /// its child block by block.
    func firstOwner<T>(of block: UInt64, birth: UInt32, where body: (MapElement) -> T?) -> T? {
        for element in elements[firstIndex(from: birth)...] where element.from <= birth {
            var owner: MapElement? = element
            while let found = owner, let reclaim, reclaim.epoch == found.epoch, block < reclaim.cursor {
                owner = children(of: found.epoch).first
            }
            if let owner, let found = body(owner) { return found }
        }
        return hasHead && head.from <= birth && birth <= head.epoch ? body(head) : nil
    }

    // MARK: Control records

    /// What the control record does to the tables; at recovery and on the loop, when it is durable.
    func apply(_ control: RecordControl) {
        forgetRecentLeaves()
        areElementsChanged = true
        switch control.operation {
        case .snapshot:
            var pinned = head
            pinned.snapshot = control.snapshot
            pinned.sizeBytes = control.sizeBytes
            pinned.created = control.created
            elements.append(pinned)
            head.parent = pinned.epoch
            head.from = pinned.epoch + 1
            head.line = pinned.epoch + 1
            head.epoch = pinned.epoch + 1
        case .delete:
            if let index = index(control.epoch) { elements[index].isDeleted = true }
        case .rollBack:
            guard hasHead, let target = element(control.epoch) else { return }
            var old = head
            old.isDeleted = true
            elements.append(old)
            head = target
            head.snapshot = MapElement.head.snapshot
            head.parent = target.epoch
            head.from = old.epoch + 1
            head.line = old.epoch + 1
            head.epoch = old.epoch + 1
            head.isDeleted = false
        case .dropHead:
            guard hasHead else { return }
            var old = head
            old.isDeleted = true
            elements.append(old)
            hasHead = false
            head.epoch += 1
        }
    }
}
