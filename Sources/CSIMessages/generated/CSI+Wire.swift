// Generated from protos/csi.proto by protos/generate. Do not edit.
// swift-format-ignore-file
import Base
import CCSI
import ProtobufRuntime

extension CSI.GetPluginInfoRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GetPluginInfoRequest>?) {
        csi__v1__get_plugin_info_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GetPluginInfoRequest>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GetPluginInfoRequest>, _ arena: Arena) {
    }
}

extension CSI.GetPluginInfoResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GetPluginInfoResponse>?) {
        csi__v1__get_plugin_info_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GetPluginInfoResponse>) throws(Failure) {
        name = try copyString(c.pointee.name)
        vendorVersion = try copyString(c.pointee.vendor_version)
        manifest = try copyMap(c.pointee.manifest, c.pointee.n_manifest)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GetPluginInfoResponse>, _ arena: Arena) {
        c.pointee.name = arena.string(self.name)
        c.pointee.vendor_version = arena.string(self.vendorVersion)
        c.pointee.manifest = arena.map(self.manifest, csi__v1__get_plugin_info_response__manifest_entry__init)
        c.pointee.n_manifest = self.manifest.count
    }
}

extension CSI.GetPluginCapabilitiesRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GetPluginCapabilitiesRequest>?) {
        csi__v1__get_plugin_capabilities_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GetPluginCapabilitiesRequest>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GetPluginCapabilitiesRequest>, _ arena: Arena) {
    }
}

extension CSI.GetPluginCapabilitiesResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GetPluginCapabilitiesResponse>?) {
        csi__v1__get_plugin_capabilities_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GetPluginCapabilitiesResponse>) throws(Failure) {
        capabilities = try copyMessages(c.pointee.capabilities, c.pointee.n_capabilities)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GetPluginCapabilitiesResponse>, _ arena: Arena) {
        c.pointee.capabilities = arena.messages(self.capabilities)
        c.pointee.n_capabilities = self.capabilities.count
    }
}

extension CSI.PluginCapability: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__PluginCapability>?) {
        csi__v1__plugin_capability__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__PluginCapability>) throws(Failure) {
        switch c.pointee.type_case.rawValue {
        case 1: type = try copyMessage(c.pointee.service).map(TypeChoice.service)
        case 2: type = try copyMessage(c.pointee.volume_expansion).map(TypeChoice.volumeExpansion)
        default: type = nil
        }
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__PluginCapability>, _ arena: Arena) {
        switch self.type {
        case nil: break
        case .service(let value):
            c.pointee.service = arena.message(value)
            c.pointee.type_case = Csi__V1__PluginCapability__TypeCase(rawValue: 1)
        case .volumeExpansion(let value):
            c.pointee.volume_expansion = arena.message(value)
            c.pointee.type_case = Csi__V1__PluginCapability__TypeCase(rawValue: 2)
        }
    }
}

extension CSI.PluginCapability.Service: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__PluginCapability__Service>?) {
        csi__v1__plugin_capability__service__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__PluginCapability__Service>) throws(Failure) {
        type = CSI.PluginCapability.Service.Kind(rawValue: Int32(truncatingIfNeeded: c.pointee.type.rawValue))
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__PluginCapability__Service>, _ arena: Arena) {
        c.pointee.type = Csi__V1__PluginCapability__Service__Type(rawValue: .init(truncatingIfNeeded: self.type.rawValue))
    }
}

extension CSI.PluginCapability.VolumeExpansion: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__PluginCapability__VolumeExpansion>?) {
        csi__v1__plugin_capability__volume_expansion__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__PluginCapability__VolumeExpansion>) throws(Failure) {
        type = CSI.PluginCapability.VolumeExpansion.Kind(rawValue: Int32(truncatingIfNeeded: c.pointee.type.rawValue))
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__PluginCapability__VolumeExpansion>, _ arena: Arena) {
        c.pointee.type = Csi__V1__PluginCapability__VolumeExpansion__Type(rawValue: .init(truncatingIfNeeded: self.type.rawValue))
    }
}

extension CSI.ProbeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ProbeRequest>?) {
        csi__v1__probe_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ProbeRequest>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ProbeRequest>, _ arena: Arena) {
    }
}

extension CSI.ProbeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ProbeResponse>?) {
        csi__v1__probe_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ProbeResponse>) throws(Failure) {
        ready = c.pointee.ready.map { $0.pointee.value != 0 }
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ProbeResponse>, _ arena: Arena) {
        c.pointee.ready = self.ready.map {
            let wrapper = arena.new(google__protobuf__bool_value__init)
            wrapper.pointee.value = $0 ? 1 : 0
            return wrapper
        }
    }
}

extension CSI.CreateVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__CreateVolumeRequest>?) {
        csi__v1__create_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__CreateVolumeRequest>) throws(Failure) {
        name = try copyString(c.pointee.name)
        capacityRange = try copyMessage(c.pointee.capacity_range)
        volumeCapabilities = try copyMessages(c.pointee.volume_capabilities, c.pointee.n_volume_capabilities)
        parameters = try copyMap(c.pointee.parameters, c.pointee.n_parameters)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
        volumeContentSource = try copyMessage(c.pointee.volume_content_source)
        accessibilityRequirements = try copyMessage(c.pointee.accessibility_requirements)
        mutableParameters = try copyMap(c.pointee.mutable_parameters, c.pointee.n_mutable_parameters)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__CreateVolumeRequest>, _ arena: Arena) {
        c.pointee.name = arena.string(self.name)
        c.pointee.capacity_range = arena.message(self.capacityRange)
        c.pointee.volume_capabilities = arena.messages(self.volumeCapabilities)
        c.pointee.n_volume_capabilities = self.volumeCapabilities.count
        c.pointee.parameters = arena.map(self.parameters, csi__v1__create_volume_request__parameters_entry__init)
        c.pointee.n_parameters = self.parameters.count
        c.pointee.secrets = arena.map(self.secrets, csi__v1__create_volume_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
        c.pointee.volume_content_source = arena.message(self.volumeContentSource)
        c.pointee.accessibility_requirements = arena.message(self.accessibilityRequirements)
        c.pointee.mutable_parameters = arena.map(self.mutableParameters, csi__v1__create_volume_request__mutable_parameters_entry__init)
        c.pointee.n_mutable_parameters = self.mutableParameters.count
    }
}

extension CSI.VolumeContentSource: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__VolumeContentSource>?) {
        csi__v1__volume_content_source__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__VolumeContentSource>) throws(Failure) {
        switch c.pointee.type_case.rawValue {
        case 1: type = try copyMessage(c.pointee.snapshot).map(TypeChoice.snapshot)
        case 2: type = try copyMessage(c.pointee.volume).map(TypeChoice.volume)
        default: type = nil
        }
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__VolumeContentSource>, _ arena: Arena) {
        switch self.type {
        case nil: break
        case .snapshot(let value):
            c.pointee.snapshot = arena.message(value)
            c.pointee.type_case = Csi__V1__VolumeContentSource__TypeCase(rawValue: 1)
        case .volume(let value):
            c.pointee.volume = arena.message(value)
            c.pointee.type_case = Csi__V1__VolumeContentSource__TypeCase(rawValue: 2)
        }
    }
}

extension CSI.VolumeContentSource.SnapshotSource: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__VolumeContentSource__SnapshotSource>?) {
        csi__v1__volume_content_source__snapshot_source__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__VolumeContentSource__SnapshotSource>) throws(Failure) {
        snapshotID = try copyString(c.pointee.snapshot_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__VolumeContentSource__SnapshotSource>, _ arena: Arena) {
        c.pointee.snapshot_id = arena.string(self.snapshotID)
    }
}

