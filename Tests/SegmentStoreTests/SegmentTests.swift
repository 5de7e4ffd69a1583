import Base
import SegmentStore
import Testing

struct SegmentTests {
    private func segment(tails: [UInt32]) -> Segment {
        Segment(
            id: 1, k: 4, p: 2, sliceBlocks: 100,
            slices: tails.map { Slice(mountpath: nil, mountpathID: MountpathID(high: 0, low: 1), file: nil, tail: $0) })
    }

    @Test func recordsStayOutOfWhatIsBeingFilled() {
        let segment = segment(tails: [10, 10, 10, 10, 10, 10])
        let small = RecordShape(dataBlocks: 1, k: 4, p: 2)
        let large = RecordShape(dataBlocks: 80, k: 4, p: 2)
        #expect(segment.rotation(for: large) != nil && !segment.willFit(large))
        segment.fillingFrom = 20
        #expect(segment.rotation(for: small) != nil)
        #expect(segment.rotation(for: large) == nil && segment.willFit(large))
        // What is too large for the segment does not wait.
        #expect(!segment.willFit(RecordShape(dataBlocks: 400, k: 4, p: 2)))
        segment.fillingFrom = nil
        #expect(segment.rotation(for: large) != nil)
    }

    @Test func theRotationAvoidsWhatIsFull() throws {
        // A record of one block needs three slices that have two blocks left.
        let segment = segment(tails: [99, 99, 98, 98, 98, 99])
        let rotation = try #require(segment.rotation(for: RecordShape(dataBlocks: 1, k: 4, p: 2)))
        let columns = [0, 4, 5].map { ($0 + rotation) % 6 }
        #expect(Set(columns) == [2, 3, 4])
        segment.fillingFrom = 99
        #expect(segment.rotation(for: RecordShape(dataBlocks: 1, k: 4, p: 2)) == nil)
    }

    /// Sizes that repeat put a record's short column in the same place again and again: no slice may be left behind for that.
    @Test(arguments: [
        (k: 4, p: 2, sliceBlocks: 4096, sizes: [25, 25, 25, 25, 8, 8]), (4, 2, 16384, [22, 8]), (8, 2, 8192, [37, 32]),
        (8, 2, 8192, [37, 37, 37, 37, 37, 37, 37, 37, 32, 32]), (2, 1, 16384, [7, 4, 4]), (4, 2, 1024, [1]),
    ])
    func slicesFillEvenly(_ pattern: (k: Int, p: Int, sliceBlocks: Int, sizes: [Int])) {
        let count = pattern.k + pattern.p
        let segment = Segment(
            id: 1, k: pattern.k, p: pattern.p, sliceBlocks: UInt32(pattern.sliceBlocks),
            slices: (0..<count).map { _ in
                Slice(mountpath: nil, mountpathID: MountpathID(high: 0, low: 1), file: nil, tail: 1)
            })
        for number in 0... {
            let shape = RecordShape(
                dataBlocks: pattern.sizes[number % pattern.sizes.count], k: pattern.k, p: pattern.p)
            guard let rotation = segment.rotation(for: shape) else { break }
            for column in 0..<count where column < shape.dataColumns || column >= pattern.k {
                let blocks = column < pattern.k ? shape.blocks(ofDataColumn: column) : shape.columnBlocks
                _ = segment.append(column: column, rotation: rotation, blocks: 1 + blocks)
            }
        }
        let tails = segment.slices.map(\.tail)
        #expect(pattern.sliceBlocks - Int(tails.min() ?? 0) < 32, "\(tails)")
    }
}
