import Base

/// Fixed-width little-endian fields at byte offsets of a buffer. The offsets are the constants of the formats' diagrams.
extension UnsafeMutableRawPointer {
    @inlinable public func put<T: FixedWidthInteger>(_ value: T, at offset: Int) {
        storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }
}

extension UnsafeRawPointer {
    @inlinable public func get<T: FixedWidthInteger>(_ type: T.Type = T.self, at offset: Int) -> T {
        T(littleEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}
