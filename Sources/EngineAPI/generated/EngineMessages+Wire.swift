// Generated from protos/ashlar_engine.proto by protos/generate. Do not edit.
// swift-format-ignore-file
import Base
import CCSI
import ProtobufRuntime

extension EngineMessages.Group: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__Group>?) {
        ashlar__engine__v1__group__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__Group>) throws(Failure) {
        label = try copyString(c.pointee.label)
        dataColumns = c.pointee.data_columns
        parityColumns = c.pointee.parity_columns
        media = try copyStrings(c.pointee.media, c.pointee.n_media)
        sliceBytes = c.pointee.slice_bytes
        capacityBytes = c.pointee.capacity_bytes.map { $0.pointee.value }
        annotation = try copyString(c.pointee.annotation)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__Group>, _ arena: Arena) {
        c.pointee.label = arena.string(self.label)
        c.pointee.data_columns = self.dataColumns
        c.pointee.parity_columns = self.parityColumns
        c.pointee.media = arena.strings(self.media)
        c.pointee.n_media = self.media.count
        c.pointee.slice_bytes = self.sliceBytes
        c.pointee.capacity_bytes = self.capacityBytes.map {
            let wrapper = arena.new(google__protobuf__uint64_value__init)
            wrapper.pointee.value = $0
            return wrapper
        }
        c.pointee.annotation = arena.string(self.annotation)
    }
}

extension EngineMessages.Formatted: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__Formatted>?) {
        ashlar__engine__v1__formatted__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__Formatted>) throws(Failure) {
        switch c.pointee.state_case.rawValue {
        case 1: state = .never(c.pointee.never != 0)
        case 2: state = .filesystem(try copyString(c.pointee.filesystem))
        case 3: state = .making(try copyString(c.pointee.making))
        default: state = nil
        }
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__Formatted>, _ arena: Arena) {
        switch self.state {
        case nil: break
        case .never(let value):
            c.pointee.never = value ? 1 : 0
            c.pointee.state_case = Ashlar__Engine__V1__Formatted__StateCase(rawValue: 1)
        case .filesystem(let value):
            c.pointee.filesystem = arena.string(value)
            c.pointee.state_case = Ashlar__Engine__V1__Formatted__StateCase(rawValue: 2)
        case .making(let value):
            c.pointee.making = arena.string(value)
            c.pointee.state_case = Ashlar__Engine__V1__Formatted__StateCase(rawValue: 3)
        }
    }
}

extension EngineMessages.Volume: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__Volume>?) {
        ashlar__engine__v1__volume__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__Volume>) throws(Failure) {
        id = try copyString(c.pointee.id)
        group = try copyString(c.pointee.group)
        sizeBytes = c.pointee.size_bytes
        attachEpoch = c.pointee.attach_epoch
        formatted = try copyMessage(c.pointee.formatted)
        health = EngineMessages.Volume.Health(rawValue: Int32(truncatingIfNeeded: c.pointee.health.rawValue))
        healthReason = try copyString(c.pointee.health_reason)
        liveBytes = c.pointee.live_bytes.map { $0.pointee.value }
        allocatedBytes = c.pointee.allocated_bytes
        isAnnotated = c.pointee.is_annotated != 0
        limits = try copyMessage(c.pointee.limits)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__Volume>, _ arena: Arena) {
        c.pointee.id = arena.string(self.id)
        c.pointee.group = arena.string(self.group)
        c.pointee.size_bytes = self.sizeBytes
        c.pointee.attach_epoch = self.attachEpoch
        c.pointee.formatted = arena.message(self.formatted)
        c.pointee.health = Ashlar__Engine__V1__Volume__Health(rawValue: .init(truncatingIfNeeded: self.health.rawValue))
        c.pointee.health_reason = arena.string(self.healthReason)
        c.pointee.live_bytes = self.liveBytes.map {
            let wrapper = arena.new(google__protobuf__uint64_value__init)
            wrapper.pointee.value = $0
            return wrapper
        }
        c.pointee.allocated_bytes = self.allocatedBytes
        c.pointee.is_annotated = self.isAnnotated ? 1 : 0
        c.pointee.limits = arena.message(self.limits)
    }
}

