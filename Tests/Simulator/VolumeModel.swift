import Base

/// What a volume and its snapshots may hold, told without any of the engine's ideas.
///
/// Every change has a number; a write puts it into its blocks. After a crash the volume must be what some beginning of the changes makes of
/// it, in the order in which they were submitted, with at least those that were answered before the last answered flush began. A long write is
/// several changes: it may be cut between them. Snapshots, their deletion and rollbacks are changes as well, durable when answered: the
/// snapshots that are found must be those of the same beginning, each with the content of its place in the order.
struct VolumeModel: Hashable {
    enum Action: Hashable {
        case write
        case discard
        /// By the snapshot's number.
        case snapshot(Int)
        case delete(Int)
        case rollBack(Int)
        case dropHead
        /// Refused.
        case nothing
    }
    struct Change: Hashable {
        var first = 0
        var count = 0
        var action: Action
        var isAnswered = false
        /// A part of a refused write that may have been taken before the refusal: there or not.
        var isOptional = false

        var isOfEpochs: Bool {
            switch action {
            case .snapshot, .delete, .rollBack, .dropHead: true
            case .write, .discard, .nothing: false
            }
        }
    }
    struct Problem: Error, CustomStringConvertible {
        var description: String
    }
    /// By block: the number of the change that wrote it, 0 for zeros, `either` where more than one is right. Nil: the volume was deleted.
    struct State: Hashable {
        var head: [Int]?
        var snapshots: [Int: [Int]] = [:]

        /// Nil where `found` is this; else where it is not.
        func difference(_ found: State) -> String? {
            guard Set(snapshots.keys) == Set(found.snapshots.keys) else {
                return "snapshots \(found.snapshots.keys.sorted()) are there, not \(snapshots.keys.sorted())"
            }
            guard (head == nil) == (found.head == nil) else { return "a deleted volume is there, or one is missing" }
            if let head, let other = found.head, let text = Self.difference(head, other) { return text }
            for (number, content) in snapshots.sorted(by: { $0.key < $1.key }) {
                if let other = found.snapshots[number], let text = Self.difference(content, other) {
                    return "snapshot \(number): \(text)"
                }
            }
            return nil
        }

        /// Blocks that differ; nil where not even the snapshots are the same.
        func distance(_ found: State) -> Int? {
            guard Set(snapshots.keys) == Set(found.snapshots.keys), (head == nil) == (found.head == nil) else {
                return nil
            }
            func count(_ mine: [Int], _ other: [Int]) -> Int {
                zip(mine, other).count { $0 != $1 && $0 != either }
            }
            let heads = head.flatMap { mine in found.head.map { count(mine, $0) } } ?? 0
            return snapshots.reduce(heads) { $0 + count($1.value, found.snapshots[$1.key] ?? []) }
        }

        private static func difference(_ expected: [Int], _ found: [Int]) -> String? {
            for block in expected.indices where expected[block] != found[block] && expected[block] != either {
                return "block \(block) shows change \(found[block]), not \(expected[block])"
            }
            return nil
        }
    }

    /// The engine takes writes in parts of so many blocks.
    private static let partBlocks = 128
    /// The content that reads do not have to agree on.
    static let either = -1

    /// What the last check found.
    private var base: State
    /// Since the last check.
    private var changes: [Change] = []
    private var numbersBefore: Int
    /// The volume is at least what so many changes make of it.
    private var flushedCount = 0
    private var answeredCount = 0
    /// Contents of snapshots that were answered, deleted ones too.
    private(set) var contents: [Int: [Int]] = [:]
    let blocks: Int

    var changeCount: Int { changes.count }

    init(blocks: Int) { self.init(content: Array(repeating: 0, count: blocks), numbersBefore: 0) }

    /// A clone. Its changes have other numbers than the origin's.
    init(content: [Int], numbersBefore: Int) {
        base = State(head: content)
        blocks = content.count
        self.numbersBefore = numbersBefore
    }

    // MARK: Changes

    /// Returns the parts, and the number of the first; the next ones follow.
    mutating func begin(first: Int, count: Int, isDiscard: Bool) -> (changes: Range<Int>, number: Int) {
        let begin = changes.count
        let part = isDiscard ? count : Self.partBlocks
        for offset in stride(from: 0, to: count, by: part) {
            changes.append(
                Change(first: first + offset, count: min(part, count - offset), action: isDiscard ? .discard : .write))
        }
        return (begin..<changes.count, numbersBefore + begin + 1)
    }

