import Base
import Catalogue
import Configuration
import EmbeddedEngine
import EngineAPI
import GRPCServer
import Glibc
import Logging
import SystemIO
import VolumeEngine
import Volumes

/// `ashlar pool rebuild-catalogue`: a new catalogue from what the mountpaths say, while nothing runs.
///
/// The new one is complete under another name before the old one is touched. Then: the old file goes aside, its log beside it, the new file
/// takes the place. Between any two of these steps there is the old catalogue, none, or the new one, never a mixture; without any, no
/// process starts over volumes (`Volumes.start`), and the command is repeated.
package struct CatalogueRebuilding {
    package static let fileName = "catalogue.sqlite"
    private static let newName = "catalogue.sqlite.new"
    /// What SQLite keeps beside a database.
    private static let companions = ["", "-wal", "-shm"]

    /// The state directory.
    private let state: any Disk
    private let directory: String
    private let inventory: PoolInventory
    private let unixTime: Int64

    package init(state: any Disk, directory: String, inventory: PoolInventory, unixTime: Int64) {
        self.state = state
        self.directory = directory
        self.inventory = inventory
        self.unixTime = unixTime
    }

    /// Which copy was used (nil: none could be), what the catalogue says now, and what was wrong with copies.
    package struct Result {
        package var copy: PoolInventory.CatalogueCopy?
        package var rebuild: CatalogueRebuild
        package var problems: [String]
        /// Name of the catalogue that was there before, in the state directory.
        package var replaced: String?
    }

    /// `conflict` where there is a catalogue and `replace` is not given. `isDryRun`: the catalogue stays as it is.
    package func run(replace: Bool, isDryRun: Bool) async throws(Failure) -> Result {
        let exists = try state.exists(Self.fileName)
        guard !exists || replace || isDryRun else {
            throw Failure(
                .conflict,
                "there is a catalogue at \(directory)/\(Self.fileName): say --replace to put a rebuilt one in its place (the old one is kept "
                    + "beside it), or --dry-run to see what it would say")
        }
        let (catalogue, copy, problems) = try await openNewestCopy()
        var result: Result
        let bytes: [UInt8]
        do {
            let contents = copy == nil ? nil : try await catalogue.contents()
            let rebuild = CatalogueRebuild(inventory: inventory, copy: contents, unixTime: unixTime)
            result = Result(copy: copy, rebuild: rebuild, problems: problems)
            if !isDryRun { try await catalogue.replaceContents(rebuild.contents) }
            // One file, without the log that SQLite may leave beside an open one.
            bytes = try await catalogue.copy()
        } catch {
            try? catalogue.close()
            throw error
        }
        try catalogue.close()
        try removeNew()
        if isDryRun { return result }
        try state.replaceFile(Self.newName, with: bytes)
        result.replaced = try place(exists: exists)
        return result
    }

    /// The newest copy that can be read, as a catalogue under the new name; an empty one where there is none.
    private func openNewestCopy() async throws(Failure) -> (Catalogue, PoolInventory.CatalogueCopy?, [String]) {
        var problems: [String] = []
        for copy in inventory.copies {
            try removeNew()
            try state.replaceFile(Self.newName, with: copy.bytes)
            do throws(Failure) {
                let catalogue = try Catalogue(path: "\(directory)/\(Self.newName)")
                do throws(Failure) {
                    try await catalogue.check()
                    if let pool = try await catalogue.contents().pool, pool.id != inventory.id {
                        throw Failure(.conflict, "it is of pool \(pool.id)")
                    }
                    return (catalogue, copy, problems)
                } catch {
                    try? catalogue.close()
                    throw error
                }
            } catch {
                problems.append("copy \(copy.version) on \(copy.place) is not used: \(error)")
            }
        }
        try removeNew()
        return (try Catalogue(path: "\(directory)/\(Self.newName)"), nil, problems)
    }

    private func removeNew() throws(Failure) {
        for companion in Self.companions { try state.remove(Self.newName + companion) }
    }

    /// Returns the name under which the old one is kept.
    private func place(exists: Bool) throws(Failure) -> String? {
        let old = "\(Self.fileName).replaced-\(unixTime)"
        // The file before its log: a log without its database is ignored, a database without its log is another one. A log that an
        // interrupted run left alone goes aside as well.
        for companion in Self.companions where try state.exists(Self.fileName + companion) {
            try state.rename(Self.fileName + companion, to: old + companion)
            try state.synchronizeDirectory(".")
        }
        try state.rename(Self.newName, to: Self.fileName)
        try state.synchronizeDirectory(".")
        return exists ? old : nil
    }
}

extension CatalogueRebuilding {
    /// Takes the locks of engine and controller, which are held until the process ends, and reads the mountpaths.
    /// `failedPrecondition` while either runs.
    static func prepare(
        _ configuration: Configuration, logger: Logger
    ) async throws(Failure) -> (rebuilding: CatalogueRebuilding, locks: [FileLock], inventory: PoolInventory) {
        let locks = try await lockStopped(configuration, for: "a catalogue is rebuilt")
        let state = try DirectoryDisk(path: configuration.stateDirectory)
        let inventory = try await EmbeddedEngine.inventory(
            mountpaths: EngineProcess.disks(configuration), ledger: state,
            acceptMissing: configuration.pool.acceptMissing, logger: logger)
        let rebuilding = CatalogueRebuilding(
            state: state, directory: configuration.stateDirectory, inventory: inventory, unixTime: Int64(time(nil)))
        return (rebuilding, locks, inventory)
    }

    /// The locks of engine and controller. `failedPrecondition` while either runs; `what` is for the message.
    static func lockStopped(_ configuration: Configuration, for what: String) async throws(Failure) -> [FileLock] {
        try await refuseRunning(configuration, for: what)
        try makeDirectories(configuration)
        do throws(Failure) {
            return [
                // The last I/O of one that was just killed may end a moment later.
                try await FileLock.wait(
                    path: configuration.engineLockPath, "an ashlar engine", secondsMax: 1),
                try FileLock(path: configuration.controllerLockPath, "an ashlar controller"),
            ]
        } catch {
            throw Failure(.failedPrecondition, "\(what) only while nothing runs", cause: error)
        }
    }

    /// Whoever lost the state directory lost the locks in it, too.
    private static func refuseRunning(_ configuration: Configuration, for what: String) async throws(Failure) {
        let engine = RemoteVolumeEngine(try GRPCChannel(socketPath: configuration.engine.socket), timeoutSeconds: 2)
        do throws(Failure) { _ = try await engine.poolStatus() } catch { return }
        throw Failure(
            .failedPrecondition,
            "\(what) only while nothing runs: an ashlar engine answers at \(configuration.engine.socket); stop it first"
        )
    }
}
