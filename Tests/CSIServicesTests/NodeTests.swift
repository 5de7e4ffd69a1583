import Base
import CSIMessages
import CSIServices
import Domain
import EngineFakes
import Foundation
import GRPCServer
import Synchronization
import SystemIO
import Testing
import VolumeEngine

/// One volume's life on a node, with real devices, filesystems and mounts. Needs root, /dev/loop-control, e2fsprogs, xfsprogs.
private struct Life {
    let driver: Driver
    let volume: CSI.Volume
    let capability: CSI.VolumeCapability
    let context: [String: String]

    var id: VolumeID { VolumeID(volume.volumeID)! }
    var staging: String { "\(driver.path)/staging" }
    func target(_ number: Int = 1) -> String { "\(driver.path)/pods/\(number)/mount" }

    init(
        _ driver: Driver, _ capability: CSI.VolumeCapability = mountCapability(), name: String = "a",
        bytes: Int64 = 64 << 20, readonly: Bool = false, parameters: [String: String] = [:],
        capabilities: [CSI.VolumeCapability] = []
    ) async throws {
        self.driver = driver
        self.capability = capability
        var create = createRequest(name, requiredBytes: bytes, for: capability, parameters: parameters)
        if !capabilities.isEmpty { create.volumeCapabilities = capabilities }
        let made: CSI.CreateVolumeResponse = try await driver.call(CSI.Method.createVolume, create)
        volume = try #require(made.volume)
        let published: CSI.ControllerPublishVolumeResponse = try await driver.call(
            CSI.Method.controllerPublishVolume,
            CSI.ControllerPublishVolumeRequest(
                volumeID: volume.volumeID, nodeID: Driver.host, volumeCapability: capability, readonly: readonly))
        context = published.publishContext
    }

    var stageRequest: CSI.NodeStageVolumeRequest {
        CSI.NodeStageVolumeRequest(
            volumeID: volume.volumeID, publishContext: context, stagingTargetPath: staging,
            volumeCapability: capability,
            volumeContext: volume.volumeContext)
    }

    func publishRequest(_ number: Int = 1, readonly: Bool = false) -> CSI.NodePublishVolumeRequest {
        CSI.NodePublishVolumeRequest(
            volumeID: volume.volumeID, publishContext: context, stagingTargetPath: staging, targetPath: target(number),
            volumeCapability: capability, readonly: readonly, volumeContext: volume.volumeContext)
    }

    func stage() async throws {
        let _: CSI.NodeStageVolumeResponse = try await driver.call(CSI.Method.nodeStageVolume, stageRequest)
    }

    func publish(_ number: Int = 1, readonly: Bool = false) async throws {
        let _: CSI.NodePublishVolumeResponse = try await driver.call(
            CSI.Method.nodePublishVolume, publishRequest(number, readonly: readonly))
    }

    var unstageRequest: CSI.NodeUnstageVolumeRequest {
        CSI.NodeUnstageVolumeRequest(volumeID: volume.volumeID, stagingTargetPath: staging)
    }

    func unpublish(_ number: Int = 1) async throws {
        let _: CSI.NodeUnpublishVolumeResponse = try await driver.call(
            CSI.Method.nodeUnpublishVolume,
            CSI.NodeUnpublishVolumeRequest(volumeID: volume.volumeID, targetPath: target(number)))
    }

    func unstage() async throws {
        let _: CSI.NodeUnstageVolumeResponse = try await driver.call(CSI.Method.nodeUnstageVolume, unstageRequest)
    }

    func write(_ text: String, number: Int = 1) throws {
        try text.write(toFile: target(number) + "/file", atomically: false, encoding: .utf8)
    }

    func read(_ number: Int = 1) -> String? { try? String(contentsOfFile: target(number) + "/file", encoding: .utf8) }

    func mountLines() throws -> [String] {
        try readPseudoFile("/proc/self/mountinfo").split(separator: "\n").map(String.init)
            .filter { $0.contains(driver.path) }
    }

    func loops() throws -> [LoopDevice] { try LoopDevice.serving(id) }

