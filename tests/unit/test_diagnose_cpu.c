/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_diagnose_cpu.c - the rules about the CPU: each finds its situation with the right culprit, and a near miss is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/rules_doc.h"
#include "lib/situation.h"

static void idle_machine(void **state)
{
	(void)state;
	situation_worker(&situation, "web", 0.3, 0.01, 0, 0);
	situation_worker(&situation, "db", 0.5, 0.02, 0, 1);
	expect_nothing(&situation);
}

static void throttled(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.2, 0.72, 0.7, 0.2);
	const struct finding *f;

	(void)state;
	situation.containers[1][web].v[CONTAINER_THROTTLED_RATIO] = 1;
	f = expect_first(&situation, "cpu_throttled", "web", "");
	assert_int_equal(f->severity, FINDING_CRITICAL);
	expect_words(f, "held up by its CPU quota for 76 % of the time");
	expect_words(f, "it wanted about 0.9 CPUs, waits included; give it 1.0: docker update --cpus 1.0 web");
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

/* A quota above it is smaller than what it needs: v1 refuses the one, and on v2 the other would hold it back next. */
static void throttled_below_a_quota(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.2, 0.72, 0.7, 0.2);
	struct container_row *row = &situation.containers[1][web];
	const struct finding *f;

	(void)state;
	row->v[CONTAINER_THROTTLED_RATIO] = 1;
	row->quota_above_of = "/shop.slice";
	row->quota_above = 1;
	f = expect_first(&situation, "cpu_throttled", "web", "");
	expect_words(f, "give it 1.0: docker update --cpus 1.0 web");
	row->quota_above = 0.5;
	row->v[CONTAINER_CPU_WEIGHT] = VALUE_ABSENT;
	f = expect_first(&situation, "cpu_throttled", "web", "");
	expect_words(f, "first raise the quota above it, which the kernel lets none exceed /shop.slice: systemctl "
			"set-property shop.slice CPUQuota=100%; then docker update --cpus 1.0 web");
	row->v[CONTAINER_CPU_WEIGHT] = 100;
	expect_words(expect_first(&situation, "cpu_throttled", "web", ""), "which holds as well");
}

/* It was held up, and is gone: that is said, and what it used while it lived. */
static void throttled_and_removed(void **state)
{
	uint32_t job = situation_worker(&situation, "job", 0.1, 0.36, 0.35, 0);
	struct container_row *row = &situation.containers[1][job];
	const struct finding *f;

	(void)state;
	row->v[CONTAINER_THROTTLED_RATIO] = VALUE_ABSENT;
	row->dead = true;
	row->dead_seconds = 5;
	situation_gain(&situation, job, CONTAINER_PERIODS, 5);
	situation_gain(&situation, job, CONTAINER_THROTTLED_PERIODS, 0.1);
	expect_nothing(&situation);
	situation_gain(&situation, job, CONTAINER_THROTTLED_PERIODS, 4);
	f = expect_first(&situation, "cpu_throttled", "job", "");
	assert_int_equal(f->severity, FINDING_WARNING);
	expect_words(f, "job is held up by its CPU quota for 76 % of the time that it has work");
	expect_words(f, "it used 0.20 CPU");
	expect_words(f, "it has ended, so at its next start: 1.0 CPUs");
	/* Of an instant nothing is said. */
	situation_gain(&situation, job, CONTAINER_PERIODS, 0.5);
	situation_gain(&situation, job, CONTAINER_THROTTLED_PERIODS, 0.5);
	expect_nothing(&situation);
}

static void throttled_from_above(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.2, 0.3, 0.25, 0.2);
	const struct finding *f;

	(void)state;
	situation.containers[1][web].v[CONTAINER_THROTTLED_RATIO] = 0.6;
	situation.containers[1][web].throttled_by = "/batch.slice";
	f = expect_first(&situation, "cpu_throttled", "web", "");
	assert_int_equal(f->severity, FINDING_CRITICAL);
	expect_words(f, "the CPU quota of /batch.slice");
	expect_words(f, "systemctl set-property batch.slice CPUQuota=50%");
}

