import Base
import CSIMessages
import CSIServices
import EngineFakes
import Foundation
import GRPCServer
import Glibc
import Testing

/// Ephemeral inline volumes: the orchestrator calls only the node.
@Suite struct EphemeralTests {
    private static let handle = "csi-3f2a8d9b7c6e5f40"

    private func request(
        _ driver: Driver, _ attributes: [String: String] = [:], _ capability: CSI.VolumeCapability = mountCapability()
    ) -> CSI.NodePublishVolumeRequest {
        CSI.NodePublishVolumeRequest(
            volumeID: Self.handle, targetPath: "\(driver.path)/pods/1/mount", volumeCapability: capability,
            volumeContext: attributes.merging([
                "csi.storage.k8s.io/ephemeral": "true", "csi.storage.k8s.io/pod.name": "pod",
            ]) { first, _ in first })
    }

    private func unpublish(_ driver: Driver) async throws {
        let _: CSI.NodeUnpublishVolumeResponse = try await driver.call(
            CSI.Method.nodeUnpublishVolume,
            CSI.NodeUnpublishVolumeRequest(volumeID: Self.handle, targetPath: "\(driver.path)/pods/1/mount"))
    }

    @Test func livesAsLongAsItsPod() async throws {
        try await withDriver { driver in
            let target = "\(driver.path)/pods/1/mount"
            for _ in 0..<2 {
                let _: CSI.NodePublishVolumeResponse = try await driver.call(
                    CSI.Method.nodePublishVolume, request(driver, ["size": "64Mi", "class": "standard"]))
            }
            try "text".write(toFile: "\(target)/file", atomically: true, encoding: .utf8)
            #expect(driver.engine.ids.count == 1)
            let stats: CSI.NodeGetVolumeStatsResponse = try await driver.call(
                CSI.Method.nodeGetVolumeStats,
                CSI.NodeGetVolumeStatsRequest(volumeID: Self.handle, volumePath: target))
            #expect(stats.usage.first.map { (32 << 20...64 << 20).contains($0.total) } == true)
            let health: CSI.NodeGetVolumeHealthResponse = try await driver.call(
                CSI.Method.nodeGetVolumeHealth,
                CSI.NodeGetVolumeHealthRequest(volumeID: Self.handle, volumePublishPath: target))
            #expect(health.volumeHealth?.healthStatuses.isEmpty == true)
            for _ in 0..<2 { try await unpublish(driver) }
            #expect(driver.engine.allIDs.isEmpty && !FileManager.default.fileExists(atPath: target))
            #expect(try await driver.catalogue.volumes().isEmpty)
            #expect(try await driver.catalogue.publications().isEmpty)
        }
    }

