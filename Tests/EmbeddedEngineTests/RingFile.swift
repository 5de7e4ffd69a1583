import Base
import EmbeddedEngine
import ErasureCoding
import Foundation
import SystemIO

/// The file of a volume's ring, to be looked at and changed while no engine has it.
final class RingFile {
    private let memory: MappedFile
    private let path: String
    let view: RingView

    init?(_ pool: TestPool, _ volume: VolumeID) throws {
        path = RingFile.path(pool, volume)
        memory = try MappedFile(opening: path)
        guard let view = RingView(memory) else { return nil }
        self.view = view
    }

    static func path(_ pool: TestPool, _ volume: VolumeID) -> String { "\(pool.directory)/rings/\(volume)" }

    static func exists(_ pool: TestPool, _ volume: VolumeID) -> Bool {
        FileManager.default.fileExists(atPath: path(pool, volume))
    }

    static func names(_ pool: TestPool) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(pool.directory)/rings")
    }

    /// Names in the directory that say that a ring was set aside.
    static func aside(_ pool: TestPool) throws -> [String] { try names(pool).filter { $0.contains(".aside-") } }

    func flip(_ byte: Int) {
        let old = memory.base.load(fromByteOffset: byte, as: UInt8.self)
        memory.base.storeBytes(of: old ^ 1, toByteOffset: byte, as: UInt8.self)
    }

    func put(_ value: UInt64, at offset: Int) {
        memory.base.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
    }

    /// The last use of it: what is behind is no memory any more.
    func cut(to bytes: Int) { truncate(path, off_t(bytes)) }

    // MARK: Tails

    /// Of places that are in use.
    var tails: [(segment: UInt32, tail: UInt32, start: UInt64)] {
        stride(from: RingView.tails.lowerBound, to: RingView.tails.upperBound, by: 16).compactMap { place in
            let value = memory.base.load(fromByteOffset: place, as: UInt64.self)
            let check = memory.base.load(fromByteOffset: place + 8, as: UInt64.self)
            return value == 0 ? nil : (UInt32(value >> 32), UInt32(truncatingIfNeeded: value), check ^ ~value)
        }
    }

    func putTail(of segment: UInt32, _ tail: UInt32, start: UInt64, isTorn: Bool) {
        let place = RingView.tails.lowerBound + Int(segment) % 64 * 16
        let value = UInt64(segment) << 32 | UInt64(tail)
        put(value, at: place)
        if !isTorn { put(~value ^ start, at: place + 8) }
    }

    func clearTails() { for place in RingView.tails where place % 8 == 0 { put(0, at: place) } }

    /// After a change of the header on purpose: its checksum is right again.
    func sealHeader() {
        memory.base.storeBytes(of: crc32c(memory.base, bytes: 124), toByteOffset: 124, as: UInt32.self)
    }

    /// The last entry was not admitted yet.
    func forgetLast() {
        let admitted = view.admitted
        put(admitted - 1, at: RingView.admittedOffset)
        put(~(admitted - 1), at: RingView.complementOffset)
    }
}
