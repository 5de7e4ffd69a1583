import Base
import BlockDevice
import BlockDeviceTestSupport
import EmbeddedEngine
import Foundation
import Glibc
import SystemIO
import Testing
import VolumeEngine

/// The ring that outlives the engine: what was answered and not flushed is there after the engine's death.
@Suite(.serialized) struct RingTests {
    private static let block = 4096

    private func pool(capacityBytes: UInt64? = nil) async throws -> TestPool {
        try await TestPool(mountpaths: 4, k: 2, p: 1, capacityBytes: capacityBytes, hasRings: true)
    }

    private func bytes(_ seed: UInt64, blocks: Int = 1) -> [UInt8] { pattern(seed, bytes: blocks * Self.block) }

    private func place(_ block: Int) -> UInt64 { UInt64(block * Self.block) }

    @Test func whatWasAnsweredIsThereInItsOrder() async throws {
        let pool = try await pool()
        let (id, device) = try await pool.volume(64 << 20)
        try await device.write(bytes(1, blocks: 8), at: 0)
        try await device.flush()
        try await device.write(bytes(2, blocks: 4), at: place(2))
        try await device.discard(at: place(3), length: 2 * Self.block)
        try await device.write(bytes(3), at: place(4))
        // Two entries.
        try await device.write(bytes(4, blocks: 200), at: place(100))
        var expected = bytes(1, blocks: 8)
        expected.replaceSubrange((2 * Self.block)..<(6 * Self.block), with: bytes(2, blocks: 4))
        expected.replaceSubrange((3 * Self.block)..<(4 * Self.block), with: [UInt8](repeating: 0, count: Self.block))
        expected.replaceSubrange((4 * Self.block)..<(5 * Self.block), with: bytes(3))
        var next = try await pool.killed()
        // The second time it dies before it has made anything durable.
        for round in ["killed", "killed again"] {
            let again = try await next.open(id)
            #expect(try await again.read(at: 0, length: 8 * Self.block) == expected, "\(round)")
            #expect(try await again.read(at: place(100), length: 200 * Self.block) == bytes(4, blocks: 200), "\(round)")
            if round == "killed" { next = try await next.killed() }
        }
        let device2 = try await next.open(id)
        try await device2.write(bytes(5), at: place(5))
        try await device2.flush()
        try await next.engine.closeVolume(id)
        #expect(!RingFile.exists(next, id))
        expected.replaceSubrange((5 * Self.block)..<(6 * Self.block), with: bytes(5))
        #expect(try await next.open(id).read(at: 0, length: 8 * Self.block) == expected)
        await next.stop()
        #expect(try await next.check().isClean)
    }

    /// Flushed entries are not replayed: what is later in the log alone stays.
    @Test func whatIsDurableIsNotReplayed() async throws {
        let pool = try await pool()
        let (id, device) = try await pool.volume(64 << 20)
        for number in 1...40 { try await device.write(bytes(UInt64(number)), at: place(number % 4)) }
        try await device.flush()
        try await device.write(bytes(100), at: place(1))
        let next = try await pool.killed()
        let again = try await next.open(id)
        #expect(try await again.read(at: place(1), length: Self.block) == bytes(100))
        for number in [2, 3] {
            #expect(try await again.read(at: place(number), length: Self.block) == bytes(UInt64(36 + number)))
        }
        #expect(try #require(await next.engine.statistics(of: id)).recordsWritten <= 1)
        await next.stop()
    }

    /// Who opens the volume does not matter: a snapshot that is taken of it while nobody has it attached has everything.
    @Test func aSnapshotOfAVolumeThatNobodyHasOpenHasEverything() async throws {
        let pool = try await pool()
        let (id, device) = try await pool.volume(64 << 20)
        try await device.write(bytes(1, blocks: 3), at: 0)
        let next = try await pool.killed()
        #expect(RingFile.exists(next, id))
        let snapshot = SnapshotID.random()
        _ = try await next.engine.createSnapshot(snapshot, of: id)
        #expect(!RingFile.exists(next, id))
        let copy = BlockDeviceClient(try await next.engine.openSnapshot(snapshot))
        #expect(try await copy.read(at: 0, length: 3 * Self.block) == bytes(1, blocks: 3))
        await next.stop()
    }

    // MARK: Sent again

