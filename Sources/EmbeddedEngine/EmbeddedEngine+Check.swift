import Base
import Foundation
import Logging
import SegmentStore
import SystemIO
import VolumeEngine

/// What `ashlar fsck` found.
public struct CheckReport: Sendable, Codable, Equatable {
    public struct Volume: Sendable, Codable, Equatable {
        public var id: VolumeID
        /// What is wrong; none: the volume is clean.
        public var problems: [String]
        /// What is not wrong and worth knowing.
        public var notes: [String]
        public var snapshots: Int
        public var segments: Int
        /// Of 4 KiB, each counted once however many snapshots have it.
        public var liveBlocks: Int
        public var mapNodes: Int
        /// Records read, where data was checked.
        public var recordsRead: Int
        public var group: String
        /// By the trees and, where data was checked, by the records; else data that nothing refers to is as accounted.
        public var space: SpaceUsage
        /// Paths of rings of unflushed writes that could not be used: what was answered and not flushed may be lost. `check` leaves it empty.
        public var ringsSetAside: [String] = []
    }
    public struct Group: Sendable, Codable, Equatable {
        public var label: String
        /// The sum over its volumes.
        public var space: SpaceUsage
    }
    public var pool: PoolID
    public var poolVersion: UInt64
    /// Of the pool itself.
    public var problems: [String]
    public var notes: [String]
    public var volumes: [Volume]

    /// By label; those that have volumes.
    public var groups: [Group] {
        Dictionary(grouping: volumes, by: \.group).map { label, volumes in
            Group(label: label, space: volumes.reduce(SpaceUsage()) { $0 + $1.space })
        }.sorted { $0.label < $1.label }
    }

    public var isClean: Bool { problems.isEmpty && volumes.allSatisfy(\.problems.isEmpty) }
}

extension EmbeddedEngine {
    /// Checks a pool that nobody serves and writes nothing: membership, headers, and of each volume what a start would make of it, against
    /// what is accounted: live blocks, slots, counters, slices, snapshots, origins. `readsData`: every record too, against its checksums.
    /// `progress` is told the number of volumes done and of all.
    public static func check(
        mountpaths: [ConfiguredMountpath], ledger: any Disk, acceptMissing: Bool, readsData: Bool, logger: Logger,
        progress: @escaping @Sendable (_ done: Int, _ of: Int) -> Void = { _, _ in }
    ) async throws(Failure) -> CheckReport {
        try await onBlockingThread { () throws(Failure) in
            var random = SystemRandomNumberGenerator()
            let pool = try Pool.open(
                mountpaths, ledger: ledger, acceptMissing: acceptMissing, logger: logger, random: &random,
                isReadOnly: true)
            let headers = try HeaderLog(reading: pool, logger: logger)
            let missing = try pool.checkMissing(lossesMax: headers.lossesMax, acceptMissing: acceptMissing)
            let check = PoolCheck(pool: pool, headers: headers, readsData: readsData, logger: logger)
            var report = try check.checkPool(missing: missing.map(\.path))
            let volumes = headers.volumes.filter { !$0.isPurged && !$0.isUnfinished }.sorted { $0.id < $1.id }
            for (index, header) in volumes.enumerated() {
                progress(index, volumes.count)
                report.volumes.append(check.checkVolume(header))
            }
            progress(volumes.count, volumes.count)
            return report
        }
    }
}

/// Blocking; reads only.
private struct PoolCheck {
    let pool: Pool
    let headers: HeaderLog
    let readsData: Bool
    let logger: Logger

    /// For nodes of one volume at a time; memory is touched as far as it is used.
    private static let cacheBytes = 1 << 30

    /// What the slices of a volume say.
    private struct Stored {
        /// Appended, by segment; where records are not read as accounted.
        var dataBlocks: [UInt32: Int] = [:]
        var allocatedBlocks = 0
    }

    func checkPool(missing: [String]) throws(Failure) -> CheckReport {
        let status = pool.status()
        var report = CheckReport(pool: pool.id, poolVersion: status.version, problems: [], notes: [], volumes: [])
        report.problems += missing.map { "mountpath \($0) is missing" } + headers.problems
        for mountpath in status.mountpaths where mountpath.state != .active && !missing.contains(mountpath.path) {
            report.notes.append("mountpath \(mountpath.path) is \(mountpath.state.rawValue): \(mountpath.reason)")
        }
        for header in headers.volumes where !header.isPurged {
            if headers.group(header.group) == nil {
                report.problems.append("volume \(header.id) is in group \(header.group), of which there is no header")
            }
        }
        for snapshot in headers.snapshots where !snapshot.isDeleted {
            if headers.volume(snapshot.volume)?.isPurged ?? true {
                report.problems.append("snapshot \(snapshot.id) is of volume \(snapshot.volume), which is gone")
            }
        }
        report.notes += try strayDirectories()
        return report
    }

