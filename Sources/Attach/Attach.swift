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
}

public protocol ServedDevice: AnyObject, Sendable {
    var path: String { get }
    /// Tells the kernel the device's new size.
    func resize() async throws(Failure)
    /// Removes the device. `failedPrecondition` while it is open or mounted, unless forced: then its I/O fails from now on.
    func stop(force: Bool) async throws(Failure)
}
