# SPDX-License-Identifier: GPL-2.0-or-later
"""What a scrape costs, against the number of processes and of cgroups, beside others that answer Prometheus."""
import contextlib
import json
import os
import statistics
import time

import agents
import measure
from measure import number, say, summary, table

SIZES = [(100, 10), (1000, 10), (2000, 10), (10000, 10), (20000, 10), (2000, 500), (2000, 2000)]
SECONDS_EACH = 6
LEAST_MAX = 2000  # one scrape of the exporter takes seconds beyond
GOAL_PROCESSES, GOAL_RATIO, GOAL_SAMPLE_MS = 10000, 50, 40


def exporters():
    """{name: (starter, why not)}"""
    exporter = None if agents.PROCESS_EXPORTER else "prometheus-process-exporter is not installed"
    return {
        "sysscope": (agents.sysscope, None),
        "process_exporter": (agents.process_exporter, exporter),
        "process_exporter_least": (lambda: agents.process_exporter("-gather-smaps=false", "-threads=false"), exporter),
        "cadvisor": (agents.cadvisor, None if agents.CADVISOR else "give its binary by CADVISOR=path"),
    }


def scrapes(chosen, seen):
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
            if name == "sysscope":
                up[name].scrape()  # the first one makes tables; others do that when they come up
        got = {}

        def asked(name):
            @contextlib.contextmanager
            def way():
                got["now"] = up[name]
                yield
            return way

        def scrape():
            # One of ours is over at once, and the exporter's take most of the time.
            turns = 3 if got["now"] is up.get("sysscope") else 1
            return statistics.median(watched(got["now"].scrape_cpu_ms, seen) for _ in range(turns))
        values = measure.interleave({n: asked(n) for n in up}, scrape, 15, SECONDS_EACH)
        return {name: summary(v) for name, v in values.items()}


def threads():
    """On the whole machine."""
    with open("/proc/loadavg") as f:
        return int(f.read().split()[3].split("/")[1])


def watched(got, seen):
    """Samples cost what there is: a row is of no use when others start or end many threads meanwhile."""
    seen.append(threads())
    return got()


def measure_size(processes, groups, chosen):
    with agents.sleepers(processes, groups):
        rounds = 11 if processes <= 2000 else 5
        result = json.loads(agents.tool("bench_sample", rounds))
        result["sleepers"], result["cgroups"] = processes, groups
        if processes > LEAST_MAX:
            chosen = {n: start for n, start in chosen.items() if n != "process_exporter_least"}
        seen = [threads()]
        result["scrape_ms"] = scrapes(chosen, seen)
        result["threads_least"], result["threads_most"] = min(seen), max(seen)
    ours = result["scrape_ms"]["sysscope"]["median"]
    result["ratio"] = {n: s["median"] / ours for n, s in result["scrape_ms"].items() if n != "sysscope"}
    result["ratio"]["proc_walk"] = result["proc_walk_ms"]["median"] / ours
    result["ratio"]["proc_walk_to_sample"] = result["proc_walk_ms"]["median"] / result["sample_ms"]["median"]
    return result


def row(r):
    ms = {n: s["median"] for n, s in r["scrape_ms"].items()}
    ratio = lambda n: number(r["ratio"].get(n)) + ("x" if n in r["ratio"] else "")
    return [r["processes"], r["homes"], ratio("process_exporter"), ratio("process_exporter_least"),
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
        began = time.monotonic()
        try:
            results.append(measure_size(processes, groups, chosen))
        except (RuntimeError, OSError) as e:
            say("  %d processes in %d cgroups could not be measured: %s" % (processes, groups, e))
            continue
        r = results[-1]
        say("  %d processes in %d cgroups took %.0f s" % (processes, groups, time.monotonic() - began))
        if r["threads_most"] > r["threads_least"] * 1.1 + 100:
            say("    not quiet: others had between %d and %d threads meanwhile, its figures are of little use" %
                (r["threads_least"] - processes, r["threads_most"] - processes))
    table(["processes", "cgroups", "exporter/us", "least/us", "walk/us", "cadvisor/us", "us ms", "sample", "exporter",
           "least", "walk", "cadvisor", "noise"], [row(r) for r in results])
    say("  us: sysscope serve; exporter: process-exporter as it comes; least: without smaps and threads; walk: stat,")
    say("  status and cgroup of each process read once; noise: half the quartile range of us and exporter")
    say("  processes and cgroups: all that were there, of others too; those of others that come and go disturb a row")
    summary_lines(results)
    return results


def summary_lines(results):
    for r in results:
        if r["sleepers"] == GOAL_PROCESSES:
            say("  one sample at %d processes: %s ms by getrusage over 20 in a row (goal %d), a walk of /proc: %s ms" %
                (GOAL_PROCESSES, number(r["sample_rusage_ms"]), GOAL_SAMPLE_MS, number(r["proc_walk_ms"]["median"])))
        if r["sleepers"] == GOAL_PROCESSES and "process_exporter" in r["ratio"]:
            least = r["ratio"].get("process_exporter_least")
            say("  goal at %d processes: %dx cheaper than process-exporter; seen: %.0fx%s" %
                (GOAL_PROCESSES, GOAL_RATIO, r["ratio"]["process_exporter"],
                 " (%.0fx its least)" % least if least else ""))
    by_size = [(r["processes"], r["scrape_ms"]["sysscope"]["median"], r["sample_ms"]["median"])
               for r in results if r["cgroups"] == SIZES[0][1]]
    # Linear: each further process costs as much as the ones before.
    for (n, scrape, sample), (m, scrape_more, sample_more) in zip(by_size, by_size[1:]):
        if m > n * 1.5:
            say("  from %d to %d processes: %.1f us more per process and scrape, of which the sample %.1f us" %
                (n, m, (scrape_more - scrape) * 1e3 / (m - n), (sample_more - sample) * 1e3 / (m - n)))
    by_groups = [(r["cgroups"], r["scrape_ms"]["sysscope"]["median"]) for r in results if r["sleepers"] == 2000]
    for (n, scrape), (m, scrape_more) in zip(by_groups, by_groups[1:]):
        say("  from %d to %d cgroups: %.0f us more per cgroup and scrape" % (n, m, (scrape_more - scrape) * 1e3 / (m - n)))
