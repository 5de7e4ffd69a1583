import Base
import BlockDevice
import EmbeddedEngine
import Glibc
import Synchronization
import SystemIO
import Testing
import VolumeEngine

/// Limits of open volumes, through the engine.
@Suite(.serialized) struct LimitTests {
    private func count(_ client: PacedClient, milliseconds: Int) async throws -> Int {
        let before = client.answered
        try await Task.sleep(for: .milliseconds(milliseconds))
        return client.answered - before
    }

    @Test func limitsSurviveEverything() async throws {
        let pool = try await TestPool(mountpaths: 4, k: 2, p: 1, hasRings: true)
        let (id, device) = try await pool.volume(64 << 20)
        #expect(try await pool.engine.volume(id).limits == .none)
        let limits = VolumeLimits(iops: 500, bandwidth: 1 << 20, bandwidthBurst: 5)
        for _ in 0..<2 { try await pool.engine.setLimits(id, limits) }
        await #expect(throws: Failure.self) { try await pool.engine.setLimits(id, VolumeLimits(iops: 0)) }
        await #expect(throws: Failure.self) { try await pool.engine.setLimits(.random(), limits) }
        try await pool.engine.annotateVolume(id, "a")
        try await device.flush()
        try await pool.restart()
        #expect(try await pool.engine.volume(id).limits == limits)
        try await pool.engine.setLimits(id, VolumeLimits(iops: 7))
        let killed = try await pool.killed()
        #expect(try await killed.engine.volumes().map(\.limits) == [VolumeLimits(iops: 7)])
        await killed.stop()
        #expect(try await killed.inventory().volumes.map(\.limits) == [VolumeLimits(iops: 7)])
        try await killed.start()
        try await killed.engine.setLimits(id, .none)
        try await killed.restart()
        #expect(try await killed.engine.volume(id).limits == .none)
        try await killed.engine.deleteVolume(id)
        await #expect(throws: Failure.self) { try await killed.engine.setLimits(id, limits) }
        await killed.stop()
    }

    /// Reads, writes, flushes and discards alike; a change is felt at once, by who waits too; without limits nothing is held up.
    @Test(arguments: [BlockOperation.read, .write, .flush, .discard])
    func liveChanges(_ operation: BlockOperation) async throws {
        let pool = try await TestPool(mountpaths: 2, k: 1, p: 1)
        let (id, _) = try await pool.volume(64 << 20)
        let device = try await pool.engine.openVolume(id, epoch: 1, readOnly: false)
        let client = PacedClient(device, operation)
        client.begin()
        let free = try await count(client, milliseconds: 300)
        try await pool.engine.setLimits(id, VolumeLimits(iops: 100))
        // What was credit is used up.
        try await Task.sleep(for: .milliseconds(300))
        let began = ContinuousClock.now
        let limited = try await count(client, milliseconds: 1000)
        let rate = Double(limited) / ((ContinuousClock.now - began) / .seconds(1))
        #expect(abs(rate - 100) < 12, "\(operation): \(rate) a second with a limit of 100, \(free) in 0.3 s without")
        #expect(free > 200)
        // Two minutes of debt.
        try await pool.engine.setLimits(id, VolumeLimits(iops: 1))
        try await Task.sleep(for: .milliseconds(50))
        try await pool.engine.setLimits(id, VolumeLimits(iops: 1_000_000, iopsBurst: 1_000_000))
        #expect(try await count(client, milliseconds: 300) > 100, "\(operation): who waited goes on")
        try await pool.engine.setLimits(id, .none)
        #expect(try await count(client, milliseconds: 300) > 100)
        await client.end()
        await pool.stop()
    }

