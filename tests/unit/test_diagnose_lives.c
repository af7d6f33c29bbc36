/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_diagnose_lives.c - the rules about births and deaths of processes: each finds its situation, and a near miss is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/situation.h"

static bool rule_judged(const char *rule)
{
	const struct findings *f = situation_judge(&situation);
	bool found = true;

	for (size_t i = 0; i < f->n_unjudged; i++)
		found &= strcmp(f->unjudged[i].rule, rule) != 0;
	return found;
}

static bool explains(const struct finding *f, const char *rule)
{
	for (size_t i = 0; i < f->n_explains; i++)
		if (strcmp(f->explains[i].rule, rule) == 0)
			return true;
	return false;
}

/* A container that has so many processes before and now, and starts so many a second. */
static uint32_t piling(const char *name, double before, double now, double births)
{
	uint32_t c = situation_container(&situation, name, "docker");

	situation.containers[0][c].v[CONTAINER_PROCESSES] = situation.containers[0][c].v[CONTAINER_THREADS] = before;
	situation.containers[1][c].v[CONTAINER_PROCESSES] = situation.containers[1][c].v[CONTAINER_THREADS] = now;
	situation_gain(&situation, c, CONTAINER_FORKS, births);
	situation_gain(&situation, c, CONTAINER_EXITS, births - (now - before) / SITUATION_SECONDS);
	return c;
}

static void fork_storm(void **state)
{
	uint32_t c = piling("cron", 10, 310, 35), parent, p;
	const struct finding *f;

	(void)state;
	parent = situation_process(&situation, c, "crond", 100);
	situation.before.n_processes = situation.now.n_processes;
	for (uint32_t i = 0; i < 5; i++) {
		p = situation_process(&situation, c, i < 4 ? "backup" : "sh", 200 + i);
		situation.processes[1][p].ppid = i < 3 ? 100 : 200;
	}
	situation.before.n_processes = parent + 1;
	f = expect_first(&situation, "fork_storm", "cron", "");
	assert_int_equal(f->severity, FINDING_WARNING);
	assert_int_equal(f->culprit_pid, 100);
	assert_string_equal(f->culprit_process, "crond");
	expect_words(f, "cron starts 35 processes a second, and they pile up: 310 now");
	expect_words(f, "it had 10 processes when this began to watch, and 310 at the end");
	expect_words(f, "4 of the 5 new ones are called backup");
	expect_words(f, "crond (pid 100) started 3 of them");
	expect_words(f, "docker pause cron");
	expect_words(f, "docker update --pids-limit 100 cron");
	/* Init has the orphans, and started none of them. */
	situation.processes[1][parent].namespace_pid = 1;
	f = expect_first(&situation, "fork_storm", "cron", "");
	assert_int_equal(f->culprit_pid, 0);
	expect_words(f, "no single process that lives started most of them");
}

/* Processes that end as fast as they come; pools that grow. */
static void fork_storm_near(void **state)
{
	(void)state;
	piling("cgi", 50, 55, 400);
	piling("pool", 20, 150, 25);
	piling("large", 500, 750, 50);
	piling("slow", 10, 250, 19);
	expect_nothing(&situation);
}

/* A service that starts with many workers, while this watches. */
static void fork_storm_fresh(void **state)
{
	uint32_t c = piling("apache", 0, 390, 39);

	(void)state;
	situation.before.n_containers = 0;
	expect_nothing(&situation);
	situation.containers[1][c].v[CONTAINER_PROCESSES] = 400;
	expect_first(&situation, "fork_storm", "apache", "");
}

