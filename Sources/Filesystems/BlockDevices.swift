import Base
import CLinux
import Glibc
import SystemIO

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

/// A loop device that is in use, and the name that its maker gave it.
public struct LoopDevice: Sendable, Equatable {
    public var path: String
    public var number: UInt32
    /// `lo_file_name`: 63 bytes at most. Ours are `ashlar/<volume id>`.
    public var name: String
    public var isReadOnly: Bool

    /// The device at `path`; nil where it is free, or no loop device. Blocks, but does no I/O on the device.
    public init?(path: String) throws(Failure) {
        let file = try FileDescriptor(opening: path, flags: O_RDONLY | O_NONBLOCK | O_CLOEXEC, "cannot open \(path)")
        var status = ashlar_loop_status()
        guard ashlar_loop_status(file.number, &status) == 0 else {
            if errno == ENXIO || errno == ENOTTY || errno == EINVAL { return nil }
            throw Failure(errno: errno, "cannot read the state of \(path)")
        }
        self.path = path
        number = status.number
        name = withUnsafeBytes(of: status.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        isReadOnly = status.read_only
    }

    /// All that are in use, by number. One that vanishes meanwhile is left out.
    public static func all() throws(Failure) -> [LoopDevice] {
        guard let directory = opendir("/sys/block") else { throw Failure(errno: errno, "cannot list /sys/block") }
        defer { closedir(directory) }
        var devices: [LoopDevice] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            // The `loop` directory is there while the device is bound.
            guard name.hasPrefix("loop"), access("/sys/block/\(name)/loop", F_OK) == 0 else { continue }
            do throws(Failure) {
                if let device = try LoopDevice(path: "/dev/\(name)") { devices.append(device) }
            } catch where error.kind == .notFound { continue }
        }
        return devices.sorted { $0.number < $1.number }
    }

    /// Those that serve `volume`, or served it before their process died.
    public static func serving(_ volume: VolumeID) throws(Failure) -> [LoopDevice] {
        let name = name(for: volume)
        return try all().filter { $0.name == name }
    }

    public static func name(for volume: VolumeID) -> String { "ashlar/\(volume)" }

    /// The volume that the device's name tells; nil where it is not one of ours.
    public var volume: VolumeID? {
        name.hasPrefix("ashlar/") ? VolumeID(String(name.dropFirst("ashlar/".count))) : nil
    }
}
