import Base

/// Which slots of `%mt/nodes` are taken: a bit each, in pages of 4 KiB that go into checkpoints when they change.
///
/// A slot that the durable checkpoint refers to is not used again before a checkpoint without it is durable. `fresh` slots were taken since
/// the last checkpoint was frozen: nothing durable refers to them, so their nodes may still change in place.
struct SlotTable {
    static let pageSlots = blockBytes * 8
    private static let pageWords = blockBytes / 8

    private var taken: [UInt64]
    private var fresh: [UInt64]
    private var held: [UInt64]
    private(set) var takenCount = 0
    /// Since the last freeze.
    private var freed: [UInt32] = []
    /// Before the freeze whose checkpoint is on its way.
    private var freezing: [UInt32] = []
    private var changedPages: Set<Int> = []
    private var cursor = 0

    init() {
        taken = Array(repeating: 0, count: Self.pageWords)
        fresh = taken
        held = taken
        taken[0] = 1  // slot 0 means none
    }

    var pageCount: Int { taken.count / Self.pageWords }

    /// One more than the highest slot that may be in use.
    var endSlot: UInt32 {
        for word in taken.indices.reversed() where taken[word] | held[word] != 0 {
            return UInt32(word * 64 + 64 - (taken[word] | held[word]).leadingZeroBitCount)
        }
        return 1
    }

    func isFresh(_ slot: UInt32) -> Bool { fresh[Int(slot >> 6)] >> UInt64(slot & 63) & 1 == 1 }
    func isTaken(_ slot: UInt32) -> Bool {
        Int(slot >> 6) < taken.count && taken[Int(slot >> 6)] >> UInt64(slot & 63) & 1 == 1
    }

    /// Next fit: nodes that are written together tend to lie together. Low slots are taken first after each freeze, so that the file stays
    /// short.
    mutating func take() -> UInt32 {
        var word = cursor
        while word < taken.count, taken[word] | held[word] == .max { word += 1 }
        if word == taken.count {
            for list in [\SlotTable.taken, \.fresh, \.held] {
                self[keyPath: list].append(contentsOf: repeatElement(0, count: Self.pageWords))
            }
        }
        cursor = word
        let bit = (~(taken[word] | held[word])).trailingZeroBitCount
        taken[word] |= 1 << UInt64(bit)
        fresh[word] |= 1 << UInt64(bit)
        takenCount += 1
        changedPages.insert(word / Self.pageWords)
        return UInt32(word * 64 + bit)
    }

    mutating func free(_ slot: UInt32) {
        let (word, mask) = (Int(slot >> 6), UInt64(1) << UInt64(slot & 63))
        precondition(taken[word] & mask != 0, "slot \(slot) is freed twice")
        taken[word] &= ~mask
        takenCount -= 1
        changedPages.insert(word / Self.pageWords)
        if fresh[word] & mask != 0 {
            fresh[word] &= ~mask
        } else {
            held[word] |= mask
            freed.append(slot)
        }
    }

    // MARK: Checkpoints

    /// What is fresh now belongs to the checkpoint that begins.
    mutating func freeze() {
        precondition(freezing.isEmpty)
        for word in fresh.indices { fresh[word] = 0 }
        swap(&freed, &freezing)
        changedPages = []
        cursor = 0
    }

    /// The frozen checkpoint is durable, or is not: then what it freed waits for the next.
    mutating func thaw(isDurable: Bool) {
        if isDurable {
            for slot in freezing { held[Int(slot >> 6)] &= ~(1 << UInt64(slot & 63)) }
        } else {
            freed.append(contentsOf: freezing)
        }
        freezing = []
    }

    /// Pages for a checkpoint: those changed since the last freeze, or all. Before `freeze`.
    func pages(all: Bool) -> [(number: Int, words: ArraySlice<UInt64>)] {
        (all ? Array(0..<pageCount) : changedPages.sorted()).map {
            ($0, taken[($0 * Self.pageWords)..<(($0 + 1) * Self.pageWords)])
        }
    }

    /// Puts a stored page in place.
    mutating func load(page: Int, _ words: some Collection<UInt64>) {
        while pageCount <= page {
            for list in [\SlotTable.taken, \.fresh, \.held] {
                self[keyPath: list].append(contentsOf: repeatElement(0, count: Self.pageWords))
            }
        }
        for (index, word) in words.enumerated() {
            takenCount += word.nonzeroBitCount - taken[page * Self.pageWords + index].nonzeroBitCount
            taken[page * Self.pageWords + index] = word
        }
    }
}
