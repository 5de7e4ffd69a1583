import Base
import BlockDevice
import Glibc
import Synchronization
import SystemIO
import VolumeEngine

/// An open volume, or a snapshot of one, as front ends see it.
///
/// Where the volume has limits, the front end is given no landing buffer before what was submitted is paid: its requests wait in its
/// own queue, nothing of them is here, and neither closing nor a successor waits for them.
///
/// `@unchecked Sendable`: what changes is touched on the loop only, `size` apart.
final class VolumeDevice: BlockDevice, @unchecked Sendable {
    static let requestBytesMax = WriteRing.requestBlocksMax * blockBytes

    let loop: EventLoop
    let isReadOnly: Bool
    let epoch: UInt64
    /// Of the snapshot; nil: the volume as it is.
    private let snapshot: UInt32?
    private let log: VolumeLog
    private let size: Atomic<UInt64>
    private let count = RequestCount()
    private var isClosed = false
    /// Nil: no limits.
    private var pace: RequestPace?
    /// Waits until its requests are paid.
    private var pacedWaiter: (any BlockRequestOwner)?
    /// When the next timer that counts is due; others that were set are late or early for nobody.
    private var timerDue: UInt64?

    init(
        log: VolumeLog, loop: EventLoop, sizeBytes: UInt64, isReadOnly: Bool, epoch: UInt64, snapshot: UInt32? = nil,
        limits: VolumeLimits = .none
    ) {
        self.log = log
        self.loop = loop
        self.isReadOnly = isReadOnly
        self.epoch = epoch
        self.snapshot = snapshot
        size = Atomic(sizeBytes)
        pace = RequestPace(limits, at: log.clock.now())
    }

    var sizeBytes: UInt64 { size.load(ordering: .acquiring) }

    func grow(to bytes: UInt64) {
        if bytes > sizeBytes { size.store(bytes, ordering: .releasing) }
    }

    func landingBuffer(waiter: any BlockRequestOwner) -> UnsafeMutableRawPointer? {
        if isClosed { return log.refused.base }
        if pace != nil, !isPaid(for: waiter) { return nil }
        return log.landing(waiter: waiter)
    }

    func submit(_ request: BlockRequest) {
        if isClosed { return request.owner.completed(request, result: EIO) }
        count.began(request)
        if pace != nil { charge(request) }
        log.submit(request, sizeBytes: sizeBytes, isReadOnly: isReadOnly, snapshot: snapshot)
    }

    // MARK: Limits

    /// Takes hold when this returns.
    func setLimits(_ limits: VolumeLimits) async {
        await withCheckedContinuation { continuation in
            loop.post { [self] in
                pace = RequestPace(limits, at: log.clock.now(), after: pace)
                wakePaced()
                continuation.resume()
            }
        }
    }

    private func charge(_ request: BlockRequest) {
        let hasBytes = request.operation == .read || request.operation == .write
        pace?.charge(bytes: hasBytes ? request.length : 0, at: log.clock.now())
    }

    /// False: the waiter is told when it is so.
    private func isPaid(for waiter: any BlockRequestOwner) -> Bool {
        guard let pace else { return true }
        let now = log.clock.now()
        if pace.isPaid(at: now) { return true }
        pacedWaiter = waiter
        setTimer(pace.wakeTime, now)
        return false
    }

    private static let timerNanosecondsMax: UInt64 = 1_000_000_000

    /// No timer is long, so that a device that is gone is soon let go of.
    private func setTimer(_ time: UInt64, _ now: UInt64) {
        let due = min(max(time, now), now + Self.timerNanosecondsMax)
        if let timerDue, timerDue <= due { return }
        timerDue = due
        loop.timer(nanoseconds: due - now, target: self, tag: due)
    }

    private func wakePaced() {
        guard let waiter = pacedWaiter else { return }
        pacedWaiter = nil
        waiter.roomAvailable()
    }

    // MARK: Life

    /// Requests come through this connection of the front end from now on.
    func setConnection(_ connection: UInt64) async {
        await withCheckedContinuation { continuation in
            loop.post { [self] in
                log.connection = connection
                continuation.resume()
            }
        }
    }

    /// Refuses what comes from now on, and makes durable what was answered. Again is fine.
    func close() async throws(Failure) {
        let result: Result<Void, Failure> = await withCheckedContinuation { continuation in
            loop.post { [self] in
                isClosed = true
                // What waits is refused now.
                wakePaced()
                log.drain { [self] _ in
                    count.whenZero { [self] in
                        continuation.resume(returning: log.failure.map { .failure($0) } ?? .success(()))
                    }
                }
            }
        }
        try result.get()
    }

    /// Referenced bytes, lost blocks, statistics: a view from the loop.
    func inspect() async -> (liveBytes: UInt64, lostBlocks: Int, unavailable: Bool, statistics: VolumeStatistics) {
        let log = log
        return await withCheckedContinuation { continuation in
            loop.post {
                let live = log.map.head.ownedBlocks + log.map.head.inheritedBlocks
                let unavailable = log.segments.values.contains { $0.liveBlocks > 0 && !$0.allAvailable }
                continuation.resume(
                    returning: (UInt64(live * blockBytes), log.lostBlocks, unavailable, log.statistics))
            }
        }
    }
}

extension VolumeDevice: IOTarget {
    /// A timer: it asks anew, since another may have come before it, or the limits changed.
    func ioCompleted(_ tag: UInt64, result: Int32) {
        if timerDue == tag { timerDue = nil }
        guard let waiter = pacedWaiter, isClosed || isPaid(for: waiter) else { return }
        wakePaced()
    }
}
