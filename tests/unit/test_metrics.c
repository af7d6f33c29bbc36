/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_metrics.c - rules that every line of metrics.def has to keep, and that docs/metrics.md is what it generates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>

#include "lib/metrics_doc.h"

typedef const char *(*line_rule)(enum metric_scope scope, const struct metric_desc *lines, size_t n, size_t i);

/* Applies the rule to every line; it returns the fault or NULL. */
static void check_lines(line_rule rule)
{
	int wrong = 0;

	for (int scope = 0; scope < SCOPE_COUNT; scope++) {
		const struct metric_desc *lines;
		size_t n;

		lines = metric_table(scope, &n);
		for (size_t i = 0; i < n; i++) {
			const char *why = rule(scope, lines, n, i);

			if (!why)
				continue;
			print_error("%s %s: %s\n", metric_scope_name(scope), lines[i].id, why);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static bool is_name(const char *s, const char *extra)
{
	if (!islower((unsigned char)*s))
		return false;
	for (; *s; s++)
		if (!islower((unsigned char)*s) && !isdigit((unsigned char)*s) && !strchr(extra, *s))
			return false;
	return true;
}

static const char *rule_family_name(enum metric_scope scope, const struct metric_desc *lines, size_t n, size_t i)
{
	static const char *const prefixes[] = {"sysscope_", "container_", "machine_", "namedprocess_namegroup_"};
	static const char *const abbreviations[] = {"_ns", "_ms", "_us", "_s", "_percent", "_kb", "_b"};
	const char *prom = lines[i].prom;
	bool known = false;

	(void)n;
	if (scope == SCOPE_PROCESS || scope == SCOPE_THREAD)
		return prom ? "no series has a pid" : NULL;
	if (!prom)
		return NULL;
	if (!is_name(prom, "_"))
		return "no valid family name";
	for (size_t p = 0; p < ARRAY_SIZE(prefixes); p++)
		known = known || strncmp(prom, prefixes[p], strlen(prefixes[p])) == 0;
	if (!known)
		return "unknown prefix";
	for (size_t a = 0; a < ARRAY_SIZE(abbreviations); a++)
		if (ends_with(prom, abbreviations[a]))
			return "unit is not a base unit";
	return NULL;
}

static const char *rule_total(enum metric_scope scope, const struct metric_desc *lines, size_t n, size_t i)
{
	const struct metric_desc *d = &lines[i];
	bool counter = d->kind == METRIC_COUNTER;
	const char *dot = d->json ? strchr(d->json, '.') : NULL;
	size_t key_len = d->json ? dot ? (size_t)(dot - d->json) : strlen(d->json) : 0;
	bool key_total = key_len > 6 && strncmp(d->json + key_len - 6, "_total", 6) == 0;

	(void)scope;
	(void)n;
	/* These have no suffix in cAdvisor. */
	if (d->prom && ends_with(d->prom, "_failcnt"))
		return NULL;
	if (d->prom && ends_with(d->prom, "_total") != counter)
		return "counters, and only they, end with _total";
	if (d->json && key_total != metric_grows(d))
		return "keys of counters, and only they, end with _total";
	return NULL;
}

static const char *rule_unit(enum metric_scope scope, const struct metric_desc *lines, size_t n, size_t i)
{
	const struct metric_desc *d = &lines[i];
	const char *want = d->unit == UNIT_NS || d->unit == UNIT_DELAY ? "_seconds"
			   : d->unit == UNIT_RATIO		       ? "_ratio"
								       : NULL;

	(void)scope;
	(void)n;
	/* The name that runtimes use. */
	if (!want || (d->json && strcmp(d->json, "utilization") == 0))
		return NULL;
	if (d->prom && !strstr(d->prom, want))
		return "the family does not name its unit";
	if (d->json && !strstr(d->json, want))
		return "the key does not name its unit";
	return NULL;
}

static bool in_histogram(const struct metric_desc *d)
{
	return metric_grows(d) && d->kind != METRIC_COUNTER;
}

/* Its labels without the bucket's bound, which is the last one. */
static size_t own_labels(const char *labels)
{
	const char *le = strstr(labels, "le=\"");

	return !le ? strlen(labels) : le > labels ? (size_t)(le - labels) - 1 : 0;
}

/* A histogram that follows another one of its family. */
static bool next_histogram(const struct metric_desc *a, const struct metric_desc *b)
{
	return own_labels(a->labels) != own_labels(b->labels) ||
	       strncmp(a->labels, b->labels, own_labels(a->labels)) != 0;
}

static const char *rule_family(enum metric_scope scope, const struct metric_desc *lines, size_t n, size_t i)
{
	const struct metric_desc *d = &lines[i];

	(void)scope;
	if (!d->prom)
		return *d->labels ? "labels without a family" : NULL;
	for (size_t j = i + 1; j < n; j++) {
		if (!lines[j].prom || strcmp(lines[j].prom, d->prom) != 0)
			continue;
		if (!lines[j - 1].prom || strcmp(lines[j - 1].prom, d->prom) != 0)
			return "its family does not stand together";
		if (strcmp(lines[j].labels, d->labels) == 0 && lines[j].kind == d->kind)
			return "two lines of its family have the same labels";
		if (strcmp(lines[j].help, d->help) != 0)
			return "lines of its family differ in help";
		if (in_histogram(d)
			    ? !in_histogram(&lines[j]) || (lines[j].kind < d->kind && !next_histogram(d, &lines[j]))
			    : lines[j].kind != d->kind || lines[j].unit != d->unit)
			return "lines of its family differ in kind or unit, or are out of order";
	}
	return NULL;
}

/* A family must not occur in two scopes: each is written at once. */
static void test_families_of_scopes(void **state)
{
	(void)state;
	for (int a = 0; a < SCOPE_COUNT; a++) {
		for (int b = a + 1; b < SCOPE_COUNT; b++) {
			const struct metric_desc *x, *y;
			size_t n, m;

			x = metric_table(a, &n);
			y = metric_table(b, &m);
			for (size_t i = 0; i < n; i++)
				for (size_t j = 0; j < m; j++)
					if (x[i].prom && y[j].prom)
						assert_string_not_equal(x[i].prom, y[j].prom);
		}
	}
}

static const char *rule_key(enum metric_scope scope, const struct metric_desc *lines, size_t n, size_t i)
{
	/* Keys of rows besides their metrics. */
	static const char *const taken[SCOPE_COUNT] = {
		[SCOPE_HOST] = " hostname kernel ",
		[SCOPE_CONTAINER] =
			" name id runtime image kind cgroup pod namespace parent state uid dead_seconds labels "
			"host_namespaces outside namespace_transitions disks interfaces capabilities_effective "
			"capabilities_permitted "
			"capabilities_bounding ",
		[SCOPE_GROUP] = " container comm state ",
		[SCOPE_PROCESS] =
			" pid ppid uid comm container start_time state kernel namespace_pid namespaces capabilities "
			"model model_reasons model_health capabilities_effective capabilities_permitted "
			"capabilities_bounding ",
		[SCOPE_NEIGHBOUR] = " waiter runner ",
		[SCOPE_THREAD] = " pid tid comm thread container container_cgroup start_time state cpu waits_for ",
		[SCOPE_TRANSITION] = " kind how expected ",
		[SCOPE_INTERFACE] = " name host_interface bridge ",
		[SCOPE_DISK] = " device major minor upon_others flash ",
		[SCOPE_DISK_NEIGHBOUR] = " waiter waiter_cgroup filler filler_cgroup device ",
		[SCOPE_DEVICE] = " device major minor upon_others flash ",
		[SCOPE_PORT] = " container container_cgroup direction port ",
		[SCOPE_TCP_SUM] = " ",
		[SCOPE_LOOP] = " pid tid comm container kind threads last_stall ",
	};
	const char *key = lines[i].json, *dot;
	char padded[80];

	if (!key)
		return lines[i].prom ? NULL : "neither a family nor a key";
	if (!is_name(key, "_.") || strlen(key) > 63)
		return "no valid key";
	dot = strchr(key, '.');
	if (dot && (strchr(dot + 1, '.') || !dot[1]))
		return "keys nest once";
	snprintf(padded, sizeof(padded), " %.*s ", dot ? (int)(dot - key) : (int)strlen(key), key);
	if (strstr(taken[scope], padded))
		return "the row has this key already";
	for (size_t j = 0; j < n; j++) {
		if (j == i || !lines[j].json)
			continue;
		if (strcmp(key, lines[j].json) == 0)
			return "another line has this key";
		if (dot && strncmp(key, lines[j].json, (size_t)(dot - key)) == 0 && !lines[j].json[dot - key])
			return "its object is another line's value";
	}
	return NULL;
}

/* `top` shows titles, and --sort takes them in lower case. */
static const char *rule_title(enum metric_scope scope, const struct metric_desc *lines, size_t n, size_t i)
{
	const struct metric_desc *d = &lines[i];

	(void)scope;
	if (!d->title)
		return d->width ? "a width without a title" : NULL;
	if (!*d->title || (int)strlen(d->title) > d->width)
		return "the title is wider than its column";
	for (const char *p = d->title; *p; p++)
		if (*p <= ' ' || *p > '~' || islower((unsigned char)*p))
			return "a title is printable, in capitals, without blanks";
	for (size_t j = 0; j < n; j++)
		if (j != i && lines[j].title && strcmp(lines[j].title, d->title) == 0)
			return "another line has this title";
	return NULL;
}

static const char *rule_rest(enum metric_scope scope, const struct metric_desc *lines, size_t n, size_t i)
{
	static const char collectors[] = " tasks lifecycle cgroups sched epoll namespaces births oom reclaim disk "
					 "cgroupfs network interfaces host tcp sockets ";
	const struct metric_desc *d = &lines[i];
	char padded[32];

	(void)scope;
	(void)n;
	snprintf(padded, sizeof(padded), " %s ", d->collector);
	if (!strstr(collectors, padded))
		return "unknown collector";
	if (d->sort != 1 && d->sort != -1)
		return "sort is 1 or -1";
	if (!*d->help || d->help[strlen(d->help) - 1] != '.' || strpbrk(d->help, "\n\t"))
		return "help is one sentence on one line";
	return NULL;
}

#define RULE_TEST(rule)                       \
	static void test_##rule(void **state) \
	{                                     \
		(void)state;                  \
		check_lines(rule);            \
	}
RULE_TEST(rule_family_name)
RULE_TEST(rule_total)
RULE_TEST(rule_unit)
RULE_TEST(rule_family)
RULE_TEST(rule_key)
RULE_TEST(rule_title)
RULE_TEST(rule_rest)

static void test_tables(void **state)
{
	const struct metric_desc *lines;
	size_t n;

	(void)state;
	lines = metric_table(SCOPE_CONTAINER, &n);
	assert_int_equal(n, CONTAINER_METRICS);
	/* The Prometheus writer has room for so many lines. */
	assert_true(n <= 256);
	assert_string_equal(lines[CONTAINER_CPU_USAGE].id, "CPU_USAGE");
	assert_string_equal(lines[CONTAINER_LAST_SEEN].id, "LAST_SEEN");
	lines = metric_table(SCOPE_PROCESS, &n);
	assert_int_equal(n, PROCESS_METRICS);
	assert_string_equal(lines[PROCESS_AGE].json, "age_seconds");
	lines = metric_table(SCOPE_HOST, &n);
	assert_int_equal(n, HOST_METRICS);
	lines = metric_table(SCOPE_GROUP, &n);
	assert_int_equal(n, GROUP_METRICS);
	assert_true(n <= 256);
	assert_string_equal(metric_scope_name(SCOPE_GROUP), "group");
	assert_string_equal(namespace_names[0], "pid");
	assert_string_equal(namespace_names[7], "time");
}

static void test_base_value(void **state)
{
	struct metric_desc d = {.unit = UNIT_NS};

	(void)state;
	assert_true(metric_base_value(&d, 1500000000) == 1.5);
	assert_true(value_absent(metric_base_value(&d, VALUE_ABSENT)));
	d.unit = UNIT_UNIX_NS;
	assert_true(metric_base_value(&d, 1.7e18) == 1.7e9);
	d.unit = UNIT_BYTES;
	assert_true(metric_base_value(&d, 4096) == 4096);
}

static void test_doc_is_fresh(void **state)
{
	_cleanup_free_ char *have = NULL;
	_cleanup_buf_ struct buf want = {0};

	(void)state;
	metrics_doc(&want);
	assert_false(want.failed);
	assert_int_equal(read_file("docs/metrics.md", 1 << 20, &have, NULL), 0);
	if (strcmp(have, want.data) != 0)
		fail_msg("docs/metrics.md is stale: run `make docs`");
}

/* The label of a bucket is the bound by which the model counts. */
static void test_buckets(void **state)
{
#define BITS_ROW(NAME, LE, BITS)  {LE, (double)(1000ULL << (BITS))},
#define NS_ROW(NAME, LE, NS, ...) {LE, (double)(NS)},
	static const struct {
		const char *le;
		double ns;
	} rows[] = {DELAY_BUCKETS(BITS_ROW) LOOP_BUCKETS(BITS_ROW) START_BUCKETS(NS_ROW, )};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (fabs(strtod(rows[i].le, NULL) * 1e9 - rows[i].ns) > 0.5)
			fail_msg("le=%s is not %.0f ns", rows[i].le, rows[i].ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_base_value),
		cmocka_unit_test(test_rule_family_name),
		cmocka_unit_test(test_rule_total),
		cmocka_unit_test(test_rule_unit),
		cmocka_unit_test(test_rule_family),
		cmocka_unit_test(test_families_of_scopes),
		cmocka_unit_test(test_rule_key),
		cmocka_unit_test(test_rule_title),
		cmocka_unit_test(test_rule_rest),
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_doc_is_fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
