import Base
import Dispatch
import Logging
import SegmentStore
import Synchronization
import SystemIO
import VolumeEngine

/// A drive as the configuration names it.
public struct ConfiguredMountpath: Sendable {
    public var path: String
    public var media: String
    /// Nil where the path cannot be opened; `problem` says why.
    public var disk: (any Disk)?
    public var problem: String

    public init(path: String, media: String, disk: (any Disk)?, problem: String = "") {
        self.path = path
        self.media = media
        self.disk = disk
        self.problem = problem
    }
}

/// Membership: which mountpaths are believed.
///
/// Invariants: no write is acknowledged without a member until a version that names it out is durable on every remaining member
/// and in the ledger (a copy in the state directory, so that a pool of which only stale members are left is not believed). What
/// is `out` in the newest version never becomes active by coming back. Never more than `lossesMax` are out: past that the pool
/// halts instead, since declaring them out would declare data lost.
final class Pool: Sendable {
    let id: PoolID
    /// Members that were active when the engine started, in the order of the pool file.
    let mountpaths: [Mountpath]
    /// Empty but in tests.
    let test: TestHooks
    private let ledger: any Disk
    private let logger: Logger
    private let serial = DispatchQueue(label: "pool.membership")
    private struct State {
        var description: PoolDescription
        /// How many mountpaths may be out: the largest p of the groups.
        var lossesMax: Int
        /// Stale and foreign ones that were found at start, for status.
        var refused: [MountpathStatus]
        var halted: Failure?
        /// Versions that were begun, on some mountpaths perhaps: a number never stands for two descriptions.
        var versionTried: UInt64 = 0
        /// Some member, or the ledger, did not have the newest version at start.
        var isUnsettled = false
    }
    private let state: Mutex<State>

    private init(
        id: PoolID, mountpaths: [Mountpath], ledger: any Disk, logger: Logger, description: PoolDescription,
        refused: [MountpathStatus], test: TestHooks
    ) {
        self.id = id
        self.test = test
        self.mountpaths = mountpaths
        self.ledger = ledger
        self.logger = logger
        state = Mutex(State(description: description, lossesMax: 0, refused: refused, halted: nil))
    }

    // MARK: Opening

