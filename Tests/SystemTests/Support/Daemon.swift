import Base
import Foundation
import Glibc
import Synchronization
import SystemIO

/// A process of the binary under test, with the processes that it started: they are of its process group. `kill` is for all of them,
/// `exitCode` tells of the first.
final class Daemon: Sendable {
    /// What a process ended with; 128 and the signal's number where one ended it.
    typealias ExitCode = Int32

    let pid: pid_t
    private let ended = Mutex<ExitCode?>(nil)
    private let killed = Atomic<Bool>(false)

    /// `ASHLAR_BINARY`, else the binary beside this test bundle, whatever its configuration.
    static let binary = ProcessInfo.processInfo.environment["ASHLAR_BINARY"] ?? built("ashlar")

    /// An executable of this build: beside the test bundle.
    static func built(_ name: String) -> String {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? executable
        return (bundle as NSString).deletingLastPathComponent + "/\(name)"
    }

    /// Starts the binary, or another `executable`; what it prints goes to the end of `log`.
    init(_ arguments: [String], executable: String = Daemon.binary, log: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Not of the terminal's group: an interrupt of the tests must leave the teardown to us.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var words: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        var child: pid_t = 0
        let result = posix_spawn(&child, executable, &actions, &attributes, words, environ)
        guard result == 0 else {
            throw Failure(errno: result, "cannot start \(executable); build it or set ASHLAR_BINARY")
        }
        pid = child
    }

    deinit {
        if poll() == nil || !members().isEmpty { Glibc.kill(-pid, SIGKILL) }
    }

    var isKilled: Bool { killed.load(ordering: .acquiring) }

    /// kill -9 of all, and waits until they are gone.
    func kill() async {
        killed.store(true, ordering: .releasing)
        if poll() == nil || !members().isEmpty { Glibc.kill(-pid, SIGKILL) }
        _ = await exitCode(within: 60)
        let deadline = ContinuousClock.now + .seconds(60)
        while !members().isEmpty, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(2)) }
    }

    /// Processes of its group that live, but for itself: the worker of a holder, and the tools that it runs.
    func members() -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { process in
            guard process != pid, let text = FileManager.default.contents(atPath: "/proc/\(process)/stat") else {
                return false
            }
            // After the name, which is in parentheses: state, parent, process group.
            let words = String(decoding: text, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
            return words.count > 2 && words[0] != "Z" && words[0] != "X" && pid_t(words[2]) == pid
        }
    }

    /// What does the work: the worker where this is a holder.
    var worker: pid_t {
        members().first { process in
            let words = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
            return String(decoding: words, as: UTF8.self).contains("\0worker\0")
        } ?? pid
    }

    func terminate() { if poll() == nil { Glibc.kill(pid, SIGTERM) } }

    /// Nil where it still runs after that time.
    func exitCode(within seconds: Double) async -> ExitCode? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            if let code = poll() { return code }
            guard ContinuousClock.now < deadline else { return nil }
            try? await Task.sleep(for: .milliseconds(2))
        }
    }

    private func poll() -> ExitCode? {
        ended.withLock { ended in
            if ended != nil { return ended }
            var status: Int32 = 0
            guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
            ended = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
            return ended
        }
    }

    /// What its descriptors name, sorted. Without sockets and the catalogue's readers, which come and go with our own calls, and pool files, at
    /// which it looks each second.
    var descriptors: [String] {
        let process = worker
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd")) ?? []
        return names.compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\($0)")
        }
        .map { String($0.prefix { $0 != "[" }) }.filter {
            !$0.hasPrefix("socket:") && !$0.contains("/catalogue.sqlite") && !$0.hasSuffix("/.ashlar/pool.json")
        }.sorted()
    }
}
