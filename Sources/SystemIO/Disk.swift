import Base

/// One mountpath as the engine sees it: paths are relative to its root. These calls block; run them off the event loop.
/// Implemented by `DirectoryDisk` and by the simulator.
public protocol Disk: AnyObject, Sendable {
    /// Makes the directory and those above it; those that are made are durable. Existing is fine.
    func createDirectories(_ path: String) throws(Failure)
    /// Names in the directory, without `.` and `..`, unordered. `notFound` where there is none.
    func list(_ path: String) throws(Failure) -> [String]
    func exists(_ path: String) throws(Failure) -> Bool
    /// The whole file, which must be at most `bytesMax` long.
    func readFile(_ path: String, bytesMax: Int) throws(Failure) -> [UInt8]
    /// Puts `bytes` at `path` so that after a crash there is the old file or the new one: temporary name, fsync, rename, fsync of the directory.
    func replaceFile(_ path: String, with bytes: [UInt8]) throws(Failure)
    /// An existing file for slices: unbuffered, whole blocks only.
    func openSlice(_ path: String) throws(Failure) -> any DiskFile
    /// A new file of `bytes` bytes, allocated (ENOSPC is answered here), not yet durable. `conflict` if it exists.
    func createSlice(_ path: String, bytes: UInt64) throws(Failure) -> any DiskFile
    /// An append log: buffered, created if missing.
    func openLog(_ path: String) throws(Failure) -> any DiskFile
    /// Atomic within the disk; durable after `synchronizeDirectory` of both directories.
    func rename(_ from: String, to: String) throws(Failure)
    /// Missing is fine.
    func remove(_ path: String) throws(Failure)
    /// Removes an empty directory; missing is fine.
    func removeDirectory(_ path: String) throws(Failure)
    func synchronizeDirectory(_ path: String) throws(Failure)
    func space() throws(Failure) -> DiskSpace
    /// Throws where the drive that was opened is no longer the one found under its path.
    func verifyPresence() throws(Failure)
}

public struct DiskSpace: Sendable, Equatable {
    public var totalBytes: UInt64
    public var freeBytes: UInt64

    public init(totalBytes: UInt64, freeBytes: UInt64) {
        self.totalBytes = totalBytes
        self.freeBytes = freeBytes
    }
}

/// An open file. `descriptor` names it to an `IOQueue`; the other calls block. Closed when released.
public protocol DiskFile: AnyObject, Sendable {
    var descriptor: Int32 { get }
    func size() throws(Failure) -> UInt64
    /// Fills `buffer` from `offset`; short only at the end of the file. Returns the bytes read.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) -> Int
    func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(Failure)
    func truncate(to bytes: UInt64) throws(Failure)
    /// fdatasync. Never retried by the caller: after a failure nothing of the file is believed.
    func synchronize() throws(Failure)
}
