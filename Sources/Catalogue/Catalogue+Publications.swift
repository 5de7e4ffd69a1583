import Base
import Domain
import GRDB

extension Catalogue {
    /// Of one volume, ordered by node.
    public func publications(of id: VolumeID) async throws(Failure) -> [Publication] {
        try await read("publications of \(id)") { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM publications WHERE volume = ? ORDER BY node", arguments: [id.description]
            ).map { try Publication(row: $0) }
        }
    }

    public func publications() async throws(Failure) -> [Publication] {
        try await read("publications") { try fetchPublications($0) }
    }

    /// Chooses the epoch of a new grant, above `floor` and every epoch chosen before, and records it as `granting`.
    /// A grant of the same node that is under way is chosen anew. `exhausted` where the node has `limit` other volumes.
    public func beginGrant(
        _ id: VolumeID, node: String, mode: AccessMode, readOnly: Bool, above floor: UInt64, limit: Int
    ) async throws(Failure) -> Publication {
        try await write("grant.begin") { database in
            try requireRoom(database, on: node, for: id, limit)
            let epoch = try takeEpoch(database, id, above: floor)
            let publication = Publication(
                volume: id, node: node, epoch: epoch, readOnly: readOnly, mode: mode, state: .granting)
            try putPublication(database, publication)
            return publication
        }
    }

    /// One more reader, with the epoch that the others have. `exhausted` where the node has `limit` other volumes.
    public func share(_ publication: Publication, limit: Int) async throws(Failure) {
        precondition(publication.state == .granted && publication.mode.allowsSeveralNodes)
        try await write("grant.share") { database in
            try requireRoom(database, on: publication.node, for: publication.volume, limit)
            try putPublication(database, publication)
        }
    }

    public func finishGrant(_ id: VolumeID, node: String) async throws(Failure) {
        try await write("grant.finish") { try setState($0, id, node, .granted) }
    }

    /// Chooses the fence: an epoch above every other, which no node gets. Returns it.
    public func beginRevoke(_ id: VolumeID, node: String, above floor: UInt64) async throws(Failure) -> UInt64 {
        try await write("revoke.begin") { database in
            let epoch = try takeEpoch(database, id, above: floor)
            try database.execute(
                sql: "UPDATE publications SET state = ?, epoch = ? WHERE volume = ? AND node = ?",
                arguments: [Publication.State.revoking.rawValue, Int64(epoch), id.description, node])
            return epoch
        }
    }

    public func finishRevoke(_ id: VolumeID, node: String) async throws(Failure) {
        try await write("revoke.finish") { database in
            try database.execute(
                sql: "DELETE FROM publications WHERE volume = ? AND node = ?", arguments: [id.description, node])
        }
    }
}

func fetchPublications(_ database: Database) throws -> [Publication] {
    try Row.fetchAll(database, sql: "SELECT * FROM publications ORDER BY volume, node").map { try Publication(row: $0) }
}

func putPublication(_ database: Database, _ publication: Publication) throws {
    try database.execute(
        sql: """
            INSERT OR REPLACE INTO publications (volume, node, epoch, readOnly, mode, state)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
        arguments: [
            publication.volume.description, publication.node, Int64(publication.epoch), publication.readOnly,
            publication.mode.rawValue, publication.state.rawValue,
        ])
}

/// In the transaction that adds one: calls for several volumes come at the same time.
private func requireRoom(_ database: Database, on node: String, for id: VolumeID, _ limit: Int) throws {
    let count = try Int.fetchOne(
        database, sql: "SELECT count(*) FROM publications WHERE node = ? AND volume <> ?",
        arguments: [node, id.description])
    guard let count, count >= limit else { return }
    throw Failure(.exhausted, "node '\(node)' has \(count) volumes and may have \(limit)")
}

private func takeEpoch(_ database: Database, _ id: VolumeID, above floor: UInt64) throws -> UInt64 {
    let epoch = max(try requireVolume(database, id).lastEpoch, floor) + 1
    try database.execute(
        sql: "UPDATE volumes SET lastEpoch = ? WHERE id = ?", arguments: [Int64(epoch), id.description])
    return epoch
}

private func setState(_ database: Database, _ id: VolumeID, _ node: String, _ state: Publication.State) throws {
    try database.execute(
        sql: "UPDATE publications SET state = ? WHERE volume = ? AND node = ?",
        arguments: [state.rawValue, id.description, node])
}

extension Publication {
    fileprivate init(row: Row) throws {
        self.init(
            volume: try row.id("volume"), node: row["node"], epoch: try row.bytes("epoch"), readOnly: row["readOnly"],
            mode: try row.value("mode", AccessMode.init(rawValue:)),
            state: try row.value("state", State.init(rawValue:)))
    }
}
