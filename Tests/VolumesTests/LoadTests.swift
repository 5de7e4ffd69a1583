import Base
import Catalogue
import Domain
import Testing
import Volumes

/// Many callers at once, as the provisioner's workers are.
@Suite(.serialized) struct LoadTests {
    private static let inFlight = 16

    /// Runs `body` for each index with at most sixteen in flight.
    private func each(_ count: Int, _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                if index >= Self.inFlight { try await group.next() }
                group.addTask { try await body(index) }
            }
            try await group.waitForAll()
        }
    }

    @Test func thousandCreatesRepeatsAndDeletes() async throws {
        let bench = try await Bench()
        let count = 1000
        let clock = ContinuousClock()
        let commitsBefore = bench.catalogue.commitCount
        let volumes = bench.volumes

        let createTime = try await clock.measure {
            try await each(count) { _ = try await volumes.create(Bench.request("v\($0)")) }
        }
        #expect(bench.engine.ids.count == count)
        let repeatTime = try await clock.measure {
            try await each(count) { _ = try await volumes.create(Bench.request("v\($0)")) }
        }
        #expect(bench.engine.ids.count == count)
        #expect(try await bench.disagreement() == nil)
        let ids = try await bench.catalogue.volumes().map(\.id)
        let deleteTime = try await clock.measure { try await each(count) { try await volumes.delete(ids[$0]) } }
        #expect(bench.engine.ids.isEmpty)
        #expect(try await bench.disagreement() == nil)

        let commits = bench.catalogue.commitCount - commitsBefore
        print(
            "1000 creates \(createTime), repeats \(repeatTime), deletes \(deleteTime); \(commits) commits for 4000 writes"
        )
        #expect(commits < 3000)
    }

    /// The same few names, made and removed by all at once: whatever the order, nothing is left over.
    @Test func racesOverFewNames() async throws {
        let bench = try await Bench()
        let volumes = bench.volumes
        try await each(600) { index in
            let name = "v\(index % 5)"
            do {
                if index % 3 == 0, let volume = try await bench.catalogue.volume(named: name) {
                    try await volumes.delete(volume.id)
                } else {
                    _ = try await volumes.create(Bench.request(name))
                }
            } catch let failure as Failure where failure.kind == .busy {}
        }
        #expect(try await bench.disagreement() == nil)
        #expect(bench.engine.ids.count <= 5)
    }

    /// Volumes, snapshots, cuts, clones and rollbacks of the same few names at once.
    @Test func racesOfSnapshots() async throws {
        let bench = try await Bench()
        let volumes = bench.volumes
        try await each(900) { index in
            let (name, other) = ("v\(index % 4)", "v\(index / 7 % 4)")
            do {
                let volume = try await bench.catalogue.volume(named: name)
                let snapshots = try await bench.catalogue.snapshots()
                let snapshot = snapshots.isEmpty ? nil : snapshots[index % snapshots.count]
                switch (index % 9, volume, snapshot) {
                case (0, _, _), (_, nil, nil): _ = try await volumes.create(Bench.request(name))
                case (1, let volume?, _): _ = try await volumes.createSnapshot("s\(index % 3)", of: volume.id)
                case (2, let volume?, _):
                    let ids = Set([volume.id, try await bench.catalogue.volume(named: other)?.id ?? volume.id])
                    _ = try await volumes.createGroupSnapshot("g\(index % 2)", of: Array(ids))
                case (3, _, let snapshot?): _ = try await volumes.clone(.snapshot(snapshot.id), as: other)
                case (4, let volume?, _): _ = try await volumes.clone(.volume(volume.id), as: other)
                case (5, _, let snapshot?): _ = try await volumes.rollBack(snapshot.volume, to: snapshot.id)
                case (6, let volume?, _): try await volumes.delete(volume.id)
                case (_, _, let snapshot?):
                    guard let cut = snapshot.cut else { return try await volumes.deleteSnapshot(snapshot.id) }
                    try await volumes.deleteGroupSnapshot(cut.id)
                default: break
                }
            } catch let failure as Failure where [.busy, .notFound, .conflict].contains(failure.kind) {}
        }
        #expect(try await bench.disagreement() == nil)
        for snapshot in try await bench.catalogue.snapshots() {
            if let cut = snapshot.cut { try await volumes.deleteGroupSnapshot(cut.id) }
            try await volumes.deleteSnapshot(snapshot.id)
        }
        for volume in try await bench.catalogue.volumes() { try await volumes.delete(volume.id) }
        #expect(bench.engine.allIDs.isEmpty && bench.engine.allSnapshotIDs.isEmpty)
    }
}
