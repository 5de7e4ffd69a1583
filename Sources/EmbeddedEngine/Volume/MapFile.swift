import Base
import ErasureCoding
import SegmentStore
import SystemIO

/// A segment as a checkpoint remembers it.
struct SegmentEntry: Equatable, Sendable {
    var id: UInt32
    var k: Int
    var p: Int
    /// Every record in it is covered by the checkpoint: it is not read at recovery.
    var isClosed: Bool
    var sliceBlocks: UInt32
    var mountpaths: [MountpathID]
}

/// What a checkpoint says besides the leaves of the map.
struct MapRoot: Equatable, Sendable {
    var generation: UInt64
    /// Counts the frames of a generation, from 0.
    var frame: UInt64
    /// Every record up to here is in the map.
    var throughSequence: UInt64
    /// The seal: what segments below this id hold past `throughSequence` is ignored for ever.
    var sealedBelow: UInt32
    /// No segment has had this id or a higher one, as far as the checkpoint knows.
    var nextSegment: UInt32
    var segments: [SegmentEntry]
}

/// `%mt/map.<generation>`: the extent map of a volume, on p+1 mountpaths, as a log of frames.
///
/// The first frame of a generation has every leaf; each later one those that changed. A frame is
///
///     block 0   offset  size  field
///                    0     8  magic "ASHLMAP1"
///                    8     2  version (1)
///                   10     6  reserved, 0
///                   16    16  pool
///                   32    16  volume
///                   48     8  generation
///                   56     8  frame
///                   64     8  throughSequence
///                   72     4  sealedBelow
///                   76     4  nextSegment
///                   80     4  segments
///                   84     4  leaves
///                   88     4  blocks of the payload
///                   92     4  CRC-32C of the payload
///                 4092     4  CRC-32C of block 0 before
///     payload   segments (each: id 4, sliceBlocks 4, k 1, p 1, closed 1, reserved 5, mountpaths 16 × 16), padded to 4 KiB
///               leaf numbers (8 each), padded to 4 KiB
///               leaves (4096 each: 256 × segment 4, slice and offset 4, checksum 4, birth 4)
///
/// Version rule: an unknown version ends the search with an error, never with an older frame. Recovery rule: of all copies the
/// highest (generation, frame) whose frames are whole from 0 on counts; a torn frame leaves the one before in force. A new generation
/// appears whole (temporary name, fsync, rename, fsync of the directory) and is durable on p+1 mountpaths before an older one is removed.
enum MapFile {
    static let magic: UInt64 = 0x3150_414D_4C48_5341  // "ASHLMAP1"
    static let version: UInt16 = 1
    private static let checksumOffset = blockBytes - 4
    private static let segmentBytes = 16 + 16 * ErasureCode.columnsMax

    static func name(_ generation: UInt64) -> String { "map.\(generation)" }

    static func generation(ofName name: String) -> UInt64? {
        name.hasPrefix("map.") ? UInt64(name.dropFirst(4)) : nil
    }

    /// A frame's bytes. `leaves` gives each leaf's number and content.
    static func encode(pool: PoolID, volume: VolumeID, root: MapRoot, leaves: [(Int, UnsafeRawPointer)])
        -> AlignedBuffer
    {
        let segmentsBytes = (root.segments.count * segmentBytes).roundedUp(toMultipleOf: blockBytes)
        let numbersBytes = (leaves.count * 8).roundedUp(toMultipleOf: blockBytes)
        let payloadBytes = segmentsBytes + numbersBytes + leaves.count * blockBytes
        let buffer = AlignedBuffer(bytes: blockBytes + payloadBytes)
        let payload = buffer.base + blockBytes
        for (index, segment) in root.segments.enumerated() {
            let base = payload + index * segmentBytes
            base.put(segment.id, at: 0)
            base.put(segment.sliceBlocks, at: 4)
            base.put(UInt8(segment.k), at: 8)
            base.put(UInt8(segment.p), at: 9)
            base.put(UInt8(segment.isClosed ? 1 : 0), at: 10)
            for (column, id) in segment.mountpaths.enumerated() {
                base.put(id.high, at: 16 + column * 16)
                base.put(id.low, at: 24 + column * 16)
            }
        }
        for (index, leaf) in leaves.enumerated() {
            (payload + segmentsBytes).put(UInt64(leaf.0), at: index * 8)
            (payload + segmentsBytes + numbersBytes + index * blockBytes).copyMemory(
                from: leaf.1, byteCount: blockBytes)
        }
        let page = buffer.base
        page.put(magic, at: 0)
        page.put(version, at: 8)
        page.put(pool.high, at: 16)
        page.put(pool.low, at: 24)
        page.put(volume.high, at: 32)
        page.put(volume.low, at: 40)
        page.put(root.generation, at: 48)
        page.put(root.frame, at: 56)
        page.put(root.throughSequence, at: 64)
        page.put(root.sealedBelow, at: 72)
        page.put(root.nextSegment, at: 76)
        page.put(UInt32(root.segments.count), at: 80)
        page.put(UInt32(leaves.count), at: 84)
        page.put(UInt32(payloadBytes / blockBytes), at: 88)
        page.put(crc32c(payload, bytes: payloadBytes), at: 92)
        page.put(crc32c(page, bytes: checksumOffset), at: checksumOffset)
        return buffer
    }

