import Base
import Catalogue
import Domain
import Synchronization
import VolumeEngine

/// What a sweep found of volumes that the engine has and the catalogue does not.
public struct OrphanReport: Sendable, Equatable {
    /// Deleted: never granted to a node, so nobody can have written them.
    public var deleted: [VolumeID] = []
    /// Deletable, but seen for less than the grace period.
    public var waiting: [VolumeID] = []
    /// Were granted or carry data: the catalogue may have lost them. For a person to decide; never deleted here.
    public var kept: [VolumeID] = []
    /// Are somebody's data, of which the catalogue does not know; never deleted here.
    public var keptSnapshots: [SnapshotID] = []

    public init() {}
}

/// When each orphan was first seen, by the monotonic clock.
final class OrphanWatch: Sendable {
    private let firstSeen = Mutex<[VolumeID: UInt64]>([:])

    /// Forgets what is no orphan any more and returns the age of each in nanoseconds.
    func ages(of orphans: [VolumeID], now: UInt64) -> [VolumeID: UInt64] {
        firstSeen.withLock { seen in
            var next: [VolumeID: UInt64] = [:]
            for id in orphans { next[id] = seen[id] ?? now }
            seen = next
            return next.mapValues { now - $0 }
        }
    }
}

extension Volumes {
    public static let orphanGraceSeconds: Int64 = 600
    private static let maintenanceSeconds: Int64 = 60

    /// Settles, sweeps and follows the volumes' health each minute until the task is cancelled.
    public func maintain() async {
        while !Task.isCancelled {
            await settleGroups()
            await settleUnfinished(olderThanSeconds: max(Self.orphanGraceSeconds, 1))
            do {
                try await recordPool()
                try await followHealth()
                _ = try await sweepOrphans(graceSeconds: Self.orphanGraceSeconds)
            } catch {
                logger.warning("maintenance is put off", metadata: ["error": "\(error)"])
            }
            do { try await Task.sleep(for: .seconds(Self.maintenanceSeconds)) } catch { return }
        }
    }

    /// Gives each volume the phase that its health in the engine means.
    public func followHealth() async throws(Failure) {
        var health: [VolumeID: VolumeHealth] = [:]
        for volume in try await engine.volumes() { health[volume.id] = volume.health }
        for volume in try await catalogue.volumes() where volume.phase.isUsable {
            guard let health = health[volume.id] else { continue }
            let phase = VolumePhase(health)
            if phase == volume.phase { continue }
            let held = try await lockVolume(volume.id, for: "follow health")
            defer { held.release() }
            guard let now = try await catalogue.volume(volume.id), now.phase.isUsable else { continue }
            try await catalogue.setPhase(volume.id, phase)
            logger.notice("volume changed phase", metadata: ["volume": "\(volume.id)", "phase": "\(phase.rawValue)"])
        }
    }

    /// Looks for volumes that only the engine has. The engine is asked first: a volume made meanwhile is then in the catalogue.
    public func sweepOrphans(graceSeconds: Int64) async throws(Failure) -> OrphanReport {
        let engineVolumes = try await engine.volumes()
        let engineSnapshots = try await engine.snapshots()
        let ownedSnapshots = Set(try await catalogue.allSnapshots().map(\.id))
        let owned = Set(try await catalogue.allVolumes().map(\.id))
        let orphans = engineVolumes.filter { !owned.contains($0.id) }
        let ages = ages(of: orphans.map(\.id))
        var report = OrphanReport()
        report.keptSnapshots = engineSnapshots.map(\.id).filter { !ownedSnapshots.contains($0) }.sorted()
        for orphan in orphans {
            if orphan.attachEpoch > 0 || orphan.formatted != .never {
                report.kept.append(orphan.id)
            } else if ages[orphan.id, default: 0] < UInt64(graceSeconds) * 1_000_000_000 {
                report.waiting.append(orphan.id)
            } else {
                try await deleteOrphan(orphan.id)
                report.deleted.append(orphan.id)
            }
        }
        if !orphans.isEmpty || !report.keptSnapshots.isEmpty {
            logger.warning(
                "the engine has volumes or snapshots that the catalogue does not know",
                metadata: [
                    "deleted": "\(report.deleted)", "waiting": "\(report.waiting)", "kept": "\(report.kept)",
                    "snapshots": "\(report.keptSnapshots)",
                ])
        }
        return report
    }

    private func ages(of ids: [VolumeID]) -> [VolumeID: UInt64] {
        orphans.ages(of: ids, now: environment.clock.now())
    }

    private func deleteOrphan(_ id: VolumeID) async throws(Failure) {
        let held = try await lockVolume(id, for: "sweep")
        defer { held.release() }
        guard try await !catalogue.allVolumes().contains(where: { $0.id == id }) else { return }
        try await engine.deleteVolume(id)
    }
}

extension VolumePhase {
    fileprivate init(_ health: VolumeHealth) {
        switch health {
        case .ready: self = .ready
        case .degraded: self = .degraded
        case .failed: self = .failed
        }
    }
}
