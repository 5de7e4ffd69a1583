import Base
import CGRPC
import Glibc
import Logging

/// A listening unix socket of mode 0600, and the thread that accepts on it.
///
/// The mode is set on the descriptor before it is bound, and Linux gives the file that mode (less the umask): there is no
/// moment at which others could connect.
final class UnixListener: Sendable {
    /// Wait after running out of descriptors.
    private static let retryMicroseconds: UInt32 = 50_000

    let path: String
    /// Owned.
    private let descriptor: Int32
    /// The file we bound, so that `stop` does not remove somebody else's.
    private let inode: UInt
    private let logger: Logger
    private let ended = OneShot<Void>()

    /// - Throws: `conflict` where a process listens on `path` or it is not a socket; `invalid` where the path is too
    ///   long for a unix socket (107 bytes); the system's errors.
    init(path: String, logger: Logger) throws(Failure) {
        self.path = path
        self.logger = logger
        try removeStaleSocket(path)
        (descriptor, inode) = try listenOn(path)
    }

    /// `connected` gets non-blocking descriptors, which it owns.
    func start(_ connected: @escaping @Sendable (Int32) -> Void) {
        startThread("grpc-accept") { [self] in
            accept(connected)
            close(descriptor)
            ended.set(())
        }
    }

    /// Refuses connections from now on and removes the socket file. Returns when the thread has ended.
    func stop() async {
        var status = stat()
        if stat(path, &status) == 0, status.st_ino == inode { unlink(path) }
        Glibc.shutdown(descriptor, Int32(SHUT_RDWR))
        await ended.value
    }

    private func accept(_ connected: (Int32) -> Void) {
        while true {
            let peer = ashlar_grpc_accept(descriptor)
            if peer >= 0 {
                connected(peer)
                continue
            }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                logger.error("cannot accept a connection", metadata: ["socket": "\(path)", "errno": "\(errno)"])
                usleep(Self.retryMicroseconds)
            default: return  // EINVAL: the socket was shut down
            }
        }
    }
}

/// The descriptor, owned by the caller, and the inode of the socket's file.
private func listenOn(_ path: String) throws(Failure) -> (Int32, UInt) {
    let backlogCount: Int32 = 128
    let address = try unixAddress(path)
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw systemFailure("cannot make a socket") }
    var status = stat()
    let isListening = address.withPointer { address, bytes in
        fchmod(descriptor, 0o600) == 0 && bind(descriptor, address, bytes) == 0 && listen(descriptor, backlogCount) == 0
    }
    guard isListening, stat(path, &status) == 0 else {
        let failure = systemFailure("cannot listen on \(path)")
        close(descriptor)
        throw failure
    }
    return (descriptor, status.st_ino)
}

/// Removes a socket file that nobody listens on.
private func removeStaleSocket(_ path: String) throws(Failure) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
        if errno == ENOENT { return }
        throw systemFailure("cannot look at \(path)")
    }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
        throw Failure(.conflict, "\(path) exists and is not a socket; remove it or choose another path")
    }
    let address = try unixAddress(path)
    let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard probe >= 0 else { throw systemFailure("cannot make a socket") }
    defer { close(probe) }
    let result = address.withPointer { connect(probe, $0, $1) }
    // EAGAIN: a listener whose backlog is full.
    if result == 0 || errno == EAGAIN || errno == EINPROGRESS {
        throw Failure(.conflict, "another process listens on \(path); stop it first")
    }
    guard errno == ECONNREFUSED || errno == ENOENT else { throw systemFailure("cannot probe \(path)") }
    guard unlink(path) == 0 || errno == ENOENT else { throw systemFailure("cannot remove the stale \(path)") }
}

private struct UnixAddress {
    var address = sockaddr_un()

    func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }
}

private func unixAddress(_ path: String) throws(Failure) -> UnixAddress {
    try checkSocketPath(path)
    var address = UnixAddress()
    address.address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.address.sun_path) { room in
        for (index, byte) in path.utf8.enumerated() { room[index] = byte }
    }
    return address
}

/// `sun_path` has 108 bytes, one of them for the NUL (unix(7)).
func checkSocketPath(_ path: String) throws(Failure) {
    guard !path.isEmpty, !path.utf8.contains(0) else { throw Failure(.invalid, "the socket path is empty") }
    guard path.utf8.count <= 107 else {
        throw Failure(.invalid, "the socket path \(path) has more than 107 bytes; choose a shorter one")
    }
}

private func systemFailure(_ what: String) -> Failure {
    let number = errno
    let kind: FailureKind =
        switch number {
        case ENOENT, ENOTDIR: .notFound
        case EADDRINUSE: .conflict
        case EMFILE, ENFILE, ENOSPC, ENOMEM: .exhausted
        case EACCES, EPERM, EROFS: .failedPrecondition
        default: .internal
        }
    return Failure(kind, "\(what): \(String(cString: strerror(number)))", errorNumber: number)
}
