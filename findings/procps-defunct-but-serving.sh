#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# procps 4.0.2 (Debian 12): a process whose main thread has ended is shown as <defunct> with no memory while it works.
#
# One would expect "defunct" to mean a process that has ended and waits for its parent. What is so: of a process whose main
# thread called pthread_exit, ps and top show the state Z, 0 kB resident, no command line and "<defunct>", while its other
# threads use a CPU and 64 MB. Both read /proc/PID/stat, statm and cmdline, which are the main thread's here; the memory and
# the command of each living thread are under /proc/PID/task/TID.
#
# Seen on Linux 6.18:
#   STAT   RSS NLWP COMMAND
#   Zl       0    2 [server] <defunct>
#   CPU time while it was "defunct": 0.35 s; resident, says /proc/PID/task/TID/statm: 81.4 MB
set -euo pipefail
dir=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download procps=2:4.0.2-3 libproc2-0=2:4.0.2-3 2>/dev/null
for deb in *.deb; do dpkg -x "$deb" .; done
lib=$(dirname "$(find . -name 'libproc2.so.0' | head -n 1)")

cat >server.py <<'END'
import ctypes, threading

def work():
    block = bytearray(b"x" * (64 << 20))
    while True:
        block[0] ^= 1

threading.Thread(target=work, daemon=True).start()
ctypes.CDLL(None).prctl(15, b"server", 0, 0, 0)
ctypes.CDLL(None).syscall(60, 0)  # exit of x86-64: of this thread
END
python3 server.py &
pid=$!
for _ in $(seq 100); do
	if grep -q '^State:.*Z' "/proc/$pid/status"; then break; fi
	sleep 0.1
done
sleep 1
ticks() { awk '{print $14 + $15}' /proc/$pid/stat; }
before=$(ticks)
sleep 1
spent=$(($(ticks) - before))
LD_LIBRARY_PATH=$lib ./bin/ps -o stat,rss,nlwp,args -p $pid | tee out
for t in "/proc/$pid/task"/*; do [ "${t##*/}" = $pid ] || pages=$(cut -d' ' -f2 "$t/statm"); done
awk -v ticks=$spent -v hz="$(getconf CLK_TCK)" -v bytes=$((pages * $(getconf PAGESIZE))) 'BEGIN {
	printf "CPU time while it was \"defunct\": %.2f s; resident, says /proc/PID/task/TID/statm: %.1f MB\n", ticks / hz, bytes / 1e6
	exit !(ticks > 0 && bytes > 64e6) }'
grep -q '^Z.* 0 .*<defunct>$' out || { echo "changed: ps shows something else"; exit 1; }
LD_LIBRARY_PATH=$lib ./usr/bin/top -b -n 1 -p $pid | grep -q ' 0 *0 *0 Z ' || { echo "changed: top shows something else"; exit 1; }
