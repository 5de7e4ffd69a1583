import Base
import ErasureCoding
import SegmentStore
import SystemIO
import Testing

@Suite struct PackedMovesTests {
    /// Of blocks that go up and down, from few segments and epochs or from anywhere.
    private static func moves(
        _ random: inout SeededRandom, count: Int
    ) -> [(extent: RecordExtent, origin: RecordOrigin)] {
        let isWild = Bool.random(using: &random)
        return (0..<count).map { _ in
            let extent = RecordExtent(
                block: isWild ? random.next() >> 16 : .random(in: 0...1 << 30, using: &random),
                count: Bool.random(using: &random) ? 1 : .random(in: 1...3, using: &random), isDiscard: false)
            let origin = RecordOrigin(
                segment: isWild ? .random(in: 0 ... .max, using: &random) : .random(in: 40...43, using: &random),
                place: .random(in: 0...UInt32.max - 4, using: &random),
                birth: isWild ? .random(in: 0 ... .max, using: &random) : .random(in: 7...8, using: &random))
            return (extent, origin)
        }
    }

    private static func header(_ random: inout SeededRandom, count: Int) -> RecordHeader {
        let moves = moves(&random, count: count)
        let blocks = moves.reduce(0) { $0 + $1.extent.count }
        var header = RecordTests.header(&random, k: 4, p: 2, blocks: blocks)
        header.extents = moves.map(\.extent)
        header.origins = moves.map(\.origin)
        return header
    }

    @Test func movesComeBackAsTheyWere() {
        var random = SeededRandom(seed: 1)
        let page = AlignedBuffer(bytes: 4096)
        for _ in 0..<2000 {
            let header = Self.header(&random, count: .random(in: 1...100, using: &random))
            header.encode(column: 0, into: page.base)
            #expect(RecordHeader(page: page.base) == header)
        }
    }

    /// With a checksum that is right, so that only the table itself can tell.
    @Test func aTableThatIsNoneIsRefusedOrHoldsWhatItSays() {
        var random = SeededRandom(seed: 2)
        let page = AlignedBuffer(bytes: 4096)
        var refused = 0
        for _ in 0..<200 {
            let header = Self.header(&random, count: .random(in: 1...100, using: &random))
            for _ in 0..<20 {
                header.encode(column: 0, into: page.base)
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    page.span[.random(in: 256..<4092, using: &random)] = UInt8(truncatingIfNeeded: random.next())
                }
                if Bool.random(using: &random) {
                    page.base.storeBytes(of: UInt16.max, toByteOffset: 98, as: UInt16.self)
                }
                let checksum = crc32c(page.base, bytes: 4092)
                page.base.storeBytes(of: checksum, toByteOffset: 4092, as: UInt32.self)
                guard let found = RecordHeader(page: page.base) else {
                    refused += 1
                    continue
                }
                #expect(found.extents.count == found.origins.count)
                #expect(found.extents.reduce(0) { $0 + $1.count } == found.shape.dataBlocks)
                #expect(found.extents.allSatisfy { $0.block < 1 << 48 && $0.count >= 1 && !$0.isDiscard })
            }
        }
        #expect(refused > 1000)
    }

    @Test func scatteredBlocksOfOneSegmentTakeAFewBytes() {
        var random = SeededRandom(seed: 3)
        var packed = PackedMoves()
        var bytes = 0
        for place in stride(from: UInt32(1), to: 3000, by: 3) {
            let extent = RecordExtent(block: .random(in: 0..<1 << 29, using: &random), count: 1, isDiscard: false)
            let origin = RecordOrigin(segment: 1 << 20, place: place, birth: 9)
            bytes += packed.bytes(extent, origin)
            packed.follow(extent, origin)
        }
        #expect(bytes < 7 * 1000)
    }
}
