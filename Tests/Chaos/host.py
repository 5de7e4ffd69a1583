"""A storage host for chaos: drives, the three processes apart, a supervisor that starts again what ended, and its volumes.

Everything is below one directory; what was made is undone at the end, whatever happens.
"""

import contextlib
import importlib.machinery
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, f"{ROOT}/Tests/Bench")
# The bench's program has no suffix, and its lab is what is wanted here.
LOADER = importlib.machinery.SourceFileLoader("bench", f"{ROOT}/Tests/Bench/bench")
bench = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", LOADER))
LOADER.exec_module(bench)
Failed, run, pairs = bench.Failed, bench.run, bench.pairs

MIB = 1 << 20
DRIVES = 6
DRIVE_BYTES = 3072 * MIB
READY_SECONDS_MAX = 30
# Starting again a process that was killed, as a supervisor does.
RESTART_SECONDS = 0.05


class Lab(bench.Lab):
    def image(self, name, size):
        """Sparse: nothing is measured here but pauses."""
        path = f"{self.directory}/{name}.img"
        with open(path, "wb") as file:
            file.truncate(size)
        return path

    def filesystem(self, name, size):
        device = self.loop(self.image(name, size))
        run("mkfs.ext4", "-q", "-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1", device)
        return self.mount(device, name)

    def loop(self, image):
        """Others take loop devices at the same time."""
        for attempt in range(50):
            try:
                device = run("losetup", "--find", "--show", "--direct-io=on", image).strip()
                break
            except Failed:
                if attempt == 49:
                    raise
                time.sleep(0.05)
        self.undo("losetup", "--detach", device)
        return device


class Supervised:
    """One process of the binary, started again whenever it ends, until `stop`."""

    def __init__(self, host, name):
        self.host, self.name, self.stopping, self.starts = host, name, False, 0
        self.child = self.start()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def start(self):
        self.starts += 1
        return subprocess.Popen(
            [bench.BINARY, self.name, "--config", self.host.config], stdin=subprocess.DEVNULL, stdout=self.host.log,
            stderr=self.host.log, start_new_session=True)

    def watch(self):
        while True:
            self.child.wait()
            if self.stopping:
                return
            time.sleep(RESTART_SECONDS)
            if not self.stopping:
                self.child = self.start()

    def kill(self):
        self.child.send_signal(signal.SIGKILL)

    def stop(self):
        """In order, then by force. Returns the exit code."""
        self.stopping = True
        with contextlib.suppress(ProcessLookupError):
            self.child.terminate()
        try:
            return self.child.wait(bench.STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return self.child.wait()


class Host:
    def __init__(self, lab):
        self.lab, self.directory = lab, lab.directory
        self.config = f"{lab.directory}/ashlar.yaml"
        self.log = open(f"{lab.directory}/log", "w")
        lab.callback(self.log.close)
        for name in ("state", "run"):
            os.mkdir(f"{lab.directory}/{name}")
        # As /run is: the rings of unflushed writes lie there.
        run("mount", "-t", "tmpfs", "-o", "mode=0700", "ashlar-chaos", f"{lab.directory}/run")
        lab.undo("umount", "--lazy", f"{lab.directory}/run")
        drives = [lab.filesystem(f"d{index}", DRIVE_BYTES) for index in range(DRIVES)]
        with open(self.config, "w") as file:
            file.write(
                f"stateDirectory: {lab.directory}/state\nrunDirectory: {lab.directory}/run\nnode: {{ id: chaos }}\n"
                f"csi: {{ controllerSocket: {self.socket('controller')}, nodeSocket: {self.socket('node')} }}\n"
                "engine: { ring: 16Mi }\npool:\n  mountpaths:\n"
                + "".join(f"    - {{ path: {drive}, media: nvme }}\n" for drive in drives)
                + "groups: [{ label: chaos, profile: performance, protection: 'erasure(4,2)', sliceSize: 4Mi }]\n"
                "classes: [{ name: ext4, group: chaos, filesystem: ext4 }, { name: xfs, group: chaos, filesystem: xfs }]\n"
                "defaultClass: ext4\n")
        lab.callback(self.kill_workers)
        self.processes = {}
        for name in ("engine", "controller", "node"):
            self.processes[name] = Supervised(self, name)
            lab.callback(self.processes[name].stop)
            self.wait(name)

    def socket(self, name):
        return f"{self.directory}/run/{name}.sock"

    def wait(self, name, seconds=READY_SECONDS_MAX):
        """Until the process answers."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(Failed, json.JSONDecodeError):
                if name == "engine":
                    if self.status()["state"] == "serving":
                        return
                elif os.path.exists(self.socket(name)) and self.csi(name, "probe").get("ready"):
                    return
            time.sleep(0.02)
        raise Failed(f"'ashlar {name}' is not ready after {seconds} s: {self.tail()}")

    def tail(self):
        with open(self.log.name) as file:
            return file.read()[-3000:]

    def csi(self, service, *arguments):
        return json.loads(run(
            bench.BINARY, "csi", *arguments, "--endpoint", self.socket(service), "--output", "json", seconds_max=60))

    def status(self):
        return json.loads(run(bench.BINARY, "engine", "status", "--config", self.config, "--output", "json", seconds_max=20))

    def workers(self):
        """Processes of this host's workers, from /proc: the holder need not be asked, nor live."""
        found = []
        for name in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if name.isdigit():
                    with open(f"/proc/{name}/cmdline", "rb") as file:
                        words = file.read().split(b"\0")
                    if len(words) > 2 and words[1] == b"worker" and self.config.encode() in words:
                        found.append(int(name))
        return found

    def kill_workers(self):
        """At the very end: one whose holder was killed and not started again."""
        for number in self.workers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)


