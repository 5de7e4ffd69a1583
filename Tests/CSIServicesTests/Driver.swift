import Base
import CSIMessages
import CSIServices
import Catalogue
import Domain
import EngineFakes
import Foundation
import GRPCServer
import Logging
import ProtobufRuntime
import SystemIO
import Testing
import VolumeEngine
import Volumes

/// The whole driver on a unix socket, over an engine in memory and devices over files. Calls go through gRPC, so that codes
/// and what is registered are tested too.
final class Driver: Sendable {
    let path: String
    let engine = FakeEngine()
    let attacher: LoopFileAttacher
    let catalogue: Catalogue
    let volumes: Volumes
    let node: NodeService
    let server: GRPCServer
    let channel: GRPCChannel
    private let threads: BlockingThreads

    static let host = "host-1"

    init(
        classes: [StorageClass] = Defaults.classes, isReady: Bool = true, groupsOnFirstUse: Bool = false,
        style: SnapshotMetadataService.Style = .variable
    ) async throws {
        path = NSTemporaryDirectory() + "ashlar-csi-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        threads = BlockingThreads(name: "test-node", threadCountMax: 8)
        attacher = LoopFileAttacher(directory: path, engine: engine, threads: threads)
        let cataloguePath = path + "/catalogue.sqlite"
        catalogue = try await offPool { () throws(Failure) in try Catalogue(path: cataloguePath) }
        volumes = Volumes(
            catalogue: catalogue, engine: engine,
            environment: .init(nodes: [Self.host, "host-2"], unixTime: { Int64(Date().timeIntervalSince1970) }),
            logger: logger)
        try await volumes.start(groups: Defaults.groups, onFirstUse: groupsOnFirstUse)
        let settings = CSISettings(
            version: "0.1.0", nodeID: Self.host, host: Self.host, classes: classes, defaultClass: "standard",
            ephemeralBytesMax: 1 << 30)
        let attacher = attacher
        let controller = ControllerService(volumes: volumes, settings: settings)
        node = NodeService(
            engine: engine, attacher: attacher, ephemeral: controller, settings: settings, threads: threads,
            clearStaleDevices: { id throws(Failure) in try await attacher.clearStale(id) }, logger: logger)
        var handlers = GRPCHandlers()
        IdentityService(settings: settings, isReady: { isReady }).register(in: &handlers)
        controller.register(in: &handlers)
        GroupControllerService(volumes: volumes, settings: settings).register(in: &handlers)
        SnapshotMetadataService(volumes: volumes, style: style).register(in: &handlers)
        node.register(in: &handlers)
        server = GRPCServer(socketPath: path + "/csi.sock", handlers: handlers, logger: logger)
        try server.start()
        channel = try GRPCChannel(socketPath: path + "/csi.sock")
    }

    /// Undoes what a test left: mounts below the directory, loop devices of its volumes.
    func close() async throws {
        channel.close()
        await server.shutdown(drainSeconds: 5)
        let table = try readPseudoFile("/proc/self/mountinfo")
        for line in table.split(separator: "\n").reversed() {
            let target = String(line.split(separator: " ")[4])
            if target.hasPrefix(path) { umount2(target, 2) }
        }
        for loop in try LoopDevice.all() {
            if let id = loop.volume, FileManager.default.fileExists(atPath: attacher.imagePath(id)) {
                try await attacher.clearStale(id)
                unlink("/dev/ashlar/\(id)")
            }
        }
        try? FileManager.default.removeItem(atPath: path)
    }

    func call<Request: Message, Response: Message>(
        _ method: String, _ request: Request
    ) async throws -> Response {
        try Response(decoding: try await channel.call(method, request.encoded(), timeoutSeconds: 60))
    }

    /// All messages of a stream that ends well.
    func stream<Request: Message, Response: Message>(_ method: String, _ request: Request) async throws -> [Response] {
        var found: [Response] = []
        for try await bytes in channel.stream(method, request.encoded(), timeoutSeconds: 60) {
            found.append(try Response(decoding: bytes))
        }
        return found
    }

    /// How a stream that must fail does.
    func streamCode(_ method: String, _ request: some Message) async -> GRPCCode {
        do {
            for try await _ in channel.stream(method, request.encoded(), timeoutSeconds: 60) {}
            return .ok
        } catch { return error.kind.code }
    }

    /// The gRPC code of a call that must fail.
    func code(_ method: String, _ request: some Message) async -> GRPCCode {
        await channel.exchange(method, request.encoded(), timeoutSeconds: 60).status.code
    }

    func message(_ method: String, _ request: some Message) async -> String {
        await channel.exchange(method, request.encoded(), timeoutSeconds: 60).status.message
    }
}

/// Runs `body` with a driver that is taken down whatever happens.
func withDriver(_ body: (Driver) async throws -> Void) async throws {
    let driver = try await Driver()
    do { try await body(driver) } catch {
        try await driver.close()
        throw error
    }
    try await driver.close()
}

func mountCapability(
    _ filesystem: String = "", _ mode: CSI.VolumeCapability.AccessMode.Mode = .singleNodeWriter, flags: [String] = []
) -> CSI.VolumeCapability {
    CSI.VolumeCapability(
        accessType: .mount(.init(fsType: filesystem, mountFlags: flags)), accessMode: .init(mode: mode))
}

func blockCapability(_ mode: CSI.VolumeCapability.AccessMode.Mode = .singleNodeWriter) -> CSI.VolumeCapability {
    CSI.VolumeCapability(accessType: .block(.init()), accessMode: .init(mode: mode))
}

func createRequest(
    _ name: String = "a", requiredBytes: Int64 = 64 << 20, limitBytes: Int64 = 0,
    for capability: CSI.VolumeCapability = mountCapability(), parameters: [String: String] = [:]
) -> CSI.CreateVolumeRequest {
    CSI.CreateVolumeRequest(
        name: name, capacityRange: .init(requiredBytes: requiredBytes, limitBytes: limitBytes),
        volumeCapabilities: [capability], parameters: parameters)
}

let unknownID = "0a0a0a0a-0a0a-4a0a-8a0a-0a0a0a0a0a0a"
