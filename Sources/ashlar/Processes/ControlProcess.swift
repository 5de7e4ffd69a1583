import Attach
import AttachFUSE
import Base
import CSIServices
import Catalogue
import Configuration
import ControlAPI
import GRPCServer
import Glibc
import Logging
import Synchronization
import SystemIO
import VolumeEngine
import Volumes

/// The CSI services of this process, over an engine that is here or elsewhere: identity always, controller and node as asked.
final class ControlProcess: Sendable {
    struct Roles: OptionSet, Sendable {
        let rawValue: Int
        static let controller = Roles(rawValue: 1)
        static let node = Roles(rawValue: 2)
    }

    private let servers: [GRPCServer]
    private let volumes: Volumes?
    private let maintenance: [Task<Void, Never>]
    /// Of the catalogue; nil without a controller.
    private let lock: FileLock?

    private static let drainSeconds = 10.0

    private init(servers: [GRPCServer], volumes: Volumes?, maintenance: [Task<Void, Never>], lock: FileLock?) {
        self.servers = servers
        self.volumes = volumes
        self.maintenance = maintenance
        self.lock = lock
    }

    static func start(
        _ configuration: Configuration, roles: Roles, engine: any VolumeEngine, attacher: any DeviceAttacher,
        logger: Logger
    ) async throws(Failure) -> ControlProcess {
        try makeDirectories(configuration)
        let settings = CSISettings(
            version: ashlarVersion, nodeID: configuration.nodeID, host: configuration.storageHost,
            classes: configuration.classes, defaultClass: configuration.defaultClass,
            volumesPerNodeMax: configuration.csi.volumesPerNodeMax,
            ephemeralBytesMax: configuration.csi.ephemeralBytesMax,
            contract: .init(rawValue: configuration.csi.contract.rawValue) ?? .v13)
        let isReady = ReadyFlag()
        var controllerHandlers = GRPCHandlers()
        var nodeHandlers = GRPCHandlers()
        let identity = IdentityService(settings: settings, isReady: { isReady.value })
        identity.register(in: &controllerHandlers)
        identity.register(in: &nodeHandlers)

        var volumes: Volumes?
        var lock: FileLock?
        var controlHandlers = GRPCHandlers()
        var ephemeral: (any EphemeralVolumes)?
        if roles.contains(.controller) {
            lock = try FileLock(path: configuration.controllerLockPath, "another ashlar controller")
            let made = Volumes(
                catalogue: try Catalogue(path: configuration.cataloguePath), engine: engine,
                environment: .init(
                    nodes: Set([configuration.nodeID] + configuration.otherNodes),
                    volumesPerNodeMax: settings.volumesPerNodeMax,
                    unixTime: { Int64(time(nil)) }),
                logger: logger)
            let controller = ControllerService(volumes: made, settings: settings)
            controller.register(in: &controllerHandlers)
            GroupControllerService(volumes: made, settings: settings).register(in: &controllerHandlers)
            SnapshotMetadataService(volumes: made, style: .init(configuration.csi.blockMetadata))
                .register(in: &controllerHandlers)
            controlHandlers.serveControl(of: made)
            controlHandlers.serveEphemeral(of: controller)
            ephemeral = controller
            volumes = made
        }
        var node: NodeService?
        if roles.contains(.node) {
            let threads = BlockingThreads(name: "ashlar-node")
            let elsewhere = RemoteEphemeralVolumes(try GRPCChannel(socketPath: configuration.controlSocket))
            let made = NodeService(
                engine: engine, attacher: attacher,
                ephemeral: ephemeral ?? elsewhere,
                settings: settings, threads: threads,
                clearStaleDevices: { (id) throws(Failure) in
                    try await FuseLoopFrontEnd.clearStaleDevices(of: id, on: threads)
                }, logger: logger)
            made.register(in: &nodeHandlers)
            node = made
        }
        // Who asks meanwhile is told that this process is starting.
        let refusal: @Sendable () -> Failure? = {
            isReady.value ? nil : Failure(.unavailable, "ashlar is starting, try again")
        }
        let servers = try listen(
            configuration, roles, controllerHandlers.refusing(but: IdentityService.alwaysAnswered, refusal),
            nodeHandlers.refusing(but: IdentityService.alwaysAnswered, refusal),
            controlHandlers.refusing(but: [], refusal), logger)
        do throws(Failure) {
            try await volumes?.start(
                groups: configuration.groups, onFirstUse: configuration.groupCreation == .firstUse)
        } catch {
            for server in servers { await server.shutdown(drainSeconds: 0) }
            throw error
        }
        await node?.reconcile()
        isReady.set()
        var maintenance: [Task<Void, Never>] = []
        if let volumes {
            maintenance.append(Task { await volumes.maintain() })
            maintenance.append(Task { await volumes.keepCopies() })
        }
        if let node { maintenance.append(Task { await node.maintain() }) }
        return ControlProcess(servers: servers, volumes: volumes, maintenance: maintenance, lock: lock)
    }

    private static func listen(
        _ configuration: Configuration, _ roles: Roles, _ controller: GRPCHandlers, _ node: GRPCHandlers,
        _ control: GRPCHandlers, _ logger: Logger
    ) throws(Failure) -> [GRPCServer] {
        var tables: [String: GRPCHandlers] = [:]
        if roles.contains(.controller) {
            tables[configuration.sockets.controller] = controller
            tables[configuration.controlSocket] = control
        }
        if roles.contains(.node) {
            tables[configuration.sockets.node] = tables[configuration.sockets.node].map { $0.merging(node) } ?? node
        }
        var servers: [GRPCServer] = []
        for (path, handlers) in tables {
            let server = GRPCServer(socketPath: path, handlers: handlers, logger: logger)
            try server.start()
            servers.append(server)
        }
        return servers
    }

    /// An engine that hangs must not keep this process from ending: the next start copies as well.
    private func copyCatalogue() async {
        let copying = Task { [volumes] in await volumes?.copyAtEnd() }
        let limit = Task {
            try await Task.sleep(for: .seconds(Self.drainSeconds))
            copying.cancel()
        }
        await copying.value
        limit.cancel()
    }

    func shutDown() async {
        for task in maintenance { task.cancel() }
        for server in servers { await server.shutdown(drainSeconds: Self.drainSeconds) }
        for task in maintenance { await task.value }
        await copyCatalogue()
        try? volumes?.catalogue.close()
    }
}

extension SnapshotMetadataService.Style {
    init(_ configured: Configuration.CSI.BlockMetadata) {
        switch configured {
        case .variable: self = .variable
        case .fixed: self = .fixed
        }
    }
}

extension Configuration {
    /// Held by the process that serves the catalogue.
    var controllerLockPath: String { "\(stateDirectory)/controller.lock" }
    /// Held by the process that serves the mountpaths.
    var engineLockPath: String { "\(stateDirectory)/engine.lock" }
}

/// Set once, when the process may be used.
private final class ReadyFlag: Sendable {
    private let flag = Atomic<Bool>(false)
    var value: Bool { flag.load(ordering: .acquiring) }
    func set() { flag.store(true, ordering: .releasing) }
}
