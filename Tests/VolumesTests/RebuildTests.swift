import Base
import Catalogue
import Domain
import EngineFakes
import Foundation
import Testing
import VolumeEngine
import Volumes

@Suite struct RebuildTests {
    private let bench: Bench
    private var volumes: Volumes { bench.volumes }

    init() async throws { bench = try await Bench() }

    private func rebuild(_ copy: CatalogueContents?) -> CatalogueRebuild {
        CatalogueRebuild(inventory: bench.engine.inventory(), copy: copy, unixTime: 77)
    }

    @Test func aNewCopyIsKeptAsItIs() async throws {
        let made = try await volumes.create(Bench.request("a", parameters: ["class": "standard"]))
        _ = try await volumes.publish(made.id, to: "n1", mode: .singleNodeWriter, readOnly: true)
        let contents = try await bench.catalogue.contents()
        let rebuild = rebuild(contents)
        #expect(rebuild.contents == contents)
        #expect((rebuild.groups + rebuild.volumes + rebuild.publications).allSatisfy { $0.action == .kept })
    }

    @Test func headersAloneAreEnough() async throws {
        let made = try await volumes.create(Bench.request("a", parameters: ["class": "standard", "ü": "\"\\"]))
        let grown = try await volumes.expand(made.id, to: CapacityRange(requiredBytes: 3 << 30, limitBytes: 0))
        let gone = try await volumes.create(Bench.request("b"))
        try await volumes.delete(gone.id)
        _ = try await volumes.publish(made.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        var expected = grown
        expected.lastEpoch = 1
        let rebuild = rebuild(nil)
        #expect(rebuild.contents.volumes == [expected])
        #expect(rebuild.contents.groups.map(\.group) == Defaults.groups.sorted { $0.label < $1.label })
        #expect(rebuild.contents.publications.isEmpty && rebuild.contents.intents.isEmpty)
        #expect(rebuild.contents.pool?.id == bench.engine.inventory().id)
        #expect(rebuild.volumes.map(\.action) == [.restored])

        // The catalogue that it gives is one that a start takes.
        try await bench.catalogue.replaceContents(rebuild.contents)
        try await bench.reopen()
        #expect(try await bench.disagreement() == nil)
        #expect(try await bench.volumes.create(made.request) == expected)
        let again = try await bench.volumes.publish(made.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        #expect(again.epoch == 2)
    }

    /// Everything that may have happened between the copy and the loss.
    @Test func anOldCopyIsBroughtUpToDate() async throws {
        let kept = try await volumes.create(Bench.request("kept"))
        let deleted = try await volumes.create(Bench.request("deleted"))
        let revoked = try await volumes.create(Bench.request("revoked"))
        let regranted = try await volumes.create(Bench.request("regranted"))
        for volume in [kept, revoked, regranted] {
            _ = try await volumes.publish(volume.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        }
        let copy = try await bench.catalogue.contents()
        let later = try await volumes.create(Bench.request("later"))
        try await volumes.delete(deleted.id)
        try await volumes.unpublish(revoked.id, from: nil)
        try await volumes.unpublish(regranted.id, from: nil)
        _ = try await volumes.publish(regranted.id, to: "n2", mode: .singleNodeWriter, readOnly: false)

        let rebuild = rebuild(copy)
        #expect(Set(rebuild.contents.volumes.map(\.id)) == [kept.id, revoked.id, regranted.id, later.id])
        #expect(rebuild.contents.publications.map(\.volume) == [kept.id])
        let epochs = Dictionary(uniqueKeysWithValues: rebuild.contents.volumes.map { ($0.id, $0.lastEpoch) })
        #expect(epochs == [kept.id: 1, revoked.id: 2, regranted.id: 3, later.id: 0])
        #expect(rebuild.volumes.first { $0.id == deleted.id.description }?.action == .removed)
        try await bench.catalogue.replaceContents(rebuild.contents)
        try await bench.reopen()
        #expect(try await bench.disagreement() == nil)
        let next = try await bench.volumes.publish(regranted.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        #expect(next.epoch > 3, "an epoch is never chosen twice")
    }

    /// A copy from the midst of a create must not undo a volume that was answered after it.
    @Test func whatTheCopyCallsUnfinishedMayHaveBeenAnswered() async throws {
        let seen = Once()
        let catalogue = bench.catalogue
        bench.engine.setFault { name throws(Failure) in
            if name == "createVolume+" { seen.request() }
        }
        let made = try await volumes.create(Bench.request("a"))
        #expect(seen.isRequested)
        var copy = try await catalogue.contents()
        copy.volumes[0].phase = .pending
        copy.intents = [Intent(subject: made.id, kind: .create, createdAt: 0)]
        bench.engine.setFault(nil)
        let rebuild = rebuild(copy)
        #expect(rebuild.contents.volumes == [made] && rebuild.contents.intents.isEmpty)

        // A grant likewise; and one that the engine never heard of is dropped.
        let publication = try await volumes.publish(made.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        copy = try await catalogue.contents()
        copy.publications[0].state = .granting
        #expect(self.rebuild(copy).contents.publications == [publication])
        copy.publications[0].epoch = 9
        #expect(self.rebuild(copy).contents.publications.isEmpty)

        // A deletion is carried on: somebody asked for it, and nothing leads back.
        try await volumes.unpublish(made.id, from: nil)
        copy = try await catalogue.contents()
        copy.volumes[0].phase = .deleting
        copy.intents = [Intent(subject: made.id, kind: .delete, createdAt: 0)]
        try await catalogue.replaceContents(self.rebuild(copy).contents)
        try await bench.reopen()
        #expect(bench.engine.ids.isEmpty)
        #expect(try await bench.disagreement() == nil)
    }

    @Test func groupsAreAsTheirHeadersSay() async throws {
        for label in ["one", "two", "three"] {
            let policy: DeletionPolicy = label == "two" ? .delete : .retain
            _ = try await volumes.createGroup(
                GroupOrder(label: label, profile: .archive, protection: .replicated(3), deletionPolicy: policy))
        }
        var request = Bench.request("a")
        request.group = "one"
        let hidden = try await volumes.create(request)
        let copy = try await bench.catalogue.contents()
        _ = try await volumes.deleteGroup("one", force: true)
        _ = try await volumes.deleteGroup("two", force: true)
        for rebuild in [rebuild(copy), rebuild(nil)] {
            let states = Dictionary(uniqueKeysWithValues: rebuild.contents.groups.map { ($0.group.label, $0.state) })
            #expect(states["one"] == .retained && states["two"] == nil && states["three"] == .active)
            #expect(rebuild.contents.volumes.map(\.id) == [hidden.id])
            let three = try #require(rebuild.contents.groups.first { $0.group.label == "three" })
            #expect(three.group.profile == .archive && three.group.protection == .replicated(3))
        }
        try await bench.catalogue.replaceContents(rebuild(nil).contents)
        try await bench.reopen()
        #expect(try await bench.catalogue.volume(hidden.id) == nil)
        _ = try await bench.volumes.createGroup(GroupOrder(label: "one"))
        #expect(try await bench.volumes.usableVolume(hidden.id) == hidden)
    }

    @Test func withoutAnAnnotationTheDataStaysUsable() async throws {
        let id = VolumeID.random()
        _ = try await bench.engine.createVolume(id, group: "standard", sizeBytes: 1 << 30)
        bench.engine.setFormatted(id, .filesystem("xfs"))
        let found = try #require(rebuild(nil).contents.volumes.first)
        #expect(found.id == id && found.request.filesystem == .xfs && found.phase == .ready)
        // A start gives volumes of an older version theirs.
        let made = try await volumes.create(Bench.request("a"))
        try await bench.engine.annotateVolume(made.id, "{}")
        #expect(rebuild(nil).contents.volumes.contains { $0.name == "recovered-\(made.id)" })
    }

    @Test func twoVolumesOfOneName() async throws {
        let first = try await volumes.create(Bench.request("a"))
        let second = try await volumes.create(Bench.request("b"))
        try await bench.engine.annotateVolume(second.id, try first.annotation)
        let names = rebuild(nil).contents.volumes.map(\.name)
        #expect(Set(names).count == 2 && names.contains("a"))
        try await bench.catalogue.replaceContents(rebuild(nil).contents)
    }

    @Test func aLostCatalogueIsNoticed() async throws {
        _ = try await volumes.create(Bench.request("a"))
        try await bench.catalogue.replaceContents(CatalogueContents())
        let failure = await #expect(throws: Failure.self) { try await volumes.start(groups: Defaults.groups) }
        #expect(failure?.kind == .failedPrecondition && failure?.message.contains("rebuild-catalogue") == true)
        #expect(try await bench.catalogue.contents() == CatalogueContents(), "nothing is written")
    }

    @Test func unannotatedVolumesGetTheirAnnotationAtStart() async throws {
        let request = Bench.request("old")
        let id = VolumeID.random()
        _ = try await bench.engine.createVolume(id, group: "standard", sizeBytes: request.sizeBytes)
        let volume = Volume(
            id: id, request: request, sizeBytes: request.sizeBytes, phase: .pending, lastEpoch: 0, createdAt: 5)
        try await bench.catalogue.beginCreate(volume)
        try await bench.catalogue.finishCreate(id)
        try await bench.reopen()
        #expect(rebuild(nil).contents.volumes.map(\.name) == ["old"])
    }
}

/// A flag between a fault and its test.
private final class Once: @unchecked Sendable {
    // Set before it is read, by the call that the test waits for.
    private var value = false
    func request() { value = true }
    var isRequested: Bool { value }
}
