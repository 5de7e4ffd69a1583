import Base
import CLinux
import Glibc
import Synchronization
import SystemIO

/// The worker's side: takes over what its predecessor had, tells the holder of devices that come and go, and has duplicates of all
/// descriptors, so that a new holder can be given them if this one dies.
public final class HolderClient: Sendable {
    public typealias Adopted = (name: String, facts: String, descriptors: [FileDescriptor])

    private struct State {
        /// Nil while there is no holder.
        var connection: PacketConnection?
        var devices = HeldDevices()
        var isHealthy = false
        var waiting = 0
        var isReady = false
        var isReleased = false
        var onAsked: (@Sendable (Asked) -> Void)?
        /// By the holder, and not told yet.
        var asked: [Asked] = []
    }
    /// What a holder wants of its worker: to make way for another, or to end with all devices.
    public enum Asked: Sendable { case release, stop }

    /// Where the holder's end is when a worker starts, and the lock that says that a worker lives.
    public static let descriptor: Int32 = 3
    static let lockDescriptor: Int32 = 4

    private let hello: WorkerHello
    private let state: Mutex<State>
    /// For the next holder; nil where this one's holder knows of none.
    private let lock: FileDescriptor?
    /// Wakes the thread where something waits to be sent.
    private let wake: FileDescriptor

    /// Says hello. `invalid` where descriptor 3 is no holder's.
    public init(_ hello: WorkerHello) throws(Failure) {
        self.hello = hello
        var status = stat()
        guard fstat(Self.descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
            throw Failure(.invalid, "a worker is started by its holder: use 'ashlar serve' or 'ashlar engine'")
        }
        _ = fcntl(Self.descriptor, F_SETFD, FD_CLOEXEC)
        lock = Self.givenLock()
        wake = FileDescriptor(owning: ashlar_eventfd())
        state = Mutex(State())
        let greeting = greeting
        state.withLock { state in
            let connection = PacketConnection(FileDescriptor(owning: Self.descriptor))
            connection.send(greeting)
            state.connection = connection
        }
    }

    private static func givenLock() -> FileDescriptor? {
        var name = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        guard readlink("/proc/self/fd/\(lockDescriptor)", &name, Int(PATH_MAX)) > 0,
            String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                .hasSuffix("/" + Holder.Settings.workerLock)
        else { return nil }
        _ = fcntl(lockDescriptor, F_SETFD, FD_CLOEXEC)
        return FileDescriptor(owning: lockDescriptor)
    }

    private var greeting: Message {
        var message = Message(.hello)
        message.hello = hello
        return message
    }

    /// What there is to go on with, once the holder has told all; for the new worker of an upgrade that is when the old one is gone. Nil: the holder
    /// died before. Blocks.
    public func adopted() -> [Adopted]? {
        while true {
            let (socket, isComplete): (Int32?, Bool) = state.withLock { state in
                guard let connection = state.connection else { return (nil, false) }
                while let (message, descriptor) = connection.receive() {
                    if message.kind == .complete {
                        // It has released all. The holder kills it too, unless it died in between.
                        if let descriptor { _ = ashlar_process_signal(descriptor.number, SIGKILL) }
                        return (nil, true)
                    }
                    if message.kind == .adopt, let part = message.device, let descriptor {
                        state.devices.put(part, descriptor)
                    }
                }
                return (connection.isOver ? nil : connection.socket.number, false)
            }
            if isComplete { return state.withLock { $0.devices.whole() } }
            guard let socket else { return nil }
            _ = waitForPackets([socket], milliseconds: nil)
        }
    }

    /// From now on a new holder finds this process at `path`, and `onAsked` is called when a holder wants something. Soon after `adopted`: until
    /// then a new holder finds nobody, and waits, since this process has the lock.
    public func listen(at path: String, onAsked: @escaping @Sendable (Asked) -> Void) throws(Failure) {
        let listener = try PacketConnection.listen(at: path)
        state.withLock { $0.onAsked = onAsked }
        Thread(name: "ashlar-holder") { [self] in
            while true { serve(listener) }
        }.start()
    }

