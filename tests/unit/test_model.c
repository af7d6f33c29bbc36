/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_model.c - the model against a simulation of the kernel half that knows the truth, and scene by scene.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/model_scene.h"
#include "homes/arithmetic.h"
#include "homes/homes.h"

/* ---- a simulated kernel half: tasks are born, run, are renamed, moved, die, and are freed later ---- */

#define HOMES 3
#define NAMES 4
#define TASKS 120

static const char *const paths[HOMES] = {"/a", "/b", "/c"};
static const char *const names[NAMES] = {"n0", "n1", "n2", "n3"};

struct task {
	enum { NONE, ALIVE, LIMBO } where; /* LIMBO: off the list, not freed yet */
	uint32_t pid;
	int home, name;
	uint64_t used, charged;
};

struct kernel_half {
	struct task tasks[TASKS];
	uint64_t table[2][HOMES][NAMES], ended[2][HOMES][NAMES];
	int in_use;
	uint64_t truth[HOMES][NAMES];
	uint32_t next_pid;
	unsigned int seed;
};

static int pick(struct kernel_half *k, int n)
{
	return rand_r(&k->seed) % n;
}

static void charge(struct kernel_half *k, struct task *t)
{
	k->table[k->in_use][t->home][t->name] += t->used - t->charged;
	t->charged = t->used;
}

static void step(struct kernel_half *k)
{
	struct task *t = &k->tasks[pick(k, TASKS)];
	uint64_t ns;

	if (t->where == NONE) {
		*t = (struct task){ALIVE, ++k->next_pid, pick(k, HOMES), pick(k, NAMES), 0, 0};
		return;
	}
	if (t->where == LIMBO) {
		charge(k, t);
		k->ended[k->in_use][t->home][t->name]++;
		t->where = NONE;
		return;
	}
	switch (pick(k, 10)) {
	case 0:
		t->where = LIMBO;
		break;
	case 1:
		charge(k, t);
		t->name = pick(k, NAMES);
		break;
	case 2:
		charge(k, t);
		t->home = pick(k, HOMES);
		break;
	default:
		ns = (uint64_t)pick(k, 5000000);
		t->used += ns;
		k->truth[t->home][t->name] += ns;
	}
}

static void read_table(struct kernel_half *k, int table, struct sample_gone *list, size_t *n)
{
	for (int h = 0; h < HOMES; h++)
		for (int c = 0; c < NAMES; c++)
			if (k->table[table][h][c] || k->ended[table][h][c])
				scene_gone(list, n, 10 + (uint64_t)h, names[c], k->table[table][h][c],
					   k->ended[table][h][c]);
}

/* As sampler.c reads: the table at rest is emptied, the tables change places, the other is read, then the living. */
static void take_sample(struct kernel_half *k, struct scene *s, int steps_between)
{
	struct sample *p = &s->sample;

	scene_tick(s, 1);
	p->n_gone_final = p->n_gone_open = p->n_threads = 0;
	read_table(k, !k->in_use, s->final, &p->n_gone_final);
	memset(k->table[!k->in_use], 0, sizeof(k->table[0]));
	memset(k->ended[!k->in_use], 0, sizeof(k->ended[0]));
	k->in_use = !k->in_use;
	read_table(k, !k->in_use, s->open, &p->n_gone_open);
	for (int i = 0; i < TASKS; i++) {
		struct task *t = &k->tasks[i];

		for (int j = 0; j < steps_between && pick(k, 20) == 0; j++)
			step(k);
		if (t->where == ALIVE)
			scene_process(s, t->pid, 10 + (uint64_t)t->home, names[t->name], t->used)->charged.exec_ns =
				t->charged;
	}
}

static uint64_t truth_of(const struct kernel_half *k, int home)
{
	uint64_t sum = 0;

	for (int c = 0; c < NAMES; c++)
		sum += k->truth[home][c];
	return sum;
}

static double group_value(const struct snapshot *s, const char *cgroup, const char *comm)
{
	for (size_t i = 0; i < s->n_groups; i++)
		if (strcmp(s->containers[s->groups[i].container].cgroup, cgroup) == 0 &&
		    strcmp(s->groups[i].comm, comm) == 0)
			return s->groups[i].v[GROUP_CPU_USAGE];
	return 0;
}

