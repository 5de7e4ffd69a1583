"""What a process may have is bounded: another host, which may have few descriptors."""

import os

from client import block
from host import MIB, Host, Volume, run

DESCRIPTORS = 500
SIZE = 2048 * MIB
FIO = "fio --name=many --bs=1M --iodepth=4 --ioengine=libaio --direct=1 --randseed=7 --verify=crc32c"


def more_segments_than_descriptors(host, seed):
    """A volume of 768 slices, written and read back, and another beside it: slices that nobody uses are closed, in either."""
    first, second = [Volume(host, f"many-{number}", block(), SIZE).up() for number in range(2)]
    for volume in (first, second):
        run(*FIO.split(), "--rw=write", "--end_fsync=1", f"--filename={volume.target}", f"--size={SIZE}", seconds_max=300)
    most = 0
    for volume in (second, first, second):
        run(*FIO.split(), "--rw=randread", "--verify_only", f"--filename={volume.target}", f"--size={SIZE}", seconds_max=300)
        most = max(most, len(os.listdir(f"/proc/{host.worker()}/fd")))
    assert most < DESCRIPTORS, most
    for refusal in ("no space", "block lost", "taken out"):
        assert refusal not in host.said(), refusal
    for volume in (first, second):
        volume.down()
        volume.delete()
    return f"{2 * SIZE // (16 * MIB) * 6} slices, {most} descriptors at most after each pass, of {DESCRIPTORS}"


CASES = [more_segments_than_descriptors]