    /// A pod that runs loses nothing by a call that is wrong.
    @Test func aWrongRepeatTakesNothingAway() async throws {
        try await withDriver { driver in
            let target = "\(driver.path)/pods/1/mount"
            let _: CSI.NodePublishVolumeResponse = try await driver.call(
                CSI.Method.nodePublishVolume, request(driver, ["size": "64Mi"]))
            try "text".write(toFile: "\(target)/file", atomically: true, encoding: .utf8)
            #expect(
                await driver.code(
                    CSI.Method.nodePublishVolume, request(driver, ["size": "64Mi"], mountCapability("xfs")))
                    == .invalidArgument)
            #expect(try String(contentsOfFile: "\(target)/file", encoding: .utf8) == "text")
            #expect(driver.engine.ids.count == 1)
            try await unpublish(driver)
            #expect(driver.engine.allIDs.isEmpty)
        }
    }

    @Test func aTargetMayBeNamedInSeveralWays() async throws {
        try await withDriver { driver in
            try FileManager.default.createDirectory(
                atPath: "\(driver.path)/pods/1", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: "\(driver.path)/linked", withDestinationPath: "\(driver.path)/pods")
            for way in ["pods/1/mount", "linked/1/mount", "pods//1/mount"] {
                var wanted = request(driver, ["size": "64Mi"])
                wanted.targetPath = "\(driver.path)/\(way)"
                let _: CSI.NodePublishVolumeResponse = try await driver.call(CSI.Method.nodePublishVolume, wanted)
            }
            try await unpublish(driver)
            #expect(driver.engine.allIDs.isEmpty)
        }
    }

    @Test func filesOfTheHostNeitherVanishNorKeepTheVolume() async throws {
        try await withDriver { driver in
            let target = "\(driver.path)/pods/1/mount"
            try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
            try "host".write(toFile: "\(target)/file", atomically: true, encoding: .utf8)
            let wanted = request(driver, ["size": "64Mi"])
            #expect(await driver.code(CSI.Method.nodePublishVolume, wanted) == .failedPrecondition)
            #expect(try String(contentsOfFile: "\(target)/file", encoding: .utf8) == "host")
            #expect(driver.engine.allIDs.isEmpty)
            // What else is mounted there would keep the volume from being taken away.
            #expect(mount("tmpfs", target, "tmpfs", 0, "size=1m") == 0)
            #expect(await driver.code(CSI.Method.nodePublishVolume, wanted) == .failedPrecondition)
            #expect(driver.engine.allIDs.isEmpty)
            #expect(umount2(target, 0) == 0)

            try FileManager.default.removeItem(atPath: "\(target)/file")
            let _: CSI.NodePublishVolumeResponse = try await driver.call(CSI.Method.nodePublishVolume, wanted)
            #expect(umount2(target, 0) == 0)
            try "host".write(toFile: "\(target)/file", atomically: true, encoding: .utf8)
            #expect(
                await driver.code(
                    CSI.Method.nodeUnpublishVolume,
                    CSI.NodeUnpublishVolumeRequest(volumeID: Self.handle, targetPath: target)) == .failedPrecondition)
            #expect(driver.engine.allIDs.isEmpty, "the volume goes all the same")
            #expect(try String(contentsOfFile: "\(target)/file", encoding: .utf8) == "host")
        }
    }

    /// Nobody asks again after what is final, or takes away what nobody was told of.
    @Test func whatCannotBePublishedLeavesNothingAndTellsTheFirstError() async throws {
        try await withDriver { driver in
            let wanted = request(driver, ["size": "64Mi"])
            driver.engine.setFault { call throws(Failure) in
                if call == "volume" { throw Failure(.exhausted, "first") }
            }
            #expect(await driver.message(CSI.Method.nodePublishVolume, wanted).contains("first"))
            #expect(driver.engine.allIDs.isEmpty)
            #expect(try await driver.catalogue.volumes().isEmpty)
            driver.engine.setFault { call throws(Failure) in
                if call == "markFormatted" { throw Failure(.exhausted, "first") }
                if call == "deleteVolume" { throw Failure(.exhausted, "second") }
            }
            #expect(await driver.message(CSI.Method.nodePublishVolume, wanted).contains("first"))
            driver.engine.setFault(nil)
            try await unpublish(driver)
            #expect(driver.engine.allIDs.isEmpty)
        }
    }

    @Test func attributesAreStrictAndSizesCapped() async throws {
        try await withDriver { driver in
            for (attributes, code) in [
                (["size": "2Gi"], GRPCCode.outOfRange), (["size": "much"], .invalidArgument),
                (["group": "standard"], .invalidArgument), (["mountOptions": "noatime"], .invalidArgument),
                (["iops": "1"], .invalidArgument), (["class": "unknown"], .invalidArgument),
            ] {
                #expect(
                    await driver.code(CSI.Method.nodePublishVolume, request(driver, attributes)) == code,
                    "\(attributes)")
            }
            #expect(
                await driver.code(CSI.Method.nodePublishVolume, request(driver, [:], blockCapability()))
                    == .invalidArgument)
            var staged = request(driver)
            staged.stagingTargetPath = "/somewhere"
            #expect(await driver.code(CSI.Method.nodePublishVolume, staged) == .invalidArgument)
            #expect(driver.engine.allIDs.isEmpty)
            // One that was cut off half-way goes as well.
            driver.engine.setFault { call throws(Failure) in
                if call == "markFormatted" { throw Failure(.unavailable, "not now") }
            }
            #expect(
                await driver.code(CSI.Method.nodePublishVolume, request(driver, ["size": "64Mi"])) == .unavailable)
            driver.engine.setFault(nil)
            try await unpublish(driver)
            #expect(driver.engine.allIDs.isEmpty)
        }
    }
}
