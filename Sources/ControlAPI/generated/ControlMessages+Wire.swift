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
