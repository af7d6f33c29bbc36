# SPDX-License-Identifier: GPL-2.0-or-later
"""The tools beside which sysscope is measured, of Debian's archive: tests/bench/fetch puts them into the cache, uninstalled."""
import os

import harness
from measure import say

_found = {}


def path(name):
    """The program, or None; says once why it is missing. cAdvisor: CADVISOR= comes first."""
    if name == "cadvisor" and os.environ.get("CADVISOR"):
        return os.environ["CADVISOR"]
    if name not in _found:
        p = harness.run(["tests/bench/fetch", name], 300)
        words = p.stdout.decode("utf-8", "replace").split(None, 3)
        ok = len(words) == 4 and words[0] in ("cached", "fetched")
        _found[name] = words[3].strip() if ok else None
        if ok:
            say("  %s %s of Debian" % (name, words[2]))
        else:
            say("  not measured: %s: %s" % (name, " ".join(words[2:]) or p.stderr.decode("utf-8", "replace").strip()))
    return _found[name]


def environment(program):
    """With the libraries that came along."""
    tree = program[:program.index("/tree/") + 5] if "/tree/" in program else None
    if not tree:
        return None
    folders = [f for f in ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu") if os.path.isdir(tree + f)]
    return dict(os.environ, LD_LIBRARY_PATH=":".join(tree + f for f in folders)) if folders else None
