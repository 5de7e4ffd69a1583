import Synchronization

/// One lock a key, for steps that belong together. Holders and waiters carry the name of their operation: a second one of the
/// same name is a duplicate in flight and is refused as `busy`; another one waits its turn and may be cancelled meanwhile.
///
/// Order, so that nothing deadlocks: a name's lock is taken before its volume's, never after.
public final class KeyedLock: Sendable {
    private struct Waiter {
        let number: UInt64
        let operation: String
        let continuation: CheckedContinuation<Result<Void, Failure>, Never>
    }

    private struct Entry {
        var operation: String
        var waiters: [Waiter] = []
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var nextNumber: UInt64 = 0
        /// Waits that were cancelled before they were queued.
        var cancelledEarly: Set<UInt64> = []
    }

    /// Bound on those who wait for one key; more are `busy`.
    public static let waitersMax = 16

    private let state = Mutex(State())

    public init() {}

    /// Held until `release`, or until it is dropped.
    public final class Held: Sendable {
        private let lock: KeyedLock
        private let key: String
        private let isHeld = Atomic<Bool>(true)

        fileprivate init(_ lock: KeyedLock, _ key: String) {
            self.lock = lock
            self.key = key
        }

        deinit { release() }

        public func release() {
            if isHeld.exchange(false, ordering: .relaxed) { lock.release(key) }
        }
    }

    /// `busy` where the same operation holds or waits for the key, `cancelled` where the task is.
    public func acquire(_ key: String, for operation: String) async throws(Failure) -> Held {
        let number = state.withLock { state in
            state.nextNumber += 1
            return state.nextNumber
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if let result = enqueue(key, Waiter(number: number, operation: operation, continuation: continuation)) {
                    continuation.resume(returning: result)
                }
            }
        } onCancel: {
            cancel(key, number)
        }
        state.withLock { _ = $0.cancelledEarly.remove(number) }
        try result.get()
        return Held(self, key)
    }

    /// Nil where the waiter was queued.
    private func enqueue(_ key: String, _ waiter: Waiter) -> Result<Void, Failure>? {
        state.withLock { state in
            if state.cancelledEarly.contains(waiter.number) {
                return .failure(Failure(.cancelled, "the call was cancelled"))
            }
            guard var entry = state.entries[key] else {
                state.entries[key] = Entry(operation: waiter.operation)
                return .success(())
            }
            let operations = [entry.operation] + entry.waiters.map(\.operation)
            guard !operations.contains(waiter.operation), entry.waiters.count < Self.waitersMax else {
                return .failure(Failure(.busy, "\(waiter.operation) of \(key) is already under way; try again later"))
            }
            entry.waiters.append(waiter)
            state.entries[key] = entry
            return nil
        }
    }

    private func cancel(_ key: String, _ number: UInt64) {
        let waiter: Waiter? = state.withLock { state in
            guard let index = state.entries[key]?.waiters.firstIndex(where: { $0.number == number }) else {
                state.cancelledEarly.insert(number)
                return nil
            }
            return state.entries[key]?.waiters.remove(at: index)
        }
        waiter?.continuation.resume(returning: .failure(Failure(.cancelled, "the call was cancelled")))
    }

    private func release(_ key: String) {
        let next: Waiter? = state.withLock { state in
            guard var entry = state.entries[key], !entry.waiters.isEmpty else {
                state.entries[key] = nil
                return nil
            }
            let next = entry.waiters.removeFirst()
            entry.operation = next.operation
            state.entries[key] = entry
            return next
        }
        next?.continuation.resume(returning: .success(()))
    }
}
