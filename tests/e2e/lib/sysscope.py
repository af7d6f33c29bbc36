# SPDX-License-Identifier: GPL-2.0-or-later
"""sysscope as a user runs it: `top --json` through a pipe, line by line, and `serve` on a free port."""
import gzip
import http.client
import json
import queue
import socket
import subprocess
import threading
import time

import harness
from harness import SYSSCOPE


class Top:
    """`sysscope top --json` in the background. A line that is not JSON is an error of the next call."""

    def __init__(self, *args, docker=None, environment=None):
        argv = [SYSSCOPE, "top", "--json", *args]
        if docker:
            argv += ["--docker.data-root", docker.data_root]
        self.process = harness.spawn(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        self.lines = queue.Queue()
        self.errors = []
        for job in (self._read, self._read_errors):
            threading.Thread(target=job, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put((line, time.time()))
        self.lines.put(None)

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line.decode("utf-8", "replace").rstrip("\n"))

    def next(self, seconds=60):
        """The next snapshot; None at the end."""
        try:
            got = self.lines.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError("top --json says nothing for %d s; stderr: %s" % (seconds, self.errors)) from None
        if got is None:
            return None
        snapshot = json.loads(got[0])
        # What it says was read between its time and this.
        snapshot["received"] = got[1]
        return snapshot

    def until(self, condition, seconds=60):
        """Snapshots until condition(snapshot) is true: that snapshot. None at the deadline or the end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            snapshot = self.next(seconds)
            if snapshot is None:
                return None
            if condition(snapshot):
                return snapshot
        return None

    def after(self, seconds=60):
        """A snapshot whose sample was taken after now."""
        now = time.time()
        return self.until(lambda s: s["time"] > now, seconds)

    def stop(self):
        return harness.stop(self.process)


def container(snapshot, name):
    """The one row of that name; None without. Two rows are an error."""
    rows = [c for c in snapshot["containers"] if c["name"] == name]
    if len(rows) > 1:
        raise AssertionError("%d rows are named %s" % (len(rows), name))
    return rows[0] if rows else None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# For `serve` where it does not matter what is served: it starts at once without the kernel half's programs.
LIGHT = ["--no-collector." + name for name in "lifecycle cgroups sched epoll namespaces sockets tcp births oom network disk "
         "reclaim counters".split()] + ["--no-findings"]


class Serve:
    """`sysscope serve` on a free port of the loopback, ready when this returns."""

    def __init__(self, *args, docker=None, environment=None, program=SYSSCOPE, patience=20, ready=None):
        """`ready(self)`: in place of asking whether it is ready, for one that does not answer everybody."""
        self.port, self.patience = free_port(), patience
        argv = [program, "serve", "--web.listen-address", "127.0.0.1:%d" % self.port, *args]
        if docker:
            argv += ["--docker.data-root", docker.data_root]
        self.stderr = open("%s/serve-%d.log" % (harness.tmp(), self.port), "w+b")
        harness.cleanup(self.stderr.close)
        self.process = harness.spawn(argv, stdout=subprocess.DEVNULL, stderr=self.stderr, env=environment)
        if not harness.wait_for((lambda: self.process.poll() is not None or ready(self)) if ready else self._ready, 60) or self.process.poll() is not None:
            raise RuntimeError("serve does not come up: %s" % self.said())

    def _ready(self):
        if self.process.poll() is not None:
            return True
        try:
            return self.get("/-/ready")[0] == 200
        except OSError:
            return False

    def said(self):
        self.stderr.flush()
        with open(self.stderr.name, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def get(self, path="/metrics", **headers):
        """(status, headers in small letters, body as it came)"""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience)
        try:
            c.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            r = c.getresponse()
            return r.status, {k.lower(): v for k, v in r.getheaders()}, r.read()
        finally:
            c.close()

    def metrics(self):
        status, headers, body = self.get()
        if status != 200:
            raise AssertionError("/metrics answers %d: %r" % (status, body[:200]))
        return gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body

    def stop(self):
        return harness.stop(self.process)
