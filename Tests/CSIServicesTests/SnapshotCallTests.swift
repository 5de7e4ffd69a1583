import Base
import CSIMessages
import CSIServices
import EngineFakes
import GRPCServer
import Testing

/// Snapshots, group snapshots, and volumes that begin as one.
@Suite struct SnapshotCallTests {
    private func create(
        _ driver: Driver, _ name: String, from source: CSI.VolumeContentSource? = nil, bytes: Int64 = 64 << 20,
        limit: Int64 = 0, for capability: CSI.VolumeCapability = blockCapability()
    ) async throws -> CSI.Volume {
        let made: CSI.CreateVolumeResponse = try await driver.call(
            CSI.Method.createVolume, request(name, from: source, bytes: bytes, limit: limit, for: capability))
        return try #require(made.volume)
    }

    private func request(
        _ name: String, from source: CSI.VolumeContentSource?, bytes: Int64 = 64 << 20, limit: Int64 = 0,
        for capability: CSI.VolumeCapability = blockCapability()
    ) -> CSI.CreateVolumeRequest {
        var request = createRequest(name, requiredBytes: bytes, limitBytes: limit, for: capability)
        request.volumeContentSource = source
        return request
    }

    private func snapshot(_ driver: Driver, _ name: String, of volume: String) async throws -> CSI.Snapshot {
        let made: CSI.CreateSnapshotResponse = try await driver.call(
            CSI.Method.createSnapshot, CSI.CreateSnapshotRequest(sourceVolumeID: volume, name: name))
        return try #require(made.snapshot)
    }

    private func listed(_ driver: Driver, _ request: CSI.ListSnapshotsRequest) async throws -> [String] {
        let found: CSI.ListSnapshotsResponse = try await driver.call(CSI.Method.listSnapshots, request)
        return found.entries.compactMap { $0.snapshot?.snapshotID }
    }

    private func source(_ snapshot: CSI.Snapshot) -> CSI.VolumeContentSource {
        .init(type: .snapshot(.init(snapshotID: snapshot.snapshotID)))
    }

    @Test func aSnapshotsLife() async throws {
        try await withDriver { driver in
            let (a, b) = (try await create(driver, "a"), try await create(driver, "b"))
            let one = try await snapshot(driver, "one", of: a.volumeID)
            #expect(one.readyToUse && one.sizeBytes == 64 << 20 && one.sourceVolumeID == a.volumeID)
            #expect(try #require(one.creationTime).seconds > 1_700_000_000 && one.groupSnapshotID.isEmpty)
            #expect(try await snapshot(driver, "one", of: a.volumeID) == one)
            let other = CSI.CreateSnapshotRequest(sourceVolumeID: b.volumeID, name: "one")
            #expect(await driver.code(CSI.Method.createSnapshot, other) == .alreadyExists)
            for (name, volume, parameters, code) in [
                ("", a.volumeID, [:], GRPCCode.invalidArgument), ("x", "", [:], .invalidArgument),
                ("x", "unknown", [:], .notFound), ("x", a.volumeID, ["copies": "2"], .invalidArgument),
            ] {
                let wrong = CSI.CreateSnapshotRequest(sourceVolumeID: volume, name: name, parameters: parameters)
                #expect(await driver.code(CSI.Method.createSnapshot, wrong) == code, "\(wrong)")
            }
            let two = try await snapshot(driver, "two", of: b.volumeID)
            #expect(try await listed(driver, .init()) == [one.snapshotID, two.snapshotID])
            #expect(try await listed(driver, .init(sourceVolumeID: b.volumeID)) == [two.snapshotID])
            #expect(try await listed(driver, .init(snapshotID: one.snapshotID)) == [one.snapshotID])
            #expect(try await listed(driver, .init(sourceVolumeID: b.volumeID, snapshotID: one.snapshotID)) == [])
            #expect(try await listed(driver, .init(snapshotID: "unknown")) == [])
            #expect(try await listed(driver, .init(sourceVolumeID: "unknown")) == [])
            let first: CSI.ListSnapshotsResponse = try await driver.call(
                CSI.Method.listSnapshots, CSI.ListSnapshotsRequest(maxEntries: 1))
            #expect(
                try await listed(driver, .init(maxEntries: 1, startingToken: first.nextToken)) == [two.snapshotID])
            #expect(
                await driver.code(CSI.Method.listSnapshots, CSI.ListSnapshotsRequest(startingToken: "volumes-1"))
                    == .aborted)

