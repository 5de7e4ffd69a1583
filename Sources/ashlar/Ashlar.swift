import ArgumentParser

/// Semantic version of this binary.
let ashlarVersion = "0.1.0"

@main
struct Ashlar: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ashlar", abstract: "A Kubernetes CSI driver and the erasure-coded volume engine under it.",
        discussion: """
            Exit codes: 0 done, 1 failed, 3 no such thing, 64 the command line is wrong, 75 not now (try again), \
            78 the configuration is wrong.
            """,
        version: ashlarVersion,
        subcommands: [
            ServeCommand.self, EngineCommand.self, ControllerCommand.self, NodeCommand.self, VolumeCommand.self,
            SnapshotCommand.self, GroupCommand.self, PoolCommand.self, FsckCommand.self, CSICommand.self,
            WorkerCommand.self, DebugCommand.self,
        ])
}
