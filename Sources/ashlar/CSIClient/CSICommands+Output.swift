import ArgumentParser
import Base
import CSIMessages
import Foundation
import GRPCServer

/// How replies are printed.
package enum CSIOutput: String, ExpressibleByArgument, CaseIterable {
    /// `name: value` lines for people; a reply without fields is `ok`.
    case text
    /// protobuf's JSON names, integers as numbers; a failure is `{"error": {"code", "name", "message"}}`.
    case json

    /// For standard output.
    package func text(_ reply: some Message) -> String {
        switch self {
        case .text:
            let lines = textLines(reply.fields, indent: "")
            return lines.isEmpty ? "ok" : lines.joined(separator: "\n")
        case .json:
            return jsonText(.message(reply.fields), indent: "")
        }
    }

    /// For standard error.
    package func text(_ failure: GRPCStatus) -> String {
        switch self {
        case .text:
            return "Error: \(failure)"
        case .json:
            let error: [MessageField] = [
                MessageField("code", .integer(Int64(failure.code.rawValue))),
                MessageField("name", .string(failure.code.name)), MessageField("message", .string(failure.message)),
            ]
            return jsonText(.message([MessageField("error", .message(error))]), indent: "")
        }
    }
}

func writeToStandardError(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

/// Fields that are absent or empty are left out, but not numbers and flags.
private func textLines(_ fields: [MessageField], indent: String) -> [String] {
    fields.flatMap { field -> [String] in
        let prefix = "\(indent)\(field.name):"
        switch field.value {
        case .absent, .string(""), .list([]), .secret(count: 0): return []
        case .map(let entries):
            guard !entries.isEmpty else { return [] }
            return [prefix] + entries.sorted { $0.key < $1.key }.map { "\(indent)  \($0.key): \($0.value)" }
        case .message(let inner): return block(prefix, textLines(inner, indent: indent + "  "))
        case .list(let values): return [prefix] + values.flatMap { listLines($0, indent: indent + "  ") }
        case .integer(let number) where number >= 1024 && isBytes(field.name):
            return ["\(prefix) \(number) (\(ByteSize.text(UInt64(number))))"]
        case .bool, .integer, .unsigned, .string, .name, .secret: return ["\(prefix) \(scalar(field.value))"]
        }
    }
}

private func block(_ prefix: String, _ lines: [String]) -> [String] {
    lines.isEmpty ? [prefix + " {}"] : [prefix] + lines
}

private func listLines(_ value: MessageValue, indent: String) -> [String] {
    guard case .message(let fields) = value else { return ["\(indent)- \(scalar(value))"] }
    let lines = textLines(fields, indent: indent + "  ")
    guard let first = lines.first else { return [indent + "- {}"] }
    return ["\(indent)- \(first.dropFirst(indent.count + 2))"] + lines.dropFirst()
}

private func isBytes(_ name: String) -> Bool {
    name.hasSuffix("Bytes") || name.hasSuffix("Capacity") || name.hasSuffix("VolumeSize")
}

private func scalar(_ value: MessageValue) -> String {
    switch value {
    case .absent, .map, .message, .list: ""
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .unsigned(let value): "\(value)"
    case .string(let text), .name(let text): text
    case .secret(let count): "<\(count) redacted>"
    }
}

private func jsonText(_ value: MessageValue, indent: String) -> String {
    let inner = indent + "  "
    func wrap(_ open: String, _ parts: [String], _ close: String) -> String {
        parts.isEmpty
            ? open + close : "\(open)\n" + parts.map { inner + $0 }.joined(separator: ",\n") + "\n\(indent)\(close)"
    }
    switch value {
    case .absent: return "null"
    case .bool, .integer, .unsigned: return scalar(value)
    case .string(let text), .name(let text): return quoted(text)
    case .secret: return quoted(scalar(value))
    case .map(let entries):
        let parts = entries.sorted { $0.key < $1.key }.map { "\(quoted($0.key)): \(quoted($0.value))" }
        return wrap("{", parts, "}")
    case .message(let fields):
        return wrap("{", fields.map { "\(quoted($0.name)): \(jsonText($0.value, indent: inner))" }, "}")
    case .list(let values): return wrap("[", values.map { jsonText($0, indent: inner) }, "]")
    }
}

/// RFC 8259, section 7.
private func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": out += "\\\""
        case "\\": out += "\\\\"
        case "\n": out += "\\n"
        case "\t": out += "\\t"
        case "\r": out += "\\r"
        case _ where scalar.value < 0x20:
            let digits = String(scalar.value, radix: 16)
            out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: out.unicodeScalars.append(scalar)
        }
    }
    return out + "\""
}
