# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios of the rules about sysscope itself."""
from frame import BURN, FIRST, LAST, finding, scenario


@scenario(first=finding("collector_missing", severity="notice"), never=["cpu_neighbour", "cpu_self_contention"])
def scheduler_off(stage):
    """A neighbour has the CPU, but nothing watches the scheduler: it is said that nobody can judge."""
    stage.container("web", "sh", "-c", BURN, options=("--cpuset-cpus", "0", *LAST))
    stage.container("batch", "sh", "-c", BURN, options=("--cpuset-cpus", "0", *FIRST))
    stage.options.append("--no-collector.sched")
