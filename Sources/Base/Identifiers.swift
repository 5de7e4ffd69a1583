/// 128 random bits, written as a UUID (RFC 4122, version 4), stored as two little-endian words.
public protocol UniqueID: Hashable, Sendable, Comparable, Codable, LosslessStringConvertible {
    var high: UInt64 { get }
    var low: UInt64 { get }
    init(high: UInt64, low: UInt64)
}

extension UniqueID {
    public static func random(_ random: inout some RandomNumberGenerator) -> Self {
        Self(
            high: (random.next() & ~0xF000) | 0x4000,
            low: (random.next() & ~(0b11 << 62)) | (0b10 << 62))
    }

    public static func random() -> Self {
        var generator = SystemRandomNumberGenerator()
        return random(&generator)
    }

    public init?(_ text: String) {
        var words: [UInt64] = [0, 0]
        var digits = 0
        for (index, byte) in text.utf8.enumerated() {
            if [8, 13, 18, 23].contains(index) {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let digit: UInt64
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
            guard digits < 32 else { return nil }
            words[digits / 16] = words[digits / 16] << 4 | digit
            digits += 1
        }
        guard digits == 32, text.utf8.count == 36 else { return nil }
        self.init(high: words[0], low: words[1])
    }

    public var description: String {
        var text = ""
        text.reserveCapacity(36)
        for index in 0..<32 {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            let word = index < 16 ? high : low
            text.append(hexadecimalDigits[Int(word >> UInt64(60 - index % 16 * 4) & 15)])
        }
        return text
    }

    public static func < (a: Self, b: Self) -> Bool { (a.high, a.low) < (b.high, b.low) }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = Self(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is not a UUID")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

private let hexadecimalDigits: [Character] = Array("0123456789abcdef")

public struct VolumeID: UniqueID {
    public let high: UInt64
    public let low: UInt64
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

public struct PoolID: UniqueID {
    public let high: UInt64
    public let low: UInt64
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

public struct MountpathID: UniqueID {
    public let high: UInt64
    public let low: UInt64
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

public struct SnapshotID: UniqueID {
    public let high: UInt64
    public let low: UInt64
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// Of snapshots that were taken together.
public struct CutID: UniqueID {
    public let high: UInt64
    public let low: UInt64
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}
