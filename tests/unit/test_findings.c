/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_findings.c - findings as JSON, whose keys are stable: every one of a finding that has everything; as text, when it was, and
 * many that are alike once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/util.h"
#include "exporters/findings/findings.h"

static const struct finding everything = {
	.rule = "cpu_neighbour",
	.severity = FINDING_CRITICAL,
	.confidence = FINDING_HIGH,
	.container = "web",
	.container_cgroup = "/docker/web",
	.pid = 812,
	.comm = "node",
	.culprit_container = "batch",
	.culprit_cgroup = "/docker/batch",
	.culprit_process = "sort",
	.culprit_pid = 905,
	.headline = "web waits for batch",
	.evidence = {{"half of the time", "cpu_wait_ratio", 0.5, "ratio"}, {"it ended", "", VALUE_ABSENT, ""}},
	.n_evidence = 2,
	.ruled_out = {"no quota"},
	.n_ruled_out = 1,
	.advice = {"move batch"},
	.n_advice = 1,
	.explains = {{"loop_starved", "web", "its loop waits", "/docker/web"}},
	.n_explains = 1,
	.explains_more = 3,
	.since = 1000,
	.until = 1010,
};

/* Without a process, a culprit and an end. */
static const struct finding least = {
	.rule = "facts_lost",
	.severity = FINDING_NOTICE,
	.confidence = FINDING_LOW,
	.container = "",
	.container_cgroup = "",
	.comm = "",
	.culprit_container = "",
	.culprit_cgroup = "",
	.culprit_process = "",
	.headline = "lost",
	.since = 1005,
};

static const char expected[] =
	"{\"time\":1010.0,\"watched_seconds\":10.0,\"recorded_from\":null,\"restarts\":0,\"gaps\":[{\"from\":1001.0,"
	"\"to\":1004.5}],"
	"\"host\":{\"hostname\":\"vm\",\"kernel\":\"6.1\",\"cpus\":4.0,\"cpu_cores\":1.5,\"memory_bytes\":1024.0,"
	"\"memory_used_bytes\":512.0},"
	"\"looked_at\":{\"containers\":2,\"processes\":3,\"loops\":1,\"rules\":38},"
	"\"findings\":[{\"rule\":\"cpu_neighbour\",\"severity\":\"critical\",\"container\":\"web\","
	"\"container_cgroup\":\"/docker/web\",\"process\":{\"pid\":812,\"comm\":\"node\"},"
	"\"culprit\":{\"container\":\"batch\",\"container_cgroup\":\"/docker/batch\","
	"\"process\":{\"pid\":905,\"comm\":\"sort\"}},\"headline\":\"web waits for batch\","
	"\"evidence\":[{\"text\":\"half of the time\",\"metric\":\"cpu_wait_ratio\",\"value\":0.5,\"unit\":\"ratio\"},"
	"{\"text\":\"it ended\",\"metric\":null,\"value\":null,\"unit\":null}],"
	"\"ruled_out\":[\"no quota\"],\"advice\":[\"move batch\"],"
	"\"explains\":[{\"rule\":\"loop_starved\",\"container\":\"web\",\"headline\":\"its loop waits\"}],"
	"\"explains_more\":3,\"confidence\":\"high\",\"since\":1000.0,\"until\":1010.0},"
	"{\"rule\":\"facts_lost\",\"severity\":\"notice\",\"container\":null,\"container_cgroup\":null,"
	"\"process\":null,\"culprit\":null,\"headline\":\"lost\",\"evidence\":[],\"ruled_out\":[],\"advice\":[],"
	"\"explains\":[],\"explains_more\":0,\"confidence\":\"low\",\"since\":1005.0,\"until\":null}],"
	"\"could_not_judge\":[{\"rule\":\"cpu_steal\",\"reason\":\"no hypervisor\"}],"
	"\"closest\":[{\"rule\":\"memory_near_limit\",\"container\":\"db\",\"text\":\"80 of "
	"100\",\"threshold_ratio\":0.8}]}";

