// Generated from protos/csi.proto by protos/generate. Do not edit.
// swift-format-ignore-file
import Base
import CSIMessages

/// Every message of the contract.
let everyMessage: [any (Message & Arbitrary).Type] = [
    CSI.GetPluginInfoRequest.self,
    CSI.GetPluginInfoResponse.self,
    CSI.GetPluginCapabilitiesRequest.self,
    CSI.GetPluginCapabilitiesResponse.self,
    CSI.PluginCapability.self,
    CSI.PluginCapability.Service.self,
    CSI.PluginCapability.VolumeExpansion.self,
    CSI.ProbeRequest.self,
    CSI.ProbeResponse.self,
    CSI.CreateVolumeRequest.self,
    CSI.VolumeContentSource.self,
    CSI.VolumeContentSource.SnapshotSource.self,
    CSI.VolumeContentSource.VolumeSource.self,
    CSI.CreateVolumeResponse.self,
    CSI.VolumeCapability.self,
    CSI.VolumeCapability.BlockVolume.self,
    CSI.VolumeCapability.MountVolume.self,
    CSI.VolumeCapability.AccessMode.self,
    CSI.CapacityRange.self,
    CSI.Volume.self,
    CSI.TopologyRequirement.self,
    CSI.Topology.self,
    CSI.DeleteVolumeRequest.self,
    CSI.DeleteVolumeResponse.self,
    CSI.ControllerPublishVolumeRequest.self,
    CSI.ControllerPublishVolumeResponse.self,
    CSI.ControllerUnpublishVolumeRequest.self,
    CSI.ControllerUnpublishVolumeResponse.self,
    CSI.ValidateVolumeCapabilitiesRequest.self,
    CSI.ValidateVolumeCapabilitiesResponse.self,
    CSI.ValidateVolumeCapabilitiesResponse.Confirmed.self,
    CSI.ListVolumesRequest.self,
    CSI.ListVolumesResponse.self,
    CSI.ListVolumesResponse.VolumeStatus.self,
    CSI.ListVolumesResponse.Entry.self,
    CSI.ControllerListVolumeHealthRequest.self,
    CSI.ControllerListVolumeHealthResponse.self,
    CSI.VolumeHealth.self,
    CSI.VolumeHealth.VolumeHealthEntry.self,
    CSI.ControllerGetVolumeHealthRequest.self,
    CSI.ControllerGetVolumeHealthResponse.self,
    CSI.ControllerGetVolumeRequest.self,
    CSI.ControllerGetVolumeResponse.self,
    CSI.ControllerGetVolumeResponse.VolumeStatus.self,
    CSI.ControllerModifyVolumeRequest.self,
    CSI.ControllerModifyVolumeResponse.self,
    CSI.GetCapacityRequest.self,
    CSI.GetCapacityResponse.self,
    CSI.ControllerGetCapabilitiesRequest.self,
    CSI.ControllerGetCapabilitiesResponse.self,
    CSI.ControllerServiceCapability.self,
    CSI.ControllerServiceCapability.RPC.self,
    CSI.CreateSnapshotRequest.self,
    CSI.CreateSnapshotResponse.self,
    CSI.Snapshot.self,
    CSI.DeleteSnapshotRequest.self,
    CSI.DeleteSnapshotResponse.self,
    CSI.ListSnapshotsRequest.self,
    CSI.ListSnapshotsResponse.self,
    CSI.ListSnapshotsResponse.Entry.self,
    CSI.GetSnapshotRequest.self,
    CSI.GetSnapshotResponse.self,
    CSI.ControllerExpandVolumeRequest.self,
    CSI.ControllerExpandVolumeResponse.self,
    CSI.NodeStageVolumeRequest.self,
    CSI.NodeStageVolumeResponse.self,
    CSI.NodeUnstageVolumeRequest.self,
    CSI.NodeUnstageVolumeResponse.self,
    CSI.NodePublishVolumeRequest.self,
    CSI.NodePublishVolumeResponse.self,
    CSI.NodeUnpublishVolumeRequest.self,
    CSI.NodeUnpublishVolumeResponse.self,
    CSI.NodeGetVolumeStatsRequest.self,
    CSI.NodeGetVolumeStatsResponse.self,
    CSI.VolumeUsage.self,
    CSI.NodeGetVolumeHealthRequest.self,
    CSI.NodeGetVolumeHealthResponse.self,
    CSI.NodeGetStorageHealthRequest.self,
    CSI.NodeGetStorageHealthResponse.self,
    CSI.NodeGetStorageHealthResponse.StorageBackendHealth.self,
    CSI.NodeGetCapabilitiesRequest.self,
    CSI.NodeGetCapabilitiesResponse.self,
    CSI.NodeServiceCapability.self,
    CSI.NodeServiceCapability.RPC.self,
    CSI.NodeGetInfoRequest.self,
    CSI.NodeGetInfoResponse.self,
    CSI.NodeExpandVolumeRequest.self,
    CSI.NodeExpandVolumeResponse.self,
    CSI.GroupControllerGetCapabilitiesRequest.self,
    CSI.GroupControllerGetCapabilitiesResponse.self,
    CSI.GroupControllerServiceCapability.self,
    CSI.GroupControllerServiceCapability.RPC.self,
    CSI.CreateVolumeGroupSnapshotRequest.self,
    CSI.CreateVolumeGroupSnapshotResponse.self,
    CSI.VolumeGroupSnapshot.self,
    CSI.DeleteVolumeGroupSnapshotRequest.self,
    CSI.DeleteVolumeGroupSnapshotResponse.self,
    CSI.GetVolumeGroupSnapshotRequest.self,
    CSI.GetVolumeGroupSnapshotResponse.self,
    CSI.BlockMetadata.self,
    CSI.GetMetadataAllocatedRequest.self,
    CSI.GetMetadataAllocatedResponse.self,
    CSI.GetMetadataDeltaRequest.self,
    CSI.GetMetadataDeltaResponse.self,
]

