import Base
import Glibc
import Synchronization
import SystemIO

/// A directory that fails when told to.
final class FaultyDisk: Disk {
    /// Writes of slices through an `IOQueue` fail.
    let isBroken = Atomic<Bool>(false)
    /// Whatever needs space is refused.
    let isFull = Atomic<Bool>(false)
    /// The drive is not found any more.
    let isGone = Atomic<Bool>(false)
    /// The next pool file is replaced, and then said to have failed.
    let poolFileFails = Atomic<Bool>(false)
    /// The next blocking write of a slice takes so long.
    let writeDelayMicroseconds = Atomic<UInt32>(0)
    /// Listing fails for paths that contain this.
    let unlistable = Mutex<String?>(nil)
    private let disk: DirectoryDisk

    init(path: String) throws { disk = try DirectoryDisk(path: path) }

    private func needSpace() throws(Failure) {
        if isFull.load(ordering: .relaxed) { throw Failure(errno: ENOSPC, "full") }
    }

    func createDirectories(_ path: String) throws(Failure) { try disk.createDirectories(path) }

    func list(_ path: String) throws(Failure) -> [String] {
        if let part = unlistable.withLock({ $0 }), path.contains(part) { throw Failure(errno: EIO, "cannot list") }
        return try disk.list(path)
    }

    func exists(_ path: String) throws(Failure) -> Bool { try disk.exists(path) }
    func readFile(_ path: String, bytesMax: Int) throws(Failure) -> [UInt8] {
        try disk.readFile(path, bytesMax: bytesMax)
    }

    func replaceFile(_ path: String, with bytes: [UInt8]) throws(Failure) {
        if path.hasSuffix("headers") || path.hasSuffix("catalogue") { try needSpace() }
        try disk.replaceFile(path, with: bytes)
        if path.hasSuffix("pool.json"), poolFileFails.exchange(false, ordering: .relaxed) {
            throw Failure(errno: EIO, "cannot sync the directory")
        }
    }

    func openSlice(_ path: String) throws(Failure) -> any DiskFile { FaultyFile(try disk.openSlice(path), self) }

    func createSlice(_ path: String, bytes: UInt64) throws(Failure) -> any DiskFile {
        try needSpace()
        return FaultyFile(try disk.createSlice(path, bytes: bytes), self)
    }

    func openLog(_ path: String) throws(Failure) -> any DiskFile { try disk.openLog(path) }

    func rename(_ from: String, to: String) throws(Failure) {
        if from.contains("/free/") { try needSpace() }
        try disk.rename(from, to: to)
    }

    func remove(_ path: String) throws(Failure) { try disk.remove(path) }
    func removeDirectory(_ path: String) throws(Failure) { try disk.removeDirectory(path) }
    func synchronizeDirectory(_ path: String) throws(Failure) { try disk.synchronizeDirectory(path) }
    func space() throws(Failure) -> DiskSpace { try disk.space() }
    func verifyPresence() throws(Failure) {
        if isGone.load(ordering: .relaxed) { throw Failure(.notFound, "gone") }
        try disk.verifyPresence()
    }
}

final class FaultyFile: DiskFile {
    private let file: any DiskFile
    private let disk: FaultyDisk
    private static let readOnly = open("/dev/null", O_RDONLY | O_CLOEXEC)

    init(_ file: any DiskFile, _ disk: FaultyDisk) {
        self.file = file
        self.disk = disk
    }

    var descriptor: Int32 { disk.isBroken.load(ordering: .relaxed) ? Self.readOnly : file.descriptor }
    func size() throws(Failure) -> UInt64 { try file.size() }
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) -> Int {
        try file.read(into: buffer, at: offset)
    }
    func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(Failure) {
        usleep(disk.writeDelayMicroseconds.exchange(0, ordering: .relaxed))
        try file.write(buffer, at: offset)
    }
    func truncate(to bytes: UInt64) throws(Failure) { try file.truncate(to: bytes) }
    func synchronize() throws(Failure) { try file.synchronize() }
}
