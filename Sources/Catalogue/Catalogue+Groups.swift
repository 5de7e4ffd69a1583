import Base
import Domain
import GRDB

extension Catalogue {
    public func groups() async throws(Failure) -> [VolumeGroup] {
        try await read("groups") { database in
            try Row.fetchAll(database, sql: "SELECT * FROM groups ORDER BY label").map { try VolumeGroup(row: $0) }
        }
    }

    /// Nil where there is no such group.
    public func group(_ label: String) async throws(Failure) -> VolumeGroup? {
        try await read("group \(label)") { database in
            try Row.fetchOne(database, sql: "SELECT * FROM groups WHERE label = ?", arguments: [label])
                .map { try VolumeGroup(row: $0) }
        }
    }

    /// Writes the group, new or changed. What may change is the caller's decision.
    public func putGroup(_ group: VolumeGroup, at time: Int64) async throws(Failure) {
        try await write("group \(group.label)") { database in
            try database.execute(
                sql: """
                    INSERT INTO groups
                        (label, profile, protection, media, capacityBytes, deletionPolicy, sliceBytes, createdAt)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (label) DO UPDATE SET
                        profile = excluded.profile, protection = excluded.protection, media = excluded.media,
                        capacityBytes = excluded.capacityBytes, deletionPolicy = excluded.deletionPolicy,
                        sliceBytes = excluded.sliceBytes
                    """,
                arguments: [
                    group.label, group.profile.rawValue, group.protection.description, try json(group.media),
                    group.capacityBytes.map(Int64.init), group.deletionPolicy.rawValue, Int64(group.sliceBytes), time,
                ])
        }
    }

    /// The pool that this catalogue belongs to and the newest membership version it was told of; nil before the first.
    public func pool() async throws(Failure) -> (id: PoolID, version: UInt64)? {
        let row = try await read("pool") { database in
            try Row.fetchOne(database, sql: "SELECT * FROM pool")
                .map { row in (id: try row.id("id") as PoolID, version: try row.bytes("version")) }
        }
        return row
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
