/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_scenarios.c - what the rules of `diagnose` find in the snapshots that `make scenarios` recorded: a test for each recording,
 * under the scenario's name, against the expectation that stands in it. And a snapshot that is read from its JSON is written as
 * the same JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/judge.h"
#include "exporters/findings/findings.h"
#include "exporters/json/json.h"
#include "lib/recording.h"

/* ---- a recording against its expectation ---- */

static void judge_and_check(struct recording *r)
{
	_cleanup_buf_ struct buf text = {}, wrong = {};

	recording_judge(r);
	recording_check(r, &wrong);
	findings_text(&text, &r->diagnosis.findings, r->last, true);
	if (getenv("SHOW_FINDINGS") || wrong.len)
		print_message("%s\n", text.data);
	if (wrong.len)
		fail_msg("%s", wrong.data);
	recording_free(r);
}

static void replay(void **state)
{
	struct recording r;

	recording_read(&r, *state);
	judge_and_check(&r);
}

/* ---- beside containers that are busy and have nothing to do with it ---- */

#define INNOCENT "tests/scenarios/recorded/redis_benchmark.json.gz"

static void replay_beside(void **state)
{
	struct recording r;

	recording_read_beside(&r, *state, INNOCENT);
	/* A machine that is twice as large is not full. */
	if (*json_text(json_object_get(r.expect, "first"), "container") || !json_object_get(r.expect, "first"))
		judge_and_check(&r);
	else
		recording_free(&r);
}

/* ---- with fewer collectors less is judged, and nothing is wrong ---- */

static const char *const blindness[] = {
	/* Half of those that can be turned off, and the other half. */
	"lifecycle sched namespaces tcp oom disk",
	"cgroups epoll sockets births network reclaim interfaces",
	/* A kernel without task storage (5.10): docs/kernels.md. */
	"sched epoll namespaces births sockets",
	/* A machine whose cgroup files cannot be read. */
	"cgroupfs",
};

/* What the run said of all that it can see, causes and consequences. */
struct said {
	char *about[64]; /* "RULE CONTAINER" */
	size_t n;
};

static void said_add(struct said *said, const char *rule, const char *container)
{
	if (said->n < ARRAY_SIZE(said->about) && asprintf(&said->about[said->n], "%s %s", rule, container) > 0)
		said->n++;
}

static bool was_said(const struct said *said, const char *rule, const char *container)
{
	_cleanup_buf_ struct buf wanted = {};

	buf_printf(&wanted, "%s %s", rule, container);
	for (size_t i = 0; i < said->n; i++)
		if (strcmp(said->about[i], wanted.data) == 0)
			return true;
	return said->n == ARRAY_SIZE(said->about);
}

static void said_collect(struct said *said, const struct findings *found)
{
	for (size_t i = 0; i < found->n; i++) {
		said_add(said, found->all[i].rule, found->all[i].container);
		for (size_t k = 0; k < found->all[i].n_explains; k++)
			said_add(said, found->all[i].explains[k].rule, found->all[i].explains[k].container);
	}
}

static void blind_check(const struct recording *r, const char *collectors, const struct said *full, struct buf *wrong)
{
	const struct findings *found = &r->diagnosis.findings;

	for (size_t i = 0; i < found->n; i++) {
		const struct finding *f = &found->all[i];

		if (strcmp(f->rule, "collector_missing") != 0 && !was_said(full, f->rule, f->container))
			buf_printf(wrong, "without %s it finds %s of '%s': %s\n", collectors, f->rule, f->container,
				   f->headline);
	}
	for (size_t i = 0; i < RULES; i++) {
		bool needs = false, says = false;

		for (const char *n = rules[i].needs; *n; n += strcspn(n, " "), n += *n == ' ')
			needs |= recording_collector_off(collectors, n, strcspn(n, " "));
		for (size_t k = 0; k < found->n_unjudged; k++)
			says |= strcmp(found->unjudged[k].rule, rules[i].name) == 0;
		if (needs && !says)
			buf_printf(wrong, "without %s it does not say that %s cannot be judged\n", collectors,
				   rules[i].name);
	}
}

