import Base
import ErasureCoding
import SegmentStore
import SystemIO
import Testing

/// What is found of a segment's records when parts of its slices cannot be read, are torn, or are told to be empty.
@Suite struct ScanTests {
    private static let (k, p, recordCount) = (2, 1, 200)
    private static let sliceBlocks: UInt32 = 600
    private static let start: UInt64 = 77

    /// A slice in memory.
    private final class MemoryFile: DiskFile, @unchecked Sendable {
        let bytes = AlignedBuffer(bytes: Int(ScanTests.sliceBlocks) * 4096)
        var bad: Set<Int> = []
        private(set) var readBlocks = 0
        private(set) var reads = 0
        let descriptor: Int32 = -1

        func size() throws(Failure) -> UInt64 { UInt64(bytes.bytes) }
        func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(Failure) -> Int {
            let blocks = Int(offset / 4096)..<(Int(offset) + buffer.count) / 4096
            reads += 1
            guard bad.isDisjoint(with: blocks) else { throw Failure(errno: 5, "a bad sector") }
            readBlocks += blocks.count
            buffer.copyMemory(from: UnsafeRawBufferPointer(start: bytes.base + Int(offset), count: buffer.count))
            return buffer.count
        }
        func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(Failure) {}
        func truncate(to bytes: UInt64) throws(Failure) {}
        func synchronize() throws(Failure) {}
    }

    private struct Slices {
        let pool: PoolID
        let volume: VolumeID
        let files: [MemoryFile]
        /// Behind the last record.
        let tail: UInt32

        /// Records of one block each, over one data column and parity.
        init() {
            var random = SeededRandom(seed: 9)
            (pool, volume) = (.random(&random), .random(&random))
            files = (0..<(k + p)).map { _ in MemoryFile() }
            for (index, file) in files.enumerated() {
                SliceHeader(
                    pool: pool, volume: volume, segment: 5, k: k, p: p, slice: index, sliceBlocks: sliceBlocks,
                    start: start, mountpaths: files.map { _ in .random(&random) }
                ).encode(into: file.bytes.base)
            }
            var tails = [UInt32](repeating: 1, count: k + p)
            for sequence in 1...UInt64(recordCount) {
                let shape = RecordShape(dataBlocks: 1, k: k, p: p)
                var header = RecordHeader(
                    pool: pool, volume: volume, segment: 5, sequence: sequence, durableThrough: 0, attachEpoch: 1,
                    birthEpoch: 1, lastRingSequence: sequence, k: k, p: p, shape: shape,
                    rotation: Int(sequence) % (k + p),
                    offsets: Array(repeating: RecordHeader.notWritten, count: k + p), parityChecksums: [0],
                    extents: [RecordExtent(block: sequence, count: 1, isDiscard: false)], blockChecksums: [0])
                let columns = header.columnsWritten
                for column in columns {
                    let slice = header.slice(ofColumn: column)
                    header.offsets[column] = tails[slice]
                    tails[slice] += UInt32(header.chunkBlocks(ofColumn: column))
                }
                for column in columns {
                    let place = Int(header.offsets[column]) * 4096
                    header.encode(column: column, into: files[header.slice(ofColumn: column)].bytes.base + place)
                }
            }
            tail = tails.max() ?? 1
        }

        func scan(_ tail: SegmentTail?) throws -> [FoundRecord] { try contents(tail).records }

        func contents(_ tail: SegmentTail?, expected: SegmentScan.Expected? = nil) throws -> SegmentScan.Contents {
            let beginnings = files.enumerated().map { index, file in
                SegmentScan.Beginning(
                    pool: pool, volume: volume, segment: 5, sliceBlocks: sliceBlocks, columns: files.count,
                    slice: index, file: file, tail: tail)
            }
            return try SegmentScan.contents(
                pool: pool, volume: volume, segment: 5, sliceBlocks: sliceBlocks, files: files,
                beginnings: beginnings.map { $0 }, expected: expected)
        }

        var readBlocks: Int { files.reduce(0) { $0 + $1.readBlocks } }
    }

    private func expectAll(_ records: [FoundRecord], columnsMissing: Int = 0, _ what: Comment) {
        #expect(records.map(\.header.sequence) == (1...UInt64(Self.recordCount)).map { $0 }, what)
        #expect(records.reduce(0) { $0 + 2 - $1.columnsSeen.count } == columnsMissing, what)
    }

