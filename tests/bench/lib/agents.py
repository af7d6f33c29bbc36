# SPDX-License-Identifier: GPL-2.0-or-later
"""Those that are measured: sysscope, the exporters and tools beside it, empty programs, sleeping processes."""
import contextlib
import glob
import gzip
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import cgroups
import harness
import measure

TOOLS = harness.BUILD + "/tests/bench/"
PROCESS_EXPORTER = shutil.which("prometheus-process-exporter")
RUNQLAT = shutil.which("runqlat", path="/usr/sbin:/usr/share/bcc/tools:" + os.environ.get("PATH", ""))
PERF = shutil.which("perf")
CADVISOR = os.environ.get("CADVISOR")
MAP_TYPE_TASK_STORAGE = 29  # linux/bpf.h
GROUP_PREFIX = "sysscope-bench-"


ANY_CPU = "0-%d" % (measure.CPUS - 1)


def pinned(cpu, argv):
    return ["taskset", "-c", str(cpu)] + argv


def tool(name, *arguments, cpu=measure.WORK_CPU, seconds=120):
    """What a program of tests/bench prints, run alone on a CPU."""
    p = harness.run(pinned(cpu, [TOOLS + name, *map(str, arguments)]), seconds)
    if p.returncode:
        raise RuntimeError("%s: %s" % (name, p.stderr.decode("utf-8", "replace").strip()))
    return p.stdout.decode()


def perf_bench(*arguments):
    """Microseconds per turn as `perf bench` says them, run alone on a CPU."""
    p = harness.run(pinned(measure.WORK_CPU, [PERF, "bench", *arguments]), 60)
    found = re.search(rb"([0-9.]+) usecs/op", p.stdout)
    if not found:
        raise RuntimeError("perf bench: %s" % p.stderr.decode("utf-8", "replace").strip())
    return float(found.group(1))


def collectors():
    """Those that this kernel gives, that are on and can be left out, as `sysscope doctor` names them."""
    p = harness.run([harness.SYSSCOPE, "doctor", "--json"])
    return [c["name"] for c in json.loads(p.stdout)["collectors"] if c["loaded"] and c["name"] != "tasks" and not c["on_request"]]


# ---- who answers scrapes -----------------------------------------------------------------------------

