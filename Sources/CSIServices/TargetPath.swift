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
        guard try status(path).map({ $0.st_mode & S_IFMT }) == S_IFDIR else {
            throw Failure(.failedPrecondition, "\(path) exists and is no directory; remove it")
        }
    }

    /// Makes a directory to mount a volume on; an empty one is fine. Files of the host would be hidden: `failedPrecondition`.
    static func makeEmptyDirectory(_ path: String) throws(Failure) {
        try requireEmptyDirectory(path)
        try makeDirectory(path)
    }

    /// Nothing being there is fine.
    static func requireEmptyDirectory(_ path: String) throws(Failure) {
        guard let found = try status(path) else { return }
        guard found.st_mode & S_IFMT == S_IFDIR else {
            throw Failure(.failedPrecondition, "\(path) exists and is no directory; remove it")
        }
        guard let stream = opendir(path) else { throw Failure(errno: errno, "cannot list \(path)") }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name == "." || name == ".." else {
                throw Failure(
                    .failedPrecondition, "\(path) holds files of the host, which a volume would hide; move them away")
            }
        }
    }

    /// Makes an empty file to bind a device onto; existing is fine. A file of the host would be hidden, and could not be told from ours later:
    /// `failedPrecondition`.
    static func makeFile(_ path: String) throws(Failure) {
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex { try makeDirectory(String(path[..<slash])) }
        if let found = try status(path), !isEmptyFile(found) {
            throw Failure(.failedPrecondition, "\(path) is there and no empty file, as a raw block volume needs")
        }
        _ = try FileDescriptor(opening: path, flags: O_WRONLY | O_CREAT | O_CLOEXEC, "cannot make \(path)")
    }

    /// Removes what `makeDirectory` or `makeFile` made, by what it is: an empty directory or an empty file. All else is the host's and stays:
    /// `failedPrecondition`. The path is the caller's word.
    static func remove(_ path: String) throws(Failure) {
        guard let found = try status(path) else { return }
        if found.st_mode & S_IFMT == S_IFDIR {
            if rmdir(path) == 0 || errno == ENOENT { return }
            let number = errno
            guard number != ENOTEMPTY, number != EEXIST else {
                throw Failure(
                    .failedPrecondition,
                    "\(path) holds files of the host, written while no volume was there; move them away")
            }
            throw Failure(errno: number, "cannot remove \(path)")
        }
        guard isEmptyFile(found) else {
            throw Failure(.failedPrecondition, "\(path) is a file of the host, and no target of a volume; it stays")
        }
        if unlink(path) != 0, errno != ENOENT { throw Failure(errno: errno, "cannot remove \(path)") }
    }

    private static func isEmptyFile(_ found: stat) -> Bool { found.st_mode & S_IFMT == S_IFREG && found.st_size == 0 }

    /// Nil where there is nothing.
    private static func status(_ path: String) throws(Failure) -> stat? {
        var found = stat()
        if lstat(path, &found) == 0 { return found }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw Failure(errno: errno, "cannot look up \(path)")
    }
}