static void check_never_more(const struct kernel_half *k, const struct snapshot *s, double *before)
{
	for (int h = 0; h < HOMES; h++) {
		const struct container_row *row = scene_row(s, paths[h]);

		assert_non_null(row);
		assert_true(row->v[CONTAINER_CPU_TASKS] <= (double)truth_of(k, h));
		assert_true(row->v[CONTAINER_CPU_TASKS] >= before[h]);
		before[h] = row->v[CONTAINER_CPU_TASKS];
	}
}

static void run_simulation(unsigned int seed)
{
	struct kernel_half *k = calloc(1, sizeof(*k));
	struct scene *s = calloc(1, sizeof(*s));
	struct model *m = model_new();
	double before[HOMES] = {0};

	k->seed = seed;
	scene_init(s);
	for (int h = 0; h < HOMES; h++)
		scene_cgroup(s, 10 + (uint64_t)h, 1, paths[h], HOME_CONTAINER, paths[h] + 1);
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 300; i++)
			step(k);
		take_sample(k, s, 3);
		assert_int_equal(model_update(m, &s->sample), 0);
		check_never_more(k, model_snapshot(m), before);
	}
	/* At rest: who is in limbo is freed, nobody runs. */
	for (int i = 0; i < TASKS; i++)
		if (k->tasks[i].where == LIMBO) {
			charge(k, &k->tasks[i]);
			k->tasks[i].where = NONE;
		}
	for (int i = 0; i < 2; i++) {
		take_sample(k, s, 0);
		assert_int_equal(model_update(m, &s->sample), 0);
	}
	for (int h = 0; h < HOMES; h++) {
		double sum = 0;

		assert_true(scene_row(model_snapshot(m), paths[h])->v[CONTAINER_CPU_TASKS] == (double)truth_of(k, h));
		for (int c = 0; c < NAMES; c++) {
			assert_true(group_value(model_snapshot(m), paths[h], names[c]) == (double)k->truth[h][c]);
			sum += group_value(model_snapshot(m), paths[h], names[c]);
		}
		assert_true(sum == (double)truth_of(k, h));
	}
	model_free(m);
	free(s);
	free(k);
}

static void test_simulation(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 20; seed++)
		run_simulation(seed);
}

/* ---- scene by scene ---- */

static const struct snapshot *update(struct model *m, struct scene *s)
{
	assert_int_equal(model_update(m, &s->sample), 0);
	return model_snapshot(m);
}

static void test_split(void **state)
{
	uint64_t user = 0, system = 0;
	unsigned int seed = 7;
	uint64_t total = 0, u = 0, s = 0;

	(void)state;
	cputime_split(1000, 3, 1, &user, &system);
	assert_int_equal(user, 750);
	assert_int_equal(system, 250);
	cputime_split(500, 0, 1, &user, &system); /* behind: nothing changes */
	assert_int_equal(user + system, 1000);
	for (int i = 0; i < 10000; i++) {
		uint64_t user_before = user, system_before = system;

		total += (uint64_t)rand_r(&seed) % 100000;
		u += (uint64_t)rand_r(&seed) % 3 * 4000000;
		s += (uint64_t)rand_r(&seed) % 3 * 4000000;
		cputime_split(1000 + total, u, s, &user, &system);
		assert_int_equal(user + system, 1000 + total);
		assert_true(user >= user_before && system >= system_before);
	}
	user = system = 0;
	cputime_split(1ULL << 62, 1ULL << 61, 1ULL << 61, &user, &system);
	assert_int_equal(user, 1ULL << 61);
}

