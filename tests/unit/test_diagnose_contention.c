/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_diagnose_contention.c - the rules about threads that wait for each other, and about full CPUs: each finds its situation with
 * the right culprit, and a near miss is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/situation.h"

/* ---- cpu_neighbour ---- */

static void neighbour(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.5, 0.8, 0, 0),
		 batch = situation_worker(&situation, "batch", 3.4, 0.5, 0, 0);
	const struct finding *f;

	(void)state;
	situation_neighbour(&situation, web, batch, 0.7);
	situation_neighbour(&situation, web, NEIGHBOUR_OTHERS, 0.1);
	situation_host_gain(&situation, HOST_CPU_USAGE, 3.95);
	f = expect_first(&situation, "cpu_neighbour", "web", "batch");
	assert_int_equal(f->severity, FINDING_CRITICAL);
	expect_words(f, "batch has the CPUs that web needs");
	expect_words(f, "docker update --cpu-shares 128 batch");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

/* The machine is full because of the neighbour: a consequence, no finding of its own. */
static void neighbour_explains_a_full_machine(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.5, 1.5, 0, 0),
		 batch = situation_worker(&situation, "batch", 3.4, 2, 0, 0);
	const struct finding *f;

	(void)state;
	situation_neighbour(&situation, web, batch, 1.5);
	situation_neighbour(&situation, batch, batch, 0.3);
	situation_host_gain(&situation, HOST_CPU_USAGE, 4);
	f = expect_first(&situation, "cpu_neighbour", "web", "batch");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_int_equal(f->n_explains, 1);
	assert_string_equal(f->explains[0].rule, "host_cpu_saturated");
}

/* Four equals fill the machine: nobody is to blame. */
static void equals(void **state)
{
	uint32_t c[4];
	const char *const names[] = {"a", "b", "c", "d"};

	(void)state;
	for (int i = 0; i < 4; i++)
		c[i] = situation_worker(&situation, names[i], 1, 1.5, 0, 0);
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < 4; k++)
			if (i != k)
				situation_neighbour(&situation, c[i], c[k], 0.5);
	situation_host_gain(&situation, HOST_CPU_USAGE, 4);
	expect_first(&situation, "host_cpu_saturated", "", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

static void neighbour_near(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.5, 0.1, 0, 0),
		 batch = situation_worker(&situation, "batch", 3.4, 0.5, 0, 0);

	(void)state;
	situation_neighbour(&situation, web, batch, 0.09);
	situation_host_gain(&situation, HOST_CPU_USAGE, 3.9);
	expect_nothing(&situation);
}

/* Many wait for one: one finding about the worst, with one value that all of them can live with. */
static void one_culprit(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	uint32_t batch = situation_worker(&situation, "batch", 3.6, 9, 0, 0), c;
	const struct finding *f;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(names); i++) {
		c = situation_worker(&situation, names[i], 0.08, 0.2 + i * 0.05, 0, 0);
		situation_neighbour(&situation, c, batch, 0.2 + i * 0.05);
	}
	situation_host_gain(&situation, HOST_CPU_USAGE, 4);
	f = expect_first(&situation, "cpu_neighbour", "e", "batch");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	expect_words(f, "batch has the CPUs that 5 others need: e, the worst, waits for 83 %");
	expect_words(f, "d waited 0.35 s in each second for it; 81 %");
	expect_words(f, "and 2 more containers waited for it");
	/* 4 CPUs without 5 * 0.08 that they used, and 0.2 + 0.25 + 0.3 + 0.35 + 0.4 that they waited for. */
	expect_words(f, "or limit it to the 2.1 CPUs that the others leave: docker update --cpus 2.1 batch");
}

/* Who asks about one of them hears of that one. */
static void one_of_the_victims(void **state)
{
	uint32_t batch = situation_worker(&situation, "batch", 3.6, 9, 0, 0), c[2];
	static const char *const db = "db";
	struct match_choice choice;

	(void)state;
	c[0] = situation_worker(&situation, "web", 0.1, 0.5, 0, 0);
	c[1] = situation_worker(&situation, db, 0.2, 0.3, 0, 0);
	for (int i = 0; i < 2; i++)
		situation_neighbour(&situation, c[i], batch, 0.3);
	situation_host_gain(&situation, HOST_CPU_USAGE, 4);
	expect_first(&situation, "cpu_neighbour", "db", "batch");
	match_choice_init(&choice, (const char *const[]){"web"}, 1);
	assert_int_equal(match_choice_look(&choice, &situation.now), 0);
	diagnosis_free(&situation.diagnosis);
	assert_int_equal(diagnosis_run(&situation.diagnosis, &situation.window, &situation.options, &choice), 0);
	match_choice_free(&choice);
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_string_equal(situation.diagnosis.findings.all[0].container, "web");
	assert_null(strstr(situation.diagnosis.findings.all[0].headline, "others"));
}

