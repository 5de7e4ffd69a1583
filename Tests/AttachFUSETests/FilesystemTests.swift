import Base
import BlockDeviceTestSupport
import Filesystems
import Glibc
import SystemIO
import Testing

extension KernelTests {
    /// Real filesystems on served devices, through the real kernel.
    @Suite(.serialized, .timeLimit(.minutes(5))) struct FilesystemTests {
        @Test(arguments: FilesystemType.allCases)
        func treeSurvives(type: FilesystemType) async throws {
            let bench = try Bench()
            let device = bench.device(400 << 20)
            try await bench.loop.run { () throws(Failure) in
                device.setAnswers(.shuffled(seed: 7))
                device.refuseRoom(every: 50)
            }
            let mountPoint = try bench.mountPoint("m")
            var sums = ""
            try await bench.serving(device) { served in
                let path = served.path
                try await bench.blocking { () throws(Failure) in
                    guard try DeviceContent.read(path) == .blank else { throw Failure(.internal, "not blank") }
                    try type.make(on: path)
                    try Mounts.mount(
                        device: path, at: mountPoint, type: type, options: ["noatime"] + type.defaultMountOptions)
                }
                try await bench.shell(
                    "cp -a /usr/include \(mountPoint)/ && rm -rf \(mountPoint)/include/linux && sync -f \(mountPoint)")
                sums = try await bench.shell(
                    "cd \(mountPoint) && find . -type f | sort | xargs -d '\\n' sha256sum | sha256sum")
                try await bench.blocking { () throws(Failure) in
                    try Mounts.unmount(mountPoint)
                    try type.verify(path)
                }
            }
            // Served anew, as after a restart of the node.
            try await bench.serving(device) { served in
                let path = served.path
                try await bench.blocking { () throws(Failure) in
                    try type.repairBeforeMount(path)
                    try Mounts.mount(device: path, at: mountPoint, type: type, options: type.defaultMountOptions)
                }
                let again = try await bench.shell(
                    "cd \(mountPoint) && find . -type f | sort | xargs -d '\\n' sha256sum | sha256sum")
                try await bench.blocking { () throws(Failure) in try Mounts.unmount(mountPoint) }
                #expect(again == sums && !sums.isEmpty)
            }
            #expect(try await bench.loop.run { () throws(Failure) in device.flushCount } > 0)
        }

        @Test(arguments: FilesystemType.allCases.filter(\.canGrowMounted))
        func growsWhileMounted(type: FilesystemType) async throws {
            let bench = try Bench()
            let device = bench.device(320 << 20)
            let mountPoint = try bench.mountPoint("m")
            try await bench.serving(device) { served in
                let path = served.path
                try await bench.blocking { () throws(Failure) in
                    try type.make(on: path)
                    try Mounts.mount(device: path, at: mountPoint, type: type)
                }
                let before = try await bench.blocking { () throws(Failure) in try FilesystemStatistics(path: mountPoint)
                }
                try await bench.shell(
                    "head -c 50M /dev/urandom > \(mountPoint)/file && sha256sum \(mountPoint)/file > \(bench.directory)/sum"
                )

                try await bench.loop.run { () throws(Failure) in device.grow(to: 1 << 30) }
                try await served.resize()
                try await served.resize()
                let isSmaller = try await bench.blocking { () throws(Failure) in
                    let isSmaller = try type.isSmallerThanDevice(path)
                    try type.grow(device: path, mountPoint: mountPoint)
                    try type.grow(device: path, mountPoint: mountPoint)
                    return isSmaller
                }
                #expect(isSmaller)
                let after = try await bench.blocking { () throws(Failure) in try FilesystemStatistics(path: mountPoint)
                }
                #expect(after.totalBytes > before.totalBytes + 600 << 20)
                #expect(
                    try await bench.blocking { () throws(Failure) in try BlockDeviceNode(path: path).sizeBytes } == 1
                        << 30)
                // Into the new part.
                try await bench.shell(
                    "head -c 500M /dev/zero | tr '\\0' x > \(mountPoint)/big && sync -f \(mountPoint) && sha256sum -c \(bench.directory)/sum"
                )
                try await bench.blocking { () throws(Failure) in
                    try Mounts.unmount(mountPoint)
                    try type.verify(path)
                }
            }
        }

