import Base
import Dispatch
import ErasureCoding
import Foundation
import Logging
import SegmentStore
import Synchronization
import SystemIO
import VolumeEngine

/// `.ashlar/catalogue` on every member: a copy of the control plane's catalogue.
///
///     ashlar-catalogue 1 <version> <pool> <CRC-32C of what follows the first line, 8 hexadecimal digits> <its length in bytes>\n
///     the catalogue, as the control plane gave it
///
/// Version rule: the number after `ashlar-catalogue`; a higher one is not read. Recovery rule: the file is replaced as a whole (temporary name,
/// fsync, rename, fsync of the directory). Of all members' copies the highest version whose checksum is right counts.
///
/// A copy is kept when p+1 members have it. One that does not get it (full, say) keeps its older one and stays a member.
final class CatalogueCopies: Sendable {
    static let path = ".ashlar/catalogue"
    private static let formatVersion = 1
    /// For the first line.
    private static let lineBytesMax = 256

    private let pool: Pool
    private let logger: Logger
    /// One copy at a time.
    private let serial = DispatchQueue(label: "catalogue.copies")
    /// The highest version on any member; nil until it was looked for.
    private let newest = Mutex<UInt64?>(nil)

    init(pool: Pool, logger: Logger) {
        self.pool = pool
        self.logger = logger
    }

    /// Blocking. Returns the new copy's version; `exhausted` or `unavailable` where fewer than `copiesMin` members (or all of them, if
    /// they are fewer) have it.
    func store(_ copy: [UInt8], copiesMin: Int) throws(Failure) -> UInt64 {
        let result: Result<UInt64, Failure> = serial.sync {
            do throws(Failure) { return .success(try write(copy, copiesMin: copiesMin)) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func write(_ copy: [UInt8], copiesMin: Int) throws(Failure) -> UInt64 {
        if let halted = pool.halted { throw halted }
        guard !copy.isEmpty, copy.count <= catalogueBytesMax else {
            throw Failure(.invalid, "a catalogue of \(copy.count) bytes is not kept: at most \(catalogueBytesMax)")
        }
        let members = pool.active
        let version = (newest.withLock { $0 } ?? Self.newestVersion(members)) + 1
        // Whether or not it gets anywhere: a version never stands for two copies.
        newest.withLock { $0 = version }
        let bytes = Self.encoded(copy, version: version, pool: pool.id)
        var failures: [Failure] = []
        for mountpath in members {
            do throws(Failure) { try mountpath.disk.replaceFile(Self.path, with: bytes) } catch {
                try? mountpath.disk.remove(Self.path + ".tmp")
                failures.append(Failure(nil, "\(mountpath.path) does not get a copy of the catalogue", cause: error))
            }
        }
        guard members.count - failures.count >= min(copiesMin, members.count), let first = failures.first else {
            if failures.isEmpty { return version }
            throw Failure(
                failures.allSatisfy { $0.kind == .exhausted } ? .exhausted : .unavailable,
                "\(failures.count) of \(members.count) mountpaths do not get a copy of the catalogue",
                cause: failures[0])
        }
        logger.warning("\(first); \(members.count - failures.count) others have it")
        return version
    }

    private static func newestVersion(_ members: [Mountpath]) -> UInt64 {
        members.compactMap { try? read(from: $0)?.version }.max() ?? 0
    }

    private static func encoded(_ copy: [UInt8], version: UInt64, pool: PoolID) -> [UInt8] {
        let sum = String(crc32c(copy), radix: 16)
        let padded = String(repeating: "0", count: 8 - sum.count) + sum
        return Array("ashlar-catalogue \(formatVersion) \(version) \(pool) \(padded) \(copy.count)\n".utf8) + copy
    }

    /// The member's copy; nil where it has none. `corrupt` where it cannot be believed, `unsupported` where it is of a newer format.
    static func read(from mountpath: Mountpath) throws(Failure) -> (version: UInt64, pool: PoolID, bytes: [UInt8])? {
        guard try mountpath.disk.exists(path) else { return nil }
        let place = "\(mountpath.path)/\(path)"
        let bytes = try mountpath.disk.readFile(path, bytesMax: catalogueBytesMax + lineBytesMax)
        guard let end = bytes.prefix(lineBytesMax).firstIndex(of: UInt8(ascii: "\n")) else {
            throw Failure(.corrupt, "\(place) is no copy of a catalogue")
        }
        let words = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ")
        guard words.count >= 2, words[0] == "ashlar-catalogue", let format = Int(words[1]) else {
            throw Failure(.corrupt, "\(place) is no copy of a catalogue")
        }
        guard format <= formatVersion else {
            throw Failure(.unsupported, "\(place) has format \(format): a newer ashlar wrote it")
        }
        guard words.count == 6, let version = UInt64(words[2]), let pool = PoolID(String(words[3])),
            let sum = UInt32(words[4], radix: 16), let count = Int(words[5])
        else { throw Failure(.corrupt, "\(place): its first line is not understood") }
        let copy = Array(bytes[(end + 1)...])
        guard copy.count == count, crc32c(copy) == sum else {
            throw Failure(.corrupt, "\(place): its checksum does not match")
        }
        return (version, pool, copy)
    }
}
