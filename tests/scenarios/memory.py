# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios of the rules about memory."""
from frame import FIRST, finding, scenario

# Holds so many MiB.
HOLD = """
import sys, time
held = bytearray(int(sys.argv[1]) << 20)
for i in range(0, len(held), 4096):
    held[i] = 1
time.sleep(1000)
"""
# Takes so many MiB, gives them back, and rests, again and again.
TAKE = """
import sys, time
while True:
    held = bytearray(int(sys.argv[1]) << 20)
    for i in range(0, len(held), 4096):
        held[i] = 1
    del held
    time.sleep(0.2)
"""
# Maps a file of so many MiB that it made, and reads a byte of its pages in no order for ever.
MAPPED = """
import mmap, os, random, sys
path, size = sys.argv[1], int(sys.argv[2]) << 20
if not os.path.exists(path):
    with open(path, "wb") as f:
        for _ in range(size >> 20):
            f.write(os.urandom(1 << 20))
    os.sync()
for _ in range(int(sys.argv[3]) - 1):
    os.fork()
with open(path, "rb") as f:
    pages = mmap.mmap(f.fileno(), size, prot=mmap.PROT_READ)
pages.madvise(mmap.MADV_RANDOM)
random.seed(os.getpid())
while True:
    pages[random.randrange(size)]
"""
# Maps a file, and drops its pages from the cache before it reads them: so many a second.
DROPPED = """
import mmap, os, sys, time
path, size = sys.argv[1], 8 << 20
with open(path, "wb") as f:
    f.write(os.urandom(size))
    os.fsync(f.fileno())
f = open(path, "rb")
while True:
    os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    pages = mmap.mmap(f.fileno(), size, prot=mmap.PROT_READ)
    pages.madvise(mmap.MADV_RANDOM)
    for i in range(0, size, size // 100):
        pages[i]
    pages.close()
    time.sleep(100 / float(sys.argv[2]))
"""


def folder(stage):
    return ("-v", "%s:%s" % (stage.folder, stage.folder))


# ---- the limit ----

@scenario(first=finding("memory_near_limit", container="cache", culprit=""), beside=True)
def near_limit(stage):
    """A program that holds 92 of its 100 MiB."""
    stage.docker_python("cache", HOLD, 88, options=("--memory", "100m"))


@scenario(worst="none", beside=True)
def half_limit(stage):
    """A program that holds half of its 100 MiB."""
    stage.docker_python("cache", HOLD, 50, options=("--memory", "100m"))


@scenario(worst="none", beside=True)
def files_fill_limit(stage):
    """The file cache has filled the limit, as it should."""
    c = stage.container("files", "sh", "-c", "dd if=/dev/zero of=%s/file bs=1M count=150 conv=fsync; cat %s/file > /dev/null; sleep 1000"
                        % (stage.folder, stage.folder), options=("--memory", "64m", *folder(stage)))
    stage.wait_for(lambda: ("sleep", "S") in stage.processes(c))


# ---- reclaim ----

@scenario(first=finding("memory_thrash", container="reads", culprit="", explains=["major_faults"]))
def thrash(stage):
    """Two readers of a mapped file of 200 MiB within a limit of 48 MiB."""
    c = stage.docker_python("reads", MAPPED, stage.folder + "/file", 200, 2, options=("--memory", "48m", *folder(stage), *FIRST))
    stage.wait_for(lambda: len(c.cgroup.pids()) == 2)


@scenario(worst="notice", never=["memory_thrash"], held_back=True)
def streams(stage):
    """Files of 300 MiB are read once each, from the begin to the end, within a limit of 48 MiB."""
    stage.container("streams", "sh", "-c", "while :; do truncate -s 300M %s/file; cat %s/file > /dev/null; rm %s/file; sleep 1; done"
                    % ((stage.folder,) * 3), options=("--memory", "48m", *folder(stage), *FIRST))


@scenario(first=finding("major_faults", container="maps", culprit="", severity="notice"))
def major_faults(stage):
    """A program whose mapped file is thrown out of the cache before each read."""
    stage.docker_python("maps", DROPPED, stage.folder + "/file", 2000, options=(*folder(stage), *FIRST))


@scenario(worst="none", held_back=True)
def few_major_faults(stage):
    """The same, with 50 pages a second."""
    stage.docker_python("maps", DROPPED, stage.folder + "/file", 50, options=(*folder(stage), *FIRST))


# ---- the OOM killer ----

@scenario(first=finding("oom_killed", container="grows", process="tail", severity="critical"))
def oom_killed(stage):
    """A program that grows beyond a limit of 32 MiB, and is started again."""
    stage.container("grows", "sh", "-c", "while :; do tail /dev/zero; sleep 1; done", options=("--memory", "32m", *FIRST))


@scenario(worst="none", held_back=True)
def grows_within_limit(stage):
    """A program that takes 30 of 64 MiB and gives them back."""
    stage.docker_python("takes", TAKE, 30, options=("--memory", "64m", *FIRST))


# ---- held back: other programs, other limits ----

@scenario(first=finding("memory_near_limit", container="threads", culprit=""), beside=True, held_back=True)
def near_limit_of_parts(stage):
    """Three processes of a container hold 78 MiB each, of 256."""
    stage.docker_python("threads", "import os\nos.fork() and os.fork()\n" + HOLD, 78, options=("--memory", "256m"))


@scenario(worst="notice", never=["memory_thrash"], held_back=True)
def checksums_again(stage):
    """Checksums of four files of 30 MiB, again and again, within a limit of 64 MiB, from a disk that keeps a CPU busy."""
    names = " ".join("%s/%d" % (stage.folder, i) for i in range(4))
    stage.container("sums", "sh", "-c", "for f in %s; do dd if=/dev/urandom of=$f bs=1M count=30; done; sync; touch %s/made; "
                    "while :; do md5sum %s > /dev/null; done" % (names, stage.folder, names),
                    options=("--memory", "64m", *folder(stage), *FIRST))
    stage.wait_for(lambda: stage.has("made"))


@scenario(first=finding("oom_killed", container="doubles", process="awk", severity="critical"), held_back=True)
def oom_doubles(stage):
    """A text that doubles until the limit of 40 MiB ends its program, which is started again."""
    stage.container("doubles", "sh", "-c", "while :; do awk 'BEGIN { s = \"x\"; while (1) s = s s }'; sleep 2; done",
                    options=("--memory", "40m", *FIRST))