extension EngineMessages.VolumeLimits: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__VolumeLimits>?) {
        ashlar__engine__v1__volume_limits__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__VolumeLimits>) throws(Failure) {
        iops = c.pointee.iops.map { $0.pointee.value }
        bandwidth = c.pointee.bandwidth.map { $0.pointee.value }
        iopsBurst = c.pointee.iops_burst.map { $0.pointee.value }
        bandwidthBurst = c.pointee.bandwidth_burst.map { $0.pointee.value }
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__VolumeLimits>, _ arena: Arena) {
        c.pointee.iops = self.iops.map {
            let wrapper = arena.new(google__protobuf__uint64_value__init)
            wrapper.pointee.value = $0
            return wrapper
        }
        c.pointee.bandwidth = self.bandwidth.map {
            let wrapper = arena.new(google__protobuf__uint64_value__init)
            wrapper.pointee.value = $0
            return wrapper
        }
        c.pointee.iops_burst = self.iopsBurst.map {
            let wrapper = arena.new(google__protobuf__uint64_value__init)
            wrapper.pointee.value = $0
            return wrapper
        }
        c.pointee.bandwidth_burst = self.bandwidthBurst.map {
            let wrapper = arena.new(google__protobuf__uint64_value__init)
            wrapper.pointee.value = $0
            return wrapper
        }
    }
}

extension EngineMessages.Snapshot: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__Snapshot>?) {
        ashlar__engine__v1__snapshot__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__Snapshot>) throws(Failure) {
        id = try copyString(c.pointee.id)
        volumeID = try copyString(c.pointee.volume_id)
        group = try copyString(c.pointee.group)
        sizeBytes = c.pointee.size_bytes
        created = c.pointee.created
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__Snapshot>, _ arena: Arena) {
        c.pointee.id = arena.string(self.id)
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.group = arena.string(self.group)
        c.pointee.size_bytes = self.sizeBytes
        c.pointee.created = self.created
    }
}

extension EngineMessages.Mountpath: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__Mountpath>?) {
        ashlar__engine__v1__mountpath__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__Mountpath>) throws(Failure) {
        id = try copyString(c.pointee.id)
        path = try copyString(c.pointee.path)
        media = try copyString(c.pointee.media)
        state = EngineMessages.Mountpath.State(rawValue: Int32(truncatingIfNeeded: c.pointee.state.rawValue))
        reason = try copyString(c.pointee.reason)
        totalBytes = c.pointee.total_bytes
        freeBytes = c.pointee.free_bytes
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__Mountpath>, _ arena: Arena) {
        c.pointee.id = arena.string(self.id)
        c.pointee.path = arena.string(self.path)
        c.pointee.media = arena.string(self.media)
        c.pointee.state = Ashlar__Engine__V1__Mountpath__State(rawValue: .init(truncatingIfNeeded: self.state.rawValue))
        c.pointee.reason = arena.string(self.reason)
        c.pointee.total_bytes = self.totalBytes
        c.pointee.free_bytes = self.freeBytes
    }
}

extension EngineMessages.Device: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__Device>?) {
        ashlar__engine__v1__device__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__Device>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        path = try copyString(c.pointee.path)
        sizeBytes = c.pointee.size_bytes
        readOnly = c.pointee.read_only != 0
        epoch = c.pointee.epoch
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__Device>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.path = arena.string(self.path)
        c.pointee.size_bytes = self.sizeBytes
        c.pointee.read_only = self.readOnly ? 1 : 0
        c.pointee.epoch = self.epoch
    }
}

extension EngineMessages.EnsureGroupRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__EnsureGroupRequest>?) {
        ashlar__engine__v1__ensure_group_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__EnsureGroupRequest>) throws(Failure) {
        group = try copyMessage(c.pointee.group)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__EnsureGroupRequest>, _ arena: Arena) {
        c.pointee.group = arena.message(self.group)
    }
}

