import Base

/// How a group survives the loss of mountpaths. All three are Reed–Solomon k+p for the engine.
///
/// Written `single`, `replicated(3)`, `erasure(4,2)`.
public enum Protection: Sendable, Equatable, LosslessStringConvertible {
    case single
    /// Copies in all, 2 to 5.
    case replicated(Int)
    case erasure(data: Int, parity: Int)

    public static let copiesRange = 2...5
    public static let dataRange = 2...16
    public static let parityRange = 1...4

    public var dataColumns: Int {
        switch self {
        case .single, .replicated: 1
        case .erasure(let data, _): data
        }
    }

    public var parityColumns: Int {
        switch self {
        case .single: 0
        case .replicated(let copies): copies - 1
        case .erasure(_, let parity): parity
        }
    }

    public var description: String {
        switch self {
        case .single: "single"
        case .replicated(let copies): "replicated(\(copies))"
        case .erasure(let data, let parity): "erasure(\(data),\(parity))"
        }
    }

    /// Nil where `text` is none of the three forms or a number is outside its range. Blanks around numbers are fine.
    public init?(_ text: String) {
        let compact = text.filter { $0 != " " }
        if compact == "single" {
            self = .single
            return
        }
        guard compact.hasSuffix(")"), let open = compact.firstIndex(of: "(") else { return nil }
        let numbers = compact[compact.index(after: open)...].dropLast()
            .split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        switch (compact[..<open], numbers.count) {
        case ("replicated", 1):
            guard let copies = numbers[0], Self.copiesRange.contains(copies) else { return nil }
            self = .replicated(copies)
        case ("erasure", 2):
            guard let data = numbers[0], let parity = numbers[1], Self.dataRange.contains(data),
                Self.parityRange.contains(parity)
            else { return nil }
            self = .erasure(data: data, parity: parity)
        default: return nil
        }
    }

    /// For messages that refuse a value.
    public static let forms =
        "single, replicated(n) with n from 2 to 5, or erasure(k,p) with k from 2 to 16 and p from 1 to 4"
}
