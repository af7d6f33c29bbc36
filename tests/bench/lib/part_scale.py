# SPDX-License-Identifier: GPL-2.0-or-later
"""
How the cost grows with the machine: processes, cgroups, memory, threads, start, top, and, by name only, guest; each alone by
BENCH=scale:threads. With BASELINE=path-to-binary of an older build both are measured by turns, and its cost is shown as a multiple of this one's; beside
them cAdvisor, htop and atop. SCALE_SIZES="cgroups:500 threads:1000": only these.
"""
import os
import time

import builds
import scale_cgroups
import scale_guest
import scale_memory
import scale_processes
import scale_start
import scale_threads
import scale_top
from measure import say

PARTS = {"processes": scale_processes, "cgroups": scale_cgroups, "memory": scale_memory, "threads": scale_threads,
         "start": scale_start, "top": scale_top, "guest": scale_guest}
BY_NAME = {"guest"}  # emulated: slow


def run(options):
    only = options.get("only") or [p for p in PARTS if p not in BY_NAME]
    unknown = [p for p in only if p not in PARTS]
    if unknown:
        raise SystemExit("scale has no part %s; it has: %s" % (", ".join(unknown), " ".join(PARTS)))
    chosen = builds.chosen()
    result = {"builds": {name: builds.revision(binary) for name, binary in chosen.items()}}
    say("Scale: medians and quartiles of CPU time; a factor is how many times the cost of this build")
    for name in chosen:
        say("  %s: %s" % (name, result["builds"][name]))
    if builds.BASE not in chosen:
        say("  there is nothing to compare with: BASELINE=path-to-binary")
    for part in only:
        began, load = time.monotonic(), os.getloadavg()[0]
        say()
        result[part] = PARTS[part].run()
        result[part + "_about"] = {"seconds": time.monotonic() - began, "load": [load, os.getloadavg()[0]]}
        say("  (%s: %.0f s; load %.1f before, %.1f after)" % (part, time.monotonic() - began, load, os.getloadavg()[0]))
    return result