extension CSI.VolumeContentSource.VolumeSource: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__VolumeContentSource__VolumeSource>?) {
        csi__v1__volume_content_source__volume_source__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__VolumeContentSource__VolumeSource>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__VolumeContentSource__VolumeSource>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
    }
}

extension CSI.CreateVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__CreateVolumeResponse>?) {
        csi__v1__create_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__CreateVolumeResponse>) throws(Failure) {
        volume = try copyMessage(c.pointee.volume)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__CreateVolumeResponse>, _ arena: Arena) {
        c.pointee.volume = arena.message(self.volume)
    }
}

extension CSI.VolumeCapability: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__VolumeCapability>?) {
        csi__v1__volume_capability__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__VolumeCapability>) throws(Failure) {
        switch c.pointee.access_type_case.rawValue {
        case 1: accessType = try copyMessage(c.pointee.block).map(AccessTypeChoice.block)
        case 2: accessType = try copyMessage(c.pointee.mount).map(AccessTypeChoice.mount)
        default: accessType = nil
        }
        accessMode = try copyMessage(c.pointee.access_mode)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__VolumeCapability>, _ arena: Arena) {
        switch self.accessType {
        case nil: break
        case .block(let value):
            c.pointee.block = arena.message(value)
            c.pointee.access_type_case = Csi__V1__VolumeCapability__AccessTypeCase(rawValue: 1)
        case .mount(let value):
            c.pointee.mount = arena.message(value)
            c.pointee.access_type_case = Csi__V1__VolumeCapability__AccessTypeCase(rawValue: 2)
        }
        c.pointee.access_mode = arena.message(self.accessMode)
    }
}

extension CSI.VolumeCapability.BlockVolume: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__VolumeCapability__BlockVolume>?) {
        csi__v1__volume_capability__block_volume__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__VolumeCapability__BlockVolume>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__VolumeCapability__BlockVolume>, _ arena: Arena) {
    }
}

extension CSI.VolumeCapability.MountVolume: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__VolumeCapability__MountVolume>?) {
        csi__v1__volume_capability__mount_volume__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__VolumeCapability__MountVolume>) throws(Failure) {
        fsType = try copyString(c.pointee.fs_type)
        mountFlags = try copyStrings(c.pointee.mount_flags, c.pointee.n_mount_flags)
        volumeMountGroup = try copyString(c.pointee.volume_mount_group)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__VolumeCapability__MountVolume>, _ arena: Arena) {
        c.pointee.fs_type = arena.string(self.fsType)
        c.pointee.mount_flags = arena.strings(self.mountFlags)
        c.pointee.n_mount_flags = self.mountFlags.count
        c.pointee.volume_mount_group = arena.string(self.volumeMountGroup)
    }
}

extension CSI.VolumeCapability.AccessMode: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__VolumeCapability__AccessMode>?) {
        csi__v1__volume_capability__access_mode__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__VolumeCapability__AccessMode>) throws(Failure) {
        mode = CSI.VolumeCapability.AccessMode.Mode(rawValue: Int32(truncatingIfNeeded: c.pointee.mode.rawValue))
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__VolumeCapability__AccessMode>, _ arena: Arena) {
        c.pointee.mode = Csi__V1__VolumeCapability__AccessMode__Mode(rawValue: .init(truncatingIfNeeded: self.mode.rawValue))
    }
}

extension CSI.CapacityRange: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__CapacityRange>?) {
        csi__v1__capacity_range__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__CapacityRange>) throws(Failure) {
        requiredBytes = c.pointee.required_bytes
        limitBytes = c.pointee.limit_bytes
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__CapacityRange>, _ arena: Arena) {
        c.pointee.required_bytes = self.requiredBytes
        c.pointee.limit_bytes = self.limitBytes
    }
}

extension CSI.Volume: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__Volume>?) {
        csi__v1__volume__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__Volume>) throws(Failure) {
        capacityBytes = c.pointee.capacity_bytes
        volumeID = try copyString(c.pointee.volume_id)
        volumeContext = try copyMap(c.pointee.volume_context, c.pointee.n_volume_context)
        contentSource = try copyMessage(c.pointee.content_source)
        accessibleTopology = try copyMessages(c.pointee.accessible_topology, c.pointee.n_accessible_topology)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__Volume>, _ arena: Arena) {
        c.pointee.capacity_bytes = self.capacityBytes
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.volume_context = arena.map(self.volumeContext, csi__v1__volume__volume_context_entry__init)
        c.pointee.n_volume_context = self.volumeContext.count
        c.pointee.content_source = arena.message(self.contentSource)
        c.pointee.accessible_topology = arena.messages(self.accessibleTopology)
        c.pointee.n_accessible_topology = self.accessibleTopology.count
    }
}

extension CSI.TopologyRequirement: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__TopologyRequirement>?) {
        csi__v1__topology_requirement__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__TopologyRequirement>) throws(Failure) {
        requisite = try copyMessages(c.pointee.requisite, c.pointee.n_requisite)
        preferred = try copyMessages(c.pointee.preferred, c.pointee.n_preferred)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__TopologyRequirement>, _ arena: Arena) {
        c.pointee.requisite = arena.messages(self.requisite)
        c.pointee.n_requisite = self.requisite.count
        c.pointee.preferred = arena.messages(self.preferred)
        c.pointee.n_preferred = self.preferred.count
    }
}

extension CSI.Topology: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__Topology>?) {
        csi__v1__topology__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__Topology>) throws(Failure) {
        segments = try copyMap(c.pointee.segments, c.pointee.n_segments)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__Topology>, _ arena: Arena) {
        c.pointee.segments = arena.map(self.segments, csi__v1__topology__segments_entry__init)
        c.pointee.n_segments = self.segments.count
    }
}

extension CSI.DeleteVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__DeleteVolumeRequest>?) {
        csi__v1__delete_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__DeleteVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__DeleteVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.secrets = arena.map(self.secrets, csi__v1__delete_volume_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
    }
}

extension CSI.DeleteVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__DeleteVolumeResponse>?) {
        csi__v1__delete_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__DeleteVolumeResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__DeleteVolumeResponse>, _ arena: Arena) {
    }
}

extension CSI.ControllerPublishVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerPublishVolumeRequest>?) {
        csi__v1__controller_publish_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerPublishVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        nodeID = try copyString(c.pointee.node_id)
        volumeCapability = try copyMessage(c.pointee.volume_capability)
        readonly = c.pointee.readonly != 0
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
        volumeContext = try copyMap(c.pointee.volume_context, c.pointee.n_volume_context)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerPublishVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.node_id = arena.string(self.nodeID)
        c.pointee.volume_capability = arena.message(self.volumeCapability)
        c.pointee.readonly = self.readonly ? 1 : 0
        c.pointee.secrets = arena.map(self.secrets, csi__v1__controller_publish_volume_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
        c.pointee.volume_context = arena.map(self.volumeContext, csi__v1__controller_publish_volume_request__volume_context_entry__init)
        c.pointee.n_volume_context = self.volumeContext.count
    }
}

extension CSI.ControllerPublishVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerPublishVolumeResponse>?) {
        csi__v1__controller_publish_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerPublishVolumeResponse>) throws(Failure) {
        publishContext = try copyMap(c.pointee.publish_context, c.pointee.n_publish_context)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerPublishVolumeResponse>, _ arena: Arena) {
        c.pointee.publish_context = arena.map(self.publishContext, csi__v1__controller_publish_volume_response__publish_context_entry__init)
        c.pointee.n_publish_context = self.publishContext.count
    }
}

