/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_diagnose_memory.c - the rules about memory: each finds its situation with the right container, and a near miss is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

		v[CONTAINER_MEMORY_LIMIT] = v[CONTAINER_SPEC_MEMORY_LIMIT] = limit;
		v[CONTAINER_MEMORY_USAGE] = own + files;
		v[CONTAINER_MEMORY_RSS] = v[CONTAINER_MEMORY_LIMIT_HELD] = own;
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
	situation.containers[0][c].v[CONTAINER_MEMORY_LIMIT_HELD] = 450 * MIB;
	f = expect_first(&situation, "memory_near_limit", "api", "");
	assert_int_equal(f->severity, FINDING_WARNING);
	expect_words(f, "has filled 92 % of its memory limit of 512M with memory that cannot be taken back");
	expect_words(f, "it uses 500M, 30M of it for the cache of files");
	expect_words(f, "it grew by 2.0M in each second: at that rate the limit is reached in 21 s");
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

/* What is not known is no 0: neither of the file cache, nor of the whole. */
static void near_limit_unknown(void **state)
{
	uint32_t c = keeper("api", 512 * MIB, 511 * MIB, 0);

	(void)state;
	situation.containers[1][c].v[CONTAINER_MEMORY_LIMIT_HELD] = VALUE_ABSENT;
	expect_nothing(&situation);
}

/* Where swap has room nobody is killed: it is a fact, no fault. */
static void near_limit_with_swap(void **state)
{
	uint32_t c = keeper("api", 512 * MIB, 510 * MIB, 0);
	double *v = situation.containers[1][c].v;

	(void)state;
	situation.now.v[HOST_SWAP_TOTAL] = 1024 * MIB;
	v[CONTAINER_MEMORY_SWAP] = 100 * MIB;
	assert_int_equal(expect_first(&situation, "memory_near_limit", "api", "")->severity, FINDING_NOTICE);
	expect_words(situation.diagnosis.findings.all, "memory that only swap could take");
	expect_words(situation.diagnosis.findings.all, "docker update --memory 638M --memory-swap -1 api");
	/* cgroup v2: it may not swap; then it has swapped all that it may. */
	v[CONTAINER_EVENTS_HIGH] = 0;
	v[CONTAINER_SWAP_LIMIT] = 0;
	assert_int_equal(expect_first(&situation, "memory_near_limit", "api", "")->severity, FINDING_CRITICAL);
	v[CONTAINER_SWAP_LIMIT] = 110 * MIB;
	assert_int_equal(expect_first(&situation, "memory_near_limit", "api", "")->severity, FINDING_CRITICAL);
	v[CONTAINER_SWAP_LIMIT] = 300 * MIB;
	assert_int_equal(expect_first(&situation, "memory_near_limit", "api", "")->severity, FINDING_NOTICE);
	expect_words(situation.diagnosis.findings.all, "--memory 638M --memory-swap 938M api");
	/* cgroup v1: memory and swap together. */
	v[CONTAINER_EVENTS_HIGH] = VALUE_ABSENT;
	v[CONTAINER_SWAP_LIMIT] = 520 * MIB;
	v[CONTAINER_EVENTS_HIGH] = VALUE_ABSENT;
	assert_int_equal(expect_first(&situation, "memory_near_limit", "api", "")->severity, FINDING_CRITICAL);
	expect_words(situation.diagnosis.findings.all, "--memory 638M --memory-swap 646M api");
}

/* cgroup v1 refuses a memory limit above that of memory and swap: of a cgroup that no runtime made, that one is raised first. */
static void near_limit_memsw_first(void **state)
{
	uint32_t c = keeper("api", 512 * MIB, 510 * MIB, 0);
	double *v = situation.containers[1][c].v;

	(void)state;
	for (int i = 0; i < 2; i++) {
		situation.containers[i][c].runtime = "";
		situation.containers[i][c].kind = "service";
	}
	v[CONTAINER_SWAP_LIMIT] = 520 * MIB;
	v[CONTAINER_EVENTS_HIGH] = VALUE_ABSENT;
	expect_first(&situation, "memory_near_limit", "api", "");
	expect_words(situation.diagnosis.findings.all,
		     "raise memory.memsw.limit_in_bytes to 646M first, then raise the memory limit to 638M of cgroup "
		     "/test/api-0");
	/* It has the room, or there is none of that, or on v2 no such limit. */
	for (int i = 0; i < 3; i++) {
		v[CONTAINER_SWAP_LIMIT] = i == 0 ? 1024 * MIB : i == 1 ? VALUE_ABSENT : 0;
		v[CONTAINER_EVENTS_HIGH] = i == 2 ? 0 : VALUE_ABSENT;
		expect_first(&situation, "memory_near_limit", "api", "");
		expect_words(situation.diagnosis.findings.all, "raise the memory limit to 638M of cgroup /test/api-0");
		for (size_t a = 0; a < situation.diagnosis.findings.all[0].n_advice; a++)
			assert_null(strstr(situation.diagnosis.findings.all[0].advice[a], "memsw"));
	}
}

