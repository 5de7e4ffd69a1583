/// What a caller would treat differently. A kind maps to exactly one gRPC code at the border.
public enum FailureKind: String, Sendable, CaseIterable, Codable {
    /// The request itself is wrong; repeating it cannot help.
    case invalid
    case notFound
    /// The name exists with other properties.
    case conflict
    /// The state forbids it now; the message names what to do first.
    case failedPrecondition
    /// The same thing is being worked on; try again.
    case busy
    case outOfRange
    /// No space, no slots, no mountpaths.
    case exhausted
    case unsupported
    /// Not now: starting, stopping, disconnected.
    case unavailable
    /// Bytes that were read are not what was written.
    case corrupt
    /// A higher attach epoch exists.
    case fenced
    case timedOut
    case cancelled
    /// Ours to fix.
    case `internal`
}

/// The one error type that crosses module borders: a kind for programs, a message that tells a person what to do,
/// and the failure below it. Each layer adds its own fact once.
public struct Failure: Error, Sendable, CustomStringConvertible {
    public let kind: FailureKind
    public let message: String
    /// The `errno` that began it, where there was one.
    public let errorNumber: Int32?
    private let causes: [String]

    public init(_ kind: FailureKind, _ message: String, errorNumber: Int32? = nil) {
        self.kind = kind
        self.message = message
        self.errorNumber = errorNumber
        self.causes = []
    }

    /// `cause` explains `message`; its kind is replaced by `kind`, or kept when that is nil.
    public init(_ kind: FailureKind? = nil, _ message: String, cause: Failure) {
        self.kind = kind ?? cause.kind
        self.message = message
        self.errorNumber = cause.errorNumber
        self.causes = [cause.message] + cause.causes
    }

    /// Any other error, so that a `catch` can always go on with a `Failure`.
    public init(wrapping error: any Error) {
        if let failure = error as? Failure {
            self = failure
        } else if error is CancellationError {
            self.init(.cancelled, "the call was cancelled")
        } else {
            self.init(.internal, "\(error)")
        }
    }

    public var description: String { ([message] + causes).joined(separator: ": ") }
}
