/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recording.c - see recording.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/util.h"
#include "recording.h"

#define RECORDING_BYTES_MAX (64 << 20)

char *recording_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	slash = slash ? slash + 1 : path;
	return strndup(slash, strcspn(slash, "."));
}

static json_t *file_load(const char *path)
{
	_cleanup_buf_ struct buf text = {};
	gzFile file = gzopen(path, "rb");
	char chunk[65536];
	json_error_t error;
	json_t *root;
	int n;

	if (!file)
		fail_msg("%s cannot be opened", path);
	while ((n = gzread(file, chunk, sizeof(chunk))) > 0 && text.len < RECORDING_BYTES_MAX)
		buf_add(&text, chunk, (size_t)n);
	gzclose(file);
	root = n == 0 && text.data ? json_loadb(text.data, text.len, 0, &error) : NULL;
	if (!root)
		fail_msg("%s is no recording", path);
	return root;
}

static void recording_take(struct recording *r, json_t *root)
{
	const json_t *snapshots;

	*r = (struct recording){.root = root};
	r->expect = json_object_get(r->root, "expect");
	snapshots = json_object_get(r->root, "snapshots");
	assert_true(json_is_object(r->expect));
	r->n_snapshots = json_array_size(snapshots);
	assert_true(r->n_snapshots >= 2);
	r->snapshots = calloc(r->n_snapshots, sizeof(*r->snapshots));
	assert_non_null(r->snapshots);
	for (size_t i = 0; i < r->n_snapshots; i++) {
		snapshot_read(&r->snapshots[i], json_incref(json_array_get(snapshots, i)));
		r->snapshots[i].s.sequence = i + 1;
	}
	r->last = &r->snapshots[r->n_snapshots - 1].s;
	diagnosis_options_init(&r->options);
	/* As the verb does where checks of capabilities are counted. */
	if (json_object_get(json_array_get(snapshots, 0), "checks"))
		r->options.rules |= 1ULL << RULE_UNUSED_PRIVILEGE;
}

void recording_read(struct recording *r, const char *path)
{
	recording_take(r, file_load(path));
}

/* ---- beside another one ---- */

/* Process ids of two recordings may be the same. */
#define PIDS_APART 10000000

static void number_move(json_t *row, const char *key)
{
	json_t *value = json_object_get(row, key);

	if (json_is_integer(value))
		json_integer_set(value, json_integer_value(value) + PIDS_APART);
}

/* Both may have containers of one name. */
static void names_move(json_t *row)
{
	static const char *const keys[] = {"name",   "cgroup",	      "container", "container_cgroup",
					   "waiter", "waiter_cgroup", "runner",	   "runner_cgroup"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (*json_text(row, keys[i]) && strcmp(json_text(row, keys[i]), "~other") != 0)
			json_object_set_new(row, keys[i], json_sprintf("/beside%s", json_text(row, keys[i])));
}

static void host_add(json_t *into, const json_t *from, const char *key)
{
	json_object_set_new(into, key,
			    json_real(json_number_value(json_object_get(into, key)) +
				      json_number_value(json_object_get(from, key))));
}

static bool row_is_machine(const json_t *row)
{
	return strcmp(json_text(row, "kind"), "host") == 0 || strcmp(json_text(row, "container"), "host") == 0;
}

static void snapshot_join(json_t *into, const json_t *from)
{
	static const char *const lists[] = {"containers", "processes", "groups", "neighbours", "loops", "ports"};

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		json_t *rows = json_object_get(from, lists[l]), *row;
		size_t i;

		json_array_foreach (rows, i, row) {
			if (row_is_machine(row))
				continue;
			names_move(row);
			number_move(row, "pid");
			number_move(row, "ppid");
			number_move(row, "tid");
			json_array_append(json_object_get(into, lists[l]), row);
		}
	}
	host_add(json_object_get(into, "host"), json_object_get(from, "host"), "cpus");
	host_add(json_object_get(into, "host"), json_object_get(from, "host"), "cpu_cores");
	host_add(json_object_get(into, "host"), json_object_get(from, "host"), "cpu_seconds_total");
}

void recording_read_beside(struct recording *r, const char *path, const char *other)
{
	json_t *root = file_load(path), *beside = file_load(other);
	const json_t *into = json_object_get(root, "snapshots"), *from = json_object_get(beside, "snapshots");
	size_t n = json_array_size(into);

	/* Between the first and the last one nothing happens beside it. */
	for (size_t i = 0; i < n; i++) {
		json_t *one = json_deep_copy(json_array_get(from, i + 1 < n ? 0 : json_array_size(from) - 1));

		snapshot_join(json_array_get(into, i), one);
		json_decref(one);
	}
	json_decref(beside);
	recording_take(r, root);
}