extension CSI.VolumeHealthErrorType: Arbitrary {}
extension CSI.StorageHealthErrorType: Arbitrary {}
extension CSI.BlockMetadataType: Arbitrary {}
extension CSI.PluginCapability.Service.Kind: Arbitrary {}
extension CSI.PluginCapability.VolumeExpansion.Kind: Arbitrary {}
extension CSI.VolumeCapability.AccessMode.Mode: Arbitrary {}
extension CSI.ControllerServiceCapability.RPC.Kind: Arbitrary {}
extension CSI.VolumeUsage.Unit: Arbitrary {}
extension CSI.NodeServiceCapability.RPC.Kind: Arbitrary {}
extension CSI.GroupControllerServiceCapability.RPC.Kind: Arbitrary {}

extension CSI.GetPluginInfoRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.GetPluginInfoResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(name: .arbitrary(&random), vendorVersion: .arbitrary(&random), manifest: .arbitrary(&random))
    }
}

extension CSI.GetPluginCapabilitiesRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.GetPluginCapabilitiesResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(capabilities: .arbitrary(&random))
    }
}

extension CSI.PluginCapability: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(type: .arbitrary(&random))
    }
}

extension CSI.PluginCapability.TypeChoice: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        switch Int.random(in: 0..<2, using: &random) {
        case 0: .service(.arbitrary(&random))
        default: .volumeExpansion(.arbitrary(&random))
        }
    }
}

extension CSI.PluginCapability.Service: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(type: .arbitrary(&random))
    }
}

extension CSI.PluginCapability.VolumeExpansion: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(type: .arbitrary(&random))
    }
}

extension CSI.ProbeRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.ProbeResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(ready: .arbitrary(&random))
    }
}

extension CSI.CreateVolumeRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(name: .arbitrary(&random), capacityRange: .arbitrary(&random), volumeCapabilities: .arbitrary(&random), parameters: .arbitrary(&random), secrets: .arbitrary(&random), volumeContentSource: .arbitrary(&random), accessibilityRequirements: .arbitrary(&random), mutableParameters: .arbitrary(&random))
    }
}

extension CSI.VolumeContentSource: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(type: .arbitrary(&random))
    }
}

extension CSI.VolumeContentSource.TypeChoice: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        switch Int.random(in: 0..<2, using: &random) {
        case 0: .snapshot(.arbitrary(&random))
        default: .volume(.arbitrary(&random))
        }
    }
}

extension CSI.VolumeContentSource.SnapshotSource: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(snapshotID: .arbitrary(&random))
    }
}

extension CSI.VolumeContentSource.VolumeSource: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random))
    }
}

extension CSI.CreateVolumeResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volume: .arbitrary(&random))
    }
}

extension CSI.VolumeCapability: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(accessType: .arbitrary(&random), accessMode: .arbitrary(&random))
    }
}

