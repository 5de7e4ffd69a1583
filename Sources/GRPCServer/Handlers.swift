import Base

/// What a handler may know of its call.
public struct CallContext: Sendable {
    /// `/csi.v1.Identity/Probe`
    public let method: String
    /// When the caller stops waiting; nil where it waits for ever. The handler's task is cancelled then.
    public let deadline: ContinuousClock.Instant?

    public init(method: String, deadline: ContinuousClock.Instant? = nil) {
        self.method = method
        self.deadline = deadline
    }
}

/// Request bytes to reply bytes. Its task is cancelled when the caller cancels, goes away or stops waiting;
/// what it then answers is not seen by anybody.
public typealias UnaryHandler = @Sendable ([UInt8], CallContext) async throws(Failure) -> [UInt8]

/// Sends any number of messages, then returns or throws.
public typealias StreamingHandler = @Sendable ([UInt8], CallContext, ResponseStream) async throws(Failure) -> Void

/// The methods that a server answers. Everything else is UNIMPLEMENTED.
public struct GRPCHandlers: Sendable {
    enum Handler: Sendable {
        case unary(UnaryHandler)
        case streaming(StreamingHandler)
    }

    private var handlers: [String: Handler] = [:]

    public init() {}

    /// `method` is the full path, `/csi.v1.Identity/Probe`; registering one twice is a mistake that stops the process.
    public mutating func unary(_ method: String, _ handler: @escaping UnaryHandler) {
        add(method, .unary(handler))
    }

    /// One request, a stream of replies.
    public mutating func streaming(_ method: String, _ handler: @escaping StreamingHandler) {
        add(method, .streaming(handler))
    }

    /// Both tables in one; a method that is in both keeps this one's handler.
    public func merging(_ other: GRPCHandlers) -> GRPCHandlers {
        var merged = self
        merged.handlers.merge(other.handlers) { mine, _ in mine }
        return merged
    }

    /// Refuses every method but `open` with what `refusal` answers, as long as that is something.
    public func refusing(but open: Set<String>, _ refusal: @escaping @Sendable () -> Failure?) -> GRPCHandlers {
        var refusing = self
        for (method, handler) in handlers where !open.contains(method) {
            switch handler {
            case .unary(let handler):
                refusing.handlers[method] = .unary { request, context throws(Failure) in
                    if let refusal = refusal() { throw refusal }
                    return try await handler(request, context)
                }
            case .streaming(let handler):
                refusing.handlers[method] = .streaming { request, context, stream throws(Failure) in
                    if let refusal = refusal() { throw refusal }
                    try await handler(request, context, stream)
                }
            }
        }
        return refusing
    }

    public var methods: [String] { handlers.keys.sorted() }

    private mutating func add(_ method: String, _ handler: Handler) {
        precondition(handlers.updateValue(handler, forKey: method) == nil, "\(method) is registered twice")
    }

    subscript(method: String) -> Handler? { handlers[method] }
}
