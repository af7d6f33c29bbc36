# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios of the rules about what rises without a pause, and of limits that several share."""
import os
import subprocess
import time

import cgroups
import programs
from frame import Missing, finding, scenario

HOLD = "import sys, time; x = b'x' * (int(sys.argv[1]) << 20); time.sleep(1000)"
# So many bytes each tenth of a second, after so many seconds.
LEAK = """
import sys, time
kept = []
time.sleep(float(sys.argv[1]))
while True:
    kept.append(b'x' * int(sys.argv[2]))
    time.sleep(0.1)
"""
THREADS = """
import threading, time
time.sleep(62)
while True:
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    time.sleep(0.1)
"""
BURST = "import sys, time; time.sleep(3); x = b'x' * (int(sys.argv[1]) << 20); time.sleep(1000)"
# More than it may have, one page after the other, again and again.
WALK = """
import sys
x = bytearray(int(sys.argv[1]) << 20)
while True:
    for i in range(0, len(x), 4096):
        x[i] = 1
"""
READ = "while :; do cat %s > /dev/null; done"
# A process that is younger still starts, for these rules.
STARTED_SECONDS = 61


def limited(stage, name, mebibytes):
    v1 = os.path.exists(cgroups.layout.folder("memory") + "/memory.limit_in_bytes")
    return stage.cgroup(name, memory={"memory.limit_in_bytes" if v1 else "memory.max": mebibytes << 20})


def swap(stage):
    """A file to swap to, on a loop device: files of some file systems are refused."""
    path = os.path.join(stage.folder, "swap")
    with open(path, "wb") as f:
        os.posix_fallocate(f.fileno(), 0, 256 << 20)
    device = _done("losetup", "-f", "--show", path)
    stage.undo.callback(_done, "losetup", "-d", device)
    _done("mkswap", device)
    _done("swapon", device)
    stage.undo.callback(_done, "swapoff", device)


def _done(*argv):
    p = subprocess.run(argv, capture_output=True, text=True, check=False)
    if p.returncode:
        raise Missing("%s: %s" % (argv[0], p.stderr.strip()))
    return p.stdout.strip()


def big_file(stage, mebibytes):
    path = os.path.join(stage.folder, "big")
    with open(path, "wb") as f:
        for _ in range(mebibytes):
            f.write(os.urandom(1 << 20))
        f.flush()
        os.fsync(f.fileno())
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return path


@scenario(first=finding("memory_near_limit", container="/shop/api", severity="warning"), beside=True)
def near_limit_shared(stage):
    """A limit that two share, of which one has next to nothing."""
    limited(stage, "shop", 128)
    stage.python(stage.cgroup("shop/api"), HOLD, 114)
    stage.run(stage.cgroup("shop/idle"), "sleep", "1000")
    time.sleep(1)


@scenario(first=finding("memory_near_limit", container="/shm"), held_back=True, beside=True)
def near_limit_shmem(stage):
    """Files in /dev/shm fill the limit."""
    path = "/dev/shm/%sfile" % stage.tag
    stage.undo.callback(lambda: os.path.exists(path) and os.unlink(path))
    stage.run(limited(stage, "shm", 128), "sh", "-c", "head -c 120m /dev/zero > %s; exec sleep 1000" % path)
    time.sleep(1)


@scenario(first=finding("memory_thrash", container="/search"))
def rereads(stage):
    """It reads a file again and again that is larger than its limit."""
    stage.run(limited(stage, "search", 64), "sh", "-c", READ % big_file(stage, 160))


@scenario(first=finding("swap_thrash", container="/swapper"))
def swapping(stage):
    """It writes to more memory than its limit, again and again."""
    swap(stage)
    stage.python(limited(stage, "swapper", 64), WALK, 120)


@scenario(worst="notice", never=("swap_thrash",), held_back=True)
def swapped_once(stage):
    """It took more memory than its limit once, and needs the half of it that is not in swap."""
    swap(stage)
    stage.python(limited(stage, "swapped", 64), "held = b'x' * (70 << 20)\n" + WALK, 20)
    time.sleep(3)


@scenario(first=finding("oom_killed", container="/burst", severity="critical"), never=("memory_leak",), held_back=True, beside=True)
def oom_burst(stage):
    """One allocation that is larger than the limit."""
    path = limited(stage, "burst", 64)
    stage.run(path, "sleep", "1000")
    stage.begin(lambda: stage.python(path, BURST, 200))


@scenario(first=finding("memory_leak", container="/leaky", severity="critical", explains=["oom_killed"]), beside=True, snapshots=11)
def oom_after_leak(stage):
    """It leaks 10 MB a second until the OOM killer ends it."""
    path = limited(stage, "leaky", 64)
    stage.run(path, "sleep", "1000")
    stage.begin(lambda: stage.python(path, LEAK, 0, 1 << 20))


@scenario(first=finding("memory_leak", container="/leak", severity="warning"), snapshots=11)
def leak(stage):
    """It leaks 5 MB a second, and half of its limit is left at the end."""
    stage.python(limited(stage, "leak", 130), LEAK, STARTED_SECONDS + 1, 1 << 19)
    time.sleep(STARTED_SECONDS)


@scenario(first=finding("thread_growth", container="/threads"), never=("memory_leak",), snapshots=11)
def more_threads(stage):
    """Ten threads a second are started and never end."""
    stage.python(stage.cgroup("threads"), THREADS)
    time.sleep(STARTED_SECONDS)


@scenario(worst="none", beside=True, snapshots=11)
def still_starting(stage):
    """It fills its memory at its start, far from its limit."""
    stage.python(limited(stage, "young", 1024), LEAK, 0, 1 << 20)


# Ever more slowly, as what warms up: half of what is missing in each second.
WARMS = """
import sys, time
kept, missing = [], float(int(sys.argv[2]) << 20)
time.sleep(float(sys.argv[1]))
while True:
    kept.append(b'x' * int(missing * 0.06))
    missing *= 0.94
    time.sleep(0.1)
"""


@scenario(worst="none", snapshots=11, held_back=True)
def cache_that_warms(stage):
    """A cache of 120 MB that fills ever more slowly, in a program that has run for a minute."""
    stage.python(limited(stage, "cache", 300), WARMS, STARTED_SECONDS + 2, 120)
    time.sleep(STARTED_SECONDS)


@scenario(worst="none", snapshots=11, held_back=True)
def pool_that_grows_once(stage):
    """A pool that starts 60 threads at once, in a program that has run for a minute."""
    stage.python(stage.cgroup("pool"), """
import threading, time
time.sleep(66)
for _ in range(60):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
time.sleep(1000)
""")
    time.sleep(STARTED_SECONDS)


@scenario(first=finding("memory_leak", container="/sessions"), snapshots=11, held_back=True)
def leak_in_node(stage):
    """node keeps 3 MB of buffers in each quarter of a second, in a program that has run for a minute."""
    stage.run(limited(stage, "sessions", 400), programs.which("node", "nodejs"), "-e", """
const kept = [];
setTimeout(() => setInterval(() => kept.push(Buffer.alloc(3 << 20, 1)), 250), %d)
""" % (STARTED_SECONDS * 1000))
    time.sleep(STARTED_SECONDS)
