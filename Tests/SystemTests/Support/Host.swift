import Base
import EngineAPI
import Filesystems
import Foundation
import GRPCServer
import Glibc
import Synchronization
import SystemIO
import Testing

/// A storage host in a directory of its own: mountpaths, a configuration, the processes that were started, and an end that
/// leaves nothing whatever happened. Needs root, /dev/fuse and loop devices. `SHOW_LOG=1` prints what the processes said.
final class Host: Sendable {
    enum Drives: Sendable {
        /// Directories of one filesystem: enough where only calls are tested.
        case directories
        /// One loop-mounted ext4 image each, sparse, of so many bytes.
        case images(bytes: UInt64)
        /// Drives of so many bytes that lose power on command, in memory; the state directory is on one of its own. See `volatile-drive`.
        case volatile(bytes: UInt64)
    }

    struct Settings: Sendable {
        var drives = Drives.images(bytes: 2 << 30)
        var mountpathCount = 6
        var sockets = "{ socket: %@/run/csi.sock }"
        /// Under `groups:` and `classes:`.
        var groups = "[{ label: fast, profile: performance, protection: \"erasure(4,2)\", sliceSize: 4Mi }]"
        var classes = """
            [{ name: fast, group: fast, filesystem: ext4 }, { name: bulk, group: fast, filesystem: xfs }]
            """
        var extra = ""
    }

    static let nodeID = "host-1"
    /// Growing a mounted ext4 takes CAP_SYS_RESOURCE, which some sandboxes keep from root.
    static let mayGrowExt4 = hasCapability(24)
    /// CAP_SYS_NICE.
    static let mayRaisePriority = hasCapability(23)

    private static func hasCapability(_ number: UInt64) -> Bool {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") } ?? ""
        return (UInt64(line.dropFirst("CapEff:\t".count), radix: 16) ?? 0) >> number & 1 == 1
    }

    private static let prefix = "ashlar-system-"

    let directory: String
    let settings: Settings
    let mountpaths: [String]
    private let daemons = Mutex<[Daemon]>([])
    var configPath: String { "\(directory)/config.yaml" }
    var logPath: String { "\(directory)/log" }

    // MARK: Life

    /// Makes the host, runs `body`, and takes everything away again.
    /// After `secondsMax` the processes are killed, so that I/O which is never answered ends and the test can fail.
    static func with(
        _ settings: Settings = .init(), secondsMax: Int = 90, _ body: (Host) async throws -> Void
    ) async throws {
        try await offPool { sweepLeftovers() }
        let host = try Host(settings)
        var failure: (any Error)?
        do {
            try await host.makeMountpaths()
            try host.writeConfiguration()
            let watchdog = Task {
                try await Task.sleep(for: .seconds(secondsMax))
                Issue.record("not done within \(secondsMax) s; the processes are killed: \(host.log.suffix(4_000))")
                for daemon in host.daemons.withLock({ $0 }) { await daemon.kill() }
            }
            defer { watchdog.cancel() }
            try await body(host)
        } catch {
            failure = error
        }
        await host.tearDown()
        if let failure { throw failure }
    }

    private init(_ settings: Settings) throws {
        self.settings = settings
        let made = "/tmp/\(Self.prefix)\(getpid())-\(VolumeID.random().description.prefix(8))"
        directory = made
        mountpaths = (0..<settings.mountpathCount).map { "\(made)/d\($0)" }
        for path in [directory] + mountpaths + ["\(directory)/images", "\(directory)/run"] {
            try systemCall("mkdir \(path)") { mkdir(path, 0o700) }
        }
    }

    private func makeMountpaths() async throws {
        // Elsewhere the kernel takes the right to write pages of a ring away now and then, and a process that is being killed does not get it back: EIO.
        try await shell("mount -t tmpfs -o mode=0700 ashlar-test \(directory)/run")
        if case .volatile(let bytes) = settings.drives { try await startVolatileDrives(bytes: bytes) }
        guard case .images(let bytes) = settings.drives else { return }
        for number in 0..<settings.mountpathCount {
            try await shell(
                """
                truncate -s \(bytes) \(image(number))
                mkfs.ext4 -q -m 0 -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 \(image(number))
                """)
            try await mountImage(number)
        }
    }

    private func startVolatileDrives(bytes: UInt64) async throws {
        try systemCall("mkdir") { mkdir("\(directory)/state", 0o700) }
        let daemon = try Daemon(
            [volatileDrives.socketPath, "\(bytes)"] + mountpaths + ["\(directory)/state"],
            executable: Daemon.built("volatile-drive"), log: logPath)
        daemons.withLock { $0.append(daemon) }
        try await volatileDrives.waitUntilReady()
    }