/* Files in /dev/shm are no cache: nobody takes them back. */
static void near_limit_shmem(void **state)
{
	uint32_t c = keeper("cache", 256 * MIB, 20 * MIB, 10 * MIB);
	double *v = situation.containers[1][c].v;

	(void)state;
	v[CONTAINER_MEMORY_SHMEM] = 220 * MIB;
	v[CONTAINER_MEMORY_CACHE] = 230 * MIB;
	v[CONTAINER_MEMORY_USAGE] = 250 * MIB;
	v[CONTAINER_MEMORY_LIMIT_HELD] = 240 * MIB;
	expect_first(&situation, "memory_near_limit", "cache", "");
	expect_words(situation.diagnosis.findings.all, "it uses 250M, 10M of it for the cache of files");
	expect_words(situation.diagnosis.findings.all, "files in a tmpfs, such as /dev/shm, are 220M");
	expect_words(situation.diagnosis.findings.all, "delete files in its /dev/shm");
}

/* A limit above, which containers share. */
static uint32_t below_limit(const char *name, const char *path, double own, double held)
{
	uint32_t c = keeper(name, 512 * MIB, own, 0);

	for (int i = 0; i < 2; i++) {
		snprintf(situation.paths[c], sizeof(situation.paths[c]), "/web.slice/%s", path);
		situation.containers[i][c].memory_limit_of = "/web.slice";
		situation.containers[i][c].v[CONTAINER_MEMORY_LIMIT_HELD] = held;
	}
	return c;
}

