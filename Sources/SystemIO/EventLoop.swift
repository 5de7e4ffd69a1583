import Base
import CLinux
import Dispatch
import Glibc
import Synchronization

/// One thread, one io_uring. Everything that belongs to a loop is touched on its thread only; `post` and `run` are the ways in.
///
/// A completion carries the index of a slot that holds its target, so nothing is allocated per I/O.
/// `@unchecked Sendable`: `mailbox` is guarded by its mutex, all else is confined to the thread.
public final class EventLoop: IOQueue, @unchecked Sendable {
    private struct Slot {
        var target: (any IOTarget)?
        var tag: UInt64 = 0
    }

    private static let ringEntries: UInt32 = 1024
    private static let completionsPerBatchMax = 256
    private static let wakeUserData = UInt64.max
    private static let ignoredUserData = UInt64.max - 1

    public let name: String
    private let mailbox = Mutex<[@Sendable () -> Void]>([])
    private let wakeDescriptor: Int32
    private var ring: OpaquePointer?
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    /// Two vectors a slot, stable until they are submitted.
    private var vectors: [UnsafeMutablePointer<iovec>] = []
    private let wakeBuffer = UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 8)
    private var batchTargets: [any BatchTarget] = []
    private var batchTargetsRunning: [any BatchTarget] = []
    private var isStopping = false
    private var thread = pthread_t()

    private static let slotsAtOnce = 4096

    private static let heldFile = Mutex<FileDescriptor?>(nil)

    /// Every loop that is made from now on has `file` open until its last I/O has ended. An exclusive lock on it is free only when no I/O of
    /// this process is under way any more, even if it was killed.
    public static func hold(_ file: FileDescriptor) { heldFile.withLock { $0 = file } }

    /// Starts the thread; throws `internal` where the kernel has no io_uring for us.
    public init(name: String) throws(Failure) {
        self.name = name
        wakeDescriptor = ashlar_eventfd()
        guard wakeDescriptor >= 0 else { throw Failure(errno: errno, "cannot make an eventfd") }

        let started = DispatchSemaphore(value: 0)
        let startError = Mutex<Int32>(0)
        let thread = Thread(name: name) { [self] in
            var errorNumber: Int32 = 0
            let held = Self.heldFile.withLock { $0?.number ?? -1 }
            ring = ashlar_ring_create(Self.ringEntries, held, &errorNumber)
            startError.withLock { $0 = errorNumber }
            started.signal()
            if ring != nil { runUntilStopped() }
        }
        thread.start()
        started.wait()
        let errorNumber = startError.withLock { $0 }
        guard errorNumber == 0 else {
            throw Failure(
                errno: errorNumber,
                "cannot set up io_uring; it must be allowed by the kernel and the container's seccomp profile")
        }
    }

    // MARK: Ways in

    /// Runs `job` on the loop's thread, later. From any thread.
    public func post(_ job: @escaping @Sendable () -> Void) {
        let wasEmpty = mailbox.withLock { jobs in
            jobs.append(job)
            return jobs.count == 1
        }
        if wasEmpty {
            var one: UInt64 = 1
            _ = Glibc.write(wakeDescriptor, &one, 8)
        }
    }

    /// Runs `body` on the loop's thread and returns what it returned.
    public func run<T: Sendable>(_ body: @escaping @Sendable () throws(Failure) -> T) async throws(Failure) -> T {
        let result: Result<T, Failure> = await withCheckedContinuation { continuation in
            post {
                do throws(Failure) { continuation.resume(returning: .success(try body())) } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    /// Ends the thread once what is posted has run. I/O still in flight is abandoned: stop what uses the loop first.
    public func stop() { post { [self] in isStopping = true } }

    public func blocking<T: Sendable>(
        _ job: @escaping @Sendable () throws(Failure) -> T, then: @escaping @Sendable (Result<T, Failure>) -> Void
    ) {
        BlockingThreads.ofProcess.submit { [self] in
            let result: Result<T, Failure>
            do throws(Failure) { result = .success(try job()) } catch { result = .failure(error) }
            post { then(result) }
        }
    }

    // MARK: I/O, on the loop's thread

    public func read(
        _ descriptor: Int32, into buffer: UnsafeMutableRawPointer, bytes: Int, offset: UInt64, target: any IOTarget,
        tag: UInt64
    ) {
        ashlar_ring_read(ring, take(target, tag), descriptor, buffer, UInt32(bytes), offset)
    }

    public func write(
        _ descriptor: Int32, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, offset: UInt64,
        durable: Bool, target: any IOTarget, tag: UInt64
    ) {
        let slot = take(target, tag)
        let pair = vectors[Int(slot) / Self.slotsAtOnce] + Int(slot) % Self.slotsAtOnce * 2
        pair[0] = iovec(iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress), iov_len: first.count)
        pair[1] = iovec(iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress), iov_len: second.count)
        ashlar_ring_writev(ring, slot, descriptor, pair, second.isEmpty ? 1 : 2, offset, durable)
    }

    public func synchronize(_ descriptor: Int32, target: any IOTarget, tag: UInt64) {
        ashlar_ring_fdatasync(ring, take(target, tag), descriptor)
    }

    public func timer(nanoseconds: UInt64, target: any IOTarget, tag: UInt64) {
        ashlar_ring_timeout(ring, take(target, tag), nanoseconds)
    }

    /// Calls `target` once, when `descriptor` is readable or in error; `result` is poll's mask, or a negative errno.
    /// Arm it again when all there is has been read: it begins by looking, so nothing is missed. Not a multishot poll: those
    /// complete once for each wake-up under load, and the kernel ends them by itself after an error event.
    public func pollReadable(_ descriptor: Int32, target: any IOTarget, tag: UInt64) -> UInt64 {
        let slot = take(target, tag)
        ashlar_ring_poll(ring, slot, descriptor, UInt32(POLLIN), false)
        return slot
    }

    /// Ends a poll that has not called its target yet; the call follows, normally with `-ECANCELED`.
    public func stopPolling(_ poll: UInt64) {
        ashlar_ring_poll_remove(ring, poll, Self.ignoredUserData)
    }

    public func atEndOfBatch(_ target: any BatchTarget) { batchTargets.append(target) }

    public func preconditionOnLoop() {
        precondition(pthread_equal(thread, pthread_self()) != 0, "touched outside the event loop's thread")
    }

    // MARK: The loop

    private func addSlots() {
        let first = slots.count
        slots.append(contentsOf: repeatElement(Slot(), count: Self.slotsAtOnce))
        freeSlots.append(contentsOf: (first..<slots.count).reversed())
        vectors.append(.allocate(capacity: Self.slotsAtOnce * 2))
    }

    private func take(_ target: any IOTarget, _ tag: UInt64) -> UInt64 {
        if freeSlots.isEmpty { addSlots() }
        let slot = freeSlots.removeLast()
        slots[slot].target = target
        slots[slot].tag = tag
        return UInt64(slot)
    }

    private func runUntilStopped() {
        thread = pthread_self()
        let completions = UnsafeMutablePointer<ashlar_completion>.allocate(capacity: Self.completionsPerBatchMax)
        armWake()
        while !isStopping {
            let count = ashlar_ring_wait(ring, 1, completions, UInt32(Self.completionsPerBatchMax))
            precondition(count >= 0, "io_uring_enter failed with errno \(-count)")
            for index in 0..<Int(count) { dispatch(completions[index]) }
            while !batchTargets.isEmpty {
                swap(&batchTargets, &batchTargetsRunning)
                for target in batchTargetsRunning { target.batchEnded() }
                batchTargetsRunning.removeAll(keepingCapacity: true)
            }
        }
        ashlar_ring_destroy(ring)
        completions.deallocate()
    }

    private func armWake() { ashlar_ring_read(ring, Self.wakeUserData, wakeDescriptor, wakeBuffer, 8, 0) }

    private func dispatch(_ completion: ashlar_completion) {
        switch completion.user_data {
        case Self.wakeUserData:
            armWake()
            let jobs = mailbox.withLock { jobs in
                let taken = jobs
                jobs = []
                return taken
            }
            for job in jobs { job() }
        case Self.ignoredUserData:
            break
        default:
            let index = Int(completion.user_data)
            let tag = slots[index].tag
            guard let target = slots[index].target else { preconditionFailure("completion of a free slot") }
            slots[index].target = nil
            freeSlots.append(index)
            target.ioCompleted(tag, result: completion.result)
        }
    }
}