    private func strayDirectories() throws(Failure) -> [String] {
        var strays: Set<String> = []
        for mountpath in pool.active {
            for group in try mountpath.disk.list(".") where group.hasPrefix("@") {
                for name in try mountpath.listIfPresent(group) {
                    let header = VolumeID(name).flatMap { headers.volume($0) }
                    if header == nil { strays.insert("\(group)/\(name) is of no known volume") }
                    if header?.isPurged == true { strays.insert("\(group)/\(name) is left of a deleted volume") }
                }
            }
        }
        return strays.sorted()
    }

    func checkVolume(_ header: VolumeHeader) -> CheckReport.Volume {
        var found = CheckReport.Volume(
            id: header.id, problems: [], notes: [], snapshots: 0, segments: 0, liveBlocks: 0, mapNodes: 0,
            recordsRead: 0, group: header.group, space: SpaceUsage())
        do throws(Failure) { try examine(header, &found) } catch { found.problems.append("\(error)") }
        return found
    }

    private func examine(_ header: VolumeHeader, _ found: inout CheckReport.Volume) throws(Failure) {
        guard let group = headers.group(header.group)?.specification else { return }
        if let origin = header.origin, try VolumeClone.isUnmade(header, in: pool) {
            return try examine(unopened: header, of: origin, group, &found)
        }
        var recovery = VolumeRecovery(pool: pool, header: header, group: group, allocator: nil, logger: logger)
        recovery.origins = try headers.origins(of: header)
        recovery.cacheBytes = Self.cacheBytes
        let (map, incomplete, lost, problems) = try recovery.examine()
        found.problems += problems
        if incomplete > 0 { found.notes.append("\(incomplete) records at the log's end are rebuilt at the next start") }
        if lost > 0 { found.problems.append("\(lost) records are lost") }
        var check = MapCheck(map, checksCopies: true)
        found.problems += try check.run()
        if check.badCopies > 0 {
            found.problems.append("\(check.badCopies) copies of map nodes are bad; others are good")
        }
        if map.head.lostBlocks > 0 { found.problems.append("\(map.head.lostBlocks) blocks are lost") }
        found.snapshots = map.elements.count { !$0.isDeleted }
        found.segments = map.segments.count
        found.liveBlocks = map.segments.values.reduce(0) { $0 + $1.liveBlocks }
        found.mapNodes = map.slots.takenCount
        checkSnapshots(header, map, &found)
        var stored = Stored()
        try checkSlices(header, group, map, &stored, &found)
        checkAppended(map, &stored, &found)
        found.space = SpaceUsage(
            check.counts(data: stored.dataBlocks.values.reduce(0, +), allocated: stored.allocatedBlocks))
        found.problems += map.space().differences(from: found.space)
    }

    /// A clone of which there is nothing but the header: what it begins as is checked with its origin.
    private func examine(
        unopened header: VolumeHeader, of origin: VolumeOrigin, _ group: GroupSpecification,
        _ found: inout CheckReport.Volume
    ) throws(Failure) {
        guard let parent = headers.volume(origin.volume), !parent.isPurged else {
            found.problems.append("its origin, volume \(origin.volume), is gone")
            return
        }
        var recovery = VolumeRecovery(pool: pool, header: parent, group: group, allocator: nil, logger: logger)
        recovery.origins = try headers.origins(of: parent)
        recovery.cacheBytes = Self.cacheBytes
        guard let element = try recovery.examine().map.element(origin.epoch) else {
            found.problems.append("it begins at epoch \(origin.epoch) of volume \(origin.volume), which is gone")
            return
        }
        found.notes.append("never opened: all that it has is its origin's")
        found.space = SpaceUsage(sharedBy: element)
    }

    /// Headers say which snapshots exist, the map has them.
    private func checkSnapshots(_ header: VolumeHeader, _ map: VolumeMap, _ found: inout CheckReport.Volume) {
        let named = headers.snapshots(of: header.id)
        for snapshot in named where map.element(snapshot.epoch).map({ $0.snapshot == snapshot.id }) != true {
            found.problems.append("snapshot \(snapshot.id) is not in the map")
        }
        let strays = map.elements.count { element in !element.isDeleted && !named.contains { $0.epoch == element.epoch }
        }
        if strays > 0 { found.notes.append("\(strays) snapshots without a header go at the next start") }
        for epoch in headers.clonedEpochs(of: header.id) where map.element(epoch) == nil {
            found.problems.append("a clone begins at epoch \(epoch), which is gone")
        }
    }

