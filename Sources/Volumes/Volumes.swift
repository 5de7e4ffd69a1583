import Base
import Catalogue
import Domain
import Logging
import Synchronization
import VolumeEngine

/// The use cases of volumes, over the catalogue and an engine.
///
/// Invariants, whatever dies between any two lines:
/// - A name is in the catalogue, with an intent, before the engine allocates anything for it. An intent is removed only after
///   the engine's part is durable (create) or gone (delete).
/// - No caller is answered while its intent exists. So an unfinished create may be undone and an unfinished delete is
///   carried on; nobody knows of the former and somebody asked for the latter.
/// - An epoch is chosen in the catalogue before the engine hears of it, and none is chosen twice.
public final class Volumes: Sendable {
    /// What time and chance are, and who may get volumes.
    public struct Environment: Sendable {
        /// Node ids that exist; publishing to another is `notFound`.
        public var nodes: Set<String>
        /// Publications that a node may have; more are `exhausted`.
        public var volumesPerNodeMax: Int
        public var clock: any MonotonicClock
        /// Seconds since 1970.
        public var unixTime: @Sendable () -> Int64
        public var makeID: @Sendable () -> VolumeID

        public init(
            nodes: Set<String>, volumesPerNodeMax: Int = 256, clock: any MonotonicClock = SystemClock(),
            unixTime: @escaping @Sendable () -> Int64,
            makeID: @escaping @Sendable () -> VolumeID = { .random() }
        ) {
            self.nodes = nodes
            self.volumesPerNodeMax = volumesPerNodeMax
            self.clock = clock
            self.unixTime = unixTime
            self.makeID = makeID
        }
    }

    public let catalogue: Catalogue
    public let engine: any VolumeEngine
    let environment: Environment
    let logger: Logger
    let locks = KeyedLock()
    let orphans = OrphanWatch()
    /// Labels in the configuration, as of the start.
    let configuredGroups = Mutex<Set<String>>([])
    /// Those of the configuration that nobody has used yet.
    let unmadeGroups = Mutex<[String: VolumeGroup]>([:])
    let copying = Mutex(CopySchedule())

    public init(catalogue: Catalogue, engine: any VolumeEngine, environment: Environment, logger: Logger) {
        self.catalogue = catalogue
        self.engine = engine
        self.environment = environment
        self.logger = logger
    }

    func lockName(_ name: String, for operation: String) async throws(Failure) -> KeyedLock.Held {
        try await locks.acquire("volume name '\(name)'", for: operation)
    }

    func lockVolume(_ id: VolumeID, for operation: String) async throws(Failure) -> KeyedLock.Held {
        try await locks.acquire("volume \(id)", for: operation)
    }

    /// A volume that was answered to somebody and is not being deleted; else `notFound`.
    public func usableVolume(_ id: VolumeID) async throws(Failure) -> Volume {
        guard let volume = try await catalogue.volume(id), volume.phase.isUsable else {
            throw Failure(.notFound, "there is no volume \(id)")
        }
        return volume
    }

    /// Free and total logical bytes of a group; `notFound` where there is none.
    public func capacity(ofGroup label: String) async throws(Failure) -> GroupCapacity {
        try await requireGroup(label)
        return try await engine.capacity(ofGroup: label)
    }

    /// Makes it where the configuration has it and this is its first use. `notFound` where there is no such group, `exhausted` where it asks
    /// for more mountpaths than there are.
    func requireGroup(_ label: String) async throws(Failure) {
        if try await catalogue.group(label) != nil { return }
        guard let group = unmadeGroups.withLock({ $0[label] }) else {
            throw Failure(.notFound, "there is no group '\(label)'")
        }
        let held = try await locks.acquire("group '\(label)'", for: "first use")
        defer { held.release() }
        try await ensureGroups([group], confirmingOthers: false)
        unmadeGroups.withLock { $0[label] = nil }
        logger.notice("group made on its first use", metadata: ["group": "\(label)"])
    }

    /// Refuses a size that the group could not hold even when empty.
    func checkSize(_ sizeBytes: UInt64, group: String) async throws(Failure) {
        let total = try await engine.capacity(ofGroup: group).totalBytes
        guard sizeBytes <= total else {
            throw Failure(
                .outOfRange,
                "\(sizeBytes) bytes asked for, but group '\(group)' holds \(total) bytes in all; "
                    + "ask for less or give the group more capacity")
        }
    }
}

extension Failure {
    /// Whether the same step may well succeed later, so that what was begun is kept for the repeat. Everything else is final and is undone.
    public var isPassing: Bool {
        switch kind {
        case .busy, .unavailable, .timedOut, .cancelled: true
        case .invalid, .notFound, .conflict, .failedPrecondition, .outOfRange, .exhausted, .unsupported, .corrupt,
            .fenced,
            .internal:
            false
        }
    }
}
