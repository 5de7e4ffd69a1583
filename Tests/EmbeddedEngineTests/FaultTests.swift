import Base
import BlockDevice
import BlockDeviceTestSupport
import EmbeddedEngine
import ErasureCoding
import Foundation
import Logging
import SegmentStore
import Synchronization
import SystemIO
import Testing
import VolumeEngine

@Suite(.serialized) struct FaultTests {
    @Test func writingGoesOnAfterAMountpathIsLostWhileNothingIsWritten() async throws {
        let pool = try await TestPool(mountpaths: 3, k: 1, p: 2)
        let (_, client) = try await pool.volume(16 << 20)
        try await client.write(pattern(1, bytes: 4096), at: 0)
        try await client.flush()
        try pool.hide(1)
        try await Task.sleep(for: .milliseconds(2500))
        let result = try await outcome(seconds: 8) { () throws(Failure) in
            try await client.write(pattern(2, bytes: 4096), at: 4096)
            try await client.flush()
        }
        #expect(result?.isSuccess == true, "\(String(describing: result))")
        if result != nil { await pool.stop() }
    }

    /// Power was lost: of three records the second is torn behind its headers, so the log ends before it, for ever.
    @Test func whatLiesPastASealIsNeverApplied() async throws {
        let pool = try await TestPool(mountpaths: 3, k: 1, p: 2)
        let (id, client) = try await pool.volume(16 << 20)
        let first = pattern(1, bytes: 8192)
        try await client.write(first, at: 0)
        try await client.flush()
        try await pool.die()
        var changed = 0
        for slice in pool.slices() where try addTail(to: "\(pool.directory)/\(slice)") { changed += 1 }
        #expect(changed == 3)

        try await pool.start()
        var device = try await pool.open(id)
        #expect(try await device.read(at: 0, length: 8192) == first)
        let newer = pattern(2, bytes: 4096)
        try await device.write(newer, at: 0)
        try await device.flush()
        try await pool.restart()
        device = try await pool.open(id)
        #expect(try await device.read(at: 0, length: 4096) == newer)
        #expect(try await device.read(at: 4096, length: 4096) == Array(first[4096...]))
        await pool.stop()
    }

    /// Behind record 1 of two blocks: record 2 whose data never arrived, and record 3, whole. False where record 1 is not here.
    private func addTail(to path: String) throws -> Bool {
        let handle = try #require(FileHandle(forUpdatingAtPath: path))
        defer { try? handle.close() }
        let page = AlignedBuffer(bytes: blockBytes)
        try handle.seek(toOffset: 4096)
        let bytes = try #require(try handle.read(upToCount: 4096))
        bytes.withUnsafeBytes { page.base.copyMemory(from: $0.baseAddress!, byteCount: 4096) }
        guard var header = RecordHeader(page: page.base), header.sequence == 1 else { return false }
        let column = RecordHeader.column(ofPage: page.base)
        let old = pattern(77, bytes: 4096)
        let sum = crc32c(old)
        for (sequence, isTorn) in [(UInt64(2), true), (3, false)] {
            let blocks = header.chunkBlocks(ofColumn: column)
            let offset = header.offsets[column] + UInt32(blocks)
            header = RecordHeader(
                pool: header.pool, volume: header.volume, segment: header.segment, sequence: sequence,
                durableThrough: 1,
                attachEpoch: 1, birthEpoch: 1, lastRingSequence: 0, k: header.k, p: header.p,
                shape: RecordShape(dataBlocks: 1, k: header.k, p: header.p), rotation: header.rotation,
                offsets: header.offsets.map { $0 == RecordHeader.notWritten ? $0 : offset },
                parityChecksums: [sum, sum],
                extents: [RecordExtent(block: 0, count: 1, isDiscard: false)], blockChecksums: [sum])
            header.encode(column: column, into: page.base)
            try handle.seek(toOffset: UInt64(offset) * 4096)
            try handle.write(contentsOf: Data(bytes: page.base, count: 4096))
            try handle.write(contentsOf: isTorn ? Data(count: 4096) : Data(old))
        }
        return true
    }

    /// As the first one of the slice.
    private func holdsRecord(_ slice: String, _ sequence: UInt64, _ pool: TestPool) -> Bool {
        guard let bytes = FileManager.default.contents(atPath: "\(pool.directory)/\(slice)"), bytes.count >= 8192 else {
            return false
        }
        let page = AlignedBuffer(bytes: blockBytes)
        bytes.withUnsafeBytes { page.base.copyMemory(from: $0.baseAddress! + 4096, byteCount: 4096) }
        return RecordHeader(page: page.base)?.sequence == sequence
    }