extension EngineMessages.EnsureGroupResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__EnsureGroupResponse>?) {
        ashlar__engine__v1__ensure_group_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__EnsureGroupResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__EnsureGroupResponse>, _ arena: Arena) {
    }
}

extension EngineMessages.CreateVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__CreateVolumeRequest>?) {
        ashlar__engine__v1__create_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__CreateVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        group = try copyString(c.pointee.group)
        sizeBytes = c.pointee.size_bytes
        annotation = try copyString(c.pointee.annotation)
        switch c.pointee.content_case.rawValue {
        case 5: content = .snapshotID(try copyString(c.pointee.snapshot_id))
        case 6: content = .sourceVolumeID(try copyString(c.pointee.source_volume_id))
        default: content = nil
        }
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__CreateVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.group = arena.string(self.group)
        c.pointee.size_bytes = self.sizeBytes
        c.pointee.annotation = arena.string(self.annotation)
        switch self.content {
        case nil: break
        case .snapshotID(let value):
            c.pointee.snapshot_id = arena.string(value)
            c.pointee.content_case = Ashlar__Engine__V1__CreateVolumeRequest__ContentCase(rawValue: 5)
        case .sourceVolumeID(let value):
            c.pointee.source_volume_id = arena.string(value)
            c.pointee.content_case = Ashlar__Engine__V1__CreateVolumeRequest__ContentCase(rawValue: 6)
        }
    }
}

extension EngineMessages.CreateVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__CreateVolumeResponse>?) {
        ashlar__engine__v1__create_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__CreateVolumeResponse>) throws(Failure) {
        volume = try copyMessage(c.pointee.volume)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__CreateVolumeResponse>, _ arena: Arena) {
        c.pointee.volume = arena.message(self.volume)
    }
}

extension EngineMessages.DeleteVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteVolumeRequest>?) {
        ashlar__engine__v1__delete_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
    }
}

extension EngineMessages.DeleteVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteVolumeResponse>?) {
        ashlar__engine__v1__delete_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteVolumeResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteVolumeResponse>, _ arena: Arena) {
    }
}

extension EngineMessages.ResizeVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ResizeVolumeRequest>?) {
        ashlar__engine__v1__resize_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__ResizeVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        sizeBytes = c.pointee.size_bytes
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ResizeVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.size_bytes = self.sizeBytes
    }
}

extension EngineMessages.ResizeVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ResizeVolumeResponse>?) {
        ashlar__engine__v1__resize_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__ResizeVolumeResponse>) throws(Failure) {
        volume = try copyMessage(c.pointee.volume)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ResizeVolumeResponse>, _ arena: Arena) {
        c.pointee.volume = arena.message(self.volume)
    }
}

extension EngineMessages.GetVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetVolumeRequest>?) {
        ashlar__engine__v1__get_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__GetVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
    }
}

extension EngineMessages.GetVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetVolumeResponse>?) {
        ashlar__engine__v1__get_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__GetVolumeResponse>) throws(Failure) {
        volume = try copyMessage(c.pointee.volume)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetVolumeResponse>, _ arena: Arena) {
        c.pointee.volume = arena.message(self.volume)
    }
}

extension EngineMessages.ListVolumesRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListVolumesRequest>?) {
        ashlar__engine__v1__list_volumes_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__ListVolumesRequest>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListVolumesRequest>, _ arena: Arena) {
    }
}

extension EngineMessages.ListVolumesResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListVolumesResponse>?) {
        ashlar__engine__v1__list_volumes_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__ListVolumesResponse>) throws(Failure) {
        volumes = try copyMessages(c.pointee.volumes, c.pointee.n_volumes)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListVolumesResponse>, _ arena: Arena) {
        c.pointee.volumes = arena.messages(self.volumes)
        c.pointee.n_volumes = self.volumes.count
    }
}

extension EngineMessages.RaiseEpochRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RaiseEpochRequest>?) {
        ashlar__engine__v1__raise_epoch_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__RaiseEpochRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        epoch = c.pointee.epoch
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RaiseEpochRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.epoch = self.epoch
    }
}

