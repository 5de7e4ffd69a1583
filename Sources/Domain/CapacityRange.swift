import Base

/// A size that was asked for: both bounds always hold (CSI 1.13, CapacityRange). 0 means not given.
public struct CapacityRange: Sendable, Equatable {
    public var requiredBytes: UInt64
    public var limitBytes: UInt64

    public static let unspecified = CapacityRange(requiredBytes: 0, limitBytes: 0)

    /// A volume of which nothing is said.
    public static let defaultBytes: UInt64 = 1 << 30
    /// A raw block volume's smallest size.
    public static let smallestBlockBytes: UInt64 = 1 << 20
    /// Sizes are whole blocks.
    public static let unitBytes = UInt64(blockBytes)
    /// Far above any pool, far below where arithmetic on bytes could overflow.
    public static let largestBytes: UInt64 = 1 << 60

    public init(requiredBytes: UInt64, limitBytes: UInt64) {
        self.requiredBytes = requiredBytes
        self.limitBytes = limitBytes
    }

    /// From the wire's signed fields. `invalid` for negative numbers, `outOfRange` for a limit under the requirement.
    public init(wireRequired requiredBytes: Int64, limit limitBytes: Int64) throws(Failure) {
        guard requiredBytes >= 0, limitBytes >= 0 else {
            throw Failure(.invalid, "capacity_range: required_bytes and limit_bytes must not be negative")
        }
        guard limitBytes == 0 || requiredBytes <= limitBytes else {
            throw Failure(
                .outOfRange, "capacity_range: limit_bytes \(limitBytes) is below required_bytes \(requiredBytes)")
        }
        self.init(requiredBytes: UInt64(requiredBytes), limitBytes: UInt64(limitBytes))
    }

    public func allows(_ sizeBytes: UInt64) -> Bool {
        sizeBytes >= requiredBytes && (limitBytes == 0 || sizeBytes <= limitBytes)
    }

    /// The size of a copy of `sourceBytes`: as large as that at least, and `planned` only where a size was required. `outOfRange` where
    /// the limit forbids it.
    public func planCopy(of sourceBytes: UInt64, planned: UInt64) throws(Failure) -> UInt64 {
        let size = max(sourceBytes, requiredBytes == 0 ? 0 : planned)
        guard limitBytes == 0 || size <= limitBytes else {
            throw Failure(
                .outOfRange,
                "limit_bytes \(limitBytes) cannot be met: what is to be copied has \(sourceBytes) bytes; raise limit_bytes"
            )
        }
        return size
    }

    /// The size of a new volume: required, rounded up to whole blocks and to the smallest size of what it will carry.
    /// `outOfRange` where that passes the limit.
    public func plan(filesystem: FilesystemKind?) throws(Failure) -> UInt64 {
        guard requiredBytes <= Self.largestBytes else {
            throw Failure(
                .outOfRange, "\(requiredBytes) bytes asked for, at most \(Self.largestBytes) can be addressed")
        }
        let smallest = filesystem?.smallestBytes ?? Self.smallestBlockBytes
        var size = requiredBytes
        if size == 0 {
            size =
                limitBytes == 0
                ? Self.defaultBytes : min(Self.defaultBytes, limitBytes / Self.unitBytes * Self.unitBytes)
        }
        size = max(size.roundedUp(toMultipleOf: Self.unitBytes), smallest)
        guard limitBytes == 0 || size <= limitBytes else {
            throw Failure(
                .outOfRange,
                "limit_bytes \(limitBytes) cannot be met: the size would be \(size) bytes (whole blocks of \(Self.unitBytes), "
                    + "at least \(smallest) for \(filesystem?.rawValue ?? "a raw block volume")); raise limit_bytes")
        }
        return size
    }

    /// The size after an expansion of a volume that has `current` bytes: never smaller. `outOfRange` where the limit forbids it.
    public func planExpansion(from current: UInt64) throws(Failure) -> UInt64 {
        guard requiredBytes <= Self.largestBytes else {
            throw Failure(
                .outOfRange, "\(requiredBytes) bytes asked for, at most \(Self.largestBytes) can be addressed")
        }
        let size = max(requiredBytes.roundedUp(toMultipleOf: Self.unitBytes), current)
        guard limitBytes == 0 || size <= limitBytes else {
            throw Failure(
                .outOfRange,
                "limit_bytes \(limitBytes) cannot be met: the volume has \(current) bytes and would have \(size); "
                    + "volumes never shrink and grow by whole blocks of \(Self.unitBytes)")
        }
        return size
    }
}
