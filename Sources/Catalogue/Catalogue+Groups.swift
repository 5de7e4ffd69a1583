import Base
import Domain
import GRDB

extension Catalogue {
    /// Those that can be used, ordered by label.
    public func groups() async throws(Failure) -> [VolumeGroup] {
        try await groupRecords().filter { $0.state == .active }.map(\.group)
    }

    /// Nil where there is no such group that can be used.
    public func group(_ label: String) async throws(Failure) -> VolumeGroup? {
        let record = try await groupRecord(label)
        return record?.state == .active ? record?.group : nil
    }

    /// Whatever their state, ordered by label.
    public func groupRecords() async throws(Failure) -> [GroupRecord] {
        try await read("groups") { try fetchGroups($0) }
    }

    public func groupRecord(_ label: String) async throws(Failure) -> GroupRecord? {
        try await read("group \(label)") { database in
            try Row.fetchOne(database, sql: "SELECT * FROM groups WHERE label = ?", arguments: [label])
                .map { try GroupRecord(row: $0) }
        }
    }

    /// Writes the group, new or changed, as one that can be used. What may change is the caller's decision.
    public func putGroup(_ group: VolumeGroup, at time: Int64) async throws(Failure) {
        try await write("group \(group.label)") { database in
            try insertGroup(database, GroupRecord(group: group, state: .active, createdAt: time))
        }
    }

    /// From here on the group and its volumes cannot be seen; `deleting` or `retaining` as its policy says. Returns what it was, and the
    /// count of its volumes. `failedPrecondition` while a volume is published, or where there are volumes and `force` is not given;
    /// `busy` while one is being made, changed or deleted.
    public func beginRemoveGroup(_ label: String, force: Bool) async throws(Failure) -> (GroupRecord, volumeCount: Int)
    {
        try await write("group.remove.begin") { database in
            guard
                var record = try Row.fetchOne(
                    database, sql: "SELECT * FROM groups WHERE label = ?", arguments: [label]
                ).map({ try GroupRecord(row: $0) }), record.state == .active
            else { throw Failure(.notFound, "there is no group '\(label)'") }
            let volumeCount = try countVolumes(database, label)
            try refuseUsed(database, label)
            let snapshotCount = try countSnapshots(database, label)
            guard volumeCount + snapshotCount == 0 || force else {
                throw Failure(
                    .failedPrecondition,
                    "group '\(label)' has \(volumeCount) volumes and \(snapshotCount) snapshots, which would be "
                        + (record.group.deletionPolicy == .retain ? "hidden" : "destroyed")
                        + "; say --force if that is meant")
            }
            record.state = record.group.deletionPolicy == .retain ? .retaining : .deleting
            try setGroupState(database, label, record.state)
            return (record, volumeCount)
        }
    }

    /// The engine refused before anything happened: the group is as it was.
    public func undoRemoveGroup(_ label: String) async throws(Failure) {
        try await write("group.remove.undo") { try setGroupState($0, label, .active) }
    }

    public func finishRetainGroup(_ label: String) async throws(Failure) {
        try await write("group.retain.finish") { try setGroupState($0, label, .retained) }
    }

    /// Forgets the group and its volumes. The engine must not have them any more.
    public func finishDeleteGroup(_ label: String) async throws(Failure) {
        try await write("group.delete.finish") { database in
            let inGroup = "(SELECT id FROM volumes WHERE groupLabel = ?)"
            for sql in [
                "DELETE FROM publications WHERE volume IN \(inGroup)",
                "DELETE FROM intents WHERE subject IN \(inGroup)",
                "DELETE FROM snapshots WHERE groupLabel = ?", "DELETE FROM volumes WHERE groupLabel = ?",
                "DELETE FROM groups WHERE label = ?",
            ] { try database.execute(sql: sql, arguments: [label]) }
        }
    }

    /// Volumes of the group, whatever its state.
    public func volumeCount(ofGroup label: String) async throws(Failure) -> Int {
        try await read("volumes of \(label)") { try countVolumes($0, label) }
    }

    /// The pool that this catalogue belongs to and the newest membership version it was told of; nil before the first.
    public func pool() async throws(Failure) -> (id: PoolID, version: UInt64)? {
        try await read("pool") { try fetchPool($0) }
    }

    /// Remembers the pool and its version; an older version than the one known changes nothing.
    /// `conflict` where the catalogue belongs to another pool.
    public func recordPool(_ id: PoolID, version: UInt64) async throws(Failure) {
        try await write("pool") { database in
            let known = try Row.fetchOne(database, sql: "SELECT * FROM pool")
            if let known, try known.id("id") as PoolID != id {
                throw Failure(
                    .conflict,
                    "the catalogue belongs to pool \(try known.id("id") as PoolID), the mountpaths to pool \(id): "
                        + "use the state directory of this pool, or an empty one")
            }
            try database.execute(
                sql: """
                    INSERT INTO pool (only, id, version) VALUES (1, ?, ?)
                    ON CONFLICT (only) DO UPDATE SET version = max(version, excluded.version)
                    """, arguments: [id.description, Int64(version)])
        }
    }
}

