import Base
import CGRPC
import Logging
import Synchronization

/// One call that a server is working on: receives the request, runs the handler in a task, sends what it answers.
final class ServerCall: Sendable {
    private struct State {
        var task: Task<Void, Never>?
        var isCancelled = false
        var hasSentMetadata = false
    }

    private let call: Call
    private let context: CallContext
    private let logger: Logger
    private let begin = ContinuousClock.now
    private let state = Mutex(State())

    init(_ call: Call, _ context: CallContext, logger: Logger) {
        self.call = call
        self.context = context
        self.logger = logger
    }

    /// Ends the call without reading its request.
    func refuse(_ failure: Failure) {
        watchForClose()
        finish(.failure(failure))
    }

    func serve(_ handler: GRPCHandlers.Handler) {
        watchForClose()
        let message = Room<ByteBuffer?>.buffer()
        let isBegun = call.begin({ ashlar_grpc_receive_message($0, message.pointer, $1) }) { [self] _ in
            guard let buffer = message.pointer.pointee, let request = bytes(of: buffer) else {
                // Too large, or the caller has gone: then the core has answered already and this is only logged.
                return finish(.failure(Failure(.invalid, "the request message is absent or too large")))
            }
            run(handler, request)
        }
        if !isBegun { call.abandon() }
    }

    /// The handler's task is cancelled; what it answers is not sent.
    func abandon() {
        cancelTask()
        call.abandon()
    }

    private func watchForClose() {
        let cancelled = Room<Int32>({ $0.initialize(to: 0) }, destroy: { _ in })
        _ = call.begin({ ashlar_grpc_receive_close($0, cancelled.pointer, $1) }) { [self] _ in
            if cancelled.pointer.pointee != 0 { cancelTask() }
        }
    }

    private func cancelTask() {
        let task = state.withLock { state in
            state.isCancelled = true
            return state.task
        }
        task?.cancel()
    }

    private func run(_ handler: GRPCHandlers.Handler, _ request: [UInt8]) {
        let task = Task { [self] in
            do throws(Failure) {
                switch handler {
                case .unary(let answer):
                    finish(.success(try await answer(request, context)))
                case .streaming(let answer):
                    try await answer(request, context, ResponseStream(call: self))
                    finish(.success(nil))
                }
            } catch {
                finish(.failure(error))
            }
        }
        let isCancelled = state.withLock { state in
            state.task = task
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    /// Returns when the core has taken the message over for the wire.
    fileprivate func send(_ message: [UInt8]) async throws(Failure) {
        let room = Room<ByteBuffer?>.buffer(makeBuffer(message))
        let sent = OneShot<Bool>()
        let isFirst = takeFirst()
        let isBegun = call.begin({ ashlar_grpc_send_message($0, isFirst, room.pointer.pointee, $1) }) { succeeded in
            withExtendedLifetime(room) { sent.set(succeeded) }
        }
        guard isBegun else { throw Failure(.cancelled, "the call is over, or another message is being sent") }
        guard await sent.value else { throw Failure(.cancelled, "the caller went away") }
    }

    private func takeFirst() -> Bool {
        state.withLock { state in
            defer { state.hasSentMetadata = true }
            return !state.hasSentMetadata
        }
    }

    /// Sends the last message, if any, and the status. The last thing a call does.
    private func finish(_ result: Result<[UInt8]?, Failure>) {
        let status: GRPCStatus
        var message: ByteBuffer?
        switch result {
        case .success(let reply):
            status = GRPCStatus(.ok)
            message = reply.flatMap(makeBuffer)
        case .failure(let failure):
            status = GRPCStatus(failure)
        }
        let room = Room<ashlar_grpc_status>(
            { ashlar_grpc_status_init($0, status.code.rawValue, status.message, status.kind?.rawValue, message) },
            destroy: { ashlar_grpc_status_destroy($0) })
        let isFirst = takeFirst()
        log(status)
        let isBegun = call.begin(isFinal: true, { ashlar_grpc_send_status($0, isFirst, room.pointer, $1) }) { _ in
            withExtendedLifetime(room) {}
        }
        if !isBegun { call.abandon() }
    }

    private func log(_ status: GRPCStatus) {
        let (seconds, attoseconds) = begin.duration(to: .now).components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        var metadata: Logger.Metadata = [
            "method": "\(context.method)", "code": "\(status.code.name)", "microseconds": "\(microseconds)",
        ]
        if status.code == .ok {
            logger.debug("call", metadata: metadata)
        } else {
            metadata["message"] = "\(status.message)"
            logger.notice("call", metadata: metadata)
        }
    }
}

/// Where a streaming handler sends its replies.
public struct ResponseStream: Sendable {
    fileprivate let call: ServerCall

    /// Returns when the transport has taken the message, so that a slow caller slows the handler down. One at a time.
    /// `cancelled` where the caller has gone.
    public func send(_ message: [UInt8]) async throws(Failure) { try await call.send(message) }
}
