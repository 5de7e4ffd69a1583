"""What is mounted and what is on it. A case is a function of the host and a seed, listed in CASES; it may return a line to print."""

import collections
import concurrent.futures
import contextlib
import mmap
import os
import random
import re
import threading
import time

from calls import expect, repeated, request
from client import Client, Refused, block, csi, mount
from host import MIB, Failed, Volume, run, snapshot_source, volume_source

BLOCK = 4096
DIRECT = os.O_DIRECT | os.O_RDWR


@contextlib.contextmanager
def opened(path, flags=DIRECT):
    file = os.open(path, flags)
    try:
        yield file
    finally:
        os.close(file)


def image(path):
    """All bytes of a device, not from the page cache."""
    with opened(path, os.O_RDONLY | os.O_DIRECT) as file:
        size = os.lseek(file, 0, os.SEEK_END)
        buffer = mmap.mmap(-1, size)
        done = 0
        while done < size:
            done += os.preadv(file, [memoryview(buffer)[done:done + 4 * MIB]], done)
        return bytes(buffer)


def image_of(host, snapshot, size):
    copy = Volume(host, f"image-{snapshot.snapshot_id}", block(), size, snapshot_source(snapshot.snapshot_id))
    with copy.used():
        found = image(copy.target)
    copy.delete()
    return found


def write_blocks(file, blocks, chance, size):
    buffer = mmap.mmap(-1, BLOCK)
    for number in blocks:
        buffer[:] = chance.randbytes(BLOCK)
        os.pwrite(file, buffer, number * BLOCK)


# MARK: restore, clone

def restored_into_a_larger_volume(host, seed):
    """Snapshot of a filesystem in use; restored and cloned larger, the filesystem has the new size and the old files."""
    for kind, size in (("ext4", 128 * MIB), ("xfs", 304 * MIB)):
        origin = Volume(host, f"origin-{kind}", mount(kind), size).up()
        run("bash", "-c", f"cp -a /usr/include/linux {origin.target}/ && cd {origin.target} && "
            "find linux -type f | xargs sha256sum > sums && sync -f .")
        shot = origin.snapshot(f"shot-{kind}")
        run("rm", "-rf", f"{origin.target}/linux")
        origin.down()
        for name, source in (("restored", snapshot_source(shot.snapshot_id)), ("cloned", volume_source(origin.id))):
            copy = Volume(host, f"{name}-{kind}", mount(kind), 2 * size, source)
            with copy.used():
                found = os.statvfs(copy.target)
                assert found.f_blocks * found.f_frsize > 1.7 * size, f"{kind}: {found.f_blocks * found.f_frsize} bytes"
                if name == "restored":
                    run("bash", "-c", f"cd {copy.target} && sha256sum --quiet -c sums")
                else:
                    assert not os.path.exists(f"{copy.target}/linux")
            copy.delete()
        expect("INVALID_ARGUMENT", Volume, host, "other", mount("xfs" if kind == "ext4" else "ext4"), 2 * size,
               snapshot_source(shot.snapshot_id))
        expect("INVALID_ARGUMENT", Volume, host, "other", block(), 2 * size, snapshot_source(shot.snapshot_id))
        origin.delete()
        host.client.DeleteSnapshot(snapshot_id=shot.snapshot_id)


