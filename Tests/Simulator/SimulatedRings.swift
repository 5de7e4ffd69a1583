import Base
import EmbeddedEngine
import SystemIO

/// The rings of a simulated host: they outlive its processes and not its power.
///
/// A process that has died goes on in this simulation until it is forgotten, with its disks failing; so what its rings were at the moment of its
/// death is copied then.
final class SimulatedRings: RingStore, @unchecked Sendable {
    // One thread runs a simulation.
    private(set) var boot: BootID
    private var rings: [VolumeID: AlignedBuffer] = [:]
    /// At the moment of death.
    private var left: [VolumeID: AlignedBuffer]?
    /// Set aside since the last power loss.
    private(set) var asideCount = 0

    init(boot: BootID) { self.boot = boot }

    // MARK: RingStore

    func has(_ volume: VolumeID) -> Bool { rings[volume] != nil }

    func find(_ volume: VolumeID) throws(Failure) -> (any RingMemory)? { rings[volume] }

    func make(
        _ volume: VolumeID, bytes: Int, prepare: (UnsafeMutableRawPointer) -> Void
    ) throws(Failure) -> any RingMemory {
        let memory = AlignedBuffer(bytes: bytes)
        prepare(memory.base)
        rings[volume] = memory
        return memory
    }

    func remove(_ volume: VolumeID) { rings[volume] = nil }

    func setAside(_ volume: VolumeID) throws(Failure) -> String {
        rings[volume] = nil
        asideCount += 1
        return "\(volume).aside-\(asideCount)"
    }

    // MARK: The end of a process

    /// Everything stops now.
    func freeze() {
        guard left == nil else { return }
        left = rings.mapValues { ring in
            let copy = AlignedBuffer(bytes: ring.bytes)
            copy.base.copyMemory(from: ring.base, byteCount: ring.bytes)
            return copy
        }
    }

    /// The next process finds what was there at the death of the one before.
    func restart() {
        rings = left ?? rings
        left = nil
    }

    /// The machine has another boot. `keepsFiles`: they are on a drive, by mistake.
    func losePower(boot: BootID, keepsFiles: Bool) {
        self.boot = boot
        asideCount = 0
        if !keepsFiles { rings = [:] }
    }

    // MARK: Everything, for cases that begin alike

    /// The rings at one moment: of each its size and the pages that are not zeros.
    struct Image {
        fileprivate var rings: [VolumeID: (bytes: Int, pages: [Int: [UInt8]])] = [:]

        func hash(into hasher: inout Hasher) {
            for (volume, ring) in rings.sorted(by: { $0.key < $1.key }) {
                hasher.combine(volume)
                hasher.combine(ring.pages)
            }
        }
    }

    var image: Image {
        get {
            Image(
                rings: rings.mapValues { ring in
                    var pages: [Int: [UInt8]] = [:]
                    for page in 0..<(ring.bytes / blockBytes) where !Self.isZero(ring.base + page * blockBytes) {
                        pages[page] = Array(
                            UnsafeRawBufferPointer(start: ring.base + page * blockBytes, count: blockBytes))
                    }
                    return (ring.bytes, pages)
                })
        }
        set {
            left = nil
            rings = newValue.rings.mapValues { ring in
                let memory = AlignedBuffer(bytes: ring.bytes)
                for (page, bytes) in ring.pages {
                    bytes.withUnsafeBytes {
                        UnsafeMutableRawBufferPointer(start: memory.base + page * blockBytes, count: blockBytes)
                            .copyMemory(from: $0)
                    }
                }
                return memory
            }
        }
    }

    private static func isZero(_ page: UnsafeMutableRawPointer) -> Bool {
        let words = page.assumingMemoryBound(to: UInt64.self)
        for index in 0..<(blockBytes / 8) where words[index] != 0 { return false }
        return true
    }

    // MARK: Faults

    /// The process died between the stores of an entry.
    func tear(_ volume: VolumeID, _ machine: SimulatedMachine) -> Bool {
        guard let ring = rings[volume], let view = RingView(ring), view.admitted >= view.firstSequence else {
            return false
        }
        // Torn before, it may say less than there is.
        var admitted = view.admitted
        while view.entry(admitted + 1) != nil { admitted += 1 }
        switch machine.pick(4) {
        case 0:
            // Its slot is half written.
            let slot = view.slot(admitted + 1)
            for byte in slot.lowerBound..<(slot.lowerBound + 1 + machine.pick(slot.count - 1)) {
                ring.base.storeBytes(
                    of: UInt8(truncatingIfNeeded: machine.pick(256)), toByteOffset: byte, as: UInt8.self)
            }
        case 1:
            // A tail was being stored.
            let place = RingView.tails.lowerBound + machine.pick(RingView.tails.count / 16) * 16
            let old = ring.base.load(fromByteOffset: place, as: UInt64.self)
            ring.base.storeBytes(of: old + UInt64(1 + machine.pick(40)), toByteOffset: place, as: UInt64.self)
        case 2: ring.base.storeBytes(of: ~(admitted - 1), toByteOffset: RingView.complementOffset, as: UInt64.self)
        default:
            ring.base.storeBytes(of: admitted - 1, toByteOffset: RingView.admittedOffset, as: UInt64.self)
            ring.base.storeBytes(of: ~(admitted - 1), toByteOffset: RingView.complementOffset, as: UInt64.self)
        }
        return true
    }

    /// A bit of the memory is wrong: near what was written last, or of the tails.
    func damage(_ volume: VolumeID, _ machine: SimulatedMachine) -> Bool {
        guard let ring = rings[volume], let view = RingView(ring), view.admitted >= view.firstSequence else {
            return false
        }
        let known = Int(view.admitted - view.firstSequence + 1)
        let sequence = view.admitted - UInt64(machine.pick(min(known, 40)))
        guard let entry = view.entry(sequence) else { return false }
        let places = [0..<RingView.headerBytes, RingView.tails, entry.slot, entry.checksums, entry.payload].filter {
            !$0.isEmpty
        }
        let place = places[machine.pick(places.count)]
        let byte = place.lowerBound + machine.pick(place.count)
        ring.base.storeBytes(
            of: ring.base.load(fromByteOffset: byte, as: UInt8.self) ^ UInt8(1 << machine.pick(8)), toByteOffset: byte,
            as: UInt8.self)
        return true
    }
}