static void test_process(void **state)
{
	struct model *m = model_new();
	struct scene s;
	const struct snapshot *p;
	struct ss_thread_record *thread;

	(void)state;
	scene_init(&s);
	scene_cgroup(&s, 1, 0, "/", HOME_HOST, "host");
	/* The thread's record before its leader's, as after a wrap of pids. */
	thread = scene_process(&s, 50, 1, "worker", 300);
	thread->flags = SS_THREAD_STATE;
	thread->tgid = 100;
	thread->process_start_ns = 5000000100ULL;
	scene_process(&s, 100, 1, "server", 700)->dead_threads.exec_ns = 1000;
	p = update(m, &s);
	assert_int_equal(p->n_processes, 1);
	assert_string_equal(p->processes[0].comm, "server");
	assert_true(p->processes[0].v[PROCESS_CPU_USAGE] == 2000);
	assert_true(p->processes[0].v[PROCESS_THREADS] == 2);
	assert_true(value_absent(p->processes[0].v[PROCESS_CPU_CORES]));
	assert_true(group_value(p, "/", "server") == 1000); /* its dead threads are the gone table's */

	/* A thread that is in neither for a moment: the total is held. */
	s.sample.n_threads = 0;
	scene_tick(&s, 1);
	scene_process(&s, 100, 1, "server", 800)->dead_threads.exec_ns = 1000;
	p = update(m, &s);
	assert_true(p->processes[0].v[PROCESS_CPU_USAGE] == 2000);
	assert_true(p->processes[0].v[PROCESS_CPU_CORES] == 0);

	/* The same pid, another process: no negative rate, and its own from 0, since it was born in between. */
	s.sample.n_threads = 0;
	scene_tick(&s, 1);
	thread = scene_process(&s, 100, 1, "other", 500000000);
	thread->start_ns = thread->process_start_ns = s.sample.boot_ns - 500000000;
	s.sample.wall_ns -= 3600ULL * 1000000000; /* a step of the clock on the wall changes nothing */
	p = update(m, &s);
	assert_int_equal(p->n_processes, 1);
	assert_true(fabs(p->processes[0].v[PROCESS_CPU_CORES] - 0.5) < 1e-9);
	model_free(m);
}

static void test_restart(void **state)
{
	struct model *m = model_new();
	struct scene s;
	struct sample_cgroup *c;
	const struct container_row *row;

	(void)state;
	scene_init(&s);
	c = scene_cgroup(&s, 10, 1, "/docker/x", HOME_CONTAINER, "web");
	c->files.cpu_usage_ns = 5000;
	c->files.cpu_user_ns = 3000;
	c->files.cpu_system_ns = 2000;
	scene_process(&s, 7, 10, "app", 4000);
	row = scene_row(update(m, &s), "/docker/x");
	assert_true(row->v[CONTAINER_CPU_USAGE] == 5000);

	/* It died after the last reading, having used 600 more, and is back under a new id. */
	scene_tick(&s, 1);
	s.sample.n_threads = 0;
	scene_gone(s.final, &s.sample.n_gone_final, 10, "app", 4600, 1);
	memset(&c->files, 0xff, sizeof(c->files));
	c->alive = false;
	c = scene_cgroup(&s, 11, 1, "/docker/x", HOME_CONTAINER, "web");
	c->counts.created_ns = s.sample.boot_ns - 1000;
	c->files.cpu_usage_ns = 100;
	c->files.cpu_user_ns = 100;
	c->files.cpu_system_ns = 0;
	scene_process(&s, 8, 11, "app", 90);
	row = scene_row(update(m, &s), "/docker/x");
	assert_true(row->v[CONTAINER_CPU_USAGE] == 5000 + 600 + 100);
	assert_true(row->v[CONTAINER_CPU_USER] + row->v[CONTAINER_CPU_SYSTEM] == row->v[CONTAINER_CPU_USAGE]);
	assert_true(row->v[CONTAINER_CPU_TASKS] == 4690);
	assert_true(row->v[CONTAINER_START_TIME] == (double)(s.sample.host.boot_wall_ns + c->counts.created_ns));
	assert_false(row->dead);

	/* The old cgroup is forgotten: nothing changes. */
	scene_tick(&s, 1);
	s.sample.n_gone_final = 0;
	s.cgroups[0] = s.cgroups[1];
	s.sample.n_cgroups = 1;
	row = scene_row(update(m, &s), "/docker/x");
	assert_true(row->v[CONTAINER_CPU_USAGE] == 5700);
	assert_true(row->v[CONTAINER_CPU_TASKS] == 4690);
	model_free(m);
}

