import Base
import GRDB

/// The tables, one migration a version of the schema. A migration that has shipped is never edited.
enum Schema {
    static func migrate(_ pool: DatabasePool) throws {
        let migrator = makeMigrator()
        if try pool.read(migrator.hasBeenSuperseded) {
            throw Failure(
                .failedPrecondition,
                "the catalogue \(pool.path) was written by a newer version of ashlar; start that version, or a newer one"
            )
        }
        try migrator.migrate(pool)
    }

    private static func makeMigrator() -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 volumes") { try $0.execute(sql: volumes) }
        migrator.registerMigration("2 state of groups") { database in
            try database.execute(sql: "ALTER TABLE groups ADD COLUMN state TEXT NOT NULL DEFAULT 'Active'")
        }
        migrator.registerMigration("3 snapshots") { try $0.execute(sql: snapshots) }
        migrator.registerMigration("4 numbers") { try $0.execute(sql: numbers) }
        return migrator
    }

    /// `volume` is not a reference: a snapshot outlives its volume. `request` is what the volume was made from.
    private static let snapshots = """
        CREATE TABLE snapshots (
            id TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            volume TEXT NOT NULL,
            groupLabel TEXT NOT NULL REFERENCES groups (label),
            request TEXT NOT NULL,
            cut TEXT,
            cutName TEXT,
            sizeBytes INTEGER NOT NULL,
            phase TEXT NOT NULL,
            createdAt INTEGER NOT NULL,
            CHECK ((cut IS NULL) = (cutName IS NULL))
        ) STRICT;
        CREATE INDEX snapshotsByVolume ON snapshots (volume);
        CREATE INDEX snapshotsByCut ON snapshots (cut);
        CREATE INDEX snapshotsByCutName ON snapshots (cutName);

        ALTER TABLE volumes ADD COLUMN source TEXT;
        """

    /// The order in which volumes and snapshots came, for lists in pages. No number is given twice: what comes while somebody reads
    /// pages is on the last of them, and a page goes on after one that is gone.
    private static let numbers = """
        CREATE TABLE lastNumber (
            only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
            value INTEGER NOT NULL
        ) STRICT;
        ALTER TABLE volumes ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE snapshots ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
        UPDATE volumes SET number = rowid;
        UPDATE snapshots SET number = rowid;
        INSERT INTO lastNumber SELECT 1, max(
            (SELECT coalesce(max(rowid), 0) FROM volumes), (SELECT coalesce(max(rowid), 0) FROM snapshots));
        CREATE INDEX volumesByNumber ON volumes (number);
        CREATE INDEX snapshotsByNumber ON snapshots (number);
        """

    /// Sizes are bytes, times seconds since 1970, ids UUID text, lists and maps JSON.
    private static let volumes = """
        CREATE TABLE groups (
            label TEXT NOT NULL PRIMARY KEY,
            profile TEXT NOT NULL,
            protection TEXT NOT NULL,
            media TEXT NOT NULL,
            capacityBytes INTEGER,
            deletionPolicy TEXT NOT NULL,
            sliceBytes INTEGER NOT NULL,
            createdAt INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE volumes (
            id TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            groupLabel TEXT NOT NULL REFERENCES groups (label),
            className TEXT,
            filesystem TEXT,
            requestedBytes INTEGER NOT NULL,
            sizeBytes INTEGER NOT NULL,
            capabilities TEXT NOT NULL,
            parameters TEXT NOT NULL,
            mountOptions TEXT NOT NULL,
            mkfsOptions TEXT NOT NULL,
            phase TEXT NOT NULL,
            lastEpoch INTEGER NOT NULL,
            createdAt INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE publications (
            volume TEXT NOT NULL REFERENCES volumes (id),
            node TEXT NOT NULL,
            epoch INTEGER NOT NULL,
            readOnly INTEGER NOT NULL,
            mode TEXT NOT NULL,
            state TEXT NOT NULL,
            PRIMARY KEY (volume, node)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE intents (
            subject TEXT NOT NULL PRIMARY KEY,
            kind TEXT NOT NULL,
            payload TEXT NOT NULL,
            createdAt INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE pool (
            only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
            id TEXT NOT NULL,
            version INTEGER NOT NULL
        ) STRICT;
        """
}
