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
}

/// Submits requests and gathers their answers. What is answered after the machine has stopped nobody hears.
final class SimulatedClient: BlockRequestOwner {
    private let host: SimulatedHost
    private var machine: SimulatedMachine { host.machine }
    var harness: VolumeHarness?
    private var outstanding: [UInt64: (entry: Finished, request: BlockRequest)] = [:]
    private var finished: [Finished] = []
    private var nextTag: UInt64 = 0

    init(host: SimulatedHost) { self.host = host }

    var outstandingCount: Int { outstanding.count }

    func landing() -> UnsafeMutableRawPointer? { harness?.landing(waiter: self) }

    /// `buffer` is the landing for writes; reads bring their own.
    func start(_ entry: Finished, _ count: Int, _ buffer: UnsafeMutableRawPointer?, isForced: Bool = false) {
        let request = BlockRequest(owner: self)
        nextTag += 1
        request.tag = nextTag
        request.operation = entry.operation
        request.offset = UInt64(host.place(entry.first) * blockBytes)
        request.length = count * blockBytes
        request.buffer = buffer ?? entry.buffer?.base
        request.forceUnitAccess = isForced
        outstanding[nextTag] = (entry, request)
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

    func takeFinished() -> [Finished] {
        defer { finished = [] }
        return finished
    }
}
