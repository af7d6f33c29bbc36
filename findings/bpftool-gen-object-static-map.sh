#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bpftool 7.1.0 (Debian 12, libbpf 1.1.2): `gen object` links an object with a static map into one that nobody can open.
#
# One would expect the linker either to refuse a static map, as libbpf does when it opens an object with one, or to write
# something that libbpf takes. What is so: `bpftool gen object` exits with 0 and says nothing; `bpftool gen skeleton` of what
# it wrote fails, as that of the object before fails. So the exit status of the link step says
# nothing about the file: a build has to open it.
#
# Seen:
#   gen object: exit 0, 1 map in the result
#   libbpf: map 'seen': unsupported map linkage static.
#   gen skeleton: exit 161 (of what it was linked from: 161)
# Needs clang (any), for a program of BPF.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download bpftool=7.1.0+6.1.192-3 libbpf-dev=1:1.1.2-0+deb12u1 linux-libc-dev 2>/dev/null
for deb in *.deb; do dpkg -x "$deb" .; done
clang=$(command -v clang || command -v clang-14)
bpftool=$(find . -path '*sbin/bpftool' -type f | head -n 1)

cat >one.bpf.c <<'END'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
static struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");
SEC("raw_tp/sched_switch") int count(void *ctx)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&seen, &zero);

	if (n)
		*n += 1;
	return 0;
}
char _license[] SEC("license") = "GPL";
END
"$clang" -g -O2 -target bpf -I usr/include -I usr/include/x86_64-linux-gnu -c one.bpf.c -o one.o
status=0
"$bpftool" gen object linked.o one.o || status=$?
echo "gen object: exit $status, $(readelf -sW linked.o | grep -c ' seen$') map in the result"
[ $status -eq 0 ] || { echo "changed: the linker refuses it"; exit 1; }
status=0
"$bpftool" gen skeleton linked.o >skeleton.h 2>said || status=$?
grep 'linkage' said || true
before=0
"$bpftool" gen skeleton one.o >skeleton.h 2>/dev/null || before=$?
echo "gen skeleton: exit $status (of what it was linked from: $before)"
if [ $status -eq 0 ] || ! grep -q "map 'seen': unsupported map linkage static" said; then
	echo "changed: what was linked can be opened, or is refused for another reason"
	exit 1
fi
