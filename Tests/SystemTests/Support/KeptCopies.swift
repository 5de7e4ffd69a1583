import Base
import CSIMessages
import Foundation
import Synchronization
import SystemIO

/// Snapshots and clones of volumes under checked writers, as a person remembers them while faults strike: what was answered is there,
/// what was asked and not answered may be, and what any of them holds never changes after the moment at which it was taken.
///
/// A snapshot is looked at through a clone that is made for it. Clones are only read.
final class KeptCopies: Sendable {
    struct Origin: Sendable {
        let volume: TestVolume
        let file: CheckedFile
        /// Files beside the checked one that count into the checksum; none for a raw volume, of which every byte counts.
        let others: [String]
    }
    private enum Standing: Sendable {
        /// Asked for; the answer is open.
        case coming
        case present
        /// To go; the answer is open.
        case leaving
    }
    private struct Copy: Sendable {
        var name: String
        var isClone: Bool
        var origin: Int
        var bounds: CheckedFile.Bounds
        /// Of the content, since it was first looked at.
        var checksum: String?
        var standing = Standing.coming
    }
    private struct State {
        var random: SeededRandom
        var copies: [Copy] = []
        var nextNumber = 0
        var counts: [String: Int] = [:]
    }
    private static let copiesMax = 6

    private let host: Host
    private let state: Mutex<State>

    init(_ host: Host, seed: UInt64) {
        self.host = host
        state = Mutex(State(random: SeededRandom(seed: seed)))
    }

    var summary: String {
        state.withLock { state in
            state.counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        }
    }
    var lookedAtCount: Int { state.withLock { $0.counts["looked at"] ?? 0 } }

    private func random(_ range: ClosedRange<Int>) -> Int {
        state.withLock { Int.random(in: range, using: &$0.random) }
    }
    private func count(_ what: String) { state.withLock { $0.counts[what, default: 0] += 1 } }

    private func newName(_ letter: String) -> String {
        state.withLock { state in
            state.nextNumber += 1
            return "\(letter)\(state.nextNumber)"
        }
    }

    private func update(_ name: String, _ body: (inout Copy) -> Void) {
        state.withLock { state in
            if let index = state.copies.firstIndex(where: { $0.name == name }) { body(&state.copies[index]) }
        }
    }

    private func forget(_ name: String) { state.withLock { $0.copies.removeAll { $0.name == name } } }

    private func choose(_ isWanted: (Copy) -> Bool = { _ in true }) -> Copy? {
        state.withLock { state in
            state.copies.filter { $0.standing == .present && isWanted($0) }.randomElement(using: &state.random)
        }
    }

    // MARK: Work

    /// Takes a snapshot of one of the volumes, makes a clone of one, or deletes something, until that fails. Nothing is wrong with that.
    func work(_ origins: [Origin], _ csi: CSIClient) async {
        while !Task.isCancelled {
            do {
                let held = state.withLock { $0.copies.count }
                switch random(1...4) {
                case _ where held >= Self.copiesMax: try await removeOne(csi)
                case 1 where held > 2: try await removeOne(csi)
                case 2: try await cloneOne()
                default: try await takeSnapshot(of: random(0...origins.count - 1), origins)
                }
            } catch { return }
        }
    }

    func takeSnapshot(of index: Int, _ origins: [Origin]) async throws {
        let origin = origins[index]
        let name = newName("s")
        let made = Copy(name: name, isClone: false, origin: index, bounds: origin.file.bounds())
        state.withLock { $0.copies.append(made) }
        let answer = try await host.run(["snapshot", "create", name, origin.volume.name, "--config", host.configPath])
        update(name) { copy in
            origin.file.widen(&copy.bounds)
            if answer.code == 0 { copy.standing = .present }
        }
        try require(answer)
        count("snapshots")
    }

    private func cloneOne() async throws {
        guard let source = choose({ !$0.isClone }) else { return }
        var copy = source
        copy.name = newName("c")
        (copy.isClone, copy.standing) = (true, .coming)
        let made = copy
        state.withLock { $0.copies.append(made) }
        try require(try await host.run(["volume", "clone", source.name, made.name, "--config", host.configPath]))
        update(made.name) { $0.standing = .present }
        count("clones")
    }

    private func removeOne(_ csi: CSIClient) async throws {
        guard let copy = choose() else { return }
        try await remove(copy, csi)
    }

    private func remove(_ copy: Copy, _ csi: CSIClient) async throws {
        update(copy.name) { $0.standing = .leaving }
        if copy.isClone {
            if let id = try await idsOfVolumes()[copy.name] { try await deleteVolume(id, csi) }
        } else {
            let answer = try await host.run(["snapshot", "delete", copy.name, "--config", host.configPath])
            if answer.code != 3 { try require(answer) }  // 3: there is none
        }
        forget(copy.name)
        count("deletions")
    }

