import Base
import Domain
import GRDB

extension Catalogue {
    /// Nil where there is no such volume. As everywhere but in `allVolumes`, volumes of groups that are not active do not exist.
    public func volume(_ id: VolumeID) async throws(Failure) -> Volume? {
        try await read("volume \(id)") { try fetchVolume($0, id) }
    }

    public func volume(named name: String) async throws(Failure) -> Volume? {
        try await read("volume \(name)") { database in
            try Row.fetchOne(database, sql: "\(selectVolumes) AND name = ?", arguments: [name])
                .map { try Volume(row: $0) }
        }
    }

    /// Ordered by name.
    public func volumes() async throws(Failure) -> [Volume] {
        try await read("volumes") { database in
            try Row.fetchAll(database, sql: "\(selectVolumes) ORDER BY name").map { try Volume(row: $0) }
        }
    }

    /// Those of groups that are retained or being removed too, ordered by name.
    public func allVolumes() async throws(Failure) -> [Volume] {
        try await read("all volumes") { try fetchAllVolumes($0) }
    }

    /// Takes the name, and records that the volume is about to be made. `conflict` if the name is taken.
    public func beginCreate(_ volume: Volume) async throws(Failure) {
        precondition(volume.phase == .pending)
        try await write("create.begin") { database in
            let request = volume.request
            try refuseTakenName(database, request.name)
            let state = try String.fetchOne(
                database, sql: "SELECT state FROM groups WHERE label = ?", arguments: [request.group])
            guard state == GroupState.active.rawValue else {
                throw Failure(.invalid, "there is no group '\(request.group)'")
            }
            try insertVolume(database, volume)
            try putIntent(database, Intent(subject: volume.id, kind: .create, createdAt: volume.createdAt))
        }
    }

    /// The volume is made and may be answered.
    public func finishCreate(_ id: VolumeID) async throws(Failure) {
        try await write("create.finish") { database in
            try changePhase(database, id, to: .ready)
            try removeIntent(database, id)
        }
    }

    /// From here on the volume can only go. `failedPrecondition` while it is published.
    public func beginDelete(_ id: VolumeID, at time: Int64) async throws(Failure) {
        try await write("delete.begin") { database in
            try refusePublished(database, id)
            try changePhase(database, id, to: .deleting)
            try putIntent(database, Intent(subject: id, kind: .delete, createdAt: time))
        }
    }

    /// Forgets the volume, its name and its intent. The engine must not have it any more.
    public func finishDelete(_ id: VolumeID) async throws(Failure) {
        try await write("delete.finish") { database in
            try database.execute(sql: "DELETE FROM publications WHERE volume = ?", arguments: [id.description])
            try database.execute(sql: "DELETE FROM volumes WHERE id = ?", arguments: [id.description])
            try removeIntent(database, id)
        }
    }

    public func beginExpand(_ id: VolumeID, to sizeBytes: UInt64, at time: Int64) async throws(Failure) {
        try await write("expand.begin") { database in
            _ = try requireVolume(database, id)
            try putIntent(database, Intent(subject: id, kind: .expand(toBytes: sizeBytes), createdAt: time))
        }
    }

    /// `sizeBytes` is what the engine says, whether the expansion was carried out or not.
    public func finishExpand(_ id: VolumeID, sizeBytes: UInt64) async throws(Failure) {
        try await write("expand.finish") { database in
            try database.execute(
                sql: "UPDATE volumes SET sizeBytes = max(sizeBytes, ?) WHERE id = ?",
                arguments: [Int64(sizeBytes), id.description])
            try removeIntent(database, id)
        }
    }

    /// From here on the volume becomes what the snapshot is. `failedPrecondition` while it is published.
    public func beginRollBack(_ id: VolumeID, to snapshot: SnapshotID, at time: Int64) async throws(Failure) {
        try await write("rollback.begin") { database in
            _ = try requireVolume(database, id)
            try refusePublished(database, id)
            try putIntent(database, Intent(subject: id, kind: .rollBack(to: snapshot), createdAt: time))
        }
    }

    public func finishRollBack(_ id: VolumeID) async throws(Failure) {
        try await write("rollback.finish") { try removeIntent($0, id) }
    }

    /// What was begun with the volume and not finished.
    public func intent(of id: VolumeID) async throws(Failure) -> Intent? {
        try await read("intent of \(id)") { database in
            try Row.fetchOne(database, sql: "SELECT * FROM intents WHERE subject = ?", arguments: [id.description])
                .map { try Intent(row: $0) }
        }
    }

    /// Records what the engine says of the volume's health. The same phase again changes nothing.
    public func setPhase(_ id: VolumeID, _ phase: VolumePhase) async throws(Failure) {
        try await write("phase") { try changePhase($0, id, to: phase) }
    }

    /// What was begun and not finished, oldest first.
    public func intents() async throws(Failure) -> [Intent] {
        try await read("intents") { try fetchIntents($0) }
    }
}

/// A multi-step change of a volume that was begun. One a volume: the volume's lock is held over it.
public struct Intent: Sendable, Equatable {
    public enum Kind: Sendable, Equatable, Codable {
        case create
        case delete
        case expand(toBytes: UInt64)
        case rollBack(to: SnapshotID)

        var word: String {
            switch self {
            case .create: "create"
            case .delete: "delete"
            case .expand: "expand"
            case .rollBack: "rollback"
            }
        }
    }

