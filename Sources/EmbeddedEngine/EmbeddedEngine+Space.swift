import Base
import SegmentStore
import SystemIO
import VolumeEngine

/// Space accounting: each volume's figures from its open log or its last checkpoint, groups and the pool as sums over them.
extension EmbeddedEngine {
    public func volumeSpace(_ id: VolumeID) async throws(Failure) -> VolumeSpace {
        try await space(of: try existing(id))
    }

    public func volumeSpaces() async throws(Failure) -> [VolumeSpace] {
        var found: [VolumeSpace] = []
        for header in headers.volumes.sorted(by: { $0.id < $1.id }) where header.isStored {
            // It may be gone since.
            do throws(Failure) { found.append(try await space(of: header)) } catch  where error.kind == .notFound {}
        }
        return found
    }

    public func poolSpace() async throws(Failure) -> PoolSpace {
        var groups: [String: GroupSpace] = [:]
        for header in headers.groups where header.state != .deleted {
            let label = header.specification.label
            groups[label] = GroupSpace(
                label: label, volumeCount: 0, hiddenVolumeCount: 0, hiddenAllocatedBytes: 0, usage: SpaceUsage())
        }
        for volume in try await volumeSpaces() { groups[volume.group]?.add(volume) }
        let sums = groups.values.sorted { $0.label < $1.label }
        let (allocator, slice) = (allocator, headers.groups.map(\.specification.sliceBytes).max() ?? 0)
        let rooms = try await Self.onBlockingThread { () throws(Failure) in allocator.rooms(sliceBytes: slice) }
        let (total, free) = (rooms.reduce(0) { $0 + $1.totalBytes }, rooms.reduce(0) { $0 + $1.freeBytes })
        let (recycled, reserve) = (
            rooms.reduce(0) { $0 + $1.recycledBytes }, rooms.reduce(0) { $0 + min($1.freeBytes, $1.reserveBytes) }
        )
        let known = sums.reduce(recycled + free) { $0 + $1.usage.allocatedBytes }
        return PoolSpace(
            groups: sums, totalBytes: total, recycledBytes: recycled, reserveBytes: reserve,
            availableBytes: free - reserve, otherBytes: total > known ? total - known : 0)
    }

    private func space(of header: VolumeHeader) async throws(Failure) -> VolumeSpace {
        let (usage, activity) = try await logs.space(header.id)
        return VolumeSpace(
            id: header.id, group: header.group, isHidden: header.isDeleted, isOpen: activity != nil, usage: usage,
            activity: activity)
    }
}

extension VolumeHeader {
    /// Something of it may be on the mountpaths.
    var isStored: Bool { !isPurged && !isUnfinished }
}

extension GroupSpace {
    mutating func add(_ volume: VolumeSpace) {
        usage = usage + volume.usage
        if volume.isHidden {
            hiddenVolumeCount += 1
            hiddenAllocatedBytes += volume.usage.allocatedBytes
        } else {
            volumeCount += 1
        }
    }
}
