import Base
import CLinux
import Glibc
import SystemIO

/// One worker as the holder sees it. Confined to the holder's thread.
final class WorkerProcess {
    let connection: PacketConnection
    /// Readable once the process is gone with all its threads.
    let process: FileDescriptor
    let number: Int32
    /// What it was started from; nil: another holder started it.
    let program: FileDescriptor?
    let startedAt = ContinuousClock.now
    let startedUnixTime: Int64

    var hello: WorkerHello?
    var healthySince: ContinuousClock.Instant?
    /// Devices that it could not serve when it was healthy.
    var waiting = 0
    var isReady = false
    var isReleased = false
    /// The other end is closed: its files are, and soon it is gone.
    var overSince: ContinuousClock.Instant?

    private init(connection: PacketConnection, process: FileDescriptor, number: Int32, program: FileDescriptor?) {
        self.connection = connection
        self.process = process
        self.number = number
        self.program = program
        startedUnixTime = Int64(time(nil))
    }

    /// Starts `program` as a child with the other end of a connection as its descriptor 3, and `lock` as its descriptor 4. `prepare` sends what is in the
    /// connection before the child is there: it stays there if this process dies at once.
    init(
        starting program: FileDescriptor, _ words: [String], lock: FileDescriptor,
        prepare: (PacketConnection) -> Void = { _ in }
    ) throws(Failure) {
        let (ours, theirs) = try PacketConnection.pair()
        let connection = PacketConnection(ours)
        prepare(connection)
        self.connection = connection
        var list: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        defer { for word in list { free(word) } }
        list.append(nil)
        let child = ashlar_start_process(program.number, list, theirs.number, lock.number)
        guard child > 0 else { throw Failure(errno: -child, "cannot start a worker") }
        theirs.close()
        let descriptor = ashlar_process_descriptor(child)
        guard descriptor >= 0 else {
            kill(child, SIGKILL)
            throw Failure(errno: -descriptor, "cannot watch the worker")
        }
        process = FileDescriptor(owning: descriptor)
        number = child
        self.program = program
        startedUnixTime = Int64(time(nil))
    }

    /// The worker that listens at `path`, whose holder is gone; nil where there is none. It says hello once it is asked, so that its process is known
    /// to have lived when its descriptor was made.
    static func orphan(at path: String) throws(Failure) -> WorkerProcess? {
        guard let connection = try PacketConnection.connect(to: path), let number = connection.peer else { return nil }
        let descriptor = ashlar_process_descriptor(number)
        guard descriptor >= 0 else { return nil }
        connection.send(Message(.hello))
        return WorkerProcess(
            connection: connection, process: FileDescriptor(owning: descriptor), number: number, program: nil)
    }

    func send(_ number: Int32) { _ = ashlar_process_signal(process.number, number) }

    /// With all its threads.
    var isGone: Bool { !waitForPackets([process.number], milliseconds: 0).isEmpty }

    /// Its exit code, 128 and the signal's number where one ended it; nil while it lives, or where it was no child of ours.
    func reap() -> Int32? {
        var code: Int32 = 0
        return ashlar_process_reap(process.number, &code) == 1 ? code : nil
    }
}
