import Base
import CSIMessages
import CSIServices
import EngineFakes
import GRPCServer
import Testing
import VolumeEngine

/// Lists in pages, single volumes and snapshots, limits and health.
@Suite struct ListTests {
    private func create(
        _ driver: Driver, _ name: String, for capability: CSI.VolumeCapability = blockCapability()
    ) async throws -> String {
        let made: CSI.CreateVolumeResponse = try await driver.call(
            CSI.Method.createVolume, createRequest(name, for: capability))
        return try #require(made.volume).volumeID
    }

    private func page(
        _ driver: Driver, _ max: Int32 = 0, _ token: String = ""
    ) async throws -> (ids: [String], next: String) {
        let page: CSI.ListVolumesResponse = try await driver.call(
            CSI.Method.listVolumes, CSI.ListVolumesRequest(maxEntries: max, startingToken: token))
        return (page.entries.compactMap { $0.volume?.volumeID }, page.nextToken)
    }

    /// What comes and goes between two pages moves nothing else, and what comes is on the last one.
    @Test func pagesAreStable() async throws {
        try await withDriver { driver in
            var ids: [String] = []
            for number in 0..<7 { ids.append(try await create(driver, "v\(number)")) }
            #expect(try await page(driver) == (ids, ""))
            let first = try await page(driver, 3)
            #expect(first.ids == Array(ids[..<3]) && !first.next.isEmpty)
            for gone in [2, 6] {
                let _: CSI.DeleteVolumeResponse = try await driver.call(
                    CSI.Method.deleteVolume, CSI.DeleteVolumeRequest(volumeID: ids[gone]))
            }
            let late = try await create(driver, "late")
            let second = try await page(driver, 3, first.next)
            #expect(second.ids == Array(ids[3..<6]) && !second.next.isEmpty)
            #expect(try await page(driver, 3, second.next) == ([late], ""))
            for bad in ["x", "volumes-", "volumes-0", "volumes--1", "volumes-1x", "snapshots-1", "health-1"] {
                #expect(
                    await driver.code(CSI.Method.listVolumes, CSI.ListVolumesRequest(startingToken: bad)) == .aborted,
                    "\(bad)")
            }
            #expect(
                await driver.code(CSI.Method.listVolumes, CSI.ListVolumesRequest(maxEntries: -1)) == .invalidArgument)
        }
    }

    @Test func publishedNodesAreTold() async throws {
        try await withDriver { driver in
            let id = try await create(driver, "a")
            let _: CSI.ControllerPublishVolumeResponse = try await driver.call(
                CSI.Method.controllerPublishVolume,
                CSI.ControllerPublishVolumeRequest(
                    volumeID: id, nodeID: "host-2", volumeCapability: blockCapability()))
            let listed: CSI.ListVolumesResponse = try await driver.call(
                CSI.Method.listVolumes, CSI.ListVolumesRequest())
            #expect(listed.entries.first?.status?.publishedNodeIDs == ["host-2"])
            let got: CSI.ControllerGetVolumeResponse = try await driver.call(
                CSI.Method.controllerGetVolume, CSI.ControllerGetVolumeRequest(volumeID: id))
            #expect(got.status?.publishedNodeIDs == ["host-2"] && got.volume == listed.entries.first?.volume)
            for (wrong, code) in [
                ("", GRPCCode.invalidArgument), ("x", .notFound), (VolumeID.random().description, .notFound),
            ] {
                #expect(
                    await driver.code(
                        CSI.Method.controllerGetVolume, CSI.ControllerGetVolumeRequest(volumeID: wrong)) == code)
            }
        }
    }

    /// Nodes that only read share a volume; one that writes is alone, and a reader's going does not cut the others off.
    @Test func readersShareAVolume() async throws {
        try await withDriver { driver in
            let id = try await create(driver, "a")
            func publish(
                _ node: String, _ mode: CSI.VolumeCapability.AccessMode.Mode
            ) -> CSI.ControllerPublishVolumeRequest {
                CSI.ControllerPublishVolumeRequest(
                    volumeID: id, nodeID: node, volumeCapability: blockCapability(mode))
            }
            func unpublish(_ node: String) async throws {
                let _: CSI.ControllerUnpublishVolumeResponse = try await driver.call(
                    CSI.Method.controllerUnpublishVolume,
                    CSI.ControllerUnpublishVolumeRequest(volumeID: id, nodeID: node))
            }
            var contexts: [[String: String]] = []
            for node in ["host-1", "host-2", "host-1"] {
                let granted: CSI.ControllerPublishVolumeResponse = try await driver.call(
                    CSI.Method.controllerPublishVolume, publish(node, .multiNodeReaderOnly))
                contexts.append(granted.publishContext)
            }
            #expect(Set(contexts).count == 1 && contexts[0]["ashlar/read-only"] == "true")
            let writer = publish("host-2", .singleNodeWriter)
            #expect(await driver.code(CSI.Method.controllerPublishVolume, writer) == .failedPrecondition)
            let epoch = try await driver.engine.volume(try #require(VolumeID(id))).attachEpoch
            try await unpublish("host-1")
            #expect(try await driver.engine.volume(try #require(VolumeID(id))).attachEpoch == epoch)
            #expect(await driver.code(CSI.Method.controllerPublishVolume, writer) == .alreadyExists)
            try await unpublish("host-2")
            #expect(try await driver.engine.volume(try #require(VolumeID(id))).attachEpoch > epoch)
            let _: CSI.ControllerPublishVolumeResponse = try await driver.call(
                CSI.Method.controllerPublishVolume, writer)
            #expect(
                await driver.code(CSI.Method.controllerPublishVolume, publish("host-1", .multiNodeReaderOnly))
                    == .failedPrecondition)
        }
    }

    // MARK: Limits

    @Test func limitsChangeWholeOrNotAtAll() async throws {
        try await withDriver { driver in
            var request = createRequest("a", for: blockCapability())
            request.mutableParameters = ["iops": "500", "bandwidth": "100Mi"]
            let made: CSI.CreateVolumeResponse = try await driver.call(CSI.Method.createVolume, request)
            let id = try #require(made.volume).volumeID
            func limits() async throws -> [UInt64?] {
                let found = try await driver.engine.volume(try #require(VolumeID(id))).limits
                return [found.iops, found.iopsBurst, found.bandwidth, found.bandwidthBurst]
            }
            func modify(_ parameters: [String: String]) -> CSI.ControllerModifyVolumeRequest {
                CSI.ControllerModifyVolumeRequest(volumeID: id, mutableParameters: parameters)
            }
            #expect(try await limits() == [500, nil, 100 << 20, nil])
            for wrong in [
                ["iops": "900", "iosp": "1"], ["iops": "many"], ["iops": "-1"], ["bandwidth": "1"], ["class": "bulk"],
                ["iops": ""], ["bandwidth": "0", "bandwidthBurst": "1Mi"], ["": "1"], [:],
            ] {
                #expect(
                    await driver.code(CSI.Method.controllerModifyVolume, modify(wrong)) == .invalidArgument, "\(wrong)")
                #expect(try await limits() == [500, nil, 100 << 20, nil])
            }
            for (change, expected) in [
                (["iopsBurst": "50", "csi.storage.k8s.io/pvc/name": "claim"], [500, 50, 100 << 20, nil]),
                (["bandwidth": "0"], [500, 50, nil, nil]), (["iops": "0"], [nil, nil, nil, nil]),
                (["bandwidth": "1048576", "bandwidthBurst": "2Mi"], [nil, nil, 1 << 20, 2 << 20]),
            ] as [([String: String], [UInt64?])] {
                let _: CSI.ControllerModifyVolumeResponse = try await driver.call(
                    CSI.Method.controllerModifyVolume, modify(change))
                #expect(try await limits() == expected)
            }
            // The same request still means the same volume.
            let again: CSI.CreateVolumeResponse = try await driver.call(CSI.Method.createVolume, request)
            #expect(again.volume?.volumeID == id)
            var unknown = modify(["iops": "1"])
            unknown.volumeID = VolumeID.random().description
            #expect(await driver.code(CSI.Method.controllerModifyVolume, unknown) == .notFound)
            request.name = "b"
            // What ControllerModifyVolume would refuse: a typo, and what stays as it is for the volume's life.
            for refused in [
                ["iopps": "1"], ["class": "bulk"], ["group": "bulk"], ["iops": "1", "mountOptions": "noatime"],
            ] {
                request.mutableParameters = refused
                #expect(await driver.code(CSI.Method.createVolume, request) == .invalidArgument, "\(refused)")
            }
        }
    }

    // MARK: Health

    @Test func onlyWhatIsNotHealthyIsListed() async throws {
        try await withDriver { driver in
            var ids: [String] = []
            for number in 0..<4 { ids.append(try await create(driver, "v\(number)")) }
            func list(_ max: Int32 = 0, _ token: String = "") async throws -> CSI.ControllerListVolumeHealthResponse {
                try await driver.call(
                    CSI.Method.controllerListVolumeHealth,
                    CSI.ControllerListVolumeHealthRequest(maxEntries: max, startingToken: token))
            }
            #expect(try await list().entries.isEmpty)
            for (id, health) in zip(ids, [VolumeHealth.degraded, .failed, .degraded]) {
                driver.engine.setHealth(try #require(VolumeID(id)), health)
            }
            let sick = ids[..<3].sorted()
            #expect(try await list().entries.map(\.volumeID) == sick)
            let first = try await list(2)
            #expect(first.entries.map(\.volumeID) == Array(sick[..<2]))
            let last = try await list(2, first.nextToken)
            #expect(last.entries.map(\.volumeID) == Array(sick[2...]) && last.nextToken.isEmpty)
            let lost: CSI.ControllerGetVolumeHealthResponse = try await driver.call(
                CSI.Method.controllerGetVolumeHealth, CSI.ControllerGetVolumeHealthRequest(volumeID: ids[1]))
            #expect(lost.volumeHealth?.healthStatuses.map(\.status) == [.dataLoss])
            #expect(lost.volumeHealth?.healthStatuses.first?.reason == "BlocksLost")
            let well: CSI.ControllerGetVolumeHealthResponse = try await driver.call(
                CSI.Method.controllerGetVolumeHealth, CSI.ControllerGetVolumeHealthRequest(volumeID: ids[3]))
            #expect(well.volumeHealth?.volumeID == ids[3] && well.volumeHealth?.healthStatuses.isEmpty == true)
            #expect(
                await driver.code(
                    CSI.Method.controllerGetVolumeHealth, CSI.ControllerGetVolumeHealthRequest(volumeID: "x"))
                    == .notFound)
            let storage: CSI.NodeGetStorageHealthResponse = try await driver.call(
                CSI.Method.nodeGetStorageHealth, CSI.NodeGetStorageHealthRequest())
            #expect(storage.backendHealth.isEmpty)
        }
    }

    // MARK: Groups

    /// A group that asks for more than there is does no harm until somebody wants it.
    @Test func groupsAreMadeOnTheirFirstUse() async throws {
        let driver = try await Driver(groupsOnFirstUse: true)
        #expect(try await driver.catalogue.groups().isEmpty)
        let _: CSI.CreateVolumeResponse = try await driver.call(
            CSI.Method.createVolume, createRequest("a", parameters: ["class": "standard"]))
        #expect(try await driver.catalogue.groups().map(\.label) == ["standard"])
        let capacity: CSI.GetCapacityResponse = try await driver.call(
            CSI.Method.getCapacity, CSI.GetCapacityRequest(parameters: ["class": "bulk"]))
        #expect(capacity.availableCapacity > 0)
        #expect(try await driver.catalogue.groups().map(\.label) == ["bulk", "standard"])
        #expect(
            await driver.code(CSI.Method.createVolume, createRequest("b", parameters: ["group": "unknown"]))
                == .invalidArgument)
        try await driver.close()
    }
}
