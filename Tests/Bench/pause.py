"""How long I/O pauses when the worker is killed, and when another takes over.

Four raw volumes (or PAUSE_VOLUMES) are attached and written; one is watched by a prober that writes 4 KiB and flushes, one after the other. The pause is its longest
answer around each kill or upgrade. Then the worker is killed in the middle of a load on that volume, seconds after it began: what the next worker has to
read of the log grows with it. No I/O may fail.
"""

import json
import mmap
import os
import random
import signal
import statistics
import threading
import time

MIB = 1 << 20
VOLUMES = int(os.environ.get("PAUSE_VOLUMES", "4"))
VOLUME_BYTES = 1024 * MIB // VOLUMES
IMAGE_BYTES = 768 * MIB if VOLUMES <= 4 else 2048 * MIB
KILLS = int(os.environ.get("PAUSE_KILLS", "20"))
UPGRADES = int(os.environ.get("PAUSE_UPGRADES", "10"))
PAUSE_BAR_MS = 1000
BETWEEN_SECONDS = 1.5
SERVING_SECONDS_MAX = 30
LOADED_KILLS = int(os.environ.get("PAUSE_LOADED_KILLS", "5"))
LOAD_SECONDS = float(os.environ.get("PAUSE_LOAD_SECONDS", "8"))
LOADS = {
    "4 KiB random writes": "--rw=randwrite --bs=4k --iodepth=32 --ioengine=libaio --fsync=256 --norandommap",
    "4 KiB writes, each flushed": "--rw=randwrite --bs=4k --ioengine=psync --fdatasync=1",
    "1 MiB stream": "--rw=write --bs=1M --iodepth=8 --ioengine=libaio",
}


class Prober(threading.Thread):
    """Writes a block and flushes it, over and over; keeps the longest answer since it was last asked."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.descriptor = os.open(path, os.O_RDWR | os.O_DIRECT)
        self.buffer = mmap.mmap(-1, 4096)
        self.is_over, self.longest, self.count, self.failure = False, 0.0, 0, None

    def run(self):
        chance = random.Random(1)
        try:
            while not self.is_over:
                began = time.monotonic()
                os.pwrite(self.descriptor, self.buffer, chance.randrange(VOLUME_BYTES // 4096) * 4096)
                os.fdatasync(self.descriptor)
                self.longest = max(self.longest, time.monotonic() - began)
                self.count += 1
        except OSError as error:
            self.failure = error

    def take(self):
        longest, self.longest = self.longest, 0.0
        return longest

    def end(self):
        self.is_over = True
        self.join()
        os.close(self.descriptor)


class Pause:
    def __init__(self, lab, server, tools):
        self.lab, self.server, self.tools = lab, server, tools
        self.config = f"{lab.directory}/ashlar.yaml"

    def engine(self, *words):
        return json.loads(self.tools.run(
            self.tools.BINARY, "engine", *words, "--config", self.config, "--output", "json"))

    def wait_until_serving(self, but):
        end = time.monotonic() + SERVING_SECONDS_MAX
        while time.monotonic() < end:
            status = self.engine("status")
            if status["state"] == "serving" and status.get("workerProcess") not in (None, but):
                return status["workerProcess"]
            time.sleep(0.02)
        raise self.tools.Failed(f"no worker serves {SERVING_SECONDS_MAX} s after one was killed")

    def one(self, prober, change):
        """The longest answer around `change`, in milliseconds."""
        worker = self.engine("status")["workerProcess"]
        prober.take()
        change(worker)
        self.wait_until_serving(worker)
        before = prober.count
        while prober.count < before + 2 and prober.failure is None:
            time.sleep(0.01)
        if prober.failure:
            raise self.tools.Failed(f"I/O failed: {prober.failure}")
        longest = prober.take() * 1e3
        time.sleep(BETWEEN_SECONDS)
        return longest

    def rows(self, prober, name, count, change):
        found = []
        for number in range(count):
            self.tools.show_progress(f"pause on {name}: {number + 1} of {count}")
            found.append(self.one(prober, change))
        yield row(f"pause on {name}, median of {count}", statistics.median(found))
        yield row(f"pause on {name}, longest", max(found), PAUSE_BAR_MS)

    def loaded(self, prober, path, load, options):
        """Kills in the middle of a load, and waits for its end."""
        found = []
        for number in range(LOADED_KILLS):
            self.tools.show_progress(f"pause under {load}: {number + 1} of {LOADED_KILLS}")
            failures = []

            def run():
                try:
                    self.tools.fio(path, options, size=VOLUME_BYTES, seconds=LOAD_SECONDS + 2)
                except self.tools.Failed as error:
                    failures.append(error)

            thread = threading.Thread(target=run)
            thread.start()
            time.sleep(LOAD_SECONDS)
            found.append(self.one(prober, self.kill))
            thread.join()
            if failures:
                raise failures[0]
        yield row(f"pause on kill under {load}, median of {LOADED_KILLS}", statistics.median(found))
        yield row(f"pause on kill under {load}, longest", max(found), PAUSE_BAR_MS)

    def kill(self, worker):
        os.kill(worker, signal.SIGKILL)

    def upgrade(self, worker):
        self.engine("upgrade")


def row(name, value, bar=None):
    """`bar`: the most; the ratio is what is left of it."""
    return {"name": name, "value": round(value, 1), "unit": "ms", "baseline": bar, "ratio": bar and round(bar / value, 3),
            "bar": bar and 1.0}


def measure(lab, server, tools):
    pause = Pause(lab, server, tools)
    paths = [server.publish_raw(lab, f"pause-{number}", VOLUME_BYTES) for number in range(VOLUMES)]
    for path in paths:
        tools.fio(path, "--rw=write --bs=1M --iodepth=8 --ioengine=libaio --end_fsync=1", size=VOLUME_BYTES)
    prober = Prober(paths[0])
    prober.start()
    try:
        return [*pause.rows(prober, "kill -9 of the worker", KILLS, pause.kill),
                *pause.rows(prober, "upgrade", UPGRADES, pause.upgrade),
                *(row for load, options in LOADS.items() for row in pause.loaded(prober, paths[0], load, options))]
    finally:
        prober.end()
