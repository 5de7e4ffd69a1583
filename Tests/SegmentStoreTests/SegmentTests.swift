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
}
