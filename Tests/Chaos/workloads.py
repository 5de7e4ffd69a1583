"""What pods do while processes die. A workload has `start`, `stop` (which waits) and `problems`, a list of texts: it is empty where all went well.

To add one: a class with these three, and a line in `chaos` that gives it a volume.
"""

import contextlib
import mmap
import os
import subprocess
import threading
import time

from host import MIB, Failed, run


class Workload:
    """Runs `round` again and again on a thread of its own."""

    def __init__(self):
        self.problems, self.stopping, self.rounds, self.longest = [], threading.Event(), 0, 0.0
        self.thread = threading.Thread(target=self.work, daemon=True)

    def start(self):
        self.thread.start()

    def work(self):
        while not self.stopping.is_set() and not self.problems:
            begin = time.monotonic()
            try:
                self.round()
                self.rounds += 1
                self.longest = max(self.longest, time.monotonic() - begin)
            except (Failed, OSError, subprocess.TimeoutExpired) as error:
                self.problems.append(f"{self}: {error}")

    def stop(self, seconds_max=120):
        self.stopping.set()
        self.thread.join(seconds_max)
        if self.thread.is_alive():
            self.problems.append(f"{self}: did not end in {seconds_max} s")


class Fio(Workload):
    """Random writes with checksums, read again and compared a little later."""

    ROUND_SECONDS = 8
    BYTES = 96 * MIB

    def __init__(self, volume, seed, verify=True):
        super().__init__()
        self.volume, self.seed, self.verify = volume, seed, verify

    def __str__(self):
        return f"fio on {self.volume.kind}"

    def round(self):
        verify = ["--verify=crc32c", "--verify_fatal=1", "--verify_backlog=256", "--verify_state_save=0"]
        run("fio", "--name=chaos", f"--filename={self.volume.file()}", f"--size={self.BYTES}", "--direct=1", "--ioengine=libaio",
            "--rw=randwrite", "--bsrange=4k-64k", "--iodepth=16", "--fsync=64", f"--randseed={self.seed + self.rounds}",
            f"--runtime={self.ROUND_SECONDS}", "--time_based", *(verify if self.verify else []), seconds_max=300)


class SmallMemory(Workload):
    """Files of four times the memory that the writer's group may use, written through the page cache, flushed, compared."""

    LIMIT = 64 * MIB

    def __init__(self, volume, verify=True):
        super().__init__()
        self.volume, self.verify = volume, verify
        self.group = self.make_group()
        if self.group is None:
            self.problems.append(f"{self}: this machine has no memory controller that takes a group's limit: nothing would hold the writer to it")

    def __str__(self):
        return f"writer with {self.LIMIT // MIB} MiB on {self.volume.kind}"

    def make_group(self):
        """cgroup v1's or v2's memory controller; None where this machine has neither."""
        for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
            path = f"{root}/ashlar-chaos.{os.getpid()}"
            if not os.path.exists(f"{root}/cgroup.procs"):
                continue
            with contextlib.suppress(OSError):
                os.mkdir(path)
                try:
                    # Without O_CREAT: where the controller is another hierarchy's, the file is not there.
                    with open(f"{path}/{limit}", "r+") as file:
                        file.write(str(self.LIMIT))
                except OSError:
                    os.rmdir(path)
                    continue
                self.volume.host.lab.callback(self.remove_group, path)
                return path
        return None

    def remove_group(self, path):
        for _ in range(50):
            with contextlib.suppress(OSError):
                os.rmdir(path)
                return
            time.sleep(0.1)

    def round(self):
        name, count = f"{self.volume.target}/big", 4 * self.LIMIT // MIB
        join = f"echo $BASHPID > {self.group}/cgroup.procs || {{ echo 'cannot move into {self.group}' >&2; exit 1; }}"
        compare = f"&& [ $(head -c {count}M {name} | sha256sum | cut -d ' ' -f 1) = $sum ]" if self.verify else ""
        run("bash", "-c", f"""{join}
            key=$RANDOM$RANDOM
            make() {{ openssl enc -aes-128-ctr -pass pass:$key -nosalt -pbkdf2 -iter 1 < /dev/zero 2> /dev/null | head -c {count}M; }}
            sum=$(make | sha256sum | cut -d ' ' -f 1)
            make | dd of={name} bs=1M iflag=fullblock conv=fsync status=none && echo 1 > /proc/sys/vm/drop_caches {compare}""",
            seconds_max=300)


class Prober(Workload):
    """One block at a time, written, flushed and read around the page cache: how long pods wait."""

    PAUSE_SECONDS = 0.003

    def __init__(self, volume, offset, verify=True):
        super().__init__()
        self.volume, self.offset, self.verify = volume, offset, verify
        self.buffer = mmap.mmap(-1, 4096)
        self.requests = []  # begin, end and what, of each
        self.file = None

    def __str__(self):
        return "prober"

    def round(self):
        if self.file is None:
            self.file = os.open(self.volume.file(), os.O_RDWR | os.O_DIRECT)
        text = b"%020d" % self.rounds
        self.buffer[:20] = text
        self.timed("write", lambda: os.pwrite(self.file, self.buffer, self.offset))
        self.timed("flush", lambda: os.fdatasync(self.file))
        self.timed("read", lambda: os.preadv(self.file, [self.buffer], self.offset))
        if self.verify and self.buffer[:20] != text:
            raise Failed(f"block {self.rounds} reads {bytes(self.buffer[:20])}")
        time.sleep(self.PAUSE_SECONDS)

    def timed(self, what, call):
        begin = time.monotonic()
        call()
        self.requests.append((begin, time.monotonic(), what))

    def stop(self, seconds_max=120):
        super().stop(seconds_max)
        if self.file is not None:
            os.close(self.file)

    def longest_after(self, moment):
        """Begin, end and kind of the longest request that was under way within a second of `moment`."""
        found = [request for request in self.requests if request[0] < moment + 1 and request[1] > moment]
        return max(found, key=lambda request: request[1] - request[0], default=None)
