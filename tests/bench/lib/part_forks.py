# SPDX-License-Identifier: GPL-2.0-or-later
"""Fork storm: /bin/true started one after the other on one CPU, with and without sysscope."""
import json

import agents
import measure
from measure import number, percent, say, summary, table

IN_ALL = 10000
ROUNDS = 20
GOAL = 0.05


def run(options):
    rounds = options.get("rounds") or ROUNDS
    slice_ = IN_ALL // rounds
    say("Fork storm: %d x /bin/true each, in %d slices by turns, on CPU %d" % (slice_ * rounds, rounds, measure.WORK_CPU))
    cpu = {}

    def storm():
        r = json.loads(agents.tool("launch", slice_, "/bin/true"))
        cpu.setdefault("all", []).append(r["cpu_seconds"] / r["runs"] * 1e6)
        return r["seconds"] / r["runs"] * 1e6
    ways = {"nothing": agents.nothing, "nothing again": agents.nothing, "sysscope": agents.serving}
    values = measure.interleave(ways, storm, rounds)
    ratio = measure.ratios(values, "nothing")
    table(["with", "slower by %", "us each", "runs"],
          [[n, percent(ratio[n]), number(summary(v)["median"]), len(v)] for n, v in values.items()])
    say("  goal: under %.0f %%; seen: %+.1f %%" % (GOAL * 100, (ratio["sysscope"]["median"] - 1) * 100))
    return {"ratio": ratio, "us_each": {n: summary(v) for n, v in values.items()}}
