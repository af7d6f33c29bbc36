# SPDX-License-Identifier: GPL-2.0-or-later
"""Resident memory of `serve` while it is scraped again and again: many processes, and many threads in many cgroups."""
import statistics
import time

import agents
import builds
import measure
import scale_threads
from measure import say, table

# processes, threads in each, cgroups, goal in MB
SIZES = ((10000, 1, 500, 30), (2000, 50, 2000, 100))
SCRAPES, EVERY = 15, 1.0


def measure_size(processes, threads, groups):
    with scale_threads.pids_enough(processes * threads), \
            agents.sleepers(processes, groups, options=("-c", "-w", "100", "-t", str(threads))), builds.serving() as up:
        seen = {name: {"resident": [], "anonymous": []} for name in up}
        for _ in range(SCRAPES):
            for name, e in up.items():
                e.scrape()
                seen[name]["resident"].append(measure.status_bytes(e.pid, "VmRSS"))
                seen[name]["anonymous"].append(measure.status_bytes(e.pid, "RssAnon"))
            time.sleep(EVERY)
        return {name: {"resident": statistics.median(s["resident"][SCRAPES // 2:]),
                       "anonymous": statistics.median(s["anonymous"][SCRAPES // 2:]),
                       "peak": measure.status_bytes(up[name].pid, "VmHWM"), "first": s["resident"][0],
                       "last": s["resident"][-1]} for name, s in seen.items()}


def run():
    results, rows = [], []
    mb = lambda b: "%.1f" % (b / 1e6)
    for processes, threads, groups, goal in SIZES:
        if processes * threads not in builds.sizes("memory", [processes * threads]):
            continue
        try:
            r = measure_size(processes, threads, groups)
        except (RuntimeError, OSError) as e:
            say("  not measured: %d processes of %d threads: %s" % (processes, threads, e))
            continue
        results.append({"processes": processes, "threads": processes * threads, "cgroups": groups, "bytes": r})
        rows += [[processes * threads, groups, name, mb(s["resident"]), mb(s["anonymous"]), mb(s["peak"]), goal]
                 for name, s in r.items()]
    say("Memory of `serve` in MB, scraped %d times: median of the last ones" % SCRAPES)
    table(["threads", "cgroups", "build", "resident", "anonymous", "peak", "goal"], rows)
    return {"sizes": results}
