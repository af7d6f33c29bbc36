# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes tests/scenarios/recorded/NAME.json.gz: the snapshots of a scenario, cut down to its own containers, and its expectation.

Of the machine the file has the figures of the whole: its CPUs, its memory, stolen time. The CPU time of the machine becomes that
of the scenario's containers, unless the scenario is about the machine; what others waited, lost or were is left out, and names of
this machine, of this run and of others are replaced. tests/lib/recording.c reads it.
"""
import glob
import gzip
import hashlib
import json
import os
import re

from frame import CGROUP

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recorded")
FORMAT = 1


def path_of(name):
    return os.path.join(FOLDER, name + ".json.gz")


def own_cgroup(cgroup, stage):
    return any(cgroup == path or (cgroup or "").startswith(path + "/") for path in stage.own)


def _sum(snapshot, key):
    """Of the scenario's containers, of which none counts twice: what is inside another one is in its value."""
    return sum(c[key] or 0 for c in snapshot["containers"] if not c["parent_cgroup"])


def _others(rows, role, stage):
    """Pairs with someone who is not the scenario's: the other one becomes `~other`, and its rows one."""
    kept, folded = [], {}
    for row in rows:
        if not own_cgroup(row["waiter_cgroup"], stage):
            continue
        if own_cgroup(row[role + "_cgroup"], stage):
            kept.append(row)
            continue
        row.update({role: "~other", role + "_cgroup": None})
        one = folded.setdefault((row["waiter_cgroup"], row.get("device")), row)
        if one is not row:
            for k, v in row.items():
                if isinstance(v, (int, float)):
                    one[k] = (one[k] or 0) + v
    return kept + list(folded.values())


def cut(snapshot, stage):
    own = lambda row: own_cgroup(row["container_cgroup"], stage)  # noqa: E731
    s = snapshot
    s["host"]["kernel"] = re.match(r"[\d.]*", s["host"]["kernel"]).group()
    s["host"].pop("virtualization")
    s["containers"] = [c for c in s["containers"] if own_cgroup(c["cgroup"], stage)]
    for c in s["containers"]:
        if not own_cgroup(c["parent_cgroup"], stage):
            c["parent"] = c["parent_cgroup"] = None
        c["outside"] = [p for p in c["outside"] if own(p)]
    for key in ("processes", "groups", "loops", "births", "oom_kills", "ports"):
        s[key] = [row for row in s[key] if own(row)]
    for loop in s["loops"]:
        stall = loop["last_stall"]
        if stall and not own_cgroup(stall["runner_cgroup"], stage):
            stall["runner"] = stall["runner_cgroup"] = None
    names = {c["name"] for c in s["containers"]}
    for kill in s["oom_kills"]:
        kill["largest"] = [p for p in kill["largest"] if p["container"] in names]
    s["neighbours"] = _others(s["neighbours"], "runner", stage)
    s["disk_neighbours"] = _others(s["disk_neighbours"], "filler", stage)
    devices = {d["device"] for c in s["containers"] for d in c["disks"]}
    s["devices"] = [d for d in s["devices"] if d["device"] in devices]
    return s


def machine(s, processes):
    """Adds its first process, for its namespaces: with those of containers they are compared."""
    # Where that one is not seen, a kernel thread tells the same.
    init = min((p for p in processes if p["pid"] == 1 or (p["pid"] == 2 and p["kernel"])), key=lambda p: p["pid"], default=None)
    if not init or any(p["pid"] == init["pid"] for p in s["processes"]):
        return
    s["containers"].append({"name": "host", "kind": "host", "cgroup": "/", "state": "running"})
    s["processes"].append({"pid": init["pid"], "ppid": 0, "uid": 0, "comm": "init", "main_thread": "init", "container": "host",
                           "container_cgroup": "/", "start_time": init["start_time"], "state": "S", "kernel": init["kernel"],
                           "namespaces": init["namespaces"]})


