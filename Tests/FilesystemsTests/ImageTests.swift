import Base
import Filesystems
import Glibc
import SystemIO
import Testing

/// What is told from an image's bytes, and what the tools make of it.
@Suite struct ImageTests {
    @Test func blankThenMadeThenVerified() throws {
        for type in FilesystemType.allCases {
            let image = try Image(bytes: type.smallestBytes)
            #expect(try DeviceContent.read(image.path) == .blank)
            try type.make(on: image.path)
            #expect(try DeviceContent.read(image.path) == .filesystem(type))
            try type.verify(image.path)
            try type.repairBeforeMount(image.path)
            let sizeBytes = try type.sizeBytes(on: image.path)
            #expect(sizeBytes <= type.smallestBytes && sizeBytes > type.smallestBytes - 4 << 20)
        }
    }

    @Test func damageIsReported() throws {
        let image = try Image(bytes: 64 << 20)
        try FilesystemType.ext4.make(on: image.path)
        // The first group's bitmaps and inode table.
        try image.write([UInt8](repeating: 0x5A, count: 1 << 20), at: 64 << 10)
        let failure = #expect(throws: Failure.self) { try FilesystemType.ext4.verify(image.path) }
        #expect(failure?.kind == .corrupt)
    }

    @Test(arguments: [0, 5000, 4 << 20 - 1, 128 << 20, 200 << 20 - 1] as [UInt64])
    func oneByteIsNotBlank(offset: UInt64) throws {
        let image = try Image(bytes: 200 << 20)
        try image.write([1], at: offset)
        #expect(try DeviceContent.read(image.path) == .unknownData)
    }

    @Test func givenRangesOnly() throws {
        let image = try Image(bytes: 32 << 20)
        try image.write([1], at: 20 << 20)
        #expect(try DeviceContent.read(image.path, ranges: [0..<(20 << 20)]) == .blank)
        #expect(try DeviceContent.read(image.path, ranges: [0..<(64 << 20)]) == .unknownData)
    }

    @Test func foreignSignatures() throws {
        for (text, offset, name) in [
            ("_BHRfS_M", 65536 + 64, "btrfs"), ("LUKS", 0, "LUKS"), ("SWAPSPACE2", 4086, "swap"),
            ("LABELONE", 512, "an LVM physical volume"), ("EFI PART", 512, "a partition table"),
        ] as [(String, UInt64, String)] {
            let image = try Image(bytes: 8 << 20)
            try image.write(Array(text.utf8), at: offset)
            #expect(try DeviceContent.read(image.path) == .foreign(name))
        }
        let image = try Image(bytes: 8 << 20)
        try ExternalTool(name: "mkfs.ext2", package: "e2fsprogs").run(["-q", image.path], secondsMax: 60)
        #expect(try DeviceContent.read(image.path) == .foreign("ext2 or ext3"))
    }

    @Test func unreadableIsAnErrorNotBlank() throws {
        #expect(throws: Failure.self) { try DeviceContent.read("/dev/does-not-exist") }
        #expect(throws: Failure.self) { try DeviceContent.read("/proc") }
    }

    @Test func wrongFilesystemHasNoSize() throws {
        let image = try Image(bytes: 16 << 20)
        let failure = #expect(throws: Failure.self) { try FilesystemType.xfs.sizeBytes(on: image.path) }
        #expect(failure?.kind == .failedPrecondition)
    }

    @Test func mkfsFailureNamesTheReason() throws {
        let image = try Image(bytes: 100 << 20)
        let failure = #expect(throws: Failure.self) { try FilesystemType.xfs.make(on: image.path) }
        #expect(failure?.description.contains("mkfs.xfs") == true)
        #expect(try DeviceContent.read(image.path) == .blank)
    }
}

/// A sparse file that is removed with this object.
final class Image {
    let path: String
    private let file: FileDescriptor

    init(bytes: UInt64) throws {
        path = "/var/tmp/ashlar-test-\(VolumeID.random()).img"
        file = try FileDescriptor(opening: path, flags: O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, "image")
        try file.truncate(to: bytes)
    }

    deinit { unlink(path) }

    func write(_ bytes: [UInt8], at offset: UInt64) throws {
        try bytes.withUnsafeBytes { try file.write($0, at: offset) }
        try file.synchronize()
    }
}
