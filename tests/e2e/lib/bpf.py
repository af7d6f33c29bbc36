# SPDX-License-Identifier: GPL-2.0-or-later
"""What BPF objects the kernel holds, as bpftool tells it."""
import json
import os
import shutil
import time

import harness

BPFTOOL = "/usr/sbin/bpftool" if os.access("/usr/sbin/bpftool", os.X_OK) else shutil.which("bpftool")
KINDS = ("prog", "link", "map")


def objects():
    """{(kind, id): description}"""
    found = {}
    for kind in KINDS:
        # One that goes while they are listed is an error of the whole list: tests beside this one load and unload.
        for _ in range(20):
            p = harness.run([BPFTOOL, "-j", kind, "list"])
            if p.returncode == 0:
                break
            time.sleep(0.1)
        else:
            raise RuntimeError("bpftool %s list: %r %r" % (kind, p.stdout[-200:], p.stderr[-200:]))
        for o in json.loads(p.stdout or b"[]"):
            found[kind, o["id"]] = o
    return found


def _descriptors(pid):
    """{(kind, id)} of the BPF objects that the process holds by descriptors."""
    held, folder = set(), "/proc/%s/fdinfo" % pid
    try:
        for fd in os.listdir(folder):
            with open("%s/%s" % (folder, fd)) as f:
                info = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
            for kind in KINDS:
                if kind + "_id" in info:
                    held.add((kind, int(info[kind + "_id"])))
    except OSError:
        pass  # closed, or it has ended
    return held


def held_by(pid):
    """What the process holds. A link's descriptor names its program as well."""
    return _descriptors(pid)


def _held_by_others():
    held = set()
    for pid in os.listdir("/proc"):
        if pid.isdigit() and not _ours(int(pid)):
            held |= _descriptors(pid)
    return held


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


def attached(pid, seconds=60):
    """Waits until a sysscope has its programs attached: it holds links, and no more of them than a moment ago."""
    last = [0]

    def steady():
        now = sum(kind == "link" for kind, _ in _descriptors(pid))
        before, last[0] = last[0], now
        return now and now == before

    return harness.wait_for(steady, seconds, 0.3)


def left_behind(before, seconds=60, ours=None):
    """
    What our processes, all of which have ended, have left: `ours`, or what was not there before and nobody else holds.
    The kernel frees programs and maps after RCU grace periods, so that the first look may be too early. What is made
    after that look is somebody else's: another test that runs at the same time.
    """
    candidates = set(ours) if ours is not None else set(objects()) - set(before)
    left = {}

    def clean():
        nonlocal left
        now, foreign = objects(), _held_by_others()
        candidates.intersection_update(now)
        candidates.difference_update(foreign)
        left = {k: now[k] for k in candidates}
        return not left

    harness.wait_for(clean, seconds, 0.3)
    return ["%s %d %s" % (kind, number, o.get("name", o.get("type", "?"))) for (kind, number), o in sorted(left.items())]
