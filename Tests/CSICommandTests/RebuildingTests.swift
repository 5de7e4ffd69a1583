import Base
import Catalogue
import Domain
import Foundation
import Synchronization
import SystemIO
import Testing
import VolumeEngine
import ashlar

/// `ashlar pool rebuild-catalogue`, cut at every call to the state directory's disk.
@Suite struct RebuildingTests {
    private static let pool = PoolID(high: 1, low: 2)
    private static let id = VolumeID(high: 3, low: 4)

    /// One group with one volume, and a copy of a catalogue that cannot be read.
    private static func inventory(copy: [UInt8] = [1, 2, 3]) throws -> PoolInventory {
        let request = VolumeRequest(
            name: "a", group: "g", sizeBytes: 1 << 30, filesystem: .ext4,
            capabilities: [.init(access: .mount(filesystem: nil, flags: []), mode: .singleNodeWriter)])
        let volume = Volume(id: id, request: request, sizeBytes: 1 << 30, phase: .ready, lastEpoch: 3, createdAt: 1)
        return PoolInventory(
            id: pool, version: 5,
            groups: [
                .init(
                    specification: GroupSpecification(
                        label: "g", dataColumns: 4, parityColumns: 2, media: ["nvme"], sliceBytes: 16 << 20,
                        capacityBytes: nil), state: .active)
            ],
            volumes: [
                .init(
                    id: id, group: "g", sizeBytes: 1 << 30, attachEpoch: 3, formatted: .never,
                    annotation: try volume.annotation, isDeleted: false)
            ],
            copies: [.init(version: 9, place: "/d0", bytes: copy)], problems: [])
    }

    private static func names(_ path: String) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: path))
    }

    private static func rebuilding(_ disk: any Disk, _ path: String, _ inventory: PoolInventory) -> CatalogueRebuilding
    {
        CatalogueRebuilding(state: disk, directory: path, inventory: inventory, unixTime: 7)
    }

    /// A state directory whose catalogue knows another group; its log is left as a process that was killed leaves it.
    private static func makeOld(_ path: String) async throws {
        let catalogue = try Catalogue(path: path + "/catalogue.sqlite")
        try await catalogue.putGroup(VolumeGroup(label: "old", profile: .standard, protection: .single), at: 1)
        let log = try Data(contentsOf: URL(fileURLWithPath: path + "/catalogue.sqlite-wal"))
        let main = try Data(contentsOf: URL(fileURLWithPath: path + "/catalogue.sqlite"))
        try catalogue.close()
        try main.write(to: URL(fileURLWithPath: path + "/catalogue.sqlite"))
        try log.write(to: URL(fileURLWithPath: path + "/catalogue.sqlite-wal"))
    }

    /// Labels and volumes of the catalogue; nil where there is none.
    private static func look(_ path: String) async throws -> (labels: [String], volumes: [VolumeID])? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let catalogue = try Catalogue(path: path)
        try await catalogue.check()
        let contents = try await catalogue.contents()
        try catalogue.close()
        return (contents.groups.map(\.group.label), contents.volumes.map(\.id))
    }

    @Test func everyCut() async throws {
        var cuts = 0
        for step in 0..<100 {
            let path = NSTemporaryDirectory() + "ashlar-rebuilding-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: path) }
            try await Self.makeOld(path)
            let disk = CutDisk(try DirectoryDisk(path: path), after: step)
            var failed = false
            do {
                _ = try await Self.rebuilding(disk, path, Self.inventory()).run(replace: true, isDryRun: false)
            } catch { failed = true }
            if failed { cuts += 1 }

            // What a start would find: the old one, none, or the new one.
            let found = try await Self.look(path + "/catalogue.sqlite")
            let isOld = found?.labels == ["old"] && found?.volumes == []
            let isNew = found?.labels == ["g"] && found?.volumes == [Self.id]
            #expect(found == nil || isOld || isNew, "cut at \(step): \(String(describing: found))")
            if !failed {
                #expect(isNew && cuts >= 8, "\(cuts) cuts")
                let old = try await Self.look(path + "/catalogue.sqlite.replaced-7")
                #expect(old?.labels == ["old"], "the old one is kept, log and all")
                return
            }
            let again = try await Self.rebuilding(try DirectoryDisk(path: path), path, Self.inventory())
                .run(replace: true, isDryRun: false)
            #expect(again.copy == nil && again.problems.count == 1)
            let afterwards = try await Self.look(path + "/catalogue.sqlite")
            #expect(afterwards?.volumes == [Self.id], "repeated after the cut at \(step)")
            #expect(try Self.names(path).allSatisfy { !$0.contains(".new") })
        }
        Issue.record("the rebuild never ended")
    }

    @Test func refusalsAndDryRunsChangeNothing() async throws {
        let path = NSTemporaryDirectory() + "ashlar-rebuilding-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let disk = try DirectoryDisk(path: path)
        // Without a catalogue nothing need be said.
        _ = try await Self.rebuilding(disk, path, Self.inventory()).run(replace: false, isDryRun: false)
        let before = try Data(contentsOf: URL(fileURLWithPath: path + "/catalogue.sqlite"))
        let failure = await #expect(throws: Failure.self) {
            _ = try await Self.rebuilding(disk, path, Self.inventory()).run(replace: false, isDryRun: false)
        }
        #expect(failure?.kind == .conflict && failure?.message.contains("--replace") == true)
        // The first rebuild's result is a copy that can be read.
        let result = try await Self.rebuilding(disk, path, Self.inventory(copy: Array(before)))
            .run(replace: false, isDryRun: true)
        #expect(result.copy?.version == 9 && result.problems.isEmpty && result.replaced == nil)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path + "/catalogue.sqlite")) == before)
        #expect(try Self.names(path) == ["catalogue.sqlite"])
        // One of another pool is not.
        var foreign = try Self.inventory(copy: Array(before))
        foreign.id = PoolID(high: 8, low: 8)
        let other = try await Self.rebuilding(disk, path, foreign).run(replace: true, isDryRun: true)
        #expect(other.copy == nil && other.problems.count == 1)
    }
}

