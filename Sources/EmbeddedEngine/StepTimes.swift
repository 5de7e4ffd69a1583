/// How long each step of something took, in milliseconds: for the log, where pods wait for it.
struct StepTimes: CustomStringConvertible, Sendable {
    private var last = ContinuousClock.now
    private(set) var description = ""

    mutating func note(_ step: String) {
        let (seconds, attoseconds) = (ContinuousClock.now - last).components
        description +=
            "\(description.isEmpty ? "" : ", ")\(step) \(seconds * 1000 + attoseconds / 1_000_000_000_000_000) ms"
        last = .now
    }
}
