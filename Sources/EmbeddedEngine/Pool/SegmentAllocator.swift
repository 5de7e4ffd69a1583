import Base
import Logging
import SegmentStore
import Synchronization
import SystemIO
import VolumeEngine

/// Makes segments and takes them back: placement, slice files, the accounting of what groups use. Blocking; any thread.
///
/// A segment exists when its slice headers and names are durable on all its mountpaths, before the first record goes into it. What a
/// crash leaves half made has no record, and recovery takes it back. Freed slices are kept for reuse, already allocated and mostly
/// written, up to a bound; their old bytes cannot pass for a new segment's because every record names its segment.
final class SegmentAllocator: Sendable {
    /// Room that segments leave on every mountpath for maps, headers and the pool file: this much, a share of the drive (two
    /// generations of the map of a full one), and a slice for recovery.
    static let reserveBytes: UInt64 = 32 << 20
    static let reserveShare: UInt64 = 32
    private static let recycledPerMountpathMax = 16
    private static let recycleDirectory = ".ashlar/free"

    private struct State {
        /// Slice files of each size to use again, by mountpath.
        var recycled: [MountpathID: [UInt64: [Recycled]]] = [:]
        var recycledCount: [MountpathID: Int] = [:]
        /// Bytes promised to slice files that are being made.
        var pendingBytes: [MountpathID: UInt64] = [:]
        var usage: [VolumeID: Usage] = [:]
        var nextName: UInt64 = 0
    }
    private struct Recycled {
        var name: String
        var writtenBlocks: UInt32
    }
    private struct Usage {
        var group: String
        /// Of slice files, parity included.
        var allocatedBytes: UInt64 = 0
        /// Of data columns.
        var logicalBytes: UInt64 = 0
        /// Of these, the volume's working room: no capacity is asked for it.
        var workingBytes: UInt64 = 0
    }
    private let pool: Pool
    private let logger: Logger
    let start: UInt64
    private let state = Mutex(State())

    /// `start`: distinguishes this run of the engine from every other.
    init(pool: Pool, start: UInt64, logger: Logger) throws(Failure) {
        self.pool = pool
        self.start = start
        self.logger = logger
        try pool.onEveryMember("clear old slices") { (mountpath) throws(Failure) in
            try mountpath.disk.createDirectories(Self.recycleDirectory)
            // Which sizes they have is not worth finding out: they are made anew.
            for name in try mountpath.disk.list(Self.recycleDirectory) {
                try mountpath.disk.remove("\(Self.recycleDirectory)/\(name)")
            }
        }
    }

    // MARK: Accounting

    /// Counts what the mountpaths already hold for the volume. Once, at start; `recount` follows when its log is read.
    func noteExisting(_ volume: VolumeID, group: GroupSpecification) throws(Failure) {
        let directory = SlicePath.segmentDirectory(group: group.label, volume: volume)
        var (slices, segments) = (0, Set<UInt32>())
        try pool.onEveryMember("list slices") { (mountpath) throws(Failure) in
            for name in try mountpath.listIfPresent(directory) {
                slices += 1
                if let (segment, _) = SlicePath.parse(name) { segments.insert(segment) }
            }
        }
        // With mountpaths gone some may have fewer columns than the group.
        account(
            volume, group, allocated: Int64(slices) * Int64(group.sliceBytes),
            logical: Int64(segments.count) * Int64(group.sliceBytes) * Int64(group.dataColumns))
    }

    /// The volume has these segments and no others: its log was read, and nothing is made or freed for it meanwhile.
    func recount(_ volume: VolumeID, group: GroupSpecification, _ segments: some Sequence<Segment>) {
        let (allocated, logical) = segments.reduce((0, 0)) { ($0.0 + $1.memberBytes, $0.1 + $1.logicalBytes) }
        state.withLock {
            $0.usage[volume] = Usage(
                group: group.label, allocatedBytes: UInt64(allocated), logicalBytes: UInt64(logical))
        }
    }

    /// What an active mountpath has, in bytes. `reserveBytes`: what segments leave free of it.
    struct Room {
        var totalBytes: UInt64
        var freeBytes: UInt64
        var recycledBytes: UInt64
        var reserveBytes: UInt64
    }