/* The limit of a slice is one finding, about who fills it: not one for each that happens to be below. */
static void near_limit_above(void **state)
{
	const struct finding *f;

	(void)state;
	below_limit("sleep", "a", 1 * MIB, 505 * MIB);
	below_limit("api", "b", 400 * MIB, 505 * MIB);
	below_limit("db", "c", 100 * MIB, 505 * MIB);
	keeper("other", 512 * MIB, 100 * MIB, 0);
	f = expect_first(&situation, "memory_near_limit", "api", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_int_equal(f->severity, FINDING_CRITICAL);
	expect_words(f, "the containers below /web.slice have filled 99 % of its memory limit of 512M with memory that "
			"cannot be taken back; the largest is api");
	expect_words(f, "api has 400M of its own");
	expect_words(f, "sleep has 1.0M of its own");
	expect_words(f, "systemctl set-property web.slice MemoryMax=632M");
}

static void near_limit_above_alone(void **state)
{
	(void)state;
	below_limit("api", "b", 500 * MIB, 505 * MIB);
	expect_first(&situation, "memory_near_limit", "api", "");
	expect_words(situation.diagnosis.findings.all,
		     "api has filled 99 % of the memory limit of /web.slice, 512M, with memory");
}

/* Whose limit it is has a row: then it is about that, and the largest below are named. */
static void near_limit_of_a_pod(void **state)
{
	uint32_t pod;

	(void)state;
	below_limit("sleep", "a", 1 * MIB, 505 * MIB);
	pod = below_limit("web", "", 505 * MIB, 505 * MIB);
	snprintf(situation.paths[pod], sizeof(situation.paths[pod]), "/web.slice");
	below_limit("api", "b", 400 * MIB, 505 * MIB);
	expect_first(&situation, "memory_near_limit", "web", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	expect_words(situation.diagnosis.findings.all, "api has 400M of its own");
}

/* Among the closest it stands once as well, with the largest. */
static void near_limit_above_near(void **state)
{
	const struct findings *f;

	(void)state;
	below_limit("sleep", "a", 1 * MIB, 400 * MIB);
	below_limit("api", "b", 380 * MIB, 400 * MIB);
	below_limit("db", "c", 10 * MIB, 400 * MIB);
	expect_nothing(&situation);
	f = &situation.diagnosis.findings;
	assert_int_equal(f->n_near, 1);
	assert_string_equal(f->near[0].container, "api");
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

/* The page cache is taken back fast: the price is in the reads. */
static void thrash_in_reads(void **state)
{
	uint32_t c = keeper("search", 256 * MIB, 10 * MIB, 245 * MIB);

	(void)state;
	situation_gain(&situation, c, CONTAINER_RECLAIM_LIMIT, 0.018);
	situation_gain(&situation, c, CONTAINER_REFAULTS_FILE, 67000);
	situation_gain(&situation, c, CONTAINER_BLOCKED_FILE, 0.4);
	expect_first(&situation, "memory_thrash", "search", "");
	expect_words(situation.diagnosis.findings.all, "67000 pages a second (262M) were read again");
	assert_int_equal(situation.diagnosis.findings.all->confidence, FINDING_MEDIUM);
	/* So fast a disk that nobody waits for it; so few of them that the waits are for something else. */
	situation_gain(&situation, c, CONTAINER_BLOCKED_FILE, 0.05);
	expect_nothing(&situation);
	situation_gain(&situation, c, CONTAINER_BLOCKED_FILE, 0.9);
	situation_gain(&situation, c, CONTAINER_REFAULTS_FILE, 4000);
	expect_nothing(&situation);
}

/* The kernel's own measure of waits for memory, where the collector is off. */
static void thrash_by_pressure(void **state)
{
	uint32_t c = keeper("search", 256 * MIB, 100 * MIB, 156 * MIB);

	(void)state;
	situation_collector_off(&situation, "reclaim");
	for (int i = 0; i < 2; i++)
		for (int m = CONTAINER_RECLAIM_LIMIT; m <= CONTAINER_RECLAIM_STALLS_MACHINE; m++)
			situation.containers[i][c].v[m] = VALUE_ABSENT;
	situation_gain(&situation, c, CONTAINER_REFAULTS_FILE, 9000);
	situation_gain(&situation, c, CONTAINER_PRESSURE_MEMORY_SOME, 0.2);
	expect_first(&situation, "memory_thrash", "search", "");
	expect_words(situation.diagnosis.findings.all, "in 20 % of the time at least one of them waited for memory");
	/* Nobody knows it at all: it is not said to be fine. */
	for (int i = 0; i < 2; i++)
		situation.containers[i][c].v[CONTAINER_PRESSURE_MEMORY_SOME] = VALUE_ABSENT;
	expect_nothing(&situation);
	assert_int_equal(situation.diagnosis.findings.n_unjudged, 1);
	assert_string_equal(situation.diagnosis.findings.unjudged[0].rule, "memory_thrash");
}

/* The machine is short of memory, not the container's limit. */
static void thrash_of_the_machine(void **state)
{
	uint32_t c = keeper("search", VALUE_ABSENT, 100 * MIB, 156 * MIB);

	(void)state;
	situation_gain(&situation, c, CONTAINER_RECLAIM_MACHINE, 0.3);
	situation_gain(&situation, c, CONTAINER_REFAULTS_FILE, 9000);
	expect_first(&situation, "memory_thrash", "search", "");
	expect_words(situation.diagnosis.findings.all, "to stay within the memory of the machine");
}

/* It reads a large file once: reclaim, and nothing comes back. */
static void thrash_near(void **state)
{
	uint32_t c = keeper("backup", 256 * MIB, 10 * MIB, 240 * MIB);

	(void)state;
	situation_gain(&situation, c, CONTAINER_RECLAIM_LIMIT, 0.3);
	situation_gain(&situation, c, CONTAINER_REFAULTS_FILE, 200);
	situation_gain(&situation, c, CONTAINER_BLOCKED_FILE, 0.9);
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].rule, "memory_thrash");
	situation_gain(&situation, c, CONTAINER_RECLAIM_LIMIT, 0.04);
	situation_gain(&situation, c, CONTAINER_REFAULTS_FILE, 4000);
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
	expect_words(f, "2 of its processes were killed");
	expect_words(f, "docker update --memory 768M");
	/* What came before it is its consequence no longer, but part of it. */
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_string_equal(f->explains[0].rule, "memory_near_limit");
}

/* Who grew, or that nobody did: then the limit is below what it needs. */
static void oom_growth(void **state)
{
	uint32_t c = keeper("api", 512 * MIB, 100 * MIB, 0), p = situation_process(&situation, c, "java", 4712),
		 v = situation_process(&situation, c, "python3", 4711);
	struct oom_row kill = kill_row(c, 1);

	(void)state;
	kill.start_time = 4711;
	for (int i = 0; i < 2; i++) {
		situation.processes[i][v].start_time = 4711;
		situation.processes[i][v].v[PROCESS_RSS_ANONYMOUS] = 480 * MIB;
		situation.processes[i][p].v[PROCESS_RSS_ANONYMOUS] = i ? 90 * MIB : 20 * MIB;
	}
	situation.options.rules = 1ULL << RULE_OOM_KILLED;
	situation.now.n_processes--;
	situation.now.oom_kills = &kill;
	situation.now.n_oom_kills = 1;
	expect_words(expect_first(&situation, "oom_killed", "api", ""),
		     "it held 480M all the time that it was watched");
	expect_words(situation.diagnosis.findings.all, "java (pid 4712), which lives, grew by 70M meanwhile");
	situation.processes[1][v].v[PROCESS_RSS_ANONYMOUS] = 600 * MIB;
	expect_words(expect_first(&situation, "oom_killed", "api", ""), "had grown from 480M to 588M in 9 s");
	/* It was born while this watched. */
	kill.start_time = kill.time - 0.5;
	expect_words(expect_first(&situation, "oom_killed", "api", ""), "it had run for 0.5 s");
}

/* The limit of a slice, or the machine: the one that had the most did it, in whatever container the victim was. */
static void oom_by_another(void **state)
{
	uint32_t c = keeper("api", VALUE_ABSENT, 100 * MIB, 0);
	struct oom_row kill = kill_row(c, 1);

	(void)state;
	keeper("hog", VALUE_ABSENT, 900 * MIB, 0);
	kill.exhausted = "machine";
	kill.limit_of = kill.limit_scope = "";
	kill.largest[0] = (struct oom_process){815, 900 * MIB, "stress", "hog"};
	situation.now.oom_kills = &kill;
	situation.now.n_oom_kills = 1;
	assert_int_equal(expect_first(&situation, "oom_killed", "api", "hog")->culprit_pid, 815);
	kill.largest[0].rss = 100 * MIB;
	expect_first(&situation, "oom_killed", "api", "");
}

/* The kill that says the most, not the last one, nor one of another container. */
static void oom_most_telling(void **state)
{
	uint32_t c = keeper("api", 512 * MIB, 100 * MIB, 0), other = keeper("db", 512 * MIB, 100 * MIB, 0);
	struct oom_row kills[4] = {kill_row(c, 8), kill_row(c, 7), kill_row(other, 6), kill_row(c, 5)};

	(void)state;
	kills[0].rss = 10 * MIB;
	kills[1].pid = 815;
	kills[2].rss = 900 * MIB;
	kills[3].rss = VALUE_ABSENT;
	situation.now.oom_kills = kills;
	situation.now.n_oom_kills = 4;
	expect_words(expect_first(&situation, "oom_killed", "api", ""), "(pid 815)");
	assert_int_equal(situation.diagnosis.findings.n, 2);
	expect_words(situation.diagnosis.findings.all, "3 of its processes");
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
		situation_test(near_limit),
		situation_test(near_limit_cache),
		situation_test(near_limit_unknown),
		situation_test(near_limit_with_swap),
		situation_test(near_limit_memsw_first),
		situation_test(near_limit_shmem),
		situation_test(near_limit_above),
		situation_test(near_limit_above_alone),
		situation_test(near_limit_of_a_pod),
		situation_test(near_limit_above_near),
		situation_test(thrash),
		situation_test(thrash_in_reads),
		situation_test(thrash_by_pressure),
		situation_test(thrash_of_the_machine),
		situation_test(thrash_near),
		situation_test(thrash_without_refaults),
		situation_test(major_faults),
		situation_test(oom),
		situation_test(oom_most_telling),
		situation_test(oom_growth),
		situation_test(oom_by_another),
		situation_test(oom_near),
		situation_test(oom_of_the_machine),
	};

	return cmocka_run_group_tests_name("diagnose_memory", tests, NULL, NULL);
}
