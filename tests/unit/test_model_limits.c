/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_model_limits.c - which limit holds a container back, and whose it is: its own, that of a parent, a cpuset.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/model_scene.h"
#include "sysscope/view.h"

#define MIB 1048576.0

enum { ROOT, SLICE, POD, WEB, CGROUPS };

struct limit_scene {
	struct scene s;
	struct model *model;
	struct sample_cgroup *at[CGROUPS];
};

/* "/" > "/shop.slice" > "/shop.slice/pod" > "/shop.slice/pod/web"; the last is the container. Nothing is limited. */
static int limit_setup(void **state)
{
	static const char *const paths[CGROUPS] = {"/", "/shop.slice", "/shop.slice/pod", "/shop.slice/pod/web"};
	struct limit_scene *l = calloc(1, sizeof(*l));

	scene_init(&l->s);
	for (uint64_t i = 0; i < CGROUPS; i++) {
		l->at[i] = scene_cgroup(&l->s, i + 1, i, paths[i], i == WEB ? HOME_CONTAINER : HOME_HOST, "web");
		l->at[i]->home_root = i == WEB || i == ROOT;
		l->at[i]->above = i != WEB;
		l->at[i]->files.cpu_quota_us = l->at[i]->files.memory_limit = SS_UNLIMITED;
		l->at[i]->files.cpu_period_us = 100000;
	}
	l->at[WEB]->files.memory_usage = 60 << 20;
	l->at[WEB]->files.memory_inactive_file = 10 << 20;
	scene_process(&l->s, 7, WEB + 1, "app", 1);
	l->model = model_new();
	*state = l;
	return 0;
}

static int limit_teardown(void **state)
{
	struct limit_scene *l = *state;

	model_free(l->model);
	free(l);
	return 0;
}

static const struct container_row *limit_row(struct limit_scene *l)
{
	scene_tick(&l->s, 1);
	assert_int_equal(model_update(l->model, &l->s.sample), 0);
	return scene_row(model_snapshot(l->model), "/shop.slice/pod/web");
}

/* Periods of the quota of one cgroup since the update before. */
static void limit_periods(struct limit_scene *l, int at, uint64_t periods, uint64_t throttled)
{
	l->at[at]->files.periods += periods;
	l->at[at]->files.throttled_periods += throttled;
}

static void quota_begin(struct limit_scene *l, int at, uint64_t quota_us)
{
	l->at[at]->files.cpu_quota_us = quota_us;
	l->at[at]->files.periods = l->at[at]->files.throttled_periods = 1000;
}

static void nothing_limited(void **state)
{
	const struct container_row *row = limit_row(*state);

	assert_true(value_absent(row->v[CONTAINER_CPU_LIMIT]) && value_absent(row->v[CONTAINER_MEMORY_LIMIT]));
	assert_true(value_absent(row->v[CONTAINER_THROTTLED_RATIO]) &&
		    value_absent(row->v[CONTAINER_MEMORY_LIMIT_RATIO]));
	assert_true(!row->cpu_limit_of && !row->memory_limit_of && !row->throttled_by);
}

/* The container has no limit of its own: container_spec_* says so. */
static void of_the_parent(void **state)
{
	struct limit_scene *l = *state;
	const struct container_row *row;

	quota_begin(l, SLICE, 50000);
	l->at[SLICE]->files.memory_limit = 200 << 20;
	l->at[SLICE]->files.memory_usage = 190 << 20;
	l->at[SLICE]->files.memory_inactive_file = 20 << 20;
	l->at[SLICE]->files.memory_active_file = 40 << 20;
	l->at[SLICE]->files.slab_reclaimable = 10 << 20;
	limit_row(l);
	limit_periods(l, SLICE, 144, 139);
	row = limit_row(l);
	assert_true(row->v[CONTAINER_CPU_LIMIT] == 0.5);
	assert_string_equal(row->cpu_limit_of, "/shop.slice");
	assert_false(row->cpu_limit_is_cpuset);
	assert_true(row->v[CONTAINER_THROTTLED_RATIO] == 139.0 / 144);
	assert_string_equal(row->throttled_by, "/shop.slice");
	assert_true(row->v[CONTAINER_MEMORY_LIMIT] == 200 * MIB && row->v[CONTAINER_MEMORY_LIMIT_RATIO] == 0.25);
	assert_string_equal(row->memory_limit_of, "/shop.slice");
	assert_true(row->memory_limit_working_set == 170 * MIB);
	assert_true(row->v[CONTAINER_MEMORY_LIMIT_HELD] == 120 * MIB);
	assert_true(value_absent(row->v[CONTAINER_SPEC_QUOTA]) && value_absent(row->v[CONTAINER_PERIODS]));
	assert_true(row->v[CONTAINER_SPEC_MEMORY_LIMIT] == 0);
}