    /// `sliceBytes`: of the group with the largest.
    func rooms(sliceBytes: UInt64) -> [Room] {
        pool.active.compactMap { mountpath in
            guard let space = try? mountpath.disk.space() else { return nil }
            return Room(
                totalBytes: space.totalBytes, freeBytes: space.freeBytes, recycledBytes: recycledBytes(on: mountpath),
                reserveBytes: Self.reserve(of: space) + sliceBytes)
        }
    }

    private static func reserve(of space: DiskSpace) -> UInt64 { reserveBytes + space.totalBytes / reserveShare }

    private func recycledBytes(on mountpath: Mountpath) -> UInt64 {
        state.withLock { ($0.recycled[mountpath.id] ?? [:]).reduce(0) { $0 + $1.key * UInt64($1.value.count) } }
    }

    func allocatedBytes(of volume: VolumeID) -> UInt64 { state.withLock { $0.usage[volume]?.allocatedBytes ?? 0 } }

    func logicalBytes(ofGroup label: String) -> UInt64 {
        state.withLock { $0.usage.values.reduce(0) { $0 + ($1.group == label ? $1.logicalBytes : 0) } }
    }

    /// What the group's capacity bounds.
    private func boundedBytes(ofGroup label: String) -> UInt64 {
        state.withLock {
            $0.usage.values.reduce(0) {
                $0 + ($1.group == label && $1.logicalBytes > $1.workingBytes ? $1.logicalBytes - $1.workingBytes : 0)
            }
        }
    }

    /// What an open volume has in segments that are empty, being filled with moves, or on their way back. In bytes of data columns.
    func setWorkingRoom(_ bytes: Int, of volume: VolumeID) {
        state.withLock { $0.usage[volume]?.workingBytes = UInt64(bytes) }
    }

    private func account(_ volume: VolumeID, _ group: GroupSpecification, allocated: Int64, logical: Int64) {
        state.withLock { state in
            var usage = state.usage[volume] ?? Usage(group: group.label)
            usage.allocatedBytes = UInt64(max(0, Int64(usage.allocatedBytes) + allocated))
            usage.logicalBytes = UInt64(max(0, Int64(usage.logicalBytes) + logical))
            state.usage[volume] = usage
        }
    }

    /// Who asks for a segment: what may be taken for it.
    enum Purpose {
        /// What neither the group's capacity nor the reserve of a mountpath is there for.
        case writes
        /// Moves make more room than they take, and may have half of the reserve for the time being.
        case moves
        /// What is written already must find a place.
        case promised
    }

    /// Active members of the group's media, and the bytes that slices may still take on each.
    func candidates(
        _ group: GroupSpecification, for purpose: Purpose = .writes
    ) -> [(mountpath: Mountpath, totalBytes: UInt64, freeBytes: UInt64)] {
        pool.active
            .filter { $0.isUsable && (group.media.isEmpty || group.media.contains($0.media)) }
            .compactMap { mountpath in
                guard let space = try? mountpath.disk.space() else { return nil }
                let pending = state.withLock { $0.pendingBytes[mountpath.id] ?? 0 }
                let reserve = Self.reserve(of: space) + group.sliceBytes
                let taken =
                    pending
                    + (purpose == .writes
                        ? reserve : purpose == .moves ? min(reserve / 2, reserve - group.sliceBytes) : 0)
                let free = space.freeBytes + recycledBytes(on: mountpath)
                return (mountpath, space.totalBytes, free > taken ? free - taken : 0)
            }
    }

    /// What the group's segments take and could still take, in logical bytes.
    func capacity(of group: GroupSpecification) -> GroupCapacity {
        let candidates = candidates(group)
        let used = logicalBytes(ofGroup: group.label)
        var available: UInt64 = 0
        if let (k, p) = Self.columns(of: group, mountpaths: candidates.count) {
            let slots = candidates.map { $0.freeBytes / group.sliceBytes }
            available = Self.segmentCount(slots: slots, columns: UInt64(k + p)) * UInt64(k) * group.sliceBytes
        }
        if let bound = group.capacityBytes {
            let bounded = boundedBytes(ofGroup: group.label)
            available = min(available, bound > bounded ? bound - bounded : 0)
        }
        return GroupCapacity(totalBytes: used + available, availableBytes: available, usedBytes: used)
    }

