"""A day's ageing in short: random overwrites of four times a volume's data, which takes 80 % of its group's segments.

The volume is raw, filled whole and then overwritten at depth 32 with a flush every 256 writes: anywhere, or nine writes of ten in a tenth of
it. Printed are garbage collection's amplification, (written + moved) / written, and the whole one, what slices got by what was written. At the
end the pool is stopped, checked with `ashlar fsck --data`, started, and the volume must have the bytes that it had.
"""

import hashlib
import json
import os
import time

MIB = 1 << 20
SLICE_BYTES = 4 * MIB
SEGMENTS = int(os.environ.get("AGEING_SEGMENTS", "200"))
ROUNDS = 4
FULL = 0.8
# name, fio's distribution, the most that garbage collection may write for each block (design section 9)
PATTERNS = (
    ("uniform", "random", 2.8),
    ("90 % of writes in 10 %", "zoned:90/10:10/90", 2.0),
)
FILL = "--rw=write --bs=1M --iodepth=8 --ioengine=libaio --end_fsync=1"
OVERWRITE = "--rw=randwrite --bs=4k --iodepth=32 --ioengine=libaio --norandommap --fsync=256"


def group(data):
    """Lines of the configuration: a group of its own, with `data` columns, of exactly so many segments."""
    return (
        f"  - {{ label: aged, profile: performance, protection: 'erasure({data},2)', media: [nvme], "
        f"sliceSize: {SLICE_BYTES // MIB}Mi, capacity: {SEGMENTS * data * SLICE_BYTES // MIB}Mi }}\n",
        "  - { name: aged, group: aged, filesystem: ext4 }\n")


def image_bytes(data):
    """A drive with room for its share of the group, moves, and the reserve that segments leave."""
    return (SEGMENTS * SLICE_BYTES + 256 * MIB) * 9 // 8 // (4 * MIB) * (4 * MIB)


class Ageing:
    """`server`: with the group; `tools`: the bench's functions."""

    def __init__(self, lab, server, tools, data):
        self.lab, self.server, self.tools = lab, server, tools
        self.config = f"{lab.directory}/ashlar.yaml"
        self.bytes = int(SEGMENTS * data * SLICE_BYTES * FULL) // MIB * MIB

    def attach(self, name):
        made = self.server.csi(
            "create-volume", name, "--required-bytes", str(self.bytes), "--parameter", "class=aged", "--block")["volume"]
        self.number = made["volumeId"]
        self.stage(made.get("volumeContext"))

    def stage(self, volume_context=None):
        context = self.tools.pairs("--volume-context", volume_context)
        reply = self.server.csi("controller-publish-volume", self.number, "--node-id", "bench", "--block", *context)
        context += self.tools.pairs("--publish-context", reply.get("publishContext"))
        staging, self.path = f"{self.lab.directory}/staging", f"{self.lab.directory}/pod"
        os.makedirs(staging, exist_ok=True)
        self.server.csi("node-stage-volume", self.number, "--staging-target-path", staging, "--block", *context)
        self.server.csi(
            "node-publish-volume", self.number, "--staging-target-path", staging, "--target-path", self.path, "--block",
            *context)
        self.lab.undo("umount", "--lazy", self.path)

    def detach(self):
        self.server.csi("node-unpublish-volume", self.number, "--target-path", self.path)
        self.server.csi("node-unstage-volume", self.number, "--staging-target-path", f"{self.lab.directory}/staging")
        self.server.csi("controller-unpublish-volume", self.number, "--node-id", "bench")

    def activity(self):
        text = self.tools.run(
            self.tools.BINARY, "volume", "show", self.number, "--config", self.config, "--output", "json")
        return json.loads(text)["activity"]

    def digest(self):
        found = hashlib.sha256()
        with open(self.path, "rb", buffering=0) as device:
            while part := device.read(4 * MIB):
                found.update(part)
        return found.hexdigest()

    def age(self, name, distribution, bar):
        self.attach("aged-" + distribution.split(":")[0])
        self.tools.show_progress(f"{name}: filling {self.bytes >> 20} MiB")
        self.tools.fio(self.path, FILL, size=self.bytes)
        before = self.activity()
        self.tools.show_progress(f"{name}: overwriting it {ROUNDS} times")
        began = time.monotonic()
        self.tools.fio(
            self.path, f"{OVERWRITE} --random_distribution={distribution} --io_size={ROUNDS * self.bytes}", size=self.bytes)
        seconds = time.monotonic() - began
        after = self.activity()
        written, moved, stored = (after[key] - before[key] for key in ("writtenBytes", "movedBytes", "storedBytes"))
        yield row(f"overwrites at 80 %, {name}: GC amplification", (written + moved) / written, "x", bar)
        yield row(f"overwrites at 80 %, {name}: with parity and headers", stored / written, "x")
        yield row(f"overwrites at 80 %, {name}: rate", written / 4096 / seconds, "IO/s")
        self.check(name)

    def check(self, name):
        self.tools.show_progress(f"{name}: checking")
        digest = self.digest()
        self.detach()
        self.server.stop()
        self.tools.run(self.tools.BINARY, "fsck", "--data", "--config", self.config, seconds_max=600)
        self.server.start()
        self.stage()
        if self.digest() != digest:
            raise self.tools.Failed(f"{name}: the volume is not what it was before the restart")
        self.detach()
        self.server.csi("delete-volume", self.number)


def row(name, value, unit, bar=None):
    """`bar`: the most; the ratio is what is left of it."""
    return {"name": name, "value": round(value, 2), "unit": unit, "baseline": bar, "ratio": bar and round(bar / value, 3),
            "bar": bar and 1.0}


def measure(lab, server, tools, data):
    ageing = Ageing(lab, server, tools, data)
    found = []
    for pattern in PATTERNS:
        found += ageing.age(*pattern)
    return found
