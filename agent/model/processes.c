/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * processes.c - settles threads to processes, homes and groups, and keeps what a process has used from going down: see
 * processes.h. Called by model_update.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "homes/arithmetic.h"
#include "homes/incarnations.h"
#include "model/machines.h"
#include "model/processes.h"
#include "model/threads.h"

static void process_forget(struct processes *processes, struct process *p)
{
	HASH_DEL(processes->all, p);
	processes->standings++;
	processes->machines -= p->vm != NULL;
	free(p->pools);
	vm_free(p->vm);
	free(p);
}

static struct process *process_get(struct processes *processes, const struct moment *now,
				   const struct ss_thread_record *r)
{
	struct process *p, key = {.key = {r->tgid, r->process_start_ns}};

	HASH_FIND(hh, processes->all, &key.key, sizeof(key.key), p);
	if (p)
		return p;
	if (list_reserve(&processes->list, processes->list.n + 1) < 0)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->key.tgid = r->tgid;
	p->key.start_ns = r->process_start_ns;
	p->first_seen = now->number;
	p->cpu_before_ns = p->switches_before = p->wait_before_ns = SS_UNKNOWN;
	for (int i = 0; i < PROCESS_METRICS; i++)
		p->held[i] = VALUE_ABSENT;
	HASH_ADD(hh, processes->all, key, sizeof(p->key), p);
	if (!p->hh.tbl) {
		free(p);
		return NULL;
	}
	processes->list.at[processes->list.n++] = p;
	return p;
}

/*
 * At its first thread in this sample, which names the process, be it the leader or, without one, any thread, unless the
 * kernel half has another name for it.
 */
static void process_begin(const struct moment *now, struct process *p, const struct told_thread *told)
{
	static const struct ss_totals none;
	const struct ss_thread_record *r = told->record;

	p->seen = now->number;
	p->leader = r;
	p->living = NULL;
	p->group = NULL;
	p->used = r->flags & SS_THREAD_LEADER ? r->dead_threads : none;
	memset(p->waits, 0, sizeof(p->waits));
	p->threads = 0;
	memcpy(p->comm, told->name ?: r->comm, SS_COMM_LEN);
	memcpy(p->thread, r->comm, SS_COMM_LEN);
}

static void process_add_waits(struct process *p, const struct ss_waits *what)
{
	const __u64 *fields = (const __u64 *)what;

	for (size_t i = 0; i < PROCESS_WAITS; i++)
		p->waits[i] += fields[i];
}

/*
 * What the thread waited, for what is added up anew. What was charged of it is in the gone tables already, so the group gets
 * only the rest; what ended threads of the process waited counts for the process alone.
 */
static void thread_waits(struct settled_thread *t, const struct told_thread *told, bool for_process, bool for_group)
{
	const struct ss_thread_record *r = told->record;
	const __u64 *charged = (const __u64 *)told->waits_charged;
	struct ss_waits uncharged;
	__u64 *left = (__u64 *)&uncharged;

	if (told->waits_dead && for_process)
		process_add_waits(t->process, told->waits_dead);
	if (!told->waits)
		return;
	/* The others get what has come since the last update. */
	thread_sleep_on(t, told, !for_process, !for_group);
	uncharged = *told->waits;
	waits_add_open(&uncharged, r);
	if (for_process && !t->waits_apart)
		process_add_waits(t->process, &uncharged);
	thread_sleep_take(t, sleep_of(&uncharged, r));
	for (size_t i = 0; charged && i < SS_WAITS_FIELDS; i++) {
		t->settled &= left[i] >= charged[i];
		left[i] = sub_sat(left[i], charged[i]);
	}
	if (!for_group)
		return;
	t->group->tasks.open_wait_ns += r->open_wait_ns;
	waits_add(&t->group->tasks.waits, &uncharged);
}

static bool is_ended(const struct ss_thread_record *r)
{
	return r->flags & SS_THREAD_ZOMBIE;
}

static bool leader_outlived(const struct process *p)
{
	return is_ended(p->leader) && p->leader->flags & SS_THREAD_LEADER && p->leader->threads > 1;
}