extension EngineMessages.RaiseEpochResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RaiseEpochResponse>?) {
        ashlar__engine__v1__raise_epoch_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__RaiseEpochResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RaiseEpochResponse>, _ arena: Arena) {
    }
}

extension EngineMessages.MarkFormattedRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__MarkFormattedRequest>?) {
        ashlar__engine__v1__mark_formatted_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__MarkFormattedRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        formatted = try copyMessage(c.pointee.formatted)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__MarkFormattedRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.formatted = arena.message(self.formatted)
    }
}

extension EngineMessages.MarkFormattedResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__MarkFormattedResponse>?) {
        ashlar__engine__v1__mark_formatted_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__MarkFormattedResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__MarkFormattedResponse>, _ arena: Arena) {
    }
}

extension EngineMessages.GetCapacityRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetCapacityRequest>?) {
        ashlar__engine__v1__get_capacity_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__GetCapacityRequest>) throws(Failure) {
        group = try copyString(c.pointee.group)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetCapacityRequest>, _ arena: Arena) {
        c.pointee.group = arena.string(self.group)
    }
}

extension EngineMessages.GetCapacityResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetCapacityResponse>?) {
        ashlar__engine__v1__get_capacity_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__GetCapacityResponse>) throws(Failure) {
        totalBytes = c.pointee.total_bytes
        availableBytes = c.pointee.available_bytes
        usedBytes = c.pointee.used_bytes
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetCapacityResponse>, _ arena: Arena) {
        c.pointee.total_bytes = self.totalBytes
        c.pointee.available_bytes = self.availableBytes
        c.pointee.used_bytes = self.usedBytes
    }
}

extension EngineMessages.GetPoolStatusRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetPoolStatusRequest>?) {
        ashlar__engine__v1__get_pool_status_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__GetPoolStatusRequest>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetPoolStatusRequest>, _ arena: Arena) {
    }
}

extension EngineMessages.GetPoolStatusResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetPoolStatusResponse>?) {
        ashlar__engine__v1__get_pool_status_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__GetPoolStatusResponse>) throws(Failure) {
        id = try copyString(c.pointee.id)
        version = c.pointee.version
        mountpaths = try copyMessages(c.pointee.mountpaths, c.pointee.n_mountpaths)
        sharedFilesystems = try copyStrings(c.pointee.shared_filesystems, c.pointee.n_shared_filesystems)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetPoolStatusResponse>, _ arena: Arena) {
        c.pointee.id = arena.string(self.id)
        c.pointee.version = self.version
        c.pointee.mountpaths = arena.messages(self.mountpaths)
        c.pointee.n_mountpaths = self.mountpaths.count
        c.pointee.shared_filesystems = arena.strings(self.sharedFilesystems)
        c.pointee.n_shared_filesystems = self.sharedFilesystems.count
    }
}

extension EngineMessages.AnnotateVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__AnnotateVolumeRequest>?) {
        ashlar__engine__v1__annotate_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__AnnotateVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        annotation = try copyString(c.pointee.annotation)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__AnnotateVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.annotation = arena.string(self.annotation)
    }
}

extension EngineMessages.AnnotateVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__AnnotateVolumeResponse>?) {
        ashlar__engine__v1__annotate_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__AnnotateVolumeResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__AnnotateVolumeResponse>, _ arena: Arena) {
    }
}

extension EngineMessages.RetainGroupRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RetainGroupRequest>?) {
        ashlar__engine__v1__retain_group_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__RetainGroupRequest>) throws(Failure) {
        label = try copyString(c.pointee.label)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RetainGroupRequest>, _ arena: Arena) {
        c.pointee.label = arena.string(self.label)
    }
}

extension EngineMessages.RetainGroupResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RetainGroupResponse>?) {
        ashlar__engine__v1__retain_group_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__RetainGroupResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RetainGroupResponse>, _ arena: Arena) {
    }
}