/* One quota above several containers: one finding, with a value for all of them; what has a quota of its own hears of that. */
static void throttled_together(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.2, 0.5, 0.5, 1),
		 db = situation_worker(&situation, "db", 0.4, 0.4, 0.32, 1),
		 job = situation_worker(&situation, "job", 0.2, 3, 3, 1);
	const struct finding *f;

	(void)state;
	for (uint32_t i = 0; i < situation.now.n_containers; i++) {
		snprintf(situation.paths[i], sizeof(situation.paths[i]), "/shop.slice/%u", i);
		situation.containers[1][i].v[CONTAINER_THROTTLED_RATIO] = 0.8;
		situation.containers[1][i].throttled_by = situation.containers[1][i].cpu_limit_of = "/shop.slice";
	}
	/* It may be meant that this one gets no more than that: its quota is its own. */
	situation.containers[1][job].throttled_by = situation.containers[1][job].cgroup;
	situation.containers[1][job].v[CONTAINER_SPEC_QUOTA] = 30000;
	situation.containers[1][job].v[CONTAINER_SPEC_PERIOD] = 100000;
	situation.containers[1][web].v[CONTAINER_SPEC_QUOTA] = 50000;
	situation.containers[1][web].v[CONTAINER_SPEC_PERIOD] = 100000;
	situation_judge(&situation);
	assert_int_equal(situation.diagnosis.findings.n, 2);
	f = &situation.diagnosis.findings.all[1];
	assert_string_equal(f->container, "web");
	expect_words(f, "the CPU quota of /shop.slice holds up 2 containers; web, the worst, for 71 %");
	expect_words(f, "all that is below /shop.slice used 0.80 CPU of the 1.00 that it may use");
	expect_words(f, "db is held up as well: 40 % of the time that it has work");
	/* 0.7 of web, 0.7 of db, and the 0.3 that job may use. */
	expect_words(f,
		     "all that is below it wanted about 1.7 CPUs, waits included; give it 1.9: systemctl set-property "
		     "shop.slice CPUQuota=190%");
	expect_words(
		f,
		"raise its own quota of 0.50 CPU, too: web wanted about 0.7 CPUs, waits included; give it 0.8: docker "
		"update --cpus 0.8 web");
	(void)db;
}

/* Whose own quota holds it up: the field of its spec. */
static void throttled_in_a_pod(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.2, 0.72, 0.7, 0.2);

	(void)state;
	situation.containers[1][web].v[CONTAINER_THROTTLED_RATIO] = 1;
	situation.containers[1][web].pod = "shop-7";
	expect_words(expect_first(&situation, "cpu_throttled", "web", ""),
		     "give it 1.0: set resources.limits.cpu to 1.0 for container web in the spec of pod shop-7");
}

/* The quota of a pod is made from those of its containers. */
static void throttled_pod(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.2, 0.3, 0.25, 0.2);

	(void)state;
	situation.containers[1][web].v[CONTAINER_THROTTLED_RATIO] = 0.6;
	situation.containers[1][web].pod = "shop-7";
	situation.containers[1][web].throttled_by = "/kubepods/burstable/pod12345678-1234-1234-1234-123456789012";
	expect_words(expect_first(&situation, "cpu_throttled", "web", ""),
		     "raise resources.limits.cpu until the containers add up to 0.5 in the spec of pod shop-7");
}

/* On average the quota is enough: a lower one would be no help. */
static void throttled_in_bursts(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.2, 0.1, 0.1, 0.5);

	(void)state;
	situation.containers[1][web].v[CONTAINER_THROTTLED_RATIO] = 0.4;
	expect_words(
		expect_first(&situation, "cpu_throttled", "web", ""),
		"it wanted about 0.3 CPUs on average, and more in bursts, waits included; give it 0.8: docker update "
		"--cpus 0.8 web");
}

