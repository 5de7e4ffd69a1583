import ArgumentParser
import Base
import VolumeEngine

struct PoolCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pool", abstract: "Look at the pool; rebuild its catalogue.",
        subcommands: [Status.self, RebuildCatalogueCommand.self])

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "The mountpaths, and which of them are believed.")
        @OptionGroup var options: InventoryOptions

        func run() async throws {
            try await options.telling {
                let status = try await options.engine(try options.configuration()).poolStatus()
                try options.show(status) {
                    var lines = ["pool \(status.id), version \(status.version)"]
                    lines.append(
                        table(
                            ["PATH", "MEDIA", "STATE", "SIZE", "FREE", "REASON"],
                            status.mountpaths.map {
                                [
                                    $0.path, $0.media, $0.state.rawValue,
                                    $0.state == .active ? ByteSize.text($0.totalBytes) : "-",
                                    $0.state == .active ? ByteSize.text($0.freeBytes) : "-", $0.reason,
                                ]
                            }))
                    for shared in status.sharedFilesystems { lines.append("on one filesystem: \(shared)") }
                    return lines.joined(separator: "\n")
                }
            }
        }
    }
}
