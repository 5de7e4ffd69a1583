import ArgumentParser
import Base
import Catalogue
import ControlAPI
import Domain

/// How long snapshots and clones take, as a caller of the control plane sees it, without the start of a process each.
struct TimeCopiesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "time-copies",
        abstract: "Take snapshots of a volume, then make clones of the last one, one after the other; they stay.",
        discussion: "Prints the milliseconds that each took, as its caller saw it.")

    @OptionGroup var options: InventoryOptions
    @Argument(help: "Its id or its name.")
    var volume: String
    @Option(help: "How many snapshots, one at least.")
    var snapshots = 1
    @Option(help: "How many clones.")
    var clones = 0

    struct View: Encodable {
        var snapshotMilliseconds: [Double] = []
        var cloneMilliseconds: [Double] = []
        /// Of the last snapshot.
        var snapshotID: String?
        var cloneIDs: [String] = []
    }

    func validate() throws {
        guard snapshots > 0, clones >= 0 else { throw ValidationError("--snapshots must be 1 or more") }
    }

    func run() async throws {
        try await options.telling {
            let target = try await findVolume(volume, in: Catalogue(reading: try options.configuration().cataloguePath))
            let control = try options.control()
            let prefix = "timed-\(VolumeID.random().description.prefix(8))"
            var view = View()
            var last: SnapshotID?
            for number in 0..<snapshots {
                let begin = ContinuousClock.now
                last = try await control.createSnapshots("\(prefix)-\(number)", of: [target.id]).first
                view.snapshotMilliseconds.append(milliseconds(since: begin))
            }
            view.snapshotID = last?.description
            for number in 0..<clones {
                guard let last else { break }
                let begin = ContinuousClock.now
                let id = try await control.clone(.snapshot(last), as: "\(prefix)-clone-\(number)", sizeBytes: nil)
                view.cloneMilliseconds.append(milliseconds(since: begin))
                view.cloneIDs.append(id.description)
            }
            try options.show(view) {
                "snapshots  \(view.snapshotMilliseconds)\nclones     \(view.cloneMilliseconds)"
            }
        }
    }
}