    /// Of a host with `volatile` drives.
    var volatileDrives: VolatileDrives { VolatileDrives(socketPath: "\(directory)/drives.sock") }

    func image(_ number: Int) -> String { "\(directory)/images/\(number)" }

    func mountImage(_ number: Int) async throws {
        try await shell("mount -o loop,noatime \(image(number)) \(mountpaths[number])")
    }

    func writeConfiguration(to path: String? = nil, adding extra: String = "", settings other: Settings? = nil) throws {
        let settings = other ?? settings
        let drives = mountpaths.prefix(settings.mountpathCount).map { "    - { path: \($0), media: nvme }" }
        var shared = false
        if case .directories = settings.drives { shared = true }
        let text = """
            stateDirectory: \(directory)/state
            runDirectory: \(directory)/run
            node: { id: \(Self.nodeID) }
            csi: \(settings.sockets.replacingOccurrences(of: "%@", with: directory))
            engine: { ring: 16Mi }
            pool:
              allowSharedFilesystem: \(shared)
              mountpaths:
            \(drives.joined(separator: "\n"))
            groups: \(settings.groups)
            classes: \(settings.classes)
            defaultClass: fast
            \(settings.extra)\(extra)

            """
        try text.write(toFile: path ?? configPath, atomically: true, encoding: .utf8)
    }

    private func tearDown() async {
        // While the drives can be read: by their volumes' names devices are known whose file is gone with its server.
        let volumes = volumeDirectories()
        // Those that were started first serve the others.
        for daemon in daemons.withLock({ $0 }).reversed() { await daemon.kill() }
        if ProcessInfo.processInfo.environment["SHOW_LOG"] != nil {
            print("--- what the processes said\n\(log.suffix(20_000))\n---")
        }
        let directory = directory
        let left = (try? await offPool { Self.remove(directory, volumes: volumes) }) ?? []
        #expect(left.isEmpty, "loop devices of the host are left")
        #expect(!FileManager.default.fileExists(atPath: directory), "the host's directory could not be removed")
    }

    /// Returns the loop devices that cannot be detached.
    @discardableResult
    private static func remove(_ directory: String, volumes: Set<String>) -> [String] {
        // By path before the files' mounts go: afterwards the kernel calls every such file "/".
        let devices = loopDevices(below: directory, volumes: volumes)
        let numbers = devices.map(sequenceNumber)
        for entry in ((try? MountTable.current().entries) ?? []).reversed()
        where entry.mountPoint.hasPrefix("\(directory)/") {
            _ = try? Mounts.unmount(entry.mountPoint, lazy: true)
        }
        for device in devices { _ = try? runShell("losetup -d \(device)") }
        _ = try? runShell("rm -rf --one-file-system '\(directory)'")
        // One that somebody still has open goes when it is closed.
        func left() -> [String] { zip(devices, numbers).filter { $0.1 != "" && sequenceNumber($0.0) == $0.1 }.map(\.0) }
        for _ in 0..<20 where !left().isEmpty { usleep(100_000) }
        return left()
    }

