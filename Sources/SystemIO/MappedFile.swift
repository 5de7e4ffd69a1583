import Base
import CLinux
import Glibc

/// A file's bytes as memory, shared with every process that maps it, and there after all of them have died. Unmapped when released.
///
/// `@unchecked Sendable`: whoever has it says who touches the memory.
public final class MappedFile: @unchecked Sendable {
    public let base: UnsafeMutableRawPointer
    public let bytes: Int
    /// The filesystem keeps it in memory only (tmpfs).
    public let isInMemory: Bool

    /// A new file of zeros, allocated as a whole: writing to the memory can never want for space. One of that name is replaced. `exhausted`
    /// where there is no room for it; nothing is left then.
    public convenience init(creating path: String, bytes: Int) throws(Failure) {
        let file = try FileDescriptor(
            opening: path, flags: O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, "cannot make \(path)")
        do throws(Failure) {
            try systemCall("no room for \(path) (\(ByteSize.text(UInt64(bytes))))") {
                ashlar_fallocate(file.number, UInt64(bytes))
            }
            try self.init(file, path)
        } catch {
            unlink(path)
            throw error
        }
    }

    /// `notFound` where there is none.
    public convenience init(opening path: String) throws(Failure) {
        try self.init(FileDescriptor(opening: path, flags: O_RDWR | O_CLOEXEC, "cannot open \(path)"), path)
    }

    private init(_ file: FileDescriptor, _ path: String) throws(Failure) {
        bytes = Int(try file.size())
        guard bytes > 0 else { throw Failure(.corrupt, "\(path) is empty") }
        isInMemory = try systemCall("cannot ask for the filesystem of \(path)") { ashlar_is_on_tmpfs(file.number) } == 1
        guard let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file.number, 0),
            memory != MAP_FAILED
        else { throw Failure(errno: errno, "cannot map \(path)") }
        base = memory
    }

    deinit { munmap(base, bytes) }

    /// Keeps the memory from being swapped out while this process lives. 0, or the errno of the refusal.
    public func lock() -> Int32 { mlock(base, bytes) == 0 ? 0 : errno }
}

/// Stores `value` behind everything that was stored before, for a process that looks after this one was killed at any moment. `place` is
/// aligned to the value's size.
public func storeLast(_ value: UInt32, at place: UnsafeMutableRawPointer) {
    ashlar_store_release_u32(place, value.littleEndian)
}

public func storeLast(_ value: UInt64, at place: UnsafeMutableRawPointer) {
    ashlar_store_release_u64(place, value.littleEndian)
}
