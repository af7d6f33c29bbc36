/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics.c - the descriptor tables of view.h, made from metrics.def. Every view and docs/metrics.md read
 * them; the model indexes its value arrays by the same enums.
 */
#include "base/util.h"
#include "sysscope/view.h"

/* clang-format off */
#define METRIC(ID, KIND, UNIT, PROM, LABELS, JSON, TITLE, WIDTH, SORT, COLLECTOR, HELP) \
	{ #ID, METRIC_##KIND, UNIT_##UNIT, PROM, LABELS, JSON, TITLE, WIDTH, SORT, COLLECTOR, HELP },
/* clang-format on */

#define HOST METRIC
static const struct metric_desc host_metrics[] = {
#include "sysscope/metrics.def"
};

#define CONTAINER METRIC
static const struct metric_desc container_metrics[] = {
#include "sysscope/metrics.def"
};

#define GROUP METRIC
static const struct metric_desc group_metrics[] = {
#include "sysscope/metrics.def"
};

#define PROCESS METRIC
static const struct metric_desc process_metrics[] = {
#include "sysscope/metrics.def"
};

#define NEIGHBOUR METRIC
static const struct metric_desc neighbour_metrics[] = {
#include "sysscope/metrics.def"
};

_Static_assert(ARRAY_SIZE(host_metrics) == HOST_METRICS, "one descriptor per host metric");
_Static_assert(ARRAY_SIZE(container_metrics) == CONTAINER_METRICS, "one descriptor per container metric");
_Static_assert(ARRAY_SIZE(group_metrics) == GROUP_METRICS, "one descriptor per group metric");
_Static_assert(ARRAY_SIZE(process_metrics) == PROCESS_METRICS, "one descriptor per process metric");

#define LOOP METRIC
static const struct metric_desc loop_metrics[] = {
#include "sysscope/metrics.def"
};

#define TRANSITION METRIC
static const struct metric_desc transition_metrics[] = {
#include "sysscope/metrics.def"
};

_Static_assert(ARRAY_SIZE(transition_metrics) == TRANSITION_METRICS, "one descriptor per transition metric");
_Static_assert(ARRAY_SIZE(loop_metrics) == LOOP_METRICS, "one descriptor per loop metric");
_Static_assert(ARRAY_SIZE(neighbour_metrics) == NEIGHBOUR_METRICS, "one descriptor per neighbour metric");

static const struct {
	const char *name;
	const struct metric_desc *table;
	size_t n;
} scopes[SCOPE_COUNT] = {
	[SCOPE_HOST] = {"host", host_metrics, HOST_METRICS},
	[SCOPE_CONTAINER] = {"container", container_metrics, CONTAINER_METRICS},
	[SCOPE_GROUP] = {"group", group_metrics, GROUP_METRICS},
	[SCOPE_PROCESS] = {"process", process_metrics, PROCESS_METRICS},
	[SCOPE_LOOP] = {"loop", loop_metrics, LOOP_METRICS},
	[SCOPE_TRANSITION] = {"transition", transition_metrics, TRANSITION_METRICS},
	[SCOPE_NEIGHBOUR] = {"neighbour", neighbour_metrics, NEIGHBOUR_METRICS},
};

const char *const wait_class_names[WAIT_CLASSES] = {"epoll", "poll",  "futex",	  "sleep", "file",   "network",
						    "pipe",  "child", "io_uring", "fault", "kernel", "other"};
const char *const namespace_names[NAMESPACE_KINDS] = {
	"pid", "mnt", "net", "uts", "ipc", "user", "cgroup", "time", "pid_for_children", "time_for_children"};

const char *const capability_names[CAPABILITIES] = {
	"CHOWN",
	"DAC_OVERRIDE",
	"DAC_READ_SEARCH",
	"FOWNER",
	"FSETID",
	"KILL",
	"SETGID",
	"SETUID",
	"SETPCAP",
	"LINUX_IMMUTABLE",
	"NET_BIND_SERVICE",
	"NET_BROADCAST",
	"NET_ADMIN",
	"NET_RAW",
	"IPC_LOCK",
	"IPC_OWNER",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_CHROOT",
	"SYS_PTRACE",
	"SYS_PACCT",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_NICE",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"MKNOD",
	"LEASE",
	"AUDIT_WRITE",
	"AUDIT_CONTROL",
	"SETFCAP",
	"MAC_OVERRIDE",
	"MAC_ADMIN",
	"SYSLOG",
	"WAKE_ALARM",
	"BLOCK_SUSPEND",
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};

void capability_name(struct buf *out, unsigned int number)
{
	if (number < CAPABILITIES)
		buf_str(out, capability_names[number]);
	else
		buf_printf(out, "%u", number);
}

const char *const birth_phase_names[BIRTH_PHASES] = {"create", "setup", "init", "start"};

const struct metric_desc *metric_table(enum metric_scope scope, size_t *ret_n)
{
	*ret_n = scopes[scope].n;
	return scopes[scope].table;
}

const char *metric_scope_name(enum metric_scope scope)
{
	return scopes[scope].name;
}

double metric_base_value(const struct metric_desc *d, double v)
{
	return d->unit == UNIT_NS || d->unit == UNIT_UNIX_NS || d->unit == UNIT_DELAY ? v / 1e9 : v;
}
