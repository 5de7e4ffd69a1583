import Attach
import Base
import BlockDevice
import Synchronization
import SystemIO

/// One device served by `FuseLoopFrontEnd`.
public final class FuseLoopDevice: ServedDevice {
    private enum State { case serving, changing, stopped }

    /// How long the kernel may take to give up a connection whose loop device is free.
    private static let endSecondsMax = 10

    public let path: String
    private let name: String
    private let device: any BlockDevice
    private let connection: FuseConnection
    /// Of the connection, which owns and closes it.
    private let connectionDescriptor: Int32?
    private let ended: Gate
    private let mountRoot: FileDescriptor
    private let threads: BlockingThreads
    private let onStop: @Sendable () -> Void
    private let state = Mutex(State.serving)

    init(
        path: String, name: String, device: any BlockDevice, connection: FuseConnection, descriptor: Int32?,
        ended: Gate, mountRoot: FileDescriptor, threads: BlockingThreads, onStop: @escaping @Sendable () -> Void
    ) {
        self.path = path
        self.name = name
        self.device = device
        self.connection = connection
        connectionDescriptor = descriptor
        self.ended = ended
        self.mountRoot = mountRoot
        self.threads = threads
        self.onStop = onStop
    }

    /// Gives the loop device the size that `device` has now. Safe to repeat, with a filesystem mounted, and under I/O.
    public func resize() async throws(Failure) {
        guard try begin() else { throw Failure(.unavailable, "\(path) was removed") }
        defer { state.withLock { $0 = .serving } }
        let (path, sizeBytes, root) = (path, device.sizeBytes, mountRoot.number)
        try await BlockingThreads.runOnce(name: "ashlar-resize", keeping: root) { () throws(Failure) in
            try LoopBinding.resize(path, sizeBytes: sizeBytes, file: root)
        }
    }

    public var descriptors: [Int32] { connectionDescriptor.map { [$0, mountRoot.number] } ?? [] }

    public func suspend() async {
        await withCheckedContinuation { continuation in
            device.loop.post { [connection] in connection.suspend(onIdle: { continuation.resume() }) }
        }
    }

    public func stop(force: Bool, forget: @Sendable () -> Void) async throws(Failure) {
        guard try begin() else { return }
        do throws(Failure) {
            if force { try await cutOff(forget) } else { try await release(forget) }
        } catch {
            state.withLock { $0 = .serving }
            throw error
        }
        state.withLock { $0 = .stopped }
        onStop()
    }

    /// False where the device was removed before. One change at a time: `busy`.
    private func begin() throws(Failure) -> Bool {
        let before = state.withLock { state in
            let before = state
            if before == .serving { state = .changing }
            return before
        }
        if before == .changing { throw Failure(.busy, "\(path) is being resized or removed") }
        return before == .serving
    }

    private func release(_ forget: @Sendable () -> Void) async throws(Failure) {
        let (path, name) = (path, name)
        try await threads.run { () throws(Failure) in try LoopBinding.release(path, name: name) }
        forget()
        // The last reference but the kernel's own, which goes when the file's release has been answered.
        mountRoot.close()
        if await !ended.wait(seconds: Self.endSecondsMax) { try await abort() }
    }

    /// The connection is over when nobody has it any more.
    private func cutOff(_ forget: @Sendable () -> Void) async throws(Failure) {
        forget()
        try await abort()
        mountRoot.close()
        let (path, name) = (path, name)
        try await threads.run { () throws(Failure) in try LoopBinding.abandon(path, name: name) }
    }

    /// Gives up this process's descriptor of the connection, and nothing else.
    func abandon() async throws(Failure) {
        try await abort()
        mountRoot.close()
    }

    private func abort() async throws(Failure) {
        try await device.loop.run { [connection] () throws(Failure) in connection.abort() }
        await ended.wait()
    }
}
