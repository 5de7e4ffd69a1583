import Attach
import Base
import CSIMessages
import Domain
import Filesystems
import Logging
import ProtobufRuntime
import SystemIO
import VolumeEngine
import Volumes

/// CSI Node: volumes into devices, devices into mounts. Works over the engine and attach ports alone, so that it runs in a
/// process without the catalogue too.
///
/// Rules:
/// - What is staged and published is asked of the kernel at every call (`KernelView`), never remembered.
/// - A device of ours that the data plane does not serve is dead: mounts on it are taken away lazily, and nothing is read from it.
/// - A bound device node does not keep its loop device. So bindings of a dead device go before the device is
///   freed: its number may be another volume's next.
public final class NodeService: Sendable {
    /// Frees the loop devices that dead processes left for a volume which is not served now; busy ones go with their last user.
    public typealias ClearStaleDevices = @Sendable (VolumeID) async throws(Failure) -> Void

    let engine: any VolumeEngine
    let attacher: any DeviceAttacher
    let settings: CSISettings
    let threads: BlockingThreads
    let logger: Logger
    private let locks = KeyedLock()
    private let clearStaleDevices: ClearStaleDevices

    public init(
        engine: any VolumeEngine, attacher: any DeviceAttacher, settings: CSISettings, threads: BlockingThreads,
        clearStaleDevices: @escaping ClearStaleDevices, logger: Logger
    ) {
        self.engine = engine
        self.attacher = attacher
        self.settings = settings
        self.threads = threads
        self.clearStaleDevices = clearStaleDevices
        self.logger = logger
    }

    func getInfo(_ request: CSI.NodeGetInfoRequest) -> CSI.NodeGetInfoResponse {
        CSI.NodeGetInfoResponse(
            nodeID: settings.nodeID, maxVolumesPerNode: Int64(settings.volumesPerNodeMax),
            accessibleTopology: CSI.Topology(segments: [CSISettings.topologyKey: settings.host]))
    }

    func getCapabilities(_ request: CSI.NodeGetCapabilitiesRequest) -> CSI.NodeGetCapabilitiesResponse {
        let types: [CSI.NodeServiceCapability.RPC.Kind] = [
            .stageUnstageVolume, .getVolumeStats, .expandVolume, .singleNodeMultiWriter,
        ]
        return CSI.NodeGetCapabilitiesResponse(capabilities: types.map { .init(type: .rpc(.init(type: $0))) })
    }

    func lock(_ id: VolumeID, for operation: String) async throws(Failure) -> KeyedLock.Held {
        try await locks.acquire("volume \(id)", for: operation)
    }

    func view() async throws(Failure) -> KernelView {
        try await threads.run { () throws(Failure) in try KernelView.current() }
    }

    func resolved(_ path: String) async throws(Failure) -> String {
        try await threads.run { () throws(Failure) in TargetPath.resolved(path) }
    }

    /// The device that is served now; `failedPrecondition` where there is none, `notFound` where there is no such volume.
    func stagedDevice(_ id: VolumeID) async throws(Failure) -> AttachedDevice {
        if let device = try await attacher.attachment(id) { return device }
        _ = try await engine.volume(id)
        throw Failure(
            .failedPrecondition, "volume \(id) is not staged on this node, or its device is gone; stage it again")
    }

    /// Under the volume's lock: takes bound nodes of dead devices away, then frees these devices where no new one is served.
    /// Mounted filesystems stay in sight until they are unpublished or staged anew.
    func clearDeadDevices(_ id: VolumeID) async throws(Failure) {
        let live = try await attacher.attachment(id)?.path
        let view = try await view()
        guard view.devices[id, default: []].contains(where: { $0.path != live }) else { return }
        for place in view.places(of: id) where place.kind == .block && place.device != live {
            try await unmount(place.path, lazy: true)
        }
        if live == nil { try await clearStaleDevices(id) }
        logger.notice("cleared devices that a dead process left", metadata: ["volume": "\(id)"])
    }

    func unmount(_ path: String, lazy: Bool) async throws(Failure) {
        _ = try await threads.run { () throws(Failure) in try Mounts.unmount(path, lazy: lazy) }
    }

    /// At start, before any call is served, and from time to time: leftovers of dead processes do not pile up.
    public func reconcile() async {
        do {
            for (id, devices) in try await view().devices.sorted(by: { $0.key < $1.key }) {
                guard try await isOurs(id, devices) else { continue }
                let held = try await lock(id, for: "reconcile")
                defer { held.release() }
                try await clearDeadDevices(id)
            }
        } catch {
            logger.warning("leftover devices cannot be cleared yet", metadata: ["error": "\(error)"])
        }
    }

    /// Another ashlar on this machine has devices too. A volume that our engine does not know is another's, or was deleted here;
    /// its devices are touched only where they are dead.
    private func isOurs(_ id: VolumeID, _ devices: [LoopDevice]) async throws(Failure) -> Bool {
        do {
            _ = try await engine.volume(id)
            return true
        } catch where error.kind == .notFound {
            return try await threads.run {
                devices.allSatisfy { (try? BlockDeviceNode(path: $0.path).isAlive()) != true }
            }
        } catch { throw error }
    }

    private static let maintenanceSeconds: Int64 = 60

    /// Reconciles each minute until the task is cancelled.
    public func maintain() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: .seconds(Self.maintenanceSeconds)) } catch { return }
            await reconcile()
        }
    }
}
