import Base
import Catalogue
import VolumeEngine

/// When the catalogue is copied to the mountpaths: once it has been quiet for a moment, at the latest after a while, and after a failure not at
/// once again. Commits are counted; times are nanoseconds of the monotonic clock.
package struct CopySchedule: Sendable {
    package static let quietNanoseconds: UInt64 = 2_000_000_000
    package static let waitNanosecondsMax: UInt64 = 30_000_000_000
    package static let retryNanoseconds: UInt64 = 30_000_000_000

    /// Commits in the newest copy; nil: this process has made none.
    private var copied: Int?
    private var seen: Int?
    /// When the first change that is not copied was seen, and the last.
    private var firstChange: UInt64 = 0
    private var lastChange: UInt64 = 0
    private var notBefore: UInt64 = 0

    package init() {}

    package func isNeeded(commitCount: Int) -> Bool { copied != commitCount }

    package mutating func isDue(commitCount: Int, now: UInt64) -> Bool {
        guard isNeeded(commitCount: commitCount) else { return false }
        if seen != commitCount {
            if seen == nil || seen == copied { firstChange = now }
            lastChange = now
            seen = commitCount
        }
        return now >= notBefore
            && (now - lastChange >= Self.quietNanoseconds || now - firstChange >= Self.waitNanosecondsMax)
    }

    /// `commitCount`: as it was before the copy was made.
    package mutating func succeeded(commitCount: Int, now: UInt64) {
        copied = commitCount
        // What was seen later than that waits from now on.
        if seen != commitCount { firstChange = now }
    }

    package mutating func failed(now: UInt64) { notBefore = now + Self.retryNanoseconds }
}

extension Volumes {
    private static let lookSeconds = 1

    /// Copies the catalogue to the mountpaths after changes until the task is cancelled. Nobody waits for it: a failure is logged and retried.
    public func keepCopies() async {
        while !Task.isCancelled {
            let (count, now) = (catalogue.commitCount, environment.clock.now())
            if copying.withLock({ $0.isDue(commitCount: count, now: now) }) { await copyCatalogue() }
            do { try await Task.sleep(for: .seconds(Self.lookSeconds)) } catch { return }
        }
    }

    /// At an orderly end, after the last call: copies what has changed since the last copy.
    public func copyAtEnd() async {
        let count = catalogue.commitCount
        if copying.withLock({ $0.isNeeded(commitCount: count) }) { await copyCatalogue() }
    }

    /// Now. Whether it succeeded.
    @discardableResult package func copyCatalogue() async -> Bool {
        let count = catalogue.commitCount
        do {
            let copy = try await catalogue.copy()
            let version = try await engine.storeCatalogue(copy)
            copying.withLock { $0.succeeded(commitCount: count, now: environment.clock.now()) }
            logger.debug("catalogue copied", metadata: ["version": "\(version)", "bytes": "\(copy.count)"])
            return true
        } catch {
            copying.withLock { $0.failed(now: environment.clock.now()) }
            if error.kind != .cancelled {
                logger.warning(
                    "the catalogue is not copied to the mountpaths; tried again later", metadata: ["error": "\(error)"])
            }
            return false
        }
    }
}
