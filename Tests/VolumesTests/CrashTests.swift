import Base
import Catalogue
import Domain
import EngineFakes
import Testing
import VolumeEngine
import Volumes

/// Cuts each use case at every step that engine or catalogue take for it, before and after it took effect; then a new process
/// starts over the same catalogue and engine. Nothing may be left over, and the repeated call must succeed.
@Suite struct CrashTests {
    /// Bound on the steps of one use case; reaching it means that the cut never fires.
    private static let stepsMax = 100

    private func cutEverywhere(
        prepare: @Sendable (Bench) async throws -> VolumeID?,
        work: @Sendable (Bench, VolumeID?) async throws -> Void,
        verify: @Sendable (Bench, VolumeID?) async throws -> Void
    ) async throws -> [String] {
        var steps: [String] = []
        for index in 0..<Self.stepsMax {
            let bench = try await Bench()
            let subject = try await prepare(bench)
            bench.cut.arm(at: index)
            let failed = await kind { try await work(bench, subject) } != nil
            guard bench.cut.isDead else {
                #expect(!failed)
                return steps
            }
            steps = bench.cut.steps
            try await bench.reopen()
            let place = "cut at step \(index), \(steps.last ?? "?")"
            #expect(try await bench.disagreement() == nil, "after the restart, \(place)")
            try await work(bench, subject)
            #expect(try await bench.disagreement() == nil, "after the repeat, \(place)")
            try await verify(bench, subject)
        }
        Issue.record("the work never ended")
        return steps
    }

    @Test func create() async throws {
        let steps = try await cutEverywhere(
            prepare: { _ in nil },
            work: { bench, _ in _ = try await bench.volumes.create(Bench.request("a")) },
            verify: { bench, _ in
                #expect(bench.engine.ids.count == 1)
                let made = try await bench.catalogue.volume(named: "a")
                #expect(made?.phase == .ready)
            })
        #expect(steps.count >= 8, "\(steps)")
    }

