# SPDX-License-Identifier: GPL-2.0-or-later
"""What a scrape costs, against the number of processes and of cgroups, beside others that answer Prometheus."""
import contextlib
import json
import os

import agents
import measure
from measure import number, say, summary, table

SIZES = [(100, 10), (1000, 10), (10000, 10), (20000, 10), (2000, 10), (2000, 500), (2000, 2000)]
SECONDS_EACH = 9
GOAL_PROCESSES, GOAL_RATIO = 10000, 50


def exporters():
    """{name: (starter, why not)}"""
    exporter = None if agents.PROCESS_EXPORTER else "prometheus-process-exporter is not installed"
    return {
        "sysscope": (agents.sysscope, None),
        "process_exporter": (agents.process_exporter, exporter),
        "process_exporter_least": (lambda: agents.process_exporter("-gather-smaps=false", "-threads=false"), exporter),
        "cadvisor": (agents.cadvisor, None if agents.CADVISOR else "give its binary by CADVISOR=path"),
    }


def scrapes(chosen):
    """CPU per scrape of each, in turn: all are up, each is asked once a round."""
    with contextlib.ExitStack() as stack:
        up = {}
        for name, start in chosen.items():
            try:
                up[name] = start()
            except RuntimeError as e:
                say("  %s" % e)
                continue
            stack.callback(up[name].stop)
            up[name].scrape()  # the first one makes tables
        got = {}

        def asked(name):
            @contextlib.contextmanager
            def way():
                got["now"] = up[name]
                yield
            return way
        values = measure.interleave({n: asked(n) for n in up}, lambda: got["now"].scrape_cpu_ms(), 15, SECONDS_EACH)
        return {name: summary(v) for name, v in values.items()}


def measure_size(processes, groups, chosen):
    with agents.sleepers(processes, groups):
        rounds = 11 if processes <= 2000 else 5
        result = json.loads(agents.tool("bench_sample", rounds))
        result["sleepers"], result["cgroups"] = processes, groups
        result["scrape_ms"] = scrapes(chosen)
    ours = result["scrape_ms"]["sysscope"]["median"]
    result["ratio"] = {n: s["median"] / ours for n, s in result["scrape_ms"].items() if n != "sysscope"}
    result["ratio"]["proc_walk"] = result["proc_walk_ms"]["median"] / ours
    result["ratio"]["proc_walk_to_sample"] = result["proc_walk_ms"]["median"] / result["sample_ms"]["median"]
    return result


def row(r):
    ms = {n: s["median"] for n, s in r["scrape_ms"].items()}
    ratio = lambda n: number(r["ratio"].get(n)) + ("x" if n in r["ratio"] else "")
    return [r["processes"], r["cgroups"], ratio("process_exporter"), ratio("process_exporter_least"),
            ratio("proc_walk"), ratio("cadvisor"), number(ms["sysscope"]), number(r["sample_ms"]["median"]),
            number(ms.get("process_exporter")), number(ms.get("process_exporter_least")),
            number(r["proc_walk_ms"]["median"]), number(ms.get("cadvisor")), noise(r)]


def noise(r):
    """Half of the scrapes of sysscope lay so far around the median, and of the process-exporter's."""
    both = [r["scrape_ms"][n] for n in ("sysscope", "process_exporter") if n in r["scrape_ms"]]
    return " ".join("%.0f%%" % ((s["q3"] - s["q1"]) / s["median"] * 50) for s in both)


def run(options):
    say("CPU time per scrape of /metrics (compressed, whole process), and of one sample of sysscope alone")
    missing = {n: why for n, (_, why) in exporters().items() if why}
    for why in sorted(set(missing.values())):
        say("  not measured: %s" % why)
    chosen = {n: start for n, (start, why) in exporters().items() if not why}
    results = []
    for processes, groups in options.get("sizes") or SIZES:
        if os.environ.get("BENCH_SIZE_MAX") and processes > int(os.environ["BENCH_SIZE_MAX"]):
            continue
        try:
            results.append(measure_size(processes, groups, chosen))
        except (RuntimeError, OSError) as e:
            say("  %d processes in %d cgroups could not be measured: %s" % (processes, groups, e))
    table(["processes", "cgroups", "exporter/us", "least/us", "walk/us", "cadvisor/us", "us ms", "sample", "exporter",
           "least", "walk", "cadvisor", "noise"], [row(r) for r in results])
    say("  us: sysscope serve; exporter: process-exporter as it comes; least: without smaps and threads; walk: stat,")
    say("  status and cgroup of each process read once; noise: half the quartile range of us and exporter")
    summary_lines(results)
    return results


def summary_lines(results):
    for r in results:
        if r["sleepers"] == GOAL_PROCESSES and "process_exporter" in r["ratio"]:
            say("  goal at %d processes: %dx cheaper than process-exporter; seen: %.0fx (%.0fx its least)" %
                (GOAL_PROCESSES, GOAL_RATIO, r["ratio"]["process_exporter"], r["ratio"]["process_exporter_least"]))
    by_size = {r["sleepers"]: r for r in results if r["cgroups"] == 10}
    if 1000 in by_size and 20000 in by_size:
        per = {n: (by_size[n]["sample_ms"]["median"] * 1e3 / by_size[n]["processes"]) for n in (1000, 20000)}
        say("  sample per process: %.2f us at 1,000, %.2f us at 20,000" % (per[1000], per[20000]))
