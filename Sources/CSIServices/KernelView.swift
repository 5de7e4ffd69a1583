import Base
import Filesystems
import Glibc
import SystemIO

/// A place of this node's file tree where a volume of ours is visible.
struct Place: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        case filesystem(String)
        /// The device node itself, bound onto a file.
        case block
    }

    var path: String
    var volume: VolumeID
    /// `/dev/loop7`, which may be served or left by a process that died.
    var device: String
    var kind: Kind
    var readOnly: Bool
}

/// What is staged and published, as the kernel has it: mount table, then loop device, then the identity that the
/// device was given. No file of ours is believed, so nothing here can be out of date after a crash or reboot.
struct KernelView: Sendable {
    /// In the kernel's order: a later one at the same path lies on top.
    private let places: [Place]
    private let mountPoints: Set<String>
    private let loops: [LoopDevice]

    /// Blocks, but does no I/O on any device.
    static func current() throws(Failure) -> KernelView {
        let loops = try LoopDevice.all()
        return KernelView(try MountTable.current(), loops) { entry in
            deviceName(entry)
        }
    }

    /// `deviceName` tells a mount's device node, nil where it has none.
    init(_ table: MountTable, _ loops: [LoopDevice], deviceName: (MountEntry) -> (path: String, kind: Place.Kind)?) {
        var volumes: [String: VolumeID] = [:]
        for loop in loops { volumes[loop.path] = loop.volume }
        var places: [Place] = []
        for entry in table.entries {
            guard let device = deviceName(entry), let volume = volumes[device.path] else { continue }
            places.append(
                Place(
                    path: entry.mountPoint, volume: volume, device: device.path, kind: device.kind,
                    readOnly: entry.isReadOnly))
        }
        self.places = places
        self.loops = loops
        mountPoints = Set(table.entries.map(\.mountPoint))
    }

    private static let loopMajor: UInt32 = 7

    /// A filesystem has its device's number; a bound device node is a file `loop7` of the filesystem that is `/dev`.
    private static func deviceName(_ entry: MountEntry) -> (path: String, kind: Place.Kind)? {
        if entry.deviceMajor == loopMajor {
            do throws(Failure) {
                let path = try BlockDeviceNode.path(major: entry.deviceMajor, minor: entry.deviceMinor)
                return (path, .filesystem(entry.type))
            } catch { return nil }
        }
        guard let name = entry.root.split(separator: "/").last, name.hasPrefix("loop"),
            name.dropFirst("loop".count).allSatisfy(\.isNumber), name.count > "loop".count
        else { return nil }
        return ("/dev/\(name)", .block)
    }

    /// The top one at exactly `path`.
    func place(at path: String) -> Place? { places.last { $0.path == path } }

    func places(of volume: VolumeID) -> [Place] { places.filter { $0.volume == volume } }

    /// Whether anything is mounted there, ours or not.
    func isMountPoint(_ path: String) -> Bool { mountPoints.contains(path) }

    /// Loop devices that carry the name of a volume, by volume.
    var devices: [VolumeID: [LoopDevice]] {
        var found: [VolumeID: [LoopDevice]] = [:]
        for loop in loops {
            if let volume = loop.volume { found[volume, default: []].append(loop) }
        }
        return found
    }
}

/// Directories and files that volumes are mounted on. All of it blocks.
enum TargetPath {
    /// The path as the mount table has it: links above the last part are followed. The last part itself is not looked at,
    /// for what is mounted there may be dead. A parent that is missing leaves the path as it is.
    static func resolved(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return path }
        guard let real = realpath(String(path[..<slash]), nil) else { return path }
        defer { free(real) }
        let parent = String(cString: real)
        return (parent == "/" ? "" : parent) + path[slash...]
    }

    /// Makes the directory and those above it; existing is fine.
    static func makeDirectory(_ path: String) throws(Failure) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/\(part)"
            if mkdir(made, 0o750) != 0, errno != EEXIST { throw Failure(errno: errno, "cannot make directory \(made)") }
        }
        guard try isDirectory(path) == true else {
            throw Failure(.failedPrecondition, "\(path) exists and is no directory; remove it")
        }
    }

    /// Makes an empty file to bind a device onto; existing is fine.
    static func makeFile(_ path: String) throws(Failure) {
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex { try makeDirectory(String(path[..<slash])) }
        guard try isDirectory(path) != true else {
            throw Failure(.failedPrecondition, "\(path) is a directory; a raw block volume needs a file there")
        }
        _ = try FileDescriptor(opening: path, flags: O_WRONLY | O_CREAT | O_CLOEXEC, "cannot make \(path)")
    }

    /// Removes what `makeDirectory` or `makeFile` made. Files in it are the host's and stay: `failedPrecondition`.
    static func remove(_ path: String) throws(Failure) {
        guard let isDirectory = try isDirectory(path) else { return }
        if isDirectory {
            if rmdir(path) == 0 || errno == ENOENT { return }
            let number = errno
            guard number != ENOTEMPTY, number != EEXIST else {
                throw Failure(
                    .failedPrecondition, "\(path) holds files of the host, written while no volume was there; move them away")
            }
            throw Failure(errno: number, "cannot remove \(path)")
        }
        if unlink(path) != 0, errno != ENOENT { throw Failure(errno: errno, "cannot remove \(path)") }
    }

    /// Nil where there is nothing.
    private static func isDirectory(_ path: String) throws(Failure) -> Bool? {
        var status = stat()
        if lstat(path, &status) == 0 { return status.st_mode & S_IFMT == S_IFDIR }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw Failure(errno: errno, "cannot look up \(path)")
    }
}