extension EngineMessages.DeleteGroupRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteGroupRequest>?) {
        ashlar__engine__v1__delete_group_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteGroupRequest>) throws(Failure) {
        label = try copyString(c.pointee.label)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteGroupRequest>, _ arena: Arena) {
        c.pointee.label = arena.string(self.label)
    }
}

extension EngineMessages.DeleteGroupResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteGroupResponse>?) {
        ashlar__engine__v1__delete_group_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteGroupResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteGroupResponse>, _ arena: Arena) {
    }
}

extension EngineMessages.StoreCatalogueRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__StoreCatalogueRequest>?) {
        ashlar__engine__v1__store_catalogue_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__StoreCatalogueRequest>) throws(Failure) {
        uploadID = try copyString(c.pointee.upload_id)
        offset = c.pointee.offset
        totalBytes = c.pointee.total_bytes
        piece = copyBytes(c.pointee.piece)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__StoreCatalogueRequest>, _ arena: Arena) {
        c.pointee.upload_id = arena.string(self.uploadID)
        c.pointee.offset = self.offset
        c.pointee.total_bytes = self.totalBytes
        c.pointee.piece = arena.bytes(self.piece)
    }
}

extension EngineMessages.StoreCatalogueResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__StoreCatalogueResponse>?) {
        ashlar__engine__v1__store_catalogue_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__StoreCatalogueResponse>) throws(Failure) {
        version = c.pointee.version
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__StoreCatalogueResponse>, _ arena: Arena) {
        c.pointee.version = self.version
    }
}

extension EngineMessages.CreateSnapshotsRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__CreateSnapshotsRequest>?) {
        ashlar__engine__v1__create_snapshots_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__CreateSnapshotsRequest>) throws(Failure) {
        snapshots = try copyMessages(c.pointee.snapshots, c.pointee.n_snapshots)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__CreateSnapshotsRequest>, _ arena: Arena) {
        c.pointee.snapshots = arena.messages(self.snapshots)
        c.pointee.n_snapshots = self.snapshots.count
    }
}

extension EngineMessages.CreateSnapshotsRequest.Snapshot: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__CreateSnapshotsRequest__Snapshot>?) {
        ashlar__engine__v1__create_snapshots_request__snapshot__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__CreateSnapshotsRequest__Snapshot>) throws(Failure) {
        id = try copyString(c.pointee.id)
        volumeID = try copyString(c.pointee.volume_id)
        annotation = try copyString(c.pointee.annotation)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__CreateSnapshotsRequest__Snapshot>, _ arena: Arena) {
        c.pointee.id = arena.string(self.id)
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.annotation = arena.string(self.annotation)
    }
}

extension EngineMessages.CreateSnapshotsResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__CreateSnapshotsResponse>?) {
        ashlar__engine__v1__create_snapshots_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__CreateSnapshotsResponse>) throws(Failure) {
        snapshots = try copyMessages(c.pointee.snapshots, c.pointee.n_snapshots)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__CreateSnapshotsResponse>, _ arena: Arena) {
        c.pointee.snapshots = arena.messages(self.snapshots)
        c.pointee.n_snapshots = self.snapshots.count
    }
}

extension EngineMessages.DeleteSnapshotRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteSnapshotRequest>?) {
        ashlar__engine__v1__delete_snapshot_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteSnapshotRequest>) throws(Failure) {
        snapshotID = try copyString(c.pointee.snapshot_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteSnapshotRequest>, _ arena: Arena) {
        c.pointee.snapshot_id = arena.string(self.snapshotID)
    }
}

extension EngineMessages.DeleteSnapshotResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteSnapshotResponse>?) {
        ashlar__engine__v1__delete_snapshot_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteSnapshotResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DeleteSnapshotResponse>, _ arena: Arena) {
    }
}

extension EngineMessages.GetSnapshotRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetSnapshotRequest>?) {
        ashlar__engine__v1__get_snapshot_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__GetSnapshotRequest>) throws(Failure) {
        snapshotID = try copyString(c.pointee.snapshot_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetSnapshotRequest>, _ arena: Arena) {
        c.pointee.snapshot_id = arena.string(self.snapshotID)
    }
}

