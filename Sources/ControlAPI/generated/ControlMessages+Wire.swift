// Generated from protos/ashlar_control.proto by protos/generate. Do not edit.
// swift-format-ignore-file
import Base
import CCSI
import ProtobufRuntime

extension ControlMessages.CreateGroupRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__CreateGroupRequest>?) {
        ashlar__control__v1__create_group_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__CreateGroupRequest>) throws(Failure) {
        label = try copyString(c.pointee.label)
        profile = try copyString(c.pointee.profile)
        protection = try copyString(c.pointee.protection)
        media = try copyStrings(c.pointee.media, c.pointee.n_media)
        anyMedia = c.pointee.any_media != 0
        capacityBytes = c.pointee.capacity_bytes.map { $0.pointee.value }
        deletionPolicy = try copyString(c.pointee.deletion_policy)
        sliceBytes = c.pointee.slice_bytes.map { $0.pointee.value }
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__CreateGroupRequest>, _ arena: Arena) {
        c.pointee.label = arena.string(self.label)
        c.pointee.profile = arena.string(self.profile)
        c.pointee.protection = arena.string(self.protection)
        c.pointee.media = arena.strings(self.media)
        c.pointee.n_media = self.media.count
        c.pointee.any_media = self.anyMedia ? 1 : 0
        c.pointee.capacity_bytes = self.capacityBytes.map {
            let wrapper = arena.new(google__protobuf__uint64_value__init)
            wrapper.pointee.value = $0
            return wrapper
        }
        c.pointee.deletion_policy = arena.string(self.deletionPolicy)
        c.pointee.slice_bytes = self.sliceBytes.map {
            let wrapper = arena.new(google__protobuf__uint64_value__init)
            wrapper.pointee.value = $0
            return wrapper
        }
    }
}

extension ControlMessages.CreateGroupResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__CreateGroupResponse>?) {
        ashlar__control__v1__create_group_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__CreateGroupResponse>) throws(Failure) {
        outcome = ControlMessages.CreateGroupResponse.Outcome(rawValue: Int32(truncatingIfNeeded: c.pointee.outcome.rawValue))
        volumeCount = c.pointee.volume_count
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__CreateGroupResponse>, _ arena: Arena) {
        c.pointee.outcome = Ashlar__Control__V1__CreateGroupResponse__Outcome(rawValue: .init(truncatingIfNeeded: self.outcome.rawValue))
        c.pointee.volume_count = self.volumeCount
    }
}

extension ControlMessages.DeleteGroupRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__DeleteGroupRequest>?) {
        ashlar__control__v1__delete_group_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__DeleteGroupRequest>) throws(Failure) {
        label = try copyString(c.pointee.label)
        force = c.pointee.force != 0
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__DeleteGroupRequest>, _ arena: Arena) {
        c.pointee.label = arena.string(self.label)
        c.pointee.force = self.force ? 1 : 0
    }
}

extension ControlMessages.DeleteGroupResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__DeleteGroupResponse>?) {
        ashlar__control__v1__delete_group_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__DeleteGroupResponse>) throws(Failure) {
        retained = c.pointee.retained != 0
        volumeCount = c.pointee.volume_count
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__DeleteGroupResponse>, _ arena: Arena) {
        c.pointee.retained = self.retained ? 1 : 0
        c.pointee.volume_count = self.volumeCount
    }
}

extension ControlMessages.CreateSnapshotsRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__CreateSnapshotsRequest>?) {
        ashlar__control__v1__create_snapshots_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__CreateSnapshotsRequest>) throws(Failure) {
        name = try copyString(c.pointee.name)
        volumeIDs = try copyStrings(c.pointee.volume_ids, c.pointee.n_volume_ids)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__CreateSnapshotsRequest>, _ arena: Arena) {
        c.pointee.name = arena.string(self.name)
        c.pointee.volume_ids = arena.strings(self.volumeIDs)
        c.pointee.n_volume_ids = self.volumeIDs.count
    }
}

extension ControlMessages.CreateSnapshotsResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__CreateSnapshotsResponse>?) {
        ashlar__control__v1__create_snapshots_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__CreateSnapshotsResponse>) throws(Failure) {
        snapshotIDs = try copyStrings(c.pointee.snapshot_ids, c.pointee.n_snapshot_ids)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__CreateSnapshotsResponse>, _ arena: Arena) {
        c.pointee.snapshot_ids = arena.strings(self.snapshotIDs)
        c.pointee.n_snapshot_ids = self.snapshotIDs.count
    }
}

extension ControlMessages.DeleteSnapshotRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__DeleteSnapshotRequest>?) {
        ashlar__control__v1__delete_snapshot_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__DeleteSnapshotRequest>) throws(Failure) {
        switch c.pointee.subject_case.rawValue {
        case 1: subject = .snapshotID(try copyString(c.pointee.snapshot_id))
        case 2: subject = .cutID(try copyString(c.pointee.cut_id))
        default: subject = nil
        }
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__DeleteSnapshotRequest>, _ arena: Arena) {
        switch self.subject {
        case nil: break
        case .snapshotID(let value):
            c.pointee.snapshot_id = arena.string(value)
            c.pointee.subject_case = Ashlar__Control__V1__DeleteSnapshotRequest__SubjectCase(rawValue: 1)
        case .cutID(let value):
            c.pointee.cut_id = arena.string(value)
            c.pointee.subject_case = Ashlar__Control__V1__DeleteSnapshotRequest__SubjectCase(rawValue: 2)
        }
    }
}

