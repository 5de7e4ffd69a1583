import Base
import CSIMessages
import Filesystems
import Foundation
import GRPCServer
import Glibc
import SystemIO
import Testing

extension SystemTests {
    @Suite struct LifecycleTests {
        @Test func filesystemsAndRawBlock() async throws {
            try await Host.with { host in
                let (daemon, csi) = try await host.serve()
                // The first volume opens what stays open.
                try await live(.block, "warm-up", host, csi)
                let before = daemon.descriptors
                for content in Content.allCases { try await live(content, "\(content)", host, csi) }
                #expect(daemon.descriptors == before)
                #expect(host.volumeDirectories().isEmpty)
                let listed = try #require(try await host.json(["volume", "ls"]) as? [Any])
                #expect(listed.isEmpty)
            }
        }

        private func live(_ content: Content, _ name: String, _ host: Host, _ csi: CSIClient) async throws {
            var volume = try await TestVolume.create(
                name, content, bytes: content == .xfs ? 400 << 20 : 128 << 20, on: host, csi)
            try await volume.bringUp(csi)
            try await volume.bringUp(csi)
            let second = "\(host.directory)/pods/\(name)/second"
            try await volume.nodePublish(csi, at: second)
            if content == .block {
                try await useDevice(volume, second, csi)
            } else {
                try await useFilesystem(volume, second, host, csi)
            }
            try await expand(volume, host, csi)

            #expect(await csi.status(CSI.Method.nodeUnstageVolume, unstageRequest(volume)).code == .failedPrecondition)
            #expect(
                await csi.status(CSI.Method.deleteVolume, CSI.DeleteVolumeRequest(volumeID: volume.id)).code
                    == .failedPrecondition)
            try await volume.nodeUnpublish(csi, at: second)
            try await volume.nodeUnpublish(csi, at: second)
            try await volume.takeDown(csi)
            try await volume.takeDown(csi)
            #expect(!FileManager.default.fileExists(atPath: volume.target))

            // Once more, with what was written there.
            try await volume.bringUp(csi)
            if content == .block {
                let path = volume.target
                let sum = try await host.shell("head -c 16 \(path)")
                #expect(sum == "ashlar raw bytes")
            } else {
                try await host.shell("cd \(volume.target) && sha256sum --quiet -c sums")
            }
            try await volume.takeDown(csi)
            try await volume.delete(csi)
            try await volume.delete(csi)
            #expect(try host.leftovers(volumes: [volume.id]) == [])
            #expect(await csi.status(CSI.Method.nodeStageVolume, volume.stageRequest).code == .notFound)
        }

        private func unstageRequest(_ volume: TestVolume) -> CSI.NodeUnstageVolumeRequest {
            CSI.NodeUnstageVolumeRequest(volumeID: volume.id, stagingTargetPath: volume.staging)
        }

        private func useFilesystem(_ volume: TestVolume, _ second: String, _ host: Host, _ csi: CSIClient) async throws
        {
            try await host.shell(
                """
                cp -a /usr/include/linux \(volume.target)/ && cd \(second)
                find linux -type f | xargs sha256sum > sums && sync -f .
                sha256sum --quiet -c sums
                """)
            let readOnly = "\(host.directory)/pods/\(volume.name)/readonly"
            try await volume.nodePublish(csi, at: readOnly, readOnly: true)
            try await volume.nodePublish(csi, at: readOnly, readOnly: true)
            let other = volume.publishRequest(at: readOnly, readOnly: false)
            #expect(await csi.status(CSI.Method.nodePublishVolume, other).code == .alreadyExists)
            let refusal = try await host.shell("cd \(readOnly) && sha256sum --quiet -c sums && ! touch x 2>&1")
            #expect(refusal.contains("Read-only"))
            try await volume.nodeUnpublish(csi, at: readOnly)

            let usage = try await volume.stats(csi).usage
            let bytes = try #require(usage.first { $0.unit == .bytes })
            let inodes = try #require(usage.first { $0.unit == .inodes })
            let least = volume.sizeBytes / 2
            #expect(bytes.total > least && bytes.total <= volume.sizeBytes)
            #expect(bytes.used > 0 && bytes.available > 0 && bytes.used + bytes.available <= bytes.total)
            #expect(inodes.used > 100 && inodes.total > inodes.used)
        }

        private func useDevice(_ volume: TestVolume, _ second: String, _ csi: CSIClient) async throws {
            let file = CheckedFile(path: volume.target, blockCount: 4_096, seed: 5)
            try await offPool {
                try file.write(flushes: 3)
                _ = try file.check(at: second)
            }
            try await offPool {
                let device = try FileDescriptor(opening: second, flags: O_WRONLY | O_CLOEXEC, "open")
                let text = Array("ashlar raw bytes".utf8)
                _ = text.withUnsafeBytes { pwrite(device.number, $0.baseAddress, $0.count, 0) }
                try device.synchronize()
            }
            let request = volume.publishRequest(at: volume.target + "-ro", readOnly: true)
            #expect(await csi.status(CSI.Method.nodePublishVolume, request).code == .failedPrecondition)
            let usage = try await volume.stats(csi).usage
            #expect(usage.first?.total == volume.sizeBytes)
        }

