/// What the holder and its workers say to each other, and what the command line asks the holder: one JSON value a packet, at most one
/// descriptor with it.
///
/// Rules: `hello` is the first packet of a worker, and nothing else of its connection is looked at before its `protocolVersion` was found to be
/// ours. A kind or field that one side does not know is passed over, so that either may be newer than the other while that version stays.
public struct Message: Codable, Sendable {
    /// Of everything in this file.
    public static let protocolVersion = 1
    /// Of one packet, in bytes.
    static let bytesMax = 16 << 10

    public enum Kind: String, Codable, Sendable {
        /// Worker to holder.
        case hello
        /// One part of a device that is already attached: holder to worker, and worker to a new holder.
        case adopt
        /// There are no more to adopt. With a descriptor it is the old worker's process, which has released and is to be killed.
        case complete
        /// Worker to holder: one part of a device that was attached; a device is gone.
        case keep, forget
        /// Worker to holder: every device was tried, and is served again but for those that wait; everything else runs too.
        case healthy, ready
        /// Holder to worker: make everything durable, close the volumes, and wait to be killed; the devices stay. And back, when it is done.
        case release, released
        /// Holder to worker: make everything durable, remove the devices, and end.
        case stop
        /// Command line to holder, and the answer.
        case status, upgrade, answer
        /// Of a newer version.
        case unknown

        public init(from decoder: any Decoder) throws {
            self = Kind(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .unknown
        }
    }

    public var kind: Kind
    public var hello: WorkerHello?
    public var device: DevicePart?
    public var upgrade: UpgradeRequest?
    public var status: HolderStatus?
    /// With `healthy`: of the adopted devices so many could not be served yet.
    public var waiting: Int?
    /// Why what was asked was not done; nil: it was done.
    public var failure: String?

    init(_ kind: Kind) { self.kind = kind }

    init(_ kind: Kind, _ device: DevicePart) {
        self.kind = kind
        self.device = device
    }
}

/// What a worker is.
public struct WorkerHello: Codable, Sendable, Equatable {
    public var protocolVersion: Int
    public var process: Int32
    /// For people: the program's version, and which file it is.
    public var build: String
    /// Versions of what one worker leaves for the next, by name. A worker with others cannot go on where this one stopped.
    public var formats: [String: Int]

    public init(process: Int32, build: String, formats: [String: Int]) {
        protocolVersion = Message.protocolVersion
        self.process = process
        self.build = build
        self.formats = formats
    }
}

/// One descriptor of a device, which travels with the packet.
public struct DevicePart: Codable, Sendable, Equatable {
    /// Names the device.
    public var device: String
    public var index: Int
    /// How many descriptors the device has.
    public var count: Int
    /// What workers know of it; the holder does not read it.
    public var facts: String
}

public struct UpgradeRequest: Codable, Sendable, Equatable {
    /// The new worker's program; nil: the path that the holder was started as.
    public var binary: String?
    /// How long the new one may take to say hello, the old one to release, and the new one to be healthy, each.
    public var timeoutSeconds: Double

    public init(binary: String?, timeoutSeconds: Double) {
        self.binary = binary
        self.timeoutSeconds = timeoutSeconds
    }
}

public struct HolderStatus: Codable, Sendable, Equatable {
    public var holderProcess: Int32
    /// Nil while none runs.
    public var workerProcess: Int32?
    public var build: String?
    /// `starting`, `serving`, `upgrading`, `down`
    public var state: String
    /// Unix time, seconds.
    public var holderSince: Int64
    public var workerSince: Int64?
    /// Workers that were started because another died.
    public var restarts: Int
    public var upgrades: Int
    /// Devices whose descriptors are held.
    public var devices: Int
    /// What became of the last upgrade where it failed.
    public var lastFailure: String?
}