/* It waits for a neighbour itself, which is the one to blame: who waits for it waits for that one. */
static void innocent_in_the_middle(void **state)
{
	uint32_t batch = situation_worker(&situation, "batch", 3, 5, 0, 0),
		 web = situation_worker(&situation, "web", 0.4, 0.6, 0, 0),
		 idle = situation_worker(&situation, "idle", 0, 0.13, 0, 0);
	const struct finding *f;

	(void)state;
	situation_neighbour(&situation, web, batch, 0.6);
	situation_neighbour(&situation, idle, web, 0.07);
	situation_neighbour(&situation, idle, batch, 0.06);
	situation_host_gain(&situation, HOST_CPU_USAGE, 4);
	f = expect_first(&situation, "cpu_neighbour", "web", "batch");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_null(strstr(f->headline, "idle"));
}

/* It has next to nothing to do, and waits for that: no emergency, and no more than all of the time. */
static void idle_victim(void **state)
{
	uint32_t batch = situation_worker(&situation, "batch", 3.9, 5, 0, 0),
		 idle = situation_worker(&situation, "idle", 0, 0.12, 0, 0);
	const struct finding *f;

	(void)state;
	situation_neighbour(&situation, idle, batch, 0.13);
	situation_neighbour(&situation, batch, batch, 5);
	situation_host_gain(&situation, HOST_CPU_USAGE, 3.9);
	f = expect_first(&situation, "cpu_neighbour", "idle", "batch");
	assert_int_equal(f->severity, FINDING_WARNING);
	expect_words(f, "idle waits for 100 % of the time");
	/* That its own threads wait for each other as well is no news. */
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_int_equal(f->n_explains, 2);
}

static bool advises(const struct finding *f, const char *words)
{
	bool said = false;

	for (size_t i = 0; i < f->n_advice; i++)
		said |= strstr(f->advice[i], words) != NULL;
	return said;
}

/* What the victims want leaves it next to nothing: no value makes sense, and a weight does. */
static void no_limit_to_defend(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 2, 2, 0, 0),
		 batch = situation_worker(&situation, "batch", 3.1, 3, 0, 0);
	const struct finding *f;

	(void)state;
	situation.containers[1][web].v[CONTAINER_THREADS] = 16;
	situation.now.v[HOST_CPUS] = 5;
	situation_neighbour(&situation, web, batch, 2);
	situation_host_gain(&situation, HOST_CPU_USAGE, 5);
	f = expect_first(&situation, "cpu_neighbour", "web", "batch");
	assert_true(advises(f, "docker update --cpu-shares 128 batch"));
	assert_true(advises(f, "limit it to the 1.0 CPUs"));
	situation_gain(&situation, batch, CONTAINER_CPU_USAGE, 4.1);
	situation_gain(&situation, web, CONTAINER_CPU_USAGE, 2.5);
	situation.now.v[HOST_CPUS] = 6.6;
	situation_host_gain(&situation, HOST_CPU_USAGE, 6.6);
	situation.containers[1][web].v[CONTAINER_THREADS] = 64;
	situation_gain(&situation, web, CONTAINER_WAKEUP_WAIT, 4);
	situation.neighbours[1][0].v[NEIGHBOUR_WAIT] = 4e9 * SITUATION_SECONDS;
	f = expect_first(&situation, "cpu_neighbour", "web", "batch");
	assert_true(advises(f, "docker update --cpu-shares 128 batch"));
	assert_false(advises(f, "limit it"));
	/* Its weight is as low as it gets. */
	situation.containers[1][batch].v[CONTAINER_SPEC_SHARES] = 2;
	assert_true(advises(expect_first(&situation, "cpu_neighbour", "web", "batch"),
			    "limit batch, or let it work at another"));
}

