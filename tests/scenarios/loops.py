# SPDX-License-Identifier: GPL-2.0-or-later
"""Scenarios of the rules about event loops, in real servers and small programs."""
import programs
from frame import finding, scenario

NODE = """
const fs = require('fs'), crypto = require('crypto');
function spin(ms) { const end = performance.now() + ms; while (performance.now() < end) crypto.pbkdf2Sync('a', 'b', 1000, 64, 'sha512'); }
require('net').createServer(c => c.end('ok')).listen(0, '127.0.0.1');
"""

# An event loop to which others connect: `tick(loop)` is called every so many milliseconds. argv: milliseconds.
PYTHON_LOOP = """
import asyncio, socket, sys, threading, time
lock = threading.Lock()
%s
async def main():
    await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    while True:
        await asyncio.sleep(int(sys.argv[1]) / 1000)
        tick()
asyncio.run(main())
"""


def node(stage, name, script, *before, **files):
    return stage.run(stage.cgroup(name, **files), *before, programs.which("node", "nodejs"), "-e", NODE + script)


def python_loop(stage, name, tick, every):
    return stage.python(stage.cgroup(name), PYTHON_LOOP % tick, every)


# ---- loops that stand still ----

@scenario(first=finding("loop_stall_cpu", container="/api", process="node"))
def stall_cpu(stage):
    """node hashes passwords for 150 ms at a time, twice a second."""
    node(stage, "api", "setInterval(() => spin(150), 500);")


@scenario(worst="none", never=["loop_stall_cpu"])
def stall_cpu_short(stage):
    """The same work in pieces of 15 ms."""
    node(stage, "api", "setInterval(() => spin(15), 50);")


@scenario(first=finding("loop_stall_blocked", container="/api", process="node"), beside=True)
def stall_file(stage):
    """node opens a FIFO whose writer comes late, synchronously."""
    stage.python(stage.cgroup("writer"), """
import os, time
os.mkfifo("fifo")
while True:
    time.sleep(0.4)
    try:
        os.close(os.open("fifo", os.O_WRONLY | os.O_NONBLOCK))
    except OSError:  # nobody reads
        pass
""")
    stage.wait_for(lambda: stage.has("fifo"))
    node(stage, "api", "setInterval(() => fs.readFileSync('fifo'), 800);")


@scenario(first=finding("loop_stall_blocked", container="/bot", process="python3"), beside=True)
def stall_child(stage):
    """asyncio that waits for a program."""
    python_loop(stage, "bot", """
import os
def tick():
    os.system("sleep 0.2")
""", 500)


@scenario(first=finding("loop_stall_blocked", container="/bot", process="python3"), beside=True)
def stall_lock(stage):
    """asyncio beside a thread that keeps a lock for 200 ms."""
    python_loop(stage, "bot", """
def keep():
    while True:
        with lock:
            time.sleep(0.2)
        time.sleep(0.1)
threading.Thread(target=keep, daemon=True).start()
def tick():
    with lock:
        pass
""", 450)


@scenario(first=finding("loop_stall_blocked", container="/bot", process="python3"), beside=True)
def stall_select(stage):
    """asyncio that calls a library which waits in poll, as look-ups of names do."""
    python_loop(stage, "bot", """
import select
quiet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
quiet.bind(("127.0.0.1", 0))
def tick():
    p = select.poll()
    p.register(quiet, select.POLLIN)
    p.poll(200)
""", 300)


@scenario(worst="none", beside=True)
def timers(stage):
    """Loops that wait with a timeout, or for nothing."""
    python_loop(stage, "bot", "def tick(): pass", 10)
    node(stage, "api", "")


# ---- loops that wait for a CPU ----

@scenario(first=finding("cpu_neighbour", container="/api", culprit="/batch", explains=["loop_starved"]), never=["loop_stall_cpu"])
def starved(stage):
    """node that works a third of the time shares a CPU with a batch job of much more weight."""
    bound = ("taskset", "-c", "1")
    node(stage, "api", "setInterval(() => spin(30), 90); fs.writeFileSync('ready', '');", *bound, cpu={"cpu.shares": 32768})
    stage.wait_for(lambda: stage.has("ready"))
    batch = stage.cgroup("batch", cpu={"cpu.shares": 262144})
    for _ in range(2):
        stage.run(batch, *bound, "sh", "-c", "while :; do :; done")


