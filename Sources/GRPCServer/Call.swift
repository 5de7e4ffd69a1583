import CGRPC
import Synchronization

/// One `grpc_call` and its batches, on either side.
///
/// Invariant: a batch is begun only while the call is open; the call is released exactly once, when no batch is under way
/// and none may follow (`isFinal`). Batches are begun under the lock, as the core wants.
final class Call: Sendable {
    /// `@unchecked Sendable`: used under the lock only.
    private struct State: @unchecked Sendable {
        /// Owned; nil once released.
        var call: OpaquePointer?
        var batchCount = 0
        var isFinal = false

        /// What must be released outside the lock.
        mutating func takeIfDone() -> Released? {
            guard isFinal, batchCount == 0, let call else { return nil }
            self.call = nil
            return Released(call: call)
        }
    }

    private struct Released: @unchecked Sendable {
        let call: OpaquePointer
    }

    private let state: Mutex<State>
    private let released: @Sendable () -> Void

    /// Takes `call`. `released` runs once, after the call is given back.
    init(owning call: OpaquePointer, released: @escaping @Sendable () -> Void) {
        state = Mutex(State(call: call))
        self.released = released
    }

    /// Begins a batch. False where the call is over or the core refused; then `done` never runs.
    /// - Parameters:
    ///   - isFinal: no batch may follow.
    ///   - start: calls one of CGRPC's batch functions with the call and the tag.
    ///   - done: gets whether the batch succeeded, on the queue's thread.
    func begin(
        isFinal: Bool = false, _ start: (OpaquePointer, UnsafeMutableRawPointer) -> grpc_call_error,
        done: @escaping @Sendable (Bool) -> Void
    ) -> Bool {
        let completion = Completion { [self] succeeded in
            done(succeeded)
            batchEnded()
        }
        return state.withLock { state in
            guard !state.isFinal, let call = state.call else { return false }
            let tag = completion.makeTag()
            guard start(call, tag) == GRPC_CALL_OK else {
                Completion.discard(tag)
                return false
            }
            state.batchCount += 1
            state.isFinal = isFinal
            return true
        }
    }

    /// Batches under way end soon, with a status that says so.
    func cancel() {
        state.withLock { state in
            if let call = state.call { _ = grpc_call_cancel(call, nil) }
        }
    }

    /// Cancels, and nothing more may be begun.
    func abandon() {
        let done = state.withLock { state -> Released? in
            if let call = state.call, !state.isFinal { _ = grpc_call_cancel(call, nil) }
            state.isFinal = true
            return state.takeIfDone()
        }
        if let done { release(done) }
    }

    private func batchEnded() {
        let done = state.withLock { state -> Released? in
            state.batchCount -= 1
            return state.takeIfDone()
        }
        if let done { release(done) }
    }

    private func release(_ done: Released) {
        grpc_call_unref(done.call)
        released()
    }
}

/// A value that is set once and waited for by at most one task.
final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case awaited(CheckedContinuation<Value, Never>)
        case full(Value)
    }

    private let state = Mutex(State.empty)

    func set(_ value: Value) {
        let waiter = state.withLock { state -> CheckedContinuation<Value, Never>? in
            switch state {
            case .empty:
                state = .full(value)
                return nil
            case .awaited(let waiter):
                state = .full(value)
                return waiter
            case .full:
                preconditionFailure("set twice")
            }
        }
        waiter?.resume(returning: value)
    }

    var value: Value {
        get async {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state -> Value? in
                    switch state {
                    case .empty:
                        state = .awaited(continuation)
                        return nil
                    case .awaited:
                        preconditionFailure("awaited twice")
                    case .full(let value):
                        return value
                    }
                }
                if let ready { continuation.resume(returning: ready) }
            }
        }
    }
}

/// Room for one C value at a fixed address, destroyed with the object. What a batch reads or writes lives in one.
///
/// `@unchecked Sendable`: the core has it between a batch's begin and its tag; after that one task or thread.
final class Room<C>: @unchecked Sendable {
    /// Owned.
    let pointer: UnsafeMutablePointer<C>
    private let destroy: (UnsafeMutablePointer<C>) -> Void

    init(_ initialize: (UnsafeMutablePointer<C>) -> Void, destroy: @escaping (UnsafeMutablePointer<C>) -> Void) {
        pointer = .allocate(capacity: 1)
        initialize(pointer)
        self.destroy = destroy
    }

    deinit {
        destroy(pointer)
        pointer.deallocate()
    }
}

typealias ByteBuffer = UnsafeMutablePointer<grpc_byte_buffer>

extension Room where C == ByteBuffer? {
    /// A byte buffer that the core will put here, or that we made: destroyed with the room.
    static func buffer(_ buffer: ByteBuffer? = nil) -> Room {
        Room(
            { $0.initialize(to: buffer) }, destroy: { if let buffer = $0.pointee { grpc_byte_buffer_destroy(buffer) } })
    }
}

/// Owned by the caller: given to the core or to a `Room`.
func makeBuffer(_ bytes: [UInt8]) -> ByteBuffer? {
    bytes.withUnsafeBufferPointer { ashlar_grpc_buffer_create($0.baseAddress, $0.count) }
}

/// `buffer` is borrowed. Nil where it is corrupt.
func bytes(of buffer: ByteBuffer) -> [UInt8]? {
    let length = grpc_byte_buffer_length(buffer)
    var isWhole = false
    let copy = [UInt8](unsafeUninitializedCapacity: length) { room, count in
        // An empty array still has an address to give.
        guard let base = room.baseAddress else {
            isWhole = length == 0
            return
        }
        isWhole = ashlar_grpc_buffer_copy(buffer, base, length)
        count = isWhole ? length : 0
    }
    return isWhole ? copy : nil
}

/// `slice` is borrowed.
func text(of slice: UnsafePointer<grpc_slice>) -> String {
    String(
        decoding: UnsafeBufferPointer(start: ashlar_grpc_slice_bytes(slice), count: ashlar_grpc_slice_count(slice)),
        as: UTF8.self)
}
