import Base
import BlockDevice
import EmbeddedEngine
import SystemIO

/// A request that was answered, with what the model said when it began.
struct Finished {
    var operation: BlockOperation
    var first: Int
    /// Parts of a change.
    var changes: Range<Int> = 0..<0
    /// Reads: how many changes there were when it began. Flushes: how many are covered.
    var changesBefore = 0
    var expected: [Int] = []
    var result: Int32 = 0
    var buffer: AlignedBuffer?
    /// Reads of a snapshot.
    var epoch: UInt32?
    /// In blocks.
    var count = 0
    var isForced = false
    var unique: UInt64 = 0
    /// Sent again, and the process before had taken it: it is answered and not executed.
    var isKnown = false
}

extension Finished {
    var isChange: Bool { operation == .write || operation == .discard }
}

/// Submits requests and gathers their answers. What is answered after the machine has stopped nobody hears.
final class SimulatedClient: BlockRequestOwner {
    private let host: SimulatedHost
    private var machine: SimulatedMachine { host.machine }
    var harness: VolumeHarness?
    private var outstanding: [UInt64: (entry: Finished, request: BlockRequest)] = [:]
    private var finished: [Finished] = []

    init(host: SimulatedHost) { self.host = host }

    var outstandingCount: Int { outstanding.count }

    func landing() -> UnsafeMutableRawPointer? { harness?.landing(waiter: self) }

    /// `buffer` is the landing for writes; reads bring their own.
    func start(_ begun: Finished, _ count: Int, _ buffer: UnsafeMutableRawPointer?, isForced: Bool = false) {
        var entry = begun
        let request = BlockRequest(owner: self)
        request.isRepeated = entry.unique != 0
        if entry.unique == 0 {
            host.lastUnique += 1
            entry.unique = host.lastUnique
        }
        entry.count = count
        entry.isForced = isForced
        request.unique = entry.unique
        request.tag = entry.unique
        request.operation = entry.operation
        request.offset = UInt64(host.place(entry.first) * blockBytes)
        request.length = count * blockBytes
        request.buffer = buffer ?? entry.buffer?.base
        request.forceUnitAccess = isForced
        outstanding[request.tag] = (entry, request)
        if let epoch = entry.epoch { harness?.retain(epoch) }
        harness?.submit(request, epoch: entry.epoch)
    }

    func completed(_ request: BlockRequest, result: Int32) {
        guard var entry = outstanding.removeValue(forKey: request.tag)?.entry else {
            preconditionFailure("answered twice")
        }
        guard machine.isRunning else { return }
        if let epoch = entry.epoch { harness?.release(epoch) }
        entry.result = result
        finished.append(entry)
    }

    func roomAvailable() {}

    /// Changes that the client will send again: those without an answer, and some of which the answer was on its way.
    func unheard(_ machine: SimulatedMachine) -> [Resend] {
        let lost = finished.filter { $0.isChange && $0.result == 0 && machine.chance(1, in: 2) }
        let waiting = outstanding.sorted { $0.key < $1.key }.map(\.value).filter { $0.entry.isChange }
        return lost.map { Resend(entry: $0, isAdmitted: true) }
            + waiting.map { entry, request in
                Resend(entry: entry, isAdmitted: entry.isKnown || harness?.isAdmitted(request) == true)
            }
    }

    func takeFinished() -> [Finished] {
        defer { finished = [] }
        return finished
    }
}
