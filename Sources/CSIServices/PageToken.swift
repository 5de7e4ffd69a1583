import Base

/// Where a list goes on: what a page ended with, and the list's own word, so that no other list's token passes.
enum PageToken {
    static let entriesMax = 1_000

    /// How many entries a page may have; 0 asked for leaves it to us. `invalid` for a negative number.
    static func limit(_ asked: Int32) throws(Failure) -> Int {
        guard asked >= 0 else { throw Failure(.invalid, "max_entries must not be negative") }
        return asked == 0 ? entriesMax : min(Int(asked), entriesMax)
    }

    static func encode(_ list: String, _ last: some CustomStringConvertible) -> String { "\(list)-\(last)" }

    /// Nil: from the beginning. CSI 1.13 wants ABORTED for a token that is none.
    static func decode<Last>(
        _ list: String, _ token: String, _ parse: (String) -> Last?
    ) throws(Failure) -> Last? {
        if token.isEmpty { return nil }
        guard token.hasPrefix("\(list)-"), let last = parse(String(token.dropFirst(list.utf8.count + 1))) else {
            throw Failure(.busy, "starting_token is none that this list answered; begin without one")
        }
        return last
    }

    /// A place in the order in which things came; 0 before the first.
    static func number(_ list: String, _ token: String) throws(Failure) -> Int64 {
        try decode(list, token) { text in Int64(text).flatMap { $0 > 0 ? $0 : nil } } ?? 0
    }
}
