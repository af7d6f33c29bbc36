/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_diagnose_memory.c - the rules about memory: each finds its situation with the right container, and a near miss is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "lib/situation.h"

#define MIB (1024.0 * 1024)

/* A container with a limit, its own memory and its cache of files. */
static uint32_t keeper(const char *name, double limit, double own, double files)
{
	uint32_t c = situation_container(&situation, name, "docker");

	for (int i = 0; i < 2; i++) {
		double *v = situation.containers[i][c].v;

		v[CONTAINER_MEMORY_LIMIT] = limit;
		v[CONTAINER_MEMORY_USAGE] = own + files;
		v[CONTAINER_MEMORY_RSS] = own;
		v[CONTAINER_MEMORY_CACHE] = v[CONTAINER_MEMORY_INACTIVE_FILE] = files;
		v[CONTAINER_MEMORY_ACTIVE_FILE] = 0;
	}
	return c;
}

static void near_limit(void **state)
{
	uint32_t c = keeper("api", 512 * MIB, 470 * MIB, 30 * MIB);
	const struct finding *f;

	(void)state;
	situation.containers[0][c].v[CONTAINER_MEMORY_RSS] = 450 * MIB;
	f = expect_first(&situation, "memory_near_limit", "api", "");
	assert_int_equal(f->severity, FINDING_WARNING);
	expect_words(f, "has filled 92 % of its memory limit of 512M");
	expect_words(f, "it grew by 2.0M in each second: the limit is reached in 21 s");
	expect_words(f, "docker update --memory 588M --memory-swap 588M api");
}

/* A file cache that fills the limit is what a limit is for. */
static void near_limit_cache(void **state)
{
	(void)state;
	keeper("files", 512 * MIB, 100 * MIB, 411 * MIB);
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].rule, "memory_near_limit");
}

static void near_limit_above(void **state)
{
	uint32_t c = keeper("api", 512 * MIB, 100 * MIB, 0);

	(void)state;
	situation.containers[1][c].memory_limit_of = "/web.slice";
	situation.containers[1][c].memory_limit_working_set = 505 * MIB;
	assert_int_equal(expect_first(&situation, "memory_near_limit", "api", "")->severity, FINDING_CRITICAL);
	expect_words(situation.diagnosis.findings.all, "systemctl set-property web.slice MemoryMax=632M");
}

static void thrash(void **state)
{
	uint32_t c = keeper("search", 256 * MIB, 100 * MIB, 156 * MIB);
	const struct finding *f;

	(void)state;
	situation_gain(&situation, c, CONTAINER_RECLAIM_LIMIT, 0.3);
	situation_gain(&situation, c, CONTAINER_REFAULTS_FILE, 9000);
	situation_gain(&situation, c, CONTAINER_PGMAJFAULT, 900);
	f = expect_first(&situation, "memory_thrash", "search", "");
	assert_int_equal(f->confidence, FINDING_HIGH);
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_string_equal(f->explains[0].rule, "major_faults");
}

static void thrash_without_refaults(void **state)
{
	uint32_t c = keeper("search", 256 * MIB, 100 * MIB, 156 * MIB);

	(void)state;
	for (int i = 0; i < 2; i++)
		situation.containers[i][c].v[CONTAINER_REFAULTS_FILE] =
			situation.containers[i][c].v[CONTAINER_REFAULTS_ANON] = VALUE_ABSENT;
	situation_gain(&situation, c, CONTAINER_RECLAIM_LIMIT, 0.3);
	situation_gain(&situation, c, CONTAINER_PGMAJFAULT, 900);
	assert_int_equal(expect_first(&situation, "memory_thrash", "search", "")->confidence, FINDING_MEDIUM);
}

