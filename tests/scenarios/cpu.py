# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios of the rules about the CPU."""
from frame import BURN, FIRST, LAST, PYTHON, finding, scenario

# Works for so many milliseconds, then rests until the period is over; argv: work, period, work of each 20th time.
BURSTS = """
import itertools, sys, time
work, period, more = (int(a) / 1000 for a in (sys.argv[1:] + sys.argv[1:2])[:3])
for i in itertools.count(1):
    begin, used = time.monotonic(), time.process_time()
    while time.process_time() - used < (work if i % 20 else more):
        pass
    time.sleep(max(0, begin + period - time.monotonic()))
"""


def loops(count):
    return " & ".join(["(%s)" % BURN] * count) + " & wait"


# ---- quotas ----

@scenario(first=finding("cpu_throttled", container="throttled", culprit="", severity="critical"))
def throttled(stage):
    """Two loops in a container with a quota of 0.2 CPU."""
    stage.container("throttled", "sh", "-c", loops(2), options=("--cpus", "0.2", *FIRST))


@scenario(first=finding("cpu_throttled", container="/team/web", culprit=""))
def throttled_above(stage):
    """The quota is that of a cgroup around the container."""
    stage.cgroup("team", cpu={"cpu.cfs_quota_us": 20000})
    stage.run(stage.cgroup("team/web"), "sh", "-c", loops(2))


@scenario(worst="none", beside=True)
def quota_unused(stage):
    """A quota of 0.2 CPU that a sleeping container does not use."""
    stage.container("quota", "sleep", "1000", options=("--cpus", "0.2"))


@scenario(worst="notice", never=["cpu_throttled"])
def quota_suffices(stage):
    """Works for 20 ms in each 100 ms, with 50 ms to use."""
    stage.docker_python("quota", BURSTS, 20, 100, options=("--cpus", "0.5", *FIRST))


@scenario(worst="notice", never=["cpu_throttled"], held_back=True)
def quota_trims_bursts(stage):
    """Works for 20 ms in each 100 ms, with 50 ms to use, and for 70 ms every two seconds: the quota runs out in a twentieth."""
    stage.docker_python("bursts", BURSTS, 20, 100, 70, options=("--cpus", "0.5", *FIRST))


# ---- waits for others ----

@scenario(first=finding("cpu_neighbour", container="web", culprit="batch"))
def neighbour(stage):
    """Two loops on one CPU; the kernel lets the batch job go first."""
    stage.container("web", "sh", "-c", BURN, options=("--cpuset-cpus", "0", *LAST))
    stage.container("batch", "sh", "-c", BURN, options=("--cpuset-cpus", "0", *FIRST))


@scenario(first=finding("cpu_neighbour", container="web", culprit="batch"), never=["cpu_throttled"], held_back=True)
def neighbour_of_bursts(stage):
    """A service that works a fifth of the time shares its CPU with four loops."""
    stage.docker_python("web", BURSTS, 20, 100, options=("--cpuset-cpus", "1", "--cpu-shares", "2048"))
    stage.container("batch", "sh", "-c", loops(4), options=("--cpuset-cpus", "1", *FIRST))


@scenario(worst="notice", never=["cpu_neighbour"])
def equals(stage):
    """Two loops of the same weight on one CPU: none of them is to blame."""
    for name in ("one", "other"):
        stage.container(name, "sh", "-c", BURN, options=("--cpuset-cpus", "0", *FIRST))


@scenario(first=finding("cpu_self_contention", container="pool", culprit="", severity="notice"), never=["cpu_neighbour"])
def self_contention(stage):
    """Four loops of one container on one CPU."""
    stage.container("pool", "sh", "-c", loops(4), options=("--cpuset-cpus", "1", *FIRST))


@scenario(worst="none", never=["cpu_self_contention"], held_back=True)
def pool_that_rests(stage):
    """Four programs on one CPU that work a twentieth of the time each."""
    stage.docker_python("pool", "import os\nos.fork(); os.fork()\n" + BURSTS, 5, 100, options=("--cpuset-cpus", "1", *FIRST))


