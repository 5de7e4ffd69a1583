"""Calls and their answers: nothing here is mounted. A case is a function of the host and a seed, listed in CASES; it may return a line to print."""

import collections
import concurrent.futures
import functools
import os
import random
import secrets
import time

import older
from client import SERVICES, Client, Refused, block, csi, message_class, mount
from host import MIB, Volume, snapshot_source


def expect(code, call, *arguments, **fields):
    """The call is refused, with that code and nothing in status.details."""
    try:
        call(*arguments, **fields)
    except Refused as refused:
        assert refused.code == code, f"{refused}, not {code}"
        assert "grpc-status-details-bin" not in refused.trailing
        assert refused.details, "without a word"
        return refused.details
    raise AssertionError(f"was answered, not {code}: {fields}")


def request(name, size=16 * MIB, **fields):
    return {
        "name": name, "capacity_range": csi.CapacityRange(required_bytes=size), "volume_capabilities": [block()],
        "parameters": {"class": "fast"}, **fields}


def repeated(deadline, cut, call, **fields):
    """Until it is answered; `deadline` gives each attempt's seconds. Only what passes may be said meanwhile; `cut` counts that."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            return call(seconds=deadline(), **fields)
        except Refused as refused:
            assert refused.code in ("DEADLINE_EXCEEDED", "CANCELLED", "ABORTED", "UNAVAILABLE"), refused
            cut[refused.code] += 1
            if refused.code == "ABORTED":
                time.sleep(0.02)
    raise AssertionError(f"never answered: {fields}")


def every_call_is_there(host, seed):
    for name, (service, method) in SERVICES.items():
        try:
            getattr(host.client, name)(message_class(method.input_type)())
        except Refused as refused:
            assert refused.code in ("INVALID_ARGUMENT", "NOT_FOUND"), refused
    assert host.client.raw("/csi.v1.Controller/Unheard", b"") == "UNIMPLEMENTED"
    told = host.client
    kinds = csi.ControllerServiceCapability.RPC.Type
    have = {entry.rpc.type for entry in told.ControllerGetCapabilities().capabilities}
    assert have == {number for number in kinds.values() if number != 0}, have ^ set(kinds.values())
    kinds = csi.NodeServiceCapability.RPC.Type
    have = {entry.rpc.type for entry in told.NodeGetCapabilities().capabilities}
    assert {kinds.Name(number) for number in kinds.values() if number not in have} == {"UNKNOWN", "VOLUME_MOUNT_GROUP"}
    kinds = csi.PluginCapability.Service.Type
    have = {entry.service.type for entry in told.GetPluginCapabilities().capabilities if entry.HasField("service")}
    assert have == {number for number in kinds.values() if number != 0}
    return f"{len(SERVICES)} RPCs"


def names_and_maps_have_limits(host, seed):
    client = host.client
    longest = "n" * 128
    made = client.CreateVolume(**request(longest)).volume
    assert client.CreateVolume(**request(longest)).volume == made
    expect("INVALID_ARGUMENT", client.CreateVolume, **request("n" * 129))
    expect("INVALID_ARGUMENT", client.CreateVolume, **request("a\nb"))
    expect("INVALID_ARGUMENT", client.CreateVolume, **request("x", parameters={"class": "fast", "k": "v" * 4096}))
    expect("INVALID_ARGUMENT", client.CreateSnapshot, source_volume_id=made.volume_id, name="s" * 129)
    shot = client.CreateSnapshot(source_volume_id=made.volume_id, name="s" * 128).snapshot
    expect("INVALID_ARGUMENT", client.CreateVolumeGroupSnapshot, source_volume_ids=[made.volume_id], name="g" * 129)
    group = client.CreateVolumeGroupSnapshot(source_volume_ids=[made.volume_id], name="g" * 128).group_snapshot
    # A name in any script.
    other = client.CreateVolume(**request("体积-объём-λ")).volume
    client.DeleteVolumeGroupSnapshot(group_snapshot_id=group.group_snapshot_id)
    client.DeleteSnapshot(snapshot_id=shot.snapshot_id)
    for volume in (made, other):
        client.DeleteVolume(volume_id=volume.volume_id)
    expect("INVALID_ARGUMENT", client.ControllerPublishVolume, volume_id=made.volume_id, node_id="n" * 129, volume_capability=block())


def sizes_hold_on_both_sides(host, seed):
    client = host.client

    def size(name, required, limit, capability=block(), **fields):
        return {**request(name, **fields), "volume_capabilities": [capability],
                "capacity_range": csi.CapacityRange(required_bytes=required, limit_bytes=limit)}
    expect("OUT_OF_RANGE", client.CreateVolume, **size("a", 5000, 6000))
    expect("OUT_OF_RANGE", client.CreateVolume, **size("a", 2 * MIB, 1 * MIB))
    expect("INVALID_ARGUMENT", client.CreateVolume, **size("a", -1, 0))
    expect("OUT_OF_RANGE", client.CreateVolume, **size("a", 100 * MIB, 200 * MIB, mount("xfs")))
    expect("OUT_OF_RANGE", client.CreateVolume, **size("a", 1 << 61, 0))
    made = client.CreateVolume(**size("a", 10 * MIB + 1, 11 * MIB)).volume
    assert 10 * MIB + 1 <= made.capacity_bytes <= 11 * MIB and made.capacity_bytes % 4096 == 0
    expect("OUT_OF_RANGE", client.ControllerExpandVolume, volume_id=made.volume_id,
           capacity_range=csi.CapacityRange(required_bytes=20 * MIB + 1, limit_bytes=20 * MIB + 2))
    grown = client.ControllerExpandVolume(
        volume_id=made.volume_id, capacity_range=csi.CapacityRange(required_bytes=20 * MIB), volume_capability=block())
    assert grown.capacity_bytes == 20 * MIB and not grown.node_expansion_required
    again = client.ControllerExpandVolume(volume_id=made.volume_id, capacity_range=csi.CapacityRange(required_bytes=1))
    assert again.capacity_bytes == 20 * MIB
    client.DeleteVolume(volume_id=made.volume_id)


def pages_stay_true_under_change(host, seed):
    """Volumes come and go while pages are read: what was there all the time is seen exactly once."""
    client, chance = host.client, random.Random(seed)
    stay = [client.CreateVolume(**request(f"stay{number}", size=MIB)).volume.volume_id for number in range(25)]
    stop, churned = [], []

    def churn():
        own = Client(host.socket)
        number = 0
        while not stop:
            number += 1
            made = own.CreateVolume(**request(f"churn{number}", size=MIB)).volume.volume_id
            own.DeleteVolume(volume_id=made)
            churned.append(made)
        own.close()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        churning = [pool.submit(churn)]
        try:
            for _ in range(20):
                seen, token = [], ""
                while True:
                    page = client.ListVolumes(max_entries=chance.randint(1, 9), starting_token=token)
                    seen += [entry.volume.volume_id for entry in page.entries]
                    token = page.next_token
                    if not token:
                        break
                assert len(seen) == len(set(seen)), "seen twice"
                assert [one for one in seen if one in stay] == stay
        finally:
            stop.append(True)
        for one in churning:
            one.result()
    for token in ("x", "volumes-x", "volumes-99999999999999999999", "snapshots-1"):
        expect("ABORTED", client.ListVolumes, starting_token=token)
    for call in (client.ListSnapshots, client.ControllerListVolumeHealth):
        expect("ABORTED", call, starting_token="volumes-1")
        expect("INVALID_ARGUMENT", call, max_entries=-1)
    for one in stay:
        client.DeleteVolume(volume_id=one)
    return f"{len(churned)} volumes came and went"


def capacity_is_told_by_class_and_place(host, seed):
    client = host.client
    whole = client.GetCapacity(parameters={"class": "fast"})
    assert 0 < whole.available_capacity and whole.maximum_volume_size.value >= whole.available_capacity
    assert client.GetCapacity(volume_capabilities=[mount("xfs")], parameters={"class": "bulk"}).minimum_volume_size.value >= 300 * MIB
    here = client.NodeGetInfo().accessible_topology
    assert client.GetCapacity(accessible_topology=here).available_capacity > 0
    there = csi.Topology(segments={key: "elsewhere" for key in here.segments})
    assert client.GetCapacity(accessible_topology=there).available_capacity == 0
    expect("INVALID_ARGUMENT", client.GetCapacity, parameters={"class": "unknown"})
    expect("RESOURCE_EXHAUSTED", client.CreateVolume, **request(
        "a", accessibility_requirements=csi.TopologyRequirement(requisite=[there])))
    expect("OUT_OF_RANGE", client.CreateVolume, **request("a", size=whole.maximum_volume_size.value + 4096))


def unknown_things_and_missing_fields(host, seed):
    client = host.client
    nobody = "01234567-89ab-4def-8123-456789abcdef"
    client.DeleteVolume(volume_id=nobody)
    client.DeleteSnapshot(snapshot_id="nothing")
    client.DeleteVolumeGroupSnapshot(group_snapshot_id="nothing")
    client.ControllerUnpublishVolume(volume_id=nobody, node_id=host.NODE)
    for call, fields in (
            (client.ControllerGetVolume, {}), (client.ControllerGetVolumeHealth, {}),
            (client.ControllerModifyVolume, {"mutable_parameters": {"iops": "1"}}),
            (client.ControllerExpandVolume, {"capacity_range": csi.CapacityRange(required_bytes=MIB)}),
            (client.ValidateVolumeCapabilities, {"volume_capabilities": [block()]}),
            (client.ControllerPublishVolume, {"node_id": host.NODE, "volume_capability": block()}),
            (client.NodeGetVolumeStats, {"volume_path": "/nowhere"})):
        expect("NOT_FOUND", call, volume_id=nobody, **fields)
        expect("NOT_FOUND", call, volume_id="no-id-of-ours", **fields)
        expect("INVALID_ARGUMENT", call, **fields)
    for mode in ("MULTI_NODE_SINGLE_WRITER", "MULTI_NODE_MULTI_WRITER", "UNKNOWN"):
        expect("INVALID_ARGUMENT", client.CreateVolume, **request("a", volume_capabilities=[block(mode)]))
    for parameters in ({"class": "fast", "clas": "x"}, {"class": "fast", "encryption": "yes"}, {"class": "none"}, {"class": "fast", "group": "fast"}):
        expect("INVALID_ARGUMENT", client.CreateVolume, **request("a", parameters=parameters))
    assert not client.ListVolumes().entries


def secrets_are_never_told(host, seed):
    client, secret = host.client, f"secret-{secrets.token_hex(16)}"
    hidden = {"password": secret}
    made = client.CreateVolume(**request("a", secrets=hidden)).volume.volume_id
    shot = client.CreateSnapshot(source_volume_id=made, name="s", secrets=hidden).snapshot.snapshot_id
    client.ControllerPublishVolume(volume_id=made, node_id=host.NODE, volume_capability=block(), secrets=hidden)
    client.ControllerExpandVolume(volume_id=made, capacity_range=csi.CapacityRange(required_bytes=32 * MIB), secrets=hidden)
    client.ControllerModifyVolume(volume_id=made, mutable_parameters={"iops": "100"}, secrets=hidden)
    details = [
        expect("INVALID_ARGUMENT", client.ControllerModifyVolume, volume_id=made, mutable_parameters={"x": "1"}, secrets=hidden),
        expect("INVALID_ARGUMENT", client.NodeStageVolume, volume_id=made, staging_target_path="/x", volume_capability=block(), secrets=hidden),
        expect("INVALID_ARGUMENT", client.CreateVolume, **request("b", parameters={"y": "1"}, secrets=hidden)),
    ]
    client.ListSnapshots(secrets=hidden)
    client.ControllerUnpublishVolume(volume_id=made, node_id=host.NODE, secrets=hidden)
    client.DeleteSnapshot(snapshot_id=shot, secrets=hidden)
    client.DeleteVolume(volume_id=made, secrets=hidden)
    assert secret not in host.said() and not any(secret in text for text in details)
    for directory, _, names in os.walk(f"{host.directory}/state"):
        for name in names:
            with open(f"{directory}/{name}", "rb") as file:
                assert secret.encode() not in file.read(), name


def calls_cut_off_and_repeated(host, seed):
    """Any call may be given up half-way, come twice at once, or both: the same call succeeds afterwards, and nothing is left over."""
    chance, cut = random.Random(seed), collections.Counter()
    # Mostly too short to be answered.
    until_done = functools.partial(repeated, lambda: chance.choice((0.0005, 0.001, 0.002, 0.004, 0.01, 5)), cut)

    def life(number):
        own = Client(host.socket)
        made = until_done(own.CreateVolume, **request(f"cut{number % 6}-{number // 12}", size=4 * MIB)).volume
        shot = until_done(own.CreateSnapshot, source_volume_id=made.volume_id, name=f"shot{number}").snapshot
        copy = until_done(
            own.CreateVolume, **request(f"copy{number}", size=4 * MIB, volume_content_source=snapshot_source(shot.snapshot_id))).volume
        granted = until_done(
            own.ControllerPublishVolume, volume_id=copy.volume_id, node_id=host.NODE, volume_capability=block()).publish_context
        assert until_done(
            own.ControllerPublishVolume, volume_id=copy.volume_id, node_id=host.NODE, volume_capability=block()).publish_context == granted
        until_done(own.ControllerModifyVolume, volume_id=copy.volume_id, mutable_parameters={"iops": str(100 + number)})
        grown = until_done(
            own.ControllerExpandVolume, volume_id=copy.volume_id, capacity_range=csi.CapacityRange(required_bytes=8 * MIB))
        assert grown.capacity_bytes == 8 * MIB
        group = until_done(
            own.CreateVolumeGroupSnapshot, name=f"group{number}", source_volume_ids=[copy.volume_id]).group_snapshot
        until_done(own.DeleteVolumeGroupSnapshot, group_snapshot_id=group.group_snapshot_id)
        until_done(own.ControllerUnpublishVolume, volume_id=copy.volume_id, node_id=host.NODE)
        until_done(own.DeleteVolume, volume_id=copy.volume_id)
        until_done(own.DeleteSnapshot, snapshot_id=shot.snapshot_id)
        own.close()
        return made.volume_id
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = set(pool.map(life, range(24)))
    # Those who asked for the same name got the same volume.
    assert len(made) == 12, made
    for one in made:
        until_done(host.client.DeleteVolume, volume_id=one)
    # What was cut off last may still be ending.
    for _ in range(100):
        if not host.client.ListVolumes().entries and not host.client.ListSnapshots().entries:
            return f"{cut.total()} calls cut off or refused meanwhile"
        time.sleep(0.05)
    raise AssertionError(f"left over: {host.client.ListVolumes()} {host.client.ListSnapshots()}")


CASES = [
    every_call_is_there, names_and_maps_have_limits, sizes_hold_on_both_sides, capacity_is_told_by_class_and_place,
    unknown_things_and_missing_fields, pages_stay_true_under_change, secrets_are_never_told, calls_cut_off_and_repeated,
    older.clients_of_older_versions,
]