class Volume:
    """Created, published and staged as an orchestrator would; `kind`: ext4, xfs, block."""

    def __init__(self, host, name, kind, size):
        self.host, self.name, self.kind = host, name, kind
        self.access, self.size = ["--block"] if kind == "block" else [], size
        made = self.create()
        self.number = made["volumeId"]
        self.context = pairs("--volume-context", made.get("volumeContext"))
        reply = host.csi(
            "controller", "controller-publish-volume", self.number, "--node-id", "chaos", *self.context, *self.access)
        self.context += pairs("--publish-context", reply.get("publishContext"))
        self.staging, self.target = f"{host.directory}/{name}.staging", f"{host.directory}/{name}.pod"
        os.mkdir(self.staging)
        host.lab.undo("umount", "--lazy", self.staging)
        host.lab.undo("umount", "--lazy", self.target)
        self.stage()
        self.publish()
        self.device = self.find_device()

    def create(self):
        return self.host.csi(
            "controller", "create-volume", self.name, "--required-bytes", str(self.size),
            "--parameter", f"class={'ext4' if self.kind == 'block' else self.kind}", *self.access)["volume"]

    def stage(self):
        self.host.csi(
            "node", "node-stage-volume", self.number, "--staging-target-path", self.staging, *self.context, *self.access)

    def publish(self):
        self.host.csi(
            "node", "node-publish-volume", self.number, "--staging-target-path", self.staging,
            "--target-path", self.target, *self.context, *self.access)

    def find_device(self):
        if self.kind == "block":
            return f"/dev/{os.path.basename(os.path.realpath(f'/sys/dev/block/{self.major_minor()}'))}"
        return run("findmnt", "--noheadings", "--output", "SOURCE", self.target).strip()

    def major_minor(self):
        number = os.stat(self.target).st_rdev
        return f"{os.major(number)}:{os.minor(number)}"

    def file(self):
        return self.target if self.kind == "block" else f"{self.target}/file"

    def take_down(self):
        """Checks the filesystem while its device is there. Returns what is wrong."""
        problems = []
        self.host.csi("node", "node-unpublish-volume", self.number, "--target-path", self.target)
        if self.kind != "block":
            run("umount", self.staging)
            # A tree of extents that could be smaller is no damage.
            command = ("e2fsck", "-fn", "-E", "no_optimize_extents") if self.kind == "ext4" else ("xfs_repair", "-n")
            result = subprocess.run([*command, self.device], capture_output=True, text=True, timeout=300)
            if result.returncode != 0:
                problems.append(f"{self.name}: {command[0]} ends with {result.returncode}: {result.stdout[-500:]}")
        self.host.csi("node", "node-unstage-volume", self.number, "--staging-target-path", self.staging)
        self.host.csi("controller", "controller-unpublish-volume", self.number, "--node-id", "chaos")
        self.host.csi("controller", "delete-volume", self.number)
        if os.path.exists(f"/sys/block/{os.path.basename(self.device)}/loop"):
            with open(f"/sys/block/{os.path.basename(self.device)}/loop/backing_file") as file:
                problems.append(f"{self.name}: {self.device} is left over {file.read().strip()}")
        return problems