    /// Whether neither mounts nor devices are left. A device that somebody has open for a moment goes at its last close.
    func isGone() async throws -> Bool {
        for _ in 0..<40 {
            if try mountLines().isEmpty, try loops().isEmpty { return true }
            try await Task.sleep(for: .milliseconds(25))
        }
        return false
    }
}

private func hasResourceCapability() -> Bool {
    let status = (try? readPseudoFile("/proc/self/status")) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") } ?? ""
    return (UInt64(line.dropFirst(7).filter(\.isHexDigit), radix: 16) ?? 0) >> 24 & 1 == 1
}

/// Looks whether a mount is writable without the mark of one that settles.
private final class SettleWatch: Sendable {
    let isOver = Atomic(false)
    let unmarkedCount = Atomic(0)

    func look(at path: String) {
        for line in ((try? readPseudoFile("/proc/self/mountinfo")) ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words[4] == path, words[5].hasPrefix("rw"), !words[5].contains("nosymfollow") else { continue }
            unmarkedCount.add(1, ordering: .relaxed)
        }
    }
}

@Suite(.serialized) struct NodeTests {
    @Test(arguments: ["ext4", "xfs"]) func aVolumesWholeLife(filesystem: String) async throws {
        try await withDriver { driver in
            let life = try await Life(driver, mountCapability(filesystem), bytes: 304 << 20)
            for _ in 0..<2 {
                try await life.stage()
                try await life.publish()
            }
            #expect(try life.mountLines().count == 2)
            try life.write("kept")
            #expect(try await driver.engine.volume(life.id).formatted == .filesystem(filesystem))
            for _ in 0..<2 { try await life.unpublish() }
            #expect(!FileManager.default.fileExists(atPath: life.target()))
            for _ in 0..<2 { try await life.unstage() }
            #expect(try await life.isGone())
            try await life.stage()
            try await life.publish()
            #expect(life.read() == "kept")
            try await life.unpublish()
            try await life.unstage()
        }
    }

    @Test func aRawDevice() async throws {
        try await withDriver { driver in
            let life = try await Life(driver, blockCapability())
            for _ in 0..<2 {
                try await life.stage()
                try await life.publish()
            }
            #expect(try await driver.engine.volume(life.id).formatted == .unknown)
            let node = try BlockDeviceNode(path: life.target())
            #expect(node.sizeBytes == 64 << 20)
            let stats: CSI.NodeGetVolumeStatsResponse = try await driver.call(
                CSI.Method.nodeGetVolumeStats,
                CSI.NodeGetVolumeStatsRequest(volumeID: life.volume.volumeID, volumePath: life.target()))
            #expect(stats.usage.map(\.total) == [64 << 20])
            #expect(await driver.code(CSI.Method.nodeUnstageVolume, life.unstageRequest) == .failedPrecondition)
            try await life.unpublish()
            try await life.unstage()
            #expect(try await life.isGone())
        }
    }

    /// Writing the device destroys the filesystem that is mounted from it.
    @Test func aFilesystemAndARawDeviceExcludeEachOther() async throws {
        try await withDriver { driver in
            let life = try await Life(driver, capabilities: [mountCapability(), blockCapability()])
            var (rawStage, raw) = (life.stageRequest, life.publishRequest(2))
            (rawStage.volumeCapability, raw.volumeCapability) = (blockCapability(), blockCapability())
            try await life.stage()
            try await life.publish()
            #expect(await driver.code(CSI.Method.nodeStageVolume, rawStage) == .alreadyExists)
            #expect(try await driver.engine.volume(life.id).formatted == .filesystem("ext4"), "it is not given up")
            #expect(await driver.code(CSI.Method.nodePublishVolume, raw) == .failedPrecondition)
            #expect(!FileManager.default.fileExists(atPath: life.target(2)))
            try await life.unpublish()
            try await life.unstage()

            let _: CSI.NodeStageVolumeResponse = try await driver.call(CSI.Method.nodeStageVolume, rawStage)
            let _: CSI.NodePublishVolumeResponse = try await driver.call(CSI.Method.nodePublishVolume, raw)
            #expect(await driver.code(CSI.Method.nodeStageVolume, life.stageRequest) == .alreadyExists)
            #expect(await driver.code(CSI.Method.nodePublishVolume, life.publishRequest()) == .failedPrecondition)
            #expect(try life.mountLines().count == 1)
            try await life.unpublish(2)
            try await life.stage()
            try await life.unstage()
        }
    }