def readers_share_what_was_restored(host, seed):
    """A snapshot of a filesystem in use has a journal to replay: many readers can have it all the same."""
    for kind, size in (("ext4", 64 * MIB), ("xfs", 304 * MIB)):
        origin = Volume(host, f"busy-{kind}", mount(kind), size).up()
        with open(f"{origin.target}/file", "w") as file:
            file.write("text")
            file.flush()
            os.fsync(file.fileno())
            shot = origin.snapshot(f"busy-{kind}")
        origin.down()
        shared = Volume(host, f"shared-{kind}", mount(kind, "MULTI_NODE_READER_ONLY"), 2 * size, snapshot_source(shot.snapshot_id))
        shared.up()
        assert os.statvfs(shared.target).f_blocks * os.statvfs(shared.target).f_frsize > 1.7 * size
        alone = Volume(host, f"alone-{kind}", mount(kind, "SINGLE_NODE_READER_ONLY"), 2 * size, snapshot_source(shot.snapshot_id))
        with alone.used():
            assert os.statvfs(alone.target).f_blocks * os.statvfs(alone.target).f_frsize > 1.7 * size
            with open(f"{alone.target}/file") as file:
                assert file.read() == "text"
        alone.delete()
        second = f"{shared.target}-2"
        host.lab.undo("umount", "--lazy", second)
        shared.node_publish(second)
        for target in (shared.target, second):
            with open(f"{target}/file") as file:
                assert file.read() == "text"
            try:
                os.open(f"{target}/new", os.O_CREAT | os.O_WRONLY)
                raise AssertionError("a reader can write")
            except OSError as error:
                assert error.errno == 30, error
        # Another node may read it too, none may write it.
        granted = host.client.ControllerPublishVolume(
            volume_id=shared.id, node_id=host.OTHER, volume_capability=shared.capability)
        assert dict(granted.publish_context) == shared.granted
        expect("FAILED_PRECONDITION", host.client.ControllerPublishVolume, volume_id=shared.id, node_id=host.OTHER,
               volume_capability=mount(kind))
        host.client.ControllerUnpublishVolume(volume_id=shared.id, node_id=host.OTHER)
        with open(f"{shared.target}/file") as file:
            assert file.read() == "text"
        shared.client.NodeUnpublishVolume(volume_id=shared.id, target_path=second)
        shared.down()
        # A new volume has nothing to read.
        empty = Volume(host, f"empty-{kind}", mount(kind, "MULTI_NODE_READER_ONLY"), size)
        empty.publish()
        expect("FAILED_PRECONDITION", empty.stage)
        host.client.NodeUnstageVolume(volume_id=empty.id, staging_target_path=empty.staging)
        host.client.ControllerUnpublishVolume(volume_id=empty.id, node_id=host.NODE)
        for volume in (origin, shared, empty):
            volume.delete()
        host.client.DeleteSnapshot(snapshot_id=shot.snapshot_id)


# MARK: group consistency

def a_group_snapshot_is_one_moment(host, seed):
    """A writer stamps members in turn; of each cut the members hold the same number, or the first ones are one ahead."""
    size, members = 4 * MIB, [Volume(host, f"member{number}", block(), 4 * MIB).up() for number in range(3)]
    stop, written = threading.Event(), [0]

    def write():
        buffer = mmap.mmap(-1, BLOCK)
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(opened(member.target)) for member in members]
            while not stop.is_set():
                number = written[0] + 1
                buffer[:8] = number.to_bytes(8, "little")
                for file in files:
                    os.pwrite(file, buffer, number % 512 * BLOCK)
                written[0] = number
    writer = threading.Thread(target=write)
    writer.start()
    cuts = []
    try:
        for number in range(10):
            time.sleep(random.Random(seed + number).random() * 0.1)
            before = written[0]
            group = host.client.CreateVolumeGroupSnapshot(
                name=f"cut{number}", source_volume_ids=[member.id for member in members]).group_snapshot
            cuts.append((before, group, written[0]))
    finally:
        stop.set()
        writer.join()
    for before, group, after in cuts:
        by_volume = {shot.source_volume_id: shot for shot in group.snapshots}
        last = []
        for member in members:
            found = image_of(host, by_volume[member.id], size)
            stamps = [int.from_bytes(found[slot * BLOCK:slot * BLOCK + 8], "little") for slot in range(512)]
            newest = max(stamps)
            for slot, stamp in enumerate(stamps):
                expected = newest - (newest - slot) % 512
                assert stamp == max(expected, 0), f"slot {slot} holds {stamp} where {newest} is there"
            last.append(newest)
        assert sorted(last, reverse=True) == last and last[0] - last[-1] <= 1, last
        assert before <= last[0] and last[-1] <= after + 1
        host.client.DeleteVolumeGroupSnapshot(group_snapshot_id=group.group_snapshot_id)
    for member in members:
        member.down()
        member.delete()
    return f"{len(cuts)} cuts over {written[0]} stamps"


