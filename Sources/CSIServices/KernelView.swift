import Base
import Filesystems
import Glibc
import SystemIO

/// A place of this node's file tree where a volume of ours is visible.
struct Place: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        case filesystem(String)
        /// The device node itself, bound onto a file.
        case block
    }

    var path: String
    var volume: VolumeID
    /// `/dev/loop7`, which may be served, or left by a process that died, or another volume's by now (see `VolumeNode`).
    var device: String
    var kind: Kind
    var readOnly: Bool
    /// The filesystem stopped writing by itself, though it is mounted to be written: it met errors.
    var hasStopped = false
    /// Mounted by `settle` for a moment, which was cut off: nobody was told that it is there.
    var isSettling = false

    /// What marks it: a flag of the mount itself that no caller may ask for (`FilesystemKind`).
    static let settlingOption = "nosymfollow"
}

/// What is staged and published, as the kernel has it: mount table, then device, then the identity that it was given.
/// No file of ours is believed, so nothing here can be out of date after a crash or reboot.
struct KernelView: Sendable {
    private let places: [Place]
    /// What lies on top at each mount point; nil: something that is no volume.
    private let tops: [String: Place?]
    private let loops: [LoopDevice]
    private let nodes: Set<VolumeID>

    /// Blocks, but does no I/O on any device.
    static func current() throws(Failure) -> KernelView {
        let loops = try LoopDevice.all()
        let table = try MountTable.current()
        var volumes: [String: VolumeID] = [:]
        for loop in loops { volumes[loop.path] = loop.volume }
        var places: [Place] = []
        var tops: [String: Place?] = [:]
        // In the kernel's order: a later one at the same path lies on top.
        for entry in table.entries {
            let place = mountedFilesystem(entry, volumes) ?? VolumeNode.place(entry)
            if let place { places.append(place) }
            tops.updateValue(place, forKey: entry.mountPoint)
        }
        return KernelView(places: places, tops: tops, loops: loops, nodes: try VolumeNode.all())
    }

    private static let loopMajor: UInt32 = 7
    /// As ext4 and XFS tell it.
    private static let stoppedOptions: Set<String> = ["ro", "emergency_ro", "shutdown"]

    /// A mounted filesystem keeps its loop device, and so its identity, until the last user is gone.
    private static func mountedFilesystem(_ entry: MountEntry, _ volumes: [String: VolumeID]) -> Place? {
        guard entry.deviceMajor == loopMajor else { return nil }
        do throws(Failure) {
            let device = try BlockDeviceNode.path(major: entry.deviceMajor, minor: entry.deviceMinor)
            guard let volume = volumes[device] else { return nil }
            return Place(
                path: entry.mountPoint, volume: volume, device: device, kind: .filesystem(entry.type),
                readOnly: entry.isReadOnly,
                hasStopped: !entry.isReadOnly
                    && entry.filesystemOptions.contains { stoppedOptions.contains($0) },
                isSettling: entry.options.contains(Place.settlingOption))
        } catch { return nil }
    }

    /// What is seen at exactly `path`: nil where something that is no volume lies on top.
    func place(at path: String) -> Place? { tops[path] ?? nil }

    func places(of volume: VolumeID) -> [Place] { places.filter { $0.volume == volume } }

    /// Whether anything is mounted there, ours or not.
    func isMountPoint(_ path: String) -> Bool { tops[path] != nil }

    /// Volumes that loop devices, nodes or bound nodes carry the name of.
    var volumes: Set<VolumeID> { Set(loops.compactMap(\.volume)).union(places.map(\.volume)).union(nodes) }

    func hasNode(_ volume: VolumeID) -> Bool { nodes.contains(volume) }

    /// Loop devices that carry the volume's name.
    func devices(of volume: VolumeID) -> [LoopDevice] { loops.filter { $0.volume == volume } }
}
