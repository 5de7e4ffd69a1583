import Base
import Glibc
import SystemIO

public final class ManualClock: MonotonicClock, @unchecked Sendable {
    // One thread runs a simulation.
    public var nanoseconds: UInt64 = 1
    public init() {}
    public func now() -> UInt64 { nanoseconds }
}

/// An `IOQueue` whose requests complete one at a time, in the order that chance picks.
public final class SimulatedQueue: IOQueue {
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
    }
    private let machine: SimulatedMachine
    private let clock: ManualClock
    private var waiting: [Waiting] = []
    private var batch: [any BatchTarget] = []

    public init(machine: SimulatedMachine, clock: ManualClock) {
        self.machine = machine
        self.clock = clock
    }

    public var isIdle: Bool { waiting.isEmpty && batch.isEmpty }

    public func read(
        _ descriptor: Int32, into buffer: UnsafeMutableRawPointer, bytes: Int, offset: UInt64, target: any IOTarget,
        tag: UInt64
    ) {
        waiting.append(Waiting(request: .read(descriptor, buffer, bytes, offset), target: target, tag: tag))
    }

    public func write(
        _ descriptor: Int32, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, offset: UInt64,
        durable: Bool, target: any IOTarget, tag: UInt64
    ) {
        waiting.append(
            Waiting(
                request: .write(descriptor, Array(first) + Array(second), offset, durable), target: target, tag: tag))
    }

    public func synchronize(_ descriptor: Int32, target: any IOTarget, tag: UInt64) {
        waiting.append(Waiting(request: .synchronize(descriptor), target: target, tag: tag))
    }

    public func timer(nanoseconds: UInt64, target: any IOTarget, tag: UInt64) {
        waiting.append(Waiting(request: .timer(clock.nanoseconds + nanoseconds), target: target, tag: tag))
    }

    public func atEndOfBatch(_ target: any BatchTarget) { batch.append(target) }

    public func blocking<T: Sendable>(
        _ job: @escaping @Sendable () throws(Failure) -> T, then: @escaping @Sendable (Result<T, Failure>) -> Void
    ) {
        let run = {
            let result: Result<T, Failure>
            do throws(Failure) { result = .success(try job()) } catch { result = .failure(error) }
            then(result)
        }
        waiting.append(Waiting(request: .job(run), target: nil, tag: 0))
    }

    /// Completes one request, then ends the batch. False where nothing waits.
    public func step() -> Bool {
        endBatch()
        guard !waiting.isEmpty else { return false }
        let one = waiting.remove(at: Int(machine.random.next() % UInt64(waiting.count)))
        switch one.request {
        case .job(let run): run()
        case .timer(let due):
            clock.nanoseconds = max(clock.nanoseconds, due)
            one.target?.ioCompleted(one.tag, result: 0)
        case .read(let descriptor, let buffer, let bytes, let offset):
            one.target?.ioCompleted(
                one.tag,
                result: perform(descriptor) { file in
                    Int32(file.readNow(into: UnsafeMutableRawBufferPointer(start: buffer, count: bytes), at: offset))
                })
        case .write(let descriptor, let bytes, let offset, let durable):
            one.target?.ioCompleted(
                one.tag,
                result: perform(descriptor) { file in
                    bytes.withUnsafeBytes { file.writeNow($0, at: offset) }
                    if durable { file.synchronizeNow() }
                    return Int32(bytes.count)
                })
        case .synchronize(let descriptor):
            one.target?.ioCompleted(
                one.tag,
                result: perform(descriptor) { file in
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

    private func perform(_ descriptor: Int32, _ body: (SimulatedFile) -> Int32) -> Int32 {
        guard let file = machine.files[descriptor] else { preconditionFailure("I/O on a descriptor of another life") }
        do throws(Failure) { try file.disk.operate() } catch { return -EIO }
        return body(file)
    }

    /// The power is gone: of the writes on their way any may have arrived.
    public func abandon() {
        for one in waiting {
            guard case .write(let descriptor, let bytes, let offset, _) = one.request,
                let file = machine.files[descriptor],
                !file.disk.isDead, machine.chance(1, in: 2)
            else { continue }
            bytes.withUnsafeBytes { file.writeNow($0, at: offset) }
        }
        waiting = []
        batch = []
    }
}
