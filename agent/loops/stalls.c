/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stalls.c - stalls of event loops that the kernel half reported since the sample before. Called by read.c and rows.c. */
#include <string.h>

#include "base/util.h"
#include "loops/loops.h"

static const char *const cause_names[SS_STALL_CAUSES] = {"oncpu", "runqueue", "throttled", "blocked"};

static struct stall stall_of(const struct moment *now, const struct ss_fact *f, const struct home *runner)
{
	struct stall stall = {
		.time = (double)now->wall_ns / 1e9 - (double)sub_sat(now->boot_ns, f->time_ns) / 1e9,
		.seconds = (double)f->stall.wall_ns / 1e9,
		.runqueue = (double)f->stall.runqueue_ns / 1e9,
		.throttled = (double)f->stall.throttled_ns / 1e9,
		.cause = cause_names[f->stall.cause < SS_STALL_CAUSES ? f->stall.cause : 0],
		.runner = runner ? runner->name : "",
		.runner_cgroup = runner ? runner->path : "",
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

/*
 * Stalls of threads that live in epoll; such a thread may have ended since the sample before. Facts are copied: they are the
 * sample's, and rows must outlive it. A runner without a cgroup is the idle task, or found no room in the kernel half.
 */
int stalls_take(struct loops *loops, const struct homes *homes, const struct moment *now, const struct sample *s)
{
	struct stalls *stalls = &loops->stalls;

	stalls->notes.n = 0;
	if (list_reserve(&stalls->notes, s->n_stalls) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_stalls; i++) {
		const struct ss_fact *f = &s->stalls[i];
		struct loop_key k = {.tid = f->tid, .start_ns = f->start_ns};
		const struct home *runner;
		struct stall_note *note;
		struct loop *l;

		HASH_FIND(hh, loops->all, &k, sizeof(k), l);
		if (!l || !l->is_loop || l->process->turns || !loop_counts(l))
			continue;
		runner = home_known(homes, f->stall.runner);
		note = &stalls->notes.at[stalls->notes.n++];
		*note = (struct stall_note){.home = home_of_cgroup(homes, f->cgroup_id),
					    .pid = f->tgid,
					    .tid = f->tid,
					    .start_ns = f->start_ns,
					    .stall = stall_of(now, f, runner)};
		memcpy(note->comm, f->process[0] ? f->process : f->comm, SS_COMM_LEN);
		memcpy(note->thread, f->comm, SS_COMM_LEN);
		l->stall = note->stall;
		if (text_keep(&l->runner, note->stall.runner) < 0 ||
		    text_keep(&l->runner_cgroup, note->stall.runner_cgroup) < 0)
			return -ENOMEM;
	}
	return 0;
}

int stall_rows_fill(struct stalls *stalls, const struct moment *now, struct snapshot *snapshot)
{
	stalls->rows.n = 0;
	if (list_reserve(&stalls->rows, stalls->notes.n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < stalls->notes.n; i++) {
		const struct stall_note *note = &stalls->notes.at[i];

		stalls->rows.at[stalls->rows.n++] = (struct stall_row){
			.container = note->home->row == HOME_NO_ROW ? STALL_NOWHERE : note->home->row,
			.pid = note->pid,
			.tid = note->tid,
			.start_time = (double)(now->boot_wall_ns + note->start_ns) / 1e9,
			.comm = note->comm,
			.thread = note->thread,
			.stall = note->stall,
		};
	}
	snapshot->stalls = stalls->rows.at;
	snapshot->n_stalls = stalls->rows.n;
	return 0;
}