    public var subject: VolumeID
    public var kind: Kind
    public var createdAt: Int64

    public init(subject: VolumeID, kind: Kind, createdAt: Int64) {
        self.subject = subject
        self.kind = kind
        self.createdAt = createdAt
    }

    init(row: Row) throws {
        self.init(subject: try row.id("subject"), kind: try row.json("payload"), createdAt: row["createdAt"])
    }
}

/// Volumes that can be seen; more conditions may follow.
let selectVolumes = """
    SELECT * FROM volumes WHERE groupLabel IN (SELECT label FROM groups WHERE state = '\(GroupState.active.rawValue)')
    """

func fetchAllVolumes(_ database: Database) throws -> [Volume] {
    try Row.fetchAll(database, sql: "SELECT * FROM volumes ORDER BY name").map { try Volume(row: $0) }
}

func insertVolume(_ database: Database, _ volume: Volume) throws {
    let request = volume.request
    try database.execute(
        sql: """
            INSERT INTO volumes (id, name, groupLabel, className, filesystem, requestedBytes, sizeBytes,
                capabilities, parameters, mountOptions, mkfsOptions, phase, lastEpoch, createdAt, source, number)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
        arguments: [
            volume.id.description, request.name, request.group, request.className,
            request.filesystem?.rawValue, Int64(request.sizeBytes), Int64(volume.sizeBytes),
            try json(request.capabilities), try json(request.parameters), try json(request.mountOptions),
            try json(request.mkfsOptions), volume.phase.rawValue, Int64(volume.lastEpoch), volume.createdAt,
            request.source?.description, try nextNumber(database),
        ])
}

/// A name in a retained group stays taken, so that the group can always come back.
private func refuseTakenName(_ database: Database, _ name: String) throws {
    let row = try Row.fetchOne(
        database,
        sql: "SELECT groups.label, groups.state FROM volumes JOIN groups ON label = groupLabel WHERE name = ?",
        arguments: [name])
    guard let row else { return }
    let (label, state): (String, String) = (row["label"], row["state"])
    throw Failure(
        .conflict,
        state == GroupState.active.rawValue
            ? "a volume named '\(name)' exists"
            : "the name '\(name)' belongs to a volume of group '\(label)', which is \(state.lowercased()); use another name"
    )
}

func fetchVolume(_ database: Database, _ id: VolumeID) throws -> Volume? {
    try Row.fetchOne(database, sql: "\(selectVolumes) AND id = ?", arguments: [id.description])
        .map { try Volume(row: $0) }
}

func requireVolume(_ database: Database, _ id: VolumeID) throws -> Volume {
    guard let volume = try fetchVolume(database, id) else {
        throw Failure(.notFound, "there is no volume \(id)")
    }
    return volume
}

private func refusePublished(_ database: Database, _ id: VolumeID) throws {
    let nodes = try String.fetchAll(
        database, sql: "SELECT node FROM publications WHERE volume = ?", arguments: [id.description])
    guard nodes.isEmpty else {
        throw Failure(
            .failedPrecondition, "volume \(id) is published to \(nodes.joined(separator: ", ")); unpublish it first")
    }
}

/// Only legal transitions are written.
private func changePhase(_ database: Database, _ id: VolumeID, to next: VolumePhase) throws {
    let phase = try requireVolume(database, id).phase
    guard phase != next else { return }
    guard phase.canBecome(next) else {
        throw Failure(.failedPrecondition, "volume \(id) is \(phase.rawValue) and cannot become \(next.rawValue)")
    }
    try database.execute(
        sql: "UPDATE volumes SET phase = ? WHERE id = ?", arguments: [next.rawValue, id.description])
}

func fetchIntents(_ database: Database) throws -> [Intent] {
    try Row.fetchAll(database, sql: "SELECT * FROM intents ORDER BY createdAt, subject").map { try Intent(row: $0) }
}

func putIntent(_ database: Database, _ intent: Intent) throws {
    try database.execute(
        sql: "INSERT OR REPLACE INTO intents (subject, kind, payload, createdAt) VALUES (?, ?, ?, ?)",
        arguments: [intent.subject.description, intent.kind.word, try json(intent.kind), intent.createdAt])
}

private func removeIntent(_ database: Database, _ id: VolumeID) throws {
    try database.execute(sql: "DELETE FROM intents WHERE subject = ?", arguments: [id.description])
}

extension Volume {
    init(row: Row) throws {
        let filesystem: String? = row["filesystem"]
        let request = VolumeRequest(
            name: row["name"], group: row["groupLabel"], className: row["className"],
            sizeBytes: try row.bytes("requestedBytes"),
            filesystem: filesystem == nil ? nil : try row.value("filesystem", FilesystemKind.init(rawValue:)),
            capabilities: try row.json("capabilities"), parameters: try row.json("parameters"),
            mountOptions: try row.json("mountOptions"), mkfsOptions: try row.json("mkfsOptions"),
            source: (row["source"] as String?) == nil ? nil : try row.value("source", VolumeSource.init(_:)))
        self.init(
            id: try row.id("id"), request: request, sizeBytes: try row.bytes("sizeBytes"),
            phase: try row.value("phase", VolumePhase.init(rawValue:)), lastEpoch: try row.bytes("lastEpoch"),
            createdAt: row["createdAt"])
    }
}
