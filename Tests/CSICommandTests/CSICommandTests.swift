import ArgumentParser
import Base
import CSIMessages
import Foundation
import GRPCServer
import Logging
import Synchronization
import Testing
import ashlar

/// A driver that keeps what it was asked last and answers what it is told.
private final class FakeDriver: Sendable {
    private final class Kept: Sendable {
        private let state = Mutex<[UInt8]>([])
        func set(_ bytes: [UInt8]) { state.withLock { $0 = bytes } }
        var bytes: [UInt8] { state.withLock { $0 } }
    }

    let path = "/tmp/ashlar-csi-\(UUID().uuidString).sock"
    private let kept: Kept
    private let server: GRPCServer

    init(_ methods: [String], _ answer: Result<[UInt8], Failure> = .success([])) throws {
        var handlers = GRPCHandlers()
        let kept = Kept()
        for method in methods {
            handlers.unary(method) { bytes, _ throws(Failure) in
                kept.set(bytes)
                return try answer.get()
            }
        }
        self.kept = kept
        server = GRPCServer(
            socketPath: path, handlers: handlers, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try server.start()
    }

    var request: [UInt8] { kept.bytes }

    func stop() async { await server.shutdown(drainSeconds: 1) }
}

/// Runs `ashlar csi` with `arguments` and gives its exit code.
private func run(_ arguments: [String]) async -> Int32 {
    do {
        let command = try CSICommand.parseAsRoot(arguments)
        guard var command = command as? any AsyncParsableCommand else { return -1 }
        try await command.run()
        return 0
    } catch {
        return CSICommand.exitCode(for: error).rawValue
    }
}

@Suite struct CSICommandTests {
    private let ext4 = CSI.VolumeCapability(
        accessType: .mount(.init(fsType: "ext4", mountFlags: ["noatime", "-x"])),
        accessMode: .init(mode: .singleNodeMultiWriter))
    private let ext4Arguments = [
        "--fs-type", "ext4", "--mount-flag", "noatime", "--mount-flag", "-x", "--access-mode",
        "single-node-multi-writer",
    ]
    private let plain = CSI.VolumeCapability(
        accessType: .mount(.init()), accessMode: .init(mode: .singleNodeWriter))

    private func check(_ method: String, _ arguments: [String], sends request: some Message) async throws {
        let driver = try FakeDriver([method])
        #expect(await run(arguments + ["--endpoint", driver.path]) == 0)
        #expect(driver.request == request.encoded(), "\(arguments)")
        await driver.stop()
    }

    @Test func createVolumeSendsEveryOption() async throws {
        let secret = "/tmp/ashlar-secret-\(UUID().uuidString)"
        try Data("hush\n".utf8).write(to: URL(fileURLWithPath: secret))
        defer { try? FileManager.default.removeItem(atPath: secret) }
        try await check(
            CSI.Method.createVolume,
            ["create-volume", "pvc-1", "--required-bytes", "2Gi", "--limit-bytes", "4G", "--parameter", "a=b=c"]
                + ["--parameter", "d=", "--mutable-parameter", "q=1", "--from-snapshot", "s", "--topology", "z=1"]
                + ["--secret-file", "key=\(secret)"] + ext4Arguments,
            sends: CSI.CreateVolumeRequest(
                name: "pvc-1", capacityRange: .init(requiredBytes: 2 << 30, limitBytes: 4_000_000_000),
                volumeCapabilities: [ext4], parameters: ["a": "b=c", "d": ""], secrets: ["key": "hush"],
                volumeContentSource: .init(type: .snapshot(.init(snapshotID: "s"))),
                accessibilityRequirements: .init(
                    requisite: [.init(segments: ["z": "1"])], preferred: [.init(segments: ["z": "1"])]),
                mutableParameters: ["q": "1"]))
        try await check(
            CSI.Method.createVolume, ["create-volume", "b", "--block"],
            sends: CSI.CreateVolumeRequest(
                name: "b",
                volumeCapabilities: [
                    .init(accessType: .block(.init()), accessMode: .init(mode: .singleNodeWriter))
                ]))
    }

