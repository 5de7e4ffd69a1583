import Base
import SystemIO

/// Who waits for a buffer, and which of its requests.
struct BufferClaim {
    unowned let connection: FuseConnection
    let slot: Int
}

/// The buffers that reads are answered from, shared by all devices of one event loop. Two classes keep the memory
/// small: most reads are small, and few large ones are enough to keep a drive busy.
///
/// Confined to the loop's thread. 8 MiB + 16 MiB a loop, touched only as they are used.
final class ReplyBuffers {
    static let smallBytes = 64 << 10
    static let smallCount = 128
    static let largeBytes = 1 << 20
    static let largeCount = 16

    private struct SizeClass {
        let memory: AlignedBuffer
        var free: [UnsafeMutableRawPointer] = []
        var waiting = FIFO<BufferClaim>()

        init(bytes: Int, count: Int) {
            memory = AlignedBuffer(bytes: bytes * count, isHuge: true)
            // The last freed is used first: its pages are in the cache.
            for index in (0..<count).reversed() { free.append(memory.base + index * bytes) }
        }

        mutating func take(_ claim: BufferClaim) -> UnsafeMutableRawPointer? {
            // Nobody overtakes those who wait.
            if waiting.isEmpty, let buffer = free.popLast() { return buffer }
            waiting.append(claim)
            return nil
        }

        mutating func give(_ buffer: UnsafeMutableRawPointer) -> BufferClaim? {
            if let claim = waiting.popFirst() { return claim }
            free.append(buffer)
            return nil
        }
    }

    private var small = SizeClass(bytes: smallBytes, count: smallCount)
    private var large = SizeClass(bytes: largeBytes, count: largeCount)

    /// Nil: `claim.connection.bufferAvailable` follows.
    func take(bytes: Int, for claim: BufferClaim) -> UnsafeMutableRawPointer? {
        bytes <= Self.smallBytes ? small.take(claim) : large.take(claim)
    }

    /// Takes back what `take` or `bufferAvailable` gave for a request of `bytes`.
    func give(_ buffer: UnsafeMutableRawPointer, bytes: Int) {
        let claim = bytes <= Self.smallBytes ? small.give(buffer) : large.give(buffer)
        claim?.connection.bufferAvailable(buffer, slot: claim?.slot ?? 0)
    }

    var areAllFree: Bool { small.free.count == Self.smallCount && large.free.count == Self.largeCount }
}

/// A queue in a circle; grows when it is full and then keeps its size.
struct FIFO<Element> {
    private var elements: [Element?] = []
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ element: Element) {
        if count == elements.count {
            elements = (0..<count).map { elements[(head + $0) % count] } + Array(repeating: nil, count: max(64, count))
            head = 0
        }
        elements[(head + count) % elements.count] = element
        count += 1
    }

    mutating func popFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = elements[head]
        elements[head] = nil
        head = (head + 1) % elements.count
        count -= 1
        return element
    }
}
