# SPDX-License-Identifier: GPL-2.0-or-later
"""What a scenario is made of: its expectation, the stage on which it is played, and the check of what `diagnose` said.

A scenario is a function in a file of its subject, tests/scenarios/SUBJECT.py, with a decorator that says what is true:

    @scenario(first=finding("cpu_throttled", container="web"))
    def throttled(stage):
        '''Two loops with a quota of 0.2 CPU.'''
        stage.container("web", "sh", "-c", BURN, options=("--cpus", "0.2"))

It starts the workload and returns; the runner then watches, checks, and removes what the stage made.
"""
import contextlib
import itertools
import os
import subprocess
import time

import cgroups
import docker
from programs import Missing  # noqa: F401
import harness
import sweep

BURN = "while :; do :; done"
# Before the rest of a busy machine, and after it: what these containers do to each other does not depend on who else runs.
# How many times the weight of the rest of the machine its cgroups get. More, and a scenario that fills the host starves the
# diagnose that is to see it, and everything else: with 256 a machine of two CPUs could not be used for a quarter of an hour.
FAVOUR = 8
FIRST, LAST = ("--cpu-shares", "65536"), ("--cpu-shares", "512")
# The programs of this machine, for a container whose image has none.
PROGRAMS = ("-v", "/usr:/usr:ro", "-v", "/usr/lib:/lib:ro", "-v", "/usr/lib64:/lib64:ro")
PYTHON = "/usr/bin/python3"
# tests/e2e/lib/sweep.py knows by it whose cgroups are left over.
CGROUP = "/sysscope-test-%d-" % os.getpid()

scenarios = {}
numbers = itertools.count(1)


def finding(rule, container="", **more):
    """What a finding is to be. `culprit` and `process`: names, "" for none; `explains`: rules; `severity`."""
    return dict(more, rule=rule, container=container)


class Scenario:
    def __init__(self, function, expect, held_back, beside, quiet, whole_host, seconds, snapshots, checks):
        self.name, self.function, self.expect = function.__name__, function, expect
        self.what = " ".join((function.__doc__ or "").split())
        self.held_back, self.beside, self.quiet, self.whole_host, self.seconds = held_back, beside, quiet, whole_host, seconds
        self.snapshots, self.checks = snapshots, checks


def scenario(first=None, then=(), worst=None, never=(), held_back=False, beside=False, quiet=False, whole_host=False, seconds=10,
             snapshots=2, checks=False):
    """
    first       the first finding about the scenario's containers; then: those that follow it, in this order
    worst       the worst severity that is still right: "none" for no finding at all, "notice" for a healthy machine
    never       rules that would be wrong
    held_back   not looked at while thresholds were tuned
    beside      it mostly waits: it is watched together with others of this kind
    quiet       what it shows depends on who else runs: skipped on a busy machine
    whole_host  it is about the machine: the figures of the machine are recorded as they are, with what others used
    snapshots   so many are recorded, at equal distances: a trend needs five
    checks      which capabilities its containers use is recorded, too; `diagnose` asks for it in a watch of a minute or more
    """
    expect = {k: v for k, v in (("first", first), ("then", list(then)), ("worst", worst), ("never", list(never))) if v}

    def add(function):
        if function.__name__ in scenarios:
            raise ValueError("two scenarios are called %s" % function.__name__)
        scenarios[function.__name__] = Scenario(function, expect, held_back, beside, quiet, whole_host, seconds,
                                                snapshots, checks)
        return function
    return add