static void diagnosis_forget(struct recording *r)
{
	diagnosis_free(&r->diagnosis);
	window_free(&r->window);
	r->window = (struct window){};
}

void recording_judge(struct recording *r)
{
	diagnosis_forget(r);
	assert_int_equal(watch_begin(&r->window, &r->snapshots[0].s), 0);
	for (size_t i = 1; i + 1 < r->n_snapshots; i++)
		assert_int_equal(window_note(&r->window, &r->snapshots[i].s), 0);
	assert_int_equal(watch_end(&r->window, r->last), 0);
	assert_int_equal(diagnosis_run(&r->diagnosis, &r->window, &r->options, NULL), 0);
}

void recording_free(struct recording *r)
{
	diagnosis_forget(r);
	for (size_t i = 0; i < r->n_snapshots; i++)
		snapshot_copy_free(&r->snapshots[i]);
	free(r->snapshots);
	json_decref(r->root);
}

/* ---- the expectation ---- */

static bool finding_is(const struct finding *f, const json_t *expected)
{
	return strcmp(f->rule, json_text(expected, "rule")) == 0 &&
	       strcmp(f->container, json_text(expected, "container")) == 0;
}

/* What an expectation does not name may be anything. */
static void field_check(struct buf *wrong, const json_t *expected, const char *key, const char *found)
{
	if (json_object_get(expected, key) && strcmp(json_text(expected, key), found) != 0)
		buf_printf(wrong, "the %s is '%s', true is '%s'\n", key, found, json_text(expected, key));
}

static void first_check(struct buf *wrong, const struct findings *found, const json_t *expected)
{
	const struct finding *f = found->all;

	if (!found->n) {
		buf_printf(wrong, "found nothing, true is %s of %s\n", json_text(expected, "rule"),
			   json_text(expected, "container"));
		return;
	}
	field_check(wrong, expected, "rule", f->rule);
	field_check(wrong, expected, "container", f->container);
	field_check(wrong, expected, "culprit", f->culprit_container);
	field_check(wrong, expected, "process", *f->culprit_process ? f->culprit_process : f->comm);
	field_check(wrong, expected, "severity", finding_severity_names[f->severity]);
	for (size_t i = 0; i < json_array_size(json_object_get(expected, "explains")); i++) {
		const char *rule = json_string_value(json_array_get(json_object_get(expected, "explains"), i)) ?: "";
		bool there = false;

		for (size_t k = 0; k < f->n_explains; k++)
			there |= strcmp(f->explains[k].rule, rule) == 0;
		if (!there)
			buf_printf(wrong, "%s does not explain %s\n", f->rule, rule);
	}
}

/* Findings that follow, in this order, with others between them or not. */
static void then_check(struct buf *wrong, const struct findings *found, const json_t *list)
{
	size_t at = 1;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *expected = json_array_get(list, i);

		while (at < found->n && !finding_is(&found->all[at], expected))
			at++;
		if (at++ >= found->n)
			buf_printf(wrong, "%s of %s is not found behind the former\n", json_text(expected, "rule"),
				   json_text(expected, "container"));
	}
}

/* `worst`: "none", or the severity that is still allowed; "": any. */
static bool above(enum finding_severity severity, const char *worst)
{
	size_t allowed = 0;

	while (allowed < FINDING_SEVERITIES && strcmp(finding_severity_names[allowed], worst) != 0)
		allowed++;
	return strcmp(worst, "none") == 0 || (allowed < FINDING_SEVERITIES && severity > allowed);
}

void recording_check(const struct recording *r, struct buf *wrong)
{
	const struct findings *found = &r->diagnosis.findings;
	const json_t *first = json_object_get(r->expect, "first"), *never = json_object_get(r->expect, "never");
	const char *worst = json_text(r->expect, "worst");

	if (json_is_object(first))
		first_check(wrong, found, first);
	then_check(wrong, found, json_object_get(r->expect, "then"));
	for (size_t i = 0; i < found->n; i++) {
		const struct finding *f = &found->all[i];

		if (above(f->severity, worst))
			buf_printf(wrong, "found %s of %s, which is above %s\n", f->rule, f->container, worst);
		for (size_t k = 0; k < json_array_size(never); k++)
			if (strcmp(json_string_value(json_array_get(never, k)) ?: "", f->rule) == 0)
				buf_printf(wrong, "found %s of %s\n", f->rule, f->container);
	}
}
