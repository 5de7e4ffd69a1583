import Base
import BlockDevice
import EmbeddedEngine
import Glibc
import Logging
import SystemIO
import VolumeEngine

/// Random work on one volume with faults and power losses, checked against a naive model. One seed repeats it (with
/// SWIFT_DETERMINISTIC_HASHING=1 in the environment).
///
/// The model: every change has a number. After a power loss the volume must be what some beginning of the changes makes of it, in the
/// order in which they were submitted, with at least those that were answered before the last answered flush began.
public final class VolumeSimulation {
    public struct Problem: Error, CustomStringConvertible {
        public var description: String
    }

    public struct Settings: Sendable {
        public var k = 4
        public var p = 2
        public var mountpathCount = 8
        public var volumeBlocks = 1024
        public var operationsPerLife = 200
        public var sliceBytes: UInt64 = 2 << 20
        public var driveBytes: UInt64 = 64 << 20
        public init() {}
    }

    private struct Change {
        var first: Int
        var count: Int
        var isDiscard: Bool
        /// Refused after a part of it may have been taken: each of its blocks may show it or not.
        var isUncertain = false
    }

    private let seed: UInt64
    private let settings: Settings
    private let machine: SimulatedMachine
    private let clock = ManualClock()
    private var disks: [SimulatedDisk]
    private let ledger: SimulatedDisk
    private let group: GroupSpecification
    private let volume: VolumeID
    private var lost: Set<Int> = []
    /// Lost, or with rotten bytes that nobody may have read and repaired yet: never more than p.
    private var damaged: Set<Int> = []

    /// Since the last life: what the volume held then, by the number of the change, and what was done since.
    private var base: [Int]
    private var changes: [Change] = []
    private var totalChanges = 0
    private var answered: [Bool] = []
    private var flushedCount = 0
    public private(set) var counts: [String: Int] = [:]

    public init(seed: UInt64, settings: Settings = Settings()) {
        self.seed = seed
        self.settings = settings
        let machine = SimulatedMachine(seed: seed)
        self.machine = machine
        disks = (0..<settings.mountpathCount).map { _ in
            SimulatedDisk(machine: machine, totalBytes: settings.driveBytes)
        }
        ledger = SimulatedDisk(machine: machine, totalBytes: 1 << 30)
        group = GroupSpecification(
            label: "g", dataColumns: settings.k, parityColumns: settings.p, media: [], sliceBytes: settings.sliceBytes,
            capacityBytes: nil)
        volume = .random(&machine.random)
        base = Array(repeating: 0, count: settings.volumeBlocks)
    }

    /// `lives` times: start, check, work, lose power.
    public func run(lives: Int) throws {
        for life in 0..<lives {
            do { try live(life) } catch let problem as Problem {
                throw Problem(description: "seed \(seed), life \(life): \(problem)")
            } catch {
                throw Problem(description: "seed \(seed), life \(life): \(error)")
            }
        }
    }

    private func count(_ what: String, _ number: Int = 1) { counts[what, default: 0] += number }

    private func problem(_ text: String) -> Problem { Problem(description: text) }

    // MARK: A life

    private func live(_ life: Int) throws {
        let queue = SimulatedQueue(machine: machine, clock: clock)
        let client = Client(queue: queue)
        let harness = try start(queue)
        client.harness = harness
        try checkAll(client)
        rotSome()
        let operations = Int(machine.random.next() % UInt64(settings.operationsPerLife * 2))
        for _ in 0..<operations {
            try operate(client)
            for _ in 0..<(machine.random.next() % 6) { _ = queue.step() }
            if machine.chance(1, in: 400) { breakOne() }
            try collect(client)
        }
        if let text = harness.accountingProblem() { throw problem(text) }
        if machine.chance(1, in: 6) { try closeCleanly(harness, queue, client) }
        losePower(queue)
        count("lives")
        count("records", harness.statistics.recordsWritten)
        count("blocks rebuilt", harness.statistics.blocksRebuilt)
        count("checkpoints", harness.statistics.checkpoints)
    }

