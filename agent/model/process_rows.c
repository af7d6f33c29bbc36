/* SPDX-License-Identifier: GPL-2.0-or-later */
/* process_rows.c - see process_rows.h. Called by model_update.c. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "homes/arithmetic.h"
#include "model/process_rows.h"

static double rate(uint64_t now, uint64_t before, double interval)
{
	return before == SS_UNKNOWN || interval <= 0 ? VALUE_ABSENT : (double)sub_sat(now, before) / interval;
}

static void process_values_waits(const struct process *p, double *v)
{
	const struct ss_waits *w = process_waits_of(p);

	v[PROCESS_WAKEUP_WAIT] = (double)w->wakeup_wait_ns;
	v[PROCESS_PREEMPTED_WAIT] = (double)w->preempted_wait_ns;
	v[PROCESS_THROTTLED_WAIT] = (double)w->throttled_ns;
	for (int i = 0; i < SS_WAIT_CLASSES; i++)
		v[PROCESS_BLOCKED_EPOLL + i] = (double)w->blocked_ns[i];
	_Static_assert(PROCESS_BLOCKED_OTHER - PROCESS_BLOCKED_EPOLL == (int)SS_WAIT_OTHER,
		       "in the order of ss_wait_class");
	v[PROCESS_UNINTERRUPTIBLE] = (double)w->uninterruptible_ns;
	v[PROCESS_IOWAIT] = (double)w->iowait_ns;
	v[PROCESS_IOWAIT_IO_URING] = (double)w->iowait_io_uring_ns;
}

/* After the counters are held. */
static void process_values_rates(const struct moment *now, struct process *p, double *v)
{
	uint64_t switches = (uint64_t)(v[PROCESS_VOLUNTARY_SWITCHES] + v[PROCESS_INVOLUNTARY_SWITCHES]);
	double wait = now->waits_known ? v[PROCESS_WAKEUP_WAIT] + v[PROCESS_PREEMPTED_WAIT] : v[PROCESS_RUNQ_WAIT];
	uint64_t wait_ns = value_absent(wait) ? SS_UNKNOWN : (uint64_t)wait;

	/* Born since the sample before: everything it used belongs to this interval. */
	if (p->cpu_before_ns == SS_UNKNOWN && now->number > 1 && p->key.start_ns >= now->before_ns)
		p->cpu_before_ns = p->switches_before = p->wait_before_ns = 0;
	v[PROCESS_CPU_CORES] = rate(p->cpu_ns, p->cpu_before_ns, now->interval) / 1e9;
	v[PROCESS_SWITCH_RATE] = rate(switches, p->switches_before, now->interval);
	if (wait_ns != SS_UNKNOWN)
		v[PROCESS_WAIT_RATE] = rate(wait_ns, p->wait_before_ns, now->interval);
	if (now->waits_known)
		v[PROCESS_RUNNABLE] = v[PROCESS_CPU_CORES] + v[PROCESS_WAIT_RATE] / 1e9;
	p->cpu_before_ns = p->cpu_ns;
	p->switches_before = switches;
	p->wait_before_ns = wait_ns;
}

static void process_values_memory(const struct ss_thread_record *r, double *v)
{
	v[PROCESS_RSS] = process_rss(r);
	v[PROCESS_RSS_ANONYMOUS] = process_bytes(r->anonymous_units);
	v[PROCESS_RSS_FILE] = process_bytes(r->file_units);
	v[PROCESS_RSS_SHMEM] = process_bytes(r->shmem_units);
	/* The kernel brings its own figure up to date before it lowers the others. */
	v[PROCESS_RSS_PEAK] = process_bytes(r->peak_units);
	if (v[PROCESS_RSS_PEAK] < v[PROCESS_RSS])
		v[PROCESS_RSS_PEAK] = v[PROCESS_RSS];
	v[PROCESS_SWAP] = process_bytes(r->swap_units);
	v[PROCESS_HUGETLB] = process_bytes(r->hugetlb_units);
}

