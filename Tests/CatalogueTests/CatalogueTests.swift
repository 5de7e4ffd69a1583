import Base
import Catalogue
import Domain
import Foundation
import Testing

/// A directory of its own for each test, removed with it.
private final class Scratch: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "ashlar-catalogue-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func open() throws -> Catalogue { try Catalogue(path: path + "/catalogue.sqlite") }
}

private let group = VolumeGroup(
    label: "g", profile: .archive, protection: .erasure(data: 4, parity: 2), media: [.ssd], capacityBytes: 1 << 40)

private func pending(_ name: String, id: VolumeID = .random()) -> Volume {
    Volume(
        id: id,
        request: VolumeRequest(
            name: name, group: "g", className: "c", sizeBytes: 1 << 30, filesystem: .xfs,
            capabilities: [
                .init(access: .mount(filesystem: .xfs, flags: ["noatime"]), mode: .singleNodeWriter),
                .init(access: .block, mode: .singleNodeMultiWriter),
            ],
            parameters: ["class": "c", "ü": "ß"], mountOptions: ["noatime"], mkfsOptions: ["-i size=1024"]),
        sizeBytes: 1 << 30, phase: .pending, lastEpoch: 0, createdAt: 1_700_000_000)
}

@Suite struct CatalogueTests {
    private let scratch: Scratch
    private let catalogue: Catalogue

    init() async throws {
        scratch = try Scratch()
        catalogue = try scratch.open()
        try await catalogue.putGroup(group, at: 1)
    }

    @Test func everyFieldSurvivesReopening() async throws {
        let volume = pending("a")
        try await catalogue.beginCreate(volume)
        try catalogue.close()
        let again = try scratch.open()
        #expect(try await again.groups() == [group])
        #expect(try await again.volume(volume.id) == volume)
        #expect(try await again.volume(named: "a") == volume)
        #expect(try await again.intents() == [Intent(subject: volume.id, kind: .create, createdAt: volume.createdAt)])
    }

    @Test func snapshotsSurviveReopeningAndTheirVolume() async throws {
        var volume = pending("a")
        volume.request.source = .snapshot(.random())
        try await catalogue.beginCreate(volume)
        try await catalogue.finishCreate(volume.id)
        var snapshot = Snapshot(
            id: .random(), name: "n/a", volume: volume.id, request: volume.request,
            cut: .init(id: .random(), name: "n"), sizeBytes: 4096, phase: .pending, createdAt: 7)
        try await catalogue.beginSnapshots([snapshot])
        await #expect(throws: Failure.self) { try await catalogue.beginSnapshots([snapshot]) }
        // The cut's name is taken too.
        let sameName = Snapshot(
            id: .random(), name: "n", volume: volume.id, request: volume.request, sizeBytes: 4096, phase: .pending,
            createdAt: 8)
        await #expect(throws: Failure.self) { try await catalogue.beginSnapshots([sameName]) }
        let ofNothing = Snapshot(
            id: .random(), name: "other", volume: .random(), request: volume.request, sizeBytes: 4096, phase: .pending,
            createdAt: 8)
        await #expect(throws: Failure.self) { try await catalogue.beginSnapshots([ofNothing]) }

        snapshot.sizeBytes = 8192
        snapshot.createdAt = 9
        try await catalogue.finishSnapshots([snapshot])
        snapshot.phase = .ready
        try await catalogue.beginDelete(volume.id, at: 10)
        try await catalogue.finishDelete(volume.id)
        try catalogue.close()
        let again = try scratch.open()
        #expect(try await again.snapshot(snapshot.id) == snapshot)
        #expect(try await again.snapshot(named: "n/a") == snapshot)
        #expect(try await again.snapshots(ofCutNamed: "n") == [snapshot])
        #expect(try await again.snapshots(of: volume.id) == [snapshot])
        let contents = try await again.contents()
        try await again.replaceContents(contents)
        #expect(try await again.contents() == contents && contents.snapshots == [snapshot])
        try await again.beginDeleteSnapshots([snapshot.id])
        #expect(try await again.snapshot(snapshot.id)?.phase == .deleting)
        try await again.finishDeleteSnapshots([snapshot.id])
        #expect(try await again.snapshots().isEmpty)
    }

