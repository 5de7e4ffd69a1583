import EmbeddedEngine
import Foundation
import Testing

/// Short runs of what `make simulate` does at length.
@Suite(.serialized) struct SimulationTests {
    @Test func nothingFlushedIsLostThroughCrashesAndFaults() async throws {
        let run = try await SimulateProcess.run(["--crashes", "90", "--quiet"])
        #expect(run.status == 0, "\(run.lines.joined(separator: "\n"))")
        #expect(run.lines.last == "90 crashes, 0 failed")
        print("simulated: \(run.lines.suffix(3).joined(separator: "; "))")
    }

    /// Recovery copied one copy of the map's nodes over the others, a lost write with it; cleaning without gain in a full pool never ended; an entry
    /// of a ring that nobody had counted was damaged; writes waited beside two segments of the reserves;
    /// what a checkpoint had taken was verified.
    @Test(arguments: [
        (3, 20693), (4, 20537), (6, 20312), (6, 20522), (5, 91187), (2, 600047), (3, 5105), (3, 5277), (6, 620042),
    ])
    func seedsThatFailedOnce(crashes: Int, seed: Int) async throws {
        let run = try await SimulateProcess.run(["--crashes", "\(crashes)", "--seed", "\(seed)", "--quiet"])
        #expect(run.status == 0, "\(run.lines.suffix(3).joined(separator: "\n"))")
    }

    @Test func aSeedRepeatsItself() async throws {
        let arguments = ["--worker", "--seed", "3", "--crashes", "2"]
        let first = try await SimulateProcess.run(arguments)
        let second = try await SimulateProcess.run(arguments)
        #expect(first.status == 0 && first.lines.count == 1)
        #expect(first.lines == second.lines)
    }

    @Test(arguments: EngineCanary.allCases)
    func theSimulatorSeesASeededBug(_ canary: EngineCanary) async throws {
        let run = try await SimulateProcess.run(["--canary", canary.rawValue, "--quiet"])
        #expect(run.status == 1)
        let caught = run.lines.first { $0.hasPrefix("canary \(canary.rawValue) caught after") }
        #expect(caught != nil, "\(run.lines.suffix(3).joined(separator: "\n"))")
        let first = run.lines.first { $0.hasPrefix("FAILED") } ?? ""
        let command = run.lines.first { $0.contains("repeat: make simulate CRASHES=") }
        #expect(command?.hasSuffix("CANARY=\(canary.rawValue)") == true, "\(first)")
        print("\(caught ?? ""): \(first.prefix(160))")
        // It was the bug that was seen: without it the same seed is well.
        let words = (command ?? "").split(separator: " ")
        let arguments = words.compactMap { word -> [String]? in
            let parts = word.split(separator: "=")
            return parts.count == 2 && parts[0] != "CANARY" ? ["--\(parts[0].lowercased())", String(parts[1])] : nil
        }
        let plain = try await SimulateProcess.run(arguments.flatMap { $0 } + ["--quiet"])
        #expect(plain.status == 0, "\(plain.lines.suffix(3).joined(separator: "\n"))")
    }

    @Test func shortSequencesCrashAtEveryIO() async throws {
        let run = try await SimulateProcess.run(["--exhaustive", "--short"])
        #expect(run.status == 0, "\(run.lines.joined(separator: "\n"))")
        #expect(run.lines.last?.hasSuffix(" crashes, 0 failed") == true)
    }
}
