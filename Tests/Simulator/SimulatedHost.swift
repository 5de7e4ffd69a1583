import Base
import EmbeddedEngine
import Logging
import SystemIO
import VolumeEngine

/// The shape of a simulated pool and of its one volume.
package struct SimulatedShape: Sendable {
    package var k: Int
    package var p: Int
    package var mountpathCount: Int
    package var volumeBlocks = 1024
    package var sliceBytes: UInt64 = 2 << 20
    package var driveBytes: UInt64 = 80 << 20
    package var ringBytes = 4 << 20
    /// The blocks are spread over a volume of `sparseBlocks` in groups of neighbours, and the cache of nodes is as small as can be.
    package var isSparse = false
    /// Snapshots and clones are made.
    package var hasEpochs = false
    /// Few small segments, so that space gets short and garbage must be collected.
    package var isTight = false

    /// 4 TiB.
    static let sparseBlocks = 1 << 30
    static let groupBlocks = 8

    package init(k: Int, p: Int, mountpathCount: Int) {
        self.k = k
        self.p = p
        self.mountpathCount = mountpathCount
    }

    /// A seed's own.
    static func of(seed: UInt64) -> SimulatedShape {
        let shapes = [(4, 2, 8), (2, 1, 5), (1, 2, 5), (8, 2, 10), (4, 2, 6), (2, 1, 3), (1, 1, 4)]
        let (k, p, count) = shapes[Int(seed % UInt64(shapes.count))]
        var shape = SimulatedShape(k: k, p: p, mountpathCount: count)
        shape.isSparse = seed % 4 == 1
        shape.hasEpochs = seed % 3 != 0
        if shape.hasEpochs {
            shape.volumeBlocks = 512
            // Old data stays.
            shape.driveBytes = 160 << 20
        }
        if seed % 5 == 2 { shape.makeTight() }
        return shape
    }

    /// What segments leave on a drive, beside a 32nd of it and a slice.
    static let reserveBytes: UInt64 = 32 << 20
    private static let tightSliceBytes: UInt64 = 1 << 20

    /// A volume, its snapshots and clones can fill the drives, and the volume alone has a half or less of them.
    mutating func makeTight() {
        isTight = true
        sliceBytes = Self.tightSliceBytes
        // The reserve of a drive, with the slice in it, and a few slices.
        let reserve = Self.reserveBytes + (2 << 20)
        driveBytes = reserve + UInt64(slicesForWrites + 1) * sliceBytes
    }

    private var slicesForWrites: Int { k == 1 ? 16 : k == 2 ? 13 : 10 }
}

/// A storage host in memory: its mountpaths, its state directory, and the way to start the real engine code on them.
final class SimulatedHost {
    let seed: UInt64
    let shape: SimulatedShape
    let machine: SimulatedMachine
    let clock = ManualClock()
    let disks: [SimulatedDisk]
    let ledger: SimulatedDisk
    let rings: SimulatedRings
    /// Numbers of requests, for all volumes.
    var lastUnique: UInt64 = 0
    private let group: GroupSpecification
    private let test: TestHooks
    /// Where each group of blocks lies, in groups.
    private var groups: [Int] = []

    init(seed: UInt64, shape: SimulatedShape, test: TestHooks) {
        self.seed = seed
        self.shape = shape
        var test = test
        test.isSequential = true
        self.test = test
        let machine = SimulatedMachine(seed: seed)
        self.machine = machine
        disks = (0..<shape.mountpathCount).map {
            SimulatedDisk(machine: machine, index: $0, totalBytes: shape.driveBytes)
        }
        ledger = SimulatedDisk(machine: machine, index: -1, totalBytes: 1 << 30)
        rings = SimulatedRings(boot: .random(&machine.random))
        group = GroupSpecification(
            label: "g", dataColumns: shape.k, parityColumns: shape.p, media: [], sliceBytes: shape.sliceBytes,
            capacityBytes: nil)
        guard shape.isSparse else { return }
        var places: Set<Int> = []
        while places.count < shape.volumeBlocks / SimulatedShape.groupBlocks {
            // Some are near each other, so that leaves are shared.
            let bound = machine.chance(1, in: 4) ? 1 << 12 : SimulatedShape.sparseBlocks / SimulatedShape.groupBlocks
            places.insert(machine.pick(bound))
        }
        groups = places.sorted()
    }

    /// The block of the engine's volume that is the model's block `block`.
    func place(_ block: Int) -> Int {
        let size = SimulatedShape.groupBlocks
        return shape.isSparse ? groups[block / size] * size + block % size : block
    }

    /// Blocks from `first` on that are neighbours in the engine's volume too.
    func contiguous(_ first: Int, _ count: Int) -> Int {
        let size = SimulatedShape.groupBlocks
        return shape.isSparse ? min(count, size - first % size) : count
    }