# ---- loops that are full, and those that only seem so ----

@scenario(first=finding("loop_saturated", container="/api", process="node", severity="notice"), never=["loop_stall_cpu", "busy_poll"])
def saturated(stage):
    """node with work without end, 2 ms at a time."""
    node(stage, "api", "(function turn() { spin(2); setImmediate(turn); })();")


@scenario(worst="none", never=["loop_saturated"])
def saturated_near(stage):
    """node that works two thirds of the time."""
    node(stage, "api", "setInterval(() => spin(20), 30);")


@scenario(first=finding("busy_poll", container="/feed", process="python3"), never=["loop_saturated"])
def busy_poll(stage):
    """Asks epoll with a timeout of 0, again and again."""
    stage.python(stage.cgroup("feed"), POLLER, 0)


@scenario(worst="none", never=["busy_poll"], beside=True)
def poll_with_timeout(stage):
    """Asks epoll with a timeout of 5 ms."""
    stage.python(stage.cgroup("feed"), POLLER, 0.005)


POLLER = """
import select, socket, sys
s = socket.create_server(("127.0.0.1", 0))
ep = select.epoll()
ep.register(s, select.EPOLLIN)
wait = float(sys.argv[1])
while True:
    ep.poll(wait)
"""


# ---- workers that share their clients ----

# Workers with an epoll instance each and one listening socket. argv: flags, workers; its port goes into the file `port`.
WORKERS = """
import os, select, socket, sys
s = socket.create_server(("127.0.0.1", 0), backlog=512)
s.setblocking(False)
with open("port.new", "w") as f:
    f.write(str(s.getsockname()[1]))
os.rename("port.new", "port")
for _ in range(int(sys.argv[2])):
    if os.fork() == 0:
        break
else:
    os.wait()
ep = select.epoll()
ep.register(s, select.EPOLLIN | int(sys.argv[1]))
while True:
    for _ in ep.poll():
        try:
            c, _ = s.accept()
            c.close()
        except BlockingIOError:
            pass
"""

# Connects so many times a second. argv: port, rate.
CONNECTS = """
import socket, sys, time
begin, n = time.monotonic(), 0
while True:
    c = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    c.recv(1)
    c.close()
    n += 1
    time.sleep(max(0, begin + n / int(sys.argv[2]) - time.monotonic()))
"""


def herd_of(stage, flags):
    stage.python(stage.cgroup("web"), WORKERS, flags, 8)
    stage.wait_for(lambda: stage.has("port"))
    with open(stage.folder + "/port") as f:
        stage.python(stage.cgroup("clients"), CONNECTS, f.read(), 300)


@scenario(first=finding("thundering_herd", container="/web", process="python3"))
def herd(stage):
    """Eight workers that share a listening socket: each connection wakes all of them."""
    herd_of(stage, 0)


@scenario(worst="none", never=["thundering_herd"])
def herd_exclusive(stage):
    """The same with EPOLLEXCLUSIVE: each connection wakes one."""
    herd_of(stage, 1 << 28)


NGINX = """
daemon off;
master_process on;
worker_processes 4;
pid %(folder)s/pid;
error_log %(folder)s/error.log;
events { worker_connections 256; %(events)s }
http {
  access_log off;
  client_body_temp_path %(folder)s; proxy_temp_path %(folder)s; fastcgi_temp_path %(folder)s;
  uwsgi_temp_path %(folder)s; scgi_temp_path %(folder)s;
  gzip on; gzip_comp_level 6; gzip_min_length 1; gzip_types text/plain; default_type text/plain;
  keepalive_requests 1000000;
  server { listen 127.0.0.1:%(port)d; root %(folder)s; }
}
"""


