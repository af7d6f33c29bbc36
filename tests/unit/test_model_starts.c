/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_model_starts.c - phases of containers' starts, and the histograms of them, from samples made by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/model_scene.h"

static struct scene scene;

#define MS 1000000ULL

/* A container made at the moment of the sample, less 10 s. */
static struct sample_cgroup *container(uint64_t id, const char *path, const char *name)
{
	struct sample_cgroup *c = scene_cgroup(&scene, id, 1, path, HOME_CONTAINER, name);

	scene_collector(&scene, "births");
	c->counts.created_ns = scene.sample.boot_ns - 10000 * MS;
	c->counts.flags = SS_CGROUP_SEEN_CREATED | SS_CGROUP_STARTING;
	return c;
}

/* The step, so long after the cgroup was made and with so much CPU time by then. */
static void step(struct sample_cgroup *c, enum ss_start_step s, uint64_t ns, uint64_t cpu_ns)
{
	c->counts.start.step_ns[s] = c->counts.created_ns + ns;
	c->counts.start.cpu_ns[s] = cpu_ns;
	if (s == SS_START_ISOLATED)
		c->counts.start.init = 77;
}

static void ready(struct sample_cgroup *c, enum ss_start_ready by, uint64_t ns, uint64_t cpu_ns)
{
	step(c, SS_START_READY, ns, cpu_ns);
	c->counts.start.ready_by = by;
	c->counts.flags &= ~(uint32_t)SS_CGROUP_STARTING;
}

static const struct snapshot *update(struct model *m)
{
	scene_tick(&scene, 1);
	assert_int_equal(model_update(m, &scene.sample), 0);
	return model_snapshot(m);
}

static void begin(struct model **m, const struct sample_cgroup **host)
{
	*m = model_new();
	assert_non_null(*m);
	scene_init(&scene);
	scene_collector(&scene, "sched");
	*host = scene_cgroup(&scene, 1, 0, "/", HOME_HOST, "host");
}

static const struct start_row *one(const struct snapshot *s)
{
	assert_int_equal(s->n_births, 1);
	return &s->births[0];
}

static void test_phases(void **state)
{
	const struct sample_cgroup *host;
	const struct start_row *b;
	struct sample_cgroup *c;
	struct model *m;

	(void)state;
	begin(&m, &host);
	c = container(10, "/docker/a", "web");
	b = one(update(m));
	assert_string_equal(b->container, "web");
	assert_string_equal(b->state, "starting");
	assert_true(value_absent(b->seconds[0]) && value_absent(b->total_seconds));
	step(c, SS_START_ENTERED, 3 * MS, 0);
	step(c, SS_START_ISOLATED, 10 * MS, 2 * MS);
	b = one(update(m));
	assert_true(b->seconds[0] == 0.003 && b->seconds[1] == 0.007);
	assert_true(b->cpu_seconds[0] == 0 && b->cpu_seconds[1] == 0.002);
	assert_true(value_absent(b->seconds[2]));
	step(c, SS_START_EXECUTED, 50 * MS, 30 * MS);
	ready(c, SS_READY_LISTEN, 150 * MS, 90 * MS);
	b = one(update(m));
	assert_true(b->seconds[2] == 0.04 && b->seconds[3] == 0.1 && b->total_seconds == 0.15);
	assert_true(b->cpu_seconds[2] == 0.028 && b->cpu_seconds[3] == 0.06 && b->total_cpu_seconds == 0.09);
	assert_string_equal(b->state, "ready");
	assert_string_equal(b->ready_by, "listen");
	/* The scene's wall clock at boot, and 10 s before the first sample. */
	assert_true(b->time == 1700000000.0 + 990.0);
	/* A name that comes late. */
	scene.who[1].name = "web-renamed";
	scene.who[1].generation = 2;
	assert_string_equal(one(update(m))->container, "web-renamed");
	model_free(m);
}

/* What was not noted belongs to the next phase: nothing is lost between two of them. */
static void test_gaps(void **state)
{
	const struct sample_cgroup *host;
	const struct start_row *b;
	struct sample_cgroup *c;
	struct model *m;

	(void)state;
	begin(&m, &host);
	c = container(10, "/docker/a", "hostpid");
	step(c, SS_START_ENTERED, 3 * MS, 0);
	step(c, SS_START_EXECUTED, 50 * MS, 30 * MS);
	ready(c, SS_READY_EPOLL, 60 * MS, 31 * MS);
	b = one(update(m));
	assert_true(value_absent(b->seconds[1]) && value_absent(b->cpu_seconds[1]));
	assert_true(b->seconds[2] == 0.047 && b->seconds[3] == 0.01);
	assert_string_equal(b->ready_by, "epoll");
	/* Without the scheduler's hooks nobody knows the CPU time. */
	for (size_t i = 0; i < scene.sample.n_collectors; i++)
		if (strcmp(scene.sample.collectors[i].name, "sched") == 0)
			scene.sample.collectors[i].ok = false;
	b = one(update(m));
	assert_true(b->seconds[3] == 0.01 && value_absent(b->cpu_seconds[3]) && value_absent(b->total_cpu_seconds));
	model_free(m);
}

