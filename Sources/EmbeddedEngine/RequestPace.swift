import VolumeEngine

/// Keeps a volume's requests within its limits: two token buckets, of requests and of bytes, kept as times.
///
/// Each request moves the time until which its bucket is paid by what it costs at the rate; the next may be taken once both times have come. So one request
/// of any size may always go into debt, and what follows waits for it. A time never lies further back than the burst is worth:
/// that is the credit of a volume that did nothing. Times are nanoseconds of the engine's clock.
package struct RequestPace: Sendable {
    private struct Bucket {
        /// A second.
        var rate: UInt64
        /// What may be done at once above the rate, as time at the rate.
        var credit: UInt64
        var paidUntil: UInt64 = 0

        init?(rate: UInt64?, burst: UInt64?, burstMin: UInt64) {
            guard let rate, rate > 0 else { return nil }
            self.rate = rate
            let units = burst ?? max(rate / RequestPace.burstsASecond, burstMin)
            // 106 bits at most; a day's worth is as good as any more.
            let (high, low) = units.multipliedFullWidth(by: RequestPace.second)
            let time = high >= rate ? RequestPace.creditMax : rate.dividingFullWidth((high, low)).quotient
            credit = min(max(time, RequestPace.creditMin), RequestPace.creditMax)
        }

        mutating func charge(_ units: UInt64, at now: UInt64) {
            let cost = units * RequestPace.second / rate
            paidUntil = max(paidUntil, now > credit ? now - credit : 0) + cost
        }
    }

    private static let second: UInt64 = 1_000_000_000
    private static let burstsASecond: UInt64 = 10
    private static let bandwidthBurstMin: UInt64 = 1 << 20
    private static let creditMax: UInt64 = 86400 * second
    /// A loop that is busy looks late; what it is late by is not lost.
    private static let creditMin: UInt64 = 10_000_000
    /// Who waits is woken so much later than the first request is paid, and finds several at high rates: each wake-up costs as much as a request.
    private static let lateness: UInt64 = 500_000

    private let limits: VolumeLimits
    private var requests: Bucket?
    private var bytes: Bucket?

    /// Nil where nothing is limited. `before`: what the volume had until now. Its debt is forgiven, what it has not used stays, as far as it
    /// fits; a volume that had no limits begins with all its credit, as one that was just opened.
    package init?(_ limits: VolumeLimits, at now: UInt64, after before: RequestPace? = nil) {
        if limits.isNone { return nil }
        if let before, before.limits == limits {
            self = before
            return
        }
        self.limits = limits
        requests = Bucket(rate: limits.iops, burst: limits.iopsBurst, burstMin: 1)
        bytes = Bucket(rate: limits.bandwidth, burst: limits.bandwidthBurst, burstMin: Self.bandwidthBurstMin)
        requests?.paidUntil = min(before?.requests?.paidUntil ?? 0, now)
        bytes?.paidUntil = min(before?.bytes?.paidUntil ?? 0, now)
    }

    /// When everything that was charged is paid.
    private var paidUntil: UInt64 { max(requests?.paidUntil ?? 0, bytes?.paidUntil ?? 0) }

    package func isPaid(at now: UInt64) -> Bool { paidUntil <= now }

    /// When who waits is to look again.
    package var wakeTime: UInt64 { paidUntil + Self.lateness }

    /// One request, of at most 2^32 bytes.
    package mutating func charge(bytes length: Int, at now: UInt64) {
        requests?.charge(1, at: now)
        if length > 0 { bytes?.charge(UInt64(length), at: now) }
    }
}
