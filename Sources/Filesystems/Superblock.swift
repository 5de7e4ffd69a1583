import SystemIO

/// Signatures at the head of a device. Offsets in bytes, from the formats' own descriptions (kernel
/// Documentation/filesystems/ext4/super.rst, XFS Algorithms & Data Structures, btrfs On-disk Format; LUKS, LVM, swap, GPT).
///
/// ```
///      0  XFS "XFSB" (big-endian) | LUKS "LUKS\xba\xbe" | 510 MBR 55 AA | 512 GPT "EFI PART", LVM "LABELONE"
///   1024  ext2/3/4 superblock: +4 blocks, +24 block size, +56 magic 53 EF, +96 incompatible features, +336 blocks (high)
///   4086  "SWAPSPACE2"
///  65536  btrfs superblock: +64 "_BHRfS_M"
/// ```
struct Superblock {
    static let headBytes = 128 << 10
    private static let extents: UInt32 = 0x40
    private static let wide: UInt32 = 0x80

    private let bytes: UnsafeRawBufferPointer
    private let buffer: AlignedBuffer

    init(head: AlignedBuffer) {
        buffer = head
        bytes = UnsafeRawBufferPointer(head.span)
    }

    /// Nil where no signature is known.
    var content: DeviceContent? {
        if has("XFSB", at: 0) { return .filesystem(.xfs) }
        if ext4Magic { return ext4Features & Self.extents != 0 ? .filesystem(.ext4) : .foreign("ext2 or ext3") }
        if has("_BHRfS_M", at: 65536 + 64) { return .foreign("btrfs") }
        if has("LUKS", at: 0) { return .foreign("LUKS") }
        if has("SWAPSPACE2", at: 4086) || has("SWAP-SPACE", at: 4086) { return .foreign("swap") }
        if has("LABELONE", at: 512) { return .foreign("an LVM physical volume") }
        // GPT lies in the second sector, which is 512 or 4096 bytes long.
        if has("EFI PART", at: 512) || has("EFI PART", at: 4096) || byte(510) == 0x55 && byte(511) == 0xAA {
            return .foreign("a partition table")
        }
        return nil
    }

    /// 0 where it is no filesystem of ours.
    var filesystemBytes: UInt64 {
        switch content {
        case .filesystem(.xfs):
            // sb_blocksize, sb_dblocks
            return UInt64(big32(4)) * (UInt64(big32(8)) << 32 | UInt64(big32(12)))
        case .filesystem(.ext4):
            let high = ext4Features & Self.wide != 0 ? UInt64(little32(1024 + 336)) : 0
            return (high << 32 | UInt64(little32(1024 + 4))) << (10 + UInt64(little32(1024 + 24) & 31))
        default:
            return 0
        }
    }

    private var ext4Magic: Bool { byte(1024 + 56) == 0x53 && byte(1024 + 57) == 0xEF }
    private var ext4Features: UInt32 { little32(1024 + 96) }

    private func byte(_ offset: Int) -> UInt8 { offset < bytes.count ? bytes[offset] : 0 }

    private func has(_ text: StaticString, at offset: Int) -> Bool {
        offset + text.utf8CodeUnitCount <= bytes.count
            && bytes[offset..<offset + text.utf8CodeUnitCount].elementsEqual(
                UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private func little32(_ offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(byte(offset + $1)) << UInt32(8 * $1) }
    }

    private func big32(_ offset: Int) -> UInt32 { little32(offset).byteSwapped }
}