/* Short bursts: periods run out, and next to nothing is lost. */
static void throttled_near(void **state)
{
	uint32_t web = situation_worker(&situation, "web", 0.4, 0.02, 0.01, 0.5);

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
	uint32_t web = situation_worker(&situation, "web", 0.2, 0, 0, 0.2);
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
	assert_true(situation.diagnosis.findings.n_unjudged >= 2);
	assert_string_equal(situation.diagnosis.findings.unjudged[0].rule, "cpu_neighbour");
	assert_string_equal(situation.diagnosis.findings.unjudged[1].rule, "cpu_self_contention");
}

static void single_thread(void **state)
{
	uint32_t c = situation_worker(&situation, "script", 1, 0, 0, 0),
		 p = situation_process(&situation, c, "python3", 4711);
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
	uint32_t c = situation_worker(&situation, "checks", 0.9, 0, 0, 0);
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
	situation_worker(&situation, "web", 3.1, 3, 0, 0);
	situation_host_gain(&situation, HOST_CPU_USAGE, 4);
	situation_judge(&situation);
	for (size_t i = 0; i < situation.diagnosis.findings.n; i++)
		if (strcmp(situation.diagnosis.findings.all[i].rule, "short_lived_processes") == 0)
			assert_int_equal(situation.diagnosis.findings.all[i].severity, FINDING_WARNING);
}

static void short_lived_near(void **state)
{
	uint32_t c = situation_worker(&situation, "cron", 1, 0, 0, 0);

	(void)state;
	situation_gain(&situation, c, CONTAINER_SHORT_LIVED_CPU, 0.19);
	expect_nothing(&situation);
	situation_gain(&situation, c, CONTAINER_SHORT_LIVED_CPU, 0.25);
	expect_nothing(&situation);
}

static void saturated_near(void **state)
{
	(void)state;
	situation_worker(&situation, "a", 2, 0.5, 0, 0);
	situation_worker(&situation, "b", 2, 0.5, 0, 0);
	/* All CPUs are busy, and next to nobody waits: well used. */
	situation_host_gain(&situation, HOST_CPU_USAGE, 4);
	expect_nothing(&situation);
}

/* Who asks about one hears as well that the machine is full; not what is wrong with others. */
static void machine_of_one(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	struct match_choice choice;

	for (int i = 0; i < 4; i++)
		situation_worker(&situation, names[i], 1, 1.5, 0, 0);
	situation.containers[1][1].v[CONTAINER_THROTTLED_RATIO] = 1;
	situation_gain(&situation, 1, CONTAINER_THROTTLED_WAIT, 1);
	situation_host_gain(&situation, HOST_CPU_USAGE, 4);
	situation_judge(&situation);
	assert_int_equal(situation.diagnosis.findings.n, 2);
	match_choice_init(&choice, (const char *const[]){"a"}, 1);
	assert_int_equal(match_choice_look(&choice, &situation.now), 0);
	diagnosis_free(&situation.diagnosis);
	assert_int_equal(diagnosis_run(&situation.diagnosis, &situation.window, &situation.options, &choice), 0);
	match_choice_free(&choice);
	(void)state;
	assert_int_equal(situation.diagnosis.findings.n, 1);
	assert_string_equal(situation.diagnosis.findings.all[0].rule, "host_cpu_saturated");
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
	uint32_t web = situation_worker(&situation, "x; rm -rf ~ 'a", 0.2, 0.72, 0.7, 0.2);

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
		situation_test(throttled_below_a_quota),
		situation_test(throttled_and_removed),
		situation_test(throttled_together),
		situation_test(throttled_in_a_pod),
		situation_test(throttled_pod),
		situation_test(throttled_in_bursts),
		situation_test(throttled_near),
		situation_test(throttled_without_hooks),
		situation_test(single_thread),
		situation_test(short_lived),
		situation_test(short_lived_near),
		situation_test(saturated_near),
		situation_test(machine_of_one),
		situation_test(steal),
		situation_test(hostile_name),
		situation_test(settings),
		situation_test(document),
	};

	return cmocka_run_group_tests_name("diagnose_cpu", tests, NULL, NULL);
}
