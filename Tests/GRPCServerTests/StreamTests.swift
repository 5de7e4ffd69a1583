import Base
import GRPCServer
import Testing

@Suite struct StreamTests {
    @Test func streamArrivesInOrderAndEnds() async throws {
        let test = try TestServer {
            $0.streaming("/t.T/Count") { bytes, _, replies throws(Failure) in
                for index in 0..<bytes[0] { try await replies.send([index]) }
            }
        }
        let channel = try test.channel()
        for count in [0, 1, 200] as [UInt8] {
            var found: [UInt8] = []
            for try await message in channel.stream("/t.T/Count", [count], timeoutSeconds: 5) { found += message }
            #expect(found == Array(0..<count))
        }
        await test.stop()
    }

    @Test func failureComesAfterTheMessages() async throws {
        let test = try TestServer {
            $0.streaming("/t.T/Fail") { _, _, replies throws(Failure) in
                try await replies.send([1])
                throw Failure(.fenced, "stop")
            }
        }
        var iterator = (try test.channel()).stream("/t.T/Fail", [], timeoutSeconds: 5).makeAsyncIterator()
        #expect(try await iterator.next() == [1])
        for _ in 0..<2 {
            do {
                _ = try await iterator.next()
                Issue.record("no failure")
            } catch {
                #expect(error.kind == .fenced)
                #expect(error.message == "stop")
            }
        }
        await test.stop()
    }

    @Test func unknownStreamIsUnsupported() async throws {
        let test = try TestServer { _ in }
        var iterator = (try test.channel()).stream("/t.T/None", [], timeoutSeconds: 5).makeAsyncIterator()
        do {
            _ = try await iterator.next()
            Issue.record("no failure")
        } catch {
            #expect(error.kind == .unsupported)
        }
        await test.stop()
    }

    @Test func droppingTheStreamCancelsTheHandler() async throws {
        let stopped = Counter()
        let test = try TestServer {
            $0.streaming("/t.T/Flood") { _, _, replies throws(Failure) in
                do throws(Failure) {
                    while true { try await replies.send([UInt8](repeating: 5, count: 65_536)) }
                } catch {
                    stopped.add()
                    throw error
                }
            }
        }
        let channel = try test.channel()
        do {
            var iterator = channel.stream("/t.T/Flood", [], timeoutSeconds: 60).makeAsyncIterator()
            #expect(try await iterator.next()?.count == 65_536)
        }
        #expect(await stopped.reaches(1))
        await test.stop()
    }
}
