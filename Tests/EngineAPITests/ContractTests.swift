import Attach
import Base
import EngineAPI
import Foundation
import GRPCServer
import Logging
import Synchronization
import Testing
import VolumeEngine

/// How a test reaches the engine.
enum Route: CaseIterable, Sendable {
    case direct
    case socket
}

/// Runs `body` with the ports as `route` gives them.
func reach<E: VolumeEngine & DeviceAttacher>(
    _ engine: E, by route: Route, _ body: (any VolumeEngine, any DeviceAttacher) async throws -> Void
) async throws {
    if route == .direct { return try await body(engine, engine) }
    let path = "/tmp/ashlar-engine-\(UUID().uuidString).sock"
    var handlers = GRPCHandlers()
    handlers.serve(engine as any VolumeEngine)
    handlers.serve(engine as any DeviceAttacher)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let server = GRPCServer(socketPath: path, handlers: handlers, logger: logger)
    try server.start()
    let channel = try GRPCChannel(socketPath: path)
    do {
        try await body(RemoteVolumeEngine(channel), RemoteDeviceAttacher(channel))
    } catch {
        Issue.record(error)
    }
    await server.shutdown(drainSeconds: 5)
}

/// The kind that `body` fails with.
func kind<T>(_ body: () async throws(Failure) -> T) async -> FailureKind? {
    do throws(Failure) {
        _ = try await body()
        return nil
    } catch {
        return error.kind
    }
}

/// One contract, directly and through a socket.
@Suite struct ContractTests {
    let group = GroupSpecification(
        label: "fast", dataColumns: 4, parityColumns: 2, media: ["nvme", "ssd"], sliceBytes: 64 << 20,
        capacityBytes: nil)
    let id = VolumeID(high: 0x0123_4567_89AB_CDEF, low: 42)
    let size: UInt64 = 2 << 30

    @Test(arguments: Route.allCases) func groups(_ route: Route) async throws {
        try await reach(MemoryEngine(), by: route) { engine, _ in
            try await engine.ensureGroup(group)
            try await engine.ensureGroup(group)
            var other = group
            other.capacityBytes = 0
            #expect(await kind { () throws(Failure) in try await engine.ensureGroup(other) } == .conflict)
            other.label = "wide"
            other.dataColumns = 8
            #expect(await kind { () throws(Failure) in try await engine.ensureGroup(other) } == .exhausted)
            let capacity = try await engine.capacity(ofGroup: "fast")
            #expect(capacity.totalBytes == MemoryEngine.poolBytes && capacity.usedBytes == 0)
            #expect(await kind { () throws(Failure) in try await engine.capacity(ofGroup: "none") } == .notFound)
        }
    }

    @Test(arguments: Route.allCases) func annotationsAndGroupsOnTheirWayOut(_ route: Route) async throws {
        let memory = MemoryEngine()
        try await reach(memory, by: route) { engine, _ in
            var annotated = group
            annotated.annotation = "{\"ü\":1}"
            try await engine.ensureGroup(annotated)
            #expect(memory.group("fast") == annotated)
            let made = try await engine.createVolume(id, group: "fast", sizeBytes: size, annotation: "one")
            #expect(made.isAnnotated && memory.annotation(of: id) == "one")
            try await engine.annotateVolume(id, "two")
            #expect(memory.annotation(of: id) == "two")
            #expect(await kind { () throws(Failure) in try await engine.annotateVolume(.random(), "") } == .notFound)
            try await engine.retainGroup("fast")
            #expect(memory.isRetained("fast"))
            try await engine.deleteGroup("fast")
            #expect(memory.group("fast") == nil)
            #expect(try await engine.volumes().isEmpty)
        }
    }

