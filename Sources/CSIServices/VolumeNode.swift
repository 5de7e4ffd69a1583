import Base
import Filesystems
import Glibc
import SystemIO

/// The device node of a volume, `/dev/ashlar/<volume id>`: what a raw block volume is published from.
///
/// A bound device node does not keep its loop device: after a crash `/dev/loop7` may be another volume's, and a node bound
/// under that name would show a pod somebody else's data without anyone noticing. The mount table gives the name of the
/// node that was bound, and this one says whose it is. All of it blocks.
enum VolumeNode {
    private static let directory = "/dev/ashlar"

    static func path(_ id: VolumeID) -> String { "\(directory)/\(id)" }

    /// Makes the node, or replaces one of another device. Returns its path.
    static func make(_ id: VolumeID, for device: String) throws(Failure) -> String {
        var wanted = stat()
        try systemCall("cannot look up \(device)") { stat(device, &wanted) }
        try TargetPath.makeDirectory(directory)
        let path = path(id)
        var found = stat()
        if lstat(path, &found) == 0 {
            if found.st_mode & S_IFMT == S_IFBLK, found.st_rdev == wanted.st_rdev { return path }
            try remove(id)
        }
        try systemCall("cannot make the device node \(path)") { mknod(path, S_IFBLK | 0o600, wanted.st_rdev) }
        return path
    }

    /// Volumes that have a node, in use or left by a process that died.
    static func all() throws(Failure) -> Set<VolumeID> {
        guard let stream = opendir(directory) else {
            if errno == ENOENT { return [] }
            throw Failure(errno: errno, "cannot list \(directory)")
        }
        defer { closedir(stream) }
        var found: Set<VolumeID> = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let id = VolumeID(name) { found.insert(id) }
        }
        return found
    }

    /// Missing is fine. What is bound stays bound.
    static func remove(_ id: VolumeID) throws(Failure) {
        let path = path(id)
        if unlink(path) != 0, errno != ENOENT, errno != ENOTDIR { throw Failure(errno: errno, "cannot remove \(path)") }
    }

    /// Where a volume's node is bound; nil for any other mount. The kernel marks a node that was removed since: `//deleted`.
    static func place(_ entry: MountEntry) -> Place? {
        let root = entry.root.hasSuffix("//deleted") ? String(entry.root.dropLast("//deleted".count)) : entry.root
        let parts = root.split(separator: "/")
        guard parts.count >= 2, parts[parts.count - 2] == "ashlar",
            let volume = VolumeID(String(parts[parts.count - 1]))
        else { return nil }
        var status = stat()
        guard stat(entry.mountPoint, &status) == 0, status.st_mode & S_IFMT == S_IFBLK else { return nil }
        let number = UInt64(status.st_rdev)
        let device = (try? BlockDeviceNode.path(major: deviceMajor(number), minor: deviceMinor(number))) ?? ""
        return Place(
            path: entry.mountPoint, volume: volume, device: device, kind: .block, readOnly: entry.isReadOnly)
    }

    // glibc's gnu_dev_major and gnu_dev_minor, which are macros.
    private static func deviceMajor(_ number: UInt64) -> UInt32 {
        UInt32((number >> 8) & 0xFFF | (number >> 32) & 0xFFFF_F000)
    }

    private static func deviceMinor(_ number: UInt64) -> UInt32 {
        UInt32(number & 0xFF | (number >> 12) & 0xFFFF_FF00)
    }
}
