"""Snapshots and clones: how long one takes, at two sizes, and what 1,000 of them cost reads.

The latencies are of calls to the control plane on idle volumes that are attached and synced: the ring is empty. For reads, volumes that
were filled and overwritten alike are read in turn, a moment each, before and after one of them has its snapshots or clones; the ratio of the
medians before tells how alike they were, and the ratio after is divided by it.
"""

import json
import os
import statistics
import subprocess

MIB = 1 << 20
IMAGE_BYTES = 1280 * MIB
LATENCY_BAR_MS = 10
READ_BAR = 0.97
SMALL_BYTES, LARGE_BYTES, LARGE_FILL_BYTES = 64 * MIB, 2048 * MIB, 1024 * MIB
READ_BYTES = 256 * MIB
COPIES = int(os.environ.get("COPIES", "1000"))
ROUNDS_BEFORE, ROUNDS_AFTER, SECONDS_EACH = 11, 15, 1
OVERWRITES = 8000
READ = "--rw=randread --bs=4k --iodepth=32 --ioengine=libaio --norandommap"
FILL = "--rw=write --bs=1M --iodepth=8 --ioengine=libaio --end_fsync=1"


class Copies:
    """`tools`: the bench's functions `run`, `fio`, `pairs`, `show_progress` and the path `BINARY`."""

    def __init__(self, lab, server, tools):
        self.lab, self.server, self.tools = lab, server, tools
        self.config = f"{lab.directory}/ashlar.yaml"

    def device(self, name, size, fill):
        """A raw volume, attached, its first `fill` bytes written."""
        path = self.server.publish_raw(self.lab, name, size)
        self.tools.show_progress(f"{name}: filling")
        self.tools.fio(path, FILL, size=fill)
        return path

    def time_copies(self, name, snapshots, clones=0, seconds_max=600):
        text = self.tools.run(
            self.tools.BINARY, "debug", "time-copies", name, "--snapshots", str(snapshots), "--clones", str(clones),
            "--config", self.config, "--output", "json", seconds_max=seconds_max)
        return json.loads(text)

    def latencies(self):
        for name, size, fill in (("64 MiB", SMALL_BYTES, SMALL_BYTES), ("2 GiB", LARGE_BYTES, LARGE_FILL_BYTES)):
            volume = name.replace(" ", "-")
            path = self.device(volume, size, fill)
            self.tools.run("sync", path)
            self.time_copies(volume, 3, 3)
            self.tools.show_progress(f"{name}: snapshots and clones")
            found = self.time_copies(volume, 30, 30)
            for what, times in (("snapshot", found["snapshotMilliseconds"]), ("clone", found["cloneMilliseconds"])):
                value = statistics.median(times)
                yield row(f"{what} of a volume of {name}", value, "ms", LATENCY_BAR_MS, LATENCY_BAR_MS / value, 1.0)
                yield row(f"{what} of a volume of {name}, longest of {len(times)}", max(times), "ms")

    def read(self, paths, rounds):
        """Each path's IO/s in each round; the paths take turns, and who is first changes."""
        figures = {name: [] for name in paths}
        for number in range(rounds):
            order = sorted(paths) if number % 2 == 0 else sorted(paths, reverse=True)
            for name in order:
                self.tools.show_progress(f"reads: {name}, {number + 1} of {rounds}")
                options = READ.replace("--rw", f"--randseed={number} --rw")
                figures[name].append(
                    self.tools.fio(paths[name], options, size=READ_BYTES, seconds=SECONDS_EACH)["read"]["iops"])
        return figures

    def overwrite(self, path):
        """In the background; the same writes whatever the path."""
        return subprocess.Popen(
            ["fio", "--name=bench", f"--filename={path}", f"--size={READ_BYTES}", "--direct=1", "--randseed=7",
             "--rw=randwrite", "--bs=4k", "--ioengine=libaio", "--iodepth=4", "--norandommap", "--fsync=64",
             f"--number_ios={OVERWRITES}", "--rate_iops=1000"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def reads(self):
        names = ("plain", "snapshotted", "cloned")
        paths = {name: self.device(name, READ_BYTES, READ_BYTES) for name in names}
        before = self.read(paths, ROUNDS_BEFORE)
        writers = [self.overwrite(path) for path in paths.values()]
        self.tools.show_progress(f"{COPIES} snapshots")
        snapshots = self.time_copies("snapshotted", COPIES)["snapshotMilliseconds"]
        for writer in writers:
            if writer.wait(300) != 0:
                raise RuntimeError("fio could not overwrite")
        self.tools.show_progress(f"{COPIES} clones")
        found = self.time_copies("cloned", 1, COPIES)
        clone = self.server.publish_block(self.lab, "clone", found["cloneIDs"][COPIES // 2])
        after = self.read({**paths, "clone": clone}, ROUNDS_AFTER)
        yield row(f"snapshot under writes, median of {COPIES}", statistics.median(snapshots), "ms")
        yield row(f"clone, median of {COPIES}", statistics.median(found["cloneMilliseconds"]), "ms")
        yield compared(f"4 KiB random read, {COPIES} snapshots", "snapshotted", "snapshotted", before, after)
        yield compared(f"4 KiB random read, snapshot has {COPIES} clones", "cloned", "cloned", before, after)
        yield compared(f"4 KiB random read of one of {COPIES} clones", "clone", "cloned", before, after)


def compared(name, measured, was, before, after):
    """The median of the rounds' ratios to the plain volume, over the same before."""
    def ratio(figures, key):
        return statistics.median(mine / plain for mine, plain in zip(figures[key], figures["plain"]))
    value, plain = statistics.median(after[measured]), statistics.median(after["plain"])
    return row(name, value, "IO/s", plain * ratio(before, was), ratio(after, measured) / ratio(before, was), READ_BAR)


def row(name, value, unit, baseline=None, ratio=None, bar=None):
    return {"name": name, "value": round(value, 2), "unit": unit, "baseline": baseline and round(baseline, 2),
            "ratio": ratio and round(ratio, 3), "bar": bar}


def measure(lab, server, tools):
    copies = Copies(lab, server, tools)
    return [*copies.latencies(), *copies.reads()]


def show(rows):
    print()
    for found in rows:
        verdict = "" if found["bar"] is None else "ok" if found["ratio"] >= found["bar"] else "below"
        compare = "" if found["bar"] is None else (
            f"{found['baseline']:12,.2f} {found['ratio']:7.3f} {found['bar']:5.2f} {verdict}")
        print(found["name"].ljust(58), f"{found['value']:12,.2f} {found['unit']:5}", compare)
