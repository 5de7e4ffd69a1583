import Base
import Synchronization
import SystemIO

/// One member of the pool while the engine runs.
public final class Mountpath: Sendable {
    public let id: MountpathID
    public let path: String
    public let media: String
    public let disk: any Disk
    private let active = Atomic<Bool>(true)
    private let usable = Atomic<Bool>(true)

    public init(id: MountpathID, path: String, media: String, disk: any Disk) {
        self.id = id
        self.path = path
        self.media = media
        self.disk = disk
    }

    /// A member by the newest durable pool version.
    public var isActive: Bool { active.load(ordering: .acquiring) }

    /// False as soon as a failure was seen: no more data I/O, though the version that names it out may not be durable yet.
    public var isUsable: Bool { usable.load(ordering: .acquiring) }

    public func suspect() { usable.store(false, ordering: .releasing) }

    /// The version that names it out is durable.
    public func deactivate() {
        suspect()
        active.store(false, ordering: .releasing)
    }
}