static void test_every_key(void **state)
{
	const struct finding all[] = {everything, least};
	const struct finding_unjudged unjudged = {"cpu_steal", "no hypervisor"};
	const struct findings_gap gap = {1001, 1004.5};
	const struct findings f = {
		.time = 1010,
		.watched_seconds = 10,
		.containers = 2,
		.processes = 3,
		.loops = 1,
		.rules = 38,
		.all = all,
		.n = 2,
		.unjudged = &unjudged,
		.n_unjudged = 1,
		.gaps = &gap,
		.n_gaps = 1,
		.near = {{"memory_near_limit", "db", "80 of 100", 0.8}},
		.n_near = 1,
	};
	struct snapshot s = {.hostname = "vm", .kernel = "6.1"};
	_cleanup_buf_ struct buf out = {};
	json_t *seen, *want;

	(void)state;
	s.v[HOST_CPUS] = 4;
	s.v[HOST_CPU_CORES] = 1.5;
	s.v[HOST_MEMORY_TOTAL] = 1024;
	s.v[HOST_MEMORY_USED] = 512;
	assert_int_equal(findings_json(&out, &f, &s), 0);
	seen = json_loads(out.data, JSON_REJECT_DUPLICATES, NULL);
	want = json_loads(expected, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(want);
	if (!json_equal(seen, want))
		fail_msg("%s", out.data);
	json_decref(seen);
	json_decref(want);
}

/* Within a day the time of day says when; else the day does, too. */
static void test_when(void **state)
{
	static const struct {
		double span;
		const char *want;
	} rows[] = {
		{3600, "  when      00:16:40 to 00:16:50\n"},
		{2 * 86400, "  when      1970-01-01 00:16:40 to 1970-01-01 00:16:50\n"},
	};
	struct snapshot s = {.hostname = "vm", .kernel = "6.1"};

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct findings f = {.from = 1000,
					   .time = 1000 + rows[i].span,
					   .watched_seconds = rows[i].span,
					   .all = &everything,
					   .n = 1};
		_cleanup_buf_ struct buf out = {};

		assert_int_equal(findings_text(&out, &f, &s, false), 0);
		if (!strstr(out.data, rows[i].want))
			fail_msg("%s", out.data);
	}
}

#define MANY 2000

static size_t occurrences(const char *text, const char *of)
{
	size_t n = 0;

	while ((text = strstr(text, of))) {
		n++;
		text += strlen(of);
	}
	return n;
}

/* Of many that are alike the worst are shown, with the names of the next; all in JSON, and where all are wanted. */
static void test_alike(void **state)
{
	static struct finding all[MANY + 6];
	static char names[MANY][16];
	struct snapshot s = {.hostname = "vm", .kernel = "6.1"};
	struct findings f = {.time = 1010, .watched_seconds = 10, .all = all, .n = ARRAY_SIZE(all)};
	_cleanup_buf_ struct buf out = {}, whole = {}, json = {};

	(void)state;
	for (size_t i = 0; i < f.n; i++)
		all[i] = everything;
	for (size_t i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "web-%zu", i);
		all[i].container = names[i];
	}
	/* Four of one severity, one of a kind, and the machine. */
	for (size_t i = MANY; i < MANY + 4; i++) {
		all[i].severity = FINDING_WARNING;
		all[i].headline = "a warning";
	}
	all[MANY + 4].rule = "zombies";
	all[MANY + 4].severity = FINDING_WARNING;
	all[MANY + 5] = least;
	assert_int_equal(findings_text(&out, &f, &s, false), 0);
	assert_int_equal(occurrences(out.data, "web waits for batch\n"), 4);
	assert_int_equal(occurrences(out.data, "a warning\n"), 4);
	assert_int_equal(occurrences(out.data, " more like this"), 1);
	assert_non_null(strstr(out.data, "  how sure  sure (rule cpu_neighbour)\n"
					 "  and       1997 more like this: web-3, web-4, web-5, web-6, web-7, web-8,\n"
					 "            web-9, web-10, ...; --all shows each\n\nWARNING "));
	assert_int_equal(findings_text(&whole, &f, &s, true), 0);
	assert_int_equal(occurrences(whole.data, "web waits for batch\n"), MANY + 1);
	assert_null(strstr(whole.data, "more like this"));
	assert_int_equal(findings_json(&json, &f, &s), 0);
	assert_int_equal(occurrences(json.data, "\"rule\":\"cpu_neighbour\""), MANY + 4);
	f.n = 6;
	buf_reset(&out);
	assert_int_equal(findings_text(&out, &f, &s, false), 0);
	assert_non_null(strstr(out.data, "  and       3 more like this: web-3, web-4, web-5; --all shows each\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_key), cmocka_unit_test(test_when),
					   cmocka_unit_test(test_alike)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
