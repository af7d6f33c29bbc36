/* SPDX-License-Identifier: GPL-2.0-or-later */
/* process_detail.c - all that is known about a process. Names pass through text_terminal, numbers come from metrics.def. */
#include <stdlib.h>
#include <string.h>

#include "exporters/table/table.h"
#include "exporters/detail/detail.h"

#define BLOCKED_PREFIX "blocked_seconds_total."

struct blocked_share {
	const char *name;
	double ns;
};

static int blocked_share_compare(const void *a, const void *b)
{
	const struct blocked_share *x = a, *y = b;

	return (x->ns < y->ns) - (x->ns > y->ns);
}

bool detail_blocked(struct buf *out, enum metric_scope scope, const double *v, const char *of)
{
	size_t n, count = 0;
	const struct metric_desc *d = metric_table(scope, &n), *time = NULL;
	struct blocked_share shares[32];
	double sum = 0;

	for (size_t i = 0; i < n && count < ARRAY_SIZE(shares); i++) {
		if (!d[i].json || strncmp(d[i].json, BLOCKED_PREFIX, strlen(BLOCKED_PREFIX)) != 0 || !(v[i] > 0))
			continue;
		time = &d[i];
		shares[count++] = (struct blocked_share){d[i].json + strlen(BLOCKED_PREFIX), v[i]};
		sum += v[i];
	}
	if (!count)
		return false;
	buf_printf(out, "blocked        %s:\n", of);
	qsort(shares, count, sizeof(*shares), blocked_share_compare);
	for (size_t i = 0; i < count; i++) {
		buf_printf(out, "  %-12s %5.1f %%  ", shares[i].name, shares[i].ns / sum * 100);
		format_value(out, time, shares[i].ns);
		buf_char(out, '\n');
	}
	return true;
}