static void main_end(struct sample_cgroup *c, enum ss_end how, uint32_t status)
{
	c->counts.main.ends[how]++;
	c->counts.main.status = status;
	memcpy(c->counts.main.comm, "app-of-16-chars!", SS_COMM_LEN);
}

/* In its own cgroup or in one below; a later incarnation's end is the last one, and the counts go on. */
static void test_ends(void **state)
{
	const struct sample_cgroup *host;
	const struct container_row *row;
	const struct snapshot *s;
	struct sample_cgroup *c;
	struct model *m;

	(void)state;
	begin(&m, &host);
	scene_collector(&scene, "lifecycle");
	c = container(10, "/docker/a", "web");
	s = update(m);
	assert_true(value_absent(one(s)->exit_status) && value_absent(one(s)->exit_signal) && !one(s)->exit_comm[0]);
	assert_true(value_absent(scene_row(s, "/docker/a")->v[CONTAINER_MAIN_SUCCESS]));
	main_end(c, SS_END_FAILURE, 3 << 8);
	/* Where the kernel half cannot note it, 0 would be a lie. */
	scene.sample.ends_unseen = true;
	assert_true(value_absent(scene_row(update(m), "/docker/a")->v[CONTAINER_MAIN_SUCCESS]));
	scene.sample.ends_unseen = false;
	s = update(m);
	assert_true(one(s)->exit_status == 3 && value_absent(one(s)->exit_signal));
	assert_string_equal(one(s)->exit_comm, "app-of-16-chars!");
	row = scene_row(s, "/docker/a");
	assert_true(row->v[CONTAINER_MAIN_FAILURE] == 1 && row->v[CONTAINER_MAIN_SUCCESS] == 0);
	assert_true(row->v[CONTAINER_LAST_STATUS] == 3 && value_absent(row->v[CONTAINER_LAST_SIGNAL]));
	c->alive = false;
	c = container(20, "/docker/a", "web");
	c->counts.created_ns += 5000 * MS;
	c = scene_cgroup(&scene, 21, 20, "/docker/a", HOME_CONTAINER, "web");
	c->home_root = false;
	main_end(c, SS_END_SIGNAL, 0x8b);
	s = update(m);
	assert_int_equal(s->n_births, 2);
	assert_true(s->births[0].exit_status == 3 && s->births[1].exit_signal == 11);
	row = scene_row(s, "/docker/a");
	assert_true(row->v[CONTAINER_MAIN_FAILURE] == 1 && row->v[CONTAINER_MAIN_SIGNAL] == 1);
	assert_true(value_absent(row->v[CONTAINER_LAST_STATUS]) && row->v[CONTAINER_LAST_SIGNAL] == 11);
	model_free(m);
}

static void test_states(void **state)
{
	const struct sample_cgroup *host;
	struct sample_cgroup *c;
	struct model *m;

	(void)state;
	begin(&m, &host);
	c = container(10, "/docker/a", "job");
	step(c, SS_START_ENTERED, 3 * MS, 0);
	assert_string_equal(one(update(m))->state, "starting");
	c->counts.flags &= ~(uint32_t)SS_CGROUP_STARTING;
	assert_string_equal(one(update(m))->state, "unready");
	c->counts.removed_ns = scene.sample.boot_ns;
	c->alive = false;
	assert_string_equal(one(update(m))->state, "ended");
	/* The sampler forgets it, and so does the model, but for its start. */
	scene.sample.n_cgroups = 1;
	assert_string_equal(one(update(m))->state, "ended");
	assert_string_equal(one(update(m))->container, "job");
	model_free(m);
}