# MARK: nodes

class Impatient:
    """A client that gives most of its attempts a deadline between half a millisecond and what such calls took so far."""

    SHORTEST_SECONDS, PATIENT_SECONDS = 0.0005, 20

    def __init__(self, host, chance, cut, longest):
        self.client, self.chance, self.cut, self.longest = Client(host.socket), chance, cut, longest

    def __getattr__(self, name):
        call, attempts = getattr(self.client, name), [0]

        def deadline():
            attempts[0] += 1
            if attempts[0] > 3 and self.chance.random() < 0.4:
                return self.PATIENT_SECONDS
            return self.SHORTEST_SECONDS * (self.longest[name] / self.SHORTEST_SECONDS) ** self.chance.random()

        def timed(seconds, **fields):
            begin = time.monotonic()
            answer = call(seconds=seconds, **fields)
            self.longest[name] = max(self.longest[name], time.monotonic() - begin)
            return answer

        def carry_out(**fields):
            answer = repeated(deadline, self.cut, timed, **fields)
            # Once more: it is done already.
            return repeated(deadline, self.cut, timed, **fields) if self.chance.random() < 0.3 else answer
        return carry_out


class Life:
    """One volume under an impatient client, and the text in it."""

    TEXT_BYTES = MIB

    def __init__(self, host, own, name, capability, size, text=None, source=None):
        self.host, self.own, self.name, self.capability, self.is_block = host, own, name, capability, capability.HasField("block")
        self.staging, self.target = f"{host.directory}/stage/{name}", f"{host.directory}/pods/{name}/mount"
        for path in (self.staging, self.target, f"{self.target}-ro"):
            host.lab.undo("umount", "--lazy", path)
        fields = {"volume_content_source": source} if source is not None else {}
        self.text = text
        self.made = own.CreateVolume(**request(
            name, size, volume_capabilities=[capability],
            parameters={"class": "bulk" if capability.mount.fs_type == "xfs" else "fast"}, **fields)).volume
        self.id = {"volume_id": self.made.volume_id}

    def up(self, readonly=False):
        granted = self.own.ControllerPublishVolume(
            **self.id, node_id=self.host.NODE, volume_capability=self.capability, volume_context=self.made.volume_context)
        self.fields = {
            **self.id, "publish_context": granted.publish_context, "staging_target_path": self.staging, "volume_capability": self.capability,
            "volume_context": self.made.volume_context}
        self.own.NodeStageVolume(**self.fields)
        self.own.NodePublishVolume(**self.fields, target_path=self.target, readonly=readonly)

    def down(self):
        self.own.NodeUnpublishVolume(**self.id, target_path=self.target)
        self.own.NodeUnstageVolume(**self.id, staging_target_path=self.staging)
        assert not os.path.exists(self.target), f"{self.target} is left over"

    def delete(self):
        self.own.ControllerUnpublishVolume(**self.id, node_id=self.host.NODE)
        self.own.DeleteVolume(**self.id)

    def write(self, chance):
        self.text = chance.randbytes(self.TEXT_BYTES)
        with opened(self.target if self.is_block else f"{self.target}/file", os.O_WRONLY | os.O_CREAT) as file:
            os.write(file, self.text)
            os.fsync(file)

    def check(self, target):
        with opened(target if self.is_block else f"{target}/file", os.O_RDONLY) as file:
            assert os.read(file, self.TEXT_BYTES) == self.text, f"{self.name}: reads otherwise"

    def has_grown(self, old):
        if self.is_block:
            with opened(self.target, os.O_RDONLY) as file:
                size = os.lseek(file, 0, os.SEEK_END)
        else:
            found = os.statvfs(self.target)
            size = found.f_blocks * found.f_frsize
        assert size > 1.6 * old, f"{self.name}: {size} bytes"


def may_grow_mounted_ext4():
    """With CAP_SYS_RESOURCE (linux/capability.h) only, which containers and sandboxes may lack."""
    with open("/proc/self/status") as file:
        return bool(int(re.search(r"CapEff:\s+(\w+)", file.read()).group(1), 16) >> 24 & 1)


