import Filesystems
import Foundation
import Testing

extension SystemTests {
    /// From outside, with another implementation of gRPC: see `Tests/Conformance`.
    @Suite struct ConformanceTests {
        @Test func whatTheContractSays() async throws {
            let output = try await script("Conformance/conformance", [], secondsMax: 500)
            #expect(output.contains(" 0 failures"), "\(output)")
            report(output.split(separator: "\n").last.map(String.init) ?? "nothing")
        }

        /// `FUZZ_SECONDS` asks for another time.
        @Test func randomBytesAndMessages() async throws {
            let seconds = number(of: "FUZZ_SECONDS") ?? 8
            let output = try await script(
                "Conformance/fuzz", ["--seconds", "\(seconds)"], secondsMax: seconds + 120)
            #expect(output.contains(" 0 failures"), "\(output)")
            report(output.split(separator: "\n").suffix(3).joined(separator: "; "))
        }
    }
}

/// Runs a program of `Tests` against the binary under test; returns what it said, whatever its exit code. `SEED` is handed on.
func script(_ path: String, _ arguments: [String], secondsMax: Int) async throws -> String {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let seed = ProcessInfo.processInfo.environment["SEED"] ?? "\(UInt32.random(in: 0 ... .max))"
    let words = ["ASHLAR_BINARY=\(Daemon.binary)", tests.appendingPathComponent(path).path] + arguments
    return try await offPool {
        try ExternalTool(name: "env", package: "coreutils").run(
            words + ["--seed", seed], secondsMax: secondsMax, accepting: 0...255
        ).output
    }
}