    /// Returns the change's index.
    mutating func begin(_ action: Action) -> Int {
        changes.append(Change(action: action))
        return changes.count - 1
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

    /// A snapshot, a deletion or a rollback is done, and durable with all before it. A snapshot's content is what it is now for ever.
    mutating func answered(_ index: Int) {
        changes[index].isAnswered = true
        flushed(index + 1)
        if case .snapshot(let number) = changes[index].action { contents[number] = state(before: index).head }
    }

    /// Refused: the last part never happened, those before it may have.
    mutating func refused(_ range: Range<Int>) {
        for index in range {
            changes[index].isAnswered = true
            if index == range.upperBound - 1 {
                changes[index].action = .nothing
            } else {
                changes[index].isOptional = true
            }
        }
    }

    mutating func flushed(_ count: Int) { flushedCount = max(flushedCount, count) }

    /// All that was answered is kept: after a clean close.
    mutating func allFlushed() { flushed(answeredPrefix()) }

    private func content(_ index: Int) -> Int { changes[index].action == .discard ? 0 : numbersBefore + index + 1 }

    private func state(before index: Int) -> State {
        var state = base
        for change in 0..<index { apply(change, to: &state) }
        return state
    }

    private func apply(_ index: Int, to state: inout State) {
        let change = changes[index]
        switch change.action {
        case .write, .discard:
            let value = change.isOptional ? Self.either : content(index)
            for block in change.first..<(change.first + change.count) { state.head?[block] = value }
        case .snapshot(let number): state.snapshots[number] = state.head
        case .delete(let number): state.snapshots[number] = nil
        case .rollBack(let number): state.head = state.snapshots[number]
        case .dropHead: state.head = nil
        case .nothing: break
        }
    }

    // MARK: Reading

    /// What a read that begins now must find; `either` where a change is not answered yet.
    func expected(_ first: Int, _ count: Int) -> [Int] {
        var state = Array((base.head ?? Array(repeating: 0, count: blocks))[first..<(first + count)])
        for (index, change) in changes.enumerated() {
            if case .rollBack(let number) = change.action, let content = contents[number] {
                state = Array(content[first..<(first + count)])
            }
            guard change.action == .write || change.action == .discard else { continue }
            let low = max(first, change.first)
            let high = min(first + count, change.first + change.count)
            guard low < high else { continue }
            for block in (low - first)..<(high - first) {
                state[block] = change.isAnswered && !change.isOptional ? content(index) : Self.either
            }
        }
        return state
    }

    /// Whether a change from number `from` on touches the block.
    func isTouched(_ block: Int, since from: Int) -> Bool {
        changes[from...].contains { $0.first <= block && block < $0.first + $0.count }
    }

    // MARK: Checking

    /// Finds a beginning of the changes that gives `found`, and begins anew from there. Where processes have died and their rings were found, it has
    /// every change that was answered, and changes of epochs that were not may be left out from one of them on; what was not
    /// flushed may be lost yet, so the changes are kept.
    mutating func check(_ found: State, after end: VolumeEnd = .none) throws {
        try checkOptional(found)
        var search = Search(least: max(flushedCount, end.keepsAnswered ? answeredEnd : 0))
        let open =
            end.hasProcessDied ? changes.indices.filter { changes[$0].isOfEpochs && !changes[$0].isAnswered } : []
        for cut in [changes.count] + open.reversed() {
            let left = open.filter { $0 >= cut }
            search.beginning = find(found, &search, without: Set(left))
            guard let beginning = search.beginning else { continue }
            for index in left { leaveOut(index) }
            for (number, content) in found.snapshots { contents[number] = content }
            if end.keepsAnswered { return keep(through: beginning) }
            numbersBefore += changes.count
            base = found
            changes = []
            flushedCount = 0
            answeredCount = 0
            return
        }
        throw Problem(
            description:
                "no beginning of changes \(numbersBefore + 1) to \(numbersBefore + changes.count), with at least \(search.least) of them (\(flushedCount) flushed), gives what is there; with all of them \(search.lastDifference ?? ""); nearest with \(search.nearest?.beginning ?? -1) of them, \(search.nearest?.blocks ?? 0) blocks: \(search.nearest?.text ?? "")"
        )
    }

    private struct Search {
        var least: Int
        var beginning: Int?
        var lastDifference: String?
        var nearest: (blocks: Int, beginning: Int, text: String)?
    }

    private func find(_ found: State, _ search: inout Search, without left: Set<Int>) -> Int? {
        var state = base
        for beginning in 0...changes.count {
            if beginning >= search.least {
                search.lastDifference = state.difference(found)
                if search.lastDifference == nil { return beginning }
                if let blocks = state.distance(found), blocks < search.nearest?.blocks ?? .max {
                    search.nearest = (blocks, beginning, search.lastDifference ?? "")
                }
            }
            if beginning < changes.count, !left.contains(beginning) { apply(beginning, to: &state) }
        }
        return nil
    }

    /// Past the last change that was answered as done: all before it were taken.
    private var answeredEnd: Int {
        (changes.lastIndex { $0.isAnswered && !$0.isOptional && $0.action != .nothing } ?? -1) + 1
    }

    /// What the dead process had not taken never happens; the rest is as good as answered.
    private mutating func keep(through beginning: Int) {
        for index in changes.indices {
            if index >= beginning { leaveOut(index) }
            changes[index].isAnswered = true
        }
    }

    private mutating func leaveOut(_ index: Int) {
        changes[index].action = .nothing
        changes[index].isAnswered = true
    }

    /// Blocks of which it is open what they hold have something that was written there.
    private func checkOptional(_ found: State) throws {
        let open = Set(changes.filter(\.isOptional).flatMap { $0.first..<($0.first + $0.count) })
        for block in open {
            guard let shown = found.head?[block] else { continue }
            var legal = Set([base.head?[block] ?? 0])
            for content in contents.values { legal.insert(content[block]) }
            for (index, change) in changes.enumerated()
            where change.first <= block && block < change.first + change.count {
                legal.insert(content(index))
            }
            guard legal.contains(shown) || legal.contains(Self.either) else {
                throw Problem(description: "block \(block) shows change \(shown), which was never written there")
            }
        }
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
