# SPDX-License-Identifier: GPL-2.0-or-later
"""What `sysscope serve` uses when nobody scrapes it: CPU, resident memory, kernel memory of its maps."""
import os
import re
import time

import agents
import cgroups
import harness
import measure
from measure import number, say, table

PROCESSES, CGROUPS = 10000, 500
SECONDS = 120  # two samples of its own
GOAL_CPU, GOAL_RSS, GOAL_MAPS = 0.003, 30e6, 32e6


def kernel_memory(path):
    """Kernel memory charged to a cgroup, a second source: also what the map information leaves out."""
    c = cgroups.Cgroup(path)
    try:
        if cgroups.layout.v2:
            return cgroups.keyed(c.file("memory", "memory.stat"))["kernel"]
        return int(cgroups.read(c.file("memory", "memory.kmem.usage_in_bytes")))
    except (OSError, KeyError):
        return None


def published(e):
    """sysscope_bpf_map_memory_bytes as sysscope itself says it; None where the kernel does not say."""
    found = re.findall(rb'^sysscope_bpf_map_memory_bytes ([0-9.e+]+)$', e.scrape(), re.M)
    return float(found[0]) if found else None


def watch(e, seconds):
    """CPU use over the window, and of each second in which anything was used."""
    begin, steps = time.monotonic(), []
    first = last = measure.cpu_ns(e.pid)
    while time.monotonic() - begin < seconds:
        time.sleep(min(1.0, max(0.01, begin + seconds - time.monotonic())))
        now = measure.cpu_ns(e.pid)
        if now > last:
            steps.append((round(time.monotonic() - begin), (now - last) / 1e6))
        last = now
    return (last - first) / 1e9, time.monotonic() - begin, steps


def run(options):
    seconds = float(os.environ.get("BENCH_IDLE_SECONDS") or options.get("seconds") or SECONDS)
    say("Idle: sysscope serve, %d processes in %d cgroups, nobody scrapes, %.0f s" % (PROCESSES, CGROUPS, seconds))
    # serve's cgroup is held as the others are: it goes even when the bench is killed outright.
    with agents.sleepers(PROCESSES, CGROUPS), agents.sleepers(0, 1, "serve-") as own:
        path = own + "/0"
        before = kernel_memory(path)
        e = agents.sysscope(cpu=measure.AGENT_CPU, cgroup=path)
        try:
            time.sleep(2)
            names = agents.map_names()
            used, window, steps = watch(e, seconds)
            idle_rss = measure.status_bytes(e.pid, "VmRSS")
            by_map = agents.maps(e.pid)
            charged = kernel_memory(path)
            e.scrape()
            e.scrape()
            result = {
                "processes": PROCESSES, "cgroups": CGROUPS, "window_seconds": window, "cpu_seconds": used,
                "cpu_share": used / window, "cpu_seconds_per_minute": used / window * 60, "steps_ms": steps,
                "resident_bytes": idle_rss, "resident_bytes_after_scrape": measure.status_bytes(e.pid, "VmRSS"),
                "anonymous_bytes": measure.status_bytes(e.pid, "RssAnon"),
                "maps": {names.get(i, str(i)): b for i, b in by_map.items()}, "map_bytes": sum(by_map.values()),
                "task_storage_bytes": agents.task_storage(e.pid) * PROCESSES,
                "map_bytes_published": published(e),
                "cgroup_kernel_bytes": charged - before if charged is not None and before is not None else None,
            }
        finally:
            e.stop()
    show(result)
    return result


def show(r):
    mb = lambda b: "-" if b is None else "%.1f MB" % (b / 1e6)
    table(["", "goal", "seen"], [
        ["CPU, share of one core", "%.2f %%" % (GOAL_CPU * 100), "%.3f %%" % (r["cpu_share"] * 100)],
        ["CPU per minute", "%.0f ms" % (GOAL_CPU * 6e4), "%.0f ms" % (r["cpu_seconds_per_minute"] * 1e3)],
        ["resident, never scraped", mb(GOAL_RSS), mb(r["resident_bytes"])],
        ["resident, after two scrapes", mb(GOAL_RSS), mb(r["resident_bytes_after_scrape"])],
        ["maps, kernel's map information", mb(GOAL_MAPS), mb(r["map_bytes"])],
        ["maps, as published", "", mb(r["map_bytes_published"])],
        ["values of task storage, %d tasks" % r["processes"], "", mb(r["task_storage_bytes"])],
        ["all kernel memory of its cgroup", "", mb(r["cgroup_kernel_bytes"])],
    ])
    say("  the map information leaves out the entries of task storage; the cgroup's kernel memory has all that serve")
    say("  made the kernel allocate. By map: " + ", ".join(
        "%s %s" % (n, mb(b)) for n, b in sorted(r["maps"].items(), key=lambda i: -i[1]) if b > 50000))
    say("  CPU by second: " + (", ".join("%ds %sms" % (s, number(ms)) for s, ms in r["steps_ms"]) or "none"))
