# SPDX-License-Identifier: GPL-2.0-or-later
"""What the rules of `diagnose` cost over a large snapshot that is made up: no kernel, no container, nobody to compare with."""
import json

import agents
from measure import number, say, table

SIZES = [(200, 1000), (2000, 10000), (4000, 20000)]
ROUNDS = 51
GOAL_MS = 5  # of CPU for the machine of the middle size, where nothing is wrong
PARTS = ("watch_begin_ms", "watch_end_ms", "diagnosis_run_ms", "all_ms")


def run(_options):
    say("CPU time of a window and of all rules over it, by bench_rules: medians, and the quartiles of the sum")
    results = [json.loads(agents.tool("bench_rules", ROUNDS, *size)) for size in SIZES]
    rows = []
    for r in results:
        for name in ("quiet", "trouble"):
            m = r[name]
            rows.append([r["containers"], r["processes"], m["findings"], *(number(m[p]["median"]) for p in PARTS),
                         "%s to %s" % (number(m["all_ms"]["q1"]), number(m["all_ms"]["q3"]))])
    table(["containers", "processes", "findings", "begin", "end", "rules", "sum (ms)", "quartiles"], rows)
    middle = results[1]["quiet"]["all_ms"]["median"]
    say("%d rules, nothing wrong: %s ms for %d containers and %d processes (goal: %d)" % (
        results[1]["rules"], number(middle), *SIZES[1], GOAL_MS))
    return {"rules": results}
