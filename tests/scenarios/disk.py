# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios of the rules about disks: loop devices on a server that takes a set time for each request."""
import os
import signal
import subprocess

import cgroups
import harness
from frame import Missing, finding, scenario

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
# THREADS that read or write blocks of SIZE bytes past the page cache, with a rest of so many seconds after each.
BLOCKS = """
import mmap, os, random, sys, threading, time
if sys.argv[6]:
    with open(sys.argv[6] + "/cgroup.procs", "w") as f:
        f.write("0")
path, what, size, threads, rest = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
fd = os.open(path, os.O_RDWR | os.O_DIRECT)
def work():
    block = mmap.mmap(-1, size)
    while True:
        at = random.randrange((64 << 20) // size) * size
        if what == "read":
            os.preadv(fd, [block], at)
        else:
            os.pwritev(fd, [block], at)
        time.sleep(rest)
for _ in range(threads):
    threading.Thread(target=work).start()
"""


def slow_disk(stage, microseconds):
    """Its path."""
    program = os.path.join(harness.tmp(), "slow_disk")
    build = os.path.dirname(harness.SYSSCOPE)
    if not os.path.exists(program):
        made = subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-D_GNU_SOURCE", "-I" + ROOT + "/agent", "-I" + ROOT + "/include",
                               "-I" + ROOT + "/tests", "-I" + ROOT + "/tests/lib", HERE + "/slow_disk.c", ROOT + "/tests/lib/slow_disk.c",
                               build + "/libsysscope.a", "-o", program], capture_output=True, text=True, check=False)
        if made.returncode:
            raise Missing("no slow disk: " + made.stderr)
    p = subprocess.Popen([program, str(microseconds)], stdout=subprocess.PIPE, text=True, preexec_fn=harness.die_with_parent)
    stage.undo.callback(p.wait)
    stage.undo.callback(p.send_signal, signal.SIGTERM)
    path = p.stdout.readline().strip()
    if not path.startswith("/dev/"):
        raise Missing("no loop device or no FUSE here: " + path)
    return path


def disk_folder(stage, path):
    """On v1 the disk's controller has a hierarchy of its own, which the stage does not make cgroups in."""
    if cgroups.layout.v2 or not cgroups.layout.folder("blkio"):
        return ""
    folder = cgroups.layout.folder("blkio") + path
    os.makedirs(folder, exist_ok=True)
    stage.undo.callback(os.removedirs, folder)
    return folder


def limit(cgroup, folder, device, read_bytes):
    """What the cgroup may read there in a second."""
    number = "%d:%d" % (os.major(os.stat(device).st_rdev), os.minor(os.stat(device).st_rdev))
    file, value = folder + "/blkio.throttle.read_bps_device", "%s %d" % (number, read_bytes)
    if cgroups.layout.v2:
        file, value = cgroups.layout.v2 + cgroup + "/io.max", "%s rbps=%d" % (number, read_bytes)
    if not os.path.exists(file):
        raise Missing("no I/O limits here: " + file)
    with open(file, "w", encoding="ascii") as f:
        f.write(value)


def blocks(stage, name, path, what, size, threads=1, rest=0, read_limit=0):
    cgroup = stage.cgroup(name)
    folder = disk_folder(stage, cgroup)
    if read_limit:
        limit(cgroup, folder, path, read_limit)
    stage.python(cgroup, BLOCKS, path, what, size, threads, rest, folder)


@scenario(first=finding("disk_latency", container="/db", culprit=""))
def slow_disk_reads(stage):
    """A reader of small blocks on a disk that takes 80 ms for each."""
    blocks(stage, "db", slow_disk(stage, 80000), "read", 4096)


@scenario(worst="none")
def fast_enough_disk(stage):
    """The same on a disk that takes 5 ms."""
    blocks(stage, "db", slow_disk(stage, 5000), "read", 4096)


@scenario(first=finding("disk_neighbour", container="/db", culprit="/backup", explains=["disk_latency"]))
def disk_filled(stage):
    """Six threads write to a disk that takes 10 ms for each request; another container reads small blocks there."""
    path = slow_disk(stage, 10000)
    blocks(stage, "db", path, "read", 4096)
    blocks(stage, "backup", path, "write", 65536, threads=6)


@scenario(first=finding("disk_throttled", container="/batch", culprit=""), never=["disk_latency"])
def disk_limited(stage):
    """A reader that may read 1 MiB a second of a disk that takes 1 ms for each of its requests of 16 KiB."""
    blocks(stage, "batch", slow_disk(stage, 1000), "read", 16384, read_limit=1 << 20)


@scenario(worst="none")
def disk_limit_unused(stage):
    """The same with a limit of 64 MiB a second, and a rest after each read."""
    blocks(stage, "batch", slow_disk(stage, 1000), "read", 16384, rest=0.02, read_limit=64 << 20)


@scenario(worst="none", held_back=True)
def backup_alone(stage):
    """A backup writes all that a disk takes, and nobody else needs it."""
    blocks(stage, "backup", slow_disk(stage, 2000), "write", 1 << 20)


# ---- held back: writers, other sizes ----

@scenario(first=finding("disk_latency", container="/log", culprit=""), held_back=True)
def slow_disk_writes(stage):
    """Two writers of 16 KiB on a disk that takes 60 ms for each."""
    blocks(stage, "log", slow_disk(stage, 60000), "write", 16384, threads=2)


@scenario(first=finding("disk_latency", container="/scan", culprit=""), never=["disk_neighbour"], held_back=True)
def disk_filled_by_reads(stage):
    """Eight threads read 128 KiB each from a disk that takes 6 ms for a request; another container's small writes there go first."""
    path = slow_disk(stage, 6000)
    blocks(stage, "mail", path, "write", 4096)
    blocks(stage, "scan", path, "read", 131072, threads=8)
