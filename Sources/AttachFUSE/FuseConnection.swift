import Base
import BlockDevice
import CLinux
import Glibc
import SystemIO

/// The data path of one device: takes requests from `/dev/fuse`, gives them to the `BlockDevice`, writes the answers.
///
/// Invariants: a slot is free, or holds one request that the kernel waits for; nothing is read from the kernel without a
/// free slot and room for a write's payload; while a slot is taken the connection keeps itself alive; once `isOver`,
/// nothing is written to the descriptor. Nothing is allocated per request.
/// `@unchecked Sendable`: confined to the device's loop, `init` and `deinit` apart.
final class FuseConnection: IOTarget, BatchTarget, BlockRequestOwner, @unchecked Sendable {
    /// What the kernel may have in flight at once in the background; more waits in its own queue.
    static let backgroundCountMax: UInt16 = 256
    private static let slotCount = 320
    /// After so many requests the other devices of the loop have their turn.
    private static let requestsPerTurnMax = 256
    private static let turnNanoseconds: UInt64 = 1_000
    /// The kernel keeps the attributes until it is told of a change: so a loop device's name can still be asked for when
    /// its process is dead.
    private static let attributesValidSeconds: UInt64 = 1 << 32

    private enum Tag {
        static let poll: UInt64 = 0
        static let turn: UInt64 = 1
    }

    private struct Slot {
        var unique: UInt64 = 0
        var bytes = 0
    }

    private let device: any BlockDevice
    private let loop: EventLoop
    private let isReadOnly: Bool
    private let requestBytesMax: Int
    private let buffers: ReplyBuffers
    private let descriptor: Int32
    private let waiter: Int32
    private var requests: [BlockRequest] = []
    private let slots: UnsafeMutablePointer<Slot>
    private var freeSlots: [Int]

    /// While the kernel has nothing for us.
    private var poll: UInt64?
    private var isDrainDue = false
    private var isBetweenTurns = false
    private var isWaitingForRoom = false
    private var isWaitingForSlot = false
    private var isOver = false
    private var isClosed = false
    /// Takes no more requests: what the kernel still has is a successor's.
    private var isSuspended = false
    private var onIdle: (@Sendable () -> Void)?
    /// The connection is a dead process's: INIT was answered, and some requests were taken and never answered.
    private let isResumed: Bool
    /// The kernel would send again what this process took and did not answer.
    private(set) var canBeResumed: Bool
    /// Self, until it is closed and no slot is taken.
    private var itself: FuseConnection?
    private var onClose: (@Sendable () -> Void)?

    /// `descriptor` and its `waiter` are owned from here on. `isResumed`: another process served the connection before.
    init(
        owning descriptor: Int32, waiter: Int32, device: any BlockDevice, isReadOnly: Bool, buffers: ReplyBuffers,
        isResumed: Bool = false
    ) {
        self.isResumed = isResumed
        canBeResumed = isResumed
        self.descriptor = descriptor
        self.waiter = waiter
        self.device = device
        self.loop = device.loop
        self.isReadOnly = isReadOnly
        self.buffers = buffers
        requestBytesMax = type(of: device).requestBytesMax
        slots = .allocate(capacity: Self.slotCount)
        slots.initialize(repeating: Slot(), count: Self.slotCount)
        freeSlots = Array((0..<Self.slotCount).reversed())
        requests = (0..<Self.slotCount).map { index in
            let request = BlockRequest(owner: self)
            request.tag = UInt64(index)
            return request
        }
    }

    deinit {
        slots.deallocate()
        if !isOver { close(descriptor) }
        if !isClosed { close(waiter) }
    }

    // MARK: Life

    /// Serves from now on. `onClose` is called once, when the kernel gave up the connection or after `abort`.
    func begin(onClose: @escaping @Sendable () -> Void) {
        loop.preconditionOnLoop()
        self.onClose = onClose
        itself = self
        // A page fault or an allocation of this thread must not wait for writes that it has to carry out itself.
        // Refused without CAP_SYS_RESOURCE; then only the hint is lost.
        _ = ashlar_set_io_flusher()
        // Where the connection is over already, the next receive tells.
        if isResumed { _ = ashlar_fuse_resend(descriptor) }
        awaitRequests()
    }

    /// Takes no more requests; `onIdle` is called when those taken are answered. The connection stays, for a successor.
    func suspend(onIdle: @escaping @Sendable () -> Void) {
        loop.preconditionOnLoop()
        isSuspended = true
        if isClosed || freeSlots.count == Self.slotCount { return onIdle() }
        self.onIdle = onIdle
    }

