import Base
import Glibc

/// Page-aligned memory of fixed size, zeroed, freed when released. Not thread-safe by itself: its owner says who touches it.
public final class AlignedBuffer: @unchecked Sendable {
    public let base: UnsafeMutableRawPointer
    public let bytes: Int

    public init(bytes: Int) {
        self.bytes = bytes.roundedUp(toMultipleOf: blockBytes)
        guard
            let memory = mmap(
                nil, self.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else { preconditionFailure("out of memory: \(bytes) bytes") }
        base = memory
    }

    deinit { munmap(base, bytes) }

    public var span: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: base, count: bytes) }
}