    /// More rot than parity makes good, in a record that was flushed: the volume says so, when nobody has it open any more, too.
    @Test func lostBlocksAreToldOfAClosedVolumeToo() async throws {
        let pool = try await TestPool(mountpaths: 3, k: 2, p: 1)
        let (id, client) = try await pool.volume(16 << 20)
        try await client.write(pattern(1, bytes: 65536), at: 0)
        try await client.flush()
        try await client.write(pattern(2, bytes: 4096), at: 1 << 20)
        try await client.flush()
        try await pool.die()
        // Headers too: data alone is only looked at when it is read.
        for slice in pool.slices().filter({ holdsRecord($0, 1, pool) }).prefix(2) {
            let handle = try #require(FileHandle(forUpdatingAtPath: "\(pool.directory)/\(slice)"))
            defer { try? handle.close() }
            try handle.seek(toOffset: 4096)
            try handle.write(contentsOf: Data(count: 2 * 4096))
        }
        try await pool.start()
        #expect(try await pool.engine.volume(id).health == .ready)
        let device = try await pool.open(id)
        await #expect(throws: Failure.self) { _ = try await device.read(at: 0, length: 4096).count }
        let opened = try await pool.engine.volume(id)
        #expect(opened.health == .failed && opened.healthReason.contains("16 blocks"), "\(opened)")
        try await pool.engine.closeVolume(id)
        #expect(try await pool.engine.volume(id).health == .failed)
        #expect(try await pool.engine.volume(id).healthReason == opened.healthReason)
        await pool.stop()
    }

    @Test func aFailedVolumeAnswersEverything() async throws {
        let pool = try await FaultyPool(mountpaths: 2, k: 1, p: 1)
        let (_, client) = try await pool.volume(64 << 20)
        try await client.write(pattern(1, bytes: 4096), at: 0)
        try await client.flush()
        for disk in pool.disks { disk.isBroken.store(true, ordering: .relaxed) }
        let bytes = pattern(2, bytes: 1 << 20)
        let result = try await outcome(seconds: 8) { () throws(Failure) in
            await withTaskGroup(of: Void.self) { tasks in
                for number in 0..<24 { tasks.addTask { try? await client.write(bytes, at: UInt64(number) << 20) } }
            }
        }
        #expect(result != nil, "writes wait for ever")
    }

    @Test func aRecordThatFailedIsWrittenAgainWhenThereIsSpace() async throws {
        let pool = try await FaultyPool(mountpaths: 3, k: 1, p: 2)
        let (_, client) = try await pool.volume(64 << 20)
        try await client.write(pattern(1, bytes: 4096), at: 0)
        try await client.flush()
        for disk in pool.disks { disk.isFull.store(true, ordering: .relaxed) }
        pool.disks[0].isBroken.store(true, ordering: .relaxed)
        try await client.write(pattern(2, bytes: 4096), at: 4096)
        let early = try await outcome(seconds: 2) { () throws(Failure) in try await client.flush() }
        #expect(early == nil)
        for disk in pool.disks { disk.isFull.store(false, ordering: .relaxed) }
        let result = try await outcome(seconds: 6) { () throws(Failure) in try await client.flush() }
        #expect(result?.isSuccess == true, "\(String(describing: result))")
        if result != nil { await pool.engine.shutDown() }
    }

    @Test func aHaltedPoolIsAnIOErrorAndNoLackOfSpace() async throws {
        let pool = try await TestPool(mountpaths: 1, k: 1, p: 0)
        let (_, client) = try await pool.volume(16 << 20)
        try pool.hide(0)
        try await Task.sleep(for: .milliseconds(2500))
        let result = try await outcome(seconds: 5) { () throws(Failure) in
            try await client.write(pattern(2, bytes: 4096), at: 0)
        }
        guard case .failure(let failure) = result else {
            Issue.record("\(String(describing: result))")
            return
        }
        #expect(failure.errorNumber == EIO, "\(failure)")
    }

    @Test func manyLargeDiscardsAtOnceAreTaken() async throws {
        let pool = try await TestPool(mountpaths: 3, k: 1, p: 0)
        let (_, client) = try await pool.volume(64 << 30)
        try await client.write(pattern(1, bytes: 4096), at: 0)
        try await client.flush()
        let result = try await outcome(seconds: 20) { () throws(Failure) in
            let failures: [Failure] = await withTaskGroup(of: Failure?.self) { tasks in
                for number in 0..<32 {
                    tasks.addTask {
                        do throws(Failure) {
                            try await client.discard(at: UInt64(number) << 31, length: 1 << 31)
                            return nil
                        } catch { return error }
                    }
                }
                return await tasks.reduce(into: []) { if let failure = $1 { $0.append(failure) } }
            }
            if let failure = failures.first { throw failure }
        }
        #expect(result?.isSuccess == true, "\(String(describing: result))")
        await pool.stop()
    }

