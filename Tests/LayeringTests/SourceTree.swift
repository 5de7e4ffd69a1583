import Foundation

/// One `import` line.
struct Import: Hashable {
    let module: String
    /// Path below the repository and line number.
    let place: String
}

/// The repository that this file is in.
enum SourceTree {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Names of the directories directly below `path`.
    static func directories(_ path: String) throws -> Set<String> {
        let found = try FileManager.default.contentsOfDirectory(
            at: root.appending(path: path), includingPropertiesForKeys: [.isDirectoryKey])
        return Set(
            try found.filter { try $0.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true }
                .map(\.lastPathComponent))
    }

    static func swiftFiles(_ path: String) throws -> [String] {
        let directory = root.appending(path: path)
        return try FileManager.default.subpathsOfDirectory(atPath: directory.path).filter { $0.hasSuffix(".swift") }
            .sorted().map { "\(path)/\($0)" }
    }

    static func imports(ofModule name: String) throws -> [Import] {
        try swiftFiles("Sources/\(name)").flatMap { try imports(in: text($0), path: $0) }
    }

    /// Every `import` statement of a Swift file: with attributes, an access level or a kind of declaration before the name,
    /// and several on a line.
    static func imports(in text: String, path: String) -> [Import] {
        let pattern =
            /^(?:@[A-Za-z_]+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?`?([A-Za-z_][A-Za-z0-9_]*)/
        var found: [Import] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            for statement in line.split(separator: ";") {
                let statement = statement.drop { $0 == " " || $0 == "\t" }
                if let match = statement.firstMatch(of: pattern) {
                    found.append(Import(module: String(match.1), place: "\(path):\(index + 1)"))
                }
            }
        }
        return found
    }
}

/// Package.swift as text: SwiftPM itself cannot be asked while it runs the tests.
struct Manifest {
    /// Dependencies of each target that is no test.
    let dependencies: [String: Set<String>]

    init(_ text: String) {
        let code = text.replacing(/(?m)(?:^|\s)\/\/.*$/, with: "")
        var products: [String: String] = [:]
        for match in code.matches(of: /let (\w+) = Target\.Dependency\.product\(name: "(\w+)"/) {
            products[String(match.1)] = String(match.2)
        }
        var found: [String: Set<String>] = [:]
        func add(_ name: Substring, _ list: Substring?) {
            let names = (list ?? "").split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
            found[String(name)] = Set(names.map { products[$0] ?? $0 })
        }
        for match in code.matches(of: /\bmodule\(\s*"(\w+)"\s*(?:,\s*\[([^\]]*)\])?/) { add(match.1, match.2) }
        for match in code.matches(
            of: /\.(?:target|executableTarget)\(\s*name: "(\w+)"\s*(?:,\s*dependencies:\s*\[([^\]]*)\])?/)
        { add(match.1, match.2) }
        dependencies = found
    }
}
