import Synchronization

/// Opens once; those who wait go on.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [Int: CheckedContinuation<Bool, Never>] = [:]
        var nextKey = 0
    }

    private let state = Mutex(State())

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for continuation in waiting.values { continuation.resume(returning: true) }
    }

    func wait() async { _ = await wait(seconds: nil) }

    /// False where it did not open in time.
    func wait(seconds: Int?) async -> Bool {
        let key = state.withLock { state in
            state.nextKey += 1
            return state.nextKey
        }
        let timer = seconds.map { seconds in
            Task { [self] in
                do { try await Task.sleep(for: .seconds(seconds)) } catch { return }
                state.withLock { $0.waiting.removeValue(forKey: key) }?.resume(returning: false)
            }
        }
        defer { timer?.cancel() }
        return await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting[key] = continuation }
                return state.isOpen
            }
            if isOpen { continuation.resume(returning: true) }
        }
    }
}