/* The file was read long after the tasks once: what they used in between is not counted twice when the container is gone. */
static void test_dead_after_late_reading(void **state)
{
	struct model *m = model_new();
	struct scene s;
	struct sample_cgroup *c;

	(void)state;
	scene_init(&s);
	c = scene_cgroup(&s, 10, 1, "/docker/x", HOME_CONTAINER, "late");
	c->files.cpu_usage_ns = 1010;
	scene_process(&s, 7, 10, "app", 1000);
	update(m, &s);
	scene_tick(&s, 1);
	c->files.cpu_usage_ns = 2700;
	s.threads[0].used.exec_ns = 2000;
	assert_true(scene_row(update(m, &s), "/docker/x")->v[CONTAINER_CPU_USAGE] == 2700);
	scene_tick(&s, 1);
	s.sample.n_threads = 0;
	scene_gone(s.final, &s.sample.n_gone_final, 10, "app", 2900, 1);
	memset(&c->files, 0xff, sizeof(c->files));
	c->alive = false;
	assert_true(scene_row(update(m, &s), "/docker/x")->v[CONTAINER_CPU_USAGE] == 2910);
	model_free(m);
}

/* The wall clock is set back by an hour: nothing is divided by it, and no rate or total notices. */
static void test_clock_set_back(void **state)
{
	struct model *m = model_new();
	const struct container_row *row;
	const struct snapshot *p;
	struct scene s;

	(void)state;
	scene_init(&s);
	scene_cgroup(&s, 10, 1, "/docker/x", HOME_CONTAINER, "web")->files.cpu_usage_ns = 1000;
	scene_process(&s, 7, 10, "app", 1000);
	update(m, &s);
	scene_tick(&s, 1);
	s.sample.wall_ns -= 3600000000000ULL;
	s.cgroups[0].files.cpu_usage_ns += 500000000;
	s.threads[0].used.exec_ns += 500000000;
	p = update(m, &s);
	row = scene_row(p, "/docker/x");
	assert_true(p->interval == 1);
	assert_true(fabs(row->v[CONTAINER_CPU_CORES] - 0.5) < 1e-9);
	assert_true(fabs(p->processes[0].v[PROCESS_CPU_CORES] - 0.5) < 1e-9);
	assert_true(row->v[CONTAINER_CPU_USAGE] == 500001000);
	/* A counter of 64 bits at its end, and one that went back: no rate below 0. */
	scene_tick(&s, 1);
	s.cgroups[0].files.cpu_usage_ns = 5;
	s.threads[0].used.exec_ns = 5;
	row = scene_row(update(m, &s), "/docker/x");
	assert_true(row->v[CONTAINER_CPU_CORES] >= 0);
	assert_true(row->v[CONTAINER_CPU_USAGE] == 500001000);
	model_free(m);
}

/* Its only process has left the list of tasks and is not in the gone table yet: the row stays, with what it had. */
/* Its main thread has ended in one cgroup, and what lives of it is in another, where a second process is. */
static void test_main_ended(void **state)
{
	struct model *m = model_new();
	const struct snapshot *p;
	struct ss_thread_record *r;
	struct scene s;

	(void)state;
	scene_init(&s);
	scene_cgroup(&s, 10, 1, "/old", HOME_CONTAINER, "old");
	scene_cgroup(&s, 11, 1, "/new", HOME_CONTAINER, "new");
	r = scene_process(&s, 7, 10, "app", 1000);
	r->flags |= SS_THREAD_ZOMBIE;
	r->state = 'Z';
	r->threads = 3;
	r->namespace_pid = 1;
	for (uint32_t tid = 8; tid <= 9; tid++) {
		r = scene_process(&s, tid, 11, "worker", 1000);
		r->flags &= ~(__u32)SS_THREAD_LEADER;
		r->tgid = 7;
		r->process_start_ns = s.threads[0].process_start_ns;
		r->state = tid == 9 ? 'R' : 'S';
	}
	p = update(m, &s);
	assert_int_equal(p->n_processes, 1);
	assert_int_equal(p->processes[0].state, 'R');
	assert_string_equal(p->containers[p->processes[0].container].cgroup, "/new");
	assert_true(value_absent(p->processes[0].v[PROCESS_RSS]));
	assert_true(scene_row(p, "/new")->init_ended && !scene_row(p, "/old")->init_ended);
	assert_true(scene_row(p, "/new")->v[CONTAINER_PROCESSES] == 1);
	assert_true(scene_row(p, "/new")->v[CONTAINER_THREADS] == 3);
	assert_true(scene_row(p, "/old")->v[CONTAINER_THREADS] == 0);
	for (size_t i = 0; i < p->n_groups; i++)
		if (p->groups[i].v[GROUP_PROCESSES] > 0)
			assert_true(value_absent(p->groups[i].v[GROUP_RSS]));
	/* Once nothing of it lives it is a zombie like any other, where it ended. */
	s.sample.n_threads = 1;
	s.threads[0].threads = 1;
	scene_tick(&s, 1);
	p = update(m, &s);
	assert_int_equal(p->processes[0].state, 'Z');
	assert_string_equal(p->containers[p->processes[0].container].cgroup, "/old");
	assert_false(scene_row(p, "/old")->init_ended);
	model_free(m);
}

