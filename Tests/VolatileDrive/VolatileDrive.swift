import Base
import Glibc
import SystemIO

/// Drives that lose power on command, for tests: `volatile-drive SOCKET BYTES PATH…` mounts one filesystem of BYTES bytes, in memory,
/// at each PATH, and takes commands from the unix socket, one a connection:
///
///     cut keep|lose|mixed SEED   power goes, on all drives at one moment; everything answers EIO until
///     restore [NUMBER…]          mounts them again, with what was durable; the numbered ones, from 0, are gone
///     lie [writes|files|names…]  the planted faults: these syncs are answered and not done
///     slow MILLISECONDS NUMBER…  each request of these drives waits so long, one after another; of the others none does
///     status                     whether it is there
///
/// It answers `ok …` or `error …`. Being a process of its own, it lives on when what uses the drives is killed. When it ends its
/// mounts go.
@main struct VolatileDrive {
    static func main() {
        do throws(Failure) { try run(Array(CommandLine.arguments.dropFirst())) } catch {
            print("volatile-drive: \(error)")
            exit(1)
        }
    }

    private static func run(_ arguments: [String]) throws(Failure) {
        guard arguments.count >= 3, let bytes = Int(arguments[1]) else {
            throw Failure(.invalid, "usage: volatile-drive SOCKET BYTES PATH...")
        }
        signal(SIGPIPE, SIG_IGN)
        let servers = arguments.dropFirst(2).map { FuseServer(path: $0, drive: Drive(totalBytes: bytes)) }
        for server in servers { try server.mount() }
        try Control(servers: servers).serve(socket: arguments[0])
    }
}

/// Carries out commands, one after another, on the main thread.
struct Control {
    let servers: [FuseServer]

    func serve(socket path: String) throws(Failure) -> Never {
        let listener = try systemCall("socket") { socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Failure(.invalid, "\(path) is too long for a socket")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        unlink(path)
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        try systemCall("bind \(path)") {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) }
            }
        }
        try systemCall("listen") { listen(listener, 8) }
        while true {
            let connection = accept(listener, nil, nil)
            if connection < 0 { continue }
            var bytes = [UInt8](repeating: 0, count: 256)
            let count = max(0, read(connection, &bytes, bytes.count))
            let words = String(decoding: bytes[0..<count], as: UTF8.self).split { $0 == " " || $0 == "\n" }
            let answer: String
            do throws(Failure) { answer = "ok " + (try carryOut(words.map(String.init))) } catch {
                answer = "error \(error)"
            }
            _ = answer.withCString { write(connection, $0, strlen($0)) }
            close(connection)
        }
    }

    private func carryOut(_ words: [String]) throws(Failure) -> String {
        switch words.first {
        case "status": return ""
        case "cut":
            guard words.count == 3, let mode = CutMode(rawValue: words[1]), let seed = UInt64(words[2]) else { break }
            return try cut(mode, seed)
        case "restore":
            let lost = Set(words.dropFirst().compactMap { Int($0) })
            for server in servers { try server.unmount() }
            for (number, server) in servers.enumerated() where !lost.contains(number) { try server.mount() }
            return ""
        case "lie":
            let lies = Set(words.dropFirst().compactMap { Sync(rawValue: $0) })
            guard lies.count == words.count - 1 else { break }
            for server in servers { try server.withLock { () throws(Failure) in server.drive.lies = lies } }
            return ""
        case "slow":
            guard words.count >= 2, let milliseconds = UInt32(words[1]), milliseconds <= 1000 else { break }
            let slow = Set(words.dropFirst(2).compactMap { Int($0) })
            for (number, server) in servers.enumerated() {
                try server.withLock { () throws(Failure) in
                    server.delayMicroseconds = slow.contains(number) ? milliseconds * 1000 : 0
                }
            }
            return ""
        default: break
        }
        throw Failure(.invalid, "no such command: \(words.joined(separator: " "))")
    }

    /// At one moment for all: nothing is answered between the first drive's end and the last one's.
    private func cut(_ mode: CutMode, _ seed: UInt64) throws(Failure) -> String {
        var summary = CutSummary()
        try withLocks(servers[...]) {
            let unanswered = servers.map { $0.takeLastWrites() }
            for (index, server) in servers.enumerated() {
                var random = SeededRandom(seed: seed &+ UInt64(index) << 32)
                summary = summary + server.cut(mode, &random, refusing: unanswered[index])
            }
        }
        return
            "kept \(summary.keptBlocks) lost \(summary.lostBlocks) torn \(summary.tornBlocks) names \(summary.lostNames)"
    }

    private func withLocks(_ rest: ArraySlice<FuseServer>, _ body: () -> Void) throws(Failure) {
        guard let first = rest.first else { return body() }
        try first.withLock { () throws(Failure) in try withLocks(rest.dropFirst(), body) }
    }
}
