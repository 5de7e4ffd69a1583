import Base
import Synchronization
import SystemIO

/// How many entries of the header log all disks together may write.
final class HeaderBudget: Sendable {
    private struct State {
        var left = Int.max
        var written = 0
    }
    private let state = Mutex(State())

    func allow(_ count: Int) { state.withLock { $0 = State(left: count) } }
    var written: Int { state.withLock { $0.written } }

    func take() throws(Failure) {
        let isLeft = state.withLock { state in
            guard state.left > 0 else { return false }
            state.left -= 1
            state.written += 1
            return true
        }
        // Full, and not broken: a broken drive would be taken out of the pool.
        if !isLeft { throw Failure(.exhausted, "the test's budget of header writes is used up") }
    }
}

/// A directory whose header log can be written only so often.
final class BudgetedDisk: Disk {
    private let disk: DirectoryDisk
    private let budget: HeaderBudget

    init(path: String, _ budget: HeaderBudget) throws {
        disk = try DirectoryDisk(path: path)
        self.budget = budget
    }

    func openLog(_ path: String) throws(Failure) -> any DiskFile { BudgetedFile(try disk.openLog(path), budget) }

    func createDirectories(_ path: String) throws(Failure) { try disk.createDirectories(path) }
    func list(_ path: String) throws(Failure) -> [String] { try disk.list(path) }
    func exists(_ path: String) throws(Failure) -> Bool { try disk.exists(path) }
    func readFile(_ path: String, bytesMax: Int) throws(Failure) -> [UInt8] {
        try disk.readFile(path, bytesMax: bytesMax)
    }
    func replaceFile(_ path: String, with bytes: [UInt8]) throws(Failure) { try disk.replaceFile(path, with: bytes) }
    func openSlice(_ path: String) throws(Failure) -> any DiskFile { try disk.openSlice(path) }
    func createSlice(_ path: String, bytes: UInt64) throws(Failure) -> any DiskFile {
        try disk.createSlice(path, bytes: bytes)
    }
    func rename(_ from: String, to: String) throws(Failure) { try disk.rename(from, to: to) }
    func remove(_ path: String) throws(Failure) { try disk.remove(path) }
    func removeDirectory(_ path: String) throws(Failure) { try disk.removeDirectory(path) }
    func synchronizeDirectory(_ path: String) throws(Failure) { try disk.synchronizeDirectory(path) }
    func space() throws(Failure) -> DiskSpace { try disk.space() }
    func verifyPresence() throws(Failure) { try disk.verifyPresence() }
}

private final class BudgetedFile: DiskFile {
    private let file: any DiskFile
    private let budget: HeaderBudget

    init(_ file: any DiskFile, _ budget: HeaderBudget) {
        self.file = file
        self.budget = budget
    }

    var descriptor: Int32 { file.descriptor }
    func size() throws(Failure) -> UInt64 { try file.size() }
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) -> Int {
        try file.read(into: buffer, at: offset)
    }
    func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(Failure) {
        try budget.take()
        try file.write(buffer, at: offset)
    }
    func truncate(to bytes: UInt64) throws(Failure) { try file.truncate(to: bytes) }
    func synchronize() throws(Failure) { try file.synchronize() }
}
