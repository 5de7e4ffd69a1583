import Attach
import AttachFUSE
import Base
import BlockDevice
import CLinux
import Glibc
import Logging
import Synchronization
import SystemIO
import Testing

/// A process that serves one device over memory that outlives it, until it is killed or told to stop.
private func serveUntilKilled(_ directory: String, _ volume: VolumeID, sizeBytes: UInt64) async throws {
    let channel = try TestChannel(ashlar_packet_connect("\(directory)/keeper.sock"))
    let keeper = TestKeeper(channel: channel)
    let device = try SharedMemoryDevice(
        loop: try EventLoop(name: "test-device"), path: "\(directory)/memory", sizeBytes: sizeBytes)
    let attacher = Bench.attacher(directory, SharedMemoryOpener(device), keeper)
    await attacher.adopt(try keeper.adopted())
    _ = try await attacher.attach(volume, epoch: 1, readOnly: false)
    channel.send("serving")
    // On a thread of its own: it blocks.
    try await offThread { while let (text, _) = channel.receive(milliseconds: 60_000), text != "stop" {} }
    try await attacher.detach(volume)
    channel.send("stopped: \(device.repeatedCount) requests were sent again to the last process")
}

/// On a thread that blocks, and has the process's descriptors.
private func offThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        SystemIO.Thread(name: "test") { continuation.resume(with: Result(catching: body)) }.start()
    }
}

extension Bench {
    static func attacher(
        _ directory: String, _ opener: any VolumeOpener, _ keeper: any DeviceKeeper
    ) -> LocalDeviceAttacher {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let frontEnd = FuseLoopFrontEnd(
            runDirectory: directory, threads: BlockingThreads(name: "test"), logger: logger)
        return LocalDeviceAttacher(opener: opener, frontEnd: frontEnd, keeper: keeper, logger: logger)
    }
}

extension KernelTests {
    /// A device outlives the process that served it.
    @Suite(.serialized, .timeLimit(.minutes(3))) struct ResumeTests {
        private static let sizeBytes: UInt64 = 128 << 20

        /// kill -9 under load, again and again: fio sees neither an error nor wrong bytes.
        @Test(arguments: [
            "--rw=randwrite --bs=4k --iodepth=32", "--rw=randrw --bsrange=4k-256k --iodepth=32 --fsync=64",
        ])
        func ioGoesOnAfterKills(options: String) async throws {
            let bench = try Bench()
            let volume = VolumeID.random()
            let parent = try TestParent(path: "\(bench.directory)/keeper.sock")
            async let killed: Void = expectEnd(bench.directory, volume, by: .signal(SIGKILL))
            try await offThread { try parent.welcome() }
            let devices = try await bench.blocking { () throws(Failure) in try LoopDevice.serving(volume) }
            let path = try #require(devices.first).path
            let fio = Task {
                try await bench.shell(
                    "fio --name=v --filename=\(path) --direct=1 --ioengine=libaio \(options) --size=96M --runtime=8 --time_based --verify_state_save=0 --verify=crc32c --verify_fatal=1 --verify_backlog=512"
                )
            }
            try await Task.sleep(for: .milliseconds(500))
            parent.kill()
            await killed
            for _ in 0..<9 {
                async let again: Void = expectEnd(bench.directory, volume, by: .signal(SIGKILL))
                try await offThread { try parent.welcome() }
                try await Task.sleep(for: .milliseconds(Int.random(in: 100...400)))
                parent.kill()
                await again
            }
            async let last: Void = expectEnd(bench.directory, volume, by: .exitCode(0))
            try await offThread { try parent.welcome() }
            _ = try await fio.value
            print(try await offThread { try parent.stop() })
            await last
            #expect(try await bench.blocking { () throws(Failure) in try LoopDevice.serving(volume) } == [])
        }

        private func expectEnd(_ directory: String, _ volume: VolumeID, by condition: ExitTest.Condition) async {
            await #expect(processExitsWith: condition) { [directory, volume = "\(volume)"] in
                try await serveUntilKilled(
                    directory, VolumeID(volume).unsafelyUnwrapped, sizeBytes: ResumeTests.sizeBytes)
                exit(0)
            }
        }

