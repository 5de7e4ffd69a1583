import Base
import CSIMessages
import CSIServices
import Domain
import EngineFakes
import GRPCServer
import Testing

@Suite struct IdentityTests {
    @Test func tellsWhoItIsAndWhetherItIsReady() async throws {
        try await withDriver { driver in
            let info: CSI.GetPluginInfoResponse = try await driver.call(
                CSI.Method.getPluginInfo, CSI.GetPluginInfoRequest())
            #expect(info.name == "csi.ashlar.storage" && info.vendorVersion == "0.1.0")
            let probe: CSI.ProbeResponse = try await driver.call(CSI.Method.probe, CSI.ProbeRequest())
            #expect(probe.ready == true)
            let found: CSI.GetPluginCapabilitiesResponse = try await driver.call(
                CSI.Method.getPluginCapabilities, CSI.GetPluginCapabilitiesRequest())
            #expect(found.capabilities.count == 6)
        }
        let starting = try await Driver(isReady: false)
        let probe: CSI.ProbeResponse = try await starting.call(CSI.Method.probe, CSI.ProbeRequest())
        #expect(probe.ready == false)
        try await starting.close()
    }

    @Test func whatIsNotOfferedIsUnimplemented() async throws {
        try await withDriver { driver in
            for method in ["/csi.v1.Controller/Unheard", "/csi.v1.Identity/", "/csi.v9.Node/NodeGetInfo"] {
                #expect(await driver.code(method, CSI.ProbeRequest()) == .unimplemented, "\(method)")
            }
        }
    }
}

@Suite struct ControllerTests {
    private func create(_ driver: Driver, _ request: CSI.CreateVolumeRequest) async throws -> CSI.Volume {
        let response: CSI.CreateVolumeResponse = try await driver.call(CSI.Method.createVolume, request)
        return try #require(response.volume)
    }