static void test_between_lists(void **state)
{
	struct model *m = model_new();
	const struct container_row *row;
	struct scene s;

	(void)state;
	scene_init(&s);
	scene_cgroup(&s, 10, 1, "/batch", HOME_CGROUP, "/batch");
	scene_process(&s, 7, 10, "app", 1000);
	update(m, &s);
	scene_tick(&s, 1);
	s.sample.n_threads = 0;
	row = scene_row(update(m, &s), "/batch");
	assert_non_null(row);
	assert_true(row->v[CONTAINER_CPU_TASKS] == 1000);
	model_free(m);
}

static void test_dead(void **state)
{
	struct model *m = model_new();
	struct scene s;
	const struct snapshot *p;
	const struct container_row *row;
	struct sample_cgroup *c;

	(void)state;
	scene_init(&s);
	update(m, &s);
	/* Lived only between two samples. */
	scene_tick(&s, 1);
	c = scene_cgroup(&s, 10, 1, "/docker/x", HOME_CONTAINER, "flash");
	c->alive = false;
	c->counts = (struct ss_cgroup){
		.created_ns = s.sample.boot_ns - 500, .removed_ns = s.sample.boot_ns - 100, .forks = 3};
	scene_gone(s.open, &s.sample.n_gone_open, 10, "job", 12345, 3);
	row = scene_row(update(m, &s), "/docker/x");
	assert_non_null(row);
	assert_true(row->dead);
	assert_true(row->v[CONTAINER_CPU_USAGE] == 12345);
	assert_true(row->v[CONTAINER_FORKS] == 3);

	/* Stays 30 s, and for as long as it was not delivered. */
	s.sample.n_gone_open = 0;
	scene_gone(s.final, &s.sample.n_gone_final, 10, "job", 12345, 3);
	scene_tick(&s, 29);
	assert_non_null(scene_row(update(m, &s), "/docker/x"));
	s.sample.n_gone_final = 0;
	model_keep_unpublished(m, true);
	scene_tick(&s, 100);
	assert_non_null(scene_row(update(m, &s), "/docker/x"));
	model_published(m);
	scene_tick(&s, 1);
	p = update(m, &s);
	assert_null(scene_row(p, "/docker/x"));
	assert_true(p->v[HOST_CPU_TASKS] == 12345); /* what it used stays used */
	model_free(m);
}

static void test_names_bounded(void **state)
{
	struct model *m = model_new();
	struct scene s;
	const struct snapshot *p;
	size_t n = 0;
	char comm[16];

	(void)state;
	scene_init(&s);
	scene_cgroup(&s, 10, 1, "/docker/x", HOME_CONTAINER, "web");
	for (int i = 0; i < 300; i++) {
		snprintf(comm, sizeof(comm), "c%d", i);
		scene_gone(s.final, &s.sample.n_gone_final, 10, comm, 10, 1);
	}
	p = update(m, &s);
	for (size_t i = 0; i < p->n_groups; i++)
		n += strcmp(p->containers[p->groups[i].container].cgroup, "/docker/x") == 0;
	assert_int_equal(n, GROUPS_PER_HOME + 1);
	assert_true(group_value(p, "/docker/x", SS_COMM_OTHER) == (300 - GROUPS_PER_HOME) * 10);
	assert_true(scene_row(p, "/docker/x")->v[CONTAINER_CPU_TASKS] == 3000);
	model_free(m);
}

