import Base
import Glibc
import SystemIO

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
                    .failedPrecondition,
                    "\(path) holds files of the host, written while no volume was there; move them away")
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
