import ArgumentParser
import Base
import Configuration
import EmbeddedEngine
import Foundation
import Logging
import SystemIO

struct FsckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fsck",
        abstract: "Check the pool and every volume, while nothing runs. Writes nothing.",
        discussion: """
            Recomputes from maps, headers and slices what the engine keeps account of, and tells every difference. Ends with 0 where all is \
            clean, with 1 where something is wrong.
            """)

    @OptionGroup var options: InventoryOptions

    @Flag(help: "Read every record as well, and check its checksums: as long as reading all drives takes.")
    var data = false

    func run() async throws {
        try await options.telling {
            let configuration = try options.configuration()
            var logger = Logger(label: "ashlar.fsck", factory: { StreamLogHandler.standardError(label: $0) })
            logger.logLevel = .error
            let locks = try await CatalogueRebuilding.lockStopped(configuration, for: "a pool is checked")
            let isTerminal = isatty(STDERR_FILENO) == 1
            var report = try await EmbeddedEngine.check(
                mountpaths: EngineProcess.disks(configuration),
                ledger: try DirectoryDisk(path: configuration.stateDirectory),
                acceptMissing: configuration.pool.acceptMissing, readsData: data, logger: logger
            ) { done, all in
                if isTerminal { FileHandle.standardError.write(Data("\r\(done) of \(all) volumes".utf8)) }
            }
            if isTerminal { FileHandle.standardError.write(Data("\n".utf8)) }
            let aside = try RingDirectory.setAside(in: configuration.ringDirectory)
            for index in report.volumes.indices {
                report.volumes[index].ringsSetAside = aside[report.volumes[index].id] ?? []
            }
            withExtendedLifetime(locks) {}
            try options.show(report) { text(report) }
            if !report.isClean { throw ExitCode(AshlarExit.failed.rawValue) }
        }
    }

    private func text(_ report: CheckReport) -> String {
        var lines = ["pool \(report.pool), version \(report.poolVersion)"]
        lines += report.problems.map { "  WRONG  \($0)" } + report.notes.map { "  note   \($0)" }
        for volume in report.volumes {
            let read = data ? ", \(volume.recordsRead) records read" : ""
            lines.append(
                "volume \(volume.id): \(volume.snapshots) snapshots, \(volume.segments) segments, \(ByteSize.text(UInt64(volume.liveBlocks * blockBytes))) live, \(volume.mapNodes) map nodes\(read)"
            )
            lines += volume.problems.map { "  WRONG  \($0)" } + volume.notes.map { "  note   \($0)" }
            lines += volume.ringsSetAside.map { "  note   a ring of unflushed writes was set aside: \($0)" }
        }
        for group in report.groups {
            let space = group.space
            lines.append(
                "group \(group.label): \(ByteSize.text(space.liveBytes)) live, \(ByteSize.text(space.snapshotOnlyBytes)) in snapshots only, \(ByteSize.text(space.garbageBytes)) garbage, \(ByteSize.text(space.allocatedBytes)) allocated"
            )
        }
        lines.append(report.isClean ? "clean" : "NOT CLEAN")
        return lines.joined(separator: "\n")
    }
}
