import Base
import CLinux
import Glibc
import SystemIO

/// What a device carries, told from its own bytes. "Unreadable" is not among the answers: that is an error.
public enum DeviceContent: Sendable, Equatable {
    /// Every byte that was looked at is zero.
    case blank
    case filesystem(FilesystemType)
    /// Something else with a known signature, such as `btrfs` or `a partition table`.
    case foreign(String)
    /// Bytes that are not zero and not known.
    case unknownData

    /// Reads `ranges` (bytes; nil: the places where filesystems keep their superblocks and backups) of `device` past
    /// the page cache. Any read error is thrown: `unavailable`, never `blank`. Blocks.
    public static func read(_ device: String, ranges: [Range<UInt64>]? = nil) throws(Failure) -> DeviceContent {
        let file = try openUnbuffered(device)
        let sizeBytes = try blockDeviceBytes(file, device)
        let head = try readExactly(file, device, 0..<min(sizeBytes, UInt64(Superblock.headBytes)))
        if let known = Superblock(head: head).content { return known }
        for range in ranges ?? defaultRanges(sizeBytes: sizeBytes) {
            guard try isZero(file, device, range.clamped(to: 0..<sizeBytes)) else { return .unknownData }
        }
        return .blank
    }

    /// The first 4 MiB, the last 1 MiB, and the first block of ext4's backup groups 1, 3, 5, 7 and 9 (128 MiB each).
    public static func defaultRanges(sizeBytes: UInt64) -> [Range<UInt64>] {
        var ranges: [Range<UInt64>] = [0..<(4 << 20)]
        for group in [1, 3, 5, 7, 9] as [UInt64] { ranges.append((group << 27)..<(group << 27) + 4096) }
        ranges.append((sizeBytes > 1 << 20 ? (sizeBytes - 1 << 20) : 0)..<sizeBytes)
        return ranges.filter { $0.lowerBound < sizeBytes }
    }

    private static func isZero(
        _ file: FileDescriptor, _ device: String, _ range: Range<UInt64>
    ) throws(Failure) -> Bool {
        let step: UInt64 = 1 << 20
        var start = range.lowerBound & ~UInt64(blockBytes - 1)
        while start < range.upperBound {
            let end = min(start + step, range.upperBound.roundedUp(toMultipleOf: UInt64(blockBytes)))
            let buffer = try readExactly(file, device, start..<end)
            let isZero = buffer.span.prefix(Int(end - start)).withMemoryRebound(to: UInt64.self) { words in
                words.allSatisfy { $0 == 0 }
            }
            guard isZero else { return false }
            start = end
        }
        return true
    }
}

extension FilesystemType {
    /// The size that the filesystem on `device` believes it has, from its superblock. `failedPrecondition` where
    /// the device carries something else. Blocks.
    public func sizeBytes(on device: String) throws(Failure) -> UInt64 {
        let file = try openUnbuffered(device)
        let sizeBytes = try blockDeviceBytes(file, device)
        let head = try readExactly(file, device, 0..<min(sizeBytes, UInt64(Superblock.headBytes)))
        let superblock = Superblock(head: head)
        guard superblock.content == .filesystem(self) else {
            throw Failure(.failedPrecondition, "\(device) does not carry \(rawValue)")
        }
        return superblock.filesystemBytes
    }

    /// Whether the device has grown past its filesystem. Blocks.
    public func isSmallerThanDevice(_ device: String) throws(Failure) -> Bool {
        try sizeBytes(on: device) < BlockDeviceNode(path: device).sizeBytes
    }
}

private func openUnbuffered(_ device: String) throws(Failure) -> FileDescriptor {
    try FileDescriptor(opening: device, flags: O_RDONLY | O_CLOEXEC | ashlar_o_direct(), "cannot open \(device)")
}

/// Devices and, for tests and tools, image files.
private func blockDeviceBytes(_ file: FileDescriptor, _ device: String) throws(Failure) -> UInt64 {
    let status = try file.status()
    if status.st_mode & S_IFMT == S_IFREG { return UInt64(status.st_size) & ~UInt64(blockBytes - 1) }
    var bytes: UInt64 = 0
    try systemCall("cannot read the size of \(device)") { ashlar_block_device_bytes(file.number, &bytes) }
    // A device whose server died can shrink to nothing: that is not blank either.
    guard bytes > 0 else { throw Failure(.unavailable, "\(device) has no size: nothing serves it") }
    return bytes
}

private func readExactly(
    _ file: FileDescriptor, _ device: String, _ range: Range<UInt64>
) throws(Failure) -> AlignedBuffer {
    let buffer = AlignedBuffer(bytes: Int(range.upperBound - range.lowerBound))
    let count: Int
    do throws(Failure) {
        count = try file.read(into: buffer.span, at: range.lowerBound)
    } catch {
        throw Failure(.unavailable, "cannot read \(device) at byte \(range.lowerBound)", cause: error)
    }
    guard count == buffer.bytes else {
        throw Failure(.unavailable, "\(device) ends at byte \(range.lowerBound + UInt64(count)), inside itself")
    }
    return buffer
}