    @Test func createAnswersTheSameVolumeAndRefusesAnother() async throws {
        try await withDriver { driver in
            let first = try await create(driver, createRequest())
            #expect(first.capacityBytes == 64 << 20)
            #expect(
                first.volumeContext == ["ashlar/filesystem": "ext4", "ashlar/mount-options": "noatime"])
            #expect(first.accessibleTopology.first?.segments == [CSISettings.topologyKey: Driver.host])
            #expect(try await create(driver, createRequest()) == first)
            let others = [
                createRequest(requiredBytes: 128 << 20), createRequest(for: mountCapability("xfs")),
                createRequest(for: blockCapability()), createRequest(parameters: ["class": "nvme-high-perf"]),
                createRequest(for: mountCapability("", .singleNodeSingleWriter)),
            ]
            for other in others {
                #expect(await driver.code(CSI.Method.createVolume, other) == .alreadyExists, "\(other)")
            }
            var elsewhere = createRequest()
            elsewhere.accessibilityRequirements = .init(requisite: [.init(segments: [CSISettings.topologyKey: "mars"])])
            #expect(await driver.code(CSI.Method.createVolume, elsewhere) == .alreadyExists)
            #expect(driver.engine.ids.count == 1)
        }
    }

    @Test func theProvisionersKeysAreIgnoredAndMutableOnesOverride() async throws {
        try await withDriver { driver in
            var request = createRequest(parameters: [
                "class": "standard", "csi.storage.k8s.io/pv/name": "pv", "csi.storage.k8s.io/pvc/name": "pvc",
                "csi.storage.k8s.io/pvc/namespace": "ns", "csi.storage.k8s.io/fstype": "ext4",
                "mountOptions": "commit=60", "mkfsOptions": "-m 1;-E stride=16",
            ])
            request.parameters["iops"] = "100"
            request.mutableParameters = ["iops": "200"]
            let volume = try await create(driver, request)
            let made = try #require(try await driver.catalogue.volume(named: "a"))
            #expect(try await driver.engine.volume(made.id).limits.iops == 200)
            #expect(volume.volumeContext["ashlar/mount-options"] == "noatime,commit=60")
            #expect(volume.volumeContext["ashlar/mkfs-options"] == "-m 1;-E stride=16")
            request.parameters["csi.storage.k8s.io/pvc/name"] = "other"
            #expect(try await create(driver, request).volumeID == volume.volumeID)
        }
    }

    struct BadCreate: Sendable {
        var request: CSI.CreateVolumeRequest
        var code: GRPCCode
        var words: String

        init(_ request: CSI.CreateVolumeRequest, _ code: GRPCCode, _ words: String) {
            self.request = request
            self.code = code
            self.words = words
        }
    }

    static let badCreates: [BadCreate] = [
        BadCreate(createRequest(""), .invalidArgument, "name is missing"),
        BadCreate(createRequest(String(repeating: "n", count: 129)), .invalidArgument, "at most 128"),
        BadCreate(createRequest("a\u{0007}"), .invalidArgument, "control characters"),
        BadCreate(CSI.CreateVolumeRequest(name: "a"), .invalidArgument, "volume_capabilities is missing"),
        BadCreate(createRequest(for: CSI.VolumeCapability()), .invalidArgument, "no access type"),
        BadCreate(createRequest(for: blockCapability(.unknown)), .invalidArgument, "no access mode"),
        BadCreate(
            createRequest(for: mountCapability("", .multiNodeMultiWriter)), .invalidArgument, "one node at a time"),
        BadCreate(createRequest(for: mountCapability("zfs")), .invalidArgument, "'zfs' is not offered"),
        BadCreate(createRequest(for: mountCapability("", flags: ["nobarrier"])), .invalidArgument, "'nobarrier'"),
        BadCreate(createRequest(parameters: ["klass": "x"]), .invalidArgument, "'klass' is unknown; known: class"),
        BadCreate(createRequest(parameters: ["encryption": "on"]), .invalidArgument, "'encryption' is not offered yet"),
        BadCreate(createRequest(parameters: ["class": "gold"]), .invalidArgument, "no class 'gold'; known:"),
        BadCreate(createRequest(parameters: ["group": "gold"]), .invalidArgument, "no group 'gold'"),
        BadCreate(
            createRequest(parameters: ["class": "bulk", "group": "bulk"]), .invalidArgument, "exclude each other"),
        BadCreate(createRequest(parameters: ["mkfsOptions": "-F 1"]), .invalidArgument, "'-F 1' is not offered"),
        BadCreate(createRequest(requiredBytes: -1), .invalidArgument, "negative"),
        BadCreate(createRequest(requiredBytes: 4 << 20, limitBytes: 2 << 20), .outOfRange, "below required_bytes"),
        BadCreate(createRequest(requiredBytes: 67_108_865, limitBytes: 67_108_866), .outOfRange, "cannot be met"),
        BadCreate(
            createRequest(limitBytes: 100 << 20, for: mountCapability("xfs")), .outOfRange, "at least 318767104 for xfs"
        ),
        BadCreate(createRequest(requiredBytes: 1 << 50), .outOfRange, "holds"),
        BadCreate(
            CSI.CreateVolumeRequest(
                name: "a", volumeCapabilities: [mountCapability("ext4"), mountCapability("xfs")]), .invalidArgument,
            "several filesystems"),
        BadCreate(
            CSI.CreateVolumeRequest(
                name: "a", volumeCapabilities: [mountCapability()],
                volumeContentSource: .init(type: .snapshot(.init(snapshotID: "s")))), .notFound,
            "no snapshot 's'"),
        BadCreate(
            CSI.CreateVolumeRequest(
                name: "a", volumeCapabilities: [mountCapability()],
                accessibilityRequirements: .init(requisite: [.init(segments: [CSISettings.topologyKey: "mars"])])),
            .resourceExhausted, "no requisite topology"),
    ]

    @Test func badCreatesAreNamedAndChangeNothing() async throws {
        try await withDriver { driver in
            for bad in Self.badCreates {
                #expect(await driver.code(CSI.Method.createVolume, bad.request) == bad.code, "\(bad.request)")
                let message = await driver.message(CSI.Method.createVolume, bad.request)
                #expect(message.contains(bad.words), "\(message)")
            }
            let known = try await driver.catalogue.volumes()
            #expect(known.isEmpty && driver.engine.ids.isEmpty)
        }
    }

    @Test func secretsAreNotInAnyAnswer() async throws {
        try await withDriver { driver in
            var request = createRequest(parameters: ["klass": "x"])
            request.secrets = ["password": "hunter2"]
            let message = await driver.message(CSI.Method.createVolume, request)
            #expect(!message.contains("hunter2"))
            #expect(!"\(request)".contains("hunter2"))
        }
    }

    @Test func sizesHaveDefaultsAndFloors() async throws {
        try await withDriver { driver in
            let plain = CSI.CreateVolumeRequest(name: "plain", volumeCapabilities: [mountCapability()])
            #expect(try await create(driver, plain).capacityBytes == 1 << 30)
            let xfs = try await create(driver, createRequest("x", requiredBytes: 1, for: mountCapability("xfs")))
            #expect(xfs.capacityBytes == 304 << 20)
            let block = try await create(driver, createRequest("b", requiredBytes: 1, for: blockCapability()))
            #expect(block.capacityBytes == 1 << 20 && block.volumeContext.isEmpty)
        }
    }

    @Test func unknownVolumes() async throws {
        try await withDriver { driver in
            for id in [unknownID, "no-such-id"] {
                let _: CSI.DeleteVolumeResponse = try await driver.call(
                    CSI.Method.deleteVolume, CSI.DeleteVolumeRequest(volumeID: id))
                let _: CSI.ControllerUnpublishVolumeResponse = try await driver.call(
                    CSI.Method.controllerUnpublishVolume, CSI.ControllerUnpublishVolumeRequest(volumeID: id))
                let publish = CSI.ControllerPublishVolumeRequest(
                    volumeID: id, nodeID: Driver.host, volumeCapability: mountCapability())
                #expect(await driver.code(CSI.Method.controllerPublishVolume, publish) == .notFound)
                let validate = CSI.ValidateVolumeCapabilitiesRequest(
                    volumeID: id, volumeCapabilities: [mountCapability()])
                #expect(await driver.code(CSI.Method.validateVolumeCapabilities, validate) == .notFound)
                let expand = CSI.ControllerExpandVolumeRequest(
                    volumeID: id, capacityRange: .init(requiredBytes: 1 << 30))
                #expect(await driver.code(CSI.Method.controllerExpandVolume, expand) == .notFound)
            }
            let empty: [(String, GRPCCode)] = [
                (CSI.Method.deleteVolume, await driver.code(CSI.Method.deleteVolume, CSI.DeleteVolumeRequest())),
                (
                    CSI.Method.controllerPublishVolume,
                    await driver.code(CSI.Method.controllerPublishVolume, CSI.ControllerPublishVolumeRequest())
                ),
                (
                    CSI.Method.controllerUnpublishVolume,
                    await driver.code(CSI.Method.controllerUnpublishVolume, CSI.ControllerUnpublishVolumeRequest())
                ),
                (
                    CSI.Method.validateVolumeCapabilities,
                    await driver.code(CSI.Method.validateVolumeCapabilities, CSI.ValidateVolumeCapabilitiesRequest())
                ),
                (
                    CSI.Method.controllerExpandVolume,
                    await driver.code(CSI.Method.controllerExpandVolume, CSI.ControllerExpandVolumeRequest())
                ),
            ]
            for (method, code) in empty { #expect(code == .invalidArgument, "\(method)") }
        }
    }

    @Test func publishGivesAnEpochAndKeepsToOneNode() async throws {
        try await withDriver { driver in
            let volume = try await create(driver, createRequest())
            var request = CSI.ControllerPublishVolumeRequest(
                volumeID: volume.volumeID, nodeID: Driver.host, volumeCapability: mountCapability())
            let first: CSI.ControllerPublishVolumeResponse = try await driver.call(
                CSI.Method.controllerPublishVolume, request)
            #expect(first.publishContext == ["ashlar/attach-epoch": "1"])
            let again: CSI.ControllerPublishVolumeResponse = try await driver.call(
                CSI.Method.controllerPublishVolume, request)
            #expect(again == first)
            request.readonly = true
            #expect(await driver.code(CSI.Method.controllerPublishVolume, request) == .alreadyExists)
            request.readonly = false
            request.nodeID = "host-2"
            #expect(await driver.code(CSI.Method.controllerPublishVolume, request) == .failedPrecondition)
            request.nodeID = "mars"
            #expect(await driver.code(CSI.Method.controllerPublishVolume, request) == .notFound)
            request.volumeCapability = blockCapability()
            #expect(await driver.code(CSI.Method.controllerPublishVolume, request) == .invalidArgument)
            let delete = CSI.DeleteVolumeRequest(volumeID: volume.volumeID)
            #expect(await driver.code(CSI.Method.deleteVolume, delete) == .failedPrecondition)
        }
    }

    @Test func validateConfirmsOrSaysWhy() async throws {
        try await withDriver { driver in
            let volume = try await create(driver, createRequest(parameters: ["class": "standard"]))
            func validate(
                _ capability: CSI.VolumeCapability, _ parameters: [String: String] = [:]
            ) async throws -> CSI.ValidateVolumeCapabilitiesResponse {
                try await driver.call(
                    CSI.Method.validateVolumeCapabilities,
                    CSI.ValidateVolumeCapabilitiesRequest(
                        volumeID: volume.volumeID, volumeContext: volume.volumeContext,
                        volumeCapabilities: [capability], parameters: parameters))
            }
            let good = try await validate(mountCapability("ext4"), ["class": "standard"])
            #expect(good.confirmed?.volumeCapabilities == [mountCapability("ext4")])
            for (bad, words) in [
                (try await validate(blockCapability()), "not as a raw device"),
                (try await validate(mountCapability("xfs")), "carries ext4"),
                (try await validate(mountCapability("", .multiNodeSingleWriter)), "one node at a time"),
                (try await validate(mountCapability(), ["class": "bulk"]), "other parameters"),
            ] {
                #expect(bad.confirmed == nil && bad.message.contains(words), "\(bad.message)")
            }
        }
    }

    /// What may change is held against what is in force, the rest against what the volume was made with.
    @Test func validateFollowsAChange() async throws {
        try await withDriver { driver in
            var made = createRequest(parameters: ["class": "standard", "iopsBurst": "50"])
            made.mutableParameters = ["iops": "100"]
            let volume = try await create(driver, made)
            func isConfirmed(_ parameters: [String: String], _ mutable: [String: String] = [:]) async throws -> Bool {
                let answer: CSI.ValidateVolumeCapabilitiesResponse = try await driver.call(
                    CSI.Method.validateVolumeCapabilities,
                    CSI.ValidateVolumeCapabilitiesRequest(
                        volumeID: volume.volumeID, volumeCapabilities: [mountCapability()], parameters: parameters,
                        mutableParameters: mutable))
                return answer.confirmed != nil
            }
            #expect(try await isConfirmed(made.parameters, made.mutableParameters))
            #expect(try await isConfirmed(["class": "standard"]))
            #expect(try await isConfirmed([:], ["iopsBurst": "50"]))
            let _: CSI.ControllerModifyVolumeResponse = try await driver.call(
                CSI.Method.controllerModifyVolume,
                CSI.ControllerModifyVolumeRequest(volumeID: volume.volumeID, mutableParameters: ["iops": "200"]))
            #expect(try await isConfirmed(made.parameters, ["iops": "200"]))
            #expect(try await isConfirmed([:], ["iops": "200", "csi.storage.k8s.io/pvc/name": "claim"]))
            #expect(try await !isConfirmed(made.parameters, made.mutableParameters))
            #expect(try await !isConfirmed(["class": "standard", "iops": "100"]))
            #expect(try await !isConfirmed(["class": "bulk"], ["iops": "200"]))
            #expect(try await !isConfirmed([:], ["iops": "200", "class": "standard"]))
        }
    }

    @Test func expandHoldsTheCapabilityAgainstTheVolume() async throws {
        try await withDriver { driver in
            let volume = try await create(driver, createRequest())
            for capability in [blockCapability(), mountCapability("xfs"), mountCapability("", flags: ["dax"])] {
                let request = CSI.ControllerExpandVolumeRequest(
                    volumeID: volume.volumeID, capacityRange: .init(requiredBytes: 128 << 20),
                    volumeCapability: capability)
                #expect(await driver.code(CSI.Method.controllerExpandVolume, request) == .invalidArgument)
            }
            let id = try #require(VolumeID(volume.volumeID))
            #expect(try await driver.engine.volume(id).sizeBytes == 64 << 20)
        }
    }

    @Test func expandAnswersWhetherTheNodeMustFollow() async throws {
        try await withDriver { driver in
            for (capability, mustFollow) in [(mountCapability(), true), (blockCapability(), false)] {
                let volume = try await create(driver, createRequest("v\(mustFollow)", for: capability))
                let request = CSI.ControllerExpandVolumeRequest(
                    volumeID: volume.volumeID, capacityRange: .init(requiredBytes: 128 << 20))
                for _ in 0..<2 {
                    let answer: CSI.ControllerExpandVolumeResponse = try await driver.call(
                        CSI.Method.controllerExpandVolume, request)
                    #expect(answer.capacityBytes == 128 << 20 && answer.nodeExpansionRequired == mustFollow)
                }
                let limited = CSI.ControllerExpandVolumeRequest(
                    volumeID: volume.volumeID, capacityRange: .init(requiredBytes: 1, limitBytes: 64 << 20))
                #expect(await driver.code(CSI.Method.controllerExpandVolume, limited) == .outOfRange)
            }
        }
    }

    @Test func capacityIsTheGroups() async throws {
        try await withDriver { driver in
            let here: CSI.GetCapacityResponse = try await driver.call(
                CSI.Method.getCapacity, CSI.GetCapacityRequest(parameters: ["class": "bulk"]))
            #expect(here.availableCapacity == 1 << 44 && here.maximumVolumeSize == 1 << 44)
            #expect(here.minimumVolumeSize == 304 << 20)
            let elsewhere: CSI.GetCapacityResponse = try await driver.call(
                CSI.Method.getCapacity,
                CSI.GetCapacityRequest(accessibleTopology: .init(segments: [CSISettings.topologyKey: "mars"])))
            #expect(elsewhere.availableCapacity == 0)
            #expect(
                await driver.code(CSI.Method.getCapacity, CSI.GetCapacityRequest(parameters: ["class": "gold"]))
                    == .invalidArgument)
        }
    }

    @Test func aDuplicateInFlightIsAborted() async throws {
        try await withDriver { driver in
            driver.engine.setDelay(.milliseconds(2000))
            async let first = create(driver, createRequest())
            try await Task.sleep(for: .milliseconds(500))
            #expect(await driver.code(CSI.Method.createVolume, createRequest()) == .aborted)
            _ = try await first
        }
    }
}
