/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics.c - the descriptor tables of view.h, made from metrics.def. Every view and docs/metrics.md read
 * them; the model indexes its value arrays by the same enums.
 */
#include "base/util.h"
#include "sysscope/view.h"

/* clang-format off */
#define METRICS_BEGIN(SCOPE, name) static const struct metric_desc metrics_of_##SCOPE[] = {
#define METRIC(SCOPE, ID, KIND, UNIT, PROM, LABELS, JSON, TITLE, WIDTH, SORT, COLLECTOR, HELP) \
	{ #ID, METRIC_##KIND, UNIT_##UNIT, PROM, LABELS, JSON, TITLE, WIDTH, SORT, COLLECTOR, HELP },
#define METRICS_END(SCOPE) }; _Static_assert(ARRAY_SIZE(metrics_of_##SCOPE) == SCOPE##_METRICS, "one descriptor per metric");
#include "sysscope/metrics.def"

#define METRICS_BEGIN(SCOPE, name) [SCOPE_##SCOPE] = {name, metrics_of_##SCOPE, SCOPE##_METRICS},
static const struct {
	const char *name;
	const struct metric_desc *table;
	size_t n;
} scopes[SCOPE_COUNT] = {
#include "sysscope/metrics.def"
};

#define LIST_NAME(ID, name, text) name,
#define LIST_TEXT(ID, name, text) text,
const char *const wait_class_names[WAIT_CLASSES] = {WAIT_CLASS_LIST(LIST_NAME)};
const char *const wait_class_phrases[WAIT_CLASSES] = {WAIT_CLASS_LIST(LIST_TEXT)};
const char *const start_phase_names[BIRTH_PHASES] = {START_PHASE_LIST(LIST_NAME)};
const char *const start_phase_texts[BIRTH_PHASES] = {START_PHASE_LIST(LIST_TEXT)};
/* clang-format on */

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

const struct metric_desc *metric_table(enum metric_scope scope, size_t *ret_n)
{
	*ret_n = scope < SCOPE_COUNT ? scopes[scope].n : 0;
	return scope < SCOPE_COUNT ? scopes[scope].table : NULL;
}

const char *metric_scope_name(enum metric_scope scope)
{
	return scopes[scope].name;
}

double metric_base_value(const struct metric_desc *d, double v)
{
	return d->unit == UNIT_NS || d->unit == UNIT_UNIX_NS || d->unit == UNIT_DELAY ? v / 1e9 : v;
}
