/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * detail.c - all that is known of one process, as lines for a person. Called by the live screen; names pass through
 * text_terminal, numbers come from metrics.def.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "exporters/table/table.h"

#define BLOCKED_PREFIX "blocked_seconds_total."

static void add_name(struct buf *out, const char *name)
{
	text_terminal(out, name, strlen(name));
}

static void add_value(struct buf *out, const double *v, int metric)
{
	size_t n;
	const struct metric_desc *d = metric_table(SCOPE_PROCESS, &n);

	format_value(out, &d[metric], v[metric]);
}

struct share {
	const char *name;
	double ns;
};

static int share_compare(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	return (x->ns < y->ns) - (x->ns > y->ns);
}

/* What its threads slept for, the most first. */
static void detail_blocked(struct buf *out, const double *v)
{
	size_t n, count = 0;
	const struct metric_desc *d = metric_table(SCOPE_PROCESS, &n);
	struct share shares[32];
	double sum = 0;

	for (size_t i = 0; i < n && count < ARRAY_SIZE(shares); i++) {
		if (!d[i].json || strncmp(d[i].json, BLOCKED_PREFIX, strlen(BLOCKED_PREFIX)) != 0 || !(v[i] > 0))
			continue;
		shares[count++] = (struct share){d[i].json + strlen(BLOCKED_PREFIX), v[i]};
		sum += v[i];
	}
	if (!count)
		return;
	buf_str(out, "asleep         all threads added up, since sysscope saw them:\n");
	qsort(shares, count, sizeof(*shares), share_compare);
	for (size_t i = 0; i < count; i++) {
		buf_printf(out, "  %-12s %5.1f %%  ", shares[i].name, shares[i].ns / sum * 100);
		format_value(out, &d[PROCESS_BLOCKED_EPOLL], shares[i].ns);
		buf_char(out, '\n');
	}
	buf_str(out, "  of it ");
	add_value(out, v, PROCESS_UNINTERRUPTIBLE);
	buf_str(out, " uninterruptible (state D), ");
	add_value(out, v, PROCESS_IOWAIT);
	buf_str(out, " waiting for I/O\n");
}

static void detail_waits(struct buf *out, const double *v)
{
	buf_str(out, "waits for CPU  ");
	add_value(out, v, PROCESS_WAIT_RATE);
	buf_str(out, " per second");
	if (!value_absent(v[PROCESS_WAKEUP_WAIT])) {
		buf_str(out, "; in all ");
		add_value(out, v, PROCESS_WAKEUP_WAIT);
		buf_str(out, " after a wakeup, ");
		add_value(out, v, PROCESS_PREEMPTED_WAIT);
		buf_str(out, " preempted\n               ");
		add_value(out, v, PROCESS_THROTTLED_WAIT);
		buf_str(out, " of it throttled by a CPU limit");
	}
	buf_char(out, '\n');
}

void detail_capability_set(struct buf *out, const struct snapshot *s, const char *title, uint64_t set)
{
	buf_str(out, title);
	if (s->capabilities_all && set == s->capabilities_all)
		buf_str(out, " all");
	else if (!set)
		buf_str(out, " none");
	for (unsigned int i = 0; i < 64 && set != s->capabilities_all; i++)
		if (set >> i & 1) {
			buf_char(out, ' ');
			capability_name(out, i);
		}
	buf_char(out, '\n');
}

static void detail_capabilities(struct buf *out, const struct snapshot *s, const struct process_row *p)
{
	detail_capability_set(out, s, "capabilities   effective:", p->capabilities_effective);
	detail_capability_set(out, s, "               permitted:", p->capabilities_permitted);
	detail_capability_set(out, s, "               bounding: ", p->capabilities_bounding);
}

static void add_kinds(struct buf *out, uint32_t kinds)
{
	for (unsigned int i = 0; i < NAMESPACE_OWN; i++)
		if (kinds >> i & 1)
			buf_printf(out, " %s", namespace_names[i]);
}

