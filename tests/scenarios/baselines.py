# SPDX-License-Identifier: GPL-2.0-or-later
"""Healthy machines: no finding above a notice, whatever they do."""
import subprocess

import programs
from frame import FIRST, scenario

# Sends requests at a rate; argv: port, requests a second, connections.
CLIENT = """
import socket, sys, time
port, rate, n = map(int, sys.argv[1:4])
connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(n)]
begin, sent = time.monotonic(), 0
while True:
    for c in connections:
        c.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
        c.recv(4096)
        sent += 1
    time.sleep(max(0, begin + sent / rate - time.monotonic()))
"""


def clients(stage, port, rate, connections=4):
    stage.python(stage.cgroup("clients"), CLIENT, port, rate, connections)


@scenario(worst="notice", beside=True)
def idle_machine(stage):
    """A web server, a database and a shell for which nobody has work."""
    stage.server("web", programs.nginx)
    stage.server("redis", programs.redis)
    stage.server("node", programs.node)
    stage.container("shell", "sleep", "1000")


@scenario(worst="notice")
def nginx_half_load(stage):
    """nginx with two workers answers 1500 requests a second."""
    clients(stage, stage.server("web", programs.nginx).port, 1500)


@scenario(worst="notice")
def node_third_load(stage):
    """node answers 1000 requests a second, which takes about a third of a CPU."""
    clients(stage, stage.server("node", programs.node).port, 1000)


@scenario(worst="notice", quiet=True, held_back=True)
def compile_job(stage):
    """A compiler on one of the two CPUs."""
    source = stage.file("x.c", "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
                        + "".join("int f%d(int a) { return a * %d + (int)strlen(getenv(\"X\")); }\n" % (i, i) for i in range(300)))
    path = stage.cgroup("build")
    stage.run(path, "sh", "-c", "while :; do gcc -O2 -c %s -o %s.o; done" % (source, source))


@scenario(worst="notice")
def redis_benchmark(stage):
    """redis under its own benchmark, with a limit of memory and of a CPU that suffice."""
    redis = stage.server("redis", programs.redis, memory={"memory.limit_in_bytes": 256 << 20})
    stage.run(stage.cgroup("clients"), programs.which("redis-benchmark"), "-p", str(redis.port), "-q", "-n", "100000000", "-c", "4",
              "-t", "get,set", "-r", "10000")


@scenario(worst="notice", held_back=True)
def pgbench(stage):
    """PostgreSQL under pgbench, four clients that ask 200 times a second."""
    postgres = stage.server("postgres", programs.postgres)
    stage.run(stage.cgroup("clients"), *postgres.benchmark, "-S", "-c", "4", "-R", "200", "-T", "1000",
              "postgres", stderr=subprocess.DEVNULL)


@scenario(worst="notice")
def sqlite_inserts(stage):
    """A program that commits rows to a database on the disk."""
    stage.docker_python("sqlite", """
import sqlite3, sys, time
d = sqlite3.connect(sys.argv[1])
d.execute("create table if not exists t (a integer primary key, b text)")
while True:
    for _ in range(20):
        d.execute("insert into t (b) values (?)", ("x" * 200,))
    d.commit()
    time.sleep(0.05)
""", stage.folder + "/db", options=("--memory", "128m", "--cpus", "1", "-v", "%s:%s" % (stage.folder, stage.folder), *FIRST))


@scenario(worst="none", held_back=True)
def many_idle(stage):
    """200 containers that sleep."""
    for i in range(200):
        stage.run(stage.cgroup("idle%d" % i), "sleep", "1000")


@scenario(worst="notice")
def cron_jobs(stage):
    """A job of some programs every two seconds."""
    path = stage.cgroup("cron")
    stage.run(path, "sh", "-c", "while sleep 2; do ls -R /usr/share/doc | sort | uniq -c | sort -rn | head -3; date; done")
