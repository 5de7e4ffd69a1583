import Base
import BlockDevice
import BlockDeviceTestSupport
import SystemIO
import Testing

@Suite struct ConformanceTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func memoryDevice(seed: UInt64) async throws {
        let loop = try EventLoop(name: "conformance")
        defer { loop.stop() }
        let device = MemoryDevice(loop: loop, sizeBytes: 16 << 20)
        if seed > 1 {
            try await loop.run { () throws(Failure) in
                device.setAnswers(.shuffled(seed: seed))
                device.refuseRoom(every: Int(seed))
            }
        }
        try await BlockDeviceConformance(seed: seed).check(device)
    }

    /// The canary: a device that forgets must be found out.
    @Test func nullDeviceFails() async throws {
        let loop = try EventLoop(name: "canary")
        defer { loop.stop() }
        await #expect(throws: BlockDeviceConformance.Mismatch.self) {
            try await BlockDeviceConformance(seed: 1).check(NullDevice(loop: loop, sizeBytes: 16 << 20))
        }
    }

    @Test func failuresAreReported() async throws {
        let loop = try EventLoop(name: "failures")
        defer { loop.stop() }
        let device = MemoryDevice(loop: loop, sizeBytes: 1 << 20)
        try await loop.run { () throws(Failure) in device.fail(.write, with: 28) }
        let client = BlockDeviceClient(device)
        await #expect(throws: Failure.self) { try await client.write([UInt8](repeating: 1, count: 4096), at: 0) }
        #expect(try await client.read(at: 0, length: 4096) == [UInt8](repeating: 0, count: 4096))
    }
}
