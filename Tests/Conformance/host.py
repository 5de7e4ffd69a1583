"""A storage host to test against: six drives on loop devices, the real binary, and volumes as an orchestrator has them."""

import contextlib
import fcntl
import importlib.machinery
import importlib.util
import os
import re
import resource
import subprocess
import sys

sys.dont_write_bytecode = True
from client import ROOT, Client, block, csi, mount

sys.path.insert(0, f"{ROOT}/Tests/Bench")
# The bench's program has no suffix, and its lab is what is wanted here.
LOADER = importlib.machinery.SourceFileLoader("bench", f"{ROOT}/Tests/Bench/bench")
bench = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", LOADER))
LOADER.exec_module(bench)
Failed, run = bench.Failed, bench.run

MIB = 1 << 20
DRIVES, DRIVE_BYTES = 6, 3072 * MIB
# linux/loop.h; `struct loop_info64` is 232 bytes, lo_file_name 64 of them from byte 56 on.
LOOP_GET_STATUS64, LOOP_INFO_BYTES, LOOP_NAME = 0x4C05, 232, slice(56, 120)
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Lab(bench.Lab):
    """With sparse images: nothing is measured here."""

    def image(self, name, size):
        path = f"{self.directory}/{name}.img"
        with open(path, "wb") as file:
            file.truncate(size)
        return path

    def filesystem(self, name, size):
        device = self.loop(self.image(name, size))
        run("mkfs.ext4", "-q", "-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1", device)
        return self.mount(device, name)


def resident(process):
    """Bytes of memory."""
    with open(f"/proc/{process}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) * 1024


def loop_devices():
    """Those in use: "major:minor" -> (path, the name that its maker gave it)."""
    found = {}
    for name in os.listdir("/sys/block"):
        if not name.startswith("loop"):
            continue
        # Others take and leave loop devices at the same time.
        with contextlib.suppress(OSError):
            with open(f"/sys/block/{name}/dev") as file:
                number = file.read().strip()
            file = os.open(f"/dev/{name}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                status = fcntl.ioctl(file, LOOP_GET_STATUS64, bytes(LOOP_INFO_BYTES))
            finally:
                os.close(file)
            found[number] = (f"/dev/{name}", status[LOOP_NAME].split(b"\0")[0].decode(errors="replace"))
    return found


class Host:
    """`ashlar serve`; `options`: more of that part of the configuration; `descriptors`: how many its processes may have."""

    NODE, OTHER = "node-1", "node-2"

    def __init__(self, lab, options="", descriptors=None):
        self.limit = descriptors
        self.lab, self.directory, self.config = lab, lab.directory, f"{lab.directory}/ashlar.yaml"
        self.socket = f"{lab.directory}/run/csi.sock"
        for name in ("state", "run", "stage", "pods"):
            os.mkdir(f"{lab.directory}/{name}")
        run("mount", "-t", "tmpfs", "-o", "mode=0700", "ashlar-test", f"{lab.directory}/run")
        lab.undo("umount", "--lazy", f"{lab.directory}/run")
        self.drives = [lab.filesystem(f"d{number}", DRIVE_BYTES) for number in range(DRIVES)]
        self.log = open(f"{lab.directory}/log", "a")
        lab.callback(self.log.close)
        self.write(self.config, self.NODE, f"{{ socket: {self.socket}{options} }}")
        self.process = None
        self.start()

    def write(self, path, node, sockets):
        with open(path, "w") as file:
            file.write(
                f"stateDirectory: {self.directory}/state\nrunDirectory: {self.directory}/run\nlogLevel: debug\n"
                f"node: {{ id: {node}, host: {self.NODE} }}\notherNodes: [{self.OTHER}]\ncsi: {sockets}\npool:\n  mountpaths:\n"
                + "".join(f"    - {{ path: {drive}, media: nvme }}\n" for drive in self.drives)
                + "groups: [{ label: fast, profile: performance, protection: 'erasure(4,2)', sliceSize: 4Mi }]\n"
                "classes: [{ name: fast, group: fast, filesystem: ext4 }, { name: bulk, group: fast, filesystem: xfs }]\n"
                "defaultClass: fast\n")

    def start(self):
        self.process = self.run_process("serve", "--config", self.config)
        self.client = Client(self.socket).wait()

    def run_process(self, *words):
        child = subprocess.Popen(
            [bench.BINARY, *words], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True,
            preexec_fn=self.limit and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (self.limit, self.limit))))
        self.lab.callback(bench.stop, child)
        return child

    def said(self):
        with open(self.log.name) as file:
            return file.read()

    def traces(self):
        """What the machine has of this host's volumes, in words: mounts, loop devices, nodes in /dev/ashlar. Other hosts of the machine have
        theirs: a volume is ours where its id is in our log, which tells each device that is served."""
        ours = set(UUID.findall(self.said()))
        loops = {number: (path, name) for number, (path, name) in loop_devices().items() if name.removeprefix("ashlar/") in ours}
        found = {f"loop device {path} of {name}" for path, name in loops.values()}
        with contextlib.suppress(FileNotFoundError):
            found |= {f"/dev/ashlar/{name}" for name in os.listdir("/dev/ashlar") if name in ours or not UUID.fullmatch(name)}
        with open("/proc/self/mountinfo") as file:
            for line in file:
                number, root, path = line.split()[2:5]
                bound = root.removesuffix("//deleted").removeprefix("/ashlar/")
                if path.startswith(f"{self.directory}/") or number in loops or bound in ours:
                    found.add(f"mount of {number}{root} at {path}")
        return found

    def worker(self):
        """The process that serves; 0 where there is none."""
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError):
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                if len(words) > 2 and words[1] == b"worker" and self.config.encode() in words:
                    return int(name)
        return 0

    def node(self, name):
        """The node plugin of another node of the same machine."""
        config, socket = f"{self.directory}/{name}.yaml", f"{self.directory}/run/{name}.sock"
        self.write(config, name, f"{{ controllerSocket: {self.directory}/run/unused.sock, nodeSocket: {socket} }}")
        self.run_process("node", "--config", config)
        return Client(socket).wait()