/* A limit is set, lowered or raised, whichever it is; weights count among cgroups of one parent. */
static void culprit_without_runtime(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.5, 0.8, 0, 0),
		 batch = situation_worker(&situation, "batch", 3.4, 0.5, 0, 0);
	struct container_row *row = &situation.containers[1][batch];
	const struct finding *f;

	(void)state;
	situation.containers[0][batch].runtime = row->runtime = "";
	situation_neighbour(&situation, web, batch, 0.7);
	situation_host_gain(&situation, HOST_CPU_USAGE, 3.95);
	f = expect_first(&situation, "cpu_neighbour", "web", "batch");
	assert_true(advises(f, "let batch go last: write 128 into cpu.shares of cgroup /test/batch-1"));
	assert_true(advises(
		f, "set the CPU quota to 2.9 CPUs: write 290000 into cpu.cfs_quota_us of cgroup /test/batch-1"));
	row->v[CONTAINER_CPU_WEIGHT] = 100;
	row->v[CONTAINER_SPEC_PERIOD] = 50000;
	row->v[CONTAINER_SPEC_QUOTA] = 250000;
	f = expect_first(&situation, "cpu_neighbour", "web", "batch");
	assert_true(advises(f, "let batch go last: write 10 into cpu.weight of cgroup /test/batch-1"));
	assert_true(advises(
		f, "lower the CPU quota to 2.9 CPUs: write '145000 50000' into cpu.max of cgroup /test/batch-1"));
	snprintf(situation.paths[batch], sizeof(situation.paths[batch]), "/batch.slice/nightly.service");
	f = expect_first(&situation, "cpu_neighbour", "web", "batch");
	assert_true(advises(f, "systemctl set-property batch.slice CPUWeight=10 (for all that is in there)"));
	assert_true(advises(f, "systemctl set-property nightly.service CPUQuota=290%"));
}

/* It may use one CPU only, and others are free: that it may not is said first. */
static void pinned(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.3, 0.7, 0, 1),
		 batch = situation_worker(&situation, "batch", 0.7, 0.3, 0, 1);
	const struct finding *f;

	(void)state;
	situation.containers[1][web].cpu_limit_is_cpuset = situation.containers[1][batch].cpu_limit_is_cpuset = true;
	situation_neighbour(&situation, web, batch, 0.7);
	situation_neighbour(&situation, batch, web, 0.3);
	situation_host_gain(&situation, HOST_CPU_USAGE, 1.1);
	f = expect_first(&situation, "cpu_neighbour", "web", "batch");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_int_equal(f->severity, FINDING_WARNING);
	assert_int_equal(f->confidence, FINDING_MEDIUM);
	expect_words(f, "web may use only 1 of the 4 CPUs, on which batch runs as well");
	assert_non_null(strstr(f->advice[0],
			       "2.9 CPUs were free; let it use more of them: docker update --cpuset-cpus 0-3 web"));
}

/* Its own threads queue at its one CPU, where a neighbour runs at times: that one is innocent, and the machine is not full. */
static void pinned_queue(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.7, 7, 0, 1),
		 batch = situation_worker(&situation, "batch", 3.2, 0.4, 0, 0);
	const struct finding *f;

	(void)state;
	situation.containers[1][web].cpu_limit_is_cpuset = true;
	situation_neighbour(&situation, web, web, 5);
	situation_neighbour(&situation, web, batch, 2);
	situation_host_gain(&situation, HOST_CPU_USAGE, 3.3);
	f = expect_first(&situation, "cpu_self_contention", "web", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	expect_words(f, "it may use only 1 of the machine's 4 CPUs: a cpuset binds it");
	expect_words(f, "of which 0.7 were free: docker update --cpuset-cpus 0-3 web");
	/* Nor if all CPUs are well used. */
	situation.neighbours[1][0].v[NEIGHBOUR_WAIT] = 6.9e9 * SITUATION_SECONDS;
	situation.neighbours[1][1].v[NEIGHBOUR_WAIT] = 0.1e9 * SITUATION_SECONDS;
	situation_host_gain(&situation, HOST_CPU_USAGE, 3.9);
	expect_first(&situation, "cpu_self_contention", "web", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

/* The kernel and the rest of the machine get no limit: which process it is. */
static void culprit_is_the_host(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.5, 0.8, 0, 0),
		 host = situation_worker(&situation, "host", 3.4, 0.5, 0, 0);

	(void)state;
	situation.containers[1][host].kind = "host";
	situation_neighbour(&situation, web, host, 0.7);
	situation_host_gain(&situation, HOST_CPU_USAGE, 3.95);
	expect_words(expect_first(&situation, "cpu_neighbour", "web", "host"),
		     "sysscope top --view processes --sort cpu_cores --container host");
}

/* It ended while this watched: that is said, and what it would have been told is left out. */
static void culprit_has_ended(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.5, 0.8, 0, 0),
		 batch = situation_worker(&situation, "batch", 3.4, 0.5, 0, 0);
	const struct finding *f;

	(void)state;
	situation_neighbour(&situation, web, batch, 0.7);
	situation_host_gain(&situation, HOST_CPU_USAGE, 3.95);
	situation.containers[1][batch].dead = true;
	f = expect_first(&situation, "cpu_neighbour", "web", "batch");
	expect_words(f, "batch has ended meanwhile");
	assert_false(advises(f, "docker"));
}

