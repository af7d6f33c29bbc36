#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sysstat 12.6.1 (Debian 12): pidstat's %CPU is of all threads of a process, its %wait of the main thread alone.
#
# One would expect both columns of one row to be about the same threads: a process whose four workers fight for one CPU waits
# for it some 300 % of the time. What is so: %CPU is the workers' together, and %wait 0, since pidstat reads
# /proc/PID/schedstat, which (unlike /proc/PID/stat) is the main thread's.
#
# Seen on Linux 6.18:
#   # Time        UID       PID    %usr %system  %guest   %wait    %CPU   CPU  Command
#   1796058572      0     26264   88.37    0.33    0.00    0.00   88.70     0  python3
#   the workers have waited 10.09 s of 3.18 s, says /proc/PID/task/*/schedstat
set -euo pipefail
dir=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download sysstat=12.6.1-1 2>/dev/null
dpkg -x sysstat_*.deb .

taskset -c 0 python3 -c '
import hashlib, threading, time
block = bytes(1 << 22)

def work():
    while True:
        hashlib.sha256(block).digest()  # without the interpreter lock

for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
time.sleep(3600)' &
pid=$!
until [ "$(find /proc/$pid/task -mindepth 1 -maxdepth 1 | wc -l)" -eq 5 ]; do sleep 0.2; done
sleep 1
waited() { cat /proc/"$pid"/task/*/schedstat | awk '{s += $2} END {print s / 1e9}'; }
before=$(waited) began=$(date +%s.%N)
./usr/bin/pidstat -u -H -h -p "$pid" 3 1 >out
after=$(waited) ended=$(date +%s.%N)
grep -v '^$\|^Linux' out
awk -v a="$before" -v b="$after" -v t0="$began" -v t1="$ended" '
	/python3/ { wait = $7; cpu = $8; n++ }
	END {
		share = (b - a) / (t1 - t0) * 100
		printf "the workers have waited %.2f s of %.2f s, says /proc/PID/task/*/schedstat\n", b - a, t1 - t0
		if (n != 1 || cpu < 10 || share < 100) { print "this machine was too busy to see it, or the columns are others"; exit 1 }
		if (wait > share / 10) { print "changed: %wait is of more than the main thread"; exit 1 }
	}' out
