/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_model_names.c - the names of a home's processes: which of them have a row of their own, and that no time is lost or
 * counted twice while names come and go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/model_scene.h"
#include "homes/groups.h"

#define HOME "/docker/ci"

struct world {
	struct scene scene;
	struct model *model;
};

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	scene_init(&w->scene);
	scene_cgroup(&w->scene, 10, 1, HOME, HOME_CONTAINER, "ci");
	w->model = model_new();
	model_keep_unpublished(w->model, true);
	return w;
}

static void world_free(struct world *w)
{
	model_free(w->model);
	free(w);
}

/* A sample a second after the last one, without processes and ended threads so far. */
static void next_sample(struct world *w)
{
	scene_tick(&w->scene, 1);
	w->scene.sample.n_threads = w->scene.sample.n_gone_final = w->scene.sample.n_gone_open = 0;
}

static const struct snapshot *scrape(struct world *w)
{
	assert_int_equal(model_update(w->model, &w->scene.sample), 0);
	model_published(w->model);
	return model_snapshot(w->model);
}

static const struct group_row *named(const struct snapshot *s, const char *cgroup, const char *comm)
{
	for (size_t i = 0; i < s->n_groups; i++)
		if (strcmp(s->containers[s->groups[i].container].cgroup, cgroup) == 0 &&
		    strcmp(s->groups[i].comm, comm) == 0)
			return &s->groups[i];
	return NULL;
}

static void numbered(struct world *w, int n)
{
	char comm[16];

	for (int i = 0; i < n; i++) {
		snprintf(comm, sizeof(comm), "job%d", i);
		scene_process(&w->scene, 100 + (uint32_t)i, 10, comm, 10);
	}
}

/* On a machine that builds, each step has another name: the program that runs now has its own row all the same. */
static void test_gone_names_make_room(void **state)
{
	struct world *w = world_new();
	const struct group_row *burn;
	const struct snapshot *s;

	(void)state;
	next_sample(w);
	numbered(w, GROUPS_PER_HOME);
	s = scrape(w);
	assert_null(named(s, HOME, SS_COMM_OTHER));
	assert_int_equal(s->names_folded, 0);
	/* They end: what they used last is still to be delivered. */
	next_sample(w);
	for (int i = 0; i < GROUPS_PER_HOME; i++) {
		char comm[16];

		snprintf(comm, sizeof(comm), "job%d", i);
		scene_gone(w->scene.final, &w->scene.sample.n_gone_final, 10, comm, 11, 1);
	}
	scene_process(&w->scene, 999, 10, "burn", 500);
	s = scrape(w);
	assert_null(named(s, HOME, "burn"));
	assert_true(named(s, HOME, SS_COMM_OTHER)->v[GROUP_CPU_USAGE] == 500);
	assert_true(named(s, HOME, SS_COMM_OTHER)->v[GROUP_PROCESSES] == 1);
	assert_true(named(s, HOME, "job7")->v[GROUP_CPU_USAGE] == 11);
	assert_int_equal(s->names_folded, 1);
	/* Delivered: it gets a row, which starts at 0, since what it used before is in `~other`. */
	for (int i = 0; i < 2; i++) {
		next_sample(w);
		scene_process(&w->scene, 999, 10, "burn", 700);
		s = scrape(w);
	}
	assert_non_null(burn = named(s, HOME, "burn"));
	next_sample(w);
	scene_process(&w->scene, 999, 10, "burn", 1000);
	s = scrape(w);
	burn = named(s, HOME, "burn");
	assert_true(burn->v[GROUP_CPU_USAGE] == 300);
	assert_true(burn->v[GROUP_PROCESSES] == 1);
	assert_true(named(s, HOME, SS_COMM_OTHER)->v[GROUP_CPU_USAGE] == 700);
	assert_true(scene_row(s, HOME)->v[CONTAINER_CPU_TASKS] == 11 * GROUPS_PER_HOME + 1000);
	/* It ends, and the gone table has all of it. */
	next_sample(w);
	scene_gone(w->scene.final, &w->scene.sample.n_gone_final, 10, "burn", 1100, 1);
	s = scrape(w);
	assert_true(named(s, HOME, "burn")->v[GROUP_CPU_USAGE] == 400);
	assert_true(scene_row(s, HOME)->v[CONTAINER_CPU_TASKS] == 11 * GROUPS_PER_HOME + 1100);
	world_free(w);
}

