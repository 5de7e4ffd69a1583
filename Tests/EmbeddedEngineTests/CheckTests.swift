import Base
import BlockDeviceTestSupport
import EmbeddedEngine
import ErasureCoding
import Foundation
import Testing
import VolumeEngine

/// `ashlar fsck` on pools that are well and on pools that are not.
@Suite(.serialized) struct CheckTests {
    /// A volume with snapshots of which one is deleted, and a clone.
    private func used() async throws -> (TestPool, VolumeID) {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let (id, device) = try await pool.volume(64 << 20)
        var snapshots: [SnapshotID] = []
        for round in 0..<3 {
            for number in 0..<6 {
                try await device.write(pattern(UInt64(round * 10 + number), bytes: 300 << 10), at: UInt64(number) << 20)
            }
            snapshots.append(.random())
            _ = try await pool.engine.createSnapshot(snapshots[round], of: id)
        }
        try await pool.engine.deleteSnapshot(snapshots[1])
        let clone = VolumeID.random()
        _ = try await pool.engine.createVolume(
            clone, group: "g", sizeBytes: 64 << 20, annotation: "", content: .snapshot(snapshots[0]))
        try await pool.engine.raiseEpoch(clone, to: 1)
        let cloned = try await pool.open(clone)
        try await cloned.write(pattern(77, bytes: 1 << 20), at: 5 << 20)
        try await cloned.flush()
        await pool.stop()
        return (pool, id)
    }

    @Test func aPoolInUseIsClean() async throws {
        let (pool, id) = try await used()
        let report = try await pool.check()
        #expect(report.isClean, "\(report)")
        #expect(report.volumes.count == 2)
        let volume = try #require(report.volumes.first { $0.id == id })
        #expect(volume.snapshots == 2 && volume.recordsRead > 0 && volume.liveBlocks > 0)
        // Looking has changed nothing.
        try await pool.start()
        await pool.stop()
        #expect(try await pool.check().isClean)
    }

    private func spoil(_ pool: TestPool, _ isWanted: @escaping (String) -> Bool, at offset: UInt64) throws {
        let names = FileManager.default.enumerator(atPath: pool.directory)?.compactMap { $0 as? String } ?? []
        let path = try #require(names.sorted().first(where: isWanted))
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: "\(pool.directory)/\(path)"))
        try file.seek(toOffset: offset)
        try file.write(contentsOf: Data(repeating: 0x5A, count: 512))
        try file.close()
    }

    @Test func rottenDataIsFoundWhenDataIsRead() async throws {
        let (pool, id) = try await used()
        try spoil(pool, { $0.contains("/\(id)/%sg/") }, at: 3 * 4096)
        #expect(try await pool.check(readsData: false).isClean)
        let report = try await pool.check(readsData: true)
        #expect(!report.isClean)
    }

    @Test func aRottenCopyOfTheMapIsFound() async throws {
        let (pool, id) = try await used()
        // Every slot of one copy but the first, which is none.
        for slot in 1..<12 { try spoil(pool, { $0.contains("/\(id)/%mt/nodes") }, at: UInt64(slot * 4096)) }
        let report = try await pool.check(readsData: false)
        #expect(!report.isClean && "\(report)".contains("copies of map nodes are bad"), "\(report)")
        // It is read from the others.
        try await pool.start()
        let device = try await pool.open(id)
        #expect(try await device.read(at: 1 << 20, length: 300 << 10) == pattern(21, bytes: 300 << 10))
        await pool.stop()
    }

    @Test func aMissingSliceIsFound() async throws {
        let (pool, _) = try await used()
        let slice = try #require(pool.slices().first)
        try FileManager.default.removeItem(atPath: "\(pool.directory)/\(slice)")
        let report = try await pool.check(readsData: false)
        #expect(!report.isClean && "\(report)".contains("slices are missing"), "\(report)")
    }

    /// Where a checkpoint keeps a counter, and what fsck says of it when it is one more than it should be.
    enum Counter: CaseIterable, Sendable {
        case owned, inherited, snapshots, live, data, node

        var isInClone: Bool { self == .inherited }
        var text: String {
            switch self {
            case .owned: "are live"
            case .inherited: "are shared"
            case .snapshots: "are accounted"
            case .live: "live blocks"
            case .data: "blocks of data by its records"
            case .node: "taken, but in no tree"
            }
        }
    }

    @Test(arguments: Counter.allCases) func aWrongCounterIsFound(_ counter: Counter) async throws {
        let (pool, id) = try await used()
        var changed = 0
        let names = FileManager.default.enumerator(atPath: pool.directory)?.compactMap { $0 as? String } ?? []
        for name in names where name.contains("%mt/checkpoint.") && name.contains("/\(id)/") != counter.isInClone {
            let file = URL(fileURLWithPath: "\(pool.directory)/\(name)")
            var frames = CheckpointFile([UInt8](try Data(contentsOf: file)))
            try frames.increment(counter)
            try Data(frames.bytes).write(to: file)
            changed += 1
        }
        #expect(changed == 3)
        let report = try await pool.check(readsData: true)
        #expect(!report.isClean && "\(report.volumes)".contains(counter.text), "\(report)")
    }
}

/// The frames of a generation, to spoil the last one that has what is wanted: see `CheckpointFrame`. Its checksums are made right again.
private struct CheckpointFile {
    private(set) var bytes: [UInt8]
    private var frames: [Int] = []

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var next = 0
        while next < bytes.count, get(next + 8, 2) == 2 {
            frames.append(next)
            next += 4096 * (1 + get(next + 140, 4))
        }
    }

    /// The table that has the counter; nil: it is in every frame.
    private func table(of counter: CheckTests.Counter) -> Int? {
        switch counter {
        case .owned, .inherited: nil
        case .live, .data: 1
        case .snapshots: 3
        case .node: 4
        }
    }

    private func get(_ offset: Int, _ count: Int) -> Int {
        bytes[offset..<(offset + count)].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private mutating func put(_ value: Int, _ offset: Int, _ count: Int) {
        for index in 0..<count { bytes[offset + index] = UInt8(value >> (8 * index) & 255) }
    }

    mutating func increment(_ counter: CheckTests.Counter) throws {
        let table = table(of: counter)
        let frame = try #require(frames.last { frame in table.map { get(frame + 120 + 4 * $0, 4) > 0 } ?? true })
        let counts = (0..<5).map { get(frame + 120 + 4 * $0, 4) }
        let states = frame + 4096 + counts[0] * 272
        let elements = states + counts[1] * 32 + counts[2] * 4
        let tables = elements + counts[3] * 104 + counts[4] * 4
        let slots = (tables - frame + 4095) / 4096 * 4096 + frame
        switch counter {
        case .owned: increase(frame + 152 + 72)
        case .inherited: increase(frame + 152 + 80)
        case .snapshots: increase(elements + 72)
        case .live: increase(states + 4)
        case .data: increase(states + 24)
        case .node: bytes[slots + 200] |= 1
        }
        let payload = frame + 4096
        put(checksum(payload, 4096 * get(frame + 140, 4)), frame + 144, 4)
        put(checksum(frame, 4092), frame + 4092, 4)
    }

    private mutating func increase(_ offset: Int) { put(get(offset, 4) + 1, offset, 4) }

    private func checksum(_ offset: Int, _ count: Int) -> Int { Int(crc32c(bytes[offset..<(offset + count)])) }
}
