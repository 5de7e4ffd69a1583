import Base
import Synchronization
import SystemIO

/// One column file of a segment. `@unchecked Sendable`: touched on the loop of its volume only, or before the volume is given to it.
public final class Slice: @unchecked Sendable {
    /// Nil where the mountpath is no member any more, or not found.
    public let mountpath: Mountpath?
    public let mountpathID: MountpathID
    /// Opened when first needed.
    public var file: (any DiskFile)? {
        didSet { Self.count(file, instead: oldValue) }
    }
    /// Slices of this process that are open, of all volumes: descriptors are the process's.
    public static var openCount: Int { opened.load(ordering: .relaxed) }
    private static let opened = Atomic<Int>(0)

    /// Where the next chunk goes, in blocks.
    public var tail: UInt32
    /// The file's blocks below this hold bytes; above they may be allocated only.
    public var writtenBlocks: UInt32
    /// Something was written here that no sync has covered.
    public var isUnsynced = false

    public init(
        mountpath: Mountpath?, mountpathID: MountpathID, file: (any DiskFile)?, tail: UInt32, writtenBlocks: UInt32 = 0
    ) {
        self.mountpath = mountpath
        self.mountpathID = mountpathID
        self.file = file
        self.tail = tail
        self.writtenBlocks = writtenBlocks
        Self.count(file, instead: nil)
    }

    deinit { Self.count(nil, instead: file) }

    private static func count(_ file: (any DiskFile)?, instead old: (any DiskFile)?) {
        let change = (file == nil ? 0 : 1) - (old == nil ? 0 : 1)
        if change != 0 { opened.add(change, ordering: .relaxed) }
    }

    public var isAvailable: Bool { mountpath?.isUsable ?? false }
}

/// An append-only object of k+p slices on distinct mountpaths. No other segment of the volume that had a
/// record has its id; one that was given back unused may have had it. Confined like its slices.
///
/// k and p are the segment's own: with few mountpaths left a group's segments get fewer data columns, so that p stays.
public final class Segment: @unchecked Sendable {
    public let id: UInt32
    public let k: Int
    public let p: Int
    public let sliceBlocks: UInt32
    public let slices: [Slice]
    /// Blocks that the volume's map has here.
    public var liveBlocks = 0
    /// Blocks of data that were appended, those of records that failed and were written again included.
    public var dataBlocks = 0
    /// The last record appended.
    public var lastSequence: UInt64 = 0
    /// Nothing is appended any more.
    public var isClosed = false
    /// Made of what segments leave free on the drives: only what makes room goes in, and what was promised a place.
    public var isOfReserve = false
    /// Each of its blocks was looked up and found dead or moved: it may go when a checkpoint says so.
    public var isVerified = false
    /// It cannot be cleaned before: something in it cannot be read, or is not as it is accounted. By the engine's clock.
    public var setAsideUntil: UInt64 = 0
    /// Requests that read from it now; it is not freed before they end.
    public var readerCount = 0
    /// From here on the slices are being filled with zeros: records go there when that has ended.
    public var fillingFrom: UInt32?
    private var lastRotation = 0

    public init(id: UInt32, k: Int, p: Int, sliceBlocks: UInt32, slices: [Slice]) {
        precondition(slices.count == k + p)
        self.id = id
        self.k = k
        self.p = p
        self.sliceBlocks = sliceBlocks
        self.slices = slices
    }

    public var allAvailable: Bool { slices.allSatisfy(\.isAvailable) }

    public var allocatedBytes: UInt64 { UInt64(slices.count) * UInt64(sliceBlocks) * UInt64(blockBytes) }

    /// Blocks of its data columns: more it cannot hold.
    public var capacityBlocks: Int { k * Int(sliceBlocks) }

    /// Blocks not yet appended to, over all slices.
    public var freeBlocks: Int { slices.reduce(0) { $0 + Int(sliceBlocks - $1.tail) } }

    /// Data blocks for which one record over all columns has room, once what is being filled is.
    public var recordRoomBlocks: Int {
        var fullest: UInt32 = 0
        for slice in slices { fullest = max(fullest, slice.tail) }
        return k * max(0, Int(sliceBlocks - fullest) - 1)
    }

    /// Fewer rows at the end are not worth a record of their own.
    public var hasRoomAtEnd: Bool { recordRoomBlocks >= 4 * k }

    /// Where a record of `shape` would go: the rotation after which the fullest slice is least full; of those the one that puts most on the slices
    /// that have least, since a pattern of sizes that repeats would otherwise leave the same ones behind for ever. Then the next in turn.
    /// Nil where it does not fit, or not yet.
    public func rotation(for shape: RecordShape) -> Int? { rotation(for: shape, below: fillingFrom ?? sliceBlocks) }

    /// Whether a record of `shape` only waits for the end of the filling.
    public func willFit(_ shape: RecordShape) -> Bool {
        fillingFrom != nil && rotation(for: shape, below: sliceBlocks) != nil
    }

    private func rotation(for shape: RecordShape, below end: UInt32) -> Int? {
        let count = k + p
        var best: (fill: UInt32, weight: UInt64, rotation: Int)?
        for step in 1...count {
            let rotation = (lastRotation + step) % count
            var (fill, weight): (UInt32, UInt64) = (0, 0)
            for column in 0..<count where column < shape.dataColumns || column >= k {
                let tail = slices[(column + rotation) % count].tail
                let blocks = 1 + UInt32(column < k ? shape.blocks(ofDataColumn: column) : shape.columnBlocks)
                fill = max(fill, tail + blocks)
                weight += UInt64(tail) * UInt64(blocks)
            }
            guard fill <= end else { continue }
            if let best, (fill, weight) >= (best.fill, best.weight) { continue }
            best = (fill, weight, rotation)
        }
        return best?.rotation
    }

    /// Takes the room of one column's chunk; returns where it begins, in blocks.
    public func append(column: Int, rotation: Int, blocks: Int) -> UInt32 {
        let slice = slices[(column + rotation) % (k + p)]
        let offset = slice.tail
        slice.tail += UInt32(blocks)
        if column < k { dataBlocks += blocks - 1 }
        precondition(slice.tail <= sliceBlocks)
        lastRotation = rotation
        return offset
    }
}
