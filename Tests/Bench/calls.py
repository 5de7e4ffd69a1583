"""Calls of the control plane while many volumes are there: pairs of CreateVolume and DeleteVolume, pages of ListVolumes.

The client is one process of ours over the CSI socket (`ashlar debug time-calls`). Where strace is installed the syncs of a pair are counted, one
pair at a time.
"""

import json
import os
import shutil
import signal
import statistics
import subprocess
import time

VOLUMES = int(os.environ.get("CALLS_VOLUMES", "10000"))
PAIRS, WIDTH, PAGE, COUNTED_PAIRS = 3000, 16, 500, 40
IMAGE_BYTES = 1280 << 20
PAIRS_BAR, PAIR_P99_BAR_MS, PAGE_BAR_MS = 200, 150, 50


def measure(lab, server, tools):
    def timed(*options):
        return json.loads(tools.run(
            tools.BINARY, "debug", "time-calls", *options, "--config", f"{lab.directory}/ashlar.yaml", "--output", "json",
            seconds_max=1800))
    tools.show_progress(f"{VOLUMES} volumes are made")
    timed("--volumes", str(VOLUMES))
    tools.show_progress("pairs and pages")
    found = timed("--pairs", str(PAIRS), "--width", str(WIDTH), "--page", str(PAGE))
    pairs, pages = sorted(found["pairMilliseconds"]), found["pageMilliseconds"]
    if found["listedCount"] != VOLUMES:
        raise tools.Failed(f"{found['listedCount']} volumes are listed, not {VOLUMES}")
    rate, p99 = found["pairsPerSecond"], pairs[len(pairs) * 99 // 100]
    rows = [
        row(f"create + delete, {WIDTH} at a time, {VOLUMES} volumes there", rate, "pairs/s", PAIRS_BAR, rate / PAIRS_BAR, 1.0),
        row("create + delete, p99 of a pair", p99, "ms", PAIR_P99_BAR_MS, PAIR_P99_BAR_MS / p99, 1.0),
        row(f"page of {PAGE} of ListVolumes, longest of {len(pages)}", max(pages), "ms", PAGE_BAR_MS, PAGE_BAR_MS / max(pages), 1.0),
        row(f"page of {PAGE} of ListVolumes, median", statistics.median(pages), "ms"),
    ]
    syncs = count_syncs(server.child.pid, lambda: timed("--pairs", str(COUNTED_PAIRS), "--width", "1"))
    if syncs is not None:
        rows.append(row("syncs of a pair, one at a time", syncs / COUNTED_PAIRS, "syncs"))
    return rows


def count_syncs(holder, body):
    """fsync and fdatasync of the worker while `body` runs; None without strace."""
    if shutil.which("strace") is None:
        return None
    worker = subprocess.run(["pgrep", "--parent", str(holder)], capture_output=True, text=True).stdout.split()[0]
    tracer = subprocess.Popen(
        ["strace", "-f", "-c", "-e", "trace=fsync,fdatasync", "-p", worker], stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    body()
    tracer.send_signal(signal.SIGINT)
    table = tracer.communicate()[1]
    return sum(int(line.split()[3]) for line in table.splitlines() if line.split()[-1:] in (["fsync"], ["fdatasync"]))


def row(name, value, unit, baseline=None, ratio=None, bar=None):
    return {"name": name, "value": round(value, 2), "unit": unit, "baseline": baseline,
            "ratio": ratio if ratio is None else round(ratio, 3), "bar": bar}