void detail_container_namespaces(struct buf *out, const struct snapshot *s, const struct container_row *home)
{
	if (home->host_namespaces_known) {
		buf_str(out, "namespaces     shared with the host in this container:");
		add_kinds(out, home->host_namespaces);
		buf_str(out, home->host_namespaces ? "\n" : " none\n");
	}
	for (size_t i = 0; i < home->n_outside; i++) {
		const struct process_row *other = &s->processes[home->outside[i].process];

		buf_printf(out, "               from outside: pid %u ", other->pid);
		add_name(out, other->comm);
		buf_str(out, " of ");
		add_name(out, process_container(s, other)->name);
		buf_str(out, " in");
		add_kinds(out, home->outside[i].kinds);
		buf_char(out, '\n');
	}
}

/* What its container shares with the host, who is in that one from outside, and where this process is. */
static void detail_namespaces(struct buf *out, const struct snapshot *s, const struct process_row *p)
{
	uint32_t index = (uint32_t)(p - s->processes);

	detail_container_namespaces(out, s, process_container(s, p));
	for (size_t c = 0; c < s->n_containers; c++)
		for (size_t i = 0; i < s->containers[c].n_outside; i++) {
			if (s->containers[c].outside[i].process != index)
				continue;
			buf_str(out, "               it is in the namespaces of ");
			add_name(out, s->containers[c].name);
			buf_char(out, ':');
			add_kinds(out, s->containers[c].outside[i].kinds);
			buf_char(out, '\n');
		}
}

static void detail_lines(struct buf *out, const struct model_lines *lines)
{
	for (size_t i = 0; i < lines->n; i++) {
		buf_str(out, "  ");
		add_name(out, lines->line[i]);
		buf_char(out, '\n');
	}
}

/* How it does its concurrency, why that is so, and how well it does. */
static void detail_model(struct buf *out, const struct process_row *p)
{
	struct model_lines lines;

	if (!p->model)
		return;
	buf_printf(out, "model          %s\n", p->model);
	model_reasons(p, &lines);
	detail_lines(out, &lines);
	model_health(p, &lines);
	if (lines.n)
		buf_str(out, "  health:\n");
	detail_lines(out, &lines);
}

void table_detail(struct buf *out, const struct snapshot *s, const struct process_row *p)
{
	const double *v = p->v;

	add_name(out, p->comm);
	buf_printf(out, "  pid %u  parent %u  in ", p->pid, p->ppid);
	add_name(out, process_container(s, p)->name);
	buf_printf(out, "  state %c  uid %u  born ", p->state, p->uid);
	add_value(out, v, PROCESS_AGE);
	buf_str(out, " ago\nCPU            ");
	add_value(out, v, PROCESS_CPU_CORES);
	buf_str(out, " of a CPU; in all ");
	add_value(out, v, PROCESS_CPU_USAGE);
	buf_str(out, " (");
	add_value(out, v, PROCESS_CPU_USER);
	buf_str(out, " user, ");
	add_value(out, v, PROCESS_CPU_SYSTEM);
	buf_str(out, " system)\nthreads        ");
	add_value(out, v, PROCESS_THREADS);
	buf_str(out, "; runnable on average ");
	add_value(out, v, PROCESS_RUNNABLE);
	buf_str(out, "\nmemory         ");
	add_value(out, v, PROCESS_RSS);
	buf_str(out, " resident, ");
	add_value(out, v, PROCESS_SWAP);
	buf_str(out, " swapped out, ");
	add_value(out, v, PROCESS_MAJOR_FAULTS);
	buf_str(out, " major faults\nswitches       ");
	add_value(out, v, PROCESS_SWITCH_RATE);
	buf_str(out, " per second; in all ");
	add_value(out, v, PROCESS_VOLUNTARY_SWITCHES);
	buf_str(out, " voluntary, ");
	add_value(out, v, PROCESS_INVOLUNTARY_SWITCHES);
	buf_str(out, " involuntary, ");
	add_value(out, v, PROCESS_MIGRATIONS);
	buf_str(out, " migrations\n");
	detail_model(out, p);
	detail_waits(out, v);
	detail_blocked(out, v);
	detail_namespaces(out, s, p);
	detail_capabilities(out, s, p);
}
