import Base
import CLinux
import CSIMessages
import Foundation
import Glibc
import SystemIO
import Testing

extension SystemTests {
    /// Either of holder and worker dies while the other is just being replaced; rings that cannot be used; upgrades to what does not fit.
    @Suite struct HolderDeathTests {
        private func withVolume(
            secondsMax: Int = 90, _ body: (Host, Daemon, CSIClient, TestVolume) async throws -> Void
        ) async throws {
            try await Host.with(secondsMax: secondsMax) { host in
                let (daemon, csi) = try await host.serve()
                var volume = try await TestVolume.create("raw", .block, bytes: 64 << 20, on: host, csi)
                try await volume.bringUp(csi)
                try await body(host, daemon, csi, volume)
            }
        }

        private func status(_ host: Host) async throws -> [String: Any] {
            try #require(try await host.json(["engine", "status"]) as? [String: Any])
        }

        /// Until a worker serves, other than `old`.
        @discardableResult
        private func waitUntilServing(_ host: Host, but old: pid_t = 0) async throws -> [String: Any] {
            let deadline = ContinuousClock.now + .seconds(20)
            while ContinuousClock.now < deadline {
                if let found = try? await status(host), found["state"] as? String == "serving",
                    let worker = found["workerProcess"] as? Int, worker != Int(old)
                {
                    return found
                }
                try await Task.sleep(for: .milliseconds(20))
            }
            throw Failure(.timedOut, "no worker serves: \(host.log.suffix(2_000))")
        }

        /// Workers of the host, whoever started them.
        private func workers(_ host: Host) -> [pid_t] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return names.compactMap { pid_t($0) }.filter { process in
                let words = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
                let text = String(decoding: words, as: UTF8.self)
                return text.contains("\0worker\0") && text.contains(host.configPath)
            }
        }

        /// What goes on while processes die: writes that are flushed, and at the end all of them are there.
        private func withWriter(_ volume: TestVolume, _ body: (CheckedFile) async throws -> Void) async throws {
            let file = CheckedFile(path: volume.target, blockCount: 2_048, seed: 1)
            let writers = Writers([file])
            try await body(file)
            #expect(await writers.stop() == [])
            _ = try await offPool { try file.check() }
        }

        // MARK: The holder dies

        /// What is handed over lies in the connection, whole, when the sender dies: devices by the hundreds.
        @Test func whatIsHandedOverFitsIntoTheConnection() throws {
            var ends: [Int32] = [0, 0]
            #expect(ashlar_packet_pair(&ends) == 0)
            defer { for end in ends { close(end) } }
            let packet = [UInt8](repeating: 0, count: 320)
            for number in 0..<2_000 {
                let result = ashlar_packet_send(ends[0], packet, packet.count, ends[1])
                try #require(result == 0, "packet \(number): errno \(-result)")
            }
        }

