import Base
import Glibc

/// How many descriptors this process may have.
public enum DescriptorLimit {
    public static func current() throws(Failure) -> Int { Int(clamping: try limits().rlim_cur) }

    /// To what the hard limit allows. A device is two descriptors, and each open slice is one.
    public static func raise() throws(Failure) {
        var limit = try limits()
        limit.rlim_cur = limit.rlim_max
        try systemCall("cannot raise the descriptor limit") {
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
    }

    private static func limits() throws(Failure) -> rlimit {
        var limit = rlimit()
        try systemCall("cannot read the descriptor limit") {
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return limit
    }
}
