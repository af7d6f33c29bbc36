# SPDX-License-Identifier: GPL-2.0-or-later
"""A real Prometheus of the test's own, which scrapes one server once a second."""
import json
import shutil
import urllib.error
import urllib.parse
import urllib.request

import cgroups
import sysscope
from harness import spawn, tmp, wait_for


def installed():
    return shutil.which("prometheus") and shutil.which("promtool")


class Refused(Exception):
    """What Prometheus says of a query that it cannot answer."""


class Prometheus:
    def __init__(self, port, home, more="", rules=(), program="prometheus"):
        """Its process is in the cgroup `home`. `more`: further lines of the scrape configuration; `rules`: files."""
        self.port = sysscope.free_port()
        config = "%s/prometheus-%d.yml" % (tmp(), self.port)
        with open(config, "w") as f:
            f.write("global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\nrule_files: %s\n" % list(rules))
            f.write("scrape_configs:\n- job_name: sysscope\n"
                    "  static_configs: [{targets: ['127.0.0.1:%d']}]\n%s" % (port, more))
        self.log = "%s/prometheus-%d.log" % (tmp(), self.port)
        with open(self.log, "wb") as log:
            self.process = spawn([program, "--config.file", config, "--storage.tsdb.path", "%s/tsdb-%d" % (tmp(), self.port),
                                  "--web.listen-address", "127.0.0.1:%d" % self.port], stdout=log, stderr=log)
        cgroups.enter(home, self.process.pid)
        if not wait_for(lambda: self.ready(), 60, 0.2):
            with open(self.log, "rb") as log:
                raise RuntimeError("prometheus does not come up: %r" % log.read()[-500:])

    def ready(self):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/-/ready" % self.port, timeout=5) as r:
                return r.status == 200
        except OSError:
            return False

    def query(self, text, when=None):
        """[(labels, value)]"""
        q = {"query": text}
        if when:
            q["time"] = "%.3f" % when
        url = "http://127.0.0.1:%d/api/v1/query?%s" % (self.port, urllib.parse.urlencode(q))
        try:
            with urllib.request.urlopen(url, timeout=20) as r:
                answer = json.load(r)
        except urllib.error.HTTPError as e:
            raise Refused(e.read().decode("utf-8", "replace")) from None
        return [(s["metric"], float(s["value"][1])) for s in answer["data"]["result"]]

    def one(self, text, when=None):
        """The one value, None when there is none."""
        result = self.query(text, when)
        return result[0][1] if len(result) == 1 else None