    @Test func aRequestThatWasTakenIsNotExecutedAgain() async throws {
        let pool = try await pool()
        let (id, _) = try await pool.volume(64 << 20)
        let client = NumberedClient(try await pool.engine.openVolume(id, epoch: 1, readOnly: false, connection: 7))
        #expect(await client.write(bytes(1), at: 0, unique: 11) == 0)
        #expect(await client.write(bytes(2, blocks: 200), at: 0, unique: 12) == 0)
        #expect(await client.write(bytes(3), at: 0, unique: 13) == 0)
        let next = try await pool.killed()
        let again = NumberedClient(try await next.engine.openVolume(id, epoch: 1, readOnly: false, connection: 7))
        let reader = BlockDeviceClient(again.device)
        #expect(await again.write(bytes(1), at: 0, unique: 11, isRepeated: true) == 0)
        #expect(await again.write(bytes(2, blocks: 200), at: 0, unique: 12, isRepeated: true, isForced: true) == 0)
        #expect(try await reader.read(at: 0, length: Self.block) == bytes(3))
        // Unknown: it is executed.
        #expect(await again.write(bytes(4), at: place(1), unique: 14, isRepeated: true) == 0)
        #expect(try await reader.read(at: place(1), length: Self.block) == bytes(4))
        // A number of another request that only happens to be the same.
        #expect(await again.write(bytes(5), at: 0, unique: 13) == 0)
        #expect(try await reader.read(at: 0, length: Self.block) == bytes(5))
        await next.stop()
    }

    @Test func aNumberOfAnotherConnectionIsAnotherRequest() async throws {
        let pool = try await pool()
        let (id, _) = try await pool.volume(64 << 20)
        let client = NumberedClient(try await pool.engine.openVolume(id, epoch: 1, readOnly: false, connection: 7))
        #expect(await client.write(bytes(1), at: 0, unique: 11) == 0)
        let next = try await pool.killed()
        let other = NumberedClient(try await next.engine.openVolume(id, epoch: 1, readOnly: false, connection: 8))
        #expect(await other.write(bytes(2), at: 0, unique: 11, isRepeated: true) == 0)
        #expect(try await BlockDeviceClient(other.device).read(at: 0, length: Self.block) == bytes(2))
        await next.stop()
    }

    // MARK: Files that do not fit

    /// Kills an engine that has flushed block 0 and answered a write of block 1, changes the ring's file, and opens the volume.
    private func afterChange(
        _ change: (RingFile) -> Void, epoch: UInt64 = 1
    ) async throws -> (pool: TestPool, id: VolumeID, device: BlockDeviceClient) {
        let pool = try await pool()
        let (id, device) = try await pool.volume(64 << 20)
        try await device.write(bytes(1), at: 0)
        try await device.flush()
        try await device.write(bytes(2), at: place(1))
        try await device.write(bytes(3), at: place(2))
        let next = try await pool.killed()
        let file = try #require(try RingFile(next, id))
        change(file)
        if epoch > 1 { try await next.engine.raiseEpoch(id, to: epoch) }
        do { return (next, id, try await next.open(id, epoch: epoch)) } catch {
            // Nothing was changed.
            #expect(RingFile.exists(next, id))
            await next.stop()
            throw error
        }
    }

    /// Offsets of the pool's id and of the boot's.
    @Test(arguments: [16, 48]) func aRingOfAnotherPoolOrBootIsSetAside(_ offset: Int) async throws {
        let (pool, id, device) = try await afterChange { file in
            file.put(0x1234, at: offset)
            file.sealHeader()
        }
        #expect(try RingFile.aside(pool) == ["\(id).aside-1"])
        #expect(try await device.read(at: 0, length: Self.block) == bytes(1))
        #expect(try await device.read(at: place(1), length: Self.block) == [UInt8](repeating: 0, count: Self.block))
        // The next ring is one like any other.
        try await device.write(bytes(4), at: place(3))
        let next = try await pool.killed()
        #expect(try await next.open(id).read(at: place(3), length: Self.block) == bytes(4))
        await next.stop()
    }

