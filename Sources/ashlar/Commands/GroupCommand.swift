import ArgumentParser
import Base
import Catalogue
import VolumeEngine

struct GroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group", abstract: "Look at VolumeGroups, make and delete them.",
        subcommands: [List.self, Show.self, Create.self, Delete.self])

    struct View: Encodable {
        var label: String
        var state: String
        var profile: String
        var protection: String
        var media: [String]
        var deletionPolicy: String
        var sliceBytes: UInt64
        var capacityBytes: UInt64?
        var totalBytes: UInt64
        var availableBytes: UInt64
        var usedBytes: UInt64
        var volumeCount: Int
        /// What its volumes take together, with deleted ones that snapshots and clones still need.
        var space: SpaceUsage
        var hiddenVolumeCount: UInt64
        var hiddenAllocatedBytes: UInt64
    }

    static func views(_ options: InventoryOptions) async throws -> [View] {
        let configuration = try options.configuration()
        let catalogue = try Catalogue(reading: configuration.cataloguePath)
        let engine = try options.engine(configuration)
        var spaces: [String: GroupSpace] = [:]
        for space in try await engine.poolSpace().groups { spaces[space.label] = space }
        var views: [View] = []
        for record in try await catalogue.groupRecords() {
            let group = record.group
            let capacity = try await capacity(of: group.label, in: engine)
            views.append(
                View(
                    label: group.label, state: record.state.rawValue, profile: group.profile.rawValue,
                    protection: "\(group.protection)", media: group.media.map(\.rawValue),
                    deletionPolicy: group.deletionPolicy.rawValue,
                    sliceBytes: group.sliceBytes, capacityBytes: group.capacityBytes, totalBytes: capacity.totalBytes,
                    availableBytes: capacity.availableBytes, usedBytes: capacity.usedBytes,
                    volumeCount: try await catalogue.volumeCount(ofGroup: group.label),
                    space: spaces[group.label]?.usage ?? SpaceUsage(),
                    hiddenVolumeCount: spaces[group.label]?.hiddenVolumeCount ?? 0,
                    hiddenAllocatedBytes: spaces[group.label]?.hiddenAllocatedBytes ?? 0))
        }
        return views
    }

    /// Nothing, for one that is on its way out.
    private static func capacity(of label: String, in engine: any VolumeEngine) async throws(Failure) -> GroupCapacity {
        do { return try await engine.capacity(ofGroup: label) } catch {
            if error.kind == .notFound { return GroupCapacity(totalBytes: 0, availableBytes: 0, usedBytes: 0) }
            throw error
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the groups.")
        @OptionGroup var options: InventoryOptions

        func run() async throws {
            try await options.telling {
                let views = try await GroupCommand.views(options)
                try options.show(views) {
                    table(
                        [
                            "LABEL", "STATE", "PROFILE", "PROTECTION", "MEDIA", "VOLUMES", "LIVE", "SNAPSHOTS",
                            "GARBAGE", "USED", "AVAILABLE",
                        ],
                        views.map {
                            [
                                $0.label, $0.state, $0.profile, $0.protection,
                                $0.media.isEmpty ? "any" : $0.media.joined(separator: ","),
                                "\($0.volumeCount)", ByteSize.text($0.space.liveBytes),
                                ByteSize.text($0.space.snapshotOnlyBytes), ByteSize.text($0.space.garbageBytes),
                                ByteSize.text($0.usedBytes), ByteSize.text($0.availableBytes),
                            ]
                        })
                }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Everything about one group.")
        @OptionGroup var options: InventoryOptions
        @Argument(help: "Its label.")
        var label: String

        func run() async throws {
            try await options.telling {
                guard let view = try await GroupCommand.views(options).first(where: { $0.label == label }) else {
                    throw Failure(.notFound, "there is no group '\(label)': `ashlar group ls` lists them")
                }
                try options.show(view) {
                    ([
                        "label            \(view.label)", "state            \(view.state)",
                        "profile          \(view.profile)",
                        "protection       \(view.protection)",
                        "media            \(view.media.isEmpty ? "any" : view.media.joined(separator: ", "))",
                        "deletion policy  \(view.deletionPolicy)", "slice            \(ByteSize.text(view.sliceBytes))",
                        "capacity         \(view.capacityBytes.map { ByteSize.text($0) } ?? "bounded by the pool")",
                        "total            \(ByteSize.text(view.totalBytes))",
                        "available        \(ByteSize.text(view.availableBytes))",
                        "used             \(ByteSize.text(view.usedBytes)) in segments",
                        "volumes          \(view.volumeCount)",
                        "deleted volumes  \(view.hiddenVolumeCount) kept for snapshots or clones, \(ByteSize.text(view.hiddenAllocatedBytes)) allocated",
                    ] + view.space.lines(width: 17, of: "volumes")).joined(separator: "\n")
                }
            }
        }
    }
}