extension CSI.ControllerUnpublishVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerUnpublishVolumeRequest>?) {
        csi__v1__controller_unpublish_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerUnpublishVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        nodeID = try copyString(c.pointee.node_id)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerUnpublishVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.node_id = arena.string(self.nodeID)
        c.pointee.secrets = arena.map(self.secrets, csi__v1__controller_unpublish_volume_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
    }
}

extension CSI.ControllerUnpublishVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerUnpublishVolumeResponse>?) {
        csi__v1__controller_unpublish_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerUnpublishVolumeResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerUnpublishVolumeResponse>, _ arena: Arena) {
    }
}

extension CSI.ValidateVolumeCapabilitiesRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ValidateVolumeCapabilitiesRequest>?) {
        csi__v1__validate_volume_capabilities_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ValidateVolumeCapabilitiesRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        volumeContext = try copyMap(c.pointee.volume_context, c.pointee.n_volume_context)
        volumeCapabilities = try copyMessages(c.pointee.volume_capabilities, c.pointee.n_volume_capabilities)
        parameters = try copyMap(c.pointee.parameters, c.pointee.n_parameters)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
        mutableParameters = try copyMap(c.pointee.mutable_parameters, c.pointee.n_mutable_parameters)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ValidateVolumeCapabilitiesRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.volume_context = arena.map(self.volumeContext, csi__v1__validate_volume_capabilities_request__volume_context_entry__init)
        c.pointee.n_volume_context = self.volumeContext.count
        c.pointee.volume_capabilities = arena.messages(self.volumeCapabilities)
        c.pointee.n_volume_capabilities = self.volumeCapabilities.count
        c.pointee.parameters = arena.map(self.parameters, csi__v1__validate_volume_capabilities_request__parameters_entry__init)
        c.pointee.n_parameters = self.parameters.count
        c.pointee.secrets = arena.map(self.secrets, csi__v1__validate_volume_capabilities_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
        c.pointee.mutable_parameters = arena.map(self.mutableParameters, csi__v1__validate_volume_capabilities_request__mutable_parameters_entry__init)
        c.pointee.n_mutable_parameters = self.mutableParameters.count
    }
}

extension CSI.ValidateVolumeCapabilitiesResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ValidateVolumeCapabilitiesResponse>?) {
        csi__v1__validate_volume_capabilities_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ValidateVolumeCapabilitiesResponse>) throws(Failure) {
        confirmed = try copyMessage(c.pointee.confirmed)
        message = try copyString(c.pointee.message)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ValidateVolumeCapabilitiesResponse>, _ arena: Arena) {
        c.pointee.confirmed = arena.message(self.confirmed)
        c.pointee.message = arena.string(self.message)
    }
}

extension CSI.ValidateVolumeCapabilitiesResponse.Confirmed: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ValidateVolumeCapabilitiesResponse__Confirmed>?) {
        csi__v1__validate_volume_capabilities_response__confirmed__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ValidateVolumeCapabilitiesResponse__Confirmed>) throws(Failure) {
        volumeContext = try copyMap(c.pointee.volume_context, c.pointee.n_volume_context)
        volumeCapabilities = try copyMessages(c.pointee.volume_capabilities, c.pointee.n_volume_capabilities)
        parameters = try copyMap(c.pointee.parameters, c.pointee.n_parameters)
        mutableParameters = try copyMap(c.pointee.mutable_parameters, c.pointee.n_mutable_parameters)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ValidateVolumeCapabilitiesResponse__Confirmed>, _ arena: Arena) {
        c.pointee.volume_context = arena.map(self.volumeContext, csi__v1__validate_volume_capabilities_response__confirmed__volume_context_entry__init)
        c.pointee.n_volume_context = self.volumeContext.count
        c.pointee.volume_capabilities = arena.messages(self.volumeCapabilities)
        c.pointee.n_volume_capabilities = self.volumeCapabilities.count
        c.pointee.parameters = arena.map(self.parameters, csi__v1__validate_volume_capabilities_response__confirmed__parameters_entry__init)
        c.pointee.n_parameters = self.parameters.count
        c.pointee.mutable_parameters = arena.map(self.mutableParameters, csi__v1__validate_volume_capabilities_response__confirmed__mutable_parameters_entry__init)
        c.pointee.n_mutable_parameters = self.mutableParameters.count
    }
}

extension CSI.ListVolumesRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ListVolumesRequest>?) {
        csi__v1__list_volumes_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ListVolumesRequest>) throws(Failure) {
        maxEntries = c.pointee.max_entries
        startingToken = try copyString(c.pointee.starting_token)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ListVolumesRequest>, _ arena: Arena) {
        c.pointee.max_entries = self.maxEntries
        c.pointee.starting_token = arena.string(self.startingToken)
    }
}

extension CSI.ListVolumesResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ListVolumesResponse>?) {
        csi__v1__list_volumes_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ListVolumesResponse>) throws(Failure) {
        entries = try copyMessages(c.pointee.entries, c.pointee.n_entries)
        nextToken = try copyString(c.pointee.next_token)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ListVolumesResponse>, _ arena: Arena) {
        c.pointee.entries = arena.messages(self.entries)
        c.pointee.n_entries = self.entries.count
        c.pointee.next_token = arena.string(self.nextToken)
    }
}

extension CSI.ListVolumesResponse.VolumeStatus: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ListVolumesResponse__VolumeStatus>?) {
        csi__v1__list_volumes_response__volume_status__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ListVolumesResponse__VolumeStatus>) throws(Failure) {
        publishedNodeIDs = try copyStrings(c.pointee.published_node_ids, c.pointee.n_published_node_ids)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ListVolumesResponse__VolumeStatus>, _ arena: Arena) {
        c.pointee.published_node_ids = arena.strings(self.publishedNodeIDs)
        c.pointee.n_published_node_ids = self.publishedNodeIDs.count
    }
}

extension CSI.ListVolumesResponse.Entry: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ListVolumesResponse__Entry>?) {
        csi__v1__list_volumes_response__entry__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ListVolumesResponse__Entry>) throws(Failure) {
        volume = try copyMessage(c.pointee.volume)
        status = try copyMessage(c.pointee.status)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ListVolumesResponse__Entry>, _ arena: Arena) {
        c.pointee.volume = arena.message(self.volume)
        c.pointee.status = arena.message(self.status)
    }
}

extension CSI.ControllerListVolumeHealthRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerListVolumeHealthRequest>?) {
        csi__v1__controller_list_volume_health_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerListVolumeHealthRequest>) throws(Failure) {
        maxEntries = c.pointee.max_entries
        startingToken = try copyString(c.pointee.starting_token)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerListVolumeHealthRequest>, _ arena: Arena) {
        c.pointee.max_entries = self.maxEntries
        c.pointee.starting_token = arena.string(self.startingToken)
        c.pointee.secrets = arena.map(self.secrets, csi__v1__controller_list_volume_health_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
    }
}

extension CSI.ControllerListVolumeHealthResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerListVolumeHealthResponse>?) {
        csi__v1__controller_list_volume_health_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerListVolumeHealthResponse>) throws(Failure) {
        entries = try copyMessages(c.pointee.entries, c.pointee.n_entries)
        nextToken = try copyString(c.pointee.next_token)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerListVolumeHealthResponse>, _ arena: Arena) {
        c.pointee.entries = arena.messages(self.entries)
        c.pointee.n_entries = self.entries.count
        c.pointee.next_token = arena.string(self.nextToken)
    }
}

extension CSI.VolumeHealth: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__VolumeHealth>?) {
        csi__v1__volume_health__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__VolumeHealth>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        healthStatuses = try copyMessages(c.pointee.health_statuses, c.pointee.n_health_statuses)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__VolumeHealth>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.health_statuses = arena.messages(self.healthStatuses)
        c.pointee.n_health_statuses = self.healthStatuses.count
    }
}

