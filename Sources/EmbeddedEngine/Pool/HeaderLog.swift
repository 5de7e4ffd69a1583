import Base
import Dispatch
import ErasureCoding
import Foundation
import Logging
import SegmentStore
import Synchronization
import SystemIO
import VolumeEngine

/// What is true of a volume for ever: existence, size, epoch, `formatted`, deletion.
/// A key that is missing in an older log has its default; one that an older version must not ignore raises the log's version.
struct VolumeHeader: Codable, Equatable, Sendable {
    var id: VolumeID
    var group: String
    var sizeBytes: UInt64
    var attachEpoch: UInt64
    var formatted: Formatted
    /// A tombstone: kept, so that nothing rebuilt from the mountpaths brings the volume back.
    var isDeleted: Bool
    /// The control plane's, for a rebuilt catalogue. Nil where none was given.
    var annotation: String?
    /// Of its device. Nil where there are none.
    var limits: VolumeLimits?
    /// Of a clone.
    var origin: VolumeOrigin?
    /// Written before a clone's first checkpoint; the volume is not there yet.
    var isUnfinished = false
    /// It was opened once: without a map it is damaged, not new.
    var hasMap = false
    /// Deleted, and nothing of it is left on the mountpaths: no snapshot, no clone needed it any more.
    var isPurged = false

    init(
        id: VolumeID, group: String, sizeBytes: UInt64, attachEpoch: UInt64, formatted: Formatted, isDeleted: Bool,
        annotation: String? = nil
    ) {
        self.id = id
        self.group = group
        self.sizeBytes = sizeBytes
        self.attachEpoch = attachEpoch
        self.formatted = formatted
        self.isDeleted = isDeleted
        self.annotation = annotation
    }

    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        id = try keys.decode(VolumeID.self, forKey: .id)
        group = try keys.decode(String.self, forKey: .group)
        sizeBytes = try keys.decode(UInt64.self, forKey: .sizeBytes)
        attachEpoch = try keys.decodeIfPresent(UInt64.self, forKey: .attachEpoch) ?? 0
        formatted = try keys.decodeIfPresent(Formatted.self, forKey: .formatted) ?? .unknown
        isDeleted = try keys.decodeIfPresent(Bool.self, forKey: .isDeleted) ?? false
        annotation = try keys.decodeIfPresent(String.self, forKey: .annotation)
        limits = try keys.decodeIfPresent(VolumeLimits.self, forKey: .limits)
        origin = try keys.decodeIfPresent(VolumeOrigin.self, forKey: .origin)
        isUnfinished = try keys.decodeIfPresent(Bool.self, forKey: .isUnfinished) ?? false
        hasMap = try keys.decodeIfPresent(Bool.self, forKey: .hasMap) ?? false
        isPurged = try keys.decodeIfPresent(Bool.self, forKey: .isPurged) ?? false
    }
}

/// Where a clone's content began.
struct VolumeOrigin: Codable, Equatable, Sendable {
    var volume: VolumeID
    var epoch: UInt32
}

/// What is true of a snapshot for ever. The volume's log has its content.
struct SnapshotHeader: Codable, Equatable, Sendable {
    var id: SnapshotID
    var volume: VolumeID
    var epoch: UInt32
    var sizeBytes: UInt64
    /// Seconds since 1970.
    var created: UInt64
    /// Of the volume, when it was taken.
    var formatted: Formatted
    /// A tombstone.
    var isDeleted = false
    /// Taken for a clone of a volume; nobody's snapshot.
    var isInternal = false
    /// The control plane's, for a rebuilt catalogue. Nil where none was given.
    var annotation: String?
}

/// A group's header. `active` ⇄ `retained`; `active`, `retained` → `deleting` → `deleted` → `active` (a new group of the old label).
struct GroupHeader: Codable, Equatable, Sendable {
    var specification: GroupSpecification
    var state: PoolInventory.GroupState

    init(specification: GroupSpecification, state: PoolInventory.GroupState = .active) {
        self.specification = specification
        self.state = state
    }

    init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        specification = try keys.decode(GroupSpecification.self, forKey: .specification)
        state = try keys.decodeIfPresent(PoolInventory.GroupState.self, forKey: .state) ?? .active
    }
}