class Volume:
    """One volume, its calls, and what is remembered of their answers."""

    def __init__(self, host, name, capability=None, size=64 * MIB, source=None, parameters=None, node=None):
        self.host, self.name, self.capability = host, name, capability or block()
        self.node_id, self.node = node or (host.NODE, host.client)
        fields = {"volume_content_source": source} if source is not None else {}
        self.made = host.client.CreateVolume(
            name=name, capacity_range=csi.CapacityRange(required_bytes=size), volume_capabilities=[self.capability],
            parameters=parameters or {"class": "bulk" if self.capability.mount.fs_type == "xfs" else "fast"}, **fields).volume
        self.id, self.context = self.made.volume_id, dict(self.made.volume_context)
        self.staging, self.target = f"{host.directory}/stage/{name}", f"{host.directory}/pods/{name}/mount"
        host.lab.undo("umount", "--lazy", self.staging)
        host.lab.undo("umount", "--lazy", self.target)

    @property
    def client(self):
        return self.host.client

    def publish(self):
        self.granted = dict(self.client.ControllerPublishVolume(
            volume_id=self.id, node_id=self.node_id, volume_capability=self.capability,
            volume_context=self.context).publish_context)

    def stage(self):
        self.node.NodeStageVolume(
            volume_id=self.id, publish_context=self.granted, staging_target_path=self.staging,
            volume_capability=self.capability, volume_context=self.context)

    def node_publish(self, target=None, readonly=False):
        self.node.NodePublishVolume(
            volume_id=self.id, publish_context=self.granted, staging_target_path=self.staging,
            target_path=target or self.target, volume_capability=self.capability, readonly=readonly,
            volume_context=self.context)

    def up(self):
        self.publish()
        self.stage()
        self.node_publish()
        return self

    def down(self):
        self.node.NodeUnpublishVolume(volume_id=self.id, target_path=self.target)
        self.node.NodeUnstageVolume(volume_id=self.id, staging_target_path=self.staging)
        self.client.ControllerUnpublishVolume(volume_id=self.id, node_id=self.node_id)

    def delete(self):
        self.client.DeleteVolume(volume_id=self.id)

    def snapshot(self, name):
        return self.client.CreateSnapshot(source_volume_id=self.id, name=name).snapshot

    @contextlib.contextmanager
    def used(self):
        self.up()
        try:
            yield self
        finally:
            self.down()


def snapshot_source(snapshot_id):
    return csi.VolumeContentSource(snapshot=csi.VolumeContentSource.SnapshotSource(snapshot_id=snapshot_id))


def volume_source(volume_id):
    return csi.VolumeContentSource(volume=csi.VolumeContentSource.VolumeSource(volume_id=volume_id))


__all__ = [name for name in dir() if not name.startswith("_")]
