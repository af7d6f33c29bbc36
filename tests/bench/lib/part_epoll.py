# SPDX-License-Identifier: GPL-2.0-or-later
"""What seeing waits in epoll costs a busy event loop: nginx under wrk, with each way to hook them that this kernel has."""
import functools
import json
import re

import agents
import harness
import measure
import programs
from measure import number, percent, say, summary, table

HOOKS = ("fentry", "kprobe", "tracepoint", "sched")
ROUNDS = 12
GOAL = 0.03


def usable(hook):
    """Why it cannot be had; None when it can."""
    text = harness.run([harness.SYSSCOPE, "doctor", "--json", "--collector.epoll", hook]).stdout
    epoll = [c for c in json.loads(text)["collectors"] if c["name"] == "epoll"][0]
    return None if epoll["loaded"] else epoll["reason"]


def worker_of(master):
    with open("/proc/%d/task/%d/children" % (master, master), encoding="ascii") as f:
        return int(f.read().split()[0])


def request_us(port, worker):
    """Of a second of requests: time each, and CPU time of nginx each."""
    began = measure.cpu_ns(worker)
    done = harness.run(agents.pinned(measure.AGENT_CPU, [programs.which("wrk"), "-t", "1", "-c", "16", "-d", "1s",
                                                         "http://127.0.0.1:%d/" % port]))
    served = int(re.search(rb"(\d+) requests in", done.stdout).group(1))
    rate = float(re.search(rb"Requests/sec: *([0-9.]+)", done.stdout).group(1))
    return {"wall": 1e6 / rate, "cpu": (measure.cpu_ns(worker) - began) / 1e3 / served}


def run(options):
    say("Event loops: nginx, one worker alone on CPU %d, under wrk, by turns" % measure.WORK_CPU)
    try:
        programs.which("wrk")
        server = programs.nginx(1, before=agents.pinned(measure.WORK_CPU, []))
    except programs.Missing as e:
        say("  not measured: %s" % e)
        return {}
    ways = {"nothing": agents.nothing, "nothing again": agents.nothing,
            "sysscope, no epoll": functools.partial(agents.serving, "--no-collector.epoll")}
    for hook in HOOKS:
        why = usable(hook)
        if why:
            say("  not measured: %s: %s" % (hook, why))
        else:
            ways["sysscope, " + hook] = functools.partial(agents.serving, "--collector.epoll", hook)
    worker = worker_of(server.process.pid)
    pairs = measure.interleave(ways, lambda: request_us(server.port, worker), options.get("rounds") or ROUNDS,
                               options.get("seconds") or 200)
    harness.stop(server.process)
    result = {}
    for what in ("wall", "cpu"):
        values = {n: [p[what] for p in v] for n, v in pairs.items()}
        result[what] = {"ratio": measure.ratios(values, "nothing"), "us_each": {n: summary(v) for n, v in values.items()}}
    wall, cpu = result["wall"], result["cpu"]
    table(["with", "slower by %", "us a request", "CPU time of nginx more by %", "us", "runs"],
          [[n, percent(wall["ratio"][n]), number(wall["us_each"][n]["median"]), percent(cpu["ratio"][n]),
            number(cpu["us_each"][n]["median"]), len(v)] for n, v in pairs.items()])
    if "sysscope, fentry" in pairs:
        say("  goal with fentry: under %.0f %%" % (GOAL * 100))
    return result