    /// Those over files below `directory`, and those that serve one of `volumes`.
    private static func loopDevices(below directory: String, volumes: Set<String>) -> [String] {
        let serving = ((try? LoopDevice.all()) ?? []).filter {
            $0.volume.map { volumes.contains($0.description) } ?? false
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/block")) ?? []
        let over = names.filter { name in
            let file = try? String(contentsOfFile: "/sys/block/\(name)/loop/backing_file", encoding: .utf8)
            return file?.hasPrefix("\(directory)/") == true
        }
        return Set(serving.map(\.path) + over.map { "/dev/\($0)" }).sorted()
    }

    /// Another one each time the device is bound: others take its number as soon as it is free. Empty where it is not bound.
    private static func sequenceNumber(_ device: String) -> String {
        let directory = "/sys/block/\(device.dropFirst("/dev/".count))"
        guard access("\(directory)/loop", F_OK) == 0 else { return "" }
        return (try? String(contentsOfFile: "\(directory)/diskseq", encoding: .utf8)) ?? "?"
    }

    /// What test processes that died left behind.
    private static func sweepLeftovers() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/tmp")) ?? [] where name.hasPrefix(prefix) {
            guard let pid = pid_t(name.dropFirst(prefix.count).prefix { $0 != "-" }), Glibc.kill(pid, 0) != 0 else {
                continue
            }
            for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
                guard let process = pid_t(entry),
                    let words = FileManager.default.contents(atPath: "/proc/\(entry)/cmdline"),
                    String(decoding: words, as: UTF8.self).contains("\0/tmp/\(name)/")
                else { continue }
                Glibc.kill(process, SIGKILL)
            }
            usleep(100_000)
            let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/tmp/\(name)")) ?? []
            let mountpaths = numbers.filter { $0.hasPrefix("d") }.map { "/tmp/\(name)/\($0)" }
            remove("/tmp/\(name)", volumes: volumeDirectories(of: mountpaths))
        }
    }

    // MARK: Processes

    /// Starts `ashlar <process> --config …`; the host ends it at the latest.
    func start(_ process: String = "serve", config: String? = nil) throws -> Daemon {
        let daemon = try Daemon([process, "--config", config ?? configPath], log: logPath)
        daemons.withLock { $0.append(daemon) }
        return daemon
    }

    /// Starts `serve` and waits until its socket says that it is ready.
    func serve() async throws -> (daemon: Daemon, csi: CSIClient) {
        let daemon = try start()
        return (daemon, try await ready(daemon))
    }

    func ready(_ daemon: Daemon, socket: String = "csi.sock", within seconds: Double = 30) async throws -> CSIClient {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            if let code = await daemon.exitCode(within: 0) {
                throw Failure(.unavailable, "the process ended with \(code): \(log.suffix(2_000))")
            }
            // A channel of its own each time: one that failed waits longer and longer before it connects again.
            let client = try CSIClient(socketPath: "\(directory)/run/\(socket)")
            if (try? await client.probe()) == true { return client }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Failure(.timedOut, "not ready within \(seconds) s: \(log.suffix(2_000))")
    }

    /// Runs the binary to its end.
    func run(_ arguments: [String], within seconds: Double = 60) async throws -> (code: Int32?, output: String) {
        let output = "\(directory)/output-\(VolumeID.random())"
        let daemon = try Daemon(arguments, log: output)
        let code = await daemon.exitCode(within: seconds)
        if code == nil { await daemon.kill() }
        defer { unlink(output) }
        return (code, try String(contentsOfFile: output, encoding: .utf8))
    }

    /// One of the looking commands as JSON.
    func json(_ arguments: [String]) async throws -> Any {
        let (code, output) = try await run(arguments + ["--config", configPath, "--output", "json"])
        guard code == 0 else {
            throw Failure(.internal, "ashlar \(arguments.joined(separator: " ")) ended with \(code ?? -1): \(output)")
        }
        return try JSONSerialization.jsonObject(with: Data(output.utf8))
    }

    func engine() throws -> RemoteVolumeEngine {
        RemoteVolumeEngine(try GRPCChannel(socketPath: "\(directory)/run/engine.sock"), timeoutSeconds: 30)
    }

    var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    // MARK: Looking

    /// Names of the volumes' directories on all mountpaths.
    func volumeDirectories() -> Set<String> { Self.volumeDirectories(of: mountpaths) }

    private static func volumeDirectories(of mountpaths: [String]) -> Set<String> {
        let manager = FileManager.default
        var found: Set<String> = []
        for mountpath in mountpaths {
            for group in (try? manager.contentsOfDirectory(atPath: mountpath)) ?? [] where group.hasPrefix("@") {
                found.formUnion((try? manager.contentsOfDirectory(atPath: "\(mountpath)/\(group)")) ?? [])
            }
        }
        return found
    }

    /// Mounts of this host other than its mountpaths, and loop devices that carry a volume's name.
    func leftovers(volumes: Set<String>) throws -> [String] {
        let mounts = try MountTable.current().entries.map(\.mountPoint).filter {
            $0.hasPrefix("\(directory)/") && $0 != "\(directory)/run" && !mountpaths.contains($0)
        }
        let loops = try LoopDevice.all().filter { $0.volume.map { volumes.contains($0.description) } ?? false }
        return mounts + loops.map(\.path)
    }

    @discardableResult
    func shell(_ script: String, secondsMax: Int = 120) async throws -> String {
        try await offPool { try runShell(script, secondsMax: secondsMax) }
    }
}

@discardableResult
private func runShell(_ script: String, secondsMax: Int = 120) throws -> String {
    try ExternalTool(name: "bash", package: "bash").run(["-euo", "pipefail", "-c", script], secondsMax: secondsMax)
        .output
}

/// Runs what blocks on a thread of its own: not on the cooperative pool, nor on Dispatch's, which starts threads for what waits only
/// one a second.
func offPool<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        SystemIO.Thread(name: "blocking") { continuation.resume(with: Result(catching: body)) }.start()
    }
}
