/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "model_scene.h"

void scene_init(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->sample = (struct sample){
		.boot_ns = 1000000000000ULL,
		.wall_ns = 1700001000000000000ULL,
		.threads = s->list,
		.gone_final = s->final,
		.gone_open = s->open,
		.pairs_final = s->pairs_final,
		.pairs_open = s->pairs_open,
		.loops = s->loops,
		.gone_loops_final = s->gone_loops_final,
		.gone_loops_open = s->gone_loops_open,
		.stalls = s->stalls,
		.oom_kills = s->oom_kills,
		.cgroups = s->cgroups,
		.host = {.cpus = 2,
			 .memory_total = 8ULL << 30,
			 .memory_available = 6ULL << 30,
			 .boot_wall_ns = 1700000000000000000ULL,
			 .load1 = 0.5,
			 .kernel = "6.1.0-test",
			 .hostname = "scene"},
		.collectors = {{"host", true, 100000},
			       {"tasks", true, 200000},
			       {"lifecycle", true, 0},
			       {"cgroups", true, 0},
			       {"cgroupfs", true, 300000}},
		.n_collectors = 5,
	};
}

void scene_tick(struct scene *s, double seconds)
{
	s->sample.boot_ns += (uint64_t)(seconds * 1e9);
	s->sample.wall_ns += (uint64_t)(seconds * 1e9);
}

struct sample_cgroup *scene_cgroup(struct scene *s, uint64_t id, uint64_t parent, const char *path, enum home_kind kind,
				   const char *name)
{
	size_t n = s->sample.n_cgroups++;
	struct identity *who = &s->who[n];
	struct sample_cgroup *c = &s->cgroups[n];

	*who = (struct identity){.kind = kind,
				 .home = path,
				 .parent = "",
				 .runtime = "",
				 .id = "",
				 .name = name,
				 .image = "",
				 .pod = "",
				 .pod_namespace = "",
				 .labels = "",
				 .uid = -1,
				 .generation = 1};
	*c = (struct sample_cgroup){
		.id = id, .parent_id = parent, .path = path, .who = who, .home_root = true, .alive = true};
	memset(&c->files, 0xff, sizeof(c->files));
	return c;
}

struct ss_thread_record *scene_process(struct scene *s, uint32_t pid, uint64_t cgroup, const char *comm,
				       uint64_t exec_ns)
{
	size_t n = s->sample.n_threads++;
	struct ss_thread_record *r = &s->threads[n];

	s->told[n] = (struct told_thread){.record = r};
	s->list[n] = (struct sample_thread){.told = &s->told[n], .tid = pid};
	*r = (struct ss_thread_record){.tid = pid,
				       .tgid = pid,
				       .ppid = 1,
				       .flags = SS_THREAD_LEADER | SS_THREAD_STATE,
				       .state = 'S',
				       .start_ns = 5000000000ULL + pid,
				       .process_start_ns = 5000000000ULL + pid,
				       .cgroup_id = cgroup,
				       .threads = 1};
	snprintf(r->comm, sizeof(r->comm), "%s", comm);
	r->used.exec_ns = exec_ns;
	return r;
}

void scene_gone(struct sample_gone *list, size_t *n, uint64_t cgroup, const char *comm, uint64_t exec_ns,
		uint64_t ended)
{
	struct sample_gone *g = &list[(*n)++];

	*g = (struct sample_gone){.key.cgroup_id = cgroup};
	snprintf(g->key.comm, sizeof(g->key.comm), "%s", comm);
	g->value.totals.exec_ns = exec_ns;
	g->value.processes_ended = ended;
}

void scene_collector(struct scene *s, const char *name)
{
	for (size_t i = 0; i < s->sample.n_collectors; i++)
		if (strcmp(s->sample.collectors[i].name, name) == 0)
			return;
	s->sample.collectors[s->sample.n_collectors++] = (struct sample_collector){name, true, 0};
}

struct ss_waits *scene_waits(struct scene *s, uint32_t block)
{
	struct told_thread *told = &s->told[s->sample.n_threads - 1];
	struct ss_waits *w = &s->waits[s->n_waits++];

	scene_collector(s, "sched");
	*w = (struct ss_waits){};
	if (block == SS_BLOCK_WAITS)
		told->waits = w;
	else if (block == SS_BLOCK_WAITS_CHARGED)
		told->waits_charged = w;
	else
		told->waits_dead = w;
	return w;
}

struct sample_loop *scene_loop(struct scene *s, enum ss_loop_phase phase, uint64_t ago_ns)
{
	struct sample_loop *l = &s->loops[s->sample.n_loops++];

	scene_collector(s, "epoll");
	*l = (struct sample_loop){.thread = (uint32_t)s->sample.n_threads - 1, .read_ns = s->sample.boot_ns};
	l->loop.mark = ss_loop_mark_make(l->read_ns - ago_ns, phase);
	l->loop.serves = SS_SERVES_MAIN | SS_SERVES_OUTSIDE;
	l->loop.instance = 0x1000 + l->thread;
	return l;
}

void scene_loop_read(struct scene *s, struct sample_loop *l, enum ss_loop_phase phase, uint64_t ago_ns)
{
	l->read_ns = s->sample.boot_ns;
	l->loop.mark = ss_loop_mark_make(l->read_ns - ago_ns, phase);
}

struct ss_loop *scene_gone_loop(struct sample_gone_loop *list, size_t *n, uint64_t cgroup, const char *comm)
{
	struct sample_gone_loop *g = &list[(*n)++];

	*g = (struct sample_gone_loop){.key.cgroup_id = cgroup};
	snprintf(g->key.comm, sizeof(g->key.comm), "%s", comm);
	return &g->value;
}

struct ss_fact *scene_stall(struct scene *s, uint32_t pid, uint64_t ago_ns)
{
	struct ss_fact *f = &s->stalls[s->sample.n_stalls++];

	*f = (struct ss_fact){.size = sizeof(*f), .kind = SS_FACT_LOOP_STALL, .time_ns = s->sample.boot_ns - ago_ns};
	f->tgid = f->tid = pid;
	f->start_ns = 5000000000ULL + pid;
	return f;
}

struct ss_fact *scene_oom_kill(struct scene *s, uint32_t pid, uint64_t cgroup, enum ss_oom_exhausted exhausted,
			       const char *const *names, uint32_t levels)
{
	struct ss_fact *f = &s->oom_kills[s->sample.n_oom_kills++];

	scene_collector(s, "oom");
	*f = (struct ss_fact){.size = sizeof(*f), .kind = SS_FACT_OOM_KILL, .time_ns = s->sample.boot_ns - 250000000};
	f->cgroup_id = cgroup;
	f->tgid = f->tid = pid;
	f->start_ns = 5000000000ULL + pid;
	f->oom.exhausted = exhausted;
	f->oom.levels = levels;
	for (uint32_t i = 0; i < levels && levels <= SS_OOM_LEVELS; i++)
		snprintf(f->oom.path[i], sizeof(f->oom.path[i]), "%s", names[i]);
	s->sample.oom_kills_of[exhausted]++;
	return f;
}

void scene_pair(struct sample_pair *list, size_t *n, uint64_t waiter, uint64_t runner, uint64_t ns)
{
	list[(*n)++] = (struct sample_pair){{waiter, runner}, {ns, 1}};
}

const struct container_row *scene_row(const struct snapshot *s, const char *cgroup)
{
	for (size_t i = 0; i < s->n_containers; i++)
		if (strcmp(s->containers[i].cgroup, cgroup) == 0)
			return &s->containers[i];
	return NULL;
}
