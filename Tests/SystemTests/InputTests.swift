import Base
import CLinux
import CSIMessages
import Foundation
import GRPCServer
import Glibc
import SystemIO
import Testing

extension SystemTests {
    @Suite struct InputTests {
        private struct Wrong {
            var what: String
            var code: GRPCCode
            /// What the message must name.
            var words: [String]
            var call: (CSIClient) async -> GRPCStatus

            init(_ what: String, _ code: GRPCCode, _ words: String..., call: @escaping (CSIClient) async -> GRPCStatus)
            {
                (self.what, self.code, self.words, self.call) = (what, code, words, call)
            }
        }

        /// Right code, a message that names what is wrong, and nothing is changed.
        @Test func refusedCalls() async throws {
            try await Host.with(.init(drives: .directories)) { host in
                let (_, csi) = try await host.serve()
                let volume = try await TestVolume.create("there", .ext4, bytes: 64 << 20, on: host, csi)
                let before = try await everything(host)
                for wrong in wrongCreates() + wrongControllerCalls(volume) + wrongNodeCalls(volume, host) {
                    let status = await wrong.call(csi)
                    #expect(status.code == wrong.code, "\(wrong.what): \(status)")
                    for word in wrong.words { #expect(status.message.contains(word), "\(wrong.what): \(status)") }
                }
                #expect(try await everything(host) == before)
                for method in [CSI.Method.deleteVolume, CSI.Method.controllerUnpublishVolume] {
                    let unknown = CSI.DeleteVolumeRequest(volumeID: VolumeID.random().description)
                    #expect(await csi.status(method, unknown).code == .ok)
                }
                try await volume.delete(csi)
            }
        }

        private func wrongCreates() -> [Wrong] {
            func create(_ change: @escaping (inout CSI.CreateVolumeRequest) -> Void) -> (CSIClient) async -> GRPCStatus
            {
                var request = TestVolume.request("new", .ext4, bytes: 64 << 20)
                change(&request)
                return { [request] csi in await csi.status(CSI.Method.createVolume, request) }
            }
            return [
                Wrong("no name", .invalidArgument, "name", call: create { $0.name = "" }),
                Wrong(
                    "long name", .invalidArgument, "name", "128",
                    call: create { $0.name = String(repeating: "x", count: 129) }),
                Wrong(
                    "no capability", .invalidArgument, "volume_capabilities",
                    call: create { $0.volumeCapabilities = [] }),
                Wrong(
                    "no access type", .invalidArgument, "access type",
                    call: create { $0.volumeCapabilities[0].accessType = nil }),
                Wrong(
                    "no access mode", .invalidArgument, "access mode",
                    call: create { $0.volumeCapabilities[0].accessMode = nil }),
                Wrong(
                    "several nodes", .invalidArgument, "one node",
                    call: create { $0.volumeCapabilities[0].accessMode = .init(mode: .multiNodeMultiWriter) }),
                Wrong(
                    "unknown filesystem", .invalidArgument, "btrfs",
                    call: create { $0.volumeCapabilities[0].accessType = .mount(.init(fsType: "btrfs")) }),
                Wrong(
                    "mount flag", .invalidArgument, "nobarrier",
                    call: create {
                        $0.volumeCapabilities[0].accessType = .mount(.init(fsType: "ext4", mountFlags: ["nobarrier"]))
                    }),
                Wrong(
                    "unknown class", .invalidArgument, "glacier", "known: fast, bulk",
                    call: create { $0.parameters = ["class": "glacier"] }),
                Wrong(
                    "unknown group", .invalidArgument, "nowhere", call: create { $0.parameters = ["group": "nowhere"] }),
                Wrong(
                    "unknown parameter", .invalidArgument, "clas", "known: class",
                    call: create { $0.parameters = ["clas": "fast"] }),
                Wrong(
                    "negative", .invalidArgument, "negative",
                    call: create { $0.capacityRange = .init(requiredBytes: -1) }),
                Wrong(
                    "limit below", .outOfRange, "limit_bytes",
                    call: create { $0.capacityRange = .init(requiredBytes: 2 << 30, limitBytes: 1 << 30) }),
                Wrong(
                    "limit between blocks", .outOfRange, "raise limit_bytes",
                    call: create { $0.capacityRange = .init(requiredBytes: (64 << 20) + 1, limitBytes: (64 << 20) + 2) }
                ),
                Wrong(
                    "xfs too small", .outOfRange, "xfs",
                    call: create {
                        $0.volumeCapabilities = [Content.xfs.capability]
                        $0.parameters = ["class": "bulk"]
                        $0.capacityRange = .init(requiredBytes: 1 << 20, limitBytes: 100 << 20)
                    }),
                Wrong(
                    "more than the pool", .outOfRange, "holds", "ask for less",
                    call: create { $0.capacityRange = .init(requiredBytes: 1 << 50) }),
                Wrong(
                    "more than addressable", .outOfRange, "bytes",
                    call: create { $0.capacityRange = .init(requiredBytes: .max) }),
                Wrong(
                    "source", .notFound, "no snapshot 's'",
                    call: create { $0.volumeContentSource = .init(type: .snapshot(.init(snapshotID: "s"))) }),
                Wrong(
                    "elsewhere", .resourceExhausted, "topology",
                    call: create {
                        $0.accessibilityRequirements = .init(requisite: [.init(segments: ["zone": "moon"])])
                    }),
                Wrong(
                    "other size of a name", .alreadyExists, "there",
                    call: create {
                        $0.name = "there"
                        $0.capacityRange = .init(requiredBytes: 65 << 20)
                    }),
            ]
        }

        private func wrongControllerCalls(_ volume: TestVolume) -> [Wrong] {
            let publish = CSI.ControllerPublishVolumeRequest(
                volumeID: volume.id, nodeID: Host.nodeID, volumeCapability: volume.capability)
            func publishing(
                _ change: @escaping (inout CSI.ControllerPublishVolumeRequest) -> Void
            ) -> (CSIClient) async -> GRPCStatus {
                var request = publish
                change(&request)
                return { [request] csi in await csi.status(CSI.Method.controllerPublishVolume, request) }
            }
            func expanding(_ id: String, _ range: CSI.CapacityRange?) -> (CSIClient) async -> GRPCStatus {
                let request = CSI.ControllerExpandVolumeRequest(volumeID: id, capacityRange: range)
                return { csi in await csi.status(CSI.Method.controllerExpandVolume, request) }
            }
            return [
                Wrong("publish without id", .invalidArgument, "volume_id", call: publishing { $0.volumeID = "" }),
                Wrong("publish unknown id", .notFound, "no volume", call: publishing { $0.volumeID = "no-such" }),
                Wrong("publish without node", .invalidArgument, "node_id", call: publishing { $0.nodeID = "" }),
                Wrong("publish to unknown node", .notFound, "host-9", call: publishing { $0.nodeID = "host-9" }),
                Wrong(
                    "publish without capability", .invalidArgument, "volume_capability",
                    call: publishing { $0.volumeCapability = nil }),
                Wrong(
                    "publish as raw device", .invalidArgument, "raw device",
                    call: publishing { $0.volumeCapability = Content.block.capability }),
                Wrong("expand without range", .invalidArgument, "capacity_range", call: expanding(volume.id, nil)),
                Wrong("expand unknown", .notFound, "no volume", call: expanding("x", .init(requiredBytes: 1))),
                Wrong(
                    "expand past the pool", .outOfRange, "holds",
                    call: expanding(volume.id, .init(requiredBytes: 1 << 50))),
                Wrong(
                    "expand under a limit", .outOfRange, "never shrink",
                    call: expanding(volume.id, .init(limitBytes: 1 << 20))),
                Wrong("delete without id", .invalidArgument, "volume_id") {
                    await $0.status(CSI.Method.deleteVolume, CSI.DeleteVolumeRequest())
                },
                Wrong("validate unknown", .notFound, "no volume") {
                    await $0.status(
                        CSI.Method.validateVolumeCapabilities,
                        CSI.ValidateVolumeCapabilitiesRequest(volumeID: "x", volumeCapabilities: [volume.capability]))
                },
                Wrong("capacity of an unknown class", .invalidArgument, "known") {
                    await $0.status(CSI.Method.getCapacity, CSI.GetCapacityRequest(parameters: ["class": "glacier"]))
                },
                Wrong("a snapshot of nothing", .invalidArgument, "source_volume_id") {
                    await $0.status(CSI.Method.createSnapshot, CSI.CreateSnapshotRequest(name: "s"))
                },
                Wrong("what is not offered", .unimplemented) {
                    await $0.status("/csi.v1.Controller/Unheard", CSI.CreateSnapshotRequest(name: "s"))
                },
            ]
        }

        private func wrongNodeCalls(_ volume: TestVolume, _ host: Host) -> [Wrong] {
            var staged = volume
            staged.publishContext = ["ashlar/attach-epoch": "7"]
            func staging(_ change: (inout CSI.NodeStageVolumeRequest) -> Void) -> (CSIClient) async -> GRPCStatus {
                var request = staged.stageRequest
                change(&request)
                return { [request] csi in await csi.status(CSI.Method.nodeStageVolume, request) }
            }
            let nowhere = "\(host.directory)/nowhere"
            return [
                Wrong(
                    "stage without path", .invalidArgument, "staging_target_path",
                    call: staging { $0.stagingTargetPath = "" }),
                Wrong(
                    "stage at a relative path", .invalidArgument, "absolute",
                    call: staging { $0.stagingTargetPath = "a/b" }),
                Wrong("stage upwards", .invalidArgument, "..", call: staging { $0.stagingTargetPath = "/a/../b" }),
                Wrong(
                    "stage without capability", .invalidArgument, "volume_capability",
                    call: staging { $0.volumeCapability = nil }),
                Wrong(
                    "stage without epoch", .invalidArgument, "ControllerPublishVolume",
                    call: staging { $0.publishContext = [:] }),
                Wrong("stage with an epoch of nobody", .failedPrecondition, "publish it", call: staging { _ in }),
                Wrong(
                    "stage unknown", .notFound, "no volume",
                    call: staging { $0.volumeID = VolumeID.random().description }),
                Wrong("publish before stage", .failedPrecondition, "stage") {
                    await $0.status(CSI.Method.nodePublishVolume, staged.publishRequest())
                },
                Wrong("statistics of nothing", .notFound, "nowhere") {
                    await $0.status(
                        CSI.Method.nodeGetVolumeStats,
                        CSI.NodeGetVolumeStatsRequest(volumeID: volume.id, volumePath: nowhere))
                },
                Wrong("statistics without path", .invalidArgument, "volume_path") {
                    await $0.status(CSI.Method.nodeGetVolumeStats, CSI.NodeGetVolumeStatsRequest(volumeID: volume.id))
                },
                Wrong("expand at a path that is not there", .notFound, "nowhere") {
                    await $0.status(
                        CSI.Method.nodeExpandVolume,
                        CSI.NodeExpandVolumeRequest(volumeID: volume.id, volumePath: nowhere))
                },
                Wrong("unpublish without path", .invalidArgument, "target_path") {
                    await $0.status(CSI.Method.nodeUnpublishVolume, CSI.NodeUnpublishVolumeRequest(volumeID: volume.id))
                },
            ]
        }

        /// All that calls could have changed: catalogue, engine, mountpaths, mounts.
        private func everything(_ host: Host) async throws -> [String] {
            var found: [String] = []
            for command in ["volume", "group"] {
                let data = try JSONSerialization.data(
                    withJSONObject: try await host.json([command, "ls"]), options: .sortedKeys)
                // Free space moves with the machine's other files.
                found.append(
                    String(decoding: data, as: UTF8.self).replacing(/"(availableBytes|totalBytes)":[0-9]+/, with: ""))
            }
            found += try await host.engine().volumes().map { "\($0.id) \($0.sizeBytes) \($0.attachEpoch)" }
            found += try host.leftovers(volumes: [])
            found += host.volumeDirectories().sorted()
            found.append(try await files(host))
            return found
        }

        private func files(_ host: Host) async throws -> String {
            try await host.shell(
                "cd \(host.directory) && find d* -type f | sort | xargs sha256sum; ls -d stage pods 2>/dev/null || true"
            )
        }

        // MARK: What serve refuses

        @Test func refusedStarts() async throws {
            try await Host.with(.init(drives: .images(bytes: 192 << 20))) { host in
                var (daemon, csi) = try await host.serve()
                let volume = try await TestVolume.create("there", .ext4, bytes: 64 << 20, on: host, csi)
                daemon.terminate()
                #expect(await daemon.exitCode(within: 20) == 0)

                let pool = "\(host.mountpaths[2])/.ashlar/pool.json"
                let original = try #require(FileManager.default.contents(atPath: pool))
                var torn = original
                torn[torn.count / 2] ^= 1
                let text = String(decoding: original, as: UTF8.self)
                #expect(text.hasPrefix("ashlar-pool 1 "))
                let newer = Data(text.replacing("ashlar-pool 1 ", with: "ashlar-pool 2 ", maxReplacements: 1).utf8)
                for (bytes, words) in [
                    (torn, ["corrupt", "checksum", "acceptMissing"]), (Data(), ["corrupt", "acceptMissing"]),
                    (newer, ["pool format 2", "start a version"]),
                ] {
                    try bytes.write(to: URL(fileURLWithPath: pool))
                    try await expectRefusal(host, words + [host.mountpaths[2]])
                }
                try original.write(to: URL(fileURLWithPath: pool))

                var settings = host.settings
                settings.groups =
                    "[{ label: fast, protection: \"erasure(4,2)\", sliceSize: 4Mi }, { label: wide, protection: \"erasure(8,2)\" }]"
                try await expectRefusal(host, settings, 1, ["wide", "needs 10 mountpaths", "the pool has 6"])
                settings = host.settings
                settings.groups = "[{ label: fast, protection: \"erasure(3,2)\", sliceSize: 4Mi }]"
                try await expectRefusal(host, settings, 1, ["fast", "protection", "cannot change"])
                settings = host.settings
                settings.extra = "colour: blue\n"
                try await expectRefusal(host, settings, 78, ["colour"])
                let missing = try await host.run(["serve", "--config", "/nonexistent.yaml"])
                #expect(missing.code == 78 && missing.output.contains("/nonexistent.yaml"), "\(missing.output)")

                (daemon, csi) = try await host.serve()
                var again = try await TestVolume.create("there", .ext4, bytes: 64 << 20, on: host, csi)
                #expect(again.id == volume.id)
                try await again.bringUp(csi)
                try await again.takeDown(csi)
                try await again.delete(csi)
            }
        }

        @Test func newPoolNeedsItsMountpaths() async throws {
            try await Host.with(.init(drives: .directories)) { host in
                try await host.shell("rmdir \(host.mountpaths[3])")
                let before = try await files(host)
                let refused = try await host.run(["serve", "--config", host.configPath])
                #expect(refused.code == 1)
                #expect(
                    refused.output.contains(host.mountpaths[3]) && refused.output.contains("needs all"),
                    "\(refused.output)")
                #expect(try await files(host) == before)

                try await host.shell("mkdir \(host.mountpaths[3])")
                var settings = host.settings
                settings.groups =
                    "[{ label: fast, protection: \"erasure(4,2)\", sliceSize: 4Mi }, { label: wide, protection: \"erasure(14,2)\" }]"
                try await expectRefusal(host, settings, 1, ["wide", "needs 16 mountpaths"])
                try await host.shell("rm \(host.directory)/other.yaml")
                let text = try String(contentsOfFile: host.configPath, encoding: .utf8)
                try text.replacing("allowSharedFilesystem: true", with: "allowSharedFilesystem: false")
                    .write(toFile: host.configPath, atomically: true, encoding: .utf8)
                let shared = try await host.run(["serve", "--config", host.configPath])
                #expect(shared.code == 1)
                #expect(
                    shared.output.contains("allowSharedFilesystem") && shared.output.contains(host.mountpaths[0]),
                    "\(shared.output)")
                #expect(try await files(host) == before)
            }
        }