extension EngineMessages.GetSnapshotResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetSnapshotResponse>?) {
        ashlar__engine__v1__get_snapshot_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__GetSnapshotResponse>) throws(Failure) {
        snapshot = try copyMessage(c.pointee.snapshot)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetSnapshotResponse>, _ arena: Arena) {
        c.pointee.snapshot = arena.message(self.snapshot)
    }
}

extension EngineMessages.ListSnapshotsRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListSnapshotsRequest>?) {
        ashlar__engine__v1__list_snapshots_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__ListSnapshotsRequest>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListSnapshotsRequest>, _ arena: Arena) {
    }
}

extension EngineMessages.ListSnapshotsResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListSnapshotsResponse>?) {
        ashlar__engine__v1__list_snapshots_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__ListSnapshotsResponse>) throws(Failure) {
        snapshots = try copyMessages(c.pointee.snapshots, c.pointee.n_snapshots)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListSnapshotsResponse>, _ arena: Arena) {
        c.pointee.snapshots = arena.messages(self.snapshots)
        c.pointee.n_snapshots = self.snapshots.count
    }
}

extension EngineMessages.SetLimitsRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__SetLimitsRequest>?) {
        ashlar__engine__v1__set_limits_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__SetLimitsRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        limits = try copyMessage(c.pointee.limits)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__SetLimitsRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.limits = arena.message(self.limits)
    }
}

extension EngineMessages.SetLimitsResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__SetLimitsResponse>?) {
        ashlar__engine__v1__set_limits_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__SetLimitsResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__SetLimitsResponse>, _ arena: Arena) {
    }
}

extension EngineMessages.ListChangedRangesRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListChangedRangesRequest>?) {
        ashlar__engine__v1__list_changed_ranges_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__ListChangedRangesRequest>) throws(Failure) {
        snapshotID = try copyString(c.pointee.snapshot_id)
        baseSnapshotID = try copyString(c.pointee.base_snapshot_id)
        offset = c.pointee.offset
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListChangedRangesRequest>, _ arena: Arena) {
        c.pointee.snapshot_id = arena.string(self.snapshotID)
        c.pointee.base_snapshot_id = arena.string(self.baseSnapshotID)
        c.pointee.offset = self.offset
    }
}

extension EngineMessages.ListChangedRangesResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListChangedRangesResponse>?) {
        ashlar__engine__v1__list_changed_ranges_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__ListChangedRangesResponse>) throws(Failure) {
        ranges = try copyMessages(c.pointee.ranges, c.pointee.n_ranges)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListChangedRangesResponse>, _ arena: Arena) {
        c.pointee.ranges = arena.messages(self.ranges)
        c.pointee.n_ranges = self.ranges.count
    }
}

extension EngineMessages.ListChangedRangesResponse.Range: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListChangedRangesResponse__Range>?) {
        ashlar__engine__v1__list_changed_ranges_response__range__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__ListChangedRangesResponse__Range>) throws(Failure) {
        offset = c.pointee.offset
        length = c.pointee.length
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListChangedRangesResponse__Range>, _ arena: Arena) {
        c.pointee.offset = self.offset
        c.pointee.length = self.length
    }
}

extension EngineMessages.RollBackVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RollBackVolumeRequest>?) {
        ashlar__engine__v1__roll_back_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__RollBackVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        snapshotID = try copyString(c.pointee.snapshot_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RollBackVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.snapshot_id = arena.string(self.snapshotID)
    }
}

extension EngineMessages.RollBackVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RollBackVolumeResponse>?) {
        ashlar__engine__v1__roll_back_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__RollBackVolumeResponse>) throws(Failure) {
        volume = try copyMessage(c.pointee.volume)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RollBackVolumeResponse>, _ arena: Arena) {
        c.pointee.volume = arena.message(self.volume)
    }
}

