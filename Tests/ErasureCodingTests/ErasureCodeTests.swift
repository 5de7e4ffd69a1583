import Base
import ErasureCoding
import Testing

@Suite struct ErasureCodeTests {
    /// Multiplication in GF(2^8) with the polynomial 0x11d, bit by bit: what ISA-L's tables must agree with.
    private func multiply(_ a: UInt8, _ b: UInt8) -> UInt8 {
        var (a, b, product) = (UInt16(a), b, UInt16(0))
        while b != 0 {
            if b & 1 != 0 { product ^= a }
            a <<= 1
            if a & 0x100 != 0 { a ^= 0x11d }
            b >>= 1
        }
        return UInt8(product)
    }

    @Test(arguments: [(1, 0), (1, 2), (2, 1), (4, 2), (8, 2), (3, 3), (10, 6)])
    func everyErasurePatternOfEveryWidthIsRebuilt(k: Int, p: Int) throws {
        let code = try ErasureCode(dataColumns: k, parityColumns: p)
        let bytes = 64
        var random = SeededRandom(seed: UInt64(k * 100 + p))
        for count in 1...k {
            let columns = (0..<(k + p)).map { _ in UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64) }
            defer { columns.forEach { $0.deallocate() } }
            for column in 0..<count {
                for byte in 0..<bytes {
                    columns[column].storeBytes(
                        of: UInt8.random(in: 0...255, using: &random), toByteOffset: byte, as: UInt8.self)
                }
            }
            var data: [UnsafeMutablePointer<UInt8>?] = columns[0..<count].map { $0.assumingMemoryBound(to: UInt8.self) }
            var parity: [UnsafeMutablePointer<UInt8>?] = columns[k...].map { $0.assumingMemoryBound(to: UInt8.self) }
            parity.append(nil)
            code.encode(data: &data, count: count, parity: &parity, bytes: bytes)
            let present = Array(0..<count) + Array(k..<(k + p))
            var patterns = 0
            for mask in 0..<(1 << present.count) where mask.nonzeroBitCount == count {
                let sources = present.indices.filter { mask >> $0 & 1 == 1 }.map { present[$0] }
                let wanted = present.filter { !sources.contains($0) }
                guard !wanted.isEmpty else { continue }
                let decoder = try #require(code.decoder(dataCount: count, from: sources, wanted: wanted))
                let outputs = wanted.map { _ in UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64) }
                defer { outputs.forEach { $0.deallocate() } }
                decoder.decode(sources: sources.map { columns[$0] }, wanted: outputs, bytes: bytes)
                for (output, column) in zip(outputs, wanted) {
                    let same = (0..<bytes).allSatisfy {
                        output.load(fromByteOffset: $0, as: UInt8.self)
                            == columns[column].load(fromByteOffset: $0, as: UInt8.self)
                    }
                    #expect(same, "k \(k) p \(p) m \(count) from \(sources) column \(column)")
                }
                patterns += 1
                if patterns > 400 { break }
            }
        }
    }

    @Test func parityOfOneDataColumnIsACopy() throws {
        for (k, p) in [(1, 3), (4, 2), (8, 2)] {
            let code = try ErasureCode(dataColumns: k, parityColumns: p)
            var source = (0..<256).map { UInt8($0) }
            var outputs = Array(repeating: [UInt8](repeating: 0, count: 256), count: p)
            for index in 0..<p {
                source.withUnsafeMutableBufferPointer { source in
                    var data: [UnsafeMutablePointer<UInt8>?] = [source.baseAddress]
                    let scratch = (0..<p).map { _ in UnsafeMutablePointer<UInt8>.allocate(capacity: 256) }
                    var parity: [UnsafeMutablePointer<UInt8>?] = scratch.map { $0 }
                    code.encode(data: &data, count: 1, parity: &parity, bytes: 256)
                    outputs[index] = Array(UnsafeBufferPointer(start: scratch[index], count: 256))
                    scratch.forEach { $0.deallocate() }
                }
            }
            for output in outputs { #expect(output == source) }
        }
    }

    @Test func theFieldIsThatOfTheSpecification() throws {
        // With k = 2 the second coefficient of a row is the only unknown: read it off, and check that coding is linear with it.
        let code = try ErasureCode(dataColumns: 2, parityColumns: 2)
        func parity(_ a: UInt8, _ b: UInt8) -> [UInt8] {
            let pointers = (0..<4).map { _ in UnsafeMutablePointer<UInt8>.allocate(capacity: 32) }
            defer { pointers.forEach { $0.deallocate() } }
            pointers[0].initialize(repeating: a, count: 32)
            pointers[1].initialize(repeating: b, count: 32)
            var data: [UnsafeMutablePointer<UInt8>?] = [pointers[0], pointers[1]]
            var parity: [UnsafeMutablePointer<UInt8>?] = [pointers[2], pointers[3]]
            code.encode(data: &data, count: 2, parity: &parity, bytes: 32)
            return [pointers[2][31], pointers[3][31]]
        }
        let coefficients = parity(0, 1)
        #expect(coefficients[0] != coefficients[1] && coefficients[0] != 0 && coefficients[1] != 0)
        for (a, b) in [(3, 7), (255, 1), (0x80, 0x1d)] as [(UInt8, UInt8)] {
            #expect(parity(a, b) == coefficients.map { a ^ multiply($0, b) })
        }
    }

    @Test func impossibleCodesAreRefused() {
        for (k, p) in [(0, 1), (17, 0), (10, 7), (4, -1)] {
            #expect(throws: Failure.self) { try ErasureCode(dataColumns: k, parityColumns: p) }
        }
    }

    @Test func checksumIsCastagnoli() {
        // RFC 3720, B.4: 32 bytes of zeros, of ones, and ascending.
        #expect(crc32c([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(crc32c([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(crc32c((0..<32).map { UInt8($0) }) == 0x46DD_794E)
    }
}
