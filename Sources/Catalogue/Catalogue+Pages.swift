import Base
import Domain
import GRDB

/// One of a list that is read in pages: the next page goes on after `number`, whatever came or went meanwhile.
public struct Numbered<Value: Sendable>: Sendable {
    public var number: Int64
    public var value: Value

    init(number: Int64, value: Value) {
        self.number = number
        self.value = value
    }
}

/// A volume and the nodes that have it, or had it and are being fenced.
public struct PublishedVolume: Sendable {
    public var volume: Volume
    public var nodes: [String]

    public init(volume: Volume, nodes: [String]) {
        self.volume = volume
        self.nodes = nodes
    }
}

extension Catalogue {
    /// Volumes that can be used, in the order in which they came, after `number`, at most `limit`.
    public func volumes(
        after number: Int64, limit: Int
    ) async throws(Failure) -> [Numbered<PublishedVolume>] {
        try await read("page of volumes") { database in
            let rows = try Row.fetchAll(
                database,
                sql: """
                    \(selectVolumes) AND number > ? AND phase IN (\(usablePhases)) ORDER BY number LIMIT ?
                    """, arguments: [number, limit])
            guard let first: Int64 = rows.first?["number"], let last: Int64 = rows.last?["number"] else { return [] }
            var nodes: [String: [String]] = [:]
            let published = try Row.fetchAll(
                database,
                sql: """
                    SELECT volume, node FROM publications
                    WHERE volume IN (SELECT id FROM volumes WHERE number BETWEEN ? AND ?) AND state <> ? ORDER BY node
                    """, arguments: [first, last, Publication.State.granting.rawValue])
            for row in published { nodes[row["volume"], default: []].append(row["node"]) }
            return try rows.map { row in
                Numbered(
                    number: row["number"],
                    value: PublishedVolume(volume: try Volume(row: row), nodes: nodes[row["id"]] ?? []))
            }
        }
    }

    /// Snapshots that are ready, in the order in which they came, after `number`, at most `limit`; of one volume or of all.
    public func snapshots(
        after number: Int64, limit: Int, of volume: VolumeID?
    ) async throws(Failure) -> [Numbered<Snapshot>] {
        try await read("page of snapshots") { database in
            try Row.fetchAll(
                database,
                sql: """
                    \(selectSnapshots) AND number > ? AND phase = ? AND volume = coalesce(?, volume) ORDER BY number LIMIT ?
                    """, arguments: [number, SnapshotPhase.ready.rawValue, volume?.description, limit]
            ).map { Numbered(number: $0["number"], value: try Snapshot(row: $0)) }
        }
    }
}

private let usablePhases = VolumePhase.allCases.filter(\.isUsable).map { "'\($0.rawValue)'" }.joined(separator: ", ")

/// For what is inserted.
func nextNumber(_ database: Database) throws -> Int64 {
    let number = try Int64.fetchOne(
        database, sql: "UPDATE lastNumber SET value = value + 1 WHERE only = 1 RETURNING value")
    guard let number else { throw Failure(.corrupt, "the catalogue has no last number") }
    return number
}
