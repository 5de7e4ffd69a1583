import Base

/// The status codes of gRPC, with their numbers on the wire.
public enum GRPCCode: Int32, Sendable, CaseIterable {
    case ok = 0
    case cancelled = 1
    case unknown = 2
    case invalidArgument = 3
    case deadlineExceeded = 4
    case notFound = 5
    case alreadyExists = 6
    case permissionDenied = 7
    case resourceExhausted = 8
    case failedPrecondition = 9
    case aborted = 10
    case outOfRange = 11
    case unimplemented = 12
    case `internal` = 13
    case unavailable = 14
    case dataLoss = 15
    case unauthenticated = 16

    /// As gRPC spells it: `NOT_FOUND`.
    public var name: String {
        switch self {
        case .ok: "OK"
        case .cancelled: "CANCELLED"
        case .unknown: "UNKNOWN"
        case .invalidArgument: "INVALID_ARGUMENT"
        case .deadlineExceeded: "DEADLINE_EXCEEDED"
        case .notFound: "NOT_FOUND"
        case .alreadyExists: "ALREADY_EXISTS"
        case .permissionDenied: "PERMISSION_DENIED"
        case .resourceExhausted: "RESOURCE_EXHAUSTED"
        case .failedPrecondition: "FAILED_PRECONDITION"
        case .aborted: "ABORTED"
        case .outOfRange: "OUT_OF_RANGE"
        case .unimplemented: "UNIMPLEMENTED"
        case .internal: "INTERNAL"
        case .unavailable: "UNAVAILABLE"
        case .dataLoss: "DATA_LOSS"
        case .unauthenticated: "UNAUTHENTICATED"
        }
    }

    /// How a caller should treat the code where the server did not say its kind.
    public var failureKind: FailureKind {
        switch self {
        case .ok, .unknown, .internal: .internal
        case .cancelled: .cancelled
        case .invalidArgument: .invalid
        case .deadlineExceeded: .timedOut
        case .notFound: .notFound
        case .alreadyExists: .conflict
        case .permissionDenied, .failedPrecondition, .unauthenticated: .failedPrecondition
        case .resourceExhausted: .exhausted
        case .aborted: .busy
        case .outOfRange: .outOfRange
        case .unimplemented: .unsupported
        case .unavailable: .unavailable
        case .dataLoss: .corrupt
        }
    }
}

extension FailureKind {
    /// The one code that a failure of this kind is answered with.
    public var code: GRPCCode {
        switch self {
        case .invalid: .invalidArgument
        case .notFound: .notFound
        case .conflict: .alreadyExists
        case .failedPrecondition, .fenced: .failedPrecondition
        case .busy: .aborted
        case .outOfRange: .outOfRange
        case .exhausted: .resourceExhausted
        case .unsupported: .unimplemented
        case .unavailable: .unavailable
        case .corrupt: .dataLoss
        case .timedOut: .deadlineExceeded
        case .cancelled: .cancelled
        case .internal: .internal
        }
    }
}

/// How a call ended.
public struct GRPCStatus: Error, Sendable, Equatable, CustomStringConvertible {
    public var code: GRPCCode
    /// For people; empty where all is well.
    public var message: String
    /// What an Ashlar server meant exactly; nil from other servers.
    public var kind: FailureKind?

    public init(_ code: GRPCCode, _ message: String = "", kind: FailureKind? = nil) {
        self.code = code
        self.message = message
        self.kind = kind
    }

    /// The failure's text in at most 1,024 bytes: the whole of a call's trailing metadata is bounded at 8 KiB by
    /// default (GRPC_ARG_MAX_METADATA_SIZE), and a byte that is not ASCII takes three.
    public init(_ failure: Failure) {
        self.init(failure.kind.code, failure.description.prefix(utf8Bytes: 1_024), kind: failure.kind)
    }

    /// The failure that a caller sees.
    public var failure: Failure { Failure(kind ?? code.failureKind, message) }

    public var description: String { message.isEmpty ? code.name : "\(code.name): \(message)" }
}

extension String {
    /// The longest beginning of whole characters that has at most `utf8Bytes` bytes.
    fileprivate func prefix(utf8Bytes: Int) -> String {
        var count = 0
        var end = startIndex
        for index in indices {
            count += self[index].utf8.count
            if count > utf8Bytes { return self[..<end] + "…" }
            end = self.index(after: index)
        }
        return self
    }
}