extension CSI.VolumeCapability.AccessTypeChoice: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        switch Int.random(in: 0..<2, using: &random) {
        case 0: .block(.arbitrary(&random))
        default: .mount(.arbitrary(&random))
        }
    }
}

extension CSI.VolumeCapability.BlockVolume: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.VolumeCapability.MountVolume: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(fsType: .arbitrary(&random), mountFlags: .arbitrary(&random), volumeMountGroup: .arbitrary(&random))
    }
}

extension CSI.VolumeCapability.AccessMode: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(mode: .arbitrary(&random))
    }
}

extension CSI.CapacityRange: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(requiredBytes: .arbitrary(&random), limitBytes: .arbitrary(&random))
    }
}

extension CSI.Volume: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(capacityBytes: .arbitrary(&random), volumeID: .arbitrary(&random), volumeContext: .arbitrary(&random), contentSource: .arbitrary(&random), accessibleTopology: .arbitrary(&random))
    }
}

extension CSI.TopologyRequirement: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(requisite: .arbitrary(&random), preferred: .arbitrary(&random))
    }
}

extension CSI.Topology: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(segments: .arbitrary(&random))
    }
}

extension CSI.DeleteVolumeRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random), secrets: .arbitrary(&random))
    }
}

extension CSI.DeleteVolumeResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.ControllerPublishVolumeRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random), nodeID: .arbitrary(&random), volumeCapability: .arbitrary(&random), readonly: .arbitrary(&random), secrets: .arbitrary(&random), volumeContext: .arbitrary(&random))
    }
}

extension CSI.ControllerPublishVolumeResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(publishContext: .arbitrary(&random))
    }
}

extension CSI.ControllerUnpublishVolumeRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random), nodeID: .arbitrary(&random), secrets: .arbitrary(&random))
    }
}

extension CSI.ControllerUnpublishVolumeResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.ValidateVolumeCapabilitiesRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random), volumeContext: .arbitrary(&random), volumeCapabilities: .arbitrary(&random), parameters: .arbitrary(&random), secrets: .arbitrary(&random), mutableParameters: .arbitrary(&random))
    }
}

extension CSI.ValidateVolumeCapabilitiesResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(confirmed: .arbitrary(&random), message: .arbitrary(&random))
    }
}

extension CSI.ValidateVolumeCapabilitiesResponse.Confirmed: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeContext: .arbitrary(&random), volumeCapabilities: .arbitrary(&random), parameters: .arbitrary(&random), mutableParameters: .arbitrary(&random))
    }
}

extension CSI.ListVolumesRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(maxEntries: .arbitrary(&random), startingToken: .arbitrary(&random))
    }
}

extension CSI.ListVolumesResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(entries: .arbitrary(&random), nextToken: .arbitrary(&random))
    }
}

extension CSI.ListVolumesResponse.VolumeStatus: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(publishedNodeIDs: .arbitrary(&random))
    }
}

extension CSI.ListVolumesResponse.Entry: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volume: .arbitrary(&random), status: .arbitrary(&random))
    }
}

extension CSI.ControllerListVolumeHealthRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(maxEntries: .arbitrary(&random), startingToken: .arbitrary(&random), secrets: .arbitrary(&random))
    }
}

extension CSI.ControllerListVolumeHealthResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(entries: .arbitrary(&random), nextToken: .arbitrary(&random))
    }
}

extension CSI.VolumeHealth: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random), healthStatuses: .arbitrary(&random))
    }
}

extension CSI.VolumeHealth.VolumeHealthEntry: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(status: .arbitrary(&random), reason: .arbitrary(&random), message: .arbitrary(&random))
    }
}

extension CSI.ControllerGetVolumeHealthRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random), secrets: .arbitrary(&random))
    }
}

extension CSI.ControllerGetVolumeHealthResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeHealth: .arbitrary(&random))
    }
}

extension CSI.ControllerGetVolumeRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random))
    }
}

extension CSI.ControllerGetVolumeResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volume: .arbitrary(&random), status: .arbitrary(&random))
    }
}

extension CSI.ControllerGetVolumeResponse.VolumeStatus: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(publishedNodeIDs: .arbitrary(&random))
    }
}

extension CSI.ControllerModifyVolumeRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random), secrets: .arbitrary(&random), mutableParameters: .arbitrary(&random))
    }
}

extension CSI.ControllerModifyVolumeResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.GetCapacityRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeCapabilities: .arbitrary(&random), parameters: .arbitrary(&random), accessibleTopology: .arbitrary(&random))
    }
}