static void the_smallest(void **state)
{
	struct limit_scene *l = *state;
	const struct container_row *row;

	quota_begin(l, SLICE, 300000);
	quota_begin(l, POD, 20000);
	quota_begin(l, WEB, 20000);
	l->at[SLICE]->files.memory_limit = 100 << 20;
	l->at[POD]->files.memory_limit = 300 << 20;
	l->at[WEB]->files.memory_limit = 200 << 20;
	row = limit_row(l);
	assert_true(row->v[CONTAINER_CPU_LIMIT] == 0.2);
	assert_string_equal(row->cpu_limit_of, "/shop.slice/pod/web"); /* of equal ones its own */
	assert_true(
		value_absent(row->v[CONTAINER_THROTTLED_RATIO])); /* what was before the first sample is not known */
	assert_true(row->v[CONTAINER_MEMORY_LIMIT] == 100 * MIB);
	assert_string_equal(row->memory_limit_of, "/shop.slice");
	assert_true(row->v[CONTAINER_SPEC_QUOTA] == 20000 && row->v[CONTAINER_SPEC_MEMORY_LIMIT] == 200 * MIB);

	/* Others use up the larger quota of the slice: its own is never reached. */
	limit_periods(l, WEB, 10, 0);
	limit_periods(l, SLICE, 10, 9);
	row = limit_row(l);
	assert_true(row->v[CONTAINER_THROTTLED_RATIO] == 0.9 && row->v[CONTAINER_CPU_LIMIT] == 0.2);
	assert_string_equal(row->throttled_by, "/shop.slice");

	limit_periods(l, WEB, 10, 0);
	row = limit_row(l);
	assert_true(row->v[CONTAINER_THROTTLED_RATIO] == 0);
	assert_null(row->throttled_by);

	/* A limit that is taken away is gone at the next sample. */
	for (int i = 0; i < CGROUPS; i++)
		l->at[i]->files.cpu_quota_us = l->at[i]->files.memory_limit = SS_UNLIMITED;
	row = limit_row(l);
	assert_true(value_absent(row->v[CONTAINER_CPU_LIMIT]) && value_absent(row->v[CONTAINER_THROTTLED_RATIO]));
	assert_true(!row->cpu_limit_of && !row->memory_limit_of);
}

/* The scene has 2 CPUs. The kernel shows a cpuset in every cgroup below the one that has it, where the controller is on. */
/* The limit of processes above that has the least room, its own not among them; and the smallest quota above. */
static void above(void **state)
{
	struct limit_scene *l = *state;
	const struct container_row *row;

	l->at[WEB]->files.pids_limit = 10;
	l->at[WEB]->files.pids = 9;
	l->at[WEB]->files.cpu_quota_us = 10000;
	row = limit_row(l);
	assert_true(!row->threads_limit_above_of && !row->quota_above_of);
	l->at[POD]->files.pids_limit = 100;
	l->at[POD]->files.pids = 40;
	l->at[SLICE]->files.pids_limit = 1000;
	l->at[SLICE]->files.pids = 970;
	l->at[POD]->files.cpu_quota_us = 300000;
	l->at[SLICE]->files.cpu_quota_us = 200000;
	row = limit_row(l);
	assert_string_equal(row->threads_limit_above_of, "/shop.slice");
	assert_true(row->threads_limit_above == 1000 && row->threads_above == 970);
	assert_string_equal(row->quota_above_of, "/shop.slice");
	assert_true(row->quota_above == 2);
	/* How much is there is not known: nothing can be said. */
	l->at[SLICE]->files.pids = SS_UNKNOWN;
	row = limit_row(l);
	assert_string_equal(row->threads_limit_above_of, "/shop.slice/pod");
}

