import Base
import Catalogue
import Domain
import EngineFakes
import Logging
import Testing
import VolumeEngine
import Volumes

@Suite struct VolumesTests {
    private let bench: Bench
    private var volumes: Volumes { bench.volumes }

    init() async throws { bench = try await Bench() }

    @Test func createIsIdempotentByName() async throws {
        let made = try await volumes.create(Bench.request("a"))
        #expect(made.phase == .ready)
        #expect(try await volumes.create(Bench.request("a")) == made)
        await expect(.conflict) { _ = try await volumes.create(Bench.request("a", sizeBytes: 2 << 30)) }
        await expect(.conflict) { _ = try await volumes.create(Bench.request("a", parameters: ["x": "y"])) }
        #expect(try await bench.disagreement() == nil)
    }

    @Test func aRepeatAfterExpansionIsTheSameVolume() async throws {
        let made = try await volumes.create(Bench.request("a"))
        _ = try await volumes.expand(made.id, to: CapacityRange(requiredBytes: 3 << 30, limitBytes: 0))
        let again = try await volumes.create(Bench.request("a"))
        #expect(again.id == made.id)
        #expect(again.sizeBytes == 3 << 30)
    }

    @Test func whatTheEngineRefusesLeavesNothing() async throws {
        bench.engine.setFault { name throws(Failure) in
            if name == "createVolume" { throw Failure(.exhausted, "full") }
        }
        await expect(.exhausted) { _ = try await volumes.create(Bench.request("a")) }
        bench.engine.setFault(nil)
        #expect(try await bench.catalogue.volumes().isEmpty)
        #expect(try await bench.disagreement() == nil)
        _ = try await volumes.create(Bench.request("a"))
    }

    @Test func whatMayPassIsCarriedOnByTheRepeat() async throws {
        bench.engine.setFault { name throws(Failure) in
            if name == "createVolume+" { throw Failure(.unavailable, "restarting") }
        }
        await expect(.unavailable) { _ = try await volumes.create(Bench.request("a")) }
        let id = try #require(bench.engine.ids.first)
        bench.engine.setFault(nil)
        #expect(try await volumes.create(Bench.request("a")).id == id)
        #expect(try await bench.disagreement() == nil)
    }

    @Test func sizeAndGroupAreCheckedFirst() async throws {
        await expect(.outOfRange) { _ = try await volumes.create(Bench.request("a", sizeBytes: 1 << 50)) }
        var request = Bench.request("a")
        request.group = "gold"
        await expect(.invalid) { [request] in _ = try await volumes.create(request) }
        #expect(try await bench.catalogue.volumes().isEmpty)
    }

