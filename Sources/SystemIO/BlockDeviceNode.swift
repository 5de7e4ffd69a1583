import Base
import CLinux
import Glibc

/// A block device node of this machine.
public struct BlockDeviceNode: Sendable, Equatable {
    public var path: String
    public var major: UInt32
    public var minor: UInt32
    public var sizeBytes: UInt64

    /// What is at `path`; `invalid` where it is no block device. Blocks, but does no I/O on the device.
    public init(path: String) throws(Failure) {
        let file = try FileDescriptor(opening: path, flags: O_RDONLY | O_NONBLOCK | O_CLOEXEC, "cannot open \(path)")
        let status = try file.status()
        guard status.st_mode & S_IFMT == S_IFBLK else { throw Failure(.invalid, "\(path) is not a block device") }
        var bytes: UInt64 = 0
        try systemCall("cannot read the size of \(path)") { ashlar_block_device_bytes(file.number, &bytes) }
        self.path = path
        major = ashlar_device_major(UInt64(status.st_rdev))
        minor = ashlar_device_minor(UInt64(status.st_rdev))
        sizeBytes = bytes
    }

    /// The node of a device number, as the kernel names it: `/dev/loop3`. `notFound` where there is no such device.
    public static func path(major: UInt32, minor: UInt32) throws(Failure) -> String {
        for line in try readPseudoFile("/sys/dev/block/\(major):\(minor)/uevent").split(separator: "\n")
        where line.hasPrefix("DEVNAME=") {
            return "/dev/\(line.dropFirst("DEVNAME=".count))"
        }
        throw Failure(.notFound, "the block device \(major):\(minor) has no name")
    }

    /// Whether the device answers a read of its first block. A device that never answers holds this call. Blocks.
    public func isAlive() -> Bool {
        guard sizeBytes >= UInt64(blockBytes) else { return false }
        do throws(Failure) {
            let file = try FileDescriptor(
                opening: path, flags: O_RDONLY | O_CLOEXEC | ashlar_o_direct(), "cannot open \(path)")
            let buffer = AlignedBuffer(bytes: blockBytes)
            return try file.read(into: buffer.span, at: 0) == blockBytes
        } catch { return false }
    }
}
