import Base
import SegmentStore

/// Blocks [first, first + count) of a volume.
struct BlockRun: Equatable, Sendable {
    var first: UInt64
    var count: UInt64
}

/// Which blocks differ between two epochs, or are there in one.
extension VolumeLog {
    /// Against what a tree is compared.
    enum ChangeBase {
        /// Nothing: every mapped block counts.
        case nothing
        /// An epoch before it on its own line: what was born later counts, discards too.
        case ancestor(UInt32)
        /// Another line: what the two trees have at a block differs.
        case tree(MapTree)
    }

    /// How `target` is to be compared with the state at the end of `base`. Where the base is gone and on no line to the target the answer
    /// is nil: everything must be taken for changed. The epochs that the target answers for do not tell, since a rollback leaves a hole in
    /// them: its line does.
    func comparison(of target: MapElement, with base: UInt32) -> ChangeBase? {
        if pool.test.canary == .diffAcrossRollback, map.element(base) != nil { return .ancestor(base) }  // canary
        var epoch = target.epoch
        while let element = epoch == target.epoch ? target : map.element(epoch) {
            if element.epoch == base || (element.line <= base && base <= element.epoch) { return .ancestor(base) }
            if element.parent == 0 { break }
            epoch = element.parent
        }
        // Of a deleted one a part may have been walked and be free.
        return map.element(base).flatMap { $0.isDeleted ? nil : .tree($0.tree) }
    }

    /// What one look at the trees gave: the next runs, in order, and where to go on; nil at the end.
    struct ChangedRuns {
        var runs: [BlockRun]
        var next: UInt64?
    }

    /// Where the element `epoch` differs from the state at the end of `base`, from block `start` on; without a base, where something is mapped.
    /// Takes a bounded time of the loop: the next look goes on at `next`. Nil: everything may differ. `notFound` where the element is
    /// deleted, unless a reader keeps it.
    func changedRuns(
        in epoch: UInt32, since base: UInt32?, from start: UInt64, limit: Int,
        done: @escaping (Result<ChangedRuns?, Failure>) -> Void
    ) {
        if let failure { return done(.failure(failure)) }
        guard let target = map.element(epoch), !target.isDeleted || readerEpochs[epoch] != nil else {
            return done(.failure(Failure(.notFound, "there is no such snapshot")))
        }
        let comparison = if let base { comparison(of: target, with: base) } else { ChangeBase?.some(.nothing) }
        guard let comparison else { return done(.success(nil)) }
        let (runs, next, wait) = changes(in: target.tree, against: comparison, from: start, limit: limit)
        let found = ChangedRuns(runs: runs, next: next)
        guard let wait else { return done(.success(found)) }
        // Nothing of either is freed meanwhile. The trees are looked up again afterwards: a checkpoint puts checksums into their roots.
        let kept = [epoch] + (base.map { [$0] } ?? [])
        for epoch in kept { retainEpoch(epoch) }
        load(wait) { [self] isLoaded in
            for epoch in kept { releaseEpoch(epoch) }
            let lost = failure ?? Failure(.corrupt, "a part of the map cannot be read")
            done(isLoaded ? .success(found) : .failure(lost))
        }
    }

    /// Nodes that one look compares or skips.
    private static let stepsAtOnce = 64

