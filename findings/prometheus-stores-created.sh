#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Prometheus 2.42.0 (Debian 12): `_created` lines of OpenMetrics become series, one more for each counter.
#
# OpenMetrics 1.0.0 (5.1) lets a counter say when it began, in a line x_created beside x_total; one would expect a reader to
# take it as that: a property of the counter. What is so: Prometheus asks for OpenMetrics before the plain text format,
# and stores x_created as a series of its own, of type unknown, with the time as its value. So an exporter that begins to
# say when its counters began doubles the series of its counters, in each Prometheus that scrapes it, without a word.
#
# Seen:
#   Accept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=...
#   series of the target: requests_created 2, requests_total 2
#   samples that the scrape gave: 4
set -euo pipefail
dir=$(mktemp -d)
pids=
trap '[ -z "$pids" ] || kill $pids 2>/dev/null; wait 2>/dev/null; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download prometheus=2.42.0+ds-5+deb12u1 2>/dev/null
dpkg -x prometheus_*.deb .

cat >target.py <<'END'
import http.server, sys

TEXT = b"""# TYPE requests counter
requests_total{path="/a"} 17
requests_created{path="/a"} 1796000000
requests_total{path="/b"} 4
requests_created{path="/b"} 1796000000
# EOF
"""

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open("accept", "w").write(self.headers["Accept"])
        self.send_response(200)
        self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.end_headers()
        self.wfile.write(TEXT)

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
open("port", "w").write(str(server.server_address[1]))
server.serve_forever()
END
python3 target.py &
pids=$!
for _ in $(seq 50); do
	if [ -s port ]; then break; fi
	sleep 0.1
done
web=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf 'scrape_configs:\n- job_name: target\n  scrape_interval: 1s\n  static_configs:\n  - targets: ["127.0.0.1:%s"]\n' "$(cat port)" >p.yml
./usr/bin/prometheus --config.file=p.yml --storage.tsdb.path=data --web.listen-address="127.0.0.1:$web" 2>log &
pids="$pids $!"
query() { python3 - "$web" "$1" <<'END'
import json, sys, urllib.parse, urllib.request
url = "http://127.0.0.1:%s/api/v1/query?query=%s" % (sys.argv[1], urllib.parse.quote(sys.argv[2]))
try:
    found = json.load(urllib.request.urlopen(url, timeout=5))["data"]["result"]
except OSError:
    found = []
print(", ".join(sorted("%s %s" % (r["metric"].get("__name__", ""), r["value"][1]) for r in found)))
END
}
for _ in $(seq 120); do
	series=$(query 'count by (__name__) ({__name__=~"requests.*"})')
	[ -z "$series" ] || break
	sleep 0.5
done
echo "Accept: $(head -c 112 accept)..."
echo "series of the target: $series"
echo "samples that the scrape gave:$(query scrape_samples_scraped | sed 's/scrape_samples_scraped//')"
[ "$series" = "requests_created 2, requests_total 2" ] || { echo "changed: they are stored in another way"; exit 1; }