    @Test func whatIsMountedOverAVolumeIsSeenAndStays() async throws {
        try await withDriver { driver in
            let life = try await Life(driver)
            try await life.stage()
            #expect(mount("tmpfs", life.staging, "tmpfs", 0, "size=1m") == 0)
            #expect(await driver.code(CSI.Method.nodePublishVolume, life.publishRequest()) == .failedPrecondition)
            #expect(await driver.code(CSI.Method.nodeStageVolume, life.stageRequest) == .failedPrecondition)
            #expect(await driver.code(CSI.Method.nodeUnstageVolume, life.unstageRequest) == .failedPrecondition)
            #expect(try life.mountLines().last?.contains(" tmpfs ") == true)
            #expect(umount2(life.staging, 0) == 0)
            try await life.publish()
            #expect(mount("tmpfs", life.target(), "tmpfs", 0, "size=1m") == 0)
            let unpublish = CSI.NodeUnpublishVolumeRequest(volumeID: life.volume.volumeID, targetPath: life.target())
            #expect(await driver.code(CSI.Method.nodeUnpublishVolume, unpublish) == .failedPrecondition)
            #expect(umount2(life.target(), 0) == 0)
            try await life.unpublish()
            try await life.unstage()
        }
    }

    /// A device node that somebody else bound.
    @Test func aForeignDeviceNodeStays() async throws {
        try await withDriver { driver in
            let (life, other) = (
                try await Life(driver, blockCapability()), try await Life(driver, blockCapability(), name: "other")
            )
            try await other.stage()
            let device = try #require(try other.loops().first).path
            let target = "\(driver.path)/foreign"
            try Data().write(to: URL(fileURLWithPath: target))
            #expect(mount(device, target, nil, 4096, nil) == 0)
            let unpublish = CSI.NodeUnpublishVolumeRequest(volumeID: life.volume.volumeID, targetPath: target)
            #expect(await driver.code(CSI.Method.nodeUnpublishVolume, unpublish) == .failedPrecondition)
            #expect(umount2(target, 0) == 0, "it is there still")
            try await other.unstage()
        }
    }

    @Test func publishNeedsTheStagedVolume() async throws {
        try await withDriver { driver in
            let life = try await Life(driver)
            let code = await driver.code(CSI.Method.nodePublishVolume, life.publishRequest())
            #expect(code == .failedPrecondition)
            #expect(!FileManager.default.fileExists(atPath: life.target()))
            try await life.stage()
            var request = life.publishRequest()
            request.stagingTargetPath = ""
            #expect(await driver.code(CSI.Method.nodePublishVolume, request) == .failedPrecondition)
            // Something is mounted there, but not this volume.
            request.stagingTargetPath = "/proc"
            #expect(await driver.code(CSI.Method.nodePublishVolume, request) == .failedPrecondition)
            request.stagingTargetPath = life.staging
            request.volumeID = unknownID
            #expect(await driver.code(CSI.Method.nodePublishVolume, request) == .notFound)
        }
    }

    @Test func targetsFollowTheAccessMode() async throws {
        try await withDriver { driver in
            let shared = try await Life(driver)
            try await shared.stage()
            try await shared.publish(1)
            try await shared.publish(2, readonly: true)
            try shared.write("x", number: 1)
            #expect(shared.read(2) == "x")
            #expect(throws: (any Error).self) { try shared.write("y", number: 2) }
            // The same target with other arguments.
            let other = shared.publishRequest(1, readonly: true)
            #expect(await driver.code(CSI.Method.nodePublishVolume, other) == .alreadyExists)
            #expect(await driver.code(CSI.Method.nodeUnstageVolume, shared.unstageRequest) == .failedPrecondition)
            try await shared.unpublish(1)
            try await shared.unpublish(2)
            try await shared.unstage()

            let single = try await Life(driver, mountCapability("", .singleNodeSingleWriter), name: "single")
            try await single.stage()
            try await single.publish(1)
            try await single.publish(1)
            #expect(await driver.code(CSI.Method.nodePublishVolume, single.publishRequest(2)) == .failedPrecondition)
            try await single.unpublish(1)
            try await single.publish(2)
        }
    }

