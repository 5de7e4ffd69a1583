import Attach
import Base
import VolumeEngine

// Between the ports' values and their messages.

extension EngineMessages.Group {
    init(_ group: GroupSpecification) {
        self.init(
            label: group.label, dataColumns: Int64(group.dataColumns), parityColumns: Int64(group.parityColumns),
            media: group.media, sliceBytes: group.sliceBytes, capacityBytes: group.capacityBytes,
            annotation: group.annotation ?? "")
    }

    var specification: GroupSpecification {
        GroupSpecification(
            label: label, dataColumns: Int(dataColumns), parityColumns: Int(parityColumns), media: media,
            sliceBytes: sliceBytes, capacityBytes: capacityBytes, annotation: annotation.isEmpty ? nil : annotation)
    }
}

extension EngineMessages.Formatted {
    init(_ formatted: Formatted) {
        switch formatted {
        case .never: self.init(state: .never(true))
        case .making(let name): self.init(state: .making(name))
        case .filesystem(let name): self.init(state: .filesystem(name))
        case .unknown: self.init(state: nil)
        }
    }

    /// What is not understood is unknown, which forbids formatting.
    var value: Formatted {
        switch state {
        case .never(true): .never
        case .making(let name): .making(name)
        case .filesystem(let name): .filesystem(name)
        case .never(false), nil: .unknown
        }
    }
}

extension EngineMessages.Volume.Health {
    init(_ health: VolumeHealth) {
        switch health {
        case .ready: self = .ready
        case .degraded: self = .degraded
        case .failed: self = .failed
        }
    }

    var value: VolumeHealth {
        get throws(Failure) {
            switch self {
            case .ready: .ready
            case .degraded: .degraded
            case .failed: .failed
            case .healthUnspecified, .unrecognized: throw Failure(.invalid, "unknown volume health \(name)")
            }
        }
    }
}

extension EngineMessages.Volume {
    init(_ volume: EngineVolume) {
        self.init(
            id: volume.id.description, group: volume.group, sizeBytes: volume.sizeBytes,
            attachEpoch: volume.attachEpoch, formatted: EngineMessages.Formatted(volume.formatted),
            health: Health(volume.health), healthReason: volume.healthReason, liveBytes: volume.liveBytes,
            allocatedBytes: volume.allocatedBytes, isAnnotated: volume.isAnnotated,
            limits: volume.limits == .none ? nil : EngineMessages.VolumeLimits(volume.limits))
    }

    var value: EngineVolume {
        get throws(Failure) {
            EngineVolume(
                id: try volumeID(id), group: group, sizeBytes: sizeBytes, attachEpoch: attachEpoch,
                formatted: formatted?.value ?? .unknown, health: try health.value, healthReason: healthReason,
                liveBytes: liveBytes, allocatedBytes: allocatedBytes, isAnnotated: isAnnotated,
                limits: limits?.value ?? .none)
        }
    }
}

extension EngineMessages.VolumeLimits {
    init(_ limits: VolumeLimits) {
        self.init(
            iops: limits.iops, bandwidth: limits.bandwidth, iopsBurst: limits.iopsBurst,
            bandwidthBurst: limits.bandwidthBurst)
    }

    var value: VolumeLimits {
        VolumeLimits(iops: iops, bandwidth: bandwidth, iopsBurst: iopsBurst, bandwidthBurst: bandwidthBurst)
    }
}

extension EngineMessages.Mountpath.State {
    init(_ state: MountpathState) {
        switch state {
        case .active: self = .active
        case .out: self = .out
        case .missing: self = .missing
        case .stale: self = .stale
        }
    }

    var value: MountpathState {
        get throws(Failure) {
            switch self {
            case .active: .active
            case .out: .out
            case .missing: .missing
            case .stale: .stale
            case .stateUnspecified, .unrecognized: throw Failure(.invalid, "unknown mountpath state \(name)")
            }
        }
    }
}

extension EngineMessages.Mountpath {
    init(_ mountpath: MountpathStatus) {
        self.init(
            id: mountpath.id.description, path: mountpath.path, media: mountpath.media, state: State(mountpath.state),
            reason: mountpath.reason, totalBytes: mountpath.totalBytes, freeBytes: mountpath.freeBytes)
    }

    var value: MountpathStatus {
        get throws(Failure) {
            MountpathStatus(
                id: try required(MountpathID(id), "mountpath id"), path: path, media: media, state: try state.value,
                reason: reason, totalBytes: totalBytes, freeBytes: freeBytes)
        }
    }
}

extension EngineMessages.GetPoolStatusResponse {
    init(_ status: PoolStatus) {
        self.init(
            id: status.id.description, version: status.version,
            mountpaths: status.mountpaths.map { EngineMessages.Mountpath($0) },
            sharedFilesystems: status.sharedFilesystems)
    }

    var value: PoolStatus {
        get throws(Failure) {
            var found: [MountpathStatus] = []
            for mountpath in mountpaths { found.append(try mountpath.value) }
            return PoolStatus(
                id: try required(PoolID(id), "pool id"), version: version, mountpaths: found,
                sharedFilesystems: sharedFilesystems)
        }
    }
}

extension EngineMessages.Device {
    init(_ device: AttachedDevice) {
        self.init(
            volumeID: device.volume.description, path: device.path, sizeBytes: device.sizeBytes,
            readOnly: device.readOnly, epoch: device.epoch)
    }

    var value: AttachedDevice {
        get throws(Failure) {
            AttachedDevice(
                volume: try EngineAPI.volumeID(volumeID), path: path, sizeBytes: sizeBytes, readOnly: readOnly,
                epoch: epoch)
        }
    }
}
