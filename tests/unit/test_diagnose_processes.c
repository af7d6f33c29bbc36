/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_diagnose_processes.c - the rules about processes and about sysscope itself: each finds its situation, and a near miss is
 * none; and what a run of the rules promises: what cannot be judged says so, the closest values, the order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "lib/situation.h"

/* A parent with so many dead children. */
static uint32_t with_zombies(const char *name, uint32_t n)
{
	uint32_t c = situation_container(&situation, name, "docker"),
		 parent = situation_process(&situation, c, "node", 100), p;

	situation.processes[1][parent].namespace_pid = 1;
	for (uint32_t i = 0; i < n; i++) {
		p = situation_process(&situation, c, "sh", 200 + i);
		situation.processes[1][p].ppid = 100;
		situation.processes[1][p].state = 'Z';
	}
	return c;
}

static void zombies(void **state)
{
	const struct finding *f;

	(void)state;
	with_zombies("app", 7);
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].rule, "zombies");
	situation.options.thresholds[ZOMBIES_COUNT] = 7;
	f = expect_first(&situation, "zombies", "app", "");
	assert_int_equal(f->pid, 100);
	expect_words(f, "node (pid 100) in app leaves 7 dead children unclaimed");
	expect_words(f, "docker run --init");
}

static void pids_limit(void **state)
{
	uint32_t c = situation_container(&situation, "pool", "docker");
	double *v = situation.containers[1][c].v;

	(void)state;
	v[CONTAINER_THREADS_LIMIT] = 100;
	v[CONTAINER_THREADS] = 89;
	expect_nothing(&situation);
	v[CONTAINER_THREADS] = 93;
	assert_int_equal(expect_first(&situation, "pids_limit", "pool", "")->severity, FINDING_WARNING);
	v[CONTAINER_THREADS] = 100;
	assert_int_equal(expect_first(&situation, "pids_limit", "pool", "")->severity, FINDING_CRITICAL);
}

/* The command is that of the runtime, with a value. */
/* Three containers of a pod at its limit, which none of them has: one finding, about the largest. */
static void pids_limit_above(void **state)
{
	static const double threads[] = {300, 500, 190};
	const struct finding *f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		static const char *const names[] = {"app", "pool", "sidecar"};
		uint32_t c = situation_container(&situation, names[i], "docker");
		struct container_row *row = &situation.containers[1][c];

		row->v[CONTAINER_THREADS] = threads[i];
		row->threads_limit_above_of = "/kubepods/pod7";
		row->threads_limit_above = 1200;
		row->threads_above = 990;
	}
	expect_nothing(&situation);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		situation.containers[1][i + 0].threads_limit_above = 1024;
	f = expect_first(&situation, "pids_limit", "pool", "");
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_int_equal(f->severity, FINDING_WARNING);
	expect_words(f, "all in /kubepods/pod7 have 990 threads of the 1024 that they may have; pool has 500");
	expect_words(f, "write 2048 into pids.max of cgroup /kubepods/pod7");
	situation.containers[1][1].pod = "shop-0";
	expect_words(expect_first(&situation, "pids_limit", "pool", ""), "set podPidsLimit to 2048");
}

static void pids_limit_advice(void **state)
{
	uint32_t c = situation_container(&situation, "pool", "docker");
	struct container_row *row = &situation.containers[1][c];

	(void)state;
	row->v[CONTAINER_THREADS_LIMIT] = 100;
	row->v[CONTAINER_THREADS] = 100;
	expect_words(expect_first(&situation, "pids_limit", "pool", ""), "docker update --pids-limit 200 pool");
	row->name = "a b";
	row->runtime = "podman";
	expect_words(expect_first(&situation, "pids_limit", "a b", ""), "podman update --pids-limit 200 'a b'");
	row->pod = "pool-1";
	expect_words(expect_first(&situation, "pids_limit", "a b", ""), "set podPidsLimit to 200");
	row->pod = row->runtime = "";
	row->cgroup = "/system.slice/pool.service";
	expect_words(expect_first(&situation, "pids_limit", "a b", ""),
		     "systemctl set-property pool.service TasksMax=200");
	row->cgroup = "/jobs/pool";
	expect_words(expect_first(&situation, "pids_limit", "a b", ""), "write 200 into pids.max of cgroup /jobs/pool");
}

