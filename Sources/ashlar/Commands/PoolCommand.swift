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
                let engine = try options.engine(try options.configuration())
                let status = try await engine.poolStatus()
                let space = try await engine.poolSpace()
                let view = View(
                    id: status.id, version: status.version, mountpaths: status.mountpaths,
                    sharedFilesystems: status.sharedFilesystems, space: space, usage: space.usage)
                try options.show(view) {
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
                    lines += ["", table(["GROUP", "ALLOCATED", "LIVE", "SNAPSHOTS", "GARBAGE"], rows(space.groups))]
                    lines += [
                        "", "total      \(ByteSize.text(space.totalBytes)), the sum of these:",
                        "groups     \(ByteSize.text(view.usage.allocatedBytes))",
                        "recycled   \(ByteSize.text(space.recycledBytes)), slices for the next segments",
                        "reserve    \(ByteSize.text(space.reserveBytes)), for maps, headers and recovery",
                        "available  \(ByteSize.text(space.availableBytes))",
                        "other      \(ByteSize.text(space.otherBytes)), maps, headers, the filesystems' own",
                    ]
                    return lines.joined(separator: "\n")
                }
            }
        }

        private func rows(_ groups: [GroupSpace]) -> [[String]] {
            groups.map {
                [
                    $0.label, ByteSize.text($0.usage.allocatedBytes), ByteSize.text($0.usage.liveBytes),
                    ByteSize.text($0.usage.snapshotOnlyBytes), ByteSize.text($0.usage.garbageBytes),
                ]
            }
        }
    }

    /// `status` as one value: membership, and what is where. Sizes in bytes; docs/space.md explains them.
    struct View: Encodable {
        var id: PoolID
        var version: UInt64
        var mountpaths: [MountpathStatus]
        var sharedFilesystems: [String]
        var space: PoolSpace
        /// The sum over the groups.
        var usage: SpaceUsage
    }
}