static void process_blocked(struct buf *out, const double *v)
{
	if (!detail_blocked(out, SCOPE_PROCESS, v, "summed over threads, since sysscope first saw them"))
		return;
	buf_str(out, "  of this ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_UNINTERRUPTIBLE);
	buf_str(out, " uninterruptible (state D), ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_IOWAIT);
	buf_str(out, " waiting for I/O");
	if (v[PROCESS_IOWAIT_IO_URING] > 0) {
		buf_str(out, ",\n  of that ");
		format_metric(out, SCOPE_PROCESS, v, PROCESS_IOWAIT_IO_URING);
		buf_str(out, " in io_uring, which the kernel counts also when it is idle");
	}
	buf_char(out, '\n');
}

/* How much is resident, and of what. */
static void process_memory(struct buf *out, const double *v)
{
	if (value_absent(v[PROCESS_RSS])) {
		buf_str(out, "none of its own");
		return;
	}
	format_metric(out, SCOPE_PROCESS, v, PROCESS_RSS);
	buf_str(out, " resident: ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_RSS_ANONYMOUS);
	buf_str(out, " anonymous, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_RSS_FILE);
	buf_str(out, " of files, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_RSS_SHMEM);
	buf_str(out, " shared memory\n               ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_RSS_PEAK);
	buf_str(out, " at its peak, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_SWAP);
	buf_str(out, " swapped out");
	if (!(v[PROCESS_HUGETLB] > 0))
		return;
	buf_str(out, "; besides, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_HUGETLB);
	buf_str(out, " in huge pages");
}

static void bytes_put(struct buf *out, double bytes)
{
	size_t n;

	format_value(out, &metric_table(SCOPE_PROCESS, &n)[PROCESS_RSS], bytes);
}

/* Only where the detail is open on a live screen. */
static void process_rollup_lines(struct buf *out, const struct rollup_row *r, const struct process_row *p)
{
	if (!r->pid || r->pid != p->pid || r->start_ns != p->start_ns)
		return;
	if (r->reason) {
		buf_printf(out, "\n               its share of shared pages is not known: %s", r->reason);
		return;
	}
	buf_str(out, "\n               PSS ");
	bytes_put(out, r->pss);
	buf_str(out, ": ");
	bytes_put(out, r->anonymous);
	buf_str(out, " anonymous, ");
	bytes_put(out, r->file);
	buf_str(out, " of files, ");
	bytes_put(out, r->shmem);
	buf_str(out, " shared; swap ");
	bytes_put(out, r->swap);
	if (r->age_seconds >= 10)
		buf_printf(out, " (%.0f s ago)", r->age_seconds);
}

static void process_waits(struct buf *out, const double *v)
{
	buf_str(out, "waits for CPU  ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_WAIT_RATE);
	buf_str(out, " per second");
	if (!value_absent(v[PROCESS_WAKEUP_WAIT])) {
		buf_str(out, "; total ");
		format_metric(out, SCOPE_PROCESS, v, PROCESS_WAKEUP_WAIT);
		buf_str(out, " after wakeups, ");
		format_metric(out, SCOPE_PROCESS, v, PROCESS_PREEMPTED_WAIT);
		buf_str(out, " after preemptions,\n               of this ");
		format_metric(out, SCOPE_PROCESS, v, PROCESS_THROTTLED_WAIT);
		buf_str(out, " throttled by a CPU limit");
	}
	buf_char(out, '\n');
}

static void process_capabilities(struct buf *out, const struct snapshot *s, const struct process_row *p)
{
	detail_capability_set(out, s, "capabilities   effective:", p->capabilities_effective);
	detail_capability_set(out, s, "               permitted:", p->capabilities_permitted);
	detail_capability_set(out, s, "               bounding: ", p->capabilities_bounding);
}

/* Namespaces that its container shares with the host, processes in them from outside, and where this process is. */
static void process_namespaces(struct buf *out, const struct snapshot *s, const struct process_row *p)
{
	uint32_t index = (uint32_t)(p - s->processes);

	detail_container_namespaces(out, s, process_container(s, p));
	for (size_t c = 0; c < s->n_containers; c++)
		for (size_t i = 0; i < s->containers[c].n_outside; i++) {
			if (s->containers[c].outside[i].process != index)
				continue;
			buf_str(out, "               inside the namespaces of ");
			format_name(out, s->containers[c].name);
			buf_char(out, ':');
			detail_kinds(out, s->containers[c].outside[i].kinds);
			buf_char(out, '\n');
		}
}

static void process_lines(struct buf *out, const struct concurrency_lines *lines)
{
	for (size_t i = 0; i < lines->n; i++) {
		buf_str(out, "  ");
		format_name(out, lines->line[i]);
		buf_char(out, '\n');
	}
}

/* Its concurrency model, the reasons for that verdict, and how well it does. */
static void process_model_lines(struct buf *out, const struct process_row *p)
{
	struct concurrency_lines lines;

	if (!p->model)
		return;
	buf_printf(out, "model          %s\n", p->model);
	concurrency_reasons(p, &lines);
	process_lines(out, &lines);
	concurrency_health(p, &lines);
	if (lines.n)
		buf_str(out, "  health:\n");
	process_lines(out, &lines);
}

void detail_process(struct buf *out, const struct snapshot *s, uint32_t row, int width)
{
	const struct process_row *p = &s->processes[row];
	const double *v = p->v;

	(void)width;
	format_name(out, p->comm);
	if (strcmp(p->comm, p->thread) != 0) {
		buf_str(out, "  main thread ");
		format_name(out, p->thread);
	}
	buf_printf(out, "  pid %u  parent %u  in ", p->pid, p->ppid);
	format_name(out, process_container(s, p)->name);
	buf_printf(out, "  state %c  uid %u  started ", p->state, p->uid);
	format_metric(out, SCOPE_PROCESS, v, PROCESS_AGE);
	buf_str(out, " ago\nCPU            ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_CPU_CORES);
	buf_str(out, " CPUs; total ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_CPU_USAGE);
	buf_str(out, " (");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_CPU_USER);
	buf_str(out, " user, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_CPU_SYSTEM);
	buf_str(out, " system)\nthreads        ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_THREADS);
	buf_str(out, "; runnable on average ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_RUNNABLE);
	buf_str(out, "\nmemory         ");
	process_memory(out, v);
	process_rollup_lines(out, &s->rollup, p);
	buf_str(out, "\nfaults         ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_MAJOR_FAULTS);
	buf_str(out, " from the disk, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_MINOR_FAULTS);
	buf_str(out, " without it\nswitches       ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_SWITCH_RATE);
	buf_str(out, " per second; total ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_VOLUNTARY_SWITCHES);
	buf_str(out, " voluntary, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_INVOLUNTARY_SWITCHES);
	buf_str(out, " involuntary, ");
	format_metric(out, SCOPE_PROCESS, v, PROCESS_MIGRATIONS);
	buf_str(out, " migrations\n");
	if (p->runs_machine) {
		buf_str(out, "machine        ");
		detail_machine(out, p);
	}
	process_model_lines(out, p);
	process_waits(out, v);
	process_blocked(out, v);
	process_namespaces(out, s, p);
	process_capabilities(out, s, p);
}
