import Base
import Synchronization

/// The death of a process at one step: the step fails and so does every later one, until `revive`.
public final class Cut: Sendable {
    private struct State {
        var remaining = Int.max
        var isDead = false
        var seen: [String] = []
    }

    private let state = Mutex(State())

    public init() {}

    /// The step number `index`, counted from now, is the last that is reached; it fails.
    public func arm(at index: Int) {
        state.withLock { state in
            state.remaining = index
            state.isDead = false
            state.seen = []
        }
    }

    public func revive() {
        state.withLock { state in
            state.remaining = .max
            state.isDead = false
        }
    }

    /// Whether the armed step was reached.
    public var isDead: Bool { state.withLock { $0.isDead } }
    public var steps: [String] { state.withLock { $0.seen } }

    public func step(_ name: String) throws(Failure) {
        let dies = state.withLock { state in
            if state.isDead { return true }
            state.seen.append(name)
            if state.remaining == 0 {
                state.isDead = true
            } else {
                state.remaining -= 1
            }
            return state.isDead
        }
        if dies { throw Failure(.internal, "cut at \(name)") }
    }
}

/// Time that moves only when told.
public final class ManualTime: MonotonicClock {
    private let nanoseconds = Mutex<UInt64>(0)

    public init() {}

    public func now() -> UInt64 { nanoseconds.withLock { $0 } }
    public func unixTime() -> Int64 { 1_700_000_000 + Int64(now() / 1_000_000_000) }
    public func advance(seconds: UInt64) { nanoseconds.withLock { $0 += seconds * 1_000_000_000 } }
}
