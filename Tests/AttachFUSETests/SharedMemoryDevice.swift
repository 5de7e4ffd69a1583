import Base
import BlockDevice
import Glibc
import SystemIO

/// Blocks in a file of tmpfs that several processes map one after the other: what one wrote the next one has. Answers some time later,
/// so that a process that is killed has requests which it did not answer.
///
/// `@unchecked Sendable`: `waiting` is confined to the loop's thread.
final class SharedMemoryDevice: BlockDevice, IOTarget, @unchecked Sendable {
    static let requestBytesMax = 1 << 20
    private static let answerNanoseconds: UInt64 = 2_000_000

    let loop: EventLoop
    let sizeBytes: UInt64
    let isReadOnly = false
    private let memory: UnsafeMutableRawPointer
    private let landing = AlignedBuffer(bytes: requestBytesMax)
    private var waiting: [BlockRequest] = []
    /// Requests that the kernel sent before.
    private(set) var repeatedCount = 0

    init(loop: EventLoop, path: String, sizeBytes: UInt64) throws {
        let file = try FileDescriptor(opening: path, flags: O_RDWR | O_CREAT | O_CLOEXEC, "cannot open \(path)")
        try file.truncate(to: sizeBytes)
        guard
            let mapped = mmap(
                nil, Int(sizeBytes), PROT_READ | PROT_WRITE, MAP_SHARED | Int32(MAP_POPULATE), file.number, 0),
            mapped != MAP_FAILED
        else { throw Failure(errno: errno, "cannot map \(path)") }
        memory = mapped
        self.loop = loop
        self.sizeBytes = sizeBytes
        memset(landing.base, 0, Self.requestBytesMax)
    }

    deinit { munmap(memory, Int(sizeBytes)) }

    func landingBuffer(waiter: any BlockRequestOwner) -> UnsafeMutableRawPointer? { landing.base }

    func submit(_ request: BlockRequest) {
        precondition(request.unique != 0 && request.unique >> 63 == 0, "a request has the number that lasts")
        if request.isRepeated { repeatedCount += 1 }
        let place = memory + Int(request.offset)
        switch request.operation {
        case .read: if let buffer = request.buffer { memcpy(buffer, place, request.length) }
        case .write: if let buffer = request.buffer { memcpy(place, buffer, request.length) }
        case .discard, .writeZeroes: memset(place, 0, request.length)
        case .flush: break
        }
        if waiting.isEmpty { loop.timer(nanoseconds: Self.answerNanoseconds, target: self, tag: 0) }
        waiting.append(request)
    }

    func ioCompleted(_ tag: UInt64, result: Int32) {
        let answered = waiting
        waiting = []
        for request in answered { request.owner.completed(request, result: 0) }
    }
}
