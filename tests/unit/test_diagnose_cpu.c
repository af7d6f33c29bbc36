/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_diagnose_cpu.c - the rules about the CPU: each finds its situation with the right culprit, and a near miss is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "lib/rules_doc.h"
#include "lib/situation.h"

/* A container that used `cores`, waited `wait` s in each second for a CPU, `throttled` s of it for its quota of `limit` CPUs. */
static uint32_t worker(const char *name, double cores, double wait, double throttled, double limit)
{
	uint32_t c = situation_container(&situation, name, "docker");

	situation_gain(&situation, c, CONTAINER_CPU_USAGE, cores);
	situation_gain(&situation, c, CONTAINER_CPU_TASKS, cores);
	situation_gain(&situation, c, CONTAINER_WAKEUP_WAIT, wait);
	situation_gain(&situation, c, CONTAINER_THROTTLED_WAIT, throttled);
	situation.containers[1][c].v[CONTAINER_CPU_CORES] = cores;
	situation.containers[1][c].v[CONTAINER_CPU_LIMIT] = limit > 0 ? limit : VALUE_ABSENT;
	return c;
}

static void idle_machine(void **state)
{
	(void)state;
	worker("web", 0.3, 0.01, 0, 0);
	worker("db", 0.5, 0.02, 0, 1);
	expect_nothing(&situation);
}

