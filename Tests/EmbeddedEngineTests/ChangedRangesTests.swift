import Base
import BlockDevice
import BlockDeviceTestSupport
import EmbeddedEngine
import Foundation
import Synchronization
import Testing
import VolumeEngine

/// Changed ranges through the engine's port, beside what a naive model says.
@Suite(.serialized) struct ChangedRangesTests {
    /// What each block was last written with; 0: nothing, or discarded. Snapshots are copies of it.
    private final class Model {
        let pool: TestPool
        let id: VolumeID
        var device: BlockDeviceClient
        var content: [UInt32]
        var snapshots: [(id: SnapshotID, content: [UInt32])] = []
        private var random: SeededRandom
        private var version: UInt32 = 0

        /// A volume of so many blocks, written in its first and last part and in one in the middle, so that the map has levels.
        init(_ pool: TestPool, blocks: Int, seed: UInt64) async throws {
            self.pool = pool
            (id, device) = try await pool.volume(UInt64(blocks * blockBytes))
            content = Array(repeating: 0, count: blocks)
            random = SeededRandom(seed: seed)
        }

        /// A place in one of three parts of 300 blocks.
        private func place(_ count: Int) -> Int {
            let part = [0, content.count / 2 - 150, content.count - 300].randomElement(using: &random) ?? 0
            return part + Int.random(in: 0...(300 - count), using: &random)
        }

        func write(first: Int? = nil, count given: Int? = nil) async throws {
            let count = given ?? Int.random(in: 1...20, using: &random)
            let first = first ?? place(count)
            version += 1
            for index in first..<(first + count) { content[index] = version }
            let seed = UInt64(version)
            try await device.write(pattern(seed, bytes: count * blockBytes), at: UInt64(first * blockBytes))
        }

        func discard(first: Int? = nil, count given: Int? = nil) async throws {
            let count = given ?? Int.random(in: 1...60, using: &random)
            let first = first ?? place(count)
            for index in first..<(first + count) { content[index] = 0 }
            try await device.discard(at: UInt64(first * blockBytes), length: count * blockBytes)
        }

        func change(_ count: Int) async throws {
            for _ in 0..<count {
                if Int.random(in: 0..<4, using: &random) == 0 { try await discard() } else { try await write() }
            }
        }

        func snapshot() async throws {
            let snapshot = SnapshotID.random()
            _ = try await pool.engine.createSnapshot(snapshot, of: id)
            snapshots.append((snapshot, content))
        }

        func rollBack(to index: Int) async throws {
            try await pool.engine.closeVolume(id)
            _ = try await pool.engine.rollBackVolume(id, to: snapshots[index].id)
            content = snapshots[index].content
            device = try await pool.open(id)
        }

        func grow(to blocks: Int) async throws {
            _ = try await pool.engine.resizeVolume(id, to: UInt64(blocks * blockBytes))
            content += Array(repeating: 0, count: blocks - content.count)
        }

        /// What is told of each pair of snapshots is what differs, or more.
        func check(_ what: String) async throws -> [[ByteRange]] {
            var all: [[ByteRange]] = []
            for (index, target) in snapshots.enumerated() {
                let allocated = try await told(pool.engine, target.id)
                expect(allocated, covers: target.content, nil, "\(what), all of \(index)")
                #expect(
                    bytes(allocated) == target.content.count { $0 != 0 } * blockBytes,
                    "\(what): what is mapped, no more")
                all.append(allocated)
                for (older, base) in snapshots[..<index].enumerated() {
                    let changed = try await told(pool.engine, target.id, since: base.id)
                    expect(changed, covers: target.content, base.content, "\(what), \(index) since \(older)")
                    all.append(changed)
                    // From anywhere: the rest of the same list.
                    let offset = UInt64(Int.random(in: 0...(target.content.count * blockBytes), using: &random))
                    let rest = try await told(pool.engine, target.id, since: base.id, from: offset)
                    #expect(rest == cut(changed, from: offset), "\(what), \(index) since \(older) from \(offset)")
                }
            }
            return all
        }

