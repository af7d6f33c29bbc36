# SPDX-License-Identifier: GPL-2.0-or-later
"""The builds that are compared: this one, and that of BASELINE=path-to-binary; each measured by turns with the other."""
import contextlib
import json
import os
import re
import time

import agents
import harness
import measure

BASELINE = os.environ.get("BASELINE")
THIS, BASE = "this", "baseline"


def chosen():
    """{name: path of the program}"""
    if BASELINE and not os.access(BASELINE, os.X_OK):
        raise SystemExit("BASELINE: there is no program %s" % BASELINE)
    found = {BASE: os.path.abspath(BASELINE)} if BASELINE else {}
    found[THIS] = harness.SYSSCOPE
    return found


def sizes(kind, all_of_them):
    """SCALE_SIZES="cgroups:500 threads:1000" has only these measured."""
    wanted = os.environ.get("SCALE_SIZES", "").split()
    return [n for n in all_of_them if not wanted or "%s:%d" % (kind, n) in wanted]


def revision(binary):
    p = harness.run([binary, "--version"])
    return p.stdout.decode("utf-8", "replace").splitlines()[0] if p.returncode == 0 else "?"


def bench_sample(binary, rounds):
    """What its bench_sample prints, which `make tests` builds beside it; None where it is not there."""
    tool = os.path.dirname(binary) + "/tests/bench/bench_sample"
    if not os.access(tool, os.X_OK):
        return None
    p = harness.run(agents.pinned(measure.WORK_CPU, [tool, str(rounds)]), 300)
    if p.returncode:
        raise RuntimeError("%s: %s" % (tool, p.stderr.decode("utf-8", "replace").strip()))
    return json.loads(p.stdout)


def samples(turns, rounds):
    """{name: summary of the CPU milliseconds of one sample}, a walk of /proc between two samples."""
    values = {name: [] for name in chosen()}
    for turn in range(turns):
        for name, binary in in_turn(chosen(), turn):
            r = bench_sample(binary, rounds)
            if r:
                values[name].append(r["sample_ms"]["median"])
    return {name: measure.summary(v) for name, v in values.items() if v}


def in_turn(what, turn):
    """The items, rotated: none comes always first."""
    items = list(what.items())
    return items[turn % len(items):] + items[:turn % len(items)]


@contextlib.contextmanager
def serving(path=None):
    """{name: its `serve`}, all up at once, each in a cgroup PATH/0, PATH/1, ... of its own if that is given."""
    with contextlib.ExitStack() as stack:
        up = {}
        for i, (name, binary) in enumerate(chosen().items()):
            up[name] = agents.sysscope(binary=binary, cgroup="%s/%d" % (path, i) if path else None)
            stack.callback(up[name].stop)
        yield up


def scrapes(up, rounds, seconds=None):
    """{name: list of CPU milliseconds, one per round}, by turns; the first scrape of each, which makes tables, is not in it."""
    values = {name: [] for name in up}
    for e in up.values():
        e.scrape()
    end = time.monotonic() + seconds if seconds else None
    for turn in range(rounds):
        if end and turn >= 3 and time.monotonic() > end:
            break
        for name, e in in_turn(up, turn):
            values[name].append(e.scrape_cpu_ms())
    return values


def factors(values, of=THIS):
    """{name: how many times what `of` needs, by rounds} of lists by name."""
    return {name: measure.summary([v / o for v, o in zip(series, values[of])])
            for name, series in values.items() if name != of}


def figures(text):
    """Of a scrape: losses by kind, those that are not 0; CPU seconds with an owner, and of the run queues; bytes of BPF maps."""
    text = text.decode("utf-8", "replace")
    value = lambda name: next((float(v) for v in re.findall(r"^%s (\S+)$" % name, text, re.M)), None)
    return {
        "losses": {k: int(float(v)) for k, v in re.findall(r'^sysscope_losses_total\{kind="(\w+)"\} (\S+)$', text, re.M)
                   if float(v)},
        "tasks_seconds": value("sysscope_cpu_tasks_seconds_total"),
        "queues_seconds": value("sysscope_cpu_run_queues_seconds_total"),
        "map_bytes": value("sysscope_bpf_map_memory_bytes"),
        "lines": text.count("\n"), "bytes": len(text),
    }


def spread(s, digits=3):
    """A summary as `median (q1 to q3)`."""
    if not s:
        return "-"
    return "%s (%s to %s)" % tuple(measure.number(s[k], digits) for k in ("median", "q1", "q3"))


def factor_text(s):
    return "-" if not s else "%sx (%s to %s)" % tuple(measure.number(s[k]) for k in ("median", "q1", "q3"))
