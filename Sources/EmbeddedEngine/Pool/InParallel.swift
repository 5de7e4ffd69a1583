import Base
import Dispatch
import Synchronization
import SystemIO

/// Runs `body` for each index on a thread of its own and returns what came of each: they sleep in syncs of different drives, so more of
/// them than there are cores. `isSequential`: one after the other instead, for who must be able to repeat a run.
func inParallel<T: Sendable>(
    _ count: Int, isSequential: Bool = false, _ body: @escaping @Sendable (Int) throws(Failure) -> T
) -> [Result<T, Failure>] {
    let results = Mutex<[Result<T, Failure>?]>(Array(repeating: nil, count: count))
    @Sendable func run(_ index: Int) {
        let result: Result<T, Failure>
        do throws(Failure) { result = .success(try body(index)) } catch { result = .failure(error) }
        results.withLock { $0[index] = result }
    }
    if isSequential {
        for index in 0..<count { run(index) }
    } else {
        let group = DispatchGroup()
        for index in 0..<count {
            group.enter()
            Thread(name: "ashlar-parallel") {
                run(index)
                group.leave()
            }.start()
        }
        group.wait()
    }
    return results.withLock { $0.compactMap(\.self) }
}
