import Base
import CLinux
import Glibc
import Synchronization

/// An open descriptor, closed when released. Reads and writes are complete or throw.
public final class FileDescriptor: DiskFile {
    public let number: Int32
    private let isOwned = Atomic<Bool>(true)

    public init(owning number: Int32) { self.number = number }

    /// `directory` nil: `path` is absolute, or relative to the working directory.
    public init(
        opening path: String, in directory: FileDescriptor? = nil, flags: Int32, mode: UInt32 = 0o600,
        _ what: @autoclosure () -> String
    ) throws(Failure) {
        let base = directory?.number ?? AT_FDCWD
        number = try systemCall(what()) { ashlar_openat(base, path, flags, mode) }
    }

    deinit { closeOnce() }

    public var descriptor: Int32 { number }

    public func close() { closeOnce() }

    /// Somebody else closes the number now.
    public func disown() { isOwned.store(false, ordering: .relaxed) }

    private func closeOnce() {
        if isOwned.exchange(false, ordering: .relaxed) { _ = Glibc.close(number) }
    }

    /// Another number for the same open file, closed on exec; the caller owns it.
    public func duplicate() throws(Failure) -> Int32 {
        try systemCall("cannot duplicate a descriptor") { fcntl(number, F_DUPFD_CLOEXEC, 3) }
    }

    public func status() throws(Failure) -> stat {
        var status = stat()
        try systemCall("cannot stat a descriptor") { fstat(number, &status) }
        return status
    }

    public func size() throws(Failure) -> UInt64 { UInt64(try status().st_size) }

    public func readAll(bytes: Int) throws(Failure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: bytes)
        let result: Result<Int, Failure> = bytes.withUnsafeMutableBytes { buffer in
            do throws(Failure) { return .success(try read(into: buffer, at: 0)) } catch { return .failure(error) }
        }
        bytes.removeLast(bytes.count - (try result.get()))
        return bytes
    }

    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) -> Int {
        var done = 0
        while done < buffer.count, let base = buffer.baseAddress {
            let count = try systemCall("cannot read") {
                pread(number, base + done, buffer.count - done, off_t(offset) + off_t(done))
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    public func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(Failure) {
        var done = 0
        while done < buffer.count, let base = buffer.baseAddress {
            done += try systemCall("cannot write") {
                pwrite(number, base + done, buffer.count - done, off_t(offset) + off_t(done))
            }
        }
    }

    public func truncate(to bytes: UInt64) throws(Failure) {
        try systemCall("cannot truncate") { ftruncate(number, off_t(bytes)) }
    }

    public func synchronize() throws(Failure) { try systemCall("cannot sync") { fdatasync(number) } }
}