    private func awaitRequests() {
        if poll == nil { poll = loop.pollReadable(waiter, target: self, tag: Tag.poll) }
    }

    /// From now on all I/O of the device fails.
    func abort() {
        loop.preconditionOnLoop()
        guard !isOver else { return }
        isOver = true
        close(descriptor)
        if let poll { loop.stopPolling(poll) } else { finish() }
    }

    private func finish() {
        isClosed = true
        close(waiter)
        onClose?()
        onClose = nil
        releaseItself()
    }

    func ioCompleted(_ tag: UInt64, result: Int32) {
        switch tag {
        case Tag.turn:
            isBetweenTurns = false
            scheduleDrain()
        default:
            poll = nil
            if isOver {
                finish()
            } else if result < 0 {
                abort()
            } else {
                scheduleDrain()
            }
        }
    }

    private func releaseItself() {
        if isClosed && freeSlots.count == Self.slotCount { itself = nil }
    }

    // MARK: Requests

    /// Once a batch of completions, however many wake-ups it holds.
    private func scheduleDrain() {
        guard !isDrainDue, !isOver else { return }
        isDrainDue = true
        loop.atEndOfBatch(self)
    }

    func batchEnded() {
        isDrainDue = false
        drain()
    }

    func roomAvailable() {
        isWaitingForRoom = false
        scheduleDrain()
    }

    /// Takes requests until the kernel has none, or something that they need is missing; what frees it drains again.
    private func drain() {
        var count = 0
        var request = ashlar_fuse_request()
        while !isOver, !isSuspended, !isWaitingForRoom, !isBetweenTurns {
            if freeSlots.isEmpty {
                isWaitingForSlot = true
                return
            }
            guard let landing = device.landingBuffer(waiter: self) else {
                isWaitingForRoom = true
                return
            }
            let result = ashlar_fuse_receive(descriptor, landing, requestBytesMax, &request)
            if result == 0 { return awaitRequests() }
            if result < 0 { return abort() }
            handle(request, landing)
            count += 1
            if count == Self.requestsPerTurnMax {
                isBetweenTurns = true
                loop.timer(nanoseconds: Self.turnNanoseconds, target: self, tag: Tag.turn)
            }
        }
    }

    private func handle(_ request: ashlar_fuse_request, _ landing: UnsafeMutableRawPointer) {
        let unique = request.unique
        switch ashlar_fuse_kind(request.kind) {
        case ASHLAR_FUSE_READ: read(request)
        case ASHLAR_FUSE_WRITE: write(request, landing)
        case ASHLAR_FUSE_SYNC: submit(.flush, request, offset: 0, bytes: 0)
        case ASHLAR_FUSE_PUNCH: change(.discard, request)
        case ASHLAR_FUSE_ZERO: change(.writeZeroes, request)
        case ASHLAR_FUSE_GETATTR: replyAttributes(unique)
        case ASHLAR_FUSE_SETATTR:
            // A device is resized by its engine, never through its file.
            if request.flags != 0 && request.bytes != device.sizeBytes {
                reply(unique, EPERM)
            } else {
                replyAttributes(unique)
            }
        case ASHLAR_FUSE_OPEN: _ = ashlar_fuse_reply_open(descriptor, unique)
        case ASHLAR_FUSE_CLOSE: reply(unique, 0)
        case ASHLAR_FUSE_STATFS: _ = ashlar_fuse_reply_statfs(descriptor, unique, device.sizeBytes)
        case ASHLAR_FUSE_INIT:
            canBeResumed = ashlar_fuse_offers_resend(request.flags)
            _ = ashlar_fuse_reply_init(
                descriptor, unique, request.flags, UInt32(requestBytesMax), Self.backgroundCountMax)
        case ASHLAR_FUSE_SILENT: break
        case ASHLAR_FUSE_UNSUPPORTED: reply(unique, EOPNOTSUPP)
        case ASHLAR_FUSE_MALFORMED: reply(unique, EINVAL)
        default: reply(unique, ENOSYS)
        }
    }

