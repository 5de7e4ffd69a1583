import Base
import BlockDevice
import BlockDeviceTestSupport
import CLinux
import Glibc
import SystemIO
import Testing

/// Nobody waits for it.
private final class Ignored: IOTarget { func ioCompleted(_ tag: UInt64, result: Int32) {} }

/// Takes the lock, writes one block to `path` through a ring, and dies while the write is under way.
private func writeAndDie(_ path: String, lock lockPath: String, isHeld: Bool) async throws {
    let lock = try FileDescriptor(opening: lockPath, flags: O_RDWR | O_CREAT | O_CLOEXEC, "lock")
    try systemCall("flock") { flock(lock.number, LOCK_EX | LOCK_NB) }
    if isHeld { EventLoop.hold(lock) }
    let loop = try EventLoop(name: "test")
    let file = try FileDescriptor(opening: path, flags: O_RDWR | O_CLOEXEC | ashlar_o_direct(), "device")
    try await loop.run { () throws(Failure) in
        let page = AlignedBuffer(bytes: blockBytes)
        loop.write(
            file.number, UnsafeRawBufferPointer(page.span), UnsafeRawBufferPointer(start: nil, count: 0), offset: 0,
            durable: false, target: Ignored(), tag: 0)
        _ = Unmanaged.passRetained(page)
    }
    try await Task.sleep(for: .milliseconds(300))
    kill(getpid(), SIGKILL)
}

private enum DeviceReading {
    static func first(of path: String) throws -> Int {
        let file = try FileDescriptor(opening: path, flags: O_RDONLY | O_CLOEXEC, "device")
        let page = AlignedBuffer(bytes: blockBytes)
        return try file.read(into: page.span, at: 0)
    }
}

extension KernelTests {
    /// The engine's lock is free when no I/O of its dead process is under way any more, and no later.
    @Suite(.serialized, .timeLimit(.minutes(1))) struct HeldLockTests {
        private func isFree(_ path: String) throws -> Bool {
            let file = try FileDescriptor(opening: path, flags: O_RDWR | O_CREAT | O_CLOEXEC, "lock")
            return flock(file.number, LOCK_EX | LOCK_NB) == 0
        }

        @Test(arguments: [true, false]) func theLockLastsAsLongAsTheIO(isHeld: Bool) async throws {
            let bench = try Bench()
            let device = bench.device(32 << 20)
            let lock = "\(bench.directory)/lock"
            try await bench.serving(device) { served in
                try await bench.loop.run { () throws(Failure) in device.setAnswers(.never) }
                await expectDeath(served.path, lock: lock, isHeld: isHeld)
                try await Task.sleep(for: .milliseconds(300))
                #expect(try isFree(lock) == !isHeld, "the write is still under way")
                try await bench.loop.run { () throws(Failure) in device.setAnswers(.atOnce) }
                for _ in 0..<100 where try !isFree(lock) { try await Task.sleep(for: .milliseconds(10)) }
                #expect(try isFree(lock))
            }
        }

        /// A thread of the dead process waits for a device that only the next process serves: that must not keep the lock.
        @Test func aThreadThatWaitsDoesNotKeepIt() async throws {
            let bench = try Bench()
            let (slow, fast) = (bench.device(32 << 20), bench.device(32 << 20))
            let lock = "\(bench.directory)/lock"
            try await bench.serving(slow) { stuck in
                try await bench.serving(fast) { served in
                    try await bench.loop.run { () throws(Failure) in slow.setAnswers(.never) }
                    async let death: Void = expectDeath(served.path, lock: lock, waitingFor: stuck.path)
                    for _ in 0..<500 where try isFree(lock) { try await Task.sleep(for: .milliseconds(10)) }
                    // Its other threads are dead, and their I/O is done; the one that reads the slow device is not.
                    for _ in 0..<500 where try !isFree(lock) { try await Task.sleep(for: .milliseconds(10)) }
                    #expect(try isFree(lock))
                    try await bench.loop.run { () throws(Failure) in slow.setAnswers(.atOnce) }
                    await death
                }
            }
        }

        private func expectDeath(_ path: String, lock: String, isHeld: Bool) async {
            await #expect(processExitsWith: .signal(SIGKILL)) { [path, lock, isHeld] in
                try await writeAndDie(path, lock: lock, isHeld: isHeld)
            }
        }

        private func expectDeath(_ path: String, lock: String, waitingFor stuck: String) async {
            await #expect(processExitsWith: .signal(SIGKILL)) { [stuck, path, lock] in
                // As a thread of the node that mounts what its own process serves.
                BlockingThreads(name: "test").submit { _ = try? DeviceReading.first(of: stuck) }
                try await writeAndDie(path, lock: lock, isHeld: true)
            }
        }
    }
}