    private func deleteVolume(_ id: String, _ csi: CSIClient) async throws {
        _ = try await csi.call(
            CSI.Method.deleteVolume, CSI.DeleteVolumeRequest(volumeID: id), CSI.DeleteVolumeResponse.self)
    }

    private func require(_ answer: (code: Int32?, output: String)) throws {
        guard answer.code == 0 else { throw Failure(.internal, "\(answer.code ?? -1): \(answer.output)") }
    }

    // MARK: After a start

    private func idsOfVolumes() async throws -> [String: String] { try await ids("volume") }

    private func ids(_ what: String) async throws -> [String: String] {
        var found: [String: String] = [:]
        for entry in try await host.json([what, "ls"]) as? [[String: Any]] ?? [] {
            if let name = entry["name"] as? String { found[name] = entry["id"] as? String }
        }
        return found
    }

    /// What was answered holds; what was not is settled now.
    func settle(_ origins: [Origin], _ csi: CSIClient) async throws {
        let there = Set(try await ids("snapshot").keys).union(try await idsOfVolumes().keys)
        let known = Set(state.withLock { $0.copies.map(\.name) })
        for copy in state.withLock({ $0.copies }) {
            switch copy.standing {
            case .present where !there.contains(copy.name):
                throw CheckedFile.Problem.wrong("'\(copy.name)' was made and not deleted, and is gone")
            case .present: break
            case .coming where there.contains(copy.name): update(copy.name) { $0.standing = .present }
            case .coming: forget(copy.name)
            case .leaving: try await remove(copy, csi)
            }
        }
        if let stray = there.subtracting(known).first(where: { isOurs($0, "sc") }) {
            throw CheckedFile.Problem.wrong("'\(stray)' was deleted, or never made, and is there")
        }
        for (name, id) in try await idsOfVolumes() where isOurs(name, "t") {
            try await discard(name, id, origins, csi)
        }
    }

    private func isOurs(_ name: String, _ letters: String) -> Bool {
        name.first.map { letters.contains($0) } == true && Int(name.dropFirst()) != nil
    }

    /// A clone for looking at something that a fault has left.
    private func discard(_ name: String, _ id: String, _ origins: [Origin], _ csi: CSIClient) async throws {
        for origin in origins {
            try? await clone(name, id, of: origin.volume).takeDown(csi)
        }
        try await deleteVolume(id, csi)
    }

    private func clone(_ name: String, _ id: String, of origin: TestVolume) -> TestVolume {
        TestVolume(
            name: name, id: id, content: origin.content, sizeBytes: origin.sizeBytes, context: origin.context,
            staging: "\(host.directory)/stage/\(name)", target: "\(host.directory)/pods/\(name)/mount")
    }

    // MARK: Looking

    /// Reads one by chance: it holds what it held.
    func lookAtOne(_ origins: [Origin], _ csi: CSIClient) async throws {
        if let copy = choose() { try await look(at: copy, origins, csi) }
    }

    private func look(at copy: Copy, _ origins: [Origin], _ csi: CSIClient) async throws {
        var name = copy.name
        if !copy.isClone {
            name = newName("t")
            try require(try await host.run(["volume", "clone", copy.name, name, "--config", host.configPath]))
        }
        guard let id = try await idsOfVolumes()[name] else { throw Failure(.notFound, "no volume \(name)") }
        let origin = origins[copy.origin]
        var volume = clone(name, id, of: origin.volume)
        try await volume.bringUp(csi)
        let isRaw = origin.volume.content == .block
        let path = volume.target
        var bounds = copy.bounds
        let checked = bounds
        bounds = try await offPool {
            var found = checked
            try origin.file.checkCopy(at: path + (isRaw ? "" : "/file"), &found)
            return found
        }
        let sums = try await host.shell(
            isRaw ? "sha256sum < \(path)" : "cd \(path) && sha256sum file \(origin.others.joined(separator: " "))")
        if let before = copy.checksum, before != sums {
            throw CheckedFile.Problem.wrong("copy '\(copy.name)' has changed: \(before), now \(sums)")
        }
        let found = bounds
        update(copy.name) { ($0.bounds, $0.checksum) = (found, sums) }
        try await volume.takeDown(csi)
        if !copy.isClone { try await deleteVolume(id, csi) }
        count("looked at")
        if copy.checksum != nil { count("looked at again") }
    }

    /// Reads all that are left, and deletes them.
    func finish(_ origins: [Origin], _ csi: CSIClient) async throws {
        try await settle(origins, csi)
        for copy in state.withLock({ $0.copies }) {
            try await look(at: copy, origins, csi)
            try await remove(copy, csi)
        }
    }
}
