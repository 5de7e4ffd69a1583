import Base
import Catalogue
import Domain
import VolumeEngine

/// A group as a person asks for it; what is nil is as the group had it, or else the default.
public struct GroupOrder: Sendable, Equatable {
    public var label: String
    public var profile: Profile?
    public var protection: Protection?
    public var media: [Media]?
    public var capacityBytes: UInt64?
    public var deletionPolicy: DeletionPolicy?
    public var sliceBytes: UInt64?

    public init(
        label: String, profile: Profile? = nil, protection: Protection? = nil, media: [Media]? = nil,
        capacityBytes: UInt64? = nil, deletionPolicy: DeletionPolicy? = nil, sliceBytes: UInt64? = nil
    ) {
        self.label = label
        self.profile = profile
        self.protection = protection
        self.media = media
        self.capacityBytes = capacityBytes
        self.deletionPolicy = deletionPolicy
        self.sliceBytes = sliceBytes
    }

    /// `invalid` where nothing good can come of it.
    func group(like known: VolumeGroup?) throws(Failure) -> VolumeGroup {
        if let problem = VolumeGroup.problem(withLabel: label) {
            throw Failure(.invalid, "label '\(label)' \(problem)")
        }
        guard let protection = protection ?? known?.protection else {
            throw Failure(.invalid, "a new group needs a protection: \(Protection.forms)")
        }
        if capacityBytes == 0 {
            throw Failure(.invalid, "a capacity of 0 bytes holds nothing; leave it out for the pool's")
        }
        let profile = profile ?? known?.profile ?? .standard
        return VolumeGroup(
            label: label, profile: profile, protection: protection, media: media ?? known?.media ?? [],
            capacityBytes: capacityBytes ?? known?.capacityBytes,
            deletionPolicy: deletionPolicy ?? known?.deletionPolicy ?? .retain,
            sliceBytes: sliceBytes ?? known?.sliceBytes)
    }
}

extension Volumes {
    public enum GroupCreation: Sendable, Equatable {
        case created
        /// A retained group has its volumes again.
        case reconnected
        case existed
    }

    public struct GroupRemoval: Sendable, Equatable {
        /// False: the data is destroyed.
        public var isRetained: Bool
        public var volumeCount: Int

        public init(isRetained: Bool, volumeCount: Int) {
            self.isRetained = isRetained
            self.volumeCount = volumeCount
        }
    }

    /// Makes the group, has a retained one again, or changes what may change of one that is there. `conflict` where its protection or slice
    /// size is another, or the configuration says what it is.
    public func createGroup(_ order: GroupOrder) async throws(Failure) -> (outcome: GroupCreation, volumeCount: Int) {
        let held = try await locks.acquire("group '\(order.label)'", for: "create")
        defer { held.release() }
        if let unfinished = try await catalogue.groupRecord(order.label) { try await carryOn(unfinished) }
        let record = try await catalogue.groupRecord(order.label)
        let unmade = unmadeGroups.withLock { $0[order.label] }
        let group = try order.group(like: record?.group ?? unmade)
        if let unmade, record == nil, unmade != group {
            throw Failure(
                .conflict,
                "group '\(group.label)' is in the configuration, under `groups`, and not made yet: leave the options out, or change it there"
            )
        }
        if let record {
            try refuseFixedChanges(from: record.group, to: group)
            if record.state == .active {
                let count = try await catalogue.volumeCount(ofGroup: group.label)
                if record.group == group { return (.existed, count) }
                guard !isConfigured(group.label) else {
                    throw Failure(
                        .conflict,
                        "group '\(group.label)' is in the configuration, under `groups`: change it there and restart")
                }
            }
        }
        try await engine.ensureGroup(group.specification)
        try await catalogue.putGroup(group, at: environment.unixTime())
        return (
            record == nil ? .created : record?.state == .active ? .existed : .reconnected,
            try await catalogue.volumeCount(ofGroup: group.label)
        )
    }

    /// Removes the group: its policy says whether its data is retained or destroyed. Retained already is fine. `notFound` where there is
    /// none; `failedPrecondition` while a volume of it is published or attached, where it has volumes and `force` is not given,
    /// and where it is in the configuration, which would make it again.
    public func deleteGroup(_ label: String, force: Bool) async throws(Failure) -> GroupRemoval {
        let held = try await locks.acquire("group '\(label)'", for: "delete")
        defer { held.release() }
        guard !isConfigured(label) else {
            throw Failure(
                .failedPrecondition,
                "group '\(label)' is in the configuration, which would make it again: take it out of `groups` (without that key there are "
                    + "three by default) and restart, then delete it")
        }
        guard let known = try await catalogue.groupRecord(label) else {
            throw Failure(.notFound, "there is no group '\(label)'")
        }
        guard known.state == .active else {
            let count = try await catalogue.volumeCount(ofGroup: label)
            try await carryOn(known)
            return GroupRemoval(isRetained: known.state != .deleting, volumeCount: count)
        }
        let (record, volumeCount) = try await catalogue.beginRemoveGroup(label, force: force)
        try await carryOn(record)
        return GroupRemoval(isRetained: record.state == .retaining, volumeCount: volumeCount)
    }

    private func isConfigured(_ label: String) -> Bool { configuredGroups.withLock { $0.contains(label) } }

    /// Under the group's lock, or before anything is served: what its state has as an intent.
    private func carryOn(_ record: GroupRecord) async throws(Failure) {
        let label = record.group.label
        do {
            switch record.state {
            case .active, .retained: return
            case .retaining:
                try await engine.retainGroup(label)
                try await catalogue.finishRetainGroup(label)
            case .deleting:
                try await engine.deleteGroup(label)
                try await catalogue.finishDeleteGroup(label)
            }
            logger.notice("group removed", metadata: ["group": "\(label)", "policy": "\(record.group.deletionPolicy)"])
        } catch  where error.kind == .failedPrecondition {
            // The engine says so only where it has done nothing.
            try await catalogue.undoRemoveGroup(label)
            throw error
        }
    }

    /// Carries removals on that were cut off. One that fails is logged and waits for the next time.
    func settleGroups() async {
        do {
            for listed in try await catalogue.groupRecords()
            where listed.state == .retaining || listed.state == .deleting {
                do {
                    let held = try await locks.acquire("group '\(listed.group.label)'", for: "settle")
                    defer { held.release() }
                    if let record = try await catalogue.groupRecord(listed.group.label) { try await carryOn(record) }
                } catch {
                    logger.warning(
                        "removal of a group is put off",
                        metadata: ["group": "\(listed.group.label)", "error": "\(error)"])
                }
            }
        } catch {
            logger.error("unfinished removals of groups cannot be read", metadata: ["error": "\(error)"])
        }
    }
}
