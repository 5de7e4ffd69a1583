import Base
import Filesystems
import SystemIO
import Testing

@Suite struct ExternalToolTests {
    @Test func missingToolNamesItsPackage() {
        let failure = #expect(throws: Failure.self) {
            try ExternalTool(name: "mkfs.nothing", package: "nothing-progs").run([], secondsMax: 1)
        }
        #expect(failure?.kind == .unsupported)
        #expect(failure?.description.contains("nothing-progs") == true)
    }

    @Test func itsWordsAreInTheFailure() {
        let failure = #expect(throws: Failure.self) { try shell("echo good; echo bad >&2; exit 3") }
        #expect(failure?.description.contains("exit code 3: good\nbad") == true)
    }

    @Test func acceptedCodes() throws {
        let result = try ExternalTool(name: "sh", package: "dash").run(
            ["-c", "exit 3"], secondsMax: 10, accepting: 0...3)
        #expect(result.exitCode == 3)
    }

    @Test func signalsAreFailures() {
        let failure = #expect(throws: Failure.self) { try shell("kill -9 $$") }
        #expect(failure?.description.contains("exit code 137") == true)
    }

    @Test func muchOutputIsCut() throws {
        let result = try shell("head -c 1000000 /dev/zero | tr '\\0' x")
        #expect(result.output.utf8.count == ExternalTool.outputBytesMax)
    }

    /// Also what it started goes.
    @Test func timeIsBounded() {
        let start = ContinuousClock.now
        let failure = #expect(throws: Failure.self) {
            try ExternalTool(name: "sh", package: "dash").run(["-c", "echo begun; sleep 60 & sleep 60"], secondsMax: 1)
        }
        #expect(failure?.kind == .timedOut)
        #expect(failure?.description.contains("begun") == true)
        #expect(start.duration(to: .now) < .seconds(10))
    }

    @Test func noDescriptorIsInherited() async throws {
        let threads = BlockingThreads(name: "test", threadCountMax: 2)
        let count = try await threads.run { () throws(Failure) in
            try ExternalTool(name: "sh", package: "dash").run(["-c", "ls /proc/self/fd | wc -l"], secondsMax: 10).output
        }
        // 0, 1, 2 and the directory that ls reads.
        #expect(count == "4")
    }

    @Test func manyCallsShareFewThreads() async throws {
        let threads = BlockingThreads(name: "test", threadCountMax: 3)
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 0..<500 { group.addTask { (try? await threads.run { () throws(Failure) in number }) ?? 0 } }
            return await group.reduce(0, +)
        }
        #expect(sum == 500 * 499 / 2)
    }

    private func shell(_ script: String) throws(Failure) -> ExternalTool.Result {
        try ExternalTool(name: "sh", package: "dash").run(["-c", script], secondsMax: 20)
    }
}