/* Nobody has fetched what they used last: they stay, and the new one is folded and counted at each sample. */
static void test_undelivered_stay(void **state)
{
	struct world *w = world_new();
	const struct snapshot *s = NULL;

	(void)state;
	next_sample(w);
	numbered(w, GROUPS_PER_HOME);
	scrape(w);
	for (int i = 0; i < 5; i++) {
		next_sample(w);
		scene_tick(&w->scene, 60);
		scene_process(&w->scene, 999, 10, "burn", 500);
		/* The last sample with processes was delivered, the first one without them was not. */
		if (i == 0)
			scene_gone(w->scene.final, &w->scene.sample.n_gone_final, 10, "job7", 12, 1);
		assert_int_equal(model_update(w->model, &w->scene.sample), 0);
		s = model_snapshot(w->model);
	}
	assert_true(named(s, HOME, "job7")->v[GROUP_CPU_USAGE] == 12);
	assert_non_null(named(s, HOME, "burn")); /* others had nothing left to deliver */
	assert_int_equal(s->names_folded, 1);
	world_free(w);
}

/* Living names do not make room, however long they sleep. */
static void test_living_stay(void **state)
{
	struct world *w = world_new();
	const struct snapshot *s = NULL;

	(void)state;
	for (int i = 0; i < 50; i++) {
		next_sample(w);
		numbered(w, GROUPS_PER_HOME);
		scene_process(&w->scene, 997, 10, "idle", 1);
		scene_process(&w->scene, 999, 10, "burn", (uint64_t)i * 1000);
		s = scrape(w);
		assert_null(named(s, HOME, "burn"));
	}
	assert_true(named(s, HOME, SS_COMM_OTHER)->v[GROUP_CPU_USAGE] == 49001);
	assert_true(named(s, HOME, SS_COMM_OTHER)->v[GROUP_PROCESSES] == 2);
	assert_int_equal(s->names_folded, 100);
	/* One place: who has used most takes it. */
	for (int i = 0; i < 4; i++) {
		next_sample(w);
		numbered(w, GROUPS_PER_HOME - 1);
		scene_process(&w->scene, 997, 10, "idle", 1);
		scene_process(&w->scene, 999, 10, "burn", 50000);
		s = scrape(w);
	}
	assert_non_null(named(s, HOME, "burn"));
	assert_null(named(s, HOME, "idle"));
	world_free(w);
}

/* One place, for one that has ended and has used most, and for one that has just begun: the living takes it. */
static void test_living_first(void **state)
{
	struct world *w = world_new();
	const struct snapshot *s = NULL;

	(void)state;
	for (int i = 0; i < 3; i++) {
		next_sample(w);
		numbered(w, GROUPS_PER_HOME - 1);
		if (i == 0)
			scene_process(&w->scene, 990, 10, "short", 1);
		scrape(w);
	}
	next_sample(w);
	numbered(w, GROUPS_PER_HOME - 1);
	scene_gone(w->scene.final, &w->scene.sample.n_gone_final, 10, "ended", 90000, 1);
	scene_process(&w->scene, 999, 10, "burn", 5);
	s = scrape(w);
	assert_true(named(s, HOME, "burn")->v[GROUP_CPU_USAGE] == 5);
	assert_null(named(s, HOME, "ended"));
	assert_true(named(s, HOME, SS_COMM_OTHER)->v[GROUP_CPU_USAGE] == 90000);
	world_free(w);
}