extension EngineMessages.SpaceUsage: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__SpaceUsage>?) {
        ashlar__engine__v1__space_usage__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__SpaceUsage>) throws(Failure) {
        liveBytes = c.pointee.live_bytes
        sharedBytes = c.pointee.shared_bytes
        snapshotOnlyBytes = c.pointee.snapshot_only_bytes
        garbageBytes = c.pointee.garbage_bytes
        reservedBytes = c.pointee.reserved_bytes
        overheadBytes = c.pointee.overhead_bytes
        allocatedBytes = c.pointee.allocated_bytes
        metadataBytes = c.pointee.metadata_bytes
        lostBytes = c.pointee.lost_bytes
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__SpaceUsage>, _ arena: Arena) {
        c.pointee.live_bytes = self.liveBytes
        c.pointee.shared_bytes = self.sharedBytes
        c.pointee.snapshot_only_bytes = self.snapshotOnlyBytes
        c.pointee.garbage_bytes = self.garbageBytes
        c.pointee.reserved_bytes = self.reservedBytes
        c.pointee.overhead_bytes = self.overheadBytes
        c.pointee.allocated_bytes = self.allocatedBytes
        c.pointee.metadata_bytes = self.metadataBytes
        c.pointee.lost_bytes = self.lostBytes
    }
}

extension EngineMessages.VolumeSpace: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__VolumeSpace>?) {
        ashlar__engine__v1__volume_space__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__VolumeSpace>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        group = try copyString(c.pointee.group)
        hidden = c.pointee.hidden != 0
        open = c.pointee.open != 0
        usage = try copyMessage(c.pointee.usage)
        activity = try copyMessage(c.pointee.activity)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__VolumeSpace>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.group = arena.string(self.group)
        c.pointee.hidden = self.hidden ? 1 : 0
        c.pointee.open = self.open ? 1 : 0
        c.pointee.usage = arena.message(self.usage)
        c.pointee.activity = arena.message(self.activity)
    }
}

extension EngineMessages.VolumeActivity: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__VolumeActivity>?) {
        ashlar__engine__v1__volume_activity__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__VolumeActivity>) throws(Failure) {
        writtenBytes = c.pointee.written_bytes
        movedBytes = c.pointee.moved_bytes
        storedBytes = c.pointee.stored_bytes
        cleanedSegments = c.pointee.cleaned_segments
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__VolumeActivity>, _ arena: Arena) {
        c.pointee.written_bytes = self.writtenBytes
        c.pointee.moved_bytes = self.movedBytes
        c.pointee.stored_bytes = self.storedBytes
        c.pointee.cleaned_segments = self.cleanedSegments
    }
}

extension EngineMessages.GroupSpace: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GroupSpace>?) {
        ashlar__engine__v1__group_space__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__GroupSpace>) throws(Failure) {
        label = try copyString(c.pointee.label)
        volumeCount = c.pointee.volume_count
        hiddenVolumeCount = c.pointee.hidden_volume_count
        hiddenAllocatedBytes = c.pointee.hidden_allocated_bytes
        usage = try copyMessage(c.pointee.usage)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GroupSpace>, _ arena: Arena) {
        c.pointee.label = arena.string(self.label)
        c.pointee.volume_count = self.volumeCount
        c.pointee.hidden_volume_count = self.hiddenVolumeCount
        c.pointee.hidden_allocated_bytes = self.hiddenAllocatedBytes
        c.pointee.usage = arena.message(self.usage)
    }
}

extension EngineMessages.GetVolumeSpaceRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetVolumeSpaceRequest>?) {
        ashlar__engine__v1__get_volume_space_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__GetVolumeSpaceRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetVolumeSpaceRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
    }
}

extension EngineMessages.GetVolumeSpaceResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetVolumeSpaceResponse>?) {
        ashlar__engine__v1__get_volume_space_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__GetVolumeSpaceResponse>) throws(Failure) {
        volume = try copyMessage(c.pointee.volume)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetVolumeSpaceResponse>, _ arena: Arena) {
        c.pointee.volume = arena.message(self.volume)
    }
}

