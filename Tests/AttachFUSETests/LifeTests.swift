import Attach
import AttachFUSE
import Base
import BlockDevice
import BlockDeviceTestSupport
import Filesystems
import Glibc
import SystemIO
import Testing

extension KernelTests {
    /// How devices come and go: nothing leaks, nothing in use is pulled away, nothing hangs.
    @Suite(.serialized, .timeLimit(.minutes(5))) struct LifeTests {
        @Test func fiftyRoundsLeakNothing() async throws {
            let bench = try Bench()
            let volume = VolumeID.random()
            let before = try openDescriptors()
            for round in 0..<50 {
                let device = bench.device(32 << 20)
                try await bench.serving(device, volume: volume) { served in
                    try await bench.shell("dd if=/dev/zero of=\(served.path) bs=1M count=2 oflag=direct status=none")
                }
                if round % 10 == 0 {
                    let served = try await bench.frontEnd.serve(device, volume: volume, readOnly: false)
                    try await served.stop(force: true)
                }
            }
            #expect(try openDescriptors() == before)
            #expect(try await bench.blocking { () throws(Failure) in try LoopDevice.serving(volume) } == [])
            #expect(try MountTable.current().entries.filter { $0.mountPoint.hasPrefix(bench.directory) } == [])
            #expect(try await bench.shell("ls \(bench.directory)") == "")
        }

        @Test func noMountStaysVisible() async throws {
            let bench = try Bench()
            let volume = VolumeID.random()
            try await bench.serving(bench.device(32 << 20), volume: volume) { served in
                #expect(try MountTable.current().entries.filter { $0.mountPoint.hasPrefix(bench.directory) } == [])
                let devices = try await bench.blocking { () throws(Failure) in try LoopDevice.serving(volume) }
                #expect(devices.map(\.path) == [served.path] && devices.first?.volume == volume)
                let node = try await bench.blocking { [path = served.path] () throws(Failure) in
                    try BlockDeviceNode(path: path)
                }
                #expect(try BlockDeviceNode.path(major: node.major, minor: node.minor) == served.path)
                #expect(node.sizeBytes == 32 << 20)
            }
        }

        @Test func servedOnceOnly() async throws {
            let bench = try Bench()
            let volume = VolumeID.random()
            try await bench.serving(bench.device(32 << 20), volume: volume) { _ in
                let failure = await #expect(throws: Failure.self) {
                    try await bench.frontEnd.serve(bench.device(32 << 20), volume: volume, readOnly: false)
                }
                #expect(failure?.kind == .conflict)
            }
        }

        @Test func stopRefusesWhatIsInUse() async throws {
            let bench = try Bench()
            let mountPoint = try bench.mountPoint("m")
            let served = try await bench.frontEnd.serve(bench.device(64 << 20), volume: .random(), readOnly: false)
            let path = served.path
            try await bench.blocking { () throws(Failure) in
                try FilesystemType.ext4.make(on: path)
                try Mounts.mount(device: path, at: mountPoint, type: .ext4)
            }
            let mounted = await #expect(throws: Failure.self) { try await served.stop(force: false) }
            #expect(mounted?.kind == .failedPrecondition)
            try await bench.shell("echo text > \(mountPoint)/file; sync -f \(mountPoint)")
            try await bench.blocking { () throws(Failure) in try Mounts.unmount(mountPoint) }

            // Open, without a claim, in another process.
            try await bench.shell("sleep 3 < \(path) > /dev/null 2>&1 &")
            let open = await #expect(throws: Failure.self) { try await served.stop(force: false) }
            #expect(open?.kind == .failedPrecondition)
            #expect(
                try await bench.blocking { () throws(Failure) in try FilesystemType.ext4.sizeBytes(on: path) } == 64
                    << 20, "it works on")
            try await Task.sleep(for: .seconds(3))
            try await served.stop(force: false)
            try await served.stop(force: false)
            let failure = await #expect(throws: Failure.self) { try await served.resize() }
            #expect(failure?.kind == .unavailable)
        }

        @Test func forcedStopFailsItsIO() async throws {
            let bench = try Bench()
            let volume = VolumeID.random()
            let mountPoint = try bench.mountPoint("m")
            let device = bench.device(64 << 20)
            let served = try await bench.frontEnd.serve(device, volume: volume, readOnly: false)
            let path = served.path
            try await bench.blocking { () throws(Failure) in
                try FilesystemType.ext4.make(on: path)
                try Mounts.mount(device: path, at: mountPoint, type: .ext4)
            }
            try await bench.loop.run { () throws(Failure) in device.setAnswers(.never) }
            let stuck = Task {
                try await bench.shell("dd if=\(path) bs=4k count=1 skip=9000 iflag=direct status=none | wc -c")
            }
            try await Task.sleep(for: .milliseconds(300))
            try await served.stop(force: true)
            await #expect(throws: Failure.self) { _ = try await stuck.value }
            try await bench.loop.run { () throws(Failure) in device.setAnswers(.atOnce) }
            await #expect(throws: Failure.self) {
                try await bench.shell("echo x > \(mountPoint)/f && sync \(mountPoint)/f")
            }
            try await bench.blocking { () throws(Failure) in try Mounts.unmount(mountPoint) }
            #expect(try await bench.blocking { () throws(Failure) in try LoopDevice.serving(volume) } == [])
        }

        @Test func aLostConnectionIsSurvived() async throws {
            let bench = try Bench()
            let volume = VolumeID.random()
            let device = bench.device(32 << 20)
            let served = try await bench.frontEnd.serve(device, volume: volume, readOnly: false)
            // Somebody frees the loop device behind our back.
            try await bench.shell("losetup -d \(served.path)")
            try await served.stop(force: false)
            try await bench.serving(device, volume: volume) { _ in }
        }

        @Test func aFailedStartLeavesNothing() async throws {
            let bench = try Bench()
            let front = FuseLoopFrontEnd(
                runDirectory: "\(bench.directory)/missing", threads: bench.threads, logger: .init(label: "test"))
            let volume = VolumeID.random()
            for _ in 0..<2 {
                let failure = await #expect(throws: Failure.self) {
                    try await front.serve(bench.device(32 << 20), volume: volume, readOnly: false)
                }
                #expect(failure?.kind == .notFound)
            }
        }
    }
}

