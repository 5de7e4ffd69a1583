"""Databases while processes die: PostgreSQL under pgbench, and SQLite with synchronous=FULL.

What a database was told to be committed must be there afterwards, and its own checkers must find nothing.
"""

import glob
import os
import pwd
import re
import sqlite3
import subprocess

from host import Failed
from workloads import Workload

TOOL_SECONDS_MAX = 600
# What PostgreSQL must not say. Slow I/O is no error.
COMPLAINTS = re.compile(r"\b(ERROR|FATAL|PANIC):|could not|invalid page|checksum failure")


class PostgreSQL(Workload):
    """A cluster with data checksums; every transaction of pgbench is one row of pgbench_history. A round is some seconds of it."""

    SCALE, CLIENTS, ROUND_SECONDS = 5, 4, 8
    SETTINGS = "-c listen_addresses='' -c autovacuum=off -c checkpoint_timeout=30s -c min_wal_size=32MB -c max_wal_size=96MB"

    def __init__(self, volume):
        super().__init__()
        self.volume, self.committed = volume, 0
        self.data = f"{volume.target}/postgresql"
        self.scratch = f"{volume.host.directory}/postgresql"
        self.log = f"{self.scratch}/server.log"
        versions = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not versions:
            raise Failed("PostgreSQL is not installed: apt-get install postgresql")
        self.bin, user = versions[-1], pwd.getpwnam("postgres")
        # Its server is another user, and the socket and log are below the lab's directory.
        os.chmod(volume.host.directory, 0o711)
        for path in (self.data, self.scratch):
            os.makedirs(path, mode=0o700)
            os.chown(path, user.pw_uid, user.pw_gid)
        self.run("initdb", "--data-checksums", "--auth=trust", "--no-instructions", "-D", self.data)
        volume.host.lab.callback(self.abandon)
        self.run("pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", "120",
                 "-o", f"{self.SETTINGS} -c unix_socket_directories='{self.scratch}'", "start")
        self.run("createdb", "-h", self.scratch, "bench")
        self.run("pgbench", "-h", self.scratch, "-i", "-q", "-s", str(self.SCALE), "bench")
        self.query("create extension amcheck")

    def __str__(self):
        return "PostgreSQL"

    def round(self):
        output = self.run("pgbench", "-h", self.scratch, "-n", "-c", str(self.CLIENTS), "-j", "2", "-T", str(self.ROUND_SECONDS), "bench")
        done = re.search(r"transactions actually processed: (\d+)", output)
        failed = re.search(r"failed transactions: (\d+)", output)
        if not done or (failed and int(failed[1]) > 0):
            raise Failed(output.strip()[-500:])
        self.committed += int(done[1])
        rows = int(self.query("select count(*) from pgbench_history"))
        if rows != self.committed:
            raise Failed(f"{self.committed} commits were answered and {rows} are there")

    def stop(self, seconds_max=120):
        super().stop(seconds_max)
        if self.problems:
            return
        try:
            self.check()
        except (Failed, subprocess.TimeoutExpired) as error:
            self.problems.append(f"{self}: {error}")

    def check(self):
        sums = {
            self.query(f"select coalesce(sum({column}), 0) from pgbench_{table}")
            for table, column in (("history", "delta"), ("accounts", "abalance"), ("tellers", "tbalance"), ("branches", "bbalance"))}
        if len(sums) != 1:
            raise Failed(f"the balances do not agree: {sorted(sums)}")
        self.run("pg_amcheck", "-h", self.scratch, "--heapallindexed", "bench")
        self.run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "-t", "120", "stop")
        self.run("pg_checksums", "--check", "-D", self.data)
        with open(self.log, encoding="utf-8") as log:
            told = [line.strip() for line in log if COMPLAINTS.search(line)]
        if told:
            raise Failed(f"its log has {len(told)} complaints: {told[0]}")

    def abandon(self):
        """Where it was not stopped: nothing of it may stay."""
        if os.path.exists(f"{self.data}/postmaster.pid"):
            subprocess.run(
                self.command("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop"), capture_output=True, check=False,
                timeout=TOOL_SECONDS_MAX)

    def query(self, text):
        return self.run("psql", "-h", self.scratch, "-At", "-c", text, "bench").strip()

    def command(self, tool, *arguments):
        return ["runuser", "-u", "postgres", "--", f"{self.bin}/{tool}", *arguments]

    def run(self, tool, *arguments):
        # The server that pg_ctl starts keeps its output open.
        output = subprocess.DEVNULL if tool == "pg_ctl" else subprocess.PIPE
        result = subprocess.run(
            self.command(tool, *arguments), stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True, cwd="/",
            timeout=TOOL_SECONDS_MAX, check=False)
        if result.returncode != 0:
            raise Failed(f"{tool} failed: {((result.stderr or '') + (result.stdout or '')).strip()[-500:]}")
        return result.stdout or ""


class SQLite(Workload):
    """One writer with a rollback journal and synchronous=FULL. A round is a transaction of one row."""

    def __init__(self, volume):
        super().__init__()
        self.path = f"{volume.target}/rows.sqlite"
        self.connection = None

    def __str__(self):
        return "SQLite"

    def round(self):
        try:
            if self.connection is None:
                self.connection = sqlite3.connect(self.path, isolation_level=None)
                self.connection.execute("pragma synchronous=full")
                self.connection.execute("create table rows (number integer primary key, text text)")
                self.connection.execute("create index texts on rows (text)")
            self.connection.execute("insert into rows values (?, ?)", (self.rounds, f"{self.rounds:>64}" * (self.rounds % 40)))
        except sqlite3.Error as error:
            raise Failed(error) from error

    def work(self):
        super().work()
        # SQLite wants the thread that opened it.
        if self.connection:
            self.connection.close()

    def stop(self, seconds_max=120):
        super().stop(seconds_max)
        if self.problems or not self.rounds:
            return
        connection = sqlite3.connect(self.path)
        told = connection.execute("pragma integrity_check").fetchone()[0]
        rows, last = connection.execute("select count(*), max(number) from rows").fetchone()
        connection.close()
        if told != "ok":
            self.problems.append(f"{self}: {told}")
        if (rows, last) != (self.rounds, self.rounds - 1):
            self.problems.append(f"{self}: {self.rounds} commits were answered, {rows} are there, the last is {last}")
