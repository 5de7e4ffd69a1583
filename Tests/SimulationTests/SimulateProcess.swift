import Foundation

/// The simulator's program, which the tests run as `make simulate` does.
struct SimulateProcess {
    var status: Int32
    var lines: [String]

    /// Beside this test bundle, whatever its configuration.
    private static let binary: String = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? executable
        return (bundle as NSString).deletingLastPathComponent + "/simulate"
    }()

    /// On a thread of its own: the cooperative pool has few.
    static func run(_ arguments: [String]) async throws -> SimulateProcess {
        try await withCheckedThrowingContinuation { done in
            Thread { done.resume(with: Result { try SimulateProcess(arguments) }) }.start()
        }
    }

    private init(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.binary)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_DETERMINISTIC_HASHING": "1"]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        status = process.terminationStatus
        lines = text.split(separator: "\n").map(String.init)
    }
}
