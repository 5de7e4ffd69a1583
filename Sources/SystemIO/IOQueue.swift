import Base

/// Told of each completion, on the queue's thread. `result` is a count of bytes, or a negative errno.
public protocol IOTarget: AnyObject {
    func ioCompleted(_ tag: UInt64, result: Int32)
}

/// Called once at the end of the batch of completions in which it was asked for: where what waits is packed together.
public protocol BatchTarget: AnyObject {
    func batchEnded()
}

/// Asynchronous file I/O of one thread. The event loop implements it over io_uring, the simulator over a seed.
///
/// Buffers are borrowed until the completion. Targets are kept alive until then.
public protocol IOQueue: AnyObject {
    func read(
        _ descriptor: Int32, into buffer: UnsafeMutableRawPointer, bytes: Int, offset: UInt64, target: any IOTarget,
        tag: UInt64)
    /// Writes `first` then `second` (which may be empty) as one request. `durable`: completes when the bytes would survive power loss.
    func write(
        _ descriptor: Int32, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, offset: UInt64,
        durable: Bool, target: any IOTarget, tag: UInt64)
    func synchronize(_ descriptor: Int32, target: any IOTarget, tag: UInt64)
    func timer(nanoseconds: UInt64, target: any IOTarget, tag: UInt64)
    func atEndOfBatch(_ target: any BatchTarget)

    /// Runs `job` on a thread where blocking is fine, then `then` on this queue's thread.
    func blocking<T: Sendable>(
        _ job: @escaping @Sendable () throws(Failure) -> T, then: @escaping @Sendable (Result<T, Failure>) -> Void)
}
