/// A branch of the engine's code that a simulation wants to have met with every kind of fault.
package enum EngineBranch: String, CaseIterable, Sendable {
    // Reading the log at a start.
    case recordComplete = "record complete"
    case recordRebuilt = "record incomplete and rebuilt"
    case recordRewritten = "rewrite at recovery"
    case severalCopies = "several copies of one sequence"
    case tailEnded = "tail ended"
    case tailCut = "tail ended before a record"
    case recordLost = "lost record"
    case moveReplayed = "move replayed"
    case sealIgnored = "seal ignored a segment"
    case strayFreed = "stray slice taken back"
    case sliceMissing = "slice not to be opened"
    case mapFrameTorn = "torn map frame"
    case mapCopyUseless = "map copy without a whole frame"
    case recoveryBegunAnew = "mountpath taken out during recovery"
    // Membership.
    case staleRefused = "stale mountpath refused"
    case missingAtStart = "mountpath missing at start"
    case takenOut = "mountpath taken out"
    case poolFileFailed = "membership failed on another"
    case poolHalted = "pool halted"
    // The ring of the process before.
    case ringReplayed = "ring replayed"
    case ringSetAside = "ring set aside"
    case ringRefused = "ring refused"
    case resentKnown = "re-sent request known"
    // At work.
    case writeFailed = "column write failed"
    case writtenAgain = "record written again"
    case syncFailed = "sync failed"
    case readRebuilt = "read rebuilt"
    case tooManyReadErrors = "too many read errors"
    case spaceRefused = "write refused for space"
    case mapWhole = "whole map written"
    case checkpointFailed = "checkpoint failed"
    case segmentVerified = "segment cleaned"
    case segmentScannedAgain = "segment scanned again"
    case segmentSetAside = "segment set aside by the cleaner"
}

/// A seeded bug. Each proves that the simulator can see its kind: a run with it must fail.
package enum EngineCanary: String, CaseIterable, Sendable {
    /// A flush is answered before its records are durable.
    case flushEarly = "flush-early"
    /// Recovery believes what it read of the tail without syncing it.
    case believeUnsynced = "believe-unsynced"
    /// A record's header is in its first column only.
    case oneHeader = "one-header"
    /// What lies past a seal is read again at the next start.
    case unsealedTail = "unsealed-tail"
    /// Records count as soon as they are durable, in whatever order.
    case drainOutOfOrder = "drain-out-of-order"
    /// A record of which a column failed counts before the mountpath is named out.
    case ackBeforeMembership = "ack-before-membership"
    /// A move of the garbage collector is replayed as a write.
    case moveAsWrite = "move-as-write"
    /// Changed blocks are taken by birth epoch across a rollback.
    case diffAcrossRollback = "diff-across-rollback"
    /// What the log has already is replayed from the ring.
    case replayDurable = "replay-durable"
    /// An entry of the ring is free when its record is written.
    case freeWhenWritten = "free-when-written"
    /// A request that is sent again is executed again.
    case resentTwice = "resent-twice"
    /// How far a segment has records is told a record too late.
    case lateTail = "late-tail"
}

/// What tests pass in beside the real parameters; empty in the product. Lines of the engine that look at `canary` are marked so.
package struct TestHooks: Sendable {
    package var observer: (@Sendable (EngineBranch) -> Void)?
    package var canary: EngineCanary?
    /// A checkpoint is due after so many records; nil: the engine's own number.
    package var checkpointRecords: Int?
    /// Any garbage is worth cleaning, however much space there is.
    package var cleansEagerly: Bool
    /// Mountpaths are worked on one after the other, so that a seed repeats a run.
    package var isSequential = false
    /// Half of what an early scan has found is not believed: what is missing must be found by one to the end.
    package var missesInEarlyScans = false
    /// A third of the segments count as made from the reserves, though there was room.
    package var drawsOnReserves = false

    package init(
        observer: (@Sendable (EngineBranch) -> Void)? = nil, canary: EngineCanary? = nil, checkpointRecords: Int? = nil,
        cleansEagerly: Bool = false
    ) {
        self.cleansEagerly = cleansEagerly
        self.observer = observer
        self.canary = canary
        self.checkpointRecords = checkpointRecords
    }

    func took(_ branch: EngineBranch) { observer?(branch) }
}