    /// The log went on without the file: it has nothing to say any more.
    @Test func aRingThatWasLeftBehindIsSetAside() async throws {
        let pool = try await pool()
        let (id, device) = try await pool.volume(64 << 20)
        try await device.write(bytes(1), at: 0)
        try await device.write(bytes(2), at: place(1))
        let next = try await pool.killed()
        let path = RingFile.path(next, id)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".old")
        let without = try await next.open(id)
        try await without.write(bytes(3), at: 0)
        try await without.flush()
        try await next.engine.closeVolume(id)
        try FileManager.default.moveItem(atPath: path + ".old", toPath: path)
        let again = try await next.open(id)
        #expect(try await again.read(at: 0, length: Self.block) == bytes(3))
        #expect(try RingFile.aside(next) == ["\(id).aside-1"])
        await next.stop()
    }

    // MARK: Tails

    /// What flushed records are in is read as far as the ring of this boot says, and to the end where it says nothing that is whole.
    @Test(arguments: [
        ("as left", true), ("too low", false), ("too low, of another boot", true), ("too low, torn", true),
        ("too low, of another start", true), ("none", true),
    ])
    func aStartReadsAsFarAsTheTailsSay(_ tails: String, _ isThere: Bool) async throws {
        let pool = try await pool()
        let (id, device) = try await pool.volume(64 << 20)
        try await device.write(bytes(1), at: 0)
        try await device.flush()
        let next = try await pool.killed()
        let file = try #require(try RingFile(next, id))
        #expect(file.tails.contains { $0.tail > 1 })
        // What is read of the log is not replayed, and not looked at in the ring.
        file.flip(try #require(file.view.entry(file.view.admitted)).payload.lowerBound)
        for found in file.tails where tails.hasPrefix("too low") {
            file.putTail(
                of: found.segment, 1, start: tails.hasSuffix("start") ? found.start + 1 : found.start,
                isTorn: tails.hasSuffix("torn"))
        }
        if tails.hasSuffix("boot") {
            file.put(0x1234, at: 48)
            file.sealHeader()
        }
        if tails == "none" { file.clearTails() }
        if isThere {
            let device = try await next.open(id)
            #expect(try await device.read(at: 0, length: Self.block) == bytes(1))
            // They begin anew with the log: what was sealed is read no more.
            try await device.write(bytes(2), at: place(1))
            try await device.flush()
            let last = try await next.killed()
            let again = try await last.open(id)
            #expect(try await again.read(at: place(1), length: Self.block) == bytes(2))
            await last.stop()
        } else {
            let failure = await #expect(throws: Failure.self) { _ = try await next.open(id) }
            #expect(failure?.kind == .corrupt, "\(String(describing: failure))")
            await next.stop()
        }
    }

    @Test func anEntryThatWasBeingWrittenDoesNotCount() async throws {
        let (pool, _, device) = try await afterChange { file in
            let last = file.view.admitted
            file.forgetLast()
            file.flip(file.view.slot(last).lowerBound + 8)
        }
        #expect(try await device.read(at: place(1), length: Self.block) == bytes(2))
        #expect(try await device.read(at: place(2), length: Self.block) == [UInt8](repeating: 0, count: Self.block))
        #expect(try RingFile.aside(pool).isEmpty)
        await pool.stop()
    }

    /// An entry that a start has found is missed by the next one when it does not check any more, though its writer died before it was counted.
    @Test func aStartCountsWhatItFinds() async throws {
        let (pool, id, device) = try await afterChange { $0.forgetLast() }
        #expect(try await device.read(at: place(2), length: Self.block) == bytes(3))
        let next = try await pool.killed()
        let file = try #require(try RingFile(next, id))
        file.flip(file.view.slot(file.view.admitted).lowerBound + 8)
        let failure = await #expect(throws: Failure.self) { _ = try await next.open(id) }
        #expect(failure?.kind == .corrupt, "\(String(describing: failure))")
        await next.stop()
    }

    /// Every byte that counts is watched over; the volume is not opened for who has it.
    @Test(arguments: [
        "header", "slot", "last slot", "freed slot", "checksums", "payload", "count", "length", "everything",
    ])
    func damageIsFound(_ place: String) async throws {
        let change: (RingFile) -> Void = { file in
            let last = file.view.admitted
            guard let entry = file.view.entry(last - 1) else { return }
            switch place {
            case "header": file.flip(72)
            case "slot": file.flip(entry.slot.lowerBound + 10)
            case "last slot":
                // Its writer died between the two stores that count it.
                file.put(~(last - 1), at: RingView.complementOffset)
                file.flip(file.view.slot(last).lowerBound + 10)
            case "freed slot": file.flip(file.view.slot(last - 2).lowerBound + 24)
            case "checksums": file.flip(entry.checksums.lowerBound)
            case "payload": file.flip(entry.payload.lowerBound + 100)
            case "length": file.cut(to: 8192)
            case "everything": file.cut(to: 0)
            default: file.flip(RingView.admittedOffset + 5)
            }
        }
        let failure = await #expect(throws: Failure.self) { _ = try await afterChange(change) }
        #expect(failure?.kind == .corrupt, "\(String(describing: failure))")
        #expect(failure?.message.contains("publish it anew") == true, "\(String(describing: failure))")
        // Published anew, it is what a loss of power would have left.
        let (pool, id, device) = try await afterChange(change, epoch: 2)
        #expect(try RingFile.aside(pool) == ["\(id).aside-1"])
        #expect(try await device.read(at: 0, length: Self.block) == bytes(1))
        #expect(
            try await device.read(at: self.place(1), length: Self.block) == [UInt8](repeating: 0, count: Self.block))
        await pool.stop()
    }

    @Test func aRingOfALaterVersionIsRefused() async throws {
        let failure = await #expect(throws: Failure.self) {
            _ = try await afterChange { file in
                file.put(2, at: 8)
                file.sealHeader()
            }
        }
        #expect(failure?.kind == .unsupported)
    }

    /// Damage in the ring of a volume that was deleted keeps nobody from the volume's clones.
    @Test func aDamagedRingOfADeletedVolumeLeavesItsClones() async throws {
        let pool = try await pool()
        let (id, device) = try await pool.volume(64 << 20)
        try await device.write(bytes(1), at: 0)
        let (snapshot, clone) = (SnapshotID.random(), VolumeID.random())
        _ = try await pool.engine.createSnapshot(snapshot, of: id)
        _ = try await pool.engine.createVolume(
            clone, group: "g", sizeBytes: 64 << 20, annotation: "", content: .snapshot(snapshot))
        try await device.write(bytes(2), at: 0)
        let next = try await pool.killed()
        try #require(try RingFile(next, id)).flip(72)
        try await next.engine.raiseEpoch(clone, to: 1)
        // Its origin cannot be opened, and somebody may still miss what the ring has.
        await #expect(throws: Failure.self) { _ = try await next.open(clone) }
        try await next.engine.deleteVolume(id)
        #expect(try RingFile.aside(next) == ["\(id).aside-1"])
        #expect(try await next.open(clone).read(at: 0, length: Self.block) == bytes(1))
        // With the last clone the volume is gone, and at a start what was kept of its ring.
        try await next.engine.closeVolume(clone)
        try await next.engine.deleteSnapshot(snapshot)
        try await next.engine.deleteVolume(clone)
        for _ in 0..<200 where FileManager.default.fileExists(atPath: "\(next.paths[0])/@g/\(id)") {
            try await Task.sleep(for: .milliseconds(20))
        }
        // Killed before that is durable it is finished after the next start, and swept at the one after.
        var last = try await next.killed()
        for _ in 0..<10 where try !RingFile.names(last).isEmpty {
            try await Task.sleep(for: .milliseconds(200))
            last = try await last.killed()
        }
        #expect(try RingFile.names(last).isEmpty)
        await last.stop()
    }

    /// What nobody will use goes at a start, and nothing else.
    @Test func aStartSweepsTheRings() async throws {
        let pool = try await pool()
        let (id, device) = try await pool.volume(64 << 20)
        let (gone, _) = try await pool.volume(64 << 20)
        try await device.write(bytes(1), at: 0)
        try await pool.engine.closeVolume(gone)
        try await pool.engine.deleteVolume(gone)
        let unknown = VolumeID.random()
        let rings = "\(pool.directory)/rings"
        let kept = ["\(id)", "\(id).aside-1", "\(unknown)", "\(unknown).aside-2", "README"]
        for name in kept.dropFirst() + ["\(id).new", "\(unknown).new", "\(gone)", "\(gone).new", "\(gone).aside-3"] {
            try Data([1]).write(to: URL(fileURLWithPath: "\(rings)/\(name)"))
        }
        let next = try await pool.killed()
        #expect(Set(try RingFile.names(next)) == Set(kept))
        #expect(try await next.open(id).read(at: 0, length: Self.block) == bytes(1))
        await next.stop()
    }

    /// The epoch is raised, and then the ring cannot be set aside: whoever repeats the call repeats that.
    @Test func aRingIsSetAsideWhenTheCallIsRepeated() async throws {
        let pool = try await pool()
        let (id, device) = try await pool.volume(64 << 20)
        try await device.write(bytes(1), at: 0)
        let next = try await pool.killed()
        try #require(try RingFile(next, id)).flip(72)
        let names = (1...1_000).map { "\(RingFile.path(next, id)).aside-\($0)" }
        for name in names { try Data().write(to: URL(fileURLWithPath: name)) }
        for _ in 0..<2 {
            let failure = await #expect(throws: Failure.self) { try await next.engine.raiseEpoch(id, to: 2) }
            #expect(failure?.kind == .exhausted)
            let shown = try await next.engine.volume(id)
            #expect(shown.health == .failed && shown.healthReason.contains("ring"), "\(shown)")
        }
        for name in names { try FileManager.default.removeItem(atPath: name) }
        // Its writers may be those of this epoch, as far as the volume's opener knows.
        await #expect(throws: Failure.self) { _ = try await next.open(id, epoch: 2) }
        try await next.engine.raiseEpoch(id, to: 2)
        #expect(try RingFile.aside(next) == ["\(id).aside-1"])
        #expect(try await next.engine.volume(id).health == .ready)
        #expect(
            try await next.open(id, epoch: 2).read(at: 0, length: Self.block)
                == [UInt8](repeating: 0, count: Self.block))
        await next.stop()
    }

    /// What a node was answered is durable before another is granted the volume, though the engine died between.
    @Test func fencingMakesAnEarlierProcessesWritesDurable() async throws {
        let (pool, id, device) = try await afterChange({ _ in }, epoch: 2)
        #expect(try await device.read(at: place(2), length: Self.block) == bytes(3))
        // Nothing of them is in the new ring.
        await pool.stop()
        #expect(!RingFile.exists(pool, id))
    }

    // MARK: Space

    @Test func aFullGroupHasRoomForWhatWasAnswered() async throws {
        let pool = try await pool(capacityBytes: 40 << 20)
        let (id, device) = try await pool.volume(32 << 20)
        // By first block, the last seed that was answered.
        var written: [Int: UInt64] = [:]
        var random = SeededRandom(seed: 1)
        do throws(Failure) {
            for number in 0..<100_000 {
                let count = number % 7 == 0 ? 128 : 1 + Int(random.next() % 4)
                let first = number % 60 * 128
                try await device.write(bytes(UInt64(number), blocks: count), at: place(first))
                written[first] = UInt64(number)
            }
        } catch { #expect(error.errorNumber == ENOSPC, "\(error)") }
        let next = try await pool.killed()
        let again = try await next.open(id)
        try await again.flush()
        for (first, seed) in written {
            let found = try await again.read(at: place(first), length: Self.block)
            #expect(found == Array(bytes(seed).prefix(Self.block)), "block \(first)")
        }
        try await next.engine.closeVolume(id)
        #expect(!RingFile.exists(next, id))
        await next.stop()
        #expect(try await next.check().isClean)
    }

    @Test func aDeletedVolumesRingIsRemoved() async throws {
        let pool = try await pool()
        let (id, device) = try await pool.volume(64 << 20)
        try await device.write(bytes(1), at: 0)
        let next = try await pool.killed()
        try await next.engine.deleteVolume(id)
        #expect(!RingFile.exists(next, id))
        await next.stop()
    }
}

