# SPDX-License-Identifier: GPL-2.0-or-later
"""Idle, a scrape and its bytes at 10, 500 and 2,000 cgroups with names of containers, beside cAdvisor."""
import contextlib
import os
import time

import agents
import builds
import cgroups
import measure
import peers
from measure import number, say, table

SIZES = (10, 500, 2000)
IDLE_SECONDS = 60  # one sample of its own
SCRAPES, SECONDS_EACH = 9, 25
CADVISOR = "cadvisor"
GOALS = {"baseline": "4x a scrape at 2,000", "cadvisor": "10x idle, 3x a scrape at 500"}


def idle(up, seconds):
    """{name: share of one core} while nobody asks."""
    before = {name: measure.cpu_ns(e.pid) for name, e in up.items()}
    began = time.monotonic()
    time.sleep(seconds)
    window = time.monotonic() - began
    return {name: (measure.cpu_ns(e.pid) - before[name]) / 1e9 / window for name, e in up.items()}


def beside(stack, up, why):
    """cAdvisor among those that are up; `why` gets the reason where it cannot be had."""
    program = peers.path(CADVISOR)
    if not program:
        return
    try:
        up[CADVISOR] = agents.cadvisor(program)
        stack.callback(up[CADVISOR].stop)
    except RuntimeError as e:
        why.append(str(e))


def there():
    """Cgroups of the machine, of others too: each of the three reads all of them."""
    return sum(1 for _ in os.walk(cgroups.layout.folder("memory")))


def measure_size(groups, seconds):
    why = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(agents.sleepers(groups, groups, options=("-c", "-w", "100")))
        up = dict(stack.enter_context(builds.serving()))
        beside(stack, up, why)
        for e in up.values():
            e.scrape()
        found = there()
        share = idle(up, seconds)
        scrape = builds.scrapes(up, SCRAPES, SECONDS_EACH)
        seen = {name: builds.figures(e.scrape()) for name, e in up.items()}
        resident = {name: measure.status_bytes(e.pid, "VmRSS") for name, e in up.items()}
    return {"cgroups": groups, "there": found, "idle_share": share, "scrape_ms": {n: measure.summary(v) for n, v in scrape.items()},
            "scrape_factor": builds.factors(scrape), "seen": seen, "resident_bytes": resident, "why_not": why}


def rows(r):
    this = r["idle_share"][builds.THIS]
    for name, share in r["idle_share"].items():
        factor = r["scrape_factor"].get(name)
        yield ["%d of %d" % (r["cgroups"], r["there"]), name, "%.3f %%" % (share * 100), number(share / this) + "x" if name != builds.THIS and this else "",
               builds.spread(r["scrape_ms"][name]), builds.factor_text(factor) if factor else "",
               "%.2f" % (r["seen"][name]["bytes"] / 1e6), "%.0f" % (r["resident_bytes"][name] / 1e6)]


def run():
    seconds = float(os.environ.get("BENCH_IDLE_SECONDS") or IDLE_SECONDS)
    say("Idle for %.0f s and one scrape of containers with one process each, all up at once" % seconds)
    results = []
    for n in builds.sizes("cgroups", SIZES):
        results.append(measure_size(n, seconds))
        table(["cgroups", "", "idle", "factor", "scrape ms", "factor", "MB", "resident MB"], rows(results[-1]))
    for name, goal in GOALS.items():
        say("  goal, %s: %s" % (name, goal))
    for r in results:
        for why in r["why_not"]:
            say("  not measured at %d: %s" % (r["cgroups"], why))
    return {"sizes": results}
