import Base
import Glibc
import SystemIO

/// What a power loss does with everything that was not synced: see `volatile-drive`.
enum CutMode: String, CaseIterable, Sendable {
    case keep, lose, mixed
}

/// What makes things durable: synchronous writes, fsync of files, fsync of directories.
enum Sync: String, Sendable {
    case writes, files, names
}

/// The commands of a running `volatile-drive`.
struct VolatileDrives: Sendable {
    let socketPath: String

    func waitUntilReady() async throws {
        for _ in 0..<500 {
            if (try? await command("status")) != nil { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Failure(.timedOut, "volatile-drive does not answer")
    }

    /// Power is lost on all drives at one moment; everything on them answers EIO until `restore`. Returns what became of what was unsynced.
    @discardableResult
    func cut(_ mode: CutMode, seed: UInt64) async throws -> String { try await command("cut \(mode.rawValue) \(seed)") }

    /// Mounts them again, with what was durable; those of the numbers in `lost` are gone.
    func restore(losing lost: [Int] = []) async throws {
        try await command((["restore"] + lost.map { "\($0)" }).joined(separator: " "))
    }

    /// The planted faults: these syncs are answered and not done.
    func lie(_ syncs: [Sync]) async throws {
        try await command((["lie"] + syncs.map(\.rawValue)).joined(separator: " "))
    }

    /// Each request of these drives, by number, takes at least so long; the others are as fast as they can be.
    func slow(milliseconds: Int, _ numbers: some Sequence<Int>) async throws {
        try await command((["slow", "\(milliseconds)"] + numbers.map { "\($0)" }).joined(separator: " "))
    }

    @discardableResult
    private func command(_ words: String) async throws -> String {
        let path = socketPath
        let answer = try await offPool { try Self.exchange(path, words) }
        guard answer.hasPrefix("ok ") else { throw Failure(.internal, "volatile-drive \(words): \(answer)") }
        return String(answer.dropFirst(3))
    }

    private static func exchange(_ path: String, _ words: String) throws(Failure) -> String {
        let connection = FileDescriptor(
            owning: try systemCall("socket") { socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | 0o2000000, 0) })
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        try systemCall("cannot reach volatile-drive") {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(connection.number, $0, size) }
            }
        }
        try systemCall("send") { words.withCString { write(connection.number, $0, strlen($0)) } }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = try systemCall("receive") { read(connection.number, &bytes, bytes.count) }
        return String(decoding: bytes[0..<count], as: UTF8.self)
    }
}