    @Test func delete() async throws {
        let steps = try await cutEverywhere(
            prepare: { bench in try await bench.volumes.create(Bench.request("a")).id },
            work: { bench, id in try await bench.volumes.delete(try #require(id)) },
            verify: { bench, _ in #expect(bench.engine.ids.isEmpty) })
        #expect(steps.count >= 6, "\(steps)")
    }

    @Test func expand() async throws {
        let steps = try await cutEverywhere(
            prepare: { bench in try await bench.volumes.create(Bench.request("a")).id },
            work: { bench, id in
                let range = CapacityRange(requiredBytes: 2 << 30, limitBytes: 0)
                _ = try await bench.volumes.expand(try #require(id), to: range)
            },
            verify: { bench, id in
                let id = try #require(id)
                #expect(try await bench.catalogue.volume(id)?.sizeBytes == 2 << 30)
                #expect(try await bench.engine.volume(id).sizeBytes == 2 << 30)
            })
        #expect(steps.count >= 6, "\(steps)")
    }

    @Test func publish() async throws {
        let steps = try await cutEverywhere(
            prepare: { bench in try await bench.volumes.create(Bench.request("a")).id },
            work: { bench, id in
                _ = try await bench.volumes.publish(
                    try #require(id), to: "n1", mode: .singleNodeWriter, readOnly: false)
            },
            verify: { bench, id in
                let id = try #require(id)
                let publication = try #require(try await bench.catalogue.publications(of: id).first)
                #expect(publication.state == .granted)
                #expect(try await bench.engine.volume(id).attachEpoch == publication.epoch)
            })
        #expect(steps.count >= 6, "\(steps)")
    }

    @Test func unpublish() async throws {
        let steps = try await cutEverywhere(
            prepare: { bench in
                let id = try await bench.volumes.create(Bench.request("a")).id
                _ = try await bench.volumes.publish(id, to: "n1", mode: .singleNodeWriter, readOnly: false)
                return id
            },
            work: { bench, id in try await bench.volumes.unpublish(try #require(id), from: "n1") },
            verify: { bench, id in
                let id = try #require(id)
                #expect(try await bench.catalogue.publications(of: id).isEmpty)
                #expect(try await bench.engine.volume(id).attachEpoch > 1, "the node must be fenced")
            })
        #expect(steps.count >= 6, "\(steps)")
    }

    /// Of two volumes at once: both or none.
    @Test func createGroupSnapshot() async throws {
        let steps = try await cutEverywhere(
            prepare: { bench in
                _ = try await bench.volumes.create(Bench.request("b"))
                return try await bench.volumes.create(Bench.request("a")).id
            },
            work: { bench, id in
                let b = try #require(try await bench.catalogue.volume(named: "b"))
                _ = try await bench.volumes.createGroupSnapshot("s", of: [try #require(id), b.id])
            },
            verify: { bench, _ in
                let made = try await bench.catalogue.snapshots(ofCutNamed: "s")
                #expect(made.map(\.name) == ["s/a", "s/b"] && made.allSatisfy { $0.phase == .ready })
                #expect(bench.engine.allSnapshotIDs == Set(made.map(\.id)))
            })
        #expect(steps.count >= 6, "\(steps)")
    }

    @Test func deleteGroupSnapshot() async throws {
        let steps = try await cutEverywhere(
            prepare: { bench in
                let a = try await bench.volumes.create(Bench.request("a")).id
                let b = try await bench.volumes.create(Bench.request("b")).id
                _ = try await bench.volumes.createGroupSnapshot("s", of: [a, b])
                return a
            },
            work: { bench, _ in
                guard let cut = try await bench.catalogue.snapshots(ofCutNamed: "s").first?.cut else { return }
                try await bench.volumes.deleteGroupSnapshot(cut.id)
            },
            verify: { bench, _ in #expect(bench.engine.allSnapshotIDs.isEmpty) })
        #expect(steps.count >= 8, "\(steps)")
    }

    @Test(arguments: [true, false]) func clone(ofSnapshot: Bool) async throws {
        let steps = try await cutEverywhere(
            prepare: { bench in
                let id = try await bench.volumes.create(Bench.request("a")).id
                _ = try await bench.volumes.createSnapshot("s", of: id)
                return id
            },
            work: { bench, id in
                let snapshot = try #require(try await bench.catalogue.snapshot(named: "s"))
                let source: VolumeSource = ofSnapshot ? .snapshot(snapshot.id) : .volume(try #require(id))
                _ = try await bench.volumes.clone(source, as: "c", sizeBytes: 2 << 30)
            },
            verify: { bench, _ in
                #expect(bench.engine.ids.count == 2)
                let made = try #require(try await bench.catalogue.volume(named: "c"))
                #expect(made.phase == .ready && made.sizeBytes == 2 << 30)
                #expect(bench.engine.content(of: made.id) != .empty)
            })
        #expect(steps.count >= 8, "\(steps)")
    }

    /// A rollback that was cut is carried on before anybody may use the volume.
    @Test func rollBack() async throws {
        let steps = try await cutEverywhere(
            prepare: { bench in
                let id = try await bench.volumes.create(Bench.request("a")).id
                _ = try await bench.volumes.createSnapshot("s", of: id)
                return id
            },
            work: { bench, id in
                let snapshot = try #require(try await bench.catalogue.snapshot(named: "s"))
                _ = try await bench.volumes.rollBack(try #require(id), to: snapshot.id)
            },
            verify: { bench, id in
                let snapshot = try #require(try await bench.catalogue.snapshot(named: "s"))
                #expect(bench.engine.content(of: try #require(id)) == .snapshot(snapshot.id))
            })
        #expect(steps.count >= 6, "\(steps)")
    }

    private static func makeOwnGroup(_ bench: Bench, _ policy: DeletionPolicy) async throws -> VolumeID {
        _ = try await bench.volumes.createGroup(
            GroupOrder(label: "own", protection: .replicated(2), deletionPolicy: policy))
        var request = Bench.request("a")
        request.group = "own"
        let id = try await bench.volumes.create(request).id
        _ = try await bench.volumes.createSnapshot("of own", of: id)
        return id
    }

    /// A removal that was cut is finished by the restart, or has left nothing; the repeat finds it done or does it.
    private static func removeOwnGroup(_ bench: Bench) async throws {
        do { _ = try await bench.volumes.deleteGroup("own", force: true) } catch {
            // Deleted by the restart.
            guard error.kind == .notFound, bench.engine.groupState("own") == nil else { throw error }
        }
    }

    @Test func retainGroup() async throws {
        let steps = try await cutEverywhere(
            prepare: { bench in try await Self.makeOwnGroup(bench, .retain) },
            work: { bench, _ in try await Self.removeOwnGroup(bench) },
            verify: { bench, id in
                let id = try #require(id)
                #expect(bench.engine.ids.isEmpty && bench.engine.allIDs == [id])
                #expect(bench.engine.groupState("own") == .retained)
                let record = try await bench.catalogue.groupRecord("own")
                #expect(record?.state == .retained)
                let snapshots = try await bench.catalogue.allSnapshots()
                #expect(Set(snapshots.map(\.id)) == bench.engine.allSnapshotIDs && snapshots.count == 1)
                #expect(try await bench.catalogue.snapshots().isEmpty)
            })
        #expect(steps.count >= 6, "\(steps)")
    }

    @Test func deleteGroup() async throws {
        let steps = try await cutEverywhere(
            prepare: { bench in try await Self.makeOwnGroup(bench, .delete) },
            work: { bench, _ in try await Self.removeOwnGroup(bench) },
            verify: { bench, _ in
                #expect(bench.engine.allIDs.isEmpty && bench.engine.groupState("own") == nil)
                #expect(bench.engine.allSnapshotIDs.isEmpty)
                let contents = try await bench.catalogue.contents()
                #expect(
                    contents.volumes.isEmpty && contents.snapshots.isEmpty
                        && contents.groups.allSatisfy { $0.group.label != "own" })
            })
        #expect(steps.count >= 8, "\(steps)")
    }

    @Test func reconnectGroup() async throws {
        let steps = try await cutEverywhere(
            prepare: { bench in
                let id = try await Self.makeOwnGroup(bench, .retain)
                try await Self.removeOwnGroup(bench)
                return id
            },
            work: { bench, _ in _ = try await bench.volumes.createGroup(GroupOrder(label: "own")) },
            verify: { bench, id in
                let id = try #require(id)
                #expect(bench.engine.ids == [id])
                let found = try await bench.volumes.usableVolume(id)
                #expect(found.name == "a")
                let snapshot = try await bench.catalogue.snapshot(named: "of own")
                #expect(snapshot?.volume == id)
            })
        #expect(steps.count >= 4, "\(steps)")
    }

    /// Whatever was cut, a catalogue made from headers alone, or from any older copy and the headers, is one that a start takes.
    @Test func rebuildAfterEveryCut() async throws {
        for index in 0..<Self.stepsMax {
            let bench = try await Bench()
            let first = try await bench.volumes.create(Bench.request("first"))
            _ = try await bench.volumes.publish(first.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
            let copy = try await bench.catalogue.contents()
            let answered = Answered()
            bench.cut.arm(at: index)
            _ = await kind {
                let second = try await bench.volumes.create(Bench.request("second"))
                answered.note(second.id)
                let kept = try await bench.volumes.createSnapshot("kept", of: first.id)
                answered.kept = kept.id
                let gone = try await bench.volumes.createSnapshot("gone", of: second.id)
                try await bench.volumes.deleteSnapshot(gone.id)
                answered.gone = gone.id
                try await bench.volumes.unpublish(first.id, from: nil)
                try await bench.volumes.delete(first.id)
                answered.note(nil)
            }
            let isDead = bench.cut.isDead
            bench.cut.revive()
            for base in [copy, nil] {
                let rebuild = CatalogueRebuild(inventory: bench.engine.inventory(), copy: base, unixTime: 0)
                try await bench.catalogue.replaceContents(rebuild.contents)
                try await bench.reopen()
                #expect(try await bench.disagreement() == nil, "cut at step \(index)")
                if let id = answered.second {
                    #expect(try await bench.volumes.usableVolume(id).name == "second", "cut at step \(index)")
                }
                if let id = answered.kept {
                    let found = try await bench.volumes.usableSnapshot(id)
                    #expect(found.name == "kept" && found.request == first.request, "cut at step \(index)")
                }
                if let id = answered.gone { #expect(try await bench.catalogue.snapshot(id) == nil) }
                if answered.isFirstDeleted { #expect(try await bench.catalogue.volume(first.id) == nil) }
            }
            if !isDead { return }
        }
        Issue.record("the work never ended")
    }

    /// A create that is cut, whose undo at the restart is cut as well.
    @Test func undoCutAgain() async throws {
        for first in 0..<8 {
            for second in 0..<12 {
                let bench = try await Bench()
                bench.cut.arm(at: first)
                _ = await kind { _ = try await bench.volumes.create(Bench.request("a")) }
                bench.cut.arm(at: second)
                await bench.volumes.settleUnfinished(olderThanSeconds: 0)
                try await bench.reopen()
                #expect(try await bench.disagreement() == nil, "cuts at \(first), \(second)")
                _ = try await bench.volumes.create(Bench.request("a"))
                #expect(bench.engine.ids.count == 1)
                #expect(try await bench.disagreement() == nil, "cuts at \(first), \(second)")
            }
        }
    }

    /// The harness must be able to fail: an engine volume that nobody owns is a disagreement.
    @Test func canary() async throws {
        let bench = try await Bench()
        _ = try await bench.engine.createVolume(.random(), group: "standard", sizeBytes: 1 << 20)
        #expect(try await bench.disagreement() != nil)
    }
}

/// What callers were told.
private final class Answered: @unchecked Sendable {
    // Touched by the one task of its test.
    private(set) var second: VolumeID?
    private(set) var isFirstDeleted = false
    var kept: SnapshotID?
    var gone: SnapshotID?

    /// The second volume was made; or, nil: the first was deleted.
    func note(_ id: VolumeID?) { if let id { second = id } else { isFirstDeleted = true } }
}