    /// Short at the end of the device, as a read of a file is.
    private func read(_ request: ashlar_fuse_request) {
        guard request.bytes <= UInt64(requestBytesMax), isAligned(request) else { return reply(request.unique, EINVAL) }
        let sizeBytes = device.sizeBytes
        guard request.offset < sizeBytes, request.bytes > 0 else { return reply(request.unique, 0) }
        let bytes = Int(min(request.bytes, sizeBytes - request.offset))
        let index = takeSlot(request, bytes: bytes)
        let block = requests[index]
        block.operation = .read
        block.offset = request.offset
        block.length = bytes
        if let buffer = buffers.take(bytes: bytes, for: BufferClaim(connection: self, slot: index)) {
            block.buffer = buffer
            device.submit(block)
        }
    }

    /// A read that waited has its buffer.
    func bufferAvailable(_ buffer: UnsafeMutableRawPointer, slot index: Int) {
        requests[index].buffer = buffer
        if isOver { completed(requests[index], result: EIO) } else { device.submit(requests[index]) }
    }

    private func write(_ request: ashlar_fuse_request, _ landing: UnsafeMutableRawPointer) {
        guard request.bytes > 0, request.bytes <= UInt64(requestBytesMax), isAligned(request) else {
            return reply(request.unique, EINVAL)
        }
        guard !isReadOnly else { return reply(request.unique, EROFS) }
        let sizeBytes = device.sizeBytes
        guard request.offset < sizeBytes, request.bytes <= sizeBytes - request.offset else {
            return reply(request.unique, ENOSPC)
        }
        submit(.write, request, offset: request.offset, bytes: Int(request.bytes), buffer: landing)
    }

    private func change(_ operation: BlockOperation, _ request: ashlar_fuse_request) {
        let sizeBytes = device.sizeBytes
        guard request.bytes > 0, isAligned(request), request.offset < sizeBytes else {
            return reply(request.unique, EINVAL)
        }
        guard !isReadOnly else { return reply(request.unique, EROFS) }
        submit(
            operation, request, offset: request.offset,
            bytes: Int(min(request.bytes, sizeBytes - request.offset)))
    }

    /// The loop device has 4 KiB sectors; whoever else got at the file is told.
    private func isAligned(_ request: ashlar_fuse_request) -> Bool {
        (request.offset | request.bytes) & UInt64(blockBytes - 1) == 0
    }

    // MARK: Slots

    private func takeSlot(_ request: ashlar_fuse_request, bytes: Int) -> Int {
        guard let index = freeSlots.popLast() else { preconditionFailure("a request was taken without a slot for it") }
        slots[index] = Slot(unique: request.unique, bytes: bytes)
        requests[index].unique = request.number
        requests[index].isRepeated = request.is_repeated
        return index
    }

    private func submit(
        _ operation: BlockOperation, _ taken: ashlar_fuse_request, offset: UInt64, bytes: Int,
        buffer: UnsafeMutableRawPointer? = nil
    ) {
        let request = requests[takeSlot(taken, bytes: bytes)]
        request.operation = operation
        request.offset = offset
        request.length = bytes
        request.buffer = buffer
        device.submit(request)
    }

    func completed(_ request: BlockRequest, result: Int32) {
        let index = Int(request.tag)
        let slot = slots[index]
        if !isOver { answer(request, slot, result) }
        let buffer = request.buffer
        request.buffer = nil
        freeSlots.append(index)
        if request.operation == .read, let buffer { buffers.give(buffer, bytes: slot.bytes) }
        if isWaitingForSlot {
            isWaitingForSlot = false
            scheduleDrain()
        }
        if isSuspended, freeSlots.count == Self.slotCount, let onIdle {
            self.onIdle = nil
            onIdle()
        }
        if isClosed { releaseItself() }
    }

    /// A failed write to the descriptor means that the kernel no longer waits for this request, or for any: the next receive tells.
    private func answer(_ request: BlockRequest, _ slot: Slot, _ result: Int32) {
        if result != 0 { return reply(slot.unique, result) }
        switch request.operation {
        case .read: _ = ashlar_fuse_reply(descriptor, slot.unique, 0, request.buffer, slot.bytes)
        case .write: _ = ashlar_fuse_reply_written(descriptor, slot.unique, UInt32(slot.bytes))
        case .flush, .discard, .writeZeroes: reply(slot.unique, 0)
        }
    }

    private func reply(_ unique: UInt64, _ error: Int32) { _ = ashlar_fuse_reply(descriptor, unique, error, nil, 0) }

    private func replyAttributes(_ unique: UInt64) {
        var attributes = ashlar_fuse_attributes(
            bytes: device.sizeBytes, mode: isReadOnly ? 0o400 : 0o600, valid_seconds: Self.attributesValidSeconds)
        _ = ashlar_fuse_reply_attributes(descriptor, unique, &attributes)
    }
}