    /// Smaller than a piece, exactly two, and more than a message may have.
    @Test(arguments: Route.allCases) func catalogues(_ route: Route) async throws {
        let memory = MemoryEngine()
        try await reach(memory, by: route) { engine, _ in
            for (version, bytes) in [0, 1, 8 << 20, (40 << 20) + 7].enumerated() {
                let copy = (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
                let stored = try await engine.storeCatalogue(copy)
                #expect(stored == UInt64(version + 1))
                #expect(memory.copy == copy, "\(bytes) bytes")
            }
        }
    }

    @Test(arguments: Route.allCases) func aVolumesLife(_ route: Route) async throws {
        try await reach(MemoryEngine(), by: route) { engine, _ in
            try await engine.ensureGroup(group)
            let volume = try await engine.createVolume(id, group: "fast", sizeBytes: size)
            #expect(volume.id == id && volume.group == "fast" && volume.sizeBytes == size)
            #expect(volume.formatted == .never && volume.liveBytes == nil)
            #expect(try await engine.createVolume(id, group: "fast", sizeBytes: size) == volume)
            #expect(
                await kind { () throws(Failure) in
                    try await engine.createVolume(id, group: "fast", sizeBytes: size * 2)
                } == .conflict)
            #expect(
                await kind { () throws(Failure) in
                    try await engine.createVolume(VolumeID.random(), group: "fast", sizeBytes: 5)
                } == .invalid)
            #expect(try await engine.resizeVolume(id, to: size * 2).sizeBytes == size * 2)
            #expect(try await engine.resizeVolume(id, to: size).sizeBytes == size * 2)
            try await engine.markFormatted(id, .filesystem("xfs"))
            #expect(try await engine.volume(id).formatted == .filesystem("xfs"))
            try await engine.raiseEpoch(id, to: .max)
            #expect(await kind { () throws(Failure) in try await engine.raiseEpoch(id, to: 1) } == .fenced)
            #expect(try await engine.volume(id).attachEpoch == .max)
            #expect(try await engine.volumes().map(\.id) == [id])
            try await engine.deleteVolume(id)
            try await engine.deleteVolume(id)
            #expect(await kind { () throws(Failure) in try await engine.volume(id) } == .notFound)
            #expect(
                await kind { () throws(Failure) in
                    try await engine.createVolume(id, group: "fast", sizeBytes: size)
                } == .notFound)
        }
    }

    @Test(arguments: Route.allCases) func snapshotsAndClones(_ route: Route) async throws {
        let memory = MemoryEngine()
        try await reach(memory, by: route) { engine, attacher in
            try await engine.ensureGroup(group)
            let (a, b) = (VolumeID(high: 1, low: 1), VolumeID(high: 1, low: 2))
            let wanted = [
                SnapshotRequest(id: SnapshotID(high: 2, low: .max), volume: b, annotation: "ü"),
                SnapshotRequest(id: SnapshotID(high: 2, low: 1), volume: a),
            ]
            for volume in [a, b] { _ = try await engine.createVolume(volume, group: "fast", sizeBytes: size) }
            let made = try await engine.createSnapshots(wanted)
            #expect(made.map(\.id) == wanted.map(\.id) && made.map(\.volume) == [b, a])
            #expect(made.allSatisfy { $0.sizeBytes == size && $0.group == "fast" && $0.created == 1_700_000_000 })
            #expect(memory.annotation(of: wanted[0].id) == "ü" && memory.annotation(of: wanted[1].id) == "")
            #expect(try await engine.createSnapshots(wanted) == made)
            #expect(try await engine.snapshots() == made.sorted { $0.id < $1.id })
            #expect(try await engine.snapshot(made[1].id) == made[1])

            for (content, low) in [(VolumeContent.snapshot(made[0].id), 8), (.volume(a), 9), (.empty, 10)] {
                let clone = VolumeID(high: 3, low: UInt64(low))
                _ = try await engine.createVolume(
                    clone, group: "fast", sizeBytes: size, annotation: "", content: content)
                #expect(memory.content(of: clone) == content)
            }
            #expect(
                await kind { () throws(Failure) in
                    try await engine.createVolume(
                        .random(), group: "fast", sizeBytes: 4096, annotation: "", content: .volume(a))
                } == .outOfRange)
            #expect(try await engine.rollBackVolume(a, to: made[1].id).id == a)
            #expect(memory.content(of: a) == .snapshot(made[1].id))
            #expect(await kind { () throws(Failure) in try await engine.rollBackVolume(b, to: made[1].id) } == .invalid)
            _ = try await attacher.attach(a, epoch: 0, readOnly: false)
            #expect(
                await kind { () throws(Failure) in try await engine.rollBackVolume(a, to: made[1].id) }
                    == .failedPrecondition)
            for _ in 0..<2 { try await engine.deleteSnapshot(made[0].id) }
            #expect(await kind { () throws(Failure) in try await engine.snapshot(made[0].id) } == .notFound)
            #expect(await kind { () throws(Failure) in try await engine.createSnapshots([wanted[0]]) } == .conflict)
            #expect(try await engine.snapshots() == [made[1]])
        }
    }

    @Test(arguments: Route.allCases) func limits(_ route: Route) async throws {
        try await reach(MemoryEngine(), by: route) { engine, _ in
            try await engine.ensureGroup(group)
            #expect(try await engine.createVolume(id, group: "fast", sizeBytes: size).limits == .none)
            let limits = VolumeLimits(iops: 100, bandwidth: 1 << 20, iopsBurst: 7)
            for _ in 0..<2 { try await engine.setLimits(id, limits) }
            #expect(try await engine.volume(id).limits == limits)
            let wrong = [
                VolumeLimits(iops: 0), VolumeLimits(bandwidth: 65535), VolumeLimits(iopsBurst: 1),
                VolumeLimits(iops: 1, bandwidthBurst: 1), VolumeLimits(iops: 1, iopsBurst: 0),
            ]
            for limits in wrong {
                #expect(await kind { () throws(Failure) in try await engine.setLimits(id, limits) } == .invalid)
            }
            #expect(await kind { () throws(Failure) in try await engine.setLimits(.random(), limits) } == .notFound)
            #expect(try await engine.volume(id).limits == limits)
            try await engine.setLimits(id, .none)
            #expect(try await engine.volume(id).limits == .none)
        }
    }

    @Test(arguments: Route.allCases) func changedRanges(_ route: Route) async throws {
        let memory = MemoryEngine()
        try await reach(memory, by: route) { engine, _ in
            try await engine.ensureGroup(group)
            let (a, b) = (VolumeID(high: 1, low: 1), VolumeID(high: 1, low: 2))
            let snapshots = (0..<3).map { SnapshotID(high: 2, low: UInt64($0)) }
            for (snapshot, volume) in zip(snapshots, [a, a, b]) {
                _ = try await engine.createVolume(volume, group: "fast", sizeBytes: size)
                _ = try await engine.createSnapshot(snapshot, of: volume)
            }
            for base in [nil, snapshots[0]] {
                for offset in [0, 5000, size / 2 + 1, size] {
                    let told = Mutex<[[ByteRange]]>([])
                    try await engine.changedRanges(of: snapshots[1], since: base, from: offset) { batch in
                        told.withLock { $0.append(batch) }
                    }
                    let batches = told.withLock { $0 }
                    #expect(batches.allSatisfy { (1...changedRangeCountMax).contains($0.count) })
                    var expected: [ByteRange] = []
                    for first in stride(from: UInt64(0), to: size, by: base == nil ? 8192 : 16384)
                    where first + 4096 > offset {
                        let begin = max(first, offset)
                        expected.append(ByteRange(offset: begin, length: first + 4096 - begin))
                    }
                    #expect(Array(batches.joined()) == expected)
                }
            }
            for (target, base, wanted) in [
                (snapshots[0], snapshots[2], FailureKind.invalid), (snapshots[0], snapshots[0], .invalid),
                (.random(), nil, .notFound), (snapshots[0], .random(), .notFound),
            ] as [(SnapshotID, SnapshotID?, FailureKind)] {
                let found = await kind { () throws(Failure) in
                    try await engine.changedRanges(of: target, since: base, from: 0) { _ in }
                }
                #expect(found == wanted)
            }
        }
    }

    /// Who does not take what it is told is not told more: neither side gathers it. And who goes away ends the work.
    @Test(arguments: Route.allCases) func aSlowReaderOfChangedRanges(_ route: Route) async throws {
        let memory = MemoryEngine()
        try await reach(memory, by: route) { engine, _ in
            try await engine.ensureGroup(group)
            _ = try await engine.createVolume(id, group: "fast", sizeBytes: 64 << 30)
            let snapshot = SnapshotID(high: 2, low: 1)
            _ = try await engine.createSnapshot(snapshot, of: id)
            let batches = Int((64 << 30) / 8192) / changedRangeCountMax
            let taken = Mutex(0)
            let reader = Task { () -> FailureKind? in
                await kind { () throws(Failure) in
                    try await engine.changedRanges(of: snapshot, since: nil, from: 0) { _ in
                        taken.withLock { $0 += 1 }
                        try? await Task.sleep(for: .milliseconds(20))
                    }
                }
            }
            try await Task.sleep(for: .milliseconds(400))
            #expect(memory.batchesTold < taken.withLock { $0 } + 200, "\(batches) batches in all")
            reader.cancel()
            #expect(await reader.value == .cancelled)
            try await Task.sleep(for: .milliseconds(200))
            let told = memory.batchesTold
            try await Task.sleep(for: .milliseconds(200))
            #expect(memory.batchesTold == told && told < batches)

            // A reader that fails ends the stream with its own failure.
            let failed = await kind { () throws(Failure) in
                try await engine.changedRanges(of: snapshot, since: nil, from: 0) { _ throws(Failure) in
                    throw Failure(.exhausted, "enough")
                }
            }
            #expect(failed == .exhausted)
        }
    }

    @Test(arguments: Route.allCases) func devices(_ route: Route) async throws {
        try await reach(MemoryEngine(), by: route) { engine, attacher in
            try await engine.ensureGroup(group)
            _ = try await engine.createVolume(id, group: "fast", sizeBytes: size)
            try await engine.raiseEpoch(id, to: 3)
            #expect(try await attacher.attachment(id) == nil)
            #expect(
                await kind { () throws(Failure) in try await attacher.attach(id, epoch: 2, readOnly: false) }
                    == .fenced)
            let device = try await attacher.attach(id, epoch: 3, readOnly: true)
            let expected = AttachedDevice(volume: id, path: "/dev/loop7", sizeBytes: size, readOnly: true, epoch: 3)
            #expect(device == expected)
            #expect(try await attacher.attachment(id) == device)
            #expect(await kind { () throws(Failure) in try await engine.deleteVolume(id) } == .failedPrecondition)
            _ = try await engine.resizeVolume(id, to: size * 2)
            #expect(try await attacher.refresh(id).sizeBytes == size * 2)
            try await attacher.detach(id)
            try await attacher.detach(id)
            #expect(try await attacher.attachment(id) == nil)
            #expect(await kind { () throws(Failure) in try await attacher.refresh(id) } == .failedPrecondition)
        }
    }

    @Test(arguments: Route.allCases) func everyValueOfAVolumeSurvives(_ route: Route) async throws {
        let engine = MemoryEngine()
        var volumes: [EngineVolume] = []
        for health in [VolumeHealth.ready, .degraded, .failed] {
            for formatted in [Formatted.never, .making("ext4"), .filesystem("ext4"), .filesystem(""), .unknown] {
                for liveBytes in [nil, 0, UInt64.max] {
                    let volume = EngineVolume(
                        id: .random(), group: "g ü", sizeBytes: .max, attachEpoch: 7, formatted: formatted,
                        health: health, healthReason: "because", liveBytes: liveBytes, allocatedBytes: 9,
                        limits: liveBytes == 0
                            ? VolumeLimits(iops: 1, bandwidth: .max, iopsBurst: 0, bandwidthBurst: 3)
                            : liveBytes == nil ? .none : VolumeLimits(bandwidth: 0))
                    engine.put(volume)
                    volumes.append(volume)
                }
            }
        }
        let sorted = volumes.sorted { $0.id < $1.id }
        try await reach(engine, by: route) { remote, _ async throws in
            #expect(try await remote.volumes() == sorted)
            for volume in sorted { #expect(try await remote.volume(volume.id) == volume) }
            #expect(try await remote.volumeSpaces() == engine.volumeSpaces())
            for volume in sorted {
                #expect(try await remote.volumeSpace(volume.id) == engine.volumeSpace(volume.id))
            }
            #expect(try await remote.poolSpace() == engine.poolSpace())
            #expect(try await remote.poolStatus() == engine.poolStatus())
        }
    }

    /// More than a page, more than a message may hold by gRPC's usual bound.
    @Test(arguments: Route.allCases) func longLists(_ route: Route) async throws {
        let engine = MemoryEngine()
        for index in 0..<30_001 {
            engine.put(
                EngineVolume(
                    id: VolumeID(high: 5, low: UInt64(index)), group: "g", sizeBytes: 4096, attachEpoch: 0,
                    formatted: .unknown, health: .ready, healthReason: String(repeating: "x", count: 100),
                    liveBytes: 0, allocatedBytes: 0))
        }
        try await reach(engine, by: route) { remote, _ async throws in
            let found = try await remote.volumes()
            #expect(found.count == 30_001)
            #expect(try await remote.volumeSpaces().count == 30_001)
            #expect(zip(found, found.dropFirst()).allSatisfy { $0.id < $1.id })
        }
    }

    /// Kinds that share a gRPC code among them.
    @Test(arguments: Route.allCases) func everyFailureKindSurvivesEveryCall(_ route: Route) async throws {
        for expected in FailureKind.allCases {
            let failing = FailingEngine(failure: Failure(expected, "because"))
            try await reach(failing, by: route) { engine, attacher in
                let kinds = [
                    await kind { () throws(Failure) in try await engine.ensureGroup(group) },
                    await kind { () throws(Failure) in try await engine.createVolume(id, group: "g", sizeBytes: 1) },
                    await kind { () throws(Failure) in try await engine.deleteVolume(id) },
                    await kind { () throws(Failure) in try await engine.resizeVolume(id, to: 1) },
                    await kind { () throws(Failure) in try await engine.volume(id) },
                    await kind { () throws(Failure) in try await engine.volumes() },
                    await kind { () throws(Failure) in try await engine.raiseEpoch(id, to: 1) },
                    await kind { () throws(Failure) in try await engine.markFormatted(id, .making("ext4")) },
                    await kind { () throws(Failure) in try await engine.capacity(ofGroup: "g") },
                    await kind { () throws(Failure) in try await engine.poolStatus() },
                    await kind { () throws(Failure) in try await engine.volumeSpace(id) },
                    await kind { () throws(Failure) in try await engine.volumeSpaces() },
                    await kind { () throws(Failure) in try await engine.poolSpace() },
                    await kind { () throws(Failure) in try await engine.retainGroup("g") },
                    await kind { () throws(Failure) in try await engine.deleteGroup("g") },
                    await kind { () throws(Failure) in try await engine.annotateVolume(id, "a") },
                    await kind { () throws(Failure) in try await engine.storeCatalogue([1]) },
                    await kind { () throws(Failure) in try await engine.setLimits(id, .none) },
                    await kind { () throws(Failure) in
                        try await engine.changedRanges(of: SnapshotID(high: 1, low: 1), since: nil, from: 0) { _ in }
                    },
                    await kind { () throws(Failure) in try await attacher.attach(id, epoch: 1, readOnly: false) },
                    await kind { () throws(Failure) in try await attacher.detach(id) },
                    await kind { () throws(Failure) in try await attacher.attachment(id) },
                    await kind { () throws(Failure) in try await attacher.refresh(id) },
                ]
                #expect(kinds.allSatisfy { $0 == expected })
            }
        }
    }
}

