/// Bytes [offset, offset + length) of a volume.
public struct ByteRange: Sendable, Equatable {
    public var offset: UInt64
    public var length: UInt64

    public init(offset: UInt64, length: UInt64) {
        self.offset = offset
        self.length = length
    }

    public var end: UInt64 { offset + length }
}

/// Bound on the ranges that `VolumeEngine.changedRanges` gives at once.
public let changedRangeCountMax = 4096