extension CSI.VolumeHealth.VolumeHealthEntry: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__VolumeHealth__VolumeHealthEntry>?) {
        csi__v1__volume_health__volume_health_entry__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__VolumeHealth__VolumeHealthEntry>) throws(Failure) {
        status = CSI.VolumeHealthErrorType(rawValue: Int32(truncatingIfNeeded: c.pointee.status.rawValue))
        reason = try copyString(c.pointee.reason)
        message = try copyString(c.pointee.message)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__VolumeHealth__VolumeHealthEntry>, _ arena: Arena) {
        c.pointee.status = Csi__V1__VolumeHealthErrorType(rawValue: .init(truncatingIfNeeded: self.status.rawValue))
        c.pointee.reason = arena.string(self.reason)
        c.pointee.message = arena.string(self.message)
    }
}

extension CSI.ControllerGetVolumeHealthRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerGetVolumeHealthRequest>?) {
        csi__v1__controller_get_volume_health_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerGetVolumeHealthRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerGetVolumeHealthRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.secrets = arena.map(self.secrets, csi__v1__controller_get_volume_health_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
    }
}

extension CSI.ControllerGetVolumeHealthResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerGetVolumeHealthResponse>?) {
        csi__v1__controller_get_volume_health_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerGetVolumeHealthResponse>) throws(Failure) {
        volumeHealth = try copyMessage(c.pointee.volume_health)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerGetVolumeHealthResponse>, _ arena: Arena) {
        c.pointee.volume_health = arena.message(self.volumeHealth)
    }
}

extension CSI.ControllerGetVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerGetVolumeRequest>?) {
        csi__v1__controller_get_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerGetVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerGetVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
    }
}

extension CSI.ControllerGetVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerGetVolumeResponse>?) {
        csi__v1__controller_get_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerGetVolumeResponse>) throws(Failure) {
        volume = try copyMessage(c.pointee.volume)
        status = try copyMessage(c.pointee.status)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerGetVolumeResponse>, _ arena: Arena) {
        c.pointee.volume = arena.message(self.volume)
        c.pointee.status = arena.message(self.status)
    }
}

extension CSI.ControllerGetVolumeResponse.VolumeStatus: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerGetVolumeResponse__VolumeStatus>?) {
        csi__v1__controller_get_volume_response__volume_status__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerGetVolumeResponse__VolumeStatus>) throws(Failure) {
        publishedNodeIDs = try copyStrings(c.pointee.published_node_ids, c.pointee.n_published_node_ids)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerGetVolumeResponse__VolumeStatus>, _ arena: Arena) {
        c.pointee.published_node_ids = arena.strings(self.publishedNodeIDs)
        c.pointee.n_published_node_ids = self.publishedNodeIDs.count
    }
}

extension CSI.ControllerModifyVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerModifyVolumeRequest>?) {
        csi__v1__controller_modify_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerModifyVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
        mutableParameters = try copyMap(c.pointee.mutable_parameters, c.pointee.n_mutable_parameters)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerModifyVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.secrets = arena.map(self.secrets, csi__v1__controller_modify_volume_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
        c.pointee.mutable_parameters = arena.map(self.mutableParameters, csi__v1__controller_modify_volume_request__mutable_parameters_entry__init)
        c.pointee.n_mutable_parameters = self.mutableParameters.count
    }
}

extension CSI.ControllerModifyVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerModifyVolumeResponse>?) {
        csi__v1__controller_modify_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerModifyVolumeResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerModifyVolumeResponse>, _ arena: Arena) {
    }
}

extension CSI.GetCapacityRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GetCapacityRequest>?) {
        csi__v1__get_capacity_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GetCapacityRequest>) throws(Failure) {
        volumeCapabilities = try copyMessages(c.pointee.volume_capabilities, c.pointee.n_volume_capabilities)
        parameters = try copyMap(c.pointee.parameters, c.pointee.n_parameters)
        accessibleTopology = try copyMessage(c.pointee.accessible_topology)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GetCapacityRequest>, _ arena: Arena) {
        c.pointee.volume_capabilities = arena.messages(self.volumeCapabilities)
        c.pointee.n_volume_capabilities = self.volumeCapabilities.count
        c.pointee.parameters = arena.map(self.parameters, csi__v1__get_capacity_request__parameters_entry__init)
        c.pointee.n_parameters = self.parameters.count
        c.pointee.accessible_topology = arena.message(self.accessibleTopology)
    }
}

extension CSI.GetCapacityResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GetCapacityResponse>?) {
        csi__v1__get_capacity_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GetCapacityResponse>) throws(Failure) {
        availableCapacity = c.pointee.available_capacity
        maximumVolumeSize = c.pointee.maximum_volume_size.map { $0.pointee.value }
        minimumVolumeSize = c.pointee.minimum_volume_size.map { $0.pointee.value }
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GetCapacityResponse>, _ arena: Arena) {
        c.pointee.available_capacity = self.availableCapacity
        c.pointee.maximum_volume_size = self.maximumVolumeSize.map {
            let wrapper = arena.new(google__protobuf__int64_value__init)
            wrapper.pointee.value = $0
            return wrapper
        }
        c.pointee.minimum_volume_size = self.minimumVolumeSize.map {
            let wrapper = arena.new(google__protobuf__int64_value__init)
            wrapper.pointee.value = $0
            return wrapper
        }
    }
}

extension CSI.ControllerGetCapabilitiesRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerGetCapabilitiesRequest>?) {
        csi__v1__controller_get_capabilities_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerGetCapabilitiesRequest>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerGetCapabilitiesRequest>, _ arena: Arena) {
    }
}

extension CSI.ControllerGetCapabilitiesResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerGetCapabilitiesResponse>?) {
        csi__v1__controller_get_capabilities_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerGetCapabilitiesResponse>) throws(Failure) {
        capabilities = try copyMessages(c.pointee.capabilities, c.pointee.n_capabilities)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerGetCapabilitiesResponse>, _ arena: Arena) {
        c.pointee.capabilities = arena.messages(self.capabilities)
        c.pointee.n_capabilities = self.capabilities.count
    }
}

extension CSI.ControllerServiceCapability: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerServiceCapability>?) {
        csi__v1__controller_service_capability__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerServiceCapability>) throws(Failure) {
        switch c.pointee.type_case.rawValue {
        case 1: type = try copyMessage(c.pointee.rpc).map(TypeChoice.rpc)
        default: type = nil
        }
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerServiceCapability>, _ arena: Arena) {
        switch self.type {
        case nil: break
        case .rpc(let value):
            c.pointee.rpc = arena.message(value)
            c.pointee.type_case = Csi__V1__ControllerServiceCapability__TypeCase(rawValue: 1)
        }
    }
}

extension CSI.ControllerServiceCapability.RPC: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerServiceCapability__RPC>?) {
        csi__v1__controller_service_capability__rpc__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerServiceCapability__RPC>) throws(Failure) {
        type = CSI.ControllerServiceCapability.RPC.Kind(rawValue: Int32(truncatingIfNeeded: c.pointee.type.rawValue))
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerServiceCapability__RPC>, _ arena: Arena) {
        c.pointee.type = Csi__V1__ControllerServiceCapability__RPC__Type(rawValue: .init(truncatingIfNeeded: self.type.rawValue))
    }
}

