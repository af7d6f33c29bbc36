/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_model_rows.c - what the rows of homes say of their state, and of values that nobody knows any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exporters/prometheus/prometheus.h"
#include "base/text.h"
#include "base/util.h"
#include "lib/model_scene.h"

static const struct snapshot *update(struct model *m, struct scene *s)
{
	assert_int_equal(model_update(m, &s->sample), 0);
	return model_snapshot(m);
}

/* A second later, without processes and ended threads so far. */
static void next_sample(struct scene *s, double seconds)
{
	scene_tick(s, seconds);
	s->sample.n_threads = s->n_waits = s->sample.n_gone_final = s->sample.n_gone_open = 0;
}

static struct sample_cgroup *container(struct scene *s, uint64_t id, uint64_t parent, const char *path)
{
	struct sample_cgroup *c = scene_cgroup(s, id, parent, path, HOME_CONTAINER, path + 1);

	c->files.cpu_usage_ns = 700;
	c->files.cpu_user_ns = 700;
	c->files.cpu_system_ns = 0;
	c->files.memory_usage = 4096;
	return c;
}

static void assert_state(const struct snapshot *s, const char *cgroup, const char *state)
{
	const struct container_row *row = scene_row(s, cgroup);

	if (!state)
		assert_null(row);
	else
		assert_string_equal(row ? row->state : "not shown", state);
}

/* ---- cgroups without a process ---- */

static void test_empty(void **state)
{
	struct model *m = model_new();
	const struct snapshot *p;
	struct scene s;

	(void)state;
	scene_init(&s);
	container(&s, 10, 1, "/web");
	container(&s, 11, 1, "/left");
	scene_cgroup(&s, 12, 1, "/system.slice/done.service", HOME_SERVICE, "done.service");
	for (int i = 0; i < 40; i++) {
		next_sample(&s, 1);
		scene_process(&s, 7, 10, "app", 500);
		p = update(m, &s);
		assert_true(p->v[HOST_CONTAINERS] == 1);
		assert_state(p, "/web", "running");
		/* The first sample sees its CPU time as new, so it is idle from the second on. */
		assert_state(p, "/left", i <= 30 ? "empty" : NULL);
		assert_state(p, "/system.slice/done.service", i < 30 ? "empty" : NULL);
	}
	/* Its cgroup counts CPU time, of whatever that was: it is back, and its counter goes on. */
	next_sample(&s, 1);
	scene_process(&s, 7, 10, "app", 500);
	s.cgroups[1].files.cpu_usage_ns = 900;
	p = update(m, &s);
	assert_state(p, "/left", "empty");
	assert_true(scene_row(p, "/left")->v[CONTAINER_CPU_USAGE] == 900);
	assert_true(p->v[HOST_CONTAINERS] == 1);
	/* A process enters. */
	next_sample(&s, 1);
	scene_process(&s, 8, 11, "job", 100);
	p = update(m, &s);
	assert_state(p, "/left", "running");
	assert_state(p, "/web", "empty");
	assert_true(p->v[HOST_CONTAINERS] == 1);
	assert_true(p->v[HOST_CPU_TASKS] == 600);
	/* What an empty home used stays used when it is shown no more; at last it dies. */
	for (int i = 0; i < 40; i++) {
		next_sample(&s, 1);
		scene_process(&s, 8, 11, "job", 100);
		p = update(m, &s);
		assert_true(p->v[HOST_CPU_TASKS] == 600);
	}
	assert_state(p, "/web", NULL);
	s.cgroups[0].alive = false;
	memset(&s.cgroups[0].files, 0xff, sizeof(s.cgroups[0].files));
	next_sample(&s, 1);
	p = update(m, &s);
	assert_state(p, "/web", "dead");
	assert_true(p->v[HOST_CPU_TASKS] == 600);
	model_free(m);
}