def zipping(stage, events, clients):
    """nginx that compresses what it sends to so many clients, each over one connection."""
    port = programs.free_port()
    stage.file("page.txt", "".join("line %d of a text that is to be made small\\n" % (i * i) for i in range(2000)))
    config = stage.file("nginx.conf", NGINX % {"folder": stage.folder, "port": port, "events": events})
    stage.run(stage.cgroup("web"), programs.which("nginx"), "-p", stage.folder, "-c", config)
    stage.wait_for(lambda: stage.has("pid"))
    stage.python(stage.cgroup("clients"), CLIENTS, port, clients)
    stage.wait_for(lambda: stage.has("connected"))


# Connections all at once, then one request after the other over each. argv: port, connections.
CLIENTS = """
import select, socket, sys, time
port, n = map(int, sys.argv[1:3])
request = b"GET /page.txt HTTP/1.1\\r\\nHost: x\\r\\nAccept-Encoding: gzip\\r\\n\\r\\n"
ep, all = select.epoll(), {}
for _ in range(n):
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(("127.0.0.1", port))
    all[s.fileno()] = s
    ep.register(s, select.EPOLLIN)
time.sleep(1)
for s in all.values():
    s.send(request)
open("connected", "w").close()
while True:
    for fd, _ in ep.poll():
        data = all[fd].recv(65536)
        if not data:
            sys.exit("closed")
        if data.endswith(b"0\\r\\n\\r\\n"):
            all[fd].send(request)
"""


@scenario(first=finding("loop_imbalance", container="/web", process="nginx"))
def imbalance(stage):
    """One of four workers of nginx has accepted all connections."""
    zipping(stage, "accept_mutex on; multi_accept on;", 40)


@scenario(worst="notice", never=["loop_imbalance"])
def imbalance_of_one(stage):
    """The same with a single client, whose connection cannot be spread."""
    zipping(stage, "accept_mutex on; multi_accept on;", 1)


# ---- loops that wait for a CPU, and no neighbour is to blame ----

@scenario(first=finding("loop_starved", container="/api", culprit="", process="node"), never=["cpu_neighbour"])
def starved_by_itself(stage):
    """node that works for 8 ms in each 100 ms shares a CPU with a program of its own container that goes first."""
    path = stage.cgroup("api")
    stage.run(path, "taskset", "-c", "1", programs.which("node", "nodejs"), "-e", NODE + "setInterval(() => spin(8), 100);")
    stage.run(path, "taskset", "-c", "1", "nice", "-n", "-5", "sh", "-c", "while :; do :; done")


@scenario(first=finding("loop_starved", container="/api", process="node"), never=["cpu_neighbour"], held_back=True)
def starved_by_many(stage):
    """node that works for 10 ms in each 100 ms shares a CPU with five containers, none of which has most of it."""
    bound = ("taskset", "-c", "0")
    node(stage, "api", "setInterval(() => spin(10), 100);", *bound, cpu={"cpu.shares": 4096})
    for i in range(5):
        stage.run(stage.cgroup("batch%d" % i, cpu={"cpu.shares": 4096}), *bound, "sh", "-c", "while :; do :; done")


# ---- held back: other work ----

@scenario(first=finding("loop_stall_cpu", container="/report", process="node"), held_back=True)
def stall_json(stage):
    """node writes a large object as JSON once a second, for some hundred milliseconds."""
    node(stage, "report", """
const rows = [];
for (let i = 0; i < 500000; i++)
  rows.push({i, a: 'x' + i, b: [i, i + 1]});
setInterval(() => JSON.stringify(rows), 1000);
""")


@scenario(first=finding("loop_stall_blocked", container="/bot", process="python3"), beside=True, held_back=True)
def stall_answer(stage):
    """asyncio that waits for an answer on a socket for 250 ms, as a database's driver does that is not made for it."""
    python_loop(stage, "bot", """
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.1", 0))
silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, bytes(8) + (250000).to_bytes(8, "little"))
def tick():
    try:
        silent.recv(1)
    except BlockingIOError:
        pass
""", 700)
