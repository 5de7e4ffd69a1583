import Base
import CLinux
import CSIMessages
import Foundation
import Glibc
import Synchronization
import SystemIO
import Testing
import VolumeEngine

extension SystemTests {
    /// kill -9 of the worker while something is under way: it is done or it is not, never half, the same call succeeds afterwards, and
    /// who writes meanwhile sees no error. `KILLS` asks for another number of kills of each kind.
    @Suite struct InterruptionTests {
        private static let killCount = number(of: "KILLS") ?? 5
        private static let mib: Int64 = 1 << 20

        private struct Strikes {
            var random: SeededRandom
            var count = 0
            /// Of those, so many times the call did not answer.
            var interruptedCount = 0
        }

        /// `call` with the worker killed within `milliseconds` of its beginning, or as soon as it is answered, again until it succeeds; `look`
        /// after each time that it did not.
        private func interrupt(
            _ strikes: inout Strikes, within milliseconds: Int, _ daemon: Daemon,
            _ call: @Sendable @escaping () async throws -> Void, look: () async throws -> Void = {}
        ) async throws {
            let delay = Int.random(in: 0...(milliseconds * 1_000), using: &strikes.random)
            let isAtAnswer = Int.random(in: 0..<3, using: &strikes.random) == 0
            let strike = Task {
                if isAtAnswer { return false }
                try await Task.sleep(for: .microseconds(delay))
                return killWorker(of: daemon)
            }
            let deadline = ContinuousClock.now + .seconds(30)
            var isInterrupted = false
            while true {
                do {
                    try await call()
                    if isAtAnswer, killWorker(of: daemon) { strikes.count += 1 }
                    break
                } catch {
                    guard ContinuousClock.now < deadline else { throw error }
                    if try await strike.value, !isInterrupted { strikes.interruptedCount += 1 }
                    isInterrupted = true
                    // While nobody serves it cannot be seen.
                    do { try await look() } catch let problem as CheckedFile.Problem { throw problem } catch {}
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            if try await strike.value { strikes.count += 1 }
        }

        private func succeeding<T: Sendable>(_ call: () async throws -> T) async throws -> T {
            let deadline = ContinuousClock.now + .seconds(30)
            while true {
                do { return try await call() } catch {
                    guard ContinuousClock.now < deadline else { throw error }
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
        }

        private func ashlar(_ host: Host, _ arguments: String...) async throws {
            let (code, output) = try await host.run(arguments + ["--config", host.configPath])
            guard code == 0 else { throw Failure(.unavailable, "\(arguments) ended with \(code ?? -1): \(output)") }
        }

        private func list(_ host: Host, _ what: String) async throws -> [[String: Any]] {
            try await host.json([what, "ls"]) as? [[String: Any]] ?? []
        }

        private func rawVolume(
            _ name: String, _ mib: Int64, _ host: Host, _ csi: CSIClient
        ) async throws -> TestVolume {
            var volume = try await TestVolume.create(name, .block, bytes: mib * Self.mib, on: host, csi)
            try await volume.bringUp(csi)
            return volume
        }

        private func clone(of snapshot: String, like origin: TestVolume, _ host: Host) async throws -> TestVolume {
            let name = "copy-of-\(origin.name)"
            let made = try await succeeding { () -> String? in
                let shown = try await host.json(["volume", "clone", snapshot, name]) as? [String: Any]
                return shown?["id"] as? String
            }
            var copy = origin
            (copy.name, copy.id) = (name, try #require(made))
            (copy.staging, copy.target) = ("\(host.directory)/stage/\(name)", "\(host.directory)/pods/\(name)/mount")
            return copy
        }

        // MARK: Snapshots

        @Test func aSnapshot() async throws { try await cuts(of: ["a"]) }

        @Test func aGroupCut() async throws { try await cuts(of: ["a", "b"]) }

        /// A writer stamps the members in turn. Whatever a cut has is a beginning of what was written, over all of them.
        private func cuts(of names: [String]) async throws {
            try await Host.with(secondsMax: 60 + Self.killCount * 10) { host in
                let (daemon, csi) = try await host.serve()
                var members: [TestVolume] = []
                for name in names { members.append(try await rawVolume(name, 4, host, csi)) }
                let stamps = Stamps(members.map(\.target))
                stamps.start()
                var strikes = Strikes(random: SeededRandom(seed: makeSeed("cuts under kills")))
                for number in 0..<Self.killCount {
                    let (name, count) = ("cut\(number)", names.count)
                    let before = stamps.written
                    let words = ["snapshot", "create", name] + names + ["--config", host.configPath]
                    try await interrupt(&strikes, within: 60, daemon) {
                        let (code, output) = try await host.run(words)
                        guard code == 0 else { throw Failure(.unavailable, output) }
                    } look: {
                        let there = try await self.list(host, "snapshot").count {
                            ($0["name"] as? String)?.hasPrefix(name) == true
                        }
                        guard there == 0 || there == count else {
                            throw CheckedFile.Problem.wrong("\(there) of \(count) snapshots of \(name) are there")
                        }
                    }
                    let after = stamps.written
                    var found: [UInt64] = []
                    for member in members {
                        let snapshot = names.count == 1 ? name : "\(name)/\(member.name)"
                        var copy = try await clone(of: snapshot, like: member, host)
                        let now = try await succeeding { try await host.ready(daemon) }
                        try await copy.bringUp(now)
                        found.append(try await offPool { [path = copy.target] in try Stamps.last(path) })
                        try await copy.takeDown(now)
                        try await copy.delete(now)
                    }
                    // In turn: the first member has as many as the last, or one more.
                    let (first, last) = (try #require(found.first), try #require(found.last))
                    #expect(first == last || first == last + 1, "\(name) holds \(found)")
                    #expect(last >= before && first <= after + 1, "\(name): \(before) <= \(found) <= \(after)")
                    try await succeeding { try await self.ashlar(host, "snapshot", "delete", name) }
                }
                #expect(try await stamps.stop() == nil)
                report("\(names.count) members: \(strikes.count) kills, \(strikes.interruptedCount) calls cut off")
                #expect(strikes.count == Self.killCount)
                try await end(members, daemon, host)
            }
        }

        // MARK: Streams of what changed

        /// A snapshot is deleted while its changed blocks are told, and the worker dies: each stream is whole, or a beginning and an error
        /// that says why; then the snapshot's space comes back.
        @Test func aStreamOfADeletedSnapshot() async throws {
            try await Host.with(secondsMax: 60 + Self.killCount * 10) { host in
                let (daemon, csi) = try await host.serve()
                let volume = try await rawVolume("raw", 512, host, csi)
                // Three ranges a leaf of the map.
                let expected = (0..<UInt64(512 * 3)).map {
                    ByteRange(offset: ($0 / 3) << 20 + ($0 % 3 + 1) << 18, length: UInt64(blockBytes))
                }
                var strikes = Strikes(random: SeededRandom(seed: makeSeed("streams under kills")))
                var ends: [String: Int] = [:]
                for number in 0..<Self.killCount {
                    let name = "cut\(number)"
                    try await offPool { try Self.write(expected, to: volume.target) }
                    try await succeeding { try await self.ashlar(host, "snapshot", "create", name, "raw") }
                    try await offPool { try Self.write(expected, to: volume.target) }
                    let shown = try await host.json(["snapshot", "show", name]) as? [String: Any]
                    let snapshot = try #require((shown?["id"] as? String).flatMap { SnapshotID($0) })
                    let isOver = Mutex(false)
                    let mustEnd: @Sendable () -> Bool = { isOver.withLock { $0 } }
                    let readers = (0..<3).map { _ in
                        Task { @Sendable in try await Self.read(snapshot, expected, host, until: mustEnd) }
                    }
                    try await interrupt(&strikes, within: 80, daemon) {
                        let (code, output) = try await host.run(
                            ["snapshot", "delete", name, "--config", host.configPath])
                        // It was deleted before, and nobody was told.
                        guard code == 0 || code == 3 else { throw Failure(.unavailable, output) }
                    }
                    isOver.withLock { $0 = true }
                    for reader in readers { ends.merge(try await reader.value) { $0 + $1 } }
                    var left = -1
                    for _ in 0..<500 where left != 0 {
                        let shown = try? await host.json(["volume", "show", "raw"]) as? [String: Any]
                        left = (shown?["space"] as? [String: Any])?["snapshotOnlyBytes"] as? Int ?? -1
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    #expect(left == 0, "\(name) is deleted")
                }
                report("streams: \(strikes.count) kills, \(strikes.interruptedCount) calls cut off, \(ends)")
                try await end([volume], daemon, host)
            }
        }

        private static func write(_ ranges: [ByteRange], to path: String) throws {
            let file = FileDescriptor(
                owning: try systemCall("open \(path)") { open(path, O_RDWR | ashlar_o_direct() | O_CLOEXEC) })
            let buffer = AlignedBuffer(bytes: blockBytes)
            memset(buffer.base, 7, blockBytes)
            for range in ranges {
                guard pwrite(file.number, buffer.base, blockBytes, off_t(range.offset)) == blockBytes else {
                    throw Failure(errno: errno, "write at \(range.offset)")
                }
            }
        }

        /// Streams again and again; how often with which end.
        private static func read(
            _ snapshot: SnapshotID, _ expected: [ByteRange], _ host: Host, until isOver: @Sendable () -> Bool
        ) async throws -> [String: Int] {
            var ends: [String: Int] = [:]
            while true {
                let isLast = isOver()
                let found = Mutex<[ByteRange]>([])
                var problem: Failure?
                do throws(Failure) {
                    let engine: any VolumeEngine
                    do { engine = try host.engine() } catch { throw Failure(wrapping: error) }
                    try await engine.changedRanges(of: snapshot, since: nil, from: 0) { batch in
                        found.withLock { $0 += batch }
                    }
                } catch { problem = error }
                let told = found.withLock { $0 }
                #expect(told == Array(expected.prefix(told.count)), "ranges that are none of the snapshot's")
                #expect(problem != nil || told.count == expected.count, "\(told.count) ranges, and no error")
                #expect(
                    problem.map { [.notFound, .unavailable, .cancelled].contains($0.kind) } ?? true,
                    "\(String(describing: problem))")
                ends[problem?.kind.rawValue ?? "whole", default: 0] += 1
                if isLast { return ends }
                if problem != nil { try await Task.sleep(for: .milliseconds(2)) }
            }
        }

        // MARK: Expansion

        @Test func anExpansion() async throws {
            try await Host.with(secondsMax: 60 + Self.killCount * 10) { host in
                let (daemon, csi) = try await host.serve()
                let volume = try await rawVolume("raw", 16, host, csi)
                let file = CheckedFile(path: volume.target, blockCount: 2_048, seed: 1)
                let writers = Writers([file])
                var strikes = Strikes(random: SeededRandom(seed: makeSeed("expansions under kills")))
                for number in 0..<Self.killCount {
                    let (old, new) = (Int64(16 + 8 * number) * Self.mib, Int64(24 + 8 * number) * Self.mib)
                    let socket = "\(host.directory)/run/csi.sock"
                    try await interrupt(&strikes, within: 20, daemon) {
                        let answer = try await volume.expand(try CSIClient(socketPath: socket), to: new)
                        guard answer.capacityBytes == new else {
                            throw Failure(.internal, "\(answer.capacityBytes) bytes instead of \(new)")
                        }
                    } look: {
                        let size = try await self.list(host, "volume").first?["sizeBytes"] as? Int64
                        guard size == old || size == new else {
                            throw CheckedFile.Problem.wrong("\(size ?? 0) bytes, between \(old) and \(new)")
                        }
                    }
                    // Of a raw device nobody asks the node to expand it.
                    let shown = try await host.shell("blockdev --getsize64 \(volume.target)")
                    #expect(Int64(shown) == new)
                    try await succeeding {
                        _ = try await volume.nodeExpand(try CSIClient(socketPath: socket), to: new)
                    }
                    try await host.shell(
                        "cmp -n \(new - old) -i \(old):0 \(volume.target) /dev/zero && head -c 4096 /dev/urandom | dd of=\(volume.target) bs=4096 seek=\((new >> 12) - 1) oflag=direct"
                    )
                }
                let problems = await writers.stop()
                #expect(problems == [], "\(host.log.suffix(3_000))")
                _ = try await offPool { try file.check() }
                report("expansions: \(strikes.count) kills, \(strikes.interruptedCount) calls cut off")
                try await end([volume], daemon, host)
            }
        }

        /// Mounted and written, and the node grows it.
        @Test func anExpansionOfAFilesystem() async throws {
            try await Host.with(secondsMax: 60 + Self.killCount * 10) { host in
                let (daemon, csi) = try await host.serve()
                var made = try await TestVolume.create("tree", .xfs, bytes: 304 * Self.mib, on: host, csi)
                try await made.bringUp(csi)
                let volume = made
                let file = CheckedFile(path: volume.target + "/file", blockCount: 2_048, seed: 2)
                let writers = Writers([file])
                var strikes = Strikes(random: SeededRandom(seed: makeSeed("filesystems grow under kills")))
                let socket = "\(host.directory)/run/csi.sock"
                func blocks() async throws -> Int { Int(try await host.shell("stat -f -c %b \(volume.target)")) ?? 0 }
                for number in 0..<Self.killCount {
                    let (new, before) = (Int64(336 + 32 * number) * Self.mib, try await blocks())
                    try await succeeding { _ = try await volume.expand(try CSIClient(socketPath: socket), to: new) }
                    try await interrupt(&strikes, within: 10, daemon) {
                        _ = try await volume.nodeExpand(try CSIClient(socketPath: socket), to: new)
                    }
                    let grown = try await blocks() - before
                    #expect(grown > 7_000 && grown <= 8_192, "\(grown) blocks more instead of 8,192")
                }
                let problems = await writers.stop()
                #expect(problems == [], "\(host.log.suffix(3_000))")
                _ = try await offPool { try file.check() }
                report("growth: \(strikes.count) kills, \(strikes.interruptedCount) calls cut off")
                try await end([volume], daemon, host)
            }
        }

        // MARK: Discards

        /// A discard is I/O: who asks for it sees no error, and what lies around it stays.
        @Test func aDiscard() async throws {
            try await Host.with(secondsMax: 60 + Self.killCount * 10) { host in
                let (daemon, csi) = try await host.serve()
                let volume = try await rawVolume("raw", 64, host, csi)
                let file = CheckedFile(path: volume.target, blockCount: 2_048, seed: 1)
                let writers = Writers([file])
                var strikes = Strikes(random: SeededRandom(seed: makeSeed("discards under kills")))
                let (target, part) = (volume.target, 16 << 20)
                for number in 0..<Self.killCount {
                    try await host.shell(
                        """
                        head -c \(3 * part) /dev/zero | openssl enc -aes-128-ctr -pass pass:\(number) -nosalt -pbkdf2 2> /dev/null > \(host.directory)/text
                        dd if=\(host.directory)/text of=\(target) bs=1M seek=16 oflag=direct conv=fsync status=none
                        """)
                    try await interrupt(&strikes, within: 300, daemon) {
                        try await host.shell(
                            "for part in $(seq 0 16 4095); do blkdiscard -o $(((4096 + part) * 4096)) -l 65536 \(target); done"
                        )
                    }
                    try await host.shell(
                        """
                        blockdev --flushbufs \(target)
                        cmp -n \(part) -i \(part):0 \(target) /dev/zero
                        cmp -n \(2 * part) -i \(2 * part):\(part) \(target) \(host.directory)/text
                        """)
                }
                let problems = await writers.stop()
                #expect(problems == [], "\(host.log.suffix(3_000))")
                _ = try await offPool { try file.check() }
                report("discards: \(strikes.count) kills")
                #expect(strikes.count == Self.killCount && strikes.interruptedCount == 0)
                try await end([volume], daemon, host)
            }
        }

        // MARK: Garbage collection

        /// In a group that is nearly full the cleaner moves all the time.
        @Test func aMove() async throws {
            var settings = Host.Settings()
            settings.groups =
                "[{ label: fast, profile: performance, protection: \"erasure(4,2)\", sliceSize: 4Mi, capacity: 160Mi }]"
            try await Host.with(settings, secondsMax: 90 + Self.killCount * 10) { host in
                let (daemon, csi) = try await host.serve()
                let volume = try await rawVolume("raw", 112, host, csi)
                let file = CheckedFile(path: volume.target, blockCount: 112 << 8, seed: 1)
                try await host.shell(
                    "dd if=/dev/zero of=\(volume.target) bs=1M count=112 oflag=direct conv=fsync status=none")
                let writers = Writers([file])
                var random = SeededRandom(seed: makeSeed("moves under kills"))
                var (strikes, moved) = (0, 0)
                for _ in 0..<Self.killCount {
                    // It counts from each start anew.
                    for _ in 0..<600 {
                        let shown = try? await host.json(["volume", "show", "raw"]) as? [String: Any]
                        let activity = shown?["activity"] as? [String: Any]
                        if let bytes = activity?["movedBytes"] as? Int, bytes > 0 {
                            moved += bytes
                            break
                        }
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...100, using: &random)))
                    if killWorker(of: daemon) { strikes += 1 }
                }
                _ = try await succeeding { try await host.ready(daemon) }
                let problems = await writers.stop()
                #expect(problems == [], "\(host.log.suffix(3_000))")
                _ = try await offPool { try file.check() }
                report("moves: \(strikes) kills, \(moved >> 20) MiB moved before them, \(file.flushCount) flushes")
                #expect(strikes == Self.killCount && moved > 0)
                try await end([volume], daemon, host)
            }
        }

        // MARK: Mountpaths

        /// A drive dies, and about then the worker; then another. A host has no more to lose.
        @Test func aMountpathsRemoval() async throws {
            var random = SeededRandom(seed: makeSeed("mountpaths under kills"))
            for _ in 0..<max(1, Self.killCount / 2) {
                let delays = [1, 4].map { ($0, Int.random(in: 0...150, using: &random)) }
                try await removal(delays)
            }
        }

        private func removal(_ delays: [(lost: Int, milliseconds: Int)]) async throws {
            try await Host.with(secondsMax: 120) { host in
                let (daemon, csi) = try await host.serve()
                let volume = try await rawVolume("raw", 64, host, csi)
                let file = CheckedFile(path: volume.target, blockCount: 4_096, seed: 1)
                let writers = Writers([file])
                for (lost, delay) in delays {
                    try await Task.sleep(for: .milliseconds(400))
                    let strike = Task {
                        try await Task.sleep(for: .milliseconds(delay))
                        return killWorker(of: daemon)
                    }
                    try await host.shell(
                        "xfs_io -x -c shutdown \(host.mountpaths[lost]) && umount -l \(host.mountpaths[lost])")
                    #expect(try await strike.value)
                    let flushes = file.flushCount
                    for _ in 0..<500 where file.flushCount < flushes + 20 {
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    #expect(file.flushCount >= flushes + 20, "writing does not go on: \(host.log.suffix(2_000))")
                    let mountpaths = try await succeeding { try await host.engine().poolStatus().mountpaths }
                    #expect(mountpaths.filter { $0.state == .active }.count == (lost == 1 ? 5 : 4), "\(mountpaths)")
                }
                let problems = await writers.stop()
                #expect(problems == [], "\(host.log.suffix(3_000))")
                _ = try await offPool { try file.check() }
                let shown = try #require(try await host.json(["volume", "show", "raw"]) as? [String: Any])
                #expect(shown["phase"] as? String == "Degraded", "\(shown)")
                try await end([volume], daemon, host, losing: 2)
            }
        }

        /// A drive fails, the worker dies about when that becomes known, and the next one finds the drive whole, but for what was written
        /// meanwhile: it is believed only if nothing was answered without it. What was flushed outlives as many more losses as there may be.
        @Test func aMountpathThatComesBack() async throws {
            var random = SeededRandom(seed: makeSeed("mountpaths come back"))
            var believed = 0
            let count = max(1, Self.killCount / 2)
            for _ in 0..<count {
                let delay = Int.random(in: 0...40_000, using: &random)
                try await Host.with(secondsMax: 120) { host in
                    if try await comesBack(after: .microseconds(delay), host) { believed += 1 }
                }
            }
            report("mountpaths that came back: \(believed) of \(count) were believed")
        }

        /// Whether the drive was believed.
        private func comesBack(after delay: Duration, _ host: Host) async throws -> Bool {
            let (daemon, csi) = try await host.serve()
            let volume = try await rawVolume("raw", 64, host, csi)
            let file = CheckedFile(path: volume.target, blockCount: 4_096, seed: 1)
            let writers = Writers([file])
            try await Task.sleep(for: .milliseconds(300))
            // Its holder starts no other before the drive is back.
            kill(daemon.pid, SIGSTOP)
            let worker = daemon.worker
            try await host.shell("xfs_io -x -c shutdown \(host.mountpaths[1])")
            try await Task.sleep(for: delay)
            kill(worker, SIGKILL)
            for _ in 0..<500 where daemon.worker == worker { try await Task.sleep(for: .milliseconds(10)) }
            // It cannot be while something of the worker is left.
            try await host.shell(
                "for n in $(seq 200); do ! umount \(host.mountpaths[1]) || exit 0; sleep 0.02; done; exit 1")
            try await host.mountImage(1)
            // What was flushed shall not be written anew.
            let stopped = Task { await writers.stop() }
            try await Task.sleep(for: .milliseconds(20))
            kill(daemon.pid, SIGCONT)
            #expect(await stopped.value == [], "\(host.log.suffix(3_000))")
            _ = try await succeeding { try await host.ready(daemon) }
            let mountpaths = try await succeeding { try await host.engine().poolStatus().mountpaths }
            let isOutTold = host.log.contains("mountpath taken out")
            let isBelieved = mountpaths.contains { $0.path == host.mountpaths[1] && $0.state == .active }
            #expect(!isOutTold || !isBelieved, "it was out, and is believed again: \(host.log.suffix(3_000))")
            for lost in isBelieved ? [0, 4] : [4] {
                try await host.shell(
                    "xfs_io -x -c shutdown \(host.mountpaths[lost]) && umount -l \(host.mountpaths[lost])")
            }
            _ = try await offPool { try file.check() }
            try await end([volume], daemon, host, losing: 2)
            return isBelieved
        }

        /// What is left is sound.
        private func end(
            _ volumes: [TestVolume], _ daemon: Daemon, _ host: Host, losing lostCount: Int = 0
        ) async throws {
            let csi = try await succeeding { try await host.ready(daemon) }
            for volume in volumes { try await volume.takeDown(csi) }
            daemon.terminate()
            #expect(await daemon.exitCode(within: 20) == 0)
            if lostCount == 0 { try await ashlar(host, "fsck", "--data") }
            #expect(try host.leftovers(volumes: Set(volumes.map(\.id))) == [])
        }
    }
}

/// Whether there was one.
@discardableResult
private func killWorker(of daemon: Daemon) -> Bool {
    let worker = daemon.worker
    return worker != daemon.pid && kill(worker, SIGKILL) == 0
}

/// Writes 1, 2, 3, … to blocks of several devices, each number to all of them in turn, one write at a time.
private final class Stamps: Sendable {
    private static let blockCount: UInt64 = 1_024
    private let paths: [String]
    private let number = Atomic<UInt64>(0)
    private let stopping = Atomic<Bool>(false)
    private let task = Mutex<Task<String?, Never>?>(nil)

    init(_ paths: [String]) { self.paths = paths }

    /// On all devices, answered.
    var written: UInt64 { number.load(ordering: .acquiring) }

    func start() {
        let running = Task { () -> String? in
            do {
                try await offPool { try self.write() }
                return nil
            } catch { return "\(error)" }
        }
        task.withLock { $0 = running }
    }

    /// What went wrong.
    func stop() async throws -> String? {
        stopping.store(true, ordering: .releasing)
        let running = task.withLock { $0 }
        return await running?.value
    }

    private func write() throws {
        let files = try paths.map { path in
            FileDescriptor(
                owning: try systemCall("open \(path)") { open(path, O_RDWR | ashlar_o_direct() | O_CLOEXEC) })
        }
        let buffer = AlignedBuffer(bytes: blockBytes)
        memset(buffer.base, 0, blockBytes)
        var next: UInt64 = 1
        while !stopping.load(ordering: .acquiring) {
            buffer.base.storeBytes(of: next, as: UInt64.self)
            for file in files {
                let offset = off_t((next % Self.blockCount) * UInt64(blockBytes))
                let count = pwrite(file.number, buffer.base, blockBytes, offset)
                guard count == blockBytes else { throw Failure(errno: errno, "write of stamp \(next)") }
            }
            number.store(next, ordering: .releasing)
            next += 1
            usleep(500)
        }
    }

    /// The last number that is there; `wrong` where one before it is not.
    static func last(_ path: String) throws -> UInt64 {
        let file = FileDescriptor(
            owning: try systemCall("open \(path)") { open(path, O_RDONLY | ashlar_o_direct() | O_CLOEXEC) })
        let buffer = AlignedBuffer(bytes: Int(blockCount) * blockBytes)
        let count = pread(file.number, buffer.base, Int(blockCount) * blockBytes, 0)
        guard count == Int(blockCount) * blockBytes else { throw Failure(errno: errno, "read of \(path)") }
        let found = (0..<blockCount).map { buffer.base.load(fromByteOffset: Int($0) * blockBytes, as: UInt64.self) }
        let last = found.max() ?? 0
        for (slot, value) in found.enumerated() {
            // The newest number up to the last one that goes to this block.
            let back = (last % blockCount + blockCount - UInt64(slot)) % blockCount
            let expected = back > last ? 0 : last - back
            guard value == expected else {
                throw CheckedFile.Problem.wrong(
                    "\(path): block \(slot) holds \(value), not \(expected), and \(last) is there")
            }
        }
        return last
    }
}