    @Test func readOnlyPublicationsCannotBeWritten() async throws {
        try await withDriver { driver in
            let life = try await Life(driver, readonly: true)
            #expect(life.context["ashlar/read-only"] == "true")
            try await life.stage()
            try await life.stage()
            try await life.publish()
            try await life.publish()
            #expect(throws: (any Error).self) { try life.write("x") }
            let block = try await Life(driver, blockCapability(), name: "block", readonly: true)
            try await block.stage()
            try await block.publish(2)
            #expect(try block.loops().first?.isReadOnly == true)
        }
    }

    @Test(arguments: ["ext4", "xfs"]) func readOnlyMayBeAMountOption(filesystem: String) async throws {
        try await withDriver { driver in
            let life = try await Life(
                driver, mountCapability(filesystem), bytes: 304 << 20, parameters: ["mountOptions": "rw,ro"])
            for _ in 0..<2 { try await life.stage() }
            for _ in 0..<2 { try await life.publish() }
            #expect(throws: (any Error).self) { try life.write("x") }
            try await life.unpublish()
            try await life.unstage()
            let _: CSI.ControllerExpandVolumeResponse = try await driver.call(
                CSI.Method.controllerExpandVolume,
                CSI.ControllerExpandVolumeRequest(
                    volumeID: life.volume.volumeID, capacityRange: .init(requiredBytes: 512 << 20)))
            for _ in 0..<2 { try await life.stage() }
            try await life.unstage()

            let other = try await Life(driver, mountCapability(filesystem), name: "b", bytes: 304 << 20)
            try await other.stage()
            var request = other.publishRequest()
            request.volumeCapability = mountCapability(filesystem, flags: ["rw", "ro"])
            for _ in 0..<2 {
                let _: CSI.NodePublishVolumeResponse = try await driver.call(CSI.Method.nodePublishVolume, request)
            }
            #expect(throws: (any Error).self) { try other.write("x") }
            #expect(await driver.code(CSI.Method.nodePublishVolume, other.publishRequest()) == .alreadyExists)
            try await other.unpublish()
            try await other.unstage()
        }
    }

    /// A read-only stage that has to grow the filesystem mounts it writable for a moment. Killed then, it is repeated.
    @Test(arguments: ["ext4", "xfs"]) func aSettlingThatWasCutOff(filesystem: String) async throws {
        try await withDriver { driver in
            let life = try await Life(driver, mountCapability(filesystem), bytes: 304 << 20, readonly: true)
            try await life.stage()
            try await life.unstage()
            let _: CSI.ControllerExpandVolumeResponse = try await driver.call(
                CSI.Method.controllerExpandVolume,
                CSI.ControllerExpandVolumeRequest(
                    volumeID: life.volume.volumeID, capacityRange: .init(requiredBytes: 512 << 20)))
            let watch = SettleWatch()
            defer { watch.isOver.store(true, ordering: .relaxed) }
            let (staging, id) = (life.staging, life.id)
            SystemIO.Thread(name: "test-watch") {
                while !watch.isOver.load(ordering: .relaxed) { watch.look(at: staging) }
            }.start()
            try await life.stage()
            #expect(watch.unmarkedCount.load(ordering: .relaxed) == 0, "writable only with the mark")
            try await life.unstage()

            let epoch = try await driver.engine.volume(id).attachEpoch
            let device = try await driver.attacher.attach(id, epoch: epoch, readOnly: false)
            let options = filesystem == "xfs" ? "nouuid" : ""
            #expect(mount(device.path, staging, filesystem, UInt(256), options) == 0)  // MS_NOSYMFOLLOW
            #expect(await driver.code(CSI.Method.nodePublishVolume, life.publishRequest()) == .failedPrecondition)
            for _ in 0..<2 { try await life.stage() }
            try await life.publish()
            #expect(throws: (any Error).self) { try life.write("x") }
            #expect(try life.mountLines().allSatisfy { !$0.contains("nosymfollow") })
            try await life.unpublish()
            try await life.unstage()
            // Without the mark it is somebody's choice, and a conflict as before.
            let again = try await driver.attacher.attach(id, epoch: epoch, readOnly: false)
            #expect(mount(again.path, staging, filesystem, 0, options) == 0)
            #expect(await driver.code(CSI.Method.nodeStageVolume, life.stageRequest) == .alreadyExists)
        }
    }

