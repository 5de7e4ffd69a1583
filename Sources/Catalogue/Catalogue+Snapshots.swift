import Base
import Domain
import GRDB

extension Catalogue {
    /// Nil where there is no such snapshot. As with volumes, those of groups that are not active do not exist.
    public func snapshot(_ id: SnapshotID) async throws(Failure) -> Snapshot? {
        try await snapshots("id = ?", id.description).first
    }

    public func snapshot(named name: String) async throws(Failure) -> Snapshot? {
        try await snapshots("name = ?", name).first
    }

    /// Ordered by name.
    public func snapshots() async throws(Failure) -> [Snapshot] {
        try await read("snapshots") { database in
            try Row.fetchAll(database, sql: "\(selectSnapshots) ORDER BY name").map { try Snapshot(row: $0) }
        }
    }

    /// Those of one cut, ordered by name.
    public func snapshots(ofCut id: CutID) async throws(Failure) -> [Snapshot] {
        try await snapshots("cut = ?", id.description)
    }

    public func snapshots(ofCutNamed name: String) async throws(Failure) -> [Snapshot] {
        try await snapshots("cutName = ?", name)
    }

    public func snapshots(of volume: VolumeID) async throws(Failure) -> [Snapshot] {
        try await snapshots("volume = ?", volume.description)
    }

    /// Those of groups that are retained or being removed too, ordered by name.
    public func allSnapshots() async throws(Failure) -> [Snapshot] {
        try await read("all snapshots") { try fetchAllSnapshots($0) }
    }

    private func snapshots(_ condition: String, _ value: String) async throws(Failure) -> [Snapshot] {
        try await read("snapshots") { database in
            try Row.fetchAll(
                database, sql: "\(selectSnapshots) AND \(condition) ORDER BY name", arguments: [value]
            ).map { try Snapshot(row: $0) }
        }
    }

    /// Takes the names, and records that the snapshots are about to be taken, together. `conflict` if a name is taken, `notFound` where a
    /// volume is gone.
    public func beginSnapshots(_ snapshots: [Snapshot]) async throws(Failure) {
        precondition(snapshots.allSatisfy { $0.phase == .pending })
        try await write("snapshot.begin") { database in
            for snapshot in snapshots {
                try refuseTakenName(database, snapshot)
                guard try requireVolume(database, snapshot.volume).phase.isUsable else {
                    throw Failure(.notFound, "there is no volume \(snapshot.volume)")
                }
            }
            for snapshot in snapshots { try insertSnapshot(database, snapshot) }
        }
    }

    /// They are taken and may be answered; size and time are what the engine says.
    public func finishSnapshots(_ snapshots: [Snapshot]) async throws(Failure) {
        try await write("snapshot.finish") { database in
            for snapshot in snapshots {
                try database.execute(
                    sql: "UPDATE snapshots SET phase = ?, sizeBytes = ?, createdAt = ? WHERE id = ? AND phase = ?",
                    arguments: [
                        SnapshotPhase.ready.rawValue, Int64(snapshot.sizeBytes), snapshot.createdAt,
                        snapshot.id.description, SnapshotPhase.pending.rawValue,
                    ])
            }
        }
    }

    /// From here on they can only go.
    public func beginDeleteSnapshots(_ ids: [SnapshotID]) async throws(Failure) {
        try await write("snapshot.delete.begin") { database in
            for id in ids {
                try database.execute(
                    sql: "UPDATE snapshots SET phase = ? WHERE id = ?",
                    arguments: [SnapshotPhase.deleting.rawValue, id.description])
            }
        }
    }

    /// Forgets them. The engine must not have them any more.
    public func finishDeleteSnapshots(_ ids: [SnapshotID]) async throws(Failure) {
        try await write("snapshot.delete.finish") { database in
            for id in ids {
                try database.execute(sql: "DELETE FROM snapshots WHERE id = ?", arguments: [id.description])
            }
        }
    }
}

/// Snapshots that can be seen; more conditions may follow.
let selectSnapshots = """
    SELECT * FROM snapshots WHERE groupLabel IN (SELECT label FROM groups WHERE state = '\(GroupState.active.rawValue)')
    """

func fetchAllSnapshots(_ database: Database) throws -> [Snapshot] {
    try Row.fetchAll(database, sql: "SELECT * FROM snapshots ORDER BY name").map { try Snapshot(row: $0) }
}

func insertSnapshot(_ database: Database, _ snapshot: Snapshot) throws {
    try database.execute(
        sql: """
            INSERT INTO snapshots
                (id, name, volume, groupLabel, request, cut, cutName, sizeBytes, phase, createdAt, number)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
        arguments: [
            snapshot.id.description, snapshot.name, snapshot.volume.description, snapshot.group,
            try snapshot.requestText, snapshot.cut?.id.description, snapshot.cut?.name, Int64(snapshot.sizeBytes),
            snapshot.phase.rawValue, snapshot.createdAt, try nextNumber(database),
        ])
}

/// Of a snapshot or a cut, in groups of any state: a retained one can always come back.
private func refuseTakenName(_ database: Database, _ snapshot: Snapshot) throws {
    let names = [snapshot.name, snapshot.cut?.name ?? snapshot.name]
    let row = try Row.fetchOne(
        database,
        sql: """
            SELECT snapshots.name, groups.label, groups.state FROM snapshots JOIN groups ON label = groupLabel
            WHERE name IN (?, ?) OR cutName IN (?, ?)
            """, arguments: StatementArguments(names + names))
    guard let row else { return }
    let (name, label, state): (String, String, String) = (row["name"], row["label"], row["state"])
    throw Failure(
        .conflict,
        state == GroupState.active.rawValue
            ? "a snapshot named '\(name)' exists"
            : "the name '\(name)' belongs to a snapshot of group '\(label)', which is \(state.lowercased()); use another name"
    )
}

extension Snapshot {
    /// The volume's request, as the volume annotates itself.
    fileprivate var requestText: String {
        get throws {
            try Volume(id: volume, request: request, sizeBytes: sizeBytes, phase: .ready, lastEpoch: 0, createdAt: 0)
                .annotation
        }
    }

    init(row: Row) throws {
        let volume: VolumeID = try row.id("volume")
        let label: String = row["groupLabel"]
        let request = try row.value("request") { Volume(id: volume, group: label, annotation: $0)?.request }
        let cut: String? = row["cut"]
        self.init(
            id: try row.id("id"), name: row["name"], volume: volume, request: request,
            cut: cut == nil ? nil : Cut(id: try row.id("cut"), name: row["cutName"]),
            sizeBytes: try row.bytes("sizeBytes"), phase: try row.value("phase", SnapshotPhase.init(rawValue:)),
            createdAt: row["createdAt"])
    }
}