/// `.ashlar/headers` on every member: an append log of group and volume headers, group-committed.
///
///     entry   offset  size  field
///                  0     4  magic "AHDR"
///                  4     4  version (1)
///                  8     4  bytes of the payload
///                 12     4  CRC-32C of the payload
///                 16     …  payload: JSON { "revision": n, "group": {…} | "volume": {…} | "snapshots": [{…}] }
///
/// Behind the last entry there may be zeros: room that is written ahead, so that an entry changes neither the file's size nor where it lies, and
/// its sync need not wait for the filesystem's journal. Versions before that write the log anew at their start, without the zeros.
///
/// A volume's "limits" hold "iops", "bandwidth" (bytes), both a second, "iopsBurst", "bandwidthBurst" (bytes): each may be absent, as may all. Logs
/// that were written before there were limits have none, and a program of that time drops them from each header that it changes.
///
/// Version rule: an entry of a higher version is refused at start. Recovery rule: an entry that is torn ends the log of its mountpath;
/// of all members' entries for one group or volume the highest revision wins; at every start the log is written anew, whole, to
/// every member before anything is served. An entry is durable when it is on every member; one that fails is taken out first.
final class HeaderLog: Sendable {
    static let path = ".ashlar/headers"
    private static let directory = ".ashlar"
    private static let magic: UInt32 = 0x5244_4841  // "AHDR"
    static let version: UInt32 = 1
    private static let entryHeaderBytes = 16
    private static let logBytesMax = 1 << 30
    /// The log is written anew when it has grown by this much.
    private static let rewriteBytes: UInt64 = 64 << 20
    /// Zeros that are written ahead.
    private static let aheadBytes = 64 << 10

    struct Entry: Codable, Sendable {
        var revision: UInt64
        var group: GroupHeader?
        var volume: VolumeHeader?
        /// Snapshots of one entry are there together or not at all: the cut of several volumes.
        var snapshots: [SnapshotHeader]?
    }

    private struct Pending {
        var entry: Entry
        var done: @Sendable (Result<Void, Failure>) -> Void
    }
    private struct State {
        var revision: UInt64 = 0
        var groups: [String: Entry] = [:]
        var volumes: [VolumeID: Entry] = [:]
        var snapshots: [SnapshotID: (revision: UInt64, header: SnapshotHeader)] = [:]
        /// By origin, those that are not purged.
        var clones: [VolumeID: Set<VolumeID>] = [:]
        /// By volume, those that are not deleted.
        var snapshotsOf: [VolumeID: Set<SnapshotID>] = [:]
        var pending: [Pending] = []
        var isCommitting = false
    }
    private struct Tail {
        let file: any DiskFile
        /// Where the next entry goes.
        var bytes: UInt64
        /// Zeros up to here.
        var ahead: UInt64
    }
    private struct Tails {
        /// By member: one that had no room to write its log anew goes on with the longer one.
        var files: [MountpathID: Tail] = [:]
    }

    private let pool: Pool
    private let logger: Logger
    /// Members that there are, though not their logs.
    private let unreadable = Mutex<[(mountpath: Mountpath, problem: Failure)]>([])
    private let state = Mutex(State())
    /// Guarded by `committer`.
    private let tails = Mutex(Tails())
    private let committer = DispatchQueue(label: "headers.commit")

    /// Reads the members' logs. Blocking. Nothing is written before `rewrite`.
    init(reading pool: Pool, logger: Logger) throws(Failure) {
        self.pool = pool
        self.logger = logger
        for mountpath in pool.active {
            let bytes: [UInt8]
            do throws(Failure) {
                guard try mountpath.disk.exists(Self.path) else { continue }
                bytes = try mountpath.disk.readFile(Self.path, bytesMax: Self.logBytesMax)
            } catch  where !error.isShortage {
                let problem = error
                unreadable.withLock { $0.append((mountpath, problem)) }
                continue
            }
            for entry in try Self.entries(in: bytes, place: "\(mountpath.path)/\(Self.path)") { remember(entry) }
        }
        let failed = unreadable.withLock { $0 }
        if let first = failed.first, failed.count == pool.active.count { throw first.problem }
    }