    @Test func publishHoldsTheCapabilityAgainstWhatIsStaged() async throws {
        try await withDriver { driver in
            let life = try await Life(driver)
            try await life.stage()
            for (capability, code) in [
                (mountCapability("xfs"), GRPCCode.failedPrecondition),
                (mountCapability("", flags: ["dax"]), .invalidArgument), (mountCapability("ext4"), .ok),
            ] {
                var request = life.publishRequest()
                request.volumeCapability = capability
                #expect(await driver.code(CSI.Method.nodePublishVolume, request) == code, "\(capability)")
            }
            try await life.unpublish()
            try await life.unstage()
        }
    }

    @Test(arguments: ["ext4", "xfs"]) func growsOnlineAndWhenStagedAnew(filesystem: String) async throws {
        try await withDriver { driver in
            let life = try await Life(driver, mountCapability(filesystem), bytes: 304 << 20)
            try await life.stage()
            try await life.publish()
            try life.write("kept")
            func expand(to bytes: Int64) async throws {
                let _: CSI.ControllerExpandVolumeResponse = try await driver.call(
                    CSI.Method.controllerExpandVolume,
                    CSI.ControllerExpandVolumeRequest(
                        volumeID: life.volume.volumeID, capacityRange: .init(requiredBytes: bytes)))
            }
            func total() async throws -> Int64 {
                let stats: CSI.NodeGetVolumeStatsResponse = try await driver.call(
                    CSI.Method.nodeGetVolumeStats,
                    CSI.NodeGetVolumeStatsRequest(volumeID: life.volume.volumeID, volumePath: life.target()))
                return stats.usage.first?.total ?? 0
            }
            let node = CSI.NodeExpandVolumeRequest(
                volumeID: life.volume.volumeID, volumePath: life.target(),
                capacityRange: .init(requiredBytes: 512 << 20))
            #expect(await driver.code(CSI.Method.nodeExpandVolume, node) == .failedPrecondition)
            try await expand(to: 512 << 20)
            for capability in [
                blockCapability(), mountCapability(filesystem == "ext4" ? "xfs" : "ext4"),
                mountCapability("", flags: ["dax"]),
            ] {
                var wrong = node
                wrong.volumeCapability = capability
                #expect(await driver.code(CSI.Method.nodeExpandVolume, wrong) == .invalidArgument)
            }
            if filesystem == "ext4" && !hasResourceCapability() {
                // The kernel does not let us: the answer must say what is missing, and nothing may break.
                #expect(await driver.code(CSI.Method.nodeExpandVolume, node) == .failedPrecondition)
                #expect(await driver.message(CSI.Method.nodeExpandVolume, node).contains("CAP_SYS_RESOURCE"))
            } else {
                for _ in 0..<2 {
                    let answer: CSI.NodeExpandVolumeResponse = try await driver.call(CSI.Method.nodeExpandVolume, node)
                    #expect(answer.capacityBytes == 512 << 20)
                }
                #expect(try await total() > 400 << 20)
            }
            try await life.unpublish()
            try await life.unstage()
            try await expand(to: 800 << 20)
            try await life.stage()
            try await life.publish()
            #expect(try await total() > 650 << 20)
            #expect(life.read() == "kept")
        }
    }

    @Test func theDataPlaneDies() async throws {
        try await withDriver { driver in
            let life = try await Life(driver)
            try await life.stage()
            try await life.publish()
            try life.write("kept")
            let file = try #require(FileHandle(forUpdatingAtPath: life.target() + "/file"))
            try file.synchronize()
            try file.close()
            driver.attacher.die()
            #expect(await driver.code(CSI.Method.nodePublishVolume, life.publishRequest()) == .failedPrecondition)
            // Staged and published anew over what is left.
            try await life.stage()
            try await life.publish()
            #expect(life.read() == "kept")
            #expect(try life.mountLines().count == 2)
            #expect(try life.loops().count == 1)
            // Once more, and taken away instead.
            driver.attacher.die()
            try await life.unpublish()
            try await life.unstage()
            #expect(try await life.isGone())
            #expect(!FileManager.default.fileExists(atPath: life.target()))
        }
    }

