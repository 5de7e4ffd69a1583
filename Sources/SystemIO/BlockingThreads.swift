import Base
import CLinux
import Glibc
import Synchronization

/// Threads for calls that may sleep in the kernel: mount, fsync, a tool's run. The bridge from `async` code to them.
///
/// Each thread has a descriptor table of its own. The reason: the process that mounts a volume may be the one that serves
/// it. If it is killed while a thread sleeps on the volume's I/O, that thread can only wake once `/dev/fuse` is closed,
/// and `/dev/fuse` is closed only when the last thread that shares the table is gone. So work that runs here opens what it needs
/// by path and takes no descriptor with it.
///
/// A thread that another one starts shares that one's table. So nothing may start a thread here, and resuming a task may (Dispatch
/// starts those of the cooperative pool when they are needed): results go to their tasks through `ResumingThread`.
public final class BlockingThreads: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var threadCount = 0
        var idleCount = 0
    }

    private let name: String
    private let threadCountMax: Int
    private let sharesDescriptors: Bool
    private let state = Mutex(State())
    private let available = Semaphore()

    /// With the process's descriptors, for calls on files that are open. Not Dispatch's concurrent queues: those run as many jobs as there are cores,
    /// and where jobs sleep start one more thread a second; the volumes of a start would be opened two at a time.
    public static let ofProcess = BlockingThreads(name: "ashlar-blocking", threadCountMax: 24, sharesDescriptors: true)

    /// Threads start when they are first needed and stay. One stuck call holds one of them: give more than can get stuck at once.
    /// `sharesDescriptors`: not tables of their own, and anything may be resumed or started there.
    public init(name: String, threadCountMax: Int = 64, sharesDescriptors: Bool = false) {
        self.name = name
        self.threadCountMax = threadCountMax
        self.sharesDescriptors = sharesDescriptors
    }

    /// Runs `body` on one of the threads. It is not interrupted when the task is cancelled: what it does to the machine is done.
    public func run<T: Sendable>(_ body: @escaping @Sendable () throws(Failure) -> T) async throws(Failure) -> T {
        let resuming = sharesDescriptors ? nil : ResumingThread.shared
        let result: Result<T, Failure> = await withCheckedContinuation { continuation in
            submit {
                let result: Result<T, Failure>
                do throws(Failure) { result = .success(try body()) } catch { result = .failure(error) }
                guard let resuming else { return continuation.resume(returning: result) }
                resuming.run { continuation.resume(returning: result) }
            }
        }
        return try result.get()
    }

    /// Runs `body` on a thread of its own that has `descriptor`, under the same number, and no other above 2.
    /// The caller keeps `descriptor` open until this returns.
    public static func runOnce<T: Sendable>(
        name: String, keeping descriptor: Int32, _ body: @escaping @Sendable () throws(Failure) -> T
    ) async throws(Failure) -> T {
        let resuming = ResumingThread.shared
        let result: Result<T, Failure> = await withCheckedContinuation { continuation in
            Thread(name: name) {
                isolate(keeping: descriptor)
                let result: Result<T, Failure>
                do throws(Failure) { result = .success(try body()) } catch { result = .failure(error) }
                resuming.run { continuation.resume(returning: result) }
            }.start()
        }
        return try result.get()
    }

    private static func isolate(keeping descriptor: Int32) {
        let result = ashlar_isolate_descriptors(descriptor)
        precondition(result == 0, "cannot give a thread its own descriptors: errno \(errno)")
    }

    /// Runs `job` on one of the threads, some time. It must not resume a task, or start a thread otherwise.
    public func submit(_ job: @escaping @Sendable () -> Void) {
        let startsThread = state.withLock { state in
            state.jobs.append(job)
            guard state.jobs.count > state.idleCount, state.threadCount < threadCountMax else { return false }
            state.threadCount += 1
            return true
        }
        if startsThread { Thread(name: name) { [self] in work() }.start() }
        available.signal()
    }

    private func work() {
        if !sharesDescriptors { Self.isolate(keeping: -1) }
        while true {
            state.withLock { $0.idleCount += 1 }
            available.wait()
            let job = state.withLock { state in
                state.idleCount -= 1
                return state.jobs.removeFirst()
            }
            job()
        }
    }
}

/// Has the process's own descriptors, and so have the threads that are started from it.
private final class ResumingThread: Sendable {
    /// Made by who asks for work, before it goes to a thread with other descriptors.
    static let shared = ResumingThread()

    private let jobs = Mutex<[@Sendable () -> Void]>([])
    private let available = Semaphore()

    private init() { Thread(name: "ashlar-resume") { [self] in work() }.start() }

    func run(_ job: @escaping @Sendable () -> Void) {
        jobs.withLock { $0.append(job) }
        available.signal()
    }

    private func work() {
        while true {
            available.wait()
            jobs.withLock { $0.removeFirst() }()
        }
    }
}

/// A counting semaphore of POSIX, which does not move when it is used from Swift.
private final class Semaphore: @unchecked Sendable {
    // `semaphore` is itself the guard.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func signal() { sem_post(semaphore) }
    func wait() { while sem_wait(semaphore) != 0 {} }
}