/* A container whose processes are all in containers inside it is not empty. */
static void test_inhabited_by_others(void **state)
{
	struct model *m = model_new();
	const struct snapshot *p = NULL;
	struct scene s;

	(void)state;
	scene_init(&s);
	scene_cgroup(&s, 2, 1, "/machine", HOME_CGROUP, "/machine");
	container(&s, 10, 2, "/outer");
	scene_cgroup(&s, 11, 10, "/outer/pod", HOME_CGROUP, "/outer/pod");
	container(&s, 12, 11, "/inner");
	container(&s, 13, 2, "/left");
	for (int i = 0; i < 40; i++) {
		next_sample(&s, 1);
		scene_process(&s, 7, 12, "app", 500);
		p = update(m, &s);
	}
	assert_state(p, "/inner", "running");
	assert_state(p, "/outer", "running");
	assert_state(p, "/left", NULL);
	assert_true(p->v[HOST_CONTAINERS] == 2);
	/* The host has no process of its own, and is no container that was left. */
	assert_state(p, "/", "running");
	model_free(m);
}

/* With a scraper, what it used last is delivered before it vanishes. */
static void test_empty_is_delivered(void **state)
{
	struct model *m = model_new();
	struct scene s;

	(void)state;
	scene_init(&s);
	model_keep_unpublished(m, true);
	container(&s, 10, 1, "/web");
	scene_process(&s, 7, 10, "app", 500);
	update(m, &s);
	for (int i = 0; i < 5; i++) {
		next_sample(&s, 100);
		assert_state(update(m, &s), "/web", "empty");
	}
	model_published(m);
	next_sample(&s, 1);
	assert_state(update(m, &s), "/web", NULL);
	model_free(m);
}

/* Those that a runtime forgot: one container, and the scrape of one. */
static void test_forgotten_are_no_series(void **state)
{
	static char paths[60][40];
	struct prometheus *prometheus = prometheus_new(true);
	struct model *m = model_new();
	const struct snapshot *p = NULL;
	size_t with_them;
	struct buf text = {};
	struct scene s;

	(void)state;
	scene_init(&s);
	container(&s, 10, 1, "/web");
	for (uint64_t i = 0; i < 60; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/docker/%02d", (int)i);
		container(&s, 100 + i, 1, paths[i]);
	}
	for (int i = 0; i < 35; i++) {
		next_sample(&s, 1);
		scene_process(&s, 7, 10, "app", 500);
		p = update(m, &s);
		if (i > 2)
			continue;
		buf_reset(&text);
		assert_int_equal(prometheus_write(prometheus, &text, p, NULL), 0);
		with_them = text.len;
	}
	buf_reset(&text);
	assert_int_equal(prometheus_write(prometheus, &text, p, NULL), 0);
	assert_true(text.len * 5 < with_them);
	assert_null(strstr(text.data, "/docker/"));
	assert_non_null(strstr(text.data, "sysscope_containers 1\n"));
	buf_free(&text);
	prometheus_free(prometheus);
	model_free(m);
}

/* ---- the last row of the dead ---- */