/// A group and its place in its life.
public struct GroupRecord: Sendable, Equatable {
    public var group: VolumeGroup
    public var state: GroupState
    /// Seconds since 1970.
    public var createdAt: Int64

    public init(group: VolumeGroup, state: GroupState, createdAt: Int64) {
        self.group = group
        self.state = state
        self.createdAt = createdAt
    }

    init(row: Row) throws {
        group = try VolumeGroup(row: row)
        state = try row.value("state", GroupState.init(rawValue:))
        createdAt = row["createdAt"]
    }
}

func fetchPool(_ database: Database) throws -> (id: PoolID, version: UInt64)? {
    try Row.fetchOne(database, sql: "SELECT * FROM pool")
        .map { row in (id: try row.id("id"), version: try row.bytes("version")) }
}

func fetchGroups(_ database: Database) throws -> [GroupRecord] {
    try Row.fetchAll(database, sql: "SELECT * FROM groups ORDER BY label").map { try GroupRecord(row: $0) }
}

func insertGroup(_ database: Database, _ record: GroupRecord) throws {
    let group = record.group
    try database.execute(
        sql: """
            INSERT INTO groups
                (label, profile, protection, media, capacityBytes, deletionPolicy, sliceBytes, createdAt, state)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (label) DO UPDATE SET
                profile = excluded.profile, protection = excluded.protection, media = excluded.media,
                capacityBytes = excluded.capacityBytes, deletionPolicy = excluded.deletionPolicy,
                sliceBytes = excluded.sliceBytes, state = excluded.state
            """,
        arguments: [
            group.label, group.profile.rawValue, group.protection.description, try json(group.media),
            group.capacityBytes.map(Int64.init), group.deletionPolicy.rawValue, Int64(group.sliceBytes),
            record.createdAt, record.state.rawValue,
        ])
}

private func setGroupState(_ database: Database, _ label: String, _ state: GroupState) throws {
    try database.execute(sql: "UPDATE groups SET state = ? WHERE label = ?", arguments: [state.rawValue, label])
}

private func countVolumes(_ database: Database, _ label: String) throws -> Int {
    try Int.fetchOne(database, sql: "SELECT count(*) FROM volumes WHERE groupLabel = ?", arguments: [label]) ?? 0
}

private func countSnapshots(_ database: Database, _ label: String) throws -> Int {
    try Int.fetchOne(database, sql: "SELECT count(*) FROM snapshots WHERE groupLabel = ?", arguments: [label]) ?? 0
}

private func refuseUsed(_ database: Database, _ label: String) throws {
    let published = try String.fetchAll(
        database,
        sql: """
            SELECT DISTINCT volumes.name FROM publications JOIN volumes ON volumes.id = publications.volume
            WHERE volumes.groupLabel = ? ORDER BY volumes.name
            """, arguments: [label])
    guard published.isEmpty else {
        throw Failure(
            .failedPrecondition,
            "\(published.count) volumes of group '\(label)' are published (\(published.prefix(3).joined(separator: ", "))); "
                + "unpublish them first")
    }
    let changing = try String.fetchAll(
        database,
        sql: """
            SELECT volumes.name FROM intents JOIN volumes ON volumes.id = intents.subject
            WHERE volumes.groupLabel = ? ORDER BY volumes.name
            """, arguments: [label])
    guard changing.isEmpty else {
        throw Failure(
            .busy,
            "volumes of group '\(label)' are being made, changed or deleted (\(changing.prefix(3).joined(separator: ", "))); "
                + "try again later")
    }
    let unfinished = try String.fetchAll(
        database, sql: "SELECT name FROM snapshots WHERE groupLabel = ? AND phase <> ? ORDER BY name",
        arguments: [label, SnapshotPhase.ready.rawValue])
    guard unfinished.isEmpty else {
        throw Failure(
            .busy,
            "snapshots of group '\(label)' are being made or deleted (\(unfinished.prefix(3).joined(separator: ", "))); "
                + "try again later")
    }
}

extension VolumeGroup {
    fileprivate init(row: Row) throws {
        self.init(
            label: row["label"], profile: try row.value("profile", Profile.init(rawValue:)),
            protection: try row.value("protection", Protection.init(_:)), media: try row.json("media"),
            capacityBytes: (row["capacityBytes"] as Int64?).map(UInt64.init),
            deletionPolicy: try row.value("deletionPolicy", DeletionPolicy.init(rawValue:)),
            sliceBytes: try row.bytes("sliceBytes"))
    }
}
