import Base
import Yams

/// Collects what is wrong, so that a person sees all of it at once.
final class Problems {
    private(set) var messages: [String] = []

    func add(_ path: String, _ node: Node?, _ message: String) {
        let line = node?.mark.map { " (line \($0.line))" } ?? ""
        messages.append("\(path.isEmpty ? "the file" : path)\(line): \(message)")
    }
}

/// A node of the file with the key path that leads to it. Every getter answers a usable value and adds what is wrong.
struct Reader {
    let node: Node?
    let path: String
    let problems: Problems

    var isPresent: Bool { node != nil && node?.null == nil }

    func problem(_ message: String) { problems.add(path, node, message) }

    /// The value under `key`, absent where there is none.
    func child(_ key: String) -> Reader {
        Reader(node: node?.mapping?[key], path: path.isEmpty ? key : "\(path).\(key)", problems: problems)
    }

    /// Refuses what is no mapping and every key that the section does not have.
    func checkKeys(_ section: Section) {
        guard isPresent else { return }
        guard let mapping = node?.mapping else {
            problem("must be a mapping with the keys \(section.keys.joined(separator: ", "))")
            return
        }
        for (key, _) in mapping {
            let name = key.string ?? "?"
            if section.keys.contains(name) { continue }
            problems.add(
                path.isEmpty ? name : "\(path).\(name)", key,
                "unknown key\(suggestion(name, section.keys)); known here: \(section.keys.joined(separator: ", "))")
        }
    }

    private func suggestion(_ name: String, _ known: [String]) -> String {
        let match = known.first { $0.lowercased() == name.lowercased().filter { $0 != "_" && $0 != "-" } }
        return match.map { ", did you mean '\($0)'?" } ?? ""
    }

    func text(default standard: String) -> String {
        guard isPresent else { return standard }
        guard let text = node?.scalar?.string, !text.isEmpty else {
            problem("must be a text")
            return standard
        }
        return text
    }

    func requiredText() -> String {
        guard isPresent else {
            problem("is missing; it has no default")
            return ""
        }
        return text(default: "")
    }

    /// Absolute and plain, so that it means the same to every process.
    func absolutePath(default standard: String? = nil) -> String {
        let text = standard.map { self.text(default: $0) } ?? requiredText()
        if text.isEmpty { return text }
        if !text.hasPrefix("/") || text.split(separator: "/").contains("..") {
            problem("'\(text)' must be an absolute path without '..'")
        }
        return text.count > 1 && text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    func bool(default standard: Bool) -> Bool {
        guard isPresent else { return standard }
        guard let value = node?.bool else {
            problem("'\(node?.scalar?.string ?? "?")' must be true or false")
            return standard
        }
        return value
    }

    /// Bytes, as `64Mi` or a plain number.
    func size(default standard: UInt64, in range: ClosedRange<UInt64>, multipleOf unit: UInt64) -> UInt64 {
        guard isPresent else { return standard }
        let text = node?.scalar?.string ?? "?"
        guard let bytes = ByteSize.parse(text) else {
            problem("'\(text)' is not a size; write a number with Ki, Mi, Gi or Ti, such as 64Mi")
            return standard
        }
        guard range.contains(bytes), bytes % unit == 0 else {
            problem(
                "'\(text)' must be from \(ByteSize.text(range.lowerBound)) to \(ByteSize.text(range.upperBound)) "
                    + "and a multiple of \(ByteSize.text(unit))")
            return standard
        }
        return bytes
    }

    func choice<T: RawRepresentable & CaseIterable>(default standard: T) -> T where T.RawValue == String {
        guard isPresent else { return standard }
        let text = node?.scalar?.string ?? "?"
        guard let value = T(rawValue: text) else {
            problem("'\(text)' must be one of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
            return standard
        }
        return value
    }

    func list() -> [Reader] {
        guard isPresent else { return [] }
        guard let sequence = node?.sequence else {
            problem("must be a list")
            return []
        }
        return sequence.enumerated().map { Reader(node: $1, path: "\(path)[\($0)]", problems: problems) }
    }
}
