# SPDX-License-Identifier: GPL-2.0-or-later
"""
Removes what tests that were killed outright have left: processes, mounts, cgroups, temporary folders. Called by tests that
start containers, because nothing else ends those. A folder and a cgroup name the process of the test that they belong to
(harness.tmp, "/sysscope-test-PID-..."); what belongs to a living process, or to nobody known, is left alone.
"""
import os
import re
import select
import shutil
import signal
import subprocess
import sys

import cgroups
import harness

FOLDER = re.compile(r"sysscope-e2e-(\d+)-(\d+)-")
CGROUP = re.compile(r"sysscope-[a-z0-9]+-(\d+)(-|$)")
RUNTIME = (b"dockerd", b"containerd", b"containerd-shim", b"containerd-shim-runc-v2", b"runc", b"conmon")


def after_death(pid):
    """
    A process that sweeps as soon as this test is dead: its containers, which may be spinning, do not wait for the next test.
    Ended by the test that ends in good order.
    """
    return subprocess.Popen([sys.executable, os.path.abspath(__file__), str(pid)], start_new_session=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def dead_tests():
    folders, cgroup_paths = [], set()
    for name in os.listdir("/tmp"):
        owner = FOLDER.match(name)
        if owner and harness.started(int(owner.group(1))) != int(owner.group(2)):
            folders.append("/tmp/" + name)
    for root in cgroups.layout.everywhere:
        for name in os.listdir(root):
            owner = CGROUP.match(name)
            if owner and harness.started(int(owner.group(1))) is None:
                cgroup_paths.add("/" + name)
    for folder in folders:
        end_processes(folder)
        for identity in _names(folder + "/docker/data/containers"):
            cgroup_paths.add("/docker/" + identity)
    for path in cgroup_paths:
        for root in cgroups.layout.everywhere:
            end_cgroup(root + path)
    for folder in folders:
        unmount(folder)
        shutil.rmtree(folder, True)


def end_processes(folder):
    """Kills what a container runtime runs out of this folder: the command line of each names it. Their containers live on."""
    def kill():
        found = [pid for pid in os.listdir("/proc") if pid.isdigit() and _runs_from(pid, folder.encode())]
        for pid in found:
            _kill(int(pid))
        return not found

    harness.wait_for(kill, 10)


def end_cgroup(top):
    """Kills what is in the cgroup and below, and removes it."""
    def kill():
        left = False
        for folder, _, _ in os.walk(top):
            _thaw(folder)
            for pid in _lines(folder + "/cgroup.procs"):
                left = True
                _kill(int(pid))
        return not left

    if os.path.isdir(top):
        harness.wait_for(kill, 10)
        cgroups.remove_tree(top)


def unmount(folder):
    mounts = [line.split(" ")[4] for line in _lines("/proc/self/mountinfo")]
    for mount in sorted((m for m in mounts if m.startswith(folder + "/")), key=len, reverse=True):
        harness.run(["umount", "-l", mount])


def _thaw(folder):
    """A paused container on v1: it does not die before it goes on."""
    if os.path.exists(folder + "/freezer.state"):
        with open(folder + "/freezer.state", "w") as f:
            f.write("THAWED")


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _runs_from(pid, folder):
    try:
        with open("/proc/%s/cmdline" % pid, "rb") as f:
            line = f.read()
    except OSError:
        return False
    return folder + b"/" in line and os.path.basename(line.split(b"\0")[0]) in RUNTIME


def _names(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _lines(path):
    try:
        with open(path) as f:
            return f.read().splitlines()
    except OSError:
        return []


if __name__ == "__main__":
    try:
        select.select([os.pidfd_open(int(sys.argv[1]))], [], [])
    except ProcessLookupError:
        pass
    dead_tests()