    /// Finds the newest description and the members that are there, or makes a new pool of mountpaths that are all blank.
    /// Changes nothing on an existing pool; `admitMissing` follows once the groups are known. `isReadOnly`: writes nothing at all.
    static func open(
        _ configured: [ConfiguredMountpath], ledger: any Disk, acceptMissing: Bool, logger: Logger,
        random: inout some RandomNumberGenerator, isReadOnly: Bool = false, test: TestHooks = TestHooks()
    ) throws(Failure) -> Pool {
        var found: [(configured: ConfiguredMountpath, disk: any Disk, file: PoolFile)] = []
        var blank: [(configured: ConfiguredMountpath, disk: any Disk)] = []
        var absent: [ConfiguredMountpath] = []
        for mountpath in configured {
            guard let disk = mountpath.disk else {
                absent.append(mountpath)
                continue
            }
            do throws(Failure) {
                if let file = try PoolFile.read(from: disk, place: mountpath.path) {
                    found.append((mountpath, disk, file))
                } else {
                    blank.append((mountpath, disk))
                }
            } catch  where error.kind == .unsupported || (error.kind == .corrupt && !acceptMissing) {
                throw error
            } catch {
                absent.append(
                    ConfiguredMountpath(path: mountpath.path, media: mountpath.media, disk: nil, problem: "\(error)"))
            }
        }
        let remembered = try PoolFile.read(from: ledger, place: "the state directory")
        // Whom the ledger names out has missed what was acknowledged since. A version that it alone has was never in force.
        let out = remembered?.description.members.filter { $0.state == .out }.map(\.id) ?? []
        let known =
            found.filter { file in !out.contains { $0 == file.file.mountpath } }.map(\.file.description)
            + (remembered.map { [$0.description] } ?? [])
        guard let newest = known.max(by: { $0.version < $1.version }) else {
            if isReadOnly { throw Failure(.notFound, "there is no pool on the configured mountpaths") }
            return try create(blank, absent: absent, ledger: ledger, logger: logger, random: &random, test: test)
        }
        if let other = (known + found.map(\.file.description)).first(where: { $0.pool != newest.pool }) {
            throw Failure(
                .failedPrecondition,
                "mountpaths of two pools, \(newest.pool) and \(other.pool), are configured together (or the state directory belongs to another pool): configure the mountpaths of one"
            )
        }
        if found.isEmpty {
            throw Failure(
                .failedPrecondition,
                "the state directory knows pool \(newest.pool), but none of its mountpaths is there: mount them, or use an empty state directory for a new pool"
            )
        }
        // A change of membership was cut off: `admitMissing` ends it before anything is served.
        var isUnsettled = remembered.map { $0.description != newest } ?? false
        var members: [Mountpath] = []
        var refused: [MountpathStatus] = []
        var seen: Set<MountpathID> = []
        for (mountpath, disk, file) in found {
            guard let own = file.mountpath, seen.insert(own).inserted else {
                throw Failure(
                    .conflict, "\(mountpath.path) is configured twice, or its content is a copy of another mountpath's")
            }
            let member = newest.members.first { $0.id == own }
            if member?.state == .active {
                members.append(Mountpath(id: own, path: mountpath.path, media: mountpath.media, disk: disk))
                if file.description != newest { isUnsettled = true }
            } else {
                let reason =
                    member.map {
                        "taken out of the pool (\($0.reason)); its data is old and is not believed. Rebuilding comes with a later version; until then leave it out of the configuration"
                    } ?? "not a member by the newest pool version"
                test.took(.staleRefused)
                refused.append(status(own, mountpath, .stale, reason))
                logger.warning("mountpath refused", metadata: ["path": "\(mountpath.path)", "reason": "\(reason)"])
            }
        }
        // A pool whose creation was cut off has version 1, no ledger yet and members that have no file yet.
        // Headers are the last that creation writes: a pool that has any was made whole, and a blank directory is none of its members.
        var isUnfinished = newest.version == 1 && remembered == nil
        for (_, disk, _) in found where isUnfinished { isUnfinished = try !disk.exists(HeaderLog.path) }
        if isUnfinished, !isReadOnly {
            for (mountpath, disk) in blank {
                guard let member = newest.members.first(where: { $0.path == mountpath.path && !seen.contains($0.id) })
                else { continue }
                try PoolFile(mountpath: member.id, description: newest).write(to: disk)
                members.append(Mountpath(id: member.id, path: mountpath.path, media: mountpath.media, disk: disk))
            }
        }
        if remembered == nil, !isReadOnly { try PoolFile(mountpath: nil, description: newest).write(to: ledger) }
        let order = Dictionary(uniqueKeysWithValues: newest.members.enumerated().map { ($1.id, $0) })
        members.sort { order[$0.id, default: 0] < order[$1.id, default: 0] }
        let pool = Pool(
            id: newest.pool, mountpaths: members, ledger: ledger, logger: logger, description: newest, refused: refused,
            test: test)
        let mustSettle = isUnsettled
        pool.state.withLock { $0.isUnsettled = mustSettle }
        return pool
    }