            // They outlive their volume.
            let _: CSI.DeleteVolumeResponse = try await driver.call(
                CSI.Method.deleteVolume, CSI.DeleteVolumeRequest(volumeID: a.volumeID))
            let got: CSI.GetSnapshotResponse = try await driver.call(
                CSI.Method.getSnapshot, CSI.GetSnapshotRequest(snapshotID: one.snapshotID))
            #expect(got.snapshot == one)
            #expect(try await listed(driver, .init(sourceVolumeID: a.volumeID)) == [one.snapshotID])
            for _ in 0..<2 {
                let _: CSI.DeleteSnapshotResponse = try await driver.call(
                    CSI.Method.deleteSnapshot, CSI.DeleteSnapshotRequest(snapshotID: one.snapshotID))
            }
            #expect(
                await driver.code(CSI.Method.getSnapshot, CSI.GetSnapshotRequest(snapshotID: one.snapshotID))
                    == .notFound)
        }
    }

    @Test func volumesBeginAsSnapshotsAndVolumes() async throws {
        try await withDriver { driver in
            let origin = try await create(driver, "origin")
            let kept = try await snapshot(driver, "kept", of: origin.volumeID)
            let restored = try await create(driver, "restored", from: source(kept))
            #expect(restored.contentSource == source(kept) && restored.capacityBytes == 64 << 20)
            let larger = try await create(driver, "larger", from: source(kept), bytes: 96 << 20)
            #expect(larger.capacityBytes == 96 << 20)
            // What is not asked for is the source's size.
            let same = try await create(driver, "same", from: source(kept), bytes: 0)
            #expect(same.capacityBytes == 64 << 20)
            let smaller = try await create(driver, "smaller", from: source(kept), bytes: 1 << 20)
            #expect(smaller.capacityBytes == 64 << 20)
            let copyOf = CSI.VolumeContentSource(type: .volume(.init(volumeID: origin.volumeID)))
            let copy = try await create(driver, "copy", from: copyOf, bytes: 0)
            // A repeat is the same, though the source has grown or gone.
            let _: CSI.ControllerExpandVolumeResponse = try await driver.call(
                CSI.Method.controllerExpandVolume,
                CSI.ControllerExpandVolumeRequest(
                    volumeID: origin.volumeID, capacityRange: .init(requiredBytes: 128 << 20)))
            #expect(try await create(driver, "copy", from: copyOf, bytes: 0) == copy)
            let _: CSI.DeleteSnapshotResponse = try await driver.call(
                CSI.Method.deleteSnapshot, CSI.DeleteSnapshotRequest(snapshotID: kept.snapshotID))
            #expect(try await create(driver, "restored", from: source(kept)) == restored)
            let refused: [(CSI.CreateVolumeRequest, GRPCCode)] = [
                (request("restored", from: nil), .alreadyExists),
                (request("restored", from: copyOf), .alreadyExists),
                (request("new", from: source(kept)), .notFound),
                (request("new", from: .init(type: .volume(.init(volumeID: "unknown")))), .notFound),
                (request("new", from: .init()), .invalidArgument),
                (request("new", from: copyOf, bytes: 0, limit: 100 << 20), .outOfRange),
                (request("new", from: copyOf, for: mountCapability("ext4")), .invalidArgument),
            ]
            for (wrong, code) in refused {
                #expect(await driver.code(CSI.Method.createVolume, wrong) == code, "\(wrong)")
            }
        }
    }

    @Test func groupsOfSnapshots() async throws {
        try await withDriver { driver in
            var ids: [String] = []
            for name in ["a", "b"] { ids.append(try await create(driver, name).volumeID) }
            let wanted = CSI.CreateVolumeGroupSnapshotRequest(name: "night", sourceVolumeIDs: ids)
            let made: CSI.CreateVolumeGroupSnapshotResponse = try await driver.call(
                CSI.Method.createVolumeGroupSnapshot, wanted)
            let group = try #require(made.groupSnapshot)
            #expect(group.readyToUse && Set(group.snapshots.map(\.sourceVolumeID)) == Set(ids))
            #expect(group.snapshots.allSatisfy { $0.groupSnapshotID == group.groupSnapshotID && $0.readyToUse })
            let again: CSI.CreateVolumeGroupSnapshotResponse = try await driver.call(
                CSI.Method.createVolumeGroupSnapshot,
                CSI.CreateVolumeGroupSnapshotRequest(name: "night", sourceVolumeIDs: ids.reversed()))
            #expect(again.groupSnapshot == group)
            let members = group.snapshots.map(\.snapshotID)
            for list in [[], members, members.reversed()] {
                let got: CSI.GetVolumeGroupSnapshotResponse = try await driver.call(
                    CSI.Method.getVolumeGroupSnapshot,
                    CSI.GetVolumeGroupSnapshotRequest(groupSnapshotID: group.groupSnapshotID, snapshotIDs: list))
                #expect(got.groupSnapshot == group)
            }
            for list in [[members[0]], members + ["x"], ["x", "y"]] {
                #expect(
                    await driver.code(
                        CSI.Method.getVolumeGroupSnapshot,
                        CSI.GetVolumeGroupSnapshotRequest(groupSnapshotID: group.groupSnapshotID, snapshotIDs: list))
                        == .invalidArgument)
                #expect(
                    await driver.code(
                        CSI.Method.deleteVolumeGroupSnapshot,
                        CSI.DeleteVolumeGroupSnapshotRequest(groupSnapshotID: group.groupSnapshotID, snapshotIDs: list))
                        == .invalidArgument)
            }
            let refused: [(String, [String], GRPCCode)] = [
                ("", ids, .invalidArgument), ("x", [], .invalidArgument), ("x", ["unknown"], .notFound),
                ("x", ids + [VolumeID.random().description], .notFound), ("night", [ids[0]], .alreadyExists),
            ]
            for (name, volumes, code) in refused {
                #expect(
                    await driver.code(
                        CSI.Method.createVolumeGroupSnapshot,
                        CSI.CreateVolumeGroupSnapshotRequest(name: name, sourceVolumeIDs: volumes)) == code)
            }
            #expect(
                await driver.code(CSI.Method.deleteSnapshot, CSI.DeleteSnapshotRequest(snapshotID: members[0]))
                    == .invalidArgument)
            #expect(try await listed(driver, .init()).sorted() == members.sorted())
            for _ in 0..<2 {
                let _: CSI.DeleteVolumeGroupSnapshotResponse = try await driver.call(
                    CSI.Method.deleteVolumeGroupSnapshot,
                    CSI.DeleteVolumeGroupSnapshotRequest(
                        groupSnapshotID: group.groupSnapshotID, snapshotIDs: members))
            }
            #expect(
                await driver.code(
                    CSI.Method.getVolumeGroupSnapshot,
                    CSI.GetVolumeGroupSnapshotRequest(groupSnapshotID: group.groupSnapshotID)) == .notFound)
            #expect(try await listed(driver, .init()).isEmpty)
        }
    }
}
