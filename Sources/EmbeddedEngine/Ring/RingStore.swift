import Base
import Glibc
import Logging
import Synchronization
import SystemIO

/// Memory in which a ring lies.
package protocol RingMemory: AnyObject, Sendable {
    var base: UnsafeMutableRawPointer { get }
    var bytes: Int { get }
}

extension AlignedBuffer: RingMemory {}
extension MappedFile: RingMemory {}

/// One boot of the machine, as the kernel names it.
package struct BootID: UniqueID {
    package let high: UInt64
    package let low: UInt64
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// Where rings are kept that outlive the process: `RingDirectory`, and what tests have for it. Blocking.
package protocol RingStore: AnyObject, Sendable {
    var boot: BootID { get }
    func has(_ volume: VolumeID) -> Bool
    /// What an earlier process left; nil where there is nothing.
    func find(_ volume: VolumeID) throws(Failure) -> (any RingMemory)?
    /// Memory of `bytes` zeros, allocated, that `find` finds once `prepare` has filled in its header. `exhausted` where there is no room.
    func make(
        _ volume: VolumeID, bytes: Int, prepare: (UnsafeMutableRawPointer) -> Void
    ) throws(Failure) -> any RingMemory
    /// Missing is fine.
    func remove(_ volume: VolumeID)
    /// Out of the way, kept to be looked at. Returns its name.
    func setAside(_ volume: VolumeID) throws(Failure) -> String
}

/// Rings as files of one directory, in a tmpfs: `<volume>`, `<volume>.new` before it is complete, `<volume>.aside-<n>`.
package final class RingDirectory: RingStore {
    package let boot: BootID
    private let path: String
    private let logger: Logger
    private let hasWarned = Atomic<Bool>(false)
    private static let asideMax = 1000
    private static let asideSuffix = "aside-"
    private static let newSuffix = "new"

    /// Makes the directory where it is missing.
    package init(path: String, logger: Logger) throws(Failure) {
        self.path = path
        self.logger = logger
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw Failure(errno: errno, "cannot make directory \(path)") }
        let text = try readPseudoFile("/proc/sys/kernel/random/boot_id")
        guard let boot = BootID(String(text.prefix(36))) else {
            throw Failure(.internal, "the kernel's boot id is '\(text)'")
        }
        self.boot = boot
    }

    private func file(_ volume: VolumeID) -> String { "\(path)/\(volume)" }

    package func has(_ volume: VolumeID) -> Bool { access(file(volume), F_OK) == 0 }

    package func find(_ volume: VolumeID) throws(Failure) -> (any RingMemory)? {
        do throws(Failure) {
            let found = try MappedFile(opening: file(volume))
            lock(found)
            return found
        } catch {
            guard error.kind == .notFound else { throw error }
            return nil
        }
    }

    package func make(
        _ volume: VolumeID, bytes: Int, prepare: (UnsafeMutableRawPointer) -> Void
    ) throws(Failure) -> any RingMemory {
        let temporary = file(volume) + ".\(Self.newSuffix)"
        let made = try MappedFile(creating: temporary, bytes: bytes)
        lock(made)
        prepare(made.base)
        guard rename(temporary, file(volume)) == 0 else {
            let number = errno
            unlink(temporary)
            throw Failure(errno: number, "cannot rename \(temporary)")
        }
        return made
    }

    /// Tells once what makes it less than it should be.
    private func lock(_ memory: MappedFile) {
        let number = memory.lock()
        guard number != 0 || !memory.isInMemory, !hasWarned.exchange(true, ordering: .relaxed) else { return }
        if number != 0 {
            logger.warning(
                "rings of unflushed writes are not locked in memory and may be swapped: allow the engine to lock memory (LimitMEMLOCK=infinity or CAP_IPC_LOCK)",
                metadata: ["path": "\(path)", "reason": "\(String(cString: strerror(number)))"])
        }
        if !memory.isInMemory {
            logger.warning(
                "rings of unflushed writes are on a filesystem that is no tmpfs: writes will be slow, and fail when the process is killed; put runDirectory on a tmpfs (/run)",
                metadata: ["path": "\(path)"])
        }
    }

    package func remove(_ volume: VolumeID) { unlink(file(volume)) }

    package func setAside(_ volume: VolumeID) throws(Failure) -> String {
        for number in 1...Self.asideMax {
            let name = "\(file(volume)).\(Self.asideSuffix)\(number)"
            if access(name, F_OK) == 0 { continue }
            guard rename(file(volume), name) == 0 else { throw Failure(errno: errno, "cannot rename \(file(volume))") }
            return name
        }
        throw Failure(.exhausted, "\(Self.asideMax) rings of volume \(volume) were set aside: remove them from \(path)")
    }

    /// Before anybody uses it: removes what was never finished, and what there is of volumes that are gone. Returns the volumes that have rings.
    package func sweep(where isGone: (VolumeID) -> Bool) throws(Failure) -> [VolumeID] {
        var left: [VolumeID] = []
        for file in try Self.files(in: path) {
            if isGone(file.volume) || file.suffix == Self.newSuffix {
                unlink("\(path)/\(file.name)")
            } else if file.suffix == nil {
                left.append(file.volume)
            }
        }
        return left
    }

    /// Paths of what was set aside in the directory `path`, by volume; none where there is no such directory.
    package static func setAside(in path: String) throws(Failure) -> [VolumeID: [String]] {
        guard access(path, F_OK) == 0 else { return [:] }
        let aside = try files(in: path).filter { $0.suffix?.hasPrefix(asideSuffix) == true }
        return Dictionary(grouping: aside, by: \.volume).mapValues { files in
            files.map { "\(path)/\($0.name)" }.sorted()
        }
    }

    private static func files(in path: String) throws(Failure) -> [(volume: VolumeID, name: String, suffix: String?)] {
        guard let directory = opendir(path) else { throw Failure(errno: errno, "cannot list \(path)") }
        defer { closedir(directory) }
        var found: [(VolumeID, String, String?)] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
            guard let id = parts.first.flatMap({ VolumeID($0) }) else { continue }
            found.append((id, name, parts.count > 1 ? parts[1] : nil))
        }
        return found
    }
}
