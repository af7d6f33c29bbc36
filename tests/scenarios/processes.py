# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios of the rules about processes."""
from frame import finding, scenario

# Has so many dead children that it does not claim.
ZOMBIES = """
import os, sys, time
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        os._exit(0)
time.sleep(1000)
"""


def sleeps(count):
    return "i=1; while [ $i -lt %d ]; do sleep 1000 & i=$((i+1)); done; wait" % count


@scenario(first=finding("zombies", container="careless", process="python3"), beside=True)
def zombies(stage):
    """Thirty dead children of one parent."""
    stage.docker_python("careless", ZOMBIES, 30)


@scenario(worst="none", beside=True)
def few_zombies(stage):
    """Five dead children: a parent that claims them in batches has as many."""
    stage.docker_python("careless", ZOMBIES, 5)


@scenario(first=finding("pids_limit", container="crowd", culprit=""), beside=True)
def pids_limit(stage):
    """47 threads of 50."""
    stage.container("crowd", "sh", "-c", sleeps(47), options=("--pids-limit", "50"))


@scenario(worst="none", beside=True, held_back=True)
def pids_to_spare(stage):
    """30 threads of 50."""
    stage.container("crowd", "sh", "-c", sleeps(30), options=("--pids-limit", "50"))


@scenario(first=finding("stopped", container="paused", severity="notice"), worst="notice", beside=True)
def paused(stage):
    """A container that was paused."""
    c = stage.container("paused", "sleep", "1000")
    c.docker("pause", c.name)
    stage.undo.callback(c.docker, "unpause", c.name)


@scenario(first=finding("stopped", container="held", process="sleep", severity="notice"), worst="notice", beside=True, held_back=True)
def stopped(stage):
    """A process that was stopped by a signal."""
    c = stage.container("held", "sh", "-c", "sleep 1000 & sleep 1; kill -STOP $!; wait")
    stage.wait_for(lambda: ("sleep", "T") in stage.processes(c))


@scenario(worst="none", beside=True)
def asleep(stage):
    """Three processes that sleep."""
    stage.container("asleep", "sh", "-c", sleeps(3))


# ---- held back: other programs, other limits ----

@scenario(first=finding("zombies", container="left", process="sleep"), beside=True, held_back=True)
def zombies_of_exec(stage):
    """A shell starts forty programs and becomes another one, which does not know of them."""
    stage.container("left", "sh", "-c", "i=0; while [ $i -lt 40 ]; do sleep 0.5 & i=$((i+1)); done; exec sleep 1000")


@scenario(first=finding("pids_limit", container="crew", culprit=""), beside=True, held_back=True)
def threads_at_limit(stage):
    """One process with 186 threads of the 200 that its container may have."""
    stage.docker_python("crew", """
import threading, time
for _ in range(185):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
time.sleep(1000)
""", options=("--pids-limit", "200"))
