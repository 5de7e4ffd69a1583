import Base
import Catalogue
import Domain
import EngineFakes
import Testing
import VolumeEngine
import Volumes

@Suite struct SnapshotTests {
    private let bench: Bench
    private var volumes: Volumes { bench.volumes }

    init() async throws { bench = try await Bench() }

    @Test func createIsIdempotentByName() async throws {
        let (a, b) = (try await volumes.create(Bench.request("a")), try await volumes.create(Bench.request("b")))
        let made = try await volumes.createSnapshot("s", of: a.id)
        #expect(made.phase == .ready && made.createdAt == 1_700_000_123 && made.sizeBytes == a.sizeBytes)
        #expect(try await volumes.createSnapshot("s", of: a.id) == made)
        await expect(.conflict) { _ = try await volumes.createSnapshot("s", of: b.id) }
        await expect(.notFound) { _ = try await volumes.createSnapshot("t", of: .random()) }
        await expect(.invalid) { _ = try await volumes.createSnapshot("", of: a.id) }
        let cut = try await volumes.createGroupSnapshot("t", of: [b.id, a.id])
        #expect(try await volumes.createGroupSnapshot("t", of: [a.id, b.id]).map(\.id) == cut.map(\.id).reversed())
        await expect(.conflict) { _ = try await volumes.createGroupSnapshot("t", of: [a.id]) }
        await expect(.conflict) { _ = try await volumes.createSnapshot("t", of: a.id) }
        await expect(.conflict) { _ = try await volumes.createGroupSnapshot("s", of: [a.id]) }
        await expect(.invalid) { _ = try await volumes.createGroupSnapshot("u", of: [a.id, a.id]) }
        #expect(try await bench.disagreement() == nil)
    }

    @Test func aCutIsDeletedWhole() async throws {
        let (a, b) = (try await volumes.create(Bench.request("a")), try await volumes.create(Bench.request("b")))
        let made = try await volumes.createGroupSnapshot("t", of: [a.id, b.id])
        let cut = try #require(made[0].cut)
        await expect(.failedPrecondition) { try await volumes.deleteSnapshot(made[0].id) }
        for _ in 0..<2 { try await volumes.deleteGroupSnapshot(cut.id) }
        #expect(try await bench.catalogue.snapshots().isEmpty)
        let single = try await volumes.createSnapshot("t", of: a.id)
        for _ in 0..<2 { try await volumes.deleteSnapshot(single.id) }
        try await volumes.deleteSnapshot(.random())
        #expect(try await bench.disagreement() == nil)
    }

    @Test func whatTheEngineRefusesLeavesNothing() async throws {
        let a = try await volumes.create(Bench.request("a"))
        bench.engine.setFault { name throws(Failure) in
            if name == "createSnapshots" { throw Failure(.exhausted, "full") }
        }
        await expect(.exhausted) { _ = try await volumes.createSnapshot("s", of: a.id) }
        bench.engine.setFault { name throws(Failure) in
            if name == "createSnapshots+" { throw Failure(.unavailable, "restarting") }
        }
        #expect(try await bench.catalogue.snapshots().isEmpty)
        await expect(.unavailable) { _ = try await volumes.createSnapshot("s", of: a.id) }
        bench.engine.setFault(nil)
        // Carried on with the same id.
        let id = try #require(bench.engine.allSnapshotIDs.first)
        #expect(try await volumes.createSnapshot("s", of: a.id).id == id)
        #expect(try await bench.disagreement() == nil)
    }

    @Test func whatNobodyRepeatsIsUndone() async throws {
        let a = try await volumes.create(Bench.request("a"))
        bench.engine.setFault { name throws(Failure) in
            if name == "createSnapshots+" { throw Failure(.timedOut, "slow") }
        }
        await expect(.timedOut) { _ = try await volumes.createSnapshot("s", of: a.id) }
        bench.engine.setFault(nil)
        await volumes.settleUnfinished(olderThanSeconds: 600)
        #expect(try await bench.catalogue.snapshots().count == 1)
        bench.time.advance(seconds: 601)
        await volumes.settleUnfinished(olderThanSeconds: 600)
        #expect(bench.engine.allSnapshotIDs.isEmpty)
        #expect(try await bench.disagreement() == nil)
    }

