import ArgumentParser
import Base
import Catalogue
import Domain
import VolumeEngine

struct VolumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume", abstract: "Look at volumes.", subcommands: [List.self, Show.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the volumes.")
        @OptionGroup var options: InventoryOptions

        func run() async throws {
            try await options.telling {
                let configuration = try options.configuration()
                let catalogue = try Catalogue(reading: configuration.cataloguePath)
                let engine = try options.engine(configuration)
                var known: [VolumeID: EngineVolume] = [:]
                for volume in try await engine.volumes() { known[volume.id] = volume }
                var views: [VolumeView] = []
                for volume in try await catalogue.volumes() {
                    views.append(
                        VolumeView(
                            volume, engine: known[volume.id],
                            publications: try await catalogue.publications(of: volume.id)))
                }
                views.sort { $0.name < $1.name }
                try options.show(views) {
                    table(
                        ["NAME", "ID", "GROUP", "PHASE", "SIZE", "ALLOCATED", "PUBLISHED TO"],
                        views.map {
                            [
                                $0.name, $0.id, $0.group, $0.phase, ByteSize.text($0.sizeBytes),
                                ByteSize.text($0.allocatedBytes),
                                $0.publishedTo.isEmpty ? "-" : $0.publishedTo.joined(separator: ","),
                            ]
                        })
                }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Everything about one volume.")
        @OptionGroup var options: InventoryOptions
        @Argument(help: "Its id or its name.")
        var volume: String

        private func find(in catalogue: Catalogue) async throws(Failure) -> Volume {
            if let id = VolumeID(volume), let found = try await catalogue.volume(id) { return found }
            if let found = try await catalogue.volume(named: volume) { return found }
            throw Failure(.notFound, "there is no volume '\(volume)': `ashlar volume ls` lists them")
        }

        private func known(_ id: VolumeID, to engine: any VolumeEngine) async throws(Failure) -> EngineVolume? {
            do { return try await engine.volume(id) } catch {
                if error.kind == .notFound { return nil }
                throw error
            }
        }

        func run() async throws {
            try await options.telling {
                let configuration = try options.configuration()
                let catalogue = try Catalogue(reading: configuration.cataloguePath)
                let found = try await find(in: catalogue)
                let engineVolume = try await known(found.id, to: options.engine(configuration))
                let view = VolumeView(
                    found, engine: engineVolume, publications: try await catalogue.publications(of: found.id))
                try options.show(view) {
                    [
                        "name          \(view.name)", "id            \(view.id)", "group         \(view.group)",
                        "class         \(view.class ?? "-")", "phase         \(view.phase)",
                        "size          \(ByteSize.text(view.sizeBytes)) (\(view.sizeBytes) bytes)",
                        "live          \(view.liveBytes.map { ByteSize.text($0) } ?? "not open")",
                        "allocated     \(ByteSize.text(view.allocatedBytes)), parity included",
                        "filesystem    \(view.filesystem ?? "raw block")", "attach epoch  \(view.attachEpoch)",
                        "published to  \(view.publishedTo.isEmpty ? "-" : view.publishedTo.joined(separator: ", "))",
                        "health        \(view.health)\(view.healthReason.isEmpty ? "" : ": \(view.healthReason)")",
                    ].joined(separator: "\n")
                }
            }
        }
    }
}

struct GroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group", abstract: "Look at VolumeGroups.", subcommands: [List.self, Show.self])

    struct View: Encodable {
        var label: String
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
    }

    static func views(_ options: InventoryOptions) async throws -> [View] {
        let configuration = try options.configuration()
        let catalogue = try Catalogue(reading: configuration.cataloguePath)
        let engine = try options.engine(configuration)
        let volumes = try await catalogue.volumes()
        var views: [View] = []
        for group in try await catalogue.groups().sorted(by: { $0.label < $1.label }) {
            let capacity = try await engine.capacity(ofGroup: group.label)
            views.append(
                View(
                    label: group.label, profile: group.profile.rawValue, protection: "\(group.protection)",
                    media: group.media.map(\.rawValue), deletionPolicy: group.deletionPolicy.rawValue,
                    sliceBytes: group.sliceBytes, capacityBytes: group.capacityBytes, totalBytes: capacity.totalBytes,
                    availableBytes: capacity.availableBytes, usedBytes: capacity.usedBytes,
                    volumeCount: volumes.count { $0.group == group.label }))
        }
        return views
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the groups.")
        @OptionGroup var options: InventoryOptions

        func run() async throws {
            try await options.telling {
                let views = try await GroupCommand.views(options)
                try options.show(views) {
                    table(
                        ["LABEL", "PROFILE", "PROTECTION", "MEDIA", "VOLUMES", "USED", "AVAILABLE"],
                        views.map {
                            [
                                $0.label, $0.profile, $0.protection,
                                $0.media.isEmpty ? "any" : $0.media.joined(separator: ","),
                                "\($0.volumeCount)", ByteSize.text($0.usedBytes), ByteSize.text($0.availableBytes),
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
                    [
                        "label            \(view.label)", "profile          \(view.profile)",
                        "protection       \(view.protection)",
                        "media            \(view.media.isEmpty ? "any" : view.media.joined(separator: ", "))",
                        "deletion policy  \(view.deletionPolicy)", "slice            \(ByteSize.text(view.sliceBytes))",
                        "capacity         \(view.capacityBytes.map { ByteSize.text($0) } ?? "bounded by the pool")",
                        "total            \(ByteSize.text(view.totalBytes))",
                        "available        \(ByteSize.text(view.availableBytes))",
                        "used             \(ByteSize.text(view.usedBytes)) in segments",
                        "volumes          \(view.volumeCount)",
                    ].joined(separator: "\n")
                }
            }
        }
    }
}

struct PoolCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pool", abstract: "Look at the pool.", subcommands: [Status.self])

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
