import Base
import BlockDevice

/// What every `BlockDevice` must do, checked against an array of bytes. A failing run names the seed that repeats it.
public struct BlockDeviceConformance: Sendable {
    public struct Mismatch: Error, CustomStringConvertible {
        public var description: String
    }

    public var seed: UInt64
    /// Steps of each phase.
    public var stepCount: Int
    /// The part of the device that is used: at most its size, and small enough that blocks are hit again and again.
    public var sizeBytes: Int

    public init(seed: UInt64, stepCount: Int = 400, sizeBytes: Int = 8 << 20) {
        self.seed = seed
        self.stepCount = stepCount
        self.sizeBytes = sizeBytes
    }

    /// One step after the other, then steps on disjoint ranges at once, then the ends of the device. The device must be new:
    /// all zeros.
    public func check(_ device: any BlockDevice) async throws {
        let client = BlockDeviceClient(device)
        var random = SeededRandom(seed: seed)
        var model = [UInt8](repeating: 0, count: Int(min(UInt64(sizeBytes), device.sizeBytes)))
        for step in 0..<stepCount {
            let step = Step(number: step, maxBytes: model.count, random: &random)
            try await run(step, client, &model)
        }
        for round in 0..<max(1, stepCount / 40) { try await runAtOnce(round, client, &model, &random) }
        try await client.flush()
        try await compareAll(client, model)
        try await checkEnd(client)
    }

    private enum Action: CaseIterable { case read, write, durableWrite, flush, discard, writeZeroes }

    private struct Step {
        let number: Int
        let action: Action
        let offset: Int
        let length: Int
        let fill: UInt64

        init(number: Int, maxBytes: Int, random: inout SeededRandom) {
            self.number = number
            // Reads and writes more often than the rest.
            let actions: [Action] = [
                .read, .read, .read, .write, .write, .write, .durableWrite, .flush, .discard, .writeZeroes,
            ]
            action = actions[Int(random.next() % UInt64(actions.count))]
            // Mostly small, now and then the largest.
            let blocks = random.next() % 16 == 0 ? 256 : 1 + Int(random.next() % 24)
            length = min(blocks * blockBytes, maxBytes)
            offset = Int(random.next() % UInt64((maxBytes - length) / blockBytes + 1)) * blockBytes
            fill = random.next()
        }

        var range: Range<Int> { offset..<offset + length }

        var payload: [UInt8] {
            var random = SeededRandom(seed: fill)
            var bytes: [UInt8] = []
            bytes.reserveCapacity(length)
            while bytes.count < length { withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) } }
            return bytes
        }
    }

    private func run(_ step: Step, _ client: BlockDeviceClient, _ model: inout [UInt8]) async throws {
        let found = try await carryOut(step, client)
        switch step.action {
        case .read: try expect(found, Array(model[step.range]), "step \(step.number)", step.offset)
        case .write, .durableWrite: model.replaceSubrange(step.range, with: step.payload)
        case .discard, .writeZeroes: model.replaceSubrange(step.range, with: repeatElement(0, count: step.length))
        case .flush: break
        }
    }

    private func carryOut(_ step: Step, _ client: BlockDeviceClient) async throws -> [UInt8] {
        let offset = UInt64(step.offset)
        switch step.action {
        case .read: return try await client.read(at: offset, length: step.length)
        case .write: try await client.write(step.payload, at: offset)
        case .durableWrite: try await client.write(step.payload, at: offset, forceUnitAccess: true)
        case .flush: try await client.flush()
        case .discard: try await client.discard(at: offset, length: step.length)
        case .writeZeroes: try await client.writeZeroes(at: offset, length: step.length)
        }
        return []
    }

    /// Requests in flight together may land in either order, so these touch ranges that do not overlap.
    private func runAtOnce(
        _ round: Int, _ client: BlockDeviceClient, _ model: inout [UInt8], _ random: inout SeededRandom
    ) async throws {
        var steps: [Step] = []
        for _ in 0..<64 {
            let step = Step(number: steps.count, maxBytes: model.count, random: &random)
            if step.action == .flush || !steps.contains(where: { $0.range.overlaps(step.range) }) { steps.append(step) }
        }
        let found = try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
            for (index, step) in steps.enumerated() { group.addTask { (index, try await carryOut(step, client)) } }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        for (index, step) in steps.enumerated() {
            switch step.action {
            case .read:
                try expect(
                    found[index] ?? [], Array(model[step.range]), "round \(round), request \(index)", step.offset)
            case .write, .durableWrite: model.replaceSubrange(step.range, with: step.payload)
            case .discard, .writeZeroes: model.replaceSubrange(step.range, with: repeatElement(0, count: step.length))
            case .flush: break
            }
        }
        // Answered writes are seen without a flush.
        try await compareAll(client, model)
    }

    private func compareAll(_ client: BlockDeviceClient, _ model: [UInt8]) async throws {
        for start in stride(from: 0, to: model.count, by: 1 << 20) {
            let end = min(start + 1 << 20, model.count)
            let found = try await client.read(at: UInt64(start), length: end - start)
            try expect(found, Array(model[start..<end]), "after all steps", start)
        }
    }

    /// The last block can be written and read.
    private func checkEnd(_ client: BlockDeviceClient) async throws {
        let last = client.device.sizeBytes - UInt64(blockBytes)
        let bytes = [UInt8](repeating: 0xA5, count: blockBytes)
        try await client.write(bytes, at: last)
        try expect(try await client.read(at: last, length: blockBytes), bytes, "the last block", Int(last))
    }

    private func expect(_ found: [UInt8], _ wanted: [UInt8], _ place: String, _ offset: Int) throws {
        guard found != wanted else { return }
        let index = zip(found, wanted).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        throw Mismatch(
            description: "seed \(seed), \(place): the read at \(offset) differs from the model at byte "
                + "\(index.map { "\(offset + $0)" } ?? "count \(found.count), not \(wanted.count)")")
    }
}
