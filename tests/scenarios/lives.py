# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios of the rules about births and deaths, and about the walls of containers."""
from frame import finding, scenario

# 260 processes that stay, forty a second at most.
PILE = "i=0; while [ $i -lt 260 ]; do sleep 300 & i=$((i+1)); [ $((i%10)) = 0 ] && sleep 0.25; done; sleep 300; :"


@scenario(first=finding("fork_storm", container="pile", process="sh"), never=["pids_limit"], beside=True)
def fork_storm(stage):
    """A shell that starts processes which do not end, in a container that may have 600 of them."""
    stage.container("pile", "sleep", "1000", options=("--pids-limit", "600"))
    stage.begin(stage.dockerd(), "exec", "-d", stage.tag + "pile", "sh", "-c", PILE)


@scenario(never=["fork_storm", "pids_limit"], worst="notice", beside=True)
def fork_pool(stage):
    """A pool that grows by 60 processes and stays."""
    stage.container("pool", "sleep", "1000", options=("--pids-limit", "600"))
    stage.begin(stage.dockerd(), "exec", "-d", stage.tag + "pool", "sh", "-c", PILE.replace("260", "60"))


@scenario(first=finding("crash_loop", container="crash", severity="warning"), beside=True)
def crash_loop(stage):
    """A program that fails after two seconds, and is started again by its runtime."""
    stage.begin(lambda: stage.container("crash", "sh", "-c", "sleep 2; exit 3", options=("--restart", "always")))


@scenario(never=["crash_loop"], worst="notice", beside=True)
def redeployed(stage):
    """A container that is restarted once."""
    stage.container("redeployed", "sleep", "1000")
    stage.begin(stage.dockerd(), "restart", "-t", "0", stage.tag + "redeployed")


@scenario(first=finding("host_namespaces", container="shares", severity="notice"), beside=True)
def host_namespaces(stage):
    """A container with the network and the processes of the machine."""
    stage.container("shares", "sleep", "1000", options=("--network", "host", "--pid", "host"))


@scenario(first=finding("foreign_process", container="walls", process="sleep", severity="warning"), beside=True)
def foreign_process(stage):
    """A process of a cgroup outside that entered the container's files and network."""
    made = stage.container("walls", "sleep", "1000")
    stage.run(stage.cgroup("agent"), "nsenter", "-t", str(made.pid()), "-m", "-n", "sleep", "1000")


@scenario(worst="none", beside=True)
def shared_network(stage):
    """A container that was made to share the network of another one, and a command that was executed in it."""
    stage.container("front", "sleep", "1000")
    stage.container("sidecar", "sleep", "1000", options=("--network", "container:" + stage.tag + "front"))
    stage.dockerd()("exec", "-d", stage.tag + "front", "sleep", "900")


# ---- capabilities: watched together for a minute ----

@scenario(first=finding("unused_privilege", container="powerful", severity="notice"), beside=True, seconds=62, checks=True)
def privilege_unused(stage):
    """A container that may administer the machine, and sleeps."""
    stage.container("powerful", "sleep", "1000", options=("--cap-add", "SYS_ADMIN"))


@scenario(never=["unused_privilege"], worst="none", beside=True, seconds=62, checks=True)
def privilege_used(stage):
    """The same, with a program that sets its host name every five seconds."""
    stage.docker_python("names", """
import socket, time
while True:
    socket.sethostname(socket.gethostname())
    time.sleep(5)
""", options=("--cap-add", "SYS_ADMIN"))


@scenario(first=finding("unused_privilege", container="debugger"), beside=True, seconds=62, checks=True, held_back=True)
def ptrace_unused(stage):
    """A container that may trace and load modules, and runs a loop of small programs."""
    stage.container("debugger", "sh", "-c", "while sleep 2; do ls / > /dev/null; done",
                    options=("--cap-add", "SYS_PTRACE", "--cap-add", "SYS_MODULE"))


@scenario(never=["unused_privilege"], worst="none", beside=True, seconds=62, checks=True, held_back=True)
def net_admin_used(stage):
    """A container that sets its interface up every ten seconds, with the capability for it."""
    stage.container("link", "sh", "-c", "while :; do ifconfig lo up; sleep 10; done", options=("--cap-add", "NET_ADMIN"))


# ---- held back: other programs, other signals ----

@scenario(first=finding("crash_loop", container="faults", severity="warning"), beside=True, held_back=True)
def crash_by_signal(stage):
    """A program that ends by a signal after a second, and is started again by its runtime."""
    stage.begin(lambda: stage.container("faults", "sh", "-c", "sleep 1; kill -SEGV $$; sleep 1; exit 9",
                                        options=("--restart", "always")))


@scenario(first=finding("host_namespaces", container="ipc", severity="notice"), beside=True, held_back=True)
def host_ipc(stage):
    """A container with the IPC and the host name of the machine."""
    stage.container("ipc", "sleep", "1000", options=("--ipc", "host", "--uts", "host"))


@scenario(first=finding("foreign_process", container="inside", process="sleep"), beside=True, held_back=True)
def foreign_in_network(stage):
    """A process of a cgroup outside in the network, the IPC and the host name of a container."""
    made = stage.container("inside", "sleep", "1000")
    stage.run(stage.cgroup("tool"), "nsenter", "-t", str(made.pid()), "-n", "-i", "-u", "sleep", "1000")