extension ControlMessages.DeleteSnapshotResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__DeleteSnapshotResponse>?) {
        ashlar__control__v1__delete_snapshot_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__DeleteSnapshotResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__DeleteSnapshotResponse>, _ arena: Arena) {
    }
}

extension ControlMessages.RollBackVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__RollBackVolumeRequest>?) {
        ashlar__control__v1__roll_back_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__RollBackVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        snapshotID = try copyString(c.pointee.snapshot_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__RollBackVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.snapshot_id = arena.string(self.snapshotID)
    }
}

extension ControlMessages.RollBackVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__RollBackVolumeResponse>?) {
        ashlar__control__v1__roll_back_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__RollBackVolumeResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__RollBackVolumeResponse>, _ arena: Arena) {
    }
}

extension ControlMessages.CloneVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__CloneVolumeRequest>?) {
        ashlar__control__v1__clone_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__CloneVolumeRequest>) throws(Failure) {
        switch c.pointee.source_case.rawValue {
        case 1: source = .snapshotID(try copyString(c.pointee.snapshot_id))
        case 2: source = .volumeID(try copyString(c.pointee.volume_id))
        default: source = nil
        }
        name = try copyString(c.pointee.name)
        sizeBytes = c.pointee.size_bytes.map { $0.pointee.value }
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__CloneVolumeRequest>, _ arena: Arena) {
        switch self.source {
        case nil: break
        case .snapshotID(let value):
            c.pointee.snapshot_id = arena.string(value)
            c.pointee.source_case = Ashlar__Control__V1__CloneVolumeRequest__SourceCase(rawValue: 1)
        case .volumeID(let value):
            c.pointee.volume_id = arena.string(value)
            c.pointee.source_case = Ashlar__Control__V1__CloneVolumeRequest__SourceCase(rawValue: 2)
        }
        c.pointee.name = arena.string(self.name)
        c.pointee.size_bytes = self.sizeBytes.map {
            let wrapper = arena.new(google__protobuf__uint64_value__init)
            wrapper.pointee.value = $0
            return wrapper
        }
    }
}

extension ControlMessages.CloneVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__CloneVolumeResponse>?) {
        ashlar__control__v1__clone_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__CloneVolumeResponse>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__CloneVolumeResponse>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
    }
}

extension ControlMessages.MakeEphemeralVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__MakeEphemeralVolumeRequest>?) {
        ashlar__control__v1__make_ephemeral_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__MakeEphemeralVolumeRequest>) throws(Failure) {
        handle = try copyString(c.pointee.handle)
        attributes = try copyMap(c.pointee.attributes, c.pointee.n_attributes)
        nodeID = try copyString(c.pointee.node_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__MakeEphemeralVolumeRequest>, _ arena: Arena) {
        c.pointee.handle = arena.string(self.handle)
        c.pointee.attributes = arena.map(self.attributes, ashlar__control__v1__make_ephemeral_volume_request__attributes_entry__init)
        c.pointee.n_attributes = self.attributes.count
        c.pointee.node_id = arena.string(self.nodeID)
    }
}

extension ControlMessages.MakeEphemeralVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__MakeEphemeralVolumeResponse>?) {
        ashlar__control__v1__make_ephemeral_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__MakeEphemeralVolumeResponse>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        volumeContext = try copyMap(c.pointee.volume_context, c.pointee.n_volume_context)
        publishContext = try copyMap(c.pointee.publish_context, c.pointee.n_publish_context)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__MakeEphemeralVolumeResponse>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.volume_context = arena.map(self.volumeContext, ashlar__control__v1__make_ephemeral_volume_response__volume_context_entry__init)
        c.pointee.n_volume_context = self.volumeContext.count
        c.pointee.publish_context = arena.map(self.publishContext, ashlar__control__v1__make_ephemeral_volume_response__publish_context_entry__init)
        c.pointee.n_publish_context = self.publishContext.count
    }
}

extension ControlMessages.GetEphemeralVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__GetEphemeralVolumeRequest>?) {
        ashlar__control__v1__get_ephemeral_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__GetEphemeralVolumeRequest>) throws(Failure) {
        handle = try copyString(c.pointee.handle)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__GetEphemeralVolumeRequest>, _ arena: Arena) {
        c.pointee.handle = arena.string(self.handle)
    }
}

extension ControlMessages.GetEphemeralVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__GetEphemeralVolumeResponse>?) {
        ashlar__control__v1__get_ephemeral_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__GetEphemeralVolumeResponse>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__GetEphemeralVolumeResponse>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
    }
}

extension ControlMessages.RemoveEphemeralVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__RemoveEphemeralVolumeRequest>?) {
        ashlar__control__v1__remove_ephemeral_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__RemoveEphemeralVolumeRequest>) throws(Failure) {
        handle = try copyString(c.pointee.handle)
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__RemoveEphemeralVolumeRequest>, _ arena: Arena) {
        c.pointee.handle = arena.string(self.handle)
    }
}

extension ControlMessages.RemoveEphemeralVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Ashlar__Control__V1__RemoveEphemeralVolumeResponse>?) {
        ashlar__control__v1__remove_ephemeral_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Ashlar__Control__V1__RemoveEphemeralVolumeResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Ashlar__Control__V1__RemoveEphemeralVolumeResponse>, _ arena: Arena) {
    }
}
