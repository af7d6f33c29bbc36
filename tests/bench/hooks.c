/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hooks.c - hangs an empty BPF program (return 0) on each of the named tracepoints, by tp_btf, and with --stats makes
 * the kernel count runs and time of all BPF programs meanwhile (BPF_ENABLE_STATS: until this process ends, however it
 * ends; the sysctl is not touched). Says "ready" and waits for the end of standard input. Called by tests/bench/run.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "base/util.h"

static int hook_attach(const char *tracepoint)
{
	static const struct bpf_insn empty[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = BPF_TRACE_RAW_TP);
	int id = libbpf_find_vmlinux_btf_id(tracepoint, BPF_TRACE_RAW_TP), program, link;

	if (id < 0)
		return id;
	o.attach_btf_id = (__u32)id;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "bench_empty", "GPL", empty, ARRAY_SIZE(empty), &o);
	if (program < 0)
		return program;
	link = bpf_raw_tracepoint_open(NULL, program);
	return link < 0 ? link : 0; /* both stay open until this process ends */
}

int main(int argc, char **argv)
{
	char c;
	int r;

	for (int i = 1; i < argc; i++) {
		r = strcmp(argv[i], "--stats") == 0 ? bpf_enable_stats(BPF_STATS_RUN_TIME) : hook_attach(argv[i]);
		if (r < 0) {
			fprintf(stderr, "hooks: %s: %s\n", argv[i], strerror(-r));
			return 1;
		}
	}
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}
