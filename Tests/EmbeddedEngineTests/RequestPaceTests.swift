import EmbeddedEngine
import Testing
import VolumeEngine

/// Token buckets against a clock that moves when told.
@Suite struct RequestPaceTests {
    private static let second: UInt64 = 1_000_000_000
    /// Long after the clock began.
    private static let start = 100 * second

    /// How many requests of `bytes` a client gets through in `seconds` that always has another one, whose loop looks `late` nanoseconds late.
    private func requests(
        _ pace: inout RequestPace, bytes: Int, from start: UInt64, seconds: UInt64, late: UInt64 = 0
    ) -> UInt64 {
        var (now, count) = (start, UInt64(0))
        while now < start + seconds * Self.second {
            while pace.isPaid(at: now) {
                pace.charge(bytes: bytes, at: now)
                count += 1
            }
            now = max(pace.wakeTime, now + 1) + late
        }
        return count
    }

    private func expect(_ count: UInt64, _ wanted: UInt64, percent: UInt64 = 1, unit: UInt64 = 1, _ what: String) {
        let (low, high) = (wanted * (100 - percent) / 100 - unit, wanted * (100 + percent) / 100 + unit)
        #expect((low...high).contains(count), "\(what)")
    }

    @Test(arguments: [1, 7, 300, 5_000, 250_000] as [UInt64], [0, 3_000_000, 9_000_000] as [UInt64])
    func requestsASecond(_ iops: UInt64, late: UInt64) throws {
        var pace = try #require(RequestPace(VolumeLimits(iops: iops), at: Self.start))
        let count = requests(&pace, bytes: 1 << 20, from: Self.start, seconds: 20, late: late)
        // A tenth of a second's worth at once, and the one that goes into debt.
        expect(count, 20 * iops + max(iops / 10, 1) + 1, "\(iops)")
    }

    @Test(arguments: [4096, 65536, 1 << 20] as [UInt64], [1 << 20, 50 << 20, 3_000_000_000] as [UInt64])
    func bytesASecond(_ request: UInt64, _ bandwidth: UInt64) throws {
        var pace = try #require(RequestPace(VolumeLimits(bandwidth: bandwidth), at: Self.start))
        let count = requests(&pace, bytes: Int(request), from: Self.start, seconds: 20, late: 1_000_000)
        let burst = max(bandwidth / 10, 1 << 20)
        expect(count * request, 20 * bandwidth + burst + request, percent: 2, unit: request, "\(bandwidth)")
    }

    @Test func theTighterLimitHolds() throws {
        var pace = try #require(RequestPace(VolumeLimits(iops: 1000, bandwidth: 10 << 20), at: 0))
        expect(requests(&pace, bytes: 4096, from: 0, seconds: 10), 10_100, "small requests")
        let start = 20 * Self.second
        expect(requests(&pace, bytes: 1 << 20, from: start, seconds: 10), 102, percent: 2, "large requests")
        // Flushes and discards have no bytes.
        expect(requests(&pace, bytes: 0, from: 60 * Self.second, seconds: 10), 10_100, "no bytes")
    }

    @Test func aBurstIsHadOnceAndComesBack() throws {
        var pace = try #require(RequestPace(VolumeLimits(iops: 100, iopsBurst: 500), at: 0))
        func atOnce(_ now: UInt64) -> Int {
            var count = 0
            while pace.isPaid(at: now) {
                pace.charge(bytes: 0, at: now)
                count += 1
            }
            return count
        }
        #expect(atOnce(10 * Self.second) == 501)
        #expect(atOnce(10 * Self.second) == 0)
        #expect(atOnce(11 * Self.second) == 100)
        #expect(atOnce(14 * Self.second) == 300)
        #expect(atOnce(1_000 * Self.second) == 501)
    }

    /// The largest request goes through whatever the burst is, and what follows pays for it.
    @Test func debt() throws {
        var pace = try #require(RequestPace(VolumeLimits(bandwidth: 1 << 20, bandwidthBurst: 1), at: 0))
        #expect(pace.isPaid(at: Self.second))
        pace.charge(bytes: 1 << 20, at: Self.second)
        #expect(!pace.isPaid(at: 2 * Self.second - 20_000_000) && pace.isPaid(at: 2 * Self.second))
        #expect(pace.wakeTime >= 2 * Self.second - 10_000_000 && pace.wakeTime < 2 * Self.second + 1_000_000)
    }

    @Test func aChangeForgivesDebtAndGivesNoNewBurst() throws {
        var pace = try #require(RequestPace(VolumeLimits(bandwidth: 65536), at: 0))
        for _ in 0..<100 { pace.charge(bytes: 1 << 20, at: Self.second) }
        #expect(!pace.isPaid(at: 1_000 * Self.second))
        var next = try #require(RequestPace(VolumeLimits(iops: 100, bandwidth: 10 << 20), at: Self.second, after: pace))
        #expect(next.isPaid(at: Self.second))
        next.charge(bytes: 1 << 20, at: Self.second)
        #expect(!next.isPaid(at: Self.second), "the burst was used up")
        // The same limits again are no change.
        let same = try #require(
            RequestPace(VolumeLimits(iops: 100, bandwidth: 10 << 20), at: Self.second, after: next))
        #expect(!same.isPaid(at: Self.second))
        #expect(RequestPace(.none, at: Self.second, after: next) == nil)
        #expect(RequestPace(VolumeLimits(iopsBurst: 4), at: 0) == nil)
    }

    @Test func theLargestNumbers() throws {
        let all = UInt64.max
        var pace = try #require(
            RequestPace(VolumeLimits(iops: all, bandwidth: all, iopsBurst: all, bandwidthBurst: all), at: 0))
        for now in [0, 1, all / 2] {
            pace.charge(bytes: 1 << 20, at: now)
            #expect(pace.isPaid(at: now))
        }
    }
}