    /// The next runs from block `start` on, in order, at most `limit` and those of one leaf; `next` is where to go on, nil at the end. Asks
    /// again with `wait` loaded.
    private func changes(in tree: MapTree, against base: ChangeBase, from start: UInt64, limit: Int)
        -> (runs: [BlockRun], next: UInt64?, wait: NodeLoad?)
    {
        var runs: [BlockRun] = []
        var block = start
        for _ in 0..<Self.stepsAtOnce where runs.count < limit {
            let other: MapTree? = if case .tree(let tree) = base { tree } else { nil }
            let page = block >> 8
            let isPast =
                !(tree.root.slot != 0 && tree.covers(page))
                && !(other.map { $0.root.slot != 0 && $0.covers(page) } ?? false)
            if isPast { return (runs, nil, nil) }
            switch step(page, tree, base) {
            case .wait(let load): return (runs, block, load)
            case .skip(let level): block = MapTree.end(page, level: level) << 8
            case .compare(let leaf, let otherLeaf):
                for index in Int(block & 255)..<NodePointer.fanOut where isChange(leaf?[index], otherLeaf?[index], base)
                {
                    let number = page << 8 | UInt64(index)
                    if let last = runs.last, last.first + last.count == number {
                        runs[runs.count - 1].count += 1
                    } else {
                        runs.append(BlockRun(first: number, count: 1))
                    }
                }
                block = (page + 1) << 8
            }
        }
        return (runs, block, nil)
    }

    /// A leaf in the cache, good until that changes. Distances count from this volume.
    private struct Leaf {
        var entries: UnsafePointer<MapEntry>
        var distance: Int

        subscript(index: Int) -> MapEntry { entries[index].further(distance) }
    }

    private enum Step {
        case wait(NodeLoad)
        /// Nothing below the node at this level.
        case skip(level: Int)
        case compare(Leaf?, Leaf?)
    }

    private func step(_ page: UInt64, _ tree: MapTree, _ base: ChangeBase) -> Step {
        let top = max(tree.height, { if case .tree(let other) = base { other.height } else { 0 } }())
        for level in stride(from: top, through: 1, by: -1) {
            switch (pointer(tree, page, level), base) {
            case (.wait(let load), _): return .wait(load)
            case (.pointer(nil), .nothing), (.pointer(nil), .ancestor):
                if level <= tree.height { return .skip(level: level) }
            case (.pointer(let mine?), .ancestor(let epoch)): if mine.birth <= epoch { return .skip(level: level) }
            case (.pointer(let mine), .tree(let other)):
                switch pointer(other, page, level) {
                case .wait(let load): return .wait(load)
                case .pointer(let theirs):
                    if level <= min(tree.height, other.height), mine == theirs { return .skip(level: level) }
                }
            default: break
            }
        }
        return compare(page, tree, base)
    }

    private func compare(_ page: UInt64, _ tree: MapTree, _ base: ChangeBase) -> Step {
        let other: MapTree? = if case .tree(let tree) = base { tree } else { nil }
        let (mine, theirs) = (map.leaf(tree, page), other.map { map.leaf($0, page) } ?? .absent)
        if case .wait(let load) = mine { return .wait(load) }
        if case .wait(let load) = theirs { return .wait(load) }
        return .compare(Self.leaf(mine), Self.leaf(theirs))
    }

    private static func leaf(_ access: LeafAccess) -> Leaf? {
        guard case .leaf(let entries, let distance) = access else { return nil }
        return Leaf(entries: entries, distance: distance)
    }

    private enum Pointer {
        case wait(NodeLoad)
        case pointer(NodePointer?)
    }

    /// The node at a level, its distance counted from this volume, its checksum left out.
    private func pointer(_ tree: MapTree, _ page: UInt64, _ level: Int) -> Pointer {
        switch map.locate(tree, page, level: level) {
        case .absent: return .pointer(nil)
        case .wait(let load): return .wait(load)
        case .pointer(let found, let distance):
            var plain = found.further(distance)
            (plain.checksum, plain.reserved) = (0, 0)
            return .pointer(plain)
        }
    }

    private func isChange(_ mine: MapEntry?, _ theirs: MapEntry?, _ base: ChangeBase) -> Bool {
        switch base {
        case .nothing: mine.map { $0.segment != 0 } ?? false
        case .ancestor(let epoch): mine.map { $0.birth > epoch } ?? false
        case .tree:
            {
                let (a, b) = (mine ?? .unmapped, theirs ?? .unmapped)
                return a.segment == 0 && b.segment == 0 ? false : a != b
            }()
        }
    }
}