/* What only a cgroup's files say is not known of a dead one: absent, not 0. What hooks and counters say is known. */
static void test_dead_of_quota(void **state)
{
	static const int unknown[] = {
		CONTAINER_THROTTLED_RATIO, CONTAINER_CPU_LIMIT,	  CONTAINER_MEMORY_LIMIT, CONTAINER_MEMORY_LIMIT_RATIO,
		CONTAINER_MEMORY_USAGE,	   CONTAINER_MEMORY_RSS,  CONTAINER_MEMORY_PEAK,  CONTAINER_MEMORY_WORKING_SET,
		CONTAINER_SPEC_QUOTA,	   CONTAINER_SPEC_PERIOD, CONTAINER_SPEC_SHARES,  CONTAINER_SPEC_MEMORY_LIMIT,
		CONTAINER_THREADS_LIMIT,
	};
	struct model *m = model_new();
	const struct container_row *row;
	struct sample_cgroup *c;
	struct ss_waits *w;
	struct scene s;

	(void)state;
	scene_init(&s);
	c = container(&s, 10, 1, "/web");
	c->files.memory_inactive_file = 1024;
	c->files.cpu_quota_us = 20000;
	c->files.cpu_period_us = 100000;
	for (uint64_t i = 1; i <= 2; i++) {
		next_sample(&s, 1);
		c->files.periods = 10 * i;
		c->files.throttled_periods = 9 * i;
		c->files.throttled_ns = i * 700000000;
		scene_process(&s, 7, 10, "app", i * 200000000);
		w = scene_waits(&s, SS_BLOCK_WAITS);
		w->preempted_wait_ns = w->throttled_ns = i * 700000000;
		row = scene_row(update(m, &s), "/web");
	}
	assert_true(fabs(row->v[CONTAINER_THROTTLED_RATIO] - 0.9) < 1e-9);
	next_sample(&s, 1);
	c->alive = false;
	memset(&c->files, 0xff, sizeof(c->files));
	scene_gone(s.final, &s.sample.n_gone_final, 10, "app", 500000000, 1);
	s.final[0].value.waits.preempted_wait_ns = s.final[0].value.waits.throttled_ns = 1700000000;
	row = scene_row(update(m, &s), "/web");
	assert_string_equal(row->state, "dead");
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		if (!value_absent(row->v[unknown[i]]))
			fail_msg("value %d of a dead row is %g", unknown[i], row->v[unknown[i]]);
	assert_false(container_capabilities_known(row));
	assert_true(row->v[CONTAINER_PERIODS] == 20 && row->v[CONTAINER_THROTTLED_PERIODS] == 18);
	assert_true(fabs(row->v[CONTAINER_THROTTLED_WAIT_RATIO] - 1.0 / 1.1 * 0.9) < 0.1);
	assert_true(row->v[CONTAINER_PROCESSES] == 0 && row->v[CONTAINER_THREADS] == 0);
	model_free(m);
}

/* Without the hooks, what it used last is unknown for the interval of its death, and nothing after that. */
static void test_dead_without_hooks(void **state)
{
	struct model *m = model_new();
	const struct container_row *row;
	struct sample_cgroup *c;
	struct scene s;

	(void)state;
	scene_init(&s);
	s.sample.collectors[2].ok = false; /* lifecycle */
	c = container(&s, 10, 1, "/web");
	scene_process(&s, 7, 10, "app", 500);
	update(m, &s);
	next_sample(&s, 1);
	c->alive = false;
	memset(&c->files, 0xff, sizeof(c->files));
	row = scene_row(update(m, &s), "/web");
	assert_true(value_absent(row->v[CONTAINER_CPU_CORES]) && value_absent(row->v[CONTAINER_RUNNING]));
	assert_true(value_absent(row->v[CONTAINER_WAIT_RATE]));
	assert_true(row->v[CONTAINER_CPU_USAGE] == 700);
	next_sample(&s, 1);
	row = scene_row(update(m, &s), "/web");
	assert_true(row->v[CONTAINER_CPU_CORES] == 0);
	model_free(m);
}

/* A cgroup of the cpu controller alone, as v1 allows: what its files say is known. */
static void test_only_cpu_files(void **state)
{
	struct model *m = model_new();
	const struct container_row *row;
	struct sample_cgroup *c;
	struct scene s;

	(void)state;
	scene_init(&s);
	c = scene_cgroup(&s, 10, 1, "/web", HOME_CONTAINER, "web");
	c->files.cpu_quota_us = SS_UNLIMITED;
	c->files.cpu_shares = 512;
	scene_process(&s, 7, 10, "app", 500);
	row = scene_row(update(m, &s), "/web");
	assert_true(row->v[CONTAINER_SPEC_SHARES] == 512);
	assert_true(row->v[CONTAINER_CPU_USAGE] == 500);
	scene_tick(&s, 1);
	c->files.cpu_quota_us = 50000;
	c->files.cpu_period_us = 100000;
	c->files.periods = 4;
	c->files.throttled_periods = 1;
	c->files.throttled_ns = 3;
	row = scene_row(update(m, &s), "/web");
	assert_true(row->v[CONTAINER_PERIODS] == 4 && row->v[CONTAINER_CPU_USAGE] == 500);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_inhabited_by_others),
		cmocka_unit_test(test_empty_is_delivered),
		cmocka_unit_test(test_forgotten_are_no_series),
		cmocka_unit_test(test_dead_of_quota),
		cmocka_unit_test(test_dead_without_hooks),
		cmocka_unit_test(test_only_cpu_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
