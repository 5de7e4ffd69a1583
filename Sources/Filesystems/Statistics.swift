import Base
import Glibc
import SystemIO

/// What `df` and `df -i` show of a mounted filesystem.
public struct FilesystemStatistics: Sendable, Equatable {
    public var totalBytes: UInt64
    /// What an unprivileged writer can still use.
    public var availableBytes: UInt64
    public var usedBytes: UInt64
    public var totalInodes: UInt64
    public var availableInodes: UInt64
    public var usedInodes: UInt64

    /// Of the filesystem that holds `path`. Blocks while its device does. `notFound` where there is no such path.
    public init(path: String) throws(Failure) {
        var status = statvfs()
        try systemCall("cannot read the filesystem statistics of \(path)") { statvfs(path, &status) }
        let unit = UInt64(status.f_frsize)
        totalBytes = UInt64(status.f_blocks) * unit
        availableBytes = UInt64(status.f_bavail) * unit
        usedBytes = UInt64(status.f_blocks - status.f_bfree) * unit
        totalInodes = UInt64(status.f_files)
        availableInodes = UInt64(status.f_favail)
        usedInodes = UInt64(status.f_files - status.f_ffree)
    }
}
