import Base
public import CISAL

/// A systematic Reed–Solomon code of k data and p parity columns over GF(2^8): any k of the k+p columns give all of them.
///
/// The generator is Cauchy's, each parity row divided by its first coefficient. Division of a row keeps every square submatrix
/// invertible, and makes the parity of a record with one data column an exact copy of it: `single` and `replicated(n)` are
/// the codes (1,0) and (1,n-1), and small records of a wide code are replicas.
///
/// A record may have fewer than k data columns; those it has not are zeros to the code and are never stored. Columns are numbered
/// 0..<k for data and k..<k+p for parity. Nothing of the tables is ever persisted, only the two numbers.
public struct ErasureCode: Sendable, Equatable {
    public static let columnsMax = 16

    public let dataColumns: Int
    public let parityColumns: Int
    /// (k+p) rows of k coefficients.
    private let generator: [UInt8]
    /// ISA-L's expanded tables for the parity of the first m data columns, at index m-1.
    private let encodeTables: [[UInt8]]

    public init(dataColumns k: Int, parityColumns p: Int) throws(Failure) {
        guard k >= 1, p >= 0, k + p <= Self.columnsMax else {
            throw Failure(
                .invalid, "erasure(\(k),\(p)) is not possible: k is at least 1 and k+p at most \(Self.columnsMax)")
        }
        dataColumns = k
        parityColumns = p
        var generator = [UInt8](repeating: 0, count: (k + p) * k)
        gf_gen_cauchy1_matrix(&generator, Int32(k + p), Int32(k))
        for row in k..<(k + p) {
            let inverse = gf_inv(generator[row * k])
            for column in 0..<k { generator[row * k + column] = gf_mul(generator[row * k + column], inverse) }
        }
        self.generator = generator
        encodeTables = (1...k).map { m in
            let rows = (k..<(k + p)).flatMap { row in generator[(row * k)..<(row * k + m)] }
            return Self.tables(rows: p, columns: m, coefficients: rows)
        }
    }

    public var columns: Int { dataColumns + parityColumns }

    private static func tables(rows: Int, columns: Int, coefficients: [UInt8]) -> [UInt8] {
        guard rows > 0 else { return [] }
        var coefficients = coefficients
        var tables = [UInt8](repeating: 0, count: 32 * rows * columns)
        ec_init_tables(Int32(columns), Int32(rows), &coefficients, &tables)
        return tables
    }

    /// Fills the p parity columns from the `count` data columns that there are, `bytes` bytes of each.
    public func encode(
        data: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>, count: Int,
        parity: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>, bytes: Int
    ) {
        precondition(count >= 1 && count <= dataColumns)
        guard parityColumns > 0, bytes > 0 else { return }
        encodeTables[count - 1].withUnsafeBufferPointer { tables in
            ec_encode_data(
                Int32(bytes), Int32(count), Int32(parityColumns),
                UnsafeMutablePointer(mutating: tables.baseAddress), data, parity)
        }
    }

    /// How to compute the columns `wanted` of a record with `count` data columns from exactly `count` others.
    /// Nil where `sources` are not enough, or name a data column that the record has not.
    public func decoder(dataCount count: Int, from sources: [Int], wanted: [Int]) -> Decoder? {
        guard sources.count == count, Set(sources).count == count,
            (sources + wanted).allSatisfy({ $0 < count || ($0 >= dataColumns && $0 < columns) })
        else { return nil }
        var matrix = sources.flatMap { row(of: $0, count: count) }
        var inverse = [UInt8](repeating: 0, count: count * count)
        guard gf_invert_matrix(&matrix, &inverse, Int32(count)) == 0 else { return nil }
        var coefficients: [UInt8] = []
        for column in wanted {
            let row = row(of: column, count: count)
            for target in 0..<count {
                var sum: UInt8 = 0
                for index in 0..<count { sum ^= gf_mul(row[index], inverse[index * count + target]) }
                coefficients.append(sum)
            }
        }
        return Decoder(
            sourceCount: count, wantedCount: wanted.count,
            tables: Self.tables(rows: wanted.count, columns: count, coefficients: coefficients))
    }

    private func row(of column: Int, count: Int) -> [UInt8] {
        Array(generator[(column * dataColumns)..<(column * dataColumns + count)])
    }

    public struct Decoder: Sendable {
        fileprivate let sourceCount: Int
        fileprivate let wantedCount: Int
        fileprivate let tables: [UInt8]

        /// `sources` and `wanted` in the order given to `decoder`; `bytes` of each.
        public func decode(sources: [UnsafeMutableRawPointer], wanted: [UnsafeMutableRawPointer], bytes: Int) {
            precondition(sources.count == sourceCount && wanted.count == wantedCount)
            var inputs: [UnsafeMutablePointer<UInt8>?] = sources.map { $0.assumingMemoryBound(to: UInt8.self) }
            var outputs: [UnsafeMutablePointer<UInt8>?] = wanted.map { $0.assumingMemoryBound(to: UInt8.self) }
            tables.withUnsafeBufferPointer { tables in
                ec_encode_data(
                    Int32(bytes), Int32(sourceCount), Int32(wantedCount),
                    UnsafeMutablePointer(mutating: tables.baseAddress), &inputs, &outputs)
            }
        }
    }
}

/// CRC-32C (Castagnoli), as in iSCSI (RFC 3720) and ext4.
@inlinable
public func crc32c(_ base: UnsafeRawPointer, bytes: Int, seed: UInt32 = 0) -> UInt32 {
    var sum = ~seed
    var done = 0
    while done < bytes {  // the library counts in 32 bits
        let part = min(bytes - done, 1 << 30)
        sum = crc32_iscsi(
            UnsafeMutableRawPointer(mutating: base + done).assumingMemoryBound(to: UInt8.self), Int32(part), sum)
        done += part
    }
    return ~sum
}

public func crc32c(_ bytes: some Collection<UInt8>) -> UInt32 {
    bytes.withContiguousStorageIfAvailable { buffer in
        buffer.baseAddress.map { crc32c($0, bytes: buffer.count) } ?? 0
    } ?? crc32c(Array(bytes))
}
