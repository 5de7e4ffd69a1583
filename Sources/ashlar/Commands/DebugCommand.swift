import ArgumentParser
import AttachFUSE
import Base
import BlockDevice
import Dispatch
import Glibc
import Logging
import SystemIO

/// Tools for measuring and for finding faults; not shown in the help.
struct DebugCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "debug", abstract: "Tools for measuring and for finding faults.", shouldDisplay: false,
        subcommands: [NullDeviceCommand.self, TimeCopiesCommand.self, TimeCallsCommand.self])
}

struct NullDeviceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "null-device",
        abstract: "Serve a device that reads zeros and forgets writes, until a signal comes.",
        discussion: "Prints the device's path on one line once it can be used. Measures the front end by itself.")

    @Option(help: "Size of the device, for example 4Gi.")
    var size = "4Gi"

    @Option(help: "An existing directory for the mount point that is needed for a moment.")
    var runDirectory = "/run"

    func run() async throws {
        guard let sizeBytes = ByteSize.parse(size), sizeBytes > 0, sizeBytes % UInt64(blockBytes) == 0 else {
            throw ValidationError("'\(size)' is not a size in whole 4 KiB blocks")
        }
        let loop = try EventLoop(name: "null-device")
        let frontEnd = FuseLoopFrontEnd(
            runDirectory: runDirectory, threads: BlockingThreads(name: "blocking"),
            logger: Logger(label: "ashlar.debug", factory: { StreamLogHandler.standardError(label: $0) }))
        let served = try await frontEnd.serve(
            NullDevice(loop: loop, sizeBytes: sizeBytes), volume: .random(), readOnly: false)
        print(served.path)
        fflush(nil)
        await firstSignal(of: [SIGINT, SIGTERM])
        try await served.stop(force: true)
    }
}
