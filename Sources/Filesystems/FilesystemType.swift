import Base
import CLinux
import SystemIO

/// The bridge from `async` code to this module, in which every call blocks.
public typealias BlockingThreads = SystemIO.BlockingThreads
public typealias BlockDeviceNode = SystemIO.BlockDeviceNode
public typealias LoopDevice = SystemIO.LoopDevice

/// A filesystem that a volume may carry. The raw value is its name to mount(2), to mkfs and in configuration.
public enum FilesystemType: String, Sendable, Codable, CaseIterable {
    case ext4
    case xfs

    /// The smallest device that its mkfs accepts with a journal: `mkfs.xfs` refuses less than 300 MiB.
    public var smallestBytes: UInt64 {
        switch self {
        case .ext4: 16 << 20
        case .xfs: 300 << 20
        }
    }

    /// The options without which a copy of a volume could not be mounted beside its origin: XFS refuses a UUID it has mounted already.
    public var defaultMountOptions: [String] {
        switch self {
        case .ext4: []
        case .xfs: ["nouuid"]
        }
    }
}

extension FilesystemType {
    /// Seconds that a tool may take on the largest volume we expect; a hung device must not hold a call for ever.
    public static let makeSecondsMax = 120
    public static let checkSecondsMax = 3600
    public static let growSecondsMax = 300

    /// Makes the filesystem on `device`, which must read as zeros: nothing of it is zeroed or discarded first.
    /// Blocks. `unsupported` names the Debian package of a missing tool; otherwise mkfs's own words are in the failure.
    public func make(
        on device: String, options: [String] = [], secondsMax: Int = makeSecondsMax
    ) throws(Failure) {
        switch self {
        case .ext4:
            // A 4 KiB sector rules out mke2fs's 1 KiB blocks on small devices; the root's reserve is of no use in a pod.
            try ExternalTool.mkfsExt4.run(
                ["-q", "-b", "4096", "-m", "0", "-E", "nodiscard,assume_storage_prezeroed=1"] + options + [device],
                secondsMax: secondsMax)
        case .xfs:
            try ExternalTool.mkfsXFS.run(["-q", "-K"] + options + [device], secondsMax: secondsMax)
        }
    }

    /// What is done before a filesystem that was not just made is mounted: ext4's journal is replayed and small faults
    /// repaired (`e2fsck -p`). XFS does this inside mount(2); a check of an unmounted one with a dirty log only misleads.
    /// Blocks. `corrupt` where a person must decide; the device must not be mounted.
    public func repairBeforeMount(_ device: String, secondsMax: Int = checkSecondsMax) throws(Failure) {
        guard self == .ext4 else { return }
        // e2fsck(8): 1 is "errors corrected", 4 and up are not.
        let result = try ExternalTool.e2fsck.run(["-p", device], secondsMax: secondsMax, accepting: 0...255)
        guard result.exitCode <= 1 else {
            throw Failure(
                result.exitCode & 4 != 0 ? .corrupt : .internal,
                "e2fsck could not repair \(device) by itself; unstage it and run 'e2fsck -f \(device)': \(result.output)"
            )
        }
    }

    /// Reads the whole filesystem and changes nothing. Blocks; `corrupt` with the tool's words if anything is wrong.
    /// The device must not be mounted.
    public func verify(_ device: String, secondsMax: Int = checkSecondsMax) throws(Failure) {
        let result =
            switch self {
            case .ext4: try ExternalTool.e2fsck.run(["-f", "-n", device], secondsMax: secondsMax, accepting: 0...255)
            case .xfs: try ExternalTool.xfsRepair.run(["-n", device], secondsMax: secondsMax, accepting: 0...255)
            }
        guard result.exitCode == 0 else {
            throw Failure(.corrupt, "the \(rawValue) filesystem on \(device) is damaged: \(result.output)")
        }
    }

    /// Whether this process can grow the filesystem while it is mounted: ext4 asks for CAP_SYS_RESOURCE (ext4_resize_begin),
    /// XFS for CAP_SYS_ADMIN, without which nothing could have been mounted.
    public var canGrowMounted: Bool { self == .xfs || ashlar_has_sys_resource() }

    /// Grows an ext4 that is not mounted to all of `device`, after a full check. XFS grows mounted only: nothing is done. Blocks.
    public func growUnmounted(device: String, secondsMax: Int = checkSecondsMax) throws(Failure) {
        guard self == .ext4, try isSmallerThanDevice(device) else { return }
        // resize2fs(8) asks for the check.
        let result = try ExternalTool.e2fsck.run(["-f", "-p", device], secondsMax: secondsMax, accepting: 0...255)
        guard result.exitCode <= 1 else {
            throw Failure(.corrupt, "e2fsck could not repair \(device) by itself: \(result.output)")
        }
        try ExternalTool.resize2fs.run([device], secondsMax: secondsMax)
    }

    /// Grows the filesystem, which is mounted at `mountPoint` read-write, to all of `device`. Already large enough is fine.
    /// `failedPrecondition` without the capability (`canGrowMounted`). Blocks.
    public func grow(device: String, mountPoint: String, secondsMax: Int = growSecondsMax) throws(Failure) {
        guard try isSmallerThanDevice(device) else { return }
        guard canGrowMounted else {
            throw Failure(
                .failedPrecondition,
                "growing a mounted ext4 needs the capability CAP_SYS_RESOURCE; give it to ashlar, or unmount the volume and stage it again"
            )
        }
        switch self {
        case .ext4:
            let result = try ExternalTool.resize2fs.run([device], secondsMax: secondsMax, accepting: 0...255)
            if result.exitCode == 0 { return }
            // EXT4_IOC_RESIZE_FS wants CAP_SYS_RESOURCE (fs/ext4/resize.c, ext4_resize_begin).
            let remedy =
                result.output.contains("Permission denied")
                ? "; growing a mounted ext4 needs the capability CAP_SYS_RESOURCE: run this process privileged or with it"
                : ""
            throw Failure(
                remedy.isEmpty ? .internal : .failedPrecondition,
                "resize2fs could not grow \(device)\(remedy): \(result.output)")
        case .xfs: try ExternalTool.xfsGrowfs.run(["-d", mountPoint], secondsMax: secondsMax)
        }
    }
}
