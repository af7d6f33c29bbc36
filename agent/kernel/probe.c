/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.c - finds out what the running kernel supports. Called once by the pipeline and by doctor; changes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/capability.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "kernel/probe.h"

static bool enum_value(const struct btf *btf, const char *type, const char *name, uint32_t *ret)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM);
	const struct btf_enum *e;
	const struct btf_type *t;

	if (id < 0)
		return false;
	t = btf__type_by_id(btf, id);
	e = btf_enum(t);
	for (unsigned int i = 0; i < btf_vlen(t); i++) {
		if (strcmp(btf__name_by_offset(btf, e[i].name_off), name) != 0)
			continue;
		if (ret)
			*ret = e[i].val;
		return true;
	}
	return false;
}

static void probe_capabilities(struct kernel *k)
{
	_cleanup_free_ char *text = NULL;
	unsigned long long effective = 0;
	const char *line;

	if (read_file("/proc/self/status", 1 << 16, &text, NULL) < 0)
		return;
	line = strstr(text, "\nCapEff:");
	if (line)
		effective = strtoull(line + strlen("\nCapEff:"), NULL, 16);
	k->cap_sys_admin = effective >> CAP_SYS_ADMIN & 1;
	k->cap_bpf = k->cap_sys_admin || (effective >> CAP_BPF & 1);
	k->cap_perfmon = k->cap_sys_admin || (effective >> CAP_PERFMON & 1);
}

/* The file lists all modes, the current one in brackets. */
static void probe_lockdown(struct kernel *k)
{
	_cleanup_free_ char *text = NULL;
	char *open, *close;

	if (read_file("/sys/kernel/security/lockdown", 4096, &text, NULL) < 0)
		return;
	open = strchr(text, '[');
	close = open ? strchr(open, ']') : NULL;
	if (!close)
		return;
	*close = '\0';
	snprintf(k->lockdown, sizeof(k->lockdown), "%s", open + 1);
}

/* Attaches an empty program to a function that is rarely called. 0 or errno. */
static int fentry_try(const struct btf *btf)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int id = btf__find_by_name_kind(btf, "do_epoll_ctl", BTF_KIND_FUNC);
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = BPF_TRACE_FENTRY, .attach_btf_id = (__u32)id);
	_cleanup_close_ int program = -1, link = -1;

	if (id < 0)
		return ENOENT;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "GPL", nothing, ARRAY_SIZE(nothing), &o);
	if (program < 0)
		return -program;
	link = bpf_raw_tracepoint_open(NULL, program);
	return link < 0 ? -link : 0;
}

/* As a perf event (4.17), before that by tracefs. */
static int kprobe_try(void)
{
	return access("/sys/bus/event_source/devices/kprobe/type", F_OK) == 0 ||
			       access("/sys/kernel/tracing/kprobe_events", F_OK) == 0
		       ? 0
		       : ENOENT;
}

/* The initial pid namespace has a fixed inode number: PROC_PID_INIT_INO of include/linux/proc_ns.h, since 3.8. */
static void probe_pids(struct kernel *k)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) < 0)
		return;
	k->pids_hidden = st.st_ino != 0xeffffffcU;
	k->pid_namespace = (uint32_t)st.st_ino;
}

int kernel_probe(struct kernel *ret)
{
	*ret = (struct kernel){};
	probe_capabilities(ret);
	probe_lockdown(ret);
	probe_pids(ret);
	ret->btf = btf__load_vmlinux_btf();
	if (!ret->btf)
		return 0;
	ret->iter_task = btf__find_by_name_kind(ret->btf, "bpf_iter__task", BTF_KIND_STRUCT) > 0;
	ret->task_storage = enum_value(ret->btf, "bpf_map_type", "BPF_MAP_TYPE_TASK_STORAGE", NULL);
	ret->fentry_error = fentry_try(ret->btf);
	ret->kprobe_error = kprobe_try();
	ret->ring_buffer = enum_value(ret->btf, "bpf_map_type", "BPF_MAP_TYPE_RINGBUF", NULL);
	return 0;
}

void kernel_free(struct kernel *k)
{
	btf__free(k->btf);
	k->btf = NULL;
}

uint32_t kernel_cgroup_subsys(const struct kernel *k, const char *controller)
{
	uint32_t subsys = UINT32_MAX;
	char name[64];

	snprintf(name, sizeof(name), "%s_cgrp_id", controller);
	if (k->btf)
		enum_value(k->btf, "cgroup_subsys_id", name, &subsys);
	return subsys;
}

bool kernel_has_tracepoint(const struct kernel *k, const char *name)
{
	_cleanup_buf_ struct buf type = {};

	if (!k->btf)
		return false;
	buf_printf(&type, "btf_trace_%s", name);
	return !type.failed && btf__find_by_name_kind(k->btf, type.data, BTF_KIND_TYPEDEF) > 0;
}

bool kernel_has_function(const struct kernel *k, const char *name)
{
	return k->btf && btf__find_by_name_kind(k->btf, name, BTF_KIND_FUNC) > 0;
}

size_t kernel_functions_find(const char *const *names, size_t n, uint64_t *begins, uint64_t *sizes)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], type, name[128], *rest;
	unsigned long long address;
	size_t found = 0, open = SIZE_MAX;

	memset(begins, 0, n * sizeof(*begins));
	memset(sizes, 0, n * sizeof(*sizes));
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		address = strtoull(line, &rest, 16);
		if (!address || sscanf(rest, " %c %127s", &type, name) != 2)
			continue;
		/* Sorted by address: a function ends where the next one begins; aliases have the same address. */
		if (open != SIZE_MAX && address > begins[open]) {
			sizes[open] = address - begins[open];
			open = SIZE_MAX;
			found++;
		}
		for (size_t i = 0; i < n && open == SIZE_MAX; i++)
			if (!begins[i] && strcmp(name, names[i]) == 0) {
				begins[i] = address;
				open = i;
			}
		if (found == n)
			break;
	}
	fclose(f);
	return found;
}

void kernel_explain(const struct kernel *k, int error, struct buf *out)
{
	if (!k->btf) {
		buf_str(out,
			access("/sys/kernel/btf/vmlinux", F_OK) == 0
				? "the kernel's type information, /sys/kernel/btf/vmlinux, cannot be read: run as root"
				: "this kernel has no type information (/sys/kernel/btf/vmlinux): use a kernel built "
				  "with CONFIG_DEBUG_INFO_BTF, as most distribution kernels since 5.10 are");
	} else if (!k->cap_bpf || !k->cap_perfmon) {
		buf_str(out,
			"this user may not load BPF programs: run as root, or give the binary CAP_BPF, CAP_PERFMON, "
			"CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE (in a container: --cap-add, with --pid=host)");
	} else if (strcmp(k->lockdown, "confidentiality") == 0) {
		buf_str(out, "kernel lockdown (confidentiality) forbids BPF programs to read kernel memory: boot "
			     "with lockdown=integrity or without Secure Boot");
	} else if (!k->iter_task) {
		buf_str(out, "this kernel has no BPF task iterator: it needs 5.8 or newer, and 5.15 or newer for "
			     "everything");
	} else if (error == -EPERM || error == -EACCES) {
		buf_str(out, "the kernel refused the BPF programs; `sysscope doctor` shows each of them. Seccomp or a "
			     "security module can forbid bpf() even to root");
	} else {
		buf_printf(out, "the kernel refused the BPF programs (%s); `sysscope doctor` shows each of them",
			   strerror(-error));
	}
}
