import Base
import SystemIO

public enum BlockOperation: UInt8, Sendable {
    case read, write, flush, discard, writeZeroes
}

/// One request, owned and reused by its front end; nothing is allocated per I/O.
///
/// Between `submit` and `owner.completed` the device owns `buffer`'s bytes.
public final class BlockRequest {
    public var operation: BlockOperation = .read
    /// Bytes; a multiple of 4 KiB, as is `length`.
    public var offset: UInt64 = 0
    public var length: Int = 0
    /// Read: where the bytes go (4 KiB-aligned, at least `length`). Write: the device's landing buffer, filled.
    public var buffer: UnsafeMutableRawPointer?
    /// Write: answer only when durable.
    public var forceUnitAccess = false
    /// The number under which the front end's client knows the request while its connection lasts. 0: it has none.
    public var unique: UInt64 = 0
    /// The client may have sent the request before, to a process that died before it answered.
    public var isRepeated = false
    /// The front end's own number for the request.
    public var tag: UInt64 = 0
    /// Set once by the front end, which outlives its requests.
    public unowned let owner: any BlockRequestOwner

    /// The device's own bookkeeping while it has the request (for example parts of a read still missing).
    public var pendingPartCount = 0
    public var result: Int32 = 0
    public var count: RequestCount?

    public init(owner: any BlockRequestOwner) { self.owner = owner }
}

/// How many requests a device has that it has not answered. On the device's loop.
public final class RequestCount {
    public private(set) var outstanding = 0
    /// Called once, when there is none any more.
    private var atZero: [() -> Void] = []

    public init() {}

    public func began(_ request: BlockRequest) {
        outstanding += 1
        request.count = self
    }

    /// The request was answered, and has no count any more.
    public func ended() {
        outstanding -= 1
        if outstanding == 0, !atZero.isEmpty {
            let bodies = atZero
            atZero = []
            for body in bodies { body() }
        }
    }

    public func whenZero(_ body: @escaping () -> Void) {
        if outstanding == 0 { body() } else { atZero.append(body) }
    }
}

public protocol BlockRequestOwner: AnyObject {
    /// On the device's loop. `result` is 0 or a positive errno.
    func completed(_ request: BlockRequest, result: Int32)
    /// On the device's loop, once after `landingBuffer` answered nil: there is room again.
    func roomAvailable()
}

/// The data-plane port: a thin device of 4 KiB blocks.
///
/// Ordering contract: a write that is answered is seen by every later read. `flush` is answered when every write answered
/// before it was submitted is durable. Writes in flight together may land in either order. A write is durable only after
/// a flush (or with FUA). Reads of blocks never written, or discarded, are zeros.
///
/// Everything but `sizeBytes` and `isReadOnly` is called on `loop`'s thread only.
public protocol BlockDevice: AnyObject, Sendable {
    var loop: EventLoop { get }
    var sizeBytes: UInt64 { get }
    var isReadOnly: Bool { get }

    /// The largest `length` of a read or write.
    static var requestBytesMax: Int { get }

    /// Asked before each request is taken from a client, whatever it will be. Where the payload of the next write must be put:
    /// `requestBytesMax` bytes, 4 KiB-aligned, valid until the next call of `landingBuffer` or `submit` of a write. Nil: no room now, or the
    /// volume has had what its limits allow; `waiter.roomAvailable()` will say when.
    func landingBuffer(waiter: any BlockRequestOwner) -> UnsafeMutableRawPointer?

    /// Takes the request; `owner.completed` follows, possibly before this returns.
    func submit(_ request: BlockRequest)
}
