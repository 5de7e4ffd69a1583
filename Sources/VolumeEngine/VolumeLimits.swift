import Base

/// How much I/O a volume's device takes. Where a limit is reached requests wait; none fails.
///
/// A request is a read or write of up to 1 MiB as the engine gets it from the kernel, a flush, a discard or a zeroing; only reads and
/// writes have bytes. What the engine does for the volume by itself (parity, garbage collection, rebuilding) does not count.
public struct VolumeLimits: Sendable, Codable, Equatable {
    /// Requests a second, at least 1. Nil: unlimited.
    public var iops: UInt64?
    /// Bytes a second of reads and writes together, at least `bandwidthMin`. Nil: unlimited.
    public var bandwidth: UInt64?
    /// Requests that may be done at once above the rate, at least 1. Nil: a tenth of a second's worth.
    public var iopsBurst: UInt64?
    /// Bytes that may be done at once above the rate, at least 1. Nil: a tenth of a second's worth, at least 1 MiB.
    public var bandwidthBurst: UInt64?

    public static let none = VolumeLimits()

    /// The largest request then takes a second: so long a device that is to go may be in debt.
    public static let bandwidthMin: UInt64 = 1 << 20

    public init(
        iops: UInt64? = nil, bandwidth: UInt64? = nil, iopsBurst: UInt64? = nil, bandwidthBurst: UInt64? = nil
    ) {
        self.iops = iops
        self.bandwidth = bandwidth
        self.iopsBurst = iopsBurst
        self.bandwidthBurst = bandwidthBurst
    }

    /// Nothing is limited.
    public var isNone: Bool { iops == nil && bandwidth == nil }

    /// `invalid` where a rate is too small, or a burst is 0 or of no rate.
    public func validate() throws(Failure) {
        if let iops, iops == 0 {
            throw Failure(.invalid, "a limit of 0 requests a second is none that a volume can have")
        }
        if let bandwidth, bandwidth < Self.bandwidthMin {
            throw Failure(
                .invalid, "a limit of \(bandwidth) bytes a second is too small: at least \(Self.bandwidthMin)")
        }
        if iopsBurst != nil, iops == nil { throw Failure(.invalid, "a burst of requests needs a limit of requests") }
        if bandwidthBurst != nil, bandwidth == nil {
            throw Failure(.invalid, "a burst of bytes needs a limit of bytes")
        }
        if iopsBurst == 0 || bandwidthBurst == 0 { throw Failure(.invalid, "a burst is at least 1") }
    }
}