        /// The new worker has the devices before it can be connected to: the next holder waits for it, and starts none beside it.
        @Test func aHolderThatDiesWhileItsWorkerStarts() async throws {
            try await withVolume(secondsMax: 180) { host, daemon, _, volume in
                var holder = daemon
                var random = SeededRandom(seed: makeSeed("holder dies while its worker starts"))
                try await withWriter(volume) { _ in
                    for round in 0..<8 {
                        let old = try #require(workers(host).first)
                        kill(old, SIGKILL)
                        var started: pid_t?
                        for _ in 0..<20_000 where started == nil {
                            started = workers(host).first { $0 != old }
                            usleep(100)
                        }
                        #expect(started != nil)
                        usleep(UInt32.random(in: 0...30_000, using: &random))
                        kill(holder.pid, SIGKILL)
                        _ = await holder.exitCode(within: 10)
                        holder = try host.start()
                        let found = try await waitUntilServing(host, but: old)
                        #expect(found["devices"] as? Int == 1, "round \(round): \(found)")
                        #expect(
                            found["workerProcess"] as? Int == started.map(Int.init), "round \(round): another worker")
                    }
                }
                #expect(workers(host).count == 1)
                try await end(volume, holder, host)
            }
        }

        // MARK: Deaths within an upgrade

        enum Victim: CaseIterable, Sendable { case holder, old, new }

        /// Whatever the upgrade has come to: one of the two workers goes on, or another. Who asked for it is told, who writes sees no error, and
        /// nothing is left of it.
        @Test(arguments: Victim.allCases) func aDeathWithinAnUpgrade(_ victim: Victim) async throws {
            try await withVolume(secondsMax: 180) { host, daemon, _, volume in
                var (holder, answers) = (daemon, [String: Int]())
                var random = SeededRandom(seed: makeSeed("\(victim) dies within an upgrade"))
                let before = try traces(host, daemon)
                try await withWriter(volume) { file in
                    for round in 0..<8 {
                        let (flushes, old) = (file.flushCount, try #require(workers(host).first))
                        let upgrade = Task {
                            try await host.run(
                                ["engine", "upgrade", "--config", host.configPath, "--timeout", "5"])
                        }
                        let struck = try await strike(victim, within: 250, host, holder, old, &random)
                        if victim == .holder { holder = try host.start() }
                        let answer = try await upgrade.value
                        let known = try #require(Self.answer(answer), "round \(round): \(answer)")
                        answers[known, default: 0] += 1
                        let now = try await waitUntilServing(host, but: struck)
                        #expect(now["devices"] as? Int == 1, "round \(round): \(now)")
                        try await wait { file.flushCount >= flushes + 5 && workers(host).count == 1 }
                        #expect(file.flushCount >= flushes + 5, "round \(round): \(host.log.suffix(2_000))")
                        #expect(workers(host).count == 1, "round \(round): \(host.log.suffix(2_000))")
                    }
                }
                report("\(victim) died within upgrades: \(answers.sorted { $0.key < $1.key })")
                try await wait { try traces(host, holder) == before }
                #expect(try traces(host, holder) == before)
                try await end(volume, holder, host)
            }
        }

        /// Which answer of `engine upgrade` it is; nil where it is none that says what became of it.
        private static func answer(_ told: (code: Int32?, output: String)) -> String? {
            if told.code == 0 { return "done" }
            let known = [
                "the new worker ended", "the old worker ended", "ended meanwhile", "no ashlar engine answers",
                "no worker serves right now", "another holder's worker has the lock",
            ]
            guard told.code == 1 || told.code == EX_TEMPFAIL else { return nil }
            return known.first { told.output.contains($0) }
        }

        /// Until it is so, or 10 s are over: what follows says what is not.
        private func wait(until isSo: () throws -> Bool) async throws {
            let deadline = ContinuousClock.now + .seconds(10)
            while try !isSo(), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(5)) }
        }

        /// Returns the worker that was killed, or 0.
        private func strike(
            _ victim: Victim, within milliseconds: Int, _ host: Host, _ holder: Daemon, _ old: pid_t,
            _ random: inout SeededRandom
        ) async throws -> pid_t {
            let delay = Duration.microseconds(Int.random(in: 0...(milliseconds * 1_000), using: &random))
            if victim == .new {
                try await wait { workers(host).contains { $0 != old } }
            }
            try await Task.sleep(for: delay)
            switch victim {
            case .holder:
                kill(holder.pid, SIGKILL)
                _ = await holder.exitCode(within: 10)
                return 0
            case .old:
                kill(old, SIGKILL)
                return old
            case .new:
                let new = workers(host).first { $0 != old } ?? 0
                if new != 0 { kill(new, SIGKILL) }
                return new
            }
        }

        /// What an upgrade could leave: names in the run directory, mounts, and descriptors of devices in the worker and its holder.
        private func traces(_ host: Host, _ holder: Daemon) throws -> [String] {
            let run = "\(host.directory)/run"
            let names = try FileManager.default.subpathsOfDirectory(atPath: run).sorted()
            let mounts = try host.leftovers(volumes: [])
            let processes = ([holder.pid] + workers(host)).map { process in
                let path = "/proc/\(process)/fd"
                let files = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).compactMap {
                    try? FileManager.default.destinationOfSymbolicLink(atPath: "\(path)/\($0)")
                }
                return "\(files.count { $0 == "/dev/fuse" }) devices"
            }
            return names + mounts + processes
        }

        private func end(_ volume: TestVolume, _ holder: Daemon, _ host: Host) async throws {
            let csi = try await host.ready(holder)
            try await volume.takeDown(csi)
            holder.terminate()
            #expect(await holder.exitCode(within: 20) == 0)
            #expect(try host.leftovers(volumes: [volume.id]) == [])
        }

        // MARK: Upgrades

        /// A program that runs the real one behind it and changes what it says to the holder.
        private func changed(_ host: Host, _ name: String, _ change: String) async throws -> String {
            let path = "\(host.directory)/\(name)"
            let text = """
                #!/usr/bin/env python3
                import array, ctypes, json, os, select, signal, socket, sys
                holder = socket.socket(fileno=3)
                holder.setblocking(True)
                ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                if os.fork() == 0:
                    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
                    os.dup2(theirs.fileno(), 3)
                    os.execv("\(Daemon.binary)", ["ashlar"] + sys.argv[1:])
                theirs.close()
                def passed(source, target, change):
                    data, control, _, _ = source.recvmsg(65536, socket.CMSG_LEN(4))
                    if not data:
                        sys.exit(0)
                    message = json.loads(data)
                    change(message)
                    target.sendmsg([json.dumps(message).encode()], control)
                    for _, _, numbers in control:
                        for number in array.array("i", numbers):
                            os.close(number)
                def change(message):
                    \(change)
                while True:
                    ready, _, _ = select.select([holder, ours], [], [])
                    if holder in ready:
                        passed(holder, ours, lambda message: None)
                    if ours in ready:
                        passed(ours, holder, change)

                """
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            try await host.shell("chmod 755 \(path)")
            return path
        }

        private func upgrade(_ host: Host, to path: String) async throws -> (code: Int32?, output: String) {
            try await host.run(["engine", "upgrade", "--config", host.configPath, "--binary", path, "--timeout", "4"])
        }

        @Test func aWorkerThatKeepsOtherFormatsIsRefused() async throws {
            try await withVolume { host, daemon, _, volume in
                try await withWriter(volume) { _ in
                    let worker = daemon.worker
                    // The same program behind it, unchanged: this is no fault of the test's.
                    let same = try await changed(host, "same", "pass")
                    let done = try await upgrade(host, to: same)
                    #expect(done.code == 0, "\(done.output)")
                    let first = try await waitUntilServing(host, but: worker)
                    for name in try await formats(host) {
                        let other = try await changed(
                            host, "other-\(name)",
                            "if message['kind'] == 'hello': message['hello']['formats']['\(name)'] += 1")
                        let refused = try await upgrade(host, to: other)
                        #expect(refused.code == 1 && refused.output.contains("other formats"), "\(refused.output)")
                        let now = try await status(host)
                        #expect(
                            now["workerProcess"] as? Int == first["workerProcess"] as? Int
                                && now["devices"] as? Int == 1)
                    }
                }
            }
        }

        /// Their names, as a worker says them.
        private func formats(_ host: Host) async throws -> [String] {
            let path = "\(host.directory)/formats"
            let said = try await changed(
                host, "says",
                "if message['kind'] == 'hello': open('\(path)', 'w').write(' '.join(message['hello']['formats'])); message['hello']['formats'] = {}"
            )
            #expect(try await upgrade(host, to: said).code == 1)
            let names = try String(contentsOfFile: path, encoding: .utf8).split(separator: " ").map(String.init)
            #expect(names.count >= 5, "\(names)")
            return names
        }

        @Test func aWorkerThatServesFewerDevicesMakesWayAgain() async throws {
            try await withVolume { host, daemon, _, volume in
                try await withWriter(volume) { _ in
                    let worker = daemon.worker
                    let fewer = try await changed(
                        host, "fewer", "if message['kind'] == 'healthy': message['waiting'] = 1")
                    let refused = try await upgrade(host, to: fewer)
                    #expect(refused.code == 1 && refused.output.contains("not healthy in"), "\(refused.output)")
                    let now = try await waitUntilServing(host, but: worker)
                    #expect(now["upgrades"] as? Int == 0 && now["devices"] as? Int == 1, "\(now)")
                    #expect(now["lastFailure"] as? String != nil)
                    let process = try #require(now["workerProcess"] as? Int)
                    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe")
                    #expect(program == (Daemon.binary as NSString).resolvingSymlinksInPath)
                }
            }
        }

        /// A worker that cannot be connected to yet has devices: whoever is told to stop must not leave it behind.
        @Test func aStopWaitsForAWorkerThatIsOnlyStarting() async throws {
            try await Host.with { host in
                let path = "\(host.directory)/run/worker.lock"
                try FileManager.default.createDirectory(
                    atPath: "\(host.directory)/run", withIntermediateDirectories: true)
                let lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
                #expect(lock >= 0 && flock(lock, LOCK_EX) == 0)
                let daemon = try host.start("engine")
                for _ in 0..<500 where !host.log.contains("waiting for the worker of an earlier holder") {
                    try await Task.sleep(for: .milliseconds(10))
                }
                daemon.terminate()
                #expect(await daemon.exitCode(within: 0.5) == nil)
                close(lock)
                #expect(await daemon.exitCode(within: 10) == 0)
                #expect(!FileManager.default.fileExists(atPath: "\(host.directory)/run/engine.sock"))
            }
        }

        // MARK: Rings

        /// Nobody is given a volume whose answered writes are lost, until whoever made them is fenced; and one is told where they are.
        @Test func aDamagedRingIsToldAndSetAside() async throws {
            try await withVolume { host, daemon, _, volume in
                // Answered and not flushed: in the ring, and part of no whole record that would drain by itself.
                try await host.shell(
                    "dd if=/dev/urandom of=\(volume.target) bs=4096 count=3 oflag=direct status=none")
                await daemon.kill()
                let ring = "\(host.directory)/run/rings/\(volume.id)"
                // The count of entries and its complement.
                try await host.shell("printf '\\1\\1\\1\\1' | dd of=\(ring) bs=1 seek=132 conv=notrunc status=none")
                let next = try host.start()
                let csi = try await host.ready(next)
                var again = volume
                let refused = await #expect(throws: Failure.self) { try await again.bringUp(csi) }
                #expect("\(String(describing: refused))".contains("publish it anew"), "\(String(describing: refused))")
                let shown = try #require(try await host.json(["volume", "show", "raw"]) as? [String: Any])
                #expect(shown["health"] as? String == "failed" && shown["ringsSetAside"] as? [String] == [])
                #expect((shown["healthReason"] as? String)?.contains("ring") == true, "\(shown)")
                try await again.unpublish(csi)
                try await again.bringUp(csi)
                try await host.shell(
                    "dd if=/dev/zero of=\(volume.target) bs=4096 count=3 oflag=direct conv=fsync status=none")
                #expect(FileManager.default.fileExists(atPath: "\(ring).aside-1"))
                #expect(host.log.contains("writes that were answered and not flushed are lost"))
                let later = try #require(try await host.json(["volume", "show", "raw"]) as? [String: Any])
                #expect(later["health"] as? String == "ready", "\(later)")
                #expect(later["ringsSetAside"] as? [String] == ["\(ring).aside-1"])
                let (_, text) = try await host.run(["volume", "show", "raw", "--config", host.configPath])
                #expect(text.contains("set aside     a ring of unflushed writes: \(ring).aside-1"), "\(text)")
                try await again.takeDown(csi)
                next.terminate()
                #expect(await next.exitCode(within: 20) == 0)
                let report = try #require(try await host.json(["fsck"]) as? [String: Any])
                let volumes = try #require(report["volumes"] as? [[String: Any]])
                #expect(volumes.first?["ringsSetAside"] as? [String] == ["\(ring).aside-1"], "\(report)")
            }
        }

        // MARK: What an earlier start left

        /// What was deleted and not freed when the process died is freed before the next one takes a call.
        @Test func deletionsAreFinishedBeforeTheFirstCall() async throws {
            try await Host.with(secondsMax: 180) { host in
                let (daemon, csi) = try await host.serve()
                var names: Set<String> = []
                for number in 0..<40 {
                    var volume = try await TestVolume.create("v\(number)", .block, bytes: 16 << 20, on: host, csi)
                    try await volume.bringUp(csi)
                    try await volume.takeDown(csi)
                    names.insert(volume.id)
                }
                await daemon.kill()
                #expect(host.volumeDirectories() == names)
                var finishedCount = 0
                while finishedCount == 0, names.count > 5 {
                    (names, finishedCount) = try await deleteSomeAndKill(names, host)
                }
                report("with \(names.count) of 40 volumes left \(finishedCount) were deleted and not freed at the kill")
                #expect(finishedCount > 0, "each kill came too late: nothing was left to finish")
            }
        }

        /// Begins to delete all, and kills the engine when some are gone. Returns which are there when the next one takes calls, and how many of those
        /// that the kill had left are not.
        private func deleteSomeAndKill(_ names: Set<String>, _ host: Host) async throws -> (Set<String>, Int) {
            let engine = try host.start("engine")
            try await waitUntilServing(host)
            let remote = try host.engine()
            let deletions = names.compactMap { VolumeID($0) }.map { id in
                Task { try? await remote.deleteVolume(id) }
            }
            while host.volumeDirectories().count > names.count - 3 { usleep(100) }
            await engine.kill()
            for deletion in deletions { await deletion.value }
            let left = host.volumeDirectories()
            unlink("\(host.directory)/run/engine.sock")
            let next = try host.start("engine")
            while !FileManager.default.fileExists(atPath: "\(host.directory)/run/engine.sock") { usleep(200) }
            // What is there now is what has no tombstone; the first answer comes after.
            let there = host.volumeDirectories()
            let known = Set(try await succeeding { try await host.engine().volumes() }.map(\.id.description))
            #expect(there == known)
            next.terminate()
            #expect(await next.exitCode(within: 20) == 0)
            return (known, left.count - there.count)
        }

        private func succeeding<T: Sendable>(_ call: () async throws -> T) async throws -> T {
            let deadline = ContinuousClock.now + .seconds(20)
            while true {
                do { return try await call() } catch {
                    guard ContinuousClock.now < deadline else { throw error }
                    try await Task.sleep(for: .milliseconds(5))
                }
            }
        }
    }
}