/* At its limit nothing grows any more; what follows from it is no finding of its own. */
static void fork_bomb(void **state)
{
	uint32_t bomb = piling("bomb", 100, 100, 50), web;
	const struct finding *f;

	(void)state;
	situation.containers[1][bomb].v[CONTAINER_THREADS_LIMIT] = 100;
	situation_gain(&situation, bomb, CONTAINER_SHORT_LIVED_CPU, 1);
	situation_gain(&situation, bomb, CONTAINER_CPU_TASKS, 2);
	situation_gain(&situation, bomb, CONTAINER_CPU_USAGE, 2);
	f = expect_first(&situation, "fork_storm", "bomb", "");
	assert_int_equal(f->severity, FINDING_CRITICAL);
	expect_words(f, "bomb starts 50 processes a second although its limit of 100 is reached");
	assert_true(explains(f, "pids_limit"));
	assert_true(explains(f, "short_lived_processes"));
	/* It takes the CPU from another one. */
	web = situation_container(&situation, "web", "docker");
	situation_gain(&situation, web, CONTAINER_CPU_USAGE, 0.3);
	situation_gain(&situation, web, CONTAINER_CPU_TASKS, 0.3);
	situation_gain(&situation, web, CONTAINER_WAKEUP_WAIT, 0.6);
	situation_neighbour(&situation, web, bomb, 0.6);
	f = expect_first(&situation, "fork_storm", "bomb", "");
	assert_true(explains(f, "cpu_neighbour"));
	assert_int_equal(situation.diagnosis.findings.n, 1);
	/* Threads at the limit are no storm of processes. */
	situation.containers[1][bomb].v[CONTAINER_PROCESSES] = situation.containers[0][bomb].v[CONTAINER_PROCESSES] = 3;
	situation_gain(&situation, bomb, CONTAINER_SHORT_LIVED_CPU, 0);
	expect_first(&situation, "pids_limit", "bomb", "");
}

/* The container was started at these seconds of the watch; each ended before it was ready but for the last. */
static struct start_row starts[8];
static size_t n_starts;

static void started(uint32_t container, double at, const char *state)
{
	const struct container_row *c = &situation.containers[1][container];

	starts[n_starts++] = (struct start_row){.container = c->name,
						.cgroup = c->cgroup,
						.id = c->id,
						.state = state,
						.ready_by = "",
						.time = situation.before.time + at,
						.exit_status = VALUE_ABSENT,
						.exit_signal = VALUE_ABSENT};
	situation.now.births = starts;
	situation.now.n_births = n_starts;
}

static void crash_loop(void **state)
{
	uint32_t c = situation_container(&situation, "web", "docker");
	const struct finding *f;

	(void)state;
	n_starts = 0;
	started(c, -5, "ended");
	started(c, 1, "ended");
	/* One is a redeployment. */
	expect_nothing(&situation);
	started(c, 3, "starting");
	f = expect_first(&situation, "crash_loop", "web", "");
	assert_int_equal(f->severity, FINDING_WARNING);
	expect_words(f, "web ends and is started again: 2 times in 10 s");
	expect_words(f, "from one start to the next it took 2.0 s on average");
	expect_words(f, "1 of the 2 that were started ended before they waited for work");
	expect_words(f, "docker logs --tail 50 web");
	/* If it was not there at the begin, the first start is none again. */
	situation.before.n_containers = 0;
	expect_nothing(&situation);
	started(c, 9, "starting");
	expect_first(&situation, "crash_loop", "web", "");
}

/* Of the start before: how its first process ended. */
static void ended(double status, double signal)
{
	struct start_row *b = &starts[n_starts - 1];

	b->exit_status = status;
	b->exit_signal = signal;
	snprintf(b->exit_comm, sizeof(b->exit_comm), "app");
}

static bool says(const struct finding *f, const char *words)
{
	bool found = strstr(f->headline, words) != NULL;

	for (size_t i = 0; i < f->n_evidence; i++)
		found |= strstr(f->evidence[i].text, words) != NULL;
	return found;
}

