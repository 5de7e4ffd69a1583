import Base
import ErasureCoding
import Foundation
import SystemIO

/// Who belongs to the pool. Every change makes a new version.
struct PoolDescription: Codable, Equatable, Sendable {
    struct Member: Codable, Equatable, Sendable {
        enum State: String, Codable, Sendable {
            case active
            /// Writes were acknowledged without it: what it holds is never believed again.
            case out
        }
        var id: MountpathID
        var path: String
        var media: String
        var state: State
        var reason: String
    }
    var pool: PoolID
    var version: UInt64
    var members: [Member]
}

/// `.ashlar/pool.json` on every mountpath, and the ledger's copy in the state directory.
///
///     ashlar-pool 1 <CRC-32C of what follows the first line, 8 hexadecimal digits> <its length in bytes>\n
///     { "mountpath": its own id (absent in the ledger), "description": { "pool", "version", "members": [...] } }
///
/// Version rule: the number after `ashlar-pool`; a higher one is refused, since what it means for the data is not known.
/// Recovery rule: the file is replaced as a whole (temporary name, fsync, rename, fsync of the directory). The newest valid version wins.
struct PoolFile: Codable, Sendable {
    static let path = ".ashlar/pool.json"
    static let bytesMax = 1 << 20
    static let formatVersion = 1

    var mountpath: MountpathID?
    var description: PoolDescription

    func encoded() throws(Failure) -> [UInt8] {
        let body = try canonicalJSON(self)
        let sum = String(crc32c(body), radix: 16)
        let padded = String(repeating: "0", count: 8 - sum.count) + sum
        return Array("ashlar-pool \(Self.formatVersion) \(padded) \(body.count)\n".utf8) + body
    }

    /// `corrupt` or `unsupported` (a newer version); `place` is for the message.
    init(decoding bytes: [UInt8], place: String) throws(Failure) {
        let damaged =
            "\(place) is corrupt: the pool file's %@; if the drive is lost, set pool.acceptMissing to start without it"
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
            throw Failure(.corrupt, damaged.replacing("%@", with: "first line is missing"))
        }
        let words = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ")
        guard words.count == 4, words[0] == "ashlar-pool", let version = Int(words[1]),
            let sum = UInt32(words[2], radix: 16), let count = Int(words[3])
        else { throw Failure(.corrupt, damaged.replacing("%@", with: "first line is not understood")) }
        guard version <= Self.formatVersion else {
            throw Failure(
                .unsupported,
                "\(place) has pool format \(version), this ashlar knows up to \(Self.formatVersion): start a version that is at least as new as the one that wrote it"
            )
        }
        let body = Array(bytes[(end + 1)...])
        guard body.count == count, crc32c(body) == sum else {
            throw Failure(.corrupt, damaged.replacing("%@", with: "checksum does not match"))
        }
        do { self = try JSONDecoder().decode(PoolFile.self, from: Data(body)) } catch {
            throw Failure(.corrupt, damaged.replacing("%@", with: "content is not understood"))
        }
    }

    init(mountpath: MountpathID?, description: PoolDescription) {
        self.mountpath = mountpath
        self.description = description
    }

    /// Nil where there is none.
    static func read(from disk: any Disk, place: String) throws(Failure) -> PoolFile? {
        guard try disk.exists(path) else { return nil }
        return try PoolFile(decoding: try disk.readFile(path, bytesMax: bytesMax), place: "\(place)/\(path)")
    }

    func write(to disk: any Disk) throws(Failure) {
        try disk.createDirectories(".ashlar")
        try disk.replaceFile(Self.path, with: try encoded())
    }
}

func canonicalJSON(_ value: some Encodable) throws(Failure) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do { return Array(try encoder.encode(value)) } catch {
        throw Failure(.internal, "cannot encode \(type(of: value)): \(error)")
    }
}
