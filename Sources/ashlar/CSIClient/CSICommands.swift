import ArgumentParser
import Base
import CSIMessages
import Foundation
import GRPCServer

/// `ashlar csi`: one CSI call from the command line, over any driver's socket.
package struct CSICommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "csi",
        abstract: "Call a CSI driver over its socket.",
        discussion: """
            Every subcommand is one call of the Container Storage Interface. The reply is printed on standard output, \
            a failure on standard error.

            Exit codes: 0 the call succeeded; 1 the driver refused it (the message begins with the gRPC code, such as \
            NOT_FOUND); 64 the command line is wrong; 66 a file named on it cannot be read; 69 the driver cannot be \
            reached or is not ready (UNAVAILABLE).

            The socket can be given once in the environment: export CSI_ENDPOINT=/run/ashlar/csi.sock
            """,
        subcommands: [
            GetPluginInfo.self, GetPluginCapabilities.self, Probe.self,
            CreateVolume.self, DeleteVolume.self, ControllerPublishVolume.self, ControllerUnpublishVolume.self,
            ValidateVolumeCapabilities.self, GetCapacity.self, ControllerGetCapabilities.self,
            ControllerExpandVolume.self,
            NodeGetInfo.self, NodeGetCapabilities.self, NodeStageVolume.self, NodeUnstageVolume.self,
            NodePublishVolume.self, NodeUnpublishVolume.self, NodeGetVolumeStats.self, NodeExpandVolume.self,
        ])

    package init() {}
}

/// Where to call and how to answer.
struct CSIConnectionOptions: ParsableArguments {
    @Option(help: "The driver's socket: a path or unix:///path. Default: $CSI_ENDPOINT.")
    var endpoint: String?

    @Option(help: "How to print the reply: text or json.")
    var output: CSIOutput = .text

    @Option(help: "Seconds to wait for the reply.")
    var timeout: Double = 60

    func validate() throws {
        guard timeout > 0 else { throw ValidationError("--timeout must be more than 0 seconds.") }
        _ = try socketPath()
    }

    func socketPath() throws -> String {
        guard let text = endpoint ?? ProcessInfo.processInfo.environment["CSI_ENDPOINT"], !text.isEmpty else {
            throw ValidationError("No socket: give --endpoint PATH or set CSI_ENDPOINT.")
        }
        for scheme in ["unix://", "unix:"] where text.hasPrefix(scheme) { return String(text.dropFirst(scheme.count)) }
        guard !text.contains("://") else { throw ValidationError("--endpoint must be a unix socket, not \(text).") }
        return text
    }
}

/// A subcommand: builds its request; everything else is the same for all.
protocol CSICall: AsyncParsableCommand {
    associatedtype Request: Message
    associatedtype Reply: Message

    static var method: String { get }
    var connection: CSIConnectionOptions { get }

    /// - Throws: `ValidationError` where the arguments make no request, `ExitCode` after saying why.
    func request() throws -> Request
}

extension CSICall {
    func run() async throws {
        let request = try request()
        let status: GRPCStatus
        do throws(Failure) {
            let channel = try GRPCChannel(socketPath: try path())
            let answer = await channel.exchange(
                Self.method, request.encoded(), timeoutSeconds: connection.timeout)
            if answer.status.code == .ok {
                return print(connection.output.text(try Reply(decoding: answer.bytes)))
            }
            status = answer.status
        } catch {
            status = GRPCStatus(error)
        }
        writeToStandardError(connection.output.text(status) + "\n")
        throw status.code == .unavailable ? ExitCode(EX_UNAVAILABLE) : ExitCode(1)
    }

    private func path() throws(Failure) -> String {
        do {
            return try connection.socketPath()
        } catch {
            throw Failure(.invalid, "\(error)")
        }
    }
}