    /// Else power loss takes commits that were answered: `PowerLossTests` found it so.
    @Test func everyCommitIsSynced() throws { #expect(try catalogue.synchronousLevel() == 2) }

    @Test func aNameIsTakenOnce() async throws {
        try await catalogue.beginCreate(pending("a"))
        let failure = await #expect(throws: Failure.self) { try await catalogue.beginCreate(pending("a")) }
        #expect(failure?.kind == .conflict)
        #expect(try await catalogue.intents().count == 1)
    }

    @Test func phasesFollowTheirTransitions() async throws {
        let volume = pending("a")
        try await catalogue.beginCreate(volume)
        await #expect(throws: Failure.self) { try await catalogue.setPhase(volume.id, .degraded) }
        try await catalogue.finishCreate(volume.id)
        #expect(try await catalogue.intents().isEmpty)
        try await catalogue.setPhase(volume.id, .degraded)
        try await catalogue.beginDelete(volume.id, at: 5)
        await #expect(throws: Failure.self) { try await catalogue.setPhase(volume.id, .ready) }
        #expect(try await catalogue.volume(volume.id)?.phase == .deleting)
        try await catalogue.finishDelete(volume.id)
        #expect(try await catalogue.volumes().isEmpty)
        #expect(try await catalogue.intents().isEmpty)
    }

    @Test func epochsAreNeverChosenTwice() async throws {
        let volume = pending("a")
        try await catalogue.beginCreate(volume)
        try await catalogue.finishCreate(volume.id)
        let first = try await catalogue.beginGrant(
            volume.id, node: "n", mode: .singleNodeWriter, readOnly: true, above: 4, limit: 1)
        #expect(first.epoch == 5)
        #expect(try await catalogue.publications(of: volume.id) == [first])
        let fence = try await catalogue.beginRevoke(volume.id, node: "n", above: first.epoch)
        #expect(fence == 6)
        #expect(try await catalogue.publications().first?.state == .revoking)
        try await catalogue.finishRevoke(volume.id, node: "n")
        let second = try await catalogue.beginGrant(
            volume.id, node: "n", mode: .singleNodeWriter, readOnly: false, above: 0, limit: 1)
        #expect(second.epoch == 7)
        try await catalogue.finishGrant(volume.id, node: "n")
        let failure = await #expect(throws: Failure.self) { try await catalogue.beginDelete(volume.id, at: 1) }
        #expect(failure?.kind == .failedPrecondition)
        #expect(try await catalogue.volume(volume.id)?.phase == .ready)
    }

    @Test func aNodesLimitHoldsWithinTheTransaction() async throws {
        let volumes = [pending("a"), pending("b")]
        for volume in volumes {
            try await catalogue.beginCreate(volume)
            try await catalogue.finishCreate(volume.id)
        }
        for _ in 0..<2 {
            _ = try await catalogue.beginGrant(
                volumes[0].id, node: "n", mode: .singleNodeWriter, readOnly: false, above: 0, limit: 1)
        }
        let granted = await #expect(throws: Failure.self) {
            _ = try await catalogue.beginGrant(
                volumes[1].id, node: "n", mode: .singleNodeWriter, readOnly: false, above: 0, limit: 1)
        }
        let reader = Publication(
            volume: volumes[1].id, node: "n", epoch: 1, readOnly: true, mode: .multiNodeReaderOnly, state: .granted)
        let shared = await #expect(throws: Failure.self) { try await catalogue.share(reader, limit: 1) }
        #expect(granted?.kind == .exhausted && shared?.kind == .exhausted)
        #expect(try await catalogue.publications().map(\.volume) == [volumes[0].id])
    }

    @Test func expansionNeverShrinks() async throws {
        let volume = pending("a")
        try await catalogue.beginCreate(volume)
        try await catalogue.finishCreate(volume.id)
        try await catalogue.beginExpand(volume.id, to: 2 << 30, at: 1)
        #expect(try await catalogue.intents().first?.kind == .expand(toBytes: 2 << 30))
        try await catalogue.finishExpand(volume.id, sizeBytes: 2 << 30)
        try await catalogue.finishExpand(volume.id, sizeBytes: 1 << 30)
        let grown = try #require(try await catalogue.volume(volume.id))
        #expect(grown.sizeBytes == 2 << 30)
        #expect(grown.request == volume.request)
    }

    @Test func belongsToOnePool() async throws {
        let id = PoolID.random()
        #expect(try await catalogue.pool() == nil)
        try await catalogue.recordPool(id, version: 3)
        try await catalogue.recordPool(id, version: 2)
        let pool = try #require(try await catalogue.pool())
        #expect(pool.id == id)
        #expect(pool.version == 3)
        let failure = await #expect(throws: Failure.self) { try await catalogue.recordPool(.random(), version: 9) }
        #expect(failure?.kind == .conflict)
    }

    /// Sixteen at a time share their syncs, and one that fails does not take the others along.
    @Test func concurrentWritesShareTransactions() async throws {
        let before = catalogue.commitCount
        let count = 400
        let failedCount = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<count {
                group.addTask {
                    // Every tenth takes a name that is taken.
                    do {
                        try await catalogue.beginCreate(pending("v\(index - (index % 10 == 9 ? 1 : 0))"))
                        return false
                    } catch { return true }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(failedCount == count / 10)
        #expect(try await catalogue.volumes().count == count - count / 10)
        #expect(catalogue.commitCount - before < count / 2)
    }

    @Test func refusesWhatIsNoCatalogue() throws {
        let path = scratch.path + "/other.sqlite"
        try Data(repeating: 7, count: 8192).write(to: URL(fileURLWithPath: path))
        let failure = #expect(throws: Failure.self) { try Catalogue(path: path) }
        #expect(failure?.kind == .corrupt)
        #expect(throws: Failure.self) { try Catalogue(path: "/nowhere/catalogue.sqlite") }
    }
}
