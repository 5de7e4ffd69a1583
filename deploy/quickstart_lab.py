"""A small storage host for the quickstart: drives that can be lost, one `ashlar serve`, its CSI socket, and a clean end.

Everything lives in one directory: what is mounted below it, the loop devices on files in it and the process whose
configuration is in it are this lab's, and nothing else is ever touched.
"""

import fcntl
import glob
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

PREFIX = "ashlar-quickstart."
DRIVE_COUNT = 10
DRIVE_SIZE = "3G"
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 30
CALL_SECONDS_MAX = 90

LOOP_GET_STATUS64 = 0x4C05
LOOP_NAME_OFFSET = 56  # lo_file_name in struct loop_info64, linux/loop.h


class Failed(Exception):
    """A step did not do what it promises; the text says what happened."""


def run(*command, cwd=None, stdin=None, seconds=CALL_SECONDS_MAX):
    """Runs a command and gives its output; `Failed` with what it said where it does not end with 0."""
    try:
        done = subprocess.run(
            command, cwd=cwd, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(command)}: no end after {seconds} s") from None
    except OSError as error:
        raise Failed(f"{' '.join(command)}: {error}") from None
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout.strip()[-2000:]}")
    return done.stdout


class Drive:
    """One mountpath: an ext4 image of its own on a loop device of its own."""

    def __init__(self, directory, index):
        self.image = f"{directory}/drive{index}.img"
        self.path = f"{directory}/d{index}"

    def make(self):
        with open(self.image, "wb") as image:
            os.truncate(image.fileno(), int(DRIVE_SIZE[:-1]) << 30)
        os.mkdir(self.path)
        run("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1", self.image)
        self.mount()

    def mount(self):
        device = run("losetup", "--find", "--show", "--direct-io=on", self.image).strip().splitlines()[-1]
        run("mount", "-t", "ext4", "-o", "noatime", device, self.path)

    def unmount(self):
        run("umount", self.path)
        detach_loops(self.image)

    def lose(self):
        """As if it were pulled out: from now on every access fails; nothing that waits in memory reaches it."""
        run("xfs_io", "-x", "-c", "shutdown", self.path)
        run("umount", "--lazy", self.path)
        detach_loops(self.image)


