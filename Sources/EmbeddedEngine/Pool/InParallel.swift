import Base
import Dispatch
import Synchronization
import SystemIO

/// Threads that one piece of work may have: many volumes are opened at the same time.
private let threadsMax = 12

/// Runs `body` for each index, several at a time, and returns what came of each: they sleep in syncs of different drives, so more of
/// them than there are cores. `isSequential`: one after the other instead, for who must be able to repeat a run.
func inParallel<T: Sendable>(
    _ count: Int, isSequential: Bool = false, _ body: @escaping @Sendable (Int) throws(Failure) -> T
) -> [Result<T, Failure>] {
    let results = Mutex<[Result<T, Failure>?]>(Array(repeating: nil, count: count))
    let next = Mutex(0)
    @Sendable func work() {
        while true {
            let index = next.withLock { next in
                next += 1
                return next - 1
            }
            guard index < count else { return }
            let result: Result<T, Failure>
            do throws(Failure) { result = .success(try body(index)) } catch { result = .failure(error) }
            results.withLock { $0[index] = result }
        }
    }
    if isSequential || count < 2 {
        work()
    } else {
        let group = DispatchGroup()
        // This thread works too.
        for _ in 1..<min(count, threadsMax) {
            group.enter()
            Thread(name: "ashlar-parallel") {
                work()
                group.leave()
            }.start()
        }
        work()
        group.wait()
    }
    return results.withLock { $0.compactMap(\.self) }
}