    /// What is odd about the members' logs.
    var problems: [String] {
        unreadable.withLock { $0.map { "\($0.mountpath.path)/\(Self.path) cannot be read: \($0.problem)" } }
    }

    /// Takes out the members of which the log could not be read: the others have everything that was acknowledged. Blocking; once it is
    /// known how many may be lost.
    func takeOutUnreadable() throws(Failure) {
        for (mountpath, problem) in unreadable.withLock({ $0 }) {
            try pool.takeOut(mountpath, reason: "cannot read headers: \(problem)")
        }
    }

    private static func entries(in bytes: [UInt8], place: String) throws(Failure) -> [Entry] {
        var entries: [Entry] = []
        var offset = 0
        while offset + entryHeaderBytes <= bytes.count {
            let (magic, version, count, sum) = bytes.withUnsafeBytes { buffer in
                (
                    UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt32.self)),
                    UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)),
                    Int(UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: offset + 8, as: UInt32.self))),
                    UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
                )
            }
            let start = offset + entryHeaderBytes
            guard magic == Self.magic, start + count <= bytes.count, crc32c(bytes[start..<(start + count)]) == sum
            else { break }
            guard version <= Self.version else {
                throw Failure(.unsupported, "\(place) has headers of version \(version): start a newer ashlar")
            }
            do {
                entries.append(try JSONDecoder().decode(Entry.self, from: Data(bytes[start..<(start + count)])))
            } catch {
                throw Failure(.corrupt, "\(place): the header at byte \(offset) is not understood: \(error)")
            }
            offset = start + count
        }
        return entries
    }

    private static func encoded(_ entry: Entry) throws(Failure) -> [UInt8] {
        let payload = try canonicalJSON(entry)
        var bytes: [UInt8] = []
        for word in [magic, version, UInt32(payload.count), crc32c(payload)] {
            withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes + payload
    }

    private func remember(_ entry: Entry) {
        state.withLock { state in
            state.revision = max(state.revision, entry.revision)
            if let group = entry.group, entry.revision >= state.groups[group.specification.label]?.revision ?? 0 {
                state.groups[group.specification.label] = entry
            }
            if let volume = entry.volume, entry.revision >= state.volumes[volume.id]?.revision ?? 0 {
                state.volumes[volume.id] = entry
                if let origin = volume.origin {
                    if volume.isPurged {
                        state.clones[origin.volume]?.remove(volume.id)
                    } else {
                        state.clones[origin.volume, default: []].insert(volume.id)
                    }
                }
            }
            for snapshot in entry.snapshots ?? []
            where entry.revision >= state.snapshots[snapshot.id]?.revision ?? 0 {
                state.snapshots[snapshot.id] = (entry.revision, snapshot)
                if snapshot.isDeleted {
                    state.snapshotsOf[snapshot.volume]?.remove(snapshot.id)
                } else {
                    state.snapshotsOf[snapshot.volume, default: []].insert(snapshot.id)
                }
            }
        }
    }

    /// Puts what is known on every member, so that all agree. Blocking; before anything is served, and when the log has grown.
    func rewrite() throws(Failure) {
        let entries = state.withLock { state in
            (Array(state.groups.values) + Array(state.volumes.values)
                + state.snapshots.values.map { Entry(revision: $0.revision, snapshots: [$0.header]) })
                .sorted { $0.revision < $1.revision }
        }
        var bytes: [UInt8] = []
        for entry in entries { bytes += try Self.encoded(entry) }
        var files: [MountpathID: Tail] = [:]
        for mountpath in pool.active {
            do throws(Failure) {
                var (isSame, ahead) = (false, bytes.count)
                if try mountpath.disk.exists(Self.path) {
                    let found = try mountpath.disk.readFile(Self.path, bytesMax: Self.logBytesMax)
                    isSame = found.starts(with: bytes) && found[bytes.count...].allSatisfy { $0 == 0 }
                    if isSame { ahead = found.count }
                }
                if !isSame { try mountpath.disk.replaceFile(Self.path, with: bytes) }
                let file = try mountpath.disk.openLog(Self.path)
                if isSame {
                    // An engine that was killed may have left it in the machine's memory only.
                    try file.synchronize()
                    try mountpath.disk.synchronizeDirectory(Self.directory)
                }
                files[mountpath.id] = Tail(file: file, bytes: UInt64(bytes.count), ahead: UInt64(ahead))
            } catch  where error.kind == .exhausted {
                // What is left of it takes the room that a smaller entry needs.
                try? mountpath.disk.remove(Self.path + ".tmp")
                // Those that have it have another file now.
                let written = files
                tails.withLock { $0.files.merge(written) { $1 } }
                throw Failure(
                    .exhausted, "no room for headers on \(mountpath.path): free some space there", cause: error)
            } catch {
                try pool.takeOut(mountpath, reason: "cannot write headers: \(error)")
            }
        }
        let written = files
        tails.withLock { $0 = Tails(files: written) }
    }

    // MARK: Reading

    func group(_ label: String) -> GroupHeader? { state.withLock { $0.groups[label]?.group } }

    /// Deleted ones too.
    var groups: [GroupHeader] { state.withLock { $0.groups.values.compactMap(\.group) } }

    /// The largest p of the groups that have data.
    var lossesMax: Int { groups.filter { $0.state != .deleted }.map(\.specification.parityColumns).max() ?? 0 }

    /// Deleted ones too.
    func volume(_ id: VolumeID) -> VolumeHeader? { state.withLock { $0.volumes[id]?.volume } }

    var volumes: [VolumeHeader] { state.withLock { $0.volumes.values.compactMap(\.volume) } }

    /// Deleted ones too.
    func snapshot(_ id: SnapshotID) -> SnapshotHeader? { state.withLock { $0.snapshots[id]?.header } }

    /// Deleted ones too.
    var snapshots: [SnapshotHeader] { state.withLock { $0.snapshots.values.map(\.header) } }

    /// A clone's origin, the origin's origin, and so on.
    func origins(of header: VolumeHeader) throws(Failure) -> [VolumeHeader] {
        var lineage: [VolumeHeader] = []
        var next = header.origin
        while let origin = next {
            guard let found = volume(origin.volume), lineage.count < MapEntry.distanceMax else {
                throw Failure(
                    .corrupt, "volume \(header.id) is a clone of \(origin.volume), of which there is no header")
            }
            lineage.append(found)
            next = found.origin
        }
        return lineage
    }

    /// Epochs of a volume at which clones began that are still there.
    func clonedEpochs(of id: VolumeID) -> Set<UInt32> {
        state.withLock { state in
            Set(
                (state.clones[id] ?? []).compactMap { clone in
                    state.volumes[clone]?.volume?.origin.flatMap { $0.volume == id ? $0.epoch : nil }
                })
        }
    }

    /// Snapshots of the volume that were not deleted.
    func snapshots(of id: VolumeID) -> [SnapshotHeader] {
        state.withLock { state in
            (state.snapshotsOf[id] ?? []).compactMap { state.snapshots[$0]?.header }
                .filter { $0.volume == id && !$0.isDeleted }
        }
    }

    // MARK: Writing

    /// All of them or none.
    func put(_ snapshots: [SnapshotHeader]) async throws(Failure) {
        if snapshots.isEmpty { return }
        try await append([Entry(revision: 0, snapshots: snapshots)])
    }

    func put(_ group: GroupHeader) async throws(Failure) { try await append([Entry(revision: 0, group: group)]) }

    func put(_ volume: VolumeHeader) async throws(Failure) { try await put([volume]) }

    /// All of them with one sync a member.
    func put(_ volumes: [VolumeHeader]) async throws(Failure) {
        if volumes.isEmpty { return }
        try await append(volumes.map { Entry(revision: 0, volume: $0) })
    }

    /// Gives the entries their revisions.
    private func append(_ entries: [Entry]) async throws(Failure) {
        let result: Result<Void, Failure> = await withCheckedContinuation { continuation in
            let mustStart = state.withLock { state in
                for (index, entry) in entries.enumerated() {
                    state.revision += 1
                    var entry = entry
                    entry.revision = state.revision
                    let isLast = index == entries.count - 1
                    state.pending.append(
                        Pending(entry: entry, done: { if isLast { continuation.resume(returning: $0) } }))
                }
                defer { state.isCommitting = true }
                return !state.isCommitting
            }
            if mustStart { committer.async { self.commitPending() } }
        }
        try result.get()
    }

    /// Everything that waits goes out as one write and one sync a member.
    private func commitPending() {
        while true {
            let batch = state.withLock { state in
                let batch = state.pending
                state.pending = []
                if batch.isEmpty { state.isCommitting = false }
                return batch
            }
            if batch.isEmpty { return }
            let result: Result<Void, Failure>
            do throws(Failure) {
                try commit(batch.map(\.entry))
                result = .success(())
                for pending in batch { remember(pending.entry) }
            } catch { result = .failure(error) }
            for pending in batch { pending.done(result) }
        }
    }

    /// Makes the entries durable; returns how far there are zeros behind them.
    private static func append(_ payload: [UInt8], to tail: Tail) throws(Failure) -> UInt64 {
        let end = tail.bytes + UInt64(payload.count)
        var ahead = tail.ahead
        var isWritten = false
        if end > ahead {
            do throws(Failure) {
                try tail.file.write(payload + [UInt8](repeating: 0, count: aheadBytes), at: tail.bytes)
                (isWritten, ahead) = (true, end + UInt64(aheadBytes))
            } catch  where error.kind == .exhausted {
                // For the entries alone there may be room.
                ahead = end
            }
        }
        if !isWritten { try tail.file.write(payload, at: tail.bytes) }
        try tail.file.synchronize()
        return ahead
    }

    /// What is refused must not come true at the next start: each member's log ends where it did. Throws the first failure when all were tried.
    private func takeBack(_ targets: [(mountpath: Mountpath, tail: Tail)]) throws(Failure) {
        var problem: Failure?
        for (mountpath, tail) in targets where mountpath.isActive {
            do throws(Failure) {
                try tail.file.truncate(to: tail.bytes)
                try tail.file.synchronize()
                tails.withLock { $0.files[mountpath.id]?.ahead = tail.bytes }
            } catch {
                do throws(Failure) {
                    try pool.takeOut(mountpath, reason: "cannot take back a header that was refused: \(error)")
                } catch { problem = problem ?? error }
            }
        }
        if let problem { throw problem }
    }

    private func commit(_ entries: [Entry]) throws(Failure) {
        if let halted = pool.halted { throw halted }
        var bytes: [UInt8] = []
        for entry in entries { bytes += try Self.encoded(entry) }
        let files = tails.withLock { $0.files }
        let targets = pool.active.compactMap { mountpath in
            files[mountpath.id].map { (mountpath: mountpath, tail: $0) }
        }
        let payload = bytes
        let results = inParallel(targets.count) { (index) throws(Failure) in
            try Self.append(payload, to: targets[index].tail)
        }
        let failed: [(Mountpath, Failure)] = zip(targets, results).compactMap { target, result in
            guard case .failure(let failure) = result else { return nil }
            return (target.mountpath, failure)
        }
        // A full drive is no broken drive.
        if let full = failed.first(where: { $0.1.kind == .exhausted }) {
            try takeBack(targets)
            throw Failure(.exhausted, "no room for headers on \(full.0.path): free space there", cause: full.1)
        }
        do throws(Failure) {
            for (mountpath, failure) in failed {
                try pool.takeOut(mountpath, reason: "cannot write headers: \(failure)")
            }
        } catch {
            try? takeBack(targets)
            throw error
        }
        let total = tails.withLock { tails in
            for (target, result) in zip(targets, results) {
                tails.files[target.mountpath.id]?.bytes += UInt64(payload.count)
                if case .success(let ahead) = result { tails.files[target.mountpath.id]?.ahead = ahead }
            }
            return tails.files.values.map(\.bytes).max() ?? 0
        }
        guard total > Self.rewriteBytes else { return }
        for entry in entries { remember(entry) }
        do throws(Failure) { try rewrite() } catch  where error.kind == .exhausted {
            // What was to be put is durable all the same.
            logger.warning("headers are not compacted", metadata: ["reason": "\(error)"])
        }
    }
}

extension DiskFile {
    fileprivate func write(_ bytes: [UInt8], at offset: UInt64) throws(Failure) {
        let written: Result<Void, Failure> = bytes.withUnsafeBytes { buffer in
            do throws(Failure) { return .success(try write(buffer, at: offset)) } catch { return .failure(error) }
        }
        try written.get()
    }
}
