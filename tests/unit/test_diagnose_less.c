/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_diagnose_less.c - what the rules about the CPU say when a collector is off, or the kernel does not count something: less is
 * judged, and nothing is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "lib/situation.h"

/* The values that come from the collector are gone. */
static void values_lose(const char *collector, enum metric_scope scope, double *v)
{
	const struct metric_desc *table;
	size_t n;

	table = metric_table(scope, &n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i].collector, collector) == 0)
			v[i] = VALUE_ABSENT;
}

static void without(const char *collector)
{
	situation_collector_off(&situation, collector);
	for (int k = 0; k < 2; k++) {
		for (size_t i = 0; i < situation.now.n_containers; i++)
			values_lose(collector, SCOPE_CONTAINER, situation.containers[k][i].v);
		for (size_t i = 0; i < situation.now.n_processes; i++)
			values_lose(collector, SCOPE_PROCESS, situation.processes[k][i].v);
	}
	values_lose(collector, SCOPE_HOST, situation.before.v);
	values_lose(collector, SCOPE_HOST, situation.now.v);
	if (strcmp(collector, "sched") == 0)
		situation.before.n_neighbours = situation.now.n_neighbours = 0;
}

/* A machine on which every rule about the CPU finds something, apart from single threads, for which there would have to be room. */
static void everything_wrong(void)
{
	uint32_t web = situation_worker(&situation, "web", 0.3, 0.5, 0, 0),
		 batch = situation_worker(&situation, "batch", 2.2, 5, 0, 0),
		 job = situation_worker(&situation, "job", 0.2, 1, 0.8, 0.2),
		 checks = situation_worker(&situation, "checks", 0.5, 0.3, 0, 0),
		 pool = situation_worker(&situation, "pool", 0.8, 2, 0, 0);

	situation_neighbour(&situation, web, batch, 0.5);
	situation_neighbour(&situation, batch, batch, 3);
	situation_neighbour(&situation, batch, pool, 2);
	situation_neighbour(&situation, pool, pool, 1.5);
	situation_neighbour(&situation, pool, batch, 0.5);
	situation.containers[1][job].v[CONTAINER_THROTTLED_RATIO] = 1;
	situation_gain(&situation, checks, CONTAINER_SHORT_LIVED_CPU, 0.4);
	situation_gain(&situation, checks, CONTAINER_FORKS, 100);
	situation_host_gain(&situation, HOST_CPU_USAGE, 4);
	situation_host_gain(&situation, HOST_STEAL, 0.3);
	for (uint32_t i = 0; i < situation.now.n_containers; i++)
		situation_gain(&situation, i, CONTAINER_RUNQ_WAIT, 1);
}

static bool was_found(const struct findings *f, const char *rule, const char *container)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->all[i].rule, rule) == 0 && strcmp(f->all[i].container, container) == 0)
			return true;
		for (size_t k = 0; k < f->all[i].n_explains; k++)
			if (strcmp(f->all[i].explains[k].rule, rule) == 0 &&
			    strcmp(f->all[i].explains[k].container, container) == 0)
				return true;
	}
	return false;
}

static bool could_not_judge(const char *rule)
{
	const struct findings *f = &situation.diagnosis.findings;

	for (size_t i = 0; i < f->n_unjudged; i++)
		if (strcmp(f->unjudged[i].rule, rule) == 0)
			return true;
	return false;
}

static const struct {
	const char *rule, *container;
} all_wrong[] = {
	{"cpu_throttled", "job"},
	{"cpu_neighbour", "web"},
	{"cpu_self_contention", "pool"},
	{"cpu_self_contention", "batch"},
	{"short_lived_processes", "checks"},
	{"cpu_steal", ""},
	{"host_cpu_saturated", ""},
};

/* With any collector off each rule finds what it found, or says that it cannot judge; and nobody finds anything else. */
static void less_is_judged(void **state)
{
	static const char *const collectors[] = {"host",     "tasks", "lifecycle", "cgroups",
						 "cgroupfs", "sched", "epoll",	   "oom"};

	for (size_t c = 0; c <= ARRAY_SIZE(collectors); c++) {
		const struct findings *f;

		situation_teardown(state);
		situation_setup(state);
		everything_wrong();
		if (c)
			without(collectors[c - 1]);
		f = situation_judge(&situation);
		for (size_t i = 0; i < ARRAY_SIZE(all_wrong); i++)
			if (!was_found(f, all_wrong[i].rule, all_wrong[i].container) &&
			    !could_not_judge(all_wrong[i].rule))
				fail_msg("without %s: %s of %s is neither found nor unknown",
					 c ? collectors[c - 1] : "nothing", all_wrong[i].rule, all_wrong[i].container);
		for (size_t i = 0; i < f->n; i++) {
			bool known = strcmp(f->all[i].rule, "collector_missing") == 0;

			for (size_t k = 0; k < ARRAY_SIZE(all_wrong); k++)
				known |= strcmp(f->all[i].rule, all_wrong[k].rule) == 0 &&
					 strcmp(f->all[i].container, all_wrong[k].container) == 0;
			if (!known)
				fail_msg("without %s: found %s of %s", c ? collectors[c - 1] : "nothing",
					 f->all[i].rule, f->all[i].container);
		}
	}
}

/* As on 5.10, which knows no waits as they are: those that are over tell of a full machine, and less surely. */
static void saturated_by_finished_waits(void **state)
{
	(void)state;
	everything_wrong();
	situation.before.v[HOST_STEAL] = situation.now.v[HOST_STEAL];
	without("sched");
	situation_judge(&situation);
	assert_true(was_found(&situation.diagnosis.findings, "host_cpu_saturated", ""));
	for (size_t i = 0; i < situation.diagnosis.findings.n; i++)
		if (strcmp(situation.diagnosis.findings.all[i].rule, "host_cpu_saturated") == 0)
			assert_int_equal(situation.diagnosis.findings.all[i].confidence, FINDING_MEDIUM);
	/* Nor these. */
	for (uint32_t i = 0; i < situation.now.n_containers; i++)
		situation.containers[1][i].v[CONTAINER_RUNQ_WAIT] = VALUE_ABSENT;
	situation_judge(&situation);
	assert_false(was_found(&situation.diagnosis.findings, "host_cpu_saturated", ""));
	assert_true(could_not_judge("host_cpu_saturated"));
	/* Where CPUs are free nobody has to know. */
	situation_host_gain(&situation, HOST_CPU_USAGE, 2);
	situation_judge(&situation);
	assert_false(could_not_judge("host_cpu_saturated"));
}

/* A limit that is not known may be what holds it up. */
static void single_thread_without_limits(void **state)
{
	uint32_t c = situation_worker(&situation, "script", 1, 0, 0, 0),
		 p = situation_process(&situation, c, "python3", 4711);

	(void)state;
	situation_process_gain(&situation, p, PROCESS_CPU_USAGE, 0.99);
	situation_host_gain(&situation, HOST_CPU_USAGE, 1);
	expect_first(&situation, "cpu_single_thread", "script", "");
	without("cgroupfs");
	situation_judge(&situation);
	assert_true(could_not_judge("cpu_single_thread"));
	assert_false(was_found(&situation.diagnosis.findings, "cpu_single_thread", "script"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		situation_test(less_is_judged),
		situation_test(saturated_by_finished_waits),
		situation_test(single_thread_without_limits),
	};

	return cmocka_run_group_tests_name("diagnose_less", tests, NULL, NULL);
}
