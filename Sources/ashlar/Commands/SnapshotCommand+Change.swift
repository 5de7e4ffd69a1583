import ArgumentParser
import Base
import Catalogue
import ControlAPI
import Domain
import Foundation

extension SnapshotCommand {
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create", abstract: "Take a snapshot of a volume, or of several volumes at one moment.",
            discussion: """
                Of several volumes: one cut, which has the name; its snapshots are called NAME/VOLUME. What the volumes have answered is in \
                their snapshots, and a mounted filesystem in it is as after a power cut: its journal is replayed when a copy is mounted. \
                The same command again answers the same snapshots.
                """)

        @OptionGroup var options: InventoryOptions
        @Argument(help: "Name of the snapshot, or of the cut.")
        var name: String
        @Argument(help: "Ids or names of volumes.")
        var volumes: [String]

        func run() async throws {
            try await options.telling {
                let catalogue = try Catalogue(reading: try options.configuration().cataloguePath)
                var ids: [VolumeID] = []
                for text in volumes { ids.append(try await findVolume(text, in: catalogue).id) }
                let made = try await options.control().createSnapshots(name, of: ids)
                var views: [View] = []
                for id in made {
                    guard let snapshot = try await catalogue.snapshot(id) else { continue }
                    views.append(try await SnapshotCommand.view(snapshot, in: catalogue))
                }
                try options.show(views) {
                    views.map {
                        "snapshot '\($0.name)' (\($0.id)) of volume '\($0.volumeName)', \(ByteSize.text($0.sizeBytes))"
                    }.joined(separator: "\n")
                }
            }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete", abstract: "Delete a snapshot, or a cut with all its snapshots.",
            discussion: "Volumes and clones keep what is theirs. A snapshot of a cut is deleted with the cut only.")

        @OptionGroup var options: InventoryOptions
        @Argument(help: "Id or name of a snapshot or of a cut.")
        var name: String

        struct View: Encodable {
            var name: String
            var snapshotCount: Int
        }

        func run() async throws {
            try await options.telling {
                let catalogue = try Catalogue(reading: try options.configuration().cataloguePath)
                let cut = try await findCut(in: catalogue)
                let count: Int
                if let (id, members) = cut {
                    try await options.control().deleteCut(id)
                    count = members
                } else {
                    try await options.control().deleteSnapshot(
                        try await SnapshotCommand.find(name, in: catalogue).id)
                    count = 1
                }
                try options.show(View(name: name, snapshotCount: count)) {
                    cut == nil
                        ? "snapshot '\(name)' is deleted" : "cut '\(name)' is deleted with its \(count) snapshots"
                }
            }
        }

        private func findCut(in catalogue: Catalogue) async throws(Failure) -> (CutID, Int)? {
            var members = try await catalogue.snapshots(ofCutNamed: name)
            if members.isEmpty, let id = CutID(name) { members = try await catalogue.snapshots(ofCut: id) }
            return members.first?.cut.map { ($0.id, members.count) }
        }
    }

    struct RollBack: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rollback",
            abstract: "Make a volume what its snapshot is; what was written since is given up.",
            discussion: """
                Refused while the volume is published. Its size stays; snapshots that were taken since stay too, so a snapshot taken \
                just before is the way back.
                """)

        @OptionGroup var options: InventoryOptions
        @Argument(help: "Its id or its name.")
        var volume: String
        @Argument(help: "Id or name of a snapshot of this volume.")
        var snapshot: String

        struct View: Encodable {
            var volumeID: String
            var snapshotID: String
        }

        func run() async throws {
            try await options.telling {
                let catalogue = try Catalogue(reading: try options.configuration().cataloguePath)
                let target = try await findVolume(volume, in: catalogue)
                let found = try await SnapshotCommand.find(snapshot, in: catalogue)
                try await options.control().rollBack(target.id, to: found.id)
                let view = View(volumeID: target.id.description, snapshotID: found.id.description)
                try options.show(view) {
                    "volume '\(target.name)' is as snapshot '\(found.name)' of \(utc(found.createdAt)) is"
                }
            }
        }
    }
}

/// 2026-01-31T12:00:00Z.
func utc(_ unixTime: Int64) -> String {
    Date(timeIntervalSince1970: TimeInterval(unixTime)).ISO8601Format()
}
