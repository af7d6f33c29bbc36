# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a cgroup's own counters are, on v1 and on v2, and cgroups of the test's own (removed at the end)."""
import bisect
import errno
import os
import re
import threading
import time

import harness


class Layout:
    """The mounted hierarchies: .v2 is the folder of the v2 one if it carries resources, .v1 a folder per controller."""

    def __init__(self):
        self.v2, self.v1 = None, {}
        self.everywhere = set()  # a container runtime makes its cgroups in all that are mounted
        with open("/proc/self/mountinfo") as f:
            for line in f:
                left, right = line.rstrip("\n").split(" - ")
                kind, _, options = right.split(" ")[:3]
                folder = left.split(" ")[4]
                if kind in ("cgroup", "cgroup2"):
                    self.everywhere.add(folder)
                if kind == "cgroup2" and self._carries(folder):
                    self.v2 = self.v2 or folder
                elif kind == "cgroup":
                    for o in options.split(","):
                        if o.startswith("name="):
                            self.v1.setdefault(o, folder)
                        elif o not in ("rw", "ro"):
                            self.v1.setdefault(o, folder)

    @staticmethod
    def _carries(folder):
        try:
            with open(folder + "/cgroup.controllers") as f:
                return {"cpu", "memory"} <= set(f.read().split())
        except OSError:
            return False

    def folder(self, controller):
        return self.v2 or self.v1.get(controller)

    def hierarchies(self):
        """Folders in which a cgroup of one's own has to be made."""
        if self.v2:
            return [self.v2]
        return [self.v1[c] for c in ("cpu", "cpuacct", "memory", "pids") if c in self.v1]


layout = Layout()


def read(path):
    with open(path) as f:
        return f.read()


def keyed(path):
    """A file of `key value` lines."""
    return {k: int(v) for k, v in (line.split() for line in read(path).splitlines() if len(line.split()) == 2)}


class Cgroup:
    """The counters of one cgroup, by its path. Descriptor of the CPU counter is kept open: it is read often."""

    def __init__(self, path):
        self.path = path
        self._cpu = None

    def file(self, controller, name):
        return layout.folder(controller) + self.path + "/" + name

    def exists(self):
        return os.path.isdir(layout.folder("memory") + self.path)

    def cpu_seconds(self):
        name = "cpu.stat" if layout.v2 else "cpuacct.usage"
        if self._cpu is None:
            self._cpu = os.open(self.file("cpuacct", name), os.O_RDONLY | os.O_CLOEXEC)
        text = os.pread(self._cpu, 4096, 0).decode()
        if layout.v2:
            return int(re.search(r"usage_usec (\d+)", text).group(1)) / 1e6
        return int(text) / 1e9

    def close(self):
        if self._cpu is not None:
            os.close(self._cpu)
            self._cpu = None

    def memory_bytes(self):
        return int(read(self.file("memory", "memory.current" if layout.v2 else "memory.usage_in_bytes")))

    def memory_rss(self):
        stat = keyed(self.file("memory", "memory.stat"))
        return stat["anon"] if layout.v2 else stat["total_rss"]

    def throttling(self):
        """(periods, throttled periods, throttled seconds)"""
        stat = keyed(self.file("cpu", "cpu.stat"))
        throttled = stat["throttled_usec"] / 1e6 if layout.v2 else stat["throttled_time"] / 1e9
        return stat["nr_periods"], stat["nr_throttled"], throttled

    def pids(self):
        return [int(p) for p in read(self.file("cpu", "cgroup.procs")).split()]


def favour(path, times=256):
    """
    So many times the weight of others with the same parent: with the highest, which is the default, a cgroup's equals get as
    much of a CPU as it, the rest of the machine nearly nothing.
    """
    name, weight = ("cpu.weight", min(100 * times, 10000)) if layout.v2 else ("cpu.shares", 1024 * times)
    with open("%s%s/%s" % (layout.folder("cpu"), path, name), "w") as f:
        f.write(str(weight))


