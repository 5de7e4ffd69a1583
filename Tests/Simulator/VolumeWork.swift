import Base
import BlockDevice
import EmbeddedEngine
import Glibc
import SystemIO

/// What a client can ask of a volume.
enum VolumeOperation: Equatable {
    case write(first: Int, count: Int, isForced: Bool)
    case discard(first: Int, count: Int)
    case flush
    case read(first: Int, count: Int)

    /// One by chance, on a volume of `blocks`.
    static func random(_ machine: SimulatedMachine, blocks: Int) -> VolumeOperation {
        let kind = machine.pick(100)
        let longest = min(blocks, machine.chance(1, in: 20) ? 256 : 8)
        let count = 1 + machine.pick(longest)
        let first = machine.pick(blocks - count + 1)
        switch kind {
        case ..<52: return .write(first: first, count: count, isForced: false)
        case ..<55: return .write(first: first, count: count, isForced: true)
        case ..<63: return .discard(first: first, count: count)
        case ..<78: return .flush
        default: return .read(first: first, count: count)
        }
    }
}

/// Work on one open volume, from a start to a crash, beside the model.
final class VolumeWork {
    struct Problem: Error, CustomStringConvertible {
        var description: String
    }
    let host: SimulatedHost
    let queue: SimulatedQueue
    let harness: VolumeHarness
    let client: SimulatedClient
    private(set) var refusedCount = 0
    /// Answers to changes of epochs, and what waits for one.
    var answers: [EpochAnswer] = []
    var unanswered = 0
    /// By number, answered and not deleted.
    var epochs: [Int: UInt32] = [:]
    var report = EpochCounts()

    init(host: SimulatedHost, queue: SimulatedQueue, harness: VolumeHarness) {
        self.host = host
        self.queue = queue
        self.harness = harness
        client = SimulatedClient(host: host)
        client.harness = harness
    }

    /// False where there is no room for the payload now.
    /// `repeating`: the unique of a request that the process before did not take.
    func submit(_ operation: VolumeOperation, _ model: inout VolumeModel, repeating unique: UInt64 = 0) -> Bool {
        switch operation {
        case .write(let first, let wanted, let isForced):
            let count = host.contiguous(first, wanted)
            guard let buffer = client.landing() else { return false }
            let (changes, number) = model.begin(first: first, count: count, isDiscard: false)
            for block in 0..<count {
                VolumeModel.fill(
                    buffer + block * blockBytes, number: VolumeModel.number(number, at: block), block: first + block)
            }
            client.start(
                Finished(
                    operation: .write, first: first, changes: changes, changesBefore: isForced ? 1 : 0, unique: unique),
                count,
                buffer, isForced: isForced)
        case .discard(let first, let wanted):
            let count = host.contiguous(first, wanted)
            let (changes, _) = model.begin(first: first, count: count, isDiscard: true)
            client.start(
                Finished(operation: .discard, first: first, changes: changes, unique: unique), count, nil)
        case .flush:
            client.start(Finished(operation: .flush, first: 0, changesBefore: model.answeredPrefix()), 0, nil)
        case .read(let first, let wanted):
            let count = host.contiguous(first, wanted)
            client.start(
                Finished(
                    operation: .read, first: first, changesBefore: model.changeCount,
                    expected: model.expected(first, count), buffer: AlignedBuffer(bytes: count * blockBytes)), count,
                nil)
        }
        return true
    }

    /// Sends again what the process before may have taken. False where there is no room for the payload now.
    func submit(_ resend: Resend, _ model: inout VolumeModel) -> Bool {
        var entry = resend.entry
        guard resend.isAdmitted else {
            let operation: VolumeOperation =
                entry.operation == .write
                ? .write(first: entry.first, count: entry.count, isForced: entry.isForced)
                : .discard(first: entry.first, count: entry.count)
            return submit(operation, &model, repeating: entry.unique)
        }
        entry.isKnown = true
        guard entry.operation == .write else {
            client.start(entry, entry.count, nil)
            return true
        }
        guard let buffer = client.landing() else { return false }
        // Nobody may ever see this.
        for block in 0..<entry.count {
            VolumeModel.fill(buffer + block * blockBytes, number: Self.poison, block: entry.first + block)
        }
        client.start(entry, entry.count, buffer, isForced: entry.isForced)
        return true
    }

    private static let poison = 1 << 40

    /// Tells the model what was answered.
    func collect(_ model: inout VolumeModel) throws {
        for done in client.takeFinished() {
            switch done.operation {
            case .flush: if done.result == 0 { model.flushed(done.changesBefore) }
            case .write, .discard, .writeZeroes:
                if done.result == 0 {
                    model.answered(done.changes)
                    // A forced write is durable when answered, and so is all before it.
                    if done.changesBefore == 1 { model.flushed(done.changes.upperBound) }
                } else if done.result == ENOSPC, !done.isKnown {
                    model.refused(done.changes)
                    refusedCount += 1
                } else {
                    throw Problem(
                        description:
                            "\(done.operation) answered \(done.result), no more than p mountpaths are lost: \(harness.stateDescription)"
                    )
                }
            case .read: try compare(done, model)
            }
        }
        try collectEpochs(&model)
    }