        private func expect(_ ranges: [ByteRange], covers new: [UInt32], _ old: [UInt32]?, _ what: String) {
            var isTold = [Bool](repeating: false, count: new.count)
            var end: UInt64 = 0
            for (number, range) in ranges.enumerated() {
                #expect(
                    range.length > 0 && (number == 0 || range.offset > end), "\(what): in order, none touches the next")
                end = range.end
                for index in (Int(range.offset) / blockBytes)..<(Int(range.end) / blockBytes) { isTold[index] = true }
            }
            #expect(end <= UInt64(new.count * blockBytes))
            let before = (old ?? []) + Array(repeating: 0, count: new.count - (old?.count ?? 0))
            let missing = new.indices.filter { new[$0] != before[$0] && !isTold[$0] }
            #expect(missing.isEmpty, "\(what): blocks \(missing.prefix(5)) differ and are not told")
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func whatDiffersIsTold(_ seed: UInt64) async throws {
        let pool = try await TestPool(mountpaths: 3, k: 2, p: 1, sliceBytes: 4 << 20)
        // Three levels of branches in a volume of 512 MiB.
        let model = try await Model(pool, blocks: 131_072, seed: seed)
        for _ in 0..<4 {
            try await model.change(40)
            try await model.snapshot()
        }
        _ = try await model.check("a line of snapshots")
        // Nothing but what was touched between two neighbours, where no rollback is between them.
        try await model.write(first: 7, count: 2)
        try await model.discard(first: 100, count: 3)
        try await model.write(first: 100, count: 1)
        try await model.snapshot()
        let (last, before) = (model.snapshots[4].id, model.snapshots[3].id)
        let few = try await told(pool.engine, last, since: before)
        #expect(bytes(few) <= 5 * blockBytes && few.allSatisfy { $0.end <= UInt64(103 * blockBytes) })
        try await model.rollBack(to: 1)
        try await model.change(40)
        try await model.snapshot()
        try await model.rollBack(to: 4)
        try await model.change(10)
        try await model.snapshot()
        try await model.grow(to: 140_000)
        try await model.change(40)
        try await model.write(first: 139_990, count: 10)
        try await model.snapshot()
        let at = try await model.check("across rollbacks and growth")
        try await model.device.flush()
        try await pool.restart()
        #expect(try await model.check("after a restart").count == at.count)
        // Snapshots go; those between which they were are compared all the same.
        for index in [5, 2, 0] {
            try await pool.engine.deleteSnapshot(model.snapshots.remove(at: index).id)
            _ = try await model.check("without \(index)")
        }
        try await Task.sleep(for: .milliseconds(300))
        _ = try await model.check("when they are freed")
        await pool.stop()
    }

    /// The base's image with the target's bytes where something is told is the target's image; a clone's too, which has its origin's blocks.
    @Test func theTargetIsMadeOfTheBase() async throws {
        let pool = try await TestPool(mountpaths: 3, k: 2, p: 1)
        let model = try await Model(pool, blocks: 2048, seed: 9)
        try await model.change(60)
        try await model.snapshot()
        let clone = VolumeID.random()
        _ = try await pool.engine.createVolume(
            clone, group: "g", sizeBytes: 2048 * 4096, annotation: "", content: .snapshot(model.snapshots[0].id))
        try await pool.engine.raiseEpoch(clone, to: 1)
        let cloned = try await pool.open(clone)
        var pairs: [(volume: VolumeID, device: BlockDeviceClient)] = [(model.id, model.device), (clone, cloned)]
        pairs.swapAt(0, 1)
        for (volume, device) in pairs {
            let snapshots = [SnapshotID.random(), .random()]
            _ = try await pool.engine.createSnapshot(snapshots[0], of: volume)
            for number in 0..<40 {
                let offset = UInt64(number * 37 % 2000 * 4096)
                try await device.write(pattern(UInt64(number), bytes: 8192), at: offset)
                if number % 3 == 0 { try await device.discard(at: offset + 4096, length: 4 * 4096) }
            }
            _ = try await pool.engine.createSnapshot(snapshots[1], of: volume)
            let (base, target) = (try await image(pool, snapshots[0]), try await image(pool, snapshots[1]))
            let zeros = [UInt8](repeating: 0, count: target.count)
            for (old, older) in [(base, snapshots[0]), (zeros, nil)] as [([UInt8], SnapshotID?)] {
                var made = old
                for range in try await told(pool.engine, snapshots[1], since: older) {
                    let place = Int(range.offset)..<Int(range.end)
                    made.replaceSubrange(place, with: target[place])
                }
                #expect(made == target, "\(volume == clone ? "clone" : "volume"), \(older == nil ? "all" : "changes")")
            }
            #expect(base != target)
        }
        await pool.stop()
    }

