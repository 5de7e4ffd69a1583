import Base
import CSIMessages
import Testing

@Suite struct WireTests {
    @Test func everyMessageSurvivesTheWire() throws {
        var random = SeededRandom(seed: 0x0C51)
        #expect(everyMessage.count > 100)
        func roundTrip<M: Message & Arbitrary>(_: M.Type) throws {
            for _ in 0..<200 {
                let message = M.arbitrary(&random)
                let bytes = message.encoded()
                let again = try M(decoding: bytes)
                #expect(again == message)
                #expect(again.encoded() == bytes)
            }
        }
        for type in everyMessage { try roundTrip(type) }
    }

    /// Cut off, bytes changed, inserted, removed, and plain noise: an answer or `invalid`, and what was understood can
    /// be encoded and understood again.
    @Test func malformedBytesAreRefusedOrUnderstood() throws {
        var random = SeededRandom(seed: 0xBAD)
        var (refusedCount, understoodCount) = (0, 0)
        func attempt<M: Message>(_: M.Type, _ bytes: [UInt8]) throws {
            do throws(Failure) {
                let message = try M(decoding: bytes)
                #expect(try M(decoding: message.encoded()) == message)
                #expect(!message.description.isEmpty)
                understoodCount += 1
            } catch {
                #expect(error.kind == .invalid)
                refusedCount += 1
            }
        }
        func fuzz<M: Message & Arbitrary>(_ type: M.Type) throws {
            for _ in 0..<100 {
                let bytes = M.arbitrary(&random).encoded()
                if let cut = bytes.indices.randomElement(using: &random) { try attempt(type, Array(bytes[..<cut])) }
                try attempt(type, mutated(bytes, &random))
                let noise = (0..<Int.random(in: 0...64, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                try attempt(type, noise)
            }
        }
        for type in everyMessage { try fuzz(type) }
        #expect(refusedCount > 1_000 && understoodCount > 1_000)
    }

    private func mutated(_ original: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let byte = UInt8.random(in: 0...255, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes.insert(byte, at: Int.random(in: 0...bytes.count, using: &random))
            case 1: if !bytes.isEmpty { bytes.remove(at: Int.random(in: 0..<bytes.count, using: &random)) }
            default: if !bytes.isEmpty { bytes[Int.random(in: 0..<bytes.count, using: &random)] = byte }
            }
        }
        return bytes
    }

    @Test func truncationIsRefusedOrAShorterMessage() throws {
        let bytes = CSI.GetPluginInfoResponse(name: "csi.ashlar.storage", vendorVersion: "1").encoded()
        for count in 1..<bytes.count where count != 20 {
            #expect(throws: Failure.self) { try CSI.GetPluginInfoResponse(decoding: Array(bytes.prefix(count))) }
        }
        #expect(try CSI.GetPluginInfoResponse(decoding: Array(bytes.prefix(20))).name == "csi.ashlar.storage")
    }

    @Test func whatUnpacksOutOfProportionIsRefused() {
        // 4 Mi empty submessages in 8 MiB would take half a gigabyte.
        let bytes = [UInt8]((0..<4 << 20).flatMap { _ in [0x0A, 0x00] as [UInt8] })
        #expect(throws: Failure.self) { try CSI.ListSnapshotsResponse(decoding: bytes) }
    }

    @Test func aLargeListIsUnderstood() throws {
        let entries = (0..<20_000).map { index in
            CSI.ListVolumesResponse.Entry(volume: CSI.Volume(capacityBytes: Int64(index), volumeID: "volume-\(index)"))
        }
        let response = CSI.ListVolumesResponse(entries: entries, nextToken: "t")
        #expect(try CSI.ListVolumesResponse(decoding: response.encoded()) == response)
    }

    @Test func stringsMustBeTextWithoutNUL() throws {
        #expect(throws: Failure.self) { try CSI.DeleteVolumeRequest(decoding: [0x0A, 2, 0xC3, 0x28]) }
        #expect(throws: Failure.self) { try CSI.DeleteVolumeRequest(decoding: [0x0A, 3, 0x61, 0, 0x62]) }
        #expect(throws: Failure.self) { try CSI.DeleteVolumeRequest(decoding: [0x0A, 1, 0]) }
        #expect(try CSI.DeleteVolumeRequest(decoding: [0x0A, 0]).volumeID == "")
    }
}
