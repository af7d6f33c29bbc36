/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_model_rows.c - what the rows of homes say of their state, and of values that nobody knows any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exporters/prometheus/prometheus.h"
#include "base/text.h"
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
	s->sample.n_threads = s->sample.n_waits = s->sample.n_gone_final = s->sample.n_gone_open = 0;
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
	struct prometheus *prometheus = prometheus_new();
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_inhabited_by_others),
		cmocka_unit_test(test_empty_is_delivered),
		cmocka_unit_test(test_forgotten_are_no_series),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