/* How it ended stands in the headline if it was the same each time. */
static void crash_loop_ends(void **state)
{
	uint32_t c = situation_container(&situation, "web", "docker");
	const struct finding *f;

	(void)state;
	n_starts = 0;
	started(c, 1, "ended");
	started(c, 2, "ended");
	started(c, 3, "starting");
	f = expect_first(&situation, "crash_loop", "web", "");
	expect_words(f, "with which exit status or signal it ended is not known");
	expect_words(f, "sysscope events --type exit --container web");
	n_starts = 0;
	started(c, 1, "ended");
	ended(3, VALUE_ABSENT);
	started(c, 2, "ended");
	/* One is no rule. */
	f = expect_first(&situation, "crash_loop", "web", "");
	assert_false(says(f, "each time"));
	expect_words(f, "its first process (app) ended with exit status 3: 1 of 1 end that is known");
	ended(3, VALUE_ABSENT);
	started(c, 3, "starting");
	f = expect_first(&situation, "crash_loop", "web", "");
	expect_words(f, "web ends and is started again: 3 times in 10 s, each time with exit status 3");
	assert_false(says(f, "not known"));
	ended(VALUE_ABSENT, 9);
	f = expect_first(&situation, "crash_loop", "web", "");
	assert_false(says(f, "each time"));
	expect_words(f, "ended with exit status 3: 2 of 3 ends");
	expect_words(f, "was killed by signal 9 (SIGKILL): 1 of 3 ends");
}

/* In a pod it is another cgroup each time; different containers that start are no loop. */
static void crash_loop_pod(void **state)
{
	uint32_t rows[3];
	const struct finding *f;

	(void)state;
	n_starts = 0;
	for (uint32_t i = 0; i < 3; i++) {
		rows[i] = situation_container(&situation, i ? "app" : "job", "containerd");
		situation.containers[1][rows[i]].dead = i < 2;
	}
	for (uint32_t i = 0; i < 3; i++)
		started(rows[i], 1 + i, i < 2 ? "ended" : "starting");
	situation.before.n_containers = 0;
	expect_nothing(&situation);
	for (uint32_t i = 0; i < 3; i++) {
		situation.containers[1][rows[i]].name = "app";
		situation.containers[1][rows[i]].pod = "app-0";
		situation.containers[1][rows[i]].namespace_ = "shop";
	}
	f = expect_first(&situation, "crash_loop", "app", "");
	expect_words(f, "2 times in 10 s");
	expect_words(f, "kubectl logs --previous -n shop app-0 -c app");
	situation.containers[1][rows[0]].pod = "app-1";
	expect_nothing(&situation);
}

static void crash_loop_by_oom(void **state)
{
	uint32_t c = situation_container(&situation, "web", "docker");
	struct oom_row kill = {.time = situation.now.time - 1,
			       .container = c,
			       .container_name = "web",
			       .container_cgroup = situation.containers[1][c].cgroup,
			       .pid = 7,
			       .comm = "web",
			       .thread = "web",
			       .rss = VALUE_ABSENT,
			       .exhausted = "memory_limit",
			       .limit_of = situation.containers[1][c].cgroup,
			       .limit_scope = "own",
			       .limit = 1e8,
			       .usage = 1e8,
			       .asker = "",
			       .largest_of = ""};

	(void)state;
	n_starts = 0;
	started(c, 2, "ended");
	started(c, 5, "starting");
	situation.now.oom_kills = &kill;
	situation.now.n_oom_kills = 1;
	assert_true(explains(expect_first(&situation, "oom_killed", "web", ""), "crash_loop"));
	assert_int_equal(situation.diagnosis.findings.n, 1);
}

static void lives_unknown(void **state)
{
	(void)state;
	piling("cron", 10, 310, 35);
	situation_collector_off(&situation, "lifecycle");
	assert_false(rule_judged("fork_storm"));
	situation_collector_off(&situation, "births");
	assert_false(rule_judged("crash_loop"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		situation_test(fork_storm),	 situation_test(fork_storm_near),   situation_test(fork_storm_fresh),
		situation_test(fork_bomb),	 situation_test(crash_loop),	    situation_test(crash_loop_pod),
		situation_test(crash_loop_ends), situation_test(crash_loop_by_oom), situation_test(lives_unknown),
	};

	return cmocka_run_group_tests_name("diagnose_lives", tests, NULL, NULL);
}
