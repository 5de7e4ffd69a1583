import Base
import Glibc
import SystemIO

/// What all simulated disks share: chance, open files, and the moment at which the machine stops.
package final class SimulatedMachine: @unchecked Sendable {
    // One thread runs a simulation.
    package var random: SeededRandom
    /// Counts down at every I/O; at zero nothing works any more.
    package var operationsUntilCrash: Int?
    package private(set) var isRunning = true
    /// I/O since the beginning: the point of a crash.
    package private(set) var operationCount = 0
    var files: [Int32: SimulatedFile] = [:]
    var nextDescriptor: Int32 = 1000
    weak var faults: (any FaultSource)?
    /// Called at every I/O, before it is carried out.
    var beforeOperation: (() -> Void)?
    /// Called at the moment at which everything stops.
    var atStop: (() -> Void)?

    package init(seed: UInt64) { random = SeededRandom(seed: seed) }

    func operate() throws(Failure) {
        if isRunning { beforeOperation?() }
        operationCount += 1
        if isRunning, let left = operationsUntilCrash {
            operationsUntilCrash = left - 1
            if left <= 0 { stop() }
        }
        guard isRunning else { throw Failure(.unavailable, "the machine has stopped", errorNumber: EIO) }
    }

    func stop() {
        guard isRunning else { return }
        isRunning = false
        atStop?()
    }

    func restart() {
        isRunning = true
        operationsUntilCrash = nil
        files = [:]
    }

    func chance(_ one: Int, in of: Int) -> Bool { Int(random.next() % UInt64(of)) < one }

    /// 0..<bound
    func pick(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
}

/// How a life ends.
package enum CrashMode: String, CaseIterable, Sendable {
    /// The process dies; what it has written is in the machine's memory, synced or not, and its rings are there.
    case processKilled = "process killed"
    case powerLostAllKept = "power lost, unsynced kept"
    case powerLostAllLost = "power lost, unsynced lost"
    /// Any combination of what was not synced, some of it torn.
    case powerLostMixed = "power lost, unsynced torn"
}

/// What an operation on a disk is, for faults.
enum DiskOperation {
    case read
    case write
    case synchronize
    case metadata
}

/// What becomes of a write that is answered as done.
enum WriteFate {
    case written
    case lost
    case misdirected(SimulatedFile, UInt64)
}

/// Asked at every I/O whether something goes wrong.
protocol FaultSource: AnyObject {
    func fails(_ operation: DiskOperation, on disk: SimulatedDisk) -> Bool
    /// A record's column, header first, that is about to be written.
    func fails(column: [UInt8], on disk: SimulatedDisk) -> Bool
    /// Asked where something is opened.
    func isShortOfDescriptors() -> Bool
    func fate(ofWriteTo file: SimulatedFile, at offset: UInt64, bytes: Int) -> WriteFate
    /// Columns that were written are about to be synced.
    func fails(columnSyncOn disk: SimulatedDisk) -> Bool
    /// Nanoseconds by which a request is late, 0 for most.
    func delay(ofJob isJob: Bool) -> UInt64
}