        /// Where the kernel does not let us grow a mounted ext4, the failure says why, and it grows when it is next staged.
        @Test func growsUnmounted() async throws {
            let bench = try Bench()
            let device = bench.device(64 << 20)
            let mountPoint = try bench.mountPoint("m")
            try await bench.serving(device) { served in
                let path = served.path
                try await bench.blocking { () throws(Failure) in
                    try FilesystemType.ext4.make(on: path)
                    try Mounts.mount(device: path, at: mountPoint, type: .ext4)
                }
                try await bench.loop.run { () throws(Failure) in device.grow(to: 256 << 20) }
                try await served.resize()
                if !FilesystemType.ext4.canGrowMounted {
                    let failure = await #expect(throws: Failure.self) {
                        try await bench.blocking { () throws(Failure) in
                            try FilesystemType.ext4.grow(device: path, mountPoint: mountPoint)
                        }
                    }
                    #expect(failure?.kind == .failedPrecondition)
                }
                let sizeBytes = try await bench.blocking { () throws(Failure) in
                    try Mounts.unmount(mountPoint)
                    try FilesystemType.ext4.growUnmounted(device: path)
                    try FilesystemType.ext4.growUnmounted(device: path)
                    try FilesystemType.ext4.verify(path)
                    return try FilesystemType.ext4.sizeBytes(on: path)
                }
                #expect(sizeBytes == 256 << 20)
            }
        }

        @Test func deletedFilesGiveTheirBlocksBack() async throws {
            let bench = try Bench()
            let device = bench.device(256 << 20)
            let mountPoint = try bench.mountPoint("m")
            try await bench.serving(device) { served in
                let path = served.path
                try await bench.blocking { () throws(Failure) in
                    try FilesystemType.ext4.make(on: path)
                    try Mounts.mount(device: path, at: mountPoint, type: .ext4)
                }
                try await bench.shell("head -c 100M /dev/urandom > \(mountPoint)/file; sync -f \(mountPoint)")
                let full = try await bench.loop.run { () throws(Failure) in device.storedBlockCount }
                #expect(full > 25_000)
                try await bench.shell("rm \(mountPoint)/file; sync -f \(mountPoint); fstrim \(mountPoint)")
                let trimmed = try await bench.loop.run { () throws(Failure) in device.storedBlockCount }
                #expect(trimmed < full - 24_000)
                try await bench.blocking { () throws(Failure) in try Mounts.unmount(mountPoint) }
                try await bench.shell("blkdiscard -f \(path)")
                #expect(try await bench.loop.run { () throws(Failure) in device.storedBlockCount } == 0)
                try await bench.shell("head -c 8M /dev/urandom > \(path); blkdiscard -f -z \(path)")
                #expect(try await bench.blocking { () throws(Failure) in try DeviceContent.read(path) } == .blank)
            }
        }

        /// The copy of a filesystem mounts beside its origin.
        @Test func xfsCopyMountsBesideItsOrigin() async throws {
            let bench = try Bench()
            let mountPoints = [try bench.mountPoint("a"), try bench.mountPoint("b")]
            let options = FilesystemType.xfs.defaultMountOptions
            try await bench.serving(bench.device(300 << 20)) { first in
                try await bench.serving(bench.device(300 << 20)) { second in
                    let (a, b) = (first.path, second.path)
                    try await bench.blocking { () throws(Failure) in try FilesystemType.xfs.make(on: a) }
                    try await bench.shell("dd if=\(a) of=\(b) bs=1M iflag=direct oflag=direct status=none")
                    try await bench.blocking { () throws(Failure) in
                        try Mounts.mount(device: a, at: mountPoints[0], type: .xfs, options: options)
                        try Mounts.mount(device: b, at: mountPoints[1], type: .xfs, options: options, readOnly: true)
                        for mountPoint in mountPoints { try Mounts.unmount(mountPoint) }
                    }
                }
            }
        }
    }
}
