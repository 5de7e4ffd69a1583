import Base
import Filesystems
import Glibc
import Synchronization
import SystemIO
import Testing

/// Real mounts; needs root.
@Suite(.serialized) struct MountTests {
    @Test func bindRemountUnmount() throws {
        let place = try Place()
        let (source, target) = (try place.directory("source"), try place.directory("tar get"))
        try Mounts.bind(source, at: target)
        let file = "\(target)/file"
        #expect(creates(file) && access("\(source)/file", F_OK) == 0)

        try Mounts.remount(target, readOnly: true)
        #expect(try MountTable.current().entry(at: target)?.isReadOnly == true)
        #expect(!creates("\(target)/other"))
        #expect(creates("\(source)/other"), "only the bind mount is read-only")
        try Mounts.remount(target, readOnly: false)
        #expect(creates("\(target)/third"))

        try Mounts.bind(source, at: target, options: ["noexec", "nosuid"], readOnly: true)
        let options = try MountTable.current().entry(at: target)?.options ?? []
        #expect(Set(options).isSuperset(of: ["ro", "noexec", "nosuid"]))
        try Mounts.remount(target, readOnly: false)
        #expect(try MountTable.current().entry(at: target)?.options.contains("noexec") == true, "other flags are kept")

        #expect(try Mounts.unmount(target) == 2, "both that lie on each other")
        #expect(try Mounts.unmount(target) == 0)
        #expect(try Mounts.unmount("\(target)/missing") == 0)
    }

    @Test func aFailedBindLeavesNothing() throws {
        let place = try Place()
        let (source, target) = (try place.directory("source"), try place.directory("target"))
        #expect(throws: Failure.self) { try Mounts.bind(source, at: target, options: ["noexec", "data=ordered"]) }
        #expect(try MountTable.current().entry(at: target) == nil)
    }

    /// A kill between two steps must not leave a target that can be written: there is one step.
    @Test func aReadOnlyBindIsNeverWritable() throws {
        let place = try Place()
        let (source, target) = (try place.directory("source"), try place.directory("target"))
        #expect(creates("\(source)/file"))
        let watch = Watch()
        defer { watch.isOver.store(true, ordering: .relaxed) }
        Thread(name: "test-watch") {
            while !watch.isOver.load(ordering: .relaxed) {
                let number = open("\(target)/file", O_WRONLY | O_CLOEXEC)
                guard number >= 0 else { continue }
                watch.wroteCount.add(1, ordering: .relaxed)
                close(number)
            }
        }.start()
        for _ in 0..<2000 {
            try Mounts.bind(source, at: target, readOnly: true)
            try Mounts.unmount(target, lazy: true)
        }
        #expect(watch.wroteCount.load(ordering: .relaxed) == 0)
    }

    @Test func busyThenLazy() throws {
        let place = try Place()
        let (source, target) = (try place.directory("source"), try place.directory("target"))
        try Mounts.bind(source, at: target)
        let file = try FileDescriptor(opening: "\(target)/file", flags: O_RDWR | O_CREAT | O_CLOEXEC, "file")
        let failure = #expect(throws: Failure.self) { try Mounts.unmount(target) }
        #expect(failure?.kind == .busy)
        #expect(try Mounts.unmount(target, lazy: true) == 1)
        #expect(try MountTable.current().entry(at: target) == nil)
        try file.synchronize()
    }

    @Test func statistics() throws {
        let statistics = try FilesystemStatistics(path: "/")
        #expect(statistics.totalBytes >= statistics.usedBytes + statistics.availableBytes)
        #expect(statistics.totalInodes >= statistics.usedInodes && statistics.usedInodes > 0)
        let failure = #expect(throws: Failure.self) { try FilesystemStatistics(path: "/does/not/exist") }
        #expect(failure?.kind == .notFound)
    }

    private func creates(_ path: String) -> Bool {
        let number = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        if number >= 0 { close(number) }
        return number >= 0
    }
}

private final class Watch: Sendable {
    let isOver = Atomic(false)
    let wroteCount = Atomic(0)
}

/// A directory that goes with this object, with what is mounted in it.
final class Place {
    let path: String

    init() throws {
        path = "/run/ashlar-test-\(VolumeID.random())"
        try systemCall("mkdir") { mkdir(path, 0o700) }
    }

    func directory(_ name: String) throws -> String {
        try systemCall("mkdir") { mkdir("\(path)/\(name)", 0o700) }
        return "\(path)/\(name)"
    }

    deinit {
        let inside = (try? MountTable.current().entries.filter { $0.mountPoint.hasPrefix(path) }) ?? []
        for entry in inside.reversed() { _ = try? Mounts.unmount(entry.mountPoint, lazy: true) }
        _ = try? ExternalTool(name: "rm", package: "coreutils").run(["-rf", "--one-file-system", path], secondsMax: 60)
    }
}
