import Base
import CLinux
import Glibc
import SystemIO

/// The steps on a loop device that wait for the very requests which this process serves: each runs on a thread of
/// `BlockingThreads`, where it cannot keep `/dev/fuse` open (see there).
enum LoopBinding {
    private static let attemptCountMax = 64
    private static let releaseAttemptCountMax = 40
    private static let pauseMicroseconds: UInt32 = 25_000

    /// Binds a free loop device to the connection mounted at `mountPoint` and takes the mount out of sight: the loop
    /// device holds it from now on. Returns the device's path.
    static func bind(_ mountPoint: String, name: String, isReadOnly: Bool) throws(Failure) -> String {
        let backing = try FileDescriptor(
            opening: mountPoint, flags: (isReadOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC,
            "cannot open the device's file \(mountPoint)")
        // Kernels before 6.18 take the size as last seen (LOOP_CONFIGURE, i_size_read).
        _ = try backing.status()
        let path = try configure(backing, name: name, isReadOnly: isReadOnly)
        removeMountPoint(mountPoint)
        return path
    }

    static func removeMountPoint(_ path: String) {
        while ashlar_unmount(path, true) == 0 {}
        unlink(path)
    }

    /// Between asking for a free device and taking it another process may be faster.
    private static func configure(
        _ backing: FileDescriptor, name: String, isReadOnly: Bool
    ) throws(Failure) -> String {
        let control = try FileDescriptor(
            opening: "/dev/loop-control", flags: O_RDWR | O_CLOEXEC,
            "cannot open /dev/loop-control; the kernel module 'loop' must be loaded and /dev be the host's")
        for _ in 0..<attemptCountMax {
            let number = try systemCall("cannot get a free loop device") { ashlar_loop_get_free(control.number) }
            let path = "/dev/loop\(number)"
            let loop = try FileDescriptor(opening: path, flags: O_RDWR | O_CLOEXEC, "cannot open \(path)")
            if ashlar_loop_configure(loop.number, backing.number, UInt32(blockBytes), name, isReadOnly) == 0 {
                return path
            }
            guard errno == EBUSY else { throw Failure(errno: errno, "cannot configure \(path)") }
            usleep(pauseMicroseconds)
        }
        throw Failure(.busy, "other processes took every free loop device \(attemptCountMax) times; try again")
    }

    /// Gives the device at `path` its file's new size. `file` is any descriptor of it.
    static func resize(_ path: String, sizeBytes: UInt64, file: Int32) throws(Failure) {
        // Before the device has it: LOOP_SET_CAPACITY looks at what a GETATTR of its own answers, or on kernels before 6.18 at what is known.
        try awaitSize(path, sizeBytes: sizeBytes, file: file)
        let loop = try FileDescriptor(opening: path, flags: O_RDONLY | O_CLOEXEC, "cannot open \(path)")
        try systemCall("cannot set the size of \(path)") { ashlar_loop_set_capacity(loop.number) }
        let bytes = try size(of: loop, path)
        guard bytes >= sizeBytes else {
            throw Failure(.internal, "\(path) has \(bytes) bytes and not \(sizeBytes) after it was resized")
        }
    }

    private static func size(of loop: FileDescriptor, _ path: String) throws(Failure) -> UInt64 {
        var bytes: UInt64 = 0
        try systemCall("cannot read the size of \(path)") { ashlar_block_device_bytes(loop.number, &bytes) }
        return bytes
    }

    /// While the file is written an answer may come too late to count; a device that is longer than its file cannot be read at its end.
    private static func awaitSize(_ path: String, sizeBytes: UInt64, file: Int32) throws(Failure) {
        var known: UInt64 = 0
        for _ in 0..<attemptCountMax {
            let result = ashlar_fuse_refresh_attributes(file, &known)
            guard result == 0 else {
                throw Failure(errno: -result, "cannot ask for the size of the file under \(path)")
            }
            if known >= sizeBytes { return }
            usleep(pauseMicroseconds)
        }
        throw Failure(
            .unavailable, "the file under \(path) has \(known) bytes to the kernel and not \(sizeBytes); try again")
    }

    /// Flushes and frees the device. `failedPrecondition` while it is mounted or open, and then it stays as it was.
    static func release(_ path: String, name: String) throws(Failure) {
        for attempt in 1... {
            if try releaseOnce(path, name: name) { return }
            // udev opens a device for a moment after every change.
            guard attempt < releaseAttemptCountMax else {
                throw Failure(.failedPrecondition, "\(path) is in use; unmount it and close it first")
            }
            usleep(pauseMicroseconds)
        }
    }

    /// False while somebody else has the device.
    private static func releaseOnce(_ path: String, name: String) throws(Failure) -> Bool {
        let loop: FileDescriptor
        do throws(Failure) {
            loop = try FileDescriptor(opening: path, flags: O_RDONLY | O_EXCL | O_CLOEXEC, "cannot open \(path)")
        } catch  where error.errorNumber == EBUSY { return false }
        guard isOurs(loop, name) else { return true }
        try systemCall("cannot flush \(path)") { fsync(loop.number) }
        // With other openers LOOP_CLR_FD only marks the device, to be freed at its last close: then the mark is taken back.
        try clear(loop, path)
        guard isOurs(loop, name) else { return true }
        _ = ashlar_loop_keep(loop.number)
        return !isOurs(loop, name)
    }

    /// Frees the device now, or when its last user closes it. What is not there, or not ours, is left alone.
    static func abandon(_ path: String, name: String) throws(Failure) {
        let loop: FileDescriptor
        do throws(Failure) {
            loop = try FileDescriptor(opening: path, flags: O_RDONLY | O_CLOEXEC, "cannot open \(path)")
        } catch  where error.kind == .notFound || error.errorNumber == ENXIO || error.errorNumber == ENODEV { return }
        if isOurs(loop, name) { try clear(loop, path) }
    }

    /// The size of the loop device at `path`; nil where it does not carry `name`.
    static func boundBytes(_ path: String, name: String) throws(Failure) -> UInt64? {
        do throws(Failure) {
            let loop = try FileDescriptor(
                opening: path, flags: O_RDONLY | O_NONBLOCK | O_CLOEXEC, "cannot open \(path)")
            return isOurs(loop, name) ? try size(of: loop, path) : nil
        } catch  where error.kind == .notFound || error.errorNumber == ENXIO || error.errorNumber == ENODEV {
            return nil
        }
    }

    private static func clear(_ loop: FileDescriptor, _ path: String) throws(Failure) {
        guard ashlar_loop_clear(loop.number) != 0, errno != ENXIO else { return }
        throw Failure(errno: errno, "cannot free \(path)")
    }

    private static func isOurs(_ loop: FileDescriptor, _ name: String) -> Bool {
        var status = ashlar_loop_status()
        guard ashlar_loop_status(loop.number, &status) == 0 else { return false }
        return withUnsafeBytes(of: status.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) } == name
    }
}