    @Test func anEmptyDirectoryIsNoMember() async throws {
        let pool = try await TestPool(mountpaths: 3, k: 1, p: 2)
        _ = try await pool.volume(16 << 20)
        await pool.stop()
        try FileManager.default.removeItem(atPath: "\(pool.directory)/state")
        try FileManager.default.createDirectory(atPath: "\(pool.directory)/state", withIntermediateDirectories: true)
        try pool.hide(2)
        try FileManager.default.createDirectory(atPath: pool.paths[2], withIntermediateDirectories: true)
        do { try await pool.start() } catch { return }  // refusing is as good
        let state = try await pool.engine.poolStatus().mountpaths.first { $0.path == pool.paths[2] }?.state
        #expect(state != .active)
        await pool.stop()
    }

    @Test func aFullDriveAtStartStaysAMember() async throws {
        let pool = try await FaultyPool(mountpaths: 3, k: 1, p: 2)
        await pool.engine.shutDown()
        pool.disks[1].isFull.store(true, ordering: .relaxed)
        try? await pool.start()
        pool.disks[1].isFull.store(false, ordering: .relaxed)
        await pool.engine.shutDown()
        try await pool.start()
        let states = try await pool.engine.poolStatus().mountpaths.map(\.state)
        #expect(states.allSatisfy { $0 == .active }, "\(states)")
        await pool.engine.shutDown()
    }

    @Test func aMountpathThatCannotBeListedDoesNotKeepAVolumeFromOpening() async throws {
        let pool = try await FaultyPool(mountpaths: 4, k: 2, p: 1)
        let (id, client) = try await pool.volume(16 << 20)
        let bytes = pattern(1, bytes: 65536)
        try await client.write(bytes, at: 0)
        try await client.flush()
        try await pool.engine.closeVolume(id)
        pool.disks[3].unlistable.withLock { $0 = "%mt" }
        let device = BlockDeviceClient(try await pool.engine.openVolume(id, epoch: 1, readOnly: false))
        #expect(try await device.read(at: 0, length: 65536) == bytes)
        await pool.engine.shutDown()
    }

    /// Its pool file was replaced although the call failed: it is out by the version that counts.
    @Test func aMountpathThatWasTakenOutIsNotBelievedByItsOwnPoolFile() async throws {
        let pool = try await FaultyPool(mountpaths: 4, k: 1, p: 2)
        pool.disks[0].poolFileFails.store(true, ordering: .relaxed)
        pool.disks[1].isGone.store(true, ordering: .relaxed)
        try await Task.sleep(for: .milliseconds(2500))
        let before = try await pool.engine.poolStatus().mountpaths.map(\.state)
        #expect(before.map { $0 == .active } == [false, false, true, true], "\(before)")
        await pool.engine.shutDown()
        pool.disks[1].isGone.store(false, ordering: .relaxed)
        try await pool.start()
        let states = try await pool.engine.poolStatus().mountpaths
        #expect(states.count { $0.state == .active } == 2, "\(states.map { "\($0.path) \($0.state)" })")
        await pool.engine.shutDown()
    }

    /// A block that is being rebuilt when its volume is closed and deleted is not written into the file's next owner.
    @Test func whatIsRebuiltIsNotWrittenIntoAnotherVolume() async throws {
        let pool = try await FaultyPool(mountpaths: 3, k: 1, p: 2)
        let (id, client) = try await pool.volume(16 << 20)
        try await client.write(pattern(1, bytes: 4096), at: 0)
        try await client.flush()
        for path in pool.slices() where path.contains("00000001.") {
            let handle = try #require(FileHandle(forUpdatingAtPath: path))
            let page = AlignedBuffer(bytes: blockBytes)
            try handle.seek(toOffset: 4096)
            let bytes = try #require(try handle.read(upToCount: 4096))
            bytes.withUnsafeBytes { page.base.copyMemory(from: $0.baseAddress!, byteCount: 4096) }
            guard RecordHeader.column(ofPage: page.base) == 0 else { continue }
            try handle.seek(toOffset: 8192)
            try handle.write(contentsOf: [1, 2, 3])
            try handle.close()
        }
        for disk in pool.disks { disk.writeDelayMicroseconds.store(900_000, ordering: .relaxed) }
        let reading = Task { try? await client.read(at: 0, length: 4096) }
        try await Task.sleep(for: .milliseconds(100))
        try await pool.engine.closeVolume(id)
        try await pool.engine.deleteVolume(id)
        // The other drives are not slow.
        for disk in pool.disks { disk.writeDelayMicroseconds.store(0, ordering: .relaxed) }
        let (_, other) = try await pool.volume(16 << 20)
        let bytes = pattern(2, bytes: 4096)
        try await other.write(bytes, at: 0)
        try await other.flush()
        _ = await reading.value
        for path in pool.slices() where path.contains("00000001.") {
            let handle = try #require(FileHandle(forReadingAtPath: path))
            try handle.seek(toOffset: 8192)
            #expect(try handle.read(upToCount: 4096).map(Array.init) == bytes, "\(path)")
        }
        await pool.engine.shutDown()
    }
}
