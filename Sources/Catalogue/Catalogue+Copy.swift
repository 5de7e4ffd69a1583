import Base
import Dispatch
import Domain
import Foundation
import GRDB

private let copyingQueue = DispatchQueue(label: "ashlar.catalogue.copy")

extension Catalogue {
    /// One consistent copy of all that is committed, as the bytes of an SQLite file. Writers are not held up: SQLite copies from a
    /// read transaction of a connection of its own. A file beside the catalogue holds the copy for a moment.
    public func copy() async throws(Failure) -> [UInt8] {
        let source = path
        let result: Result<[UInt8], Failure> = await withCheckedContinuation { continuation in
            copyingQueue.async {
                do throws(Failure) { continuation.resume(returning: .success(try Self.copy(source))) } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    private static func copy(_ source: String) throws(Failure) -> [UInt8] {
        let target = source + ".copy"
        try? FileManager.default.removeItem(atPath: target)
        defer { try? FileManager.default.removeItem(atPath: target) }
        do {
            var configuration = GRDB.Configuration()
            configuration.readonly = true
            let reader = try DatabaseQueue(path: source, configuration: configuration)
            defer { try? reader.close() }
            // Smaller than the original, one file, and no write-ahead log beside it.
            try reader.inDatabase { try $0.execute(sql: "VACUUM INTO ?", arguments: [target]) }
            return Array(try Data(contentsOf: URL(fileURLWithPath: target)))
        } catch {
            throw Failure(catalogueError: error, "cannot copy the catalogue \(source)")
        }
    }

    /// Everything that the catalogue says.
    public func contents() async throws(Failure) -> CatalogueContents {
        try await read("contents") { database in
            CatalogueContents(
                pool: try fetchPool(database).map { .init(id: $0.id, version: $0.version) },
                groups: try fetchGroups(database), volumes: try fetchAllVolumes(database),
                snapshots: try fetchAllSnapshots(database), publications: try fetchPublications(database),
                intents: try fetchIntents(database))
        }
    }

    /// Makes the catalogue say this, at once.
    public func replaceContents(_ contents: CatalogueContents) async throws(Failure) {
        try await write("contents") { database in
            try database.execute(sql: "PRAGMA defer_foreign_keys = ON")
            for table in ["intents", "publications", "snapshots", "volumes", "groups", "pool"] {
                try database.execute(sql: "DELETE FROM \(table)")
            }
            if let pool = contents.pool {
                try database.execute(
                    sql: "INSERT INTO pool (only, id, version) VALUES (1, ?, ?)",
                    arguments: [pool.id.description, Int64(pool.version)])
            }
            for record in contents.groups { try insertGroup(database, record) }
            for volume in contents.volumes { try insertVolume(database, volume) }
            for snapshot in contents.snapshots { try insertSnapshot(database, snapshot) }
            for publication in contents.publications { try putPublication(database, publication) }
            for intent in contents.intents { try putIntent(database, intent) }
        }
    }

    /// `corrupt` where SQLite finds the file damaged.
    public func check() async throws(Failure) {
        try await read("check") { database in
            let found = try String.fetchAll(database, sql: "PRAGMA quick_check(1)")
            guard found == ["ok"] else { throw Failure(.corrupt, "the catalogue is damaged: \(found.first ?? "?")") }
        }
    }
}

/// All rows of a catalogue.
public struct CatalogueContents: Sendable, Equatable {
    public struct Pool: Sendable, Equatable {
        public var id: PoolID
        public var version: UInt64

        public init(id: PoolID, version: UInt64) {
            self.id = id
            self.version = version
        }
    }

    public var pool: Pool?
    public var groups: [GroupRecord]
    public var volumes: [Volume]
    public var snapshots: [Snapshot]
    public var publications: [Publication]
    public var intents: [Intent]

    public init(
        pool: Pool? = nil, groups: [GroupRecord] = [], volumes: [Volume] = [], snapshots: [Snapshot] = [],
        publications: [Publication] = [], intents: [Intent] = []
    ) {
        self.pool = pool
        self.groups = groups
        self.volumes = volumes
        self.snapshots = snapshots
        self.publications = publications
        self.intents = intents
    }
}