        private func expectRefusal(_ host: Host, _ words: [String]) async throws {
            try await expectRefusal(host, host.settings, 1, words)
        }

        private func expectRefusal(_ host: Host, _ settings: Host.Settings, _ code: Int32, _ words: [String])
            async throws
        {
            let path = "\(host.directory)/other.yaml"
            try host.writeConfiguration(to: path, settings: settings)
            let before = try await files(host)
            let refused = try await host.run(["serve", "--config", path])
            #expect(refused.code == code, "\(refused.output)")
            for word in words { #expect(refused.output.contains(word), "'\(word)' is not in: \(refused.output)") }
            #expect(try await files(host) == before, "a refused start changed something: \(words)")
        }

        // MARK: Space

        /// A full drive answers ENOSPC, what was written stays readable, and a delete makes room.
        @Test func fullPool() async throws {
            try await Host.with(.init(drives: .images(bytes: 160 << 20))) { host in
                let (daemon, csi) = try await host.serve()
                var first = try await TestVolume.create("first", .block, bytes: 64 << 20, on: host, csi)
                var second = try await TestVolume.create("second", .block, bytes: 400 << 20, on: host, csi)
                var third = try await TestVolume.create("third", .block, bytes: 400 << 20, on: host, csi)
                for index in 0..<3 {
                    switch index {
                    case 0: try await first.bringUp(csi)
                    case 1: try await second.bringUp(csi)
                    default: try await third.bringUp(csi)
                    }
                }
                let file = CheckedFile(path: first.target, blockCount: 2_048, seed: 3)
                try await offPool { try file.write(flushes: 4) }
                let filled = try await [fill(second), fill(third)]
                #expect(filled.contains { $0.errorNumber == ENOSPC }, "\(filled)")
                report("full pool: wrote \(filled.map { $0.bytes >> 20 }) MiB until ENOSPC")

                // Calls still work, and the other volume's data is there.
                _ = try await offPool { try file.check() }
                #expect(
                    await csi.status(CSI.Method.createVolume, TestVolume.request("new", .block, bytes: 1 << 20)).code
                        == .ok)
                try await second.takeDown(csi)
                try await second.delete(csi)
                try await third.takeDown(csi)
                try await third.delete(csi)
                try await offPool {
                    try file.write(flushes: 4)
                    try file.check()
                }
                var fourth = try await TestVolume.create("fourth", .block, bytes: 200 << 20, on: host, csi)
                try await fourth.bringUp(csi)
                let again = try await fill(fourth, atMost: 150 << 20)
                #expect(again.errorNumber == nil, "the space did not come back: \(again)")

                await daemon.kill()
                let (_, restarted) = try await host.serve()
                try await first.bringUp(restarted)
                _ = try await offPool { try file.check() }
                // What the killed process left of the other one goes too.
                try await fourth.takeDown(restarted)
                try await first.takeDown(restarted)
            }
        }

        /// Writes 1 MiB after the other until an error or the end, then flushes.
        private func fill(_ volume: TestVolume, atMost bytes: Int? = nil) async throws -> (
            bytes: Int, errorNumber: Int32?
        ) {
            let (path, size) = (volume.target, bytes ?? Int(volume.sizeBytes))
            return try await offPool {
                let device = try FileDescriptor(opening: path, flags: O_RDWR | ashlar_o_direct() | O_CLOEXEC, "open")
                let buffer = AlignedBuffer(bytes: 1 << 20)
                memset(buffer.base, 0x5A, 1 << 20)
                var written = 0
                while written < size {
                    guard pwrite(device.number, buffer.base, 1 << 20, off_t(written)) == 1 << 20 else {
                        return (written, errno)
                    }
                    written += 1 << 20
                }
                return (written, fdatasync(device.number) == 0 ? nil : errno)
            }
        }
    }
}