class Lab:
    """Ten drives and at most one running `ashlar serve`."""

    def __init__(self, binary):
        self.binary = binary
        base = os.environ.get("ASHLAR_QUICKSTART_DIR", "/var/tmp")
        self.directory = tempfile.mkdtemp(prefix=PREFIX, dir=base)
        # Held while this run lives: the next one takes away what a killed one left.
        self.lock = open(f"{self.directory}/lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.log = f"{self.directory}/serve.log"
        self.config = f"{self.directory}/ashlar.yaml"
        self.socket = f"{self.directory}/run/csi.sock"
        self.drives = []
        self.server = None
        self.devices = set()

    def make_pool(self):
        """Ten empty drives and a configuration with the default groups and classes; nothing of an earlier pool is left."""
        for drive in self.drives:
            drive.unmount()
            os.rmdir(drive.path)
        for name in ("state", "run"):
            shutil.rmtree(f"{self.directory}/{name}", ignore_errors=True)
            os.mkdir(f"{self.directory}/{name}")
        self.drives = [Drive(self.directory, index) for index in range(DRIVE_COUNT)]
        for drive in self.drives:
            drive.make()
        mountpaths = "".join(f"    - {{ path: {drive.path}, media: nvme }}\n" for drive in self.drives)
        with open(self.config, "w") as config:
            config.write(
                f"stateDirectory: {self.directory}/state\nrunDirectory: {self.directory}/run\n"
                f"node: {{ id: quickstart }}\ncsi: {{ socket: {self.socket} }}\npool:\n  mountpaths:\n{mountpaths}")

    def start(self):
        with open(self.log, "a") as log:
            self.server = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", self.binary, "serve", "--config", self.config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        with open(f"{self.directory}/serve.pid", "w") as file:
            file.write(str(self.server.pid))
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end:
            if self.server.poll() is not None:
                raise Failed(f"ashlar serve ended with exit code {self.server.returncode} instead of getting ready")
            if os.path.exists(self.socket):
                try:
                    if self.csi("probe").get("ready"):
                        return
                except Failed:
                    pass
            time.sleep(0.1)
        raise Failed(f"ashlar serve was not ready after {START_SECONDS_MAX} s")

    def stop(self):
        self.server.terminate()
        try:
            code = self.server.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise Failed(f"ashlar serve did not end {STOP_SECONDS_MAX} s after SIGTERM") from None
        self.server = None
        if code != 0:
            raise Failed(f"ashlar serve ended with exit code {code} after SIGTERM")

    def csi(self, *arguments):
        """One CSI call over the socket; its reply."""
        text = run(
            self.binary, "csi", *arguments, "--endpoint", self.socket, "--output", "json",
            "--timeout", str(CALL_SECONDS_MAX - 10))
        return json.loads(text)

    def look(self, *arguments):
        """One of the looking commands, as JSON."""
        return json.loads(run(self.binary, *arguments, "--config", self.config, "--output", "json"))

    def clean(self):
        """Takes everything away, whatever state it is in; what is left after it, as sentences."""
        ignored = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            problems = clean_directory(self.directory, self.devices)
        finally:
            for number, handler in ignored.items():
                signal.signal(number, handler)
        if self.server is not None:
            self.server.poll()
        return problems


def clean_killed_runs():
    """What runs left behind that were killed (SIGKILL) and could not clean up themselves. Runs that live are left alone."""
    for directory in glob.glob(os.path.join(os.environ.get("ASHLAR_QUICKSTART_DIR", "/var/tmp"), PREFIX + "*")):
        try:
            with open(f"{directory}/lock", "a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                print(f"removing what a killed run left in {directory}")
                clean_directory(directory, set())
        except OSError:
            continue


def clean_directory(directory, devices):
    # Filesystems on our volumes first, while somebody still answers for their devices.
    devices = devices | {source for path, source in mounts(directory) if volume_loop(source)}
    for path, source in reversed(mounts(directory)):
        if source in devices or path.startswith(f"{directory}/volumes/"):
            quiet("umount", path) or quiet("umount", "--lazy", path)
    end_processes(directory)
    for path, _ in reversed(mounts(directory)):
        quiet("umount", path) or quiet("umount", "--lazy", path)
    for device in devices:
        if volume_loop(device):
            quiet("losetup", "--detach", device)
    for image in glob.glob(f"{directory}/*.img"):
        detach_loops(image)
    wait_until(lambda: not left_behind(directory, devices), 5)
    problems = left_behind(directory, devices)
    if not mounts(directory):
        shutil.rmtree(directory, ignore_errors=True)
    if os.path.exists(directory):
        problems.append(f"directory {directory}")
    return problems


def left_behind(directory, devices):
    """Mounts, loop devices and processes of the lab in `directory`, from the kernel's own lists."""
    found = [f"mount {path}" for path, _ in mounts(directory)]
    found += [f"process {number}" for number in processes(directory)]
    found += [f"loop device {device} of a volume" for device in devices if volume_loop(device)]
    for path in glob.glob("/sys/block/loop*/loop/backing_file"):
        try:
            with open(path) as file:
                if file.read().startswith(directory + "/"):
                    found.append(f"loop device /dev/{path.split('/')[3]}")
        except OSError:
            pass
    return found


def mounts(directory):
    """(mount point, source) of every mount at or below `directory`, in the order they were made."""
    found = []
    with open("/proc/self/mountinfo") as table:
        for line in table:
            fields = line.split()
            path = fields[4].encode().decode("unicode_escape")
            if path.startswith(directory + "/"):
                found.append((path, fields[fields.index("-") + 2]))
    return found


def volume_loop(device):
    """The volume id in the name of a loop device that a volume is served on; None for every other device."""
    try:
        with open(device, "rb") as file:
            status = fcntl.ioctl(file, LOOP_GET_STATUS64, bytes(232))
    except OSError:
        return None
    name = status[LOOP_NAME_OFFSET:LOOP_NAME_OFFSET + 64].split(b"\0")[0].decode(errors="replace")
    return name.removeprefix("ashlar/") if name.startswith("ashlar/") else None


def detach_loops(image):
    for path in glob.glob("/sys/block/loop*/loop/backing_file"):
        try:
            with open(path) as file:
                if file.read().strip() == image:
                    quiet("losetup", "--detach", "/dev/" + path.split("/")[3])
        except OSError:
            pass


def processes(directory):
    """The `ashlar serve` of the lab in `directory`: what was started with its configuration."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        number = int(path.split("/")[2])
        try:
            with open(path, "rb") as file:
                if f"\0--config\0{directory}/ashlar.yaml\0".encode() in file.read():
                    found.append(number)
        except OSError:
            pass
    return found


def end_processes(directory):
    for number, seconds in ((signal.SIGTERM, 20), (signal.SIGKILL, 5)):
        for process in processes(directory):
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass
        if wait_until(lambda: not processes(directory), seconds):
            return


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        reap()
        time.sleep(0.1)
    return True


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def quiet(*command):
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20).returncode == 0
    except (subprocess.TimeoutExpired, OSError):
        return False