/* A process is at home where its main thread is; once that has ended, where its living threads are. */
static void process_place(struct process *p, const struct ss_thread_record *r, struct group *g)
{
	if (r == p->leader && !p->living)
		p->group = g;
	if (!leader_outlived(p) || is_ended(r))
		return;
	if (!p->living || (r->state == 'R' && p->living->state != 'R')) {
		p->living = r;
		p->group = g;
	}
}

double process_bytes(uint32_t units)
{
	return units == SS_MEMORY_UNKNOWN ? VALUE_ABSENT : (double)units * SS_MEMORY_UNIT;
}

double process_rss(const struct ss_thread_record *r)
{
	return process_bytes(r->anonymous_units) + process_bytes(r->file_units) + process_bytes(r->shmem_units);
}

/* After all threads. A main thread that has ended is no thread of the home that the others have left. */
static void process_add_up(struct process *p)
{
	struct group_tasks *g = &p->group->tasks;

	g->processes++;
	if (leader_outlived(p)) {
		group_count_thread(g, p->leader);
		g->init_ended |= p->living && p->leader->namespace_pid == 1;
	}
	p->home->main.seen |= p->leader->namespace_pid == 1;
	if (p->leader->flags & SS_THREAD_LEADER && !is_ended(p->leader)) {
		double rss = process_rss(p->leader);

		g->rss_bytes += value_absent(rss) ? 0 : (uint64_t)rss;
		g->memory_known += !value_absent(rss);
	}
}

/* Where a thread that is not settled belongs. That, and where it belonged, is added up anew. */
static int thread_place(struct settled_thread *t, struct homes *homes, const struct ss_thread_record *r)
{
	t->group = group_of_cgroup(homes, r->cgroup_id, t->process->comm, &t->incarnation);
	if (!t->group)
		return -ENOMEM;
	group_touch(t->group, homes->update);
	if (t->incarnation)
		incarnation_touch(t->incarnation, homes->update);
	/* Of an unknown cgroup it may become known later whose it is. */
	t->settled = r->cgroup_id == SS_CGROUP_KERNEL || home_known(homes, r->cgroup_id);
	return 0;
}

/* Adds it to what is added up anew: its process, its group, the cgroup that it is part of. */
static void thread_add_up(struct settled_thread *t, struct homes *homes, const struct told_thread *told)
{
	const struct ss_thread_record *r = told->record;
	bool for_process = t->process->changed == homes->update, for_group = t->group->changed == homes->update;
	struct ss_totals uncharged = thread_uncharged(r);
	struct process *p = t->process;

	if (for_process) {
		totals_add(&p->used, &r->used);
		p->threads++;
		process_place(p, r, t->group);
		homes->run_delay_kept |= r->used.run_delay_ns != 0;
	}
	if (for_group) {
		totals_add(&t->group->tasks.totals, &uncharged);
		t->group->tasks.settled++;
		if (r != p->leader || !leader_outlived(p))
			group_count_thread(&t->group->tasks, r);
	}
	if (t->incarnation && t->incarnation->changed == homes->update)
		totals_add(&t->incarnation->living, &uncharged);
	thread_waits(t, told, for_process, for_group);
}

/* Leaders first: they name the group that their threads are counted in, and may come after them. */
static int leaders_settle(struct processes *processes, const struct moment *now, const struct sample *s)
{
	for (size_t i = 0; i < processes->unsettled.n; i++) {
		const struct told_thread *told = s->threads[processes->unsettled.at[i]].told;
		struct settled_thread *t = &processes->threads.at[processes->unsettled.at[i]];

		t->leader = told->record->flags & SS_THREAD_LEADER;
		t->waits_apart = told->record->flags & SS_THREAD_ENDED;
		t->is_loop = false;
		t->sleep = (struct thread_sleep){};
		if (!t->process)
			t->process = process_get(processes, now, told->record);
		if (!t->process)
			return -ENOMEM;
		t->process->changed = now->number;
	}
	processes->by_pid.n = processes->moved.n = 0;
	for (size_t i = 0; i < s->n_threads; i++) {
		struct process *p = processes->threads.at[i].process;

		if (p->changed == now->number)
			processes->moved.at[processes->moved.n++] = (uint32_t)i;
		if (!processes->threads.at[i].leader)
			continue;
		if (p->seen != now->number)
			processes->by_pid.at[processes->by_pid.n++] = p;
		p->seen = now->number;
		if (p->changed == now->number)
			process_begin(now, p, s->threads[i].told);
	}
	return 0;
}

