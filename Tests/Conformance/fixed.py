"""SnapshotMetadata in blocks of one size: another host, whose configuration says so."""

from client import block
from host import MIB, Volume
from metadata import applied, history, ranges
from storage import BLOCK, image_of


def blocks_of_one_size(host, seed):
    size, client = 16 * MIB, host.client
    volume, shots, _ = history(host, seed, "fixed", size)
    images = [image_of(host, shot, size) for shot in shots]
    found = ranges(client.GetMetadataAllocated(snapshot_id=shots[0].snapshot_id, max_results=100), size, "FIXED_LENGTH", 100)
    assert {length for _, length in found} == {BLOCK}
    assert applied(bytes(size), images[0], found) == images[0]
    fields = {"base_snapshot_id": shots[0].snapshot_id, "target_snapshot_id": shots[-1].snapshot_id}
    changed = ranges(client.GetMetadataDelta(**fields), size, "FIXED_LENGTH")
    assert {length for _, length in changed} == {BLOCK}
    assert applied(images[0], images[-1], changed) == images[-1]
    offset = changed[len(changed) // 2][0]
    assert ranges(client.GetMetadataDelta(**fields, starting_offset=offset), size, "FIXED_LENGTH") == [
        one for one in changed if one[0] >= offset]
    volume.down()
    for shot in shots:
        client.DeleteSnapshot(snapshot_id=shot.snapshot_id)
    volume.delete()
    return f"{len(changed)} blocks"


CASES = [blocks_of_one_size]
