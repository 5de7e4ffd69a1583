import Base
import CSIMessages
import Foundation
import Testing

extension SystemTests {
    /// What was answered holds. Each request of some drives takes a while, and power goes on all drives at the moment of the answer: what a call
    /// left to be done there after its answer is lost, whatever it was.
    @Suite struct AnswerTests {
        private static let drives = Host.Settings(drives: .volatile(bytes: 1 << 30))
        private static let delayMilliseconds = 15
        private static let mib: Int64 = 1 << 20

        enum Slow: CaseIterable {
            case mountpaths
            /// An answer that waits for some copies only is one too early for the others.
            case oneMountpath
            /// The state directory's.
            case state

            /// Behind the mountpaths comes the state directory's.
            func drives(_ host: Host) -> Range<Int> {
                let count = host.mountpaths.count
                return switch self {
                case .mountpaths: 0..<count
                case .oneMountpath: 0..<1
                case .state: count..<count + 1
                }
            }
        }

        /// The machine with what runs on it now.
        private struct Machine {
            let host: Host
            let slow: Slow
            var daemon: Daemon
            var csi: CSIClient

            init(_ host: Host, _ slow: Slow) async throws {
                (self.host, self.slow) = (host, slow)
                (daemon, csi) = try await host.serve()
            }

            /// `call`, power loss at its answer, and the next start.
            mutating func lose<T>(after call: (CSIClient) async throws -> T) async throws -> T {
                try await host.volatileDrives.slow(milliseconds: delayMilliseconds, slow.drives(host))
                let answer = try await call(csi)
                try await host.volatileDrives.cut(.lose, seed: 1)
                try await host.volatileDrives.slow(milliseconds: 0, [])
                await daemon.kill()
                try await host.volatileDrives.restore()
                // A tmpfs: nothing of it outlives the machine.
                try await host.shell("find \(host.directory)/run -xdev -type f -delete")
                (daemon, csi) = try await host.serve()
                return answer
            }

            func volumes() async throws -> [String: CSI.ListVolumesResponse.Entry] {
                let listed: CSI.ListVolumesResponse = try await csi.call(
                    CSI.Method.listVolumes, CSI.ListVolumesRequest())
                return Dictionary(uniqueKeysWithValues: listed.entries.map { ($0.volume?.volumeID ?? "", $0) })
            }

            func snapshots() async throws -> Set<String> {
                let listed: CSI.ListSnapshotsResponse = try await csi.call(
                    CSI.Method.listSnapshots, CSI.ListSnapshotsRequest())
                return Set(listed.entries.compactMap { $0.snapshot?.snapshotID })
            }

            func end() async {
                daemon.terminate()
                #expect(await daemon.exitCode(within: 20) == 0)
            }
        }

        private func raw(_ name: String, _ mib: Int64, _ machine: Machine) async throws -> TestVolume {
            try await TestVolume.create(name, .block, bytes: mib * Self.mib, on: machine.host, machine.csi)
        }

        /// 256 KiB at the beginning of the volume, answered and not flushed.
        private func write(_ letter: String, to volume: TestVolume, _ host: Host) async throws {
            try await host.shell(
                """
                head -c 262144 /dev/zero | tr '\\0' \(letter) > \(host.directory)/\(letter)
                dd if=\(host.directory)/\(letter) of=\(volume.target) bs=64k oflag=direct conv=notrunc status=none
                """)
        }

        private func expect(_ letter: String, in volume: TestVolume, _ host: Host) async throws {
            try await host.shell("cmp -n 262144 \(host.directory)/\(letter) \(volume.target)")
        }

