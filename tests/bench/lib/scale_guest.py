# SPDX-License-Identifier: GPL-2.0-or-later
"""
The same in a guest with nothing but cgroup v2 and the newest kernel of the cache (GUEST_KERNEL=), whose clock counts instructions:
start, sample, scrape, bytes and kernel memory of each build, which no load of this machine disturbs. SCALE_SIZES="cgroups:500".
"""
import collections
import os
import statistics
import subprocess

import builds
import peers
from measure import number, say, table

KEYS = ("start_ms", "idle_us_second", "sample_us", "scrape_us", "text_bytes", "packed_bytes", "resident_kb", "map_bytes", "kernel_bytes", "losses",
        "attributed")


def newest():
    cache = os.environ.get("SYSSCOPE_CACHE") or (os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) + "/sysscope"
    found = [k for k in os.listdir(cache + "/kernels") if os.path.exists("%s/kernels/%s/vmlinuz" % (cache, k))]
    return max(found, key=lambda k: [int(n) for n in k.split(".")])


def measured(kernel, folders):
    """{(kind, size, build): {key: median}}"""
    beside = dict(os.environ, CADVISOR=peers.path("cadvisor") or "")
    p = subprocess.run(["tests/bench/guest", kernel, *folders], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=beside)
    values = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in p.stdout.decode("utf-8", "replace").splitlines():
        words = line.split()
        if len(words) == 5:
            values[words[0], int(words[1]), int(words[2])][words[3]].append(float(words[4]))
    if p.returncode:
        say("  the guest ended with status %d" % p.returncode)
    return {row: {key: statistics.median(v) for key, v in series.items()} for row, series in values.items()}


def run():
    kernel = os.environ.get("GUEST_KERNEL") or newest()
    chosen = builds.chosen()
    found = measured(kernel, [os.path.dirname(binary) for binary in chosen.values()])
    say("A guest with Linux %s, cgroup v2, one CPU; a us is a thousand instructions; median of five scrapes" % kernel)
    names = [*chosen, "cadvisor"]
    rows, last = [], {}
    for (kind, size, build), series in found.items():
        this = found.get((kind, size, names.index(builds.THIS)), {})
        factor = lambda key: "%.2fx" % (series[key] / this[key]) if names[build] != builds.THIS and key in series and this.get(key) else ""
        before = last.get((kind, build))
        by_one = (series.get("kernel_bytes", 0) - before[1]) / (size - before[0]) if before else None
        last[kind, build] = (size, series.get("kernel_bytes", 0))
        rows.append(["%s %d" % (kind, size), names[build], *(number(series.get(k), 4) for k in KEYS), factor("start_ms"),
                     factor("idle_us_second"), factor("sample_us"), factor("scrape_us"), number(by_one)])
    table(["", "build", "start ms", "idle us/s", "sample us", "scrape us", "text B", "packed B", "resident kB", "maps B", "kernel B", "losses",
           "attributed", "start", "idle", "sample", "scrape", "kernel B each"], rows)
    return {"kernel": kernel, "rows": [{"kind": k, "size": s, "build": names[b], **series} for (k, s, b), series in found.items()]}
