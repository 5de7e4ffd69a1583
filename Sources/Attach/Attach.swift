import Base
import BlockDevice

/// A volume that is a device on this node.
public struct AttachedDevice: Sendable, Codable, Equatable {
    public var volume: VolumeID
    /// `/dev/loop7`
    public var path: String
    public var sizeBytes: UInt64
    public var readOnly: Bool
    public var epoch: UInt64

    public init(volume: VolumeID, path: String, sizeBytes: UInt64, readOnly: Bool, epoch: UInt64) {
        self.volume = volume
        self.path = path
        self.sizeBytes = sizeBytes
        self.readOnly = readOnly
        self.epoch = epoch
    }
}

/// Turns volumes into devices on this node: what the node service asks of the data plane. Each call is idempotent.
public protocol DeviceAttacher: Sendable {
    /// The same volume and epoch again answers the same device. `fenced` if the epoch is not the volume's newest;
    /// a device of an older epoch is cut off first.
    func attach(_ id: VolumeID, epoch: UInt64, readOnly: Bool) async throws(Failure) -> AttachedDevice

    /// Flushes and removes the device. Not attached is fine; `failedPrecondition` while it is in use.
    func detach(_ id: VolumeID) async throws(Failure)

    /// Nil where this data plane serves no device for the volume (a device that a dead process left does not count).
    func attachment(_ id: VolumeID) async throws(Failure) -> AttachedDevice?

    /// Gives the device the volume's present size.
    func refresh(_ id: VolumeID) async throws(Failure) -> AttachedDevice
}

/// A front end serves one `BlockDevice` as a device node. Implemented by `fuse-loop`; others follow.
public protocol FrontEnd: Sendable {
    /// Returns the device node's path once I/O on it is served.
    func serve(_ device: any BlockDevice, volume: VolumeID, readOnly: Bool) async throws(Failure) -> any ServedDevice

    /// Goes on with a device that a process served which is dead, or has suspended it: what was in flight is served too. `kept` stays whole
    /// and may be tried again, but where it is `notFound`: its device node is gone.
    func resume(_ device: any BlockDevice, from kept: KeptDevice) async throws(Failure) -> any ServedDevice

    /// Ends a device that nobody will go on with: its I/O fails from now on. Closes what was kept.
    func discard(_ kept: KeptDevice) async throws(Failure)
}

public protocol ServedDevice: AnyObject, Sendable {
    var path: String { get }
    /// What another process needs to go on, besides the facts; borrowed until the device stops. Empty where nobody can.
    var descriptors: [Int32] { get }
    /// Tells the kernel the device's new size.
    func resize() async throws(Failure)
    /// Takes no more requests, for good, and returns when those taken are answered. The device stays for a successor.
    func suspend() async
    /// Removes the device. `failedPrecondition` while it is open or mounted, unless forced: then its I/O fails from now on.
    /// `forget` is called when it is decided: duplicates of `descriptors` elsewhere must go, or the kernel waits for them.
    func stop(force: Bool, forget: @Sendable () -> Void) async throws(Failure)
}

extension ServedDevice {
    /// Of a device whose descriptors nobody else has.
    public func stop(force: Bool) async throws(Failure) { try await stop(force: force, forget: {}) }
}