    private func image(_ pool: TestPool, _ snapshot: SnapshotID) async throws -> [UInt8] {
        let device = BlockDeviceClient(try await pool.engine.openSnapshot(snapshot))
        var bytes: [UInt8] = []
        for offset in stride(from: 0, to: 2048 * 4096, by: 1 << 20) {
            bytes += try await device.read(at: UInt64(offset), length: 1 << 20)
        }
        try await pool.engine.closeSnapshot(snapshot)
        return bytes
    }

    /// Garbage collection moves blocks; what differs stays the same to the byte.
    @Test func movesChangeNothing() async throws {
        let pool = try await TestPool(mountpaths: 2, k: 1, p: 1, capacityBytes: 112 << 20)
        let model = try await Model(pool, blocks: 16_384, seed: 4)
        for first in stride(from: 0, to: 8192, by: 128) { try await model.write(first: first, count: 128) }
        try await model.snapshot()
        for first in stride(from: 0, to: 8192, by: 5) { try await model.write(first: first, count: 1) }
        try await model.snapshot()
        let before = try await model.check("before")
        var rounds = 0
        var random = SeededRandom(seed: 4)
        while rounds < 40, try #require(await pool.engine.statistics(of: model.id)).blocksMoved == 0 {
            // At random, so that segments die in part.
            for _ in 0..<2000 { try await model.write(first: Int.random(in: 0..<8192, using: &random), count: 1) }
            try await model.device.flush()
            rounds += 1
        }
        #expect(try #require(await pool.engine.statistics(of: model.id)).blocksMoved > 0)
        #expect(try await model.check("after moves") == before)
        await pool.stop()
    }

    // MARK: Who reads slowly

    /// A volume with a snapshot of which `ranges` ranges are told.
    private func striped(_ pool: TestPool, ranges: Int) async throws -> (VolumeID, BlockDeviceClient, [SnapshotID]) {
        let blocks = 2 * ranges
        let (id, device) = try await pool.volume(UInt64(blocks * blockBytes))
        for first in stride(from: 0, to: blocks, by: 256) {
            try await device.write(pattern(1, bytes: 256 * blockBytes), at: UInt64(first * blockBytes))
        }
        let snapshots = [SnapshotID.random(), .random()]
        _ = try await pool.engine.createSnapshot(snapshots[0], of: id)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<16 {
                group.addTask {
                    for block in stride(from: 2 * part, to: blocks, by: 32) {
                        try await device.discard(at: UInt64(block * blockBytes), length: blockBytes)
                    }
                }
            }
            try await group.waitForAll()
        }
        _ = try await pool.engine.createSnapshot(snapshots[1], of: id)
        return (id, device, snapshots)
    }

    @Test func batchesAreBoundedAndWaitedFor() async throws {
        let pool = try await TestPool(mountpaths: 2, k: 1, p: 1)
        let (_, device, snapshots) = try await striped(pool, ranges: 20_480)
        for base in [snapshots[0], nil] {
            let state = Mutex((inside: 0, batches: [Int]()))
            let expected = (0..<20_480).map {
                ByteRange(offset: UInt64($0 * 2 + (base == nil ? 1 : 0)) * 4096, length: 4096)
            }
            let found = Mutex<[ByteRange]>([])
            try await pool.engine.changedRanges(of: snapshots[1], since: base, from: 0) { batch in
                state.withLock { $0.inside += 1 }
                // Other work goes on.
                try? await device.write(pattern(3, bytes: 4096), at: 0)
                state.withLock { state in
                    #expect(state.inside == 1)
                    state.inside -= 1
                    state.batches.append(batch.count)
                }
                found.withLock { $0 += batch }
            }
            #expect(found.withLock { $0 == expected })
            #expect(state.withLock { $0.batches } == [4096, 4096, 4096, 4096, 4096])
        }
        await pool.stop()
    }

    @Test func cancellationEndsIt() async throws {
        let pool = try await TestPool(mountpaths: 2, k: 1, p: 1)
        let (_, _, snapshots) = try await striped(pool, ranges: 16_384)
        let engine = pool.engine!
        let batches = Mutex(0)
        let reader = Task { () -> FailureKind? in
            do throws(Failure) {
                try await engine.changedRanges(of: snapshots[1], since: nil, from: 0) { _ in
                    batches.withLock { $0 += 1 }
                    try? await Task.sleep(for: .seconds(60))
                }
                return nil
            } catch { return error.kind }
        }
        for _ in 0..<400 where batches.withLock({ $0 == 0 }) { try await Task.sleep(for: .milliseconds(5)) }
        reader.cancel()
        #expect(await reader.value == .cancelled)
        #expect(batches.withLock { $0 } == 1)
        // Nor does a reader's own failure come back as another.
        var found: FailureKind?
        do throws(Failure) {
            try await engine.changedRanges(of: snapshots[1], since: nil, from: 0) { _ throws(Failure) in
                throw Failure(.exhausted, "enough")
            }
        } catch { found = error.kind }
        #expect(found == .exhausted)
        await pool.stop()
    }

    /// A reader that is stuck keeps nobody waiting: its snapshot goes, its base, the whole volume, the engine.
    @Test(arguments: ["target", "base", "volume", "attached", "engine"])
    func deletionDoesNotWaitForReaders(_ what: String) async throws {
        let pool = try await TestPool(mountpaths: 2, k: 1, p: 1)
        let (id, device, snapshots) = try await striped(pool, ranges: 16_384)
        let engine = pool.engine!
        let batches = Mutex(0)
        let goOn = Mutex(false)
        let reader = Task { () -> FailureKind? in
            do throws(Failure) {
                try await engine.changedRanges(of: snapshots[1], since: snapshots[0], from: 0) { _ in
                    batches.withLock { $0 += 1 }
                    while !goOn.withLock({ $0 }) { try? await Task.sleep(for: .milliseconds(5)) }
                }
                return nil
            } catch { return error.kind }
        }
        for _ in 0..<400 where batches.withLock({ $0 == 0 }) { try await Task.sleep(for: .milliseconds(5)) }
        let began = ContinuousClock.now
        if what != "attached", what != "engine" { try await engine.closeVolume(id) }
        switch what {
        case "target": try await engine.deleteSnapshot(snapshots[1])
        case "base": try await engine.deleteSnapshot(snapshots[0])
        case "volume":
            for snapshot in snapshots { try await engine.deleteSnapshot(snapshot) }
            try await engine.deleteVolume(id)
            #expect(pool.slices().isEmpty)
        case "attached":
            try await device.write(pattern(1, bytes: 4096), at: 0)
            try await engine.closeVolume(id)
            _ = try await pool.open(id)
        default: await engine.shutDown()
        }
        #expect(ContinuousClock.now - began < .seconds(3), "\(what)")
        goOn.withLock { $0 = true }
        let wanted: [String: FailureKind] = ["attached": .internal, "engine": .unavailable]
        #expect(await reader.value ?? .internal == wanted[what] ?? .notFound, "\(what)")
        if what != "engine" { await pool.stop() }
        if what != "volume" { #expect(try await pool.check().isClean) }
    }

    /// The walk over a deleted snapshot begins while others read it, and compare with it, from the drives. Whoever reads is told all, or a
    /// beginning and `notFound`; then the space comes back.
    @Test func walksBeginUnderReaders() async throws {
        let pool = try await TestPool(mountpaths: 2, k: 1, p: 1)
        // Three ranges a leaf: more than one batch, and many looks.
        let (leaves, leafBytes) = (1_536, 256 * blockBytes)
        let (id, device) = try await pool.volume(UInt64(leaves * leafBytes))
        let expected = (0..<leaves).flatMap { leaf in
            [10, 100, 200].map { ByteRange(offset: UInt64(leaf * leafBytes + $0 * blockBytes), length: 4096) }
        }
        var snapshots: [SnapshotID] = []
        for _ in 0..<3 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for part in 0..<16 {
                    group.addTask {
                        for range in expected[(part * 288)..<((part + 1) * 288)] {
                            try await device.write(pattern(range.offset, bytes: blockBytes), at: range.offset)
                        }
                    }
                }
                try await group.waitForAll()
            }
            snapshots.append(.random())
            _ = try await pool.engine.createSnapshot(snapshots[snapshots.count - 1], of: id)
        }
        try await device.flush()
        try await pool.restart()
        let seed = UInt64.random(in: 1...999_999)
        print("walks begin under readers: SEED=\(seed)")
        var random = SeededRandom(seed: seed)
        var (wholeCount, cutCount) = (0, 0)
        for index in 0..<2 {
            let engine = pool.engine!
            let pairs: [(SnapshotID, SnapshotID?)] = [
                (snapshots[index], nil), (snapshots[index + 1], snapshots[index]),
            ]
            let readers = (pairs + pairs).map { (target, base) in
                Task { () -> (found: [ByteRange], problem: FailureKind?) in
                    let found = Mutex<[ByteRange]>([])
                    do throws(Failure) {
                        try await engine.changedRanges(of: target, since: base, from: 0) { batch in
                            found.withLock { $0 += batch }
                        }
                        return (found.withLock { $0 }, nil)
                    } catch { return (found.withLock { $0 }, error.kind) }
                }
            }
            try await Task.sleep(for: .microseconds(Int.random(in: 0...40_000, using: &random)))
            try await engine.deleteSnapshot(snapshots[index])
            for reader in readers {
                let (found, problem) = await reader.value
                #expect(found == Array(expected.prefix(found.count)), "round \(index)")
                #expect(problem == nil ? found.count == expected.count : problem == .notFound, "round \(index)")
                if problem == nil { wholeCount += 1 } else { cutCount += 1 }
            }
            // The last one has what the volume has.
            let left = UInt64((snapshots.count - 2 - index) * expected.count * blockBytes)
            var kept = UInt64.max
            for _ in 0..<500 where kept != left {
                kept = try await engine.volumeSpace(id).usage.snapshotOnlyBytes
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(kept == left, "round \(index)")
        }
        print("\(wholeCount) readers were told all, \(cutCount) that their snapshot is gone")
        await pool.stop()
        #expect(try await pool.check().isClean)
    }

    @Test func whatIsRefused() async throws {
        let pool = try await TestPool(mountpaths: 2, k: 1, p: 1)
        let (one, first) = try await pool.volume(1 << 20)
        let (two, _) = try await pool.volume(1 << 20)
        let ids = (0..<4).map { SnapshotID(high: 1, low: UInt64($0)) }
        for (id, volume) in zip(ids, [one, one, two, one]) {
            _ = try await pool.engine.createSnapshot(id, of: volume)
        }
        try await first.write(pattern(1, bytes: 4096), at: 0)
        try await pool.engine.deleteSnapshot(ids[3])
        let engine = pool.engine!
        for (target, base, kind) in [
            (ids[0], ids[1], FailureKind.invalid), (ids[0], ids[0], .invalid), (ids[1], ids[2], .invalid),
            (ids[3], nil, .notFound), (ids[1], ids[3], .notFound), (.random(), nil, .notFound),
            (ids[1], .random(), .notFound),
        ] as [(SnapshotID, SnapshotID?, FailureKind)] {
            var found: FailureKind?
            do throws(Failure) {
                try await engine.changedRanges(of: target, since: base, from: 0) { _ in Issue.record("told something") }
            } catch { found = error.kind }
            #expect(found == kind)
        }
        #expect(try await told(engine, ids[1], since: ids[0]) == [], "nothing was written before either")
        #expect(try await told(engine, ids[1], from: 1 << 40) == [])
        await pool.stop()
    }
}

private func told(
    _ engine: some VolumeEngine, _ snapshot: SnapshotID, since base: SnapshotID? = nil, from offset: UInt64 = 0
) async throws -> [ByteRange] {
    let found = Mutex<[ByteRange]>([])
    try await engine.changedRanges(of: snapshot, since: base, from: offset) { batch in found.withLock { $0 += batch } }
    return found.withLock { $0 }
}

private func bytes(_ ranges: [ByteRange]) -> Int { ranges.reduce(0) { $0 + Int($1.length) } }

private func cut(_ ranges: [ByteRange], from offset: UInt64) -> [ByteRange] {
    ranges.filter { $0.end > offset }.map {
        ByteRange(offset: max($0.offset, offset), length: $0.end - max($0.offset, offset))
    }
}
