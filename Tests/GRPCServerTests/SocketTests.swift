import Base
import Foundation
import GRPCServer
import Testing

@Suite struct SocketTests {
    private func server(_ path: String) -> GRPCServer {
        var handlers = GRPCHandlers()
        handlers.unary("/t.T/Echo") { bytes, _ in bytes }
        return GRPCServer(socketPath: path, handlers: handlers, logger: quietLogger)
    }

    @Test func socketIsForTheOwnerOnlyAndGoneAfterShutdown() async throws {
        let test = try TestServer { $0.unary("/t.T/Echo") { bytes, _ in bytes } }
        var status = stat()
        #expect(stat(test.socketPath, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o600)
        #expect(status.st_mode & S_IFMT == S_IFSOCK)
        await test.server.shutdown(drainSeconds: 1)
        #expect(stat(test.socketPath, &status) != 0)
        await test.stop()
    }

    @Test func staleSocketIsReplaced() async throws {
        let directory = try makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/with space %41.sock"
        // Bound and closed without unlinking, as a killed process leaves it.
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        close(descriptor)
        #expect(FileManager.default.fileExists(atPath: path))
        let server = server(path)
        try server.start()
        #expect(try await GRPCChannel(socketPath: path).call("/t.T/Echo", [1], timeoutSeconds: 5) == [1])
        await server.shutdown(drainSeconds: 1)
    }

    @Test func liveSocketIsRefusedAndUntouched() async throws {
        let test = try TestServer { $0.unary("/t.T/Echo") { bytes, _ in bytes } }
        let second = server(test.socketPath)
        let failure = #expect(throws: Failure.self) { try second.start() }
        #expect(failure?.kind == .conflict)
        #expect(try await test.channel().call("/t.T/Echo", [1], timeoutSeconds: 5) == [1])
        await test.stop()
    }

    @Test func whatIsNoSocketIsNotRemoved() async throws {
        let directory = try makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/file"
        try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
        #expect(#expect(throws: Failure.self) { try server(path).start() }?.kind == .conflict)
        #expect(FileManager.default.fileExists(atPath: path))
        #expect(#expect(throws: Failure.self) { try server(directory + "/none/x.sock").start() }?.kind == .notFound)
        let long = directory + "/" + String(repeating: "x", count: 108)
        #expect(#expect(throws: Failure.self) { try server(long).start() }?.kind == .invalid)
    }

    @Test func channelFindsAServerThatComesBack() async throws {
        let directory = try makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/s.sock"
        let channel = try GRPCChannel(socketPath: path)
        for _ in 0..<3 {
            let server = server(path)
            try server.start()
            var reply = await channel.exchange("/t.T/Echo", [9], timeoutSeconds: 5)
            for _ in 0..<100 where reply.status.code == .unavailable {
                try await Task.sleep(for: .milliseconds(50))
                reply = await channel.exchange("/t.T/Echo", [9], timeoutSeconds: 5)
            }
            #expect(reply.bytes == [9])
            await server.shutdown(drainSeconds: 1)
        }
    }

    @Test func drainLetsRunningCallsEnd() async throws {
        let started = Counter()
        let test = try TestServer {
            $0.unary("/t.T/Slow") { bytes, _ in
                started.add()
                try? await Task.sleep(for: .milliseconds(500))
                return bytes
            }
        }
        let channel = try test.channel()
        let running = Task { await channel.exchange("/t.T/Slow", [4], timeoutSeconds: 10) }
        #expect(await started.reaches(1))
        let begin = ContinuousClock.now
        async let end: Void = test.server.shutdown(drainSeconds: 10)
        try await Task.sleep(for: .milliseconds(100))
        let late = await (try test.channel()).exchange("/t.T/Slow", [5], timeoutSeconds: 5).status
        #expect(late.code == .unavailable)
        #expect(await running.value.bytes == [4])
        await end
        #expect(ContinuousClock.now - begin < .seconds(5))
        await test.stop()
    }

    @Test func drainCancelsAfterTheGrace() async throws {
        let (started, cancelled) = (Counter(), Counter())
        let test = try TestServer {
            $0.unary("/t.T/Sleep") { _, _ throws(Failure) in
                started.add()
                try await sleep(seconds: 60, cancelled: cancelled)
                return []
            }
            // Takes no notice of cancellation.
            $0.unary("/t.T/Deaf") { _, _ in
                started.add()
                let end = ContinuousClock.now + .seconds(6)
                while ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(1)) }
                return []
            }
        }
        let channel = try test.channel()
        let calls = ["/t.T/Sleep", "/t.T/Deaf"].map { method in
            Task { await channel.exchange(method, [], timeoutSeconds: 30).status.code }
        }
        #expect(await started.reaches(2))
        let begin = ContinuousClock.now
        await test.stop(drainSeconds: 0.2)
        #expect(ContinuousClock.now - begin < .seconds(4))
        #expect(await cancelled.reaches(1))
        for call in calls { #expect(await call.value != .ok) }
        // Its late answer has nowhere to go and must not harm.
        try await Task.sleep(for: .seconds(6))
    }
}
