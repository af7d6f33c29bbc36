# SPDX-License-Identifier: GPL-2.0-or-later
"""A real dockerd of the test's own: socket, data, cgroups and containers are gone at the end, however that comes."""
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile

import cgroups
import harness
import sweep

# Times the weight of other cgroups: containers run also on a busy machine, and what starts the next one does so, too.
FAVOUR = 8
IMAGE = "sysscope-test/busybox:1"
DOCKERD = shutil.which("dockerd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
# The client that belongs to the daemon's package, if another one stands before it in PATH.
CLIENT = "/usr/bin/docker" if os.access("/usr/bin/docker", os.X_OK) else shutil.which("docker")
BUSYBOX = next((p for p in ("/bin/busybox", "/usr/bin/busybox") if os.path.exists(p)), None)


class Docker:
    def __init__(self):
        harness.need(DOCKERD and CLIENT, "docker.io is not installed")
        harness.need(BUSYBOX, "busybox-static is not installed")
        self.folder = os.path.join(harness.tmp(), "docker")
        self.data_root = self.folder + "/data"
        self.socket = self.folder + "/sock"
        os.makedirs(self.folder)
        self.environment = dict(os.environ, DOCKER_HOST="unix://" + self.socket, DOCKER_CONFIG=self.folder + "/config")
        for name in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_API_VERSION"):
            self.environment.pop(name, None)
        self.names = []
        sweep.dead_tests()
        harness.cleanup(harness.stop, sweep.after_death(os.getpid()))
        # Not /docker, which on a busy machine gets as little as any other cgroup, however much its containers are favoured.
        self.top = "/sysscope-test-%d-docker" % os.getpid()
        self.parent = self.top + "/docker"
        cgroups.remove_later(self.top)
        cgroups.make(self.parent)
        cgroups.favour(self.top, FAVOUR)
        harness.cleanup(self._end)
        self._start()
        self._image()

    def _start(self):
        self.log = open(self.folder + "/log", "wb")
        self.daemon = subprocess.Popen(
            [DOCKERD, "--iptables=false", "--ip6tables=false", "--bridge=none", "--default-ulimit", "nofile=20000:20000",
             "--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", self.parent,
             "-H", "unix://" + self.socket, "--data-root", self.data_root, "--exec-root", self.folder + "/exec",
             "--pidfile", self.folder + "/pid"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, preexec_fn=harness.die_with_parent)

        def up():
            if self.daemon.poll() is not None:
                return True
            return os.path.exists(self.socket) and self("version", check=False).returncode == 0

        if not harness.wait_for(up, 60, 0.2) or self.daemon.poll() is not None:
            raise RuntimeError("dockerd does not come up: %s" % self.tail())

    def tail(self):
        with open(self.folder + "/log", "rb") as f:
            return f.read()[-1500:].decode("utf-8", "replace")

    def __call__(self, *args, check=True, seconds=60, **more):
        """Runs the client; its result."""
        p = harness.run([CLIENT, *args], seconds, env=self.environment, **more)
        if check and p.returncode:
            raise RuntimeError("docker %s: %s" % (" ".join(args), p.stderr.decode("utf-8", "replace").strip()))
        return p

    def text(self, *args):
        return self(*args).stdout.decode().strip()

    def _image(self):
        """busybox and its applets, and the static programs of tests/kernel, as one layer."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(BUSYBOX, "bin/busybox", filter=_plain)
            for applet in harness.run([BUSYBOX, "--list"]).stdout.decode().split():
                if applet != "busybox":
                    link = tarfile.TarInfo("bin/" + applet)
                    link.type, link.linkname, link.mode = tarfile.LNKTYPE, "bin/busybox", 0o755
                    tar.addfile(link)
            for folder in ("tmp", "proc", "sys", "dev", "etc"):
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
        self("import", "-", IMAGE, input=archive.getvalue(), stdin=None)

    def start(self, name, *args, options=()):
        """docker run -d, without a network unless the options name one. A Container."""
        self.names.append(name)
        network = () if "--network" in options else ("--network", "none")
        identity = self.text("run", "-d", *network, "--name", name, *options, IMAGE, *args)
        return Container(self, name, identity)

    def remove(self, name):
        self("rm", "-f", name)

    def _end(self):
        if self.daemon.poll() is None:
            everything = self("ps", "-aq", check=False).stdout.decode().split()
            if everything:
                self("rm", "-f", *everything, check=False)
        harness.stop(self.daemon, signal.SIGTERM, 30)
        # Only when dockerd had to be killed is there anything left.
        sweep.end_processes(self.folder)
        for root in cgroups.layout.everywhere:
            sweep.end_cgroup(root + self.parent)
        self.log.close()
        sweep.unmount(self.folder)


def _plain(entry):
    entry.mode, entry.uid, entry.gid, entry.uname, entry.gname = 0o755, 0, 0, "root", "root"
    return entry


class Container:
    def __init__(self, docker, name, identity):
        self.docker, self.name, self.id = docker, name, identity
        self.cgroup = cgroups.Cgroup(cgroups.path_of(self.pid()))

    def pid(self):
        return int(self.docker.text("inspect", "-f", "{{.State.Pid}}", self.id))

    def inspect(self):
        return json.loads(self.docker.text("inspect", self.id))[0]
