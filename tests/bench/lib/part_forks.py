# SPDX-License-Identifier: GPL-2.0-or-later
"""Fork storm: /bin/true started one after the other on one CPU, with and without sysscope."""
import json

import agents
import measure
from measure import number, percent, say, summary, table

IN_ALL = 10000
ROUNDS = 40
GOAL = 0.05


def run(options):
    rounds = options.get("rounds") or ROUNDS
    slice_ = IN_ALL // rounds
    say("Fork storm: %d x /bin/true each, in %d slices by turns, on CPU %d" % (slice_ * rounds, rounds, measure.WORK_CPU))

    def storm():
        r = json.loads(agents.tool("launch", slice_, "/bin/true"))
        return {"wall": r["seconds"] / r["runs"] * 1e6, "cpu": r["cpu_seconds"] / r["runs"] * 1e6}
    ways = {"nothing": agents.nothing, "nothing again": agents.nothing, "sysscope": agents.serving}
    pairs = measure.interleave(ways, storm, rounds)
    result = {}
    for what in ("wall", "cpu"):
        values = {n: [p[what] for p in v] for n, v in pairs.items()}
        result[what] = {"ratio": measure.ratios(values, "nothing"), "us_each": {n: summary(v) for n, v in values.items()}}
    wall, cpu = result["wall"], result["cpu"]
    table(["with", "slower by %", "us each", "CPU time more by %", "us each", "runs"],
          [[n, percent(wall["ratio"][n]), number(wall["us_each"][n]["median"]), percent(cpu["ratio"][n]),
            number(cpu["us_each"][n]["median"]), len(v)] for n, v in pairs.items()])
    say("  goal: under %.0f %%; seen: %+.1f %%, in CPU time %+.1f %%" %
        (GOAL * 100, *((r["ratio"]["sysscope"]["median"] - 1) * 100 for r in (wall, cpu))))
    return result
