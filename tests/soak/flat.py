# SPDX-License-Identifier: GPL-2.0-or-later
"""What must stay flat: memory, descriptors, entries of BPF maps, series. What the churn made has "soak-" in its name."""
import json
import os
import re

import bpf
from harness import check, check_equal, run, skip

BPFTOOL = bpf.BPFTOOL
# The dead are shown for 30 s, and their cgroups keep their entry in the kernel half's table for 90 s.
REST = 105


def state(serve):
    with open("/proc/%d/status" % serve.process.pid) as f:
        rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))
    text = serve.metrics().decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    links = [descriptor(serve, fd) for fd in os.listdir("/proc/%d/fd" % serve.process.pid)]
    return {"resident KiB": rss, "descriptors": len(links), "descriptors of it": sum("/soak-" in link for link in links),
            "series": len(lines), "series of it": sum("soak-" in line for line in lines), "map entries": map_entries(serve),
            "bytes of maps": int(sum(float(v) for v in re.findall(r"^sysscope_bpf_map_memory_bytes\S* (\S+)$", text, re.M)))}


def descriptor(serve, fd):
    try:
        return os.readlink("/proc/%d/fd/%s" % (serve.process.pid, fd))
    except OSError:
        return ""


def map_entries(serve):
    """Entries of the hash maps that this process holds and that the churn made, by its names; others' work is in them, too."""
    ids = set()
    for fd in os.listdir("/proc/%d/fdinfo" % serve.process.pid):
        try:
            with open("/proc/%d/fdinfo/%s" % (serve.process.pid, fd)) as f:
                found = re.search(r"^map_type:\s*1\n(?:.*\n)*?map_id:\s*(\d+)", f.read(), re.M)
        except OSError:
            continue
        if found:
            ids.add(found.group(1))
    total = 0
    for i in ids:
        p = run([BPFTOOL, "-j", "map", "dump", "id", i], 60)
        for entry in json.loads(p.stdout) if p.returncode == 0 else []:
            # Bytes as "0x73"; a name of a process is in the key, of a cgroup in the value.
            content = b"".join(bytes(int(b, 16) for b in entry.get(part, [])) for part in ("key", "value"))
            total += b"soak-" in content
    return total


def others(serve):
    """Lines of a scrape that are not of the churn."""
    return sum(b"soak-" not in line for line in serve.metrics().splitlines())


def flat(first, last):
    """
    One check each. Memory, descriptors and series grow with what there is on the machine, and memory does not shrink: where
    others made much more of it ("peak") after `first` than before, nothing can be said of it.
    """
    alone = last["peak"] <= first["peak"] * 1.1 + 100
    for key, allowed in (("resident KiB", 2048 + first["resident KiB"] // 20), ("descriptors", 4),
                         ("series", 100 + first["series"] // 20), ("bytes of maps", first["bytes of maps"] // 20)):
        if alone or key == "bytes of maps":
            check(last[key] <= first[key] + allowed, "%s stay flat" % key, "%d, then %d" % (first[key], last[key]))
        else:
            skip("%s stay flat" % key, "others filled the machine meanwhile: up to %d lines a scrape, then %d" %
                 (first["peak"], last["peak"]))
    for key in ("map entries", "series of it", "descriptors of it"):
        check_equal("of the churn there are no %s left" % key, last[key], 0)
