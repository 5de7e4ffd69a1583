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

    public init(id: MountpathID, path: String, media: String, disk: any Disk) {
        self.id = id
        self.path = path
        self.media = media
        self.disk = disk
    }

    /// False once it was taken out: nothing is read from it or written to it any more.
    public var isActive: Bool { active.load(ordering: .acquiring) }

    public func deactivate() { active.store(false, ordering: .releasing) }
}
