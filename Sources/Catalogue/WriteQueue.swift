import Base
import Dispatch
import GRDB
import Synchronization

/// Group commit: writes that arrive while a transaction is being synced wait together and share the next one.
///
/// Each write runs in a savepoint of its own, so one that throws is undone alone. Order of arrival is kept.
final class WriteQueue: Sendable {
    /// One write. `run` throws only where it took the whole transaction with it; `finish` is called exactly once, after
    /// the transaction has ended, with its failure if it had one.
    private struct Job: Sendable {
        let run: @Sendable (Database) throws(Failure) -> Void
        let finish: @Sendable (Failure?) -> Void
    }

    private struct State {
        var waiting: [Job] = []
        var isRunning = false
        var commitCount = 0
    }

    private static let batchMax = 256

    private let pool: DatabasePool
    private let state = Mutex(State())
    private let thread = DispatchQueue(label: "ashlar.catalogue.write")

    init(pool: DatabasePool) { self.pool = pool }

    var commitCount: Int { state.withLock { $0.commitCount } }

    /// Waits until what was added has run.
    func drain() { thread.sync {} }

    func perform<T: Sendable>(
        _ name: String, _ body: @escaping @Sendable (Database) throws -> T
    ) async -> Result<T, Failure> {
        await withCheckedContinuation { continuation in
            let outcome = Outcome<T>()
            add(
                Job(
                    run: { (database) throws(Failure) in
                        outcome.set(try Self.runAlone(name, database, body))
                    },
                    finish: { failure in continuation.resume(returning: outcome.get(orFailing: failure)) }))
        }
    }

    private final class Outcome<T: Sendable>: Sendable {
        private let value = Mutex<Result<T, Failure>?>(nil)

        func set(_ result: Result<T, Failure>) { value.withLock { $0 = result } }

        func get(orFailing failure: Failure?) -> Result<T, Failure> {
            if let failure { return .failure(failure) }
            return value.withLock { $0 } ?? .failure(Failure(.internal, "catalogue: a write was never run"))
        }
    }

    private static func runAlone<T: Sendable>(
        _ name: String, _ database: Database, _ body: (Database) throws -> T
    ) throws(Failure) -> Result<T, Failure> {
        do {
            var value: Result<T, Failure> = .failure(Failure(.internal, "catalogue: \(name) had no outcome"))
            try database.inSavepoint {
                value = .success(try body(database))
                return .commit
            }
            return value
        } catch {
            let failure = Failure(catalogueError: error, "catalogue: cannot write \(name)")
            // SQLite rolls the whole transaction back on some errors (a full drive, for one).
            guard database.isInsideTransaction else { throw failure }
            return .failure(failure)
        }
    }

    private func add(_ job: Job) {
        let mustStart = state.withLock { state in
            state.waiting.append(job)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if mustStart { thread.async { self.runUntilEmpty() } }
    }

    private func runUntilEmpty() {
        while true {
            let batch = state.withLock { state in
                let batch = Array(state.waiting.prefix(Self.batchMax))
                state.waiting.removeFirst(batch.count)
                if batch.isEmpty { state.isRunning = false }
                return batch
            }
            if batch.isEmpty { return }
            let failure = commit(batch)
            for job in batch { job.finish(failure) }
        }
    }

    private func commit(_ batch: [Job]) -> Failure? {
        do {
            try pool.writeWithoutTransaction { database in
                try database.inTransaction(.immediate) {
                    for job in batch { try job.run(database) }
                    return .commit
                }
            }
            state.withLock { $0.commitCount += 1 }
            return nil
        } catch {
            return Failure(catalogueError: error, "catalogue: cannot commit")
        }
    }
}
