import Base
import CGRPC
import Logging
import Synchronization

public struct GRPCServerSettings: Sendable {
    /// Larger requests are answered RESOURCE_EXHAUSTED.
    public var messageBytesMax = 16 << 20
    /// Calls that run at once, over all connections; the next is answered RESOURCE_EXHAUSTED.
    public var callCountMax = 256
    /// Threads that move bytes. Handlers run on Swift's own.
    public var threadCount = 2

    public init() {}
}

/// A gRPC server on a unix socket of mode 0600. It knows methods and bytes, not what they mean.
///
/// It must be shut down before it is released.
public final class GRPCServer: Sendable {
    private enum Phase {
        case new
        case serving(Serving)
        case stopping(Task<Void, Never>)
    }

    public let socketPath: String
    private let handlers: GRPCHandlers
    private let settings: GRPCServerSettings
    private let logger: Logger
    private let phase = Mutex(Phase.new)

    public init(
        socketPath: String, handlers: GRPCHandlers, settings: GRPCServerSettings = GRPCServerSettings(), logger: Logger
    ) {
        self.socketPath = socketPath
        self.handlers = handlers
        self.settings = settings
        self.logger = logger
    }

    /// Listens and serves; returns at once. A socket file that nobody listens on is replaced.
    /// - Throws: `conflict` where another process listens there, `invalid` where the path cannot be a socket's,
    ///   `failedPrecondition` where this server was started before.
    public func start() throws(Failure) {
        let result = phase.withLock { phase -> Result<Void, Failure> in
            guard case .new = phase else {
                return .failure(Failure(.failedPrecondition, "the server on \(socketPath) was started before"))
            }
            do throws(Failure) {
                let listener = try UnixListener(path: socketPath, logger: logger)
                let serving = Serving(listener, handlers, settings, logger)
                serving.start()
                phase = .serving(serving)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// Takes no new calls, lets running ones end, cancels after `drainSeconds` what still runs, removes the socket.
    /// Calling it again waits for the same end.
    public func shutdown(drainSeconds: Double) async {
        let task = phase.withLock { phase -> Task<Void, Never>? in
            switch phase {
            case .new: return nil
            case .stopping(let task): return task
            case .serving(let serving):
                let task = Task { await serving.stop(drainSeconds: drainSeconds) }
                phase = .stopping(task)
                return task
            }
        }
        await task?.value
    }
}

/// A server that runs.
///
/// `@unchecked Sendable`: `server` never changes and the core's servers may be used from any thread; `calls` is guarded
/// by its lock.
private final class Serving: @unchecked Sendable {
    /// Calls asked for in advance on every queue, so that a burst does not wait for one round trip each.
    private static let requestedCallCount = 4

    /// Owned.
    private let server: OpaquePointer
    private let queues: [CompletionQueue]
    private let listener: UnixListener
    private let handlers: GRPCHandlers
    private let settings: GRPCServerSettings
    private let logger: Logger
    private struct Calls {
        var running: [ObjectIdentifier: ServerCall] = [:]
        /// The queues end: nothing may be begun on them any more.
        var isStopped = false
    }
    private let calls = Mutex(Calls())

    init(_ listener: UnixListener, _ handlers: GRPCHandlers, _ settings: GRPCServerSettings, _ logger: Logger) {
        GRPCLibrary.start()
        self.listener = listener
        self.handlers = handlers
        self.settings = settings
        self.logger = logger
        server = ashlar_grpc_server_create(Int32(settings.messageBytesMax), Int32(settings.callCountMax))
        queues = (0..<max(1, settings.threadCount)).map { CompletionQueue(name: "grpc-server-\($0)") }
    }

    func start() {
        for queue in queues { grpc_server_register_completion_queue(server, queue.pointer, nil) }
        grpc_server_start(server)
        for queue in queues {
            for _ in 0..<Self.requestedCallCount { requestCall(on: queue) }
        }
        listener.start { [self] descriptor in ashlar_grpc_server_add_connection(server, descriptor) }
    }

    private func requestCall(on queue: CompletionQueue) {
        let incoming = Room<ashlar_grpc_incoming>(
            { ashlar_grpc_incoming_init($0) }, destroy: { ashlar_grpc_incoming_destroy($0) })
        let completion = Completion { [self] succeeded in
            // Not succeeded: the server is shutting down.
            guard succeeded, let call = incoming.pointer.pointee.call else { return }
            requestCall(on: queue)
            accept(call, incoming)
        }
        let tag = completion.makeTag()
        if ashlar_grpc_request_call(server, incoming.pointer, queue.pointer, tag) != GRPC_CALL_OK {
            Completion.discard(tag)
        }
    }

    private func accept(_ pointer: OpaquePointer, _ incoming: Room<ashlar_grpc_incoming>) {
        let method = withUnsafePointer(to: incoming.pointer.pointee.details.method) { text(of: $0) }
        let seconds = ashlar_grpc_seconds_until(incoming.pointer.pointee.details.deadline)
        let context = CallContext(
            method: method, deadline: seconds.isFinite ? ContinuousClock.now + .seconds(seconds) : nil)
        let token = Token()
        let call = ServerCall(
            Call(owning: pointer) { [self] in forget(token) }, context, logger: logger)
        let count: Int? = calls.withLock { calls in
            if calls.isStopped { return nil }
            calls.running[ObjectIdentifier(token)] = call
            return calls.running.count
        }
        guard let count else { return call.abandon() }
        if count > settings.callCountMax {
            call.refuse(Failure(.exhausted, "more than \(settings.callCountMax) calls at once; try again"))
        } else if let handler = handlers[method] {
            call.serve(handler)
        } else {
            call.refuse(Failure(.unsupported, "\(method) is not served here"))
        }
    }

    /// Names a call in `calls`.
    private final class Token: Sendable {}

    private func forget(_ token: Token) {
        calls.withLock { _ = $0.running.removeValue(forKey: ObjectIdentifier(token)) }
    }

    func stop(drainSeconds: Double) async {
        await listener.stop()
        let drained = OneShot<Void>()
        let tag = Completion { _ in drained.set(()) }.makeTag()
        grpc_server_shutdown_and_notify(server, queues[0].pointer, tag)
        let timer = Task { [self] in
            guard (try? await Task.sleep(for: .seconds(drainSeconds))) != nil else { return }
            cancelCalls()
        }
        await drained.value
        timer.cancel()
        // Handlers of callers that went away may still run: the core ends the process where one sends on a queue that has ended.
        let left = calls.withLock { calls in
            calls.isStopped = true
            return Array(calls.running.values)
        }
        for call in left { call.abandon() }
        grpc_server_destroy(server)
        for queue in queues { queue.shutdown() }
    }

    private func cancelCalls() {
        let running = calls.withLock { Array($0.running.values) }
        if !running.isEmpty {
            logger.warning("cancelling calls that did not end", metadata: ["count": "\(running.count)"])
        }
        for call in running { call.abandon() }
        grpc_server_cancel_all_calls(server)
    }
}
