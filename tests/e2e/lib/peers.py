# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of Debian that are not installed here: unpacked into the cache by tests/bench/fetch, which knows them by name."""
import os

from harness import run

FETCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench/fetch")


def peer(name):
    """(path of its program, version), or (None, why it cannot be had)."""
    said = run([FETCH, name], seconds=300).stdout.decode("utf-8", "replace").split()
    if len(said) > 3 and said[0] in ("cached", "fetched"):
        return said[3], said[2]
    return None, " ".join(said) or "tests/bench/fetch says nothing"