    private static func create(
        _ blank: [(configured: ConfiguredMountpath, disk: any Disk)], absent: [ConfiguredMountpath], ledger: any Disk,
        logger: Logger, random: inout some RandomNumberGenerator, test: TestHooks
    ) throws(Failure) -> Pool {
        if let missing = absent.first {
            throw Failure(.notFound, "a new pool needs all its mountpaths; \(missing.path): \(missing.problem)")
        }
        guard !blank.isEmpty else {
            throw Failure(.invalid, "no mountpaths are configured: name at least one under pool.mountpaths")
        }
        for (mountpath, disk) in blank {
            let names = try disk.list(".").filter { $0.hasPrefix("@") || $0 == "%qr" }
            guard names.isEmpty else {
                throw Failure(
                    .failedPrecondition,
                    "\(mountpath.path) has Ashlar data (\(names[0])) but no pool file: restore .ashlar/pool.json, or empty the mountpath"
                )
            }
        }
        let members = blank.map { blank in
            (id: MountpathID.random(&random), configured: blank.configured, disk: blank.disk)
        }
        let description = PoolDescription(
            pool: .random(&random), version: 1,
            members: members.map {
                .init(id: $0.id, path: $0.configured.path, media: $0.configured.media, state: .active, reason: "")
            })
        for member in members { try PoolFile(mountpath: member.id, description: description).write(to: member.disk) }
        try PoolFile(mountpath: nil, description: description).write(to: ledger)
        logger.notice("pool created", metadata: ["pool": "\(description.pool)", "mountpaths": "\(members.count)"])
        return Pool(
            id: description.pool,
            mountpaths: members.map {
                Mountpath(id: $0.id, path: $0.configured.path, media: $0.configured.media, disk: $0.disk)
            },
            ledger: ledger, logger: logger, description: description, refused: [], test: test)
    }

    /// Takes out what is missing at start, durably, before anything is written. `failedPrecondition` where too many are. A version that was
    /// not everywhere yet is published anew: what is served from now on must not depend on the one member that had it.
    func admitMissing(lossesMax: Int, acceptMissing: Bool) throws(Failure) {
        let missing = try checkMissing(lossesMax: lossesMax, acceptMissing: acceptMissing)
        let isUnsettled = state.withLock(\.isUnsettled)
        guard !missing.isEmpty || isUnsettled else { return }
        if !missing.isEmpty { test.took(.missingAtStart) }
        try publish(out: missing.map { ($0.id, "missing at start") }, isAnew: isUnsettled)
        state.withLock { $0.isUnsettled = false }
    }

    /// The members that are missing; nothing is written. `failedPrecondition` where too many are.
    func checkMissing(lossesMax: Int, acceptMissing: Bool) throws(Failure) -> [PoolDescription.Member] {
        let missing = state.withLock { state in
            state.lossesMax = lossesMax
            return state.description.members.filter { member in
                member.state == .active && !mountpaths.contains { $0.id == member.id }
            }
        }
        let alreadyOut = state.withLock { $0.description.members.count { $0.state == .out } }
        guard missing.count + alreadyOut <= lossesMax || acceptMissing || missing.isEmpty else {
            throw Failure(
                .failedPrecondition,
                "\(missing.count) mountpaths of the pool are missing (\(missing.map(\.path).joined(separator: ", "))) and \(alreadyOut) are out, but the groups survive only \(lossesMax): mount them, or set pool.acceptMissing to give up what only they hold"
            )
        }
        if acceptMissing { state.withLock { $0.lossesMax = max(lossesMax, missing.count + alreadyOut) } }
        return missing
    }

    func setLossesMax(_ count: Int) { state.withLock { $0.lossesMax = max($0.lossesMax, count) } }

    // MARK: Changes

