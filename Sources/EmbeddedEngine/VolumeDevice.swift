import Base
import BlockDevice
import Glibc
import Synchronization
import SystemIO

/// An open volume, or a snapshot of one, as front ends see it.
///
/// `@unchecked Sendable`: `isClosed` and `count` are touched on the loop only.
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

    init(
        log: VolumeLog, loop: EventLoop, sizeBytes: UInt64, isReadOnly: Bool, epoch: UInt64, snapshot: UInt32? = nil
    ) {
        self.log = log
        self.loop = loop
        self.isReadOnly = isReadOnly
        self.epoch = epoch
        self.snapshot = snapshot
        size = Atomic(sizeBytes)
    }

    var sizeBytes: UInt64 { size.load(ordering: .acquiring) }

    func grow(to bytes: UInt64) {
        if bytes > sizeBytes { size.store(bytes, ordering: .releasing) }
    }

    func landingBuffer(waiter: any BlockRequestOwner) -> UnsafeMutableRawPointer? {
        isClosed ? log.refused.base : log.landing(waiter: waiter)
    }

    func submit(_ request: BlockRequest) {
        if isClosed { return request.owner.completed(request, result: EIO) }
        count.began(request)
        log.submit(request, sizeBytes: sizeBytes, isReadOnly: isReadOnly, snapshot: snapshot)
    }

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