/// What only a remote engine can do wrong.
@Suite struct RemoteTests {
    @Test func anAbsentEngineIsUnavailable() async throws {
        let channel = try GRPCChannel(socketPath: "/tmp/ashlar-no-engine-\(UUID().uuidString).sock")
        let engine = RemoteVolumeEngine(channel, timeoutSeconds: 5)
        #expect(await kind { () throws(Failure) in try await engine.poolStatus() } == .unavailable)
        #expect(await kind { () throws(Failure) in try await engine.volumes() } == .unavailable)
    }

    @Test func malformedRequestsAreInvalidAndChangeNothing() async throws {
        let path = "/tmp/ashlar-engine-\(UUID().uuidString).sock"
        var handlers = GRPCHandlers()
        handlers.serve(MemoryEngine() as any VolumeEngine)
        let server = GRPCServer(
            socketPath: path, handlers: handlers, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try server.start()
        let channel = try GRPCChannel(socketPath: path)
        for method in handlers.methods {
            let status = await channel.exchange(method, [0x0A, 0xFF], timeoutSeconds: 5).status
            #expect(status.code == .invalidArgument, "\(method)")
        }
        let noID = await channel.exchange("/ashlar.engine.v1.Volumes/DeleteVolume", [], timeoutSeconds: 5).status
        #expect(noID.code == .invalidArgument)
        #expect(noID.message.contains("volume id"))
        await server.shutdown(drainSeconds: 5)
    }

    @Test func anAnswerThatMakesNoSenseIsInternal() async throws {
        let path = "/tmp/ashlar-engine-\(UUID().uuidString).sock"
        var handlers = GRPCHandlers()
        handlers.unary("/ashlar.engine.v1.Volumes/GetVolume") { _, _ in [] }
        handlers.unary("/ashlar.engine.v1.Volumes/GetPoolStatus") { _, _ in [0x0A, 0xFF] }
        let server = GRPCServer(
            socketPath: path, handlers: handlers, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try server.start()
        let engine = RemoteVolumeEngine(try GRPCChannel(socketPath: path))
        #expect(await kind { () throws(Failure) in try await engine.volume(VolumeID.random()) } == .internal)
        #expect(await kind { () throws(Failure) in try await engine.poolStatus() } == .internal)
        #expect(await kind { () throws(Failure) in try await engine.deleteVolume(VolumeID.random()) } == .unsupported)
        await server.shutdown(drainSeconds: 5)
    }
}