static void a_cpuset(void **state)
{
	struct limit_scene *l = *state;
	const struct container_row *row;

	l->at[ROOT]->files.cpuset_cpus = 2;
	row = limit_row(l);
	assert_true(value_absent(row->v[CONTAINER_CPU_LIMIT]));

	l->at[POD]->files.cpuset_cpus = l->at[WEB]->files.cpuset_cpus = 1;
	row = limit_row(l);
	assert_true(row->v[CONTAINER_CPU_LIMIT] == 1 && row->cpu_limit_is_cpuset);
	assert_string_equal(row->cpu_limit_of, "/shop.slice/pod");
	assert_true(value_absent(row->v[CONTAINER_THROTTLED_RATIO]));

	quota_begin(l, SLICE, 150000);
	row = limit_row(l);
	assert_true(row->v[CONTAINER_CPU_LIMIT] == 1 && row->cpu_limit_is_cpuset);
	quota_begin(l, SLICE, 50000);
	row = limit_row(l);
	assert_true(row->v[CONTAINER_CPU_LIMIT] == 0.5 && !row->cpu_limit_is_cpuset);
	assert_string_equal(row->cpu_limit_of, "/shop.slice");
}

/* Runtimes convert shares to weights by two formulas: only the default weight says what was asked for. */
static void weights(void **state)
{
	struct limit_scene *l = *state;
	struct cgroup_counters *f = &l->at[WEB]->files;
	struct identity *who = &l->s.who[WEB];
	const struct container_row *row;

	row = limit_row(l);
	assert_true(value_absent(row->v[CONTAINER_CPU_WEIGHT]) && value_absent(row->v[CONTAINER_SPEC_SHARES]));
	f->cpu_weight = 100;
	row = limit_row(l);
	assert_true(row->v[CONTAINER_CPU_WEIGHT] == 100 && row->v[CONTAINER_SPEC_SHARES] == 1024);
	f->cpu_weight = 39;
	row = limit_row(l);
	assert_true(row->v[CONTAINER_CPU_WEIGHT] == 39 && value_absent(row->v[CONTAINER_SPEC_SHARES]));
	f->cpu_weight = 0; /* cpu.idle */
	row = limit_row(l);
	assert_true(row->v[CONTAINER_CPU_WEIGHT] == 0 && value_absent(row->v[CONTAINER_SPEC_SHARES]));
	f->cpu_weight = 59;
	who->cpu_shares = 512;
	who->generation++;
	row = limit_row(l);
	assert_true(row->v[CONTAINER_CPU_WEIGHT] == 59 && row->v[CONTAINER_SPEC_SHARES] == 512);
	f->cpu_weight = SS_UNKNOWN;
	f->cpu_shares = 2048;
	row = limit_row(l);
	assert_true(value_absent(row->v[CONTAINER_CPU_WEIGHT]) && row->v[CONTAINER_SPEC_SHARES] == 2048);
}

