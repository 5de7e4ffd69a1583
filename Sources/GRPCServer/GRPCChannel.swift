import Base
import CGRPC
import Synchronization

/// What a unary call gave.
public struct GRPCReply: Sendable, Equatable {
    public var status: GRPCStatus
    /// Empty unless the status is OK.
    public var bytes: [UInt8]
}

/// A client's connection to a server on a unix socket. It connects at the first call, and again after the server was
/// away. Its one thread moves bytes; callers wait without one.
public final class GRPCChannel: Sendable {
    /// `@unchecked Sendable`: used under the lock only.
    private struct State: @unchecked Sendable {
        /// Owned; nil once closed.
        var channel: OpaquePointer?
        var callCount = 0
        var isQueueShutDown = false

        /// True once: the queue may be shut down, since no call can use it any more.
        mutating func isQueueDone() -> Bool {
            guard channel == nil, callCount == 0, !isQueueShutDown else { return false }
            isQueueShutDown = true
            return true
        }
    }

    public let socketPath: String
    private let queue: CompletionQueue
    private let state: Mutex<State>

    /// - Parameter messageBytesMax: larger replies fail with RESOURCE_EXHAUSTED.
    /// - Throws: `invalid` where the path cannot be a socket's.
    public init(socketPath: String, messageBytesMax: Int = 16 << 20) throws(Failure) {
        try checkSocketPath(socketPath)
        self.socketPath = socketPath
        queue = CompletionQueue(name: "grpc-client")
        let channel = ashlar_grpc_channel_create("unix:" + percentEncoded(socketPath), Int32(messageBytesMax))
        state = Mutex(State(channel: channel))
    }

    deinit { close() }

    /// New calls fail with `unavailable`; running ones go on.
    public func close() {
        let isDone = state.withLock { state in
            if let channel = state.channel { grpc_channel_destroy(channel) }
            state.channel = nil
            return state.isQueueDone()
        }
        if isDone { queue.shutdown() }
    }

    /// One request, one reply. Cancelling the task cancels the call.
    /// - Parameters:
    ///   - method: the full path, `/csi.v1.Identity/Probe`.
    ///   - timeoutSeconds: from now; the server is told and stops working then. Infinity waits for ever.
    /// - Throws: what the server failed with; `timedOut`, `cancelled`, or `unavailable` where it cannot be reached.
    public func call(_ method: String, _ bytes: [UInt8], timeoutSeconds: Double) async throws(Failure) -> [UInt8] {
        let reply = await exchange(method, bytes, timeoutSeconds: timeoutSeconds)
        guard reply.status.code == .ok else { throw reply.status.failure }
        return reply.bytes
    }

    /// As `call`, with the status itself.
    public func exchange(_ method: String, _ bytes: [UInt8], timeoutSeconds: Double) async -> GRPCReply {
        guard let call = makeCall(method, timeoutSeconds) else { return GRPCReply(status: .closed, bytes: []) }
        let exchange = makeExchange(bytes)
        let done = OneShot<GRPCReply>()
        let isBegun = call.begin(isFinal: true, { ashlar_grpc_exchange_unary($0, exchange.pointer, $1) }) { _ in
            // Here, since trailing metadata is the call's, which is released next.
            done.set(self.explained(unaryReply(exchange), method, timeoutSeconds))
        }
        guard isBegun else {
            call.abandon()
            return GRPCReply(status: GRPCStatus(.internal, "the call could not be started"), bytes: [])
        }
        return await withTaskCancellationHandler {
            await done.value
        } onCancel: {
            call.cancel()
        }
    }

    /// The core's own failures, in words that say what to do.
    private func explained(_ reply: GRPCReply, _ method: String, _ timeoutSeconds: Double) -> GRPCReply {
        guard reply.status.kind == nil else { return reply }
        var reply = reply
        if reply.status.code == .deadlineExceeded {
            reply.status.message = "no answer to \(method) within \(timeoutSeconds) s"
        } else if reply.status.code == .unavailable, reply.status.message.hasPrefix("failed to connect") {
            reply.status.message = "nothing answers on \(socketPath); is it running? (\(reply.status.message))"
        }
        return reply
    }

    /// One request, a stream of replies. Dropping the stream cancels the call.
    public func stream(_ method: String, _ bytes: [UInt8], timeoutSeconds: Double) -> GRPCStream {
        guard let call = makeCall(method, timeoutSeconds) else { return GRPCStream(failed: .closed) }
        return GRPCStream(call, makeExchange(bytes))
    }

    /// Nil once closed.
    private func makeCall(_ method: String, _ timeoutSeconds: Double) -> Call? {
        state.withLock { state in
            guard let channel = state.channel,
                let call = ashlar_grpc_call_create(
                    channel, queue.pointer, method, ashlar_grpc_deadline(timeoutSeconds))
            else { return nil }
            state.callCount += 1
            return Call(owning: call) { [self] in callEnded() }
        }
    }

    private func callEnded() {
        let isDone = state.withLock { state in
            state.callCount -= 1
            return state.isQueueDone()
        }
        if isDone { queue.shutdown() }
    }
}

extension GRPCStatus {
    fileprivate static let closed = GRPCStatus(.unavailable, "the channel is closed", kind: .unavailable)
}

private func makeExchange(_ bytes: [UInt8]) -> Room<ashlar_grpc_exchange> {
    Room({ ashlar_grpc_exchange_init($0, makeBuffer(bytes)) }, destroy: { ashlar_grpc_exchange_destroy($0) })
}

/// The batch is done.
private func unaryReply(_ exchange: Room<ashlar_grpc_exchange>) -> GRPCReply {
    let status = finalStatus(exchange)
    guard status.code == .ok else { return GRPCReply(status: status, bytes: []) }
    guard let buffer = exchange.pointer.pointee.reply, let reply = bytes(of: buffer) else {
        return GRPCReply(status: GRPCStatus(.internal, "the server answered OK without a message"), bytes: [])
    }
    return GRPCReply(status: status, bytes: reply)
}

/// The batch that receives the status is done.
func finalStatus(_ exchange: Room<ashlar_grpc_exchange>) -> GRPCStatus {
    let code = GRPCCode(rawValue: exchange.pointer.pointee.code.rawValue) ?? .unknown
    let message = withUnsafePointer(to: exchange.pointer.pointee.text) { text(of: $0) }
    return GRPCStatus(code, message, kind: exchange.kind)
}

extension Room where C == ashlar_grpc_exchange {
    /// What an Ashlar server said beside the code.
    fileprivate var kind: FailureKind? {
        ashlar_grpc_exchange_kind(pointer).flatMap { FailureKind(rawValue: text(of: $0)) }
    }
}

/// What RFC 3986 does not reserve stays; the core decodes the rest.
private func percentEncoded(_ path: String) -> String {
    let digits = Array("0123456789ABCDEF")
    return path.utf8.reduce(into: "") { encoded, byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            encoded.append(Character(Unicode.Scalar(byte)))
        default:
            encoded += ["%", digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
}
