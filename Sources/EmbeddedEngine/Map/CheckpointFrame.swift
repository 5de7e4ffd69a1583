import Base
import ErasureCoding
import SegmentStore
import SystemIO

/// Where a segment's slices are; never changes.
struct SegmentPlacement: Equatable, Sendable {
    var id: UInt32
    var k: Int
    var p: Int
    var sliceBlocks: UInt32
    var mountpaths: [MountpathID]
}

/// What changes of a segment.
struct SegmentState: Equatable, Sendable {
    var id: UInt32
    var liveBlocks: Int
    /// Its blocks that lie in other segments now and are live.
    var movedBlocks: Int
    /// The slices exist. Without them the segment is only a name in map entries.
    var isStored: Bool
    /// The directory has to be asked for its blocks.
    var isCollected: Bool
    /// Every record in it is covered by the checkpoint: it is not read at recovery.
    var isClosed: Bool
    var lastSequence: UInt64
    /// Blocks of data appended; exact where the segment is closed.
    var dataBlocks = 0
}

/// One frame of `%mt/checkpoint.<generation>`: the commit of a volume's metadata.
///
/// The first frame of a generation has all tables, each later one what changed. A frame is
///
///     block 0   offset  size  field
///                    0     8  magic "ASHLCKP1"
///                    8     2  version (2)
///                   10     6  reserved, 0
///                   16    16  pool
///                   32    16  volume
///                   48     8  generation
///                   56     8  frame: 0, 1, 2 …
///                   64     8  throughSequence: every record up to here is in the trees
///                   72     4  sealedBelow: what segments below this id hold past throughSequence is ignored for ever
///                   76     4  nextSegment: no segment has had this id or a higher one
///                   80    24  root of the directory: pointer 16, height 1, reserved 7
///                  104     4  element that is being walked; 0: none
///                  108     4  flags: 1 the volume has a head, 2 the frame has all elements
///                  112     8  cursor of the walk, in blocks
///                  120    20  counts, 4 bytes each: placements, states, removed segments, elements, slot pages
///                  140     4  blocks of the payload
///                  144     4  CRC-32C of the payload
///                  152   104  the head, an element
///                  256   256  16 × 16: the mountpaths that have every node of this frame; zeros behind the last
///                  512     8  lastRingSequence: ring sequence of the last entry in these records; 0 in version 1, which had none
///                 4092     4  CRC-32C of block 0 before
///     payload   placements  272 each: id 4, sliceBlocks 4, k 1, p 1, reserved 6, mountpaths 16 × 16
///               states       32 each: id 4, live 4, moved 4, flags 1 (1 stored, 2 collected, 4 closed), reserved 3, lastSequence 8,
///                                     blocks of data appended 4, reserved 4
///               removed       4 each: segments that are gone
///               elements    104 each: snapshot 16, epoch 4, from 4, parent 4, flags 4 (1 deleted), root 24, size 8, created 8,
///                                     owned blocks 8, inherited blocks 8, lost blocks 8, line 4, reserved 4
///               page numbers  4 each, then padded to 4 KiB
///               slot pages 4096 each: a bit for each taken slot of `%mt/nodes`
///
/// Version rule: an unknown version ends the search with an error, never with an older frame. Recovery rule: of all copies the highest
/// (generation, frame) whose frames are whole from 0 on counts; a torn frame leaves the one before in force. The nodes that a frame needs
/// are durable on all homes before it is written. A new generation appears whole (temporary name, fsync, rename, fsync of the directory)
/// and is durable on p+1 mountpaths before an older one is removed.
struct CheckpointFrame {
    static let magic: UInt64 = 0x3150_4B43_4C48_5341  // "ASHLCKP1"
    static let version: UInt16 = 2
    private static let checksumOffset = blockBytes - 4
    private static let placementBytes = 16 + 16 * ErasureCode.columnsMax
    private static let stateBytes = 32
    private static let elementBytes = 104
    private static let headOffset = 152
    private static let homesOffset = 256
    private static let ringOffset = 512