    /// How many more segments could be made.
    func room(of group: GroupSpecification) -> Int {
        Int(capacity(of: group).availableBytes / (group.sliceBytes * UInt64(group.dataColumns)))
    }

    /// The most segments of `columns` slices on distinct mountpaths that have room for `slots` slices each.
    static func segmentCount(slots: [UInt64], columns: UInt64) -> UInt64 {
        var low: UInt64 = 0
        var high = slots.reduce(0, +) / columns
        while low < high {
            let middle = (low + high + 1) / 2
            if slots.reduce(0, { $0 + min($1, middle) }) >= middle * columns { low = middle } else { high = middle - 1 }
        }
        return low
    }

    // MARK: Making

    /// k and p for a new segment: the group's where there are mountpaths enough; with fewer, first data columns go, so that as many
    /// mountpaths as before may be lost, and only then parity. What was used is recorded in the slice headers.
    static func columns(of group: GroupSpecification, mountpaths: Int) -> (k: Int, p: Int)? {
        guard mountpaths > 0 else { return nil }
        let p = min(group.parityColumns, mountpaths - 1)
        return (min(group.dataColumns, mountpaths - p), p)
    }

    /// `exhausted` where the group's capacity or the mountpaths' room is used up, `busy` where it is to be tried again; nothing is left behind then.
    func makeSegment(
        _ id: UInt32, volume: VolumeID, group: GroupSpecification, for purpose: Purpose = .writes
    ) throws(Failure) -> Segment {
        if let halted = pool.halted { throw halted }
        // Nothing is placed without a member before the version that names it out is durable.
        for mountpath in pool.active where !mountpath.isUsable { try takeOut(mountpath, "failed") }
        let candidates = candidates(group, for: purpose)
        guard let (k, p) = Self.columns(of: group, mountpaths: candidates.count) else {
            throw Failure(
                .unavailable,
                "group \(group.label) has no active mountpath of media \(group.media.joined(separator: ", "))")
        }
        let logical = Int64(k) * Int64(group.sliceBytes)
        let used = boundedBytes(ofGroup: group.label)
        if purpose == .writes, let capacity = group.capacityBytes, used + UInt64(logical) > capacity {
            throw Failure(
                .exhausted,
                "group \(group.label) is full: its segments take \(ByteSize.text(used)) of \(ByteSize.text(capacity)); delete volumes or raise its capacity"
            )
        }
        account(volume, group, allocated: 0, logical: logical)
        do throws(Failure) {
            let segment = try make(id, volume, group, k, p, candidates)
            account(volume, group, allocated: Int64(segment.allocatedBytes), logical: 0)
            return segment
        } catch {
            account(volume, group, allocated: 0, logical: -logical)
            throw error
        }
    }

