import Base
import CLinux
import Glibc
import SystemIO

/// Keeps the descriptors through which the kernel asks for I/O, and a process that answers.
///
/// It starts the worker, starts another when it dies, and has the next one adopt the devices. It parses no request and no block, and knows
/// of a device only its name and its descriptors; so it never has to be replaced because the engine changed. One thread, one `poll`.
///
/// Invariants: one holder a run directory (a file lock). At most one worker serves: the next one waits for the engine's lock, which the rings of the
/// old one have too. A descriptor is closed when the worker said `forget`, or both are dead.
public final class Holder {
    public struct Settings: Sendable {
        /// Where the sockets and the lock are.
        public var runDirectory: String
        /// The worker's argv; the program is the one that runs here, until an upgrade.
        public var words: [String]

        public init(runDirectory: String, words: [String]) {
            self.runDirectory = runDirectory
            self.words = words
        }

        public static func socketPath(_ runDirectory: String) -> String { "\(runDirectory)/holder.sock" }
        public static func workerSocketPath(_ runDirectory: String) -> String { "\(runDirectory)/worker.sock" }
        /// In the run directory: locked while a worker lives.
        static let workerLock = "worker.lock"
    }

    public enum LogLevel: Sendable { case info, warning, error }
    public typealias Log = @Sendable (LogLevel, String) -> Void

    let settings: Settings
    let log: Log
    private let lock: FileDescriptor
    private let listener: FileDescriptor
    private let signals: FileDescriptor
    /// The path that this program was started as: what SIGHUP starts, for a package that was updated.
    let ownPath: String
    /// What workers are started from. Kept open: it is there even if its file is replaced.
    var program: FileDescriptor

    var devices = HeldDevices()
    var current: WorkerProcess?
    /// Held by this process and every worker that it started, as one open file: see `takeWorkerLock`. Nil while none was started.
    var workerLock: FileDescriptor?
    var isWaitingTold = false
    /// When the next worker is due; nil: one runs.
    var startAt: ContinuousClock.Instant?
    var upgrade: Upgrade?
    /// Dead, but for threads that wait in the kernel for I/O which the next worker serves.
    var lingering: [WorkerProcess] = []
    /// It has released, and is killed when the one after it has all devices.
    var replaced: WorkerProcess?
    private var clients: [PacketConnection] = []
    var isStopping = false
    /// Exit code of this process, once it is known.
    var exitCode: Int32?
    /// Until a worker was ready, one that ends in order takes the holder with it: a mistake of the configuration is nothing to repeat.
    var wasEverReady = false
    var deathCount = 0
    var status: HolderStatus

    /// Takes the lock; `conflict` where another holder has it.
    public init(_ settings: Settings, log: @escaping Log) throws(Failure) {
        self.settings = settings
        self.log = log
        let path = "\(settings.runDirectory)/holder.lock"
        lock = try FileDescriptor(opening: path, flags: O_RDWR | O_CREAT | O_CLOEXEC, "cannot open \(path)")
        guard flock(lock.number, LOCK_EX | LOCK_NB) == 0 else {
            throw Failure(
                .conflict, "another ashlar engine uses \(path): stop it first, or give this one directories of its own")
        }
        program = try FileDescriptor(
            opening: "/proc/self/exe", flags: ashlar_o_path() | O_CLOEXEC, "cannot open this program")
        var name = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        guard readlink("/proc/self/exe", &name, Int(PATH_MAX)) > 0 else {
            throw Failure(errno: errno, "cannot read this program's path")
        }
        ownPath = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        listener = try PacketConnection.listen(at: Settings.socketPath(settings.runDirectory))
        var ends: [Int32] = [0, 0]
        guard ashlar_pipe(&ends) == 0 else { throw Failure(errno: errno, "cannot make a pipe") }
        signals = FileDescriptor(owning: ends[0])
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        // The pipe's other end stays open: signals come until the end of the process.
        let result = ashlar_signals_to(ends[1])
        guard result == 0 else { throw Failure(errno: -result, "cannot catch signals") }
        status = HolderStatus(
            holderProcess: getpid(), workerProcess: nil, build: nil, state: "down", holderSince: Int64(time(nil)),
            workerSince: nil, restarts: 0, upgrades: 0, devices: 0, lastFailure: nil)
    }

    /// Until SIGTERM or SIGINT, or a first start that fails. Returns the exit code. Blocks: call it on a thread of its own.
    public func run() -> Int32 {
        startAt = .now
        while true {
            step()
            if exitCode != nil { break }
            let ready = waitForPackets(
                watched().map(\.number), writing: connections().filter(\.hasBacklog).map(\.socket.number),
                milliseconds: pauseMilliseconds())
            if ready.contains(signals.number) { takeSignals() }
            for connection in connections() where ready.contains(connection.socket.number) { connection.flush() }
            if ready.contains(listener.number), let client = PacketConnection.accept(listener) {
                clients.append(client)
            }
            serveClients(ready)
        }
        unlink(Settings.socketPath(settings.runDirectory))
        return exitCode ?? 0
    }

    /// Everything that is due, by messages, deaths or time.
    private func step() {
        for worker in [current, upgrade?.candidate].compactMap({ $0 }) { take(from: worker) }
        for worker in lingering where worker.isGone { _ = worker.reap() }
        lingering.removeAll { $0.isGone }
        killReplaced()
        if let worker = current, hasEnded(worker) {
            current = nil
            ended(worker)
        }
        if let candidate = upgrade?.candidate, hasEnded(candidate) {
            upgrade?.candidate = nil
            upgradeFailed("the new worker ended\(codeText(candidate.reap()))")
        }
        checkUpgradeTime()
        if let startAt, startAt <= .now, exitCode == nil { startWorker() }
    }

    // MARK: Waiting

    private func connections() -> [PacketConnection] {
        ([current, upgrade?.candidate].compactMap { $0?.connection } + clients).filter { !$0.isOver }
    }

    private func watched() -> [FileDescriptor] {
        [signals, listener] + connections().map(\.socket)
            + ([current, upgrade?.candidate].compactMap { $0 } + lingering).map(\.process)
    }

    /// Nil: until something happens.
    private func pauseMilliseconds() -> Int? {
        var moments = [startAt, upgrade?.deadline].compactMap { $0 }
        for worker in [current, upgrade?.candidate] {
            if let over = worker?.overSince { moments.append(over + Self.lingerMax) }
        }
        guard let next = moments.min() else { return nil }
        let (seconds, attoseconds) = (next - .now).components
        return max(0, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000) + 1)
    }

    private func takeSignals() {
        var number: UInt8 = 0
        while read(signals.number, &number, 1) == 1 {
            if Int32(number) == SIGHUP {
                requestUpgrade(UpgradeRequest(binary: nil, timeoutSeconds: Self.upgradeSecondsDefault), from: nil)
            } else {
                stop()
            }
        }
    }

    private func serveClients(_ ready: Set<Int32>) {
        for client in clients where ready.contains(client.socket.number) {
            while let (message, _) = client.receive() { answer(message, client) }
        }
        clients.removeAll { $0.isOver }
    }
}