    var generation: UInt64 = 0
    var frame: UInt64 = 0
    var throughSequence: UInt64 = 0
    var lastRingSequence: UInt64 = 0
    var sealedBelow: UInt32 = 1
    var nextSegment: UInt32 = 1
    var directory = MapTree()
    var reclaim: Reclaim?
    /// Their nodes were durable before the frame was written. Another file of nodes may be of a time before.
    var homes: [MountpathID] = []
    var hasHead = true
    var head = MapElement.head
    /// Nil where they are as in the frame before.
    var elements: [MapElement]?
    var placements: [SegmentPlacement] = []
    var states: [SegmentState] = []
    var removed: [UInt32] = []
    var slotPages: [(number: Int, words: ArraySlice<UInt64>)] = []

    static func name(_ generation: UInt64) -> String { "checkpoint.\(generation)" }

    static func generation(ofName name: String) -> UInt64? {
        // No number that is ever reached: such a name is not ours.
        name.hasPrefix("checkpoint.") ? UInt64(name.dropFirst(11)).flatMap { $0 < 1 << 62 ? $0 : nil } : nil
    }

    // MARK: Encoding

    private var tableBytes: Int {
        (placements.count * Self.placementBytes + states.count * Self.stateBytes + removed.count * 4
            + (elements?.count ?? 0) * Self.elementBytes + slotPages.count * 4)
            .roundedUp(toMultipleOf: blockBytes)
    }

    func encode(pool: PoolID, volume: VolumeID) -> AlignedBuffer {
        let payloadBytes = tableBytes + slotPages.count * blockBytes
        let buffer = AlignedBuffer(bytes: blockBytes + payloadBytes)
        let payload = buffer.base + blockBytes
        var cursor = payload
        for placement in placements {
            Self.put(placement, at: cursor)
            cursor += Self.placementBytes
        }
        for state in states {
            Self.put(state, at: cursor)
            cursor += Self.stateBytes
        }
        for id in removed {
            cursor.put(id, at: 0)
            cursor += 4
        }
        for element in elements ?? [] {
            Self.put(element, at: cursor)
            cursor += Self.elementBytes
        }
        for (index, page) in slotPages.enumerated() {
            cursor.put(UInt32(page.number), at: 0)
            cursor += 4
            for (word, bits) in page.words.enumerated() {
                (payload + tableBytes + index * blockBytes).put(bits, at: word * 8)
            }
        }
        putHeader(buffer.base, pool: pool, volume: volume, payload: payload, payloadBytes: payloadBytes)
        return buffer
    }

    private func putHeader(
        _ page: UnsafeMutableRawPointer, pool: PoolID, volume: VolumeID, payload: UnsafeRawPointer, payloadBytes: Int
    ) {
        page.put(Self.magic, at: 0)
        page.put(Self.version, at: 8)
        page.put(pool.high, at: 16)
        page.put(pool.low, at: 24)
        page.put(volume.high, at: 32)
        page.put(volume.low, at: 40)
        page.put(generation, at: 48)
        page.put(frame, at: 56)
        page.put(throughSequence, at: 64)
        page.put(sealedBelow, at: 72)
        page.put(nextSegment, at: 76)
        Self.put(directory, at: page + 80)
        page.put(reclaim?.epoch ?? 0, at: 104)
        page.put(UInt32(hasHead ? 1 : 0) | (elements == nil ? 0 : 2), at: 108)
        page.put(reclaim?.cursor ?? 0, at: 112)
        let counts = [placements.count, states.count, removed.count, elements?.count ?? 0, slotPages.count]
        for (index, count) in counts.enumerated() { page.put(UInt32(count), at: 120 + index * 4) }
        page.put(UInt32(payloadBytes / blockBytes), at: 140)
        page.put(crc32c(payload, bytes: payloadBytes), at: 144)
        Self.put(head, at: page + Self.headOffset)
        for (index, id) in homes.prefix(ErasureCode.columnsMax).enumerated() {
            page.put(id.high, at: Self.homesOffset + index * 16)
            page.put(id.low, at: Self.homesOffset + index * 16 + 8)
        }
        page.put(lastRingSequence, at: Self.ringOffset)
        page.put(crc32c(page, bytes: Self.checksumOffset), at: Self.checksumOffset)
    }

