import Base
import Synchronization
import VolumeEngine

/// What differs between snapshots, told in pieces while everything else goes on.
///
/// Nothing is pinned from one look at the trees to the next: each asks anew whether the snapshots are there, and ends with `notFound` where one is
/// not. So whoever reads slowly, or never comes back, keeps no space and no deletion waiting. The log stays open meanwhile, unless somebody
/// needs it closed.
extension EmbeddedEngine {
    public func changedRanges(
        of snapshot: SnapshotID, since base: SnapshotID?, from offset: UInt64,
        _ body: @Sendable ([ByteRange]) async throws(Failure) -> Void
    ) async throws(Failure) {
        let target = try existingSnapshot(snapshot)
        if let base {
            let older = try existingSnapshot(base)
            guard older.volume == target.volume, older.epoch < target.epoch else {
                throw Failure(
                    .invalid, "snapshot \(base) is not an older one of the volume of which snapshot \(snapshot) is")
            }
        }
        guard offset < target.sizeBytes else { return }
        let hold = LogHold(try await logs.retain(target.volume), of: target.volume, in: logs)
        hold.begin()
        let result: Result<Void, Failure>
        do throws(Failure) {
            try await tellChanges(of: snapshot, since: base, from: offset, body)
            result = .success(())
        } catch { result = .failure(error) }
        await hold.end()
        try result.get()
    }

    private func tellChanges(
        of snapshot: SnapshotID, since base: SnapshotID?, from offset: UInt64,
        _ body: @Sendable ([ByteRange]) async throws(Failure) -> Void
    ) async throws(Failure) {
        var ranges = RangeBatches(from: offset, to: try existingSnapshot(snapshot).sizeBytes)
        var block = offset >> blockShift
        while !ranges.isPast(block) {
            if Task.isCancelled { throw Failure(.cancelled, "nobody waits for the changed blocks any more") }
            let target = try existingSnapshot(snapshot)
            var epoch: UInt32?
            if let base { epoch = try existingSnapshot(base).epoch }
            guard let found = try await changedRuns(in: target, since: epoch, from: block) else {
                // A base that has just gone is not everything that changed.
                if let base { _ = try existingSnapshot(base) }
                ranges.addEverything(from: block)
                break
            }
            for run in found.runs { ranges.add(run) }
            while let batch = ranges.takeFull() { try await body(batch) }
            guard let next = found.next else { break }
            block = next
        }
        while let batch = ranges.takeLast() { try await body(batch) }
    }

    private static let runsAtOnce = 1024

    private func changedRuns(
        in target: SnapshotHeader, since base: UInt32?, from block: UInt64
    ) async throws(Failure) -> VolumeLog.ChangedRuns? {
        try await logs.with(target.volume) { (opened) throws(Failure) in
            try await opened.ask { log, done in
                log.changedRuns(in: target.epoch, since: base, from: block, limit: Self.runsAtOnce, done: done)
            }
        }
    }
}

/// Gathers runs of blocks in order, and gives them out as ranges of bytes. The last one is kept until it cannot grow any more.
struct RangeBatches {
    private let from: UInt64
    private let to: UInt64
    private var ranges: [ByteRange] = []

    init(from: UInt64, to: UInt64) {
        self.from = from
        self.to = to
    }

    func isPast(_ block: UInt64) -> Bool { block >= (to + UInt64(blockBytes - 1)) >> blockShift }

    mutating func add(_ run: BlockRun) { add(run.first << blockShift, (run.first + run.count) << blockShift) }

    mutating func addEverything(from block: UInt64) { add(block << blockShift, to) }

    private mutating func add(_ first: UInt64, _ end: UInt64) {
        let (first, end) = (max(first, from), min(end, to))
        guard first < end else { return }
        if let last = ranges.last, last.end >= first {
            ranges[ranges.count - 1].length = max(last.end, end) - last.offset
        } else {
            ranges.append(ByteRange(offset: first, length: end - first))
        }
    }

    mutating func takeFull() -> [ByteRange]? { ranges.count > changedRangeCountMax ? take() : nil }

    mutating func takeLast() -> [ByteRange]? { ranges.isEmpty ? nil : take() }

    private mutating func take() -> [ByteRange] {
        let batch = Array(ranges.prefix(changedRangeCountMax))
        ranges.removeFirst(batch.count)
        return batch
    }
}

/// A log that is kept open because it will be asked again soon; it is let go of at the end, or as soon as somebody needs it closed.
private final class LogHold: Sendable {
    private let opened: OpenVolumes.Opened
    private let volume: VolumeID
    private let logs: OpenVolumes
    private let isHeld = Mutex(true)

    /// `opened` was retained.
    init(_ opened: OpenVolumes.Opened, of volume: VolumeID, in logs: OpenVolumes) {
        self.opened = opened
        self.volume = volume
        self.logs = logs
    }

    func begin() {
        opened.loop.post { [self] in
            opened.log.hold(ObjectIdentifier(self)) { Task.detached { await self.release() } }
        }
    }

    func end() async {
        opened.loop.post { [self] in opened.log.forget(ObjectIdentifier(self)) }
        await release()
    }

    private func release() async {
        let wasHeld = isHeld.withLock { isHeld in
            defer { isHeld = false }
            return isHeld
        }
        guard wasHeld else { return }
        do throws(Failure) { try await logs.release(volume) } catch { logs.notClosed(volume, error) }
    }
}