extension CSI.CreateSnapshotRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__CreateSnapshotRequest>?) {
        csi__v1__create_snapshot_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__CreateSnapshotRequest>) throws(Failure) {
        sourceVolumeID = try copyString(c.pointee.source_volume_id)
        name = try copyString(c.pointee.name)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
        parameters = try copyMap(c.pointee.parameters, c.pointee.n_parameters)
        accessibilityRequirements = try copyMessage(c.pointee.accessibility_requirements)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__CreateSnapshotRequest>, _ arena: Arena) {
        c.pointee.source_volume_id = arena.string(self.sourceVolumeID)
        c.pointee.name = arena.string(self.name)
        c.pointee.secrets = arena.map(self.secrets, csi__v1__create_snapshot_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
        c.pointee.parameters = arena.map(self.parameters, csi__v1__create_snapshot_request__parameters_entry__init)
        c.pointee.n_parameters = self.parameters.count
        c.pointee.accessibility_requirements = arena.message(self.accessibilityRequirements)
    }
}

extension CSI.CreateSnapshotResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__CreateSnapshotResponse>?) {
        csi__v1__create_snapshot_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__CreateSnapshotResponse>) throws(Failure) {
        snapshot = try copyMessage(c.pointee.snapshot)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__CreateSnapshotResponse>, _ arena: Arena) {
        c.pointee.snapshot = arena.message(self.snapshot)
    }
}

extension CSI.Snapshot: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__Snapshot>?) {
        csi__v1__snapshot__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__Snapshot>) throws(Failure) {
        sizeBytes = c.pointee.size_bytes
        snapshotID = try copyString(c.pointee.snapshot_id)
        sourceVolumeID = try copyString(c.pointee.source_volume_id)
        creationTime = try copyMessage(c.pointee.creation_time)
        readyToUse = c.pointee.ready_to_use != 0
        groupSnapshotID = try copyString(c.pointee.group_snapshot_id)
        accessibleTopology = try copyMessages(c.pointee.accessible_topology, c.pointee.n_accessible_topology)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__Snapshot>, _ arena: Arena) {
        c.pointee.size_bytes = self.sizeBytes
        c.pointee.snapshot_id = arena.string(self.snapshotID)
        c.pointee.source_volume_id = arena.string(self.sourceVolumeID)
        c.pointee.creation_time = arena.message(self.creationTime)
        c.pointee.ready_to_use = self.readyToUse ? 1 : 0
        c.pointee.group_snapshot_id = arena.string(self.groupSnapshotID)
        c.pointee.accessible_topology = arena.messages(self.accessibleTopology)
        c.pointee.n_accessible_topology = self.accessibleTopology.count
    }
}

extension CSI.DeleteSnapshotRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__DeleteSnapshotRequest>?) {
        csi__v1__delete_snapshot_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__DeleteSnapshotRequest>) throws(Failure) {
        snapshotID = try copyString(c.pointee.snapshot_id)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__DeleteSnapshotRequest>, _ arena: Arena) {
        c.pointee.snapshot_id = arena.string(self.snapshotID)
        c.pointee.secrets = arena.map(self.secrets, csi__v1__delete_snapshot_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
    }
}

extension CSI.DeleteSnapshotResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__DeleteSnapshotResponse>?) {
        csi__v1__delete_snapshot_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__DeleteSnapshotResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__DeleteSnapshotResponse>, _ arena: Arena) {
    }
}

extension CSI.ListSnapshotsRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ListSnapshotsRequest>?) {
        csi__v1__list_snapshots_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ListSnapshotsRequest>) throws(Failure) {
        maxEntries = c.pointee.max_entries
        startingToken = try copyString(c.pointee.starting_token)
        sourceVolumeID = try copyString(c.pointee.source_volume_id)
        snapshotID = try copyString(c.pointee.snapshot_id)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ListSnapshotsRequest>, _ arena: Arena) {
        c.pointee.max_entries = self.maxEntries
        c.pointee.starting_token = arena.string(self.startingToken)
        c.pointee.source_volume_id = arena.string(self.sourceVolumeID)
        c.pointee.snapshot_id = arena.string(self.snapshotID)
        c.pointee.secrets = arena.map(self.secrets, csi__v1__list_snapshots_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
    }
}

extension CSI.ListSnapshotsResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ListSnapshotsResponse>?) {
        csi__v1__list_snapshots_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ListSnapshotsResponse>) throws(Failure) {
        entries = try copyMessages(c.pointee.entries, c.pointee.n_entries)
        nextToken = try copyString(c.pointee.next_token)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ListSnapshotsResponse>, _ arena: Arena) {
        c.pointee.entries = arena.messages(self.entries)
        c.pointee.n_entries = self.entries.count
        c.pointee.next_token = arena.string(self.nextToken)
    }
}

extension CSI.ListSnapshotsResponse.Entry: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ListSnapshotsResponse__Entry>?) {
        csi__v1__list_snapshots_response__entry__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ListSnapshotsResponse__Entry>) throws(Failure) {
        snapshot = try copyMessage(c.pointee.snapshot)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ListSnapshotsResponse__Entry>, _ arena: Arena) {
        c.pointee.snapshot = arena.message(self.snapshot)
    }
}

extension CSI.GetSnapshotRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GetSnapshotRequest>?) {
        csi__v1__get_snapshot_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GetSnapshotRequest>) throws(Failure) {
        snapshotID = try copyString(c.pointee.snapshot_id)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GetSnapshotRequest>, _ arena: Arena) {
        c.pointee.snapshot_id = arena.string(self.snapshotID)
        c.pointee.secrets = arena.map(self.secrets, csi__v1__get_snapshot_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
    }
}

extension CSI.GetSnapshotResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GetSnapshotResponse>?) {
        csi__v1__get_snapshot_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GetSnapshotResponse>) throws(Failure) {
        snapshot = try copyMessage(c.pointee.snapshot)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GetSnapshotResponse>, _ arena: Arena) {
        c.pointee.snapshot = arena.message(self.snapshot)
    }
}

extension CSI.ControllerExpandVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerExpandVolumeRequest>?) {
        csi__v1__controller_expand_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerExpandVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        capacityRange = try copyMessage(c.pointee.capacity_range)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
        volumeCapability = try copyMessage(c.pointee.volume_capability)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerExpandVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.capacity_range = arena.message(self.capacityRange)
        c.pointee.secrets = arena.map(self.secrets, csi__v1__controller_expand_volume_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
        c.pointee.volume_capability = arena.message(self.volumeCapability)
    }
}

extension CSI.ControllerExpandVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__ControllerExpandVolumeResponse>?) {
        csi__v1__controller_expand_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__ControllerExpandVolumeResponse>) throws(Failure) {
        capacityBytes = c.pointee.capacity_bytes
        nodeExpansionRequired = c.pointee.node_expansion_required != 0
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__ControllerExpandVolumeResponse>, _ arena: Arena) {
        c.pointee.capacity_bytes = self.capacityBytes
        c.pointee.node_expansion_required = self.nodeExpansionRequired ? 1 : 0
    }
}

extension CSI.NodeStageVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeStageVolumeRequest>?) {
        csi__v1__node_stage_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeStageVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        publishContext = try copyMap(c.pointee.publish_context, c.pointee.n_publish_context)
        stagingTargetPath = try copyString(c.pointee.staging_target_path)
        volumeCapability = try copyMessage(c.pointee.volume_capability)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
        volumeContext = try copyMap(c.pointee.volume_context, c.pointee.n_volume_context)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeStageVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.publish_context = arena.map(self.publishContext, csi__v1__node_stage_volume_request__publish_context_entry__init)
        c.pointee.n_publish_context = self.publishContext.count
        c.pointee.staging_target_path = arena.string(self.stagingTargetPath)
        c.pointee.volume_capability = arena.message(self.volumeCapability)
        c.pointee.secrets = arena.map(self.secrets, csi__v1__node_stage_volume_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
        c.pointee.volume_context = arena.map(self.volumeContext, csi__v1__node_stage_volume_request__volume_context_entry__init)
        c.pointee.n_volume_context = self.volumeContext.count
    }
}

