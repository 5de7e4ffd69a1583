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
}
