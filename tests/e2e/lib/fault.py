# SPDX-License-Identifier: GPL-2.0-or-later
"""sysscope with fault.c preloaded: allocations that fail and clocks that step, while it runs."""
import mmap
import os
import struct

import harness

LIBRARY = None


def library():
    """The built fault.so."""
    global LIBRARY
    if not LIBRARY:
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fault.c")
        path = harness.tmp() + "/fault.so"
        built = harness.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O2", "-o", path, source])
        if built.returncode:
            raise RuntimeError(built.stderr.decode("utf-8", "replace"))
        LIBRARY = path
    return LIBRARY


def environment(**more):
    return dict(os.environ, LD_PRELOAD=library(), **more)


class Control:
    """What goes wrong from now on; .environment for the process that it goes wrong in."""

    def __init__(self):
        path = "%s/control-%d" % (harness.tmp(), id(self))
        with open(path, "wb") as f:
            f.write(bytes(24))
        with open(path, "r+b") as f:
            self._map = mmap.mmap(f.fileno(), 24)
        self.environment = environment(FAULT_CONTROL=path)

    def set(self, realtime=0.0, boottime=0.0, allocation=0):
        """Seconds that the clocks are ahead; every so manyth allocation fails."""
        self._map[:24] = struct.pack("=qqq", int(realtime * 1e9), int(boottime * 1e9), allocation)