def node_calls_cut_off_and_repeated(host, seed):
    """As `calls_cut_off_and_repeated`, of a node's calls, which mount, make filesystems and let them grow: none is lost, and nothing is left."""
    cut = collections.Counter()

    def there():
        return {entry.volume.volume_id for entry in host.client.ListVolumes().entries} | host.traces()
    before = there()
    longest = collections.defaultdict(lambda: 0.01, NodeStageVolume=0.3, NodeExpandVolume=0.05, NodeUnstageVolume=0.05, NodePublishVolume=0.02)

    def persistent(number, capability, size, chance, own):
        life = Life(host, own, f"life{number}", capability, size)
        life.up()
        life.write(chance)
        if not life.is_block:
            own.NodePublishVolume(**life.fields, target_path=f"{life.target}-ro", readonly=True)
            life.check(f"{life.target}-ro")
        own.ControllerExpandVolume(**life.id, capacity_range=csi.CapacityRange(required_bytes=2 * size), volume_capability=capability)
        # Else the next staging lets it grow.
        if capability.mount.fs_type != "ext4" or may_grow_mounted_ext4():
            own.NodeExpandVolume(
                **life.id, volume_path=life.target, staging_target_path=life.staging, volume_capability=capability,
                capacity_range=csi.CapacityRange(required_bytes=2 * size))
            life.has_grown(size)
        if not life.is_block:
            own.NodeUnpublishVolume(**life.id, target_path=f"{life.target}-ro")
        life.down()
        copy = Life(host, own, f"copy{number}", capability, 2 * size, life.text,
                    csi.VolumeContentSource(volume=csi.VolumeContentSource.VolumeSource(**life.id)))
        for one in (life, copy):
            one.up(readonly=one is life and not one.is_block)
            one.check(one.target)
            one.has_grown(size)
            one.down()
            one.delete()

    def ephemeral(number, chance, own):
        target = f"{host.directory}/pods/brief{number}/mount"
        host.lab.undo("umount", "--lazy", target)
        fields = {
            "volume_id": f"csi-brief{number}", "target_path": target, "volume_capability": mount(),
            "volume_context": {"csi.storage.k8s.io/ephemeral": "true", "size": "32Mi"}}
        own.NodePublishVolume(**fields)
        text = chance.randbytes(MIB)
        with open(f"{target}/file", "wb") as file:
            file.write(text)
        own.NodePublishVolume(**fields)
        with open(f"{target}/file", "rb") as file:
            assert file.read() == text
        own.NodeUnpublishVolume(volume_id=fields["volume_id"], target_path=target)
        assert not os.path.exists(target)

    def lead(number):
        chance = random.Random(seed * 100 + number)
        own = Impatient(host, chance, cut, longest)
        small, raw, large = (mount("ext4"), 32 * MIB), (block(), 8 * MIB), (mount("xfs"), 304 * MIB)
        kind = (small, raw, None, large, raw, small, None, small, raw, small)[number % 10]
        try:
            if kind is None:
                ephemeral(number, chance, own)
            else:
                persistent(number, *kind, chance, own)
        finally:
            own.client.close()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(lead, range(30)))
    # What was cut off last may still be ending; what a case before left in use goes with its last user, and is looked for each minute.
    for _ in range(1500):
        left = sorted(there() - before)
        if not left:
            return ", ".join(f"{code} {count}" for code, count in cut.most_common())
        time.sleep(0.05)
    raise AssertionError(f"left over: {left}")


