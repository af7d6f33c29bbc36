# SPDX-License-Identifier: GPL-2.0-or-later
"""1,000 to 100,000 threads: start, sample, scrape, losses, attributed CPU time, kernel memory of each thread."""
import contextlib
import time

import agents
import builds
import cgroups
import harness
import measure
import part_idle
from measure import number, say, table

SIZES = (1000, 10000, 30000, 100000)
PROCESSES = 100
TURNS, SAMPLES, SCRAPES = 3, 3, 7
WINDOW = 10
GOALS = "at most 0.8 kB of kernel memory a thread, 100,000 in 90 MB, no loss, attributed at least 0.99, linear"


@contextlib.contextmanager
def pids_enough(threads):
    """Raises the machine's largest thread id for so long if it would not do."""
    path = "/proc/sys/kernel/pid_max"
    was = cgroups.read(path)
    wanted = threads * 2 + 30000
    if wanted > int(cgroups.read("/proc/sys/kernel/threads-max")):
        raise RuntimeError("kernel.threads-max is too low")
    if int(was) >= wanted:
        yield
        return
    restore = lambda value: open(path, "w").write(value)
    restore(str(4 << 20))
    harness.cleanup(restore, was)
    try:
        yield
    finally:
        restore(was)


def tasks_counted(seen):
    """CPU seconds of all tasks, by a second source: the run queues' own where the kernel has these, else v1's root cgroup."""
    if seen["queues_seconds"] is not None:
        return seen["queues_seconds"]
    return int(cgroups.read(cgroups.layout.v1["cpuacct"] + "/cpuacct.usage")) / 1e9 if "cpuacct" in cgroups.layout.v1 else None


def kernel_pages():
    """Bytes of slabs and of memory by CPU, of the whole machine: a second source, which others disturb."""
    with open("/proc/meminfo") as f:
        found = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in f}
    return found["Slab"] + found.get("Percpu", 0)


def attributed(up):
    """{name: share of all tasks' CPU time that it gave to an owner, None: unknown}, over a window."""
    def read(e):
        seen = builds.figures(e.scrape())
        return seen["tasks_seconds"], tasks_counted(seen)
    first = {name: read(e) for name, e in up.items()}
    time.sleep(WINDOW)
    last = {name: read(e) for name, e in up.items()}
    return {name: (last[name][0] - first[name][0]) / (last[name][1] - first[name][1]) if last[name][1] is not None else None
            for name in up}


@contextlib.contextmanager
def started(own):
    """The builds one after the other, each with what its start took; yields (up, {name: start})."""
    with contextlib.ExitStack() as stack:
        up, start = {}, {}
        for i, (name, binary) in enumerate(builds.chosen().items()):
            path = "%s/%d" % (own, i)
            before, pages = part_idle.kernel_memory(path) or 0, kernel_pages()
            e = up[name] = agents.sysscope(binary=binary, cgroup=path)
            stack.callback(e.stop)
            start[name] = {"cpu_ms": measure.cpu_ns(e.pid) / 1e6}
            e.scrape()
            start[name].update(path=path, kernel_before=before, pages=kernel_pages() - pages)
        yield up, start


