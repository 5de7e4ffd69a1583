import Base
import CLinux
import Foundation
import Glibc
import SystemIO
import Testing

extension SystemTests {
    /// The real binary on drives that lose what was not synced.
    @Suite struct PowerLossTests {
        private static let cutCount = number(of: "CUTS") ?? 6
        private static let drives = Host.Settings(drives: .volatile(bytes: 4 << 30))
        /// Each start begins new segments, of which some keep a few live blocks.
        private static let cutsPerHostMax = 100
        private static let modes: [CutMode] = [.mixed, .lose, .mixed, .keep]

        /// `CUTS` asks for another number.
        @Test func nothingFlushedIsLost() async throws {
            var (seed, left) = (makeSeed("power loss"), Self.cutCount)
            while left > 0 {
                let (count, now) = (min(left, Self.cutsPerHostMax), seed)
                try await Host.with(Self.drives, secondsMax: 60 + count * 12) { host in
                    let run = VerifiedRun(host, .powerLoss(Self.modes), seed: now)
                    try await run.strikeRepeatedly(
                        count, host, "CUTS=\(count) SEED=\(now)", filter: "nothingFlushedIsLost")
                    #expect(run.flushCount > count, "the writers hardly ran")
                }
                left -= count
                seed += 1
            }
        }

        /// Power goes, and as many drives as there is parity for do not come back from it.
        @Test func powerLossAndLostDrives() async throws {
            let seed = makeSeed("power loss and lost drives")
            for number in 0..<(Self.cutCount + 9) / 10 {
                let seed = seed + UInt64(number)
                try await Host.with(Self.drives, secondsMax: 120) { host in
                    try await VerifiedRun(host, .powerLoss(Self.modes), seed: seed).strikeRepeatedly(
                        2, losing: 2, host, "SEED=\(seed)", filter: "powerLossAndLostDrives")
                }
            }
        }

        /// The planted faults: with drives that answer syncs without doing them the same run must fail.
        @Test(arguments: [[Sync.writes], [.files], [.names]])
        func lyingDrivesAreFound(lies: [Sync]) async throws {
            try await Host.with(Self.drives) { host in
                let run = VerifiedRun(host, .powerLoss([.lose]), seed: 1)
                try await run.prepare()
                try await host.volatileDrives.lie(lies)
                var found: (any Error)?
                for _ in 0..<8 where found == nil {
                    do { try await run.round() } catch { found = error }
                }
                report("drives that lie about \(lies): \(found.map { "\($0)".prefix(300).description } ?? "not found")")
                #expect(found != nil)
            }
        }

        /// A pool whose making was cut off can be made again.
        @Test func cutsDuringTheFirstStart() async throws {
            var random = SeededRandom(seed: makeSeed("cuts during the first start"))
            for _ in 0..<(Self.cutCount + 1) / 2 {
                let (delay, seed) = (Int.random(in: 0...300, using: &random), random.next())
                let mode = Self.modes[Int.random(in: 0..<Self.modes.count, using: &random)]
                try await Host.with(Self.drives) { host in
                    let daemon = try host.start()
                    try await Task.sleep(for: .milliseconds(delay))
                    try await host.volatileDrives.cut(mode, seed: seed)
                    await daemon.kill()
                    try await host.volatileDrives.restore()
                    let (again, csi) = try await host.serve()
                    var volume = try await TestVolume.create("v", .block, bytes: 16 << 20, on: host, csi)
                    try await volume.bringUp(csi)
                    try await volume.takeDown(csi)
                    again.terminate()
                    #expect(await again.exitCode(within: 20) == 0)
                }
            }
        }

        // MARK: The drives themselves

        private func withDrive(_ body: (Host, String) async throws -> Void) async throws {
            var settings = Self.drives
            settings.mountpathCount = 1
            try await Host.with(settings) { host in try await body(host, host.mountpaths[0]) }
        }

        private func powerCycle(_ host: Host, _ mode: CutMode) async throws {
            try await host.volatileDrives.cut(mode, seed: 7)
            #expect(access("\(host.mountpaths[0])/file", F_OK) == -1 && errno == EIO)
            try await host.volatileDrives.restore()
        }

        /// First byte of each block; 0 for zeros.
        private func firstBytes(_ path: String) -> [UInt8] {
            let bytes = FileManager.default.contents(atPath: path).map { Array($0) } ?? []
            return stride(from: 0, to: bytes.count, by: blockBytes).map { bytes[$0] }
        }

