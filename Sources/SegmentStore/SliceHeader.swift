import Base
import ErasureCoding

/// The first 4 KiB of every slice file: what it is a slice of, and where its siblings were placed.
///
///     offset  size  field
///          0     8  magic "ASHLSLC1"
///          8     2  version (1)
///         10     1  k
///         11     1  p
///         12     1  slice: 0..<k+p
///         13     3  reserved, 0
///         16    16  pool
///         32    16  volume
///         48     4  segment
///         52     4  blocks of each slice file, this header included
///         56     8  start: the number of the engine start that opened the segment
///         64   256  16 × 16: mountpath of slice i
///        320  3772  reserved, 0
///       4092     4  CRC-32C of all before
///
/// Chunks follow from block 1 on. Version rule: unknown versions are refused.
public struct SliceHeader: Sendable, Equatable {
    private static let magic: UInt64 = 0x3143_4C53_4C48_5341  // "ASHLSLC1"
    package static let version: UInt16 = 1
    private static let checksumOffset = blockBytes - 4

    public var pool: PoolID
    public var volume: VolumeID
    public var segment: UInt32
    public var k: Int
    public var p: Int
    public var slice: Int
    public var sliceBlocks: UInt32
    public var start: UInt64
    public var mountpaths: [MountpathID]

    public init(
        pool: PoolID, volume: VolumeID, segment: UInt32, k: Int, p: Int, slice: Int, sliceBlocks: UInt32, start: UInt64,
        mountpaths: [MountpathID]
    ) {
        self.pool = pool
        self.volume = volume
        self.segment = segment
        self.k = k
        self.p = p
        self.slice = slice
        self.sliceBlocks = sliceBlocks
        self.start = start
        self.mountpaths = mountpaths
    }

    public func encode(into page: UnsafeMutableRawPointer) {
        precondition(mountpaths.count == k + p && slice < k + p)
        page.initializeMemory(as: UInt8.self, repeating: 0, count: blockBytes)
        page.put(Self.magic, at: 0)
        page.put(Self.version, at: 8)
        page.put(UInt8(k), at: 10)
        page.put(UInt8(p), at: 11)
        page.put(UInt8(slice), at: 12)
        page.put(pool.high, at: 16)
        page.put(pool.low, at: 24)
        page.put(volume.high, at: 32)
        page.put(volume.low, at: 40)
        page.put(segment, at: 48)
        page.put(sliceBlocks, at: 52)
        page.put(start, at: 56)
        for (index, id) in mountpaths.enumerated() {
            page.put(id.high, at: 64 + index * 16)
            page.put(id.low, at: 72 + index * 16)
        }
        page.put(crc32c(page, bytes: Self.checksumOffset), at: Self.checksumOffset)
    }

    public init?(page: UnsafeRawPointer) {
        guard page.get(UInt64.self, at: 0) == Self.magic, page.get(UInt16.self, at: 8) == Self.version,
            page.get(UInt32.self, at: Self.checksumOffset) == crc32c(page, bytes: Self.checksumOffset)
        else { return nil }
        k = Int(page.get(UInt8.self, at: 10))
        p = Int(page.get(UInt8.self, at: 11))
        slice = Int(page.get(UInt8.self, at: 12))
        pool = PoolID(high: page.get(at: 16), low: page.get(at: 24))
        volume = VolumeID(high: page.get(at: 32), low: page.get(at: 40))
        segment = page.get(at: 48)
        sliceBlocks = page.get(at: 52)
        start = page.get(at: 56)
        guard k >= 1, k + p <= ErasureCode.columnsMax, slice < k + p, sliceBlocks > 1 else { return nil }
        mountpaths = (0..<(k + p)).map {
            MountpathID(high: page.get(at: 64 + $0 * 16), low: page.get(at: 72 + $0 * 16))
        }
    }
}

/// Names under a mountpath's root.
public enum SlicePath {
    public static func volumeDirectory(group: String, volume: VolumeID) -> String { "@\(group)/\(volume)" }

    public static func segmentDirectory(group: String, volume: VolumeID) -> String {
        "@\(group)/\(volume)/%sg"
    }

    public static func mapDirectory(group: String, volume: VolumeID) -> String { "@\(group)/\(volume)/%mt" }

    /// `0000002a.03`: segment in hexadecimal, slice in decimal.
    public static func name(segment: UInt32, slice: Int) -> String {
        let hex = String(segment, radix: 16)
        return String(repeating: "0", count: 8 - hex.count) + hex + (slice < 10 ? ".0" : ".") + String(slice)
    }

    public static func parse(_ name: String) -> (segment: UInt32, slice: Int)? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == 8, parts[1].count == 2, let segment = UInt32(parts[0], radix: 16),
            let slice = Int(parts[1]), (0..<ErasureCode.columnsMax).contains(slice)
        else { return nil }
        return (segment, slice)
    }
}
