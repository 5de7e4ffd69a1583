/// Time and chance come in from outside, so that a seed can repeat any run.
public protocol MonotonicClock: Sendable {
    /// Nanoseconds since some fixed moment; never goes back.
    func now() -> UInt64
}

/// The machine's own clock.
public struct SystemClock: MonotonicClock {
    private let origin = ContinuousClock.now

    public init() {}

    public func now() -> UInt64 {
        let elapsed = origin.duration(to: .now)
        let (seconds, attoseconds) = elapsed.components
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }
}

/// splitmix64: small, fast, repeatable. For tests, simulation and placement, not for secrets.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
