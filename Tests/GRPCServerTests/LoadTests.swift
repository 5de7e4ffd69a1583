import Base
import Foundation
import GRPCServer
import Testing

/// Each in a process of its own, so that memory and descriptors are this test's.
@Suite(.serialized) struct LoadTests {
    /// 16 connections, 2,000 calls each; and nothing may be left of them.
    @Test func manyCallsLeaveNothingBehind() async throws {
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            let test = try TestServer { $0.unary("/t.T/Echo") { bytes, _ in bytes } }
            try await load(test, clientCount: 16, callCount: 200)
            let (descriptors, resident) = (descriptorCount(), residentBytes())
            let begin = ContinuousClock.now
            try await load(test, clientCount: 16, callCount: 2_000)
            let seconds = (ContinuousClock.now - begin) / .seconds(1)
            print("grpc: 32000 calls from 16 clients, \(Int(32_000 / seconds)) a second")
            // The C core keeps a few descriptors to wake its threads, more after a busier moment; a leak would be one a connection at least.
            let most = descriptors + 8
            for _ in 0..<100 where descriptorCount() > most { try await Task.sleep(for: .milliseconds(50)) }
            #expect(descriptorCount() <= most)
            let grown = residentBytes() - resident
            #expect(grown < 16 << 20, "grew by \(grown >> 10) KiB")
            await test.stop()
            exit(EXIT_SUCCESS)
        }
        if let output = result?.standardOutputContent { print(String(decoding: output, as: UTF8.self), terminator: "") }
    }

    /// Calls that are cancelled at every stage of their life.
    @Test func cancelledCallsLeaveNothingBehind() async throws {
        await #expect(processExitsWith: .success) {
            let test = try TestServer {
                $0.unary("/t.T/Slow") { bytes, _ in
                    try? await Task.sleep(for: .milliseconds(Int64(bytes[0])))
                    return bytes
                }
                $0.streaming("/t.T/Stream") { _, _, replies throws(Failure) in
                    for _ in 0..<50 { try await replies.send([UInt8](repeating: 1, count: 1_000)) }
                }
            }
            let channel = try test.channel()
            var random = SeededRandom(seed: 7)
            try await cancelAtRandom(channel, rounds: 100, &random)
            let (descriptors, resident) = (descriptorCount(), residentBytes())
            try await cancelAtRandom(channel, rounds: 600, &random)
            #expect(try await channel.call("/t.T/Slow", [1], timeoutSeconds: 5) == [1])
            #expect(descriptorCount() <= descriptors)
            let grown = residentBytes() - resident
            #expect(grown < 16 << 20, "grew by \(grown >> 10) KiB")
            let begin = ContinuousClock.now
            await test.stop(drainSeconds: 30)
            #expect(ContinuousClock.now - begin < .seconds(10), "something was left running")
            exit(EXIT_SUCCESS)
        }
    }

    /// 1 GiB passes while the reader is slow at first: the sender must wait, memory must not hold it.
    @Test func slowReaderHoldsTheSenderBack() async throws {
        await #expect(processExitsWith: .success) {
            let (messageBytes, messageCount) = (1 << 18, 4_096)
            let sent = Counter()
            let test = try TestServer {
                $0.streaming("/t.T/Flood") { _, _, replies throws(Failure) in
                    let message = [UInt8](repeating: 5, count: messageBytes)
                    for _ in 0..<messageCount {
                        try await replies.send(message)
                        sent.add()
                    }
                }
            }
            let channel = try test.channel()
            let before = residentBytes()
            var iterator = channel.stream("/t.T/Flood", [], timeoutSeconds: 120).makeAsyncIterator()
            #expect(try await iterator.next()?.count == messageBytes)
            try await Task.sleep(for: .milliseconds(500))
            #expect(sent.value * messageBytes < 32 << 20)
            var (count, highest) = (1, residentBytes())
            while let message = try await iterator.next() {
                #expect(message.count == messageBytes)
                count += 1
                if count % 64 == 0 { highest = max(highest, residentBytes()) }
            }
            #expect(count == messageCount)
            #expect(highest - before < 64 << 20, "grew by \((highest - before) >> 20) MiB")
            await test.stop()
            exit(EXIT_SUCCESS)
        }
    }

    /// Opening and closing servers and channels gives back their threads and descriptors.
    @Test func serversAndChannelsLeaveNothingBehind() async throws {
        await #expect(processExitsWith: .success) {
            func once() async throws {
                let test = try TestServer { $0.unary("/t.T/Echo") { bytes, _ in bytes } }
                let channel = try test.channel()
                #expect(try await channel.call("/t.T/Echo", [1], timeoutSeconds: 5) == [1])
                channel.close()
                await test.stop()
            }
            for _ in 0..<20 { try await once() }
            try await Task.sleep(for: .milliseconds(500))
            let (descriptors, threads) = (descriptorCount(), threadCount())
            for _ in 0..<100 { try await once() }
            for _ in 0..<100 where descriptorCount() > descriptors || threadCount() > threads {
                try await Task.sleep(for: .milliseconds(50))
            }
            #expect(descriptorCount() <= descriptors)
            #expect(threadCount() <= threads)
            exit(EXIT_SUCCESS)
        }
    }
}

private func load(_ test: TestServer, clientCount: Int, callCount: Int) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for client in 0..<clientCount {
            group.addTask {
                let channel = try test.channel()
                let bytes = [UInt8](repeating: UInt8(client), count: 512)
                for _ in 0..<callCount {
                    guard try await channel.call("/t.T/Echo", bytes, timeoutSeconds: 30) == bytes else {
                        throw Failure(.corrupt, "another answer")
                    }
                }
            }
        }
        try await group.waitForAll()
    }
}

private func cancelAtRandom(_ channel: GRPCChannel, rounds: Int, _ random: inout SeededRandom) async throws {
    for _ in 0..<rounds {
        let tasks = (0..<8).map { index in
            let wait = UInt8.random(in: 0...3, using: &random)
            return Task {
                if index % 2 == 0 {
                    _ = await channel.exchange("/t.T/Slow", [wait], timeoutSeconds: 5)
                } else {
                    for try await _ in channel.stream("/t.T/Stream", [], timeoutSeconds: 5) {}
                }
            }
        }
        try await Task.sleep(for: .microseconds(Int64.random(in: 0...1_500, using: &random)))
        for task in tasks { task.cancel() }
        for task in tasks { _ = await task.result }
    }
}