        /// What an adopted device needs is missing: its users wait, and go on when it is there.
        @Test func aVolumeThatCannotBeOpenedIsWaitedFor() async throws {
            let bench = try Bench()
            let volume = VolumeID.random()
            let kept = try await leave(bench, volume)
            let missing = Failure(.unavailable, "too many mountpaths are missing")
            let device = try SharedMemoryDevice(
                loop: bench.loop, path: "\(bench.directory)/memory", sizeBytes: Self.sizeBytes)
            let opener = SharedMemoryOpener(device, failures: [missing, missing, missing])
            let attacher = Bench.attacher(bench.directory, opener, NoKeeper())
            await attacher.adopt([kept])
            let attached = try #require(try await attacher.attachment(volume))
            #expect(attached.path == kept.handle.path, "it is no dead device, though nobody serves it")
            let early = await #expect(throws: Failure.self) { try await attacher.refresh(volume) }
            #expect(early?.kind == .unavailable)
            try await bench.shell(
                "dd if=\(attached.path) of=/dev/null bs=4k count=1 iflag=direct status=none", secondsMax: 20)
            let connections = opener.connections.withLock { $0 }
            #expect(connections.count >= 3 && Set(connections) == [kept.handle.connection])
            #expect(try await attacher.attach(volume, epoch: 1, readOnly: false).path == attached.path)
            kept.close()
            try await attacher.detach(volume)
            #expect(try await bench.blocking { () throws(Failure) in try LoopDevice.serving(volume) } == [])
        }

