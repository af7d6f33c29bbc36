# SPDX-License-Identifier: GPL-2.0-or-later
"""Two causes at once, and a cause with its consequence: the right one comes first, and consequences are no findings of their own."""
import programs
from baselines import CLIENT, clients
from cpu import loops
from frame import BURN, FIRST, LAST, finding, scenario
from memory import HOLD, MAPPED, folder
from processes import ZOMBIES

# Takes so many MiB in each second, and never gives them back.
LEAK = """
import sys, time
held = []
while True:
    held.append(b"x" * (int(sys.argv[1]) << 18))
    time.sleep(0.25)
"""
# Works for some milliseconds on each request.
HEAVY = """
require('http').createServer((q, r) => {
  let a = 0;
  for (let i = 0; i < 1e7; i++) a = (a * 31 + i) | 0;
  r.end('ok' + a);
}).listen(+process.argv[2], '127.0.0.1');
"""


# ---- a cause and its consequence ----

@scenario(first=finding("cpu_throttled", container="pool", explains=["cpu_self_contention"]), never=["cpu_self_contention"])
def throttled_pool(stage):
    """Four loops on one CPU with a quota of half a CPU: they wait for each other, too."""
    stage.container("pool", "sh", "-c", loops(4), options=("--cpus", "0.5", "--cpuset-cpus", "1", *FIRST))


@scenario(first=finding("zombies", container="careless", explains=["pids_limit"]), never=["pids_limit"], beside=True)
def zombies_fill_limit(stage):
    """46 dead children of the 50 processes that the container may have."""
    stage.docker_python("careless", ZOMBIES, 46, options=("--pids-limit", "50"))


@scenario(first=finding("oom_killed", container="cache"), never=["memory_near_limit", "memory_thrash"])
def oom_near_limit(stage):
    """A program holds most of the limit; another one is killed for what it wants, again and again."""
    stage.container("cache", "sh", "-c", "%s -c '%s' 59 & while :; do tail /dev/zero; sleep 1; done"
                    % ("/usr/bin/python3", HOLD.replace("'", '"')),
                    options=("--memory", "72m", "-v", "/usr:/usr:ro", "-v", "/usr/lib:/lib:ro", "-v", "/usr/lib64:/lib64:ro", *FIRST))


@scenario(first=finding("memory_leak", container="leaks", process="python3", explains=["oom_killed"]), never=["memory_near_limit"],
          seconds=15, snapshots=16)
def oom_again_and_again(stage):
    """A program that leaks 8 MiB a second is killed at its limit of 64 MiB, and started again."""
    stage.container("leaks", "sh", "-c", "while :; do /usr/bin/python3 -c '%s' 8; done" % LEAK.replace("'", '"'),
                    options=("--memory", "64m", "-v", "/usr:/usr:ro", "-v", "/usr/lib:/lib:ro", "-v", "/usr/lib64:/lib64:ro", *FIRST))


@scenario(first=finding("cpu_throttled", container="/node", culprit=""))
def throttled_loop(stage):
    """node with a quota of a tenth of a CPU, which its clients would fill: its event loop stalls."""
    node = stage.server("node", lambda before: programs.node(HEAVY, before), cpu={"cpu.cfs_quota_us": 10000})
    stage.python(stage.cgroup("clients"), CLIENT, node.port, 1000, 4)


@scenario(first=finding("cpu_neighbour", container="/web", culprit="batch", explains=["loop_starved"]))
def starved_loop(stage):
    """nginx on the CPU of a batch job that goes first: its event loop waits for the CPU."""
    clients(stage, stage.server("web", lambda before: programs.nginx(1, before=(*before, "taskset", "-c", "0")),
                                cpu={"cpu.shares": 512}).port, 1000)
    stage.container("batch", "sh", "-c", BURN, options=("--cpuset-cpus", "0", *FIRST))


@scenario(first=finding("short_lived_processes", container="checks"), never=["host_cpu_saturated"], whole_host=True, quiet=True, held_back=True)
def check_storm_fills_host(stage):
    """Health checks that start without a pause, eight at a time, fill the machine."""
    stage.container("checks", "sh", "-c", " & ".join(["(while :; do /bin/true; done)"] * 8) + " & wait", options=FIRST)


# ---- two causes ----

@scenario(first=finding("cpu_throttled", container="api"), then=[finding("cpu_neighbour", container="web", culprit="batch")],
          quiet=True)
def throttled_and_neighbour(stage):
    """One container is held up by its quota, another one by its neighbour."""
    stage.container("api", "sh", "-c", loops(2), options=("--cpus", "0.05", "--cpuset-cpus", "1", *FIRST))
    stage.container("web", "sh", "-c", BURN, options=("--cpuset-cpus", "0", "--cpu-shares", "20000"))
    stage.container("batch", "sh", "-c", BURN, options=("--cpuset-cpus", "0", *FIRST))


@scenario(first=finding("cpu_neighbour", container="web", culprit="batch"), then=[finding("stopped", container="paused")],
          quiet=True, held_back=True)
def neighbour_and_paused(stage):
    """A container is starved; that another one is paused is a fact, and comes last."""
    c = stage.container("paused", "sleep", "1000")
    c.docker("pause", c.name)
    stage.undo.callback(c.docker, "unpause", c.name)
    stage.container("web", "sh", "-c", BURN, options=("--cpuset-cpus", "0", *LAST))
    stage.container("batch", "sh", "-c", BURN, options=("--cpuset-cpus", "0", *FIRST))


@scenario(first=finding("memory_near_limit", container="cache"),
          then=[finding("zombies", container="careless")], beside=True, held_back=True)
def near_limit_and_zombies(stage):
    """A container that is about to be killed comes before one that is careless."""
    stage.docker_python("careless", ZOMBIES, 30)
    stage.docker_python("cache", HOLD, 94, options=("--memory", "100m"))


@scenario(first=finding("cpu_throttled", container="reads"), then=[finding("major_faults", container="reads")])
def throttled_and_thrash(stage):
    """A reader of a file that is larger than its limit, with a quota of a tenth of a CPU, which leaves it little to read again."""
    c = stage.docker_python("reads", MAPPED, stage.folder + "/file", 200, 2, options=("--memory", "48m", *folder(stage), *FIRST))
    stage.wait_for(lambda: len(c.cgroup.pids()) == 2)
    c.docker("update", "--cpus", "0.1", c.name)


@scenario(first=finding("memory_thrash", container="reads"))
def thrash_beside_writer(stage):
    """One container reads again what it had to throw out; another one writes 20 MiB a second."""
    c = stage.docker_python("reads", MAPPED, stage.folder + "/file", 200, 2, options=("--memory", "48m", *folder(stage), *FIRST))
    stage.wait_for(lambda: len(c.cgroup.pids()) == 2)
    stage.container("writes", "sh", "-c", "while :; do dd if=/dev/zero of=%s/written bs=1M count=20 conv=fsync; sleep 1; done" % stage.folder,
                    options=folder(stage))