/* ---- cpu_self_contention, host_cpu_saturated ---- */

static void self_contention(void **state)
{
	uint32_t c = situation_worker(&situation, "pool", 2, 6, 0, 0);
	const struct finding *f;

	(void)state;
	situation_neighbour(&situation, c, c, 6);
	situation.containers[1][c].v[CONTAINER_RUNNABLE] = 8;
	situation_host_gain(&situation, HOST_CPU_USAGE, 2);
	/* Not the 8 CPUs that all of them would fill, which the machine has not. */
	f = expect_first(&situation, "cpu_self_contention", "pool", "");
	expect_words(f, "no more threads at once than the 4 CPUs that it may use");
	expect_words(f, "2.0 CPUs were free meanwhile: its threads may be bound to some of the CPUs");
	situation.containers[1][c].v[CONTAINER_CPU_LIMIT] = 2.5;
	f = expect_first(&situation, "cpu_self_contention", "pool", "");
	expect_words(f, "give it up to 4.0 CPUs: docker update --cpus 4.0 pool");
}

static void self_contention_near(void **state)
{
	uint32_t c = situation_worker(&situation, "pool", 3, 0.6, 0, 0);

	(void)state;
	situation_neighbour(&situation, c, c, 0.6);
	expect_nothing(&situation);
}

/* Processes of a moment fill the machine: they are the cause, that others wait and that it is full are not. */
static void short_lived_fills_the_machine(void **state)
{
	uint32_t checks = situation_worker(&situation, "checks", 3.2, 4, 0, 0),
		 web = situation_worker(&situation, "web", 0.5, 1, 0, 0);
	const struct finding *f;

	(void)state;
	situation_gain(&situation, checks, CONTAINER_SHORT_LIVED_CPU, 2.8);
	situation_gain(&situation, checks, CONTAINER_FORKS, 400);
	situation_host_gain(&situation, HOST_CPU_USAGE, 3.9);
	f = expect_first(&situation, "short_lived_processes", "checks", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_int_equal(f->n_explains, 1);
	assert_string_equal(f->explains[0].rule, "host_cpu_saturated");
	situation_neighbour(&situation, web, checks, 0.9);
	f = expect_first(&situation, "short_lived_processes", "checks", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_int_equal(f->n_explains, 2);
	assert_int_equal(f->severity, FINDING_CRITICAL);
	assert_true(advises(f, "until then let checks go last: docker update --cpu-shares 128 checks"));
	/* They have 0.7 of a machine that another one fills. */
	situation_gain(&situation, checks, CONTAINER_CPU_USAGE, 0.9);
	situation_gain(&situation, checks, CONTAINER_SHORT_LIVED_CPU, 0.7);
	situation_gain(&situation, web, CONTAINER_CPU_USAGE, 3);
	expect_first(&situation, "host_cpu_saturated", "", "web");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		situation_test(neighbour),
		situation_test(neighbour_explains_a_full_machine),
		situation_test(equals),
		situation_test(neighbour_near),
		situation_test(one_culprit),
		situation_test(one_of_the_victims),
		situation_test(innocent_in_the_middle),
		situation_test(idle_victim),
		situation_test(no_limit_to_defend),
		situation_test(culprit_without_runtime),
		situation_test(pinned),
		situation_test(pinned_queue),
		situation_test(culprit_is_the_host),
		situation_test(culprit_has_ended),
		situation_test(self_contention),
		situation_test(self_contention_near),
		situation_test(short_lived_fills_the_machine),
	};

	return cmocka_run_group_tests_name("diagnose_contention", tests, NULL, NULL);
}
