import ArgumentParser
import Base
import Catalogue
import Domain

struct SnapshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot", abstract: "Take and delete snapshots; roll a volume back to one.",
        subcommands: [List.self, Show.self, Create.self, Delete.self, RollBack.self])

    /// One snapshot as people and scripts see it.
    struct View: Encodable {
        var id: String
        var name: String
        var group: String
        var volumeID: String
        /// As it was called when the snapshot was taken.
        var volumeName: String
        /// False: the volume is deleted.
        var hasVolume: Bool
        var cutID: String?
        var cutName: String?
        var sizeBytes: UInt64
        var phase: String
        /// Seconds since 1970.
        var createdAt: Int64

        init(_ snapshot: Snapshot, hasVolume: Bool) {
            id = snapshot.id.description
            name = snapshot.name
            group = snapshot.group
            volumeID = snapshot.volume.description
            volumeName = snapshot.volumeName
            self.hasVolume = hasVolume
            cutID = snapshot.cut?.id.description
            cutName = snapshot.cut?.name
            sizeBytes = snapshot.sizeBytes
            phase = snapshot.phase.rawValue
            createdAt = snapshot.createdAt
        }

        /// UTC.
        var time: String { utc(createdAt) }
    }

    static func view(_ snapshot: Snapshot, in catalogue: Catalogue) async throws(Failure) -> View {
        View(snapshot, hasVolume: try await catalogue.volume(snapshot.volume)?.phase.isUsable ?? false)
    }

    /// By id or by name; `notFound` where there is none.
    static func find(_ text: String, in catalogue: Catalogue) async throws(Failure) -> Snapshot {
        if let id = SnapshotID(text), let found = try await catalogue.snapshot(id) { return found }
        if let found = try await catalogue.snapshot(named: text) { return found }
        throw Failure(.notFound, "there is no snapshot '\(text)': `ashlar snapshot ls` lists them")
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the snapshots.")
        @OptionGroup var options: InventoryOptions

        func run() async throws {
            try await options.telling {
                let catalogue = try Catalogue(reading: try options.configuration().cataloguePath)
                var views: [View] = []
                for snapshot in try await catalogue.snapshots() {
                    views.append(try await SnapshotCommand.view(snapshot, in: catalogue))
                }
                try options.show(views) {
                    table(
                        ["NAME", "ID", "GROUP", "VOLUME", "PHASE", "SIZE", "CUT", "TAKEN"],
                        views.map {
                            [
                                $0.name, $0.id, $0.group, $0.hasVolume ? $0.volumeName : "(\($0.volumeName), deleted)",
                                $0.phase, ByteSize.text($0.sizeBytes), $0.cutName ?? "-", $0.time,
                            ]
                        })
                }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Everything about one snapshot.")
        @OptionGroup var options: InventoryOptions
        @Argument(help: "Its id or its name.")
        var snapshot: String

        func run() async throws {
            try await options.telling {
                let catalogue = try Catalogue(reading: try options.configuration().cataloguePath)
                let found = try await SnapshotCommand.find(snapshot, in: catalogue)
                let view = try await SnapshotCommand.view(found, in: catalogue)
                try options.show(view) {
                    [
                        "name    \(view.name)", "id      \(view.id)", "group   \(view.group)",
                        "volume  \(view.volumeName) (\(view.volumeID))\(view.hasVolume ? "" : ", deleted")",
                        "cut     \(view.cutName ?? "-")\(view.cutID.map { " (\($0))" } ?? "")",
                        "phase   \(view.phase)",
                        "size    \(ByteSize.text(view.sizeBytes)) (\(view.sizeBytes) bytes)", "taken   \(view.time)",
                    ].joined(separator: "\n")
                }
            }
        }
    }
}
