import ArgumentParser
import Base
import Catalogue
import Domain

extension VolumeCommand {
    struct Clone: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "clone", abstract: "Make a volume that begins as a snapshot, or as another volume is now.",
            discussion: """
                The new volume is in the same group and is used the same way: filesystem, class, options. It shares what it has in common with \
                its origin, and does not need it: either may be deleted. With a larger --size its filesystem grows when the volume is expanded.
                """)

        @OptionGroup var options: InventoryOptions
        @Argument(help: "Id or name of a snapshot, else of a volume.")
        var source: String
        @Argument(help: "The new volume's name.")
        var name: String
        @Option(help: "Its size, for example 20Gi; the source's if left out.")
        var size: String?

        func run() async throws {
            let sizeBytes = try size.map { text in
                guard let bytes = ByteSize.parse(text) else {
                    throw ValidationError("--size '\(text)' must be a size such as 20Gi")
                }
                return bytes
            }
            try await options.telling {
                let catalogue = try Catalogue(reading: try options.configuration().cataloguePath)
                let found = try await findSource(in: catalogue)
                let id = try await options.control().clone(found, as: name, sizeBytes: sizeBytes)
                guard let made = try await catalogue.volume(id) else {
                    throw Failure(.notFound, "volume '\(name)' was made, and has been deleted since")
                }
                try options.show(VolumeView(made, engine: nil, space: nil, publications: [])) {
                    "volume '\(name)' (\(id)) of \(ByteSize.text(made.sizeBytes)) is a copy of \(found)"
                }
            }
        }

        private func findSource(in catalogue: Catalogue) async throws(Failure) -> VolumeSource {
            if let id = SnapshotID(source), let found = try await catalogue.snapshot(id) { return .snapshot(found.id) }
            if let id = VolumeID(source), let found = try await catalogue.volume(id) { return .volume(found.id) }
            let snapshot = try await catalogue.snapshot(named: source)
            let volume = try await catalogue.volume(named: source)
            switch (snapshot, volume) {
            case (let snapshot?, nil): return .snapshot(snapshot.id)
            case (nil, let volume?): return .volume(volume.id)
            case (let snapshot?, let volume?):
                throw Failure(
                    .invalid, "'\(source)' is a snapshot (\(snapshot.id)) and a volume (\(volume.id)): give the id")
            case (nil, nil):
                throw Failure(
                    .notFound,
                    "there is no snapshot and no volume '\(source)': `ashlar snapshot ls` and `ashlar volume ls` list them"
                )
            }
        }
    }
}

/// By id or by name; `notFound` where there is none.
func findVolume(_ text: String, in catalogue: Catalogue) async throws(Failure) -> Volume {
    if let id = VolumeID(text), let found = try await catalogue.volume(id) { return found }
    if let found = try await catalogue.volume(named: text) { return found }
    throw Failure(.notFound, "there is no volume '\(text)': `ashlar volume ls` lists them")
}