static void process_values(struct process *p, bool run_delay_kept, const struct moment *now, double *v)
{
	const struct ss_thread_record *r = p->leader;

	for (int i = 0; i < PROCESS_METRICS; i++)
		v[i] = VALUE_ABSENT;
	/* A thread that ends while the iterator runs may be in neither its own record nor its process's: the total must not fall. */
	if (p->used.exec_ns > p->cpu_ns)
		p->cpu_ns = p->used.exec_ns;
	cputime_split(p->cpu_ns, p->used.utime_ns, p->used.stime_ns, &p->user_ns, &p->system_ns);
	v[PROCESS_CPU_USAGE] = (double)p->cpu_ns;
	v[PROCESS_CPU_USER] = (double)p->user_ns;
	v[PROCESS_CPU_SYSTEM] = (double)p->system_ns;
	v[PROCESS_VOLUNTARY_SWITCHES] = (double)p->used.voluntary_switches;
	v[PROCESS_INVOLUNTARY_SWITCHES] = (double)p->used.involuntary_switches;
	v[PROCESS_MIGRATIONS] = (double)p->used.migrations;
	v[PROCESS_THREADS] = (double)p->threads;
	v[PROCESS_MINOR_FAULTS] = (double)p->used.minor_faults;
	v[PROCESS_MAJOR_FAULTS] = (double)p->used.major_faults;
	if (now->io_known) {
		v[PROCESS_READ_BYTES] = (double)p->used.read_bytes;
		v[PROCESS_WRITE_BYTES] = (double)p->used.write_bytes;
	}
	v[PROCESS_AGE] = (double)sub_sat(now->boot_ns, p->key.start_ns);
	if (run_delay_kept)
		v[PROCESS_RUNQ_WAIT] = (double)p->used.run_delay_ns;
	if (now->waits_known)
		process_values_waits(p, v);
	/* Kernel threads and zombies have no memory of their own. */
	if (r->flags & SS_THREAD_LEADER && !(r->flags & (SS_THREAD_KERNEL | SS_THREAD_ZOMBIE)))
		process_values_memory(r, v);
	counters_hold(SCOPE_PROCESS, v, p->held, false);
	process_values_rates(now, p, v);
}

static void process_row(struct process *p, bool run_delay_kept, const struct moment *now, struct process_row *row)
{
	const struct ss_thread_record *r = p->leader;

	*row = (struct process_row){
		.pid = r->tgid,
		.ppid = r->ppid,
		.uid = r->uid,
		.namespace_pid = r->namespace_pid,
		.start_ns = p->key.start_ns,
		.start_time = (double)(now->boot_wall_ns + p->key.start_ns) / 1e9,
		.comm = p->comm,
		.thread = p->thread,
		.container = p->home->row,
		.state = (char)(p->living ? p->living->state : r->state),
		.kernel = r->flags & SS_THREAD_KERNEL,
		.capabilities_effective = r->capabilities_effective,
		.capabilities_permitted = r->capabilities_permitted,
		.capabilities_bounding = r->capabilities_bounding,
	};
	memcpy(row->namespaces, p->standing.namespaces, sizeof(row->namespaces));
	process_values(p, run_delay_kept, now, row->v);
}

/* ---- rows that stay ---- */

/* What the row shows is what was held of the process, until that is read again. */
static void counter_rise(double *v, int metric, uint64_t value)
{
	if ((double)value > v[metric])
		v[metric] = (double)value;
}

/* Takes them from the row of the update before, which is about to go. */
static void process_hold(const struct processes *processes, struct process *p)
{
	const double *v;

	if (!p->row_stays)
		return;
	p->row_stays = false;
	if (!processes->rows_of_waits)
		return;
	v = processes->rows.at[p->row].v;
	for (int i = 0; i < SS_WAIT_CLASSES; i++)
		p->held[PROCESS_BLOCKED_EPOLL + i] = v[PROCESS_BLOCKED_EPOLL + i];
	p->held[PROCESS_UNINTERRUPTIBLE] = v[PROCESS_UNINTERRUPTIBLE];
	p->held[PROCESS_IOWAIT] = v[PROCESS_IOWAIT];
	p->held[PROCESS_IOWAIT_IO_URING] = v[PROCESS_IOWAIT_IO_URING];
}

