import Base
import BlockDevice
import Glibc
import Synchronization
import SystemIO

/// A naive, correct `BlockDevice`: every block that is not zeros is in memory. It can answer late and out of order,
/// refuse room for writes now and then, fail, and stop answering.
///
/// `@unchecked Sendable`: all but the atomics is confined to the loop's thread.
public final class MemoryDevice: BlockDevice, @unchecked Sendable {
    public enum Answers: Sendable {
        case atOnce
        /// At the end of the batch, in an order that `seed` decides.
        case shuffled(seed: UInt64)
        /// Never; what waits is answered when another mode is set.
        case never
    }

    public static let requestBytesMax = 1 << 20

    public let loop: EventLoop
    public let isReadOnly: Bool
    private let size: Atomic<UInt64>
    private let landing = AlignedBuffer(bytes: requestBytesMax)
    private var blocks: [UInt64: UnsafeMutableRawPointer] = [:]
    private var answers = Answers.atOnce
    private var random = SeededRandom(seed: 0)
    private var waiting: [BlockRequest] = []
    private var isBatchEndDue = false
    private var failures: [BlockOperation: Int32] = [:]
    private var refusalPeriod = 0
    private var landingCallCount = 0
    private var waiters: [any BlockRequestOwner] = []
    private var flushes = 0

    public init(loop: EventLoop, sizeBytes: UInt64, isReadOnly: Bool = false) {
        precondition(sizeBytes % UInt64(blockBytes) == 0, "a device has whole blocks")
        self.loop = loop
        self.isReadOnly = isReadOnly
        size = Atomic(sizeBytes)
    }

    deinit { for block in blocks.values { block.deallocate() } }

    public var sizeBytes: UInt64 { size.load(ordering: .acquiring) }

    // MARK: What tests set and see, on the loop's thread

    public func setAnswers(_ mode: Answers) {
        answers = mode
        if case .shuffled(let seed) = mode { random = SeededRandom(seed: seed) }
        batchEnded()
    }

    /// Every request of this kind is answered with `error` (positive errno) and not carried out; 0 ends it.
    public func fail(_ operation: BlockOperation, with error: Int32) { failures[operation] = error == 0 ? nil : error }

    /// Every so many calls of `landingBuffer` there is no room for a moment. 0: never.
    public func refuseRoom(every period: Int) { refusalPeriod = period }

    public func grow(to sizeBytes: UInt64) { size.store(max(sizeBytes, self.sizeBytes), ordering: .releasing) }

    public var storedBlockCount: Int { blocks.count }
    public var flushCount: Int { flushes }

    // MARK: BlockDevice

    public func landingBuffer(waiter: any BlockRequestOwner) -> UnsafeMutableRawPointer? {
        loop.preconditionOnLoop()
        landingCallCount += 1
        guard refusalPeriod > 0, landingCallCount % refusalPeriod == 0 else { return landing.base }
        waiters.append(waiter)
        loop.timer(nanoseconds: 100_000, target: self, tag: 0)
        return nil
    }

    public func submit(_ request: BlockRequest) {
        loop.preconditionOnLoop()
        precondition(request.offset % UInt64(blockBytes) == 0 && request.length % blockBytes == 0, "whole blocks only")
        precondition(request.offset + UInt64(request.length) <= sizeBytes, "a request past the device's end")
        // A write's payload is taken now: the landing buffer belongs to the next one.
        request.result = failures[request.operation] ?? 0
        if request.result == 0, request.operation != .read { change(request) }
        if case .atOnce = answers { return answer(request) }
        waiting.append(request)
        if !isBatchEndDue {
            isBatchEndDue = true
            loop.atEndOfBatch(self)
        }
    }

    private func change(_ request: BlockRequest) {
        for index in 0..<request.length / blockBytes {
            let block = request.offset >> blockShift + UInt64(index)
            if request.operation == .write, let buffer = request.buffer {
                store(buffer + index * blockBytes, in: block)
            } else {
                blocks.removeValue(forKey: block)?.deallocate()
            }
        }
        if request.operation == .flush { flushes += 1 }
    }

    private func store(_ bytes: UnsafeMutableRawPointer, in block: UInt64) {
        if let old = blocks[block] {
            old.copyMemory(from: bytes, byteCount: blockBytes)
        } else {
            let new = UnsafeMutableRawPointer.allocate(byteCount: blockBytes, alignment: blockBytes)
            new.copyMemory(from: bytes, byteCount: blockBytes)
            blocks[block] = new
        }
    }

    private func answer(_ request: BlockRequest) {
        if request.operation == .read, request.result == 0, let buffer = request.buffer {
            for index in 0..<request.length / blockBytes {
                let target = buffer + index * blockBytes
                if let stored = blocks[request.offset >> blockShift + UInt64(index)] {
                    target.copyMemory(from: stored, byteCount: blockBytes)
                } else {
                    memset(target, 0, blockBytes)
                }
            }
        }
        request.owner.completed(request, result: request.result)
    }
}

extension MemoryDevice: BatchTarget, IOTarget {
    public func batchEnded() {
        isBatchEndDue = false
        if case .never = answers { return }
        if case .shuffled = answers { waiting.shuffle(using: &random) }
        let requests = waiting
        waiting = []
        for request in requests { answer(request) }
    }

    public func ioCompleted(_ tag: UInt64, result: Int32) {
        guard !waiters.isEmpty else { return }
        waiters.removeFirst().roomAvailable()
    }
}
