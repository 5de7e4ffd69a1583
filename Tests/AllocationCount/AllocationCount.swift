import Base
import BlockDevice
import CAllocations
import EmbeddedEngine
import Foundation
import Logging
import Synchronization
import SystemIO
import VolumeEngine

/// Counts what the loop of a volume takes from the heap while it serves requests in a steady state, and prints it: `flushed` for 4 KiB writes that
/// are flushed one by one, `random` for 4 KiB writes at depth 32 with a flush every 256. With ALLOCATIONS_TRACE=n the callers of the first n.
@main
struct AllocationCount {
    static let volumeBytes: UInt64 = 16 << 20

    static func main() async throws {
        let directory = NSTemporaryDirectory() + "ashlar-allocations-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let paths = (0..<4).map { "\(directory)/d\($0)" }
        for path in paths + ["\(directory)/state"] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        let engine = try await EmbeddedEngine.start(
            mountpaths: try paths.map {
                ConfiguredMountpath(path: $0, media: "nvme", disk: try DirectoryDisk(path: $0))
            },
            ledger: try DirectoryDisk(path: "\(directory)/state"),
            settings: EngineSettings(
                ringBytes: 16 << 20, ringDirectory: "\(directory)/rings", loopCount: 1, acceptMissing: false),
            logger: Logger(label: "count") { _ in SwiftLogNoOpLogHandler() })
        // One segment takes all that is counted: making another allocates, and has nothing to do with a request.
        try await engine.ensureGroup(
            GroupSpecification(
                label: "g", dataColumns: 2, parityColumns: 1, media: [], sliceBytes: 64 << 20, capacityBytes: nil))
        let id = VolumeID.random()
        _ = try await engine.createVolume(id, group: "g", sizeBytes: volumeBytes)
        try await engine.raiseEpoch(id, to: 1)
        let device = try await engine.openVolume(id, epoch: 1, readOnly: false, connection: 1)
        let load = Load(device)
        await load.run(.fill, operations: Int(volumeBytes) / Load.blockBytes)
        var lines: [String] = []
        for (name, kind, operations) in [("flushed", Load.Kind.flushed, 500), ("random", .random, 8000)] {
            await load.run(kind, operations: operations)
            let traces = ProcessInfo.processInfo.environment["ALLOCATIONS_TRACE"].flatMap { Int32($0) } ?? 0
            let count = await load.run(kind, operations: operations, traces: traces)
            lines.append("\(name) \(operations) operations \(count) allocations")
        }
        print(lines.joined(separator: "\n"))
        try await engine.closeVolume(id)
        await engine.shutDown()
    }
}

/// Requests that are made once and sent again and again. `@unchecked Sendable`: touched on the device's loop only.
final class Load: BlockRequestOwner, @unchecked Sendable {
    enum Kind {
        case fill
        case flushed
        case random
    }
    static let blockBytes = 4096
    private static let depth = 32
    private static let writesPerFlush = 256

    private let device: any BlockDevice
    private var requests: [BlockRequest] = []
    private var idle: [BlockRequest] = []
    private var flush: BlockRequest?
    private var kind = Kind.fill
    private var left = 0
    private var inFlight = 0
    private var sinceFlush = 0
    private var isFlushing = false
    private var isSending = false
    private var random = SeededRandom(seed: 1)
    private var begun: UInt = 0
    private var unique: UInt64 = 0
    private var done: ((UInt) -> Void)?

    init(_ device: any BlockDevice) {
        self.device = device
        requests = (0..<Self.depth).map { _ in BlockRequest(owner: self) }
        idle = requests
        flush = BlockRequest(owner: self)
        flush?.operation = .flush
    }

    /// How often the loop's thread has allocated meanwhile.
    @discardableResult
    func run(_ kind: Kind, operations: Int, traces: Int32 = 0) async -> UInt {
        await withCheckedContinuation { continuation in
            device.loop.post { [self] in
                self.kind = kind
                left = operations
                done = { continuation.resume(returning: $0) }
                begun = allocations_of_thread()
                allocations_trace(traces)
                send()
            }
        }
    }

    private func send() {
        guard !isSending else { return }
        isSending = true
        defer { isSending = false }
        let depth = kind == .random ? Self.depth : 1
        while true {
            let flushesAfter = kind == .flushed ? 1 : Self.writesPerFlush
            if sinceFlush >= flushesAfter || (left == 0 && sinceFlush > 0) {
                guard !isFlushing, let request = flush else { return }
                // Depth 1: the write has been answered.
                if kind == .flushed && inFlight > 0 { return }
                sinceFlush = 0
                isFlushing = true
                device.submit(request)
                continue
            }
            if left == 0 {
                if inFlight == 0, !isFlushing { finish() }
                return
            }
            guard inFlight < depth, !(kind == .flushed && isFlushing), let landing = device.landingBuffer(waiter: self)
            else { return }
            write(landing)
        }
    }

    private func write(_ landing: UnsafeMutableRawPointer) {
        guard let request = idle.popLast() else { return }
        let blocks = AllocationCount.volumeBytes / UInt64(Self.blockBytes)
        request.operation = .write
        request.offset = (kind == .fill ? UInt64(left - 1) : random.next() % blocks) * UInt64(Self.blockBytes)
        request.length = Self.blockBytes
        request.buffer = landing
        unique += 1
        request.unique = unique
        landing.storeBytes(of: unique, as: UInt64.self)
        left -= 1
        inFlight += 1
        sinceFlush += 1
        device.submit(request)
    }

    private func finish() {
        let count = allocations_of_thread() - begun
        allocations_trace(0)
        let done = done
        self.done = nil
        done?(count)
    }

    func completed(_ request: BlockRequest, result: Int32) {
        precondition(result == 0, "\(request.operation) answered \(result)")
        if request.operation == .flush {
            isFlushing = false
        } else {
            inFlight -= 1
            idle.append(request)
        }
        send()
    }

    func roomAvailable() { send() }

}
