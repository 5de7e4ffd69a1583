import Base
import CLinux
import Glibc

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

    /// All that are in use, by number. One that vanishes meanwhile, or has a dead file of another maker under it, is left out.
    public static func all() throws(Failure) -> [LoopDevice] {
        guard let directory = opendir("/sys/block") else { throw Failure(errno: errno, "cannot list /sys/block") }
        defer { closedir(directory) }
        var devices: [LoopDevice] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            // The `loop` directory is there while the device is bound.
            guard name.hasPrefix("loop"), access("/sys/block/\(name)/loop", F_OK) == 0 else { continue }
            do throws(Failure) {
                if let device = try LoopDevice(path: "/dev/\(name)") { devices.append(device) }
            } catch {
                // Gone meanwhile, or its backing file answers no questions; ours always do.
                continue
            }
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