        /// As the engine writes: unbuffered, through io_uring, some writes durable by themselves.
        @Test func aDriveKeepsWhatWasSynced() async throws {
            try await withDrive { host, path in
                let file = try DirectoryDisk(path: path).createSlice("file", bytes: 8 * 4096)
                try file.synchronize()
                try DirectoryDisk(path: path).synchronizeDirectory(".")
                let loop = try EventLoop(name: "test")
                defer { loop.stop() }
                for (block, isDurable) in [(0, true), (1, false), (3, true), (4, false)] {
                    try await write(file, block: block, durable: isDurable, loop)
                }
                try await powerCycle(host, .lose)
                #expect(firstBytes("\(path)/file") == [1, 0, 0, 4, 0, 0, 0, 0])

                let again = try DirectoryDisk(path: path).openSlice("file")
                try await write(again, block: 1, durable: false, loop)
                try await write(again, block: 2, durable: false, loop)
                try again.synchronize()
                try await write(again, block: 7, durable: false, loop)
                try await powerCycle(host, .lose)
                #expect(firstBytes("\(path)/file") == [1, 2, 3, 4, 0, 0, 0, 0])
            }
        }

        private func write(_ file: any DiskFile, block: Int, durable: Bool, _ loop: EventLoop) async throws {
            let buffer = AlignedBuffer(bytes: blockBytes)
            memset(buffer.base, Int32(block + 1), blockBytes)
            let result: Int32 = await withCheckedContinuation { continuation in
                let target = Completion { continuation.resume(returning: $0) }
                loop.post {
                    loop.write(
                        file.descriptor, UnsafeRawBufferPointer(buffer.span),
                        UnsafeRawBufferPointer(start: nil, count: 0), offset: UInt64(block * blockBytes),
                        durable: durable, target: target, tag: 0)
                }
            }
            #expect(result == blockBytes)
        }

        private final class Completion: IOTarget, Sendable {
            private let then: @Sendable (Int32) -> Void
            init(_ then: @escaping @Sendable (Int32) -> Void) { self.then = then }
            func ioCompleted(_ tag: UInt64, result: Int32) { then(result) }
        }

        @Test func namesAreDurableByTheirDirectory() async throws {
            try await withDrive { host, path in
                let disk = try DirectoryDisk(path: path)
                try disk.replaceFile("file", with: [1])
                try await host.shell("cd \(path); printf x > lost; sync lost; printf 2 > new; sync new; mv new file")
                #expect(FileManager.default.contents(atPath: "\(path)/file") == Data("2".utf8))
                try await powerCycle(host, .lose)
                #expect(try await host.shell("ls \(path)") == "file")
                #expect(FileManager.default.contents(atPath: "\(path)/file") == Data([1]))
                try await host.shell("cd \(path); printf 2 > new; sync new; mv new file; sync .")
                try await powerCycle(host, .lose)
                #expect(FileManager.default.contents(atPath: "\(path)/file") == Data("2".utf8))
            }
        }

        private func overwrite(_ path: String, _ letter: String, _ blocks: Int, _ host: Host) async throws {
            let bytes = blocks * blockBytes
            try await host.shell(
                "head -c \(bytes) /dev/zero | tr '\\0' '\(letter)' | dd of=\(path) bs=4096 iflag=fullblock conv=notrunc"
            )
        }

        /// By chance a block is kept, lost or torn; the other modes do what their names say.
        @Test func aDriveDropsAndTears() async throws {
            try await withDrive { host, path in
                let blocks = 256
                try await host.shell("truncate -s \(blocks * 4096) \(path)/file; sync \(path)/file \(path)")
                try await overwrite("\(path)/file", "a", blocks, host)
                try await powerCycle(host, .mixed)
                let bytes = try #require(FileManager.default.contents(atPath: "\(path)/file").map { Array($0) })
                let counts = (0..<blocks).map { block in
                    bytes[block * 4096..<(block + 1) * 4096].count { $0 != 0 }
                }
                #expect(counts.contains(0) && counts.contains(4096) && counts.contains { $0 > 0 && $0 < 4096 })
                #expect(counts.allSatisfy { $0 % 512 == 0 })
                try await overwrite("\(path)/file", "b", blocks, host)
                try await powerCycle(host, .keep)
                #expect(firstBytes("\(path)/file") == Array(repeating: UInt8(ascii: "b"), count: blocks))
            }
        }
    }
}

/// A whole number from the environment.
func number(of variable: String) -> Int? { ProcessInfo.processInfo.environment[variable].flatMap { Int($0) } }

extension VerifiedRun {
    /// `count` rounds and the end, with `lossCount` drives that never come back from the last round. A failure tells how to repeat it.
    func strikeRepeatedly(
        _ count: Int, losing lossCount: Int = 0, _ host: Host, _ settings: String, filter: String
    ) async throws {
        let begin = ContinuousClock.now
        do {
            try await prepare()
            let lost = choose(lossCount)
            for number in 1...count {
                try await round(losing: number == count ? lost : [])
                if number % 10 == 0 { report("after \((ContinuousClock.now - begin).seconds) s: \(summary)") }
            }
            try await finish(without: lost)
        } catch {
            report(String(host.log.suffix(6_000)))
            Issue.record(
                "\(error)\nafter \(summary)\nrepeat with: \(settings) swift test -c release --disable-xctest --filter \(filter)"
            )
        }
        report("\(filter): \((ContinuousClock.now - begin).seconds) s: \(summary)")
    }
}