    private static func put(_ tree: MapTree, at base: UnsafeMutableRawPointer) {
        base.put(tree.root.slot, at: 0)
        base.put(tree.root.checksum, at: 4)
        base.put(tree.root.birth, at: 8)
        base.put(tree.root.distance, at: 12)
        base.put(UInt8(tree.height), at: 16)
    }

    private static func put(_ placement: SegmentPlacement, at base: UnsafeMutableRawPointer) {
        base.put(placement.id, at: 0)
        base.put(placement.sliceBlocks, at: 4)
        base.put(UInt8(placement.k), at: 8)
        base.put(UInt8(placement.p), at: 9)
        for (column, id) in placement.mountpaths.enumerated() {
            base.put(id.high, at: 16 + column * 16)
            base.put(id.low, at: 24 + column * 16)
        }
    }

    private static func put(_ state: SegmentState, at base: UnsafeMutableRawPointer) {
        base.put(state.id, at: 0)
        base.put(UInt32(clamping: state.liveBlocks), at: 4)
        base.put(UInt32(clamping: state.movedBlocks), at: 8)
        base.put(
            UInt8((state.isStored ? 1 : 0) | (state.isCollected ? 2 : 0) | (state.isClosed ? 4 : 0)), at: 12)
        base.put(state.lastSequence, at: 16)
        base.put(UInt32(clamping: state.dataBlocks), at: 24)
    }

    private static func put(_ element: MapElement, at base: UnsafeMutableRawPointer) {
        base.put(element.snapshot.high, at: 0)
        base.put(element.snapshot.low, at: 8)
        base.put(element.epoch, at: 16)
        base.put(element.from, at: 20)
        base.put(element.parent, at: 24)
        base.put(UInt32(element.isDeleted ? 1 : 0), at: 28)
        put(element.tree, at: base + 32)
        base.put(element.sizeBytes, at: 56)
        base.put(element.created, at: 64)
        base.put(UInt64(clamping: element.ownedBlocks), at: 72)
        base.put(UInt64(clamping: element.inheritedBlocks), at: 80)
        base.put(UInt64(clamping: element.lostBlocks), at: 88)
        base.put(element.line, at: 96)
    }

    // MARK: Decoding

    /// Reads the frame at `offset`: nil where there is none that is whole and the `frame`th of this generation. `unsupported` for a
    /// newer version.
    static func read(
        _ file: any DiskFile, at offset: UInt64, pool: PoolID, volume: VolumeID, generation: UInt64, frame: UInt64
    ) throws(Failure) -> (frame: CheckpointFrame, bytes: UInt64)? {
        let page = AlignedBuffer(bytes: blockBytes)
        guard try file.read(into: page.span, at: offset) == blockBytes, page.base.get(UInt64.self, at: 0) == magic,
            page.base.get(UInt32.self, at: checksumOffset) == crc32c(page.base, bytes: checksumOffset)
        else { return nil }
        guard (1...version).contains(page.base.get(UInt16.self, at: 8)) else {
            throw Failure(.unsupported, "volume \(volume) has a map of a newer version: start a newer ashlar")
        }
        let payloadBytes = Int(page.base.get(UInt32.self, at: 140)) * blockBytes
        let payload = AlignedBuffer(bytes: max(payloadBytes, blockBytes))
        let count = try file.read(
            into: UnsafeMutableRawBufferPointer(start: payload.base, count: payloadBytes),
            at: offset + UInt64(blockBytes))
        guard count == payloadBytes, crc32c(payload.base, bytes: payloadBytes) == page.base.get(UInt32.self, at: 144),
            PoolID(high: page.base.get(at: 16), low: page.base.get(at: 24)) == pool,
            VolumeID(high: page.base.get(at: 32), low: page.base.get(at: 40)) == volume,
            page.base.get(UInt64.self, at: 48) == generation, page.base.get(UInt64.self, at: 56) == frame
        else { return nil }
        return (CheckpointFrame(page: page.base, payload: payload.base), UInt64(blockBytes + payloadBytes))
    }

    init() {}

