# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios of the rules about TCP, on the machine's loopback interface."""
import socket

from frame import finding, scenario

# Listens with a queue of so many; accepts all that wait every so many seconds, or never (0).
LISTENS = """
import socket, sys, time
s = socket.socket()
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(int(sys.argv[2]))
pause = float(sys.argv[3])
s.setblocking(False)
while True:
    time.sleep(pause or 1000)
    try:
        while True:
            s.accept()[0].close()
    except BlockingIOError:
        pass
"""
# Connects so many times a second, and gives each up after two seconds.
CONNECTS = """
import collections, socket, sys, time
made = collections.deque()
while True:
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(("127.0.0.1", int(sys.argv[1])))
    made.append(s)
    if len(made) > 2 * float(sys.argv[2]):
        made.popleft().close()
    time.sleep(1 / float(sys.argv[2]))
"""
# Answers each byte on each connection after so many seconds.
ANSWERS = """
import socket, sys, threading, time
def serve(c):
    while c.recv(1):
        time.sleep(float(sys.argv[2]))
        c.send(b"!")
s = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
"""
# Serves clients, asking the server at another port for each question, with a pool of so many connections.
ASKS = """
import queue, socket, sys, threading
pool = queue.Queue()
for _ in range(int(sys.argv[3])):
    pool.put(socket.create_connection(("127.0.0.1", int(sys.argv[2]))))
def serve(c):
    while c.recv(1):
        one = pool.get()
        one.send(b"?")
        one.recv(1)
        pool.put(one)
        c.send(b"!")
s = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
"""
# So many clients that ask again as soon as they are answered, after a rest.
CLIENTS = """
import socket, sys, threading, time
def ask():
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    while True:
        s.send(b"?")
        s.recv(1)
        time.sleep(float(sys.argv[3]))
for _ in range(int(sys.argv[2])):
    threading.Thread(target=ask).start()
"""
# Sends on four connections to a receiver in a child, which loses one packet of so many (0: none).
SENDS = """
import ctypes, os, socket, struct, sys, time
lose = int(sys.argv[2])
s = socket.socket()
s.bind(("127.0.0.1", int(sys.argv[1])))
if lose:
    code = [(0x20, 0, 0, 0xfffff000 + 56), (0x35, 0, 1, 0xffffffff // lose), (6, 0, 0, 0xffffffff), (6, 0, 0, 0)]
    filter = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *c) for c in code))
    s.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", len(code), ctypes.addressof(filter)))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)
s.listen(8)
if os.fork() == 0:
    to = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(4)]
    for c in to:
        c.setblocking(False)
    while True:
        for c in to:
            try:
                c.send(bytes(4000))
            except BlockingIOError:
                pass
        time.sleep(0.01)
taken = [s.accept()[0] for _ in range(4)]
while True:
    for c in taken:
        c.recv(65536)
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def crowd(stage, backlog, pause):
    port = free_port()
    stage.python(stage.cgroup("web"), LISTENS, port, backlog, pause)
    stage.python(stage.cgroup("clients"), CONNECTS, port, 20)


@scenario(first=finding("listen_overflow", container="/web", culprit=""))
def never_accepts(stage):
    """A server with a queue of 8 that never accepts, and 20 clients a second."""
    crowd(stage, 8, 0)


@scenario(worst="none", beside=True)
def accepts_in_bursts(stage):
    """A server with a queue of 128 that accepts all that wait every second."""
    crowd(stage, 128, 1)


def shop(stage, answer, rest):
    port, db = free_port(), free_port()
    stage.python(stage.cgroup("db"), ANSWERS, db, answer)
    path = stage.cgroup("shop")
    stage.python(path, "import time; time.sleep(1)\n" + ASKS, port, db, 8)
    stage.python(stage.cgroup("clients"), "import time; time.sleep(2)\n" + CLIENTS, port, 30, rest)
    stage.wait_for(lambda: connections_to(port) >= 30)


def connections_to(port):
    """Established ones, by /proc/net/tcp."""
    with open("/proc/net/tcp", encoding="ascii") as f:
        lines = [line.split() for line in f][1:]
    return sum(1 for x in lines if x[3] == "01" and x[2].endswith(":%04X" % port))


@scenario(first=finding("pool_exhausted", container="/shop", culprit=""))
def pool_used_up(stage):
    """A pool of 8 connections to a database that takes 4 s for an answer; 30 clients."""
    shop(stage, 4, 0)


@scenario(worst="none", beside=True, held_back=True)
def pool_large_enough(stage):
    """The same with answers after 10 ms, and clients that ask once a second."""
    shop(stage, 0.01, 1)


@scenario(first=finding("tcp_retransmits", container="/api", culprit=""))
def packets_lost(stage):
    """The receiver loses one packet of 16."""
    stage.python(stage.cgroup("api"), SENDS, free_port(), 16)


@scenario(worst="none", beside=True)
def no_packets_lost(stage):
    """The same without losses."""
    stage.python(stage.cgroup("api"), SENDS, free_port(), 0)


# ---- held back ----

@scenario(worst="none", beside=True, held_back=True)
def few_packets_lost(stage):
    """The receiver loses one packet of 3000."""
    stage.python(stage.cgroup("api"), SENDS, free_port(), 3000)


@scenario(first=finding("listen_overflow", container="/web", culprit=""), held_back=True)
def accepts_too_seldom(stage):
    """A server with a queue of 4 that accepts all that wait every two seconds, and 20 clients a second."""
    crowd(stage, 4, 2)


@scenario(worst="none", beside=True, held_back=True)
def pool_of_few_clients(stage):
    """A pool of 8 connections to a database that takes 1.5 s for an answer; 30 clients that ask every ten seconds."""
    shop(stage, 1.5, 10)
