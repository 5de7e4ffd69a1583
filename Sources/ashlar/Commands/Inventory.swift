import ArgumentParser
import Base
import Catalogue
import Configuration
import ControlAPI
import Domain
import EngineAPI
import Foundation
import GRPCServer
import VolumeEngine

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// What the looking commands share: names from the catalogue, facts from the running engine.
struct InventoryOptions: ParsableArguments {
    @Option(help: "The configuration file of the running ashlar.")
    var config: String

    @Option(help: "text or json.")
    var output = OutputFormat.text

    func configuration() throws -> Configuration {
        do { return try Configuration.load(path: config) } catch { throw told(.configuration, error) }
    }

    func engine(_ configuration: Configuration) throws(Failure) -> RemoteVolumeEngine {
        RemoteVolumeEngine(try GRPCChannel(socketPath: configuration.engine.socket), timeoutSeconds: 20)
    }

    /// The control plane of the running ashlar.
    func control() throws -> ControlClient {
        ControlClient(try GRPCChannel(socketPath: try configuration().controlSocket))
    }

    /// JSON as one value with sorted keys, or a table.
    func show(_ value: some Encodable, text: () -> String) throws {
        switch output {
        case .text: print(text())
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(value), as: UTF8.self))
        }
    }

    /// Runs `body` with a failure told as every command tells it.
    func telling(_ body: () async throws -> Void) async throws {
        do { try await body() } catch let failure as Failure { throw told(failure) }
    }
}

/// Columns as wide as their widest cell; numbers (cells that begin with a digit) to the right.
func table(_ header: [String], _ rows: [[String]]) -> String {
    let all = [header] + rows
    let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
        row.indices.map { column in
            let padding = String(repeating: " ", count: widths[column] - row[column].count)
            let isNumber = row[column].first?.isNumber == true && rows.allSatisfy { $0[column].first?.isNumber ?? true }
            if isNumber { return padding + row[column] }
            return column == row.count - 1 ? row[column] : row[column] + padding
        }.joined(separator: "  ")
    }.joined(separator: "\n")
}

/// One volume as people and scripts see it. Sizes in bytes.
struct VolumeView: Encodable {
    var id: String
    var name: String
    var group: String
    var `class`: String?
    var phase: String
    var sizeBytes: UInt64
    var allocatedBytes: UInt64
    /// What it takes, figure by figure; nil where the engine does not know the volume.
    var space: SpaceUsage?
    /// False: `space` is as the volume's last checkpoint has it.
    var isOpen: Bool?
    /// Since it was opened; nil where it is not.
    var activity: VolumeActivity?
    var filesystem: String?
    /// What it began as: `snapshot:<id>` or `volume:<id>`.
    var source: String?
    var attachEpoch: UInt64
    var publishedTo: [String]
    var health: String
    var healthReason: String
    /// Paths of rings of unflushed writes that could not be used: what was answered and not flushed may be lost. `volume show` alone looks.
    var ringsSetAside: [String]?

    init(_ volume: Volume, engine: EngineVolume?, space: VolumeSpace?, publications: [Publication]) {
        id = volume.id.description
        name = volume.name
        group = volume.group
        `class` = volume.request.className
        phase = volume.phase.rawValue
        sizeBytes = volume.sizeBytes
        allocatedBytes = space?.usage.allocatedBytes ?? engine?.allocatedBytes ?? 0
        self.space = space?.usage
        isOpen = space?.isOpen
        activity = space?.activity
        source = volume.request.source?.description
        filesystem = volume.request.filesystem?.rawValue
        attachEpoch = engine?.attachEpoch ?? 0
        publishedTo = publications.map(\.node).sorted()
        health = engine?.health.rawValue ?? "unknown"
        healthReason = engine?.healthReason ?? "the engine does not know the volume"
    }
}

extension VolumeActivity {
    /// As one line; docs/space.md explains it.
    var text: String {
        guard writtenBytes > 0 else { return "nothing written" }
        let amplification = Double(writtenBytes + movedBytes) / Double(writtenBytes)
        return "\(ByteSize.text(writtenBytes)) written, \(ByteSize.text(movedBytes)) moved by garbage collection "
            + "(amplification \(String(format: "%.2f", amplification))), \(ByteSize.text(storedBytes)) with parity and headers"
    }
}

extension SpaceUsage {
    /// A line each, the names as wide as `width`; docs/space.md explains them.
    func lines(width: Int, of holder: String = "volume") -> [String] {
        let figures: [(String, UInt64, String)] = [
            ("live", liveBytes, ""), ("shared", sharedBytes, "its origins'"),
            ("snapshots", snapshotOnlyBytes, "no longer in the \(holder)"), ("garbage", garbageBytes, ""),
            ("reserved", reservedBytes, ""), ("overhead", overheadBytes, "parity and headers"),
            ("allocated", allocatedBytes, "all but shared"), ("map", metadataBytes, "one copy"),
        ]
        let lost = lostBytes > 0 ? [("lost", lostBytes, "reads answer EIO")] : []
        return (figures + lost).map { name, bytes, note in
            name.padding(toLength: width, withPad: " ", startingAt: 0) + ByteSize.text(bytes)
                + (note.isEmpty ? "" : ", \(note)")
        }
    }
}
