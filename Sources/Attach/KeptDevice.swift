import Base
import SystemIO

/// The facts that go with a device's descriptors from one process to the next. Read by other versions of this program: fields are added, never
/// changed, and `version` tells of what an older one cannot do without.
public struct DeviceHandle: Sendable, Codable, Equatable {
    /// Version of what is written here.
    public static let version = 1

    public var volume: VolumeID
    public var epoch: UInt64
    public var readOnly: Bool
    /// The engine knows by it whose `BlockRequest.unique` counts.
    public var connection: UInt64
    /// `/dev/loop7`
    public var path: String
    /// When it was attached.
    public var sizeBytes: UInt64
    /// The largest request that was negotiated with the kernel.
    public var requestBytesMax: Int

    public init(
        volume: VolumeID, epoch: UInt64, readOnly: Bool, connection: UInt64, path: String, sizeBytes: UInt64,
        requestBytesMax: Int
    ) {
        self.volume = volume
        self.epoch = epoch
        self.readOnly = readOnly
        self.connection = connection
        self.path = path
        self.sizeBytes = sizeBytes
        self.requestBytesMax = requestBytesMax
    }
}

/// A device that a process served which is gone: what is known of it, and its descriptors in the order of `ServedDevice.descriptors`.
public struct KeptDevice: Sendable {
    public var handle: DeviceHandle
    public var descriptors: [FileDescriptor]

    public init(handle: DeviceHandle, descriptors: [FileDescriptor]) {
        self.handle = handle
        self.descriptors = descriptors
    }

    public func close() { for descriptor in descriptors { descriptor.close() } }
}

/// Somebody who outlives this process and has duplicates of its devices' descriptors.
public protocol DeviceKeeper: Sendable {
    /// The device was attached. Duplicates the descriptors before it returns. After that the device survives this process.
    func keep(_ handle: DeviceHandle, _ descriptors: [Int32])
    /// The device is going. Duplicates are closed soon.
    func forget(_ volume: VolumeID)
}

/// Devices end with the process.
public struct NoKeeper: DeviceKeeper {
    public init() {}
    public func keep(_ handle: DeviceHandle, _ descriptors: [Int32]) {}
    public func forget(_ volume: VolumeID) {}
}
