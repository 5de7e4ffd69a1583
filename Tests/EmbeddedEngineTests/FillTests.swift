import Base
import BlockDeviceTestSupport
import EmbeddedEngine
import Testing

/// Slices are written ahead where flushes wait for records, and only there; never over what is there.
@Suite(.serialized) struct FillTests {
    private static let sliceBlocks = 1024

    @Test func aStreamFillsNothing() async throws {
        let pool = try await TestPool(mountpaths: 6, k: 4, p: 2)
        let (id, device) = try await pool.volume(64 << 20)
        for number in 0..<48 {
            try await device.write(pattern(UInt64(number), bytes: 1 << 20), at: UInt64(number) << 20)
            if number % 8 == 7 { try await device.flush() }
        }
        #expect(try #require(await pool.engine.statistics(of: id)).columnBlocksFilled == 0)
        await pool.stop()
    }

    /// Small flushes until the filling is on, then work of all sizes that runs into it, over several segments, a restart and a check of
    /// every record: nothing was written over.
    @Test(arguments: [(2, 1, 3), (4, 2, 6)])
    func nothingIsWrittenOver(k: Int, p: Int, mountpaths: Int) async throws {
        let pool = try await TestPool(mountpaths: mountpaths, k: k, p: p)
        let (id, device) = try await pool.volume(64 << 20)
        var model = [UInt8](repeating: 0, count: 16 << 20)
        var random = SeededRandom(seed: UInt64(k))
        func write(_ step: Int, blocks: Int) async throws {
            let block = Int.random(in: 0...(model.count / blockBytes - blocks), using: &random)
            let bytes = pattern(UInt64(step), bytes: blocks * blockBytes)
            try await device.write(bytes, at: UInt64(block * blockBytes))
            model.replaceSubrange((block * blockBytes)..<((block + blocks) * blockBytes), with: bytes)
            try await device.flush()
        }
        for round in 0..<6 {
            for step in 0..<120 { try await write(round * 1000 + step, blocks: 1) }
            for step in 120..<150 { try await write(round * 1000 + step, blocks: 64) }
        }
        let statistics = try #require(await pool.engine.statistics(of: id))
        #expect(statistics.columnBlocksFilled > Self.sliceBlocks)
        #expect(statistics.blocksRebuilt == 0)
        try await pool.restart()
        let again = try await pool.open(id)
        for offset in stride(from: 0, to: model.count, by: 1 << 20) {
            #expect(
                try await again.read(at: UInt64(offset), length: 1 << 20) == Array(model[offset..<(offset + 1 << 20)]))
        }
        #expect(try #require(await pool.engine.statistics(of: id)).blocksRebuilt == 0)
        await pool.stop()
        let report = try await pool.check(readsData: true)
        #expect(report.isClean, "\(report)")
    }

    @Test func closingWaitsForTheFilling() async throws {
        let pool = try await TestPool(mountpaths: 3, k: 1, p: 2)
        let (id, device) = try await pool.volume(16 << 20)
        // The last flushes begin a piece; what is closed and opened again has its segments, and others get the unused ones' files.
        for round in 0..<3 {
            var client = device
            if round > 0 { client = try await pool.open(id) }
            for number in 0..<(17 + round) {
                try await client.write(pattern(UInt64(number), bytes: blockBytes), at: UInt64(number * blockBytes))
                try await client.flush()
            }
            try await pool.restart()
        }
        let client = try await pool.open(id)
        for number in 0..<19 {
            #expect(
                try await client.read(at: UInt64(number * blockBytes), length: blockBytes)
                    == pattern(UInt64(number), bytes: blockBytes))
        }
        await pool.stop()
        #expect(try await pool.check(readsData: true).isClean)
    }
}