    @Test func clonesAreUsedAsTheirOrigin() async throws {
        let a = try await volumes.create(Bench.request("a", parameters: ["class": "standard"]))
        bench.engine.setFormatted(a.id, .filesystem("ext4"))
        let snapshot = try await volumes.createSnapshot("s", of: a.id)
        // The snapshot outlives the volume, and says how it was used.
        try await volumes.delete(a.id)
        let clone = try await volumes.clone(.snapshot(snapshot.id), as: "c")
        #expect(clone.request.filesystem == .ext4 && clone.request.parameters == a.request.parameters)
        #expect(clone.request.capabilities == a.request.capabilities && clone.sizeBytes == a.sizeBytes)
        #expect(bench.engine.content(of: clone.id) == .snapshot(snapshot.id))
        #expect(try await bench.engine.volume(clone.id).formatted == .filesystem("ext4"))
        #expect(try await volumes.clone(.snapshot(snapshot.id), as: "c") == clone)
        await expect(.conflict) { _ = try await volumes.create(a.request.named("c")) }
        let larger = try await volumes.clone(.volume(clone.id), as: "d", sizeBytes: a.sizeBytes + 1)
        #expect(larger.sizeBytes == a.sizeBytes + 4096 && bench.engine.content(of: larger.id) == .volume(clone.id))

        await expect(.outOfRange) { _ = try await volumes.clone(.volume(clone.id), as: "e", sizeBytes: 4096) }
        await expect(.notFound) { _ = try await volumes.clone(.volume(a.id), as: "e") }
        await expect(.notFound) { _ = try await volumes.clone(.snapshot(.random()), as: "e") }
        await expect(.invalid) { _ = try await volumes.clone(.volume(clone.id), as: "e", sizeBytes: .max) }
        var elsewhere = clone.request.named("e")
        elsewhere.group = "bulk"
        await expect(.invalid) { [elsewhere] in _ = try await volumes.create(elsewhere) }
        try await volumes.deleteSnapshot(snapshot.id)
        #expect(try await bench.disagreement() == nil)
        #expect(try await bench.catalogue.volumes().map(\.name) == ["c", "d"])
        try await bench.reopen()
        #expect(try await bench.catalogue.volume(larger.id)?.request == larger.request)
    }