    @Test func aRawDeviceWhoseDataPlaneDied() async throws {
        try await withDriver { driver in
            let life = try await Life(driver, blockCapability())
            try await life.stage()
            try await life.publish()
            driver.attacher.die()
            await driver.node.reconcile()
            // The number may be another volume's next: nobody sees it at this target any more.
            #expect(try await life.isGone())
            try await life.stage()
            try await life.publish()
            #expect(try BlockDeviceNode(path: life.target()).sizeBytes == 64 << 20)
            try await life.unpublish()
            try await life.unstage()
        }
    }

    /// Fenced and granted anew: the old device is cut off, its mounts and nodes go, the new one takes their place.
    @Test(arguments: [true, false]) func aNewEpochTakesOver(isBlock: Bool) async throws {
        try await withDriver { driver in
            let capability = isBlock ? blockCapability() : mountCapability()
            let life = try await Life(driver, capability)
            try await life.stage()
            try await life.publish()
            try await driver.volumes.unpublish(life.id, from: Driver.host)
            let again = try await Life(driver, capability)
            #expect(again.context != life.context)
            #expect(await driver.code(CSI.Method.nodePublishVolume, again.publishRequest(2)) == .failedPrecondition)
            try await again.stage()
            try await again.publish()
            #expect(try again.mountLines().count == (isBlock ? 1 : 2))
            #expect(try again.loops().count == 1)
            try await again.unpublish()
            try await again.unstage()
            #expect(try await again.isGone())
        }
    }

    /// The staging mount is taken away by hand while a pod uses the volume.
    @Test func stagedAnewWhileInUse() async throws {
        try await withDriver { driver in
            let life = try await Life(driver)
            try await life.stage()
            try await life.publish()
            try life.write("kept")
            #expect(umount2(life.staging, 0) == 0)
            #expect(await driver.code(CSI.Method.nodePublishVolume, life.publishRequest(2)) == .failedPrecondition)
            try await life.stage()
            try await life.publish(2)
            #expect(life.read(2) == "kept")
        }
    }

    /// The hazard that `VolumeNode` is for: the number of a dead device becomes another volume's while a pod has the old node.
    @Test func anotherVolumeTakesTheDevicesNumber() async throws {
        try await withDriver { driver in
            let first = try await Life(driver, blockCapability())
            try await first.stage()
            try await first.publish()
            let number = try #require(try first.loops().first).path
            driver.attacher.die()
            try await driver.attacher.clearStale(first.id)
            // Until a volume has the number, or another test was faster.
            let second = try await Life(driver, blockCapability(), name: "second")
            try await second.stage()
            guard try second.loops().first?.path == number else { return }
            // The new volume's life is not hindered by the old node, nor is it published there.
            try await second.publish(2)
            try await second.unpublish(2)
            let stats = CSI.NodeGetVolumeStatsRequest(volumeID: second.volume.volumeID, volumePath: first.target())
            #expect(await driver.code(CSI.Method.nodeGetVolumeStats, stats) == .notFound)
            try await second.unstage()
            await driver.node.reconcile()
            #expect(try first.mountLines().isEmpty, "the old node is gone")
            #expect(!FileManager.default.fileExists(atPath: "/dev/ashlar/\(first.id)"))
        }
    }

    @Test func reconcileClearsWhatNobodyUses() async throws {
        try await withDriver { driver in
            let life = try await Life(driver)
            try await life.stage()
            try await life.unstage()
            _ = try await driver.attacher.attach(life.id, epoch: 1, readOnly: false)
            #expect(try life.loops().count == 1)
            await driver.node.reconcile()
            #expect(try life.loops().count == 1, "a served device stays")
            driver.attacher.die()
            await driver.node.reconcile()
            #expect(try await life.isGone())
        }
    }

    @Test func aFencedEpochIsRefused() async throws {
        try await withDriver { driver in
            let life = try await Life(driver)
            try await driver.engine.raiseEpoch(life.id, to: 9)
            #expect(await driver.code(CSI.Method.nodeStageVolume, life.stageRequest) == .failedPrecondition)
            var request = life.stageRequest
            request.publishContext = [:]
            #expect(await driver.code(CSI.Method.nodeStageVolume, request) == .invalidArgument)
        }
    }

