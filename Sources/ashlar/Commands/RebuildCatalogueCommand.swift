import ArgumentParser
import Base
import Logging
import VolumeEngine
import Volumes

struct RebuildCatalogueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild-catalogue",
        abstract: "Make the catalogue anew from the mountpaths, while nothing runs.",
        discussion: """
            Takes the newest copy of the catalogue that can be read from the mountpaths and makes it agree with the headers of groups and \
            volumes, which say what exists, how large it is, which epoch it has and what was deleted. Without a copy the headers do alone.
            """)

    @OptionGroup var options: InventoryOptions

    @Flag(help: "Put it in the place of a catalogue that is there; the old one is kept beside it.")
    var replace = false

    @Flag(help: "Say what the catalogue would be, and change nothing.")
    var dryRun = false

    struct View: Encodable {
        var pool: String
        var poolVersion: UInt64
        var isDryRun: Bool
        /// Version and mountpath of the copy that was used.
        var copyVersion: UInt64?
        var copyPlace: String?
        var groups: [CatalogueRebuild.Line]
        var volumes: [CatalogueRebuild.Line]
        var snapshots: [CatalogueRebuild.Line]
        var publications: [CatalogueRebuild.Line]
        var problems: [String]
        var catalogue: String
        var replaced: String?
    }

    func run() async throws {
        try await options.telling {
            let configuration = try options.configuration()
            var logger = Logger(label: "ashlar.rebuild", factory: { StreamLogHandler.standardError(label: $0) })
            logger.logLevel = .error
            let (rebuilding, locks, inventory) = try await CatalogueRebuilding.prepare(configuration, logger: logger)
            let result = try await rebuilding.run(replace: replace, isDryRun: dryRun)
            withExtendedLifetime(locks) {}
            let view = View(
                pool: inventory.id.description, poolVersion: inventory.version, isDryRun: dryRun,
                copyVersion: result.copy?.version, copyPlace: result.copy?.place, groups: result.rebuild.groups,
                volumes: result.rebuild.volumes, snapshots: result.rebuild.snapshots,
                publications: result.rebuild.publications,
                problems: inventory.problems + result.problems, catalogue: configuration.cataloguePath,
                replaced: result.replaced.map { "\(configuration.stateDirectory)/\($0)" })
            try options.show(view) { text(view) }
        }
    }

    private func text(_ view: View) -> String {
        var lines = ["pool \(view.pool), version \(view.poolVersion)"]
        if let version = view.copyVersion, let place = view.copyPlace {
            lines.append("copy \(version) of the catalogue, from \(place)")
        } else {
            lines.append("no copy of the catalogue: from headers alone")
        }
        lines += view.problems.map { "not believed: \($0)" }
        for (what, found) in [
            ("groups", view.groups), ("volumes", view.volumes), ("snapshots", view.snapshots),
            ("publications", view.publications),
        ] {
            let counts = [CatalogueRebuild.Action.kept, .restored, .removed].map { action in
                "\(found.count { $0.action == action }) \(action.rawValue)"
            }
            lines.append("\(what): \(counts.joined(separator: ", "))")
            for line in found where line.action != .kept || !line.reason.isEmpty {
                let reason = line.reason.isEmpty ? "" : ": \(line.reason)"
                lines.append("  \(line.action.rawValue)  \(line.name)\(line.id.map { " (\($0))" } ?? "")\(reason)")
            }
        }
        if let replaced = view.replaced { lines.append("the old catalogue is \(replaced)") }
        lines.append(view.isDryRun ? "nothing was changed (--dry-run)" : "the catalogue is \(view.catalogue)")
        return lines.joined(separator: "\n")
    }
}
