import Base
import ErasureCoding
import SegmentStore
import SystemIO
import Testing

@Suite struct RecordTests {
    static func header(_ random: inout SeededRandom, k: Int, p: Int, blocks: Int) -> RecordHeader {
        let shape = RecordShape(dataBlocks: blocks, k: k, p: p)
        var extents: [RecordExtent] = []
        var left = blocks
        while left > 0 {
            let count = extents.count > 100 ? left : Int.random(in: 1...left, using: &random)
            extents.append(RecordExtent(block: random.next() >> 16, count: count, isDiscard: false))
            left -= count
        }
        if Bool.random(using: &random) { extents.append(RecordExtent(block: 9, count: 32767, isDiscard: true)) }
        var offsets = Array(repeating: RecordHeader.notWritten, count: k + p)
        for column in Array(0..<shape.dataColumns) + Array(k..<(k + p)) {
            offsets[column] = UInt32(random.next() >> 40)
        }
        return RecordHeader(
            pool: .random(&random), volume: .random(&random), segment: UInt32(truncatingIfNeeded: random.next()),
            sequence: random.next(), durableThrough: random.next(), attachEpoch: random.next(),
            birthEpoch: random.next(),
            lastRingSequence: random.next(), k: k, p: p, shape: shape,
            rotation: Int.random(in: 0..<(k + p), using: &random),
            offsets: offsets, parityChecksums: (0..<p).map { _ in UInt32(truncatingIfNeeded: random.next()) },
            extents: extents, blockChecksums: (0..<blocks).map { _ in UInt32(truncatingIfNeeded: random.next()) })
    }

    @Test func headersComeBackAsTheyWere() throws {
        var random = SeededRandom(seed: 1)
        let page = AlignedBuffer(bytes: 4096)
        for _ in 0..<500 {
            let (k, p) = [(1, 0), (1, 2), (4, 2), (8, 2), (10, 6)].randomElement(using: &random)!
            let header = Self.header(&random, k: k, p: p, blocks: Int.random(in: 0...256, using: &random))
            for column in header.columnsWritten {
                header.encode(column: column, into: page.base)
                #expect(RecordHeader(page: page.base) == header)
                #expect(RecordHeader.column(ofPage: page.base) == column)
            }
        }
    }

    @Test func aHeaderWithAnyBitChangedIsRefused() throws {
        var random = SeededRandom(seed: 2)
        let page = AlignedBuffer(bytes: 4096)
        Self.header(&random, k: 4, p: 2, blocks: 30).encode(column: 1, into: page.base)
        for _ in 0..<4000 {
            let byte = Int.random(in: 0..<4096, using: &random)
            let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &random)
            page.span[byte] ^= bit
            #expect(RecordHeader(page: page.base) == nil)
            page.span[byte] ^= bit
        }
        #expect(RecordHeader(page: page.base) != nil)
    }

    @Test func sliceHeadersComeBackAsTheyWere() throws {
        var random = SeededRandom(seed: 3)
        let page = AlignedBuffer(bytes: 4096)
        for _ in 0..<100 {
            let header = SliceHeader(
                pool: .random(&random), volume: .random(&random), segment: 77, k: 8, p: 2, slice: 9, sliceBlocks: 4096,
                start: random.next(), mountpaths: (0..<10).map { _ in .random(&random) })
            header.encode(into: page.base)
            #expect(SliceHeader(page: page.base) == header)
            page.span[Int.random(in: 0..<4096, using: &random)] ^= 0x10
            #expect(SliceHeader(page: page.base) == nil)
        }
    }

    @Test func shapesHoldEveryBlockAtTheLeastCost() {
        for k in 1...10 {
            for p in 0...3 {
                for blocks in 0...300 {
                    let shape = RecordShape(dataBlocks: blocks, k: k, p: p)
                    let stored = (0..<shape.dataColumns).map { shape.blocks(ofDataColumn: $0) }
                    #expect(stored.reduce(0, +) == blocks && stored.allSatisfy { $0 >= 0 && $0 <= shape.columnBlocks })
                    #expect(blocks == 0 || stored.allSatisfy { $0 > 0 })
                    #expect(shape.dataColumns <= k && shape.columnsWritten >= p + 1)
                    let cost = shape.columnsWritten * (1 + shape.columnBlocks)
                    for columns in 1...k { #expect(cost <= (columns + p) * (1 + (blocks + columns - 1) / columns)) }
                }
            }
        }
    }

    @Test func placementIsEvenStableAndByWeight() {
        var random = SeededRandom(seed: 4)
        let ids = (0..<10).map { _ in MountpathID.random(&random) }
        let volume = VolumeID.random(&random)
        var hits: [MountpathID: Int] = [:]
        for segment in 1...4000 as ClosedRange<UInt32> {
            let all = ids.map { ($0, $0 == ids[0] ? 2.0 : 1.0) }
            let order = Placement.order(all, volume: volume, segment: segment)
            hits[order[0], default: 0] += 1
            // Without the last choice the others stay in their order.
            let fewer = Placement.order(all.filter { $0.0 != order[9] }, volume: volume, segment: segment)
            #expect(fewer == Array(order[..<9]))
        }
        #expect((650...810).contains(hits[ids[0]] ?? 0), "\(hits[ids[0]] ?? 0)")
        for id in ids[1...] { #expect((290...440).contains(hits[id] ?? 0), "\(hits[id] ?? 0)") }
    }
}