static void test_unknown(void **state)
{
	struct model *m = model_new();
	struct scene s;
	const struct snapshot *p;
	const struct container_row *row;

	(void)state;
	scene_init(&s);
	s.sample.collectors[2].ok = false; /* lifecycle */
	scene_cgroup(&s, 10, 1, "/docker/x", HOME_CONTAINER, "web")->files.memory_limit = SS_UNLIMITED;
	s.cgroups[0].files.memory_usage = 4096;
	scene_cgroup(&s, 11, 1, "/slice", HOME_CGROUP, "/slice"); /* holds only other cgroups */
	scene_process(&s, 7, 10, "app", 1);
	scene_process(&s, 2, SS_CGROUP_KERNEL, "kworker", 1)->flags |= SS_THREAD_KERNEL;
	p = update(m, &s);
	assert_null(scene_row(p, "/slice"));
	row = scene_row(p, "/docker/x");
	assert_true(value_absent(row->v[CONTAINER_FORKS]));
	assert_true(value_absent(row->v[CONTAINER_CPU_LIMIT]));
	assert_true(value_absent(row->v[CONTAINER_PERIODS]));
	assert_true(value_absent(row->v[CONTAINER_MEMORY_LIMIT]));
	assert_true(row->v[CONTAINER_SPEC_MEMORY_LIMIT] == 0);
	assert_true(value_absent(row->v[CONTAINER_MEMORY_WORKING_SET]));
	assert_true(value_absent(row->v[CONTAINER_RUNQ_WAIT]));
	assert_true(value_absent(p->v[HOST_ATTRIBUTED]));
	assert_string_equal(scene_row(p, "")->kind, "kernel");

	/* Backfilled name: the row is renamed, its totals go on. */
	scene_tick(&s, 1);
	s.who[0].name = "better";
	s.who[0].generation = 2;
	s.threads[0].used.exec_ns = 200000000;
	s.sample.host.cpu_busy_ns += 190000000; /* ticks, which the share does not use */
	s.sample.run_queues.ns += 250000000;
	p = update(m, &s);
	row = scene_row(p, "/docker/x");
	assert_string_equal(row->name, "better");
	assert_true(row->v[CONTAINER_CPU_TASKS] == 200000000);
	assert_true(fabs(p->v[HOST_ATTRIBUTED] - 199999999.0 / 250000000) < 1e-9);
	assert_null(p->attributed_reason);
	model_free(m);
}

/* The run queues' clocks are the second source; where they are not comparable, the reason is said. */
static void test_attributed(void **state)
{
	struct model *m = model_new();
	const struct snapshot *p;
	struct scene s;

	(void)state;
	scene_init(&s);
	scene_process(&s, 7, 1, "app", 1000000000);
	s.sample.run_queues = (struct sample_run_queues){.ns = 5000000000, .cpus = 3};
	p = update(m, &s);
	assert_true(value_absent(p->v[HOST_ATTRIBUTED]) && p->v[HOST_CPU_RUN] == 5e9);
	assert_string_equal(p->attributed_reason, "this is the first sample");

	scene_tick(&s, 1);
	s.threads[0].used.exec_ns += 990000000;
	s.sample.run_queues.ns += 1000000000;
	p = update(m, &s);
	assert_true(fabs(p->v[HOST_ATTRIBUTED] - 0.99) < 1e-9 && !p->attributed_reason);
	assert_true(p->v[HOST_CPU_RUN] == 6e9);

	scene_tick(&s, 1);
	s.sample.run_queues.ns += 99000000;
	p = update(m, &s);
	assert_true(value_absent(p->v[HOST_ATTRIBUTED]));
	assert_string_equal(p->attributed_reason, "the CPUs were busy for less than 0.1 s");

	/* One CPU less: the sum falls, the counter does not. */
	scene_tick(&s, 1);
	s.sample.run_queues = (struct sample_run_queues){.ns = 2000000000, .cpus = 1};
	p = update(m, &s);
	assert_true(value_absent(p->v[HOST_ATTRIBUTED]) && p->v[HOST_CPU_RUN] == 6.099e9);
	assert_string_equal(p->attributed_reason, "a CPU came or went");
	scene_tick(&s, 1);
	s.threads[0].used.exec_ns += 500000000;
	s.sample.run_queues.ns += 500000000;
	p = update(m, &s);
	assert_true(p->v[HOST_ATTRIBUTED] == 1 && p->v[HOST_CPU_RUN] == 6.599e9);

	scene_tick(&s, 1);
	s.sample.run_queues.ns = SS_UNKNOWN;
	p = update(m, &s);
	assert_true(value_absent(p->v[HOST_ATTRIBUTED]) && value_absent(p->v[HOST_CPU_RUN]));
	assert_non_null(strstr(p->attributed_reason, "/proc/schedstat"));
	model_free(m);
}

