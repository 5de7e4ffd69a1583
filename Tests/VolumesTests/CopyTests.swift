import Base
import Catalogue
import Domain
import EngineFakes
import Foundation
import Testing
import VolumeEngine
import Volumes

@Suite struct CopyTests {
    private static let second: UInt64 = 1_000_000_000

    @Test func aCopyWaitsForQuietButNotForEver() {
        var schedule = CopySchedule()
        func expectDue(_ expected: Bool, _ count: Int, _ now: UInt64, _ location: SourceLocation = #_sourceLocation) {
            let isDue = schedule.isDue(commitCount: count, now: now)
            #expect(isDue == expected, sourceLocation: location)
        }
        expectDue(false, 1, 0)
        expectDue(false, 1, CopySchedule.quietNanoseconds - 1)
        expectDue(true, 1, CopySchedule.quietNanoseconds)
        schedule.succeeded(commitCount: 1, now: CopySchedule.quietNanoseconds)
        #expect(!schedule.isNeeded(commitCount: 1))
        expectDue(false, 1, 1_000 * Self.second)
        // A change each second is never quiet.
        var dueAt: UInt64?
        for tick in 0..<100 where dueAt == nil {
            let now = (2_000 + UInt64(tick)) * Self.second
            if schedule.isDue(commitCount: 2 + tick, now: now) { dueAt = now - 2_000 * Self.second }
        }
        #expect(dueAt == CopySchedule.waitNanosecondsMax)
        schedule.failed(now: 3_000 * Self.second)
        expectDue(false, 500, 3_000 * Self.second + CopySchedule.retryNanoseconds - 1)
        expectDue(true, 500, 3_000 * Self.second + 2 * CopySchedule.retryNanoseconds)
    }

    /// What a copy says is what the catalogue said, and opens without its log.
    @Test func aCopyIsACatalogue() async throws {
        let bench = try await Bench()
        let made = try await bench.volumes.create(Bench.request("a"))
        _ = try await bench.volumes.publish(made.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        await bench.volumes.copyAtEnd()
        await bench.volumes.copyAtEnd()
        #expect(bench.engine.copies.count == 1)
        let bytes = try #require(bench.engine.copies.last)
        let path = bench.path + "/other.sqlite"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let copy = try Catalogue(path: path)
        try await copy.check()
        #expect(try await copy.contents() == bench.catalogue.contents())
        try copy.close()
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: bench.path).filter { $0.hasSuffix(".copy") }.isEmpty)
    }

    /// While writes go on, each copy is of one moment: a volume's row and its intent come and go together.
    @Test func copiesAreConsistentWhileOthersWrite() async throws {
        let bench = try await Bench()
        let volumes = bench.volumes
        let writer = Task {
            for index in 0..<60 {
                let made = try await volumes.create(Bench.request("v\(index)"))
                if index % 2 == 0 { try await volumes.delete(made.id) }
            }
        }
        for index in 0..<12 {
            let path = bench.path + "/copy-\(index).sqlite"
            try Data(try await bench.catalogue.copy()).write(to: URL(fileURLWithPath: path))
            let copy = try Catalogue(path: path)
            try await copy.check()
            let contents = try await copy.contents()
            let unfinished = Set(contents.volumes.filter { $0.phase == .pending || $0.phase == .deleting }.map(\.id))
            #expect(unfinished == Set(contents.intents.map(\.subject)))
            try copy.close()
        }
        try await writer.value
    }

    @Test func aFailedCopyIsTriedAgainAndFailsNoCall() async throws {
        let bench = try await Bench()
        bench.engine.setFault { name throws(Failure) in
            if name == "storeCatalogue" { throw Failure(.exhausted, "full") }
        }
        #expect(await !bench.volumes.copyCatalogue())
        _ = try await bench.volumes.create(Bench.request("a"))
        bench.engine.setFault(nil)
        await bench.volumes.copyAtEnd()
        #expect(bench.engine.copies.count == 1)
    }
}
