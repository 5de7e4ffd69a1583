import Base
import CLinux
import Glibc

/// A directory of the machine, normally the root of a drive's own filesystem.
///
/// Everything goes through the descriptor of the root, so a path that is mounted over later is not written by mistake.
public final class DirectoryDisk: Disk {
    public let path: String
    private let root: FileDescriptor
    private let device: UInt64

    public init(path: String) throws(Failure) {
        self.path = path
        root = try FileDescriptor(
            opening: path, flags: O_RDONLY | O_DIRECTORY | O_CLOEXEC, "cannot open mountpath \(path)")
        device = UInt64(try root.status().st_dev)
    }

    /// The filesystem's device number: equal for mountpaths that share a filesystem.
    public var filesystemDevice: UInt64 { device }

    public func createDirectories(_ path: String) throws(Failure) {
        var made = ""
        for part in path.split(separator: "/") {
            let parent = made
            made += made.isEmpty ? String(part) : "/\(part)"
            if mkdirat(root.number, made, 0o700) == 0 {
                try synchronizeDirectory(parent.isEmpty ? "." : parent)
            } else if errno != EEXIST {
                throw Failure(errno: errno, "cannot make directory \(self.path)/\(made)")
            }
        }
    }

    public func list(_ path: String) throws(Failure) -> [String] {
        let directory = try open(path, O_RDONLY | O_DIRECTORY)
        guard let stream = fdopendir(directory.number) else {
            throw Failure(errno: errno, "cannot list \(self.path)/\(path)")
        }
        directory.disown()
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw Failure(errno: errno, "cannot list \(self.path)/\(path)") }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
    }

    public func exists(_ path: String) throws(Failure) -> Bool {
        var status = stat()
        if fstatat(root.number, path, &status, 0) == 0 { return true }
        if errno == ENOENT || errno == ENOTDIR { return false }
        throw Failure(errno: errno, "cannot look up \(self.path)/\(path)")
    }

    public func readFile(_ path: String, bytesMax: Int) throws(Failure) -> [UInt8] {
        let file = try open(path, O_RDONLY)
        let size = Int(try file.status().st_size)
        guard size <= bytesMax else {
            throw Failure(.corrupt, "\(self.path)/\(path) has \(size) bytes, at most \(bytesMax) were expected")
        }
        return try file.readAll(bytes: size)
    }

    public func replaceFile(_ path: String, with bytes: [UInt8]) throws(Failure) {
        let temporary = path + ".tmp"
        let file = try open(temporary, O_WRONLY | O_CREAT | O_TRUNC)
        try bytes.withFailingBytes { (buffer) throws(Failure) in try file.write(buffer, at: 0) }
        try systemCall("cannot sync \(self.path)/\(temporary)") { fsync(file.number) }
        try rename(temporary, to: path)
        try synchronizeDirectory(parent(of: path))
    }

    public func openSlice(_ path: String) throws(Failure) -> any DiskFile {
        do throws(Failure) {
            return try open(path, O_RDWR | ashlar_o_direct())
        } catch  where error.errorNumber == EINVAL {
            return try open(path, O_RDWR)  // a filesystem without unbuffered I/O
        }
    }

    public func createSlice(_ path: String, bytes: UInt64) throws(Failure) -> any DiskFile {
        try open(path, O_RDWR | O_CREAT | O_EXCL).close()
        let file = try openSlice(path)
        let result = ashlar_fallocate(file.descriptor, bytes)
        guard result == 0 else {
            let number = errno
            try remove(path)
            throw Failure(errno: number, "cannot allocate \(bytes) bytes at \(self.path)/\(path)")
        }
        return file
    }

    public func openLog(_ path: String) throws(Failure) -> any DiskFile { try open(path, O_RDWR | O_CREAT) }

    public func rename(_ from: String, to: String) throws(Failure) {
        try systemCall("cannot rename \(path)/\(from) to \(to)") { renameat(root.number, from, root.number, to) }
    }

    public func remove(_ path: String) throws(Failure) { try unlink(path, flags: 0) }

    public func removeDirectory(_ path: String) throws(Failure) { try unlink(path, flags: AT_REMOVEDIR) }

    public func synchronizeDirectory(_ path: String) throws(Failure) {
        let directory = try open(path, O_RDONLY | O_DIRECTORY)
        try systemCall("cannot sync directory \(self.path)/\(path)") { fsync(directory.number) }
    }

    public func space() throws(Failure) -> DiskSpace {
        var status = statvfs()
        try systemCall("cannot read the free space of \(path)") { fstatvfs(root.number, &status) }
        let unit = UInt64(status.f_frsize)
        return DiskSpace(totalBytes: UInt64(status.f_blocks) * unit, freeBytes: UInt64(status.f_bavail) * unit)
    }

    public func verifyPresence() throws(Failure) {
        var status = stat()
        try systemCall("mountpath \(path) is gone") { stat(path, &status) }
        guard UInt64(status.st_dev) == device, status.st_ino == (try root.status()).st_ino else {
            throw Failure(.notFound, "another filesystem is mounted at \(path), or none")
        }
        // From the drive, not from the cache: a dead one keeps its directories for a while.
        guard try exists(".ashlar/pool.json") else { throw Failure(.notFound, "\(path) has lost its pool file") }
        let page = AlignedBuffer(bytes: blockBytes)
        _ = try (try openSlice(".ashlar/pool.json")).read(into: page.span, at: 0)
    }

    private func open(_ path: String, _ flags: Int32) throws(Failure) -> FileDescriptor {
        try FileDescriptor(
            opening: path, in: root, flags: flags | O_CLOEXEC, "cannot open \(self.path)/\(path)")
    }

    private func unlink(_ path: String, flags: Int32) throws(Failure) {
        if unlinkat(root.number, path, flags) != 0, errno != ENOENT {
            throw Failure(errno: errno, "cannot remove \(self.path)/\(path)")
        }
    }

    private func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` for bodies that throw `Failure`.
    func withFailingBytes<R>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> R) throws(Failure) -> R {
        let result: Result<R, Failure> = withUnsafeBytes { buffer in
            do throws(Failure) { return .success(try body(buffer)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
