import Base
import Dispatch
import Foundation
import GRDB

/// The durable truth for names and intents: groups, volumes, publications, what was begun and not finished. SQLite in WAL
/// mode with `synchronous=FULL`: what a call wrote is on the drive when it returns.
///
/// No call blocks the cooperative pool: writes run on the write queue's thread, reads on GRDB's.
public final class Catalogue: Sendable {
    /// Called before a write's transaction with its name, and again after the commit with the name and a `+`; what it throws
    /// the write throws. For tests that cut a use case at each step.
    package typealias Fault = @Sendable (String) throws(Failure) -> Void

    let pool: DatabasePool
    private let queue: WriteQueue
    private let fault: Fault?
    public let path: String

    private static let readersMax = 4

    /// Opens or makes the catalogue at `path`, whose directory must exist. Blocks: call it once, at start.
    /// `failedPrecondition` where a newer version wrote it, `corrupt` where it is not a catalogue.
    public convenience init(path: String) throws(Failure) { try self.init(path: path, fault: nil) }

    /// Opens a catalogue that another process may be using, to look only: nothing is migrated, writes fail.
    /// `notFound` where there is none. Blocks.
    public init(reading path: String) throws(Failure) {
        guard access(path, F_OK) == 0 else {
            // On a drive that does not answer it is not missing.
            let number = errno
            throw [ENOENT, ENOTDIR].contains(number)
                ? Failure(.notFound, "there is no catalogue at \(path); it is made at the first start")
                : Failure(.unavailable, "cannot open the catalogue \(path): \(String(cString: strerror(number)))")
        }
        self.path = path
        fault = nil
        var configuration = GRDB.Configuration()
        configuration.label = "ashlar.catalogue"
        configuration.readonly = true
        do { pool = try DatabasePool(path: path, configuration: configuration) } catch {
            throw Failure(catalogueError: error, "cannot open the catalogue \(path)")
        }
        queue = WriteQueue(pool: pool)
    }

    package init(path: String, fault: Fault?) throws(Failure) {
        self.path = path
        self.fault = fault
        var configuration = GRDB.Configuration()
        configuration.label = "ashlar.catalogue"
        configuration.maximumReaderCount = Self.readersMax
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
            // Not in `prepareDatabase`: the pool sets NORMAL after it ("Many applications choose NORMAL when in WAL mode"), and then
            // power loss takes commits that were answered.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            try Schema.migrate(pool)
        } catch {
            throw Failure(catalogueError: error, "cannot open the catalogue \(path)")
        }
        queue = WriteQueue(pool: pool)
    }

    /// Closes the file. Calls in flight finish first; later ones fail.
    public func close() throws(Failure) {
        queue.drain()
        do { try pool.close() } catch { throw Failure(catalogueError: error, "cannot close the catalogue") }
    }

    /// Transactions committed since opening: each is one sync. Concurrent writes share them.
    public var commitCount: Int { queue.commitCount }

    /// SQLite's `synchronous` of the connection that writes: 2 is FULL.
    package func synchronousLevel() throws(Failure) -> Int? {
        do { return try pool.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") } } catch {
            throw Failure(catalogueError: error, "cannot read the catalogue's settings")
        }
    }

    /// Runs `body` in a transaction, shared with other writes that wait at the same moment; its own changes are undone alone
    /// if it throws. Durable when this returns.
    func write<T: Sendable>(
        _ name: String, _ body: @escaping @Sendable (Database) throws -> T
    ) async throws(Failure) -> T {
        try fault?(name)
        let result = await queue.perform(name, body)
        try fault?(name + "+")
        return try result.get()
    }

    func read<T: Sendable>(
        _ name: String, _ body: @escaping @Sendable (Database) throws -> T
    ) async throws(Failure) -> T {
        do { return try await pool.read(body) } catch {
            throw Failure(catalogueError: error, "catalogue: cannot read \(name)")
        }
    }
}

extension Failure {
    /// SQLite's errors by what a caller can do about them; a `Failure` thrown inside a transaction stays what it is.
    init(catalogueError error: any Error, _ message: String) {
        switch error {
        case let failure as Failure:
            self = failure
        case is CancellationError:
            self.init(.cancelled, "\(message): the call was cancelled")
        case let error as DatabaseError:
            let kind: FailureKind
            switch error.resultCode {
            case .SQLITE_FULL: kind = .exhausted
            case .SQLITE_INTERRUPT: kind = .cancelled
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: kind = .corrupt
            case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM: kind = .failedPrecondition
            case .SQLITE_IOERR, .SQLITE_BUSY, .SQLITE_LOCKED: kind = .unavailable
            default: kind = .internal
            }
            self.init(kind, "\(message): \(error.message ?? error.resultCode.description)")
        default:
            self.init(.internal, "\(message): \(error)")
        }
    }
}
