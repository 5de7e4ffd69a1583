import Base
import Catalogue
import Domain
import EngineFakes
import Foundation
import Logging
import Testing
import VolumeEngine
import Volumes

/// A catalogue in a directory of its own, an engine in memory, and `Volumes` over both. `reopen` is a new process: what was in
/// memory of the control plane is gone, catalogue and engine stay.
final class Bench: @unchecked Sendable {
    // Tests use it from one task at a time.
    let path: String
    let engine = FakeEngine()
    let time = ManualTime()
    let cut = Cut()
    private(set) var catalogue: Catalogue
    private(set) var volumes: Volumes

    init() async throws {
        path = NSTemporaryDirectory() + "ashlar-volumes-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        catalogue = try await Self.openCatalogue(path, cut)
        volumes = Self.makeVolumes(catalogue, engine, time)
        let cut = cut
        engine.setFault { name throws(Failure) in try cut.step("engine \(name)") }
        try await volumes.start(groups: Defaults.groups)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    private static func openCatalogue(_ path: String, _ cut: Cut) async throws -> Catalogue {
        try await offPool { () throws(Failure) in
            try Catalogue(path: path + "/catalogue.sqlite") { name throws(Failure) in try cut.step("catalogue \(name)")
            }
        }
    }

    private static func makeVolumes(_ catalogue: Catalogue, _ engine: FakeEngine, _ time: ManualTime) -> Volumes {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return Volumes(
            catalogue: catalogue, engine: engine,
            environment: .init(nodes: ["n1", "n2"], clock: time, unixTime: { time.unixTime() }), logger: logger)
    }

    func reopen() async throws {
        cut.revive()
        let old = catalogue
        try await offPool { () throws(Failure) in try old.close() }
        catalogue = try await Self.openCatalogue(path, cut)
        volumes = Self.makeVolumes(catalogue, engine, time)
        try await volumes.start(groups: Defaults.groups)
    }

    static func request(
        _ name: String, sizeBytes: UInt64 = 1 << 30, parameters: [String: String] = [:]
    ) -> VolumeRequest {
        VolumeRequest(
            name: name, group: "standard", className: "standard", sizeBytes: sizeBytes, filesystem: .ext4,
            capabilities: [.init(access: .mount(filesystem: nil, flags: []), mode: .singleNodeWriter)],
            parameters: parameters)
    }

    /// Catalogue and engine have the same volumes and nothing is unfinished.
    func disagreement() async throws -> String? {
        let known = Set(try await catalogue.volumes().map(\.id))
        if known != engine.ids { return "catalogue \(known.sorted()), engine \(engine.ids.sorted())" }
        let intents = try await catalogue.intents()
        if !intents.isEmpty { return "unfinished: \(intents)" }
        let snapshots = Set(try await catalogue.snapshots().map(\.id))
        let kept = Set(try await engine.snapshots().map(\.id))
        if snapshots != kept { return "snapshots: catalogue \(snapshots.sorted()), engine \(kept.sorted())" }
        let unfinished = try await catalogue.allSnapshots().filter { $0.phase != .ready }
        if !unfinished.isEmpty { return "unfinished: \(unfinished)" }
        let waiting = try await catalogue.publications().filter { $0.state != .granted }
        return waiting.isEmpty ? nil : "unfinished: \(waiting)"
    }
}

/// `body` must fail, and in this way.
func expect(
    _ expected: FailureKind, _ location: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async {
    let found = await kind(body)
    #expect(found == expected, sourceLocation: location)
}

/// How `body` failed; nil where it did not.
func kind(_ body: () async throws -> Void) async -> FailureKind? {
    do {
        try await body()
        return nil
    } catch { return (error as? Failure)?.kind }
}
