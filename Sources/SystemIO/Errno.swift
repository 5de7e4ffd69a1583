import Base
import Glibc

extension Failure {
    /// An errno as a `Failure`: its kind by what a caller can do about it, its text from the system.
    /// EBADF and EFAULT are bugs of ours and stop the process.
    public init(errno number: Int32, _ message: String) {
        precondition(number != EBADF && number != EFAULT, "\(message): errno \(number)")
        let kind: FailureKind
        switch number {
        case ENOENT: kind = .notFound
        case EEXIST, ENOTEMPTY: kind = .conflict
        case ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM: kind = .exhausted
        case EBUSY, EAGAIN: kind = .busy
        case EINVAL, ENAMETOOLONG: kind = .invalid
        case EOPNOTSUPP, ENOSYS: kind = .unsupported
        case EACCES, EPERM, EROFS: kind = .failedPrecondition
        case EIO, ENODEV, ENXIO: kind = .unavailable  // the last two: of a drive that is gone
        default: kind = .internal
        }
        self.init(kind, "\(message): \(String(cString: strerror(number)))", errorNumber: number)
    }

    /// An I/O's errno that tells of too little memory or too few descriptors.
    public static func isShortage(errno number: Int32) -> Bool {
        [ENOMEM, EAGAIN, EINTR, EMFILE, ENFILE].contains(number)
    }

    /// Too little of something (descriptors, memory, space), or somebody in the way: no word against a drive, and gone in a while.
    public var isShortage: Bool { kind == .exhausted || kind == .busy }
}

/// Calls `body` until it is not interrupted; throws its errno where it answers a negative number.
@discardableResult
public func systemCall<T: SignedInteger>(_ what: @autoclosure () -> String, _ body: () -> T) throws(Failure) -> T {
    while true {
        let result = body()
        if result >= 0 { return result }
        let number = errno
        if number == EINTR { continue }
        throw Failure(errno: number, what())
    }
}