class Exporter:
    """A process that answers GET /metrics on the loopback."""

    def __init__(self, argv, port, cpu=ANY_CPU, ready="/"):
        self.port, self.ready = port, ready
        self.process = harness.spawn(pinned(cpu, argv), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not harness.wait_for(self._is_ready, 60) or self.process.poll() is not None:
            raise RuntimeError("%s does not come up" % os.path.basename(argv[0]))

    @property
    def pid(self):
        return self.process.pid

    def _is_ready(self):
        if self.process.poll() is not None:
            return True
        try:
            return self.get(self.ready)[0] < 400
        except OSError:
            return False

    def get(self, path):
        """(status, body), compressed if it is offered, as Prometheus asks."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            c.request("GET", path, headers={"Accept-Encoding": "gzip"})
            r = c.getresponse()
            body = r.read()
            return r.status, gzip.decompress(body) if r.headers.get("Content-Encoding") == "gzip" else body
        finally:
            c.close()

    def scrape(self):
        status, body = self.get("/metrics")
        if status != 200:
            raise RuntimeError("/metrics answers %d" % status)
        return body

    def scrape_cpu_ms(self):
        """CPU time of the whole process for one scrape; what it still does right afterwards is in it."""
        before = measure.cpu_ns(self.pid)
        self.scrape()
        time.sleep(0.15)
        return (measure.cpu_ns(self.pid) - before) / 1e6

    def stop(self):
        harness.stop(self.process)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def sysscope(*options, cpu=ANY_CPU, cgroup=None, binary=harness.SYSSCOPE):
    """`sysscope serve`; in a cgroup of its own if that is given."""
    port = free_port()
    argv = [binary, "serve", "--web.listen-address", "127.0.0.1:%d" % port, *options]
    if cgroup:
        files = [h + cgroup + "/cgroup.procs" for h in cgroups.layout.hierarchies()]
        argv = ["sh", "-c", "%s; exec \"$@\"" % "; ".join("echo $$ >%s" % f for f in files), "sh"] + argv
    # Its port is open before its programs are loaded.
    return Exporter(argv, port, cpu, ready="/-/ready")


def process_exporter(*options):
    """With one group per name of process, as its documentation begins."""
    config = harness.tmp() + "/process-exporter.yml"
    with open(config, "w") as f:
        f.write('process_names:\n  - name: "{{.Comm}}"\n    cmdline:\n      - ".*"\n')
    port = free_port()
    return Exporter([PROCESS_EXPORTER, "-config.path", config, "-web.listen-address", "127.0.0.1:%d" % port, *options],
                    port)


def cadvisor(binary=CADVISOR):
    port = free_port()
    return Exporter([binary, "-listen_ip", "127.0.0.1", "-port", str(port)], port, ready="/healthz")


# ---- ways for measure.interleave ---------------------------------------------------------------------

@contextlib.contextmanager
def nothing():
    yield


@contextlib.contextmanager
def serving(*options):
    """sysscope serve, which nobody scrapes."""
    e = sysscope(*options, cpu=measure.AGENT_CPU)
    try:
        yield e
    finally:
        e.stop()


def alone(name):
    """Options that leave one collector beside the task iterator, "" none."""
    return ["--no-collector." + c for c in collectors() if c != name]


@contextlib.contextmanager
def hooks(*arguments):
    """Empty BPF programs on these tracepoints; "--stats" among them: the kernel counts runs and time of all programs."""
    p = harness.spawn([TOOLS + "hooks", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                      stderr=subprocess.PIPE)
    try:
        if p.stdout.readline() != b"ready\n":
            raise RuntimeError(p.stderr.read().decode("utf-8", "replace").strip())
        yield p
    finally:
        p.stdin.close()
        harness.stop(p, seconds=10)


@contextlib.contextmanager
def runqlat():
    # Ends by itself should the bench be killed outright.
    p = harness.spawn(pinned(measure.AGENT_CPU, [RUNQLAT, "60", "1"]), stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL)
    try:
        if not harness.wait_for(lambda: p.poll() is not None or programs(p.pid), 20) or p.poll() is not None:
            raise RuntimeError("runqlat does not come up")
        time.sleep(0.3)  # from loaded to attached
        yield p
    finally:
        harness.stop(p, signal.SIGINT)


def works(way):
    """Why it cannot be had; None when it can."""
    try:
        with way():
            return None
    except (RuntimeError, OSError) as e:
        return str(e)


# ---- BPF programs of a process -----------------------------------------------------------------------

def programs(pid):
    """{program id: (runs, ns)}: the kernel counts only while somebody has --stats on."""
    found = {}
    for info in measure.fdinfo(pid):
        if "prog_id" in info and "run_cnt" in info:
            found[int(info["prog_id"])] = (int(info["run_cnt"]), int(info["run_time_ns"]))
    return found


def program_names():
    p = harness.run([shutil.which("bpftool", path="/usr/sbin:/usr/bin") or "bpftool", "-j", "prog", "list"])
    return {o["id"]: o.get("name", "?") for o in json.loads(p.stdout or b"[]")} if p.returncode == 0 else {}


def maps(pid):
    """{map id: bytes of kernel memory} as the kernel says of each map."""
    return {int(i["map_id"]): int(i["memlock"]) for i in measure.fdinfo(pid) if "map_id" in i and "memlock" in i}


def task_storage(pid):
    """Bytes of the values of one task's storage, all maps; each map's map information leaves its entries out."""
    found = {i["map_id"]: int(i["value_size"]) for i in measure.fdinfo(pid)
             if int(i.get("map_type", 0)) == MAP_TYPE_TASK_STORAGE}
    return sum(found.values())


def map_names():
    p = harness.run([shutil.which("bpftool", path="/usr/sbin:/usr/bin") or "bpftool", "-j", "map", "list"])
    return {o["id"]: o.get("name", "?") for o in json.loads(p.stdout or b"[]")} if p.returncode == 0 else {}


# ---- sleeping processes ------------------------------------------------------------------------------

@contextlib.contextmanager
def sleepers(processes, groups, kind="", options=()):
    """
    So many sleeping processes in so many cgroups, gone afterwards: /NAME/0, /NAME/1, ...; gives /NAME. Options: of the
    program `sleepers`.
    """
    name = "%s%s%d" % (GROUP_PREFIX, kind, os.getpid())
    p = subprocess.Popen([TOOLS + "sleepers", *options, str(processes), str(groups), name, *cgroups.layout.hierarchies()],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    harness.cleanup(_sleepers_stop, p)
    try:
        if p.stdout.readline() != b"ready %d\n" % processes:
            raise RuntimeError("%d processes in %d cgroups cannot be had" % (processes, groups))
        time.sleep(0.5)
        yield "/" + name
    finally:
        _sleepers_stop(p)


def _sleepers_stop(p):
    if not p.stdin.closed:
        p.stdin.close()
    # It removes cgroups, which takes its time; it takes no signal meanwhile.
    p.wait(400)


def leftovers_remove():
    """Cgroups of benches that are dead and were killed so that nothing could clean up. Says how many there were."""
    removed = 0
    for hierarchy in cgroups.layout.hierarchies():
        for folder in glob.glob("%s/%s*" % (hierarchy, GROUP_PREFIX)):
            pid = folder.rpartition("-")[2]
            if not pid.isdigit() or _is_bench(pid):
                continue
            below = [glob.glob(folder + pattern) for pattern in ("/docker/*", "/docker", "/[0-9]*")]
            for path in sum(below, []) + [folder]:
                try:
                    os.rmdir(path)
                    removed += 1
                except OSError:
                    pass  # its sleepers are still at it
    return removed


def _is_bench(pid):
    try:
        with open("/proc/%s/cmdline" % pid, "rb") as f:
            return b"bench/run" in f.read()
    except OSError:
        return False