        /// A device of an older epoch is cut off, whoever waits for it.
        @Test(arguments: [true, false])
        func aFencedDeviceIsCutOff(byTheEngine: Bool) async throws {
            let bench = try Bench()
            let volume = VolumeID.random()
            let kept = try await leave(bench, volume)
            let device = try SharedMemoryDevice(
                loop: bench.loop, path: "\(bench.directory)/memory", sizeBytes: Self.sizeBytes)
            let failure = Failure(byTheEngine ? .fenced : .unavailable, "not now")
            let opener = SharedMemoryOpener(device, failures: [failure])
            let attacher = Bench.attacher(bench.directory, opener, NoKeeper())
            let path = kept.handle.path
            let reader = Task {
                try await bench.shell(
                    "dd if=\(path) of=/dev/null bs=4k count=1 iflag=direct status=none", secondsMax: 20)
            }
            try await Task.sleep(for: .milliseconds(200))
            await attacher.adopt([kept])
            if !byTheEngine { _ = try await attacher.attach(volume, epoch: 2, readOnly: false) }
            await #expect(throws: Failure.self) { _ = try await reader.value }
            if byTheEngine { #expect(try await attacher.attachment(volume) == nil) }
            try await attacher.detach(volume)
            for left in try await bench.blocking({ () throws(Failure) in try LoopDevice.serving(volume) }) {
                Issue.record("\(left.path) is left")
            }
        }

        /// Its loop device was freed behind everybody's back.
        @Test func aDeviceThatIsGoneIsGivenUp() async throws {
            let bench = try Bench()
            let volume = VolumeID.random()
            let kept = try await leave(bench, volume)
            try await bench.shell("losetup -d \(kept.handle.path)")
            let device = try SharedMemoryDevice(
                loop: bench.loop, path: "\(bench.directory)/memory", sizeBytes: Self.sizeBytes)
            let attacher = Bench.attacher(bench.directory, SharedMemoryOpener(device), NoKeeper())
            await attacher.adopt([kept])
            #expect(try await attacher.attachment(volume) == nil)
            _ = try await attacher.attach(volume, epoch: 1, readOnly: false)
            try await attacher.detach(volume)
        }

        /// One process makes way for another in order.
        @Test func aSuspendedDeviceIsServedByTheNext() async throws {
            let bench = try Bench()
            let volume = VolumeID.random()
            let keeper = OneDevice()
            let device = try SharedMemoryDevice(
                loop: bench.loop, path: "\(bench.directory)/memory", sizeBytes: Self.sizeBytes)
            let first = Bench.attacher(bench.directory, SharedMemoryOpener(device), keeper)
            let path = try await first.attach(volume, epoch: 1, readOnly: false).path
            let fio = Task {
                try await bench.shell(
                    "fio --name=v --filename=\(path) --direct=1 --ioengine=libaio --rw=randwrite --bs=4k --iodepth=32 --size=96M --runtime=2 --time_based --verify_state_save=0 --verify=crc32c --verify_fatal=1 --verify_backlog=512"
                )
            }
            try await Task.sleep(for: .milliseconds(700))
            await first.release()
            let second = Bench.attacher(bench.directory, SharedMemoryOpener(device), NoKeeper())
            let kept = try #require(keeper.kept)
            await second.adopt([kept])
            _ = try await fio.value
            #expect(device.repeatedCount == 0, "what was taken was answered")
            kept.close()
            try await second.detach(volume)
        }

        /// The volume has grown, and the process died before its device was told.
        @Test func aResumedDeviceHasItsVolumesSize() async throws {
            let bench = try Bench()
            let volume = VolumeID.random()
            let kept = try await leave(bench, volume)
            let grown = try SharedMemoryDevice(
                loop: bench.loop, path: "\(bench.directory)/memory", sizeBytes: Self.sizeBytes + (64 << 20))
            let attacher = Bench.attacher(bench.directory, SharedMemoryOpener(grown), NoKeeper())
            await attacher.adopt([kept])
            let shown = try await bench.shell("blockdev --getsize64 \(kept.handle.path)")
            #expect(UInt64(shown) == grown.sizeBytes)
            kept.close()
            try await attacher.detach(volume)
        }

        /// What is left of a device half made goes; one that is served is not touched.
        @Test func mountsOfDevicesHalfMadeAreRemoved() async throws {
            let bench = try Bench()
            let (path, volume) = ("\(bench.directory)/\(VolumeID.random()).device", VolumeID.random())
            try await bench.shell("touch \(path) && mount --bind /etc/hostname \(path)")
            let device = try SharedMemoryDevice(
                loop: bench.loop, path: "\(bench.directory)/memory", sizeBytes: Self.sizeBytes)
            let frontEnd = FuseLoopFrontEnd(
                runDirectory: bench.directory, threads: BlockingThreads(name: "test"), logger: Logger(label: "test"))
            let served = try await frontEnd.serve(device, volume: volume, readOnly: false)
            frontEnd.removeMountPoints()
            #expect(access(path, F_OK) != 0, "it is still there")
            try await bench.shell(
                "dd if=\(served.path) of=\(bench.directory)/read bs=4k count=1 iflag=direct status=none", secondsMax: 20
            )
            try await served.stop(force: false)
        }

        /// A process makes way while a device that had to wait is just being resumed: that one answers requests already, and ends with the others.
        @Test func aReleaseWaitsForADeviceThatIsBeingResumed() async throws {
            let bench = try Bench()
            let device = try SharedMemoryDevice(
                loop: bench.loop, path: "\(bench.directory)/memory", sizeBytes: Self.sizeBytes)
            let frontEnd = SlowFrontEnd()
            let attacher = LocalDeviceAttacher(
                opener: SharedMemoryOpener(device, failures: [Failure(.unavailable, "not yet")]), frontEnd: frontEnd)
            let handle = DeviceHandle(
                volume: .random(), epoch: 1, readOnly: false, connection: 1, path: "/dev/none",
                sizeBytes: device.sizeBytes, requestBytesMax: 1 << 20)
            await attacher.adopt([KeptDevice(handle: handle, descriptors: [])])
            while !frontEnd.hasBegun.load(ordering: .relaxed) { try await Task.sleep(for: .milliseconds(5)) }
            async let released: Void = attacher.release()
            try await Task.sleep(for: .milliseconds(100))
            frontEnd.mayEnd.store(true, ordering: .relaxed)
            await released
            let isSuspended = frontEnd.served.isSuspended.load(ordering: .relaxed)
            #expect(isSuspended, "it answers requests after the release")
        }

        /// A device as a dead process left it.
        private func leave(_ bench: Bench, _ volume: VolumeID) async throws -> KeptDevice {
            let parent = try TestParent(path: "\(bench.directory)/keeper.sock")
            async let killed: Void = expectEnd(bench.directory, volume, by: .signal(SIGKILL))
            try await offThread { try parent.welcome() }
            parent.kill()
            await killed
            return try parent.kept()
        }
    }
}

/// Resumes a device when it is told to.
private final class SlowFrontEnd: FrontEnd {
    final class Served: ServedDevice {
        let path = "/dev/none"
        let descriptors: [Int32] = []
        let isSuspended = Atomic<Bool>(false)

        func resize() async throws(Failure) {}
        func suspend() async { isSuspended.store(true, ordering: .relaxed) }
        func stop(force: Bool, forget: @Sendable () -> Void) async throws(Failure) {}
    }

    let hasBegun = Atomic<Bool>(false)
    let mayEnd = Atomic<Bool>(false)
    let served = Served()

    func serve(_ device: any BlockDevice, volume: VolumeID, readOnly: Bool) async throws(Failure) -> any ServedDevice {
        served
    }

    func resume(_ device: any BlockDevice, from kept: KeptDevice) async throws(Failure) -> any ServedDevice {
        hasBegun.store(true, ordering: .relaxed)
        while !mayEnd.load(ordering: .relaxed) { try? await Task.sleep(for: .milliseconds(5)) }
        return served
    }

    func discard(_ kept: KeptDevice) async throws(Failure) {}
}
