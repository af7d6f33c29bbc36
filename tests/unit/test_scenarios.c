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

static void replay(void **state)
{
	struct recording r;
	_cleanup_buf_ struct buf text = {}, wrong = {};

	recording_read(&r, *state);
	recording_judge(&r);
	if (getenv("SHOW_FINDINGS") && findings_text(&text, &r.diagnosis.findings, &r.last.s) == 0)
		print_message("%s\n", text.data);
	recording_check(&r, &wrong);
	if (wrong.len) {
		buf_reset(&text);
		findings_text(&text, &r.diagnosis.findings, &r.last.s);
		print_message("%s%s\n", wrong.data, text.data);
		fail_msg("%s", wrong.data);
	}
	recording_free(&r);
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
	int failed;

	glob("tests/scenarios/recorded/*.json.gz", 0, NULL, &files);
	tests = calloc(files.gl_pathc + 1, sizeof(*tests));
	if (!tests)
		return 1;
	for (size_t i = 0; i < files.gl_pathc; i++)
		tests[i] =
			(struct CMUnitTest){recording_name(files.gl_pathv[i]), replay, NULL, NULL, files.gl_pathv[i]};
	tests[files.gl_pathc] = (struct CMUnitTest)cmocka_unit_test(round_trip);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	failed = _cmocka_run_group_tests("scenarios", tests, files.gl_pathc + 1, NULL, NULL);
	for (size_t i = 0; i < files.gl_pathc; i++)
		free((char *)(uintptr_t)tests[i].name);
	free(tests);
	globfree(&files);
	return failed;
}