static void stopped(void **state)
{
	uint32_t c = situation_container(&situation, "web", "docker"),
		 p = situation_process(&situation, c, "nginx", 42);
	const struct finding *f;

	(void)state;
	situation.containers[1][c].v[CONTAINER_TASKS_STOPPED] = 1;
	situation.processes[1][p].state = 'T';
	f = expect_first(&situation, "stopped", "web", "");
	assert_int_equal(f->severity, FINDING_NOTICE);
	expect_words(f, "kill -CONT 42");
	situation.processes[1][p].state = 'S';
	situation.containers[1][c].v[CONTAINER_TASKS_STOPPED] = 0;
	expect_nothing(&situation);
	situation.containers[1][c].state = "paused";
	expect_words(expect_first(&situation, "stopped", "web", ""), "web is paused");
}

static void facts_lost(void **state)
{
	struct loss_row losses[] = {{"ring_full", 5}, {"state_refused", 100}, {"series_folded", 900}};

	(void)state;
	situation.before.losses = situation.now.losses = losses;
	situation.before.n_losses = situation.now.n_losses = ARRAY_SIZE(losses);
	expect_nothing(&situation);
	assert_int_equal(watch_begin(&situation.window, &situation.before), 0);
	losses[0].count = 5;
	losses[1].count = 5000;
	expect_nothing(&situation);
	/* The snapshots share the rows: what was there before is what the window copied. */
	losses[0].count = 0;
	losses[1].count = 0;
	assert_int_equal(watch_begin(&situation.window, &situation.before), 0);
	losses[0].count = 11;
	diagnosis_free(&situation.diagnosis);
	assert_int_equal(watch_end(&situation.window, &situation.now), 0);
	assert_int_equal(diagnosis_run(&situation.diagnosis, &situation.window, &situation.options, NULL), 0);
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_string_equal(situation.diagnosis.findings.all[0].rule, "facts_lost");
}

static void attribution(void **state)
{
	(void)state;
	situation.now.v[HOST_ATTRIBUTED] = 0.9;
	expect_first(&situation, "attribution_low", "", "");
	situation.now.v[HOST_ATTRIBUTED] = 0.96;
	expect_nothing(&situation);
}

static void collector_missing(void **state)
{
	const struct findings *f;
	bool judged = true;

	(void)state;
	situation_collector_off(&situation, "oom");
	expect_words(expect_first(&situation, "collector_missing", "", ""),
		     "collector oom is off: oom_killed cannot judge");
	f = situation_judge(&situation);
	for (size_t i = 0; i < f->n_unjudged; i++)
		judged &= strcmp(f->unjudged[i].rule, "oom_killed") != 0;
	assert_false(judged);
}

/* The worst first; of one severity that which costs most. */
static void order(void **state)
{
	static const char *const names[] = {"a", "b", "c"};
	static const double threads[] = {91, 100, 95};

	(void)state;
	for (int i = 0; i < 3; i++) {
		uint32_t c = situation_container(&situation, names[i], "docker");

		situation.containers[1][c].v[CONTAINER_THREADS_LIMIT] = 100;
		situation.containers[1][c].v[CONTAINER_THREADS] = threads[i];
	}
	situation_judge(&situation);
	assert_int_equal(situation.diagnosis.findings.n, 3);
	assert_string_equal(situation.diagnosis.findings.all[0].container, "b");
	assert_string_equal(situation.diagnosis.findings.all[1].container, "c");
	assert_string_equal(situation.diagnosis.findings.all[2].container, "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		situation_test(zombies),	  situation_test(pids_limit),	     situation_test(pids_limit_advice),
		situation_test(pids_limit_above), situation_test(stopped),	     situation_test(facts_lost),
		situation_test(attribution),	  situation_test(collector_missing), situation_test(order),
	};

	return cmocka_run_group_tests_name("diagnose_processes", tests, NULL, NULL);
}