/* They are in no other number of memory. What is not known is absent. */
static void huge_pages(void **state)
{
	struct limit_scene *l = *state;
	struct cgroup_counters *f = &l->at[WEB]->files;
	const struct container_row *row;
	const struct process_row *p;

	l->s.threads[0].hugetlb_units = (6 << 20) / SS_MEMORY_UNIT;
	row = limit_row(l);
	assert_true(value_absent(row->v[CONTAINER_HUGETLB_2MB]) && value_absent(row->v[CONTAINER_HUGETLB_FAILCNT_2MB]));
	p = &model_snapshot(l->model)->processes[0];
	assert_true(p->v[PROCESS_HUGETLB] == 6 * MIB && p->v[PROCESS_RSS] == 0);

	f->hugetlb[1] = 6 << 20;
	f->hugetlb_limit[1] = 8 << 20;
	f->hugetlb_failcnt[1] = 7;
	f->hugetlb[3] = 0;
	f->hugetlb_limit[3] = SS_UNLIMITED;
	l->s.threads[0].hugetlb_units = SS_MEMORY_UNKNOWN;
	row = limit_row(l);
	assert_true(row->v[CONTAINER_HUGETLB_2MB] == 6 * MIB && row->v[CONTAINER_HUGETLB_LIMIT_2MB] == 8 * MIB);
	assert_true(row->v[CONTAINER_HUGETLB_FAILCNT_2MB] == 7 && value_absent(row->v[CONTAINER_HUGETLB_PEAK_2MB]));
	assert_true(row->v[CONTAINER_HUGETLB_1GB] == 0 && value_absent(row->v[CONTAINER_HUGETLB_LIMIT_1GB]));
	assert_true(value_absent(row->v[CONTAINER_HUGETLB_64KB]));
	assert_true(row->v[CONTAINER_MEMORY_USAGE] == 60 * MIB);
	assert_true(value_absent(model_snapshot(l->model)->processes[0].v[PROCESS_HUGETLB]));
}

/* The dead are limited by nothing, and nothing is said of how they were. */
static void of_the_dead(void **state)
{
	struct limit_scene *l = *state;
	const struct container_row *row;

	quota_begin(l, SLICE, 50000);
	limit_row(l);
	l->s.sample.n_threads = 0;
	l->at[WEB]->alive = l->at[SLICE]->above = false;
	row = limit_row(l);
	assert_true(row->dead && value_absent(row->v[CONTAINER_CPU_LIMIT]));
	assert_true(value_absent(row->v[CONTAINER_THROTTLED_RATIO]) && !row->cpu_limit_of);
}

/* cgroup v1 has no slabs: what is known to stay counts, not what may be a cache of the kernel. Unknown is not 0. */
static void held_without_slabs(void **state)
{
	struct limit_scene *l = *state;

	l->at[SLICE]->files.memory_limit = 200 << 20;
	l->at[SLICE]->files.memory_usage = 190 << 20;
	l->at[SLICE]->files.memory_inactive_file = l->at[SLICE]->files.memory_active_file = 0;
	l->at[SLICE]->files.slab_reclaimable = SS_UNKNOWN;
	l->at[SLICE]->files.memory_rss = 50 << 20;
	l->at[SLICE]->files.memory_shmem = 10 << 20;
	assert_true(limit_row(l)->v[CONTAINER_MEMORY_LIMIT_HELD] == 60 * MIB);
	l->at[SLICE]->files.memory_shmem = SS_UNKNOWN;
	assert_true(value_absent(limit_row(l)->v[CONTAINER_MEMORY_LIMIT_HELD]));
	l->at[SLICE]->files.slab_reclaimable = 0;
	assert_true(limit_row(l)->v[CONTAINER_MEMORY_LIMIT_HELD] == 190 * MIB);
	l->at[SLICE]->files.memory_active_file = SS_UNKNOWN;
	assert_true(value_absent(limit_row(l)->v[CONTAINER_MEMORY_LIMIT_HELD]));
}

int main(void)
{
#define LIMIT_TEST(f) cmocka_unit_test_setup_teardown(f, limit_setup, limit_teardown)
	const struct CMUnitTest tests[] = {
		LIMIT_TEST(nothing_limited), LIMIT_TEST(of_the_parent), LIMIT_TEST(the_smallest),
		LIMIT_TEST(a_cpuset),	     LIMIT_TEST(weights),	LIMIT_TEST(huge_pages),
		LIMIT_TEST(above),	     LIMIT_TEST(of_the_dead),	LIMIT_TEST(held_without_slabs),
	};

	return cmocka_run_group_tests_name("model_limits", tests, NULL, NULL);
}
