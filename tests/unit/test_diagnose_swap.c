/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_diagnose_swap.c - the rule about pages that come back from swap: by container, or, where nobody counts them, of the machine;
 * what went to swap and stays there is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "lib/situation.h"

#define MIB (1024.0 * 1024)

/* A container near its limit, a part of it in swap. */
static uint32_t swapper(double limit)
{
	uint32_t c = situation_container(&situation, "db", "docker");

	for (int i = 0; i < 2; i++) {
		double *v = situation.containers[i][c].v;

		v[CONTAINER_MEMORY_LIMIT] = v[CONTAINER_SPEC_MEMORY_LIMIT] = limit;
		v[CONTAINER_MEMORY_USAGE] = 250 * MIB;
		v[CONTAINER_MEMORY_RSS] = v[CONTAINER_MEMORY_LIMIT_HELD] = 248 * MIB;
		v[CONTAINER_MEMORY_SWAP] = 100 * MIB;
	}
	situation.before.v[HOST_SWAP_TOTAL] = situation.now.v[HOST_SWAP_TOTAL] = 2048 * MIB;
	return c;
}

static void swap_at_a_limit(void **state)
{
	uint32_t c = swapper(256 * MIB);
	const struct finding *f;

	(void)state;
	situation_gain(&situation, c, CONTAINER_REFAULTS_ANON, 3000);
	situation_gain(&situation, c, CONTAINER_PGMAJFAULT, 2500);
	situation_gain(&situation, c, CONTAINER_RECLAIM_LIMIT, 0.3);
	situation_gain(&situation, c, CONTAINER_BLOCKED_FAULT, 0.6);
	f = expect_first(&situation, "swap_thrash", "db", "");
	assert_int_equal(f->severity, FINDING_WARNING);
	/* Of one cause: reads again, page faults, the limit. */
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_int_equal(f->n_explains, 3);
	expect_words(f, "db waits for its own memory: 3000 pages a second (12M) come back from swap, as its limit of "
			"256M is too "
			"little");
	expect_words(f, "100M of it are in swap now");
	expect_words(f, "blocked in page faults for 0.60 s in each second");
	expect_words(f, "docker update --memory 356M --memory-swap -1 db");
}

static void swap_of_a_full_machine(void **state)
{
	uint32_t c = swapper(VALUE_ABSENT);

	(void)state;
	situation_gain(&situation, c, CONTAINER_REFAULTS_ANON, 3000);
	situation_gain(&situation, c, CONTAINER_RECLAIM_MACHINE, 0.3);
	expect_words(expect_first(&situation, "swap_thrash", "db", ""), "as the memory of the machine is too little");
}

/* It lies in swap and is not needed; it comes back for a moment; nobody waits; files come back, not its own memory. */
static void swap_near_misses(void **state)
{
	uint32_t c = swapper(VALUE_ABSENT);

	(void)state;
	situation_gain(&situation, c, CONTAINER_RECLAIM_MACHINE, 0.3);
	expect_nothing(&situation);
	situation_gain(&situation, c, CONTAINER_REFAULTS_ANON, 450);
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[1].rule, "swap_thrash");
	situation_gain(&situation, c, CONTAINER_REFAULTS_ANON, 3000);
	situation_gain(&situation, c, CONTAINER_RECLAIM_MACHINE, 0.01);
	expect_nothing(&situation);
	situation_gain(&situation, c, CONTAINER_RECLAIM_MACHINE, 0.3);
	situation_gain(&situation, c, CONTAINER_REFAULTS_FILE, 9000);
	expect_first(&situation, "memory_thrash", "db", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

/* An older kernel with cgroup v1: the machine's own counts; in both directions, as memory that wakes up only comes back. */
static void swap_by_the_machine(void **state)
{
	uint32_t c = swapper(VALUE_ABSENT);

	(void)state;
	for (int i = 0; i < 2; i++)
		situation.containers[i][c].v[CONTAINER_REFAULTS_ANON] =
			situation.containers[i][c].v[CONTAINER_REFAULTS_FILE] = VALUE_ABSENT;
	situation_host_gain(&situation, HOST_SWAP_IN, 3000);
	situation_host_gain(&situation, HOST_SWAP_OUT, 100);
	situation_host_gain(&situation, HOST_PRESSURE_MEMORY_SOME, 0.4);
	expect_nothing(&situation);
	situation_host_gain(&situation, HOST_SWAP_OUT, 2800);
	assert_int_equal(expect_first(&situation, "swap_thrash", "", "")->confidence, FINDING_MEDIUM);
	expect_words(situation.diagnosis.findings.all, "3000 pages a second come back, 2800 go there");
	/* Not even these: it is not said to be fine. */
	situation.now.v[HOST_SWAP_IN] = situation.before.v[HOST_SWAP_IN] = VALUE_ABSENT;
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.unjudged[0].rule, "swap_thrash");
	/* Without swap there is nothing to judge. */
	situation.now.v[HOST_SWAP_TOTAL] = 0;
	expect_nothing(&situation);
	assert_int_equal(situation.diagnosis.findings.n_unjudged, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		situation_test(swap_at_a_limit),
		situation_test(swap_of_a_full_machine),
		situation_test(swap_near_misses),
		situation_test(swap_by_the_machine),
	};

	return cmocka_run_group_tests_name("diagnose_swap", tests, NULL, NULL);
}
