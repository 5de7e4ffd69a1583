import Base

/// Where one block of a volume is: 16 bytes, stored as they are.
struct MapEntry: Equatable, Sendable {
    /// 0: never written, or discarded: reads as zeros. `lost`: the data is gone, reads answer EIO.
    var segment: UInt32
    /// Slice in the upper 5 bits, block offset in the slice in the lower 27.
    var place: UInt32
    /// CRC-32C of the block.
    var checksum: UInt32
    /// Birth epoch, its lower 32 bits.
    var birth: UInt32

    static let unmapped = MapEntry(segment: 0, place: 0, checksum: 0, birth: 0)
    static let lostSegment = UInt32.max
    static let lost = MapEntry(segment: lostSegment, place: 0, checksum: 0, birth: 0)

    init(segment: UInt32, place: UInt32, checksum: UInt32, birth: UInt32) {
        self.segment = segment
        self.place = place
        self.checksum = checksum
        self.birth = birth
    }

    init(segment: UInt32, slice: Int, offset: UInt32, checksum: UInt32, birth: UInt32) {
        self.init(segment: segment, place: UInt32(slice) << 27 | offset, checksum: checksum, birth: birth)
    }

    var slice: Int { Int(place >> 27) }
    var offset: UInt32 { place & (1 << 27 - 1) }
}

/// The map of a volume that is open: block number to place, a table of fixed shape like a page table.
///
/// A leaf holds 256 entries in 4 KiB and covers 1 MiB of the volume; leaves exist where something was written. The shape is fixed so
/// that nodes can later be shared between a volume, its snapshots and clones without rebalancing. Confined to the volume's loop.
final class ExtentMap {
    static let leafEntries = 256
    static let leafBytes = leafEntries * MemoryLayout<MapEntry>.stride
    private static let branchLeaves = 512

    typealias Leaf = UnsafeMutablePointer<MapEntry>
    private var branches: [UnsafeMutablePointer<Leaf?>?] = []
    private var isDirty: [Bool] = []
    /// Leaves changed since the last `takeDirtyLeaves`, each once.
    private(set) var dirtyLeaves: [Int] = []
    private(set) var leafCount = 0

    init() { precondition(Self.leafBytes == blockBytes) }

    deinit {
        for case let branch? in branches {
            for index in 0..<Self.branchLeaves { branch[index]?.deallocate() }
            branch.deallocate()
        }
    }

    func entry(_ block: UInt64) -> MapEntry {
        let leaf = Int(block >> 8)
        guard leaf / Self.branchLeaves < branches.count, let branch = branches[leaf / Self.branchLeaves],
            let entries = branch[leaf % Self.branchLeaves]
        else { return .unmapped }
        return entries[Int(block & 255)]
    }

    /// Returns what was there.
    @discardableResult
    func set(_ block: UInt64, _ entry: MapEntry) -> MapEntry {
        let index = Int(block >> 8)
        let leaf = makeLeaf(index)
        let old = leaf[Int(block & 255)]
        leaf[Int(block & 255)] = entry
        markDirty(index)
        return old
    }

    /// Unmaps a range; `body` is told of each entry that was mapped.
    func clear(_ first: UInt64, count: UInt64, _ body: (MapEntry) -> Void) {
        var block = first
        let end = first + count
        while block < end {
            let index = Int(block >> 8)
            let next = min(end, (block | 255) + 1)
            if let leaf = leaf(index) {
                for entry in Int(block & 255)..<(Int(block & 255) + Int(next - block)) where leaf[entry].segment != 0 {
                    body(leaf[entry])
                    leaf[entry] = .unmapped
                    markDirty(index)
                }
            }
            block = next
        }
    }

    func leaf(_ index: Int) -> Leaf? {
        guard index / Self.branchLeaves < branches.count else { return nil }
        return branches[index / Self.branchLeaves]?[index % Self.branchLeaves]
    }

    /// Puts a stored leaf in place, not dirty.
    func load(leaf index: Int, from bytes: UnsafeRawPointer) {
        makeLeaf(index).withMemoryRebound(to: UInt8.self, capacity: Self.leafBytes) {
            UnsafeMutableRawPointer($0).copyMemory(from: bytes, byteCount: Self.leafBytes)
        }
    }

    func forEachLeaf(_ body: (Int, Leaf) -> Void) {
        for (index, branch) in branches.enumerated() {
            guard let branch else { continue }
            for offset in 0..<Self.branchLeaves {
                if let leaf = branch[offset] { body(index * Self.branchLeaves + offset, leaf) }
            }
        }
    }

    /// The leaves changed since the last call; they count as clean from here on.
    func takeDirtyLeaves() -> [Int] {
        let taken = dirtyLeaves
        for index in taken { isDirty[index] = false }
        dirtyLeaves = []
        return taken
    }

    private func markDirty(_ index: Int) {
        if isDirty[index] { return }
        isDirty[index] = true
        dirtyLeaves.append(index)
    }

    private func makeLeaf(_ index: Int) -> Leaf {
        let number = index / Self.branchLeaves
        while branches.count <= number { branches.append(nil) }
        if isDirty.count < branches.count * Self.branchLeaves {
            isDirty.append(contentsOf: repeatElement(false, count: branches.count * Self.branchLeaves - isDirty.count))
        }
        let branch: UnsafeMutablePointer<Leaf?>
        if let existing = branches[number] {
            branch = existing
        } else {
            branch = .allocate(capacity: Self.branchLeaves)
            branch.initialize(repeating: nil, count: Self.branchLeaves)
            branches[number] = branch
        }
        if let leaf = branch[index % Self.branchLeaves] { return leaf }
        let leaf = Leaf.allocate(capacity: Self.leafEntries)
        leaf.initialize(repeating: .unmapped, count: Self.leafEntries)
        branch[index % Self.branchLeaves] = leaf
        leafCount += 1
        return leaf
    }
}