class Stage:
    """Makes what a scenario needs, knows which containers are its own, and removes all of it."""

    daemon = None

    def __init__(self, name):
        self.name, self.undo = name, contextlib.ExitStack()
        self.number = next(numbers)  # several stages may have a container of one name
        self.tag, self.above = "scn%d.%d-" % (os.getpid(), self.number), "%s%d-" % (CGROUP, self.number)
        self.own = {}  # path of a cgroup to the name of its container
        self.ids = {}  # id of a container to its name
        self.at_begin = []  # called when the watch has begun
        self.options = []  # of diagnose
        self.folder = os.path.join(harness.tmp(), name)
        os.makedirs(self.folder)
        os.chmod(harness.tmp(), 0o755)

    @classmethod
    def dockerd(cls):
        if not cls.daemon:
            cls.daemon = docker.Docker()
            # Its containers get all the CPU that they want, whoever else runs: what they do to each other is what is shown.
            cgroups.favour(cls.daemon.top, FAVOUR)
        return cls.daemon

    def container(self, name, *argv, options=()):
        """A container of busybox, or with PROGRAMS among its options of what this machine has."""
        d = self.dockerd()
        self.undo.callback(d, "rm", "-f", self.tag + name, check=False)
        made = d.start(self.tag + name, *argv, options=options)
        self.own[made.cgroup.path] = name
        self.ids[made.id] = name
        return made

    def cgroup(self, name, **files):
        """
        A cgroup that no runtime made; `diagnose` calls it /NAME. With these values in files of its controllers:
        cpu={"cpu.shares": 512}. Its path.
        """
        path = self.above + name
        for root in cgroups.layout.hierarchies():
            os.makedirs(root + path, exist_ok=True)
            self.undo.callback(sweep.end_cgroup, root + path)
        cgroups.favour(path, FAVOUR)
        for controller, values in files.items():
            for file, value in values.items():
                with open("%s%s/%s" % (cgroups.layout.folder(controller), path, file), "w") as f:
                    f.write(str(value))
        self.own[path] = "/" + name
        return path

    def run(self, path, *argv, **more):
        """A process in such a cgroup."""
        more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("stdout", subprocess.DEVNULL)
        more.setdefault("cwd", self.folder)

        def enter():
            harness.die_with_parent()
            os.setsid()
            cgroups.enter(path, os.getpid())

        p = subprocess.Popen(argv, preexec_fn=enter, **more)
        self.undo.callback(p.wait)
        self.undo.callback(sweep.end_cgroup, cgroups.layout.folder("cpu") + path)
        return p

    def server(self, name, start, **files):
        """A server of tests/e2e/lib/programs.py in such a cgroup."""
        path = self.cgroup(name, **files)
        enter = "".join("echo $$ > %s%s/cgroup.procs; " % (root, path) for root in cgroups.layout.hierarchies())
        server = start(before=("sh", "-c", enter + 'exec "$@"', "sh"))
        self.undo.callback(harness.stop, server.process)
        return server

    def python(self, path, script, *args, **more):
        """A small program of the scenario's own in such a cgroup."""
        return self.run(path, PYTHON, "-c", script, *map(str, args), **more)

    def docker_python(self, name, script, *args, options=()):
        """The same in a container."""
        return self.container(name, PYTHON, "-c", script, *map(str, args), options=(*PROGRAMS, *options))

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    @staticmethod
    def processes(container):
        """(name, state) of each."""
        found = []
        for pid in container.cgroup.pids():
            with contextlib.suppress(OSError):
                left, _, right = cgroups.read("/proc/%d/stat" % pid).rpartition(")")
                found.append((left.partition("(")[2], right.split()[0]))
        return found

    def has(self, name):
        return os.path.exists(os.path.join(self.folder, name))

    def wait_for(self, what, seconds=60):
        """Until it is true: the workload is ready."""
        if not harness.wait_for(what, seconds):
            raise TimeoutError("the workload of %s is not ready" % self.name)

    def begin(self, function, *args):
        """Calls this when the watch has begun."""
        self.at_begin.append((function, args))

    def end(self):
        self.undo.close()


# ---- what diagnose said against what is true ----

def about(said, stage):
    """
    The findings that the stage's containers are part of, and no others. The machine's own findings stay out, as others run on
    it, and so do those that blame the others for what they really did.
    """
    return [f for f in said["findings"]
            if f["container_cgroup"] in stage.own
            and (not f["culprit"] or f["culprit"]["container_cgroup"] in (None, "", *stage.own))]


def _process(f):
    for one in ((f["culprit"] or {}).get("process"), f["process"]):
        if one and one["comm"]:
            return one["comm"]
    return ""


def _is(f, expected, stage, position):
    seen = {"rule": f["rule"], "severity": f["severity"], "process": _process(f), "container": stage.own.get(f["container_cgroup"], ""),
            "culprit": stage.own.get((f["culprit"] or {}).get("container_cgroup"), "")}
    wrong = ["%s: the %s is '%s', true is '%s'" % (position, k, seen[k], v)
             for k, v in expected.items() if k != "explains" and seen[k] != v]
    explained = [e["rule"] for e in f["explains"]]
    return wrong + ["%s does not explain %s" % (f["rule"], rule) for rule in expected.get("explains", ()) if rule not in explained]


def faults(expect, found, stage):
    """Lines: in which ways the findings are not as expected. tests/lib/recording.c says the same of a recording."""
    wrong, severities = [], ["notice", "warning", "critical"]
    first, worst = expect.get("first"), expect.get("worst")
    if first:
        wrong += _is(found[0], first, stage, "first") if found else ["found nothing, true is %s" % first["rule"]]
    rest = iter(found[1:])
    for expected in expect.get("then", ()):
        if not any(not _is(f, expected, stage, "") for f in rest):
            wrong.append("%s of %s is not found behind the former" % (expected["rule"], expected["container"]))
    allowed = severities.index(worst) if worst in severities else -1 if worst == "none" else len(severities)
    for f in found:
        if severities.index(f["severity"]) > allowed:
            wrong.append("found %s of %s, which is above %s" % (f["rule"], stage.own.get(f["container_cgroup"]), worst))
        if f["rule"] in expect.get("never", ()):
            wrong.append("found %s of %s" % (f["rule"], stage.own.get(f["container_cgroup"])))
    return wrong