static void test_kernel_kinds(void **state)
{
	static const struct {
		const char *comm, *kind;
	} cases[] = {
		{"kworker/0:1H", "kworker"},
		{"kworker/u8:3", "kworker"},
		{"kworker/R-rcu_g", "kworker"},
		{"ksoftirqd/15", "ksoftirqd"},
		{"kswapd0", "kswapd"},
		{"kcompactd1", "kcompactd"},
		{"jbd2/vda1-8", "jbd2"},
		{"scsi_eh_3", "scsi_eh"},
		{"rcu_tasks_rude_", "rcu_tasks_rude_"},
		{"irq/24-nvme0q1", "irq"},
		{"kthreadd", "kthreadd"},
		{"vhost-4711", "vhost"},
		{"1234", "1234"},
		{"/odd", "/odd"},
		{"migration/63", "migration"},
		{"rcuop/7", "rcuop"},
		{"ext4-rsv-conver", "ext4-rsv-conver"},
		{"a-0123456789abc", "a-0123456789abc"},
		{"0123456789abcde0", "0123456789abcde"},
	};
	struct world *w = world_new();
	const struct snapshot *s;

	(void)state;
	next_sample(w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(w->scene.threads[w->scene.sample.n_threads].comm, 0, SS_COMM_LEN);
		memcpy(scene_process(&w->scene, 2 + (uint32_t)i, SS_CGROUP_KERNEL, "", 1)->comm, cases[i].comm,
		       strnlen(cases[i].comm, SS_COMM_LEN));
	}
	scene_gone(w->scene.final, &w->scene.sample.n_gone_final, SS_CGROUP_KERNEL, "kworker/1:7", 30, 1);
	/* A process of a user has the name that it chose. */
	scene_process(&w->scene, 900, 10, "kworker/0:1", 5);
	s = scrape(w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (!named(s, "", cases[i].kind))
			fail_msg("%s has no row %s", cases[i].comm, cases[i].kind);
	assert_true(named(s, "", "kworker")->v[GROUP_CPU_USAGE] == 33);
	assert_true(named(s, "", "kworker")->v[GROUP_PROCESSES] == 3);
	assert_true(named(s, HOME, "kworker/0:1")->v[GROUP_CPU_USAGE] == 5);
	world_free(w);
}

/* ---- names come and go at random; a Prometheus that sees every sample adds up what the rows grow by ---- */

#define TASKS  300
#define ROUNDS 400
#define NAMES  (TASKS * ROUNDS)

struct task {
	bool lives;
	int name;
	uint64_t used;
};

static struct task tasks[TASKS];
static int names_used = 1; /* 0 is `~other` */
static double last_seen[NAMES];

/* The name of another task, or one that was never there. */
static int name_pick(unsigned int *seed)
{
	const struct task *t = &tasks[rand_r(seed) % TASKS];

	return t->lives && rand_r(seed) % 3 == 0 ? t->name : names_used++;
}

/* What the rows have grown by since the last scrape. A row that was never there starts at 0. */
static double growth(const struct snapshot *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->n_groups; i++) {
		const struct group_row *g = &s->groups[i];
		int name = strcmp(g->comm, SS_COMM_OTHER) == 0 ? 0 : atoi(g->comm + 3);

		if (strcmp(s->containers[g->container].cgroup, HOME) != 0)
			continue;
		sum += g->v[GROUP_CPU_USAGE] - last_seen[name];
		last_seen[name] = g->v[GROUP_CPU_USAGE];
	}
	return sum;
}

/* A second of one task. Busy times alternate with quiet ones, in which names go. */
static uint64_t task_step(struct world *w, struct task *t, uint32_t pid, bool quiet, unsigned int *seed)
{
	uint64_t ns = (uint64_t)rand_r(seed) % 1000 + 1;
	struct sample *sample = &w->scene.sample;
	char comm[16];

	if (!t->lives && rand_r(seed) % (quiet ? 400 : 4) == 0)
		*t = (struct task){true, name_pick(seed), 0};
	if (!t->lives)
		return 0;
	snprintf(comm, sizeof(comm), "job%d", t->name);
	t->used += ns;
	t->lives = rand_r(seed) % 12 != 0;
	if (t->lives)
		scene_process(&w->scene, pid, 10, comm, t->used);
	else
		scene_gone(w->scene.final, &sample->n_gone_final, 10, comm, t->used, 1);
	return ns;
}

static void test_nothing_is_lost(void **state)
{
	struct world *w = world_new();
	double grown = 0, truth = 0;
	unsigned int seed = 3;
	int rounds_folded = 0;

	(void)state;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		const struct snapshot *s;

		next_sample(w);
		for (uint32_t i = 0; i < TASKS; i++)
			truth += (double)task_step(w, &tasks[i], round * 1000 + i + 1, round / 20 % 2, &seed);
		s = scrape(w);
		assert_true(scene_row(s, HOME)->v[CONTAINER_CPU_TASKS] == truth);
		grown += growth(s);
		if (grown != truth)
			fail_msg("round %u: the rows have grown by %.0f, used was %.0f", round, grown, truth);
		rounds_folded += named(s, HOME, SS_COMM_OTHER) != NULL;
	}
	assert_true(rounds_folded > ROUNDS / 4);
	assert_true(model_snapshot(w->model)->names_folded > 1000);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gone_names_make_room), cmocka_unit_test(test_undelivered_stay),
		cmocka_unit_test(test_living_stay),	     cmocka_unit_test(test_living_first),
		cmocka_unit_test(test_kernel_kinds),	     cmocka_unit_test(test_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
