# SPDX-License-Identifier: GPL-2.0-or-later
"""A headless Chromium, driven by the W3C WebDriver protocol, and a server that gives a page's API made-up answers."""
import base64
import gzip
import http.client
import http.server
import json
import os
import shutil
import socketserver
import subprocess
import threading
import urllib.request

import harness
import sysscope

CHROMIUM = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
KEYS = {"Escape": "\ue00c", "Enter": "\ue007", "Down": "\ue015", "Up": "\ue013", "Tab": "\ue004", "End": "\ue010"}


class Browser:
    def __init__(self, width=1280, height=900):
        harness.need(CHROMIUM and DRIVER, "chromium and chromium-driver are not installed")
        self.port = sysscope.free_port()
        log = open(harness.tmp() + "/chromedriver.log", "wb")
        harness.cleanup(log.close)
        home = harness.tmp() + "/chromium"
        os.makedirs(home, exist_ok=True)
        self.driver = harness.spawn([DRIVER, "--port=%d" % self.port], stdout=log, stderr=subprocess.STDOUT,
                                    env=dict(os.environ, HOME=home, TMPDIR=harness.tmp()))
        if not harness.wait_for(self._up, 60):
            raise RuntimeError("chromedriver does not come up")
        options = {"binary": CHROMIUM, "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
            "--disable-background-networking", "--disable-component-update", "--hide-scrollbars=false", "--lang=en-US",
            "--user-data-dir=" + home + "/profile", "--window-size=%d,%d" % (width, height)]}
        r = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.session = "/session/" + r["sessionId"]
        self.version = r["capabilities"]["browserVersion"]
        harness.cleanup(self.close)

    def _up(self):
        try:
            return self._call("GET", "/status")["ready"]
        except OSError:
            return False

    def _call(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        q = urllib.request.Request("http://127.0.0.1:%d%s" % (self.port, path), data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(q, timeout=120) as r:
                return json.load(r)["value"]
        except urllib.error.HTTPError as e:
            raise RuntimeError("%s %s: %s" % (method, path, e.read()[:500])) from None

    def close(self):
        self._call("DELETE", self.session)

    def go(self, url):
        self._call("POST", self.session + "/url", {"url": url})

    def js(self, text, *args):
        """The body of a function, with `arguments`."""
        return self._call("POST", self.session + "/execute/sync", {"script": text, "args": list(args)})

    def until(self, text, seconds=60):
        """That body until it is true; its last value."""
        return harness.wait_for(lambda: self.js(text), seconds, 0.2)

    def cdp(self, command, **params):
        return self._call("POST", self.session + "/goog/cdp/execute", {"cmd": command, "params": params})

    def size(self, width, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def scheme(self, name):
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def press(self, *keys):
        """Names of KEYS, or characters, to whatever has the focus."""
        actions = [{"type": t, "value": KEYS.get(k, k)} for k in keys for t in ("keyDown", "keyUp")]
        self._call("POST", self.session + "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def screenshot(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self._call("GET", self.session + "/screenshot")))

    def complaints(self):
        """What the console has said since the last call: errors, warnings, violations of the content security policy."""
        return [e["message"] for e in self._call("POST", self.session + "/se/log", {"type": "browser"})
                if e["level"] in ("SEVERE", "WARNING")]


class Stub:
    """Hands everything on to a real serve, with its headers, and answers /api/v1/ by `answer(path)`: (status, object, headers)."""

    def __init__(self, serve, answer):
        stub, self.asked = self, []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if self.path.startswith("/api/v1/"):
                    stub.asked.append(self.path[len("/api/v1/"):])
                    status, value, more = answer(self.path[len("/api/v1/"):])
                    body = gzip.compress(json.dumps(value).encode(), 1)
                    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Cache-Control": "no-store", **more}
                else:
                    c = http.client.HTTPConnection("127.0.0.1", serve.port, timeout=30)
                    c.request("GET", self.path)
                    r = c.getresponse()
                    status, body, headers = r.status, r.read(), dict(r.getheaders())
                    c.close()
                self.send_response_only(status)
                for name, v in headers.items():
                    if name.lower() not in ("content-length", "connection"):
                        self.send_header(name, v)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        harness.cleanup(self.server.shutdown)
