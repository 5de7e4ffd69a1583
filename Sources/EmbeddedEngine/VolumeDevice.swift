import Base
import BlockDevice
import Glibc
import Synchronization
import SystemIO

/// An open volume as front ends see it.
final class VolumeDevice: BlockDevice {
    static let requestBytesMax = WriteRing.requestBlocksMax * blockBytes

    let loop: EventLoop
    let isReadOnly: Bool
    let epoch: UInt64
    private let log: VolumeLog
    private let size: Atomic<UInt64>

    init(log: VolumeLog, loop: EventLoop, sizeBytes: UInt64, isReadOnly: Bool, epoch: UInt64) {
        self.log = log
        self.loop = loop
        self.isReadOnly = isReadOnly
        self.epoch = epoch
        size = Atomic(sizeBytes)
    }

    var sizeBytes: UInt64 { size.load(ordering: .acquiring) }

    func grow(to bytes: UInt64) {
        if bytes > sizeBytes { size.store(bytes, ordering: .releasing) }
    }

    func landingBuffer(waiter: any BlockRequestOwner) -> UnsafeMutableRawPointer? { log.landing(waiter: waiter) }

    func submit(_ request: BlockRequest) { log.submit(request, sizeBytes: sizeBytes, isReadOnly: isReadOnly) }

    /// Refuses what comes from now on, makes durable what was answered, and ends. Again is fine.
    func close() async throws(Failure) {
        let log = log
        let result: Result<Void, Failure> = await withCheckedContinuation { continuation in
            loop.post { log.close { continuation.resume(returning: $0) } }
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