/// Dies after so many calls that change something have taken effect: the last of them and all that follow fail.
private final class CutDisk: Disk {
    private let disk: DirectoryDisk
    private let left: Mutex<Int>

    init(_ disk: DirectoryDisk, after count: Int) {
        self.disk = disk
        left = Mutex(count)
    }

    private func step(_ body: () throws(Failure) -> Void) throws(Failure) {
        let now = left.withLock { left in
            left -= 1
            return left
        }
        if now < 0 { throw Failure(.internal, "cut") }
        try body()
        if now == 0 { throw Failure(.internal, "cut after the call") }
    }

    func createDirectories(_ path: String) throws(Failure) {
        try step { () throws(Failure) in try disk.createDirectories(path) }
    }
    func list(_ path: String) throws(Failure) -> [String] { try disk.list(path) }
    func exists(_ path: String) throws(Failure) -> Bool { try disk.exists(path) }
    func readFile(_ path: String, bytesMax: Int) throws(Failure) -> [UInt8] {
        try disk.readFile(path, bytesMax: bytesMax)
    }
    func replaceFile(_ path: String, with bytes: [UInt8]) throws(Failure) {
        try step { () throws(Failure) in try disk.replaceFile(path, with: bytes) }
    }
    func openSlice(_ path: String) throws(Failure) -> any DiskFile { try disk.openSlice(path) }
    func createSlice(_ path: String, bytes: UInt64) throws(Failure) -> any DiskFile {
        try disk.createSlice(path, bytes: bytes)
    }
    func openLog(_ path: String) throws(Failure) -> any DiskFile { try disk.openLog(path) }
    func rename(_ from: String, to: String) throws(Failure) {
        try step { () throws(Failure) in try disk.rename(from, to: to) }
    }
    func remove(_ path: String) throws(Failure) { try step { () throws(Failure) in try disk.remove(path) } }
    func removeDirectory(_ path: String) throws(Failure) { try disk.removeDirectory(path) }
    func synchronizeDirectory(_ path: String) throws(Failure) {
        try step { () throws(Failure) in try disk.synchronizeDirectory(path) }
    }
    func space() throws(Failure) -> DiskSpace { try disk.space() }
    func verifyPresence() throws(Failure) { try disk.verifyPresence() }
}
