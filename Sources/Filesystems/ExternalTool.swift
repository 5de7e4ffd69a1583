import Base
import CLinux
import Glibc
import SystemIO

/// A program of the machine that we call, and the Debian package it comes from.
public struct ExternalTool: Sendable {
    public let name: String
    public let package: String

    public init(name: String, package: String) {
        self.name = name
        self.package = package
    }

    public static let mkfsExt4 = ExternalTool(name: "mkfs.ext4", package: "e2fsprogs")
    public static let e2fsck = ExternalTool(name: "e2fsck", package: "e2fsprogs")
    public static let resize2fs = ExternalTool(name: "resize2fs", package: "e2fsprogs")
    public static let mkfsXFS = ExternalTool(name: "mkfs.xfs", package: "xfsprogs")
    public static let xfsGrowfs = ExternalTool(name: "xfs_growfs", package: "xfsprogs")
    public static let xfsRepair = ExternalTool(name: "xfs_repair", package: "xfsprogs")

    public struct Result: Sendable {
        public var exitCode: Int32
        /// Standard output and error, trimmed, at most `outputBytesMax`.
        public var output: String
    }

    public static let outputBytesMax = 64 << 10
    /// How long a killed tool may take to go: one that sleeps in the kernel on a dead device may never.
    private static let killSecondsMax = 5

    /// The program's path: from `PATH`, or from where system tools lie when `PATH` leaves those out.
    /// `unsupported` names the package.
    public func path() throws(Failure) -> String {
        let search = getenv("PATH").map { String(cString: $0) } ?? ""
        for directory in search.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin", "/usr/bin"] {
            let candidate = "\(directory)/\(name)"
            if access(candidate, X_OK) == 0 { return candidate }
        }
        throw Failure(.unsupported, "'\(name)' is not installed; install the Debian package '\(package)'")
    }

    /// Runs the tool and waits. `internal` with its words where the exit code is not accepted, `timedOut` past the bound.
    @discardableResult
    public func run(
        _ arguments: [String], secondsMax: Int, accepting accepted: ClosedRange<Int32> = 0...0
    ) throws(Failure) -> Result {
        let path = try path()
        var ends: [Int32] = [-1, -1]
        try systemCall("cannot make a pipe") { ashlar_pipe(&ends) }
        let output = FileDescriptor(owning: ends[0])
        let input = FileDescriptor(owning: ends[1])
        let child = try spawn(path, arguments, output: input.number)
        input.close()

        let deadline = seconds() + secondsMax
        let text = collect(from: output.number, until: deadline)
        guard let status = wait(for: child, until: deadline) else {
            kill(-child, SIGKILL)
            let isGone = wait(for: child, until: seconds() + Self.killSecondsMax) != nil
            throw Failure(
                .timedOut,
                "'\(name) \(arguments.joined(separator: " "))' took more than \(secondsMax) s and was \(isGone ? "stopped" : "left behind, hung in the kernel"): \(text)"
            )
        }
        // A signal's number is in the low 7 bits, an exit code in the next 8 (wait(2)).
        let result = Result(exitCode: status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f), output: text)
        guard accepted.contains(result.exitCode) else {
            throw Failure(
                .internal,
                "'\(name) \(arguments.joined(separator: " "))' failed with exit code \(result.exitCode): \(text)")
        }
        return result
    }

    /// A process group of its own, signals as a shell would give them, standard input empty.
    private func spawn(_ path: String, _ arguments: [String], output: Int32) throws(Failure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        // People read the tool's words and nobody parses them; one language all the same.
        let environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"].map(cString)
        let words = ([name] + arguments).map(cString)
        defer { for word in words + environment { free(word) } }
        var child = pid_t()
        let result = posix_spawn(&child, path, &actions, &attributes, words + [nil], environment + [nil])
        guard result == 0 else { throw Failure(errno: result, "cannot start '\(path)'") }
        return child
    }

    /// Reads until the tool closes its end or time is up.
    private func collect(from descriptor: Int32, until deadline: Int) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let left = deadline - seconds()
            if left <= 0 { break }
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&poller, 1, Int32(clamping: left * 1000))
            if ready < 0 && errno == EINTR { continue }
            if ready <= 0 { break }
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { break }
            bytes.append(contentsOf: buffer[0..<min(count, Self.outputBytesMax - bytes.count)])
        }
        while let last = bytes.last, last == 10 || last == 32 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The child's wait status; nil past the deadline.
    private func wait(for child: pid_t, until deadline: Int) -> Int32? {
        var status: Int32 = 0
        while true {
            let result = waitpid(child, &status, WNOHANG)
            if result == child { return status }
            if result < 0 && errno != EINTR { return 255 << 8 }
            if seconds() >= deadline { return nil }
            usleep(5_000)
        }
    }

    private func seconds() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return now.tv_sec
    }
}

/// owned by the caller: `free`
private func cString(_ text: String) -> UnsafeMutablePointer<CChar>? { strdup(text) }