    // MARK: Telling

    /// Duplicates the descriptors before it returns. When it has returned the device survives this process.
    public func keep(_ name: String, facts: String, _ descriptors: [Int32]) throws(Failure) {
        var owned: [FileDescriptor] = []
        for number in descriptors {
            owned.append(
                FileDescriptor(
                    owning: try systemCall("cannot duplicate a descriptor") { fcntl(number, F_DUPFD_CLOEXEC, 4) }))
        }
        let duplicates = owned
        state.withLock { state in
            for (index, descriptor) in duplicates.enumerated() {
                let part = DevicePart(device: name, index: index, count: duplicates.count, facts: facts)
                state.devices.put(part, descriptor)
                state.connection?.send(Message(.keep, part), descriptor)
            }
        }
        wakeThread()
    }

    public func forget(_ name: String) {
        state.withLock { state in
            state.devices.remove(name)
            state.connection?.send(
                Message(.forget, DevicePart(device: name, index: 0, count: 0, facts: "")))
        }
        wakeThread()
    }

    /// `waiting`: devices whose volumes cannot be opened yet.
    public func tellHealthy(waiting: Int) {
        state.withLock { state in
            (state.isHealthy, state.waiting) = (true, waiting)
            state.connection?.send(healthy(waiting))
        }
    }

    private func healthy(_ waiting: Int) -> Message {
        var message = Message(.healthy)
        message.waiting = waiting
        return message
    }

    public func tellReady() {
        state.withLock { state in
            state.isReady = true
            state.connection?.send(Message(.ready))
        }
    }

    public func tellReleased() {
        state.withLock { state in
            state.isReleased = true
            state.connection?.send(Message(.released))
        }
    }

    /// Whoever started this process is there to say when it is to end.
    public var hasHolder: Bool { state.withLock { $0.connection != nil } }

    private func wakeThread() {
        var one: UInt64 = 1
        _ = write(wake.number, &one, 8)
    }

    // MARK: The thread

    private func serve(_ listener: FileDescriptor) {
        let (socket, hasBacklog) = state.withLock { ($0.connection?.socket.number, $0.connection?.hasBacklog ?? false) }
        let descriptors = [listener.number, wake.number] + (socket.map { [$0] } ?? [])
        let ready = waitForPackets(descriptors, writing: hasBacklog ? socket.map { [$0] } ?? [] : [], milliseconds: nil)
        if ready.contains(wake.number) {
            var count: UInt64 = 0
            _ = read(wake.number, &count, 8)
        }
        let (asked, tell): ([Asked], (@Sendable (Asked) -> Void)?) = state.withLock { state in
            state.connection?.flush()
            while let (message, _) = state.connection?.receive() {
                if message.kind == .release { state.asked.append(.release) }
                if message.kind == .stop { state.asked.append(.stop) }
            }
            if state.connection?.isOver == true { state.connection = nil }
            guard let tell = state.onAsked else { return ([], nil) }
            defer { state.asked = [] }
            return (state.asked, tell)
        }
        for one in asked { tell?(one) }
        if ready.contains(listener.number) { welcome(listener) }
    }

    /// A new holder. The one before is dead, since the new one has its lock.
    private func welcome(_ listener: FileDescriptor) {
        let greeting = greeting
        state.withLock { state in
            guard let connection = PacketConnection.accept(listener) else { return }
            connection.send(greeting, lock)
            for (part, descriptor) in state.devices.parts() { connection.send(Message(.adopt, part), descriptor) }
            connection.send(Message(.complete))
            if state.isHealthy { connection.send(healthy(state.waiting)) }
            if state.isReady { connection.send(Message(.ready)) }
            if state.isReleased { connection.send(Message(.released)) }
            state.connection = connection
        }
    }
}