    /// A target path is the caller's word: what no publication made is not removed, and nothing is bound over it.
    @Test func filesOfTheHostStay() async throws {
        try await withDriver { driver in
            let life = try await Life(driver, blockCapability())
            try await life.stage()
            let directory = "\(driver.path)/host"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try Data("kept".utf8).write(to: URL(fileURLWithPath: "\(directory)/text"))
            try FileManager.default.createSymbolicLink(
                atPath: "\(directory)/link", withDestinationPath: "\(directory)/text")
            #expect(mknod("\(directory)/null", S_IFCHR | 0o666, dev_t(1 << 8 | 3)) == 0)
            try Data().write(to: URL(fileURLWithPath: "\(directory)/empty"))
            for (name, code) in [
                ("text", GRPCCode.failedPrecondition), ("link", .failedPrecondition), ("null", .failedPrecondition),
                ("empty", .ok),
            ] {
                var request = CSI.NodeUnpublishVolumeRequest(
                    volumeID: life.volume.volumeID, targetPath: "\(directory)/\(name)")
                #expect(await driver.code(CSI.Method.nodeUnpublishVolume, request) == code, "\(name)")
                request.volumeID = "csi-unknown"
                #expect(await driver.code(CSI.Method.nodeUnpublishVolume, request) == .ok, "\(name)")
            }
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: directory).sorted() == ["link", "null", "text"])
            for name in ["link", "null", "text"] {
                var request = life.publishRequest()
                request.targetPath = "\(directory)/\(name)"
                #expect(await driver.code(CSI.Method.nodePublishVolume, request) == .failedPrecondition, "\(name)")
            }
            let mounted = try await Life(driver, name: "mounted")
            try await mounted.stage()
            var request = mounted.publishRequest()
            request.targetPath = directory
            #expect(await driver.code(CSI.Method.nodePublishVolume, request) == .failedPrecondition)
            #expect(FileManager.default.fileExists(atPath: "\(directory)/text"), "it is not hidden")
            try await mounted.unstage()
            try await life.unstage()
        }
    }

    @Test func badNodeRequests() async throws {
        try await withDriver { driver in
            let life = try await Life(driver)
            let changes: [(inout CSI.NodeStageVolumeRequest) -> Void] = [
                { $0.volumeID = "" }, { $0.stagingTargetPath = "" }, { $0.stagingTargetPath = "relative" },
                { $0.volumeCapability = nil }, { $0.volumeCapability = mountCapability("xfs") },
                { $0.volumeContext = ["ashlar/filesystem": "zfs"] },
                { $0.volumeCapability = mountCapability("", flags: ["dax"]) },
            ]
            for change in changes {
                var request = life.stageRequest
                change(&request)
                #expect(await driver.code(CSI.Method.nodeStageVolume, request) == .invalidArgument, "\(request)")
            }
            var unknown = life.stageRequest
            unknown.volumeID = unknownID
            #expect(await driver.code(CSI.Method.nodeStageVolume, unknown) == .notFound)
            let stats = CSI.NodeGetVolumeStatsRequest(volumeID: life.volume.volumeID, volumePath: "/tmp")
            #expect(await driver.code(CSI.Method.nodeGetVolumeStats, stats) == .notFound)
            let empty = CSI.NodeGetVolumeStatsRequest(volumeID: life.volume.volumeID)
            #expect(await driver.code(CSI.Method.nodeGetVolumeStats, empty) == .invalidArgument)
            // Nothing that is not ours is unmounted.
            let foreign = CSI.NodeUnpublishVolumeRequest(volumeID: life.volume.volumeID, targetPath: "/proc")
            #expect(await driver.code(CSI.Method.nodeUnpublishVolume, foreign) == .failedPrecondition)
            let long = driver.path + "/" + String(repeating: "p", count: 100) + "/" + String(repeating: "q", count: 100)
            var deep = life.stageRequest
            deep.stagingTargetPath = long
            let _: CSI.NodeStageVolumeResponse = try await driver.call(CSI.Method.nodeStageVolume, deep)
        }
    }
}
