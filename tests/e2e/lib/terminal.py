# SPDX-License-Identifier: GPL-2.0-or-later
"""A real terminal for the live screen: tmux on a server of its own, with a shell in it. Used by test_top_screen and test_top_past."""
import os
import shutil

from harness import SYSSCOPE, cleanup, need, run, tmp, wait_for

NAME = "sysscope-e2e-%d" % os.getpid()
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("TMUX")}


def tmux(*args, check_status=True):
    p = run(["tmux", "-L", NAME, "-f", "/dev/null", *args], env=dict(ENVIRONMENT, TMUX_TMPDIR=tmp(), LC_ALL="C.UTF-8"))
    if p.returncode and check_status:
        raise RuntimeError("tmux %s: %r" % (args[0], p.stderr[-200:]))
    return p.stdout.decode("utf-8", "replace")


def screen():
    return tmux("capture-pane", "-p")


def shows(*words, seconds=60):
    """The screen once all of these words are on it; else False."""
    def there():
        text = screen()
        return all(w in text for w in words) and text

    return wait_for(there, seconds, 0.1)


def key(*keys):
    tmux("send-keys", *keys)


def setup_terminal():
    need(shutil.which("tmux"), "tmux is not installed")
    tmp()  # made first, removed last: the server's socket is in it
    cleanup(tmux, "kill-server")
    tmux("new-session", "-d", "-x", "80", "-y", "24", "sh")
    tmux("set-option", "-g", "status", "off")
    tmux("resize-window", "-x", "80", "-y", "24", check_status=False)
    # As it is typed, it does not read like the prompt.
    key("PS1='READ''Y$ '; clear", "Enter")
    if not shows("READY$"):
        raise RuntimeError("no shell in tmux: %r" % screen())


def start(*args, prefix=""):
    pid = tmp() + "/pid"
    if os.path.exists(pid):
        os.unlink(pid)
    key("clear; sh -c 'echo $$ > %s; exec %s\"$0\" \"$@\"' %s top %s; echo status=$?" % (
        pid, prefix, SYSSCOPE, " ".join(args)), "Enter")
    wait_for(lambda: os.path.exists(pid) and os.path.getsize(pid))
    with open(pid) as f:
        return int(f.read())


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
