/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.h - what this kernel and this user support, by existence (type information, enum value, file), never by version.
 * The loader chooses by it; doctor prints it.
 */
#ifndef SYSSCOPE_KERNEL_H
#define SYSSCOPE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/util.h"

struct btf;

struct kernel {
	struct btf *btf;			  /* /sys/kernel/btf/vmlinux; NULL: none */
	bool iter_task;				  /* bpf_iter_task, 5.8, commit eaaacd23910f */
	bool task_storage;			  /* BPF_MAP_TYPE_TASK_STORAGE for tracing, 5.11, commit a10787e6d58c */
	bool ring_buffer;			  /* BPF_MAP_TYPE_RINGBUF, 5.8, commit 457f44363a88 */
	int fentry_error;			  /* 0: programs can be attached to functions (5.5); else errno */
	int kprobe_error;			  /* the same for kprobes */
	bool cap_bpf, cap_perfmon, cap_sys_admin; /* effective */
	bool pids_hidden;			  /* in a pid namespace: the task iterator shows only what is in it */
	uint32_t pid_namespace;			  /* its inode number */
	char lockdown[32];			  /* "none", "integrity", "confidentiality", "" when not known */
};

int kernel_probe(struct kernel *ret);
void kernel_free(struct kernel *k);

/* enum cgroup_subsys_id of the running kernel for a v1 controller; UINT32_MAX: not known. */
uint32_t kernel_cgroup_subsys(const struct kernel *k, const char *controller);

/* Whether the raw tracepoint has type information, so that tp_btf programs can be attached to it. */
bool kernel_has_tracepoint(const struct kernel *k, const char *name);

/* Whether type information has a function of this name: fentry and kprobes need it. */
bool kernel_has_function(const struct kernel *k, const char *name);

/*
 * Addresses and sizes of the kernel functions of these names: begins[i] and sizes[i], 0 for one that is not found. Returns
 * how many were found; none if the kernel hides its addresses. Reads all of /proc/kallsyms, which takes about 10 ms.
 */
size_t kernel_functions_find(const char *const *names, size_t n, uint64_t *begins, uint64_t *sizes);

/* One sentence on why loading failed with `error` and what would help. */
void kernel_explain(const struct kernel *k, int error, struct buf *out);

#endif