def a_fenced_node_cannot_write(host, seed):
    """Two nodes: the first is given up while it writes; from then on it gets errors, and the second finds what was flushed."""
    second = host.node(host.OTHER)
    volume = Volume(host, "fenced", block(), 16 * MIB).up()
    flushed, problems = [0], []

    def write():
        buffer = mmap.mmap(-1, BLOCK)
        try:
            with opened(volume.target) as file:
                for number in range(1, 1 << 30):
                    buffer[:8] = number.to_bytes(8, "little")
                    os.pwrite(file, buffer, number % 1024 * BLOCK)
                    os.fdatasync(file)
                    flushed[0] = number
        except OSError as error:
            problems.append(error)
    held = os.open(volume.target, DIRECT)
    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    while flushed[0] < 50:
        time.sleep(0.01)
    # As after a node was lost: nothing is unpublished or unstaged there.
    host.client.ControllerUnpublishVolume(volume_id=volume.id, node_id=host.NODE)
    writer.join(20)
    assert not writer.is_alive() and problems and problems[0].errno == 5, f"the fenced node writes on: {problems}"
    known = flushed[0]
    again = Volume(host, "fenced", block(), 16 * MIB, node=(host.OTHER, second))
    again.staging, again.target = f"{volume.staging}-2", f"{volume.target}-2"
    host.lab.undo("umount", "--lazy", again.target)
    again.up()
    found = image(again.target)
    newest = max(int.from_bytes(found[slot * BLOCK:slot * BLOCK + 8], "little") for slot in range(1024))
    assert newest in (known, known + 1), f"{newest} is there, {known} was flushed"
    # The old permission is worth nothing.
    expect("FAILED_PRECONDITION", volume.stage)
    with contextlib.suppress(OSError):
        os.pwrite(held, mmap.mmap(-1, BLOCK), 0)
        os.fdatasync(held)
        raise AssertionError("the fenced device takes writes")
    os.close(held)
    assert image(again.target) == found
    expect("FAILED_PRECONDITION", host.client.ControllerPublishVolume, volume_id=volume.id, node_id=host.NODE, volume_capability=block())
    again.down()
    with contextlib.suppress(Refused):
        volume.node.NodeUnpublishVolume(volume_id=volume.id, target_path=volume.target)
    volume.node.NodeUnstageVolume(volume_id=volume.id, staging_target_path=volume.staging)
    volume.delete()
    return f"{known} flushed writes"


