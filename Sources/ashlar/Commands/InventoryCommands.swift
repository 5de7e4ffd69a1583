import ArgumentParser
import Base
import Catalogue
import Domain
import EmbeddedEngine
import VolumeEngine

struct VolumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume", abstract: "Look at volumes; make copies of them.",
        subcommands: [List.self, Show.self, Clone.self])

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
                var spaces: [VolumeID: VolumeSpace] = [:]
                for space in try await engine.volumeSpaces() { spaces[space.id] = space }
                var views: [VolumeView] = []
                for volume in try await catalogue.volumes() {
                    views.append(
                        VolumeView(
                            volume, engine: known[volume.id], space: spaces[volume.id],
                            publications: try await catalogue.publications(of: volume.id)))
                }
                views.sort { $0.name < $1.name }
                try options.show(views) {
                    table(
                        [
                            "NAME", "ID", "GROUP", "PHASE", "SIZE", "LIVE", "SHARED", "SNAPSHOTS", "GARBAGE",
                            "ALLOCATED", "PUBLISHED TO",
                        ], views.map { $0.row })
                }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Everything about one volume.",
            discussion: "docs/space.md explains the figures of its space.")
        @OptionGroup var options: InventoryOptions
        @Argument(help: "Its id or its name.")
        var volume: String

        private func known(
            _ id: VolumeID, to engine: any VolumeEngine
        ) async throws(Failure) -> (EngineVolume, VolumeSpace)? {
            do { return (try await engine.volume(id), try await engine.volumeSpace(id)) } catch {
                if error.kind == .notFound { return nil }
                throw error
            }
        }

        func run() async throws {
            try await options.telling {
                let configuration = try options.configuration()
                let catalogue = try Catalogue(reading: configuration.cataloguePath)
                let found = try await findVolume(volume, in: catalogue)
                let engineVolume = try await known(found.id, to: options.engine(configuration))
                var view = VolumeView(
                    found, engine: engineVolume?.0, space: engineVolume?.1,
                    publications: try await catalogue.publications(of: found.id))
                let aside = try RingDirectory.setAside(in: configuration.ringDirectory)[found.id] ?? []
                view.ringsSetAside = aside
                try options.show(view) {
                    ([
                        "name          \(view.name)", "id            \(view.id)", "group         \(view.group)",
                        "class         \(view.class ?? "-")", "phase         \(view.phase)",
                        "size          \(ByteSize.text(view.sizeBytes)) (\(view.sizeBytes) bytes)",
                    ] + (view.space?.lines(width: 14) ?? []) + [
                        "space as of   \(view.isOpen == true ? "now" : "the last checkpoint")",
                        "since opened  \(view.activity?.text ?? "-")",
                        "filesystem    \(view.filesystem ?? "raw block")", "copy of       \(view.source ?? "-")",
                        "attach epoch  \(view.attachEpoch)",
                        "published to  \(view.publishedTo.isEmpty ? "-" : view.publishedTo.joined(separator: ", "))",
                        "health        \(view.health)\(view.healthReason.isEmpty ? "" : ": \(view.healthReason)")",
                    ] + aside.map { "set aside     a ring of unflushed writes: \($0)" }).joined(separator: "\n")
                }
            }
        }
    }
}

extension VolumeView {
    fileprivate var row: [String] {
        func text(_ figure: KeyPath<SpaceUsage, UInt64>) -> String {
            space.map { ByteSize.text($0[keyPath: figure]) } ?? "-"
        }
        return [
            name, id, group, phase, ByteSize.text(sizeBytes), text(\.liveBytes), text(\.sharedBytes),
            text(\.snapshotOnlyBytes), text(\.garbageBytes), text(\.allocatedBytes),
            publishedTo.isEmpty ? "-" : publishedTo.joined(separator: ","),
        ]
    }
}
