/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loops/stalls.c - stalls of event loops that the kernel half has told. Part of the model (model_internal.h). */
#include <errno.h>
#include <stdio.h>

#include "model/internal.h"

static const char *const cause_names[SS_STALL_CAUSES] = {"oncpu", "runqueue", "throttled", "blocked"};

/* "" for the idle task and what found no room, which are no cgroup. */
static const char *runner_name(struct model *m, uint64_t cgroup_id)
{
	return cgroup_is_known(m, cgroup_id) ? home_of_cgroup(m, cgroup_id, NULL)->name : "";
}

static struct stall stall_of(const struct model *m, const struct ss_fact *f, const char *runner)
{
	struct stall stall = {
		.time = (double)m->wall_ns / 1e9 - (double)sub_sat(m->boot_ns, f->time_ns) / 1e9,
		.seconds = (double)f->stall.wall_ns / 1e9,
		.runqueue = (double)f->stall.runqueue_ns / 1e9,
		.throttled = (double)f->stall.throttled_ns / 1e9,
		.cause = cause_names[f->stall.cause < SS_STALL_CAUSES ? f->stall.cause : 0],
		.runner = runner,
		.suppressed = f->stall.suppressed,
	};
	uint64_t blocked = 0;

	for (int i = 0; i < SS_WAIT_CLASSES; i++) {
		stall.blocked[i] = (double)f->stall.blocked_ns[i] / 1e9;
		blocked += f->stall.blocked_ns[i];
	}
	_Static_assert(WAIT_CLASSES == (int)SS_WAIT_CLASSES, "every class has a name");
	stall.oncpu = (double)sub_sat(f->stall.wall_ns, f->stall.runqueue_ns + blocked) / 1e9;
	return stall;
}

/* Those of threads that live in epoll; such a one may have ended since the sample before. */
int stalls_take(struct model *m, const struct sample *s)
{
	int r = array_reserve(&m->stalls_told, &m->cap_stalls_told, s->n_stalls, sizeof(*m->stalls_told));

	m->n_stalls_told = 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < s->n_stalls; i++) {
		const struct ss_fact *f = &s->stalls[i];
		struct loop_key k = {.tid = f->tid, .start_ns = f->start_ns};
		struct loop *l;

		HASH_FIND(hh, m->loops, &k, sizeof(k), l);
		if (!l || !l->is_loop || l->process->turns)
			continue;
		m->stalls_told[m->n_stalls_told++] = (uint32_t)i;
		snprintf(l->runner, sizeof(l->runner), "%s", runner_name(m, f->stall.runner));
		l->stall = stall_of(m, f, l->runner);
	}
	return 0;
}

/* Of the chosen ones; their loops and processes may be gone by now. */
int stalls_finish(struct model *m, const struct sample *s)
{
	int r = array_reserve(&m->stall_rows, &m->cap_stall_rows, m->n_stalls_told, sizeof(*m->stall_rows));

	m->snapshot.stalls = m->stall_rows;
	m->snapshot.n_stalls = 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < m->n_stalls_told; i++) {
		const struct ss_fact *f = &s->stalls[m->stalls_told[i]];
		const struct home *h = home_of_cgroup(m, f->cgroup_id, NULL);

		m->stall_rows[m->snapshot.n_stalls++] = (struct stall_row){
			.container = h->row == HOME_NO_ROW ? STALL_NOWHERE : h->row,
			.pid = f->tgid,
			.tid = f->tid,
			.start_time = (double)(s->host.boot_wall_ns + f->start_ns) / 1e9,
			.comm = f->comm,
			.stall = stall_of(m, f, runner_name(m, f->stall.runner)),
		};
	}
	return 0;
}