    private func make(
        _ id: UInt32, _ volume: VolumeID, _ group: GroupSpecification, _ k: Int, _ p: Int,
        _ candidates: [(mountpath: Mountpath, totalBytes: UInt64, freeBytes: UInt64)]
    ) throws(Failure) -> Segment {
        var roomy = candidates.filter { $0.freeBytes >= group.sliceBytes }
        while true {
            guard roomy.count >= k + p else {
                throw Failure(
                    .exhausted,
                    "only \(roomy.count) mountpaths have room for a slice of \(ByteSize.text(group.sliceBytes)), group \(group.label) needs \(k + p): delete data or add capacity"
                )
            }
            let order = Placement.order(
                roomy.map { ($0.mountpath.id, Double($0.totalBytes)) }, volume: volume, segment: id)
            let chosen = order.prefix(k + p).compactMap { pool.mountpath($0) }
            state.withLock { state in
                for mountpath in chosen { state.pendingBytes[mountpath.id, default: 0] += group.sliceBytes }
            }
            defer {
                state.withLock { state in
                    for mountpath in chosen { state.pendingBytes[mountpath.id, default: 0] -= group.sliceBytes }
                }
            }
            let mountpaths = chosen.map(\.id)
            let results = inParallel(chosen.count, isSequential: pool.test.isSequential) { (index) throws(Failure) in
                let header = SliceHeader(
                    pool: self.pool.id, volume: volume, segment: id, k: k, p: p, slice: index,
                    sliceBlocks: UInt32(group.sliceBytes / UInt64(blockBytes)), start: self.start,
                    mountpaths: mountpaths)
                return try self.makeSlice(header, group: group, on: chosen[index])
            }
            let slices = results.compactMap { try? $0.get() }
            if slices.count == chosen.count {
                return Segment(
                    id: id, k: k, p: p, sliceBlocks: UInt32(group.sliceBytes / UInt64(blockBytes)), slices: slices)
            }
            for (index, mountpath) in chosen.enumerated() where mountpath.isActive {
                try? mountpath.disk.remove(path(volume, group.label, id, index))
                try? mountpath.disk.synchronizeDirectory(
                    SlicePath.segmentDirectory(group: group.label, volume: volume))
            }
            for (mountpath, result) in zip(chosen, results) {
                guard case .failure(let failure) = result else { continue }
                if let number = failure.errorNumber, Failure.isShortage(errno: number) {
                    throw Failure(.busy, "no segment can be made now", cause: failure)
                }
                // Full is no fault; anything else is, and the segment is tried again without that mountpath.
                if failure.kind != .exhausted { try takeOut(mountpath, "cannot make a slice: \(failure)") }
                roomy.removeAll { $0.mountpath.id == mountpath.id || !$0.mountpath.isActive }
            }
        }
    }

    /// What another member has no room to write down is no lack of room for data.
    private func takeOut(_ mountpath: Mountpath, _ reason: String) throws(Failure) {
        do throws(Failure) { try pool.takeOut(mountpath, reason: reason) } catch  where error.kind == .exhausted {
            throw Failure(.busy, "\(mountpath.path) has failed and cannot be taken out now", cause: error)
        }
    }

    private func path(_ volume: VolumeID, _ group: String, _ segment: UInt32, _ slice: Int) -> String {
        "\(SlicePath.segmentDirectory(group: group, volume: volume))/\(SlicePath.name(segment: segment, slice: slice))"
    }

    private func makeSlice(
        _ header: SliceHeader, group: GroupSpecification, on mountpath: Mountpath
    ) throws(Failure) -> Slice {
        let disk = mountpath.disk
        let directory = SlicePath.segmentDirectory(group: group.label, volume: header.volume)
        let path = path(header.volume, group.label, header.segment, header.slice)
        try disk.createDirectories(directory)
        try disk.remove(path)
        let file: any DiskFile
        var writtenBlocks: UInt32 = 1
        if let recycled = takeRecycled(mountpath, bytes: group.sliceBytes) {
            try disk.rename("\(Self.recycleDirectory)/\(recycled.name)", to: path)
            file = try disk.openSlice(path)
            writtenBlocks = recycled.writtenBlocks
        } else {
            makeRoom(for: group.sliceBytes, on: mountpath)
            file = try disk.createSlice(path, bytes: group.sliceBytes)
        }
        let page = AlignedBuffer(bytes: blockBytes)
        header.encode(into: page.base)
        try file.write(UnsafeRawBufferPointer(page.span), at: 0)
        try file.synchronize()
        try disk.synchronizeDirectory(directory)
        return Slice(
            mountpath: mountpath, mountpathID: mountpath.id, file: file, tail: 1, writtenBlocks: writtenBlocks)
    }

    private func takeRecycled(_ mountpath: Mountpath, bytes: UInt64) -> Recycled? {
        state.withLock { state in
            guard let recycled = state.recycled[mountpath.id]?[bytes]?.popLast() else { return nil }
            state.recycledCount[mountpath.id, default: 1] -= 1
            return recycled
        }
    }