/* Who was there before, who is no container, and everybody when the collector is off. */
static void test_others(void **state)
{
	const struct sample_cgroup *host;
	const struct snapshot *s;
	struct sample_cgroup *c;
	struct model *m;

	(void)state;
	begin(&m, &host);
	container(10, "/docker/a", "old")->counts.flags = 0;
	c = container(11, "/system.slice/x.service", "x.service");
	scene.who[2].kind = HOME_SERVICE;
	step(c, SS_START_ENTERED, MS, 0);
	s = update(m);
	assert_int_equal(s->n_births, 0);
	assert_true(s->v[HOST_START_CREATE_COUNT] == 0);
	for (size_t i = 0; i < scene.sample.n_collectors; i++)
		if (strcmp(scene.sample.collectors[i].name, "births") == 0)
			scene.sample.collectors[i].ok = false;
	scene.who[2].kind = HOME_CONTAINER;
	scene.who[2].generation++;
	s = update(m);
	assert_int_equal(s->n_births, 0);
	assert_true(value_absent(s->v[HOST_START_CREATE_COUNT]));
	model_free(m);
}

static void test_histogram(void **state)
{
	/* On a bound, a nanosecond above it, above all. */
	static const struct {
		uint64_t ns;
		int bucket; /* the first that holds it */
	} cases[] = {
		{0, HOST_START_CREATE_1MS},
		{1 * MS, HOST_START_CREATE_1MS},
		{1 * MS + 1, HOST_START_CREATE_5MS},
		{2500 * MS, HOST_START_CREATE_2500MS},
		{2500 * MS + 1, HOST_START_CREATE_5S},
		{60000 * MS, HOST_START_CREATE_60S},
		{60000 * MS + 1, HOST_START_CREATE_INF},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct sample_cgroup *host;
		const struct snapshot *s;
		struct model *m;

		begin(&m, &host);
		step(container(10, "/docker/a", "web"), SS_START_ENTERED, cases[i].ns, 0);
		/* Once, however often it is seen. */
		update(m);
		s = update(m);
		for (int b = HOST_START_CREATE_1MS; b <= HOST_START_CREATE_INF; b++)
			assert_true(s->v[b] == (b >= cases[i].bucket));
		assert_true(s->v[HOST_START_CREATE_SUM] == (double)cases[i].ns);
		assert_true(s->v[HOST_START_CREATE_COUNT] == 1);
		assert_true(s->v[HOST_START_SETUP_COUNT] == 0 && s->v[HOST_START_TOTAL_COUNT] == 0);
		model_free(m);
	}
}

/* While a helper's exec may still be taken for the application's, it is not counted. */
static void test_helper(void **state)
{
	const struct sample_cgroup *host;
	const struct snapshot *s;
	struct sample_cgroup *c;
	struct model *m;

	(void)state;
	begin(&m, &host);
	c = container(10, "/docker/a", "web");
	step(c, SS_START_ENTERED, MS, 0);
	step(c, SS_START_EXECUTED, 2 * MS, 0);
	assert_true(update(m)->v[HOST_START_INIT_COUNT] == 0);
	step(c, SS_START_ISOLATED, 3 * MS, 0);
	c->counts.start.step_ns[SS_START_EXECUTED] = 0;
	assert_true(update(m)->v[HOST_START_INIT_COUNT] == 0);
	step(c, SS_START_EXECUTED, 9 * MS, 0);
	s = update(m);
	assert_true(s->v[HOST_START_INIT_COUNT] == 1 && s->v[HOST_START_INIT_SUM] == 6e6);
	model_free(m);
}

/* More than are kept: the last ones are there, in their order, and all are counted. */
static void test_many(void **state)
{
	const struct sample_cgroup *host;
	const struct snapshot *s = NULL;
	struct model *m;

	(void)state;
	begin(&m, &host);
	for (uint64_t i = 0; i < 250; i++) {
		char path[32];
		struct sample_cgroup *c;

		snprintf(path, sizeof(path), "/docker/%llu", (unsigned long long)i);
		scene.sample.n_cgroups = 1;
		c = container(100 + i, path, path + 8);
		step(c, SS_START_ENTERED, MS, 0);
		step(c, SS_START_ISOLATED, MS, 0);
		step(c, SS_START_EXECUTED, 2 * MS, 0);
		ready(c, SS_READY_ACCEPT, 3 * MS, 0);
		c->alive = false;
		s = update(m);
	}
	assert_int_equal(s->n_births, 100);
	assert_string_equal(s->births[99].container, "249");
	assert_string_equal(s->births[0].container, "150");
	assert_true(s->v[HOST_START_TOTAL_COUNT] == 250 && s->v[HOST_START_TOTAL_SUM] == 250 * 3e6);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_phases), cmocka_unit_test(test_gaps),   cmocka_unit_test(test_ends),
		cmocka_unit_test(test_states), cmocka_unit_test(test_others), cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_helper), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
