import Base
import CGRPC
import Glibc

/// What runs when a batch is done: the one tag type of every queue. A tag is made once, given to the core, and consumed
/// once, either by the queue's thread or, where the core refused the batch, by whoever made it.
final class Completion: Sendable {
    private let body: @Sendable (Bool) -> Void

    /// `body` gets whether the batch succeeded; it runs on the queue's thread and must not block. It owns whatever the
    /// batch's out-parameters live in, by capturing it.
    init(_ body: @escaping @Sendable (Bool) -> Void) { self.body = body }

    /// Retained until it is consumed.
    func makeTag() -> UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }

    static func run(_ tag: UnsafeMutableRawPointer, succeeded: Bool) {
        Unmanaged<Completion>.fromOpaque(tag).takeRetainedValue().body(succeeded)
    }

    static func discard(_ tag: UnsafeMutableRawPointer) { Unmanaged<Completion>.fromOpaque(tag).release() }
}

/// A completion queue with its thread. The thread ends, and the queue is destroyed, after `shutdown` and the last tag.
///
/// `@unchecked Sendable`: the pointer never changes and the core's queues may be used from any thread.
final class CompletionQueue: @unchecked Sendable {
    /// Owned: destroyed by the thread.
    let pointer: OpaquePointer

    init(name: String) {
        GRPCLibrary.start()
        pointer = grpc_completion_queue_create_for_next(nil)
        startThread(name) { [self] in serve() }
    }

    /// No batch may be begun on the queue from now on.
    func shutdown() { grpc_completion_queue_shutdown(pointer) }

    private func serve() {
        while true {
            let event = grpc_completion_queue_next(pointer, gpr_inf_future(GPR_CLOCK_MONOTONIC), nil)
            if event.type == GRPC_QUEUE_SHUTDOWN { break }
            guard event.type == GRPC_OP_COMPLETE, let tag = event.tag else { continue }
            Completion.run(tag, succeeded: event.success != 0)
        }
        grpc_completion_queue_destroy(pointer)
    }
}

/// The core is started once and lives as long as the process.
enum GRPCLibrary {
    private static let once: Void = grpc_init()
    static func start() { once }
}

/// A detached thread of our own, since what it runs blocks.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) {
    final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void
        init(_ name: String, _ run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    var thread = pthread_t()
    let result = pthread_create(
        &thread, &attributes,
        { argument in
            guard let argument else { return nil }
            let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
            ashlar_grpc_name_thread(body.name)
            body.run()
            return nil
        }, Unmanaged.passRetained(Body(name, body)).toOpaque())
    pthread_attr_destroy(&attributes)
    precondition(result == 0, "cannot start thread \(name): errno \(result)")
}