    /// A volume at its limit holds up neither its neighbour on the same loop nor its own end.
    @Test func neighboursAndTheEndDoNotWait() async throws {
        let pool = try await TestPool(mountpaths: 2, k: 1, p: 1)
        var clients: [PacedClient] = []
        var ids: [VolumeID] = []
        for number in 0..<2 {
            // By its number: both on the first of the two loops.
            let id = VolumeID(high: 7, low: UInt64(number) * 2)
            _ = try await pool.engine.createVolume(id, group: "g", sizeBytes: 64 << 20)
            try await pool.engine.raiseEpoch(id, to: 1)
            let device = try await pool.engine.openVolume(id, epoch: 1, readOnly: false)
            ids.append(id)
            clients.append(PacedClient(device, .write))
        }
        #expect(clients[0].device.loop === clients[1].device.loop)
        clients[1].begin()
        try await Task.sleep(for: .milliseconds(300))
        let alone = try await count(clients[1], milliseconds: 500)
        try await pool.engine.setLimits(ids[0], VolumeLimits(iops: 1))
        clients[0].begin()
        let beside = try await count(clients[1], milliseconds: 500)
        #expect(beside > alone / 3, "\(alone) alone, \(beside) beside a volume at its limit")
        #expect(clients[0].answered <= 3)
        let began = ContinuousClock.now
        try await pool.engine.closeVolume(ids[0])
        #expect(ContinuousClock.now - began < .milliseconds(500))
        // What waited was refused, and not left.
        for _ in 0..<100 where clients[0].refused == 0 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(clients[0].refused > 0)
        await clients[1].end()
        await pool.stop()
    }
}

/// Takes requests as a front end does: asks for a landing buffer before each, and goes on when it is told. Four at a time.
///
/// `@unchecked Sendable`: confined to the device's loop, the counts apart.
final class PacedClient: BlockRequestOwner, @unchecked Sendable {
    let device: any BlockDevice
    private let operation: BlockOperation
    /// Kept here: a device does not retain what it has.
    private var requests: [BlockRequest] = []
    private var idle: [BlockRequest] = []
    private let memory = AlignedBuffer(bytes: 4 * blockBytes)
    private var next: UInt64 = 0
    private var isWaiting = false
    private var isSendDue = false
    private var isOver = false
    private var onIdle: (() -> Void)?
    private let counts = Mutex((answered: 0, refused: 0))

    init(_ device: any BlockDevice, _ operation: BlockOperation) {
        self.device = device
        self.operation = operation
        requests = (0..<4).map { number in
            let request = BlockRequest(owner: self)
            request.tag = UInt64(number)
            return request
        }
        idle = requests
    }

    var answered: Int { counts.withLock { $0.answered } }
    var refused: Int { counts.withLock { $0.refused } }

    func begin() { device.loop.post { [self] in sendLater() } }

    /// Returns when everything is answered.
    func end() async {
        await withCheckedContinuation { continuation in
            device.loop.post { [self] in
                isOver = true
                onIdle = { continuation.resume() }
                tellIfIdle()
            }
        }
    }

    private func tellIfIdle() {
        guard isOver, idle.count == 4 else { return }
        onIdle?()
        onIdle = nil
    }

    /// Not at once: what is answered while it is submitted would never let the loop do anything else.
    private func sendLater() {
        if isSendDue { return }
        isSendDue = true
        device.loop.post { [self] in
            isSendDue = false
            send()
        }
    }

    private func send() {
        for _ in 0..<4 {
            guard !isOver, !isWaiting, let request = idle.last else { return }
            guard let landing = device.landingBuffer(waiter: self) else {
                isWaiting = true
                return
            }
            idle.removeLast()
            next += 1
            request.operation = operation
            request.offset = operation == .flush ? 0 : next % 1024 * UInt64(blockBytes)
            request.length = operation == .flush ? 0 : blockBytes
            request.buffer = operation == .write ? landing : memory.base + Int(request.tag) * blockBytes
            device.submit(request)
        }
    }

    func completed(_ request: BlockRequest, result: Int32) {
        counts.withLock { if result == 0 { $0.answered += 1 } else { $0.refused += 1 } }
        if result != 0 { isOver = true }
        idle.append(request)
        sendLater()
        tellIfIdle()
    }

    func roomAvailable() {
        isWaiting = false
        sendLater()
    }
}
