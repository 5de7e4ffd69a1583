import Base
import VolumeEngine

extension EngineMessages.SpaceUsage {
    init(_ usage: SpaceUsage) {
        self.init(
            liveBytes: usage.liveBytes, sharedBytes: usage.sharedBytes, snapshotOnlyBytes: usage.snapshotOnlyBytes,
            garbageBytes: usage.garbageBytes, reservedBytes: usage.reservedBytes, overheadBytes: usage.overheadBytes,
            allocatedBytes: usage.allocatedBytes, metadataBytes: usage.metadataBytes, lostBytes: usage.lostBytes)
    }

    var value: SpaceUsage {
        SpaceUsage(
            liveBytes: liveBytes, sharedBytes: sharedBytes, snapshotOnlyBytes: snapshotOnlyBytes,
            garbageBytes: garbageBytes, reservedBytes: reservedBytes, overheadBytes: overheadBytes,
            allocatedBytes: allocatedBytes, metadataBytes: metadataBytes, lostBytes: lostBytes)
    }
}

extension EngineMessages.VolumeActivity {
    init(_ activity: VolumeActivity) {
        self.init(
            writtenBytes: activity.writtenBytes, movedBytes: activity.movedBytes, storedBytes: activity.storedBytes,
            cleanedSegments: activity.cleanedSegments)
    }

    var value: VolumeActivity {
        VolumeActivity(
            writtenBytes: writtenBytes, movedBytes: movedBytes, storedBytes: storedBytes,
            cleanedSegments: cleanedSegments)
    }
}

extension EngineMessages.VolumeSpace {
    init(_ space: VolumeSpace) {
        self.init(
            volumeID: space.id.description, group: space.group, hidden: space.isHidden, open: space.isOpen,
            usage: EngineMessages.SpaceUsage(space.usage),
            activity: space.activity.map { EngineMessages.VolumeActivity($0) })
    }

    var value: VolumeSpace {
        get throws(Failure) {
            VolumeSpace(
                id: try EngineAPI.volumeID(volumeID), group: group, isHidden: hidden, isOpen: open,
                usage: try required(usage, "usage").value, activity: activity?.value)
        }
    }
}

extension EngineMessages.GroupSpace {
    init(_ space: GroupSpace) {
        self.init(
            label: space.label, volumeCount: space.volumeCount, hiddenVolumeCount: space.hiddenVolumeCount,
            hiddenAllocatedBytes: space.hiddenAllocatedBytes, usage: EngineMessages.SpaceUsage(space.usage))
    }

    var value: GroupSpace {
        get throws(Failure) {
            GroupSpace(
                label: label, volumeCount: volumeCount, hiddenVolumeCount: hiddenVolumeCount,
                hiddenAllocatedBytes: hiddenAllocatedBytes, usage: try required(usage, "usage").value)
        }
    }
}

extension EngineMessages.GetPoolSpaceResponse {
    init(_ space: PoolSpace) {
        self.init(
            groups: space.groups.map { EngineMessages.GroupSpace($0) }, totalBytes: space.totalBytes,
            recycledBytes: space.recycledBytes, reserveBytes: space.reserveBytes,
            availableBytes: space.availableBytes, otherBytes: space.otherBytes)
    }

    var value: PoolSpace {
        get throws(Failure) {
            var found: [GroupSpace] = []
            for group in groups { found.append(try group.value) }
            return PoolSpace(
                groups: found, totalBytes: totalBytes, recycledBytes: recycledBytes, reserveBytes: reserveBytes,
                availableBytes: availableBytes, otherBytes: otherBytes)
        }
    }
}
