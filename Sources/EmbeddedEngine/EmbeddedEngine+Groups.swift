import Base
import SegmentStore
import SystemIO
import VolumeEngine

/// Removing groups. The header's state is the intent: `deleting` is durable before the first tombstone, every tombstone before the first
/// byte is freed, `deleted` comes last. Whatever is cut off is carried on at the next start.
extension EmbeddedEngine {
    /// What a group that can be used was made of; nil where it is retained, being deleted, or not there.
    func activeGroup(_ label: String) -> GroupSpecification? {
        guard let header = headers.group(label), header.state == .active else { return nil }
        return header.specification
    }

    public func retainGroup(_ label: String) async throws(Failure) {
        let lock = try await locks.acquire("group \(label)", for: "retaining")
        defer { lock.release() }
        guard let header = headers.group(label), header.state == .active else { return }
        try await change(header, to: .retained, for: "retaining")
    }

    public func deleteGroup(_ label: String) async throws(Failure) {
        let lock = try await locks.acquire("group \(label)", for: "deleting")
        defer { lock.release() }
        guard let header = headers.group(label), header.state != .deleted else { return }
        if header.state != .deleting { try await change(header, to: .deleting, for: "deleting") }
        do throws(Failure) { try await carryOutDeletion(of: header.specification) } catch {
            // `failedPrecondition` would say that nothing has happened.
            throw Failure(
                error.kind == .failedPrecondition ? .internal : nil,
                "the deletion of group \(label) has begun and is not finished; it is carried on at the next try",
                cause: error)
        }
    }

    /// Writes the new state while nobody can open one of the group's volumes. `failedPrecondition` where one is open.
    private func change(
        _ header: GroupHeader, to state: PoolInventory.GroupState, for operation: String
    ) async throws(Failure) {
        let label = header.specification.label
        var held: [KeyedLock.Held] = []
        defer { for lock in held { lock.release() } }
        for id in lockOrder(liveVolumes(of: label).map(\.id)) {
            held.append(try await locks.acquire(id.description, for: "\(operation) group \(label)"))
        }
        let read = openedSnapshots.withLock { Set($0.keys.compactMap { headers.snapshot($0)?.volume }) }
        let open = headers.volumes.filter { $0.group == label && !$0.isPurged }.map(\.id)
            .filter { id in opened.withLock { $0[id] != nil } || read.contains(id) }
        guard open.isEmpty else {
            let ids = open.sorted().prefix(3).map(\.description).joined(separator: ", ")
            throw Failure(
                .failedPrecondition,
                "\(open.count) volumes of group \(label) are attached (\(ids)): unstage and unpublish them first")
        }
        try await headers.put(GroupHeader(specification: header.specification, state: state))
    }

    private func liveVolumes(of label: String) -> [VolumeHeader] {
        headers.volumes.filter { $0.group == label && !$0.isDeleted }
    }

    private func carryOutDeletion(of group: GroupSpecification) async throws(Failure) {
        try await headers.put(
            liveVolumes(of: group.label).map { header in
                var tombstone = header
                tombstone.isDeleted = true
                return tombstone
            })
        let ids = headers.volumes.filter { $0.group == group.label }.map(\.id)
        try await headers.put(
            headers.snapshots.filter { ids.contains($0.volume) && !$0.isDeleted }.map { header in
                var tombstone = header
                tombstone.isDeleted = true
                return tombstone
            })
        let (allocator, pool, logger) = (allocator, pool, logger)
        for id in lockOrder(ids) {
            try await logs.whileClosed(id) { () throws(Failure) in
                try await Self.onBlockingThread { () throws(Failure) in try allocator.removeVolume(id, group: group) }
                try await logs.forgetRing(of: id)
            }
        }
        try await headers.put(
            ids.compactMap { headers.volume($0) }.filter { !$0.isPurged }.map { header in
                var purged = header
                purged.isPurged = true
                return purged
            })
        try await Self.onBlockingThread { () throws(Failure) in
            for mountpath in pool.active {
                do throws(Failure) { try mountpath.disk.removeDirectory("@\(group.label)") } catch {
                    logger.warning(
                        "directory of a deleted group stays",
                        metadata: ["path": "\(mountpath.path)/@\(group.label)", "reason": "\(error)"])
                }
            }
        }
        try await headers.put(GroupHeader(specification: group, state: .deleted))
        logger.notice("group deleted", metadata: ["group": "\(group.label)"])
    }

    /// What a crash cut off. A failure leaves it to the next call or start.
    func finishGroupDeletions() async {
        for group in headers.groups where group.state == .deleting {
            do throws(Failure) { try await deleteGroup(group.specification.label) } catch {
                logger.warning(
                    "deletion of a group is put off",
                    metadata: ["group": "\(group.specification.label)", "reason": "\(error)"])
            }
        }
    }

    public func storeCatalogue(_ copy: [UInt8]) async throws(Failure) -> UInt64 {
        let (copies, copiesMin) = (copies, headers.lossesMax + 1)
        return try await Self.onBlockingThread { () throws(Failure) in
            try copies.store(copy, copiesMin: copiesMin)
        }
    }
}
