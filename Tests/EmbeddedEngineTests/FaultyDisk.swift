import Base
import Foundation
import Glibc
import Synchronization
import SystemIO

/// What is asked of a disk or of one of its files.
enum DiskCall {
    case createDirectories, list, exists, readFile, replaceFile, openSlice, createSlice, openLog, rename, remove
    case removeDirectory, synchronizeDirectory, space
    case size, read, write, truncate, synchronize
}

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
    /// Sees every blocking call and its path (of a rename: the old one); the call fails with the errno that it answers.
    let fault = Mutex<(@Sendable (DiskCall, String) -> Int32?)?>(nil)
    /// Not 0: the drive has so many bytes, and its files take what they take of it.
    let totalBytes = Atomic<UInt64>(0)
    private let disk: DirectoryDisk

    init(path: String) throws { disk = try DirectoryDisk(path: path) }

    private func needSpace() throws(Failure) {
        if isFull.load(ordering: .relaxed) { throw Failure(errno: ENOSPC, "full") }
    }

    fileprivate func ask(_ call: DiskCall, _ path: String) throws(Failure) {
        if let number = fault.withLock({ $0 })?(call, path) { throw Failure(errno: number, "\(call) of \(path)") }
    }

    func createDirectories(_ path: String) throws(Failure) {
        try ask(.createDirectories, path)
        try disk.createDirectories(path)
    }

    func list(_ path: String) throws(Failure) -> [String] {
        try ask(.list, path)
        if let part = unlistable.withLock({ $0 }), path.contains(part) { throw Failure(errno: EIO, "cannot list") }
        return try disk.list(path)
    }

    func exists(_ path: String) throws(Failure) -> Bool {
        try ask(.exists, path)
        return try disk.exists(path)
    }
    func readFile(_ path: String, bytesMax: Int) throws(Failure) -> [UInt8] {
        try ask(.readFile, path)
        return try disk.readFile(path, bytesMax: bytesMax)
    }

    func replaceFile(_ path: String, with bytes: [UInt8]) throws(Failure) {
        try ask(.replaceFile, path)
        if path.hasSuffix("headers") || path.hasSuffix("catalogue") { try needSpace() }
        try disk.replaceFile(path, with: bytes)
        if path.hasSuffix("pool.json"), poolFileFails.exchange(false, ordering: .relaxed) {
            throw Failure(errno: EIO, "cannot sync the directory")
        }
    }

    func openSlice(_ path: String) throws(Failure) -> any DiskFile {
        try ask(.openSlice, path)
        return FaultyFile(try disk.openSlice(path), self, path)
    }

    func createSlice(_ path: String, bytes: UInt64) throws(Failure) -> any DiskFile {
        try ask(.createSlice, path)
        try needSpace()
        if try space().freeBytes < bytes { throw Failure(errno: ENOSPC, "full") }
        return FaultyFile(try disk.createSlice(path, bytes: bytes), self, path)
    }

    func openLog(_ path: String) throws(Failure) -> any DiskFile {
        try ask(.openLog, path)
        return FaultyFile(try disk.openLog(path), self, path)
    }

    func rename(_ from: String, to: String) throws(Failure) {
        try ask(.rename, from)
        if from.contains("/free/") { try needSpace() }
        try disk.rename(from, to: to)
    }

    func remove(_ path: String) throws(Failure) {
        try ask(.remove, path)
        try disk.remove(path)
    }
    func removeDirectory(_ path: String) throws(Failure) {
        try ask(.removeDirectory, path)
        try disk.removeDirectory(path)
    }
    func synchronizeDirectory(_ path: String) throws(Failure) {
        try ask(.synchronizeDirectory, path)
        try disk.synchronizeDirectory(path)
    }
    func space() throws(Failure) -> DiskSpace {
        try ask(.space, ".")
        let total = totalBytes.load(ordering: .relaxed)
        if total == 0 { return try disk.space() }
        let files = FileManager.default.enumerator(atPath: disk.path)
        var used: UInt64 = 0
        while files?.nextObject() != nil { used += files?.fileAttributes?[.size] as? UInt64 ?? 0 }
        return DiskSpace(totalBytes: total, freeBytes: total > used ? total - used : 0)
    }
    func verifyPresence() throws(Failure) {
        if isGone.load(ordering: .relaxed) { throw Failure(.notFound, "gone") }
        try disk.verifyPresence()
    }
}

final class FaultyFile: DiskFile {
    private let file: any DiskFile
    private let disk: FaultyDisk
    /// When it was opened; a file that is made under a temporary name keeps that.
    private let path: String
    private static let readOnly = open("/dev/null", O_RDONLY | O_CLOEXEC)

    init(_ file: any DiskFile, _ disk: FaultyDisk, _ path: String) {
        self.file = file
        self.disk = disk
        self.path = path
    }

    var descriptor: Int32 { disk.isBroken.load(ordering: .relaxed) ? Self.readOnly : file.descriptor }
    func size() throws(Failure) -> UInt64 {
        try disk.ask(.size, path)
        return try file.size()
    }
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) -> Int {
        try disk.ask(.read, path)
        return try file.read(into: buffer, at: offset)
    }
    func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(Failure) {
        try disk.ask(.write, path)
        if path.contains("/%sg/") { usleep(disk.writeDelayMicroseconds.exchange(0, ordering: .relaxed)) }
        try file.write(buffer, at: offset)
    }
    func truncate(to bytes: UInt64) throws(Failure) {
        try disk.ask(.truncate, path)
        try file.truncate(to: bytes)
    }
    func synchronize() throws(Failure) {
        try disk.ask(.synchronize, path)
        try file.synchronize()
    }
}
