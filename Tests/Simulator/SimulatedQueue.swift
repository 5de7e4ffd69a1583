import Base
import Glibc
import SystemIO

package final class ManualClock: MonotonicClock, @unchecked Sendable {
    // One thread runs a simulation.
    package var nanoseconds: UInt64 = 1
    package init() {}
    package func now() -> UInt64 { nanoseconds }
}

/// An `IOQueue` whose requests complete one at a time, in the order that chance picks. One that stalls completes
/// when its time has come; timers and everything else go before it.
package final class SimulatedQueue: IOQueue {
    private enum Request {
        case read(Int32, UnsafeMutableRawPointer, Int, UInt64)
        case write(Int32, [UInt8], UInt64, Bool)
        case synchronize(Int32)
        case job(() -> Void)
        case timer(UInt64)
    }
    private struct Waiting {
        var request: Request
        var target: (any IOTarget)?
        var tag: UInt64
        /// When it may complete at the earliest.
        var notBefore: UInt64
    }
    private let machine: SimulatedMachine
    private let clock: ManualClock
    private var waiting: [Waiting] = []
    private var batch: [any BatchTarget] = []

    package init(machine: SimulatedMachine, clock: ManualClock) {
        self.machine = machine
        self.clock = clock
    }

    package var isIdle: Bool { waiting.isEmpty && batch.isEmpty }

    package func read(
        _ descriptor: Int32, into buffer: UnsafeMutableRawPointer, bytes: Int, offset: UInt64, target: any IOTarget,
        tag: UInt64
    ) {
        add(.read(descriptor, buffer, bytes, offset), target, tag, on: descriptor)
    }

    package func write(
        _ descriptor: Int32, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, offset: UInt64,
        durable: Bool, target: any IOTarget, tag: UInt64
    ) {
        add(.write(descriptor, Array(first) + Array(second), offset, durable), target, tag, on: descriptor)
    }

    package func synchronize(_ descriptor: Int32, target: any IOTarget, tag: UInt64) {
        add(.synchronize(descriptor), target, tag, on: descriptor)
    }

    package func timer(nanoseconds: UInt64, target: any IOTarget, tag: UInt64) {
        add(.timer(clock.nanoseconds + nanoseconds), target, tag, on: nil)
    }

    package func atEndOfBatch(_ target: any BatchTarget) { batch.append(target) }

    package func blocking<T: Sendable>(
        _ job: @escaping @Sendable () throws(Failure) -> T, then: @escaping @Sendable (Result<T, Failure>) -> Void
    ) {
        let run = {
            let result: Result<T, Failure>
            do throws(Failure) { result = .success(try job()) } catch { result = .failure(error) }
            then(result)
        }
        add(.job(run), nil, 0, on: nil)
    }

    private func add(_ request: Request, _ target: (any IOTarget)?, _ tag: UInt64, on descriptor: Int32?) {
        let isTimer = if case .timer = request { true } else { false }
        let delay = isTimer ? 0 : machine.faults?.delay(ofJob: descriptor == nil) ?? 0
        waiting.append(
            Waiting(request: request, target: target, tag: tag, notBefore: delay == 0 ? 0 : clock.nanoseconds + delay))
    }

    /// One that may complete now. Where all stall nothing does, and the clock goes on a little.
    private func takeOne() -> Waiting? {
        if waiting.allSatisfy({ $0.notBefore > clock.nanoseconds }) {
            clock.nanoseconds += Self.stallNanoseconds
            return nil
        }
        var place = machine.pick(waiting.count)
        while waiting[place].notBefore > clock.nanoseconds { place = (place + 1) % waiting.count }
        return waiting.remove(at: place)
    }

    private static let stallNanoseconds: UInt64 = 20_000_000

    /// Completes one request, then ends the batch. False where nothing waits.
    package func step() -> Bool {
        endBatch()
        guard !waiting.isEmpty else { return false }
        guard let one = takeOne() else { return true }
        switch one.request {
        case .job(let run): run()
        case .timer(let due):
            clock.nanoseconds = max(clock.nanoseconds, due)
            one.target?.ioCompleted(one.tag, result: 0)
        case .read(let descriptor, let buffer, let bytes, let offset):
            one.target?.ioCompleted(
                one.tag,
                result: perform(.read, descriptor) { file in
                    Int32(file.readNow(into: UnsafeMutableRawBufferPointer(start: buffer, count: bytes), at: offset))
                })
        case .write(let descriptor, let bytes, let offset, let durable):
            one.target?.ioCompleted(
                one.tag,
                result: perform(.write, descriptor) { file in
                    if machine.faults?.fails(column: bytes, on: file.disk) == true { return -EIO }
                    bytes.withUnsafeBytes { file.writeNow($0, at: offset) }
                    if durable { file.synchronizeNow() }
                    return Int32(bytes.count)
                })
        case .synchronize(let descriptor):
            one.target?.ioCompleted(
                one.tag,
                result: perform(.synchronize, descriptor) { file in
                    if machine.faults?.fails(columnSyncOn: file.disk) == true { return -EIO }
                    file.synchronizeNow()
                    return 0
                })
        }
        clock.nanoseconds += 10_000
        endBatch()
        return true
    }

    private func endBatch() {
        while !batch.isEmpty {
            let targets = batch
            batch = []
            for target in targets { target.batchEnded() }
        }
    }

    private func perform(_ operation: DiskOperation, _ descriptor: Int32, _ body: (SimulatedFile) -> Int32) -> Int32 {
        guard let file = machine.files[descriptor] else { preconditionFailure("I/O on a descriptor of another life") }
        do throws(Failure) { try file.disk.operate(operation) } catch { return -(error.errorNumber ?? EIO) }
        return body(file)
    }

    /// A write that was submitted and has not been carried out.
    struct WriteOnItsWay {
        var descriptor: Int32
        var bytes: [UInt8]
        var offset: UInt64
    }

    var writesOnTheirWay: [WriteOnItsWay] {
        waiting.compactMap { one in
            guard case .write(let descriptor, let bytes, let offset, _) = one.request else { return nil }
            return WriteOnItsWay(descriptor: descriptor, bytes: bytes, offset: offset)
        }
    }

    /// Everything has stopped: of the writes on their way any may have arrived.
    package func abandon() {
        for one in waiting {
            guard case .write(let descriptor, let bytes, let offset, _) = one.request,
                let file = machine.files[descriptor],
                !file.disk.isDead, machine.chance(1, in: 2)
            else { continue }
            // Some were cut short.
            let blocks =
                machine.chance(1, in: 6) ? machine.pick(bytes.count / blockBytes + 1) : bytes.count / blockBytes
            bytes.withUnsafeBytes {
                file.put(UnsafeRawBufferPointer(rebasing: $0[..<(blocks * blockBytes)]), at: offset)
            }
        }
        waiting = []
        batch = []
    }
}
