import Base
import CSIMessages
import Foundation
import Synchronization
import Testing

extension SystemTests {
    @Suite struct LoadTests {
        private static let count = 1_000
        private static let width = 16

        @Test func thousandVolumesTwiceThenGone() async throws {
            try await Host.with(.init(drives: .directories)) { host in
                let (daemon, csi) = try await host.serve()
                let descriptors = daemon.descriptors
                let ids = Mutex<[Int: String]>([:])
                let request: @Sendable (Int) -> CSI.CreateVolumeRequest = { index in
                    TestVolume.request(
                        "pvc-\(index)", index % 3 == 0 ? .block : .ext4, bytes: Int64(64 + index % 7) << 20)
                }
                let created = try await measure("creates") { index in
                    let made: CSI.CreateVolumeResponse = try await csi.call(CSI.Method.createVolume, request(index))
                    let volume = try #require(made.volume)
                    #expect(volume.capacityBytes == Int64(64 + index % 7) << 20)
                    ids.withLock { $0[index] = volume.volumeID }
                }
                _ = try await measure("repeats") { index in
                    let again: CSI.CreateVolumeResponse = try await csi.call(CSI.Method.createVolume, request(index))
                    #expect(again.volume?.volumeID == ids.withLock { $0[index] })
                }
                let all = Set(ids.withLock { $0.values })
                #expect(all.count == Self.count)
                try await expectVolumes(all, host)

                let deleted = try await measure("deletes") { index in
                    let id = try #require(ids.withLock { $0[index] })
                    let _: CSI.DeleteVolumeResponse = try await csi.call(
                        CSI.Method.deleteVolume, CSI.DeleteVolumeRequest(volumeID: id))
                }
                report("create + delete: \(Int(Double(Self.count) / (created + deleted))) pairs a second")
                try await expectVolumes([], host)
                #expect(daemon.descriptors == descriptors)

                // Nothing comes back with a restart.
                daemon.terminate()
                #expect(await daemon.exitCode(within: 20) == 0)
                _ = try await host.serve()
                try await expectVolumes([], host)
            }
        }

        /// Returns the seconds for all.
        private func measure(_ what: String, _ body: @escaping @Sendable (Int) async throws -> Void) async throws
            -> Double
        {
            let begin = ContinuousClock.now
            let durations = try await inParallel(Self.count, width: Self.width, body)
            let seconds = (ContinuousClock.now - begin).seconds
            let p99 = durations[durations.count * 99 / 100].seconds * 1_000
            report(
                "\(Self.count) \(what), \(Self.width) at a time: \(Int(Double(Self.count) / seconds)) a second, p99 \(Int(p99)) ms"
            )
            return seconds
        }

        /// Catalogue, engine and mountpaths agree on what there is.
        private func expectVolumes(_ ids: Set<String>, _ host: Host) async throws {
            let listed = try #require(try await host.json(["volume", "ls"]) as? [[String: Any]])
            #expect(Set(listed.compactMap { $0["id"] as? String }) == ids)
            #expect(listed.allSatisfy { $0["phase"] as? String == "Ready" && $0["health"] as? String == "ready" })
            let known = try await host.engine().volumes()
            #expect(Set(known.map(\.id.description)) == ids)
            #expect(host.volumeDirectories().isEmpty, "none was written")
        }
    }
}
