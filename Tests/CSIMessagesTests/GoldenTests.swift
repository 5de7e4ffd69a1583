import Base
import CSIMessages
import Testing

/// Bytes made by hand from the contract and protobuf's encoding rules, not by this code.
@Suite struct GoldenTests {
    private func check<M: Message>(_ message: M, _ hexadecimal: String) throws {
        #expect(message.encoded() == bytes(hexadecimal))
        #expect(try M(decoding: bytes(hexadecimal)) == message)
    }

    private func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.utf8.map { UInt8($0 < 0x3A ? $0 - 0x30 : $0 - 0x57) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    @Test func createVolume() throws {
        let mount = CSI.VolumeCapability(
            accessType: .mount(.init(fsType: "ext4", mountFlags: ["noatime", "discard"])),
            accessMode: .init(mode: .singleNodeWriter))
        let block = CSI.VolumeCapability(
            accessType: .block(.init()), accessMode: .init(mode: .singleNodeMultiWriter))
        try check(
            CSI.CreateVolumeRequest(
                name: "pvc-1", capacityRange: .init(requiredBytes: 2 << 30, limitBytes: 4 << 30),
                volumeCapabilities: [mount, block], parameters: ["class": "bulk", "a": "ü"], secrets: ["k": "hush"],
                volumeContentSource: .init(type: .snapshot(.init(snapshotID: "snap-1")))),
            "0a057076632d31120c0880808080081080808080101a1e12180a046578743412076e6f6174696d65120764697363617264"
                + "1a0208011a060a001a02080722070a01611202c3bc220d0a05636c617373120462756c6b2a090a016b12046875736832"
                + "0a0a080a06736e61702d31")
    }

    @Test func wrappersTellAbsentFromZero() throws {
        try check(CSI.ProbeResponse(ready: true), "0a020801")
        try check(CSI.ProbeResponse(ready: false), "0a00")
        try check(CSI.ProbeResponse(), "")
        try check(
            CSI.GetCapacityResponse(availableCapacity: -5, maximumVolumeSize: 1 << 62, minimumVolumeSize: 0),
            "08fbffffffffffffffff01120a088080808080808080401a00")
    }

    @Test func numbersAndTimes() throws {
        try check(
            CSI.Snapshot(
                sizeBytes: 1 << 40, snapshotID: "s", sourceVolumeID: "v",
                creationTime: Timestamp(seconds: -1, nanos: 999_999_999), readyToUse: true),
            "088080808080201201731a0176221108ffffffffffffffffff0110ff93ebdc032801")
        try check(CSI.ListVolumesRequest(maxEntries: -1), "08ffffffffffffffffff01")
    }

    @Test func unknownFieldsAreIgnored() throws {
        let later = try CSI.GetPluginInfoResponse(
            decoding: bytes("7a0178a006070a046e616d654d010203045131323334353637380a056c61746572"))
        #expect(later == CSI.GetPluginInfoResponse(name: "later"))
    }

    @Test func unknownEnumValuesSurvive() throws {
        try check(
            CSI.PluginCapability(type: .service(.init(type: .unrecognized(99)))), "0a020863")
        #expect(CSI.PluginCapability.Service.Kind(rawValue: 99).name == "99")
        #expect(CSI.PluginCapability.Service.Kind(rawValue: 1) == .controllerService)
        #expect(CSI.PluginCapability.Service.Kind.controllerService.name == "CONTROLLER_SERVICE")
        #expect(CSI.ControllerServiceCapability.RPC.Kind.listVolumeHealth.rawValue == 17)
        #expect(CSI.ControllerServiceCapability.RPC.Kind(rawValue: 11) == .unrecognized(11))
    }

    @Test func theLastOfAOneofWins() throws {
        let source = try CSI.VolumeContentSource(decoding: bytes("0a030a017312030a0176"))
        #expect(source == CSI.VolumeContentSource(type: .volume(.init(volumeID: "v"))))
    }

    @Test func methodsHaveTheirFullPath() {
        #expect(CSI.Method.probe == "/csi.v1.Identity/Probe")
        #expect(CSI.Method.nodeStageVolume == "/csi.v1.Node/NodeStageVolume")
        #expect(CSI.Method.getMetadataDelta == "/csi.v1.SnapshotMetadata/GetMetadataDelta")
    }
}

@Suite struct DescriptionTests {
    @Test func secretsAreNeverShown() {
        let requests: [any Message] = [
            CSI.CreateVolumeRequest(name: "pvc", secrets: ["hush-key": "hush-value"]),
            CSI.NodeStageVolumeRequest(volumeID: "pvc", secrets: ["hush-key": "hush-value"]),
            CSI.NodeExpandVolumeRequest(volumeID: "pvc", secrets: ["hush-key": "hush-value"]),
            CSI.GetMetadataDeltaRequest(baseSnapshotID: "pvc", secrets: ["hush-key": "hush-value"]),
        ]
        for request in requests {
            var dumped = ""
            dump(request, to: &dumped)
            for text in [
                "\(request)", String(reflecting: request), "\([request])", "\(Optional(request) as Any)", dumped,
            ] {
                #expect(!text.contains("hush"), "\(text)")
                #expect(text.contains("<1 redacted>") && text.contains("pvc"))
            }
        }
    }

    @Test func everySecretOfTheContractIsMarked() {
        var secretCount = 0
        for type in everyMessage {
            func fields<M: Message & Arbitrary>(_: M.Type) -> [MessageField] {
                var random = SeededRandom(seed: 1)
                return M.arbitrary(&random).fields
            }
            for field in fields(type) where field.name == "secrets" {
                secretCount += 1
                guard case .secret = field.value else {
                    Issue.record("\(type.messageName).secrets is shown")
                    continue
                }
            }
        }
        #expect(secretCount == 22)
    }

    @Test func descriptionNamesWhatIsSet() {
        let volume = CSI.Volume(capacityBytes: 7, volumeID: "v", volumeContext: ["b": "2", "a": "1"])
        #expect("\(volume)" == #"Volume(capacityBytes: 7, volumeId: "v", volumeContext: ["a": "1", "b": "2"])"#)
    }

    @Test func timesAreRFC3339() {
        #expect(Timestamp(seconds: 0).description == "1970-01-01T00:00:00Z")
        #expect(Timestamp(seconds: 951_782_400).description == "2000-02-29T00:00:00Z")
        #expect(Timestamp(seconds: 1_795_250_096, nanos: 5).description == "2026-11-21T08:34:56.000000005Z")
        #expect(Timestamp(seconds: -1).description == "1969-12-31T23:59:59Z")
        #expect(Timestamp(seconds: 253_402_300_799).description == "9999-12-31T23:59:59Z")
    }
}
