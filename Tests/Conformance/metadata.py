"""SnapshotMetadata: what is told of snapshots, held against what is in them."""

import random
import time
from threading import Event, Thread

from calls import expect
from client import block, csi
from host import MIB, Volume, resident, run
from storage import BLOCK, image_of, opened, write_blocks

# More than the buffers of a stream, and less than what is told of so much.
GROWTH_MAX = 32 * MIB

def ranges(messages, size, kind="VARIABLE_LENGTH", most=None):
    found = []
    for message in messages:
        assert csi.BlockMetadataType.Name(message.block_metadata_type) == kind
        assert message.volume_capacity_bytes == size
        assert most is None or len(message.block_metadata) <= most
        found += [(entry.byte_offset, entry.size_bytes) for entry in message.block_metadata]
    assert messages, "no message at all"
    for (offset, length), (following, _) in zip(found, found[1:]):
        assert offset + length <= following
    assert all(length > 0 and offset + length <= size for offset, length in found)
    return found


def applied(base, target, found):
    """The base with what is told to differ taken from the target."""
    result = bytearray(base.ljust(len(target), b"\0"))
    for offset, length in found:
        result[offset:offset + length] = target[offset:offset + length]
    return bytes(result)


def history(host, seed, name, size):
    """Snapshots of a raw volume with what was written and discarded between them; one was deleted since."""
    chance = random.Random(seed)
    volume = Volume(host, name, block(), size).up()
    shots = []
    with opened(volume.target) as file:
        for step in range(5):
            blocks = [chance.randrange(size // BLOCK) for _ in range(chance.randint(1, 300))]
            start = chance.randrange(size // BLOCK - 64)
            write_blocks(file, blocks + list(range(start, start + chance.randint(1, 64))), chance, size)
            if step:
                offset = chance.randrange(size // BLOCK // 2) * BLOCK
                run("blkdiscard", "-o", str(offset), "-l", str(64 * BLOCK), volume.target)
            shots.append(volume.snapshot(f"{name}-{step}"))
    gone = shots.pop(2)
    host.client.DeleteSnapshot(snapshot_id=gone.snapshot_id)
    return volume, shots, gone


def changed_blocks_make_the_new_image(host, seed):
    size, client = 32 * MIB, host.client
    volume, shots, gone = history(host, seed, "changed", size)
    images = [image_of(host, shot, size) for shot in shots]
    told = 0
    for index, shot in enumerate(shots):
        found = ranges(client.GetMetadataAllocated(snapshot_id=shot.snapshot_id), size)
        assert applied(bytes(size), images[index], found) == images[index]
        for earlier in range(index):
            fields = {"base_snapshot_id": shots[earlier].snapshot_id, "target_snapshot_id": shot.snapshot_id}
            found = ranges(client.GetMetadataDelta(**fields), size)
            assert applied(images[earlier], images[index], found) == images[index]
            told += len(found)
            # Resumed where somebody was cut off, in small messages: the same ranges again.
            for _ in range(3):
                offset, length = found[len(found) // 2] if found else (0, BLOCK)
                rest = ranges(client.GetMetadataDelta(**fields, starting_offset=offset + length, max_results=7), size, most=7)
                assert rest == [one for one in found if one[0] >= offset + length]
            inside = ranges(client.GetMetadataDelta(**fields, starting_offset=offset + BLOCK), size)
            assert not inside or inside[0][0] + inside[0][1] > offset + BLOCK
    first, last = shots[0].snapshot_id, shots[-1].snapshot_id
    assert ranges(client.GetMetadataDelta(base_snapshot_id=first, target_snapshot_id=last, starting_offset=size), size) == []
    for fields, code in (
            ({"snapshot_id": ""}, "INVALID_ARGUMENT"), ({"snapshot_id": "none"}, "NOT_FOUND"),
            ({"snapshot_id": gone.snapshot_id}, "NOT_FOUND"), ({"snapshot_id": first, "starting_offset": -1}, "OUT_OF_RANGE"),
            ({"snapshot_id": first, "starting_offset": size + 1}, "OUT_OF_RANGE"),
            ({"snapshot_id": first, "max_results": -1}, "INVALID_ARGUMENT")):
        expect(code, client.GetMetadataAllocated, **fields)
    expect("INVALID_ARGUMENT", client.GetMetadataDelta, base_snapshot_id=last, target_snapshot_id=first)
    other = Volume(host, "changed-other", block(), size)
    strange = other.snapshot("changed-other")
    expect("INVALID_ARGUMENT", client.GetMetadataDelta, base_snapshot_id=first, target_snapshot_id=strange.snapshot_id)
    expect("NOT_FOUND", client.GetMetadataDelta, base_snapshot_id=gone.snapshot_id, target_snapshot_id=last)
    assert ranges(client.GetMetadataAllocated(snapshot_id=strange.snapshot_id), size) == []
    volume.down()
    for one in shots + [strange]:
        client.DeleteSnapshot(snapshot_id=one.snapshot_id)
    volume.delete()
    other.delete()
    return f"{told} ranges"


class Memory:
    """The most that the engine's process had while this was open, above what it had before."""

    def __init__(self, host):
        self.process, self.most, self.ended = host.worker(), 0, Event()
        self.before = resident(self.process)

    def __enter__(self):
        self.thread = Thread(target=self.watch)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def watch(self):
        while not self.ended.wait(0.01):
            self.most = max(self.most, resident(self.process) - self.before)


def gigabytes_of_changes_in_bounded_memory(host, seed):
    """Every other block of a volume: as many ranges as so many bytes can have, to a reader that is fast, slow, or gone."""
    size, client = 4096 * MIB, host.client
    volume = Volume(host, "many", block(), size).up()
    before = volume.snapshot("many-before")
    run(*"fio --name=many --rw=write:4k --bs=4k --iodepth=32 --ioengine=libaio --direct=1 --end_fsync=1".split(),
        f"--filename={volume.target}", f"--size={size}", f"--io_size={size // 2}", seconds_max=300)
    after = volume.snapshot("many-after")
    expected = [(offset, BLOCK) for offset in range(0, size, 2 * BLOCK)]
    allocated = {"snapshot_id": after.snapshot_id}
    delta = {"base_snapshot_id": before.snapshot_id, "target_snapshot_id": after.snapshot_id}
    # What the map keeps in memory by its budget is there before.
    begin = time.monotonic()
    assert ranges(client.GetMetadataAllocated(**allocated), size) == expected
    seconds = time.monotonic() - begin
    told = [f"{len(expected)} ranges in {seconds:.1f} s"]
    for name, fields in (("GetMetadataAllocated", allocated), ("GetMetadataDelta", delta)):
        call = getattr(client, name)
        with Memory(host) as memory:
            assert ranges(call(**fields), size) == expected
            offset = expected[len(expected) // 2][0]
            assert ranges(call(**fields, starting_offset=offset), size) == [one for one in expected if one[0] >= offset]
            slow = 0
            with client.stream(name, **fields) as messages:
                for message in messages:
                    slow += len(message.block_metadata)
                    time.sleep(0.02)
            assert slow == len(expected)
            # One that reads no more, and goes.
            with client.stream(name, **fields) as messages:
                next(messages)
                time.sleep(2)
        assert memory.most < GROWTH_MAX, f"{name}: {memory.most >> 20} MiB more"
        told.append(f"{name}: {memory.most / MIB:.1f} MiB more than {memory.before >> 20} MiB")
    volume.down()
    for one in (before, after):
        client.DeleteSnapshot(snapshot_id=one.snapshot_id)
    volume.delete()
    return ", ".join(told)


CASES = [changed_blocks_make_the_new_image, gigabytes_of_changes_in_bounded_memory]