        private func clone(
            _ name: String, of source: CSI.VolumeContentSource.TypeChoice, like volume: TestVolume, _ host: Host,
            _ csi: CSIClient
        ) async throws -> TestVolume {
            var request = TestVolume.request(name, .block, bytes: volume.sizeBytes)
            request.volumeContentSource = CSI.VolumeContentSource(type: source)
            let response: CSI.CreateVolumeResponse = try await csi.call(CSI.Method.createVolume, request)
            var copy = volume
            (copy.name, copy.id) = (name, try #require(response.volume?.volumeID))
            copy.context = response.volume?.volumeContext ?? [:]
            (copy.staging, copy.target) = ("\(host.directory)/stage/\(name)", "\(host.directory)/pods/\(name)/mount")
            return copy
        }

        /// The planted fault: on drives that answer syncs without doing them nothing holds.
        @Test func liesAreFound() async throws {
            try await Host.with(Self.drives) { host in
                var machine = try await Machine(host, .mountpaths)
                try await host.volatileDrives.lie([.writes, .files, .names])
                var found: (any Error)?
                do {
                    let volume = try await machine.lose { csi in
                        try await TestVolume.create("raw", .block, bytes: 32 * Self.mib, on: host, csi)
                    }
                    if try await machine.volumes()[volume.id] == nil { found = Failure(.notFound, "it is not there") }
                } catch { found = error }
                report("drives that lie: \(found.map { "\($0)".prefix(200).description } ?? "not found")")
                #expect(found != nil)
            }
        }

        // MARK: Calls

        @Test(arguments: Slow.allCases) func volumes(slow: Slow) async throws {
            try await Host.with(Self.drives) { host in
                var machine = try await Machine(host, slow)
                var volume = try await machine.lose { csi in
                    try await TestVolume.create("raw", .block, bytes: 32 * Self.mib, on: host, csi)
                }
                #expect(try await machine.volumes()[volume.id]?.volume?.capacityBytes == 32 * Self.mib, "created")

                var published = volume
                try await machine.lose { csi in try await published.publish(csi) }
                #expect(try await machine.volumes()[volume.id]?.status?.publishedNodeIDs == [Host.nodeID], "published")

                volume = published
                try await volume.bringUp(machine.csi)
                #expect(volume.publishContext == published.publishContext, "it was published before")
                _ = try await machine.lose { csi in try await volume.expand(csi, to: 48 * Self.mib) }
                #expect(try await machine.volumes()[volume.id]?.volume?.capacityBytes == 48 * Self.mib, "expanded")
                try await volume.bringUp(machine.csi)
                #expect(try await host.shell("blockdev --getsize64 \(volume.target)") == "\(48 * Self.mib)")

                try await volume.nodeUnpublish(machine.csi)
                try await volume.unstage(machine.csi)
                try await machine.lose { csi in try await volume.unpublish(csi) }
                #expect(try await machine.volumes()[volume.id]?.status?.publishedNodeIDs == [], "unpublished")

                try await machine.lose { csi in try await volume.delete(csi) }
                #expect(try await machine.volumes().isEmpty, "deleted")
                await machine.end()
            }
        }

        @Test(arguments: [Slow.mountpaths, .state]) func snapshotsAndClones(slow: Slow) async throws {
            try await Host.with(Self.drives) { host in
                var machine = try await Machine(host, slow)
                var volume = try await raw("raw", 32, machine)
                try await volume.bringUp(machine.csi)
                try await write("a", to: volume, host)
                let (id, size) = (volume.id, volume.sizeBytes)

                let snapshot = try await machine.lose { csi in
                    try await csi.call(
                        CSI.Method.createSnapshot, CSI.CreateSnapshotRequest(sourceVolumeID: id, name: "cut"),
                        CSI.CreateSnapshotResponse.self)
                }
                let cut = try #require(snapshot.snapshot?.snapshotID)
                #expect(try await machine.snapshots() == [cut] && snapshot.snapshot?.sizeBytes == size, "taken")
                try await volume.bringUp(machine.csi)
                try await write("b", to: volume, host)

                let origin = volume
                var copy = try await machine.lose { csi in
                    try await clone("copy", of: .snapshot(.init(snapshotID: cut)), like: origin, host, csi)
                }
                try await copy.bringUp(machine.csi)
                try await expect("a", in: copy, host)

                // Of what was answered: it is what was written before the call.
                try await volume.bringUp(machine.csi)
                try await write("c", to: volume, host)
                var twin = try await machine.lose { csi in
                    try await clone("twin", of: .volume(.init(volumeID: id)), like: origin, host, csi)
                }
                try await twin.bringUp(machine.csi)
                try await expect("c", in: twin, host)

                for other in [copy, twin] {
                    try await other.takeDown(machine.csi)
                    try await machine.lose { csi in try await other.delete(csi) }
                    #expect(try await machine.volumes()[other.id] == nil, "\(other.name) is deleted")
                }
                try await machine.lose { csi in
                    _ = try await csi.call(
                        CSI.Method.deleteSnapshot, CSI.DeleteSnapshotRequest(snapshotID: cut),
                        CSI.DeleteSnapshotResponse.self)
                }
                #expect(try await machine.snapshots() == [], "deleted")
                await machine.end()
            }
        }

        @Test(arguments: [Slow.mountpaths, .state]) func groupCuts(slow: Slow) async throws {
            try await Host.with(Self.drives) { host in
                var machine = try await Machine(host, slow)
                var members: [TestVolume] = []
                for (name, letter) in [("one", "a"), ("two", "b")] {
                    var volume = try await raw(name, 32, machine)
                    try await volume.bringUp(machine.csi)
                    try await write(letter, to: volume, host)
                    members.append(volume)
                }
                let ids = members.map(\.id)
                let cut = try await machine.lose { csi in
                    try await csi.call(
                        CSI.Method.createVolumeGroupSnapshot,
                        CSI.CreateVolumeGroupSnapshotRequest(name: "cut", sourceVolumeIDs: ids),
                        CSI.CreateVolumeGroupSnapshotResponse.self)
                }
                let group = try #require(cut.groupSnapshot)
                let snapshots = group.snapshots.map(\.snapshotID)
                #expect(try await machine.snapshots() == Set(snapshots) && snapshots.count == 2, "taken")
                for (member, letter) in zip(members, ["a", "b"]) {
                    let snapshot = try #require(group.snapshots.first { $0.sourceVolumeID == member.id })
                    var copy = try await clone(
                        "copy-of-\(member.name)", of: .snapshot(.init(snapshotID: snapshot.snapshotID)), like: member,
                        host, machine.csi)
                    try await copy.bringUp(machine.csi)
                    try await expect(letter, in: copy, host)
                    try await copy.takeDown(machine.csi)
                    try await copy.delete(machine.csi)
                }
                try await machine.lose { csi in
                    _ = try await csi.call(
                        CSI.Method.deleteVolumeGroupSnapshot,
                        CSI.DeleteVolumeGroupSnapshotRequest(
                            groupSnapshotID: group.groupSnapshotID, snapshotIDs: snapshots),
                        CSI.DeleteVolumeGroupSnapshotResponse.self)
                }
                #expect(try await machine.snapshots() == [], "deleted")
                await machine.end()
            }
        }

        @Test(arguments: [Slow.mountpaths, .oneMountpath]) func flushes(slow: Slow) async throws {
            try await Host.with(Self.drives) { host in
                var machine = try await Machine(host, slow)
                var volume = try await raw("raw", 32, machine)
                for letter in ["a", "b", "c"] {
                    try await volume.bringUp(machine.csi)
                    let now = volume
                    try await machine.lose { _ in
                        try await write(letter, to: now, host)
                        try await host.shell("sync \(now.target)")
                    }
                    try await volume.bringUp(machine.csi)
                    try await expect(letter, in: volume, host)
                }
                try await volume.takeDown(machine.csi)
                await machine.end()
            }
        }
    }
}
