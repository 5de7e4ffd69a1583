import Base
import Logging
import SegmentStore
import SystemIO
import VolumeEngine

extension EmbeddedEngine {
    /// What the mountpaths of a pool say that no engine serves: the newest pool version's members, their headers, their copies of the
    /// catalogue. Writes nothing. `notFound` where there is no pool; refuses what `start` refuses (mountpaths of two pools, too many missing).
    public static func inventory(
        mountpaths: [ConfiguredMountpath], ledger: any Disk, acceptMissing: Bool, logger: Logger
    ) async throws(Failure) -> PoolInventory {
        try await onBlockingThread { () throws(Failure) in
            var random = SystemRandomNumberGenerator()
            let pool = try Pool.open(
                mountpaths, ledger: ledger, acceptMissing: acceptMissing, logger: logger, random: &random,
                isReadOnly: true)
            let headers = try HeaderLog(reading: pool, logger: logger)
            let missing = try pool.checkMissing(lossesMax: headers.lossesMax, acceptMissing: acceptMissing)
            let (copies, problems) = copies(of: pool)
            return PoolInventory(
                id: pool.id, version: pool.status().version,
                groups: headers.groups.map { .init(specification: $0.specification, state: $0.state) }
                    .sorted { $0.specification.label < $1.specification.label },
                volumes: headers.volumes.map {
                    .init(
                        id: $0.id, group: $0.group, sizeBytes: $0.sizeBytes, attachEpoch: $0.attachEpoch,
                        formatted: $0.formatted, annotation: $0.annotation, isDeleted: $0.isDeleted,
                        limits: $0.limits ?? .none)
                }.sorted { $0.id < $1.id },
                snapshots: headers.snapshots.filter { !$0.isInternal }.map {
                    .init(
                        id: $0.id, volume: $0.volume, group: headers.volume($0.volume)?.group ?? "",
                        sizeBytes: $0.sizeBytes, created: $0.created, formatted: $0.formatted,
                        annotation: $0.annotation, isDeleted: $0.isDeleted)
                }.sorted { $0.id < $1.id },
                copies: copies, problems: missing.map { "\($0.path) is missing" } + headers.problems + problems)
        }
    }

    private static func copies(of pool: Pool) -> (copies: [PoolInventory.CatalogueCopy], problems: [String]) {
        var found: [UInt64: PoolInventory.CatalogueCopy] = [:]
        var problems: [String] = []
        for mountpath in pool.active {
            do throws(Failure) {
                guard let copy = try CatalogueCopies.read(from: mountpath) else { continue }
                guard copy.pool == pool.id else {
                    problems.append("\(mountpath.path)/\(CatalogueCopies.path) is of pool \(copy.pool)")
                    continue
                }
                if found[copy.version] == nil {
                    found[copy.version] = .init(version: copy.version, place: mountpath.path, bytes: copy.bytes)
                }
            } catch { problems.append("\(error)") }
        }
        return (found.values.sorted { $0.version > $1.version }, problems)
    }
}
