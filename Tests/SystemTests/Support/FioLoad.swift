import Base
import Foundation
import Testing

/// What fio does.
struct Load: CustomStringConvertible {
    var pattern: String
    var bytes: Int
    var depth: Int
    /// A flush after so many writes; 0 for none.
    var writesPerFlush: Int

    init(_ pattern: String, bytes: Int = 4096, depth: Int, writesPerFlush: Int = 0) {
        self.pattern = pattern
        self.bytes = bytes
        self.depth = depth
        self.writesPerFlush = writesPerFlush
    }

    var description: String {
        "\(pattern) of \(bytes / 1024) KiB at depth \(depth)\(writesPerFlush > 0 ? ", flushed" : "")"
    }

    /// For some seconds, or so many requests.
    func command(_ volume: TestVolume, seconds: Int? = nil, requests: Int? = nil) -> String {
        let length =
            seconds.map { "--time_based --runtime=\($0)" } ?? "--io_size=\((requests ?? 1) * bytes)"
        return
            "fio --name=load --filename=\(volume.target) --direct=1 --ioengine=libaio --iodepth=\(depth) --rw=\(pattern) --bs=\(bytes) --norandommap --fdatasync=\(writesPerFlush) --output-format=json \(length)"
    }
}

/// What fio got through, reads and writes together.
struct Rates {
    var iops = 0.0
    /// Bytes a second.
    var bandwidth = 0.0
    /// Of an answer, in milliseconds; of the slower direction.
    var median = 0.0

    init(fio output: String) throws {
        let text = output.firstIndex(of: "{").map { String(output[$0...]) } ?? output
        let all = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        for job in try #require(all["jobs"] as? [[String: Any]]) {
            for direction in ["read", "write"] {
                let figures = job[direction] as? [String: Any]
                iops += (figures?["iops"] as? NSNumber)?.doubleValue ?? 0
                bandwidth += (figures?["bw_bytes"] as? NSNumber)?.doubleValue ?? 0
                let percentiles = (figures?["clat_ns"] as? [String: Any])?["percentile"] as? [String: Any]
                median = max(median, ((percentiles?["50.000000"] as? NSNumber)?.doubleValue ?? 0) / 1e6)
            }
        }
    }
}
