import Base
import CSIMessages
import CSIServices
import Domain
import EngineFakes
import Foundation
import GRPCServer
import SystemIO
import Testing
import VolumeEngine

/// When a filesystem is made, and when never (field.md, section 2, row 1).
@Suite(.serialized) struct FormatTests {
    private func volume(_ driver: Driver, _ capability: CSI.VolumeCapability = mountCapability()) async throws
        -> VolumeID
    {
        let made: CSI.CreateVolumeResponse = try await driver.call(
            CSI.Method.createVolume, createRequest("a", requiredBytes: 304 << 20, for: capability))
        let id = try #require(made.volume.flatMap { VolumeID($0.volumeID) })
        _ = try await driver.volumes.publish(id, to: Driver.host, mode: .singleNodeWriter, readOnly: false)
        return id
    }

    private func stageRequest(
        _ driver: Driver, _ id: VolumeID, _ capability: CSI.VolumeCapability = mountCapability()
    ) async throws -> CSI.NodeStageVolumeRequest {
        let epoch = try await driver.engine.volume(id).attachEpoch
        return CSI.NodeStageVolumeRequest(
            volumeID: id.description, publishContext: ["ashlar/attach-epoch": "\(epoch)"],
            stagingTargetPath: driver.path + "/staging", volumeCapability: capability)
    }

    private func stage(_ driver: Driver, _ id: VolumeID, _ capability: CSI.VolumeCapability = mountCapability())
        async throws
    {
        let _: CSI.NodeStageVolumeResponse = try await driver.call(
            CSI.Method.nodeStageVolume, try await stageRequest(driver, id, capability))
    }

    private func unstage(_ driver: Driver, _ id: VolumeID) async throws {
        let _: CSI.NodeUnstageVolumeResponse = try await driver.call(
            CSI.Method.nodeUnstageVolume,
            CSI.NodeUnstageVolumeRequest(volumeID: id.description, stagingTargetPath: driver.path + "/staging"))
    }

    /// Bytes at the start, at an ext4 backup superblock, and at the end.
    @Test(arguments: [0, 1 << 27, (304 << 20) - 8192]) func dataIsNeverFormatted(offset: UInt64) async throws {
        try await withDriver { driver in
            let id = try await volume(driver)
            let image = driver.attacher.imagePath(id)
            #expect(FileManager.default.createFile(atPath: image, contents: nil))
            let file = try #require(FileHandle(forWritingAtPath: image))
            try file.seek(toOffset: offset)
            try file.write(contentsOf: Data("precious".utf8))
            try file.close()
            #expect(
                await driver.code(CSI.Method.nodeStageVolume, try await stageRequest(driver, id)) == .failedPrecondition
            )
            #expect(try await driver.engine.volume(id).formatted == .never)
            let again = try #require(FileHandle(forReadingAtPath: image))
            try again.seek(toOffset: offset)
            #expect(try again.read(upToCount: 8) == Data("precious".utf8))
        }
    }

    @Test(arguments: [Formatted.filesystem("ext4"), .unknown]) func whatWasFormattedIsNotFormattedAgain(
        formatted: Formatted
    ) async throws {
        try await withDriver { driver in
            let id = try await volume(driver)
            driver.engine.setFormatted(id, formatted)  // and the device is blank: its content is lost
            let code = await driver.code(CSI.Method.nodeStageVolume, try await stageRequest(driver, id))
            #expect(code != .ok)
            #expect(try await driver.engine.volume(id).formatted == formatted)
        }
    }

    @Test func anotherFilesystemIsRefused() async throws {
        try await withDriver { driver in
            let id = try await volume(driver)
            try await stage(driver, id)
            try await unstage(driver, id)
            let request = try await stageRequest(driver, id, mountCapability("xfs"))
            #expect(await driver.code(CSI.Method.nodeStageVolume, request) == .failedPrecondition)
            try await stage(driver, id)
        }
    }

    /// Cut off after each step of making it: the repeat makes it, and a filesystem that was mounted keeps its files.
    @Test(arguments: ["ext4", "xfs"], ["before making", "after making", "before filesystem", "after filesystem"])
    func makingCanBeCutOff(filesystem: String, place: String) async throws {
        try await withDriver { driver in
            let capability = mountCapability(filesystem)
            let id = try await volume(driver, capability)
            let count = Counter()
            let (call, index) = (
                place.hasPrefix("before") ? "markFormatted" : "markFormatted+", place.hasSuffix("making") ? 1 : 2
            )
            driver.engine.setFault { name throws(Failure) in
                if name == call, count.next() == index { throw Failure(.unavailable, "cut") }
            }
            let request = try await stageRequest(driver, id, capability)
            #expect(await driver.code(CSI.Method.nodeStageVolume, request) == .unavailable)
            driver.engine.setFault(nil)
            driver.attacher.die()
            try await stage(driver, id, capability)
            #expect(try await driver.engine.volume(id).formatted == .filesystem(filesystem))
            try "kept".write(toFile: driver.path + "/staging/file", atomically: false, encoding: .utf8)
            try await unstage(driver, id)
            try await stage(driver, id, capability)
            #expect(try String(contentsOfFile: driver.path + "/staging/file", encoding: .utf8) == "kept")
        }
    }

    @Test func mkfsOptionsOfTheClassAreUsed() async throws {
        try await withDriver { driver in
            let id = try await volume(driver, mountCapability("xfs"))
            var request = try await stageRequest(driver, id, mountCapability("xfs"))
            request.volumeContext = [
                "ashlar/filesystem": "xfs", "ashlar/mkfs-options": "-i size=1024", "ashlar/mount-options": "noatime",
            ]
            let _: CSI.NodeStageVolumeResponse = try await driver.call(CSI.Method.nodeStageVolume, request)
            let lines = try readPseudoFile("/proc/self/mountinfo").split(separator: "\n")
            let line = try #require(lines.first { $0.contains(driver.path + "/staging") })
            #expect(line.contains("noatime") && line.contains("nouuid"))
            // sb_inodesize, big-endian at byte 104 of the superblock.
            let image = try #require(FileHandle(forReadingAtPath: driver.attacher.imagePath(id)))
            try image.seek(toOffset: 104)
            #expect(try image.read(upToCount: 2) == Data([4, 0]))
        }
    }
}

private final class Counter: @unchecked Sendable {
    // guarded by `lock`
    private let lock = NSLock()
    private var count = 0

    func next() -> Int {
        lock.withLock {
            count += 1
            return count
        }
    }
}