def alone(snapshots):
    """As if the scenario's containers had had the machine for themselves."""
    first, begin = _sum(snapshots[0], "cpu_seconds_total"), snapshots[0]["host"]["cpu_seconds_total"]
    for s in snapshots:
        host = s["host"]
        host["cpu_cores"] = _sum(s, "cpu_cores")
        host["processes"], host["threads"] = len(s["processes"]), _sum(s, "threads")
        host["containers"] = len(s["containers"])
        host["load1"] = None
        host["cpu_seconds_total"] = begin + max(0, _sum(s, "cpu_seconds_total") - first)
        s["losses"] = snapshots[0]["losses"]


def counted(s, checks):
    """What its containers used their capabilities for, as an agent has it that counts that."""
    s["collectors"] = [c for c in s["collectors"] if c["name"] != "capabilities"] + [{"name": "capabilities", "ok": True}]
    own = {c["cgroup"] for c in s["containers"]}
    s["checks"] = [{"container_cgroup": c["cgroup"], "capability": name, "count": n}
                   for c in checks["containers"] if c["cgroup"] in own for name, n in c["used"].items()]


def _known(value):
    """Without what is null, which is as absent when it is missing, and without digits that no rule looks at."""
    if isinstance(value, dict):
        return {k: _known(v) for k, v in value.items() if v is not None or k == "guest"}
    if isinstance(value, list):
        return [_known(v) for v in value]
    if isinstance(value, float) and abs(value) < 1e9:  # not times, of which 15 digits are needed
        return float("%.9g" % value)
    return value


def neutral(text, stage, hostname):
    for identity, name in stage.ids.items():
        other = hashlib.sha256(name.encode()).hexdigest()
        text = text.replace(identity, other).replace(identity[:12], other[:12])
    text = text.replace(CGROUP + "docker/docker", "/docker").replace(stage.above, "/").replace(stage.tag, "")
    return text.replace(json.dumps(hostname), '"machine"')


def write(scenario, stage, snapshots, checks):
    if scenario.snapshots == 2:  # others that were watched with it may want more
        snapshots = [snapshots[0], snapshots[-1]]
    processes = [s["processes"] for s in snapshots]
    snapshots = [cut(s, stage) for s in snapshots]
    if not scenario.whole_host:
        alone(snapshots)
    for s, all_of_them in zip(snapshots, processes):
        machine(s, all_of_them)
        if scenario.checks and checks:
            counted(s, checks)
    recorded = {"format": FORMAT, "name": scenario.name, "what": scenario.what, "held_back": scenario.held_back,
                "expect": scenario.expect, "snapshots": [_known(s) for s in snapshots]}
    put(scenario.name, neutral(json.dumps(recorded, separators=(",", ":")), stage, snapshots[0]["host"]["hostname"]))


def put(name, text):
    os.makedirs(FOLDER, exist_ok=True)
    with open(path_of(name), "wb") as f:
        f.write(gzip.compress(text.encode(), 9, mtime=0))


def of_today(scenario):
    """Its recording, and the same with the expectation that the scenario has today. None, None: it has none."""
    if not os.path.exists(path_of(scenario.name)):
        return None, None
    with gzip.open(path_of(scenario.name), "rt", encoding="utf-8") as f:
        recorded = json.load(f)
    return recorded, dict(recorded, name=scenario.name, what=scenario.what, held_back=scenario.held_back,
                          expect=json.loads(json.dumps(scenario.expect)))


def expect_again(scenario):
    """Writes the expectation of the scenario into its recording, without recording anything."""
    recorded, new = of_today(scenario)
    if new != recorded:
        put(scenario.name, json.dumps(new, separators=(",", ":")))


def faults(scenarios):
    """Recordings that no scenario has, or whose expectation is not that of their scenario, a line each."""
    for path in sorted(glob.glob(path_of("*"))):
        name = os.path.basename(path)[:-len(".json.gz")]
        if name not in scenarios:
            yield "%s: no scenario has this name" % path
    for scenario in scenarios.values():
        recorded, new = of_today(scenario)
        if new != recorded:
            yield "%s: not what the scenario expects; EXPECT=1 make scenarios SCENARIO=%s" % (path_of(scenario.name), scenario.name)
