# SPDX-License-Identifier: GPL-2.0-or-later
"""Medians of interleaved runs, the noise beside them, CPU time and memory of a process from outside, and tables."""
import os
import statistics
import sys
import time

CPUS = os.cpu_count() or 1
# What is measured runs on the last CPU; those who observe it on the first.
WORK_CPU = CPUS - 1
AGENT_CPU = 0


def summary(values):
    """Median and quartiles: half of the runs lie between q1 and q3."""
    v = sorted(values)
    return {"median": statistics.median(v), "q1": v[len(v) // 4], "q3": v[len(v) - 1 - len(v) // 4], "runs": len(v)}


def interleave(ways, measure, rounds, seconds=None, least=3):
    """
    {name: [one value per round]}. ways: {name: context manager factory}; each round goes once through all ways, in
    turning order so that none always comes first, and calls measure() while the way is on. Ends early after `seconds`,
    but not before `least` rounds.
    """
    names = list(ways)
    values = {name: [] for name in names}
    end = time.monotonic() + seconds if seconds else None
    for i in range(rounds):
        if end and i >= least and time.monotonic() > end:
            break
        for name in names[i % len(names):] + names[:i % len(names)]:
            with ways[name]():
                values[name].append(measure())
    return values


def ratios(values, base):
    """Summary per name of the ratios to `base` of the same round: what slows a whole round down cancels out."""
    return {name: summary([v / b for v, b in zip(series, values[base])]) for name, series in values.items()}


def percent(ratio):
    """A summary of ratios as slowdown in percent: '+1.2 [+0.8 +1.9]'."""
    return "%+.1f [%+.1f %+.1f]" % tuple((ratio[k] - 1) * 100 for k in ("median", "q1", "q3"))


# ---- a process, from outside -------------------------------------------------------------------------

def cpu_ns(pid):
    """CPU time of the living threads of a process, exact to the last switch."""
    total = 0
    for tid in os.listdir("/proc/%d/task" % pid):
        try:
            with open("/proc/%d/task/%s/schedstat" % (pid, tid)) as f:
                total += int(f.read().split()[0])
        except OSError:
            pass  # has ended meanwhile
    return total


def status_bytes(pid, key):
    with open("/proc/%d/status" % pid) as f:
        for line in f:
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    return None


def fdinfo(pid):
    """The key: value lines of each of its descriptors."""
    folder = "/proc/%d/fdinfo" % pid
    for fd in os.listdir(folder):
        try:
            with open("%s/%s" % (folder, fd)) as f:
                yield dict(line.strip().split(":", 1) for line in f if ":" in line)
        except OSError:
            pass


# ---- tables ------------------------------------------------------------------------------------------

def say(text=""):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def table(titles, rows):
    """The first column to the left, the others to the right."""
    rows = [[str(c) for c in r] for r in rows]
    widths = [max(len(r[i]) for r in [titles] + rows) for i in range(len(titles))]
    for r in [titles] + rows:
        say("  " + "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))).rstrip())


def number(v, digits=3):
    """With that many digits that mean something."""
    if v is None:
        return "-"
    if v == 0 or abs(v) >= 10 ** (digits - 1):
        return "%.0f" % v
    return "%.*g" % (digits, v)