    @Test func nothingBehindTheTailIsRead() throws {
        let all = Slices()
        expectAll(try all.scan(nil), "without a tail")
        #expect(all.readBlocks >= 3 * (Int(Self.sliceBlocks) - 1))
        let some = Slices()
        expectAll(try some.scan(SegmentTail(end: some.tail, start: Self.start)), "with a tail")
        // And what one slice has less than the others, once more.
        #expect(some.readBlocks <= 3 * Int(some.tail) + 16)
        // It is about another segment of the same number.
        let other = Slices()
        expectAll(try other.scan(SegmentTail(end: 1, start: Self.start + 1)), "of another start")
        // As large as nothing can be.
        expectAll(try Slices().scan(SegmentTail(end: .max, start: Self.start)), "too large")
        expectAll(try Slices().scan(SegmentTail(end: 0, start: Self.start + 1)), "too small")
    }

    /// Nothing is looked for behind as many blocks as there are said to be; where they are not in the beginnings, everything is.
    @Test func asManyBlocksAsAreExpectedAreEnough() throws {
        let count = UInt64(Self.recordCount)
        func expected(_ blocks: Int, through sequence: UInt64 = count) -> SegmentScan.Expected {
            .init(dataBlocks: blocks, throughSequence: sequence)
        }
        let some = Slices()
        let found = try some.contents(nil, expected: expected(Self.recordCount))
        expectAll(found.records, "all that there are")
        #expect(found.isEarly && found.unreadable == 0 && some.readBlocks < 3 * (Int(Self.sliceBlocks) - 1))
        for more in [expected(Self.recordCount + 1), expected(Self.recordCount, through: count - 1)] {
            let all = Slices()
            let found = try all.contents(nil, expected: more)
            expectAll(found.records, "more is expected")
            #expect(!found.isEarly && all.readBlocks >= 3 * (Int(Self.sliceBlocks) - 1))
        }
        // Two headers of one record are bad: it has none any more, and what comes behind it is found all the same.
        let torn = Slices()
        let places = torn.files.map { file in
            (1..<Int(Self.sliceBlocks)).first { RecordHeader(page: file.bytes.base + $0 * 4096)?.sequence == 100 }
        }
        for (file, place) in zip(torn.files, places) {
            if let place { file.bytes.span[place * 4096 + 9] ^= 1 }
        }
        let left = try torn.contents(nil, expected: expected(Self.recordCount))
        #expect(left.records.count == Self.recordCount - 1 && !left.isEarly)
    }

    /// Where the slice does not say whose it is, it is read whole.
    @Test func aSliceWithoutItsHeaderIsReadToTheEnd() throws {
        let slices = Slices()
        slices.files[1].bytes.span[100] ^= 1
        slices.files[2].bad = [0]
        expectAll(try slices.scan(SegmentTail(end: slices.tail, start: Self.start)), "two headers are bad")
    }

    @Test func aBadSectorHidesNoOtherBlock() throws {
        let slices = Slices()
        // In the middle of what is read at once.
        let place = try #require(
            (200..<300).first { RecordHeader(page: slices.files[0].bytes.base + $0 * 4096) != nil })
        slices.files[0].bad = [place]
        expectAll(try slices.scan(nil), columnsMissing: 1, "one header")
        slices.files[0].bad = [place + 1]
        expectAll(try slices.scan(nil), "a block of data")
    }

    @Test func aDriveThatFailsThroughoutIsNotAskedForEachBlock() throws {
        let slices = Slices()
        slices.files[0].bad = Set(0..<Int(Self.sliceBlocks))
        let found = try slices.scan(nil)
        #expect(found.count == Self.recordCount)
        #expect(slices.files[0].reads < 200, "\(slices.files[0].reads)")
    }

    /// Torn headers: the same record's other header tells what lies there.
    @Test func aGapIsWalkedOver() throws {
        let slices = Slices()
        var lost = 0
        for place in 100..<130 where RecordHeader(page: slices.files[0].bytes.base + place * 4096) != nil {
            slices.files[0].bytes.span[place * 4096 + 30] ^= 1
            lost += 1
        }
        #expect(lost > 0)
        expectAll(try slices.scan(SegmentTail(end: slices.tail, start: Self.start)), columnsMissing: lost, "torn")
    }
}
