import Base
import EmbeddedEngine
import SystemIO

/// What was answered of a change of epochs.
enum EpochAnswer {
    /// The change's index in the model; what was to be deleted.
    case change(Int, Result<Void, Failure>, deleting: (number: Int, epoch: UInt32)?)
    case problem(String)
}

/// How often what was done.
struct EpochCounts {
    var snapshots = 0
    var deletions = 0
    var rollBacks = 0
    var clones = 0
    var comparisons = 0
    var refused = 0
}

/// Snapshots, rollbacks and changed blocks of one open volume, beside the model.
extension VolumeWork {
    static func snapshotID(_ number: Int) -> SnapshotID { SnapshotID(high: 1, low: UInt64(number)) }

    // MARK: Changes

    func takeSnapshot(_ number: Int, _ model: inout VolumeModel) {
        let index = model.begin(.snapshot(number))
        unanswered += 1
        harness.takeSnapshot(Self.snapshotID(number)) { [self] result in
            if case .success(let epoch) = result { epochs[number] = epoch }
            answer(.change(index, result.map { _ in () }, deleting: nil))
        }
        report.snapshots += 1
    }

    func deleteSnapshot(_ number: Int, _ model: inout VolumeModel) {
        guard let epoch = epochs.removeValue(forKey: number) else { return }
        let index = model.begin(.delete(number))
        unanswered += 1
        harness.deleteSnapshot(epoch) { [self] in answer(.change(index, $0, deleting: (number, epoch))) }
        report.deletions += 1
    }

    /// Waits until nothing is under way, as the engine does: the volume is not attached.
    func rollBack(_ number: Int, _ model: inout VolumeModel) throws {
        try finish(&model)
        guard host.machine.isRunning else { return }
        beginRollBack(number, &model)
        try finish(&model)
    }

    /// Nothing is under way.
    func beginRollBack(_ number: Int, _ model: inout VolumeModel) {
        guard let epoch = epochs[number] else { return }
        let index = model.begin(.rollBack(number))
        unanswered += 1
        harness.rollBack(to: epoch) { [self] in answer(.change(index, $0, deleting: nil)) }
        report.rollBacks += 1
    }

    func dropHead(_ model: inout VolumeModel) throws {
        try finish(&model)
        guard host.machine.isRunning else { return }
        let index = model.begin(.dropHead)
        unanswered += 1
        harness.dropHead { [self] in answer(.change(index, $0, deleting: nil)) }
        try finish(&model)
    }

    /// Until everything is answered.
    func finish(_ model: inout VolumeModel) throws {
        try run(until: { self.isAnswered }, "waiting for answers")
        if host.machine.isRunning { try collect(&model) }
    }

    private func answer(_ answer: EpochAnswer) {
        unanswered -= 1
        if host.machine.isRunning { answers.append(answer) }
    }

    func collectEpochs(_ model: inout VolumeModel) throws {
        let taken = answers
        answers = []
        for answer in taken {
            switch answer {
            case .problem(let text): throw Problem(description: text)
            case .change(let index, .success, _): model.answered(index)
            case .change(let index, .failure(let failure), let kept):
                guard failure.kind == .exhausted || failure.kind == .unavailable else {
                    throw Problem(description: "a change of epochs failed: \(failure)")
                }
                model.refused(index..<(index + 1))
                if let kept { epochs[kept.number] = kept.epoch }
                report.refused += 1
            }
        }
    }

    // MARK: Reading

    func readSnapshot(_ number: Int, first: Int, count: Int, _ model: VolumeModel) {
        guard let epoch = epochs[number], let content = model.contents[number] else { return }
        let count = host.contiguous(first, count)
        client.start(
            Finished(
                operation: .read, first: first, expected: Array(content[first..<(first + count)]),
                buffer: AlignedBuffer(bytes: count * blockBytes), epoch: epoch), count, nil)
    }

    /// What is told to have changed between two snapshots makes the one of the other. `base`: by number, and its epoch, which may be gone;
    /// nil: nothing.
    func compareEpochs(_ number: Int, base: (number: Int, epoch: UInt32)?, _ model: VolumeModel) {
        guard let epoch = epochs[number], let content = model.contents[number] else { return }
        let before = base.flatMap { model.contents[$0.number] } ?? Array(repeating: 0, count: model.blocks)
        let kept = [epoch] + (base.map { [$0.epoch] } ?? [])
        for epoch in kept { harness.retain(epoch) }
        unanswered += 1
        report.comparisons += 1
        harness.changedBlocks(in: epoch, since: base?.epoch) { [self] result in
            unanswered -= 1
            guard host.machine.isRunning else { return }
            for epoch in kept { harness.release(epoch) }
            let between = "between epochs \(base.map { "\($0.epoch)" } ?? "none") and \(epoch)"
            switch result {
            case .failure(let failure): answers.append(.problem("no changed blocks \(between): \(failure)"))
            case .success(nil): break
            case .success(let runs?):
                let told = runs.reduce(into: Set<UInt64>()) { $0.formUnion($1) }
                for block in content.indices
                where content[block] != before[block] && content[block] >= 0 && before[block] >= 0
                    && !told.contains(UInt64(host.place(block)))
                {
                    return answers.append(
                        .problem(
                            "block \(block) changed from \(before[block]) to \(content[block]) \(between), and is not told"
                        ))
                }
            }
        }
    }

    // MARK: Clones and space

    /// Content and epoch of the snapshot where it begins are the caller's to keep.
    func makeClone(_ clone: VolumeID, of epoch: UInt32, done: @escaping (Failure?) -> Void) {
        unanswered += 1
        report.clones += 1
        harness.createClone(clone, of: epoch) { [self] result in
            unanswered -= 1
            guard host.machine.isRunning else { return }
            if case .failure(let failure) = result { done(failure) } else { done(nil) }
        }
    }

    /// Lets the walk over what was deleted come to its end.
    func reclaim() throws {
        var isDone = false
        harness.whenReclaimed { isDone = true }
        try run(until: { isDone }, "freeing what was deleted")
    }
}