/// Sends writes under numbers, as a kernel does.
final class NumberedClient: BlockRequestOwner, @unchecked Sendable {
    // Confined to the device's loop.
    let device: any BlockDevice
    private var waiting: [UInt64: (BlockRequest, (Int32) -> Void)] = [:]

    init(_ device: any BlockDevice) { self.device = device }

    func write(
        _ bytes: [UInt8], at offset: UInt64, unique: UInt64, isRepeated: Bool = false, isForced: Bool = false
    ) async -> Int32 {
        await withCheckedContinuation { continuation in
            device.loop.post { [self] in
                guard let landing = device.landingBuffer(waiter: self) else {
                    return continuation.resume(returning: EAGAIN)
                }
                bytes.withUnsafeBytes { landing.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
                let request = BlockRequest(owner: self)
                request.operation = .write
                request.offset = offset
                request.length = bytes.count
                request.buffer = landing
                request.unique = unique
                request.tag = unique
                request.isRepeated = isRepeated
                request.forceUnitAccess = isForced
                waiting[unique] = (request, { continuation.resume(returning: $0) })
                device.submit(request)
            }
        }
    }

    func completed(_ request: BlockRequest, result: Int32) { waiting.removeValue(forKey: request.tag)?.1(result) }

    func roomAvailable() {}
}
