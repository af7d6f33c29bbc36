# SPDX-License-Identifier: GPL-2.0-or-later
"""One sample and one scrape at 1,000 and 10,000 processes, of which 99 % sleep."""
import agents
import builds
import measure
from measure import say, table

SIZES = (1000, 10000)
CGROUPS = 10
TURNS, SAMPLES, SCRAPES = 5, 7, 15
GOALS = {"sample": 3, "scrape": 2.5}  # at 10,000


def measure_size(processes):
    with agents.sleepers(processes, CGROUPS, options=("-w", "100")):
        sample = builds.samples(TURNS, SAMPLES)
        with builds.serving() as up:
            scrape = builds.scrapes(up, SCRAPES)
            seen = {name: builds.figures(e.scrape()) for name, e in up.items()}
    return {"processes": processes, "sample_ms": sample, "scrape_ms": {n: measure.summary(v) for n, v in scrape.items()},
            "scrape_factor": builds.factors(scrape), "seen": seen}


def rows(r):
    for name in r["scrape_ms"]:
        factor = r["scrape_factor"].get(name)
        sample = r["sample_ms"].get(name)
        this = r["sample_ms"].get(builds.THIS)
        yield [r["processes"], name, builds.spread(sample),
               "%.2fx" % (sample["median"] / this["median"]) if sample and this and name != builds.THIS else "",
               builds.spread(r["scrape_ms"][name]), builds.factor_text(factor) if factor else "", r["seen"][name]["bytes"]]


def run():
    say("One sample (between two walks of /proc) and one scrape, %d cgroups, one process of 100 wakes four times a second" % CGROUPS)
    results = []
    for n in builds.sizes("processes", SIZES):
        results.append(measure_size(n))
        table(["processes", "build", "sample ms", "factor", "scrape ms", "factor", "bytes"], rows(results[-1]))
    say("  goals at %d: sample %gx, scrape %gx" % (SIZES[-1], GOALS["sample"], GOALS["scrape"]))
    return {"sizes": results}
