import Attach
import Base
import BlockDevice
import BlockDeviceTestSupport
import Filesystems
import Glibc
import SystemIO
import Testing

extension KernelTests {
    /// What a served device does with I/O.
    @Suite(.serialized, .timeLimit(.minutes(5))) struct DeviceTests {
        @Test(arguments: [
            "--rw=randwrite --bs=4k --iodepth=32", "--rw=randwrite --bs=1M --iodepth=64",
            "--rw=randrw --bsrange=4k-512k --iodepth=128 --fsync=64",
        ])
        func fioVerifies(options: String) async throws {
            let bench = try Bench()
            let device = bench.device(256 << 20)
            try await bench.loop.run { () throws(Failure) in
                device.setAnswers(.shuffled(seed: 3))
                device.refuseRoom(every: 97)
            }
            try await bench.serving(device) { served in
                try await bench.shell(
                    "fio --name=v --filename=\(served.path) --direct=1 --ioengine=libaio \(options) --size=128M --verify_state_save=0 --verify=crc32c --verify_fatal=1 --do_verify=1"
                )
            }
        }

        /// Two devices of one loop share its buffers.
        @Test func twoDevicesAtOnce() async throws {
            let bench = try Bench()
            let devices = [bench.device(64 << 20), bench.device(64 << 20)]
            try await bench.serving(devices[0]) { first in
                try await bench.serving(devices[1]) { second in
                    let job =
                        "--direct=1 --ioengine=libaio --rw=randrw --bs=1M --iodepth=64 --size=64M --loops=4 --verify_state_save=0 --verify=crc32c --verify_fatal=1"
                    try await bench.shell(
                        "fio --name=a --filename=\(first.path) \(job) & fio --name=b --filename=\(second.path) \(job); wait $!"
                    )
                }
            }
        }

        @Test func errorsReachTheReader() async throws {
            let bench = try Bench()
            let device = bench.device(16 << 20)
            try await bench.serving(device) { served in
                let path = served.path
                try await bench.loop.run { () throws(Failure) in device.fail(.read, with: EIO) }
                let isAlive = try await bench.blocking { () throws(Failure) in try BlockDeviceNode(path: path).isAlive()
                }
                #expect(!isAlive)
                let failure = await #expect(throws: Failure.self) {
                    try await bench.blocking { () throws(Failure) in _ = try DeviceContent.read(path) }
                }
                #expect(failure?.kind == .unavailable, "unreadable is not blank")

                try await bench.loop.run { () throws(Failure) in
                    device.fail(.read, with: 0)
                    device.fail(.write, with: ENOSPC)
                }
                await #expect(throws: Failure.self) {
                    try await bench.shell("dd if=/dev/zero of=\(path) bs=4k count=1 oflag=direct status=none")
                }
                try await bench.loop.run { () throws(Failure) in
                    device.fail(.write, with: 0)
                    device.fail(.flush, with: EIO)
                }
                await #expect(throws: Failure.self) {
                    try await bench.shell(
                        "dd if=/dev/zero of=\(path) bs=4k count=1 oflag=direct conv=fsync status=none")
                }
                try await bench.loop.run { () throws(Failure) in device.fail(.flush, with: 0) }
                #expect(try await bench.blocking { () throws(Failure) in try BlockDeviceNode(path: path).isAlive() })
            }
        }

        @Test func readsEndWithTheDevice() async throws {
            let bench = try Bench()
            try await bench.serving(bench.device(3 << 20 + 4096)) { served in
                let bytes = try await bench.shell("dd if=\(served.path) bs=1M iflag=direct status=none | wc -c")
                #expect(bytes == "\(3 << 20 + 4096)")
                await #expect(throws: Failure.self) {
                    try await bench.shell(
                        "dd if=/dev/zero of=\(served.path) bs=4k seek=769 count=1 oflag=direct status=none")
                }
            }
        }

        @Test func readOnly() async throws {
            let bench = try Bench()
            let device = bench.device(64 << 20)
            let mountPoint = try bench.mountPoint("m")
            try await bench.serving(device) { served in
                let path = served.path
                try await bench.blocking { () throws(Failure) in try FilesystemType.ext4.make(on: path) }
            }
            let count = try await bench.loop.run { () throws(Failure) in device.storedBlockCount }
            try await bench.serving(device, readOnly: true) { served in
                let path = served.path
                #expect(
                    try await bench.blocking { () throws(Failure) in try LoopDevice(path: path)?.isReadOnly } == true)
                await #expect(throws: Failure.self) {
                    try await bench.shell("dd if=/dev/zero of=\(path) bs=4k count=1 status=none")
                }
                try await bench.blocking { () throws(Failure) in
                    try Mounts.mount(device: path, at: mountPoint, type: .ext4, readOnly: true)
                }
                await #expect(throws: Failure.self) { try await bench.shell("touch \(mountPoint)/file") }
                try await bench.blocking { () throws(Failure) in try Mounts.unmount(mountPoint) }
            }
            #expect(try await bench.loop.run { () throws(Failure) in device.storedBlockCount } == count)
        }

        /// Data written through the device is where the engine side sees it.
        @Test func bothSidesAgree() async throws {
            let bench = try Bench()
            let device = bench.device(64 << 20)
            try await bench.serving(device) { served in
                try await bench.shell("printf hello | dd of=\(served.path) bs=4k seek=3 conv=sync,fsync status=none")
                let bytes = try await BlockDeviceClient(device).read(at: 3 * 4096, length: 4096)
                #expect(bytes.prefix(6) == [104, 101, 108, 108, 111, 0])
            }
        }
    }
}
