import Base
import Glibc
import SystemIO

/// A device that answers at once: reads are zeros, writes are forgotten. It measures what a front end costs by itself.
/// `@unchecked Sendable`: `landing` is confined to the loop's thread.
public final class NullDevice: BlockDevice, @unchecked Sendable {
    public static let requestBytesMax = 1 << 20

    public let loop: EventLoop
    public let sizeBytes: UInt64
    public let isReadOnly = false
    private let landing = AlignedBuffer(bytes: requestBytesMax)

    public init(loop: EventLoop, sizeBytes: UInt64) {
        precondition(sizeBytes % UInt64(blockBytes) == 0, "a device has whole blocks")
        self.loop = loop
        self.sizeBytes = sizeBytes
    }

    public func landingBuffer(waiter: any BlockRequestOwner) -> UnsafeMutableRawPointer? { landing.base }

    public func submit(_ request: BlockRequest) {
        if request.operation == .read, let buffer = request.buffer { memset(buffer, 0, request.length) }
        request.owner.completed(request, result: 0)
    }
}