        /// Online, under writes.
        private func expand(_ volume: TestVolume, _ host: Host, _ csi: CSIClient) async throws {
            guard volume.content != .ext4 || Host.mayGrowExt4 else {
                return report(
                    "CAP_SYS_RESOURCE is missing: a mounted ext4 cannot grow here, its expansion is not tested")
            }
            let larger = volume.sizeBytes * 2
            let bytesBefore = try await volume.stats(csi).usage.first?.total ?? 0
            if volume.content != .block {
                #expect(
                    await csi.status(
                        CSI.Method.nodeExpandVolume,
                        CSI.NodeExpandVolumeRequest(
                            volumeID: volume.id, volumePath: volume.target, capacityRange: .init(requiredBytes: larger))
                    ).code == .failedPrecondition, "the controller comes first")
            }
            let response = try await volume.expand(csi, to: larger)
            #expect(response.capacityBytes == larger)
            #expect(response.nodeExpansionRequired == (volume.content != .block))
            #expect(try await volume.expand(csi, to: larger / 2).capacityBytes == larger)
            for _ in 0..<2 { #expect(try await volume.nodeExpand(csi, to: larger).capacityBytes == larger) }
            let bytesAfter = try await volume.stats(csi).usage.first?.total ?? 0
            #expect(bytesAfter > bytesBefore + volume.sizeBytes / 2)
            let path = volume.target
            if volume.content == .block {
                #expect(try await offPool { try BlockDeviceNode(path: path).sizeBytes } == UInt64(larger))
            } else {
                try await host.shell(
                    "cd \(path) && sha256sum --quiet -c sums && head -c 20M /dev/urandom > more && sync more")
            }
        }

        /// The controller revokes a volume that its node still uses (a forced detach): writes fail from then on, nothing hangs, what was
        /// flushed is there for the next publication.
        @Test func aVolumeThatWasFencedInUse() async throws {
            try await Host.with { host in
                let (_, csi) = try await host.serve()
                var volume = try await TestVolume.create("fenced", .ext4, bytes: 64 << 20, on: host, csi)
                try await volume.bringUp(csi)
                try await host.shell("echo before > \(volume.target)/file && sync \(volume.target)/file")
                try await volume.unpublish(csi)
                let write = "dd if=/dev/zero of=\(volume.target)/late bs=4k count=1 oflag=direct conv=fsync"
                await #expect(throws: (any Error).self) { try await host.shell(write) }
                try await volume.nodeUnpublish(csi)
                try await volume.unstage(csi)

                try await volume.bringUp(csi)
                try await host.shell(
                    "test \"$(cat \(volume.target)/file)\" = before && test ! -s \(volume.target)/late")
                try await volume.takeDown(csi)
                try await volume.delete(csi)
            }
        }

        @Test func accessModesAndPlaces() async throws {
            try await Host.with { host in
                let (_, csi) = try await host.serve()
                var volume = try await TestVolume.create(
                    "single", .ext4, bytes: 64 << 20, on: host, csi, mode: .singleNodeSingleWriter)
                try await volume.publish(csi)
                // Before it is staged, and without a staging path.
                #expect(
                    await csi.status(CSI.Method.nodePublishVolume, volume.publishRequest()).code == .failedPrecondition)
                #expect(!FileManager.default.fileExists(atPath: volume.target))
                try await volume.stage(csi)
                var request = volume.publishRequest()
                request.stagingTargetPath = ""
                #expect(await csi.status(CSI.Method.nodePublishVolume, request).code == .failedPrecondition)
                try await volume.nodePublish(csi)
                let second = volume.publishRequest(at: volume.target + "2")
                #expect(await csi.status(CSI.Method.nodePublishVolume, second).code == .failedPrecondition)

                // A file of the host under a target is never taken away with it.
                try await volume.nodeUnpublish(csi)
                try await host.shell("mkdir -p \(volume.target) && touch \(volume.target)/host-file")
                let removal = await csi.status(
                    CSI.Method.nodeUnpublishVolume,
                    CSI.NodeUnpublishVolumeRequest(volumeID: volume.id, targetPath: volume.target))
                #expect(removal.code == .failedPrecondition)
                try await host.shell("rm \(volume.target)/host-file")
                try await volume.takeDown(csi)

                // An epoch that was revoked is worth nothing.
                let stale = volume
                try await volume.publish(csi)
                #expect(stale.publishContext != volume.publishContext)
                #expect(await csi.status(CSI.Method.nodeStageVolume, stale.stageRequest).code == .failedPrecondition)
                try await volume.stage(csi)
                try await volume.takeDown(csi)
                try await volume.delete(csi)
            }
        }
    }
}
