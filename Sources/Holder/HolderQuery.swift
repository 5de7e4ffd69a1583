import Base
import Glibc

/// What the command line asks a running holder. Blocks.
public struct HolderQuery: Sendable {
    private let runDirectory: String
    private static let statusSeconds = 5.0
    /// Each of an upgrade's three steps may take its time; then the holder answers.
    private static let upgradeStepCount = 3.0

    public init(runDirectory: String) { self.runDirectory = runDirectory }

    /// `unavailable` where no holder runs.
    public func status() throws(Failure) -> HolderStatus {
        let answer = try ask(Message(.status), seconds: Self.statusSeconds)
        guard let status = answer.status else {
            throw Failure(.internal, answer.failure ?? "the holder told no status")
        }
        return status
    }

    /// Returns when the new worker serves every device. `failedPrecondition` where it does not: then the old program serves.
    public func upgrade(_ request: UpgradeRequest) throws(Failure) {
        var message = Message(.upgrade)
        message.upgrade = request
        let answer = try ask(message, seconds: request.timeoutSeconds * Self.upgradeStepCount + Self.statusSeconds)
        if let failure = answer.failure { throw Failure(.failedPrecondition, failure) }
    }

    private func ask(_ message: Message, seconds: Double) throws(Failure) -> Message {
        let path = Holder.Settings.socketPath(runDirectory)
        guard let connection = try PacketConnection.connect(to: path) else {
            throw Failure(.unavailable, "no ashlar engine answers at \(path): start it first")
        }
        connection.send(message)
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            _ = waitForPackets([connection.socket.number], milliseconds: 100)
            if let (answer, _) = connection.receive() { return answer }
            if connection.isOver { throw Failure(.unavailable, "the holder at \(path) ended meanwhile") }
        }
        throw Failure(.timedOut, "the holder at \(path) did not answer in \(Int(seconds)) s")
    }
}
