import Base
import Foundation
import GRPCServer
import Testing

@Suite struct CallTests {
    @Test func unaryCallAnswersTheHandlersBytes() async throws {
        let test = try TestServer { $0.unary("/t.T/Echo") { bytes, _ in bytes.reversed() } }
        let channel = try test.channel()
        #expect(try await channel.call("/t.T/Echo", [1, 2, 3], timeoutSeconds: 5) == [3, 2, 1])
        #expect(try await channel.call("/t.T/Echo", [], timeoutSeconds: 5) == [])
        let large = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(try await channel.call("/t.T/Echo", large, timeoutSeconds: 5) == large.reversed())
        await test.stop()
    }

    @Test func everyFailureKindHasItsCodeAndSurvives() async throws {
        let test = try TestServer {
            $0.unary("/t.T/Fail") { bytes, _ throws(Failure) in
                throw Failure(FailureKind.allCases[Int(bytes[0])], "because ü ☃")
            }
        }
        let channel = try test.channel()
        let codes: [FailureKind: Int32] = [
            .invalid: 3, .notFound: 5, .conflict: 6, .failedPrecondition: 9, .busy: 10, .outOfRange: 11, .exhausted: 8,
            .unsupported: 12, .unavailable: 14, .corrupt: 15, .fenced: 9, .timedOut: 4, .cancelled: 1, .internal: 13,
        ]
        for (index, kind) in FailureKind.allCases.enumerated() {
            let status = await channel.exchange("/t.T/Fail", [UInt8(index)], timeoutSeconds: 5).status
            #expect(status.code.rawValue == codes[kind])
            #expect(status.kind == kind)
            #expect(status.message == "because ü ☃")
            await #expect { try await channel.call("/t.T/Fail", [UInt8(index)], timeoutSeconds: 5) } throws: {
                ($0 as? Failure)?.kind == kind
            }
        }
        await test.stop()
    }

    @Test func aLongMessageIsCutAndStillArrives() async throws {
        let test = try TestServer {
            $0.unary("/t.T/Fail") { _, _ throws(Failure) in
                throw Failure(.invalid, String(repeating: "☃", count: 100_000))
            }
        }
        let status = await (try test.channel()).exchange("/t.T/Fail", [], timeoutSeconds: 5).status
        #expect(status.code == .invalidArgument)
        #expect(status.message.utf8.count <= 1_027)
        #expect(status.message.hasPrefix("☃☃") && status.message.hasSuffix("☃…"))
        await test.stop()
    }

    @Test func unknownMethodIsUnimplemented() async throws {
        let test = try TestServer { $0.unary("/t.T/Echo") { bytes, _ in bytes } }
        let channel = try test.channel()
        let reply = await channel.exchange("/t.T/Nothing", [1], timeoutSeconds: 5)
        #expect(reply.status.code == .unimplemented)
        #expect(reply.status.message.contains("/t.T/Nothing"))
        #expect(try await channel.call("/t.T/Echo", [1], timeoutSeconds: 5) == [1])
        await test.stop()
    }

    @Test func deadlineEndsTheCallAndCancelsTheTask() async throws {
        let cancelled = Counter()
        let test = try TestServer {
            $0.unary("/t.T/Sleep") { _, context throws(Failure) in
                guard let deadline = context.deadline, deadline > .now, deadline < .now + .seconds(6) else {
                    throw Failure(.internal, "no deadline")
                }
                try await sleep(seconds: 30, cancelled: cancelled)
                return []
            }
        }
        // Long enough for the handler to have begun on a machine that is busy with other suites.
        let begin = ContinuousClock.now
        let status = await (try test.channel()).exchange("/t.T/Sleep", [], timeoutSeconds: 5).status
        #expect(status.code == .deadlineExceeded)
        #expect(ContinuousClock.now - begin < .seconds(20))
        #expect(await cancelled.reaches(1))
        await test.stop()
    }

    @Test func clientCancellationCancelsTheTask() async throws {
        let (started, cancelled) = (Counter(), Counter())
        let test = try TestServer {
            $0.unary("/t.T/Sleep") { _, _ throws(Failure) in
                started.add()
                try await sleep(seconds: 30, cancelled: cancelled)
                return []
            }
        }
        let channel = try test.channel()
        let task = Task { await channel.exchange("/t.T/Sleep", [], timeoutSeconds: .infinity).status }
        #expect(await started.reaches(1))
        task.cancel()
        #expect(await task.value.code == .cancelled)
        #expect(await cancelled.reaches(1))
        await test.stop()
    }

    @Test func oversizeRequestIsResourceExhausted() async throws {
        var settings = GRPCServerSettings()
        settings.messageBytesMax = 1 << 20
        let calls = Counter()
        let test = try TestServer(settings) {
            $0.unary("/t.T/Count") { bytes, _ in
                calls.add()
                return []
            }
        }
        let channel = try test.channel()
        _ = try await channel.call("/t.T/Count", [UInt8](repeating: 7, count: 1 << 20), timeoutSeconds: 5)
        let status = await channel.exchange("/t.T/Count", [UInt8](repeating: 7, count: 1 << 20 + 1), timeoutSeconds: 5)
            .status
        #expect(status.code == .resourceExhausted)
        #expect(calls.value == 1)
        _ = try await channel.call("/t.T/Count", [], timeoutSeconds: 5)
        await test.stop()
    }

    @Test func oversizeReplyIsResourceExhausted() async throws {
        let test = try TestServer { $0.unary("/t.T/Big") { _, _ in [UInt8](repeating: 1, count: 100_001) } }
        let channel = try GRPCChannel(socketPath: test.socketPath, messageBytesMax: 100_000)
        #expect(await channel.exchange("/t.T/Big", [], timeoutSeconds: 5).status.code == .resourceExhausted)
        await test.stop()
    }

    @Test func callsPastTheBoundAreRefused() async throws {
        var settings = GRPCServerSettings()
        settings.callCountMax = 4
        let (started, cancelled) = (Counter(), Counter())
        let test = try TestServer(settings) {
            $0.unary("/t.T/Sleep") { _, _ throws(Failure) in
                started.add()
                try await sleep(seconds: 30, cancelled: cancelled)
                return []
            }
            $0.unary("/t.T/Echo") { bytes, _ in bytes }
        }
        let channel = try test.channel()
        let tasks = (0..<4).map { _ in
            Task { await channel.exchange("/t.T/Sleep", [], timeoutSeconds: 60).status.code }
        }
        #expect(await started.reaches(4))
        // On a connection of its own: one connection has its own bound on streams.
        let other = try test.channel()
        let status = await other.exchange("/t.T/Echo", [1], timeoutSeconds: 5).status
        #expect(status.code == .resourceExhausted)
        for task in tasks { task.cancel() }
        for task in tasks { #expect(await task.value == .cancelled) }
        #expect(await cancelled.reaches(4))
        var code = GRPCCode.resourceExhausted
        for _ in 0..<100 where code == .resourceExhausted {
            code = await other.exchange("/t.T/Echo", [1], timeoutSeconds: 5).status.code
        }
        #expect(code == .ok)
        await test.stop()
    }

    @Test func closedChannelAndAbsentServerAreUnavailable() async throws {
        let directory = try makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let channel = try GRPCChannel(socketPath: directory + "/nobody here 100%.sock")
        #expect(await channel.exchange("/t.T/Echo", [], timeoutSeconds: 5).status.code == .unavailable)
        channel.close()
        #expect(await channel.exchange("/t.T/Echo", [], timeoutSeconds: 5).status.code == .unavailable)
        #expect(throws: Failure.self) { try GRPCChannel(socketPath: String(repeating: "x", count: 108)) }
    }
}
