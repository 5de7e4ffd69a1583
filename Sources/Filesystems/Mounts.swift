import Base
import CLinux
import Glibc
import SystemIO

/// mount(2) and umount2(2). All of it blocks.
public enum Mounts {
    /// Mounts `device` at the existing directory `target`. `options` are words as in `mount -o`; what is not one of
    /// mount(2)'s own is handed to the filesystem.
    public static func mount(
        device: String, at target: String, type: FilesystemType, options: [String] = [], readOnly: Bool = false
    ) throws(Failure) {
        var (flags, data) = split(options)
        if readOnly { flags |= ashlar_mount_read_only() }
        try systemCall(
            "cannot mount \(device) at \(target) as \(type.rawValue) with options '\(options.joined(separator: ","))'"
        ) {
            ashlar_mount(device, target, type.rawValue, flags, data.joined(separator: ","))
        }
    }

    /// Makes `source` (a directory, file or device node) visible at the existing `target` of the same kind.
    /// The mount's flags are the source's, `options` and `readOnly` added. It appears with them, or not at all.
    public static func bind(
        _ source: String, at target: String, options: [String] = [], readOnly: Bool = false
    ) throws(Failure) {
        let (flags, data) = split(options)
        guard data.isEmpty else {
            throw Failure(.invalid, "'\(data.joined(separator: ","))' cannot be set on a bind mount")
        }
        try systemCall("cannot bind \(source) at \(target) with options '\(options.joined(separator: ","))'") {
            ashlar_bind(source, target, flags | (readOnly ? ashlar_mount_read_only() : 0))
        }
    }

    /// Changes one mount (not its filesystem) between read-only and read-write. Bind mounts elsewhere are not touched.
    public static func remount(_ target: String, readOnly: Bool) throws(Failure) {
        let flag = ashlar_mount_read_only()
        try changeFlags(of: target, adding: readOnly ? flag : 0, removing: readOnly ? 0 : flag)
    }

    /// Unmounts whatever is mounted at `target`, however many lie on each other; returns how many there were (0 is fine,
    /// as is a path that does not exist). `busy` while something is open there, unless `lazy`: then it goes
    /// from sight now and for good when the last user closes.
    @discardableResult
    public static func unmount(_ target: String, lazy: Bool = false) throws(Failure) -> Int {
        var count = 0
        while ashlar_unmount(target, lazy) == 0 { count += 1 }
        // umount(2): EINVAL, "target is not a mount point".
        if errno == EINVAL || errno == ENOENT { return count }
        throw Failure(errno: errno, "cannot unmount \(target)")
    }

    /// mount(2) replaces all flags of a bind mount at once, so those it has are read first.
    private static func changeFlags(of target: String, adding: UInt64, removing: UInt64) throws(Failure) {
        guard let entry = try MountTable.current().entry(at: target) else {
            throw Failure(.notFound, "nothing is mounted at \(target)")
        }
        let flags = (split(entry.options).flags | adding) & ~removing
        try systemCall("cannot change the mount options of \(target)") {
            ashlar_mount("none", target, nil, flags | ashlar_mount_bind() | ashlar_mount_remount(), nil)
        }
    }

    private static func split(_ options: [String]) -> (flags: UInt64, data: [String]) {
        var flags: UInt64 = 0
        var data: [String] = []
        for option in options {
            var clears = false
            let flag = ashlar_mount_flag(option, &clears)
            if flag == 0 {
                if option != "defaults" { data.append(option) }
            } else if clears {
                flags &= ~flag
            } else {
                flags |= flag
            }
        }
        return (flags, data)
    }
}
