# SPDX-License-Identifier: GPL-2.0-or-later
"""What a context switch costs more: perf bench sched pipe on one CPU, with nothing, empty programs, sysscope, runqlat."""
import functools

import agents
import measure
from measure import number, percent, say, summary, table

HOOKS = ["sched_switch", "sched_wakeup", "sched_wakeup_new", "sched_migrate_task"]
LOOPS, SLICES = 4000, 12
ROUNDS = 15
LEARN_LOOPS = 40000
# Where nothing better can be hooked, epoll's tracepoints are a tax on each system call, and each turn has four.
NO_TRACEPOINT = "sysscope, epoll=sched"


def pipe_once(loops):
    """Microseconds per turn: two switches, two wakeups."""
    return agents.perf_bench("sched", "pipe", "-l", str(loops))


def pipe_us():
    """The best of some slices: whatever else runs on the CPU can only make one slower."""
    return min(pipe_once(LOOPS) for _ in range(SLICES))


def ways():
    w = {"nothing": agents.nothing, "nothing again": agents.nothing,
         "empty programs": functools.partial(agents.hooks, *HOOKS)}
    w["sysscope, all"] = agents.serving
    w[NO_TRACEPOINT] = functools.partial(agents.serving, "--collector.epoll", "sched")
    w["sysscope, tasks only"] = functools.partial(agents.serving, *agents.alone(""))
    for c in agents.collectors():
        w["sysscope, " + c] = functools.partial(agents.serving, *agents.alone(c))
    if agents.RUNQLAT:
        w["runqlat"] = agents.runqlat
    return w


def usable(w):
    found = {}
    for name, way in w.items():
        why = agents.works(way)
        if why is None:
            found[name] = way
        else:
            say("  not measured: %s: %s" % (name, why))
    return found


def workload():
    """Switches and wakeups, then births and deaths."""
    pipe_once(LEARN_LOOPS)
    agents.tool("launch", 500, "/bin/true")


def per_run(way, of):
    """[{program, runs, ns}] of the programs of that way, while the kernel counts: in a run of its own."""
    with agents.hooks("--stats"), way() as p:
        before, names = agents.programs(p.pid), agents.program_names()
        workload()
        after = agents.programs(p.pid)
    found = []
    for number_, (runs, ns) in sorted(after.items()):
        runs, ns = (a - b for a, b in zip((runs, ns), before.get(number_, (0, 0))))
        found.append({"who": of, "program": names.get(number_, "?"), "runs": runs, "ns": ns / runs if runs else None})
    return found


def run(options):
    say("Context switches: perf bench sched pipe -l %d on CPU %d, the best of %d, by turns" %
        (LOOPS, measure.WORK_CPU, SLICES))
    if not agents.PERF:
        say("  not measured: perf is not installed")
        return {}
    w = usable(ways())
    values = measure.interleave(w, pipe_us, options.get("rounds") or ROUNDS, options.get("seconds") or 110)
    ratio = measure.ratios(values, "nothing")
    table(["with", "slower by %", "ns more/turn", "us/turn", "runs"],
          [[n, percent(ratio[n]), number((ratio[n]["median"] - 1) * 1e3 * summary(values["nothing"])["median"]),
            number(summary(v)["median"]), len(v)] for n, v in values.items()])
    say("  median of the ratios to `nothing` of the same round, quartiles in brackets; `nothing again` is the noise")
    result = {"ratio": ratio, "us_per_turn": {n: summary(v) for n, v in values.items()}}
    share(result)
    programs = per_run(w["sysscope, all"], "sysscope")
    for name in ("empty programs", "runqlat"):
        if name in w:
            programs += per_run(w[name], name)
    say("Runs of BPF programs (the kernel's own statistics, in runs of their own; the counting itself is in the ns)")
    table(["program", "of", "ns/run", "runs"],
          [[p["program"], p["who"], number(p["ns"]), p["runs"]] for p in programs if p["runs"]])
    result["programs"] = programs
    return result


def share(result):
    """The goal: at most half of what runqlat costs over empty programs."""
    ratio = result["ratio"]
    if "runqlat" not in ratio or "sysscope, all" not in ratio:
        return
    them, floor = (ratio[n]["median"] for n in ("runqlat", "empty programs"))
    if them <= floor:
        say("  runqlat costs no more than empty programs in this noise: no share can be given")
        return
    result["share_of_runqlat"], without = ((ratio[n]["median"] - floor) / (them - floor)
                                           for n in ("sysscope, all", NO_TRACEPOINT))
    result["share_of_runqlat_without_tracepoints"] = without
    say("  goal: at most 0.50 of runqlat's cost over empty programs; seen: %.2f, with --collector.epoll=sched %.2f (below 0: "
        "less than empty programs)" % (result["share_of_runqlat"], without))
