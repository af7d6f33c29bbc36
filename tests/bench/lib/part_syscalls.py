# SPDX-License-Identifier: GPL-2.0-or-later
"""Syscall tax: perf bench syscall basic and a pipe, with each collector; and what hooks on every syscall would cost."""
import functools

import agents
import measure
from measure import number, percent, say, summary, table

LOOPS, SLICES = 20000, 30  # a slice is shorter than a turn of the scheduler
PIPE_LOOPS = 300000
ROUNDS = 15


def calls_ns():
    """getppid by perf bench, the best of some slices; a pipe by CPU time of a thread."""
    return {"getppid": min(agents.perf_bench("syscall", "basic", "-l", str(LOOPS)) for _ in range(SLICES)) * 1e3,
            "pipe": float(agents.tool("calls", "pipe", PIPE_LOOPS))}


def run(options):
    say("Syscall tax: perf bench syscall basic (getppid), and a byte through a pipe, on CPU %d, by turns" %
        measure.WORK_CPU)
    if not agents.PERF:
        say("  not measured: perf is not installed")
        return {}
    ways = {"nothing": agents.nothing, "nothing again": agents.nothing, "sysscope, all": agents.serving}
    for c in agents.collectors():
        ways["sysscope, " + c] = functools.partial(agents.serving, *agents.alone(c))
    ways["empty, sys_enter"] = functools.partial(agents.hooks, "sys_enter")
    ways["empty, sys_enter and sys_exit"] = functools.partial(agents.hooks, "sys_enter", "sys_exit")
    ways = {n: w for n, w in ways.items() if not refused(n, w)}
    pairs = measure.interleave(ways, calls_ns, options.get("rounds") or ROUNDS, options.get("seconds") or 75)
    result = {}
    for what in ("getppid", "pipe"):
        values = {n: [p[what] for p in v] for n, v in pairs.items()}
        result[what] = {"ratio": measure.ratios(values, "nothing"),
                        "ns": {n: summary(v) for n, v in values.items()}}
    table(["with", "getppid slower by %", "ns", "pipe slower by %", "ns", "runs"],
          [[n, percent(result["getppid"]["ratio"][n]), number(result["getppid"]["ns"][n]["median"]),
            percent(result["pipe"]["ratio"][n]), number(result["pipe"]["ns"][n]["median"]), len(v)]
           for n, v in pairs.items()])
    say("  `nothing again` is the noise; `empty` is a program that does nothing at every syscall of the machine")
    return result


def refused(name, way):
    why = agents.works(way)
    if why:
        say("  not measured: %s: %s" % (name, why))
    return why
