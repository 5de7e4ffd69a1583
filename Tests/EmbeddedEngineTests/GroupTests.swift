import Base
import BlockDeviceTestSupport
import EmbeddedEngine
import Foundation
import Glibc
import Logging
import SystemIO
import Testing
import VolumeEngine

/// Groups that are retained and deleted, copies of the catalogue, and what the mountpaths say when no engine runs.
@Suite struct GroupTests {
    private func kind<T>(_ body: () async throws(Failure) -> T) async -> FailureKind? {
        do throws(Failure) {
            _ = try await body()
            return nil
        } catch { return error.kind }
    }

    private func inventory(_ pool: TestPool, acceptMissing: Bool = false) async throws -> PoolInventory {
        let mountpaths = pool.paths.map { path -> ConfiguredMountpath in
            let disk = try? DirectoryDisk(path: path)
            return ConfiguredMountpath(path: path, media: "nvme", disk: disk, problem: disk == nil ? "gone" : "")
        }
        return try await EmbeddedEngine.inventory(
            mountpaths: mountpaths, ledger: try DirectoryDisk(path: "\(pool.directory)/state"),
            acceptMissing: acceptMissing, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func files(of pool: TestPool) -> [String: Data] {
        var found: [String: Data] = [:]
        for name in FileManager.default.enumerator(atPath: pool.directory)?.compactMap({ $0 as? String }) ?? [] {
            if let bytes = FileManager.default.contents(atPath: "\(pool.directory)/\(name)") { found[name] = bytes }
        }
        return found
    }

    @Test func retainedIsHiddenAndComesBackWithItsData() async throws {
        let pool = try await TestPool(mountpaths: 3, k: 2, p: 1)
        let (id, device) = try await pool.volume(16 << 20)
        let bytes = pattern(1, bytes: 1 << 20)
        try await device.write(bytes, at: 4096)
        try await device.flush()
        #expect(await kind { () throws(Failure) in try await pool.engine.retainGroup("g") } == .failedPrecondition)
        #expect(await kind { () throws(Failure) in try await pool.engine.deleteGroup("g") } == .failedPrecondition)
        #expect(try await pool.engine.volumes().map(\.id) == [id], "a refusal changes nothing")
        try await pool.engine.closeVolume(id)

        try await pool.engine.retainGroup("g")
        try await pool.engine.retainGroup("g")
        try await pool.engine.retainGroup("none")
        let engine = pool.engine!
        for _ in 0..<2 {
            #expect(try await engine.volumes().isEmpty)
            #expect(await kind { () throws(Failure) in try await engine.volume(id) } == .notFound)
            let opened = await kind { () throws(Failure) in try await engine.openVolume(id, epoch: 1, readOnly: false) }
            #expect(opened == .notFound)
            #expect(await kind { () throws(Failure) in try await engine.raiseEpoch(id, to: 9) } == .notFound)
            let other = VolumeID.random()
            let created = await kind { () throws(Failure) in
                try await engine.createVolume(other, group: "g", sizeBytes: 4096)
            }
            #expect(created == .notFound)
            // One that is not known: nothing is deleted.
            try await engine.deleteVolume(id)
        }
        await pool.stop()
        let found = try await inventory(pool)
        #expect(found.groups.map(\.state) == [.retained])
        #expect(found.volumes.map(\.id) == [id] && !found.volumes[0].isDeleted)

        // `start` ensures the group, which reconnects it.
        try await pool.start()
        let again = try await pool.open(id)
        #expect(try await again.read(at: 4096, length: bytes.count) == bytes)
        var other = pool.group
        other.sliceBytes *= 2
        let changed = other
        #expect(await kind { () throws(Failure) in try await pool.engine.ensureGroup(changed) } == .conflict)
        await pool.stop()
    }

    @Test func deletedIsGoneAndItsSpaceIsFree() async throws {
        let pool = try await TestPool(mountpaths: 3, k: 2, p: 1)
        let before = try await pool.engine.capacity(ofGroup: "g").availableBytes
        var ids: [VolumeID] = []
        for seed in 0..<3 {
            let (id, device) = try await pool.volume(32 << 20)
            for part in 0..<12 {
                try await device.write(pattern(UInt64(seed), bytes: 1 << 20), at: UInt64(part) << 20)
            }
            try await pool.engine.closeVolume(id)
            ids.append(id)
        }
        #expect(pool.slices().count >= 9)
        #expect(try await pool.engine.capacity(ofGroup: "g").usedBytes > 0)
        try await pool.engine.deleteGroup("g")
        try await pool.engine.deleteGroup("g")
        #expect(pool.slices().isEmpty)
        for path in pool.paths { #expect(!FileManager.default.fileExists(atPath: "\(path)/@g")) }
        #expect(await kind { () throws(Failure) in try await pool.engine.capacity(ofGroup: "g") } == .notFound)

        // A new group of the label, coded otherwise, has nothing of it.
        let other = GroupSpecification(
            label: "g", dataColumns: 1, parityColumns: 1, media: [], sliceBytes: 8 << 20, capacityBytes: nil)
        try await pool.engine.ensureGroup(other)
        #expect(try await pool.engine.volumes().isEmpty)
        let capacity = try await pool.engine.capacity(ofGroup: "g")
        #expect(capacity.usedBytes == 0)
        for id in ids {
            let created = await kind { () throws(Failure) in
                try await pool.engine.createVolume(id, group: "g", sizeBytes: 4096)
            }
            #expect(created == .notFound)
        }
        await pool.stop()
        let found = try await inventory(pool)
        #expect(found.volumes.count == 3 && found.volumes.allSatisfy(\.isDeleted))
        #expect(found.groups.map(\.specification) == [other])
        #expect(before > 0)
    }

    /// Cut at every write of a header: the next start carries the deletion on, or nothing has begun.
    @Test func deletionIsCarriedOn() async throws {
        var finished = false
        for writes in 0..<20 where !finished {
            let directory = NSTemporaryDirectory() + "ashlar-groups-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let paths = (0..<3).map { "\(directory)/d\($0)" }
            for path in paths + ["\(directory)/state"] {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            }
            let budget = HeaderBudget()
            let start = { () async throws -> EmbeddedEngine in
                try await EmbeddedEngine.start(
                    mountpaths: try paths.map {
                        ConfiguredMountpath(path: $0, media: "nvme", disk: try BudgetedDisk(path: $0, budget))
                    }, ledger: try DirectoryDisk(path: "\(directory)/state"),
                    settings: EngineSettings(ringBytes: 8 << 20, loopCount: 1, acceptMissing: false),
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            }
            var engine = try await start()
            let group = GroupSpecification(
                label: "g", dataColumns: 2, parityColumns: 1, media: [], sliceBytes: 4 << 20, capacityBytes: nil)
            try await engine.ensureGroup(group)
            var ids: [VolumeID] = []
            for _ in 0..<3 {
                let id = VolumeID.random()
                _ = try await engine.createVolume(id, group: "g", sizeBytes: 16 << 20)
                try await engine.raiseEpoch(id, to: 1)
                let device = BlockDeviceClient(try await engine.openVolume(id, epoch: 1, readOnly: false))
                try await device.write(pattern(3, bytes: 1 << 20), at: 0)
                try await engine.closeVolume(id)
                ids.append(id)
            }
            budget.allow(writes)
            let failure = await kind { () throws(Failure) in try await engine.deleteGroup("g") }
            finished = failure == nil
            // What only some drives got was refused, and is taken back from those.
            let hasBegun = budget.written >= paths.count
            budget.allow(.max)
            await engine.shutDown()
            engine = try await start()
            if hasBegun {
                #expect(try await engine.volumes().isEmpty, "after \(writes) writes")
                #expect(await kind { () throws(Failure) in try await engine.capacity(ofGroup: "g") } == .notFound)
                for path in paths { #expect(!FileManager.default.fileExists(atPath: "\(path)/@g")) }
            } else {
                #expect(Set(try await engine.volumes().map(\.id)) == Set(ids))
                try await engine.deleteGroup("g")
            }
            try await engine.ensureGroup(group)
            #expect(try await engine.volumes().isEmpty)
            await engine.shutDown()
        }
        #expect(finished, "the deletion never ended")
    }

    @Test func copiesOfTheCatalogue() async throws {
        let pool = try await TestPool(mountpaths: 3, k: 1, p: 1)
        #expect(try await pool.engine.storeCatalogue([1, 2, 3]) == 1)
        #expect(try await pool.engine.storeCatalogue([4]) == 2)
        #expect(await kind { () throws(Failure) in try await pool.engine.storeCatalogue([]) } == .invalid)
        try await pool.restart()
        let large = pattern(5, bytes: 3 << 20)
        #expect(try await pool.engine.storeCatalogue(large) == 3)
        await pool.stop()
        let before = files(of: pool)
        var found = try await inventory(pool)
        #expect(files(of: pool) == before, "looking writes nothing")
        #expect(found.copies.map(\.version) == [3] && found.copies[0].bytes == large && found.problems.isEmpty)

        // One rotten, one of another pool: the third is used, and the others are told.
        let path = "\(pool.paths[0])/.ashlar/catalogue"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        let foreign = Data("ashlar-catalogue 1 9 \(PoolID.random()) 00000000 0\n".utf8)
        try foreign.write(to: URL(fileURLWithPath: "\(pool.paths[1])/.ashlar/catalogue"))
        found = try await inventory(pool)
        #expect(found.copies.map(\.version) == [3] && found.copies[0].place == pool.paths[2])
        #expect(found.problems.count == 2, "\(found.problems)")

        // A lost member does not count against reading; what it misses is never believed.
        try pool.hide(0)
        try await pool.start()
        let version = try await pool.engine.storeCatalogue([7])
        #expect(version > 3)
        await pool.stop()
        try pool.show(0)
        found = try await inventory(pool)
        #expect(found.copies.map(\.version) == [version])
    }

    /// A full mountpath keeps its older copy and stays a member; with fewer than p+1 left the copy is refused.
    @Test func aFullMountpathDoesWithoutACopy() async throws {
        let directory = NSTemporaryDirectory() + "ashlar-groups-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let paths = (0..<3).map { "\(directory)/d\($0)" }
        for path in paths + ["\(directory)/state"] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        let disks = try paths.map { try FaultyDisk(path: $0) }
        let engine = try await EmbeddedEngine.start(
            mountpaths: zip(paths, disks).map { ConfiguredMountpath(path: $0, media: "nvme", disk: $1) },
            ledger: try DirectoryDisk(path: "\(directory)/state"),
            settings: EngineSettings(ringBytes: 8 << 20, loopCount: 1, acceptMissing: false),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await engine.ensureGroup(
            GroupSpecification(
                label: "g", dataColumns: 1, parityColumns: 1, media: [], sliceBytes: 4 << 20, capacityBytes: nil))
        #expect(try await engine.storeCatalogue([1]) == 1)
        disks[0].isFull.store(true, ordering: .relaxed)
        #expect(try await engine.storeCatalogue([2]) == 2)
        disks[1].isFull.store(true, ordering: .relaxed)
        #expect(await kind { () throws(Failure) in try await engine.storeCatalogue([3]) } == .exhausted)
        #expect(try await engine.poolStatus().mountpaths.allSatisfy { $0.state == .active })
        for disk in disks { disk.isFull.store(false, ordering: .relaxed) }
        let version = try await engine.storeCatalogue([4])
        #expect(version == 4, "a version never stands for two copies")
        for path in paths {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(path)/.ashlar/catalogue"))
            #expect(bytes.last == 4)
        }
        await engine.shutDown()
    }

    @Test func annotationsAreInTheHeaders() async throws {
        let pool = try await TestPool(mountpaths: 3, k: 1, p: 1)
        let (one, two) = (VolumeID.random(), VolumeID.random())
        let made = try await pool.engine.createVolume(one, group: "g", sizeBytes: 4096, annotation: "{\"a\":\"ü\\\"\"}")
        #expect(made.isAnnotated)
        #expect(try await !pool.engine.createVolume(two, group: "g", sizeBytes: 4096).isAnnotated)
        try await pool.engine.raiseEpoch(one, to: 7)
        try await pool.engine.annotateVolume(two, "two")
        let long = String(repeating: "x", count: annotationBytesMax + 1)
        #expect(await kind { () throws(Failure) in try await pool.engine.annotateVolume(two, long) } == .invalid)
        await pool.stop()
        let volumes = try await inventory(pool).volumes
        #expect(volumes.first { $0.id == one }?.annotation == "{\"a\":\"ü\\\"\"}")
        #expect(volumes.first { $0.id == one }?.attachEpoch == 7)
        #expect(volumes.first { $0.id == two }?.annotation == "two")
        #expect(
            await kind { () async throws(Failure) in
                try await EmbeddedEngine.inventory(
                    mountpaths: [], ledger: try DirectoryDisk(path: NSTemporaryDirectory()), acceptMissing: false,
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            } == .notFound)
    }

    /// A header log of the first version, without annotations and states.
    @Test func anOldLogIsRead() async throws {
        let pool = try await TestPool(mountpaths: 3, k: 1, p: 1)
        await pool.stop()
        let id = VolumeID.random()
        let entries = [
            #"{"group":{"specification":{"dataColumns":1,"label":"g","media":[],"parityColumns":1,"sliceBytes":4194304}},"revision":1}"#,
            #"{"revision":2,"volume":{"attachEpoch":3,"formatted":{"never":{}},"group":"g","id":"\#(id)","isDeleted":false,"sizeBytes":8192}}"#,
        ]
        for path in pool.paths {
            try Data(entries.flatMap(encoded)).write(to: URL(fileURLWithPath: "\(path)/.ashlar/headers"))
        }
        try await pool.start()
        let volume = try await pool.engine.volume(id)
        #expect(volume.attachEpoch == 3 && !volume.isAnnotated && volume.formatted == .never)
        await pool.stop()
    }

    private func encoded(_ payload: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for word in [0x5244_4841, 1, UInt32(payload.utf8.count), checksum(Array(payload.utf8))] {
            withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes + Array(payload.utf8)
    }

    /// CRC-32C, bit by bit.
    private func checksum(_ bytes: [UInt8]) -> UInt32 {
        var sum = UInt32.max
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0x82F6_3B78 : sum >> 1 }
        }
        return ~sum
    }
}