/* The kernel half says what a process is called where its main thread's name says less; its threads count there, too. */
static void test_program_names(void **state)
{
	char node[SS_COMM_LEN] = "node", runc[SS_COMM_LEN] = "runc";
	static const char *const comms[] = {"bash", "node", "sshd", "runc"};
	const struct snapshot *p;
	struct model *m = model_new();
	struct scene s;

	(void)state;
	scene_init(&s);
	scene_cgroup(&s, 1, 0, "/", HOME_HOST, "host");
	scene_process(&s, 7, 1, "bash", 1);
	scene_process(&s, 8, 1, "MainThread", 2);
	scene_process(&s, 9, 1, "sshd", 3);
	scene_process(&s, 10, 1, "exe", 4);
	scene_process(&s, 11, 1, "V8Worker", 5)->tgid = 8;
	s.threads[4].process_start_ns = s.threads[1].process_start_ns;
	s.threads[4].flags &= ~(uint32_t)SS_THREAD_LEADER;
	s.told[1].name = node;
	s.told[3].name = runc;
	assert_int_equal(model_update(m, &s.sample), 0);
	p = model_snapshot(m);
	assert_int_equal(p->n_processes, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(p->processes[i].comm, comms[i]);
		assert_string_equal(p->processes[i].thread, s.threads[i].comm);
		for (size_t g = 0; g < p->n_groups; g++)
			if (strcmp(p->groups[g].comm, comms[i]) == 0)
				assert_true(p->groups[g].v[GROUP_CPU_USAGE] == (i == 1 ? 7 : (double)i + 1));
	}
	assert_int_equal(p->n_groups, 4);
	model_free(m);
}

/* A container that is replaced under its name: its own row comes after that of the one that lives. */
static void test_living_before_dead(void **state)
{
	struct model *m = model_new();
	const struct snapshot *p;
	struct sample_cgroup *old;
	size_t webs = 0, groups = 0;
	struct scene s;

	(void)state;
	scene_init(&s);
	old = scene_cgroup(&s, 10, 1, "/docker/old", HOME_CONTAINER, "web");
	scene_process(&s, 100, 10, "server", 500);
	update(m, &s);
	scene_tick(&s, 1);
	old->alive = false;
	s.sample.n_threads = 0;
	scene_gone(s.open, &s.sample.n_gone_open, 10, "server", 600, 1);
	scene_cgroup(&s, 11, 1, "/docker/new", HOME_CONTAINER, "web");
	scene_process(&s, 101, 11, "server", 50);
	p = update(m, &s);
	for (size_t i = 0; i < p->n_containers; i++)
		if (strcmp(p->containers[i].name, "web") == 0)
			assert_string_equal(p->containers[i].cgroup, webs++ ? "/docker/old" : "/docker/new");
	assert_int_equal(webs, 2);
	for (size_t i = 0; i < p->n_groups; i++)
		if (strcmp(p->groups[i].comm, "server") == 0)
			assert_string_equal(p->containers[p->groups[i].container].cgroup,
					    groups++ ? "/docker/old" : "/docker/new");
	assert_int_equal(groups, 2);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simulation),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_attributed),
		cmocka_unit_test(test_living_before_dead),
		cmocka_unit_test(test_program_names),
		cmocka_unit_test(test_dead),
		cmocka_unit_test(test_names_bounded),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_dead_after_late_reading),
		cmocka_unit_test(test_main_ended),
		cmocka_unit_test(test_between_lists),
		cmocka_unit_test(test_clock_set_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
