import Base
import BlockDevice
import BlockDeviceTestSupport
import EmbeddedEngine
import Foundation
import Testing
import VolumeEngine

@Suite(.serialized) struct VolumeTests {
    @Test(arguments: [(1, 0, 1), (1, 2, 3), (2, 1, 4), (4, 2, 6), (8, 2, 10)])
    func aVolumeIsABlockDevice(k: Int, p: Int, mountpaths: Int) async throws {
        let pool = try await TestPool(mountpaths: mountpaths, k: k, p: p)
        let (_, client) = try await pool.volume(64 << 20)
        try await BlockDeviceConformance(seed: UInt64(k * 10 + p)).check(client.device)
        await pool.stop()
    }

    @Test func whatWasFlushedIsThereAfterARestart() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let (id, client) = try await pool.volume(64 << 20)
        var model = [UInt8](repeating: 0, count: 16 << 20)
        var random = SeededRandom(seed: 7)
        for round in 0..<4 {
            var device = client
            if round > 0 { device = try await pool.open(id) }
            for step in 0..<60 {
                let blocks = step % 10 == 0 ? 256 : Int.random(in: 1...20, using: &random)
                let block = Int.random(in: 0...(model.count / 4096 - blocks), using: &random)
                let bytes = pattern(UInt64(round * 1000 + step), bytes: blocks * 4096)
                try await device.write(bytes, at: UInt64(block * 4096))
                model.replaceSubrange((block * 4096)..<(block * 4096 + bytes.count), with: bytes)
                if step % 7 == 0 { try await device.flush() }
            }
            try await device.flush()
            try await pool.restart()
        }
        let device = try await pool.open(id)
        #expect(try await device.read(at: 0, length: 1 << 20) == Array(model[0..<(1 << 20)]))
        for offset in stride(from: 0, to: model.count, by: 1 << 20) {
            #expect(
                try await device.read(at: UInt64(offset), length: 1 << 20) == Array(model[offset..<(offset + 1 << 20)]))
        }
        await pool.stop()
    }

    @Test func readsGoOnWithTwoMountpathsMissing() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let (id, client) = try await pool.volume(64 << 20)
        var parts: [[UInt8]] = []
        for number in 0..<12 {
            let bytes = pattern(UInt64(number), bytes: number % 3 == 0 ? 4096 : 1 << 20)
            try await client.write(bytes, at: UInt64(number) << 20)
            if number % 2 == 0 { try await client.flush() }
            parts.append(bytes)
        }
        try await client.flush()
        await pool.stop()
        for (a, b) in [(0, 1), (2, 5), (3, 4)] {
            // Each pair starts from the same bytes: a copy of the pool is used up.
            let copy = pool.directory + ".copy"
            try FileManager.default.copyItem(atPath: pool.directory, toPath: copy)
            try pool.hide(a)
            try pool.hide(b)
            try await pool.start()
            let device = try await pool.open(id)
            for (number, bytes) in parts.enumerated() {
                #expect(
                    try await device.read(at: UInt64(number) << 20, length: bytes.count) == bytes,
                    "missing \(a) and \(b)")
            }
            // Writing goes on; what is written is there after another start.
            let more = pattern(99, bytes: 1 << 20)
            try await device.write(more, at: 20 << 20)
            try await device.flush()
            try await pool.restart()
            #expect(try await pool.open(id).read(at: 20 << 20, length: 1 << 20) == more)
            // Back, they are refused.
            await pool.stop()
            try pool.show(a)
            try pool.show(b)
            try await pool.start()
            let states = try await pool.engine.poolStatus().mountpaths.map(\.state)
            #expect(states.count { $0 == .stale } == 2)
            #expect(try await pool.open(id).read(at: 20 << 20, length: 1 << 20) == more)
            await pool.stop()
            try FileManager.default.removeItem(atPath: pool.directory)
            try FileManager.default.moveItem(atPath: copy, toPath: pool.directory)
        }
    }

    @Test func rottenBytesAreRebuiltAndWrittenBack() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let (id, client) = try await pool.volume(64 << 20)
        let bytes = pattern(5, bytes: 1 << 20)
        try await client.write(bytes, at: 0)
        try await client.flush()
        await pool.stop()
        // Two slices are damaged everywhere behind their first block.
        for slice in pool.slices() where slice.hasSuffix(".00") || slice.hasSuffix(".01") {
            let path = "\(pool.directory)/\(slice)"
            let handle = try #require(FileHandle(forUpdatingAtPath: path))
            let size = try handle.seekToEnd()
            for offset in stride(from: UInt64(4096 + 100), to: size, by: 1000) {
                try handle.seek(toOffset: offset)
                try handle.write(contentsOf: [0xA5])
            }
            try handle.close()
        }
        try await pool.start()
        var device = try await pool.open(id)
        #expect(try await device.read(at: 0, length: 1 << 20) == bytes)
        let rebuilt = try #require(await pool.engine.statistics(of: id)).blocksRebuilt
        // What was rebuilt was written back.
        try await pool.restart()
        device = try await pool.open(id)
        #expect(try await device.read(at: 0, length: 1 << 20) == bytes)
        let again = try #require(await pool.engine.statistics(of: id)).blocksRebuilt
        #expect(rebuilt > 0 && again == 0, "rebuilt \(rebuilt), then \(again)")
        await pool.stop()
    }

    @Test func aFullPoolAnswersENOSPCAndGoesOnAfterDeletes() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2, capacityBytes: 64 << 20)
        let (first, client) = try await pool.volume(48 << 20)
        let (second, other) = try await pool.volume(64 << 20)
        var written = 0
        for number in 0..<40 {
            try await client.write(pattern(UInt64(number), bytes: 1 << 20), at: UInt64(number) << 20)
        }
        try await client.flush()
        var refused: Failure?
        for number in 0..<64 {
            do {
                try await other.write(pattern(UInt64(number), bytes: 1 << 20), at: UInt64(number) << 20)
                written += 1
            } catch {
                refused = error
                break
            }
        }
        #expect(refused?.errorNumber == ENOSPC, "\(String(describing: refused))")
        try await other.flush()
        for number in 0..<written {
            #expect(
                try await other.read(at: UInt64(number) << 20, length: 1 << 20)
                    == pattern(UInt64(number), bytes: 1 << 20))
        }
        try await pool.engine.closeVolume(first)
        try await pool.engine.deleteVolume(first)
        try await Task.sleep(for: .milliseconds(700))
        try await other.write(pattern(1000, bytes: 1 << 20), at: UInt64(written) << 20)
        try await other.flush()
        try await pool.engine.closeVolume(second)
        try await pool.engine.deleteVolume(second)
        #expect(pool.slices().isEmpty)
        #expect(try await pool.engine.capacity(ofGroup: "g").usedBytes == 0)
        await pool.stop()
    }

    @Test func overwritingForEverFitsIntoABoundedPool() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2, capacityBytes: 96 << 20)
        let (_, client) = try await pool.volume(16 << 20)
        for round in 0..<20 {
            for number in 0..<16 {
                try await client.write(pattern(UInt64(round * 100 + number), bytes: 1 << 20), at: UInt64(number) << 20)
            }
            try await client.flush()
        }
        for number in 0..<16 {
            #expect(
                try await client.read(at: UInt64(number) << 20, length: 1 << 20)
                    == pattern(UInt64(1900 + number), bytes: 1 << 20))
        }
        await pool.stop()
    }

    @Test func aLowerEpochIsFencedAndTheOldDeviceFails() async throws {
        let pool = try await TestPool(mountpaths: 3, k: 1, p: 2)
        let (id, client) = try await pool.volume(16 << 20)
        try await client.write(pattern(1, bytes: 8192), at: 0)
        try await pool.engine.raiseEpoch(id, to: 2)
        await #expect(throws: Failure.self) { try await client.write(pattern(2, bytes: 4096), at: 0) }
        await #expect(throws: Failure.self) { try await pool.open(id, epoch: 1) }
        let next = try await pool.open(id, epoch: 2)
        // What was answered before the fence is there.
        #expect(try await next.read(at: 0, length: 8192) == pattern(1, bytes: 8192))
        await pool.stop()
    }
}