    /// Starts the engine; now and then the power goes again while it starts.
    private func start(_ queue: SimulatedQueue) throws -> VolumeHarness {
        while true {
            if machine.chance(1, in: 3) {
                machine.operationsUntilPowerLoss = Int(machine.random.next() % 400)
                if (try? open(queue)) != nil, machine.hasPower {
                    // It came up before: what it sealed must hold as well.
                    count("starts cut off late")
                }
                machine.losePower()
                resolve()
                count("starts cut off")
                continue
            }
            do { return try open(queue) } catch { throw problem("cannot start: \(error)") }
        }
    }

    private func open(_ queue: SimulatedQueue) throws(Failure) -> VolumeHarness {
        let mountpaths = disks.indices.map { index in
            lost.contains(index)
                ? ConfiguredMountpath(path: "/d\(index)", media: "nvme", disk: nil, problem: "lost")
                : ConfiguredMountpath(path: "/d\(index)", media: "nvme", disk: disks[index])
        }
        var logger = Logger(label: "simulation", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .critical
        return try VolumeHarness(
            mountpaths: mountpaths, ledger: ledger, group: group, volume: volume,
            sizeBytes: UInt64(settings.volumeBlocks * blockBytes), ringBytes: 4 << 20, queue: queue, clock: clock,
            random: &machine.random, logger: logger)
    }

    private func operate(_ client: Client) throws {
        let kind = machine.random.next() % 100
        let longest = machine.chance(1, in: 20) ? 256 : 8
        let count = 1 + Int(machine.random.next() % UInt64(longest))
        let first = Int(machine.random.next() % UInt64(settings.volumeBlocks - count + 1))
        switch kind {
        case ..<55:
            guard let buffer = client.landing() else { return self.count("no room") }
            let number = begin(Change(first: first, count: count, isDiscard: false))
            for block in 0..<count { Self.fill(buffer + block * blockBytes, number: number, block: first + block) }
            client.submit(.write, first, count, buffer, change: changes.count - 1)
            self.count("writes")
        case ..<63:
            _ = begin(Change(first: first, count: count, isDiscard: true))
            client.submit(.discard, first, count, nil, change: changes.count - 1)
            self.count("discards")
        case ..<78:
            // Counts what was answered before the flush began, as far as all before it was.
            client.submit(.flush, 0, 0, nil, change: answered.prefix { $0 }.count)
            self.count("flushes")
        default:
            client.read(first, count, expecting: current(first, count), changes: changes.count)
            self.count("reads")
        }
    }

    private func begin(_ change: Change) -> Int {
        changes.append(change)
        answered.append(false)
        totalChanges += 1
        return totalChanges
    }

    private func collect(_ client: Client) throws {
        for done in client.takeFinished() {
            switch done.operation {
            case .flush:
                if done.result == 0 { flushedCount = max(flushedCount, done.change) }
            case .write, .discard, .writeZeroes:
                if done.result == 0 { answered[done.change] = true } else { try refuse(done) }
            case .read:
                guard done.result == 0 else { throw problem("read of block \(done.first) failed with \(done.result)") }
                // Only what no change has touched since the read began has one right answer.
                let touched = changes[done.change...]
                for (index, expected) in done.expected.enumerated() {
                    let block = done.first + index
                    if expected == Self.either { continue }
                    if touched.contains(where: { $0.first <= block && block < $0.first + $0.count }) { continue }
                    let found = try Self.number(done.buffer.base + index * blockBytes, block: block)
                    if found != expected { throw problem("block \(block) reads change \(found), not \(expected)") }
                }
            }
        }
    }

    /// A change that was refused never happened: it leaves a hole that changes nothing.
    private func refuse(_ done: Finished) throws {
        guard done.result == ENOSPC || done.result == EAGAIN || done.result == EIO else {
            throw problem("\(done.operation) answered \(done.result)")
        }
        if done.result == EIO, lost.count <= settings.p {
            throw problem("\(done.operation) answered EIO with \(lost.count) mountpaths lost")
        }
        if changes[done.change].count > 128 {
            changes[done.change].isUncertain = true
        } else {
            changes[done.change].count = 0
        }
        answered[done.change] = true
        count("refused")
    }

    private func current(_ first: Int, _ count: Int) -> [Int] {
        var state = Array(base[first..<(first + count)])
        let before = totalChanges - changes.count
        for (index, change) in changes.enumerated() where change.count > 0 {
            for block in max(
                first, change.first)..<max(max(first, change.first), min(first + count, change.first + change.count))
            {
                state[block - first] = change.isDiscard ? 0 : before + index + 1
            }
        }
        // A change that is not answered yet may be seen or not.
        for (index, change) in changes.enumerated() where !answered[index] || change.isUncertain {
            for block in first..<(first + count) where change.first <= block && block < change.first + change.count {
                state[block - first] = Self.either
            }
        }
        return state
    }

    private static let either = -1

    // MARK: Faults

    private func breakOne() {
        let index = Int(machine.random.next() % UInt64(disks.count))
        guard !lost.contains(index), damaged.union([index]).count <= settings.p else { return }
        disks[index].isDead = true
        damaged.insert(index)
        lost.insert(index)
        count("drives broken")
    }

    /// Bytes rot on as many mountpaths as may still be lost.
    private func rotSome() {
        guard machine.chance(1, in: 5) else { return }
        let index = Int(machine.random.next() % UInt64(disks.count))
        guard !lost.contains(index), damaged.union([index]).count <= settings.p, disks[index].rot() else { return }
        damaged.insert(index)
        count("bytes rotted")
    }

    private func losePower(_ queue: SimulatedQueue) {
        machine.losePower()
        queue.abandon()
        resolve()
    }

    private func resolve() {
        let mode = PowerLossMode.allCases[Int(machine.random.next() % 3)]
        machine.restorePower()
        for disk in disks { disk.resolvePowerLoss(mode) }
        ledger.resolvePowerLoss(mode)
        count("power lost, \(mode)")
    }

    private func closeCleanly(_ harness: VolumeHarness, _ queue: SimulatedQueue, _ client: Client) throws {
        let ended = Ended()
        harness.close { result in
            ended.result = result
        }
        for _ in 0..<100_000 where ended.result == nil { _ = queue.step() }
        guard let result = ended.result else { throw problem("closing does not end: \(harness.stateDescription)") }
        if case .failure(let failure) = result { throw problem("closing failed: \(failure)") }
        try collect(client)
        flushedCount = answered.prefix { $0 }.count
        count("clean closes")
    }

    // MARK: Checking

    /// Finds which beginning of the changes the volume shows; there must be one, not before the last flush.
    private func checkAll(_ client: Client) throws {
        let found = try client.readAll(settings.volumeBlocks) { step in
            guard step < 1_000_000 else { throw self.problem("reading does not end") }
        }
        var low = flushedCount
        var high = changes.count
        let before = totalChanges - changes.count
        var numbers: [Int] = []
        for block in 0..<settings.volumeBlocks {
            let number = try Self.number(found.base + block * blockBytes, block: block)
            numbers.append(number)
            if changes.contains(where: { $0.isUncertain && $0.first <= block && block < $0.first + $0.count }) {
                continue
            }
            // The beginnings after which this block has this number.
            var state = base[block]
            var allowed: [ClosedRange<Int>] = state == number ? [0...0] : []
            for (index, change) in changes.enumerated() {
                if change.count > 0, change.first <= block, block < change.first + change.count {
                    state = change.isDiscard ? 0 : before + index + 1
                }
                guard state == number else { continue }
                if let last = allowed.last, last.upperBound == index {
                    allowed[allowed.count - 1] = last.lowerBound...(index + 1)
                } else {
                    allowed.append((index + 1)...(index + 1))
                }
            }
            guard let range = allowed.last(where: { $0.upperBound >= flushedCount }) else {
                throw problem(
                    "block \(block) shows change \(number), older than the last flush (\(before + flushedCount)) or never written"
                )
            }
            // With discards a block can show the same at several times; the check is exact where it has one range.
            if allowed.count == 1 {
                low = max(low, range.lowerBound)
                high = min(high, range.upperBound)
            }
        }
        // A long write is several entries: the last change of all may be there in part.
        let isLongWrite = low == high + 1 && changes[low - 1].count > 128
        guard low <= high || isLongWrite else {
            throw problem(
                "no beginning of the changes gives what the volume shows: at least \(before + low), at most \(before + high)"
            )
        }
        base = numbers
        changes = []
        answered = []
        flushedCount = 0
        count("checks")
    }

    private static func fill(_ target: UnsafeMutableRawPointer, number: Int, block: Int) {
        let words = target.assumingMemoryBound(to: UInt64.self)
        for index in 0..<(blockBytes / 8) {
            words[index] = index % 2 == 0 ? UInt64(number) : UInt64(block) << 32 | UInt64(index)
        }
    }

    /// Which change wrote the block; 0 for zeros. Throws where it is no whole block of ours.
    private static func number(_ source: UnsafeMutableRawPointer, block: Int) throws -> Int {
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

private final class Ended: @unchecked Sendable {
    // One thread runs a simulation.
    var result: Result<Void, Failure>?
}

struct Finished {
    var operation: BlockOperation
    var first: Int
    var change: Int
    var result: Int32
    var expected: [Int]
    var buffer: AlignedBuffer
}

/// Submits requests and gathers their answers.
private final class Client: BlockRequestOwner {
    private let queue: SimulatedQueue
    var harness: VolumeHarness?
    private var outstanding: [UInt64: Finished] = [:]
    private var finished: [Finished] = []
    private var nextTag: UInt64 = 0
    private let none = AlignedBuffer(bytes: blockBytes)

    init(queue: SimulatedQueue) { self.queue = queue }

    func landing() -> UnsafeMutableRawPointer? { harness?.landing(waiter: self) }

    func submit(
        _ operation: BlockOperation, _ first: Int, _ count: Int, _ buffer: UnsafeMutableRawPointer?, change: Int
    ) {
        start(
            Finished(operation: operation, first: first, change: change, result: 0, expected: [], buffer: none), count,
            buffer)
    }

    func read(_ first: Int, _ count: Int, expecting: [Int], changes: Int) {
        let buffer = AlignedBuffer(bytes: count * blockBytes)
        start(
            Finished(operation: .read, first: first, change: changes, result: 0, expected: expecting, buffer: buffer),
            count,
            buffer.base)
    }

    private func start(_ entry: Finished, _ count: Int, _ buffer: UnsafeMutableRawPointer?) {
        let request = BlockRequest(owner: self)
        nextTag += 1
        request.tag = nextTag
        request.operation = entry.operation
        request.offset = UInt64(entry.first * blockBytes)
        request.length = count * blockBytes
        request.buffer = buffer
        outstanding[nextTag] = entry
        requests[nextTag] = request
        harness?.submit(request)
    }

    private var requests: [UInt64: BlockRequest] = [:]

    func completed(_ request: BlockRequest, result: Int32) {
        guard var entry = outstanding.removeValue(forKey: request.tag) else { preconditionFailure("answered twice") }
        requests[request.tag] = nil
        entry.result = result
        finished.append(entry)
    }

    func roomAvailable() {}

    func takeFinished() -> [Finished] {
        defer { finished = [] }
        return finished
    }

    /// The whole volume, now.
    func readAll(_ blocks: Int, _ tick: (Int) throws -> Void) throws -> AlignedBuffer {
        let all = AlignedBuffer(bytes: blocks * blockBytes)
        for first in stride(from: 0, to: blocks, by: 256) {
            let count = min(256, blocks - first)
            start(
                Finished(operation: .read, first: first, change: 0, result: 0, expected: [], buffer: none), count,
                all.base + first * blockBytes)
            var steps = 0
            while finished.isEmpty {
                _ = queue.step()
                steps += 1
                try tick(steps)
            }
            let done = takeFinished()
            if let bad = done.first(where: { $0.result != 0 }) {
                throw VolumeSimulation.Problem(description: "blocks from \(first): reading failed with \(bad.result)")
            }
        }
        return all
    }
}
