/* SPDX-License-Identifier: GPL-2.0-or-later */
/* thread_rows.c - see thread_rows.h. Subtracts from the row that a thread had in the update before. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "homes/arithmetic.h"
#include "look/thread_rows.h"

/* What the thread waits for at the moment, and for how long it has. */
static const char *thread_waits_for(const struct ss_thread_record *r, double *ret_ns)
{
	unsigned int class = ss_mark_class(r->mark);

	*ret_ns = VALUE_ABSENT;
	if (r->flags & SS_THREAD_ZOMBIE || ss_mark_state(r->mark) == SS_MARK_RUNNING)
		return "";
	if (ss_mark_state(r->mark) == SS_MARK_RUNNABLE || r->open_wait_ns) {
		*ret_ns = (double)r->open_wait_ns;
		return r->open_throttled_ns ? "quota" : "cpu";
	}
	if (ss_mark_state(r->mark) != SS_MARK_BLOCKED || class >= SS_WAIT_CLASSES)
		return "";
	*ret_ns = (double)r->open_blocked_ns;
	return wait_class_names[class];
}

static void thread_values_waits(const struct told_thread *told, double *v)
{
	struct ss_waits w = *told->waits;

	waits_add_open(&w, told->record);
	v[THREAD_RUNQ_WAIT] = (double)waits_total(&w);
	v[THREAD_THROTTLED_WAIT] = (double)w.throttled_ns;
	for (int i = 0; i < SS_WAIT_CLASSES; i++)
		v[THREAD_BLOCKED_EPOLL + i] = (double)w.blocked_ns[i];
	_Static_assert(THREAD_BLOCKED_OTHER - THREAD_BLOCKED_EPOLL == (int)SS_WAIT_OTHER,
		       "in the order of ss_wait_class");
}

static double rise(double now, double before, double interval)
{
	return interval > 0 ? (now > before ? now - before : 0) / interval : VALUE_ABSENT;
}

/* `before`: its row of the update before, NULL: there is none. */
static void thread_values_rates(const struct moment *now, const struct thread_row *before, struct thread_row *row)
{
	bool born = now->number > 1 && row->start_ns >= now->before_ns;
	double *v = row->v;

	if (!before && !born)
		return;
	v[THREAD_CPU_CORES] = rise(v[THREAD_CPU_USAGE], before ? before->v[THREAD_CPU_USAGE] : 0, now->interval) / 1e9;
	/* Absent if either is. */
	v[THREAD_WAIT_RATE] = rise(v[THREAD_RUNQ_WAIT], before ? before->v[THREAD_RUNQ_WAIT] : 0, now->interval);
	if (value_absent(v[THREAD_RUNQ_WAIT]) || (before && value_absent(before->v[THREAD_RUNQ_WAIT])))
		v[THREAD_WAIT_RATE] = VALUE_ABSENT;
}

static void thread_values(const struct told_thread *told, bool run_delay_kept, const struct moment *now,
			  const struct thread_row *before, struct thread_row *row)
{
	const struct ss_thread_record *r = told->record;
	double *v = row->v, held[THREAD_METRICS];

	for (int i = 0; i < THREAD_METRICS; i++)
		v[i] = held[i] = VALUE_ABSENT;
	v[THREAD_CPU_USAGE] = (double)r->used.exec_ns;
	v[THREAD_VOLUNTARY_SWITCHES] = (double)r->used.voluntary_switches;
	v[THREAD_INVOLUNTARY_SWITCHES] = (double)r->used.involuntary_switches;
	v[THREAD_MIGRATIONS] = (double)r->used.migrations;
	v[THREAD_MINOR_FAULTS] = (double)r->used.minor_faults;
	v[THREAD_MAJOR_FAULTS] = (double)r->used.major_faults;
	if (now->io_known) {
		v[THREAD_READ_BYTES] = (double)r->used.read_bytes;
		v[THREAD_WRITE_BYTES] = (double)r->used.write_bytes;
	}
	v[THREAD_AGE] = (double)sub_sat(now->boot_ns, r->start_ns);
	if (now->waits_known && told->waits)
		thread_values_waits(told, v);
	else if (!now->waits_known && run_delay_kept)
		v[THREAD_RUNQ_WAIT] = (double)r->used.run_delay_ns;
	row->waits_for = thread_waits_for(r, &v[THREAD_WAITS_FOR_TIME]);
	if (before)
		memcpy(held, before->v, sizeof(held));
	counters_hold(SCOPE_THREAD, v, held, false);
	thread_values_rates(now, before, row);
}

static void thread_row_fill(const struct settled_thread *t, const struct sample_thread *sampled, bool run_delay_kept,
			    const struct moment *now, const struct thread_row *before, struct thread_row *row)
{
	const struct ss_thread_record *r = sampled->told->record;

	*row = (struct thread_row){
		.process = t->process->row,
		.container = t->group->key.home->row,
		.tid = sampled->tid,
		.cpu = r->cpu,
		.start_ns = r->start_ns,
		.start_time = (double)(now->boot_wall_ns + r->start_ns) / 1e9,
		.state = (char)r->state,
	};
	memcpy(row->comm, r->comm, sizeof(r->comm));
	thread_values(sampled->told, run_delay_kept, now, before && before->start_ns == r->start_ns ? before : NULL,
		      row);
}

int thread_rows_fill(struct thread_rows *t, bool wanted, const struct processes *processes, bool run_delay_kept,
		     const struct moment *now, const struct sample *s, struct snapshot *snapshot)
{
	thread_row_list empty = t->before;
	size_t at = 0;

	snapshot->looked.threads = NULL;
	snapshot->looked.n_threads = 0;
	snapshot->looked.threads_reason = "threads are shown while somebody looks at them";
	if (!wanted) {
		thread_rows_free(t);
		return 0;
	}
	t->before = t->now;
	t->now = empty;
	if (t->update + 1 != now->number)
		t->before.n = 0;
	t->now.n = 0;
	if (list_reserve(&t->now, s->n_threads) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_threads; i++) {
		const struct sample_thread *one = &s->threads[i];
		const struct thread_row *before = NULL;

		while (at < t->before.n && t->before.at[at].tid < one->tid)
			at++;
		if (at < t->before.n && t->before.at[at].tid == one->tid)
			before = &t->before.at[at];
		thread_row_fill(&processes->threads.at[i], one, run_delay_kept, now, before, &t->now.at[t->now.n++]);
	}
	t->update = now->number;
	snapshot->looked.threads = t->now.at;
	snapshot->looked.n_threads = t->now.n;
	snapshot->looked.threads_reason = NULL;
	return 0;
}

void thread_rows_free(struct thread_rows *t)
{
	list_free(&t->now);
	list_free(&t->before);
	*t = (struct thread_rows){};
}