extension CSI.GetCapacityResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(availableCapacity: .arbitrary(&random), maximumVolumeSize: .arbitrary(&random), minimumVolumeSize: .arbitrary(&random))
    }
}

extension CSI.ControllerGetCapabilitiesRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.ControllerGetCapabilitiesResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(capabilities: .arbitrary(&random))
    }
}

extension CSI.ControllerServiceCapability: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(type: .arbitrary(&random))
    }
}

extension CSI.ControllerServiceCapability.TypeChoice: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        switch Int.random(in: 0..<1, using: &random) {
        default: .rpc(.arbitrary(&random))
        }
    }
}

extension CSI.ControllerServiceCapability.RPC: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(type: .arbitrary(&random))
    }
}

extension CSI.CreateSnapshotRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(sourceVolumeID: .arbitrary(&random), name: .arbitrary(&random), secrets: .arbitrary(&random), parameters: .arbitrary(&random), accessibilityRequirements: .arbitrary(&random))
    }
}

extension CSI.CreateSnapshotResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(snapshot: .arbitrary(&random))
    }
}

extension CSI.Snapshot: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(sizeBytes: .arbitrary(&random), snapshotID: .arbitrary(&random), sourceVolumeID: .arbitrary(&random), creationTime: .arbitrary(&random), readyToUse: .arbitrary(&random), groupSnapshotID: .arbitrary(&random), accessibleTopology: .arbitrary(&random))
    }
}

extension CSI.DeleteSnapshotRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(snapshotID: .arbitrary(&random), secrets: .arbitrary(&random))
    }
}

extension CSI.DeleteSnapshotResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.ListSnapshotsRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(maxEntries: .arbitrary(&random), startingToken: .arbitrary(&random), sourceVolumeID: .arbitrary(&random), snapshotID: .arbitrary(&random), secrets: .arbitrary(&random))
    }
}

extension CSI.ListSnapshotsResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(entries: .arbitrary(&random), nextToken: .arbitrary(&random))
    }
}

extension CSI.ListSnapshotsResponse.Entry: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(snapshot: .arbitrary(&random))
    }
}

extension CSI.GetSnapshotRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(snapshotID: .arbitrary(&random), secrets: .arbitrary(&random))
    }
}

extension CSI.GetSnapshotResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(snapshot: .arbitrary(&random))
    }
}

extension CSI.ControllerExpandVolumeRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random), capacityRange: .arbitrary(&random), secrets: .arbitrary(&random), volumeCapability: .arbitrary(&random))
    }
}

extension CSI.ControllerExpandVolumeResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(capacityBytes: .arbitrary(&random), nodeExpansionRequired: .arbitrary(&random))
    }
}

extension CSI.NodeStageVolumeRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random), publishContext: .arbitrary(&random), stagingTargetPath: .arbitrary(&random), volumeCapability: .arbitrary(&random), secrets: .arbitrary(&random), volumeContext: .arbitrary(&random))
    }
}

extension CSI.NodeStageVolumeResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.NodeUnstageVolumeRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random), stagingTargetPath: .arbitrary(&random))
    }
}

extension CSI.NodeUnstageVolumeResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.NodePublishVolumeRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random), publishContext: .arbitrary(&random), stagingTargetPath: .arbitrary(&random), targetPath: .arbitrary(&random), volumeCapability: .arbitrary(&random), readonly: .arbitrary(&random), secrets: .arbitrary(&random), volumeContext: .arbitrary(&random))
    }
}

extension CSI.NodePublishVolumeResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.NodeUnpublishVolumeRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random), targetPath: .arbitrary(&random))
    }
}

extension CSI.NodeUnpublishVolumeResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.NodeGetVolumeStatsRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random), volumePath: .arbitrary(&random), stagingTargetPath: .arbitrary(&random))
    }
}

extension CSI.NodeGetVolumeStatsResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(usage: .arbitrary(&random))
    }
}

extension CSI.VolumeUsage: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(available: .arbitrary(&random), total: .arbitrary(&random), used: .arbitrary(&random), unit: .arbitrary(&random))
    }
}

extension CSI.NodeGetVolumeHealthRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random), volumePublishPath: .arbitrary(&random), stagingTargetPath: .arbitrary(&random))
    }
}

extension CSI.NodeGetVolumeHealthResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeHealth: .arbitrary(&random))
    }
}

extension CSI.NodeGetStorageHealthRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(secrets: .arbitrary(&random))
    }
}

