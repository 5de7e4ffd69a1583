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
/// - A bound device node does not keep its loop device, whose number may be another volume's next. So bindings carry the
///   volume's own name (`VolumeNode`), and those of a dead device are taken away before the device is freed.
public final class NodeService: Sendable {
    /// Frees the loop devices that dead processes left for a volume which is not served now; busy ones go with their last user.
    public typealias ClearStaleDevices = @Sendable (VolumeID) async throws(Failure) -> Void

    let engine: any VolumeEngine
    let attacher: any DeviceAttacher
    let ephemeral: any EphemeralVolumes
    let settings: CSISettings
    let threads: BlockingThreads
    let logger: Logger
    private let locks = KeyedLock()
    private let clearStaleDevices: ClearStaleDevices

    public init(
        engine: any VolumeEngine, attacher: any DeviceAttacher, ephemeral: any EphemeralVolumes, settings: CSISettings,
        threads: BlockingThreads,
        clearStaleDevices: @escaping ClearStaleDevices, logger: Logger
    ) {
        self.engine = engine
        self.attacher = attacher
        self.ephemeral = ephemeral
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
        var types: [CSI.NodeServiceCapability.RPC.Kind] = [
            .stageUnstageVolume, .getVolumeStats, .expandVolume, .singleNodeMultiWriter,
        ]
        if settings.contract >= .v13 { types += [.getVolumeHealth, .getStorageHealth] }
        return CSI.NodeGetCapabilitiesResponse(capabilities: types.map { .init(type: .rpc(.init(type: $0))) })
    }

    func lock(_ id: VolumeID, for operation: String) async throws(Failure) -> KeyedLock.Held {
        try await locks.acquire("volume \(id)", for: operation)
    }

    func lockHandle(_ handle: String, for operation: String) async throws(Failure) -> KeyedLock.Held {
        try await locks.acquire("ephemeral volume '\(handle)'", for: operation)
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
    /// `epoch`: a device of another epoch is about to be cut off and counts as dead.
    func clearDeadDevices(_ id: VolumeID, epoch: UInt64? = nil) async throws(Failure) {
        let device = try await attacher.attachment(id)
        let live = epoch == nil || device?.epoch == epoch ? device?.path : nil
        let view = try await view()
        let places = view.places(of: id).filter { $0.device != live }
        let hasDead = !places.isEmpty || view.devices(of: id).contains { $0.path != live }
        guard hasDead || device == nil && view.hasNode(id) else { return }
        for place in places where place.kind == .block { try await unmount(place.path, lazy: true) }
        if device == nil {
            try await clearStaleDevices(id)
            try await threads.run { () throws(Failure) in try VolumeNode.remove(id) }
        }
        // One that is mounted stays for now, and would be told of again each minute.
        guard !places.contains(where: { $0.kind != .block }) else { return }
        logger.notice("cleared devices that a dead process left", metadata: ["volume": "\(id)"])
    }

    private static let unmountAttemptsMax = 20
    private static let unmountPause = Duration.milliseconds(25)

    /// Others look into mounts for a moment (a monitor's statfs, a process that is just starting): busy is believed only if it lasts.
    func unmount(_ path: String, lazy: Bool) async throws(Failure) {
        for attempt in 1... {
            do throws(Failure) {
                return try await threads.run { () throws(Failure) in _ = try Mounts.unmount(path, lazy: lazy) }
            } catch {
                guard error.kind == .busy, attempt < Self.unmountAttemptsMax else { throw error }
            }
            do { try await Task.sleep(for: Self.unmountPause) } catch { throw Failure(wrapping: error) }
        }
    }

    /// At start, before any call is served, and from time to time: leftovers of dead processes do not pile up.
    public func reconcile() async {
        do {
            let view = try await view()
            for id in view.volumes.sorted() where try await isOurs(id) {
                let held = try await lock(id, for: "reconcile")
                defer { held.release() }
                try await clearDeadDevices(id)
            }
        } catch {
            logger.warning("leftover devices cannot be cleared yet", metadata: ["error": "\(error)"])
        }
    }

    /// Another ashlar on this machine has devices too, and asking one whether it is alive may never be answered: what our engine does
    /// not know is not touched.
    private func isOurs(_ id: VolumeID) async throws(Failure) -> Bool {
        do throws(Failure) {
            _ = try await engine.volume(id)
            return true
        } catch  where error.kind == .notFound {
            return false
        }
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
