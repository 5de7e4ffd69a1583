"""Clients that were built for CSI 1.9 and 1.12: their messages lack what came later, and have what went since."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import grpc
from client import SERVICES, csi

# What the older contract does not have: messages, RPCs, fields.
SINCE_1_9 = {
    "messages": (
        "VolumeHealth", "ControllerListVolumeHealthRequest", "ControllerListVolumeHealthResponse", "ControllerGetVolumeHealthRequest",
        "ControllerGetVolumeHealthResponse", "NodeGetVolumeHealthRequest", "NodeGetVolumeHealthResponse", "NodeGetStorageHealthRequest",
        "NodeGetStorageHealthResponse", "GetSnapshotRequest", "GetSnapshotResponse", "BlockMetadata", "GetMetadataAllocatedRequest",
        "GetMetadataAllocatedResponse", "GetMetadataDeltaRequest", "GetMetadataDeltaResponse"),
    "fields": {
        "CreateSnapshotRequest": ("accessibility_requirements",), "Snapshot": ("accessible_topology",), "NodeExpandVolumeRequest": ("secrets",),
        "ValidateVolumeCapabilitiesRequest": ("mutable_parameters",), "GetCapacityResponse": ("minimum_volume_size",)},
}
SINCE_1_12 = {
    "messages": tuple(name for name in SINCE_1_9["messages"] if "Health" in name),
    "fields": {"CreateSnapshotRequest": ("accessibility_requirements",), "Snapshot": ("accessible_topology",)},
}
# Where VolumeCondition (abnormal 1, message 2) was: message, field, number.
CONDITIONS = (("NodeGetVolumeStatsResponse", None, 2), ("ListVolumesResponse", "VolumeStatus", 2), ("ControllerGetVolumeResponse", "VolumeStatus", 2))


def contract(since):
    """Message classes by name, of the contract without what came since."""
    file = descriptor_pb2.FileDescriptorProto()
    csi.DESCRIPTOR.CopyToProto(file)
    file.name, file.package = "older.proto", "csi.v1"
    gone = {f".csi.v1.{name}" for name in since["messages"]}
    del file.service[:]
    file.options.Clear()
    del file.extension[:]
    for message in [message for message in file.message_type if f".csi.v1.{message.name}" in gone]:
        file.message_type.remove(message)
    condition = file.message_type.add(name="VolumeCondition")
    condition.field.add(name="abnormal", number=1, type=8, label=1)
    condition.field.add(name="message", number=2, type=9, label=1)
    for message in file.message_type:
        for field in [field for field in message.field if field.name in since["fields"].get(message.name, ())]:
            message.field.remove(field)
        strip(message)
        for name, nested, number in CONDITIONS:
            if message.name != name:
                continue
            holder = next(one for one in message.nested_type if one.name == nested) if nested else message
            del holder.reserved_range[:]
            holder.field.add(name="volume_condition", number=number, type=11, label=1, type_name=".csi.v1.VolumeCondition")
    pool = descriptor_pool.DescriptorPool()
    for dependency in csi.DESCRIPTOR.dependencies:
        known = descriptor_pb2.FileDescriptorProto()
        dependency.CopyToProto(known)
        pool.Add(known)
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return lambda name: factory.GetPrototype(pool.FindMessageTypeByName(f"csi.v1.{name}"))


def strip(message):
    """Options are extensions that this pool does not have."""
    message.options.ClearField("uninterpreted_option")
    for field in message.field:
        field.ClearField("options")
    for nested in message.nested_type:
        if not nested.options.map_entry:
            strip(nested)


def clients_of_older_versions(host, seed):
    for version, since in (("1.9", SINCE_1_9), ("1.12", SINCE_1_12)):
        old = contract(since)
        channel = grpc.insecure_channel(f"unix:{host.socket}")

        def call(rpc, unknown=b"", **fields):
            service, method = SERVICES[rpc]
            answer = channel.unary_unary(f"/{service.full_name}/{rpc}")(
                old(method.input_type.name)(**fields).SerializeToString() + unknown, timeout=30)
            return old(method.output_type.name).FromString(answer)
        Capability, Mode = old("VolumeCapability"), "SINGLE_NODE_WRITER"
        block = Capability(block={}, access_mode={"mode": Mode})
        assert call("Probe").ready.value
        # Capabilities that it has not heard of do not keep it from those that it has.
        assert 1 in {entry.rpc.type for entry in call("ControllerGetCapabilities").capabilities}
        # As of a contract that is newer than ours: field 4000, a string.
        unknown = b"\x82\xfa\x01\x05hello"
        made = call(
            "CreateVolume", unknown, name=f"old-{version}", capacity_range={"required_bytes": 16 << 20}, volume_capabilities=[block],
            parameters={"class": "fast"}).volume
        listed = call("ListVolumes").entries
        assert [entry.volume.volume_id for entry in listed] == [made.volume_id]
        assert not listed[0].status.HasField("volume_condition")
        got = call("ControllerGetVolume", volume_id=made.volume_id)
        assert got.volume == made and not got.status.volume_condition.abnormal
        shot = call("CreateSnapshot", unknown, source_volume_id=made.volume_id, name=f"old-{version}").snapshot
        assert shot.ready_to_use and call("ListSnapshots", snapshot_id=shot.snapshot_id).entries[0].snapshot == shot
        call("ControllerPublishVolume", volume_id=made.volume_id, node_id=host.NODE, volume_capability=block)
        call("ControllerUnpublishVolume", volume_id=made.volume_id, node_id=host.NODE)
        call("DeleteSnapshot", snapshot_id=shot.snapshot_id)
        call("DeleteVolume", volume_id=made.volume_id)
        channel.close()