static void replay_blind(void **state)
{
	_cleanup_buf_ struct buf wrong = {};
	struct said full = {};
	struct recording r;

	for (size_t b = 0; b < ARRAY_SIZE(blindness); b++) {
		recording_read(&r, *state);
		if (b == 0) {
			recording_judge(&r);
			said_collect(&full, &r.diagnosis.findings);
		}
		recording_blind(&r, blindness[b]);
		recording_judge(&r);
		blind_check(&r, blindness[b], &full, &wrong);
		recording_free(&r);
	}
	for (size_t i = 0; i < full.n; i++)
		free(full.about[i]);
	if (wrong.len)
		fail_msg("%s", wrong.data);
}

/* ---- the reader itself ---- */

/* These sentences are made from evidence that the JSON does not have. */
static void sentences_forget(json_t *root)
{
	json_t *list = json_object_get(root, "processes"), *row;
	size_t i;

	json_array_foreach (list, i, row) {
		json_array_clear(json_object_get(row, "model_reasons"));
		json_array_clear(json_object_get(row, "model_health"));
	}
}

static char *tree_text(json_t *root)
{
	sentences_forget(root);
	return json_dumps(root, JSON_INDENT(0) | JSON_REAL_PRECISION(15));
}

static void round_trip(void **state)
{
	_cleanup_free_ char *there = NULL, *back = NULL;
	_cleanup_buf_ struct buf out = {};
	struct snapshot_copy copy;
	json_t *again;

	(void)state;
	snapshot_read(&copy, json_load_file("tests/golden/snapshot.json", 0, NULL));
	assert_true(copy.s.n_containers > 0);
	assert_int_equal(json_write_snapshot(&out, &copy.s, NULL), 0);
	again = json_loads(out.data, 0, NULL);
	there = tree_text(copy.root);
	back = tree_text(again);
	for (size_t i = 0; there[i] || back[i]; i++)
		if (there[i] != back[i])
			fail_msg("read '%.200s', written '%.200s'", there + (i > 80 ? i - 80 : 0),
				 back + (i > 80 ? i - 80 : 0));
	json_decref(again);
	snapshot_copy_free(&copy);
}

/* `test_scenarios NAME`: only the one scenario. */
int main(int argc, char **argv)
{
	glob_t files = {};
	struct CMUnitTest *tests;
	size_t n = 0;
	int failed;

	glob("tests/scenarios/recorded/*.json.gz", 0, NULL, &files);
	tests = calloc(3 * files.gl_pathc + 1, sizeof(*tests));
	if (!tests)
		return 1;
	for (size_t i = 0; i < files.gl_pathc; i++) {
		_cleanup_free_ char *name = recording_name(files.gl_pathv[i]);
		char *blind = NULL, *beside = NULL;

		if (asprintf(&blind, "%s with fewer collectors", name) < 0 ||
		    asprintf(&beside, "%s beside a busy one", name) < 0)
			return 1;
		if (strcmp(files.gl_pathv[i], INNOCENT) != 0)
			tests[n++] = (struct CMUnitTest){beside, replay_beside, NULL, NULL, files.gl_pathv[i]};
		else
			free(beside);
		tests[n++] = (struct CMUnitTest){blind, replay_blind, NULL, NULL, files.gl_pathv[i]};
		tests[n++] = (struct CMUnitTest){strdup(name), replay, NULL, NULL, files.gl_pathv[i]};
	}
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(round_trip);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	failed = _cmocka_run_group_tests("scenarios", tests, n, NULL, NULL);
	for (size_t i = 0; i + 1 < n; i++)
		free((char *)(uintptr_t)tests[i].name);
	free(tests);
	globfree(&files);
	return failed;
}