    private init(page: UnsafeRawPointer, payload: UnsafeRawPointer) {
        generation = page.get(at: 48)
        frame = page.get(at: 56)
        throughSequence = page.get(at: 64)
        lastRingSequence = page.get(at: Self.ringOffset)
        sealedBelow = page.get(at: 72)
        nextSegment = page.get(at: 76)
        directory = Self.tree(page + 80)
        let walked: UInt32 = page.get(at: 104)
        if walked != 0 { reclaim = Reclaim(epoch: walked, cursor: page.get(at: 112)) }
        let flags: UInt32 = page.get(at: 108)
        hasHead = flags & 1 == 1
        head = Self.element(page + Self.headOffset)
        homes = (0..<ErasureCode.columnsMax).map {
            MountpathID(
                high: page.get(at: Self.homesOffset + $0 * 16), low: page.get(at: Self.homesOffset + $0 * 16 + 8))
        }.filter { $0 != MountpathID(high: 0, low: 0) }
        let counts = (0..<5).map { Int(page.get(UInt32.self, at: 120 + $0 * 4)) }
        var cursor = payload
        func take<T>(_ count: Int, _ bytes: Int, _ body: (UnsafeRawPointer) -> T) -> [T] {
            (0..<count).map { _ in
                defer { cursor += bytes }
                return body(cursor)
            }
        }
        placements = take(counts[0], Self.placementBytes, Self.placement)
        states = take(counts[1], Self.stateBytes, Self.state)
        removed = take(counts[2], 4) { $0.get(at: 0) }
        let listed = take(counts[3], Self.elementBytes, Self.element)
        elements = flags & 2 == 2 ? listed : nil
        let numbers = take(counts[4], 4) { Int($0.get(UInt32.self, at: 0)) }
        let pages = payload + (cursor - payload).roundedUp(toMultipleOf: blockBytes)
        slotPages = numbers.enumerated().map { index, number in
            (number, (0..<(blockBytes / 8)).map { (pages + index * blockBytes).get(UInt64.self, at: $0 * 8) }[...])
        }
    }

    private static func tree(_ base: UnsafeRawPointer) -> MapTree {
        MapTree(
            root: NodePointer(
                slot: base.get(at: 0), checksum: base.get(at: 4), birth: base.get(at: 8), distance: base.get(at: 12)),
            height: Int(base.get(UInt8.self, at: 16)))
    }

    private static func placement(_ base: UnsafeRawPointer) -> SegmentPlacement {
        let k = Int(base.get(UInt8.self, at: 8))
        let p = Int(base.get(UInt8.self, at: 9))
        return SegmentPlacement(
            id: base.get(at: 0), k: k, p: p, sliceBlocks: base.get(at: 4),
            mountpaths: (0..<(k + p)).map {
                MountpathID(high: base.get(at: 16 + $0 * 16), low: base.get(at: 24 + $0 * 16))
            })
    }

    private static func state(_ base: UnsafeRawPointer) -> SegmentState {
        let flags: UInt8 = base.get(at: 12)
        return SegmentState(
            id: base.get(at: 0), liveBlocks: Int(base.get(UInt32.self, at: 4)),
            movedBlocks: Int(base.get(UInt32.self, at: 8)), isStored: flags & 1 == 1, isCollected: flags & 2 == 2,
            isClosed: flags & 4 == 4, lastSequence: base.get(at: 16),
            dataBlocks: Int(base.get(UInt32.self, at: 24)))
    }

    private static func element(_ base: UnsafeRawPointer) -> MapElement {
        var element = MapElement(
            snapshot: SnapshotID(high: base.get(at: 0), low: base.get(at: 8)), epoch: base.get(at: 16),
            from: base.get(at: 20), line: base.get(at: 96), parent: base.get(at: 24))
        element.isDeleted = base.get(UInt32.self, at: 28) & 1 == 1
        element.tree = tree(base + 32)
        element.sizeBytes = base.get(at: 56)
        element.created = base.get(at: 64)
        element.ownedBlocks = Int(base.get(UInt64.self, at: 72))
        element.inheritedBlocks = Int(base.get(UInt64.self, at: 80))
        element.lostBlocks = Int(base.get(UInt64.self, at: 88))
        return element
    }
}

extension UnsafeMutableRawPointer {
    func get<T: FixedWidthInteger>(_ type: T.Type = T.self, at offset: Int) -> T {
        UnsafeRawPointer(self).get(type, at: offset)
    }
}
