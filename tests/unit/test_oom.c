/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_oom.c - OOM kills in snapshots: whose limit it was, which processes were the largest before, the last 100, and that they
 * stay when the container is gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exporters/table/oom.h"
#include "lib/model_scene.h"

#define MIB 1048576ULL

enum { ROOT = 1, SHOP, WEB, DB, SCOPE };

static struct scene scene;
static struct model *model;

static int setup(void **state)
{
	static const struct {
		uint32_t pid;
		uint64_t cgroup, mib;
	} processes[] = {{1, ROOT, 7}, {20, WEB, 5}, {21, WEB, 30}, {22, WEB, 11}, {23, WEB, 13},
			 {24, WEB, 2}, {25, WEB, 3}, {30, DB, 40},  {31, DB, 1}};

	(void)state;
	scene_init(&scene);
	scene_cgroup(&scene, ROOT, 0, "/", HOME_HOST, "host");
	scene_cgroup(&scene, SHOP, ROOT, "/shop", HOME_CGROUP, "/shop");
	scene_cgroup(&scene, WEB, SHOP, "/shop/web", HOME_CONTAINER, "web");
	scene_cgroup(&scene, DB, SHOP, "/shop/db", HOME_CONTAINER, "db");
	scene_cgroup(&scene, SCOPE, ROOT, "/libpod-1.scope", HOME_CONTAINER, "box");
	for (size_t i = 0; i < ARRAY_SIZE(processes); i++)
		scene_process(&scene, processes[i].pid, processes[i].cgroup, "app", 1)->anonymous_units =
			(uint32_t)(processes[i].mib * MIB / SS_MEMORY_UNIT);
	model = model_new();
	assert_int_equal(model_update(model, &scene.sample), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	model_free(model);
	return 0;
}

static const struct snapshot *next(void)
{
	assert_int_equal(model_update(model, &scene.sample), 0);
	scene.sample.n_oom_kills = 0;
	return model_snapshot(model);
}

static const struct oom_row *killed(uint32_t pid, uint64_t cgroup, enum ss_oom_exhausted exhausted,
				    const char *const *names, uint32_t levels)
{
	const struct snapshot *s;
	struct ss_fact *f;

	scene_tick(&scene, 1);
	f = scene_oom_kill(&scene, pid, cgroup, exhausted, names, levels);
	f->oom.asker_tgid = 7;
	strcpy(f->oom.asker, "app");
	f->oom.rss_bytes = 30 * MIB;
	f->oom.limit_bytes = exhausted == SS_OOM_NODES ? UINT64_MAX : 64 * MIB;
	f->oom.usage_bytes = exhausted == SS_OOM_NODES ? UINT64_MAX : 63 * MIB;
	s = next();
	return &s->oom_kills[s->n_oom_kills - 1];
}

static void expect(const struct oom_row *kill, const char *scope, const char *of, const char *want)
{
	_cleanup_buf_ struct buf out = {};

	assert_string_equal(kill->limit_scope, scope);
	assert_string_equal(kill->limit_of, of);
	oom_sentence(&out, kill);
	assert_string_equal(out.data, want);
}

static void expect_largest(const struct oom_row *kill, size_t n, const uint32_t *pids)
{
	assert_int_equal(kill->n_largest, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(kill->largest[i].pid, pids[i]);
	assert_true(fabs(kill->largest_age - 0.75) < 1e-6);
}

#define HAD "; it had 30M, oom_score_adj 0"

static void test_scopes(void **state)
{
	static const char *const web[] = {"web", "shop"}, *const nested[] = {"job", "web", "shop"},
				 *const shop[] = {"shop"};
	static const char *const inner[] = {"container", "libpod-1.scope"}, *const other[] = {"webby", "shop"};
	const struct oom_row *kill = killed(21, WEB, SS_OOM_CGROUP, web, 2);

	(void)state;
	expect(kill, "own", "/shop/web", "killed because web reached its limit of 64M (used: 63M)" HAD);
	expect_largest(kill, 5, (const uint32_t[]){21, 23, 22, 20, 25});
	kill = killed(21, WEB, SS_OOM_CGROUP, nested, 3);
	expect(kill, "nested", "/shop/web/job",
	       "killed because /shop/web/job inside web reached its limit of 64M (used: 63M)" HAD);
	expect_largest(kill, 5, (const uint32_t[]){21, 23, 22, 20, 25});
	assert_string_equal(kill->largest_of, "/shop/web");
	kill = killed(21, WEB, SS_OOM_CGROUP_WITH_SWAP, shop, 1);
	expect(kill, "ancestor", "/shop",
	       "killed because /shop around web reached its limit of 64M for memory and swap (used: 63M)" HAD);
	expect_largest(kill, 5, (const uint32_t[]){30, 21, 23, 22, 20});
	assert_string_equal(kill->largest[0].container, "db");
	kill = killed(21, WEB, SS_OOM_CGROUP, other, 2);
	expect(kill, "other", "/shop/webby", "killed because /shop/webby reached its limit of 64M (used: 63M)" HAD);
	kill = killed(21, WEB, SS_OOM_CGROUP, web, SS_OOM_LEVELS + 1);
	expect(kill, "", "", "killed because a cgroup with a very long path reached its limit of 64M (used: 63M)" HAD);
	kill = killed(40, SCOPE, SS_OOM_CGROUP, inner, 2);
	expect(kill, "own", "/libpod-1.scope/container", "killed because box reached its limit of 64M (used: 63M)" HAD);
	kill = killed(21, WEB, SS_OOM_MACHINE, NULL, 0);
	expect(kill, "", "", "killed because the machine had no memory left (used: 63M of 64M)" HAD);
	expect_largest(kill, 5, (const uint32_t[]){30, 21, 23, 22, 1});
	kill = killed(21, WEB, SS_OOM_NODES, NULL, 0);
	expect(kill, "", "", "killed because the memory nodes open to app 7 had no memory left" HAD);
	kill = killed(21, WEB, SS_OOM_UNKNOWN, NULL, 0);
	expect(kill, "", "", "killed for lack of memory: it had 30M, oom_score_adj 0");
	assert_int_equal(kill->n_largest, 0);
	assert_true(model_snapshot(model)->v[HOST_OOM_KILLS_LIMIT] == 5);
	assert_true(model_snapshot(model)->v[HOST_OOM_KILLS_MACHINE] == 1);
}

/* The container of the victim, or nothing, in later snapshots; the last of several. */
static void test_last_of_container(void **state)
{
	static const char *const web[] = {"web", "shop"};
	const struct container_row *row;

	(void)state;
	killed(21, WEB, SS_OOM_CGROUP, web, 2);
	killed(22, WEB, SS_OOM_CGROUP, web, 2);
	row = scene_row(model_snapshot(model), "/shop/web");
	assert_int_equal(row->last_oom->pid, 22);
	assert_null(scene_row(model_snapshot(model), "/shop/db")->last_oom);
	/* It is gone, and forgotten after its tombstone; its kills stay, by name. */
	for (size_t i = 0; i < scene.sample.n_threads; i++)
		scene.threads[i].cgroup_id = ROOT;
	scene.cgroups[WEB - 1].alive = false;
	scene_tick(&scene, 1);
	row = scene_row(next(), "/shop/web");
	assert_true(row && row->dead && row->last_oom->pid == 22);
	scene_tick(&scene, 61);
	next();
	scene_tick(&scene, 1);
	assert_null(scene_row(next(), "/shop/web"));
	assert_int_equal(model_snapshot(model)->n_oom_kills, 2);
	assert_int_equal(model_snapshot(model)->oom_kills[0].container, OOM_NOWHERE);
	assert_string_equal(model_snapshot(model)->oom_kills[0].container_name, "web");
}

static void test_bounded(void **state)
{
	const struct snapshot *s = NULL;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		for (uint32_t pid = 0; pid < 47; pid++)
			scene_oom_kill(&scene, i * 47 + pid, WEB, SS_OOM_MACHINE, NULL, 0);
		scene_tick(&scene, 1);
		s = next();
	}
	assert_int_equal(s->n_oom_kills, 100);
	assert_int_equal(s->oom_kills[0].pid, 41);
	assert_int_equal(s->oom_kills[99].pid, 140);
	assert_true(s->v[HOST_OOM_KILLS_MACHINE] == 141);
}

/* The names of the snapshot before are freed when a container is called otherwise. */
static void test_renamed(void **state)
{
	static const char *const shop[] = {"shop"};

	(void)state;
	for (int i = 0; i < 5; i++) {
		scene.who[DB - 1].name = i % 2 ? "db-1" : "database-2";
		scene.who[DB - 1].generation++;
		assert_int_equal(killed(21, WEB, SS_OOM_CGROUP, shop, 1)->n_largest, 5);
	}
	assert_string_equal(model_snapshot(model)->oom_kills[4].largest[0].container, "db-1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_scopes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_last_of_container, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_renamed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
