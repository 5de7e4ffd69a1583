import Base
import Foundation
import GRDB

/// Columns as typed values; a value that this version cannot read is `corrupt`, never a default.
extension Row {
    func value<T>(_ column: String, _ parse: (String) -> T?) throws -> T {
        let text: String = self[column]
        guard let value = parse(text) else {
            throw Failure(.corrupt, "catalogue: column \(column) has the unknown value '\(text)'")
        }
        return value
    }

    func id<ID: UniqueID>(_ column: String) throws -> ID { try value(column) { ID($0) } }

    func bytes(_ column: String) throws -> UInt64 {
        let number: Int64 = self[column]
        guard number >= 0 else { throw Failure(.corrupt, "catalogue: column \(column) has the value \(number)") }
        return UInt64(number)
    }

    func json<T: Decodable>(_ column: String) throws -> T {
        let text: String = self[column]
        do { return try JSONDecoder().decode(T.self, from: Data(text.utf8)) } catch {
            throw Failure(.corrupt, "catalogue: column \(column) cannot be read: \(error)")
        }
    }
}

func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}
