# SPDX-License-Identifier: GPL-2.0-or-later
"""Real servers as instances of the test's own: on loopback, a free port each, config and data in the test's temporary
folder, in the foreground, so that they end with the test. Used by tests/e2e/test_models and others.

A Program has .name, .comm (of the processes that do its work), .process, .port, .model (what sysscope is to say of it) and
.load(seconds), which returns processes that end by themselves.
"""
import glob
import os
import pwd
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

import harness
from sysscope import free_port

LOOPBACK = "127.0.0.1"


class Missing(Exception):
    """The program cannot be had here."""


def which(*names):
    for name in names:
        for folder in ("", "/usr/sbin/", "/usr/bin/"):
            found = shutil.which(folder + name)
            if found:
                return found
    raise Missing("%s is not installed" % names[0])


class Program:
    def __init__(self, name, comm, model):
        self.name, self.comm, self.model = name, comm, model
        self.port = free_port()
        self.folder = os.path.join(harness.tmp(), name)
        if os.path.exists(self.folder):
            self.folder += "-%d" % self.port
        os.makedirs(self.folder)
        os.chmod(harness.tmp(), 0o755)
        self.process = None

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def start(self, argv, **more):
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = harness.spawn(argv, stdout=log, stderr=log, cwd=self.folder, **more)
        if not harness.wait_for(self.answers, 30):
            raise Missing("%s does not answer: %s" % (self.name, self.said()))
        return self

    def said(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()[-300:]

    def answers(self):
        try:
            with socket.create_connection((LOOPBACK, self.port), 1):
                return True
        except OSError:
            return False

    def load(self, seconds):
        """wrk, for who speaks HTTP."""
        return [harness.spawn(["nice", "-n", "10", which("wrk"), "-t", "1", "-c", "8", "-d", "%ds" % seconds,
                               "http://%s:%d/" % (LOOPBACK, self.port)], stdout=subprocess.DEVNULL)]


def nginx(workers=2, before=()):
    p = Program("nginx", "nginx", "loop+workers")
    temporary = " ".join("%s_temp_path %s/%s;" % (n, p.folder, n) for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    path = p.file("nginx.conf", "daemon off; worker_processes %d; pid %s/pid; error_log %s/errors;\n"
                  "events { worker_connections 256; }\nhttp { access_log off; %s\n"
                  " server { listen %s:%d; location / { return 200 ok; } } }\n"
                  % (workers, p.folder, p.folder, temporary, LOOPBACK, p.port))
    return p.start([*before, which("nginx"), "-c", path, "-e", p.folder + "/errors"])


def redis(before=()):
    p = Program("redis", "redis-server", "loop")

    def load(seconds):
        return [harness.spawn(["timeout", str(seconds), "nice", "-n", "10", which("redis-benchmark"), "-p", str(p.port),
                               "-q", "-n", "100000000", "-c", "4"], stdout=subprocess.DEVNULL)]

    p.load = load
    return p.start([*before, which("redis-server"), "--port", str(p.port), "--bind", LOOPBACK, "--save", "", "--dir", p.folder])


def node(script="require('http').createServer((q, r) => r.end('ok')).listen(+process.argv[2], '127.0.0.1');", before=()):
    p = Program("node", "node", "loop+pool")
    return p.start([*before, which("node", "nodejs"), p.file("server.js", script), str(p.port)])


def apache():
    p = Program("apache", "apache2", "prefork")
    path = p.file("apache.conf", "ServerRoot %(d)s\nServerName localhost\nPidFile %(d)s/pid\nErrorLog %(d)s/errors\n"
                  "Listen %(a)s:%(p)d\nLoadModule mpm_prefork_module %(m)s/mod_mpm_prefork.so\n"
                  "LoadModule authz_core_module %(m)s/mod_authz_core.so\nUser www-data\nGroup www-data\nDocumentRoot %(d)s\n"
                  "StartServers 4\nMaxRequestWorkers 16\n"
                  % {"d": p.folder, "a": LOOPBACK, "p": p.port, "m": "/usr/lib/apache2/modules"})
    p.file("index.html", "ok")
    return p.start([which("apache2"), "-f", path, "-DFOREGROUND"])


def php_fpm():
    binary = sorted(glob.glob("/usr/sbin/php-fpm[0-9]*"))
    if not binary:
        raise Missing("php-fpm is not installed")
    p = Program("php-fpm", os.path.basename(binary[-1])[:15], "prefork")
    path = p.file("fpm.conf", "[global]\nerror_log = %s/errors\ndaemonize = no\n[www]\nuser = www-data\ngroup = www-data\n"
                  "listen = %s:%d\npm = static\npm.max_children = 4\n" % (p.folder, LOOPBACK, p.port))
    script = p.file("index.php", "<?php echo 'ok';\n")
    p.load = lambda seconds: [_thread(fastcgi_load, p.port, script, seconds)]
    return p.start([binary[-1], "-F", "-y", path])


def memcached():
    p = Program("memcached", "memcached", "loops")
    p.load = lambda seconds: [_thread(lines_load, p.port, b"set k 0 0 2\r\nok\r\n", seconds) for _ in range(2)]
    return p.start([which("memcached"), "-u", "nobody", "-l", LOOPBACK, "-p", str(p.port), "-t", "4"])


def haproxy():
    p = Program("haproxy", "haproxy", "loops")
    path = p.file("haproxy.cfg", "global\n nbthread 2\ndefaults\n mode http\n timeout client 9s\n timeout server 9s\n"
                  " timeout connect 9s\nfrontend f\n bind %s:%d\n http-request return status 200\n" % (LOOPBACK, p.port))
    return p.start([which("haproxy"), "-db", "-f", path])


def postgres(before=()):
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
    if not found:
        raise Missing("postgresql is not installed")
    folder = os.path.dirname(found[-1])
    p = Program("postgres", "postgres", "prefork")
    user = pwd.getpwnam("postgres")
    os.chown(p.folder, user.pw_uid, user.pw_gid)
    become = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
    done = harness.run(become + [folder + "/initdb", "-D", p.folder + "/data", "-A", "trust", "-N"], 120)
    if done.returncode:
        raise Missing("initdb: %s" % done.stderr.decode("utf-8", "replace")[-200:])

    pgbench = [folder + "/pgbench", "-h", LOOPBACK, "-p", str(p.port), "-U", "postgres"]

    p.benchmark = pgbench

    def load(seconds):
        return [harness.spawn(["nice", "-n", "10"] + pgbench + ["-S", "-c", "4", "-T", str(seconds), "postgres"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]

    p.load = load
    p.start([*before, *become, folder + "/postgres", "-D", p.folder + "/data", "-p", str(p.port), "-k", p.folder,
                      "-c", "listen_addresses=" + LOOPBACK])
    # It takes connections a moment before it serves them.
    harness.wait_for(lambda: harness.run(pgbench + ["-i", "-q", "postgres"], 60).returncode == 0, 30)
    return p


def go():
    compiler = which("go")
    p = Program("go", "goserver", "m:n")
    p.file("main.go", 'package main\n\nimport ("net/http"; "os")\n\nfunc main() {\n'
           '\thttp.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("ok")) })\n'
           '\thttp.ListenAndServe(os.Args[1], nil)\n}\n')
    done = harness.run([compiler, "build", "-o", "goserver", "main.go"], 300, cwd=p.folder,
                       env=dict(os.environ, HOME=p.folder, GOCACHE=os.path.join(os.environ.get("BUILD", "/tmp"), "go-cache")
                                if os.path.isabs(os.environ.get("BUILD", "/tmp")) else p.folder + "/cache", GOFLAGS="-mod=mod"))
    if done.returncode:
        raise Missing("go build: %s" % done.stderr.decode("utf-8", "replace")[-200:])
    return p.start([p.folder + "/goserver", "%s:%d" % (LOOPBACK, p.port)])


THREADED = """
import socketserver, sys
class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        while self.request.recv(4096):
            self.request.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
socketserver.ThreadingTCPServer.daemon_threads = True
socketserver.ThreadingTCPServer.request_queue_size = 64
socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def threads():
    p = Program("threads", "python3", "threads")
    interpreter = os.path.realpath(sys.executable)
    p.comm = os.path.basename(interpreter)[:15]
    return p.start([interpreter, p.file("server.py", THREADED), str(p.port)])


ALL = (nginx, redis, node, apache, php_fpm, memcached, haproxy, postgres, go, threads)


# ---- clients ----

def _thread(function, *args):
    t = threading.Thread(target=function, args=args, daemon=True)
    t.start()
    return t


def lines_load(port, question, seconds):
    end = time.monotonic() + seconds
    with socket.create_connection((LOOPBACK, port), 5) as s:
        while time.monotonic() < end:
            s.sendall(question)
            if not s.recv(4096):
                break


def fastcgi_load(port, script, seconds):
    """One request after another, a connection each (the FastCGI specification, 3.3, 5.1, 6.2)."""

    def record(kind, body):
        return struct.pack(">BBHHBB", 1, kind, 1, len(body), 0, 0) + body

    parameters = b"".join(struct.pack("BB", len(k), len(v)) + k + v for k, v in (
        (b"SCRIPT_FILENAME", script.encode()), (b"REQUEST_METHOD", b"GET")))
    request = record(1, struct.pack(">HB5x", 1, 0)) + record(4, parameters) + record(4, b"") + record(5, b"")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with socket.create_connection((LOOPBACK, port), 5) as s:
                s.sendall(request)
                while s.recv(4096):
                    pass
        except OSError:
            pass  # too slow an answer is no answer