extension CSI.NodeGetStorageHealthResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(backendHealth: .arbitrary(&random))
    }
}

extension CSI.NodeGetStorageHealthResponse.StorageBackendHealth: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(status: .arbitrary(&random), reason: .arbitrary(&random), message: .arbitrary(&random), volumeCapability: .arbitrary(&random))
    }
}

extension CSI.NodeGetCapabilitiesRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.NodeGetCapabilitiesResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(capabilities: .arbitrary(&random))
    }
}

extension CSI.NodeServiceCapability: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(type: .arbitrary(&random))
    }
}

extension CSI.NodeServiceCapability.TypeChoice: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        switch Int.random(in: 0..<1, using: &random) {
        default: .rpc(.arbitrary(&random))
        }
    }
}

extension CSI.NodeServiceCapability.RPC: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(type: .arbitrary(&random))
    }
}

extension CSI.NodeGetInfoRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.NodeGetInfoResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(nodeID: .arbitrary(&random), maxVolumesPerNode: .arbitrary(&random), accessibleTopology: .arbitrary(&random))
    }
}

extension CSI.NodeExpandVolumeRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(volumeID: .arbitrary(&random), volumePath: .arbitrary(&random), capacityRange: .arbitrary(&random), stagingTargetPath: .arbitrary(&random), volumeCapability: .arbitrary(&random), secrets: .arbitrary(&random))
    }
}

extension CSI.NodeExpandVolumeResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(capacityBytes: .arbitrary(&random))
    }
}

extension CSI.GroupControllerGetCapabilitiesRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.GroupControllerGetCapabilitiesResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(capabilities: .arbitrary(&random))
    }
}

extension CSI.GroupControllerServiceCapability: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(type: .arbitrary(&random))
    }
}

extension CSI.GroupControllerServiceCapability.TypeChoice: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        switch Int.random(in: 0..<1, using: &random) {
        default: .rpc(.arbitrary(&random))
        }
    }
}

extension CSI.GroupControllerServiceCapability.RPC: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(type: .arbitrary(&random))
    }
}

extension CSI.CreateVolumeGroupSnapshotRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(name: .arbitrary(&random), sourceVolumeIDs: .arbitrary(&random), secrets: .arbitrary(&random), parameters: .arbitrary(&random))
    }
}

extension CSI.CreateVolumeGroupSnapshotResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(groupSnapshot: .arbitrary(&random))
    }
}

extension CSI.VolumeGroupSnapshot: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(groupSnapshotID: .arbitrary(&random), snapshots: .arbitrary(&random), creationTime: .arbitrary(&random), readyToUse: .arbitrary(&random))
    }
}

extension CSI.DeleteVolumeGroupSnapshotRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(groupSnapshotID: .arbitrary(&random), snapshotIDs: .arbitrary(&random), secrets: .arbitrary(&random))
    }
}

extension CSI.DeleteVolumeGroupSnapshotResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self()
    }
}

extension CSI.GetVolumeGroupSnapshotRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(groupSnapshotID: .arbitrary(&random), snapshotIDs: .arbitrary(&random), secrets: .arbitrary(&random))
    }
}

extension CSI.GetVolumeGroupSnapshotResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(groupSnapshot: .arbitrary(&random))
    }
}

extension CSI.BlockMetadata: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(byteOffset: .arbitrary(&random), sizeBytes: .arbitrary(&random))
    }
}

extension CSI.GetMetadataAllocatedRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(snapshotID: .arbitrary(&random), startingOffset: .arbitrary(&random), maxResults: .arbitrary(&random), secrets: .arbitrary(&random))
    }
}

extension CSI.GetMetadataAllocatedResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(blockMetadataType: .arbitrary(&random), volumeCapacityBytes: .arbitrary(&random), blockMetadata: .arbitrary(&random))
    }
}

extension CSI.GetMetadataDeltaRequest: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(baseSnapshotID: .arbitrary(&random), targetSnapshotID: .arbitrary(&random), startingOffset: .arbitrary(&random), maxResults: .arbitrary(&random), secrets: .arbitrary(&random))
    }
}

extension CSI.GetMetadataDeltaResponse: Arbitrary {
    static func arbitrary(_ random: inout SeededRandom) -> Self {
        Self(blockMetadataType: .arbitrary(&random), volumeCapacityBytes: .arbitrary(&random), blockMetadata: .arbitrary(&random))
    }
}
