# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP lines, deadlines, a temporary folder, and cleaning up on every way out.

Used by every tests/e2e/test_*. A test is a function; an exception in it is a failure of that test only. What a
test starts it registers with cleanup(), and that is undone, last first, also after a failure or a signal.
"""
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

SYSSCOPE = os.environ.get("SYSSCOPE") or os.path.abspath(os.path.join(os.environ.get("BUILD", "build"), "sysscope"))
BUILD = os.path.abspath(os.environ.get("BUILD", "build"))

_undo = []
_failed = 0
_number = 0
_owner = os.getpid()
_tmp = None

PR_SET_PDEATHSIG = 1


class Interrupted(BaseException):
    """A signal asked us to stop. Not an Exception, so that no test swallows it."""


def _say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def note(text):
    """A diagnostic line, not a result."""
    for line in str(text).splitlines():
        _say("# " + printable(line))


def printable(text):
    return "".join(c if c.isprintable() else "\\x%02x" % ord(c) for c in str(text))


def check(ok, name, seen=""):
    """One result. `seen` says what was seen and what was true; shown also on success, for the reader of the log."""
    global _failed, _number
    _number += 1
    # "# skip" in a name would be read as a skipped test.
    seen = printable(str(seen).strip()).replace("#", "+")
    _say("%sok %d - %s%s" % ("" if ok else "not ", _number, name, ": " + seen if seen else ""))
    if not ok:
        _failed += 1
    return bool(ok)


def check_equal(name, seen, true):
    return check(seen == true, name, "saw %r, true is %r" % (seen, true))


def check_within(name, seen, true, share, slack=0.0):
    """Within `share` of the truth or within `slack` of it, whatever is more. An absent value fails."""
    if seen is None or true is None:
        return check(False, name, "saw %r, true is %r" % (seen, true))
    allowed = max(abs(true) * share, slack)
    off = " (%+.2f %%)" % ((seen / true - 1) * 100) if true else ""
    return check(abs(seen - true) <= allowed, name, "saw %.6f, true is %.6f%s, allowed %.6f" % (seen, true, off, allowed))


def check_between(name, seen, least, most, share=0.0):
    """From `least` to `most`, give or take a share of them. An absent value fails."""
    ok = seen is not None and least * (1 - share) - 1e-6 <= seen <= most * (1 + share) + 1e-6
    return check(ok, name, "saw %r, true is %.6f to %.6f%s" % (seen, least, most, ", %g %%" % (share * 100) if share else ""))


def _switches():
    """Of the whole machine, since it booted."""
    with open("/proc/stat") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("ctxt "))


_switches_before = _switches()


def losses(snapshot, *expected):
    """
    Losses that a test has to explain. They are the whole machine's, and a test's own counts are exact; so up to one switch
    in 200 of the machine's may be lost, as kernel/test_sched_conservation says, state refused to a thread of others, the owner of
    others' connections not known, and the cgroup of requests gone that others removed after they wrote to a disk.
    """
    allowed = {"switch_unseen": (_switches() - _switches_before) / 200}
    return {k: v for k, v in snapshot["losses"].items()
            if v > allowed.get(k, 0) and k not in expected + ("death_unseen", "state_refused", "tcp_unowned", "disk_homeless")}


def skip(name, why):
    global _number
    _number += 1
    _say("ok %d - %s # SKIP %s" % (_number, name, why))


def cleanup(function, *args):
    """Calls function(*args) at the end, however that comes."""
    _undo.append((function, args))


def _clean():
    if os.getpid() != _owner:
        return
    _deaf()
    while _undo:
        function, args = _undo.pop()
        try:
            function(*args)
        except Exception as e:  # the others have to be undone all the same
            note("cleaning up: %s: %s" % (getattr(function, "__name__", function), e))


def _deaf():
    """A second signal must not cut the cleaning short, nor come between the first and the cleaning."""
    for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(s, signal.SIG_IGN)


def _signalled(number, _frame):
    _deaf()
    raise Interrupted(number)


def started(pid):
    """When the process began, in ticks since boot; None if there is none, or if it is dead and waits for its parent."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as f:
            text = f.read()
    except OSError:
        return None
    fields = text[text.rindex(b")") + 2:].split()
    return None if fields[0] in b"ZX" else int(fields[19])


def tmp():
    """The temporary folder of this test program. Its name says who owns it: see sweep.py."""
    global _tmp
    if not _tmp:
        _tmp = tempfile.mkdtemp(prefix="sysscope-e2e-%d-%d-" % (os.getpid(), started(os.getpid())))
        cleanup(shutil.rmtree, _tmp, True)
    return _tmp


def die_with_parent():
    """In a child before exec: end when the test is killed outright."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def wait_for(what, seconds=60, every=0.05):
    """what() once it is true; its last value at the deadline, for which only a failed test waits."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() >= end:
            return value
        time.sleep(every)


def asleep(pid):
    """Whether the process's main thread sleeps; also once it has ended."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as f:
            text = f.read()
    except OSError:
        return True
    return text[text.rindex(b")") + 2:].split()[0] in (b"S", b"Z", b"X")


def rests(pid):
    """Waits until it sleeps: what it has used and done is then all counted."""
    return wait_for(lambda: asleep(pid), 60, 0.005)


def but_holes(said):
    """What is said of a recording, without where a busy machine has let the recorder wait for more than a second."""
    return "".join(line for line in said.splitlines(True) if "there are no samples from" not in line)


def run(argv, seconds=120, **more):
    """A finished process with .returncode, .stdout, .stderr (bytes). Never waits for ever."""
    more.setdefault("stdin", subprocess.DEVNULL)
    more.setdefault("stdout", subprocess.PIPE)
    more.setdefault("stderr", subprocess.PIPE)
    return subprocess.run(argv, timeout=seconds, **more)


def spawn(argv, **more):
    """A process that is ended at the end of the test, and with the test."""
    more.setdefault("stdin", subprocess.DEVNULL)
    p = subprocess.Popen(argv, preexec_fn=die_with_parent, **more)
    cleanup(stop, p)
    return p


def stop(p, first=signal.SIGTERM, seconds=10):
    """Ends a process that we started; kills it when it does not want to. Its exit status."""
    if p.poll() is None:
        p.send_signal(first)
        try:
            p.wait(seconds)
        except subprocess.TimeoutExpired:
            p.kill()
    return p.wait()


def need(condition, why):
    """Without this the whole program says nothing."""
    if not condition:
        skip(os.path.basename(sys.argv[0]), why)
        raise SystemExit(0)


def main(*tests):
    """Runs the tests and exits. Arguments on the command line choose some of them by name."""
    for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(s, _signalled)
    code = 1
    try:
        need(os.geteuid() == 0, "needs root")
        if not os.access(SYSSCOPE, os.X_OK):
            check(False, os.path.basename(sys.argv[0]), "%s is not built" % SYSSCOPE)
            raise SystemExit(1)
        for test in tests:
            if len(sys.argv) > 1 and test.__name__ not in sys.argv[1:] and not test.__name__.startswith("setup"):
                continue
            began = time.monotonic()
            try:
                test()
            except Exception as e:
                check(False, test.__name__, "%s: %s" % (type(e).__name__, e))
                note(traceback.format_exc())
                if test.__name__.startswith("setup"):
                    break
            note("%s took %.1f s" % (test.__name__, time.monotonic() - began))
        code = 1 if _failed or not _number else 0
    except Interrupted as e:
        check(False, "not interrupted", "signal %s" % e)
    except SystemExit as e:
        code = e.code
    finally:
        _clean()
    _say("1..%d" % _number)
    os._exit(code if isinstance(code, int) else 1)
