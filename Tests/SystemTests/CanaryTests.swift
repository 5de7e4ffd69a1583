import Base
import Foundation
import Glibc
import Synchronization
import SystemIO
import Testing

extension SystemTests {
    /// The checks of this suite can fail.
    @Suite struct CanaryTests {
        private func withFile(_ body: (CheckedFile, String) throws -> Void) throws {
            let path = "/var/tmp/ashlar-canary-\(VolumeID.random())"
            defer { unlink(path) }
            try body(CheckedFile(path: path, blockCount: 64, seed: 1), path)
        }

        private func change(_ path: String, _ bytes: [UInt8], at offset: Int) throws {
            let file = try FileDescriptor(opening: path, flags: O_RDWR | O_CLOEXEC, "open")
            try bytes.withUnsafeBytes { buffer throws in try file.write(buffer, at: UInt64(offset)) }
        }

        private func read(_ path: String) throws -> [UInt8] {
            Array(try #require(FileManager.default.contents(atPath: path)))
        }

        @Test func oneWrongByteIsFound() throws {
            try withFile { file, path in
                try file.write(flushes: 20)
                #expect(try file.check() == 0)
                let byte = try read(path)[5 * blockBytes + 2_000]
                try change(path, [byte ^ 1], at: 5 * blockBytes + 2_000)
                #expect(throws: CheckedFile.Problem.self) { try file.check() }
            }
        }

        @Test func aLostFlushIsFound() throws {
            try withFile { file, path in
                try file.write(flushes: 20)
                let before = try read(path)
                try file.write(flushes: 1)
                try change(path, before, at: 0)
                #expect(throws: CheckedFile.Problem.self) { try file.check() }
            }
        }

        @Test func anotherBlocksBytesAreFound() throws {
            try withFile { file, path in
                try file.write(flushes: 20)
                let bytes = try read(path)
                try change(path, Array(bytes[0..<blockBytes]), at: blockBytes)
                #expect(throws: CheckedFile.Problem.self) { try file.check() }
            }
        }

        /// Of unflushed writes the last may be lost, not one before it.
        @Test func aWriteOutOfOrderIsFound() throws {
            let path = "/var/tmp/ashlar-canary-\(VolumeID.random())"
            defer { unlink(path) }
            func block(_ number: Int, of bytes: [UInt8]) -> [UInt8] {
                Array(bytes[number * blockBytes..<(number + 1) * blockBytes])
            }
            // With this seed the two writes do not overlap.
            let file = CheckedFile(path: path, blockCount: 64, seed: 1, isOrdered: true)
            try file.write(flushes: 20)
            let flushed = try read(path)
            try file.writeUnflushed(1)
            let first = try read(path)
            let changed = try #require((0..<64).first { block($0, of: flushed) != block($0, of: first) })
            try file.writeUnflushed(1)
            #expect(block(changed, of: try read(path)) == block(changed, of: first))
            try change(path, block(changed, of: flushed), at: changed * blockBytes)
            #expect(throws: CheckedFile.Problem.self) { try file.check() }
        }

        /// What was not flushed may be lost, and what a check has seen may not vanish after it.
        @Test func onlyWhatWasNotFlushedMayVanish() throws {
            try withFile { file, path in
                try file.write(flushes: 20)
                let flushed = try read(path)
                try file.writeUnflushed(4)
                let written = try read(path)
                try change(path, flushed, at: 0)
                try file.check()
                try file.writeUnflushed(4)
                try file.check()
                try change(path, written, at: 0)
                #expect(throws: CheckedFile.Problem.self) { try file.check() }
            }
        }
    }
}
