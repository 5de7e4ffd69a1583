import Foundation
import Testing

/// What the flush path takes from the heap: nothing. `count-allocations` counts, in a process of its own.
@Suite struct AllocationTests {
    /// So many requests for one allocation that is not theirs: a checkpoint, zeros written ahead, a segment, a large record that another thread
    /// encodes. One for each record, or for each flush, would be far more.
    private static let operationsPerOther = 40

    @Test func writesAndFlushesAllocateNothing() async throws {
        let lines = try await Task.detached { try Self.count() }.value
        #expect(lines.count == 2)
        for line in lines {
            let words = line.split(separator: " ")
            let (operations, allocations) = (Int(words[1]) ?? 0, Int(words[3]) ?? .max)
            #expect(operations > 400)
            #expect(allocations * Self.operationsPerOther < operations, "\(line)")
            print(line)
        }
    }

    /// Beside this test bundle, whatever its configuration.
    private static func count() throws -> [Substring] {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? executable
        let process = Process()
        process.executableURL = URL(
            fileURLWithPath: (bundle as NSString).deletingLastPathComponent + "/count-allocations")
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return text.split(separator: "\n")
    }
}