    /// Slices to be used again count as free, those of other sizes too: a new one must not take the reserve's room instead of theirs.
    private func makeRoom(for sliceBytes: UInt64, on mountpath: Mountpath) {
        guard let space = try? mountpath.disk.space() else { return }
        let recycled = state.withLock { state -> [Recycled] in
            let reserve = Self.reserve(of: space) + sliceBytes
            guard space.freeBytes < reserve + state.pendingBytes[mountpath.id, default: 0] else { return [] }
            state.recycledCount[mountpath.id] = 0
            return state.recycled.removeValue(forKey: mountpath.id)?.values.flatMap(\.self) ?? []
        }
        for slice in recycled { try? mountpath.disk.remove("\(Self.recycleDirectory)/\(slice.name)") }
    }

    // MARK: Taking back

    /// Takes back a segment that nothing refers to any more. Failures leave files that the next start takes back.
    func free(_ segment: Segment, volume: VolumeID, group: GroupSpecification) {
        for (index, slice) in segment.slices.enumerated() {
            guard let mountpath = slice.mountpath, mountpath.isActive else { continue }
            slice.file = nil
            let bytes = UInt64(segment.sliceBlocks) * UInt64(blockBytes)
            freeSlice(
                path(volume, group.label, segment.id, index), bytes: bytes,
                writtenBlocks: max(slice.writtenBlocks, slice.tail), on: mountpath)
        }
        account(
            volume, group, allocated: -Int64(segment.memberBytes), logical: -Int64(segment.logicalBytes))
    }

    /// Removes everything that a deleted volume has on the mountpaths. Again is fine.
    func removeVolume(_ volume: VolumeID, group: GroupSpecification) throws(Failure) {
        let directory = SlicePath.volumeDirectory(group: group.label, volume: volume)
        for mountpath in pool.active {
            for name in try mountpath.listIfPresent("\(directory)/%sg") {
                freeSlice("\(directory)/%sg/\(name)", bytes: group.sliceBytes, on: mountpath)
            }
            for name in try mountpath.listIfPresent("\(directory)/%mt") {
                try mountpath.disk.remove("\(directory)/%mt/\(name)")
            }
            for part in ["/%sg", "/%mt", ""] { try mountpath.disk.removeDirectory(directory + part) }
        }
        state.withLock { $0.usage[volume] = nil }
    }

    /// Takes back one slice file of which the segment is not known.
    func freeStraySlice(_ name: String, volume: VolumeID, group: GroupSpecification, on mountpath: Mountpath) {
        let directory = SlicePath.segmentDirectory(group: group.label, volume: volume)
        freeSlice("\(directory)/\(name)", bytes: group.sliceBytes, on: mountpath)
        account(
            volume, group, allocated: -Int64(group.sliceBytes),
            logical: -Int64(group.sliceBytes) * Int64(group.dataColumns) / Int64(group.columns))
    }

    /// `writtenBlocks`: as in `Slice`; 0 where it is not known.
    private func freeSlice(_ path: String, bytes: UInt64, writtenBlocks: UInt32 = 0, on mountpath: Mountpath) {
        let name: String? = state.withLock { state in
            guard state.recycledCount[mountpath.id, default: 0] < Self.recycledPerMountpathMax else { return nil }
            state.nextName += 1
            return "\(bytes)-\(state.nextName)"
        }
        do throws(Failure) {
            guard let name else {
                try mountpath.disk.remove(path)
                return
            }
            try mountpath.disk.rename(path, to: "\(Self.recycleDirectory)/\(name)")
            state.withLock { state in
                state.recycled[mountpath.id, default: [:]][bytes, default: []]
                    .append(Recycled(name: name, writtenBlocks: writtenBlocks))
                state.recycledCount[mountpath.id, default: 0] += 1
            }
        } catch  where error.kind != .notFound {
            logger.warning(
                "slice not taken back", metadata: ["path": "\(mountpath.path)/\(path)", "error": "\(error)"])
        } catch {}
    }
}

extension Segment {
    /// Of slices on mountpaths that were there when this start found or made it.
    fileprivate var memberBytes: Int { slices.count { $0.mountpath != nil } * Int(sliceBlocks) * blockBytes }
    /// Of its data columns.
    var logicalBytes: Int { k * Int(sliceBlocks) * blockBytes }
}
