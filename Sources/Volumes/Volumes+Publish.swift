import Base
import Catalogue
import Domain
import VolumeEngine

extension Volumes {
    /// Grants the node an attach epoch above every earlier one, which fences all others; nodes that only read share one. The same request again
    /// answers the same epoch. `notFound` for an unknown volume or node, `failedPrecondition` while another node has it, `conflict` where this
    /// node has it otherwise.
    public func publish(
        _ id: VolumeID, to node: String, mode: AccessMode, readOnly: Bool
    ) async throws(Failure) -> Publication {
        let held = try await lockVolume(id, for: "publish to \(node)")
        defer { held.release() }
        _ = try await usableVolume(id)
        guard environment.nodes.contains(node) else {
            throw Failure(.notFound, "there is no node '\(node)'")
        }
        try await settleRollBack(id)
        let others = try await othersThatStay(id, than: node, mode)
        if let mine = try await catalogue.publications(of: id).first(where: { $0.node == node }) {
            switch mine.state {
            case .granted:
                guard mine.mode == mode, mine.readOnly == readOnly else {
                    throw Failure(
                        .conflict,
                        "volume \(id) is published to node '\(node)' as \(mine.mode.rawValue)\(mine.readOnly ? ", read-only" : ""); "
                            + "unpublish it first")
                }
                return mine
            case .granting: break  // nobody was answered: chosen anew below
            case .revoking: try await finishRevoke(mine)
            }
        }
        return try await grant(id, node, mode, readOnly, sharing: others.first?.epoch)
    }

    /// Other nodes' publications, with which one in this mode goes together. What was cut off is settled.
    private func othersThatStay(
        _ id: VolumeID, than node: String, _ mode: AccessMode
    ) async throws(Failure) -> [Publication] {
        var others: [Publication] = []
        for other in try await catalogue.publications(of: id) where other.node != node {
            if mode.allowsSeveralNodes, other.mode.allowsSeveralNodes {
                if other.state == .granted { others.append(other) } else { try await revoke(other) }
                continue
            }
            throw Failure(
                .failedPrecondition,
                "volume \(id) is published to node '\(other.node)' as \(other.mode.rawValue) and may be used on one node at a time"
                    + (other.mode.allowsSeveralNodes ? " except for reading" : "") + "; unpublish it there first")
        }
        return others
    }

    private func grant(
        _ id: VolumeID, _ node: String, _ mode: AccessMode, _ readOnly: Bool, sharing shared: UInt64?
    ) async throws(Failure) -> Publication {
        let limit = environment.volumesPerNodeMax
        if let shared {
            let publication = Publication(
                volume: id, node: node, epoch: shared, readOnly: readOnly, mode: mode, state: .granted)
            try await catalogue.share(publication, limit: limit)
            return publication
        }
        let floor = try await engine.volume(id).attachEpoch
        var publication = try await catalogue.beginGrant(
            id, node: node, mode: mode, readOnly: readOnly, above: floor, limit: limit)
        try await engine.raiseEpoch(id, to: publication.epoch)
        try await catalogue.finishGrant(id, node: node)
        publication.state = .granted
        return publication
    }

    /// Fences the node, then forgets the publication: its writes are refused from now on even if it never hears of it.
    /// `node` nil: all of them. Not published is fine, as is an unknown volume.
    public func unpublish(_ id: VolumeID, from node: String?) async throws(Failure) {
        let held = try await lockVolume(id, for: "unpublish from \(node ?? "all nodes")")
        defer { held.release() }
        for publication in try await catalogue.publications(of: id) where node == nil || publication.node == node {
            try await revoke(publication)
        }
    }

    /// Under the volume's lock. A reader goes without a fence while others read on.
    func revoke(_ publication: Publication) async throws(Failure) {
        if publication.mode.allowsSeveralNodes {
            let others = try await catalogue.publications(of: publication.volume)
            if others.contains(where: { $0.node != publication.node && $0.state == .granted }) {
                return try await catalogue.finishRevoke(publication.volume, node: publication.node)
            }
        }
        var fenced = publication
        if publication.state != .revoking {
            fenced.epoch = try await catalogue.beginRevoke(
                publication.volume, node: publication.node, above: publication.epoch)
            fenced.state = .revoking
        }
        try await finishRevoke(fenced)
    }

    private func finishRevoke(_ publication: Publication) async throws(Failure) {
        do {
            try await engine.raiseEpoch(publication.volume, to: publication.epoch)
        } catch  where error.kind == .fenced || error.kind == .notFound {
            // A higher epoch fences the node as well, and a volume that is gone cannot be written.
        }
        try await catalogue.finishRevoke(publication.volume, node: publication.node)
    }
}
