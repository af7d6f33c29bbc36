# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios of the rules about sysscope itself."""
from disk import disk_folder, slow_disk
from frame import BURN, FIRST, LAST, Missing, finding, scenario


@scenario(first=finding("collector_missing", severity="notice"), never=["cpu_neighbour", "cpu_self_contention"])
def scheduler_off(stage):
    """A neighbour has the CPU, but nothing watches the scheduler: it is said that nobody can judge."""
    stage.container("web", "sh", "-c", BURN, options=("--cpuset-cpus", "0", *LAST))
    stage.container("batch", "sh", "-c", BURN, options=("--cpuset-cpus", "0", *FIRST))
    stage.options.append("--no-collector.sched")


# In a cgroup of the disk's controller that is gone a moment later: one read past the page cache. argv: file, folder of cgroups.
MOMENTS = """
import itertools, mmap, os, sys, time
block = mmap.mmap(-1, 4096)
for i in itertools.count():
    folder = "%s/moment%d" % (sys.argv[2], i)
    os.mkdir(folder)
    if os.fork() == 0:
        with open(folder + "/cgroup.procs", "w") as f:
            f.write("0")
        os.preadv(os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT), [block], i % 1000 * 4096)
        os._exit(0)
    os.wait()
    os.rmdir(folder)
    time.sleep(0.02)
"""


@scenario(first=finding("facts_lost", severity="notice"), whole_host=True, quiet=True)
def cgroups_of_a_moment(stage):
    """Thirty cgroups a second, each gone before anybody can look up whose requests to the disk its were (cgroup v1)."""
    path = stage.cgroup("jobs")
    folder = disk_folder(stage, path)
    if not folder:
        raise Missing("needs cgroup v1 with a hierarchy for disks")
    stage.python(path, MOMENTS, slow_disk(stage, 100), folder)
