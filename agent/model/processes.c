/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * processes.c - joins threads to processes and to their homes' groups, and keeps what a process has used from
 * going down. Part of the model (internal.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/internal.h"

struct process *process_find(struct model *m, const struct ss_thread_record *r)
{
	struct process *p, key = {.key = {r->tgid, r->process_start_ns}};

	HASH_FIND(hh, m->processes, &key.key, sizeof(key.key), p);
	return p;
}

static struct process *process_get(struct model *m, const struct ss_thread_record *r)
{
	struct process *p = process_find(m, r);

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->key.tgid = r->tgid;
	p->key.start_ns = r->process_start_ns;
	p->first_seen = m->sequence;
	p->cpu_before_ns = p->switches_before = p->wait_before_ns = SS_UNKNOWN;
	for (int i = 0; i < PROCESS_METRICS; i++)
		p->held[i] = VALUE_ABSENT;
	HASH_ADD(hh, m->processes, key, sizeof(p->key), p);
	if (!p->hh.tbl) {
		free(p);
		return NULL;
	}
	return p;
}

/* First time in this sample: `r` names the process, be it the leader or, without one, any thread. */
static void process_start(struct model *m, struct process *p, const struct ss_thread_record *r)
{
	static const struct ss_totals none;

	p->seen = m->sequence;
	p->leader = r;
	p->home = home_of_cgroup(m, r->cgroup_id, NULL);
	p->used = r->flags & SS_THREAD_LEADER ? r->dead_threads : none;
	p->waits = &m->process_waits[m->n_process_waits++];
	memset(p->waits, 0, sizeof(*p->waits));
	p->threads = 0;
	memcpy(p->comm, r->comm, SS_COMM_LEN);
}

/* What the gone tables do not hold yet. */
static struct ss_totals thread_uncharged(const struct ss_thread_record *r)
{
	struct ss_totals t = r->used;
	const __u64 *charged = (const __u64 *)&r->charged;
	__u64 *left = (__u64 *)&t;

	if (!(r->flags & SS_THREAD_STATE))
		return t;
	for (size_t i = 0; i < SS_TOTALS_FIELDS; i++)
		left[i] = sub_sat(left[i], charged[i]);
	return t;
}

static void home_count_thread(struct home *h, const struct ss_thread_record *r)
{
	h->threads++;
	switch (r->state) {
	case 'R':
		h->states[0]++;
		break;
	case 'S':
	case 'I':
	case 'P':
		h->states[1]++;
		break;
	case 'T':
	case 't':
		h->states[2]++;
		break;
	case 'D':
		h->states[3]++;
		break;
	}
	if (!h->oldest_start_ns || r->start_ns < h->oldest_start_ns)
		h->oldest_start_ns = r->start_ns;
}

void waits_add_open(struct ss_waits *w, const struct ss_thread_record *r)
{
	unsigned int class = ss_mark_class(r->mark);

	if (ss_mark_state(r->mark) == SS_MARK_RUNNABLE)
		w->preempted_wait_ns += r->open_wait_ns;
	else
		w->wakeup_wait_ns += r->open_wait_ns;
	w->throttled_ns += r->open_throttled_ns;
	if (class < SS_WAIT_CLASSES)
		w->blocked_ns[class] += r->open_blocked_ns;
	if (ss_mark_is_uninterruptible(r->mark))
		w->uninterruptible_ns += r->open_blocked_ns;
	if (ss_mark_in_iowait(r->mark))
		w->iowait_ns += r->open_blocked_ns;
}

/* Takes the blocks of this thread, from *at on. The gone tables hold what was charged; the dead's are the process's only. */
static void thread_waits(struct model *m, const struct sample *s, size_t thread, size_t *at, struct process *p,
			 struct home *h, struct group *g)
{
	const struct ss_thread_record *r = &s->threads[thread];
	struct ss_waits uncharged = {};
	__u64 *left = (__u64 *)&uncharged;

	for (; *at < s->n_waits && s->waits[*at].thread <= thread; (*at)++) {
		const struct sample_waits *w = &s->waits[*at];
		const __u64 *field = (const __u64 *)&w->waits;

		if (w->thread < thread)
			continue;
		switch (w->block) {
		case SS_BLOCK_WAITS:
			uncharged = w->waits;
			waits_add_open(&uncharged, r);
			if (!(r->flags & SS_THREAD_ENDED))
				waits_add(p->waits, &uncharged);
			sleep_take(&m->sleeps[thread], &uncharged, r);
			h->open_wait_ns += r->open_wait_ns;
			break;
		case SS_BLOCK_WAITS_CHARGED:
			for (size_t i = 0; i < SS_WAITS_FIELDS; i++)
				left[i] = sub_sat(left[i], field[i]);
			break;
		case SS_BLOCK_WAITS_DEAD:
			waits_add(p->waits, &w->waits);
			break;
		}
	}
	waits_add(&g->now.waits, &uncharged);
}

static int thread_add(struct model *m, struct process *p, const struct sample *s, size_t thread, size_t *at)
{
	const struct ss_thread_record *r = &s->threads[thread];
	struct ss_totals t = thread_uncharged(r);
	struct cg *incarnation;
	struct home *h = home_of_cgroup(m, r->cgroup_id, &incarnation);
	struct group *g = group_get(m, h, p->comm);

	if (!g)
		return -ENOMEM;
	totals_add(&p->used, &r->used);
	p->threads++;
	totals_add(&g->now.totals, &t);
	if (incarnation)
		totals_add(&incarnation->tasks, &t);
	g->threads++;
	thread_waits(m, s, thread, at, p, h, g);
	home_count_thread(h, r);
	if (r == p->leader) {
		h->processes++;
		g->processes++;
		g->rss_bytes += r->rss_bytes;
	}
	m->run_delay_kept |= r->used.run_delay_ns != 0;
	return 0;
}

int processes_read(struct model *m, const struct sample *s)
{
	size_t waits_at = 0;
	int r = array_reserve(&m->by_thread, &m->cap_by_thread, s->n_threads, sizeof(*m->by_thread));

	if (r >= 0)
		r = array_reserve(&m->sleeps, &m->cap_sleeps, s->n_threads, sizeof(*m->sleeps));
	/* Room for as many processes as there are threads costs nothing: pages are there once they are written. */
	if (r >= 0)
		r = array_reserve(&m->process_waits, &m->cap_process_waits, s->n_threads, sizeof(*m->process_waits));
	if (r < 0)
		return r;
	m->n_process_waits = 0;
	/* Leaders first: they name the group that their threads are counted in, and may come after them. */
	for (size_t i = 0; i < s->n_threads; i++) {
		const struct ss_thread_record *t = &s->threads[i];

		m->by_thread[i] = NULL;
		m->sleeps[i].known = false;
		if (!(t->flags & SS_THREAD_LEADER))
			continue;
		m->by_thread[i] = process_get(m, t);
		if (!m->by_thread[i])
			return -ENOMEM;
		process_start(m, m->by_thread[i], t);
	}
	for (size_t i = 0; i < s->n_threads; i++) {
		const struct ss_thread_record *t = &s->threads[i];
		struct process *p = m->by_thread[i] ?: process_get(m, t);

		if (!p)
			return -ENOMEM;
		m->by_thread[i] = p;
		if (p->seen != m->sequence)
			process_start(m, p, t);
		r = thread_add(m, p, s, i, &waits_at);
		if (r < 0)
			return r;
	}
	return 0;
}

static double rate(uint64_t now, uint64_t before, double interval)
{
	return before == SS_UNKNOWN || interval <= 0 ? VALUE_ABSENT : (double)sub_sat(now, before) / interval;
}

static void values_waits(const struct process *p, double *v)
{
	const struct ss_waits *w = p->waits;

	v[PROCESS_WAKEUP_WAIT] = (double)w->wakeup_wait_ns;
	v[PROCESS_PREEMPTED_WAIT] = (double)w->preempted_wait_ns;
	v[PROCESS_THROTTLED_WAIT] = (double)w->throttled_ns;
	for (int i = 0; i < SS_WAIT_CLASSES; i++)
		v[PROCESS_BLOCKED_EPOLL + i] = (double)w->blocked_ns[i];
	_Static_assert(PROCESS_BLOCKED_OTHER - PROCESS_BLOCKED_EPOLL == (int)SS_WAIT_OTHER,
		       "in the order of ss_wait_class");
	v[PROCESS_UNINTERRUPTIBLE] = (double)w->uninterruptible_ns;
	v[PROCESS_IOWAIT] = (double)w->iowait_ns;
}

/* After the counters are held. */
static void values_rates(struct model *m, struct process *p, double *v, double interval)
{
	uint64_t switches = (uint64_t)(v[PROCESS_VOLUNTARY_SWITCHES] + v[PROCESS_INVOLUNTARY_SWITCHES]);
	double wait = m->waits_known ? v[PROCESS_WAKEUP_WAIT] + v[PROCESS_PREEMPTED_WAIT] : v[PROCESS_RUNQ_WAIT];
	uint64_t wait_ns = value_absent(wait) ? SS_UNKNOWN : (uint64_t)wait;

	/* Born since the sample before: all that it used belongs to this interval. */
	if (p->cpu_before_ns == SS_UNKNOWN && m->sequence > 1 && p->key.start_ns >= m->before_ns)
		p->cpu_before_ns = p->switches_before = p->wait_before_ns = 0;
	v[PROCESS_CPU_CORES] = rate(p->cpu_ns, p->cpu_before_ns, interval) / 1e9;
	v[PROCESS_SWITCH_RATE] = rate(switches, p->switches_before, interval);
	if (wait_ns != SS_UNKNOWN)
		v[PROCESS_WAIT_RATE] = rate(wait_ns, p->wait_before_ns, interval);
	if (m->waits_known)
		v[PROCESS_RUNNABLE] = v[PROCESS_CPU_CORES] + v[PROCESS_WAIT_RATE] / 1e9;
	p->cpu_before_ns = p->cpu_ns;
	p->switches_before = switches;
	p->wait_before_ns = wait_ns;
}

static void process_values(struct model *m, struct process *p, double *v, double interval)
{
	const struct ss_thread_record *r = p->leader;

	for (int i = 0; i < PROCESS_METRICS; i++)
		v[i] = VALUE_ABSENT;
	/* A thread that ends while the iterator runs may be in neither its own record nor its process's: nothing falls. */
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
	v[PROCESS_AGE] = (double)sub_sat(m->boot_ns, p->key.start_ns);
	if (m->run_delay_kept)
		v[PROCESS_RUNQ_WAIT] = (double)p->used.run_delay_ns;
	if (m->waits_known)
		values_waits(p, v);
	/* Kernel threads and zombies have no memory of their own. */
	if (r->flags & SS_THREAD_LEADER && !(r->flags & (SS_THREAD_KERNEL | SS_THREAD_ZOMBIE))) {
		v[PROCESS_RSS] = (double)r->rss_bytes;
		v[PROCESS_SWAP] = (double)r->swap_bytes;
	}
	counters_hold(SCOPE_PROCESS, v, p->held);
	values_rates(m, p, v, interval);
}

static void process_row(struct model *m, const struct sample *s, struct process *p, struct process_row *row,
			double interval)
{
	const struct ss_thread_record *r = p->leader;

	*row = (struct process_row){
		.pid = r->tgid,
		.ppid = r->ppid,
		.uid = r->uid,
		.namespace_pid = r->namespace_pid,
		.start_ns = p->key.start_ns,
		.start_time = (double)(s->host.boot_wall_ns + p->key.start_ns) / 1e9,
		.comm = p->comm,
		.container = p->home->row,
		.state = (char)r->state,
		.kernel = r->flags & SS_THREAD_KERNEL,
		.capabilities_effective = r->capabilities_effective,
		.capabilities_permitted = r->capabilities_permitted,
		.capabilities_bounding = r->capabilities_bounding,
		.namespaces = {r->ns_pid, r->ns_mnt, r->ns_net, r->ns_uts, r->ns_ipc, r->ns_user, r->ns_cgroup,
			       r->ns_time},
	};
	process_values(m, p, row->v, interval);
}

int processes_finish(struct model *m, const struct sample *s, double interval)
{
	struct process *p, *next;
	size_t n = 0;
	int r = array_reserve(&m->process_rows, &m->cap_processes, HASH_COUNT(m->processes), sizeof(*m->process_rows));

	if (r < 0)
		return r;
	HASH_ITER (hh, m->processes, p, next) {
		if (p->seen != m->sequence) {
			HASH_DEL(m->processes, p);
			free(p);
			continue;
		}
		p->row = (uint32_t)n;
		process_row(m, s, p, &m->process_rows[n++], interval);
	}
	m->snapshot.processes = m->process_rows;
	m->snapshot.n_processes = n;
	return 0;
}

void processes_free(struct model *m)
{
	struct process *p, *next;

	HASH_ITER (hh, m->processes, p, next) {
		HASH_DEL(m->processes, p);
		free(p);
	}
}