    /// Takes a member out because of `reason`. Returns when the version that says so is durable everywhere it must be; only then may
    /// what was written without it be acknowledged. Again for one that is out is fine. Blocking. Throws when the pool has halted.
    func takeOut(_ mountpath: Mountpath, reason: String) throws(Failure) {
        let result: Result<Void, Failure> = serial.sync {
            do throws(Failure) { return .success(try publish(out: [(mountpath.id, reason)])) } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// Runs `body` for each member and takes out those on which it fails: the loss of one must not be seen. Blocking. Throws where
    /// something was short, which is not the drive's fault, and where the pool halts.
    func onEveryMember(_ what: String, _ body: (Mountpath) throws(Failure) -> Void) throws(Failure) {
        for mountpath in active {
            do throws(Failure) { try body(mountpath) } catch  where !error.isShortage {
                try takeOut(mountpath, reason: "cannot \(what): \(error)")
            }
        }
    }

    /// `isAnew`: where nothing changes, too.
    private func publish(out changes: [(id: MountpathID, reason: String)], isAnew: Bool = false) throws(Failure) {
        var changes = changes
        while true {
            let (description, limit, halted) = state.withLock { ($0.description, $0.lossesMax, $0.halted) }
            if let halted { throw halted }
            var next = description
            var changed = false
            for index in next.members.indices where next.members[index].state == .active {
                guard let change = changes.first(where: { $0.id == next.members[index].id }) else { continue }
                next.members[index].state = .out
                next.members[index].reason = change.reason
                changed = true
            }
            guard changed || isAnew else { return }
            let outCount = next.members.count { $0.state == .out }
            let remaining = mountpaths.filter { mountpath in
                next.members.contains { $0.id == mountpath.id && $0.state == .active }
            }
            guard outCount <= limit || !changed, !remaining.isEmpty else {
                let failure = Failure(
                    .unavailable,
                    "\(outCount) mountpaths have failed (\(changes.map(\.reason).joined(separator: "; "))), more than the \(limit) that the groups survive: the pool has stopped; repair the drives and restart"
                )
                state.withLock { $0.halted = failure }
                test.took(.poolHalted)
                logger.critical("pool halted", metadata: ["reason": "\(failure)"])
                throw failure
            }
            let version = state.withLock { state in
                state.versionTried = max(state.versionTried, description.version) + 1
                return state.versionTried
            }
            next.version = version
            var failed: [(MountpathID, String)] = []
            for mountpath in remaining {
                do throws(Failure) {
                    try PoolFile(mountpath: mountpath.id, description: next).write(to: mountpath.disk)
                } catch {
                    // A full drive, or too few descriptors, is no broken drive.
                    if error.kind == .exhausted { throw error }
                    failed.append((mountpath.id, "cannot write its pool file: \(error)"))
                }
            }
            if !failed.isEmpty {
                test.took(.poolFileFailed)
                changes += failed
                continue
            }
            try PoolFile(mountpath: nil, description: next).write(to: ledger)
            let published = next
            state.withLock { $0.description = published }
            test.took(.takenOut)
            for mountpath in mountpaths where changes.contains(where: { $0.id == mountpath.id }) {
                mountpath.deactivate()
            }
            for change in changes {
                let path = next.members.first { $0.id == change.id }?.path ?? ""
                logger.error(
                    "mountpath taken out",
                    metadata: ["path": "\(path)", "reason": "\(change.reason)", "poolVersion": "\(next.version)"])
            }
            return
        }
    }

    // MARK: State

    var halted: Failure? { state.withLock { $0.halted } }

    var active: [Mountpath] { mountpaths.filter(\.isActive) }

    /// Members of which nothing is believed.
    var outCount: Int { state.withLock { $0.description.members.count { $0.state == .out } } }

    func mountpath(_ id: MountpathID) -> Mountpath? { mountpaths.first { $0.id == id } }

    func status() -> PoolStatus {
        let (description, refused) = state.withLock { ($0.description, $0.refused) }
        let members = description.members.filter { member in !refused.contains { $0.id == member.id } }.map { member in
            let mountpath = mountpath(member.id)
            let space = mountpath.flatMap { mountpath in mountpath.isActive ? try? mountpath.disk.space() : nil }
            let state: MountpathState =
                member.state == .out
                ? (mountpath == nil ? .missing : .out) : mountpath?.isActive == true ? .active : .out
            return MountpathStatus(
                id: member.id, path: mountpath?.path ?? member.path, media: member.media, state: state,
                reason: member.reason,
                totalBytes: space?.totalBytes ?? 0, freeBytes: space?.freeBytes ?? 0)
        }
        return PoolStatus(id: id, version: description.version, mountpaths: members + refused, sharedFilesystems: [])
    }

    private static func status(
        _ id: MountpathID, _ mountpath: ConfiguredMountpath, _ state: MountpathState, _ reason: String
    ) -> MountpathStatus {
        MountpathStatus(
            id: id, path: mountpath.path, media: mountpath.media, state: state, reason: reason, totalBytes: 0,
            freeBytes: 0)
    }
}
