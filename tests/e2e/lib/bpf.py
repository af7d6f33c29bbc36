# SPDX-License-Identifier: GPL-2.0-or-later
"""What BPF objects the kernel holds, as bpftool tells it."""
import json
import os
import shutil

import harness

BPFTOOL = "/usr/sbin/bpftool" if os.access("/usr/sbin/bpftool", os.X_OK) else shutil.which("bpftool")
KINDS = ("prog", "link", "map")


def objects():
    """{(kind, id): description}"""
    found = {}
    for kind in KINDS:
        p = harness.run([BPFTOOL, "-j", kind, "list"])
        if p.returncode:
            raise RuntimeError("bpftool %s list: %r" % (kind, p.stderr[-200:]))
        for o in json.loads(p.stdout or b"[]"):
            found[kind, o["id"]] = o
    return found


def _foreign(o):
    """Held by living processes, all of which are none of ours: another sysscope on this machine."""
    holders = [h["pid"] for h in o.get("pids", [])]
    return bool(holders) and all(not _ours(pid) for pid in holders)


def _ours(pid):
    """Whether we are among the process's ancestors."""
    while pid > 1:
        if pid == os.getpid():
            return True
        try:
            with open("/proc/%d/stat" % pid, "rb") as f:
                text = f.read()
        except OSError:
            return False
        pid = int(text[text.rindex(b")") + 2:].split()[1])
    return False


def left_behind(before, seconds=15):
    """
    What is there now, was not before, and does not go away: the kernel frees programs and maps after RCU grace
    periods, so the first look may be too early. Objects of other people's processes are not counted.
    """
    left = {}

    def clean():
        nonlocal left
        left = {k: o for k, o in objects().items() if k not in before and not _foreign(o)}
        return not left

    harness.wait_for(clean, seconds, 0.3)
    return ["%s %d %s" % (kind, number, o.get("name", o.get("type", "?"))) for (kind, number), o in sorted(left.items())]