def path_of(pid):
    """Path of the cgroup of a process in the hierarchy that counts CPU."""
    for line in read("/proc/%d/cgroup" % pid).splitlines():
        _, controllers, path = line.split(":", 2)
        if (layout.v2 and not controllers) or (not layout.v2 and "cpu" in controllers.split(",")):
            return path
    return None


def _rmdir(path, tries=250):
    """A cgroup stays busy until its last process is reaped."""
    for _ in range(tries):
        try:
            return os.rmdir(path)
        except OSError as e:
            if e.errno == errno.ENOENT:
                return None
            if e.errno != errno.EBUSY:
                raise
        time.sleep(0.02)
    raise TimeoutError("%s stays busy" % path)


def make(path):
    """
    Makes the cgroup `path` (bytes or text) in every hierarchy, folder by folder, with what is missing on the way.
    Each folder that was made is removed at the end. Works past PATH_MAX.
    """
    parts = os.fsencode(path).strip(b"/").split(b"/")
    for root in layout.hierarchies():
        fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in parts:
                if layout.v2:
                    _enable(fd)
                try:
                    os.mkdir(part, dir_fd=fd)
                    harness.cleanup(_remove_below, os.dup(fd), part)
                except FileExistsError:
                    pass
                below = os.open(part, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
                os.close(fd)
                fd = below
        finally:
            os.close(fd)


def _enable(fd):
    try:
        control = os.open("cgroup.subtree_control", os.O_WRONLY, dir_fd=fd)
    except OSError:
        return
    try:
        os.write(control, b"+cpu +memory +pids")
    except OSError:
        pass
    os.close(control)


def _remove_below(fd, part):
    for _ in range(250):
        try:
            os.rmdir(part, dir_fd=fd)
            break
        except FileNotFoundError:
            break
        except OSError as e:
            if e.errno != errno.EBUSY:
                os.close(fd)
                raise
        time.sleep(0.02)
    os.close(fd)


def enter(path, pid):
    """Puts a process into the cgroup in every hierarchy. Works past PATH_MAX."""
    parts = os.fsencode(path).strip(b"/").split(b"/")
    for root in layout.hierarchies():
        fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        for part in parts:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
            os.close(fd)
            fd = below
        procs = os.open("cgroup.procs", os.O_WRONLY, dir_fd=fd)
        os.close(fd)
        os.write(procs, b"%d" % pid)
        os.close(procs)


def remove_later(path):
    """At the end removes `path` in every hierarchy where it is not there now (a runtime is about to make it)."""
    for root in layout.everywhere:
        if not os.path.isdir(root + path):
            harness.cleanup(remove_tree, root + path)


def remove_tree(top):
    for folder, _, _ in os.walk(top, topdown=False):
        try:
            _rmdir(folder, 50)
        except (OSError, TimeoutError):
            pass  # somebody else's containers are below: not ours


class Recorder:
    """
    The cgroup's CPU counter read all the time, so that its value at any moment is known: the curve between two
    readings. What is compared with a sample is then the counter at that sample, not some milliseconds later.
    """

    EVERY = 0.004  # one tick of 250 Hz: the counter of a running task is no newer

    def __init__(self, cgroup):
        self.cgroup, self.points = cgroup, []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(self.EVERY):
            try:
                self.points.append((time.time(), self.cgroup.cpu_seconds()))
            except OSError:
                return  # removed

    def stop(self):
        self._stop.set()
        self._thread.join()

    def last(self):
        return self.points[-1][1]

    def within(self, snapshot):
        """
        Least and most that the counter was while that snapshot of top was made, which on a busy machine takes a while. A
        tick is the age of a running task's own time.
        """
        harness.wait_for(lambda: self.points[-1][0] > snapshot["received"], 20, 0.01)
        return self.at(snapshot["time"]) - self.EVERY, self.at(snapshot["received"]) + self.EVERY

    def at(self, when):
        """The counter at that moment, interpolated; None outside of what was recorded."""
        i = bisect.bisect_left(self.points, (when, 0.0))
        if i == 0 or i == len(self.points):
            return None
        (t0, v0), (t1, v1) = self.points[i - 1], self.points[i]
        return v0 + (v1 - v0) * (when - t0) / (t1 - t0) if t1 > t0 else v1
