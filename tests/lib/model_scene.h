/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model_scene.h - builds samples by hand for tests of the model and of what is made from its snapshots.
 */
#ifndef MODEL_SCENE_H
#define MODEL_SCENE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysscope/model.h"
#include "sysscope/sample.h"

#define SCENE_MAX 512

struct scene {
	struct sample sample;
	struct ss_thread_record threads[SCENE_MAX];
	struct told_thread told[SCENE_MAX]; /* of the same threads, like the next */
	struct sample_thread list[SCENE_MAX];
	struct sample_gone final[SCENE_MAX], open[SCENE_MAX];
	struct ss_waits waits[SCENE_MAX];
	size_t n_waits;
	struct sample_pair pairs_final[SCENE_MAX], pairs_open[SCENE_MAX];
	struct sample_loop loops[SCENE_MAX];
	struct sample_gone_loop gone_loops_final[64], gone_loops_open[64];
	struct ss_fact stalls[64], oom_kills[64];
	struct sample_cgroup cgroups[64];
	struct identity who[64];
};

void scene_init(struct scene *s);
void scene_tick(struct scene *s, double seconds);
struct sample_cgroup *scene_cgroup(struct scene *s, uint64_t id, uint64_t parent, const char *path, enum home_kind kind,
				   const char *name);

/* A process of one thread. */
struct ss_thread_record *scene_process(struct scene *s, uint32_t pid, uint64_t cgroup, const char *comm,
				       uint64_t exec_ns);
void scene_gone(struct sample_gone *list, size_t *n, uint64_t cgroup, const char *comm, uint64_t exec_ns,
		uint64_t ended);
void scene_collector(struct scene *s, const char *name);

/* What the latest process waited; `block`: enum ss_thread_block. Without this the scheduler's collector is off. */
struct ss_waits *scene_waits(struct scene *s, uint32_t block);

/*
 * The event loop of the latest process, in `phase` since `ago_ns` before the sample. Without this the epoll collector is off.
 */
struct sample_loop *scene_loop(struct scene *s, enum ss_loop_phase phase, uint64_t ago_ns);

/* The same some seconds later: read now, in `phase` since `ago_ns`. */
void scene_loop_read(struct scene *s, struct sample_loop *l, enum ss_loop_phase phase, uint64_t ago_ns);
struct ss_loop *scene_gone_loop(struct sample_gone_loop *list, size_t *n, uint64_t cgroup, const char *comm);

/* A stall of the process `pid` of scene_process. */
struct ss_fact *scene_stall(struct scene *s, uint32_t pid, uint64_t ago_ns);

/* The OOM killer chose this process of a cgroup; `levels` names of the exhausted cgroup, from itself upwards. */
struct ss_fact *scene_oom_kill(struct scene *s, uint32_t pid, uint64_t cgroup, enum ss_oom_exhausted exhausted,
			       const char *const *names, uint32_t levels);
void scene_pair(struct sample_pair *list, size_t *n, uint64_t waiter, uint64_t runner, uint64_t ns);
const struct container_row *scene_row(const struct snapshot *s, const char *cgroup);

#endif