    private func compare(_ done: Finished, _ model: VolumeModel) throws {
        guard done.result == 0, let buffer = done.buffer else {
            throw Problem(description: "reading from block \(done.first) answered \(done.result)")
        }
        for (index, expected) in done.expected.enumerated() where expected != VolumeModel.either {
            let block = done.first + index
            // Only what no change has touched since the read began has one right answer.
            if done.epoch == nil, model.isTouched(block, since: done.changesBefore) { continue }
            let found = try VolumeModel.number(buffer.base + index * blockBytes, block: block)
            guard found == expected else {
                throw Problem(
                    description:
                        "block \(block)\(done.epoch.map { " of epoch \($0)" } ?? "") reads change \(found), not \(expected)"
                )
            }
        }
    }

    /// Reads the whole volume and its snapshots and lets the model find what they are.
    func checkAll(_ model: inout VolumeModel, after end: VolumeEnd = .none) throws {
        var found = VolumeModel.State(head: harness.hasHead ? try content(model.blocks, epoch: nil) : nil)
        epochs = [:]
        for snapshot in harness.snapshots {
            let number = Int(snapshot.id.low)
            guard epochs.updateValue(snapshot.epoch, forKey: number) == nil else {
                throw Problem(description: "snapshot \(number) is there twice")
            }
            found.snapshots[number] = try content(model.blocks, epoch: snapshot.epoch)
        }
        try model.check(found, after: end)
    }

    private func content(_ blocks: Int, epoch: UInt32?) throws -> [Int] {
        var found: [Int] = []
        while found.count < blocks {
            let first = found.count
            let count = host.contiguous(first, min(256, blocks - first))
            client.start(
                Finished(
                    operation: .read, first: first, buffer: AlignedBuffer(bytes: count * blockBytes), epoch: epoch),
                count, nil)
            try run(until: { self.client.outstandingCount == 0 }, "reading")
            guard host.machine.isRunning else { throw Problem(description: "the machine stopped while reading") }
            for done in client.takeFinished() {
                guard done.result == 0, let buffer = done.buffer else {
                    throw Problem(
                        description:
                            "reading blocks \(first) to \(first + count - 1)\(epoch.map { " of epoch \($0)" } ?? "") answered \(done.result), lost blocks \(harness.lostBlocks)"
                    )
                }
                for block in 0..<count {
                    found.append(try VolumeModel.number(buffer.base + block * blockBytes, block: first + block))
                }
            }
        }
        return found
    }

    /// Every block reads as a whole block of its place, or as an error.
    func checkWhole(_ blocks: Int) throws {
        for first in 0..<blocks {
            client.start(Finished(operation: .read, first: first, buffer: AlignedBuffer(bytes: blockBytes)), 1, nil)
            try run(until: { self.client.outstandingCount == 0 }, "reading with too much lost")
            for done in client.takeFinished() where done.result == 0 {
                if let buffer = done.buffer { _ = try VolumeModel.number(buffer.base, block: done.first) }
            }
        }
    }

    func forgetFinished() { _ = client.takeFinished() }

    /// Until every request is answered and nothing is under way.
    func settle() throws {
        try run(until: { self.queue.isIdle && self.isAnswered }, "settling")
    }

    var isAnswered: Bool { client.outstandingCount == 0 && unanswered == 0 }

    /// True where it closed, false where the machine stopped meanwhile.
    func close(_ model: inout VolumeModel) throws -> Bool {
        let ended = Ended()
        harness.close { ended.result = $0 }
        try run(until: { ended.result != nil && self.isAnswered }, "closing")
        guard host.machine.isRunning else { return false }
        if case .failure(let failure) = ended.result { throw Problem(description: "closing failed: \(failure)") }
        guard harness.isAtRest else { throw Problem(description: "closed, it goes on: \(harness.stateDescription)") }
        try collect(&model)
        model.allFlushed()
        return true
    }

    private static let stepsMax = 200_000

    func run(until isDone: () -> Bool, _ what: String) throws {
        var steps = 0
        while !isDone(), host.machine.isRunning {
            let isStepped = queue.step()
            steps += 1
            guard steps < Self.stepsMax, isStepped || isDone() else {
                throw Problem(description: "\(what) does not end: \(harness.stateDescription)")
            }
        }
    }
}

private final class Ended: @unchecked Sendable {
    // One thread runs a simulation.
    var result: Result<Void, Failure>?
}
