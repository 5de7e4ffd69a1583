import Base
import Glibc
import Logging
import SegmentStore
import Synchronization
import SystemIO

/// Looks once a second whether every member is still there, so that an unmounted or dead drive is noticed without I/O.
final class PoolWatch: Sendable {
    private static let periodMicroseconds: UInt32 = 1_000_000
    private let pool: Pool
    private let logger: Logger
    private let isStopped = Atomic<Bool>(false)

    init(pool: Pool, logger: Logger) {
        self.pool = pool
        self.logger = logger
    }

    func start() {
        Thread(name: "ashlar-watch") { [self] in
            while !isStopped.load(ordering: .acquiring) {
                usleep(Self.periodMicroseconds)
                for mountpath in pool.active where !isStopped.load(ordering: .acquiring) { look(at: mountpath) }
            }
        }.start()
    }

    func stop() { isStopped.store(true, ordering: .releasing) }

    private func look(at mountpath: Mountpath) {
        do throws(Failure) { try mountpath.disk.verifyPresence() } catch
            where error.kind == .exhausted || error.kind == .busy
        {
            return  // short of descriptors or memory ourselves
        } catch {
            mountpath.suspect()
            // A halted pool is said by the pool itself.
            try? pool.takeOut(mountpath, reason: "\(error)")
        }
    }
}