    @Test func controllerCalls() async throws {
        try await check(
            CSI.Method.deleteVolume, ["delete-volume", "v"], sends: CSI.DeleteVolumeRequest(volumeID: "v"))
        try await check(
            CSI.Method.controllerPublishVolume,
            ["controller-publish-volume", "v", "--node-id", "n", "--readonly", "--volume-context", "a=1"]
                + ext4Arguments,
            sends: CSI.ControllerPublishVolumeRequest(
                volumeID: "v", nodeID: "n", volumeCapability: ext4, readonly: true, volumeContext: ["a": "1"]))
        try await check(
            CSI.Method.controllerUnpublishVolume, ["controller-unpublish-volume", "v", "--node-id", "n"],
            sends: CSI.ControllerUnpublishVolumeRequest(volumeID: "v", nodeID: "n"))
        try await check(
            CSI.Method.validateVolumeCapabilities,
            ["validate-volume-capabilities", "v", "--parameter", "p=1", "--mutable-parameter", "m=1"]
                + ["--volume-context", "a=1"],
            sends: CSI.ValidateVolumeCapabilitiesRequest(
                volumeID: "v", volumeContext: ["a": "1"], volumeCapabilities: [plain], parameters: ["p": "1"],
                mutableParameters: ["m": "1"]))
        try await check(
            CSI.Method.getCapacity, ["get-capacity", "--parameter", "p=1", "--topology", "z=1"],
            sends: CSI.GetCapacityRequest(parameters: ["p": "1"], accessibleTopology: .init(segments: ["z": "1"])))
        try await check(
            CSI.Method.controllerExpandVolume, ["controller-expand-volume", "v", "--required-bytes", "4Gi"],
            sends: CSI.ControllerExpandVolumeRequest(
                volumeID: "v", capacityRange: .init(requiredBytes: 4 << 30), volumeCapability: plain))
    }

    @Test func nodeCalls() async throws {
        let contexts = ["--publish-context", "e=1", "--volume-context", "a=1"]
        try await check(
            CSI.Method.nodeStageVolume, ["node-stage-volume", "v", "--staging-target-path", "/s"] + contexts,
            sends: CSI.NodeStageVolumeRequest(
                volumeID: "v", publishContext: ["e": "1"], stagingTargetPath: "/s", volumeCapability: plain,
                volumeContext: ["a": "1"]))
        try await check(
            CSI.Method.nodeUnstageVolume, ["node-unstage-volume", "v", "--staging-target-path", "/s"],
            sends: CSI.NodeUnstageVolumeRequest(volumeID: "v", stagingTargetPath: "/s"))
        try await check(
            CSI.Method.nodePublishVolume,
            ["node-publish-volume", "v", "--staging-target-path", "/s", "--target-path", "/t", "--readonly"] + contexts,
            sends: CSI.NodePublishVolumeRequest(
                volumeID: "v", publishContext: ["e": "1"], stagingTargetPath: "/s", targetPath: "/t",
                volumeCapability: plain, readonly: true, volumeContext: ["a": "1"]))
        try await check(
            CSI.Method.nodeUnpublishVolume, ["node-unpublish-volume", "v", "--target-path", "/t"],
            sends: CSI.NodeUnpublishVolumeRequest(volumeID: "v", targetPath: "/t"))
        try await check(
            CSI.Method.nodeGetVolumeStats, ["node-get-volume-stats", "v", "--volume-path", "/t"],
            sends: CSI.NodeGetVolumeStatsRequest(volumeID: "v", volumePath: "/t"))
        try await check(
            CSI.Method.nodeExpandVolume,
            ["node-expand-volume", "v", "--volume-path", "/t", "--required-bytes", "4096"],
            sends: CSI.NodeExpandVolumeRequest(
                volumeID: "v", volumePath: "/t", capacityRange: .init(requiredBytes: 4096), volumeCapability: plain))
    }

