import ArgumentParser
import Base
import Foundation
import Holder

struct EngineStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "The processes of the data plane, and the devices that outlive them.")
    @OptionGroup var options: InventoryOptions

    func run() async throws {
        try await options.telling {
            let query = HolderQuery(runDirectory: try options.configuration().runDirectory)
            let status = try await onOwnThread { () throws(Failure) in try query.status() }
            try options.show(status) {
                ([
                    "state     \(status.state)", "holder    \(status.holderProcess), since \(text(status.holderSince))",
                    "worker    \(status.workerProcess.map { "\($0)" } ?? "-"), since \(status.workerSince.map(text) ?? "-")",
                    "build     \(status.build ?? "-")", "devices   \(status.devices)", "restarts  \(status.restarts)",
                    "upgrades  \(status.upgrades)",
                ] + (status.lastFailure.map { ["last upgrade failed: \($0)"] } ?? [])).joined(separator: "\n")
            }
        }
    }

    private func text(_ unixTime: Int64) -> String {
        ISO8601DateFormatter().string(from: Date(timeIntervalSince1970: Double(unixTime)))
    }
}

struct EngineUpgradeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upgrade", abstract: "Replace the working process, without an I/O error in any pod.",
        discussion: """
            The new one is started beside the old, which makes everything durable and ends; then the new one serves the devices. \
            If it does not in time, the program that ran before is started again, and this command fails.
            """)
    @OptionGroup var options: InventoryOptions

    @Option(help: "The program to run from now on; without it the path that the holder was started as.")
    var binary: String?

    @Option(help: "Seconds that each step may take.")
    var timeout = 30.0

    func validate() throws {
        guard timeout > 0, timeout <= 3600 else { throw ValidationError("--timeout: more than 0 and at most 3600") }
    }

    func run() async throws {
        try await options.telling {
            let query = HolderQuery(runDirectory: try options.configuration().runDirectory)
            let request = UpgradeRequest(binary: binary.map(absolute), timeoutSeconds: timeout)
            let status = try await onOwnThread { () throws(Failure) in
                try query.upgrade(request)
                return try query.status()
            }
            try options.show(status) {
                "worker \(status.workerProcess ?? 0) serves \(status.devices) devices; build \(status.build ?? "-")"
            }
        }
    }

    /// The holder has another working directory.
    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