def paths_may_be_long(host, seed):
    for length in (130, 500, 1500):
        volume = Volume(host, f"long{length}", mount("ext4"), 32 * MIB)
        tail = "/".join(["p" * 100] * (length // 100))
        volume.staging, volume.target = f"{host.directory}/stage/{tail}/s", f"{host.directory}/pods/{tail}/t"
        with volume.used():
            with open(f"{volume.target}/file", "w") as file:
                file.write("x")
            assert host.client.NodeGetVolumeStats(volume_id=volume.id, volume_path=volume.target).usage[0].total > 0
        assert not os.path.exists(volume.target)
        volume.delete()
    expect("INVALID_ARGUMENT", host.client.NodePublishVolume, volume_id="x", target_path="/" + "p" * 5000, volume_capability=block())
    expect("INVALID_ARGUMENT", host.client.NodePublishVolume, volume_id="x", target_path="/a/../b", volume_capability=block())


def ephemeral_volumes_live_with_their_pod(host, seed):
    client, target, handle = host.client, f"{host.directory}/pods/inline/mount", "csi-0123456789abcdef"
    host.lab.undo("umount", "--lazy", target)
    context = {"csi.storage.k8s.io/ephemeral": "true", "csi.storage.k8s.io/pod.uid": "1", "size": "64Mi"}
    for _ in range(2):
        client.NodePublishVolume(volume_id=handle, target_path=target, volume_capability=mount(), volume_context=context)
    with open(f"{target}/file", "w") as file:
        file.write("x")
    assert len(client.ListVolumes().entries) == 1
    assert client.NodeGetVolumeStats(volume_id=handle, volume_path=target).usage[0].total <= 64 * MIB
    for _ in range(2):
        client.NodeUnpublishVolume(volume_id=handle, target_path=target)
    assert not client.ListVolumes().entries and not os.path.exists(target)
    for wrong, code in (({"size": "11Gi"}, "OUT_OF_RANGE"), ({"mkfsOptions": "-m 1"}, "INVALID_ARGUMENT"), ({"sizee": "1Gi"}, "INVALID_ARGUMENT")):
        expect(code, client.NodePublishVolume, volume_id=handle, target_path=target, volume_capability=mount(),
               volume_context={**context, **wrong})
    # What is final leaves nothing, though the volume was made before it was found out.
    odd = mount()
    odd.mount.mount_flags.append("nosuch")
    expect("INVALID_ARGUMENT", client.NodePublishVolume, volume_id=handle, target_path=target, volume_capability=odd, volume_context=context)
    assert not client.ListVolumes().entries
    client.NodePublishVolume(volume_id=handle, target_path=target, volume_capability=mount(), volume_context=context)
    expect("FAILED_PRECONDITION", client.NodePublishVolume, volume_id=handle, target_path=f"{target}-2", volume_capability=mount(),
           volume_context=context)
    client.NodeUnpublishVolume(volume_id=handle, target_path=target)
    expect("INVALID_ARGUMENT", Volume, host, f"ephemeral:{handle}")
    assert not client.ListVolumes().entries


def limits_hold_live(host, seed):
    """By VolumeAttributesClass: what a volume may do changes while it is in use."""
    volume = Volume(host, "limited", block(), 64 * MIB).up()

    def rate(seconds=2.0):
        buffer, count = mmap.mmap(-1, BLOCK), 0
        with opened(volume.target) as file:
            begin = time.monotonic()
            while time.monotonic() < begin + seconds:
                os.pwrite(file, buffer, count % 1024 * BLOCK)
                count += 1
            return count / (time.monotonic() - begin)
    free = rate()
    host.client.ControllerModifyVolume(volume_id=volume.id, mutable_parameters={"iops": "200"})
    slow = rate(3)
    expect("INVALID_ARGUMENT", host.client.ControllerModifyVolume, volume_id=volume.id, mutable_parameters={"iops": "400", "iopss": "1"})
    still = rate(3)
    host.client.ControllerModifyVolume(volume_id=volume.id, mutable_parameters={"iops": "0"})
    again = rate()
    # More than the limit and its burst is wrong; less may be the machine's load.
    assert 120 <= slow <= 215 and 120 <= still <= 215 and again > 400 < free, (free, slow, still, again)
    volume.down()
    volume.delete()
    return f"{free:.0f}, {slow:.0f}, {still:.0f}, {again:.0f} writes/s"


def a_lost_drive_is_told(host, seed):
    """The last case: the host has one drive less afterwards."""
    client, volume = host.client, Volume(host, "health", mount("ext4"), 64 * MIB).up()
    run("dd", "if=/dev/urandom", f"of={volume.target}/file", "bs=1M", "count=16", "conv=fsync", "status=none")
    assert not client.ControllerListVolumeHealth().entries and not client.NodeGetStorageHealth().backend_health
    run("bash", "-c", f"xfs_io -x -c shutdown {host.drives[3]} && umount -l {host.drives[3]}")
    for _ in range(100):
        with open(f"{volume.target}/more", "w") as file:
            file.write("x")
            os.fsync(file.fileno())
        if client.NodeGetStorageHealth().backend_health:
            break
        time.sleep(0.1)
    told = client.NodeGetStorageHealth().backend_health
    assert [(csi.StorageHealthErrorType.Name(one.status), one.reason) for one in told] == [("STORAGE_DEGRADED", "MountpathsOut")], told
    assert host.drives[3] in told[0].message
    listed = client.ControllerListVolumeHealth().entries
    assert [one.volume_id for one in listed] == [volume.id]
    for health in (
            listed[0], client.ControllerGetVolumeHealth(volume_id=volume.id).volume_health,
            client.NodeGetVolumeHealth(volume_id=volume.id, volume_publish_path=volume.target).volume_health):
        assert [(csi.VolumeHealthErrorType.Name(one.status), one.reason) for one in health.health_statuses] == [
            ("DEGRADED", "RedundancyReduced")], health
    expect("NOT_FOUND", client.NodeGetVolumeHealth, volume_id=volume.id, volume_publish_path="/nowhere")
    volume.down()
    volume.delete()


CASES = [
    restored_into_a_larger_volume, readers_share_what_was_restored, a_group_snapshot_is_one_moment, a_fenced_node_cannot_write,
    node_calls_cut_off_and_repeated, paths_may_be_long, ephemeral_volumes_live_with_their_pod, limits_hold_live, a_lost_drive_is_told,
]