    /// Reads frames from the start of `file` as far as they are whole, putting leaves into `map`. Returns the last root, nil where not
    /// even the first frame is whole. `unsupported` for a newer version.
    static func load(
        _ file: any DiskFile, pool: PoolID, volume: VolumeID, generation: UInt64, into map: ExtentMap,
        test: TestHooks = TestHooks()
    ) throws(Failure) -> MapRoot? {
        let page = AlignedBuffer(bytes: blockBytes)
        var last: MapRoot?
        var offset: UInt64 = 0
        while true {
            let read = try file.read(into: page.span, at: offset)
            if read == 0 { return last }
            guard read == blockBytes, page.base.get(UInt64.self, at: 0) == magic,
                page.base.get(UInt32.self, at: checksumOffset) == crc32c(page.base, bytes: checksumOffset)
            else {
                test.took(.mapFrameTorn)
                return last
            }
            guard page.base.get(UInt16.self, at: 8) == version else {
                throw Failure(.unsupported, "volume \(volume) has a map of a newer version: start a newer ashlar")
            }
            let payloadBytes = Int(page.base.get(UInt32.self, at: 88)) * blockBytes
            let payload = AlignedBuffer(bytes: max(payloadBytes, blockBytes))
            let count = try file.read(
                into: UnsafeMutableRawBufferPointer(start: payload.base, count: payloadBytes),
                at: offset + UInt64(blockBytes))
            guard count == payloadBytes,
                crc32c(payload.base, bytes: payloadBytes) == page.base.get(UInt32.self, at: 92),
                PoolID(high: page.base.get(at: 16), low: page.base.get(at: 24)) == pool,
                VolumeID(high: page.base.get(at: 32), low: page.base.get(at: 40)) == volume,
                page.base.get(UInt64.self, at: 48) == generation,
                page.base.get(UInt64.self, at: 56) == last.map({ $0.frame + 1 }) ?? 0
            else {
                test.took(.mapFrameTorn)
                return last
            }
            last = decode(page: page.base, payload: payload.base, into: map)
            offset += UInt64(blockBytes + payloadBytes)
        }
    }

    private static func decode(page: UnsafeRawPointer, payload: UnsafeRawPointer, into map: ExtentMap) -> MapRoot {
        let segmentCount = Int(page.get(UInt32.self, at: 80))
        let leafCount = Int(page.get(UInt32.self, at: 84))
        let segments = (0..<segmentCount).map { index in
            let base = payload + index * segmentBytes
            let k = Int(base.get(UInt8.self, at: 8))
            let p = Int(base.get(UInt8.self, at: 9))
            return SegmentEntry(
                id: base.get(at: 0), k: k, p: p, isClosed: base.get(UInt8.self, at: 10) == 1,
                sliceBlocks: base.get(at: 4),
                mountpaths: (0..<(k + p)).map {
                    MountpathID(high: base.get(at: 16 + $0 * 16), low: base.get(at: 24 + $0 * 16))
                })
        }
        let numbers = payload + (segmentCount * segmentBytes).roundedUp(toMultipleOf: blockBytes)
        let leaves = numbers + (leafCount * 8).roundedUp(toMultipleOf: blockBytes)
        for index in 0..<leafCount {
            map.load(leaf: Int(numbers.get(UInt64.self, at: index * 8)), from: leaves + index * blockBytes)
        }
        return MapRoot(
            generation: page.get(at: 48), frame: page.get(at: 56), throughSequence: page.get(at: 64),
            sealedBelow: page.get(at: 72), nextSegment: page.get(at: 76), segments: segments)
    }
}

extension UnsafeMutableRawPointer {
    func get<T: FixedWidthInteger>(_ type: T.Type = T.self, at offset: Int) -> T {
        UnsafeRawPointer(self).get(type, at: offset)
    }
}
