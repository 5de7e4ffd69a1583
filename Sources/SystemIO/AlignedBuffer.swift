import Base
import Glibc

/// Page-aligned memory of fixed size, zeroed, freed when released. Not thread-safe by itself: its owner says who touches it.
public final class AlignedBuffer: @unchecked Sendable {
    public let base: UnsafeMutableRawPointer
    public let bytes: Int

    private static let hugePageBytes = 2 << 20

    /// `isHuge`: for large buffers that are used for I/O as a whole. The kernel is asked for pages of 2 MiB, so that it pins one page where
    /// it would pin 512 and a request to a drive has few segments. Where it has none the buffer is as any other.
    /// `isPresent`: every page is there from the beginning. For what the kernel copies requests into: a process that is killed while such
    /// a copy waits for a page loses the request (EIO for who sent it), since a dying process is given no more pages.
    public init(bytes: Int, isHuge: Bool = false, isPresent: Bool = false) {
        self.bytes = bytes.roundedUp(toMultipleOf: blockBytes)
        defer { if isPresent { makePresent() } }
        guard isHuge, self.bytes >= Self.hugePageBytes else {
            base = Self.map(self.bytes)
            return
        }
        // A mapping that is larger by one page holds an aligned one; what is left over on both sides goes back.
        let whole = Self.map(self.bytes + Self.hugePageBytes)
        let front = -Int(bitPattern: whole) & (Self.hugePageBytes - 1)
        base = whole + front
        if front > 0 { munmap(whole, front) }
        munmap(base + self.bytes, Self.hugePageBytes - front)
        madvise(base, self.bytes, MADV_HUGEPAGE)
    }

    private static func map(_ bytes: Int) -> UnsafeMutableRawPointer {
        guard
            let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else { preconditionFailure("out of memory: \(bytes) bytes") }
        return memory
    }

    private static let populateWrite: Int32 = 23  // MADV_POPULATE_WRITE, since Linux 5.14

    private func makePresent() {
        guard madvise(base, bytes, Self.populateWrite) != 0 else { return }
        for offset in stride(from: 0, to: bytes, by: blockBytes) {
            (base + offset).storeBytes(of: 0, as: UInt8.self)
        }
    }

    deinit { munmap(base, bytes) }

    public var span: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: base, count: bytes) }
}
