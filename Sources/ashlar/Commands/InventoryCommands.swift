import ArgumentParser
import Base
import Catalogue
import Domain
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
                let found = try await findVolume(volume, in: catalogue)
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
                        "filesystem    \(view.filesystem ?? "raw block")", "copy of       \(view.source ?? "-")",
                        "attach epoch  \(view.attachEpoch)",
                        "published to  \(view.publishedTo.isEmpty ? "-" : view.publishedTo.joined(separator: ", "))",
                        "health        \(view.health)\(view.healthReason.isEmpty ? "" : ": \(view.healthReason)")",
                    ].joined(separator: "\n")
                }
            }
        }
    }
}
