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

    package init(k: Int, p: Int, mountpathCount: Int) {
        self.k = k
        self.p = p
        self.mountpathCount = mountpathCount
    }

    /// A seed's own.
    static func of(seed: UInt64) -> SimulatedShape {
        let shapes = [(4, 2, 8), (2, 1, 5), (1, 2, 5), (8, 2, 10), (4, 2, 6), (2, 1, 3), (1, 1, 4)]
        let (k, p, count) = shapes[Int(seed % UInt64(shapes.count))]
        return SimulatedShape(k: k, p: p, mountpathCount: count)
    }
}

/// A storage host in memory: its mountpaths, its state directory, and the way to start the real engine code on them.
final class SimulatedHost {
    let shape: SimulatedShape
    let machine: SimulatedMachine
    let clock = ManualClock()
    let disks: [SimulatedDisk]
    let ledger: SimulatedDisk
    private let group: GroupSpecification
    private let volume: VolumeID
    private let test: TestHooks

    init(seed: UInt64, shape: SimulatedShape, test: TestHooks) {
        self.shape = shape
        self.test = test
        let machine = SimulatedMachine(seed: seed)
        self.machine = machine
        disks = (0..<shape.mountpathCount).map {
            SimulatedDisk(machine: machine, index: $0, totalBytes: shape.driveBytes)
        }
        ledger = SimulatedDisk(machine: machine, index: -1, totalBytes: 1 << 30)
        group = GroupSpecification(
            label: "g", dataColumns: shape.k, parityColumns: shape.p, media: [], sliceBytes: shape.sliceBytes,
            capacityBytes: nil)
        volume = .random(&machine.random)
    }

    func makeQueue() -> SimulatedQueue { SimulatedQueue(machine: machine, clock: clock) }

    static func path(_ disk: Int) -> String { "/d\(disk)" }

    /// Starts the engine. A mountpath that is dead is not found, or found and dead.
    func open(_ queue: SimulatedQueue) throws(Failure) -> VolumeHarness {
        let mountpaths = disks.map { disk in
            disk.isDead && machine.chance(1, in: 2)
                ? ConfiguredMountpath(path: Self.path(disk.index), media: "nvme", disk: nil, problem: "lost")
                : ConfiguredMountpath(path: Self.path(disk.index), media: "nvme", disk: disk)
        }
        var logger = Logger(label: "simulation", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .critical
        var random = SeededRandom(seed: machine.random.next())
        return try VolumeHarness(
            mountpaths: mountpaths, ledger: ledger, group: group, volume: volume,
            sizeBytes: UInt64(shape.volumeBlocks * blockBytes), ringBytes: shape.ringBytes, queue: queue, clock: clock,
            random: &random, logger: logger, test: test)
    }

    /// Everything stops; what is left is what `mode` leaves.
    func crash(_ mode: CrashMode, _ queue: SimulatedQueue) {
        machine.stop()
        queue.abandon()
        machine.restart()
        for disk in disks { disk.resolve(mode) }
        ledger.resolve(mode)
    }

    /// Mountpaths that a pool file names out, on whatever drive it lies, lost ones too.
    func namedOut() -> Set<Int> {
        let paths = (disks + [ledger]).map { VolumeHarness.outPaths(inPoolFile: $0.content(".ashlar/pool.json")) }
        let all = paths.reduce(into: Set<String>()) { $0.formUnion($1) }
        return Set(disks.indices.filter { all.contains(Self.path($0)) })
    }

    /// By segment: the slices that are on mountpaths that the engine believes.
    func segments(without out: Set<String>) -> Set<UInt32> {
        var found: Set<UInt32> = []
        for disk in disks where !disk.isDead && !out.contains(Self.path(disk.index)) {
            for name in disk.names.keys {
                if case .segment(let id) = StoredObject(path: name) { found.insert(id) }
            }
        }
        return found
    }
}