/* All threads of a process that has changed are placed again: its name may be another one. */
static int threads_place(struct processes *processes, struct homes *homes, const struct moment *now,
			 const struct sample *s)
{
	int r = 0;

	for (size_t i = 0; i < processes->moved.n && r >= 0; i++) {
		const struct told_thread *told = s->threads[processes->moved.at[i]].told;
		struct settled_thread *t = &processes->threads.at[processes->moved.at[i]];

		if (t->settled)
			thread_leave(t, now->number);
		if (t->process->seen != now->number)
			process_begin(now, t->process, told);
		r = thread_place(t, homes, told->record);
	}
	return r;
}

static bool thread_is_kept(const struct settled_thread *t, uint64_t update)
{
	return t->process->changed != update && t->group->changed != update &&
	       (!t->incarnation || t->incarnation->changed != update);
}

/* What its main thread says of it beside what it uses. */
static void process_stand(struct processes *processes, struct process *p)
{
	const struct ss_thread_record *r = p->leader;
	struct process_standing standing = {
		.home = p->home,
		.capabilities_effective = r->capabilities_effective,
		.capabilities_permitted = r->capabilities_permitted,
		.capabilities_bounding = r->capabilities_bounding,
		.flags = r->flags & STANDING_FLAGS,
		.ppid = r->ppid,
		.namespaces = {r->ns_pid, r->ns_mnt, r->ns_net, r->ns_uts, r->ns_ipc, r->ns_user, r->ns_cgroup,
			       r->ns_time},
	};

	memcpy(standing.comm, p->comm, SS_COMM_LEN);
	if (memcmp(&p->standing, &standing, sizeof(standing)) == 0)
		return;
	p->standing = standing;
	processes->standings++;
}

/* After all threads. */
static void processes_add_up(struct processes *processes, const struct moment *now)
{
	for (size_t i = 0; i < processes->list.n; i++) {
		struct process *p = processes->list.at[i];

		if (p->has_loops)
			p->loops = (struct process_loops){};
		p->has_loops = false;
		if (p->seen != now->number)
			continue;
		if (p->changed == now->number) {
			p->home = p->group->key.home;
			process_stand(processes, p);
		}
		if (p->group->changed == now->number)
			process_add_up(p);
	}
}

int processes_settle(struct processes *processes, struct homes *homes, const struct moment *now, const struct sample *s)
{
	int r;

	/* Room for as many processes as there are threads costs nothing: pages exist once they are written. */
	if (list_reserve(&processes->by_pid, s->n_threads) < 0 || list_reserve(&processes->moved, s->n_threads) < 0)
		return -ENOMEM;
	r = threads_meet(processes, homes, now, s);
	processes->complete = false;
	if (r >= 0)
		r = leaders_settle(processes, now, s);
	if (r >= 0)
		r = threads_place(processes, homes, now, s);
	for (size_t i = 0; i < s->n_threads && r >= 0; i++) {
		struct settled_thread *t = &processes->threads.at[i];

		t->process->seen = now->number;
		if (thread_is_kept(t, now->number))
			thread_sleep_on(t, s->threads[i].told, true, true);
		else
			thread_add_up(t, homes, s->threads[i].told);
	}
	if (r >= 0)
		processes_add_up(processes, now);
	for (struct home *h = homes->all; h; h = h->hh.next)
		h->version_settled = h->version;
	groups_add_tasks(homes);
	processes->pass = s->threads_pass;
	processes->references_lost = homes->references_lost;
	return r;
}

void processes_forget_unseen(struct processes *processes, const struct moment *now)
{
	size_t n = 0;

	for (size_t i = 0; i < processes->list.n; i++) {
		struct process *p = processes->list.at[i];

		if (p->seen == now->number)
			processes->list.at[n++] = p;
		else
			process_forget(processes, p);
	}
	processes->list.n = n;
}

void processes_rest(struct processes *processes)
{
	processes->complete = false;
	list_free(&processes->threads);
	list_free(&processes->by_pid);
	list_free(&processes->unsettled);
	list_free(&processes->moved);
}

void processes_free(struct processes *processes)
{
	for (size_t i = 0; i < processes->list.n; i++)
		process_forget(processes, processes->list.at[i]);
	list_free(&processes->list);
	processes_rest(processes);
}