    func makeVolume() -> VolumeID { .random(&machine.random) }

    func makeQueue() -> SimulatedQueue { SimulatedQueue(machine: machine, clock: clock) }

    static func path(_ disk: Int) -> String { "/d\(disk)" }

    /// Starts the engine and opens the volumes, each after its origin. A mountpath that is dead is not found, or found and dead.
    func open(_ volumes: [SimulatedVolume], _ queue: SimulatedQueue) throws(Failure) {
        for volume in volumes { volume.work = nil }
        for volume in volumes {
            if volume.origin == nil {
                let harness = try openRoot(volume, queue)
                volume.work = VolumeWork(host: self, queue: queue, harness: harness)
            } else {
                try openClone(volume, queue)
            }
        }
    }

    /// Nothing where its origin is not open.
    func openClone(_ volume: SimulatedVolume, _ queue: SimulatedQueue) throws(Failure) {
        guard let origin = volume.origin?.work?.harness else { return }
        let harness = try VolumeHarness(volume: volume.id, cloneOf: origin, pinned: volume.pinned)
        volume.work = VolumeWork(host: self, queue: queue, harness: harness)
    }

    private func openRoot(_ volume: SimulatedVolume, _ queue: SimulatedQueue) throws(Failure) -> VolumeHarness {
        let mountpaths = disks.map { disk in
            disk.isDead && machine.chance(1, in: 2)
                ? ConfiguredMountpath(path: Self.path(disk.index), media: "nvme", disk: nil, problem: "lost")
                : ConfiguredMountpath(path: Self.path(disk.index), media: "nvme", disk: disk)
        }
        var logger = Logger(label: "simulation", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .critical
        var random = SeededRandom(seed: machine.random.next())
        return try VolumeHarness(
            mountpaths: mountpaths, ledger: ledger, group: group, volume: volume.id,
            sizeBytes: UInt64((shape.isSparse ? SimulatedShape.sparseBlocks : shape.volumeBlocks) * blockBytes),
            ringBytes: shape.ringBytes, rings: rings, cacheBytes: shape.isSparse ? 0 : 1 << 20, pinned: volume.pinned,
            queue: queue,
            clock: clock, random: &random, logger: logger, test: test)
    }

    /// Everything stops; what is left is what `mode` leaves.
    func crash(_ mode: CrashMode, _ queue: SimulatedQueue) {
        machine.stop()
        queue.abandon()
        machine.restart()
        rings.restart()
        if mode != .processKilled {
            rings.losePower(boot: .random(&machine.random), keepsFiles: machine.chance(1, in: 8))
        }
        for disk in disks { disk.resolve(mode) }
        ledger.resolve(mode)
    }

    /// Data blocks for which there is room without `out`, with two segments that each open volume writes and two that its GC does left aside.
    func capacityBlocks(without out: Set<Int>, volumes: Int) -> Int {
        let present = disks.filter { !$0.isDead && !out.contains($0.index) }
        let columns = min(shape.k + shape.p, present.count)
        guard columns > shape.p else { return 0 }
        let slots = present.map { disk in
            let kept = SimulatedShape.reserveBytes + shape.driveBytes / 32 + shape.sliceBytes + disk.otherBytes
            return Int((shape.driveBytes - min(shape.driveBytes, kept)) / shape.sliceBytes)
        }
        // Placement goes by lot: none is made any more when so many drives are full that too few are left, and at worst these fill up first.
        let first = slots.sorted().prefix(present.count - columns + 1)
        let segments = first.reduce(0, +) / min(first.count, columns) - 4 * volumes
        return max(0, segments) * (columns - shape.p) * (Int(shape.sliceBytes) / blockBytes - 1)
    }

    /// Mountpaths that a pool file names out, on whatever drive it lies, lost ones too.
    func namedOut() -> Set<Int> {
        let paths = (disks + [ledger]).map { VolumeHarness.outPaths(inPoolFile: $0.content(".ashlar/pool.json")) }
        let all = paths.reduce(into: Set<String>()) { $0.formUnion($1) }
        return Set(disks.indices.filter { all.contains(Self.path($0)) })
    }

    /// Segments of a volume of which slices are on mountpaths that the engine believes.
    func segments(of volume: VolumeID, without out: Set<String>) -> Set<UInt32> {
        var found: Set<UInt32> = []
        for disk in disks where !disk.isDead && !out.contains(Self.path(disk.index)) {
            for name in disk.names.keys where name.contains("/\(volume)/") {
                if case .segment(let id) = StoredObject(path: name) { found.insert(id) }
            }
        }
        return found
    }
}