    @Test func deleteIsIdempotentAndRefusedWhilePublished() async throws {
        let made = try await volumes.create(Bench.request("a"))
        _ = try await volumes.publish(made.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        await expect(.failedPrecondition) { try await volumes.delete(made.id) }
        try await volumes.unpublish(made.id, from: "n1")
        bench.engine.setAttached(made.id, true)
        await expect(.failedPrecondition) { try await volumes.delete(made.id) }
        bench.engine.setAttached(made.id, false)
        try await volumes.delete(made.id)
        try await volumes.delete(made.id)
        try await volumes.delete(.random())
        #expect(try await bench.disagreement() == nil)
        #expect(try await volumes.create(Bench.request("a")).id != made.id)
    }

    @Test func aNameWhoseDeletionWasCutOffCanBeMadeAgain() async throws {
        let made = try await volumes.create(Bench.request("a"))
        bench.engine.setAttached(made.id, true)
        await expect(.failedPrecondition) { try await volumes.delete(made.id) }
        bench.engine.setAttached(made.id, false)
        let again = try await volumes.create(Bench.request("a"))
        #expect(again.id != made.id)
        #expect(try await bench.disagreement() == nil)
    }

    @Test func publishChoosesRisingEpochsAndFences() async throws {
        let made = try await volumes.create(Bench.request("a"))
        let first = try await volumes.publish(made.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        #expect(first.epoch == 1)
        #expect(try await volumes.publish(made.id, to: "n1", mode: .singleNodeWriter, readOnly: false) == first)
        await expect(.conflict) {
            _ = try await volumes.publish(made.id, to: "n1", mode: .singleNodeWriter, readOnly: true)
        }
        await expect(.failedPrecondition) {
            _ = try await volumes.publish(made.id, to: "n2", mode: .singleNodeWriter, readOnly: false)
        }
        await expect(.notFound) {
            _ = try await volumes.publish(made.id, to: "n9", mode: .singleNodeWriter, readOnly: false)
        }
        await expect(.notFound) {
            _ = try await volumes.publish(.random(), to: "n1", mode: .singleNodeWriter, readOnly: false)
        }
        try await volumes.unpublish(made.id, from: nil)
        try await volumes.unpublish(made.id, from: "n1")
        #expect(try await bench.engine.volume(made.id).attachEpoch == 2)
        let second = try await volumes.publish(made.id, to: "n2", mode: .singleNodeWriter, readOnly: false)
        #expect(second.epoch == 3)
        #expect(try await bench.engine.volume(made.id).attachEpoch == 3)
    }

    @Test func anEpochAboveTheCataloguesIsRespected() async throws {
        let made = try await volumes.create(Bench.request("a"))
        try await bench.engine.raiseEpoch(made.id, to: 40)
        let first = try await volumes.publish(made.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        #expect(first.epoch == 41)
    }

    @Test func expandGrowsOnceAndKeepsToItsBounds() async throws {
        let made = try await volumes.create(Bench.request("a"))
        let range = CapacityRange(requiredBytes: 2 << 30, limitBytes: 0)
        #expect(try await volumes.expand(made.id, to: range).sizeBytes == 2 << 30)
        #expect(try await volumes.expand(made.id, to: range).sizeBytes == 2 << 30)
        await expect(.outOfRange) {
            _ = try await volumes.expand(made.id, to: CapacityRange(requiredBytes: 1 << 55, limitBytes: 0))
        }
        await expect(.notFound) { _ = try await volumes.expand(.random(), to: range) }
        bench.engine.setFault { name throws(Failure) in
            if name == "resizeVolume" { throw Failure(.exhausted, "full") }
        }
        await expect(.exhausted) {
            _ = try await volumes.expand(made.id, to: CapacityRange(requiredBytes: 4 << 30, limitBytes: 0))
        }
        #expect(try await bench.catalogue.volume(made.id)?.sizeBytes == 2 << 30)
        #expect(try await bench.catalogue.intents().isEmpty)
    }

    @Test func groupsCannotChangeTheirCoding() async throws {
        var groups = Defaults.groups
        groups[0].capacityBytes = 1 << 40
        try await volumes.ensureGroups(groups)
        #expect(try await bench.catalogue.group(groups[0].label)?.capacityBytes == 1 << 40)
        groups[0].protection = .single
        await expect(.conflict) { [groups] in try await volumes.ensureGroups(groups) }
        let large = VolumeGroup(label: "large", profile: .standard, protection: .erasure(data: 16, parity: 4))
        await expect(.exhausted) { try await volumes.ensureGroups([large]) }
        #expect(try await bench.catalogue.group("large") == nil)
    }

    @Test func anOlderPoolIsRefused() async throws {
        let pool = try await bench.engine.poolStatus()
        try await bench.catalogue.recordPool(pool.id, version: pool.version + 1)
        await expect(.failedPrecondition) { try await volumes.start(groups: Defaults.groups) }
        try await volumes.start(groups: Defaults.groups, acceptOlderPool: true)
        #expect(try await bench.catalogue.pool()?.version == pool.version + 1)
    }

    @Test func aNodeHasABoundOnVolumes() async throws {
        let first = try await volumes.create(Bench.request("a"))
        let second = try await volumes.create(Bench.request("b"))
        let bounded = Volumes(
            catalogue: bench.catalogue, engine: bench.engine,
            environment: .init(nodes: ["n1"], volumesPerNodeMax: 1, unixTime: { 0 }), logger: .init(label: "test"))
        for _ in 0..<2 { _ = try await bounded.publish(first.id, to: "n1", mode: .singleNodeWriter, readOnly: false) }
        await expect(.exhausted) {
            _ = try await bounded.publish(second.id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        }
        #expect(try await bench.catalogue.publications(of: second.id).isEmpty)
    }

    @Test func theBoundHoldsForCallsAtTheSameTime() async throws {
        var ids: [VolumeID] = []
        for number in 0..<6 { ids.append(try await volumes.create(Bench.request("v\(number)")).id) }
        let bounded = Volumes(
            catalogue: bench.catalogue, engine: bench.engine,
            environment: .init(nodes: ["n1"], volumesPerNodeMax: 2, unixTime: { 0 }), logger: .init(label: "test"))
        bench.engine.setDelay(.milliseconds(50))
        await withTaskGroup(of: Void.self) { group in
            for id in ids {
                group.addTask {
                    _ = try? await bounded.publish(id, to: "n1", mode: .singleNodeWriter, readOnly: false)
                }
            }
        }
        bench.engine.setDelay(nil)
        #expect(try await bench.catalogue.publications().count == 2)
    }

    @Test func whatFailsForGoodWhileCarriedOnIsUndone() async throws {
        bench.engine.setFault { name throws(Failure) in
            if name == "createVolume" { throw Failure(.unavailable, "restarting") }
        }
        await expect(.unavailable) { _ = try await volumes.create(Bench.request("a")) }
        bench.engine.setFault { name throws(Failure) in
            if name == "createVolume" { throw Failure(.exhausted, "full") }
        }
        await expect(.exhausted) { _ = try await volumes.create(Bench.request("a")) }
        bench.engine.setFault(nil)
        #expect(try await bench.disagreement() == nil)
        #expect(try await bench.catalogue.volumes().isEmpty)
    }

    @Test func healthBecomesThePhase() async throws {
        let made = try await volumes.create(Bench.request("a"))
        for (health, phase) in [(VolumeHealth.degraded, VolumePhase.degraded), (.failed, .failed), (.ready, .ready)] {
            bench.engine.setHealth(made.id, health)
            try await volumes.followHealth()
            #expect(try await bench.catalogue.volume(made.id)?.phase == phase)
        }
    }

    @Test func onlyOrphansThatNobodyCouldWriteAreSwept() async throws {
        let made = try await volumes.create(Bench.request("a"))
        let empty = VolumeID.random()
        let granted = VolumeID.random()
        let formatted = VolumeID.random()
        for id in [empty, granted, formatted] {
            _ = try await bench.engine.createVolume(id, group: "standard", sizeBytes: 1 << 20)
        }
        try await bench.engine.raiseEpoch(granted, to: 1)
        bench.engine.setFormatted(formatted, .filesystem("ext4"))

        let first = try await volumes.sweepOrphans(graceSeconds: 60)
        #expect(first.waiting == [empty] && first.deleted.isEmpty && Set(first.kept) == [granted, formatted])
        bench.time.advance(seconds: 61)
        let second = try await volumes.sweepOrphans(graceSeconds: 60)
        #expect(second.deleted == [empty] && Set(second.kept) == [granted, formatted])
        #expect(bench.engine.ids == [made.id, granted, formatted])
    }

    @Test func aDuplicateInFlightIsBusyAndOthersWait() async throws {
        bench.engine.setDelay(.milliseconds(200))
        let first = Task { [volumes] in try await volumes.create(Bench.request("a")) }
        try await Task.sleep(for: .milliseconds(80))
        await expect(.busy) { _ = try await volumes.create(Bench.request("a")) }
        let id = try await first.value.id
        // Publish and expand at once: one waits for the other.
        async let published = volumes.publish(id, to: "n1", mode: .singleNodeWriter, readOnly: false)
        async let expanded = volumes.expand(id, to: CapacityRange(requiredBytes: 2 << 30, limitBytes: 0))
        #expect(try await published.epoch == 1)
        #expect(try await expanded.sizeBytes == 2 << 30)
    }

    @Test func aCancelledWaiterLeavesTheLock() async throws {
        let locks = KeyedLock()
        let held = try await locks.acquire("k", for: "one")
        let waiting = Task { try await locks.acquire("k", for: "two").release() }
        try await Task.sleep(for: .milliseconds(20))
        waiting.cancel()
        await expect(.cancelled) { try await waiting.value }
        held.release()
        try await locks.acquire("k", for: "three").release()
    }
}
