import Base
import CCSI

/// google.protobuf.Timestamp: a moment in UTC.
public struct Timestamp: Message {
    /// Since 1970-01-01T00:00:00Z.
    public var seconds: Int64
    /// 0 to 999,999,999, always forward in time.
    public var nanos: Int32

    public init(seconds: Int64 = 0, nanos: Int32 = 0) {
        self.seconds = seconds
        self.nanos = nanos
    }

    public static var messageName: String { "google.protobuf.Timestamp" }

    public init(decoding bytes: [UInt8]) throws(Failure) { self = try decode(bytes) }
    public func encoded() -> [UInt8] { encode(self) }

    public var fields: [MessageField] {
        [MessageField("seconds", .integer(seconds)), MessageField("nanos", .integer(Int64(nanos)))]
    }

    /// RFC 3339, `2026-01-02T03:04:05Z`, with nine decimals where there is a fraction.
    public var description: String {
        let (days, second) = seconds.quotientAndFloor(86_400)
        let (year, month, day) = civilDate(daysSinceEpoch: days)
        let fraction = nanos == 0 ? "" : "." + padded(Int64(nanos), 9)
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        return
            "\(date)T\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))\(fraction)Z"
    }
}

extension Timestamp: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Google__Protobuf__Timestamp>?) {
        google__protobuf__timestamp__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Google__Protobuf__Timestamp>) throws(Failure) {
        self.init(seconds: c.pointee.seconds, nanos: c.pointee.nanos)
    }

    package func fill(_ c: UnsafeMutablePointer<Google__Protobuf__Timestamp>, _ arena: Arena) {
        c.pointee.seconds = seconds
        c.pointee.nanos = nanos
    }
}

extension Int64 {
    fileprivate func quotientAndFloor(_ divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

private func padded(_ number: Int64, _ digits: Int) -> String {
    let text = "\(number.magnitude)"
    return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, digits - text.count)) + text
}

/// The proleptic Gregorian date: years are counted from March of year 0 in eras of 400 years (146,097 days),
/// so that the leap day comes last.
private func civilDate(daysSinceEpoch: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = (daysSinceEpoch + 719_468).quotientAndFloor(146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
}
