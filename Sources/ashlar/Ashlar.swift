import ArgumentParser

@main
struct Ashlar: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ashlar", abstract: "A Kubernetes CSI driver and the erasure-coded volume engine under it.",
        subcommands: [DebugCommand.self])
}