    @Test func rollbackIsRefusedWhilePublished() async throws {
        let (a, b) = (try await volumes.create(Bench.request("a")), try await volumes.create(Bench.request("b")))
        let snapshot = try await volumes.createSnapshot("s", of: a.id)
        bench.engine.setFormatted(a.id, .filesystem("ext4"))
        _ = try await volumes.publish(a.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        await expect(.failedPrecondition) { _ = try await volumes.rollBack(a.id, to: snapshot.id) }
        try await volumes.unpublish(a.id, from: "n1")
        await expect(.invalid) { _ = try await volumes.rollBack(b.id, to: snapshot.id) }
        await expect(.notFound) { _ = try await volumes.rollBack(a.id, to: .random()) }
        _ = try await volumes.rollBack(a.id, to: snapshot.id)
        #expect(try await bench.engine.volume(a.id).formatted == .never)
        #expect(try await bench.disagreement() == nil)
    }

    /// Else the volume would change under a node that was given it.
    @Test func anUnfinishedRollbackIsCarriedOnBeforePublishing() async throws {
        let a = try await volumes.create(Bench.request("a"))
        let snapshot = try await volumes.createSnapshot("s", of: a.id)
        bench.engine.setFault { name throws(Failure) in
            if name == "rollBackVolume" { throw Failure(.unavailable, "restarting") }
        }
        await expect(.unavailable) { _ = try await volumes.rollBack(a.id, to: snapshot.id) }
        await expect(.unavailable) {
            _ = try await volumes.publish(a.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        }
        #expect(bench.engine.content(of: a.id) == .empty)
        bench.engine.setFault(nil)
        _ = try await volumes.publish(a.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        #expect(bench.engine.content(of: a.id) == .snapshot(snapshot.id))
        #expect(try await bench.disagreement() == nil)
    }

    @Test func groupsTakeTheirSnapshotsAlong() async throws {
        let order = GroupOrder(label: "own", protection: .replicated(2), deletionPolicy: .retain)
        _ = try await volumes.createGroup(order)
        var request = Bench.request("a")
        request.group = "own"
        let a = try await volumes.create(request)
        let snapshot = try await volumes.createSnapshot("s", of: a.id)
        try await volumes.delete(a.id)
        // A group that has nothing but snapshots is not empty.
        await expect(.failedPrecondition) { _ = try await volumes.deleteGroup("own", force: false) }
        _ = try await volumes.deleteGroup("own", force: true)
        await expect(.notFound) { _ = try await volumes.usableSnapshot(snapshot.id) }
        let other = try await volumes.create(Bench.request("other"))
        await expect(.conflict) { _ = try await volumes.createSnapshot("s", of: other.id) }
        try await volumes.deleteSnapshot(snapshot.id)
        #expect(try await volumes.sweepOrphans(graceSeconds: 0) == OrphanReport())
        _ = try await volumes.createGroup(GroupOrder(label: "own", deletionPolicy: .delete))
        #expect(try await volumes.usableSnapshot(snapshot.id) == snapshot)
        _ = try await volumes.deleteGroup("own", force: true)
        #expect(bench.engine.allSnapshotIDs.isEmpty)
        #expect(try await bench.disagreement() == nil)
    }

    @Test func unknownSnapshotsAreReportedAndKept() async throws {
        let a = try await volumes.create(Bench.request("a"))
        let stray = SnapshotID.random()
        _ = try await bench.engine.createSnapshot(stray, of: a.id)
        let report = try await volumes.sweepOrphans(graceSeconds: 0)
        #expect(report.keptSnapshots == [stray] && report.deleted.isEmpty)
        #expect(bench.engine.allSnapshotIDs == [stray])
    }

    @Test func headersAloneBringSnapshotsBack() async throws {
        let a = try await volumes.create(Bench.request("a", parameters: ["class": "standard"]))
        let b = try await volumes.create(Bench.request("b"))
        let cut = try await volumes.createGroupSnapshot("t", of: [a.id, b.id])
        let single = try await volumes.createSnapshot("s", of: b.id)
        let gone = try await volumes.createSnapshot("gone", of: b.id)
        let clone = try await volumes.clone(.snapshot(single.id), as: "c")
        let contents = try await bench.catalogue.contents()
        try await volumes.deleteSnapshot(gone.id)
        try await volumes.delete(a.id)
        let expected = (cut + [single]).sorted { $0.name < $1.name }
        for copy in [nil, contents] {
            let rebuild = CatalogueRebuild(inventory: bench.engine.inventory(), copy: copy, unixTime: 77)
            #expect(rebuild.contents.snapshots == expected)
            #expect(rebuild.contents.volumes.first { $0.name == "c" } == clone)
        }
        // Without an annotation a snapshot is known by its id, and used as its data says.
        let stray = try await bench.engine.createSnapshot(.random(), of: b.id)
        let rebuild = CatalogueRebuild(inventory: bench.engine.inventory(), copy: nil, unixTime: 77)
        let found = try #require(rebuild.contents.snapshots.first { $0.id == stray.id })
        #expect(found.name == "recovered-\(stray.id)" && found.request == b.request)
        try await bench.catalogue.replaceContents(rebuild.contents)
        try await bench.reopen()
        #expect(try await bench.disagreement() == nil)
    }
}

extension VolumeRequest {
    fileprivate func named(_ name: String) -> VolumeRequest {
        var request = self
        request.name = name
        return request
    }
}