extension KernelTests {
    /// The serving process is killed. Each test runs the server in a process of its own.
    @Suite(.serialized, .timeLimit(.minutes(2))) struct DeathTests {
        @Test func itsDevicesAreFoundAndFreed() async throws {
            let volume = VolumeID.random()
            await #expect(processExitsWith: .signal(SIGKILL)) { [volume = "\(volume)"] in
                let bench = try Bench()
                _ = try await bench.frontEnd.serve(
                    bench.device(32 << 20), volume: VolumeID(volume).unsafelyUnwrapped, readOnly: false)
                kill(getpid(), SIGKILL)
            }
            let bench = try Bench()
            let left = try await bench.blocking { () throws(Failure) in try LoopDevice.serving(volume) }
            let path = try #require(left.first?.path)
            #expect(
                try await bench.blocking { () throws(Failure) in try BlockDeviceNode(path: path).isAlive() } == false)
            await #expect(throws: Failure.self) {
                try await bench.blocking { () throws(Failure) in _ = try DeviceContent.read(path) }
            }
            // Serving the volume again frees it first.
            try await bench.serving(bench.device(32 << 20), volume: volume) { served in
                let now = try await bench.blocking { () throws(Failure) in try LoopDevice.serving(volume) }
                #expect(now.map(\.path) == [served.path])
            }
        }

        /// A thread of the server itself waits for the I/O that it will never serve: the kill must get through.
        @Test func itDiesWhileItWaitsForItself() async throws {
            let volume = VolumeID.random()
            await #expect(processExitsWith: .signal(SIGKILL)) { [volume = "\(volume)"] in
                let bench = try Bench()
                let device = bench.device(64 << 20)
                let served = try await bench.frontEnd.serve(
                    device, volume: VolumeID(volume).unsafelyUnwrapped, readOnly: false)
                let path = served.path
                try await bench.loop.run { () throws(Failure) in device.setAnswers(.never) }
                let mountPoint = try bench.mountPoint("m")
                let threads = bench.threads
                threads.submit { _ = try? Mounts.mount(device: path, at: mountPoint, type: .ext4) }
                threads.submit { _ = try? DeviceContent.read(path) }
                try await Task.sleep(for: .milliseconds(500))
                kill(getpid(), SIGKILL)
            }
            let bench = try Bench()
            try await FuseLoopFrontEnd.clearStaleDevices(of: volume, on: bench.threads)
            #expect(try await bench.blocking { () throws(Failure) in try LoopDevice.serving(volume) } == [])
        }
    }
}

/// Descriptors of FUSE connections and of their files; others of this process come and go with other tests.
private func openDescriptors() throws -> Int {
    guard let directory = opendir("/proc/self/fd") else { throw Failure(.internal, "no /proc") }
    defer { closedir(directory) }
    var count = 0
    while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        var target = [CChar](repeating: 0, count: 4096)
        guard readlink("/proc/self/fd/\(name)", &target, 4095) > 0 else { continue }
        let text = String(decoding: target.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if text == "/dev/fuse" || text.hasSuffix(".device") || text == "/" { count += 1 }
    }
    return count
}
