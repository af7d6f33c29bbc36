# SPDX-License-Identifier: GPL-2.0-or-later
"""CPU time of one refresh of the live screen at 10,000 processes in 500 containers, of which 99 % sleep, beside htop and atop."""
import contextlib
import fcntl
import os
import pty
import select
import struct
import termios
import time

import agents
import builds
import harness
import measure
import peers
from measure import say, table

PROCESSES, CGROUPS = 10000, 500
SCREENS = ((24, 80), (50, 200))
EVERY = 2  # seconds between refreshes, of all
REFRESHES, SECONDS_MOST = 8, 60
QUIET = 0.3  # what is written within is of one refresh


def programs():
    """{name: (argv, environment)}"""
    found = {name: ([binary, "top", "--view", "processes", "--delay", str(EVERY)], None) for name, binary in builds.chosen().items()}
    for name, options in (("htop", ["--delay", str(EVERY * 10)]), ("atop", [str(EVERY)])):
        program = peers.path(name)
        if program:
            found[name] = ([program, *options], peers.environment(program))
    return found


class Screen:
    """A program on a terminal of its own; each time that it has written and is quiet again counts as one refresh."""

    def __init__(self, argv, environment, rows, columns):
        self.fd, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = dict(environment or os.environ, TERM="xterm-256color", LINES=str(rows), COLUMNS=str(columns),
                           HOME=harness.tmp())
        self.process = harness.spawn(argv, stdin=end, stdout=end, stderr=end, env=environment, cwd="/")
        os.close(end)
        self.wrote = None  # when it last wrote, None: quiet
        self.marks, self.bytes = [], 0  # CPU ns at the end of each refresh

    def readable(self):
        try:
            self.bytes += len(os.read(self.fd, 65536))
        except OSError:
            pass  # it has ended
        self.wrote = time.monotonic()

    def settle(self, now):
        if self.wrote and now - self.wrote > QUIET and self.process.poll() is None:
            self.marks.append(measure.cpu_ns(self.process.pid))
            self.wrote = None

    def stop(self):
        harness.stop(self.process)
        os.close(self.fd)


def watch(screens):
    """Until each has refreshed often enough or has ended, for a minute at most."""
    end = time.monotonic() + SECONDS_MOST
    while time.monotonic() < end and any(len(s.marks) < REFRESHES and s.process.poll() is None for s in screens):
        ready, _, _ = select.select([s.fd for s in screens if s.process.poll() is None], [], [], 0.05)
        for s in screens:
            if s.fd in ready:
                s.readable()
            s.settle(time.monotonic())


def measure_screen(rows, columns):
    with contextlib.ExitStack() as stack:
        screens = {}
        for name, (argv, environment) in programs().items():
            screens[name] = Screen(argv, environment, rows, columns)
            stack.callback(screens[name].stop)
        watch(screens.values())
        found = {}
        for name, s in screens.items():
            # The first two refreshes draw everything.
            steps = [(b - a) / 1e6 for a, b in zip(s.marks[1:], s.marks[2:])]
            found[name] = {"refresh_ms": measure.summary(steps) if steps else None, "ended": s.process.poll(),
                           "bytes": s.bytes / max(1, len(s.marks))}
    return found


def run():
    results, rows = [], []
    with agents.sleepers(PROCESSES, CGROUPS, options=("-w", "100", "-c")):
        for lines, columns in SCREENS:
            found = measure_screen(lines, columns)
            results.append({"columns": columns, "lines": lines, "programs": found})
            ours = found[builds.THIS]["refresh_ms"]
            for name, r in found.items():
                ms = r["refresh_ms"]
                rows.append(["%dx%d" % (columns, lines), name, builds.spread(ms),
                             measure.number(ms["median"] / ours["median"]) + "x" if ms and ours and name != builds.THIS else "",
                             ms["runs"] if ms else 0, "%.0f" % r["bytes"]])
    say("One refresh of the live screen, every %d s, %d processes in %d containers, all up at once (below is not in Debian: left out)" %
        (EVERY, PROCESSES, CGROUPS))
    table(["screen", "", "CPU ms", "factor", "refreshes", "bytes each"], rows)
    return {"screens": results}