def measure_size(threads):
    processes = min(PROCESSES, threads // 10)
    chosen = builds.chosen()
    with pids_enough(threads), agents.sleepers(0, len(chosen), "serve-") as own, \
            agents.sleepers(processes, 10, options=("-c", "-w", "100", "-t", str(threads // processes))):
        sample = builds.samples(TURNS, SAMPLES)
        with started(own) as (up, start):
            scrape = builds.scrapes(up, SCRAPES, 60)
            share = attributed(up)
            kernel = {}
            for name, e in up.items():
                charged = part_idle.kernel_memory(start[name]["path"])
                kernel[name] = {"charged": charged - start[name]["kernel_before"] if charged is not None else None,
                                "maps": sum(agents.maps(e.pid).values()), "storage_values": agents.task_storage(e.pid),
                                "slabs_and_percpu": start[name]["pages"]}
            seen = {name: builds.figures(e.scrape()) for name, e in up.items()}
            resident = {name: measure.status_bytes(e.pid, "VmRSS") for name, e in up.items()}
    return {"threads": threads, "sample_ms": sample, "scrape_ms": {n: measure.summary(v) for n, v in scrape.items()},
            "scrape_factor": builds.factors(scrape), "attributed": share, "kernel_bytes": kernel, "seen": seen,
            "start_cpu_ms": {n: s["cpu_ms"] for n, s in start.items()}, "resident_bytes": resident}


def rows(r):
    mb = lambda b: "-" if b is None else "%.1f" % (b / 1e6)
    for name in r["scrape_ms"]:
        kernel, seen = r["kernel_bytes"][name], r["seen"][name]
        sample = r["sample_ms"].get(name)
        yield [r["threads"], name, number(r["start_cpu_ms"][name]), number(sample["median"]) if sample else "-",
               builds.spread(r["scrape_ms"][name]), number(r["attributed"][name], 4), sum(seen["losses"].values()),
               mb(kernel["charged"]), mb(kernel["slabs_and_percpu"]), mb(seen["map_bytes"]), mb(r["resident_bytes"][name])]


def slopes(results):
    """{name: by further thread, between each size and the next: microseconds of sample and scrape, bytes of the kernel}"""
    found = {}
    for small, large in zip(results, results[1:]):
        more = large["threads"] - small["threads"]
        for name in large["scrape_ms"]:
            ms = lambda r, what: r[what][name]["median"] if name in r[what] else float("nan")
            charged = [r["kernel_bytes"][name]["charged"] for r in (small, large)]
            found.setdefault(name, []).append({
                "from": small["threads"], "to": large["threads"],
                "sample_us": (ms(large, "sample_ms") - ms(small, "sample_ms")) * 1e3 / more,
                "scrape_us": (ms(large, "scrape_ms") - ms(small, "scrape_ms")) * 1e3 / more,
                "start_us": (large["start_cpu_ms"][name] - small["start_cpu_ms"][name]) * 1e3 / more,
                "kernel_bytes": (charged[1] - charged[0]) / more if None not in charged else None,
                "pages_bytes": (large["kernel_bytes"][name]["slabs_and_percpu"] -
                                small["kernel_bytes"][name]["slabs_and_percpu"]) / more})
    return found


def run():
    say("Threads, of which 99 %% sleep, in %d processes and 10 cgroups" % PROCESSES)
    results = []
    for threads in builds.sizes("threads", SIZES):
        try:
            results.append(measure_size(threads))
        except (RuntimeError, OSError) as e:
            say("  %d threads could not be measured: %s" % (threads, e))
            continue
        table(["threads", "build", "start ms", "sample ms", "scrape ms", "attributed", "losses", "kernel MB", "slabs MB",
               "published MB", "resident MB"], rows(results[-1]))
    by_thread = slopes(results)
    table(["by further thread", "from", "to", "sample us", "scrape us", "start us", "kernel B", "slabs B"],
          [[name, s["from"], s["to"], number(s["sample_us"]), number(s["scrape_us"]), number(s["start_us"]),
            number(s["kernel_bytes"]), number(s["pages_bytes"])] for name, steps in by_thread.items() for s in steps])
    say("  start: CPU time until the first sample is there; kernel: what its cgroup is charged for; slabs: of the whole machine,")
    say("  slabs and memory by CPU, before and after; published: sysscope_bpf_map_memory_bytes. Goals: %s" % GOALS)
    for r in results:
        for name, seen in r["seen"].items():
            if seen["losses"]:
                say("  losses of %s at %d: %s" % (name, r["threads"], seen["losses"]))
    return {"sizes": results, "slopes": by_thread}
