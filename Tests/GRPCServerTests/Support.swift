import Base
import Foundation
import GRPCServer
import Logging
import Synchronization

/// A server on a socket in a directory of its own, with channels to it.
final class TestServer: Sendable {
    let directory: String
    let socketPath: String
    let server: GRPCServer

    init(_ settings: GRPCServerSettings = GRPCServerSettings(), _ register: (inout GRPCHandlers) -> Void) throws {
        directory = try makeDirectory()
        socketPath = directory + "/test.sock"
        var handlers = GRPCHandlers()
        register(&handlers)
        server = GRPCServer(socketPath: socketPath, handlers: handlers, settings: settings, logger: quietLogger)
        try server.start()
    }

    func channel() throws -> GRPCChannel { try GRPCChannel(socketPath: socketPath) }

    func stop(drainSeconds: Double = 5) async {
        await server.shutdown(drainSeconds: drainSeconds)
        try? FileManager.default.removeItem(atPath: directory)
    }
}

func makeDirectory() throws -> String {
    var template = Array("/tmp/ashlar-grpc-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure(.internal, "mkdtemp") }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Counts what happened, for tests to wait on.
final class Counter: Sendable {
    private let state = Mutex(0)
    func add(_ count: Int = 1) { state.withLock { $0 += count } }
    var value: Int { state.withLock { $0 } }

    /// False where `count` is not reached in ten seconds.
    func reaches(_ count: Int) async -> Bool {
        for _ in 0..<1_000 {
            if value >= count { return true }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}

/// Sleeps until cancelled (then counts) or for `seconds`.
func sleep(seconds: Double, cancelled: Counter) async throws(Failure) {
    do {
        try await Task.sleep(for: .seconds(seconds))
    } catch {
        cancelled.add()
        throw Failure(.cancelled, "cancelled")
    }
}

func residentBytes() -> Int {
    let pages = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")[1]
    return (pages.flatMap { Int($0) } ?? 0) * 4096
}

func threadCount() -> Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count) ?? 0 }

func descriptorCount() -> Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0 }