    @Test func callsWithoutArgumentsReachTheirMethod() async throws {
        let calls = [
            "get-plugin-info": CSI.Method.getPluginInfo,
            "get-plugin-capabilities": CSI.Method.getPluginCapabilities, "probe": CSI.Method.probe,
            "controller-get-capabilities": CSI.Method.controllerGetCapabilities,
            "node-get-info": CSI.Method.nodeGetInfo, "node-get-capabilities": CSI.Method.nodeGetCapabilities,
        ]
        for (command, method) in calls {
            let driver = try FakeDriver([method])
            #expect(await run([command, "--endpoint", "unix://" + driver.path, "--output", "json"]) == 0)
            await driver.stop()
        }
    }

    @Test func exitCodesSayWhatWentWrong() async throws {
        let driver = try FakeDriver([CSI.Method.probe], .failure(Failure(.notFound, "no")))
        #expect(await run(["probe", "--endpoint", driver.path]) == 1)
        #expect(await run(["node-get-info", "--endpoint", driver.path]) == 1)
        await driver.stop()
        #expect(await run(["probe", "--endpoint", driver.path]) == 69)
        let wrong = [
            ["probe", "--endpoint", "tcp://x"], ["probe", "--endpoint", "/s", "--timeout", "0"], ["nothing"],
            ["create-volume", "--endpoint", "/s"],
            ["create-volume", "v", "--endpoint", "/s", "--required-bytes", "2Zi"],
            ["create-volume", "v", "--endpoint", "/s", "--required-bytes", "9223372036854775808"],
            ["create-volume", "v", "--endpoint", "/s", "--access-mode", "unknown"],
            ["create-volume", "v", "--endpoint", "/s", "--block", "--fs-type", "xfs"],
            ["create-volume", "v", "--endpoint", "/s", "--parameter", "novalue"],
            ["create-volume", "v", "--endpoint", "/s", "--parameter", "a=1", "--parameter", "a=2"],
            ["create-volume", "v", "--endpoint", "/s", "--from-snapshot", "s", "--from-volume", "v"],
        ]
        for arguments in wrong { #expect(await run(arguments) == 64, "\(arguments)") }
        #expect(await run(["delete-volume", "v", "--endpoint", "/s", "--secret-file", "k=/nonexistent"]) == 66)
    }
}

@Suite struct CSIOutputTests {
    private let reply = CSI.CreateVolumeResponse(
        volume: .init(
            capacityBytes: 2 << 30, volumeID: "v\"1\"\n\u{1}ü", volumeContext: ["b": "2", "a": "1"],
            accessibleTopology: [.init(segments: ["z": "1"]), .init()]))

    @Test func textIsForPeople() {
        #expect(
            CSIOutput.text.text(reply) == """
                volume:
                  capacityBytes: 2147483648 (2.0 GiB)
                  volumeId: v"1"
                \u{1}ü
                  volumeContext:
                    a: 1
                    b: 2
                  accessibleTopology:
                    - segments:
                        z: 1
                    - {}
                """)
        #expect(CSIOutput.text.text(CSI.DeleteVolumeResponse()) == "ok")
        #expect(CSIOutput.text.text(CSI.ProbeResponse(ready: false)) == "ready: false")
        #expect(CSIOutput.text.text(GRPCStatus(.notFound, "no volume v")) == "Error: NOT_FOUND: no volume v")
    }

    @Test func jsonIsJSON() throws {
        let object = try JSONSerialization.jsonObject(with: Data(CSIOutput.json.text(reply).utf8))
        let volume = (object as? [String: Any])?["volume"] as? [String: Any]
        #expect(volume?["capacityBytes"] as? Int == 2 << 30)
        #expect(volume?["volumeId"] as? String == "v\"1\"\n\u{1}ü")
        #expect(volume?["volumeContext"] as? [String: String] == ["a": "1", "b": "2"])
        #expect(volume?["contentSource"] is NSNull)
        #expect((volume?["accessibleTopology"] as? [Any])?.count == 2)
        let failure = try JSONSerialization.jsonObject(
            with: Data(CSIOutput.json.text(GRPCStatus(.aborted, "busy")).utf8))
        let error = (failure as? [String: Any])?["error"] as? [String: Any]
        #expect(error?["code"] as? Int == 10 && error?["name"] as? String == "ABORTED")
    }
}