# ---- one thread ----

@scenario(first=finding("cpu_single_thread", container="one", process="sh", severity="notice"), quiet=True)
def single_thread(stage):
    """One loop, with a CPU free beside it."""
    stage.container("one", "sh", "-c", BURN, options=FIRST)


@scenario(never=["cpu_single_thread"], worst="notice", quiet=True)
def single_thread_at_limit(stage):
    """One loop that may use one CPU and does: its limit holds it, not its single thread."""
    stage.container("one", "sh", "-c", BURN, options=("--cpuset-cpus", "0", *FIRST))


# ---- processes that live for a moment ----

@scenario(first=finding("short_lived_processes", container="storm"))
def short_lived(stage):
    """A shell that starts one program after the other."""
    stage.container("storm", "sh", "-c", "while :; do /bin/true; done", options=FIRST)


@scenario(worst="none", beside=True)
def health_checks(stage):
    """Three programs a second."""
    stage.container("checked", "sh", "-c", "while sleep 1; do /bin/true; /bin/ls / > /dev/null; done")


# ---- the machine ----

@scenario(first=finding("host_cpu_saturated"), never=["cpu_neighbour"], whole_host=True, quiet=True)
def host_full(stage):
    """Two equal containers with three loops each on two CPUs."""
    for name in ("one", "other"):
        stage.container(name, "sh", "-c", loops(3), options=FIRST)


@scenario(never=["host_cpu_saturated"], quiet=True, held_back=True)
def host_half_full(stage):
    """One loop on a machine of two CPUs."""
    stage.container("one", "sh", "-c", BURN, options=FIRST)


# ---- held back: other programs, other limits ----

@scenario(first=finding("cpu_throttled", container="batches", culprit=""), held_back=True)
def throttled_in_bursts(stage):
    """Four programs that want 40 ms in each 100 ms each, with a quota of 0.6 CPU."""
    stage.docker_python("batches", "import os\nos.fork(); os.fork()\n" + BURSTS, 40, 100, options=("--cpus", "0.6", *FIRST))


@scenario(first=finding("cpu_self_contention", container="/zip", culprit="", severity="notice"), held_back=True)
def compressors_on_one_cpu(stage):
    """Five compressors on one CPU."""
    path = stage.cgroup("zip")
    for _ in range(5):
        stage.run(path, "taskset", "-c", "0", "sh", "-c", "exec gzip -9 < /dev/urandom > /dev/null")


@scenario(first=finding("cpu_neighbour", container="/api", culprit="/zip"), held_back=True)
def neighbour_compresses(stage):
    """A service that works for 15 ms in each 60 ms beside three compressors of more weight."""
    api, zip_ = stage.cgroup("api", cpu={"cpu.shares": 4096}), stage.cgroup("zip", cpu={"cpu.shares": 32768})
    stage.run(api, "taskset", "-c", "1", PYTHON, "-c", BURSTS, "15", "60")
    for _ in range(3):
        stage.run(zip_, "taskset", "-c", "1", "sh", "-c", "exec gzip -9 < /dev/urandom > /dev/null")


@scenario(first=finding("cpu_single_thread", container="/encoder", process="python3", severity="notice"), quiet=True,
          held_back=True)
def single_encoder(stage):
    """A program that computes checksums without a pause, with a CPU free beside it."""
    stage.python(stage.cgroup("encoder"), "import hashlib\nx = bytes(1 << 20)\nwhile True:\n    hashlib.md5(x)")


@scenario(first=finding("short_lived_processes", container="/hooks"), held_back=True)
def hooks_in_python(stage):
    """A program that starts one small script after the other."""
    stage.python(stage.cgroup("hooks"), """
import subprocess
while True:
    subprocess.run(["sh", "-c", "date; uname -a"], stdout=subprocess.DEVNULL)
""")
