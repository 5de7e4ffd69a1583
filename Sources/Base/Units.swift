/// The unit of everything the engine addresses: 4 KiB.
public let blockBytes = 4096
public let blockShift: UInt64 = 12

extension UInt64 {
    /// The smallest multiple of `unit` (a power of two) that is not below self.
    @inlinable public func roundedUp(toMultipleOf unit: UInt64) -> UInt64 { (self + unit - 1) & ~(unit - 1) }
}

extension Int {
    /// The smallest multiple of `unit` (a power of two) that is not below self.
    @inlinable public func roundedUp(toMultipleOf unit: Int) -> Int { (self + unit - 1) & ~(unit - 1) }
}

/// Sizes as people write them: `4096`, `512Ki`, `2Gi`, `1.5Ti`, `10G` (powers of 1000), Kubernetes' own forms.
public enum ByteSize {
    private static let units: [(String, Double)] = [
        ("Ki", 1_024), ("Mi", 1_048_576), ("Gi", 1_073_741_824), ("Ti", 1_099_511_627_776),
        ("Pi", 1_125_899_906_842_624), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12), ("P", 1e15),
    ]

    /// Nil where `text` is not a size, is negative or does not fit.
    public static func parse(_ text: String) -> UInt64? {
        if let plain = UInt64(text) { return plain }
        for (suffix, factor) in units where text.hasSuffix(suffix) {
            let digits = text.dropLast(suffix.count)
            guard let value = Double(digits), value >= 0, value * factor < 9.2e18 else { return nil }
            return UInt64((value * factor).rounded())
        }
        return nil
    }

    /// `2.0 GiB`, for people.
    public static func text(_ bytes: UInt64) -> String {
        let names = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        var value = Double(bytes)
        var index = 0
        while value >= 1024, index < names.count - 1 {
            value /= 1024
            index += 1
        }
        if index == 0 { return "\(bytes) B" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(names[index])"
    }
}