void process_rows_rest(struct processes *processes)
{
	for (size_t i = 0; i < processes->list.n; i++)
		process_hold(processes, processes->list.at[i]);
	list_free(&processes->rows);
}

/* Nothing but time has changed: it is older, and has slept for longer. Its concurrency model is not looked at here. */
static void process_row_age(struct process *p, const struct moment *now, struct process_row *row)
{
	const struct ss_waits *w = process_waits_of(p);

	row->start_time = (double)(now->boot_wall_ns + p->key.start_ns) / 1e9;
	row->container = p->home->row;
	row->v[PROCESS_AGE] = (double)sub_sat(now->boot_ns, p->key.start_ns);
	if (!now->waits_known)
		return;
	for (int i = 0; i < SS_WAIT_CLASSES; i++)
		if (w->blocked_ns[i])
			counter_rise(row->v, PROCESS_BLOCKED_EPOLL + i, w->blocked_ns[i]);
	counter_rise(row->v, PROCESS_UNINTERRUPTIBLE, w->uninterruptible_ns);
	counter_rise(row->v, PROCESS_IOWAIT, w->iowait_ns);
	counter_rise(row->v, PROCESS_IOWAIT_IO_URING, w->iowait_io_uring_ns);
}

/*
 * A row stays once it was made in an update without a change (`alike`: nor of what is known at all): its rates are zero by
 * then. They have to be known: what is not known now may be at the next update.
 */
static void process_row_make(struct process *p, bool alike, bool run_delay_kept, const struct moment *now,
			     struct process_row *row)
{
	bool known = p->cpu_before_ns != SS_UNKNOWN && p->switches_before != SS_UNKNOWN,
	     wait_known = p->wait_before_ns != SS_UNKNOWN;

	process_row(p, run_delay_kept, now, row);
	p->row_new = true;
	p->row_stays = alike && p->changed != now->number && !p->vm && known &&
		       wait_known == (p->wait_before_ns != SS_UNKNOWN);
}

/* In the order of the processes, in which they came: a row moves up when one before it goes. */
int process_rows_fill(struct processes *processes, bool run_delay_kept, const struct moment *now,
		      struct snapshot *snapshot)
{
	bool alike = now->interval > 0 && processes->rows_of_waits == now->waits_known &&
		     processes->rows_of_io == now->io_known && processes->rows_of_run_delay == run_delay_kept;

	processes_forget_unseen(processes, now);
	if (list_reserve(&processes->rows, processes->list.n) < 0)
		return -ENOMEM;
	processes->rows.n = 0;
	for (size_t i = 0; i < processes->list.n; i++) {
		struct process *p = processes->list.at[i];
		struct process_row *row = &processes->rows.at[processes->rows.n];

		if (alike && p->row_stays && p->changed != now->number && !p->vm) {
			if (p->row != processes->rows.n)
				*row = processes->rows.at[p->row];
			process_row_age(p, now, row);
			p->row_new = false;
		} else {
			process_hold(processes, p);
			process_row_make(p, alike, run_delay_kept, now, row);
		}
		p->row = (uint32_t)processes->rows.n++;
	}
	processes->rows_of_waits = now->waits_known;
	processes->rows_of_io = now->io_known;
	processes->rows_of_run_delay = run_delay_kept;
	processes->complete = true;
	snapshot->processes = processes->rows.at;
	snapshot->n_processes = processes->rows.n;
	return 0;
}

struct rollup_row process_rollup(const struct sample *s)
{
	const struct sample_rollup *r = &s->rollup;

	return (struct rollup_row){
		.pid = r->tgid,
		.start_ns = r->start_ns,
		.age_seconds = (double)sub_sat(s->boot_ns, r->read_ns) / 1e9,
		.pss = value_or_absent(r->pss),
		.anonymous = value_or_absent(r->pss_anonymous),
		.file = value_or_absent(r->pss_file),
		.shmem = value_or_absent(r->pss_shmem),
		.swap = value_or_absent(r->swap_pss),
		.reason = r->reason,
	};
}
