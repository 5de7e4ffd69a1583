import Base

/// What a volume may hold, told without any of the engine's ideas.
///
/// Every change has a number and writes it into its blocks. After a crash the volume must be what some beginning of the changes makes of it,
/// in the order in which they were submitted, with at least those that were answered before the last answered flush began. A long
/// write is several changes: it may be cut between them.
struct VolumeModel {
    struct Change {
        var first: Int
        var count: Int
        var isDiscard: Bool
        var isAnswered = false
        /// A part of a refused write that may have been taken before the refusal: there or not.
        var isOptional = false
    }
    struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    /// The engine takes writes in parts of so many blocks.
    private static let partBlocks = 128
    /// The content that reads do not have to agree on.
    static let either = -1

    /// By block: what the last check found, by the number of the change; 0 for zeros.
    private var base: [Int]
    /// Since the last check.
    private var changes: [Change] = []
    private var numbersBefore = 0
    /// The volume is at least what so many changes make of it.
    private var flushedCount = 0
    private var answeredCount = 0

    var blocks: Int { base.count }
    var changeCount: Int { changes.count }

    init(blocks: Int) { base = Array(repeating: 0, count: blocks) }

    /// Returns the parts, and the number of the first; the next ones follow.
    mutating func begin(first: Int, count: Int, isDiscard: Bool) -> (changes: Range<Int>, number: Int) {
        let begin = changes.count
        let part = isDiscard ? count : Self.partBlocks
        for offset in stride(from: 0, to: count, by: part) {
            changes.append(Change(first: first + offset, count: min(part, count - offset), isDiscard: isDiscard))
        }
        return (begin..<changes.count, numbersBefore + begin + 1)
    }

    /// The number that block `index` of a write carries, whose first part has `number`.
    static func number(_ number: Int, at index: Int) -> Int { number + index / partBlocks }

    /// How many changes from the first on are answered: what a flush that begins now covers.
    mutating func answeredPrefix() -> Int {
        while answeredCount < changes.count, changes[answeredCount].isAnswered { answeredCount += 1 }
        return answeredCount
    }

    mutating func answered(_ range: Range<Int>) {
        for index in range { changes[index].isAnswered = true }
    }

    /// Refused: the last part never happened, those before it may have.
    mutating func refused(_ range: Range<Int>) {
        for index in range {
            changes[index].isAnswered = true
            if index == range.upperBound - 1 { changes[index].count = 0 } else { changes[index].isOptional = true }
        }
    }

    mutating func flushed(_ count: Int) { flushedCount = max(flushedCount, count) }

    /// All that was answered is kept: after a clean close.
    mutating func allFlushed() { flushed(answeredPrefix()) }

    private func content(_ index: Int) -> Int { changes[index].isDiscard ? 0 : numbersBefore + index + 1 }

    /// What a read that begins now must find; `either` where a change is not answered yet.
    func expected(_ first: Int, _ count: Int) -> [Int] {
        var state = Array(base[first..<(first + count)])
        var isOpen = Array(repeating: false, count: count)
        for (index, change) in changes.enumerated() {
            let low = max(first, change.first)
            let high = min(first + count, change.first + change.count)
            guard low < high else { continue }
            for block in (low - first)..<(high - first) {
                state[block] = content(index)
                if !change.isAnswered || change.isOptional { isOpen[block] = true }
            }
        }
        for block in 0..<count where isOpen[block] { state[block] = Self.either }
        return state
    }

    /// Whether a change from number `from` on touches the block.
    func isTouched(_ block: Int, since from: Int) -> Bool {
        changes[from...].contains { $0.first <= block && block < $0.first + $0.count }
    }

    /// Finds a beginning of the changes that gives `found` (numbers by block), and begins anew from there.
    mutating func check(_ found: [Int]) throws {
        let count = changes.count
        // By beginning: how many blocks forbid it; kept as differences.
        var forbidden = Array(repeating: 0, count: count + 2)
        var touching: [[Int]] = Array(repeating: [], count: blocks)
        for (index, change) in changes.enumerated() {
            for block in change.first..<(change.first + change.count) { touching[block].append(index) }
        }
        for block in 0..<blocks {
            if touching[block].contains(where: { changes[$0].isOptional }) {
                guard found[block] == base[block] || touching[block].contains(where: { content($0) == found[block] })
                else { throw neverWritten(block, found[block]) }
                continue
            }
            var state = base[block]
            var from = 0
            var isPossible = false
            for index in touching[block] + [count] {
                // Beginnings of `from` to `index` changes show `state`.
                if state == found[block] {
                    isPossible = isPossible || index >= flushedCount
                } else {
                    forbidden[from] += 1
                    forbidden[index + 1] -= 1
                }
                if index < count { state = content(index) }
                from = index + 1
            }
            guard isPossible else { throw neverWritten(block, found[block]) }
        }
        var sum = 0
        var isFound = false
        for beginning in 0...count {
            sum += forbidden[beginning]
            if sum == 0, beginning >= flushedCount { isFound = true }
        }
        guard isFound else {
            throw Problem(
                description:
                    "no beginning of changes \(numbersBefore + 1) to \(numbersBefore + count), with at least \(flushedCount) of them, gives what the volume shows"
            )
        }
        numbersBefore += count
        base = found
        changes = []
        flushedCount = 0
        answeredCount = 0
    }

    private func neverWritten(_ block: Int, _ number: Int) -> Problem {
        Problem(
            description:
                "block \(block) shows change \(number): older than the last flush (through \(numbersBefore + flushedCount)), or never written there"
        )
    }

    // MARK: Content

    /// Fills a block so that it says which change wrote it, and where it belongs.
    static func fill(_ target: UnsafeMutableRawPointer, number: Int, block: Int) {
        let words = target.assumingMemoryBound(to: UInt64.self)
        for index in 0..<(blockBytes / 8) {
            words[index] = index % 2 == 0 ? UInt64(number) : UInt64(block) << 32 | UInt64(index)
        }
    }

    /// Which change wrote the block; 0 for zeros. Throws where it is no whole block of ours.
    static func number(_ source: UnsafeRawPointer, block: Int) throws -> Int {
        let words = source.assumingMemoryBound(to: UInt64.self)
        let number = words[0]
        for index in 0..<(blockBytes / 8) {
            let expected = number == 0 ? 0 : index % 2 == 0 ? number : UInt64(block) << 32 | UInt64(index)
            guard words[index] == expected else {
                throw Problem(
                    description: "block \(block) is torn or of another place (change \(number), word \(index))")
            }
        }
        return Int(number)
    }
}