/* It reads a large file once: reclaim, and nothing comes back. */
static void thrash_near(void **state)
{
	uint32_t c = keeper("backup", 256 * MIB, 10 * MIB, 240 * MIB);

	(void)state;
	situation_gain(&situation, c, CONTAINER_RECLAIM_LIMIT, 0.3);
	situation_gain(&situation, c, CONTAINER_REFAULTS_FILE, 20);
	expect_nothing(&situation);
	situation_gain(&situation, c, CONTAINER_RECLAIM_LIMIT, 0.04);
	situation_gain(&situation, c, CONTAINER_REFAULTS_FILE, 9000);
	expect_nothing(&situation);
}

static void major_faults(void **state)
{
	uint32_t c = keeper("db", 1024 * MIB, 100 * MIB, 0);

	(void)state;
	situation_gain(&situation, c, CONTAINER_PGMAJFAULT, 300);
	assert_int_equal(expect_first(&situation, "major_faults", "db", "")->severity, FINDING_NOTICE);
	situation_gain(&situation, c, CONTAINER_PGMAJFAULT, 150);
	expect_nothing(&situation);
}

static struct oom_row kill_row(uint32_t container, double seconds_ago)
{
	const struct container_row *c = &situation.containers[1][container];

	return (struct oom_row){.time = situation.now.time - seconds_ago,
				.container = container,
				.container_name = c->name,
				.container_cgroup = c->cgroup,
				.pid = 4711,
				.comm = "python3",
				.thread = "python3",
				.rss = 500 * MIB,
				.exhausted = "memory_limit",
				.limit_of = c->cgroup,
				.limit_scope = "own",
				.limit = 512 * MIB,
				.usage = 512 * MIB,
				.asker = "",
				.largest = {{4711, 490 * MIB, "python3", "api"}},
				.n_largest = 1,
				.largest_age = 1.5};
}

static void oom(void **state)
{
	uint32_t c = keeper("api", 512 * MIB, 500 * MIB, 0);
	struct oom_row kills[2] = {kill_row(c, 7), kill_row(c, 5)};
	const struct finding *f;

	(void)state;
	situation.now.oom_kills = kills;
	situation.now.n_oom_kills = 2;
	f = expect_first(&situation, "oom_killed", "api", "");
	assert_int_equal(f->severity, FINDING_CRITICAL);
	assert_int_equal(f->pid, 4711);
	expect_words(f, "the OOM killer ended python3 (pid 4711) in api: its own limit of 512M was exhausted");
	expect_words(f, "2 processes of it were killed");
	expect_words(f, "docker update --memory 768M");
	/* What came before it is its consequence no longer, but part of it. */
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_string_equal(f->explains[0].rule, "memory_near_limit");
}

/* Before it was watched. */
static void oom_near(void **state)
{
	uint32_t c = keeper("api", 512 * MIB, 100 * MIB, 0);
	struct oom_row kill = kill_row(c, SITUATION_SECONDS + 1);

	(void)state;
	situation.now.oom_kills = &kill;
	situation.now.n_oom_kills = 1;
	expect_nothing(&situation);
}

static void oom_of_the_machine(void **state)
{
	uint32_t c = keeper("api", VALUE_ABSENT, 100 * MIB, 0);
	struct oom_row kill = kill_row(c, 1);

	(void)state;
	kill.exhausted = "machine";
	kill.limit_of = kill.limit_scope = "";
	situation.now.oom_kills = &kill;
	situation.now.n_oom_kills = 1;
	expect_words(expect_first(&situation, "oom_killed", "api", ""), "the memory of the machine was exhausted");
	/* Its row is gone with it: the finding names it all the same. */
	kill.container = OOM_NOWHERE;
	expect_first(&situation, "oom_killed", "api", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		situation_test(near_limit),	  situation_test(near_limit_cache),
		situation_test(near_limit_above), situation_test(thrash),
		situation_test(thrash_near),	  situation_test(thrash_without_refaults),
		situation_test(major_faults),	  situation_test(oom),
		situation_test(oom_near),	  situation_test(oom_of_the_machine),
	};

	return cmocka_run_group_tests_name("diagnose_memory", tests, NULL, NULL);
}
