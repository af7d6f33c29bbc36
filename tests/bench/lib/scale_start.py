# SPDX-License-Identifier: GPL-2.0-or-later
"""From exec to attached: `serve` until it is ready; and the whole life of `top -n 1`."""
import os
import subprocess
import time

import agents
import builds
import harness
import measure
from measure import say, table

TURNS = 5
GOALS = "0.35 s of CPU, 0.5 s of wall time"


def serve_start(binary):
    """(CPU ms, wall ms) until it says that it is ready: attached, and a first sample taken."""
    port = agents.free_port()
    began = time.monotonic()
    p = harness.spawn([binary, "serve", "--web.listen-address", "127.0.0.1:%d" % port], stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL)
    try:
        if not harness.wait_for(lambda: p.poll() is not None or ready(port), 60, 0.01) or p.poll() is not None:
            raise RuntimeError("%s does not come up" % binary)
        return measure.cpu_ns(p.pid) / 1e6, (time.monotonic() - began) * 1e3
    finally:
        harness.stop(p)


def ready(port):
    e = agents.Exporter.__new__(agents.Exporter)
    e.port = port
    try:
        return e.get("/-/ready")[0] == 200
    except OSError:
        return False


def top_once(binary):
    """(CPU ms, wall ms) of its whole life, threads and children included."""
    began = time.monotonic()
    pid = os.posix_spawn(binary, [binary, "top", "--batch", "-n", "1"], os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)])
    _, status, used = os.wait4(pid, 0)
    if status:
        raise RuntimeError("top -n 1 ends with status %d" % status)
    return (used.ru_utime + used.ru_stime) * 1e3, (time.monotonic() - began) * 1e3


def run():
    ways = {"serve until ready": serve_start, "top -n 1, whole life": top_once}
    result, rows = {}, []
    os.sched_setaffinity(0, set(range(measure.CPUS)))  # a start may use them all
    try:
        values = {way: {name: [] for name in builds.chosen()} for way in ways}
        for turn in range(TURNS):
            for way, start in ways.items():
                for name, binary in builds.in_turn(builds.chosen(), turn):
                    values[way][name].append(start(binary))
    finally:
        os.sched_setaffinity(0, {measure.AGENT_CPU})
    for way, series in values.items():
        cpu = {name: [v[0] for v in got] for name, got in series.items()}
        wall = {name: [v[1] for v in got] for name, got in series.items()}
        factors = builds.factors(cpu)
        result[way] = {"cpu_ms": {n: measure.summary(v) for n, v in cpu.items()}, "cpu_factor": factors,
                       "wall_ms": {n: measure.summary(v) for n, v in wall.items()},
                       "wall_ms_least": {n: min(v) for n, v in wall.items()}}
        rows += [[way, name, builds.spread(measure.summary(cpu[name])), builds.factor_text(factors[name]) if name in factors else "",
                  builds.spread(measure.summary(wall[name])), "%.0f" % min(wall[name])] for name in cpu]
    say("Start, %d turns; goals: %s" % (TURNS, GOALS))
    table(["", "build", "CPU ms", "factor", "wall ms", "least"], rows)
    return result
