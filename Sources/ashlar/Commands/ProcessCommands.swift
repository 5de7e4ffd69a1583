import ArgumentParser
import Attach
import Base
import Configuration
import EngineAPI
import GRPCServer
import Logging
import VolumeEngine

/// `--config`, and what every long-running process does with it.
struct ProcessOptions: ParsableArguments {
    @Option(help: "The configuration file; deploy/examples/single-host.yaml is an example.")
    var config: String

    /// The configuration and a logger to standard error. A mistake in it ends the process with code 78 (EX_CONFIG).
    func load(_ process: String) throws -> (Configuration, Logger) {
        let configuration: Configuration
        do { configuration = try Configuration.load(path: config) } catch { throw told(.configuration, error) }
        var logger = Logger(label: "ashlar.\(process)", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = Logger.Level(rawValue: configuration.logLevel.rawValue) ?? .info
        return (configuration, logger)
    }
}

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Engine, controller and node of one host.",
        discussion: """
            Runs until SIGTERM or SIGINT, then drains: calls end, everything answered is made durable. This process only holds the devices; \
            the work is done by a worker that it starts, starts again when it dies, and replaces on SIGHUP by the program that is then \
            installed.
            """)

    @OptionGroup var options: ProcessOptions

    func run() async throws { try await HolderProcess.run(.serve, config: options.config) }
}

struct EngineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "The data plane alone: mountpaths, volumes, devices, and the engine API on a socket.",
        subcommands: [Run.self, EngineStatusCommand.self, EngineUpgradeCommand.self], defaultSubcommand: Run.self)

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Run it: see 'ashlar help serve'.", shouldDisplay: false)
        @OptionGroup var options: ProcessOptions

        func run() async throws { try await HolderProcess.run(.engine, config: options.config) }
    }
}

/// What a holder starts; not for people.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "The working process of serve or engine; its holder starts it.",
        shouldDisplay: false)

    @Argument(help: "serve or engine.")
    var role: WorkerRole

    @OptionGroup var options: ProcessOptions

    func run() async throws {
        let (configuration, logger) = try options.load(role.rawValue)
        try await running { try await Worker(role: role, configuration: configuration, logger: logger).run() }
    }
}

struct ControllerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "controller", abstract: "The CSI identity and controller services, over an engine's socket.")

    @OptionGroup var options: ProcessOptions

    func run() async throws { try await runControl(options, "controller", .controller) }
}

struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "The CSI identity and node services, over the socket of this host's engine.")

    @OptionGroup var options: ProcessOptions

    func run() async throws { try await runControl(options, "node", .node) }
}

private func runControl(_ options: ProcessOptions, _ name: String, _ roles: ControlProcess.Roles) async throws {
    let (configuration, logger) = try options.load(name)
    try await running {
        let channel = try GRPCChannel(socketPath: configuration.engine.socket)
        let control = try await ControlProcess.start(
            configuration, roles: roles, engine: RemoteVolumeEngine(channel), attacher: RemoteDeviceAttacher(channel),
            logger: logger)
        logger.notice("ready")
        await firstSignal()
        logger.notice("stopping")
        await control.shutDown()
    }
}

/// Runs `body`; what it throws is told in one sentence, with an exit code that says what a supervisor should do.
private func running(_ body: () async throws -> Void) async throws {
    do { try await body() } catch let failure as Failure {
        throw told(failure.kind == .unavailable || failure.kind == .timedOut ? .temporary : .failed, failure)
    }
}
