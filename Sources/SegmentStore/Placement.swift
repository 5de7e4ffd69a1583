import Base
import Glibc

/// Weighted rendezvous hashing: each mountpath draws a number for the segment, the highest ones take its slices. A mountpath that
/// comes or goes moves only its own share. The outcome is a proposal; what was chosen is recorded in the slice headers.
public enum Placement {
    /// All candidates, best first. `weight` (its capacity) makes a mountpath be chosen in proportion.
    public static func order(
        _ candidates: [(id: MountpathID, weight: Double)], volume: VolumeID, segment: UInt32
    ) -> [MountpathID] {
        candidates
            .map { candidate in (score: score(candidate.id, candidate.weight, volume, segment), id: candidate.id) }
            .sorted { ($0.score, $0.id) > ($1.score, $1.id) }
            .map(\.id)
    }

    private static func score(_ id: MountpathID, _ weight: Double, _ volume: VolumeID, _ segment: UInt32) -> Double {
        var hash: UInt64 = 0x243F_6A88_85A3_08D3
        for word in [id.high, id.low, volume.high, volume.low, UInt64(segment)] {
            var random = SeededRandom(seed: hash ^ word)
            hash = random.next()
        }
        // Uniform in (0, 1); never exactly 0 or 1.
        let uniform = (Double(hash >> 11) + 0.5) / Double(1 << 53)
        return -max(weight, 1) / log(uniform)
    }
}
