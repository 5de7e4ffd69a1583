import Base
import Catalogue
import Domain
import EngineFakes
import Testing
import VolumeEngine
import Volumes

@Suite struct GroupTests {
    private let bench: Bench
    private var volumes: Volumes { bench.volumes }

    init() async throws { bench = try await Bench() }

    private func request(_ name: String, in group: String) -> VolumeRequest {
        var request = Bench.request(name)
        request.group = group
        return request
    }

    private func make(_ policy: DeletionPolicy) async throws -> Volume {
        let order = GroupOrder(label: "own", protection: .replicated(2), deletionPolicy: policy)
        #expect(try await volumes.createGroup(order).outcome == .created)
        return try await volumes.create(request("a", in: "own"))
    }

    @Test func aRetainedGroupIsHiddenAndComesBack() async throws {
        let made = try await make(.retain)
        await expect(.failedPrecondition) { _ = try await volumes.deleteGroup("own", force: false) }
        #expect(try await volumes.usableVolume(made.id) == made)
        #expect(try await volumes.deleteGroup("own", force: true) == .init(isRetained: true, volumeCount: 1))
        #expect(try await volumes.deleteGroup("own", force: true) == .init(isRetained: true, volumeCount: 1))

        #expect(bench.engine.ids.isEmpty && bench.engine.allIDs == [made.id])
        #expect(try await bench.catalogue.volumes().isEmpty)
        #expect(try await bench.catalogue.volume(made.id) == nil)
        await expect(.notFound) { _ = try await volumes.usableVolume(made.id) }
        await expect(.notFound) {
            _ = try await volumes.publish(made.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        }
        await expect(.notFound) {
            _ = try await volumes.expand(made.id, to: CapacityRange(requiredBytes: 2 << 30, limitBytes: 0))
        }
        await expect(.notFound) { _ = try await volumes.capacity(ofGroup: "own") }
        await expect(.invalid) { _ = try await volumes.create(request("b", in: "own")) }
        // Its name stays taken, and to delete it as one that is not known deletes nothing.
        await expect(.conflict) { _ = try await volumes.create(Bench.request("a")) }
        try await volumes.delete(made.id)
        let report = try await volumes.sweepOrphans(graceSeconds: 0)
        #expect(report == OrphanReport())
        try await bench.reopen()
        #expect(bench.engine.groupState("own") == .retained)
        #expect(try await bench.disagreement() == nil)

        await expect(.conflict) { _ = try await volumes.createGroup(GroupOrder(label: "own", protection: .single)) }
        let (outcome, count) = try await volumes.createGroup(GroupOrder(label: "own"))
        #expect(outcome == .reconnected && count == 1)
        #expect(try await volumes.usableVolume(made.id) == made)
        #expect(try await bench.catalogue.group("own")?.protection == .replicated(2))
        #expect(bench.engine.ids == [made.id])
        _ = try await volumes.publish(made.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
    }

    @Test func aDeletedGroupIsGoneWithItsVolumes() async throws {
        let made = try await make(.delete)
        await expect(.failedPrecondition) { _ = try await volumes.deleteGroup("own", force: false) }
        #expect(try await volumes.deleteGroup("own", force: true) == .init(isRetained: false, volumeCount: 1))
        await expect(.notFound) { _ = try await volumes.deleteGroup("own", force: true) }
        #expect(bench.engine.allIDs.isEmpty && bench.engine.groupState("own") == nil)
        #expect(try await bench.catalogue.allVolumes().isEmpty)
        // The label and the name are free, the id is not.
        _ = try await volumes.createGroup(GroupOrder(label: "own", protection: .single))
        #expect(try await volumes.create(request("a", in: "own")).id != made.id)
        await expect(.notFound) { _ = try await bench.engine.createVolume(made.id, group: "own", sizeBytes: 4096) }
    }

    @Test(arguments: [DeletionPolicy.retain, .delete]) func usedVolumesBlock(_ policy: DeletionPolicy) async throws {
        let made = try await make(policy)
        _ = try await volumes.publish(made.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        await expect(.failedPrecondition) { _ = try await volumes.deleteGroup("own", force: true) }
        try await volumes.unpublish(made.id, from: nil)
        // Attached without a publication: the engine refuses, and everything is as it was.
        bench.engine.setAttached(made.id, true)
        await expect(.failedPrecondition) { _ = try await volumes.deleteGroup("own", force: true) }
        #expect(try await volumes.usableVolume(made.id).id == made.id)
        #expect(bench.engine.groupState("own") == .active)
        bench.engine.setAttached(made.id, false)
        bench.engine.setFault { name throws(Failure) in
            if name == "deleteVolume" { throw Failure(.unavailable, "not now") }
        }
        await expect(.unavailable) { try await volumes.delete(made.id) }
        await expect(.busy) { _ = try await volumes.deleteGroup("own", force: true) }
        bench.engine.setFault(nil)
        try await volumes.delete(made.id)
        _ = try await volumes.deleteGroup("own", force: false)
    }

    @Test func configuredGroupsAreTheConfigurations() async throws {
        let failure = await #expect(throws: Failure.self) { _ = try await volumes.deleteGroup("standard", force: true) }
        #expect(failure?.kind == .failedPrecondition && failure?.message.contains("`groups`") == true)
        await expect(.conflict) { _ = try await volumes.createGroup(GroupOrder(label: "standard", capacityBytes: 1)) }
        #expect(try await volumes.createGroup(GroupOrder(label: "standard")).outcome == .existed)
        // Taken out of the configuration it can be removed; put back, it is there again.
        let made = try await volumes.create(Bench.request("a"))
        try await volumes.start(groups: Defaults.groups.filter { $0.label != "standard" })
        _ = try await volumes.deleteGroup("standard", force: true)
        try await volumes.start(groups: Defaults.groups.filter { $0.label != "standard" })
        await expect(.notFound) { _ = try await volumes.usableVolume(made.id) }
        try await volumes.start(groups: Defaults.groups)
        #expect(try await volumes.usableVolume(made.id) == made)
    }

    @Test func whatCanChangeOfAGroupChanges() async throws {
        _ = try await make(.retain)
        let order = GroupOrder(label: "own", capacityBytes: 1 << 30, deletionPolicy: .delete)
        #expect(try await volumes.createGroup(order).outcome == .existed)
        let group = try #require(try await bench.catalogue.group("own"))
        #expect(group.capacityBytes == 1 << 30 && group.deletionPolicy == .delete)
        await expect(.conflict) { _ = try await volumes.createGroup(GroupOrder(label: "own", sliceBytes: 8 << 20)) }
        await expect(.invalid) { _ = try await volumes.createGroup(GroupOrder(label: "new")) }
        await expect(.invalid) { _ = try await volumes.createGroup(GroupOrder(label: "-", protection: .single)) }
        await expect(.exhausted) {
            let wide = GroupOrder(label: "wide", protection: .erasure(data: 16, parity: 4))
            _ = try await volumes.createGroup(wide)
        }
        #expect(try await bench.catalogue.groupRecord("wide") == nil)
    }
}