    private func checkSlices(
        _ header: VolumeHeader, _ group: GroupSpecification, _ map: VolumeMap, _ stored: inout Stored,
        _ found: inout CheckReport.Volume
    ) throws(Failure) {
        let directory = SlicePath.segmentDirectory(group: group.label, volume: header.id)
        var missing = 0
        var foreign = 0
        for segment in map.segments.values.sorted(by: { $0.id < $1.id }) {
            let page = AlignedBuffer(bytes: blockBytes)
            for (index, slice) in segment.slices.enumerated() {
                guard let mountpath = slice.mountpath else { continue }
                let path = "\(directory)/\(SlicePath.name(segment: segment.id, slice: index))"
                guard let file = try? mountpath.disk.openSlice(path),
                    let count = try? file.read(into: page.span, at: 0), count == blockBytes
                else {
                    missing += 1
                    continue
                }
                slice.file = file
                stored.allocatedBlocks += Int((try? file.size()) ?? 0) / blockBytes
                let found = SliceHeader(page: page.base)
                if found?.volume != header.id || found?.segment != segment.id || found?.slice != index { foreign += 1 }
            }
            stored.dataBlocks[segment.id] = segment.dataBlocks
            if readsData { stored.dataBlocks[segment.id] = try checkRecords(header, segment, &found) }
            for slice in segment.slices { slice.file = nil }
        }
        if missing > 0 { found.problems.append("\(missing) slices are missing or cannot be read") }
        if foreign > 0 { found.problems.append("\(foreign) slices have another's header") }
        var strays = 0
        for mountpath in pool.active {
            for name in try mountpath.listIfPresent(directory) {
                if let (segment, _) = SlicePath.parse(name), map.segments[segment] == nil { strays += 1 }
            }
        }
        if strays > 0 { found.notes.append("\(strays) slices of no segment are freed at the next start") }
    }

    /// Every record; returns the blocks of data that they have.
    private func checkRecords(
        _ header: VolumeHeader, _ segment: Segment, _ found: inout CheckReport.Volume
    ) throws(Failure) -> Int {
        let records = try SegmentScan.records(
            pool: pool.id, volume: header.id, segment: segment.id, sliceBlocks: segment.sliceBlocks,
            files: segment.slices.map(\.file))
        var (bad, away) = (0, 0)
        for record in records where record.header.sequence <= segment.lastSequence {
            let columns = record.header.columnsWritten
            let good = try RecordReader(header: record.header, files: segment.slices.map(\.file))
                .goodColumns(among: columns)
            let there = columns.count { segment.slices[record.header.slice(ofColumn: $0)].mountpath != nil }
            bad += there - good.count
            away += columns.count - there
            if good.count < record.header.shape.dataColumns {
                found.problems.append("record \(record.header.sequence) in segment \(segment.id) cannot be read")
            }
        }
        found.recordsRead += records.count
        if away > 0 {
            found.notes.append(
                "\(away) columns of segment \(segment.id) are on mountpaths that are out; reads rebuild them")
        }
        if bad > 0 { found.problems.append("\(bad) columns of segment \(segment.id) are bad; reads rebuild them") }
        return segment.dataBlocks(in: records)
    }

    /// Data that was appended, against the records where these were read, and against what can be.
    private func checkAppended(_ map: VolumeMap, _ stored: inout Stored, _ found: inout CheckReport.Volume) {
        for segment in map.segments.values.sorted(by: { $0.id < $1.id }) {
            let (kept, read) = (segment.dataBlocks, stored.dataBlocks[segment.id] ?? 0)
            if kept < segment.liveBlocks || kept > segment.k * Int(segment.sliceBlocks - 1) {
                found.problems.append(
                    "segment \(segment.id) has \(segment.liveBlocks) live blocks; that \(kept) of data were appended cannot be"
                )
            } else if kept != read {
                let text = "segment \(segment.id) has \(read) blocks of data by its records, \(kept) are accounted"
                // Records that failed with a mountpath have left room behind, and not always a header.
                if kept > read, pool.status().mountpaths.contains(where: { $0.state != .active }) {
                    found.notes.append(text)
                    stored.dataBlocks[segment.id] = kept
                } else {
                    found.problems.append(text)
                }
            }
        }
    }
}

extension SpaceUsage {
    /// A sentence for each figure that was recomputed as something else.
    fileprivate func differences(from found: SpaceUsage) -> [String] {
        let figures: [(String, KeyPath<SpaceUsage, UInt64>)] = [
            ("live", \.liveBytes), ("shared", \.sharedBytes), ("snapshot-only", \.snapshotOnlyBytes),
            ("garbage", \.garbageBytes), ("overhead", \.overheadBytes), ("allocated", \.allocatedBytes),
            ("metadata", \.metadataBytes), ("lost", \.lostBytes),
        ]
        return figures.filter { self[keyPath: $0.1] != found[keyPath: $0.1] }.map {
            "space: \(found[keyPath: $0.1]) bytes are \($0.0), \(self[keyPath: $0.1]) are accounted"
        }
    }
}
