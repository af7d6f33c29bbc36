# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios of the rules about the CPU."""
from frame import BURN, FIRST, LAST, finding, scenario


@scenario(first=finding("cpu_throttled", container="throttled", culprit="", severity="critical"))
def throttled(stage):
    """Two loops in a container with a quota of 0.2 CPU."""
    stage.container("throttled", "sh", "-c", "(%s) & %s" % (BURN, BURN), options=("--cpus", "0.2", *FIRST))


@scenario(worst="none", beside=True)
def quota_unused(stage):
    """A quota of 0.2 CPU that a sleeping container does not use."""
    stage.container("quota", "sleep", "1000", options=("--cpus", "0.2"))


@scenario(first=finding("cpu_neighbour", container="web", culprit="batch"))
def neighbour(stage):
    """Two loops on one CPU; the kernel lets the batch job go first."""
    stage.container("web", "sh", "-c", BURN, options=("--cpuset-cpus", "0", *LAST))
    stage.container("batch", "sh", "-c", BURN, options=("--cpuset-cpus", "0", *FIRST))