extension EngineMessages.ListVolumeSpacesRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListVolumeSpacesRequest>?) {
        ashlar__engine__v1__list_volume_spaces_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__ListVolumeSpacesRequest>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListVolumeSpacesRequest>, _ arena: Arena) {
    }
}

extension EngineMessages.ListVolumeSpacesResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListVolumeSpacesResponse>?) {
        ashlar__engine__v1__list_volume_spaces_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__ListVolumeSpacesResponse>) throws(Failure) {
        volumes = try copyMessages(c.pointee.volumes, c.pointee.n_volumes)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__ListVolumeSpacesResponse>, _ arena: Arena) {
        c.pointee.volumes = arena.messages(self.volumes)
        c.pointee.n_volumes = self.volumes.count
    }
}

extension EngineMessages.GetPoolSpaceRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetPoolSpaceRequest>?) {
        ashlar__engine__v1__get_pool_space_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__GetPoolSpaceRequest>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetPoolSpaceRequest>, _ arena: Arena) {
    }
}

extension EngineMessages.GetPoolSpaceResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetPoolSpaceResponse>?) {
        ashlar__engine__v1__get_pool_space_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__GetPoolSpaceResponse>) throws(Failure) {
        groups = try copyMessages(c.pointee.groups, c.pointee.n_groups)
        totalBytes = c.pointee.total_bytes
        recycledBytes = c.pointee.recycled_bytes
        reserveBytes = c.pointee.reserve_bytes
        availableBytes = c.pointee.available_bytes
        otherBytes = c.pointee.other_bytes
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetPoolSpaceResponse>, _ arena: Arena) {
        c.pointee.groups = arena.messages(self.groups)
        c.pointee.n_groups = self.groups.count
        c.pointee.total_bytes = self.totalBytes
        c.pointee.recycled_bytes = self.recycledBytes
        c.pointee.reserve_bytes = self.reserveBytes
        c.pointee.available_bytes = self.availableBytes
        c.pointee.other_bytes = self.otherBytes
    }
}

extension EngineMessages.AttachRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__AttachRequest>?) {
        ashlar__engine__v1__attach_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__AttachRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        epoch = c.pointee.epoch
        readOnly = c.pointee.read_only != 0
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__AttachRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.epoch = self.epoch
        c.pointee.read_only = self.readOnly ? 1 : 0
    }
}

extension EngineMessages.AttachResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__AttachResponse>?) {
        ashlar__engine__v1__attach_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__AttachResponse>) throws(Failure) {
        device = try copyMessage(c.pointee.device)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__AttachResponse>, _ arena: Arena) {
        c.pointee.device = arena.message(self.device)
    }
}

extension EngineMessages.DetachRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DetachRequest>?) {
        ashlar__engine__v1__detach_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__DetachRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DetachRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
    }
}

extension EngineMessages.DetachResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DetachResponse>?) {
        ashlar__engine__v1__detach_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__DetachResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__DetachResponse>, _ arena: Arena) {
    }
}

extension EngineMessages.GetAttachmentRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetAttachmentRequest>?) {
        ashlar__engine__v1__get_attachment_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__GetAttachmentRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetAttachmentRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
    }
}

extension EngineMessages.GetAttachmentResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetAttachmentResponse>?) {
        ashlar__engine__v1__get_attachment_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__GetAttachmentResponse>) throws(Failure) {
        device = try copyMessage(c.pointee.device)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__GetAttachmentResponse>, _ arena: Arena) {
        c.pointee.device = arena.message(self.device)
    }
}

extension EngineMessages.RefreshRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RefreshRequest>?) {
        ashlar__engine__v1__refresh_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__RefreshRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RefreshRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
    }
}

extension EngineMessages.RefreshResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RefreshResponse>?) {
        ashlar__engine__v1__refresh_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Engine__V1__RefreshResponse>) throws(Failure) {
        device = try copyMessage(c.pointee.device)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Engine__V1__RefreshResponse>, _ arena: Arena) {
        c.pointee.device = arena.message(self.device)
    }
}
