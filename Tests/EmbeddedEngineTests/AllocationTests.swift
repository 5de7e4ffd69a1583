import Foundation
import Testing

/// What the flush path takes from the heap: nothing. `count-allocations` counts, in a process of its own.
@Suite struct AllocationTests {
    /// A few are not of the requests: a checkpoint, zeros written ahead, a segment, records that are encoded on another thread.
    private static let others = 60

    @Test func writesAndFlushesAllocateNothing() async throws {
        let lines = try await Task.detached { try Self.count() }.value
        #expect(lines.count == 2)
        for line in lines {
            let words = line.split(separator: " ")
            let (operations, allocations) = (Int(words[1]) ?? 0, Int(words[3]) ?? .max)
            #expect(operations > 400)
            #expect(allocations < Self.others, "\(line)")
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