static void throttled(void **state)
{
	uint32_t web = worker("web", 0.2, 0.72, 0.7, 0.2);
	const struct finding *f;

	(void)state;
	situation.containers[1][web].v[CONTAINER_THROTTLED_RATIO] = 1;
	f = expect_first(&situation, "cpu_throttled", "web", "");
	assert_int_equal(f->severity, FINDING_CRITICAL);
	expect_words(f, "held up by its CPU quota for 76 % of the time");
	expect_words(f, "it wanted about 0.9 CPUs, waits included; give it 1.0: docker update --cpus 1.0 web");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

static void throttled_from_above(void **state)
{
	uint32_t web = worker("web", 0.2, 0.3, 0.25, 0.2);
	const struct finding *f;

	(void)state;
	situation.containers[1][web].v[CONTAINER_THROTTLED_RATIO] = 0.6;
	situation.containers[1][web].throttled_by = "/batch.slice";
	f = expect_first(&situation, "cpu_throttled", "web", "");
	assert_int_equal(f->severity, FINDING_CRITICAL);
	expect_words(f, "the CPU quota of /batch.slice");
	expect_words(f, "systemctl set-property batch.slice CPUQuota=50%");
}

/* Short bursts: periods run out, and next to nothing is lost. */
static void throttled_near(void **state)
{
	uint32_t web = worker("web", 0.4, 0.02, 0.01, 0.5);

	(void)state;
	situation.containers[1][web].v[CONTAINER_THROTTLED_RATIO] = 0.3;
	expect_nothing(&situation);
	situation.containers[1][web].v[CONTAINER_THROTTLED_RATIO] = 0.2;
	expect_nothing(&situation);
	assert_string_equal(situation.diagnosis.findings.near[0].rule, "cpu_throttled");
	assert_float_equal(situation.diagnosis.findings.near[0].share, 0.8, 1e-6);
}

/* Without the scheduler hooks the periods decide, and the finding is less sure. */
static void throttled_without_hooks(void **state)
{
	uint32_t web = worker("web", 0.2, 0, 0, 0.2);
	const struct finding *f;

	(void)state;
	situation_collector_off(&situation, "sched");
	for (int i = 0; i < 2; i++)
		situation.containers[i][web].v[CONTAINER_THROTTLED_WAIT] =
			situation.containers[i][web].v[CONTAINER_WAKEUP_WAIT] =
				situation.containers[i][web].v[CONTAINER_PREEMPTED_WAIT] = VALUE_ABSENT;
	situation.containers[1][web].v[CONTAINER_THROTTLED_RATIO] = 0.9;
	f = expect_first(&situation, "cpu_throttled", "web", "");
	assert_int_equal(f->confidence, FINDING_MEDIUM);
	assert_int_equal(situation.diagnosis.findings.n_unjudged, 2);
	assert_string_equal(situation.diagnosis.findings.unjudged[0].rule, "cpu_neighbour");
}

static void neighbour(void **state)
{
	uint32_t web = worker("web", 0.5, 0.8, 0, 0), batch = worker("batch", 3.4, 0.5, 0, 0);
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
	uint32_t web = worker("web", 0.5, 1.5, 0, 0), batch = worker("batch", 3.4, 2, 0, 0);
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
		c[i] = worker(names[i], 1, 1.5, 0, 0);
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < 4; k++)
			if (i != k)
				situation_neighbour(&situation, c[i], c[k], 0.5);
	situation_host_gain(&situation, HOST_CPU_USAGE, 4);
	expect_first(&situation, "host_cpu_saturated", "", "a");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

static void neighbour_near(void **state)
{
	uint32_t web = worker("web", 0.5, 0.1, 0, 0), batch = worker("batch", 3.4, 0.5, 0, 0);

	(void)state;
	situation_neighbour(&situation, web, batch, 0.09);
	situation_host_gain(&situation, HOST_CPU_USAGE, 3.9);
	expect_nothing(&situation);
}

static void self_contention(void **state)
{
	uint32_t c = worker("pool", 2, 6, 0, 0);

	(void)state;
	situation_neighbour(&situation, c, c, 6);
	situation.containers[1][c].v[CONTAINER_RUNNABLE] = 8;
	situation_host_gain(&situation, HOST_CPU_USAGE, 2);
	expect_words(expect_first(&situation, "cpu_self_contention", "pool", ""), "about 8.0 CPUs");
}

static void self_contention_near(void **state)
{
	uint32_t c = worker("pool", 3, 0.6, 0, 0);

	(void)state;
	situation_neighbour(&situation, c, c, 0.6);
	expect_nothing(&situation);
}

static void single_thread(void **state)
{
	uint32_t c = worker("script", 1, 0, 0, 0), p = situation_process(&situation, c, "python3", 4711);
	const struct finding *f;

	(void)state;
	situation_process_gain(&situation, p, PROCESS_CPU_USAGE, 0.99);
	situation.now.v[HOST_CPU_CORES] = 1;
	f = expect_first(&situation, "cpu_single_thread", "script", "");
	assert_int_equal(f->pid, 4711);
	/* With a limit that it reaches it is the limit, whatever the machine has. */
	situation.containers[1][c].v[CONTAINER_CPU_LIMIT] = 1.2;
	expect_nothing(&situation);
	situation.containers[1][c].v[CONTAINER_CPU_LIMIT] = VALUE_ABSENT;
	situation.processes[1][p].v[PROCESS_THREADS] = 2;
	expect_nothing(&situation);
}

static void short_lived(void **state)
{
	uint32_t c = worker("checks", 0.9, 0, 0, 0);
	const struct finding *f;
	uint32_t p;

	(void)state;
	situation_gain(&situation, c, CONTAINER_SHORT_LIVED_CPU, 0.8);
	situation_gain(&situation, c, CONTAINER_FORKS, 300);
	situation_group(&situation, c, "curl", GROUP_ENDED, 2990);
	situation_process(&situation, c, "watchdog", 100);
	for (uint32_t i = 0; i < 3; i++) {
		p = situation_process(&situation, c, "curl", 5000 + i);
		situation.processes[1][p].ppid = 100;
		situation.processes[1][p].v[PROCESS_AGE] = 1e7;
	}
	f = expect_first(&situation, "short_lived_processes", "checks", "");
	assert_int_equal(f->severity, FINDING_NOTICE);
	assert_int_equal(f->culprit_pid, 100);
	expect_words(f, "starts 300 processes a second");
	expect_words(f, "called curl");
	expect_words(f, "started by watchdog (pid 100)");
	/* Where others wait for the CPUs that it takes, it is a warning. */
	worker("web", 3.1, 3, 0, 0);
	situation_host_gain(&situation, HOST_CPU_USAGE, 4);
	situation_judge(&situation);
	for (size_t i = 0; i < situation.diagnosis.findings.n; i++)
		if (strcmp(situation.diagnosis.findings.all[i].rule, "short_lived_processes") == 0)
			assert_int_equal(situation.diagnosis.findings.all[i].severity, FINDING_WARNING);
}

static void short_lived_near(void **state)
{
	uint32_t c = worker("cron", 1, 0, 0, 0);

	(void)state;
	situation_gain(&situation, c, CONTAINER_SHORT_LIVED_CPU, 0.19);
	expect_nothing(&situation);
	situation_gain(&situation, c, CONTAINER_SHORT_LIVED_CPU, 0.25);
	expect_nothing(&situation);
}

static void saturated_near(void **state)
{
	(void)state;
	worker("a", 2, 0.5, 0, 0);
	worker("b", 2, 0.5, 0, 0);
	/* All CPUs are busy, and next to nobody waits: well used. */
	situation_host_gain(&situation, HOST_CPU_USAGE, 4);
	expect_nothing(&situation);
}

static void steal(void **state)
{
	(void)state;
	situation_host_gain(&situation, HOST_STEAL, 0.3);
	expect_first(&situation, "cpu_steal", "", "");
	situation_host_gain(&situation, HOST_STEAL, 0.19);
	expect_nothing(&situation);
	situation.before.v[HOST_STEAL] = situation.now.v[HOST_STEAL] = VALUE_ABSENT;
	expect_nothing(&situation);
	assert_int_equal(situation.diagnosis.findings.n_unjudged, 1);
}

/* A name that a shell would read as more than a word stands in quotes. */
static void hostile_name(void **state)
{
	uint32_t web = worker("x; rm -rf ~ 'a", 0.2, 0.72, 0.7, 0.2);

	(void)state;
	situation.containers[1][web].v[CONTAINER_THROTTLED_RATIO] = 1;
	expect_words(expect_first(&situation, "cpu_throttled", "x; rm -rf ~ 'a", ""),
		     "--cpus 1.0 'x; rm -rf ~ '\\''a'");
}

static void settings(void **state)
{
	_cleanup_buf_ struct buf message = {};

	(void)state;
	assert_int_equal(threshold_set(&situation.options, "cpu_steal.stolen_ratio=0.5", &message), 0);
	assert_float_equal(situation.options.thresholds[CPU_STEAL_STOLEN], 0.5, 0);
	assert_true(threshold_set(&situation.options, "cpu_steal.nonsense=1", &message) < 0);
	assert_non_null(strstr(message.data, "cpu_steal has stolen_ratio, critical_stolen_ratio"));
	assert_true(threshold_set(&situation.options, "cpu_steal.stolen_ratio=x", &message) < 0);
	assert_true(threshold_set(&situation.options, "cpu_steal", &message) < 0);
	assert_true(threshold_set(&situation.options, "nonsense.x=1", &message) < 0);
	assert_int_equal(rule_find("cpu_steal", &message), RULE_CPU_STEAL);
	assert_int_equal(rule_find("cpu_stea", &message), -1);
}

static void document(void **state)
{
	_cleanup_buf_ struct buf want = {};
	_cleanup_free_ char *have = NULL;
	const char *part;

	(void)state;
	rules_doc(&want);
	assert_int_equal(read_file("docs/diagnose.md", 1 << 20, &have, NULL), 0);
	part = strstr(have, RULES_DOC_HEADING);
	assert_non_null(part);
	if (strcmp(part + strlen(RULES_DOC_HEADING), want.data) != 0)
		fail_msg("docs/diagnose.md is stale: run `make docs`");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		situation_test(idle_machine),
		situation_test(throttled),
		situation_test(throttled_from_above),
		situation_test(throttled_near),
		situation_test(throttled_without_hooks),
		situation_test(neighbour),
		situation_test(neighbour_explains_a_full_machine),
		situation_test(equals),
		situation_test(neighbour_near),
		situation_test(self_contention),
		situation_test(self_contention_near),
		situation_test(single_thread),
		situation_test(short_lived),
		situation_test(short_lived_near),
		situation_test(saturated_near),
		situation_test(steal),
		situation_test(hostile_name),
		situation_test(settings),
		situation_test(document),
	};

	return cmocka_run_group_tests_name("diagnose_cpu", tests, NULL, NULL);
}
