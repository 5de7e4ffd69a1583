import Base
import Catalogue
import Domain
import VolumeEngine

/// A part of a list; the next one follows `next`, nil at the end.
public struct Page<Entry: Sendable>: Sendable {
    public var entries: [Entry]
    public var next: Int64?

    /// `found`: one more than the page may have, where there is more.
    init(_ found: [Numbered<Entry>], limit: Int) {
        let page = found.prefix(limit)
        entries = page.map(\.value)
        next = found.count > limit ? page.last?.number : nil
    }
}

/// What is wrong with a volume.
public struct VolumeProblem: Sendable, Equatable {
    public var volume: VolumeID
    public var health: VolumeHealth
    /// One sentence.
    public var reason: String
}

extension Volumes {
    /// The next `limit` volumes after `number`, in the order in which they came. What comes or goes between two pages moves no other.
    public func list(after number: Int64, limit: Int) async throws(Failure) -> Page<PublishedVolume> {
        Page(try await catalogue.volumes(after: number, limit: limit + 1), limit: limit)
    }

    /// As `list`; of one volume, which may be deleted, or of all.
    public func listSnapshots(
        after number: Int64, limit: Int, of volume: VolumeID?
    ) async throws(Failure) -> Page<Snapshot> {
        Page(try await catalogue.snapshots(after: number, limit: limit + 1, of: volume), limit: limit)
    }

    /// The volume and the nodes that have it. `notFound` where there is none.
    public func published(_ id: VolumeID) async throws(Failure) -> PublishedVolume {
        let volume = try await usableVolume(id)
        let nodes = try await catalogue.publications(of: id).filter { $0.state != .granting }.map(\.node)
        return PublishedVolume(volume: volume, nodes: nodes)
    }

    /// Snapshots of a cut; `notFound` where there is none.
    public func usableCut(_ id: CutID) async throws(Failure) -> [Snapshot] {
        let snapshots = try await catalogue.snapshots(ofCut: id)
        guard !snapshots.isEmpty, snapshots.allSatisfy({ $0.phase == .ready }) else {
            throw Failure(.notFound, "there is no group snapshot \(id)")
        }
        return snapshots
    }

    // MARK: Health

    /// Nil where the volume is healthy.
    public func problem(of id: VolumeID) async throws(Failure) -> VolumeProblem? {
        _ = try await usableVolume(id)
        return VolumeProblem(try await engine.volume(id))
    }

    /// Volumes that are not healthy with an id above `id`, by id, at most `limit`; and whether there are more.
    public func problems(
        after id: VolumeID?, limit: Int
    ) async throws(Failure) -> (problems: [VolumeProblem], isMore: Bool) {
        var found: [VolumeProblem] = []
        for volume in try await engine.volumes().sorted(by: { $0.id < $1.id }) {
            guard let problem = VolumeProblem(volume), id.map({ $0 < problem.volume }) ?? true,
                try await catalogue.volume(problem.volume)?.phase.isUsable == true
            else { continue }
            if found.count == limit { return (found, true) }
            found.append(problem)
        }
        return (found, false)
    }
}

extension VolumeProblem {
    init?(_ volume: EngineVolume) {
        guard volume.health != .ready else { return nil }
        self.init(volume: volume.id, health: volume.health, reason: volume.healthReason)
    }
}