extension CSI.NodeStageVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeStageVolumeResponse>?) {
        csi__v1__node_stage_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeStageVolumeResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeStageVolumeResponse>, _ arena: Arena) {
    }
}

extension CSI.NodeUnstageVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeUnstageVolumeRequest>?) {
        csi__v1__node_unstage_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeUnstageVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        stagingTargetPath = try copyString(c.pointee.staging_target_path)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeUnstageVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.staging_target_path = arena.string(self.stagingTargetPath)
    }
}

extension CSI.NodeUnstageVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeUnstageVolumeResponse>?) {
        csi__v1__node_unstage_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeUnstageVolumeResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeUnstageVolumeResponse>, _ arena: Arena) {
    }
}

extension CSI.NodePublishVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodePublishVolumeRequest>?) {
        csi__v1__node_publish_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodePublishVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        publishContext = try copyMap(c.pointee.publish_context, c.pointee.n_publish_context)
        stagingTargetPath = try copyString(c.pointee.staging_target_path)
        targetPath = try copyString(c.pointee.target_path)
        volumeCapability = try copyMessage(c.pointee.volume_capability)
        readonly = c.pointee.readonly != 0
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
        volumeContext = try copyMap(c.pointee.volume_context, c.pointee.n_volume_context)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodePublishVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.publish_context = arena.map(self.publishContext, csi__v1__node_publish_volume_request__publish_context_entry__init)
        c.pointee.n_publish_context = self.publishContext.count
        c.pointee.staging_target_path = arena.string(self.stagingTargetPath)
        c.pointee.target_path = arena.string(self.targetPath)
        c.pointee.volume_capability = arena.message(self.volumeCapability)
        c.pointee.readonly = self.readonly ? 1 : 0
        c.pointee.secrets = arena.map(self.secrets, csi__v1__node_publish_volume_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
        c.pointee.volume_context = arena.map(self.volumeContext, csi__v1__node_publish_volume_request__volume_context_entry__init)
        c.pointee.n_volume_context = self.volumeContext.count
    }
}

extension CSI.NodePublishVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodePublishVolumeResponse>?) {
        csi__v1__node_publish_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodePublishVolumeResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodePublishVolumeResponse>, _ arena: Arena) {
    }
}

extension CSI.NodeUnpublishVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeUnpublishVolumeRequest>?) {
        csi__v1__node_unpublish_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeUnpublishVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        targetPath = try copyString(c.pointee.target_path)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeUnpublishVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.target_path = arena.string(self.targetPath)
    }
}

extension CSI.NodeUnpublishVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeUnpublishVolumeResponse>?) {
        csi__v1__node_unpublish_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeUnpublishVolumeResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeUnpublishVolumeResponse>, _ arena: Arena) {
    }
}

extension CSI.NodeGetVolumeStatsRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeGetVolumeStatsRequest>?) {
        csi__v1__node_get_volume_stats_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeGetVolumeStatsRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        volumePath = try copyString(c.pointee.volume_path)
        stagingTargetPath = try copyString(c.pointee.staging_target_path)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeGetVolumeStatsRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.volume_path = arena.string(self.volumePath)
        c.pointee.staging_target_path = arena.string(self.stagingTargetPath)
    }
}

extension CSI.NodeGetVolumeStatsResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeGetVolumeStatsResponse>?) {
        csi__v1__node_get_volume_stats_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeGetVolumeStatsResponse>) throws(Failure) {
        usage = try copyMessages(c.pointee.usage, c.pointee.n_usage)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeGetVolumeStatsResponse>, _ arena: Arena) {
        c.pointee.usage = arena.messages(self.usage)
        c.pointee.n_usage = self.usage.count
    }
}

extension CSI.VolumeUsage: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__VolumeUsage>?) {
        csi__v1__volume_usage__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__VolumeUsage>) throws(Failure) {
        available = c.pointee.available
        total = c.pointee.total
        used = c.pointee.used
        unit = CSI.VolumeUsage.Unit(rawValue: Int32(truncatingIfNeeded: c.pointee.unit.rawValue))
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__VolumeUsage>, _ arena: Arena) {
        c.pointee.available = self.available
        c.pointee.total = self.total
        c.pointee.used = self.used
        c.pointee.unit = Csi__V1__VolumeUsage__Unit(rawValue: .init(truncatingIfNeeded: self.unit.rawValue))
    }
}

extension CSI.NodeGetVolumeHealthRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeGetVolumeHealthRequest>?) {
        csi__v1__node_get_volume_health_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeGetVolumeHealthRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        volumePublishPath = try copyString(c.pointee.volume_publish_path)
        stagingTargetPath = try copyString(c.pointee.staging_target_path)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeGetVolumeHealthRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.volume_publish_path = arena.string(self.volumePublishPath)
        c.pointee.staging_target_path = arena.string(self.stagingTargetPath)
    }
}

extension CSI.NodeGetVolumeHealthResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeGetVolumeHealthResponse>?) {
        csi__v1__node_get_volume_health_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeGetVolumeHealthResponse>) throws(Failure) {
        volumeHealth = try copyMessage(c.pointee.volume_health)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeGetVolumeHealthResponse>, _ arena: Arena) {
        c.pointee.volume_health = arena.message(self.volumeHealth)
    }
}

extension CSI.NodeGetStorageHealthRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeGetStorageHealthRequest>?) {
        csi__v1__node_get_storage_health_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeGetStorageHealthRequest>) throws(Failure) {
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeGetStorageHealthRequest>, _ arena: Arena) {
        c.pointee.secrets = arena.map(self.secrets, csi__v1__node_get_storage_health_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
    }
}

extension CSI.NodeGetStorageHealthResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeGetStorageHealthResponse>?) {
        csi__v1__node_get_storage_health_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeGetStorageHealthResponse>) throws(Failure) {
        backendHealth = try copyMessages(c.pointee.backend_health, c.pointee.n_backend_health)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeGetStorageHealthResponse>, _ arena: Arena) {
        c.pointee.backend_health = arena.messages(self.backendHealth)
        c.pointee.n_backend_health = self.backendHealth.count
    }
}

extension CSI.NodeGetStorageHealthResponse.StorageBackendHealth: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeGetStorageHealthResponse__StorageBackendHealth>?) {
        csi__v1__node_get_storage_health_response__storage_backend_health__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeGetStorageHealthResponse__StorageBackendHealth>) throws(Failure) {
        status = CSI.StorageHealthErrorType(rawValue: Int32(truncatingIfNeeded: c.pointee.status.rawValue))
        reason = try copyString(c.pointee.reason)
        message = try copyString(c.pointee.message)
        volumeCapability = try copyMessage(c.pointee.volume_capability)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeGetStorageHealthResponse__StorageBackendHealth>, _ arena: Arena) {
        c.pointee.status = Csi__V1__StorageHealthErrorType(rawValue: .init(truncatingIfNeeded: self.status.rawValue))
        c.pointee.reason = arena.string(self.reason)
        c.pointee.message = arena.string(self.message)
        c.pointee.volume_capability = arena.message(self.volumeCapability)
    }
}

extension CSI.NodeGetCapabilitiesRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeGetCapabilitiesRequest>?) {
        csi__v1__node_get_capabilities_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeGetCapabilitiesRequest>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeGetCapabilitiesRequest>, _ arena: Arena) {
    }
}

extension CSI.NodeGetCapabilitiesResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeGetCapabilitiesResponse>?) {
        csi__v1__node_get_capabilities_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeGetCapabilitiesResponse>) throws(Failure) {
        capabilities = try copyMessages(c.pointee.capabilities, c.pointee.n_capabilities)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeGetCapabilitiesResponse>, _ arena: Arena) {
        c.pointee.capabilities = arena.messages(self.capabilities)
        c.pointee.n_capabilities = self.capabilities.count
    }
}

extension CSI.NodeServiceCapability: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeServiceCapability>?) {
        csi__v1__node_service_capability__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeServiceCapability>) throws(Failure) {
        switch c.pointee.type_case.rawValue {
        case 1: type = try copyMessage(c.pointee.rpc).map(TypeChoice.rpc)
        default: type = nil
        }
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeServiceCapability>, _ arena: Arena) {
        switch self.type {
        case nil: break
        case .rpc(let value):
            c.pointee.rpc = arena.message(value)
            c.pointee.type_case = Csi__V1__NodeServiceCapability__TypeCase(rawValue: 1)
        }
    }
}

extension CSI.NodeServiceCapability.RPC: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeServiceCapability__RPC>?) {
        csi__v1__node_service_capability__rpc__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeServiceCapability__RPC>) throws(Failure) {
        type = CSI.NodeServiceCapability.RPC.Kind(rawValue: Int32(truncatingIfNeeded: c.pointee.type.rawValue))
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeServiceCapability__RPC>, _ arena: Arena) {
        c.pointee.type = Csi__V1__NodeServiceCapability__RPC__Type(rawValue: .init(truncatingIfNeeded: self.type.rawValue))
    }
}

extension CSI.NodeGetInfoRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeGetInfoRequest>?) {
        csi__v1__node_get_info_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeGetInfoRequest>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeGetInfoRequest>, _ arena: Arena) {
    }
}

extension CSI.NodeGetInfoResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeGetInfoResponse>?) {
        csi__v1__node_get_info_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeGetInfoResponse>) throws(Failure) {
        nodeID = try copyString(c.pointee.node_id)
        maxVolumesPerNode = c.pointee.max_volumes_per_node
        accessibleTopology = try copyMessage(c.pointee.accessible_topology)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeGetInfoResponse>, _ arena: Arena) {
        c.pointee.node_id = arena.string(self.nodeID)
        c.pointee.max_volumes_per_node = self.maxVolumesPerNode
        c.pointee.accessible_topology = arena.message(self.accessibleTopology)
    }
}

extension CSI.NodeExpandVolumeRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeExpandVolumeRequest>?) {
        csi__v1__node_expand_volume_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeExpandVolumeRequest>) throws(Failure) {
        volumeID = try copyString(c.pointee.volume_id)
        volumePath = try copyString(c.pointee.volume_path)
        capacityRange = try copyMessage(c.pointee.capacity_range)
        stagingTargetPath = try copyString(c.pointee.staging_target_path)
        volumeCapability = try copyMessage(c.pointee.volume_capability)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeExpandVolumeRequest>, _ arena: Arena) {
        c.pointee.volume_id = arena.string(self.volumeID)
        c.pointee.volume_path = arena.string(self.volumePath)
        c.pointee.capacity_range = arena.message(self.capacityRange)
        c.pointee.staging_target_path = arena.string(self.stagingTargetPath)
        c.pointee.volume_capability = arena.message(self.volumeCapability)
        c.pointee.secrets = arena.map(self.secrets, csi__v1__node_expand_volume_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
    }
}

extension CSI.NodeExpandVolumeResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__NodeExpandVolumeResponse>?) {
        csi__v1__node_expand_volume_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__NodeExpandVolumeResponse>) throws(Failure) {
        capacityBytes = c.pointee.capacity_bytes
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__NodeExpandVolumeResponse>, _ arena: Arena) {
        c.pointee.capacity_bytes = self.capacityBytes
    }
}

extension CSI.GroupControllerGetCapabilitiesRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GroupControllerGetCapabilitiesRequest>?) {
        csi__v1__group_controller_get_capabilities_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GroupControllerGetCapabilitiesRequest>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GroupControllerGetCapabilitiesRequest>, _ arena: Arena) {
    }
}

extension CSI.GroupControllerGetCapabilitiesResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GroupControllerGetCapabilitiesResponse>?) {
        csi__v1__group_controller_get_capabilities_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GroupControllerGetCapabilitiesResponse>) throws(Failure) {
        capabilities = try copyMessages(c.pointee.capabilities, c.pointee.n_capabilities)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GroupControllerGetCapabilitiesResponse>, _ arena: Arena) {
        c.pointee.capabilities = arena.messages(self.capabilities)
        c.pointee.n_capabilities = self.capabilities.count
    }
}

extension CSI.GroupControllerServiceCapability: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GroupControllerServiceCapability>?) {
        csi__v1__group_controller_service_capability__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GroupControllerServiceCapability>) throws(Failure) {
        switch c.pointee.type_case.rawValue {
        case 1: type = try copyMessage(c.pointee.rpc).map(TypeChoice.rpc)
        default: type = nil
        }
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GroupControllerServiceCapability>, _ arena: Arena) {
        switch self.type {
        case nil: break
        case .rpc(let value):
            c.pointee.rpc = arena.message(value)
            c.pointee.type_case = Csi__V1__GroupControllerServiceCapability__TypeCase(rawValue: 1)
        }
    }
}

extension CSI.GroupControllerServiceCapability.RPC: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GroupControllerServiceCapability__RPC>?) {
        csi__v1__group_controller_service_capability__rpc__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GroupControllerServiceCapability__RPC>) throws(Failure) {
        type = CSI.GroupControllerServiceCapability.RPC.Kind(rawValue: Int32(truncatingIfNeeded: c.pointee.type.rawValue))
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GroupControllerServiceCapability__RPC>, _ arena: Arena) {
        c.pointee.type = Csi__V1__GroupControllerServiceCapability__RPC__Type(rawValue: .init(truncatingIfNeeded: self.type.rawValue))
    }
}

extension CSI.CreateVolumeGroupSnapshotRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__CreateVolumeGroupSnapshotRequest>?) {
        csi__v1__create_volume_group_snapshot_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__CreateVolumeGroupSnapshotRequest>) throws(Failure) {
        name = try copyString(c.pointee.name)
        sourceVolumeIDs = try copyStrings(c.pointee.source_volume_ids, c.pointee.n_source_volume_ids)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
        parameters = try copyMap(c.pointee.parameters, c.pointee.n_parameters)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__CreateVolumeGroupSnapshotRequest>, _ arena: Arena) {
        c.pointee.name = arena.string(self.name)
        c.pointee.source_volume_ids = arena.strings(self.sourceVolumeIDs)
        c.pointee.n_source_volume_ids = self.sourceVolumeIDs.count
        c.pointee.secrets = arena.map(self.secrets, csi__v1__create_volume_group_snapshot_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
        c.pointee.parameters = arena.map(self.parameters, csi__v1__create_volume_group_snapshot_request__parameters_entry__init)
        c.pointee.n_parameters = self.parameters.count
    }
}

extension CSI.CreateVolumeGroupSnapshotResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__CreateVolumeGroupSnapshotResponse>?) {
        csi__v1__create_volume_group_snapshot_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__CreateVolumeGroupSnapshotResponse>) throws(Failure) {
        groupSnapshot = try copyMessage(c.pointee.group_snapshot)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__CreateVolumeGroupSnapshotResponse>, _ arena: Arena) {
        c.pointee.group_snapshot = arena.message(self.groupSnapshot)
    }
}

