import Base
import CSIMessages

/// Values for property tests, the same for the same seed. Messages conform in generated code.
protocol Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self
}

extension String: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> String {
        let alphabet: [Character] = ["a", "Z", "0", "-", "/", " ", "\"", "\n", "ü", "☃", "🦀", "é"]
        return String(
            (0..<Int.random(in: 0...8, using: &random)).compactMap { _ in alphabet.randomElement(using: &random) })
    }
}

extension Bool: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Bool { Bool.random(using: &random) }
}

extension Int64: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Int64 {
        [0, 1, -1, .max, .min, Self.random(in: Self.min...Self.max, using: &random)].randomElement(using: &random) ?? 0
    }
}

extension Int32: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Int32 {
        [0, 1, -1, .max, .min, Self.random(in: Self.min...Self.max, using: &random)].randomElement(using: &random) ?? 0
    }
}

extension Optional: Arbitrary where Wrapped: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Wrapped? {
        Bool.random(using: &random) ? .arbitrary(&random) : nil
    }
}

extension Array: Arbitrary where Element: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> [Element] {
        (0..<Int.random(in: 0...3, using: &random)).map { _ in .arbitrary(&random) }
    }
}

extension Dictionary: Arbitrary where Key == String, Value == String {
    static func arbitrary(_ random: inout SeededRandom) -> [String: String] {
        var map: [String: String] = [:]
        for _ in 0..<Int.random(in: 0...4, using: &random) { map[.arbitrary(&random)] = .arbitrary(&random) }
        return map
    }
}

extension Arbitrary where Self: MessageEnum {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        // One in eight is of a later contract.
        if Int.random(in: 0..<8, using: &random) == 0 {
            return Self(rawValue: .random(in: 1_000 ... .max, using: &random))
        }
        return allCases.randomElement(using: &random) ?? Self(rawValue: 0)
    }
}

extension Timestamp: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Timestamp {
        Timestamp(seconds: .arbitrary(&random), nanos: .random(in: 0..<1_000_000_000, using: &random))
    }
}
