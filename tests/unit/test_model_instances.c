/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_model_instances.c - units that systemd makes for one connection each: one row and one series for all of them, the
 * living and the dead, and the units themselves in the detail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "exporters/prometheus/prometheus.h"
#include "exporters/views/views.h"
#include "lib/model_scene.h"

#define TEMPLATE "/system.slice/system-chk.slice/chk@.service"
#define UNITS	 40

static char paths[UNITS][80];

static const struct snapshot *update(struct model *m, struct scene *s)
{
	assert_int_equal(model_update(m, &s->sample), 0);
	return model_snapshot(m);
}

static struct sample_cgroup *unit(struct scene *s, int i)
{
	struct sample_cgroup *c = scene_cgroup(s, 10 + (uint64_t)i, 2, TEMPLATE, HOME_SERVICE, "chk@.service");

	s->who[s->sample.n_cgroups - 1].instances = true;
	snprintf(paths[i], sizeof(paths[i]), "/system.slice/system-chk.slice/chk@%d-10.0.0.1:6556-10.0.0.2:%d.service",
		 i, 50000 + i);
	c->path = paths[i];
	c->counts.created_ns = s->sample.boot_ns - 500000000;
	c->files.cpu_usage_ns = 100 + (uint64_t)i;
	c->files.cpu_user_ns = c->files.cpu_usage_ns;
	c->files.cpu_system_ns = 0;
	c->files.memory_usage = 4096;
	c->files.memory_limit = 1 << 20;
	c->files.cpu_quota_us = 50000;
	c->files.cpu_period_us = 100000;
	c->files.page_faults = 3;
	c->files.hugetlb[1] = 2 << 20;
	c->files.hugetlb_limit[1] = SS_UNLIMITED;
	return c;
}

static void units_end(struct scene *s)
{
	for (size_t i = 1; i < s->sample.n_cgroups; i++) {
		s->cgroups[i].alive = false;
		memset(&s->cgroups[i].files, 0xff, sizeof(s->cgroups[i].files));
	}
}

static size_t lines_with(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		n++;
	return n;
}

static void test_one_row(void **state)
{
	struct prometheus *prometheus = prometheus_new(true);
	struct model *m = model_new();
	const struct container_row *row;
	const struct snapshot *p;
	struct buf text = {};
	struct scene s;
	uint64_t sum = 0;

	(void)state;
	scene_init(&s);
	scene_cgroup(&s, 2, 1, "/system.slice/system-chk.slice", HOME_CGROUP, "/system.slice/system-chk.slice");
	update(m, &s);
	scene_tick(&s, 1);
	for (int i = 0; i < UNITS; i++) {
		sum += unit(&s, i)->files.cpu_usage_ns;
		scene_process(&s, 100 + (uint32_t)i, 10 + (uint64_t)i, "agent", 50);
	}
	p = update(m, &s);
	row = scene_row(p, TEMPLATE);
	assert_non_null(row);
	assert_int_equal(p->n_containers, 3); /* host, kernel, and this */
	assert_true(row->v[CONTAINER_PROCESSES] == UNITS);
	assert_true(row->v[CONTAINER_CPU_USAGE] == (double)sum);
	assert_true(row->v[CONTAINER_CPU_TASKS] == UNITS * 50);
	assert_true(row->v[CONTAINER_MEMORY_USAGE] == UNITS * 4096);
	assert_true(row->v[CONTAINER_PGFAULT] == UNITS * 3);
	/* Each has its own limits: the sum has none. */
	assert_true(value_absent(row->v[CONTAINER_MEMORY_LIMIT]) && value_absent(row->v[CONTAINER_CPU_LIMIT]));
	assert_true(value_absent(row->v[CONTAINER_SPEC_MEMORY_LIMIT]));
	assert_true(value_absent(row->v[CONTAINER_MEMORY_LIMIT_RATIO]));
	assert_true(row->v[CONTAINER_HUGETLB_2MB] == UNITS * (2 << 20));
	assert_true(value_absent(row->v[CONTAINER_HUGETLB_LIMIT_2MB]));
	assert_true(fabs(row->v[CONTAINER_CPU_CORES] - (double)sum / 1e9) < 1e-12);
	assert_int_equal(row->n_instances, UNITS);
	assert_int_equal(row->instances_ended, 0);
	assert_string_equal(row->instances[0].name, "chk@39-10.0.0.1:6556-10.0.0.2:50039.service");
	assert_true(row->instances[0].cpu_ns == 139 && row->instances[0].memory == 4096);

	/* They end: their CPU time stays, with what came after the last reading. */
	scene_tick(&s, 1);
	s.sample.n_threads = 0;
	units_end(&s);
	for (int i = 0; i < UNITS; i++)
		scene_gone(s.final, &s.sample.n_gone_final, 10 + (uint64_t)i, "agent", 60, 1);
	row = scene_row(update(m, &s), TEMPLATE);
	assert_true(row->dead);
	assert_true(row->v[CONTAINER_CPU_USAGE] == (double)sum + UNITS * 10);
	assert_true(value_absent(row->v[CONTAINER_MEMORY_USAGE]));
	assert_int_equal(row->n_instances, UNITS);
	assert_int_equal(row->instances_ended, UNITS);

	/* They are forgotten, one more connects: the counters go on. Alone, its limits are those of the row. */
	scene_tick(&s, 1);
	s.sample.n_gone_final = 0;
	s.sample.n_cgroups = 1;
	s.cgroups[1].id = 0;
	unit(&s, 0)->id = 900;
	scene_process(&s, 777, 900, "agent", 5);
	p = update(m, &s);
	row = scene_row(p, TEMPLATE);
	assert_false(row->dead);
	assert_true(row->v[CONTAINER_CPU_USAGE] == (double)sum + UNITS * 10 + 100);
	assert_true(row->v[CONTAINER_MEMORY_LIMIT] == 1 << 20);
	assert_int_equal(row->n_instances, 1);
	assert_int_equal(row->instances_ended, UNITS);
	assert_int_equal(prometheus_write(prometheus, &text, p, NULL), 0);
	assert_int_equal(lines_with(text.data, "sysscope_container_info{container=\"chk"), 1);
	assert_null(strstr(text.data, "10.0.0.2"));
	buf_free(&text);
	prometheus_free(prometheus);
	model_free(m);
}

static void test_detail(void **state)
{
	struct model *m = model_new();
	struct buf text = {};
	struct scene s;
	const struct snapshot *p;

	(void)state;
	scene_init(&s);
	scene_cgroup(&s, 2, 1, "/system.slice/system-chk.slice", HOME_CGROUP, "/system.slice/system-chk.slice");
	for (int i = 0; i < UNITS; i++) {
		unit(&s, i);
		scene_process(&s, 100 + (uint32_t)i, 10 + (uint64_t)i, "agent", 50);
	}
	s.cgroups[UNITS].alive = false; /* the one with the most CPU time is dead: it comes last */
	p = update(m, &s);
	for (uint32_t i = 0; i < p->n_containers; i++)
		if (strcmp(p->containers[i].cgroup, TEMPLATE) == 0)
			view_containers.detail(&text, p, i, 80);
	assert_non_null(strstr(text.data, "instances      39 now, 1 ended; the busiest:\n"));
	assert_non_null(strstr(text.data, "               chk@38-10.0.0.1:6556-10.0.0.2:50038.service  CPU "));
	assert_non_null(strstr(text.data, "               and 30 more in `top --json`\n"));
	assert_int_equal(lines_with(text.data, "10.0.0.2:"), 10);
	buf_free(&text);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_row),
		cmocka_unit_test(test_detail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