extension CSI.VolumeGroupSnapshot: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__VolumeGroupSnapshot>?) {
        csi__v1__volume_group_snapshot__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__VolumeGroupSnapshot>) throws(Failure) {
        groupSnapshotID = try copyString(c.pointee.group_snapshot_id)
        snapshots = try copyMessages(c.pointee.snapshots, c.pointee.n_snapshots)
        creationTime = try copyMessage(c.pointee.creation_time)
        readyToUse = c.pointee.ready_to_use != 0
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__VolumeGroupSnapshot>, _ arena: Arena) {
        c.pointee.group_snapshot_id = arena.string(self.groupSnapshotID)
        c.pointee.snapshots = arena.messages(self.snapshots)
        c.pointee.n_snapshots = self.snapshots.count
        c.pointee.creation_time = arena.message(self.creationTime)
        c.pointee.ready_to_use = self.readyToUse ? 1 : 0
    }
}

extension CSI.DeleteVolumeGroupSnapshotRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__DeleteVolumeGroupSnapshotRequest>?) {
        csi__v1__delete_volume_group_snapshot_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__DeleteVolumeGroupSnapshotRequest>) throws(Failure) {
        groupSnapshotID = try copyString(c.pointee.group_snapshot_id)
        snapshotIDs = try copyStrings(c.pointee.snapshot_ids, c.pointee.n_snapshot_ids)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__DeleteVolumeGroupSnapshotRequest>, _ arena: Arena) {
        c.pointee.group_snapshot_id = arena.string(self.groupSnapshotID)
        c.pointee.snapshot_ids = arena.strings(self.snapshotIDs)
        c.pointee.n_snapshot_ids = self.snapshotIDs.count
        c.pointee.secrets = arena.map(self.secrets, csi__v1__delete_volume_group_snapshot_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
    }
}

extension CSI.DeleteVolumeGroupSnapshotResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__DeleteVolumeGroupSnapshotResponse>?) {
        csi__v1__delete_volume_group_snapshot_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__DeleteVolumeGroupSnapshotResponse>) throws(Failure) {
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__DeleteVolumeGroupSnapshotResponse>, _ arena: Arena) {
    }
}

extension CSI.GetVolumeGroupSnapshotRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GetVolumeGroupSnapshotRequest>?) {
        csi__v1__get_volume_group_snapshot_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GetVolumeGroupSnapshotRequest>) throws(Failure) {
        groupSnapshotID = try copyString(c.pointee.group_snapshot_id)
        snapshotIDs = try copyStrings(c.pointee.snapshot_ids, c.pointee.n_snapshot_ids)
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GetVolumeGroupSnapshotRequest>, _ arena: Arena) {
        c.pointee.group_snapshot_id = arena.string(self.groupSnapshotID)
        c.pointee.snapshot_ids = arena.strings(self.snapshotIDs)
        c.pointee.n_snapshot_ids = self.snapshotIDs.count
        c.pointee.secrets = arena.map(self.secrets, csi__v1__get_volume_group_snapshot_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
    }
}

extension CSI.GetVolumeGroupSnapshotResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GetVolumeGroupSnapshotResponse>?) {
        csi__v1__get_volume_group_snapshot_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GetVolumeGroupSnapshotResponse>) throws(Failure) {
        groupSnapshot = try copyMessage(c.pointee.group_snapshot)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GetVolumeGroupSnapshotResponse>, _ arena: Arena) {
        c.pointee.group_snapshot = arena.message(self.groupSnapshot)
    }
}

extension CSI.BlockMetadata: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__BlockMetadata>?) {
        csi__v1__block_metadata__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__BlockMetadata>) throws(Failure) {
        byteOffset = c.pointee.byte_offset
        sizeBytes = c.pointee.size_bytes
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__BlockMetadata>, _ arena: Arena) {
        c.pointee.byte_offset = self.byteOffset
        c.pointee.size_bytes = self.sizeBytes
    }
}

extension CSI.GetMetadataAllocatedRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GetMetadataAllocatedRequest>?) {
        csi__v1__get_metadata_allocated_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GetMetadataAllocatedRequest>) throws(Failure) {
        snapshotID = try copyString(c.pointee.snapshot_id)
        startingOffset = c.pointee.starting_offset
        maxResults = c.pointee.max_results
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GetMetadataAllocatedRequest>, _ arena: Arena) {
        c.pointee.snapshot_id = arena.string(self.snapshotID)
        c.pointee.starting_offset = self.startingOffset
        c.pointee.max_results = self.maxResults
        c.pointee.secrets = arena.map(self.secrets, csi__v1__get_metadata_allocated_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
    }
}

extension CSI.GetMetadataAllocatedResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GetMetadataAllocatedResponse>?) {
        csi__v1__get_metadata_allocated_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GetMetadataAllocatedResponse>) throws(Failure) {
        blockMetadataType = CSI.BlockMetadataType(rawValue: Int32(truncatingIfNeeded: c.pointee.block_metadata_type.rawValue))
        volumeCapacityBytes = c.pointee.volume_capacity_bytes
        blockMetadata = try copyMessages(c.pointee.block_metadata, c.pointee.n_block_metadata)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GetMetadataAllocatedResponse>, _ arena: Arena) {
        c.pointee.block_metadata_type = Csi__V1__BlockMetadataType(rawValue: .init(truncatingIfNeeded: self.blockMetadataType.rawValue))
        c.pointee.volume_capacity_bytes = self.volumeCapacityBytes
        c.pointee.block_metadata = arena.messages(self.blockMetadata)
        c.pointee.n_block_metadata = self.blockMetadata.count
    }
}

extension CSI.GetMetadataDeltaRequest: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GetMetadataDeltaRequest>?) {
        csi__v1__get_metadata_delta_request__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GetMetadataDeltaRequest>) throws(Failure) {
        baseSnapshotID = try copyString(c.pointee.base_snapshot_id)
        targetSnapshotID = try copyString(c.pointee.target_snapshot_id)
        startingOffset = c.pointee.starting_offset
        maxResults = c.pointee.max_results
        secrets = try copyMap(c.pointee.secrets, c.pointee.n_secrets)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GetMetadataDeltaRequest>, _ arena: Arena) {
        c.pointee.base_snapshot_id = arena.string(self.baseSnapshotID)
        c.pointee.target_snapshot_id = arena.string(self.targetSnapshotID)
        c.pointee.starting_offset = self.startingOffset
        c.pointee.max_results = self.maxResults
        c.pointee.secrets = arena.map(self.secrets, csi__v1__get_metadata_delta_request__secrets_entry__init)
        c.pointee.n_secrets = self.secrets.count
    }
}

extension CSI.GetMetadataDeltaResponse: WireMessage {
    package static func initialize(_ c: UnsafeMutablePointer<Csi__V1__GetMetadataDeltaResponse>?) {
        csi__v1__get_metadata_delta_response__init(c)
    }

    package init(copying c: UnsafeMutablePointer<Csi__V1__GetMetadataDeltaResponse>) throws(Failure) {
        blockMetadataType = CSI.BlockMetadataType(rawValue: Int32(truncatingIfNeeded: c.pointee.block_metadata_type.rawValue))
        volumeCapacityBytes = c.pointee.volume_capacity_bytes
        blockMetadata = try copyMessages(c.pointee.block_metadata, c.pointee.n_block_metadata)
    }

    package func fill(_ c: UnsafeMutablePointer<Csi__V1__GetMetadataDeltaResponse>, _ arena: Arena) {
        c.pointee.block_metadata_type = Csi__V1__BlockMetadataType(rawValue: .init(truncatingIfNeeded: self.blockMetadataType.rawValue))
        c.pointee.volume_capacity_bytes = self.volumeCapacityBytes
        c.pointee.block_metadata = arena.messages(self.blockMetadata)
        c.pointee.n_block_metadata = self.blockMetadata.count
    }
}
